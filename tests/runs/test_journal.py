"""The journal of runs: every event in its place, one who works, and no writing behind somebody's back."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import cycle
from pathlib import Path

import pytest
from tests.postgresql import address, full_disk

from pierian.events import ApprovalNeeded, Event, ShownArgument, StepFailed, StepFinished, StepStarted
from pierian.exceptions import DiskFull, RunLost, StorageError, UnknownName, UserError
from pierian.provenance import external
from pierian.runs import Approvals, Claim, Journal, RunState, Worker
from pierian.storage import Database

LONG = "x" * 100_000
ENDED: tuple[RunState, ...] = ("done", "cancelled")


@pytest.fixture
def journal(database: Database) -> Journal:
    return Journal(database)


def started(number: int) -> Event:
    return StepStarted(f"s{number}", "looks it up")


def asks(approval: str, step: str = "s1") -> ApprovalNeeded:
    shown = (ShownArgument("to", ["a@example.org"], "page:example.org"),)
    return ApprovalNeeded(
        step, approval, "mail.send", "send", shown, "It acts on what is not your own words."
    )


def positions(journal: Journal, run: str) -> list[int]:
    return [position for position, _ in journal.events(run)]


def test_a_run_comes_back_as_it_was_made(journal: Journal) -> None:
    claim = journal.create("Mail «Jo» ✉\x00\udcff", {"tools": ["mail"], "mode": "auto"}, "w1")
    one = journal.get(claim.run)
    assert (one.id, one.state, one.worker) == (claim.run, "running", "w1")
    assert one.question.rstrip("\ufffd") == "Mail «Jo» ✉"
    assert one.request == {"tools": ["mail"], "mode": "auto"}
    assert one.created_at == one.updated_at
    assert one.created_at.tzinfo is not None


def test_events_come_back_in_order_and_from_any_position(journal: Journal) -> None:
    claim = journal.create("q", {}, "w1")
    first = [
        started(1),
        StepFinished("s1", {"deep": [1.5, None, "ü"]}, external("host:example.org"), 12, True),
    ]
    claim = journal.append(claim, first)
    claim = journal.append(claim, [])
    claim = journal.append(claim, [StepFailed("s2", "denied", "You did not approve it.")])
    assert [event for _, event in journal.events(claim.run)] == [
        *first,
        StepFailed("s2", "denied", "You did not approve it."),
    ]
    assert positions(journal, claim.run) == [0, 1, 2]
    assert [position for position, _ in journal.events(claim.run, after=1)] == [2]
    assert claim.position == 3


def test_a_claim_goes_on_behind_the_last_event(journal: Journal) -> None:
    claim = journal.append(journal.create("q", {}, "w1"), [started(1), started(2)])
    journal.release(claim, "stopped")
    assert journal.get(claim.run).worker is None
    again = journal.claim(claim.run[:25], "w2")
    assert (again.run, again.position) == (claim.run, 2)
    assert (journal.get(claim.run).state, journal.get(claim.run).worker) == ("running", "w2")
    journal.append(again, [started(3)])
    assert positions(journal, claim.run) == [0, 1, 2]


def test_a_run_that_somebody_works_on_is_left_to_them(journal: Journal) -> None:
    claim = journal.create("q", {}, "w1")
    for other in (None, "w3"):
        with pytest.raises(UserError, match="being worked on by another process") as caught:
            journal.claim(claim.run, "w2", instead_of=other)
        assert f"pierian runs cancel {claim.run}" in caught.value.hint
    assert journal.append(claim, [started(1)]).position == 1


def test_after_a_take_over_the_old_claim_writes_nothing(journal: Journal) -> None:
    old = journal.append(journal.create("q", {}, "w1"), [started(1)])
    new = journal.claim(old.run, "w2", instead_of="w1")
    acts: list[Callable[[], object]] = [
        lambda: journal.append(old, [started(2)]),
        lambda: journal.append(old, [started(2)], durable=True),
        lambda: journal.append(old, []),
        lambda: journal.append(Claim(old.run, old.fence, 7), [asks("aa")]),
        lambda: journal.release(old, "done"),
    ]
    for act in acts:
        with pytest.raises(RunLost) as caught:
            act()
        assert caught.value.run == old.run
    assert positions(journal, old.run) == [0]
    assert Approvals(journal.database).list() == []
    assert journal.append(new, [started(2)]).position == 2
    assert (journal.get(old.run).state, journal.get(old.run).worker) == ("running", "w2")


def test_a_worker_whose_heart_has_beaten_since_keeps_its_run(journal: Journal) -> None:
    with Worker(journal.database) as worker:
        worker.beat()
        claim = journal.create("q", {}, worker.id)
        with pytest.raises(UserError, match="being worked on"):
            journal.claim(claim.run, "w2", instead_of=worker.id, beats=1)
    journal.append(claim, [started(1)])  # the claim that was refused has changed nothing
    # It has left its name by now: nothing beats.
    assert journal.claim(claim.run, "w2", instead_of=worker.id, beats=1).position == 1


def test_what_has_ended_is_not_gone_on_with(journal: Journal) -> None:
    for state in ENDED:
        claim = journal.create("q", {}, "w1")
        journal.release(claim, state)
        with pytest.raises(UserError, match=f"is {state}: there is nothing to go on with"):
            journal.claim(claim.run, "w2")
        with pytest.raises(UserError, match=f"is {state} already"):
            journal.cancel(claim.run)
        with pytest.raises(RunLost):
            journal.append(claim, [started(1)])
        assert journal.get(claim.run).state == state


def test_cancelling_takes_the_run_from_whoever_works_on_it(journal: Journal) -> None:
    claim = journal.append(journal.create("q", {}, "w1"), [asks("aa"), asks("bb", "s2")])
    Approvals(journal.database).answer("bb", approved=True)
    assert journal.cancel(claim.run.upper()).state == "cancelled"
    with pytest.raises(RunLost):
        journal.append(claim, [started(1)])
    assert journal.get(claim.run).worker is None
    assert Approvals(journal.database).states(claim.run) == {"aa": "cancelled", "bb": "approved"}


def test_what_is_still_asked_when_a_run_has_ended_needs_no_answer(journal: Journal) -> None:
    ends: dict[RunState, str] = {"done": "cancelled", "failed": "pending", "stopped": "pending"}
    for state, left in ends.items():
        claim = journal.append(journal.create("q", {}, "w1"), [asks(f"{state}1"), asks(f"{state}2")])
        Approvals(journal.database).answer(f"{state}1", approved=True)
        journal.release(claim, state)
        assert Approvals(journal.database).states(claim.run) == {f"{state}1": "approved", f"{state}2": left}


def test_a_batch_is_written_whole_or_not_at_all(journal: Journal) -> None:
    claim = journal.append(journal.create("q", {}, "w1"), [started(1)])
    other = journal.append(journal.create("other", {}, "w1"), [asks("taken")])
    with pytest.raises(StorageError):  # an approval's name is given once
        journal.append(claim, [started(2), started(3), asks("taken")])
    with pytest.raises(StorageError):  # behind the events of a claim that was used before
        journal.append(Claim(claim.run, claim.fence, 0), [asks("new")])
    assert positions(journal, claim.run) == [0]
    assert set(Approvals(journal.database).states(claim.run)) == set()
    assert journal.append(claim, [started(2)]).position == 2
    assert set(Approvals(journal.database).states(other.run)) == {"taken"}


def test_a_full_disk_leaves_nothing_half_written(journal: Journal) -> None:
    claim = journal.append(journal.create("q", {}, "w1"), [started(1)])
    batch = [started(2), asks("aa"), StepFinished("s2", LONG)]
    with full_disk(journal.database):
        for durable in (False, True):
            with pytest.raises(DiskFull, match="no room left") as caught:
                journal.append(claim, batch, durable=durable)
            assert "Free some space" in caught.value.hint
            assert positions(journal, claim.run) == [0]
    assert Approvals(journal.database).list() == []
    assert journal.append(claim, batch, durable=True).position == 4
    assert [event for _, event in journal.events(claim.run)] == [started(1), *batch]


def test_times_of_day_decide_nothing(database: Database) -> None:
    now = datetime(2026, 11, 3, tzinfo=UTC)
    jumps = cycle([timedelta(), timedelta(days=-365), timedelta(days=4000), timedelta(hours=-3)])
    journal = Journal(database, clock=lambda: now + next(jumps))
    made = [journal.create(str(number), {}, f"w{number}") for number in range(8)]
    # Newest first, by the order in which they were made as far as the ids tell: not by the jumping clock.
    assert [one.id for one in journal.list()] == sorted((claim.run for claim in made), reverse=True)
    for claim in made:
        claim = journal.append(claim, [started(1)])
        claim = journal.append(claim, [started(2)])
        assert positions(journal, claim.run) == [0, 1]
        with pytest.raises(UserError, match="being worked on"):
            journal.claim(claim.run, "late")
    assert {run for run, _ in journal.unattended(["w3"])} == {
        claim.run for claim in made
    }  # none is listed as a worker
    with Worker(database) as worker:
        kept = journal.create("kept", {}, worker.id)
        assert kept.run not in dict(journal.unattended([]))
        assert dict(journal.unattended([worker.id]))[kept.run] == worker.id


def test_lists_are_newest_first_and_by_state(journal: Journal) -> None:
    claims = [journal.create(str(number), {}, "w1") for number in range(4)]
    journal.release(claims[0], "done")
    journal.release(claims[1], "waiting")
    newest = sorted((claim.run for claim in claims), reverse=True)
    assert [one.id for one in journal.list(3)] == newest[:3]
    assert [one.id for one in journal.list(states=("done", "waiting"))] == sorted(
        (claims[0].run, claims[1].run), reverse=True
    )
    assert journal.list(states=("cancelled",)) == []


def test_owners_do_not_see_or_touch_each_other(database: Database) -> None:
    mine, theirs = Journal(database), Journal(database, owner="somebody")
    claim = mine.append(mine.create("secret plans", {}, "w1"), [asks("aa")])
    assert theirs.list() == []
    assert theirs.unattended(["w1"]) == []
    for act in (theirs.get, theirs.cancel, theirs.delete, lambda run: theirs.claim(run, "w1")):
        with pytest.raises(UnknownName):
            act(claim.run)
    mine.release(claim, "waiting")
    Approvals(database).answer("aa", approved=True)
    assert theirs.unattended([]) == []
    assert mine.unattended([]) == [(claim.run, None)]


def test_unknown_ids_are_said_to_be_unknown(journal: Journal) -> None:
    claim = journal.create("only", {}, "w1")
    for wrong in ("", " ", "zz", "%", "_", "0'", "x" * 100_000, "0\x00", "\udcff"):
        for act in (journal.get, journal.cancel, journal.delete, lambda run: journal.claim(run, "w2")):
            with pytest.raises(UnknownName) as caught:
                act(wrong)
            assert claim.run in caught.value.hint
    assert journal.get(claim.run).state == "running"


def test_any_unique_beginning_of_an_id_will_do(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = iter(["0abc" + "0" * 22, "0abd" + "0" * 22])
    monkeypatch.setattr("pierian.runs.journal.new_id", lambda: next(ids))
    first, second = journal.create("first", {}, "w1"), journal.create("second", {}, "w1")
    assert journal.get("0abc").id == first.run
    assert journal.get(f" {second.run.upper()}\n").id == second.run
    with pytest.raises(UserError, match="More than one run begins with '0ab'") as caught:
        journal.cancel("0ab")
    assert caught.value.hint == "Give more of its id."


def test_deleting_takes_events_and_approvals_along(journal: Journal) -> None:
    claim = journal.append(journal.create("q", {}, "w1"), [started(1), asks("aa")])
    for state in ("running", "waiting"):
        with pytest.raises(UserError, match=f"is {state}") as caught:
            journal.delete(claim.run)
        assert f"pierian runs cancel {claim.run}" in caught.value.hint
        if state == "running":
            journal.release(claim, "waiting")
    journal.cancel(claim.run)
    journal.delete(claim.run)
    assert journal.events(claim.run) == []
    assert Approvals(journal.database).list(pending=False) == []
    with pytest.raises(UnknownName):
        journal.get(claim.run)
    with pytest.raises(RunLost):
        journal.append(claim, [started(2)])


def test_abandoning_concerns_only_the_worker_that_had_it(journal: Journal) -> None:
    claim = journal.create("q", {}, "w1")
    journal.abandon(claim.run, "w2")
    claim = journal.append(claim, [started(1)])
    journal.abandon(claim.run, "w1")
    assert (journal.get(claim.run).state, journal.get(claim.run).worker) == ("stopped", None)
    with pytest.raises(RunLost):
        journal.append(claim, [started(2)])
    assert journal.claim(claim.run, "w3").position == 1
    journal.abandon(claim.run, "w1")
    assert journal.get(claim.run).worker == "w3"


def test_runs_to_go_on_with(journal: Journal) -> None:
    with Worker(journal.database) as alive:
        journal.create("lives", {}, alive.id)
        left = journal.create("its worker is not listed", {}, "gone")
        parked = journal.append(journal.create("asks", {}, alive.id), [asks("aa"), asks("bb", "s2")])
        journal.release(parked, "waiting")
        for state in ("stopped", "failed", "done", "cancelled"):
            journal.release(journal.create(state, {}, alive.id), state)
        assert journal.unattended([]) == [(left.run, "gone")]
        Approvals(journal.database).answer("aa", approved=True)
        assert journal.unattended([]) == [(left.run, "gone")]
        Approvals(journal.database).answer("bb", approved=False)
        assert journal.unattended([]) == [(left.run, "gone"), (parked.run, None)]
        assert len(journal.unattended([alive.id])) == 3


def test_a_crash_between_events_loses_none_that_was_stored(journal: Journal, tmp_path: Path) -> None:
    claim = journal.create("q", {}, "w1")
    command = [
        sys.executable,
        "-c",
        APPEND_FOREVER,
        address(journal.database),
        tmp_path / "pierian.db",
        claim.run,
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        seen = [int(writer.stdout.readline()) for _ in range(20)][-1]
        writer.kill()
    again = journal.claim(claim.run, "w2", instead_of="w1")
    assert again.position >= seen
    assert again.position % 3 == 0  # batches of three, whole
    assert positions(journal, claim.run) == list(range(again.position))
    assert journal.append(again, [started(1)]).position == again.position + 1


def test_of_several_processes_that_want_a_run_one_gets_it(journal: Journal, tmp_path: Path) -> None:
    runs = [journal.create(str(number), {}, "dead").run for number in range(15)]
    command = [sys.executable, "-c", CLAIM_ALL, address(journal.database), tmp_path / "pierian.db", *runs]
    processes = [
        subprocess.Popen(
            [*command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    results = [process.communicate() for process in processes]
    assert [errors for _, errors in results] == ["", ""]
    assert sorted(run for won, _ in results for run in won.split()) == sorted(runs)
    for run in runs:
        assert positions(journal, run) == [0, 1]


def test_of_several_threads_that_want_a_run_one_gets_it(journal: Journal) -> None:
    for state in ("waiting", "stopped", "failed") * 5:
        claim = journal.create("q", {}, "w1")
        journal.release(claim, state)
        won, refused = race(journal, claim.run)
        assert len(won) == 1
        assert len(refused) == 3
        assert all("being worked on" in said for said in refused)
        journal.append(won[0], [started(1)])


def race(journal: Journal, run: str) -> tuple[list[Claim], list[str]]:
    """Four who want a run at the same moment: who got it, and what the others were told."""
    together, won, refused = threading.Barrier(4), list[Claim](), list[str]()

    def take(name: str) -> None:
        together.wait()
        try:
            won.append(journal.claim(run, name))
        except UserError as error:
            refused.append(str(error))

    threads = [threading.Thread(target=take, args=(f"w{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return won, refused


APPEND_FOREVER = """
import sys
from pathlib import Path
from pierian.events import StepFinished
from pierian.runs import Claim, Journal
from pierian.storage import open_storage
journal, claim = Journal(open_storage(sys.argv[1], Path(sys.argv[2]))), Claim(sys.argv[3], 1, 0)
while True:
    claim = journal.append(claim, [StepFinished("s1", "word " * 2_000)] * 3, durable=claim.position % 2 == 0)
    print(claim.position, flush=True)
"""

CLAIM_ALL = """
import os, sys
from pathlib import Path
from pierian.events import StepStarted
from pierian.exceptions import UserError
from pierian.runs import Journal
from pierian.storage import open_storage
with open_storage(sys.argv[1], Path(sys.argv[2])) as database:
    journal = Journal(database)
    print("ready", flush=True)
    sys.stdin.readline()
    for run in sys.argv[3:]:
        try:
            claim = journal.claim(run, str(os.getpid()), instead_of="dead")
        except UserError:
            continue
        journal.append(journal.append(claim, [StepStarted("s1", "x")]), [StepStarted("s2", "x")])
        print(run)
"""
