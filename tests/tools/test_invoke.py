"""One call of a tool: whatever it does, what comes out is labelled data or a failure with a code."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pierian.exceptions import BudgetExhausted, RunLost, StorageError
from pierian.provenance import MODEL, NOBODY, USER, Labelled, Labels, external
from pierian.tools import Context, Effect, Tool, ToolFailure, invoke, plain
from pierian.tools.failure import FAILURE_CODES
from pierian.tools.invoke import MOST_RESULT_BYTES

PAGE = external("host:example.org")


def tool_of(call: Callable[[], Awaitable[Any]], effect: Effect = "read", **rest: Any) -> Tool:
    """A tool that ignores its arguments."""

    async def called(context: Context, values: object) -> Any:
        return await call()

    return Tool(name="t", description="d", parameters={}, call=called, effect=effect, **rest)


def giving(found: Any, effect: Effect = "read", **rest: Any) -> Tool:
    async def call() -> Any:
        return found

    return tool_of(call, effect, **rest)


def raising(error: BaseException, effect: Effect = "read", **rest: Any) -> Tool:
    async def call() -> Any:
        raise error

    return tool_of(call, effect, **rest)


async def value_of(made: Tool) -> Any:
    found = await invoke(made, {})
    assert found is not None
    return found.value


async def failure_of(made: Tool, **rest: Any) -> ToolFailure:
    with pytest.raises(ToolFailure) as caught:
        await invoke(made, {}, **rest)
    assert caught.value.code in FAILURE_CODES
    assert str(caught.value)
    return caught.value


async def test_a_tool_that_takes_too_long_is_ended() -> None:
    ended = asyncio.Event()

    async def sleeps() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            ended.set()

    begun = time.monotonic()
    failure = await failure_of(tool_of(sleeps, timeout_seconds=0.05))
    assert (failure.code, str(failure)) == ("timeout", "t took longer than 0.05 seconds.")
    assert ended.is_set()
    assert time.monotonic() - begun < 5


async def test_a_timeout_of_the_tools_own_is_not_told_as_ours() -> None:
    failure = await failure_of(raising(TimeoutError("the server"), timeout_seconds=30))
    assert failure.code == "timeout"
    assert "30 seconds" not in str(failure)


async def test_looking_up_is_limited_as_well() -> None:
    async def sleeps(context: Context, values: object) -> None:
        await asyncio.sleep(3600)

    made = giving("x", "send", lookup=sleeps, timeout_seconds=0.05)
    assert (await failure_of(made, lookup=True)).code == "timeout"


@pytest.mark.parametrize(
    "error", [ValueError("no"), ExceptionGroup("several", [OSError("x")]), RecursionError()]
)
@pytest.mark.parametrize(
    ("effect", "code"),
    [("none", "failed"), ("read", "failed"), ("write", "unknown"), ("send", "unknown"), ("spend", "unknown")],
)
async def test_of_a_tool_that_acts_and_raises_nobody_knows_whether_it_did(
    error: Exception, effect: Effect, code: str
) -> None:
    failure = await failure_of(raising(error, effect))
    assert failure.code == code
    assert str(failure).startswith(f"t raised {type(error).__name__}: ")
    assert failure.__cause__ is error


async def test_a_lookup_that_raises_has_changed_nothing() -> None:
    async def fails(context: Context, values: object) -> None:
        raise ValueError("no")

    assert (await failure_of(giving("x", "send", lookup=fails), lookup=True)).code == "failed"


async def test_what_a_tool_says_of_its_failure_is_kept() -> None:
    said = ToolFailure("denied", "The page may not be read.", hint="Its robots file says so.")
    assert await failure_of(raising(said, "send")) is said
    failure = await failure_of(raising(StorageError("The database is away.", hint="Start it.")))
    assert (failure.code, str(failure), failure.hint) == ("failed", "t: The database is away.", "Start it.")


async def test_a_failure_can_be_journalled_whatever_it_quotes() -> None:
    failure = await failure_of(raising(OSError("No such file: caf\udce9.txt")))
    assert "No such file: caf" in msgspec.json.decode(msgspec.json.encode(str(failure)))


@pytest.mark.parametrize("signal", [BudgetExhausted("tokens", "none left"), RunLost("r1")])
async def test_signals_pass(signal: Exception) -> None:
    with pytest.raises(type(signal)):
        await invoke(raising(signal, "send"), {})


async def test_a_run_that_is_ended_ends_its_tool() -> None:
    begun, cleaned = asyncio.Event(), asyncio.Event()

    async def waits() -> None:
        begun.set()
        try:
            await asyncio.sleep(3600)
        finally:
            cleaned.set()

    task = asyncio.create_task(invoke(tool_of(waits), {}))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert cleaned.is_set()


@pytest.mark.parametrize(("effect", "code"), [("read", "failed"), ("send", "unknown")])
async def test_a_tool_whose_own_work_was_cancelled_has_failed_and_the_run_goes_on(
    effect: Effect, code: str
) -> None:
    async def waits_for_something_cancelled() -> None:
        inner = asyncio.create_task(asyncio.sleep(3600))
        asyncio.get_running_loop().call_soon(inner.cancel)
        await inner

    failure = await failure_of(tool_of(waits_for_something_cancelled, effect))
    assert (failure.code, str(failure)) == (code, "t raised CancelledError: ")


@dataclass
class Row:
    name: str
    sizes: tuple[int, ...]


@pytest.mark.parametrize(
    ("found", "value"),
    [
        (Row("ü", (1, 2)), {"name": "ü", "sizes": [1, 2]}),
        ({1: {2.5}}, {"1": [2.5]}),
        (2**200, 2**200),
        (None, None),
        ("", ""),
        ("\x00", "\x00"),
    ],
)
async def test_results_leave_as_plain_data(found: Any, value: Any) -> None:
    assert await value_of(giving(found)) == value


def endless() -> list[Any]:
    made: list[Any] = []
    made.append(made)
    return made


def deep(levels: int) -> list[Any]:
    made: list[Any] = []
    for _ in range(levels):
        made = [made]
    return made


@pytest.mark.parametrize(
    "found",
    [
        object(),
        lambda: 0,
        iter([1]),
        {("a", "b"): 1},
        ValueError("x"),
        "\udcff",
        endless(),
        deep(100_000),
        10**5000,
    ],
    ids=["object", "function", "iterator", "keys", "error", "surrogate", "endless", "deep", "digits"],
)
async def test_what_is_no_data_is_refused(found: Any) -> None:
    failure = await failure_of(giving(found))
    assert failure.code == "wrong_type"
    assert str(failure).startswith("t gave something that is not data: ")


@pytest.mark.parametrize(
    "found", ["x" * 100_000_000, b"x" * 100_000_000, ["x" * 1000] * 1001, {"a": "ü" * 500_000}], ids=range(4)
)
async def test_more_than_may_be_taken_in_is_refused_as_a_whole(found: Any) -> None:
    failure = await failure_of(giving(found))
    assert failure.code == "too_large"
    assert "1,000,000 is the most" in str(failure)


async def test_as_much_as_may_be_taken_in_is() -> None:
    most = "x" * (MOST_RESULT_BYTES - 2)
    assert await value_of(giving(most)) == most
    assert (await failure_of(giving(most + "x"))).code == "too_large"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_data_comes_out_as_it_went_in(found: Any) -> None:
    assert plain("look", found) == found


@pytest.mark.parametrize(
    ("found", "effect", "source", "labels"),
    [
        ("x", "none", "", NOBODY),
        ("x", "none", "clock", external("clock")),
        ("x", "read", "", external("t")),
        ("x", "read", "mcp:calendar", external("mcp:calendar")),
        ("x", "send", "", external("t")),
        (Labelled("x", MODEL), "read", "mcp:calendar", MODEL),
        (Labelled("x", NOBODY), "read", "", NOBODY),
    ],
)
async def test_labels_tell_where_a_result_is_from(
    found: Any, effect: Effect, source: str, labels: Labels
) -> None:
    made = giving(found, effect, source=source)
    assert await invoke(made, {}) == Labelled("x", labels)
    arguments = {"a": Labelled(1, USER), "b": Labelled(2, PAGE), "c": Labelled(3)}
    assert await invoke(made, arguments) == Labelled("x", labels | USER | PAGE)


async def test_a_lookup_tells_what_happened_or_that_nothing_did() -> None:
    happened: dict[str, Any] = {"k1": {"id": 7}, "k2": None}

    async def lookup(context: Context, values: Any) -> Any:
        assert values == {"to": "Jo"}
        return happened.get(context.key)

    made = giving("sent", "send", lookup=lookup)
    arguments = {"to": Labelled("Jo", PAGE)}
    assert await invoke(made, arguments, Context("k1"), lookup=True) == Labelled(
        {"id": 7}, external("t") | PAGE
    )
    assert await invoke(made, arguments, Context("k2"), lookup=True) is None
    assert await invoke(made, arguments, Context("k3"), lookup=True) is None
    # Not to be mistaken for it: a call that gives nothing has happened.
    assert await invoke(giving(None, "send"), arguments) == Labelled(None, external("t") | PAGE)


async def test_a_lookup_that_gives_no_data_is_a_failure_too() -> None:
    async def lookup(context: Context, values: object) -> Any:
        return object()

    assert (await failure_of(giving("x", "send", lookup=lookup), lookup=True)).code == "wrong_type"
