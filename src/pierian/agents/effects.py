"""Calls of tools with all that surrounds them: the gate, approvals, the record before and the look afterwards.

What acts is written into the journal, on the disk itself, before it is called. After a crash the journal
therefore tells "it may have happened": where the tool can look it up the outcome is looked up (and the call
made if it did not happen), elsewhere the step fails as unknown, for a person to check, and is never made
twice. The same look confirms a call that went well: what cannot be looked up is never reported as confirmed.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import count
from typing import Any, Protocol, cast

from msgspec import structs

from pierian.agents.gate import Allowed, Ask, verdict
from pierian.agents.progress import StepProgress
from pierian.events import (
    ApprovalGiven,
    ApprovalNeeded,
    EffectIntended,
    Event,
    ShownArgument,
)
from pierian.provenance import Labelled, described
from pierian.runs.approvals import ApprovalState
from pierian.runs.rules import Rule
from pierian.tools import Context, Tool, ToolFailure, invoke

ASK_SECONDS = 0.25
SAID_NO = ("invalid", "denied", "not_found", "failed")
"""Failures by which a tool itself says that it did not act. After any other, a lost connection too, it may have."""
MOST_EACH = 100
"""Calls of one step; whoever approves them has to be able to read what they act on."""
LOOKS, LOOK_SECONDS = 3, 0.5
"""How often an effect is looked for after its call, and the pause in between."""


class Recorder(Protocol):
    """Where the events of a run go."""

    @property
    def run(self) -> str:
        """The run's id."""
        ...

    async def record(self, event: Event, *, durable: bool = False) -> None:
        """Journal an event, then show it; raises `RunLost` when the run is no longer ours."""
        ...

    async def still_ours(self) -> None:
        """Return when nobody else can have the run; raises `RunLost` otherwise."""
        ...

    async def answers(self) -> Mapping[str, ApprovalState]:
        """How the approvals of the run stand."""
        ...


class Parked(Exception):
    """The step waits for a person, and nobody is there to ask."""


class Places:
    """Room for so many steps at once."""

    def __init__(self, most: int) -> None:
        self._free = asyncio.Semaphore(most)

    @asynccontextmanager
    async def place(self) -> AsyncGenerator[Place]:
        """One of the places, as soon as there is one."""
        await self._free.acquire()
        taken = Place(self._free)
        try:
            yield taken
        finally:
            if taken.held:
                self._free.release()


class Place:
    """The place of a step; while the step waits for a person, another may have it."""

    def __init__(self, free: asyncio.Semaphore) -> None:
        self.held = True
        self._free = free

    @asynccontextmanager
    async def left(self) -> AsyncGenerator[None]:
        """Without the place inside; not taken again where the waiting ends in an error."""
        self.held = False
        self._free.release()
        yield
        await self._free.acquire()
        self.held = True


class Effects:
    """Calls tools for one run. `waits` says whether somebody is there who can be asked for approval."""

    def __init__(self, recorder: Recorder, rules: Sequence[Rule], *, waits: bool) -> None:
        self._recorder = recorder
        self._rules = rules
        self._waits = waits

    async def call(
        self, path: str, tool: Tool, arguments: Mapping[str, Labelled], progress: StepProgress, place: Place
    ) -> tuple[Labelled, bool]:
        """The value of a call, and whether its effect was seen afterwards; raises `ToolFailure` and `Parked`."""
        if not progress.intended:
            await self._allowed(path, tool, arguments, progress, place)
        context = Context(key_of(self._recorder.run, path), progress.beside)
        return await self._carry_out(path, "", tool, arguments, context, again=bool(progress.intended))

    async def call_each(
        self, path: str, tool: Tool, arguments: Mapping[str, Labelled], progress: StepProgress, place: Place
    ) -> tuple[Labelled, bool]:
        """Call a tool for each of the records in its argument `Tool.found`, allowed once for all of them.

        Each call is an effect of its own: it has its own key, and is looked up by itself after a crash. The value is
        the list of what they came to, of one that failed its code. Raises `ToolFailure` where all failed, or where of
        one nobody knows, and `Parked`.
        """
        found = arguments[tool.found]
        records = records_of(found.value)
        if len(records) > MOST_EACH:
            raise ToolFailure("too_large", f"{len(records)} were found; {MOST_EACH} is the most at once.")
        if not progress.parts:
            await self._allowed(path, tool, arguments, progress, place)
        values, failures, seen = list[Any](), list[ToolFailure](), True
        labels = set(found.labels)
        for part, record in zip(map(str, count()), records, strict=False):
            one = {**arguments, tool.found: Labelled(record["id"], found.labels)}
            context = Context(key_of(self._recorder.run, f"{path}.{part}"), _of_call(progress.beside, part))
            try:
                value, confirmed = await self._carry_out(
                    path, part, tool, one, context, again=part in progress.parts
                )
            except ToolFailure as failure:
                failures.append(failure)
                values.append({"id": record["id"], "failed": failure.code})
                continue
            seen = seen and confirmed
            values.append(value.value)
            labels |= value.labels
        told = f"{len(failures)} of {len(records)} failed. {failures[0]}" if failures else ""
        if unknown := [one for one in failures if one.code == "unknown"]:
            raise ToolFailure("unknown", told, hint=unknown[0].hint)
        if failures and len(failures) == len(records):
            raise failures[0]
        return Labelled(values, frozenset(labels)), seen and not failures

    async def _allowed(
        self, path: str, tool: Tool, arguments: Mapping[str, Labelled], progress: StepProgress, place: Place
    ) -> None:
        if isinstance(asked := verdict(tool, arguments, self._rules), Ask):
            async with place.left():
                await self.approved(path, tool, arguments, asked.reason, progress)
        else:
            await self._note_rule(path, asked, progress)
        await _checked(tool, arguments)

    async def _carry_out(
        self,
        path: str,
        part: str,
        tool: Tool,
        arguments: Mapping[str, Labelled],
        context: Context,
        *,
        again: bool,
    ) -> tuple[Labelled, bool]:
        """One call that may happen; `again` where it may have happened already."""
        if again:
            before = await self._after_a_crash(tool, arguments, context)
            if before is not None:
                return before, True
        if not tool.acts:
            found = await invoke(tool, arguments, context)
            assert found is not None
            return found, False
        if not again:
            await self._recorder.record(EffectIntended(path, tool.name, context.key, part), durable=True)
        await self._recorder.still_ours()
        return await self._act(tool, arguments, context)

    async def approved(
        self,
        path: str,
        tool: Tool | None,
        arguments: Mapping[str, Labelled],
        reason: str,
        progress: StepProgress,
    ) -> None:
        """Return when a person has said yes; raises `ToolFailure` (`denied`) for a no, `Parked` for nobody there."""
        # A rule that allowed it before a crash, and that is no longer there, is no answer.
        if progress.approved is None or not progress.approval:
            if not progress.approval:
                shown = tuple(ShownArgument(n, a.value, described(a.labels)) for n, a in arguments.items())
                shown += (*await _checked(tool, arguments), *await _shown_beside(tool, arguments))
                await self._recorder.record(
                    ApprovalNeeded(
                        path,
                        secrets.token_hex(4),
                        tool.name if tool else "",
                        tool.effect if tool else "none",
                        shown,
                        reason,
                    )
                )
            state = await self._answer(progress.approval)
            await self._recorder.record(
                ApprovalGiven(path, progress.approval, approved=state == "approved", by="you")
            )
        if not progress.approved:
            raise ToolFailure("denied", "You did not approve it.")

    async def _note_rule(self, path: str, allowed: Allowed, progress: StepProgress) -> None:
        if allowed.by and progress.approved is None:
            await self._recorder.record(ApprovalGiven(path, "", approved=True, by=allowed.by))

    async def _answer(self, approval: str) -> ApprovalState:
        while True:
            state = (await self._recorder.answers()).get(approval, "pending")
            if state != "pending":
                return state
            if not self._waits:
                raise Parked
            await asyncio.sleep(ASK_SECONDS)

    async def _after_a_crash(
        self, tool: Tool, arguments: Mapping[str, Labelled], context: Context
    ) -> Labelled | None:
        """What an earlier try came to; None where it did not happen. Raises `ToolFailure` where nobody can tell."""
        seen, told = await self._look(tool, arguments, context)
        if not told:
            raise ToolFailure(
                "unknown",
                f"{tool.name} was called just before a crash; whether it happened cannot be looked up.",
                hint="Please check it yourself.",
            )
        return seen

    async def _act(
        self, tool: Tool, arguments: Mapping[str, Labelled], context: Context
    ) -> tuple[Labelled, bool]:
        try:
            found = await invoke(tool, arguments, context)
        except ToolFailure as failure:
            if failure.code in SAID_NO:
                raise
            # It may have happened all the same, and what is not seen yet may still come.
            seen, _ = await self._look(tool, arguments, context)
            if seen is None:
                raise ToolFailure("unknown", f"{failure} Whether it happened is not known.") from failure
            return seen, True
        assert found is not None
        seen, _ = await self._look(tool, arguments, context)
        return (found, False) if seen is None else (Labelled(found.value, found.labels | seen.labels), True)

    async def _look(
        self, tool: Tool, arguments: Mapping[str, Labelled], context: Context
    ) -> tuple[Labelled | None, bool]:
        """What can be seen of an effect, and whether the last look could tell at all."""
        told = False
        for attempt in range(LOOKS if tool.lookup is not None else 0):
            if attempt:
                await asyncio.sleep(LOOK_SECONDS)
            try:
                seen = await invoke(tool, arguments, context, lookup=True)
            except ToolFailure:
                told = False
                continue
            told = True
            if seen is not None:
                return seen, True
        return None, told


async def _checked(tool: Tool | None, arguments: Mapping[str, Labelled]) -> tuple[ShownArgument, ...]:
    """What a tool finds out before it is asked for, and again before the first of its calls; raises `ToolFailure`."""
    if tool is None or tool.checks is None:
        return ()
    result = await invoke(structs.replace(tool, call=tool.checks), arguments)
    told = cast(Mapping[str, str], result.value if result is not None else {})
    return tuple(ShownArgument(name, value, tool.name) for name, value in told.items())


async def _shown_beside(tool: Tool | None, arguments: Mapping[str, Labelled]) -> tuple[ShownArgument, ...]:
    """What a tool shows beside its arguments, of several calls of each; raises `ToolFailure` where it sees that it
    cannot be called so."""
    if tool is None or tool.shows is None:
        return ()
    showing = structs.replace(tool, call=tool.shows)
    found, each = arguments.get(tool.found), [arguments]
    records: Any = found.value if found is not None else None
    several = isinstance(records, list | dict)
    if found is not None and several:
        each = [{**arguments, tool.found: Labelled(one["id"], found.labels)} for one in records_of(records)]
    shown = list[ShownArgument]()
    for part, one in enumerate(each):
        result = await invoke(showing, one)
        told = cast(Mapping[str, str], result.value if result is not None else {})
        shown += [
            ShownArgument(_name_of_call(name, str(part)) if several else name, value, tool.name)
            for name, value in told.items()
        ]
    return tuple(shown)


def _name_of_call(name: str, part: str) -> str:
    return f"{name} {int(part) + 1}"


def _of_call(beside: Mapping[str, str], part: str) -> Mapping[str, str]:
    """Of what was shown of several calls, what belongs to one of them."""
    names = {name: name.rpartition(" ")[0] for name in beside}
    return {short: beside[name] for name, short in names.items() if name == _name_of_call(short, part)}


def records_of(found: Any) -> list[Mapping[str, Any]]:
    """What a reading tool found, each with its id; raises `ToolFailure` where it is something else."""
    every = cast(list[Any], found) if isinstance(found, list) else [found]
    if not all(isinstance(one, Mapping) and "id" in one for one in every):
        raise ToolFailure("invalid", "What was found has no ids by which it could be acted on.")
    return every


def key_of(run: str, path: str) -> str:
    """The idempotency key of a step: the same for every try, and for no other step."""
    return hashlib.sha256(f"{run}/{path}".encode()).hexdigest()[:32]
