"""Address books for tests: cards, an account at a Radicale server, rows of mail and of events."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import insert, select
from tests.accounts.radicale_server import Radicale, password_of

from pierian.accounts.account import Account, Service, Switches
from pierian.accounts.mail.message import Mailbox, Person, Recipients
from pierian.accounts.secrets import Secret
from pierian.accounts.store import Accounts
from pierian.accounts.sync_state import set_state
from pierian.storage.account_tables import calendar_objects, contacts, messages, occurrences
from pierian.storage.database import Database
from pierian.storage.ids import new_id

SECRET = Secret(password=password_of("ann"))


def card(uid: str, name: str, *lines: str) -> str:
    """A card of version 3.0."""
    more = "".join(f"{line}\r\n" for line in lines)
    return f"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{uid}\r\nFN:{name}\r\n{more}END:VCARD\r\n"


def make_book(server: Radicale, path: str = "/ann/friends/", name: str = "Friends") -> None:
    """An empty address book."""
    body = (
        '<?xml version="1.0"?><d:mkcol xmlns:d="DAV:" xmlns:a="urn:ietf:params:xml:ns:carddav"><d:set><d:prop>'
        f"<d:resourcetype><d:collection/><a:addressbook/></d:resourcetype><d:displayname>{name}</d:displayname>"
        "</d:prop></d:set></d:mkcol>"
    )
    status, answer = server.ask("MKCOL", path, body)
    assert status == 201, answer


def put_card(server: Radicale, path: str, text: str) -> None:
    """A card, as another program writes it."""
    status, answer = server.ask("PUT", path, text, Content_Type="text/vcard; charset=utf-8")
    assert status in (201, 204), answer


def linked(accounts: Accounts, url: str, name: str = "home", **services: Any) -> Account:
    """An account with its address books at `url`."""
    service = Service(kind="carddav", url=url, username="ann")
    return accounts.add(name, "carddav", "ann@example.org", [service], Switches(write=True))


def kept_names(database: Database) -> list[str]:
    """The names of all cards in the copy."""
    with database.read() as connection:
        return sorted(connection.execute(select(contacts.c.name)).scalars())


def add_mail(
    accounts: Accounts,
    account: Account,
    sent_at: datetime,
    sender: tuple[str, str],
    to: Sequence[tuple[str, str]],
    *,
    role: str = "inbox",
    subject: str = "Hello",
    text: str = "Hello there",
    **columns: Any,
) -> None:
    """A message in the copy of a mailbox."""
    mailbox = accounts.keep_collection(account, "mailbox", role, role.title(), writable=True)
    with accounts.database.write() as connection:
        if mailbox.state == "{}":
            state = msgspec.json.encode(Mailbox(role=role, complete=True)).decode()  # type: ignore[arg-type]
            set_state(connection, mailbox, state)
        uid = len(connection.execute(select(messages.c.id)).all()) + 1
        recipients = Recipients(to=tuple(Person(*one) for one in to))
        row: dict[str, Any] = {
            "collection_id": mailbox.id,
            "uid": uid,
            "digest": f"{uid:012x}",
            "message_id": f"<{uid}@example.org>",
            "ancestors": "",
            "thread": f"<{uid}@example.org>",
            "topic": "",
            "sent_at": int(sent_at.timestamp()),
            "sender": sender[1].lower(),
            "sender_name": sender[0],
            "recipients": msgspec.json.encode(recipients).decode(),
            "subject": subject,
            "flags": " \\Seen ",
            "size": 100,
            "parts": "[]",
            "automatic": False,
            "problem": "",
            "text": text,
        }
        connection.execute(insert(messages).values(row | columns))


def add_event(
    accounts: Accounts,
    account: Account,
    begins: datetime,
    ends: datetime,
    summary: str,
    *,
    location: str = "",
    organizer: str = "",
    attendees: str = "",
    uid: str = "",
    calendar: str = "Work",
    **columns: Any,
) -> int:
    """An event in the copy of a calendar; returns its row."""
    collection = accounts.keep_collection(account, "calendar", calendar, calendar, writable=True)
    with accounts.database.write() as connection:
        own = uid or new_id()
        added = connection.execute(
            insert(calendar_objects)
            .values(
                collection_id=collection.id,
                href=f"/{own}.ics",
                uid=own,
                etag='"1"',
                data="",
            )
            .returning(calendar_objects.c.id)
        ).scalar_one()
        row = {
            "object_id": added,
            "collection_id": collection.id,
            "begins": int(begins.timestamp()),
            "ends": int(ends.timestamp()),
            "lasts_long": (ends - begins).total_seconds() > 86_400,
            "whole_days": False,
            "busy": True,
            "status": "confirmed",
            "recurrence": "",
            "summary": summary,
            "location": location,
            "organizer": organizer,
            "attendees": attendees,
            "folded": summary.lower(),
        }
        connection.execute(insert(occurrences).values(row | columns))
    return added
