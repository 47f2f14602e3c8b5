"""Which requests are about calendars, mail or contacts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pierian.accounts.account import Service, Switches
from pierian.accounts.store import Accounts
from pierian.agents.account_tools import groups_for
from pierian.agents.account_words import groups_about
from pierian.storage import Database, open_database


@pytest.mark.parametrize(
    ("request_", "groups"),
    [
        ("What is on my calendar tomorrow?", {"calendar", "contacts"}),
        ("Am I free on Friday?", {"calendar", "contacts"}),
        ("Move my appointment with Dr. Lee", {"calendar", "contacts"}),
        ("Who has written to me this week?", {"mail", "contacts"}),
        ("Reply to Ann's last e-mail with 'Yes'", {"mail", "contacts"}),
        ("Schedule a meeting with the sender of the mail", {"calendar", "mail", "contacts"}),
        ("What is Ann's phone number?", {"contacts"}),
        ("What is the capital of Peru?", set()),
        ("Write a function that reverses a list", set()),
        ("A shop sells pens at 3 for 2 euros. How much are 18 pens?", set()),
        ("Is the sum of the angles of a triangle always 180 degrees?", set()),
    ],
)
def test_words_tell(request_: str, groups: set[str]) -> None:
    assert {*groups_about(request_)} == groups


async def test_only_what_is_linked_is_offered_and_nothing_opened_for_other_requests(tmp_path: Path) -> None:
    async def unopened() -> Database:
        raise AssertionError("there is no need to open the database")

    assert await groups_for("What is 2 + 2?", unopened, "local") == ()
    with open_database(tmp_path / "pierian.db") as database:

        async def opened() -> Database:
            return database

        assert await groups_for("Any mail about my meetings?", opened, "local") == ()
        imap = Service(kind="imap", host="127.0.0.1", port=143, username="me")
        Accounts(database).add("work", "imap", "me@example.org", [imap], Switches())
        assert await groups_for("Any mail about my meetings?", opened, "local") == ("mail", "contacts")
        assert await groups_for("Any mail about my meetings?", opened, "ann") == ()


def test_without_the_packages_of_accounts_nothing_is_missed(tmp_path: Path) -> None:
    blocked = ["cryptography", "dns", "icalendar", "imapclient", "keyring", "nicknames", "rapidfuzz"]
    program = f"""
import sys
for name in {[*blocked, "recurring_ical_events"]!r}:
    sys.modules[name] = None
from pathlib import Path
from pierian.agents.account_tools import linked_groups
from pierian.server.scheduling import scheduling
from pierian.storage import open_database
with open_database(Path({str(tmp_path / "pierian.db")!r})) as database:
    print(linked_groups("What is on my calendar, and is there mail?", database, "local"))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("()\n", "")
