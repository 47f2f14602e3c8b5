"""What is in the calendars, and when one is free: over all accounts, within what each lets be known."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from time import process_time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.accounts.calendar_world import BERLIN, titles, vcalendar, vevent
from tests.postgresql import SERVERS, fresh

from pierian.accounts.account import Account, Service, Switches
from pierian.accounts.calendars.free_time import ALWAYS, WorkingHours, busy_between, free_slots, merged
from pierian.accounts.calendars.parsing import Circumstances, parse
from pierian.accounts.calendars.reading import events_between, search_events, state_of
from pierian.accounts.calendars.rows import CalendarObject, keep_objects, keep_state
from pierian.accounts.store import Accounts
from pierian.storage.database import Database

ABOUT = Circumstances(zone="Europe/Berlin", now=int(datetime(2026, 11, 28, tzinfo=BERLIN).timestamp()))


class Shelf:
    """Accounts with calendars that were synced from nowhere."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.accounts = Accounts(database)

    def account(self, name: str, *events: str, switches: Switches | None = None) -> Account:
        service = Service(kind="caldav", url="https://calendar.example.org/")
        account = self.accounts.add(name, "caldav", f"{name}@example.org", [service], switches or Switches())
        collection = self.accounts.keep_collection(account, "calendar", "/", name.title(), writable=True)
        objects = [
            CalendarObject(href=f"{number}.ics", etag="1", data=text, parsed=parse(text, ABOUT))
            for number, text in enumerate(vcalendar(event) for event in events)
        ]
        assert not any(one.parsed.problem for one in objects)
        keep_objects(self.database, collection, objects)
        keep_state(self.database, collection, state_of('{"zone":"Europe/Berlin"}'))
        return account


@pytest.fixture(params=SERVERS)
def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shelf]:
    with fresh(request.param, tmp_path, request.config) as database:
        yield Shelf(database)


def on(text: str, zone: ZoneInfo = BERLIN) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def whole_days(uid: str, first: str, after: str, *lines: str) -> str:
    inside = [
        f"UID:{uid}",
        f"SUMMARY:{uid}",
        f"DTSTART;VALUE=DATE:{first}",
        f"DTEND;VALUE=DATE:{after}",
        *lines,
    ]
    return "\r\n".join(["BEGIN:VEVENT", *inside, "END:VEVENT"])


def test_a_range_has_what_begins_before_it_or_ends_after_it_and_no_more(shelf: Shelf) -> None:
    account = shelf.account(
        "work",
        vevent("before", on("2026-12-01T08:00")),
        vevent("into", on("2026-12-01T08:30")),
        vevent("inside", on("2026-12-01T09:30"), minutes=10),
        vevent("moment", on("2026-12-01T09:00"), minutes=0),
        vevent("out", on("2026-12-01T09:50")),
        vevent("after", on("2026-12-01T10:00")),
        vevent("off", on("2026-12-01T09:15"), "STATUS:CANCELLED"),
        whole_days("long", "20261120", "20261210"),
    )
    found = events_between(
        shelf.database, [account], on("2026-12-01T09:00"), on("2026-12-01T10:00"), zone=BERLIN
    )
    assert titles(found) == ["long", "into", "moment", "inside", "out"]
    assert titles(events_between(shelf.database, [account], on("2026-12-01T09:00"), on("2026-12-01T10:00"), most=2)) == [
        "long", "into",
    ]  # fmt: skip


def test_words_are_found_in_any_case_and_whole_days_are_the_same_day_elsewhere(shelf: Shelf) -> None:
    account = shelf.account(
        "work",
        whole_days("STRASSE 100%", "20261224", "20261225"),
        vevent("other", on("2026-12-01T09:00"), "ATTENDEE;CN=Zoë:mailto:zoe@example.org"),
    )
    [found] = search_events(shelf.database, [account], "straße 100%", zone=ZoneInfo("Pacific/Auckland"))
    assert found.begins.isoformat() == "2026-12-24T00:00:00+13:00"
    assert titles(search_events(shelf.database, [account], "ZOË")) == ["other"]
    assert search_events(shelf.database, [account], "0_") == []


def test_accounts_that_may_not_be_read_or_tell_only_times(shelf: Shelf) -> None:
    event = vevent("secret", on("2026-12-01T09:00"), "LOCATION:Clinic", "ORGANIZER:mailto:x@example.org")
    closed = shelf.account("closed", event, switches=Switches(read=False))
    times = shelf.account("times", event, switches=Switches(free_busy_only=True))
    day = (on("2026-12-01T00:00"), on("2026-12-02T00:00"))
    [found] = events_between(shelf.database, [closed, times], *day, zone=BERLIN)
    assert (found.id, found.title, found.location, found.organizer) == ("", "", "", "")
    assert found.begins == on("2026-12-01T09:00")
    assert search_events(shelf.database, [closed, times], "clinic") == []
    assert len(busy_between(shelf.database, [closed, times], *day)) == 1
    assert busy_between(shelf.database, [closed], *day) == []


def test_free_time_over_all_calendars_within_hours_with_room_around_events(shelf: Shelf) -> None:
    one = shelf.account(
        "one", vevent("a", on("2026-12-01T10:00")), vevent("b", on("2026-12-02T09:00"), minutes=480)
    )
    two = shelf.account(
        "two",
        vevent("c", on("2026-12-01T13:00")),
        vevent("free", on("2026-12-01T15:00"), "TRANSP:TRANSPARENT"),
        whole_days("holiday", "20261203", "20261204"),
    )
    found = free_slots(
        shelf.database, [one, two], on("2026-12-01T00:00"), on("2026-12-06T00:00"),
        minutes=90, buffer_minutes=15, zone=BERLIN,
    )  # fmt: skip
    assert [(slot.begins.isoformat()[:16], slot.minutes) for slot in found] == [
        ("2026-12-01T11:15", 90), ("2026-12-01T14:15", 165), ("2026-12-04T09:00", 480),
    ]  # fmt: skip
    # In another zone the working hours are other ones.
    elsewhere = free_slots(
        shelf.database,
        [one, two],
        on("2026-12-01T00:00"),
        on("2026-12-01T23:00"),
        zone=ZoneInfo("America/New_York"),
    )
    assert elsewhere[0].begins.isoformat() == "2026-12-01T09:00:00-05:00"


def test_the_night_when_the_clocks_change_is_as_long_as_it_is(shelf: Shelf) -> None:
    account = shelf.account("work")
    night = WorkingHours(begins=time(22), ends=time(6), days=(5,))
    for saturday, hours in (("2026-10-24", 9), ("2026-03-28", 7)):
        begins = on(f"{saturday}T12:00")
        [slot] = free_slots(
            shelf.database, [account], begins, begins + timedelta(days=1), hours=night, zone=BERLIN
        )
        assert slot.minutes == hours * 60


spans = st.tuples(st.integers(0, 2000), st.integers(0, 300)).map(lambda pair: (pair[0], pair[0] + pair[1]))


@given(st.lists(spans, max_size=20))
def test_merged_stretches_cover_the_same_minutes(stretches: list[tuple[int, int]]) -> None:
    covered = {minute for begins, ends in stretches for minute in range(begins, ends)}
    found = merged(stretches)
    assert {minute for begins, ends in found for minute in range(begins, ends)} == covered
    assert all(first[1] < second[0] for first, second in pairwise(found))


@given(stretches=st.lists(spans, max_size=12), minutes=st.integers(1, 120))
@settings(max_examples=40)
def test_free_and_busy_time_never_overlap(
    shelf: Shelf, stretches: list[tuple[int, int]], minutes: int
) -> None:
    begins = on("2026-12-01T00:00")
    events = [
        vevent(f"e{number}", begins + timedelta(minutes=first), minutes=last - first)
        for number, (first, last) in enumerate(stretches)
    ]
    account = shelf.account(f"n{len(shelf.accounts.list())}", *events)
    span = (begins, begins + timedelta(minutes=2400))
    free = free_slots(shelf.database, [account], *span, minutes=minutes, hours=ALWAYS, zone=BERLIN, most=100)
    busy = busy_between(shelf.database, [account], *span)
    for slot in free:
        assert slot.minutes >= minutes
        assert all(last <= slot.begins.timestamp() or first >= slot.ends.timestamp() for first, last in busy)
    assert sum(slot.minutes for slot in free) + sum(last - first for first, last in busy) // 60 <= 2400 + 300


def test_a_year_of_full_calendars_is_looked_through_at_once(shelf: Shelf) -> None:
    accounts = [
        shelf.account(f"a{number}", vevent("daily", on("2026-11-01T09:00"), "RRULE:FREQ=DAILY"))
        for number in range(5)
    ]
    before = process_time()
    found = free_slots(
        shelf.database, accounts, on("2026-11-01T00:00"), on("2027-11-01T00:00"), most=1000, zone=BERLIN
    )
    assert len(found) > 250 and process_time() - before < 2
