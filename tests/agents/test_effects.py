"""What acts happens once: asked for where it must be, written down before, looked up after a crash, never guessed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import pytest
from tests.agents.desk import Calls, MemoryRecorder, a_tool, outside

from pierian.agents import effects as module
from pierian.agents.effects import Effects, Parked, Places, key_of
from pierian.agents.plan import Call, Plan, to_dicts
from pierian.events import (
    ApprovalGiven,
    ApprovalNeeded,
    EffectIntended,
    PlanMade,
    ShownArgument,
)
from pierian.exceptions import RunLost
from pierian.provenance import USER, Labelled
from pierian.runs.approvals import ApprovalState
from pierian.runs.rules import parse_rule
from pierian.tools import Context, Tool, ToolFailure

MINE = {"to": Labelled("ann@example.org", USER)}
THEIRS = {"to": Labelled("ann@example.org", USER), "body": outside({"text": ["secret"]})}


class World:
    def __init__(
        self,
        *rules: str,
        waits: bool = False,
        person: Callable[[ApprovalNeeded], ApprovalState] | None = None,
    ):
        self.recorder = MemoryRecorder(person)
        self.recorder.progress.apply(
            PlanMade("", 1, to_dicts(Plan((Call(id="s1", tool="t", arguments={}),))))
        )
        self.effects = Effects(self.recorder, [parse_rule(rule) for rule in rules], waits=waits)

    def again(self, *rules: str) -> World:
        """Another process that reads the same journal."""
        other = World(*rules)
        for event in self.recorder.events:
            other.recorder.progress.apply(event)
        other.recorder.given = self.recorder.given
        return other

    async def call(self, tool: Tool, arguments: Mapping[str, Labelled] = MINE) -> tuple[Labelled, bool]:
        async with Places(1).place() as place:
            return await self.effects.call("s1", tool, arguments, self.recorder.progress.step("s1"), place)


async def failure(world: World, tool: Tool, arguments: Mapping[str, Labelled] = MINE) -> str:
    with pytest.raises(ToolFailure) as raised:
        await world.call(tool, arguments)
    return raised.value.code


async def test_an_approval_shows_exactly_what_will_be_called_and_where_it_is_from() -> None:
    calls, world = Calls(), World(person=lambda asked: "approved")
    mail = calls.tool("mail_send")
    await world.call(mail, THEIRS)
    (asked,) = world.recorder.of(ApprovalNeeded)
    assert (asked.tool, asked.effect, asked.step) == ("mail_send", "send", "s1")
    assert asked.arguments == (
        ShownArgument("to", "ann@example.org", "your own words"),
        ShownArgument("body", {"text": ["secret"]}, "host:evil.example"),
    )
    assert "body (host:evil.example)" in asked.reason
    assert calls.of("mail_send") == [{one.name: one.value for one in asked.arguments}]


async def test_a_tool_shows_more_than_its_arguments_and_refuses_before_anybody_is_asked() -> None:
    async def sizes(_context: Context, values: Mapping[str, Any]) -> dict[str, str]:
        if values["to"] == "nobody":
            raise ToolFailure("not_found", "There is no such file.")
        return {"attachments": "plan.pdf (2 KB)"}

    calls, world = Calls(), World(person=lambda asked: "approved")
    mail = msgspec.structs.replace(calls.tool("mail_send"), shows=sizes)
    await world.call(mail, THEIRS)
    (asked,) = world.recorder.of(ApprovalNeeded)
    assert asked.arguments[-1] == ShownArgument("attachments", "plan.pdf (2 KB)", "mail_send")
    assert calls.of("mail_send") == [{name: one.value for name, one in THEIRS.items()}]
    other = World(person=lambda asked: "approved")
    assert await failure(other, mail, {**THEIRS, "to": Labelled("nobody", USER)}) == "not_found"
    assert not other.recorder.of(ApprovalNeeded) and not other.recorder.of(EffectIntended)


async def test_what_has_changed_since_it_was_approved_is_not_done() -> None:
    now, done = {"size": "2 KB"}, list[str]()

    async def shows(_context: Context, values: Mapping[str, Any]) -> dict[str, str]:
        return {"attachments": f"plan.pdf ({now['size']})"}

    async def call(context: Context, values: Mapping[str, Any]) -> str:
        context.agreed(await shows(context, values))
        done.append(now["size"])
        return "sent"

    def person(asked: ApprovalNeeded) -> ApprovalState:
        now["size"] = "9 KB"
        return "approved"

    mail = msgspec.structs.replace(Calls().tool("mail_send"), shows=shows, call=call)
    assert await failure(World(person=person), mail, THEIRS) == "denied"
    assert not done
    await World(person=lambda asked: "approved").call(mail, THEIRS)
    await World("allow mail_send").call(mail, THEIRS)
    assert done == ["9 KB", "9 KB"]


async def test_of_several_each_is_shown_and_done_as_it_was_shown() -> None:
    names, done = {"a": "Tea", "b": "Lunch", "c": "Review"}, list[str]()

    async def shows(_context: Context, values: Mapping[str, Any]) -> dict[str, str]:
        return {"event": names[values["event"]]}

    async def call(context: Context, values: Mapping[str, Any]) -> str:
        context.agreed(await shows(context, values))
        done.append(values["event"])
        return "gone"

    def person(asked: ApprovalNeeded) -> ApprovalState:
        told = [(one.name, one.value) for one in asked.arguments if one.source == "cancel"]
        assert told == [("event 1", "Tea"), ("event 2", "Lunch"), ("event 3", "Review")]
        names["b"] = "Dinner"
        return "approved"

    tool = msgspec.structs.replace(Calls().tool("cancel"), shows=shows, call=call, found="event")
    world = World(person=person)
    found = {"event": outside([{"id": one} for one in names])}
    async with Places(1).place() as place:
        value, seen = await world.effects.call_each(
            "s1", tool, found, world.recorder.progress.step("s1"), place
        )
    assert (done, seen) == (["a", "c"], False)
    assert value.value == ["gone", {"id": "b", "failed": "denied"}, "gone"]


async def test_what_is_rejected_is_not_called() -> None:
    for answer in ("rejected", "cancelled"):
        calls = Calls()
        state: ApprovalState = answer  # type: ignore[assignment]
        world = World(person=lambda asked, state=state: state)
        assert await failure(world, calls.tool("mail_send"), THEIRS) == "denied"
        assert not calls.seen and not world.recorder.of(EffectIntended)
        assert await failure(world.again(), calls.tool("mail_send"), THEIRS) == "denied", "nor after a crash"


async def test_nobody_there_leaves_it_waiting_and_asks_once() -> None:
    calls, world = Calls(), World()
    for _ in range(2):
        with pytest.raises(Parked):
            await world.call(calls.tool("mail_send"), THEIRS)
    (asked,) = world.recorder.of(ApprovalNeeded)
    world.recorder.given[asked.approval] = "approved"
    await world.again().call(calls.tool("mail_send"), THEIRS)
    assert len(calls.seen) == 1


async def test_somebody_there_is_waited_for() -> None:
    calls, world = Calls(), World(waits=True)
    waiting = asyncio.create_task(world.call(calls.tool("mail_send"), THEIRS))
    while not world.recorder.of(ApprovalNeeded):
        await asyncio.sleep(0)
    assert not calls.seen
    world.recorder.given[world.recorder.of(ApprovalNeeded)[0].approval] = "approved"
    await waiting
    assert len(calls.seen) == 1


async def test_a_rule_answers_and_is_named() -> None:
    calls, world = Calls(), World("allow mail_send")
    await world.call(calls.tool("mail_send"), THEIRS)
    assert world.recorder.of(ApprovalGiven) == [ApprovalGiven("s1", "", approved=True, by="allow mail_send")]


async def test_a_rule_that_is_taken_back_no_longer_answers_after_a_crash() -> None:
    calls, world = Calls(), World("allow mail_send")
    reached = world.recorder.record

    async def crash(event: Any, *, durable: bool = False) -> None:
        if isinstance(event, EffectIntended):
            raise RunLost("run1")
        await reached(event, durable=durable)

    world.recorder.record = crash  # type: ignore[method-assign]
    with pytest.raises(RunLost):
        await world.call(calls.tool("mail_send"), THEIRS)
    with pytest.raises(Parked):
        await world.again().call(calls.tool("mail_send"), THEIRS)
    assert not calls.seen


async def test_what_acts_is_on_the_disk_before_it_acts_and_the_run_is_ours() -> None:
    world, seen = World(), list[str]()

    async def ours() -> None:
        seen.append("ours")

    async def act(**arguments: Any) -> str:
        seen.append(f"{len(world.recorder.durable)} on disk")
        return "done"

    world.recorder.still_ours = ours  # type: ignore[method-assign]
    await world.call(a_tool("mail_send", "send", act))
    assert seen == ["ours", "1 on disk"]
    assert world.recorder.durable == [EffectIntended("s1", "mail_send", key_of("run1", "s1"))]


async def test_who_has_lost_the_run_does_not_act() -> None:
    calls, world = Calls(), World()

    async def lost() -> None:
        raise RunLost("run1")

    world.recorder.still_ours = lost  # type: ignore[method-assign]
    with pytest.raises(RunLost):
        await world.call(calls.tool("mail_send", looked_up=True))
    assert not calls.seen


async def test_reading_is_not_written_down_as_an_effect() -> None:
    calls, world = Calls(), World()
    assert (await world.call(calls.tool("look", "read"), THEIRS))[1] is False
    assert world.recorder.events == []


async def test_a_search_with_foreign_words_is_asked_about_and_can_be_refused() -> None:
    calls, world = Calls(), World(person=lambda asked: "rejected")
    assert await failure(world, calls.tool("web_search", "read", remote=True), THEIRS) == "denied"
    assert not calls.seen and "off this machine" in world.recorder.of(ApprovalNeeded)[0].reason


def crashing(calls: Calls, name: str = "mail_send", *, looked_up: bool) -> Tool:
    """A tool that acts, and the process ends before it returns."""
    made = calls.tool(name, looked_up=looked_up)

    async def call(context: Context, values: Mapping[str, Any]) -> Any:
        await made.call(context, values)
        raise RunLost("run1")

    return msgspec.structs.replace(made, call=call)


async def test_after_a_crash_what_happened_is_looked_up_and_not_done_again() -> None:
    calls, world = Calls(), World()
    with pytest.raises(RunLost):
        await world.call(crashing(calls, looked_up=True))
    value, confirmed = await world.again().call(calls.tool("mail_send", looked_up=True))
    assert (value.value, confirmed, len(calls.seen)) == ("it is there", True, 1)


async def test_after_a_crash_what_did_not_happen_is_done_with_the_same_key() -> None:
    calls, world = Calls(), World()
    world.recorder.progress.step("s1").intended = key_of("run1", "s1")
    value, confirmed = await world.call(calls.tool("mail_send", looked_up=True))
    assert (value.value, confirmed) == ("mail_send done", True)
    assert calls.done == {key_of("run1", "s1"): 1}
    assert not world.recorder.of(ApprovalNeeded), "it was allowed before the crash"


async def test_after_a_crash_what_cannot_be_looked_up_is_unknown_and_never_done_again() -> None:
    calls, world = Calls(), World()
    with pytest.raises(RunLost):
        await world.call(crashing(calls, looked_up=False))
    for _ in range(2):
        assert await failure(world.again(), calls.tool("mail_send")) == "unknown"
    assert len(calls.seen) == 1


@pytest.mark.parametrize(
    "raises", [ToolFailure("unreachable", "x"), ToolFailure("not_found", "x"), ValueError("x")]
)
async def test_a_look_that_fails_after_a_crash_tells_nothing(raises: Exception) -> None:
    calls, world = Calls(), World()
    with pytest.raises(RunLost):
        await world.call(crashing(calls, looked_up=True))

    async def broken(context: Context, values: Mapping[str, Any]) -> Any:
        raise raises

    again = msgspec.structs.replace(calls.tool("mail_send"), lookup=broken)
    assert await failure(world.again(), again) == "unknown"
    assert len(calls.seen) == 1


def raising(failure: BaseException, lookup: Any = None) -> Tool:
    async def act(**arguments: Any) -> Any:
        raise failure

    return a_tool("mail_send", "send", act, lookup=lookup)


async def there(context: Context, values: Mapping[str, Any]) -> Any:
    return {"id": 1}


async def absent(context: Context, values: Mapping[str, Any]) -> Any:
    return None


async def broken(context: Context, values: Mapping[str, Any]) -> Any:
    raise ToolFailure("unreachable", "the server is away")


@pytest.mark.parametrize(
    ("raised", "lookup", "code"),
    [
        (ToolFailure("timeout", "late"), None, "unknown"),
        (ToolFailure("timeout", "late"), absent, "unknown"),
        (ToolFailure("timeout", "late"), broken, "unknown"),
        (ValueError("half way"), None, "unknown"),
        (ValueError("half way"), broken, "unknown"),
        (ToolFailure("unreachable", "no line"), None, "unknown"),
        (ToolFailure("unreachable", "no line"), absent, "unknown"),
        (ToolFailure("invalid", "no such person"), broken, "invalid"),
        (ToolFailure("denied", "not yours"), None, "denied"),
    ],
)
async def test_what_may_have_happened_is_never_told_as_not_done(
    raised: Exception, lookup: Any, code: str
) -> None:
    assert await failure(World(), raising(raised, lookup)) == code


async def test_what_failed_and_is_seen_all_the_same_was_done() -> None:
    value, confirmed = await World().call(raising(ToolFailure("timeout", "late"), there))
    assert (value.value, confirmed) == ({"id": 1}, True)


async def test_what_went_well_is_confirmed_only_when_it_was_seen() -> None:
    async def act(**arguments: Any) -> str:
        return "sent"

    for lookup, expected in ((there, True), (absent, False), (broken, False), (None, False)):
        value, confirmed = await World().call(a_tool("mail_send", "send", act, lookup=lookup))
        assert (value.value, confirmed) == ("sent", expected)


async def test_a_look_waits_for_an_effect_that_shows_late() -> None:
    looks: list[int] = []

    async def late(context: Context, values: Mapping[str, Any]) -> Any:
        looks.append(1)
        return "there" if len(looks) == module.LOOKS else None

    assert (await World().call(raising(ToolFailure("timeout", "late"), late)))[0].value == "there"


async def test_what_comes_back_keeps_the_labels_of_what_went_in() -> None:
    world = World("allow mail_send")
    value, _ = await world.call(Calls().tool("mail_send"), THEIRS)
    assert outside("").labels <= value.labels


def test_each_step_of_each_run_has_a_key_of_its_own() -> None:
    keys = [key_of(run, path) for run in ("a", "ab") for path in ("s1", "s1/s1", "s11", "bs1")]
    assert len({*keys}) == len(keys)
    assert key_of("a", "s1") == key_of("a", "s1")
