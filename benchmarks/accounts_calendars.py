"""Calendars: `python -m benchmarks.accounts_calendars [--events N] [--calendars N] [--each N]`.

The first sync of N events from a Radicale on this machine, as a process of its own, in turn with `vdirsyncer` into a
folder, from the same server in the same run: events a second, and the peak memory of all processes. Both are asked
once before anything is timed, so that the server has read its files. Then, over calendars with many events each, what
one query for free time takes, and one for a day's events.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
from tests.accounts.radicale_server import Radicale, password_of

from pierian.accounts.account import Account, Service, Switches
from pierian.accounts.calendars.free_time import free_slots
from pierian.accounts.calendars.parsing import Occurrence, Parsed
from pierian.accounts.calendars.reading import events_between
from pierian.accounts.calendars.rows import CalendarObject, keep_objects
from pierian.accounts.store import Accounts
from pierian.storage.database import open_database

RUNS = 3
QUERIES = 20
SYNC = """
import sys
from pathlib import Path
from pierian.accounts.account import Service, Switches
from pierian.accounts.calendars.syncing import sync_calendars
from pierian.accounts.secrets import Secret
from pierian.accounts.store import Accounts
from pierian.storage.database import open_database
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


def watched(command: list[str]) -> tuple[float, float]:
    """Seconds of a command, and the most memory in MB that it and its children had at once."""
    started = time.monotonic()
    with tempfile.TemporaryFile() as said:
        process = psutil.Popen(command, stdout=said, stderr=said)
        most = 0
        while process.poll() is None:
            try:
                family = [process, *process.children(recursive=True)]
                most = max(most, sum(one.memory_info().rss for one in family))
            except psutil.Error:
                pass
            time.sleep(0.02)
        seconds = time.monotonic() - started
        said.seek(0)
        assert process.returncode == 0, said.read()[-2000:]
    return seconds, most / 1e6


def ours(server: Radicale, folder: Path) -> tuple[float, float]:
    """One first sync of ours."""
    return watched([sys.executable, "-c", SYNC, str(folder / "ours.db"), server.url, password_of("ann")])


def theirs(server: Radicale, folder: Path) -> tuple[float, float]:
    """One first sync of vdirsyncer; that it looks for collections first is not counted."""
    (folder / "files" / "work").mkdir(parents=True)
    config = folder / "config"
    config.write_text(VDIRSYNCER.format(folder=folder, url=f"{server.url}ann/", password=password_of("ann")))
    command = [sys.executable, "-m", "vdirsyncer", "-c", str(config)]
    subprocess.run([*command, "discover", "--no-list"], input=b"y\n" * 9, capture_output=True, check=True)
    return watched([*command, "sync"])


def first_syncs(events: int, folder: Path) -> dict[str, Any]:
    """Both in turn, several times."""
    server = Radicale(folder / "radicale")
    server.start()
    try:
        server.make_calendar()
        filled(server, events)
        sides: dict[str, Callable[[Radicale, Path], tuple[float, float]]] = {
            "pierian": ours,
            "vdirsyncer": theirs,
        }
        found: dict[str, list[tuple[float, float]]] = {name: [] for name in sides}
        for run in range(RUNS + 1):
            for name, sync in sides.items():
                place = folder / f"{name}-{run}"
                place.mkdir()
                measured = sync(server, place)
                if run:  # the first time the server reads its files
                    found[name].append(measured)
    finally:
        server.kill()
    report: dict[str, Any] = {"events": events, "runs": RUNS}
    for name, runs in found.items():
        report[f"{name} events/s"] = round(events / statistics.median(seconds for seconds, _ in runs), 1)
        report[f"{name} MB"] = round(max(memory for _, memory in runs), 1)
    report["rate against vdirsyncer"] = round(report["pierian events/s"] / report["vdirsyncer events/s"], 2)
    return report


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


def queries(calendars: int, each: int, folder: Path) -> dict[str, Any]:
    """How long a question takes, over all calendars."""
    with open_database(folder / "queries.db") as database:
        made = shelves(Accounts(database), calendars, each)
        now = datetime.now(UTC)
        report: dict[str, Any] = {"calendars": calendars, "events in each": each}
        asked: dict[str, Callable[[], object]] = {
            "free time in two weeks": lambda: free_slots(database, made, now, now + timedelta(days=14)),
            "free time in three months": lambda: free_slots(
                database, made, now, now + timedelta(days=90), most=1000
            ),
            "events of a day": lambda: events_between(database, made, now, now + timedelta(days=1)),
        }
        for name, ask in asked.items():
            taken: list[float] = []
            for _ in range(QUERIES):
                started = time.perf_counter()
                ask()
                taken.append((time.perf_counter() - started) * 1000)
            report[f"{name}, ms (median)"] = round(statistics.median(taken), 2)
            report[f"{name}, ms (most)"] = round(max(taken), 2)
    return report


def measure(events: int = 10_000, calendars: int = 20, each: int = 10_000) -> dict[str, Any]:
    """All figures."""
    with tempfile.TemporaryDirectory() as folder:
        return {
            "first sync": first_syncs(events, Path(folder)),
            "queries": queries(calendars, each, Path(folder)),
        }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=10_000)
    parser.add_argument("--calendars", type=int, default=20)
    parser.add_argument("--each", type=int, default=10_000)
    asked = parser.parse_args()
    print(json.dumps(measure(asked.events, asked.calendars, asked.each), indent=2))


if __name__ == "__main__":
    main()
