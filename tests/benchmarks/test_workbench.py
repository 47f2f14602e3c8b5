"""What WorkBench's calls ask for, and what a real calendar and mailbox say has changed."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from benchmarks.workbench_tasks import Task, right, tables, tasks
from benchmarks.workbench_world import world
from tests.accounts.dovecot_server import running

from pierian.provenance import USER, Labelled
from pierian.tools import Context, Tool, invoke

EVENTS = """event_id,event_name,participant_email,event_start,duration
00000001,Review,ann.lee@atlas.com,2023-12-01 09:00:00,60
00000002,Review,bob.stone@atlas.com,2023-12-04 10:00:00,30
"""
MAILS = """email_id,inbox/outbox,sender/recipient,subject,sent_datetime,body
00000007,inbox,ann.lee@atlas.com,The plan,2023-11-28 09:15:02,"Sam,\\n\\nHere it is."
00000008,inbox,bob.stone@atlas.com,Lunch?,2023-11-29 12:00:00,"Today?"
"""
REQUESTS = {
    "calendar": [
        ("Cancel my first meeting", ['calendar.delete_event.func(event_id="00000001")']),
        (
            "Rename and move",
            [
                'calendar.update_event.func(event_id="00000002", field="event_start", new_value="2023-12-04 11:00:00")'
            ],
        ),
    ],
    "email": [
        ("Answer", ['email.reply_email.func(email_id="00000007", body="Got it!")']),
        ("Pass on", ['email.forward_email.func(email_id="00000007", recipient="bob.stone@atlas.com")']),
    ],
    "multi_domain": [("Nothing to do", [])],
}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "calendar_events.csv").write_text(EVENTS)
    (folder / "emails.csv").write_text(MAILS)
    (folder / "email_addresses.csv").write_text("ann.lee@atlas.com\nbob.stone@atlas.com\n")
    for name, found in REQUESTS.items():
        lines = [
            json.dumps({"query": query, "answer": repr(calls), "domains": "['calendar', 'email']"})
            for query, calls in found
        ]
        (folder / f"{name}.dev.jsonl").write_text("\n".join(lines))
    return folder


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder with a short name, for the sockets of the mail server."""
    with tempfile.TemporaryDirectory(prefix="wb-", dir="/tmp") as folder:
        yield Path(folder)


def test_calls_become_the_changes_that_they_make(data: Path) -> None:
    made = tasks(data, tables(data))
    assert [task.changes for task in made] == [
        (("event cancelled", "00000001"),),
        (("event changed", "00000002", "review", "2023-12-04T11:00:00+00:00", "30"),),
        (("mail answered", "00000007", "got it!"),),
        (("mail forwarded", "00000007", "bob.stone@atlas.com"),),
        (),
    ]


def test_right_is_exactly_what_was_asked_for() -> None:
    task = Task("1", "email", "Delete it", (("mail deleted", "1"),))
    assert right(task, Counter([("mail deleted", "1")]))
    assert not right(task, Counter())
    assert not right(task, Counter([("mail deleted", "1"), ("mail deleted", "2")]))
    assert not right(task, Counter([("mail deleted", "1")] * 2))


async def test_changes_are_read_from_the_servers_and_put_back(data: Path, short: Path) -> None:
    with running():  # skipped where there is no such server
        pass

    async def call(tools: dict[str, Tool], name: str, **values: object) -> object:
        given = {key: Labelled(value, USER) for key, value in values.items()}
        found = await invoke(tools[name], given, Context(name))
        assert found is not None
        return found.value

    known = tables(data)
    cancel, move, answer, forward, nothing = tasks(data, known)
    with world(short, known) as opened:
        for _ in range(2):
            with opened.opened() as (_, tools):
                assert right(nothing, opened.changes())
                first, second = await call(tools, "calendar_events", which="all")  # type: ignore[misc]
                await call(tools, "calendar_cancel", event_id=first["id"])
                assert right(cancel, opened.changes())
        with opened.opened() as (_, tools):
            await call(tools, "calendar_move", event_id=second["id"], later=60)
            assert right(move, opened.changes())
        with opened.opened() as (_, tools):
            (mail,) = await call(tools, "mail_search", which="last", sender="ann.lee@atlas.com")  # type: ignore[misc]
            await call(tools, "mail_reply", message=mail["id"], text="Got it!")
            assert right(answer, opened.changes())
        with opened.opened() as (_, tools):
            await call(tools, "mail_forward", message=mail["id"], to="bob.stone@atlas.com")
            assert right(forward, opened.changes())
            await call(tools, "mail_delete", message=mail["id"])
            assert opened.changes()["mail deleted", "00000007"] == 1
