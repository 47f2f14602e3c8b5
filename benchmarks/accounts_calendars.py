"""Calendars: first syncs of many events from a Radicale in turn with `vdirsyncer`; questions over many calendars.

Both programs get the same events from the same server at the same priority: vdirsyncer writes a file for each into a
folder, we write rows. Both are asked once before anything counts, so that the server has read its files. Then, over
calendars with many events each, what queries for free time take, and for a day's events. Needs `vdirsyncer` from the
package index. Run by `benchmarks.accounts`.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.accounts.radicale_server import Radicale, password_of

from benchmarks.accounts_runs import OURS, Kept, Watched, chance, in_turn, rates, times, watched
from pierian.accounts.account import Account, Service, Switches
from pierian.accounts.calendars.free_time import free_slots
from pierian.accounts.calendars.parsing import Occurrence, Parsed
from pierian.accounts.calendars.reading import events_between
from pierian.accounts.calendars.rows import CalendarObject, keep_objects
from pierian.accounts.store import Accounts
from pierian.storage import open_database

MEASURE, QUESTIONS = "first sync of events", "questions over calendars"
PEER = "vdirsyncer"
RUNS = 7
QUERIES = 200
SYNC = """
import sys
from pathlib import Path
from pierian.accounts.account import Service, Switches
from pierian.accounts.calendars.syncing import sync_calendars
from pierian.accounts.secrets import Secret
from pierian.accounts.store import Accounts
from pierian.storage import open_database
accounts = Accounts(open_database(Path(sys.argv[1])))
service = Service(kind="caldav", url=sys.argv[2], username="ann")
account = accounts.add("work", "caldav", "ann@example.org", [service], Switches())
synced = sync_calendars(accounts, account, Secret(password=sys.argv[3]))
assert not synced.problems, synced.problems
print(synced.added)
"""
VDIRSYNCER = """
[general]
status_path = "{folder}/status/"
[pair work]
a = "here"
b = "there"
collections = ["work"]
[storage here]
type = "filesystem"
path = "{folder}/files/"
fileext = ".ics"
[storage there]
type = "caldav"
url = "{url}"
username = "ann"
password = "{password}"
"""


def vevent(number: int, begins: datetime) -> str:
    """An event as people have them; every twentieth repeats weekly for a year."""
    lines = [
        "BEGIN:VEVENT",
        f"UID:event-{number}@example.org",
        "DTSTAMP:20260101T000000Z",
        f"SUMMARY:Meeting number {number} about the budget",
        f"DTSTART:{begins:%Y%m%dT%H%M%SZ}",
        f"DTEND:{begins + timedelta(hours=1):%Y%m%dT%H%M%SZ}",
        f"LOCATION:Room {number % 40}",
        "ORGANIZER;CN=Ann Lee:mailto:ann@example.org",
        f"ATTENDEE;CN=Bob;PARTSTAT=ACCEPTED:mailto:bob{number % 50}@example.org",
        "DESCRIPTION:" + "What there is to say about it. " * 5,
        *(["RRULE:FREQ=WEEKLY;COUNT=52"] if number % 20 == 0 else []),
        "END:VEVENT",
    ]
    return "\r\n".join(lines)


def filled(server: Radicale, events: int) -> None:
    """One calendar with so many events."""
    first = datetime.now(UTC).replace(hour=8, minute=0, second=0, microsecond=0) - timedelta(days=180)
    components = [
        vevent(number, first + timedelta(days=number % 500, hours=number % 9)) for number in range(events)
    ]
    server.upload(components, timeout=3600)


def ours(server: Radicale, folder: Path, events: int) -> Watched:
    """One first sync of ours."""
    done = watched([sys.executable, "-c", SYNC, str(folder / "ours.db"), server.url, password_of("ann")])
    if done.said.strip() != str(events):
        raise RuntimeError(f"{done.said.strip()} of {events} events came")
    return done


def theirs(server: Radicale, folder: Path, events: int) -> Watched:
    """One first sync of vdirsyncer; that it looks for collections first is not counted."""
    files = folder / "files" / "work"
    files.mkdir(parents=True)
    config = folder / "config"
    config.write_text(VDIRSYNCER.format(folder=folder, url=f"{server.url}ann/", password=password_of("ann")))
    command = [sys.executable, "-m", "vdirsyncer", "-c", str(config)]
    subprocess.run([*command, "discover", "--no-list"], input=b"y\n" * 9, capture_output=True, check=True)
    done = watched([*command, "sync"])
    if (came := sum(1 for _ in files.glob("*.ics"))) != events:
        raise RuntimeError(f"{came} of {events} events came")
    return done


def first_syncs(kept: Kept, events: int = 10_000, runs: int = RUNS) -> None:
    """Both in turn, several times."""
    done = len(kept.rows(MEASURE, events=events))
    if done >= runs:
        return
    with tempfile.TemporaryDirectory(prefix="bench-calendars-") as place:
        folder = Path(place)
        server = Radicale(folder / "radicale")
        server.start()
        try:
            server.make_calendar()
            filled(server, events)
            sides: dict[str, Callable[[Path], Watched]] = {
                OURS: lambda place: ours(server, place, events),
                PEER: lambda place: theirs(server, place, events),
            }
            in_turn(sides, 0, folder)  # the server reads its files
            for number in range(done, runs):
                kept.add(MEASURE, {"events": events, **in_turn(sides, number, folder)})
        finally:
            server.kill()


def shelves(accounts: Accounts, calendars: int, each: int) -> list[Account]:
    """Calendars with so many events each, as they are after a sync."""
    service = Service(kind="caldav", url="https://calendar.example.org/")
    first = int(datetime.now(UTC).timestamp()) - 365 * 86_400
    made: list[Account] = []
    for number in range(calendars):
        account = accounts.add(f"a{number}", "caldav", f"a{number}@example.org", [service], Switches())
        collection = accounts.keep_collection(account, "calendar", "/", f"Calendar {number}", writable=True)
        step = 3 * 365 * 86_400 // each
        objects: list[CalendarObject] = []
        for at in range(each):
            begins = (first + at * step + number * 60) // 300 * 300
            occurrence = Occurrence(
                begins=begins,
                ends=begins + 1800,
                whole_days=False,
                busy=at % 10 != 0,
                status="confirmed",
                recurrence="",
                summary=f"Meeting {at}",
                location="Room 4",
                organizer="",
                attendees="",
                folded=f"meeting {at} room 4",
            )
            objects.append(
                CalendarObject(
                    href=str(at), etag="", data="", parsed=Parsed(uid=str(at), occurrences=(occurrence,))
                )
            )
        keep_objects(accounts.database, collection, objects)
        made.append(account)
    return made


def questions(kept: Kept, calendars: int = 20, each: int = 10_000) -> None:
    """How long questions take over all calendars, each time from another moment; the first of each kind apart."""
    with tempfile.TemporaryDirectory() as folder, open_database(Path(folder) / "questions.db") as database:
        made = shelves(Accounts(database), calendars, each)
        now, drawn = datetime.now(UTC), chance("questions")
        asked: dict[str, Callable[[datetime], object]] = {
            "free time in two weeks": lambda at: free_slots(database, made, at, at + timedelta(days=14)),
            "free time in three months": lambda at: free_slots(
                database, made, at, at + timedelta(days=90), buffer_minutes=10, most=1000
            ),
            "events of a day": lambda at: events_between(database, made, at, at + timedelta(days=1)),
        }
        row: dict[str, Any] = {"calendars": calendars, "events in each": each}
        for name, ask in asked.items():
            taken: list[float] = []
            for _ in range(QUERIES + 1):
                at = now + timedelta(hours=drawn.randrange(-2000, 10_000))
                started = time.perf_counter()
                ask(at)
                taken.append((time.perf_counter() - started) * 1000)
            row[f"{name}, ms"] = times(taken[1:])
            row[f"{name}, the first one, ms"] = round(taken[0], 2)
        kept.add(QUESTIONS, row)


def report(kept: Kept) -> dict[str, Any]:
    """What the rows come to."""
    rows = kept.rows(MEASURE)
    most = max((row["events"] for row in rows), default=0)
    found: dict[str, Any] = {}
    if most:
        found[MEASURE] = rates(kept.rows(MEASURE, events=most), most, PEER)
    for row in kept.rows(QUESTIONS)[-1:]:
        found[QUESTIONS] = row
    return found
