"""What a connected account is: whose, where its calendars, mail and contacts stand, and what it may be used for.

Values only; `store` keeps them, `linking` makes them. A password or token is never part of them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal, get_args

from msgspec import Struct

from pierian.provenance import Labels, external

Kind = Literal["caldav", "carddav", "imap", "google", "microsoft", "ics", "mcp", "duffel"]
"""What the user linked it as."""
KINDS: tuple[Kind, ...] = get_args(Kind)

NOT_COPIED: tuple[Kind, ...] = ("mcp", "duffel")
"""Kinds of which nothing is copied and synced: they are asked each time."""

ServiceKind = Literal["caldav", "carddav", "imap", "smtp", "ics", "graph", "mcp", "duffel"]
"""A protocol by which something of an account is reached."""
Security = Literal["tls", "starttls", "none"]
"""`none` is for servers on this machine alone."""
SignIn = Literal["password", "oauth", "none"]

CollectionKind = Literal["calendar", "mailbox", "address_book"]


class Service(Struct, frozen=True, kw_only=True):
    """One server of an account, and how one signs in there."""

    kind: ServiceKind
    url: str = ""
    """Of caldav, carddav, ics and graph; of mcp the name of the server in the configuration."""
    host: str = ""
    """Of imap and smtp."""
    port: int = 0
    security: Security = "tls"
    username: str = ""
    sign_in: SignIn = "password"


class Switches(Struct, frozen=True, kw_only=True):
    """What the user lets an account be used for."""

    read: bool = True
    write: bool = False
    """Creating, moving and cancelling events; drafts and labels."""
    send: bool = False
    """Whatever reaches other people: mail, and invitations to events."""
    free_busy_only: bool = False
    """Of its calendars only when they are busy may be known."""


class Account(Struct, frozen=True, kw_only=True):
    """A connected account."""

    id: str
    owner: str
    name: str
    kind: Kind
    address: str
    """Whose it is: a mail address or user name; of ics the address of the file."""
    services: tuple[Service, ...]
    switches: Switches
    created_at: datetime
    problem: str = ""
    """Why the last check or sync failed; empty where it did not."""
    hint: str = ""
    """What to do about it."""
    failures: int = 0
    """How often it has failed in a row."""
    retry_at: datetime | None = None
    """Until then it is left alone, unless somebody asks for it."""
    checked_at: datetime | None = None
    synced_at: datetime | None = None

    def service(self, *kinds: ServiceKind) -> Service | None:
        """The first of its services that is of one of these kinds."""
        return next((one for one in self.services if one.kind in kinds), None)


class Collection(Struct, frozen=True, kw_only=True):
    """A calendar, mailbox or address book of an account."""

    id: int
    account_id: str
    kind: CollectionKind
    path: str
    """At the server: an address, or the name of a mailbox."""
    name: str
    writable: bool
    state: str = "{}"
    """JSON: how far it was synced, in the words of its protocol."""


def written_by(what: Literal["calendar", "mail", "contacts"], account: str, author: str = "") -> Labels:
    """The labels of what came by an account: `mail:work/ann@example.org`, or `contacts:work` where nobody is named.

    A standing rule names them so: `allow calendar_create title from mail:work/*`. The author is what the message says
    of itself, and may be forged; it never makes anything trusted.
    """
    return external(f"{what}:{account}/{author.lower()}" if author else f"{what}:{account}")
