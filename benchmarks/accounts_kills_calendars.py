"""What is done with a calendar while its server is killed, and what the server and the copy hold afterwards.

The server's objects are read here by `icalendar` itself, not by what is measured.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from xml.etree.ElementTree import fromstring

import icalendar
from sqlalchemy import select
from tests.accounts.calendar_world import World, day, vcalendar, vevent
from tests.accounts.radicale_server import Radicale

from benchmarks.accounts_runs import Row
from pierian.accounts.calendars.event import Event, NewEvent
from pierian.accounts.calendars.working_out import WorkingOut
from pierian.accounts.calendars.writing import Writer
from pierian.storage.account_tables import calendar_objects, occurrences

EVENTS = 300
CALENDAR = "/ann/work/"
DAV, CALDAV = "{DAV:}", "{urn:ietf:params:xml:ns:caldav}"
Place = tuple[str, str, str, tuple[str, ...]]
"""An event as it stands at the server: its title, when it begins, which occurrence it is, and which are left out."""


class CalendarRounds:
    """A user with a calendar of some hundred events at a server that is killed again and again."""

    def __init__(self, server: Radicale, folder: Path) -> None:
        self.world = World(folder, server)
        self.letters = self.world.letters
        server.make_calendar()
        server.upload([_utc(vevent(f"e{n}", day(n % 300, 8 + n % 9))) for n in range(EVENTS)])
        self.world.sync()

    def sync(self, number: int, drawn: random.Random) -> _Sync:
        """Other clients have changed some; every third time all of it is synced anew."""
        before = self.at_server()
        world = self.world
        uids = sorted(before)
        for at, href in enumerate(drawn.sample(uids, 30)):
            if at < 15:
                world.server.ask("DELETE", href)
            else:
                uid = href.rpartition("/")[2].removesuffix(".ics")
                begins = day(drawn.randrange(300), 7)
                world.server.put(href, _utc(vcalendar(vevent(uid, begins, summary=f"{uid} {number}"))))
        for at in range(15):
            uid = f"r{number}-{at}"
            world.server.put(
                f"{CALENDAR}{uid}.ics", _utc(vcalendar(vevent(uid, day(drawn.randrange(300), 9))))
            )
        if number % 3 == 0:
            for collection in world.accounts.collections(world.account):
                world.accounts.drop_collection(collection)
        return _Sync(self, before, self.at_server())

    def write(self, number: int, drawn: random.Random) -> _Write:
        """One of six things that are written, in turn."""
        kinds = (_create, _move, _rename, _cancel, _move_one, _cancel_one)
        self.world.sync()
        act = kinds[number % len(kinds)](self, number, drawn)
        before = self.places()
        return _Write(self, act, before)

    def at_server(self) -> dict[str, tuple[str, str]]:
        """Version and text of each object that the server has."""
        asked = (
            '<?xml version="1.0"?><c:calendar-query xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav">'
            "<d:prop><d:getetag/><c:calendar-data/></d:prop><c:filter><c:comp-filter name='VCALENDAR'/></c:filter>"
            "</c:calendar-query>"
        )
        status, answer = self.world.server.ask("REPORT", CALENDAR, asked, Depth="1")
        assert status == 207, answer
        return {
            unquote(str(one.findtext(f"{DAV}href"))): (
                str(one.findtext(f".//{DAV}getetag")),
                _lines(str(one.findtext(f".//{CALDAV}calendar-data"))),
            )
            for one in fromstring(answer).iter(f"{DAV}response")
        }

    def in_copy(self) -> dict[str, tuple[str, str, int, int]]:
        """Version and text of each object of the copy, its row, and how many occurrences are kept of it."""
        with self.world.database.read() as connection:
            objects = list(connection.execute(select(calendar_objects)))
            counted = Counter(connection.execute(select(occurrences.c.object_id)).scalars())
        return {unquote(row.href): (row.etag, _lines(row.data), row.id, counted[row.id]) for row in objects}

    def places(self) -> Counter[Place]:
        """All events that the server has; raises where one cannot be read."""
        return Counter(place for _, text in self.at_server().values() for place in _places(text))

    def differences(self) -> Row:
        """What is not the same here and at the server after a sync."""
        there, here = self.at_server(), self.in_copy()
        uids = Counter(_uid(text) for _, text in there.values())
        return {
            "lost": len(there.keys() - here.keys()),
            "doubled": len(here.keys() - there.keys()) + sum(n - 1 for n in uids.values()),
            "half": self.halves(here),
            "other": sum(here[href][:2] != there[href] for href in here.keys() & there.keys()),
        }

    def halves(self, here: dict[str, tuple[str, str, int, int]]) -> int:
        """Objects of the copy of which not all is kept, or whose text is no whole one."""
        with WorkingOut(self.world.database, self.world.account) as working:
            found = working.parse([text for _, text, _, _ in here.values()])
        return sum(
            bool(one.problem) or len(one.occurrences) != kept
            for one, (_, _, _, kept) in zip(found, here.values(), strict=True)
        )


class _Sync:
    """A sync of what others have changed."""

    def __init__(
        self, rounds: CalendarRounds, before: dict[str, tuple[str, str]], after: dict[str, tuple[str, str]]
    ) -> None:
        self._rounds = rounds
        self._versions = set(before.items()) | set(after.items())
        self._between: Row = {}

    def begin(self) -> None:
        self._rounds.world.sync()

    def finish(self) -> None:
        # What an interrupted sync leaves is old or new for each object, and whole.
        here = self._rounds.in_copy()
        odd = sum((href, row[:2]) not in self._versions for href, row in here.items())
        self._between = {"half": self._rounds.halves(here), "other": odd}
        self._rounds.world.sync()

    def faults(self) -> Row:
        found = self._rounds.differences()
        return {name: value + self._between.get(name, 0) for name, value in found.items()}


class _Act:
    """Something that is written, how it is looked up, and what it changes among the places."""

    def __init__(
        self,
        do: Callable[[], object],
        is_done: Callable[[], bool],
        adds: set[Place],
        removes: set[Place],
        letters: int = 0,
    ) -> None:
        self.do, self.is_done, self.adds, self.removes, self.letters = do, is_done, adds, removes, letters


class _Write:
    """One thing that is written."""

    def __init__(self, rounds: CalendarRounds, act: _Act, before: Counter[Place]) -> None:
        self._rounds, self._act, self._before = rounds, act, before
        self._sent = len(rounds.letters.sent)

    def begin(self) -> None:
        self._act.do()

    def finish(self) -> None:
        if not self._act.is_done():
            self._act.do()
        self._rounds.world.sync()

    def faults(self) -> Row:
        expected = self._before + Counter(self._act.adds) - Counter(self._act.removes)
        found = self._rounds.places()
        missing, more = expected - found, found - expected
        wrong = self._rounds.differences()
        told = len(self._rounds.letters.sent) - self._sent
        row = {
            **wrong,
            "lost": wrong["lost"] + sum(missing.values()) + max(0, self._act.letters - told),
            "doubled": wrong["doubled"] + sum(more.values()) + max(0, told - self._act.letters),
        }
        return row | ({"seen": [str(missing), str(more)]} if missing or more else {})


def _create(rounds: CalendarRounds, number: int, drawn: random.Random) -> _Act:
    begins, key, title = day(drawn.randrange(300), drawn.randrange(7, 20)), f"step {number}", f"New {number}"
    others = ("bob@example.net",) if number % 4 == 0 else ()
    wanted = NewEvent(title=title, begins=begins, ends=begins + timedelta(hours=1), attendees=others)
    writer = _writer(rounds)
    return _Act(
        lambda: writer.create(wanted, key=key),
        lambda: writer.find_created("", others, key) is not None,
        {(title, _at(begins), "", ())},
        set(),
        len(others),
    )


def _move(rounds: CalendarRounds, number: int, drawn: random.Random) -> _Act:
    event = drawn.choice(_singles(rounds))
    begins, key, writer = day(drawn.randrange(300), drawn.randrange(7, 20)), f"step {number}", _writer(rounds)
    return _Act(
        lambda: writer.move(event.id, begins, key=key),
        lambda: writer.find_changed(event.id, key) is not None,
        {(event.title, _at(begins), "", ())},
        {(event.title, _at(event.begins), "", ())},
    )


def _rename(rounds: CalendarRounds, number: int, drawn: random.Random) -> _Act:
    event, key, writer = drawn.choice(_singles(rounds)), f"step {number}", _writer(rounds)
    return _Act(
        lambda: writer.rename(event.id, f"Named {number}", key=key),
        lambda: writer.find_changed(event.id, key) is not None,
        {(f"Named {number}", _at(event.begins), "", ())},
        {(event.title, _at(event.begins), "", ())},
    )


def _cancel(rounds: CalendarRounds, number: int, drawn: random.Random) -> _Act:
    event, key, writer = drawn.choice(_singles(rounds)), f"step {number}", _writer(rounds)
    return _Act(
        lambda: writer.cancel(event.id, key=key),
        lambda: writer.is_cancelled(event.id, key=key),
        set(),
        {(event.title, _at(event.begins), "", ())},
    )


def _move_one(rounds: CalendarRounds, number: int, drawn: random.Random) -> _Act:
    events, key, writer = _series(rounds, number), f"step {number}", _writer(rounds)
    event = drawn.choice(events)
    begins = event.begins + timedelta(hours=3)
    return _Act(
        lambda: writer.move(event.id, begins, key=key),
        lambda: writer.find_changed(event.id, key) is not None,
        {(event.title, _at(begins), _at(event.begins), ())},
        set(),
    )


def _cancel_one(rounds: CalendarRounds, number: int, drawn: random.Random) -> _Act:
    events, key, writer = _series(rounds, number), f"step {number}", _writer(rounds)
    event, whole = drawn.choice(events), (events[0].title, _at(events[0].begins), "")
    return _Act(
        lambda: writer.cancel(event.id, key=key),
        lambda: writer.is_cancelled(event.id, key=key),
        {(*whole, (_at(event.begins),))},
        {(*whole, ())},
    )


def _writer(rounds: CalendarRounds) -> Writer:
    world = rounds.world
    return Writer(world.accounts, lambda: world.sealer, now=lambda: day(0, 12), mail=rounds.letters)


def _singles(rounds: CalendarRounds) -> list[Event]:
    return [one for one in rounds.world.events() if not one.repeats and not one.attendees]


def _series(rounds: CalendarRounds, number: int) -> list[Event]:
    """A new series that another client has made."""
    title = f"Series {number}"
    text = vcalendar(vevent(f"s{number}", day(2, 9), "RRULE:FREQ=DAILY;COUNT=6", summary=title))
    rounds.world.server.put(f"{CALENDAR}s{number}.ics", text)
    rounds.world.sync()
    return [one for one in rounds.world.events() if one.title == title]


def _places(text: str) -> list[Place]:
    components: Any = icalendar.Calendar.from_ical(text).walk("VEVENT")
    return [
        (
            str(one["SUMMARY"]),
            _at(one["DTSTART"].dt),
            _at(one["RECURRENCE-ID"].dt) if "RECURRENCE-ID" in one else "",
            tuple(sorted(_at(each.dt) for part in _listed(one.get("EXDATE")) for each in part.dts)),
        )
        for one in components
    ]


def _lines(text: str) -> str:
    """A text as it is in XML, where lines end in one way."""
    return text.replace("\r\n", "\n")


def _listed(value: Any) -> list[Any]:
    return [] if value is None else value if isinstance(value, list) else [value]


def _uid(text: str) -> str:
    found: Any = icalendar.Calendar.from_ical(text).walk("VEVENT")[0]
    return str(found["UID"])


def _at(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _utc(text: str) -> str:
    """Times as they are, said in UTC: Radicale works a zone out anew for each event in it, which takes a while."""
    return re.sub(r";TZID=Europe/Berlin:(\w+)", r":\1Z", text)
