"""Approvals: asked once, answered once, by whom they belong to."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import update

from pierian.events import ApprovalNeeded, ShownArgument
from pierian.exceptions import UnknownName, UserError
from pierian.runs import Approval, Approvals, Claim, Journal, RunState
from pierian.storage import Database
from pierian.storage.tables import runs

SHOWN = (
    ShownArgument("to", ["jo@example.org"], "host:example.org"),
    ShownArgument("body", {"text": "Grüße\n✉", "copies": 2.5, "none": None}, "your own words"),
)


def asked(approval: str, step: str = "s1") -> ApprovalNeeded:
    return ApprovalNeeded(
        step, approval, "mail.send", "send", SHOWN, "It acts on what is not your own words."
    )


@pytest.fixture
def journal(database: Database) -> Journal:
    return Journal(database)


@pytest.fixture
def approvals(database: Database) -> Approvals:
    return Approvals(database)


def asking(journal: Journal, *ids: str) -> Claim:
    return journal.append(journal.create("q", {}, "w1"), [asked(one) for one in ids])


def test_what_is_asked_is_shown_as_it_was_journalled(journal: Journal, approvals: Approvals) -> None:
    claim = asking(journal, "0a0b0c0d")
    (one,) = approvals.list()
    assert (one.id, one.run, one.state) == ("0a0b0c0d", claim.run, "pending")
    assert one.asked == asked("0a0b0c0d")
    assert one.created_at.tzinfo is not None


def test_an_answer_is_kept(journal: Journal, approvals: Approvals) -> None:
    claim = asking(journal, "0a0b0c0d", "0a0bffff", "11111111")
    answered = approvals.answer("0A0B0", approved=True)
    assert (answered.id, answered.state) == ("0a0b0c0d", "approved")
    assert approvals.answer("1", approved=False).state == "rejected"
    kept = {"0a0b0c0d": "approved", "0a0bffff": "pending", "11111111": "rejected"}
    assert approvals.states(claim.run) == kept
    assert [one.id for one in approvals.list()] == ["0a0bffff"]
    assert {one.id: one.state for one in approvals.list(pending=False)} == kept


def test_answering_twice_changes_nothing_and_says_so(journal: Journal, approvals: Approvals) -> None:
    for number, (first, state) in enumerate([(True, "approved"), (False, "rejected")]):
        approval = f"{number}a0b0c0d"
        claim = asking(journal, approval)
        approvals.answer(approval, approved=first)
        for again in (True, False):
            with pytest.raises(UserError) as caught:
                approvals.answer(approval[:4], approved=again)
            assert str(caught.value) == f"The approval {approval} is {state} already; nothing was changed."
            assert approvals.states(claim.run) == {approval: state}


def test_answering_after_the_run_was_cancelled_says_so(journal: Journal, approvals: Approvals) -> None:
    claim = asking(journal, "0a0b0c0d")
    journal.cancel(claim.run)
    with pytest.raises(UserError) as caught:
        approvals.answer("0a0b0c0d", approved=True)
    assert str(caught.value) == "The approval 0a0b0c0d is cancelled already; nothing was changed."
    assert approvals.states(claim.run) == {"0a0b0c0d": "cancelled"}
    assert journal.get(claim.run).state == "cancelled"


def test_what_a_run_still_asks_that_ended_long_ago_is_not_answered(
    database: Database, journal: Journal, approvals: Approvals
) -> None:
    """Earlier versions left such questions behind."""
    claim = asking(journal, "0a0b0c0d")
    with database.append() as connection:
        connection.execute(update(runs).values(state="done"))
    with pytest.raises(UserError) as caught:
        approvals.answer("0a0b0c0d", approved=True)
    assert str(caught.value) == "The approval 0a0b0c0d belongs to a run that has ended; nothing was changed."
    assert approvals.states(claim.run) == {"0a0b0c0d": "pending"}


def test_what_a_parked_run_asks_can_be_answered(journal: Journal, approvals: Approvals) -> None:
    states: tuple[RunState, ...] = ("waiting", "stopped", "failed")
    for state in states:
        claim = asking(journal, state)
        journal.release(claim, state)
        assert approvals.answer(state, approved=True).state == "approved"
        assert journal.get(claim.run).state == state


def test_ids_that_fit_none_or_several(journal: Journal, approvals: Approvals) -> None:
    asking(journal, "0a0b0c0d", "0a0bffff", "11111111")
    approvals.answer("11111111", approved=True)
    with pytest.raises(UserError, match="More than one approval begins with '0a0b'") as several:
        approvals.answer("0a0b", approved=True)
    assert several.value.hint == "Give more of its id."
    for wrong in ("", "zz", "%", "\x00", "\udcff", "0a0b0c0d0"):
        with pytest.raises(UnknownName) as caught:
            approvals.answer(wrong, approved=True)
        assert "11111111" not in caught.value.hint
    assert {one.id for one in approvals.list()} == {"0a0b0c0d", "0a0bffff"}


def test_those_of_one_run(journal: Journal, approvals: Approvals) -> None:
    first, second = asking(journal, "aaaa0000"), asking(journal, "bbbb0000", "cccc0000")
    assert approvals.states(first.run) == {"aaaa0000": "pending"}
    assert approvals.states(second.run) == {"bbbb0000": "pending", "cccc0000": "pending"}
    assert approvals.list()[0].id == "aaaa0000"  # the oldest first


def test_nobody_answers_for_another_owner(database: Database, journal: Journal) -> None:
    claim = asking(journal, "0a0b0c0d")
    theirs = Approvals(database, owner="somebody")
    assert theirs.list() == []
    with pytest.raises(UnknownName):
        theirs.answer("0a0b0c0d", approved=True)
    assert Approvals(database).states(claim.run) == {"0a0b0c0d": "pending"}


def test_of_several_who_answer_at_once_one_is_heard(journal: Journal, approvals: Approvals) -> None:
    ids = [f"{number:08x}" for number in range(12)]
    claim = asking(journal, *ids)
    together, heard, refused = threading.Barrier(4), list[Approval](), list[str]()

    def answer(approved: bool) -> None:
        own = Approvals(journal.database)
        for one in ids:
            together.wait()
            try:
                heard.append(own.answer(one, approved=approved))
            except UserError as error:
                refused.append(str(error))

    threads = [threading.Thread(target=answer, args=(number % 2 == 0,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(one.id for one in heard) == ids
    assert approvals.states(claim.run) == {one.id: one.state for one in heard}
    assert len(refused) == 3 * len(ids)
    assert all(said.endswith("already; nothing was changed.") for said in refused)


def test_answering_while_the_run_is_cancelled_ends_in_one_of_both_ways(
    journal: Journal, approvals: Approvals
) -> None:
    for number in range(10):
        approval = f"{number:08x}"
        claim = asking(journal, approval)
        together, said = threading.Barrier(2), list[str]()

        def cancel(run: str, together: threading.Barrier) -> None:
            together.wait()
            journal.cancel(run)

        def answer(approval: str, together: threading.Barrier, said: list[str]) -> None:
            together.wait()
            try:
                said.append(approvals.answer(approval, approved=True).state)
            except UserError as error:
                said.append(str(error))

        threads = [
            threading.Thread(target=cancel, args=(claim.run, together)),
            threading.Thread(target=answer, args=(approval, together, said)),
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        state = approvals.states(claim.run)[approval]
        assert journal.get(claim.run).state == "cancelled"
        assert (state, said) in [
            ("approved", ["approved"]),
            ("cancelled", [f"The approval {approval} is cancelled already; nothing was changed."]),
        ]
