"""A scheduled brief over a real server, from the linked account to the conversation; and syncs that are killed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.accounts.books import SECRET, card, kept_names, make_book, put_card
from tests.accounts.radicale_server import Radicale

from pierian.accounts import Account, Accounts, Service, Switches, sealer
from pierian.accounts.contacts.syncing import sync_contacts
from pierian.accounts.syncing import Synced
from pierian.config import Settings, paths
from pierian.runs import Journal
from pierian.schedules import Schedules, begin, brief_run
from pierian.storage import Database, open_database


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Radicale]:
    running = Radicale(tmp_path / "radicale")
    running.start()
    yield running
    running.kill()


@pytest.fixture
def database() -> Iterator[Database]:
    with open_database(paths().database) as opened:
        yield opened


def linked(database: Database, server: Radicale) -> Account:
    services = [
        Service(kind="caldav", url=server.url, username="ann"),
        Service(kind="carddav", url=server.url, username="ann"),
    ]
    sealed = sealer().seal(SECRET)
    return Accounts(database).add("home", "caldav", "ann@example.org", services, Switches(), sealed)


def test_a_scheduled_brief_fetches_what_is_new_first(database: Database, server: Radicale) -> None:
    now = datetime.now(UTC)
    server.make_calendar()
    begins = now.replace(hour=12, minute=0, second=0, microsecond=0)
    server.put(
        "/ann/work/1.ics",
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20260101T000000Z\r\n"
        f"DTSTART:{begins:%Y%m%dT%H%M%SZ}\r\nDTEND:{begins + timedelta(hours=1):%Y%m%dT%H%M%SZ}\r\n"
        "SUMMARY:Lunch with Bob\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
    )
    make_book(server)
    put_card(server, "/ann/friends/1.vcf", card("1", "Bob"))
    linked(database, server)
    made = Schedules(database).add("every day 7:30", "UTC", "brief")
    run = begin(database, Settings(), made, now)
    journal = Journal(database)
    text = brief_run(database, journal.get(run), journal.claim(run, "here"))
    assert "- 12:00–13:00  Lunch with Bob (calendar:home)" in text
    assert "never been synced" not in text
    assert kept_names(database) == ["Bob"]


KILLED = """
import os, sys
from pierian.accounts import Accounts
from pierian.accounts.contacts import syncing
from pierian.accounts.contacts.syncing import sync_contacts
from pierian.config import paths
from pierian.storage import open_database
from sqlalchemy import event
from tests.accounts.books import SECRET
syncing.MOST_CARDS = 4
opened, left = open_database(paths().database), [int(sys.argv[1])]
accounts = Accounts(opened)
account = accounts.get("home")
def before(*_):
    left[0] -= 1
    if left[0] < 0:
        os._exit(9)
event.listen(opened.engine, "before_cursor_execute", before)
sync_contacts(accounts, account, SECRET)
"""


def test_a_process_that_is_killed_while_it_syncs_leaves_what_the_next_one_makes_good(
    database: Database, server: Radicale
) -> None:
    make_book(server)
    for number in range(10):
        put_card(server, f"/ann/friends/{number}.vcf", card(str(number), f"Friend {number}"))
    account = linked(database, server)
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root), *sys.path])}
    for statement in (3, 9, 14, 19, 24, 29):
        done = subprocess.run(
            [sys.executable, "-c", KILLED, str(statement)], env=environment, timeout=60, check=False
        )
        assert done.returncode in (0, 9)
        put_card(server, "/ann/friends/0.vcf", card("0", f"Renamed {statement}"))
    sync_contacts(Accounts(database), account, SECRET)
    assert kept_names(database) == [*(f"Friend {number}" for number in range(1, 10)), "Renamed 29"]
    assert sync_contacts(Accounts(database), account, SECRET) == Synced()
