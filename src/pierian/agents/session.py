"""One piece of planned work from the request to the answer, journalled all the way.

`act` plans and carries out a request with tools; `go_on` takes a journalled run up where it was. Both leave
the answer in the `reasoning.Run` that they are given, as the modes do. A request for which the planner sees
nothing to do is not journalled, and `act` says so, for a mode to answer it. What ends a run early decides its
state in the journal: a budget still gives an answer, a stop leaves the run to be resumed, a missing approval
parks it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct, field, structs

from pierian.agents.account_tools import ages_of
from pierian.agents.answering import (
    FROM_RESULTS,
    account,
    asked,
    ended,
    harmless,
    sources,
    untouched,
)
from pierian.agents.earlier import earlier_answers, earlier_requests, own_words
from pierian.agents.effects import Effects, Parked
from pierian.agents.entities import Entity
from pierian.agents.plan import Agent, Call, describe
from pierian.agents.planner import ModelPlanner
from pierian.agents.progress import Progress, Scope, path_of
from pierian.agents.quarantine import ModelReader, Reader
from pierian.agents.ready_answers import told_by_code, told_whole
from pierian.agents.runner import Planner, Runner, Task
from pierian.agents.safe_stream import SafeStream
from pierian.agents.wording import unnamed, words_around
from pierian.events import (
    Answer,
    AnswerReady,
    Event,
    PlanMade,
    Routed,
    RunOpened,
    RunParked,
    StepRecord,
    StepStarted,
)
from pierian.exceptions import BudgetExhausted, RunLost
from pierian.provenance import USER, Labelled, described, external
from pierian.reasoning.attempt import attempt
from pierian.reasoning.payment import payment_of
from pierian.reasoning.question import Kind, Question
from pierian.reasoning.run import Draft, Run
from pierian.reasoning.values import FinalValue
from pierian.runs.approvals import Approvals, ApprovalState
from pierian.runs.journal import Claim, Journal, RunState
from pierian.runs.rules import Rules
from pierian.runs.workers import Worker, boot_clock
from pierian.runs.writer import JournalWriter
from pierian.storage.database import Database
from pierian.tools import Tool

LEAST_TOKENS = 100
"""A plan or a value rarely takes more; with fewer left no model is asked."""
MOST_QUOTED = 20_000
"""Characters of a quotation that a plan may name, such as the text of a mail."""


class Desk(Struct):
    """What planned work needs beside a model: tools, the journal, and who works."""

    tools: Mapping[str, Tool]
    database: Database
    worker: Worker
    owner: str = "local"
    author: str = ""
    """Source of the request where it is not the user who wrote it, such as another program; its words then
    are nobody's own, and whatever acts on them is asked for."""
    waits: bool = False
    """Whether somebody is there who answers approvals; otherwise the run is parked."""
    planner: Planner | None = None
    """Instead of the model's."""
    reader: Reader | None = None
    """Instead of the model's."""
    request: dict[str, Any] = field(default_factory=dict[str, Any])
    """What is kept with a run, for going on with it later."""


class Session:
    """A run at work: journals events, shows them, and knows whether the run is still its own."""

    def __init__(
        self,
        desk: Desk,
        run: Run,
        request: str,
        claim: Claim | None = None,
        writer: JournalWriter | None = None,
    ) -> None:
        self.desk = desk
        self.progress = Progress()
        self._run = run
        self._request = request
        self._journal = Journal(desk.database, desk.owner)
        self._approvals = Approvals(desk.database, desk.owner)
        self._writer = JournalWriter(self._journal, claim) if claim is not None else writer
        self._shared = writer is not None
        """Whose writer it is also opens and ends the run."""
        self._ended = self._shared
        self._held_at = float("-inf")
        """When the journal last confirmed that the run is ours."""

    @property
    def run(self) -> str:
        """The run's id; empty before its first step is planned."""
        return self._writer.run if self._writer is not None else ""

    async def record(self, event: Event, *, durable: bool = False) -> None:
        """Journal an event, take it into account, show it."""
        writer = self._writer
        if writer is None:
            if isinstance(event, PlanMade) and not event.steps:
                self.progress.apply(event)  # nothing is to be done, so there is nothing to keep
                return
            writer = await self._open()
        if isinstance(event, StepStarted):
            writer.note(event)
        else:
            begun = boot_clock()
            await writer.append(event, durable=durable)
            self._held_at = begun
        self.progress.apply(event)
        self._run.emit(event)

    async def _open(self) -> JournalWriter:
        """A new run in the journal; one that is made while this is cancelled is known, and can be given back."""
        new = self._journal.create, self._request, self.desk.request, self.desk.worker.id
        creating = asyncio.create_task(asyncio.to_thread(*new))
        try:
            await asyncio.shield(creating)
        finally:
            self._writer = writer = JournalWriter(self._journal, await creating)
        self._opened(resumed=False)
        return writer

    async def take_up(self) -> None:
        """Fold the journal of a claimed run."""
        for _, event in await asyncio.to_thread(self._journal.events, self.run):
            self.progress.apply(event)
            # Whoever journals the other events has all of these already.
            if not self._shared and not isinstance(event, AnswerReady):
                self._run.emit(event)
        self._opened(resumed=True)

    def _opened(self, *, resumed: bool) -> None:
        self._run.journalled = self.run
        if not self._shared:
            self._run.emit(RunOpened(self.run, resumed))

    async def still_ours(self) -> None:
        """Return when nobody else can have the run."""
        assert self._writer is not None
        while not self.desk.worker.unbroken(self._held_at):
            if not self.desk.worker.fresh():
                await asyncio.to_thread(self.desk.worker.beat)
            begun = boot_clock()
            await self._writer.verify()
            self._held_at = begun

    async def answers(self) -> Mapping[str, ApprovalState]:
        """How the approvals of the run stand."""
        return await asyncio.to_thread(self._approvals.states, self.run)

    async def end(self, state: RunState, answer: Answer | None = None) -> None:
        """Give the run back, once; a run that is no longer ours is left alone."""
        if self._writer is None or self._ended:
            return
        self._ended = True
        try:
            if answer is not None:
                await self._writer.append(AnswerReady(answer))
            await self._writer.release(state)
        except RunLost:
            return


async def act(
    run: Run,
    desk: Desk,
    tools: Sequence[str],
    entities: Sequence[Entity],
    writer: JournalWriter | None = None,
) -> Session | None:
    """Plan a request and carry it out; None where nothing is to be done with tools.

    The caller calls `Session.end` when the answer is complete. With the `writer` of a claimed run, its plan goes on
    where it was, and the run is its writer's to end.
    """
    session = Session(desk, run, run.question.text, writer=writer)
    task = _task(run, desk, tools, entities)
    run.emit(Routed("agents", f"planning with {len(task.tools)} tool{'s' if len(task.tools) != 1 else ''}"))
    return session if await _work(run, session, task) else None


async def go_on(
    run: Run, desk: Desk, claim: Claim, tools: Sequence[str], entities: Sequence[Entity]
) -> Session:
    """Take up a run that is in the journal, where it was."""
    session = Session(desk, run, run.question.text, claim)
    task = _task(run, desk, tools, entities)
    await _work(run, session, task, resumed=True)
    return session


def _task(run: Run, desk: Desk, tools: Sequence[str], entities: Sequence[Entity]) -> Task:
    """What is to be planned, with the conversation before it."""
    known = known_values(entities, desk.author) | earlier_answers(run.history)
    earlier = () if desk.author else earlier_requests(run.history)
    request = run.question.text
    return Task(
        request,
        tuple(tools),
        known,
        earlier=earlier,
        said=words_around(request, entities),
        unnamed=unnamed(request, entities),
    )


def known_values(entities: Sequence[Entity], author: str = "") -> dict[str, Labelled]:
    """What a planner may name: each value once. Numbers and amounts are left out: even a small model copies those
    rightly, and a record in the place of a number would be wrong."""
    found: dict[str, Labelled] = {}
    seen: set[str] = set()
    for entity in entities:
        most = MOST_QUOTED if entity.kind == "quote" else None
        if most and len(entity.text) > most:
            continue
        key = f"{entity.kind} {entity.value!r}"
        if entity.kind not in ("number", "amount") and key not in seen:
            seen.add(key)
            found[entity.name] = Labelled(entity.value, external(author) if author else USER)
    return found


async def _work(run: Run, session: Session, task: Task, *, resumed: bool = False) -> bool:
    """Everything up to the written answer; False where there is nothing to do and nothing is in the journal."""
    try:
        if session.run:
            await session.take_up()
        return await _carried_out(run, session, task, resumed=resumed)
    except asyncio.CancelledError:
        run.steps = step_records(session.progress)
        run.partial = run.partial or _so_far(session)
        await asyncio.shield(session.end("stopped"))
        raise
    except RunLost as lost:
        run.steps = step_records(session.progress)
        run.cut_short = str(lost)
    except Exception:  # whatever it is, the run does not stay claimed
        await session.end("failed")
        raise
    return True


async def _carried_out(run: Run, session: Session, task: Task, *, resumed: bool) -> bool:
    rules = await asyncio.to_thread(Rules(session.desk.database, session.desk.owner).list)
    runner = Runner(
        "" if session.desk.author else own_words(run.question.text, task.earlier),
        tools=session.desk.tools,
        planner=session.desk.planner or ModelPlanner(run.model, session.desk.tools),
        reader=session.desk.reader or ModelReader(run.model),
        sandbox=run.sandbox,
        recorder=session,
        effects=Effects(session, rules, waits=session.desk.waits),
        progress=session.progress,
        payment=payment_of(run, least=LEAST_TOKENS),
    )
    run.sandbox.warm()
    try:
        scope = await runner.run(task)
    except BudgetExhausted as error:
        run.cut_short = str(error)
        scope = session.progress.scopes.get("")
    except Parked:
        await _park(run, session)
        return True
    if scope is None or not scope.plan.steps:
        if run.cut_short:
            raise BudgetExhausted("tokens", run.cut_short)
        if not resumed:
            return False
    run.steps = step_records(session.progress)
    if any(one.outcome == "budget" for one in run.steps) and not run.cut_short:
        run.cut_short = "The budget did not suffice for every step."
    await _answer(run, session, scope or Scope())
    return True


def _so_far(session: Session) -> str:
    """What there is when a run ends before its answer: what was done, and how to go on."""
    if not session.run:
        return ""
    acts = [name for name, tool in session.desk.tools.items() if tool.acts]
    done = sum(one.outcome in ("done", "confirmed") for one in step_records(session.progress))
    told = harmless(account(session.progress, acts), ())
    return "\n\n".join(
        part
        for part in (f"{done} steps were done; `pierian runs resume {session.run}` goes on.", told)
        if part
    )


async def _park(run: Run, session: Session) -> None:
    """Leave the run to wait for approvals, and say how to give them."""
    waiting = [
        (path, step.approval)
        for name, scope in session.progress.scopes.items()
        for own, step in scope.steps.items()
        if step.status == "waiting" and step.approval and step.approved is None
        for path in [path_of(name, own)]
    ]
    ids = ", ".join(approval for _, approval in waiting)
    run.steps = step_records(session.progress)
    reason = f"It waits for your approval ({ids})."
    run.emit(RunParked(session.run, reason))
    run.cut_short = reason
    written = harmless(told_whole(session.progress.scopes.get("", Scope()), session.desk.tools), ())
    run.partial = f"{written}\n\n" if written else ""
    run.partial += (
        f"The work is planned and waits for your approval. `pierian approvals list` shows what is asked, "
        f"`pierian approvals approve {waiting[0][1] if waiting else 'ID'}` allows it, and `pierian runs "
        f"resume {session.run}` goes on."
    )
    await session.end("waiting")


async def _answer(run: Run, session: Session, scope: Scope) -> None:
    """Write the answer from what the steps came to, and tell by code what was done."""
    request = run.question
    links = _addresses(request.text, scope)
    stream = SafeStream(run.emit, lambda text: harmless(text, links))
    acts = [name for name, tool in session.desk.tools.items() if tool.acts]
    told = harmless(account(session.progress, acts), links)
    tools = session.desk.tools
    if written := told_whole(session.progress.scopes.get("", scope), tools) or told_by_code(
        request.text, scope, tools
    ):
        text = _with_account(harmless(written, links), told)
        run.chosen = Draft(0, "told by code", text, FinalValue(), 0.0, 0)
        stream.finish(text)
        await _note(run, session, scope, acts)
        return
    try:
        run.question = Question(asked(request.text, scope, session.desk.tools), Kind.OPEN)
        run.emit, emit = stream.emit, run.emit
        try:
            draft = await attempt(run, FROM_RESULTS, channel="answer")
        finally:
            run.emit, run.question = emit, request
            run.partial = _with_account(harmless(run.partial, links), told)
    except BudgetExhausted as error:
        run.cut_short = str(error)
        run.partial = told or "The steps were carried out, and no budget was left to tell of them."
        return
    text = _with_account(harmless(draft.text, links), told)
    stream.finish(text)
    run.chosen = structs.replace(draft, text=text)
    await _note(run, session, scope, acts)


async def _note(run: Run, session: Session, scope: Scope, acts: Sequence[str]) -> None:
    """Say on the receipt where it comes from, how old that is, and whether anything was done."""
    if acts and untouched(session.progress, acts):
        run.note = f"{run.note} Nothing was changed or sent.".strip()
    if found := sources(scope):
        run.note = f"{run.note} From: {found}.".strip()
    if old := await asyncio.to_thread(
        ages_of, _called(session.progress), session.desk.database, session.desk.owner
    ):
        run.note = f"{run.note} {old}".strip()


def _called(progress: Progress) -> set[str]:
    """The tools of all plans."""
    steps = (step for scope in progress.scopes.values() for step in scope.plan.steps)
    return {step.tool for step in steps if isinstance(step, Call)}


def _with_account(written: str, told: str) -> str:
    """The model's words, and below them what the journal says was done."""
    return "\n\n".join(part for part in (ended(written.strip()) if told else written.strip(), told) if part)


def _addresses(request: str, scope: Scope) -> set[str]:
    """The addresses that the user wrote."""
    written = {one.rstrip(".,;:!?") for one in re.findall(r"https?://[^\s<>()\[\]\"'`]+", request)}
    return written | {
        value.value
        for value in scope.entities.values()
        if isinstance(value.value, str) and value.value.startswith(("http://", "https://"))
    }


def step_records(progress: Progress) -> tuple[StepRecord, ...]:
    """Every step of every scope, sub-agents behind the step that started them."""
    found: list[StepRecord] = []

    def add(scope: str) -> None:
        for step in progress.scopes[scope].plan.steps:
            path, state = path_of(scope, step.id), progress.scopes[scope].steps[step.id]
            outcome = {"done": "confirmed" if state.confirmed else "done", "failed": state.code}
            source = described(state.value.labels) if state.value is not None else ""
            found.append(
                StepRecord(
                    path, describe(step), outcome.get(state.status, state.status), source, state.tokens
                )
            )
            if isinstance(step, Agent) and path in progress.scopes:
                add(path)

    if "" in progress.scopes:
        add("")
    return tuple(found)
