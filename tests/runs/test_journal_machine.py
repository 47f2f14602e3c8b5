"""The journal of runs under any order of what workers, users and watchers do, against a model of what it should hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count

import pytest
from hypothesis import Phase, settings
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
STATES = st.sampled_from(["waiting", "stopped", "failed", "done"])
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
        self.old: list[Claim] = []
        """Claims that may write no more."""

    @initialize()
    def begin(self) -> None:
        self.create("w1")

    def run_of(self, picked: int) -> tuple[str, Model]:
        return [*self.runs.items()][picked % len(self.runs)]

    def any_held(self) -> bool:
        return any(model.held is not None for model in self.runs.values())

    def held_of(self, picked: int) -> tuple[Model, Claim]:
        """A run that somebody works on, and by which right."""
        held = [(model, model.held) for model in self.runs.values() if model.held is not None]
        return held[picked % len(held)]

    @precondition(lambda self: len(self.runs) < 4)
    @rule(worker=WORKERS)
    def create(self, worker: str) -> None:
        claim = self.journal.create("q", {}, worker)
        self.runs[claim.run] = Model(worker, held=claim)
        self.write(self.runs[claim.run], claim, size=1, asking=1, durable=False)

    @rule(picked=PICKED, worker=WORKERS, knows=st.booleans(), guess=st.none() | WORKERS)
    def claim(self, picked: int, worker: str, knows: bool, guess: str | None) -> None:
        run, model = self.run_of(picked)
        instead_of = model.worker if knows else guess
        if model.state in ENDED or model.worker != instead_of:
            with pytest.raises(UserError):
                self.journal.claim(run, worker, instead_of=instead_of)
            return
        claim = self.journal.claim(run, worker, instead_of=instead_of)
        assert claim.position == len(model.events)
        self.ends(model, "running")
        assert all(claim.fence > old.fence for old in self.old if old.run == run)
        model.worker, model.held = worker, claim

    @precondition(any_held)
    @rule(picked=PICKED, size=st.integers(0, 4), asking=st.integers(0, 2), durable=st.booleans())
    def append(self, picked: int, size: int, asking: int, durable: bool) -> None:
        self.write(*self.held_of(picked), size, asking, durable)

    def write(self, model: Model, claim: Claim, size: int, asking: int, durable: bool) -> None:
        batch: list[Event] = [StepStarted(f"s{len(model.events) + number}", "x") for number in range(size)]
        for _ in range(asking):
            approval = f"{next(FRESH):08x}"
            batch.append(ApprovalNeeded("s1", approval, "mail.send", "send", (), "It acts."))
            model.approvals[approval] = "pending"
        model.held = self.journal.append(claim, batch, durable=durable)
        model.events += batch

    @precondition(any_held)
    @rule(picked=PICKED, state=STATES)
    def release(self, picked: int, state: RunState) -> None:
        model, claim = self.held_of(picked)
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
        approval = [*model.approvals][which % len(model.approvals)]
        if model.approvals[approval] != "pending":
            with pytest.raises(UserError, match="already; nothing was changed"):
                self.approvals.answer(approval, approved=approved)
            return
        assert model.state not in ENDED
        model.approvals[approval] = self.approvals.answer(approval, approved=approved).state

    def ends(self, model: Model, state: str) -> None:
        if model.held is not None:
            self.old.append(model.held)
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
    def nobody_writes_behind_somebodys_back(self) -> None:
        for claim in {claim.run: claim for claim in self.old}.values():  # the last old one of each run
            at_the_end = Claim(claim.run, claim.fence, len(self.runs[claim.run].events))
            with pytest.raises(RunLost):
                self.journal.append(at_the_end, [StepStarted("s1", "late")])
            with pytest.raises(RunLost):
                self.journal.release(claim, "done")

    @invariant()
    def waiting_runs_go_on_when_all_is_answered(self) -> None:
        ready = {
            run
            for run, model in self.runs.items()
            if model.state == "waiting" and "pending" not in model.approvals.values()
        }
        assert {run for run, worker in self.journal.unattended([]) if worker is None} == ready


def test_whatever_is_done_in_whatever_order(database: Database) -> None:
    chosen = settings(
        max_examples=40 if database.engine.dialect.name == "sqlite" else 15,
        stateful_step_count=30,
        phases=[Phase.generate],  # making a failure shorter takes longer than a test may
    )
    run_state_machine_as_test(lambda: JournalMachine(database), settings=chosen)
