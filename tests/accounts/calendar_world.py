"""A user with a calendar at a real server, and texts of events, for the tests of calendars."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from cryptography.fernet import Fernet
from tests.accounts.radicale_server import Radicale, password_of

from pierian.accounts.account import Account, Service, Switches
from pierian.accounts.calendars.event import Event
from pierian.accounts.calendars.reading import events_between
from pierian.accounts.calendars.syncing import sync_calendars
from pierian.accounts.calendars.tools import calendar_tools
from pierian.accounts.secrets import Sealer, Secret
from pierian.accounts.store import Accounts
from pierian.accounts.syncing import Synced
from pierian.provenance import USER, Labelled
from pierian.storage import open_database
from pierian.tools import Context, Tool, invoke

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime.now(BERLIN).replace(hour=12, minute=0, second=0, microsecond=0)
"""Noon today: what is worked out is around the day on which the tests run."""


def day(number: int, hour: int = 0, minute: int = 0) -> datetime:
    """A time some days from today."""
    return datetime.combine((NOW + timedelta(days=number)).date(), NOW.time(), BERLIN).replace(
        hour=hour, minute=minute
    )


def stamp(moment: datetime) -> str:
    """A local time as iCalendar writes it."""
    return f"{moment:%Y%m%dT%H%M%S}"


def vevent(uid: str, begins: datetime, *lines: str, minutes: int = 60, summary: str = "") -> str:
    """A VEVENT in Berlin."""
    return "\r\n".join(
        [
            "BEGIN:VEVENT",
            f"UID:{uid}",
            "DTSTAMP:20260101T000000Z",
            f"SUMMARY:{summary or uid}",
            f"DTSTART;TZID=Europe/Berlin:{stamp(begins)}",
            f"DTEND;TZID=Europe/Berlin:{stamp(begins + timedelta(minutes=minutes))}",
            *lines,
            "END:VEVENT",
        ]
    )


def vcalendar(*components: str) -> str:
    """An object with these components."""
    return "\r\n".join(
        ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Test//EN", *components, "END:VCALENDAR", ""]
    )


class Letters:
    """Keeps letters instead of sending them; each once, as the real one does."""

    def __init__(self) -> None:
        self.sent: list[EmailMessage] = []

    def send(self, account: Account, message: EmailMessage) -> object:
        if not self.was_sent(account, str(message["Message-ID"])):
            self.sent.append(message)
        return None

    def was_sent(self, account: Account, message_id: str) -> bool:
        return any(one["Message-ID"] == message_id for one in self.sent)


class World:
    """A user, their database, and an account at a server."""

    def __init__(self, home: Path, server: Radicale) -> None:
        self.server = server
        self.database = open_database(home / "world.db")
        self.accounts = Accounts(self.database)
        self.sealer = Sealer(Fernet.generate_key())
        self.letters: Any = Letters()
        self.account = self.link("ann", name="work", switches=Switches(write=True, send=True))

    def link(self, user: str, *, name: str, switches: Switches | None = None, mail: bool = True) -> Account:
        """One more account at the server."""
        services = [Service(kind="caldav", url=self.server.url, username=user)]
        if mail:
            services.append(Service(kind="smtp", host="127.0.0.1", port=1, security="none", username=user))
        return self.accounts.add(
            name,
            "caldav",
            f"{user}@example.org",
            services,
            switches or Switches(),
            self.sealer.seal(Secret(password=password_of(user))),
        )

    def sync(self, account: Account | None = None) -> Synced:
        """Sync an account, by default the first."""
        account = account or self.account
        return sync_calendars(
            self.accounts, account, Secret(password=password_of(account.address.partition("@")[0]))
        )

    def events(self, first: int = -400, last: int = 800) -> list[Event]:
        """What is known between two days."""
        return events_between(
            self.database, self.accounts.list(), day(first), day(last), zone=BERLIN, most=10_000
        )

    @property
    def tools(self) -> dict[str, Tool]:
        """The tools as they are offered now."""
        made = calendar_tools(self.accounts, lambda: self.sealer, now=lambda: NOW, mail=self.letters)
        return {one.name: one for one in made}

    async def call(self, tool: str, key: str = "key", *, lookup: bool = False, **arguments: Any) -> Any:
        """The value of a call with the user's own words."""
        found = await self.labelled(tool, key, lookup=lookup, **arguments)
        return None if found is None else found.value

    async def labelled(
        self, tool: str, key: str = "key", *, lookup: bool = False, **arguments: Any
    ) -> Labelled | None:
        """The value with its labels."""
        given = {name: Labelled(value, USER) for name, value in arguments.items()}
        return await invoke(self.tools[tool], given, Context(key), lookup=lookup)

    def at_server(self, user: str = "ann", calendar: str = "work") -> str:
        """All that the server has in a calendar."""
        return self.server.ask("GET", f"/{user}/{calendar}/", user=user)[1]


def titles(events: Sequence[Event]) -> list[str]:
    """The titles of events."""
    return [event.title for event in events]
