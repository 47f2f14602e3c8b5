"""Contemplating: drafts in parallel, stopped when settled, refined where they disagree; every token accounted for."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from pierian.budget import Amount, Ledger, Limits
from pierian.events import DraftCancelled, DraftStarted, Event, Merging, Revising, Token
from pierian.exceptions import ApproachError, BudgetExhausted, StreamBroken
from pierian.models.wire import Piece, Request
from pierian.reasoning import Run, classify, contemplate
from pierian.reasoning.approaches.worked import WORKED_QUANTITY
from pierian.reasoning.contemplating import POOLS, pool
from pierian.reasoning.drafting import Look, make_drafts
from pierian.reasoning.question import Kind
from pierian.reasoning.values import FinalValue
from pierian.sandbox import Sandbox
from pierian.testing import FunctionalModel
from pierian.testing.double import words

PENS = "A shop sells pens at 3 for 2 euros. How much are 18 pens?"


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox() as opened:
        yield opened


def name_of(request: Request) -> str:
    """Which approach asks, by its system prompt."""
    system = request.messages[0].content
    return next(look.approach.name for look in POOLS[Kind.QUANTITY] if look.approach.system == system)


def solution(request: Request, value: str) -> str:
    """A draft with that value in the form that the approach asks for, using every number of the question."""
    if "Python" in request.messages[0].content:
        return f"```python\n# 18 pens at 3 for 2\nprice = {value} + 0 * 18 * 3 * 2\nanswer = price\n```"
    return f"18 pens at 3 for 2 euros.\nAnswer: \\boxed{{{value}}}"


def run_with(
    function: Callable[[Request], object], sandbox: Sandbox, *, limits: Limits | None = None, slots: int = 4
) -> tuple[Run, list[Event]]:
    events: list[Event] = []
    model = FunctionalModel(function)  # type: ignore[arg-type]
    model.slots = slots
    return Run(model, sandbox, Ledger(limits), classify(PENS), events.append), events


def outcomes(run: Run) -> list[str]:
    return [record.outcome for record in run.records()]


def check_accounts(run: Run) -> None:
    """What the drafts cost, what the receipt says and what the ledger holds are the same."""
    assert sum(record.tokens for record in run.records()) == run.spend.completion_tokens
    assert run.ledger.spent.tokens == run.spend.completion_tokens
    assert run.ledger.reserved == Amount()


async def test_drafts_end_as_soon_as_the_votes_are_settled(sandbox: Sandbox) -> None:
    async def endless() -> AsyncIterator[str]:
        for _ in range(3):
            yield " and"
        await asyncio.Event().wait()

    def reply(request: Request) -> object:
        quick = name_of(request) in ("explained program", "program", "short sentences")
        return solution(request, "12") if quick else endless()

    run, events = run_with(reply, sandbox)
    await contemplate(run, 8)
    assert run.chosen is not None
    assert run.chosen.value.normal == "12"
    assert run.agreeing == outcomes(run).count("agreed") >= 2
    assert outcomes(run).count("cut off") == len(run.begun) - run.agreeing >= 1
    assert "agree" in run.stopped
    cut = [i for i, e in enumerate(events) if isinstance(e, DraftCancelled)]
    after = events[cut[0] :]
    assert not any(isinstance(e, DraftStarted | Token) for e in after)  # nothing begins or goes on any more
    check_accounts(run)


async def test_what_could_not_change_the_outcome_is_not_begun(sandbox: Sandbox) -> None:
    run, _ = run_with(lambda request: solution(request, "12"), sandbox, slots=1)
    await contemplate(run, 8)
    assert len(run.begun) == 3  # two programs are not sure enough; the first words settle it
    check_accounts(run)


async def test_one_slot_makes_one_draft_at_a_time(sandbox: Sandbox) -> None:
    open_now, most = 0, 0

    async def counted(text: str) -> AsyncIterator[str]:
        nonlocal open_now, most
        open_now += 1
        most = max(most, open_now)
        try:
            for word in words(text):
                await asyncio.sleep(0)
                yield word
        finally:
            open_now -= 1

    values = iter("123456789")
    run, _ = run_with(lambda request: counted(solution(request, next(values, "9"))), sandbox, slots=1)
    await contemplate(run, 5)
    assert (most, open_now) == (1, 0)


async def test_the_slowest_draft_that_mattered_bounds_the_time(sandbox: Sandbox) -> None:
    """On slots that are truly parallel, with one token a turn of a common clock, the drafts take the turns of the
    longest of them, not of all together."""
    turns, ended = 0, dict[str, int]()
    tick = asyncio.Condition()

    async def clock() -> None:
        nonlocal turns
        while True:
            for _ in range(50):
                await asyncio.sleep(0)
            async with tick:
                turns += 1
                tick.notify_all()

    async def timed(name: str, text: str) -> AsyncIterator[str]:
        for word in words(text):
            async with tick:
                await tick.wait()
            yield word
        ended[name] = turns

    run, _ = run_with(lambda request: timed(name_of(request), solution(request, "12")), sandbox, slots=8)
    ticking = asyncio.create_task(clock())
    await contemplate(run, 8)
    ticking.cancel()
    agreed = [record for record in run.records() if record.outcome == "agreed"]
    assert len(agreed) >= 2
    longest, together = max(r.tokens for r in agreed), sum(r.tokens for r in agreed)
    assert max(ended[r.approach] for r in agreed) <= longest + 3 < together


async def test_disagreeing_drafts_look_again_with_a_digest(sandbox: Sandbox) -> None:
    values = iter("12345678")
    asked: list[Request] = []

    def reply(request: Request) -> str:
        asked.append(request)
        if request.messages[-1].content.startswith("Other attempts"):
            return solution(request, "12")
        return solution(request, next(values))

    run, events = run_with(reply, sandbox)
    await contemplate(run, 4)
    (revising,) = [e for e in events if isinstance(e, Revising)]
    assert len(revising.drafts) == 3
    digest = asked[-1].messages[-1].content
    assert digest.count("1 attempt") == 2
    assert "```" not in digest  # claims, not the others' texts
    assert run.chosen is not None
    assert (run.chosen.value.normal, run.agreeing) == ("12", 3)
    assert outcomes(run).count("revised") == 3
    check_accounts(run)


async def test_drafts_that_disagree_to_the_last_are_told(sandbox: Sandbox) -> None:
    values = iter(range(1, 99))
    run, events = run_with(lambda request: solution(request, str(next(values))), sandbox)
    await contemplate(run, 4)
    assert run.chosen is not None
    assert "do not agree" in run.note
    assert "Other drafts came to" in run.note
    assert {c.kind: c.outcome for c in run.checks}["agreement"] == "failed"
    assert isinstance(events[-1], Merging)
    check_accounts(run)


async def test_drafts_that_return_nothing(sandbox: Sandbox) -> None:
    run, _ = run_with(lambda request: "", sandbox)
    await contemplate(run, 4)
    assert run.chosen is not None
    assert run.chosen.text == ""
    assert "No draft came to a value" in run.note
    check_accounts(run)


async def test_a_budget_that_covers_some_of_the_drafts(sandbox: Sandbox) -> None:
    values = iter(range(1, 99))
    run, _ = run_with(
        lambda request: solution(request, str(next(values))), sandbox, limits=Limits(tokens=200)
    )
    await contemplate(run, 8)
    assert run.chosen is not None
    assert run.chosen.value
    assert run.spend.completion_tokens <= 200
    check_accounts(run)


async def test_no_budget_for_even_one(sandbox: Sandbox) -> None:
    run, _ = run_with(lambda request: "", sandbox, limits=Limits(tokens=0))
    with pytest.raises(BudgetExhausted):
        await contemplate(run, 4)
    check_accounts(run)


async def test_an_approach_that_raises_costs_only_its_own_draft(sandbox: Sandbox) -> None:
    def fails(text: str, letters: str) -> FinalValue:
        raise IndexError("no such line")

    broken = structs.replace(WORKED_QUANTITY, name="broken", read=fails)
    run, events = run_with(lambda request: "18 3 2: \\boxed{12}", sandbox)
    looks = [Look(broken), Look(WORKED_QUANTITY), Look(WORKED_QUANTITY, sampled=True)]
    await make_drafts(run, looks, at_once=3, bound=0.5)
    assert outcomes(run) == ["failed", "agreed", "agreed"]
    assert "'broken' failed on its draft: IndexError: no such line" in run.note
    assert any(isinstance(e, DraftCancelled) and e.draft == 1 for e in events)
    check_accounts(run)


async def test_when_every_draft_fails_the_first_failure_is_told(sandbox: Sandbox) -> None:
    def fails(text: str, letters: str) -> FinalValue:
        raise IndexError("no such line")

    broken = structs.replace(WORKED_QUANTITY, name="broken", read=fails)
    run, _ = run_with(lambda request: "18", sandbox)
    with pytest.raises(ApproachError, match="broken"):
        await make_drafts(run, [Look(broken)] * 6, at_once=1, bound=0.9)
    assert len(run.begun) == 2  # what fails two drafts will fail the rest
    check_accounts(run)


async def test_an_engine_that_crashes_under_every_draft(sandbox: Sandbox) -> None:
    def reply(request: Request) -> object:
        def broken() -> object:
            yield Piece("18")
            raise StreamBroken("It broke.")

        return broken()

    run, _ = run_with(reply, sandbox)
    with pytest.raises(StreamBroken):
        await contemplate(run, 8)
    check_accounts(run)


@settings(max_examples=60)
@given(
    data=st.data(),
    budget=st.none() | st.integers(1, 400),
    slots=st.integers(1, 5),
    drafts=st.integers(1, 9),
    stop_after=st.none() | st.integers(0, 150),
)
async def test_every_token_is_accounted_for(
    sandbox: Sandbox, data: st.DataObject, budget: int | None, slots: int, drafts: int, stop_after: int | None
) -> None:
    """Under any budget and any moment of cancellation, calls, receipt and ledger agree to the token."""
    delivered = 0

    async def counted(text: str, waits: int) -> AsyncIterator[str]:
        nonlocal delivered
        for word in words(text):
            for _ in range(waits):
                await asyncio.sleep(0)
            delivered += 1
            yield word

    def reply(request: Request) -> object:
        value = data.draw(st.sampled_from(["1", "2", "3", "12"]))
        return counted(solution(request, value), data.draw(st.integers(0, 3)))

    run, events = run_with(reply, sandbox, limits=Limits(tokens=budget), slots=slots)
    task = asyncio.create_task(contemplate(run, drafts))
    while not task.done() and (stop_after is None or len(events) < stop_after):
        await asyncio.sleep(0)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError, BudgetExhausted):
        await task
    check_accounts(run)
    # A server stops by itself at `max_tokens`; what the double had ready beyond that was never taken.
    assert run.spend.completion_tokens <= delivered
    assert budget is None or run.spend.completion_tokens <= budget
    assert all(record.outcome for record in run.records())


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.OPEN])
@pytest.mark.parametrize("drafts", [1, 3, 8, 20])
def test_the_pool_has_as_many_drafts_as_asked_for(kind: Kind, drafts: int) -> None:
    for thinks in (False, True):
        looks = pool(kind, drafts, thinks=thinks)
        assert len(looks) == drafts
        assert not looks[0].sampled
