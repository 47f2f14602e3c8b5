"""Making several drafts: some at once, until what is known is enough, a budget ends, or none is left to make.

Nothing here knows a mode. The drafts run side by side in the server's slots; after each one the votes are weighed
(`consensus.decided`), and as soon as the rest cannot matter those in progress are cancelled, which frees their
slots. A draft that fails costs only itself; when all fail, the first failure is raised.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence

from msgspec import Struct

from pierian.budget import Limits
from pierian.exceptions import BudgetExhausted, PierianError
from pierian.reasoning.approach import Approach
from pierian.reasoning.attempt import attempt
from pierian.reasoning.consensus import decided, verdict
from pierian.reasoning.run import Draft, Run

MOST_FAILURES = 2
"""After so many failed drafts no new one is begun: what fails them will fail the rest."""


class Look(Struct, frozen=True):
    """One draft to make: an approach, greedy or sampled, or a revision of a draft after a digest of the others."""

    approach: Approach
    sampled: bool = False
    revises: Draft | None = None
    digest: str = ""


async def make_drafts(
    run: Run, looks: Sequence[Look], *, at_once: int, bound: float, later: Sequence[Look] = ()
) -> None:
    """Make drafts in order, `at_once` at a time, until `bound` is reached; results are in `run`.

    `later` are drafts that the caller would make after these; they count where it is asked whether what is still to
    come could change the outcome.

    Raises the first failure when no draft of the whole run has finished, and `BudgetExhausted` when there was
    not enough for one.
    """
    waiting, failures = deque(looks), list[PierianError]()
    working: dict[asyncio.Task[Draft], Look] = {}
    try:
        while True:
            coming = [look.approach.most_evidence for look in (*working.values(), *waiting, *later)]
            if reason := decided(run.drafts, bound, coming):
                run.stopped = reason
                break
            _begin(run, waiting, working, at_once)
            if not working:
                break
            finished, _ = await asyncio.wait(working, return_when=asyncio.FIRST_COMPLETED)
            for task in finished:
                working.pop(task)
                _note(run, task, failures)
            if any(isinstance(f, BudgetExhausted) for f in failures) or len(failures) >= MOST_FAILURES:
                waiting.clear()
            choose(run)
    finally:
        for task in working:
            task.cancel()
        await asyncio.gather(*working, return_exceptions=True)
    _report(run, failures)


def not_made_yet(run: Run, looks: Sequence[Look]) -> list[Look]:
    """The looks that are still to be made: a greedy draft that the run has would only come out the same."""
    names = {draft.approach for draft in run.drafts}
    return [look for look in looks if look.sampled or look.approach.name not in names]


def choose(run: Run) -> None:
    """Point `run.chosen` at the best answer so far."""
    found = verdict(run.drafts)
    if found.leader is not None:
        run.agreeing, run.chosen = found.agreeing, found.leader.best
    elif run.drafts:
        run.chosen = max(run.drafts, key=lambda draft: len(draft.text))


def _begin(run: Run, waiting: deque[Look], working: dict[asyncio.Task[Draft], Look], at_once: int) -> None:
    """Begin as many drafts as there are slots, and as what is left of the budget is likely to pay for."""
    free = min(at_once - len(working), len(waiting))
    left = run.ledger.tokens_left()
    if left is not None:
        affordable, needed = 0, 0
        for look in waiting:
            needed += look.approach.usual_tokens
            if needed > left:
                break
            affordable += 1
        free = min(free, affordable if working or affordable else 1)
    for _ in range(free):
        look = waiting.popleft()
        share = None if left is None else max(1, left // free)
        ledger = run.ledger.child(Limits(tokens=share))
        profile = run.model.profile
        draft = attempt(
            run,
            look.approach,
            sampled=look.sampled,
            thinks=profile.thinks and not look.approach.computes,
            ledger=ledger,
            revises=look.revises,
            digest=look.digest,
        )
        working[asyncio.create_task(draft)] = look


def _note(run: Run, task: asyncio.Task[Draft], failures: list[PierianError]) -> None:
    try:
        task.result()
    except BudgetExhausted as error:
        run.cut_short = str(error)
        failures.append(error)
    except PierianError as error:
        failures.append(error)


def _report(run: Run, failures: Sequence[PierianError]) -> None:
    """Raise when nothing came of it; otherwise say what failed beside what did not."""
    if not run.drafts and failures:
        raise next((f for f in failures if not isinstance(f, BudgetExhausted)), failures[0])
    told = {str(f) for f in failures if not isinstance(f, BudgetExhausted)}
    if told:
        run.note = f"{run.note} A draft failed: {' '.join(sorted(told))}".strip()
