"""The journal of runs under any order of what workers, users and watchers do, against a model of what it should hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from pierian.events import ApprovalNeeded, Event, StepStarted
from pierian.exceptions import RunLost, UserError
from pierian.runs import Approvals, Claim, Journal, RunState
from pierian.storage import Database

ENDED: tuple[RunState, ...] = ("done", "cancelled")
WORKERS = st.sampled_from(["w1", "w2", "w3"])
PICKED = st.integers(0, 10_000)
FRESH = count()


@dataclass
class Model:
    """What a run should be by now."""

    worker: str | None
    state: str = "running"
    events: list[Event] = field(default_factory=list)
    approvals: dict[str, str] = field(default_factory=dict)
    held: Claim | None = None
    """The only claim that may write; None where nobody works on the run."""


class JournalMachine(RuleBasedStateMachine):
    """Any order of what workers, users and watchers do to a few runs."""

    def __init__(self, database: Database) -> None:
        super().__init__()
        owner = f"owner {next(FRESH)}"  # so that all examples can share one database
        self.journal, self.approvals = Journal(database, owner), Approvals(database, owner)
        self.runs: dict[str, Model] = {}
        self.claims: list[Claim] = []

    @initialize()
    def begin(self) -> None:
        self.create("w1")

    def run_of(self, picked: int) -> tuple[str, Model]:
        return [*self.runs.items()][picked % len(self.runs)]

    def held(self, run: str, claim: Claim) -> None:
        self.runs[run].held = claim
        self.claims.append(claim)

    @precondition(lambda self: len(self.runs) < 3)
    @rule(worker=WORKERS)
    def create(self, worker: str) -> None:
        claim = self.journal.create("q", {}, worker)
        self.runs[claim.run] = Model(worker)
        self.held(claim.run, claim)

    @rule(picked=PICKED, worker=WORKERS, instead_of=st.none() | WORKERS)
    def claim(self, picked: int, worker: str, instead_of: str | None) -> None:
        run, model = self.run_of(picked)
        if model.state in ENDED or model.worker != instead_of:
            with pytest.raises(UserError):
                self.journal.claim(run, worker, instead_of=instead_of)
            return
        claim = self.journal.claim(run, worker, instead_of=instead_of)
        assert claim.position == len(model.events)
        assert all(claim.fence > old.fence for old in self.claims if old.run == run)
        model.worker, model.state = worker, "running"
        self.held(run, claim)

    @rule(picked=PICKED, size=st.integers(0, 4), asking=st.booleans(), durable=st.booleans())
    def append(self, picked: int, size: int, asking: bool, durable: bool) -> None:
        claim = self.claims[picked % len(self.claims)]
        model = self.runs[claim.run]
        batch: list[Event] = [StepStarted(f"s{len(model.events) + number}", "x") for number in range(size)]
        if asking:
            batch.append(ApprovalNeeded("s1", f"{next(FRESH):08x}", "mail.send", "send", (), "It acts."))
        if claim != model.held:
            assert model.held is None or claim.fence < model.held.fence
            with pytest.raises(RunLost):
                self.journal.append(claim, batch, durable=durable)
            return
        self.claims.remove(claim)
        model.events += batch
        model.approvals |= {event.approval: "pending" for event in batch if isinstance(event, ApprovalNeeded)}
        self.held(claim.run, self.journal.append(claim, batch, durable=durable))

    @rule(picked=PICKED, state=st.sampled_from(["waiting", "stopped", "failed", "done"]))
    def release(self, picked: int, state: RunState) -> None:
        claim = self.claims[picked % len(self.claims)]
        model = self.runs[claim.run]
        if claim != model.held:
            with pytest.raises(RunLost):
                self.journal.release(claim, state)
            return
        self.journal.release(claim, state)
        self.ends(model, state)

    @rule(picked=PICKED)
    def cancel(self, picked: int) -> None:
        run, model = self.run_of(picked)
        if model.state in ENDED:
            with pytest.raises(UserError):
                self.journal.cancel(run)
            return
        assert self.journal.cancel(run).state == "cancelled"
        self.ends(model, "cancelled")

    @rule(picked=PICKED, worker=WORKERS)
    def abandon(self, picked: int, worker: str) -> None:
        run, model = self.run_of(picked)
        self.journal.abandon(run, worker)
        if model.worker == worker:
            self.ends(model, "stopped")

    @rule(picked=PICKED, which=PICKED, approved=st.booleans())
    def answer(self, picked: int, which: int, approved: bool) -> None:
        _, model = self.run_of(picked)
        if not model.approvals:
            return
        approval = [*model.approvals][which % len(model.approvals)]
        if model.approvals[approval] != "pending":
            with pytest.raises(UserError, match="already; nothing was changed"):
                self.approvals.answer(approval, approved=approved)
            return
        assert model.state not in ENDED
        model.approvals[approval] = self.approvals.answer(approval, approved=approved).state

    def ends(self, model: Model, state: str) -> None:
        model.worker, model.state, model.held = None, state, None
        if state in ENDED:
            model.approvals |= {one: "cancelled" for one, was in model.approvals.items() if was == "pending"}

    @invariant()
    def everything_is_as_it_should_be(self) -> None:
        for run, model in self.runs.items():
            stored = self.journal.get(run)
            assert (stored.state, stored.worker) == (model.state, model.worker)
            assert self.journal.events(run) == [*enumerate(model.events)]
            assert self.approvals.states(run) == model.approvals

    @invariant()
    def waiting_runs_go_on_when_all_is_answered(self) -> None:
        ready = {
            run
            for run, model in self.runs.items()
            if model.state == "waiting" and "pending" not in model.approvals.values()
        }
        assert {run for run, worker in self.journal.unattended([]) if worker is None} == ready


def test_whatever_is_done_in_whatever_order(database: Database) -> None:
    examples = 20 if database.engine.dialect.name == "sqlite" else 8
    run_state_machine_as_test(
        lambda: JournalMachine(database), settings=settings(max_examples=examples, stateful_step_count=25)
    )
