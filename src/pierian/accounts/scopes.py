"""What an OAuth consent asks for, and why: as much as the switches of an account need, and what each service needs.

A scope belongs to a resource: Microsoft gives a token for one resource at a time, Google one token for all. The names
are those of the providers (developers.google.com/identity/protocols/oauth2/scopes, learn.microsoft.com/exchange/
client-developer/legacy-protocols, learn.microsoft.com/graph/permissions-reference).
"""

from __future__ import annotations

from typing import Literal, get_args

from msgspec import Struct

from pierian.accounts.account import ServiceKind, Switches

Part = Literal["calendars", "mail", "contacts"]
"""What of a person's world an account holds."""
PARTS: tuple[Part, ...] = get_args(Part)

OUTLOOK, GRAPH = "https://outlook.office.com", "https://graph.microsoft.com"


class Scope(Struct, frozen=True, kw_only=True):
    """One permission."""

    name: str
    why: str
    part: Part | None = None
    """What it is for; None for those that tell who signed in, and for how long."""
    resource: str = ""


def scopes_for(
    kind: Literal["google", "microsoft"], switches: Switches, parts: tuple[Part, ...]
) -> tuple[Scope, ...]:
    """The scopes that these switches need, in the order in which they are shown."""
    made = _google(switches) if kind == "google" else _microsoft(switches)
    return tuple(one for one in made if one.part is None or one.part in parts)


def resource_of(service: ServiceKind, kind: str) -> str:
    """The resource whose token a service takes."""
    if kind != "microsoft":
        return ""
    return GRAPH if service == "graph" else OUTLOOK


_WORDS: dict[Part, tuple[str, ...]] = {
    "calendars": ("/calendar",),
    "mail": ("mail.google.com", "imap."),
    "contacts": ("carddav", "/contacts."),
}


def consented_parts(scopes: tuple[str, ...]) -> tuple[Part, ...]:
    """What of a person's world an OAuth consent covers."""
    granted = " ".join(scopes).lower()
    return tuple(part for part in PARTS if any(word in granted for word in _WORDS[part]))


def _google(switches: Switches) -> tuple[Scope, ...]:
    changes = "read and change" if switches.write else "read (Google has no scope for reading alone here)"
    sends = "read and send" if switches.send else "read (Google has no scope for reading alone here)"
    return (
        Scope(name="openid", why="to know who signed in"),
        Scope(name="email", why="to know the address of who signed in"),
        Scope(
            name="https://www.googleapis.com/auth/calendar",
            why=f"to {changes} calendars by CalDAV",
            part="calendars",
        ),
        Scope(name="https://mail.google.com/", why=f"to {sends} mail by IMAP and SMTP", part="mail"),
        Scope(
            name="https://www.googleapis.com/auth/carddav", why="to read contacts by CardDAV", part="contacts"
        ),
    )


def _microsoft(switches: Switches) -> tuple[Scope, ...]:
    changes = switches.write or switches.send
    mail = [
        Scope(
            name=f"{OUTLOOK}/IMAP.AccessAsUser.All",
            why="to read mail by IMAP (Microsoft has no scope for reading alone here)",
            part="mail",
            resource=OUTLOOK,
        )
    ]
    if switches.send:
        mail.append(
            Scope(name=f"{OUTLOOK}/SMTP.Send", why="to send mail by SMTP", part="mail", resource=OUTLOOK)
        )
    return (
        Scope(name="openid", why="to know who signed in"),
        Scope(name="email", why="to know the address of who signed in"),
        Scope(name="profile", why="to know the name that one signs in with"),
        Scope(name="offline_access", why="to sync later without asking each time"),
        *mail,
        Scope(
            name=f"{GRAPH}/{'Calendars.ReadWrite' if changes else 'Calendars.Read'}",
            why=f"to read {'and change ' if changes else ''}calendars",
            part="calendars",
            resource=GRAPH,
        ),
        Scope(name=f"{GRAPH}/Contacts.Read", why="to read contacts", part="contacts", resource=GRAPH),
    )
