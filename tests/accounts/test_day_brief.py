"""The day brief: what today holds, what waits for an answer, what changed, and how much of it can be believed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from msgspec import structs
from sqlalchemy import delete, update
from tests.accounts.books import add_event, add_mail
from tests.postgresql import SERVERS, fresh

from pierian.accounts.account import Account, Service, Switches
from pierian.accounts.brief import Brief, day_brief
from pierian.accounts.store import Accounts
from pierian.storage import Database
from pierian.storage.account_tables import calendar_objects, occurrences

ZONE = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 30, 7, 30, tzinfo=ZONE)
ME = ("Me", "me@example.org")


@pytest.fixture(params=SERVERS)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    with fresh(request.param, tmp_path, request.config) as opened:
        yield opened


@pytest.fixture
def accounts(database: Database) -> Accounts:
    return Accounts(database, clock=lambda: NOW)


@pytest.fixture
def work(accounts: Accounts) -> Account:
    imap = Service(kind="imap", host="127.0.0.1", port=143, username="me@example.org")
    made = accounts.add("work", "imap", "me@example.org", [imap], Switches())
    return accounts.note(made, synced=True)


def today(hour: int, minute: int = 0, *, days: int = 0) -> datetime:
    return NOW.replace(hour=hour, minute=minute) + timedelta(days=days)


def brief(accounts: Accounts, now: datetime = NOW) -> Brief:
    return day_brief(accounts, now, ZONE)


def texts(lines: tuple[object, ...]) -> list[str]:
    return [one.text for one in lines]  # type: ignore[attr-defined]


def test_todays_events_each_with_its_source(accounts: Accounts, work: Account) -> None:
    add_event(accounts, work, today(10), today(11), "Review", location="Room 5", organizer="boss@example.org")
    add_event(accounts, work, today(0), today(0, days=1), "Holiday", whole_days=True, busy=False)
    add_event(accounts, work, today(9, days=1), today(10, days=1), "Tomorrow's")
    add_event(accounts, work, today(15), today(16), "Cancelled one", status="cancelled")
    lines = brief(accounts).events
    assert [(one.time, one.text, one.sources) for one in lines] == [
        ("all day", "Holiday", ("calendar:work",)),
        ("10:00–11:00", "Review (Room 5)", ("calendar:work/boss@example.org",)),
    ]
    assert all(one.id for one in lines)


def test_events_of_several_days_say_what_of_them_is_today(accounts: Accounts, work: Account) -> None:
    add_event(accounts, work, today(22, days=-1), today(2), "Night train")
    add_event(accounts, work, today(9, days=-1), today(17, days=1), "Fair")
    add_event(accounts, work, today(20), today(8, days=1), "Night shift")
    add_event(accounts, work, today(21), today(0, days=1), "Party")
    assert [(one.time, one.text) for one in brief(accounts).events] == [
        ("all day", "Fair"),
        ("until 02:00", "Night train"),
        ("from 20:00", "Night shift"),
        ("21:00–00:00", "Party"),
    ]


def test_events_that_overlap_and_ways_that_are_too_long(accounts: Accounts, work: Account) -> None:
    add_event(accounts, work, today(9), today(10), "Dentist", location="Main Street 1")
    add_event(accounts, work, today(10, 10), today(11), "Review", location="Harbour 7")
    add_event(accounts, work, today(10, 30), today(12), "Lesson", location="https://meet.example/x")
    add_event(accounts, work, today(12), today(13), "Lunch", location="Harbour 7, Room 2")
    found = [(one.kind, one.time, one.text) for one in brief(accounts).warnings]
    assert found == [
        ("conflict", "10:30–11:00", "Review and Lesson overlap."),
        (
            "travel",
            "10:00–10:10",
            "Only 10 minutes from Dentist (Main Street 1) to Review (Harbour 7).",
        ),
    ]


def test_the_same_event_in_two_calendars_is_no_conflict(accounts: Accounts, work: Account) -> None:
    for calendar in ("Work", "Shared"):
        add_event(accounts, work, today(9), today(10), "Review", calendar=calendar)
    add_event(accounts, work, today(9), today(10), "Free time", busy=False)
    shown = brief(accounts)
    assert sorted(texts(shown.events)) == ["Free time", "Review"] and shown.warnings == ()


def test_mail_that_waits_for_an_answer(accounts: Accounts, work: Account) -> None:
    add_mail(accounts, work, today(5), ("Ann", "ann@example.org"), [ME], subject="Lunch?")
    add_mail(accounts, work, today(5), ("News", "news@example.org"), [ME], automatic=True)
    (line,) = brief(accounts).mail
    assert (line.text, line.sources) == ("Ann: Lunch? — 2 hours ago", ("mail:work/ann@example.org",))


def change(database: Database, row: int, **values: object) -> None:
    with database.write() as connection:
        connection.execute(update(occurrences).where(occurrences.c.object_id == row).values(values))


def test_what_changed_since_yesterday(accounts: Accounts, work: Account) -> None:
    moved = add_event(accounts, work, today(9, days=1), today(10, days=1), "Review")
    away = add_event(accounts, work, today(9, days=3), today(10, days=3), "Far away")
    gone = add_event(accounts, work, today(9, days=2), today(10, days=2), "Lunch")
    add_event(accounts, work, today(8), today(8, 15), "Over by then")
    first = brief(accounts)
    assert first.changes == () and first.changes_since == ""
    for row, days in ((moved, 4), (away, 100)):
        when = today(14, days=days)
        change(
            accounts.database,
            row,
            begins=int(when.timestamp()),
            ends=int((when + timedelta(hours=1)).timestamp()),
        )
    with accounts.database.write() as connection:
        connection.execute(delete(calendar_objects).where(calendar_objects.c.id == gone))
    add_event(accounts, work, today(12, days=2), today(13, days=2), "Party", organizer="ann@example.org")
    add_event(accounts, work, today(12, days=28), today(13, days=28), "Comes into view")
    tomorrow = NOW + timedelta(days=1)
    for _ in range(2):  # asked again on the same day it says the same
        shown = brief(accounts, tomorrow)
        assert shown.changes_since == "2026-11-30"
        assert texts(shown.changes) == [
            "Cancelled: Lunch, Wed 02 Dec 09:00",
            "New: Party, Wed 02 Dec 12:00",
            "Moved: Review, now Fri 04 Dec 14:00, was Tue 01 Dec 09:00",
            "Moved: Far away, now Wed 10 Mar 14:00, was Thu 03 Dec 09:00",
        ]
    assert shown.changes[1].sources == ("calendar:work/ann@example.org",)
    assert brief(accounts, NOW + timedelta(days=2)).changes == ()


def test_a_series_that_is_moved_is_one_line(accounts: Accounts, work: Account) -> None:
    rows = [
        add_event(
            accounts, work, today(9, days=day), today(10, days=day), "Daily",
            uid="daily", recurrence=f"2026120{day}T080000Z", calendar=f"c{day}",
        )
        for day in range(1, 4)
    ]  # fmt: skip
    # One object has all the occurrences of a series.
    with accounts.database.write() as connection:
        first = connection.execute(occurrences.select().where(occurrences.c.object_id == rows[0])).one()
        connection.execute(
            update(occurrences)
            .where(occurrences.c.object_id.in_(rows))
            .values(object_id=rows[0], collection_id=first.collection_id)
        )
    brief(accounts)
    with accounts.database.write() as connection:
        connection.execute(
            update(occurrences).values(
                begins=occurrences.c.begins + 3600,
                ends=occurrences.c.ends + 3600,
                recurrence=occurrences.c.recurrence + "x",
            )
        )
    shown = brief(accounts, NOW + timedelta(hours=24))
    assert texts(shown.changes) == [
        "Moved: Daily, now Tue 01 Dec 10:00, was Tue 01 Dec 09:00 (and 2 more of the series)"
    ]


def test_a_calendar_that_was_linked_meanwhile_is_no_news(accounts: Accounts, work: Account) -> None:
    brief(accounts)
    add_event(accounts, work, today(9, days=2), today(10, days=2), "Old", calendar="Just subscribed")
    assert brief(accounts, NOW + timedelta(days=1)).changes == ()


def test_what_cannot_be_believed_is_said(accounts: Accounts, work: Account) -> None:
    assert brief(accounts).notes == ()
    assert brief(accounts, NOW + timedelta(minutes=14)).notes == ()
    (said,) = brief(accounts, NOW + timedelta(days=3)).notes
    assert said == f"What is known of work is from {NOW:%H:%M} on {NOW:%d %B}."
    told = "mail.example.org does not accept this user name and password."
    accounts.note(work, problem=told, hint="Link it again.")
    never = accounts.add("home", "ics", "x", [], Switches(free_busy_only=True))
    accounts.add("closed", "ics", "x", [], Switches(read=False))
    assert set(brief(accounts).notes) == {
        f"work: {told} Link it again.",
        "home has never been synced: `pierian accounts sync home` does it.",
        "Of home only busy times are shown.",
        "closed is left out: reading it is switched off.",
    }
    assert never.synced_at is None


def test_of_a_free_busy_account_nothing_but_the_times_is_shown(accounts: Accounts, work: Account) -> None:
    secret = accounts.switch(work, structs.replace(work.switches, free_busy_only=True))
    add_event(accounts, secret, today(9), today(10), "Surgery", location="Clinic")
    shown = brief(accounts)
    assert texts(shown.events) == ["Busy"]
    change(accounts.database, 1, begins=int(today(11).timestamp()), ends=int(today(12).timestamp()))
    assert brief(accounts, NOW + timedelta(days=1)).changes == ()


def test_nothing_linked_is_said(accounts: Accounts) -> None:
    assert brief(accounts).notes == ("No account is linked yet: `pierian accounts link` does it.",)
