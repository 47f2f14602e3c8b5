"""WorkBench's tables as a real calendar server and a real mail server, which Pierian's own tools work on.

Radicale has the events, Dovecot the inbox, and a server on loopback takes what is sent. Between requests everything
is put back to how it was: the folders of the servers and the database are copied from a snapshot. What a request has
changed is read from the servers, not from what tools say.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Generator, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from datetime import time as clock
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Any, cast

from icalendar import Calendar
from tests.accounts.calendar_world import Letters
from tests.accounts.dovecot_server import PASSWORD, Dovecot
from tests.accounts.mail_accounts import KEY
from tests.accounts.radicale_server import Radicale, password_of
from tests.accounts.smtp_server import Outbox, outbox

from benchmarks.workbench_tasks import NOW, USER, Change, Event, Mail, Tables, changed, created, plain, sent
from pierian.accounts.account import Service, Switches
from pierian.accounts.calendars.free_time import WorkingHours
from pierian.accounts.calendars.syncing import sync_calendars
from pierian.accounts.calendars.tools import calendar_tools
from pierian.accounts.contacts.keeping import KeptCard, keep
from pierian.accounts.contacts.tools import contact_tools
from pierian.accounts.contacts.vcards import read_card
from pierian.accounts.mail.syncing import sync_mail
from pierian.accounts.mail.tools import mail_tools
from pierian.accounts.secrets import Sealer, Secret
from pierian.accounts.store import Accounts
from pierian.storage import Database, open_database
from pierian.tools import Tool

ALL = Switches(write=True, send=True)
CALENDAR = "/ann/work/"
HOURS = WorkingHours(ends=clock(18), days=(0, 1, 2, 3, 4, 5, 6))
"""WorkBench's meetings begin at nine and end by six, on every day of the week."""
_FORWARDED = "---------- Forwarded message ----------"


class World:
    """The servers, filled; `opened` gives one request's tools over them."""

    def __init__(
        self, folder: Path, tables: Tables, calendars: Radicale, mails: Dovecot, letters: Outbox
    ) -> None:
        self.folder, self.tables = folder, tables
        self._calendars, self._mails, self._letters = calendars, mails, letters
        self._places = {
            "calendar": calendars.home / "data" / "collection-root" / CALENDAR.strip("/"),
            "mail": mails.folder / "mail" / USER,
            "database": folder / "home",
        }

    def fill(self) -> None:
        """Put the tables onto the servers, link and sync the accounts, and keep a snapshot."""
        self._calendars.make_calendar(CALENDAR)
        self._calendars.upload([_component(event) for event in self.tables.events], CALENDAR)
        with self._mails.client(USER) as client:
            for mail in self.tables.mails:
                client.append("INBOX", _letter(mail), (), mail.sent)
        self._places["database"].mkdir()
        with self._database() as database:
            accounts = Accounts(database)
            sealer, secret = Sealer(KEY), Secret(password=password_of("ann"))
            at = Service(kind="caldav", url=self._calendars.url, username="ann")
            out = Service(
                kind="smtp", host="127.0.0.1", port=self._letters.port, security="none", username=USER
            )
            calendar = accounts.add("calendar", "caldav", USER, [at, out], ALL, sealer.seal(secret))
            sync_calendars(accounts, calendar, secret)
            box = Service(
                kind="imap", host="127.0.0.1", port=self._mails.port, security="none", username=USER
            )
            secret = Secret(password=PASSWORD)
            mail = accounts.add("mail", "imap", USER, [box, out], ALL, sealer.seal(secret))
            sync_mail(accounts, mail, secret)
            book = accounts.keep_collection(mail, "address_book", "book", "People", writable=False)
            cards = [
                KeptCard(f"/{at}", "1", read_card(_card(one))) for at, one in enumerate(self.tables.people)
            ]
            keep(database, book, cards)
        for name, place in self._places.items():
            shutil.copytree(place, self.folder / "snapshot" / name, copy_function=shutil.copy2)

    @contextmanager
    def opened(self) -> Generator[tuple[Database, dict[str, Tool]]]:
        """Everything as it was at first, and the tools over it."""
        for name, place in self._places.items():
            owner = place.stat()
            shutil.rmtree(place)
            shutil.copytree(self.folder / "snapshot" / name, place, copy_function=shutil.copy2)
            for one in (place, *place.rglob("*")):
                shutil.chown(one, owner.st_uid, owner.st_gid)
        self._letters.messages.clear()
        self._letters.recipients.clear()
        with self._database() as database:
            accounts = Accounts(database)
            made = [
                *calendar_tools(
                    accounts, lambda: Sealer(KEY), now=lambda: NOW, hours=HOURS, mail=cast(Any, Letters())
                ),
                *mail_tools(accounts, lambda: Sealer(KEY), now=lambda: NOW, folder=self.folder / "files"),
                *contact_tools(accounts, now=lambda: NOW),
            ]
            yield database, {tool.name: tool for tool in made}

    def changes(self) -> Counter[Change]:
        """What is different from the tables."""
        return Counter([*self._of_calendar(), *self._of_inbox(), *self._of_letters()])

    def _database(self) -> Database:
        return open_database(self._places["database"] / "pierian.db")

    def _of_calendar(self) -> Iterator[Change]:
        status, text = self._calendars.ask("GET", CALENDAR)
        assert status == 200, text
        known = {event.id: event for event in self.tables.events}
        for part in Calendar.from_ical(text).walk("VEVENT"):
            uid, title = str(part["UID"]), str(part.get("SUMMARY", ""))
            start: datetime = part["DTSTART"].dt
            minutes = int((part["DTEND"].dt - start) / timedelta(minutes=1))
            if (event := known.pop(uid, None)) is None:
                yield created(title, _attendees(part), start.astimezone(UTC), minutes)
            elif (title, start, minutes) != (event.title, event.start, event.minutes):
                yield changed(uid, title, start.astimezone(UTC), minutes)
        for uid in known:
            yield ("event cancelled", uid)

    def _of_inbox(self) -> Iterator[Change]:
        with self._mails.client(USER) as client:
            client.select_folder("INBOX", readonly=True)
            found = client.fetch(client.search(), ["ENVELOPE"])
        left = {data[b"ENVELOPE"].message_id.decode() for data in found.values()}
        for mail in self.tables.mails:
            if _message_id(mail.id) not in left:
                yield ("mail deleted", mail.id)

    def _of_letters(self) -> Iterator[Change]:
        by_id = {_message_id(mail.id): mail for mail in self.tables.mails}
        for letter, people in zip(self._letters.messages, self._letters.recipients, strict=True):
            text = str(letter.get_content())
            answered = by_id.get(str(letter.get("In-Reply-To", "")))
            if answered is not None and [*map(plain, people)] == [plain(answered.sender)]:
                yield ("mail answered", answered.id, plain(text))
            elif _FORWARDED in text:
                for person in people:
                    yield ("mail forwarded", self._forwarded(text), plain(person))
            else:
                for person in people:
                    yield sent(person, str(letter["Subject"]), text)

    def _forwarded(self, text: str) -> str:
        """The id of the mail that a letter passes on."""
        head = text.partition(_FORWARDED)[2]
        fields: Mapping[str, str] = dict(
            line.split(": ", 1) for line in head.strip().splitlines()[:4] if ": " in line
        )
        for mail in self.tables.mails:
            same = fields.get("Date") == f"{mail.sent:%Y-%m-%d %H:%M} UTC" and mail.sender in fields["From"]
            if same and plain(fields["Subject"]) == plain(mail.subject):
                return mail.id
        return "?"


@contextmanager
def world(folder: Path, tables: Tables) -> Generator[World]:
    """The servers, running and filled."""
    for name in ("radicale", "dovecot"):
        (folder / name).mkdir()
    with ExitStack() as stack:
        calendars = Radicale(folder / "radicale")
        calendars.start()
        stack.callback(calendars.kill)
        mails = Dovecot(folder / "dovecot")
        mails.start()
        stack.callback(mails.kill)
        made = World(folder, tables, calendars, mails, stack.enter_context(outbox()))
        made.fill()
        yield made


def _component(event: Event) -> str:
    lines = [
        "BEGIN:VEVENT",
        f"UID:{event.id}",
        "DTSTAMP:20230101T000000Z",
        f"SUMMARY:{event.title}",
        f"DTSTART:{event.start:%Y%m%dT%H%M%SZ}",
        f"DTEND:{event.end:%Y%m%dT%H%M%SZ}",
        f"ORGANIZER:mailto:{USER}",
        f"ATTENDEE;CN={_name(event.person)}:mailto:{event.person}",
        "END:VEVENT",
    ]
    return "\r\n".join(lines)


def _letter(mail: Mail) -> bytes:
    letter = EmailMessage()
    letter["From"] = f"{_name(mail.sender)} <{mail.sender}>"
    letter["To"] = USER
    letter["Subject"] = mail.subject
    letter["Date"] = format_datetime(mail.sent)
    letter["Message-ID"] = _message_id(mail.id)
    letter.set_content(mail.body)
    return letter.as_bytes()


def _card(person: str) -> str:
    lines = [
        "BEGIN:VCARD",
        "VERSION:3.0",
        f"UID:{person}",
        f"FN:{_name(person)}",
        f"EMAIL:{person}",
        "END:VCARD",
        "",
    ]
    return "\r\n".join(lines)


def _name(person: str) -> str:
    return person.partition("@")[0].replace(".", " ").title()


def _message_id(mail: str) -> str:
    return f"<{mail}@workbench.example>"


def _attendees(part: Any) -> str:
    found = part.get("ATTENDEE", [])
    people = found if isinstance(found, list) else [found]
    addresses = (str(one).lower().removeprefix("mailto:") for one in cast(list[Any], people))
    return ",".join(sorted(one for one in addresses if one != USER))
