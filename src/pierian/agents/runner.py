"""Carries out plans: what is ready runs side by side, every step is journalled, failures are values.

A step ends as finished, failed (with a code from a closed set) or skipped; one that waits for a person while
nobody is there leaves the run parked. After failures a further plan may be asked for, which sees codes and
typed handles and no text. Sub-agents are scopes of the same run: their steps are journalled under the path of
the step that started them.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from datetime import date
from typing import Any, Protocol, assert_never, cast

import msgspec
from msgspec import Struct

from pierian.agents.arguments import has_any, labels_of_literal, named_in, part_of, resolved, words_of
from pierian.agents.earlier import Earlier
from pierian.agents.effects import SAID_NO, Effects, Parked, Place, Places, Recorder
from pierian.agents.named_arguments import part_meant
from pierian.agents.plan import (
    NONE,
    REFERENCE,
    SOME,
    Agent,
    Approve,
    Call,
    Choose,
    Compute,
    Extract,
    Plan,
    Step,
    checked,
    constants,
    describe,
    names_of_expression,
    to_dicts,
    used_tools,
)
from pierian.agents.progress import Progress, Scope, StepProgress, path_of
from pierian.agents.quarantine import Reader
from pierian.agents.schedule import Schedule, is_action
from pierian.budget import Limits
from pierian.events import PlanMade, StepFailed, StepFinished, StepSkipped, StepStarted
from pierian.exceptions import BudgetExhausted, PierianError, RunLost, StorageError
from pierian.models.structured import Payment
from pierian.provenance import MODEL, Labelled, together
from pierian.sandbox import Failed, LimitHit, Sandbox, Value
from pierian.tools import Tool, ToolFailure, plain
from pierian.tools.failure import FAILURE_CODES

MOST_ROUNDS = 3
DEEPEST = 2
"""How deep sub-agents may start sub-agents."""
STEP_SECONDS = 600.0
"""Longest time of a step that asks a model; tools have time-outs of their own."""
MOST_MESSAGE = 1_000
REPORT_CHARACTERS = 1_500
"""A sub-agent's values are handed on as they are up to this length, and summed up beyond it."""
_USED = re.compile(r"\$s\d+(?:\.\w+)*")
_SETTLED = ("invalid", "not_found", "denied", "wrong_type", "too_large")
"""Failures that the same call would only meet again."""
_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


class Task(Struct, frozen=True):
    """What a plan is to be made for."""

    request: str
    """The user's own words, or a task that a planner wrote, who saw nothing but them."""
    tools: tuple[str, ...]
    entities: Mapping[str, Labelled]
    scope: str = ""
    may_delegate: bool = True
    earlier: tuple[Earlier, ...] = ()
    """What the user asked for before, the latest last."""
    said: Mapping[str, str] = {}
    """The words around entities that are easily taken for each other."""
    unnamed: str = ""
    """The request with the entities left out."""


class Planner(Protocol):
    """Writes plans. It is shown the task, never a value from elsewhere."""

    async def plan(self, task: Task, so_far: Scope | None, payment: Payment) -> Plan:
        """A plan for the task, or further steps after what `so_far` came to; raises `PierianError`."""
        ...


class Runner:
    """Carries out the plans of one run.

    Args:
        payment: What model calls are paid from; each sub-agent gets a share.
        at_once: Steps that run side by side, sub-agents' steps included.
    """

    def __init__(
        self,
        request: str,
        *,
        tools: Mapping[str, Tool],
        planner: Planner,
        reader: Reader,
        sandbox: Sandbox,
        recorder: Recorder,
        effects: Effects,
        progress: Progress,
        payment: Payment,
        at_once: int = 16,
    ) -> None:
        self.request = request
        self.progress = progress
        self._tools = tools
        self._planner = planner
        self._reader = reader
        self._sandbox = sandbox
        self._recorder = recorder
        self._effects = effects
        self._payment = payment
        self._places = Places(at_once)
        self._words: dict[str, frozenset[str]] = {}
        """Of each tool, what `words_of` found."""

    async def run(self, task: Task, payment: Payment | None = None) -> Scope:
        """Plan and carry out until nothing is left to do; raises `Parked` when a person has to be waited for."""
        payment = payment or self._payment
        while True:
            scope = self.progress.scopes.get(task.scope)
            if scope is None or (_failed(scope) and not _open(scope) and scope.rounds < MOST_ROUNDS):
                plan = await self._plan(task, scope, payment)
                if scope is not None and not plan.steps:
                    return scope
                entities = {} if scope else dict(task.entities)
                rounds = scope.rounds + 1 if scope else 1
                await self._recorder.record(PlanMade(task.scope, rounds, to_dicts(plan), entities))
                scope = self.progress.scopes[task.scope]
            if not _open(scope):
                return scope
            await self._carry_out(task, scope, payment)

    def _acts(self, name: str) -> bool:
        return name in self._tools and self._tools[name].acts

    async def _plan(self, task: Task, scope: Scope | None, payment: Payment) -> Plan:
        try:
            plan = await self._planner.plan(task, scope, payment)
            before = scope or Scope(entities=dict(task.entities))
            tools = {*task.tools, *(tool for step in before.plan.steps for tool in used_tools(step))}
            checked(Plan((*before.plan.steps, *plan.steps)), tools, {*before.entities})
        except (BudgetExhausted, PierianError):
            if scope is None:
                raise
            return Plan()  # no further plan: what there is stands
        return Plan() if scope is not None and self._repeats(plan, scope) else plan

    def _repeats(self, plan: Plan, scope: Scope) -> bool:
        """Whether a further plan only meets the same failures again, or could do twice what was done or refused.

        Once anything acted, further plans only read: the same deed can be written in many ways.
        """
        states = [state for one in self.progress.scopes.values() for state in one.steps.values()]
        if any(_may_have_acted(state) or state.approved is False for state in states) and any(
            self._acts(tool) for step in plan.steps for tool in used_tools(step)
        ):
            return True
        before = {(step.tool, repr(step.arguments)): scope.steps[step.id] for step in _calls(scope.plan)}
        again = [before.get((step.tool, repr(step.arguments))) for step in _calls(plan)]
        return bool(again) and all(old is not None and old.code in _SETTLED for old in again)

    async def _carry_out(self, task: Task, scope: Scope, payment: Payment) -> None:
        """Every step that can be done; raises `Parked` when the rest waits for a person."""
        schedule = Schedule(scope, self._acts)
        ended: asyncio.Queue[tuple[str, BaseException | None]] = asyncio.Queue()
        working, under_way, parked = set[asyncio.Task[None]](), 0, False

        async def work(step: Step) -> None:
            try:
                await self._do(task, scope, step, payment)
            except BaseException as error:
                ended.put_nowait((step.id, error))
                raise
            ended.put_nowait((step.id, None))

        try:
            while True:
                while (step := schedule.next()) is not None:
                    if obstacle := schedule.obstacle(step):
                        await self._recorder.record(StepSkipped(path_of(task.scope, step.id), obstacle))
                        schedule.settled(step.id)
                        continue
                    started = asyncio.create_task(work(step))
                    working.add(started)
                    under_way += 1
                    started.add_done_callback(lambda done: done.cancelled() or done.exception())
                    started.add_done_callback(working.discard)
                if not under_way:
                    break
                name, error = await ended.get()
                under_way -= 1
                if error is None:
                    schedule.settled(name)
                elif isinstance(error, Parked):
                    parked = True
                else:
                    raise error
        finally:
            left = [*working]
            for one in left:
                one.cancel()
            await asyncio.gather(*left, return_exceptions=True)
        if parked:
            raise Parked

    async def _do(self, task: Task, scope: Scope, step: Step, payment: Payment) -> None:
        """One step from its start to its record; raises only what ends or parks the run."""
        path = path_of(task.scope, step.id)
        tokens = 0

        def used(usage: Any) -> None:
            nonlocal tokens
            tokens += usage.completion_tokens
            payment.used(usage)

        paid = msgspec.structs.replace(payment, used=used)
        try:
            if isinstance(step, Agent | Approve):  # neither works itself, and both may take long
                await self._recorder.record(StepStarted(path, describe(step)))
                value, confirmed = await self._awaited(task, scope, step, path, paid), False
            else:
                async with self._places.place() as place:
                    await self._recorder.record(StepStarted(path, describe(step)))
                    value, confirmed = await self._value(scope, step, path, paid, place)
        except (Parked, RunLost, StorageError):
            raise
        except BudgetExhausted as error:
            await self._recorder.record(StepFailed(path, "budget", _message(error)))
        except ToolFailure as failure:
            # The set of codes is closed also for tools that keep to no types: planners see the code.
            code = failure.code if failure.code in FAILURE_CODES else "failed"
            await self._recorder.record(StepFailed(path, code, _message(failure)))
        except PierianError as error:
            await self._recorder.record(StepFailed(path, "failed", _message(error)))
        else:
            await self._recorder.record(StepFinished(path, value.value, value.labels, tokens, confirmed))

    async def _awaited(
        self, task: Task, scope: Scope, step: Agent | Approve, path: str, payment: Payment
    ) -> Labelled:
        """What a sub-agent comes to, or a person's yes."""
        if isinstance(step, Agent):
            return await self._delegate(task, scope, step, path, payment)
        shown = named_in(step.message, scope)
        await self._effects.approved(path, None, shown, step.message, self.progress.step(path))
        return Labelled(True)

    async def _value(
        self,
        scope: Scope,
        step: Call | Extract | Compute | Choose,
        path: str,
        payment: Payment,
        place: Place,
    ) -> tuple[Labelled, bool]:
        """What a step comes to, and whether its effect was seen afterwards."""
        match step:
            case Call(tool=name, arguments=arguments):
                tool, progress = self._tools.get(name), self.progress.step(path)
                if tool is None:
                    # If it was about to act, it may have.
                    code = "unknown" if progress.begun else "not_found"
                    raise ToolFailure(code, f"The tool {name} is no longer there.")
                if (words := self._words.get(name)) is None:
                    words = self._words[name] = words_of(tool.parameters)
                given = {
                    key: _of_part(tool, key, resolved(one, scope, self.request, words))
                    for key, one in arguments.items()
                }
                if tool.found and tool.found in given and not has_any(given[tool.found].value):
                    return Labelled([], given[tool.found].labels), True  # nobody is asked about nothing
                if tool.found and isinstance(given.get(tool.found, Labelled("")).value, list | dict):
                    return await self._effects.call_each(path, tool, given, progress, place)
                return await self._effects.call(path, tool, given, progress, place)
            case Extract(source=source, want=want, type=kind):
                data = self._source(scope, source)
                async with _TimeLimit():
                    value = await self._reader.extract(data.value, want, kind, payment)
                return self._read(value, data), False
            case Compute(expression=expression):
                return await self._compute(scope, expression), False
            case Choose(source=source, question=question, options=options):
                data = self._source(scope, source)
                if {*options} == {SOME, NONE}:
                    return Labelled(SOME if has_any(data.value) else NONE, data.labels), False
                async with _TimeLimit():
                    option = await self._reader.choose(data.value, question, options, payment)
                return Labelled(option, data.labels | labels_of_literal(option, self.request)), False
            case _:
                assert_never(step)

    def _read(self, value: Any, data: Labelled) -> Labelled:
        """What a reader found; the model has a hand in it where it does not stand in the data."""
        said = data.value if isinstance(data.value, str) else msgspec.json.encode(data.value).decode()
        parts = cast(list[Any], value) if isinstance(value, list) else [value]
        whole = together(labels_of_literal(one, said) for one in parts)
        return Labelled(value, data.labels | (whole & MODEL))

    def _source(self, scope: Scope, source: str) -> Labelled:
        found = REFERENCE.fullmatch(source)
        named = scope.value_of(found[1]) if found else None
        if found is None or named is None:
            raise ToolFailure("not_found", f"{source} has no value.")
        return part_of(named, found[2], source)

    async def _compute(self, scope: Scope, expression: str) -> Labelled:
        values = {name: scope.value_of(name) for name in sorted(names_of_expression(expression))}
        known = {name: value for name, value in values.items() if value is not None}
        inputs = {name: _computable(value.value) for name, value in known.items()}
        code = f"import datetime\nfrom datetime import date, timedelta\n{expression}"
        match await self._sandbox.run(code, inputs):
            case Value(value=value):
                written = together(labels_of_literal(one, self.request) for one in constants(expression))
                given = together(value.labels for value in known.values())
                return Labelled(plain(expression, value), given | written)
            case Failed(error=error):
                raise ToolFailure("invalid", f"{expression} could not be computed: {error}")
            case LimitHit(limit=limit):
                raise ToolFailure("too_large", f"{expression} was stopped at its limit of {limit}.")

    async def _delegate(self, task: Task, scope: Scope, step: Agent, path: str, payment: Payment) -> Labelled:
        """Let a sub-agent plan and work within a share of the budget; its value is what its steps came to."""
        depth = path.count("/") + 1
        if depth > DEEPEST:
            raise ToolFailure("denied", f"Sub-agents may be {DEEPEST} deep.")
        entities, names = dict(scope.entities), dict[str, str]()
        for reference in step.uses:
            # Under a name that no step of the sub-agent's has, and no value that was handed to this one.
            names[reference] = f"given_{reference[1:].replace('.', '_')}"
            while names[reference] in entities:
                names[reference] = f"given_{names[reference]}"
            entities[names[reference]] = self._source(scope, reference)
        handles = [entities[name] for name in names.values()]
        left = payment.ledger.tokens_left()
        agents = 1 + sum(
            isinstance(other, Agent) and scope.steps[other.id].status == "waiting"
            for other in scope.plan.steps
        )
        share = None if left is None else max(1, left // agents)
        below = msgspec.structs.replace(payment, ledger=payment.ledger.child(Limits(tokens=share)))
        told = _USED.sub(lambda found: f"${names[found[0]]}" if found[0] in names else found[0], step.task)
        inner = Task(told, step.tools, entities, path, may_delegate=depth < DEEPEST)
        done = await self.run(inner, below)
        for own in done.plan.steps:
            if is_action(own, self._acts) and (code := done.steps[own.id].code) in ("denied", "unknown"):
                raise ToolFailure(code, f"An action of the sub-agent, {describe(own)}, was {code}.")
        values = {s.id: done.steps[s.id].value for s in done.plan.steps if done.steps[s.id].value is not None}
        if not values:
            raise ToolFailure("failed", "The sub-agent came to no result.")
        given = together(value.labels for value in [*values.values(), *handles] if value)
        plain = {name: value.value for name, value in values.items() if value}
        found: Any = next(iter(plain.values())) if len(plain) == 1 else plain
        if len(msgspec.json.encode(found)) > REPORT_CHARACTERS:
            async with _TimeLimit():
                found, given = await self._reader.report(found, step.task, below), given | MODEL
        return Labelled(found, given)


def _message(error: PierianError) -> str:
    """What a person is told, bounded, as a tool may raise anything."""
    text = f"{error} {error.hint}".strip()
    return text if len(text) <= MOST_MESSAGE else f"{text[:MOST_MESSAGE]}…"


def _computable(value: Any) -> Any:
    """A value as an expression sees it: dates written as text become dates."""
    if isinstance(value, str) and _ISO_DATE.fullmatch(value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            return value
    return value


def _may_have_acted(state: StepProgress) -> bool:
    return state.begun and not (state.status == "failed" and state.code in SAID_NO)


def _calls(plan: Plan) -> list[Call]:
    return [step for step in plan.steps if isinstance(step, Call)]


class _TimeLimit:
    """As `asyncio.timeout`, with the failure of a step."""

    async def __aenter__(self) -> None:
        self._timeout = asyncio.timeout(STEP_SECONDS)
        await self._timeout.__aenter__()

    async def __aexit__(self, kind: Any, error: Any, trace: Any) -> None:
        try:
            await self._timeout.__aexit__(kind, error, trace)
        except TimeoutError as late:
            raise ToolFailure("timeout", f"The model took longer than {STEP_SECONDS:g} seconds.") from late


def _open(scope: Scope) -> bool:
    return any(step.status == "waiting" for step in scope.steps.values())


def _failed(scope: Scope) -> bool:
    """Whether something of the newest round failed that a further plan could mend."""
    return any(scope.steps[step.id].mendable for step in scope.plan.steps[scope.first :])


def _of_part(tool: Tool, argument: str, given: Labelled) -> Labelled:
    return Labelled(part_meant(tool, argument, given.value), given.labels)
