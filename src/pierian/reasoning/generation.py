"""One draft, streamed: the budget is reserved before and settled after, wrong arithmetic is put right as it is
written, a crash of the engine is survived once.

Corrections work by continuing: the stream is closed at a wrong number, the number is replaced, and the model
goes on from the corrected text, whose prefix is cached. A program that uses a name without a value is mended in
the same way: it goes back and begins the line that was forgotten. Where the server cannot continue a started answer,
the mistake is only noted.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from pierian.budget import Amount, Ledger, Reservation
from pierian.events import (
    CalculationCorrected,
    Check,
    DraftVoided,
    EngineRestarted,
    PromptRead,
    Spend,
    Token,
    ValueMissing,
)
from pierian.exceptions import ModelError
from pierian.models.wire import CallPiece, Finished, Message, Piece, PromptProgress, Request, Usage
from pierian.reasoning.arithmetic import Calculation, calculations, without_tex
from pierian.reasoning.run import Run
from pierian.reasoning.undefined import undefined_name

MAX_CORRECTIONS = 8
MAX_DEFINITIONS = 4
SLOT_SECONDS = 0.2
"""The engine frees a slot up to 0.17 s after its stream is closed. Asked sooner, it goes on in another slot, where
the whole prompt has to be read again."""
THOUGHT_BUDGET = 1024
"""Tokens a native-thinking model may think before it is asked for its answer."""


class Generation(Struct, frozen=True, kw_only=True):
    """What to generate for a draft."""

    draft: int
    messages: tuple[Message, ...]
    max_tokens: int
    temperature: float = 0.0
    seed: int | None = None
    channel: str = "thought"
    correct: bool = False
    """Recompute calculations while they are written."""
    define: bool = False
    """It is a program: have names that it forgot to give a value defined while it is written."""
    thinks: bool = False
    """The model may think natively first; thoughts are not part of the text."""
    stop: tuple[str, ...] = ()
    ledger: Ledger | None = None
    """A share of the run's budget; None for all of it."""
    schema: Mapping[str, Any] | None = None
    """JSON schema that the text must match."""
    logprobs: bool = False
    """Ask how sure the model is of each token."""
    adapter_scale: float = 0.0
    """How much of the adapter that is loaded beside the model goes in."""


class Generated(Struct):
    """What came of it. `complete` is False when it ran into a limit; `corrected` counts calculations put right."""

    text: str = ""
    tokens: int = 0
    complete: bool = True
    hit_budget: bool = False
    corrected: list[Calculation] = field(default_factory=list[Calculation])
    recomputed: int = 0
    wrong: int = 0
    """Calculations found wrong that could not be put right."""
    defined: list[str] = field(default_factory=list[str])
    """Names that a program had forgotten to give a value."""
    logprob_sum: float = 0.0
    logprob_count: int = 0

    @property
    def mean_logprob(self) -> float | None:
        """Of the tokens that were written, None where the server does not say."""
        return self.logprob_sum / self.logprob_count if self.logprob_count else None


class _Pass(Struct):
    """One request of a generation; a correction ends it and starts the next."""

    text: str
    thought: str = ""
    thought_tokens: int = 0
    reason: str = ""
    wrong: Calculation | None = None
    undefined: str = ""


async def generate(run: Run, what: Generation) -> Generated:
    """Stream a draft to the run's events; raises `BudgetExhausted` when not even one token is left."""
    done = Generated()
    retried = False
    while True:
        try:
            step = await _one_pass(run, what, done)
        except ModelError as error:
            if retried:
                raise
            retried = True
            reason = await run.model.recover(error)  # raises `error` again where nothing can be recovered
            run.emit(EngineRestarted(reason))
            run.emit(DraftVoided(what.draft, "The engine was restarted; this draft begins again."))
            done.text, done.corrected, done.defined, run.partial = "", [], [], ""
            done.logprob_sum, done.logprob_count = 0.0, 0
            continue
        done.text = step.text
        if step.wrong is not None or step.undefined:
            if step.wrong is not None:
                done.corrected.append(step.wrong)
            else:
                done.defined.append(step.undefined)
            await asyncio.sleep(SLOT_SECONDS)
            continue
        if step.reason == "thought":
            profile = run.model.profile
            done.text = f"{profile.think_open}\n{step.thought}\n{profile.think_close}\n\n"
            continue
        break
    done.text = _without_thought(run, done.text)
    found = list(calculations(without_tex(done.text))) if what.correct else []
    done.recomputed = len(found)
    done.wrong = sum(not c.holds for c in found)
    done.complete = step.reason not in ("length", "budget")
    return done


def note_arithmetic(run: Run, done: Generated) -> None:
    """Put the recomputed arithmetic of a draft on the receipt."""
    if not done.recomputed:
        return
    count = f"{done.recomputed} calculation{'s' if done.recomputed != 1 else ''}"
    if done.corrected:
        fixed = "; ".join(f"{c.expression} is {c.computed}, not {c.claimed}" for c in done.corrected)
        run.check(Check("arithmetic", "corrected", f"{count} recomputed; put right: {fixed}"))
    elif done.wrong:
        run.check(Check("arithmetic", "failed", f"{count} recomputed, {done.wrong} wrong"))
    else:
        run.check(Check("arithmetic", "passed", f"{count} recomputed"))


async def _one_pass(run: Run, what: Generation, done: Generated) -> _Pass:
    """Stream until the end, a limit, or a wrong calculation."""
    ledger = what.ledger or run.ledger
    wanted, left = what.max_tokens - done.tokens, ledger.tokens_left()
    granted = wanted if left is None else min(wanted, left)
    if granted <= 0:
        done.hit_budget = done.hit_budget or wanted > 0
        if done.hit_budget and not done.text:
            await ledger.reserve_soon(Amount(1))  # raises, and says which limit it was
        return _Pass(done.text, reason="length")
    request = _request(run, what, done, granted)
    bound = request.prompt_bound()
    reservation = await ledger.reserve_soon(Amount(granted, run.prices.of(bound, granted)))
    step, count = _Pass(done.text), _Count()
    try:
        async with contextlib.aclosing(run.model.stream(request)) as items:
            async for item in items:
                if isinstance(item, PromptProgress):
                    count.prompt = item
                    run.emit(PromptRead(item.processed, item.total, item.cached))
                elif isinstance(item, Finished):
                    step.reason, count.usage = item.reason, item.usage
                elif isinstance(item, CallPiece):
                    continue  # no tools were offered
                elif count.add(item) > granted:
                    step.reason = "length"  # a server that ignores max_tokens is left, not believed
                    break
                elif _take(run, what, done, step, item):
                    break
    finally:
        used = count.settle(run, reservation, bound)
        done.tokens += used
        run.begun[what.draft].tokens += used
    done.hit_budget = done.hit_budget or (step.reason == "length" and granted < wanted)
    return step


class _Count:
    """What one request uses: as the server says, or as counted here when it does not or is left early."""

    def __init__(self) -> None:
        self.prompt = PromptProgress(0, 0, 0)
        self.usage: Usage | None = None
        self._pieces = self._bytes = 0
        self._started = time.monotonic()
        self._first = 0.0

    def add(self, piece: Piece) -> int:
        """Count a piece; returns how many there were."""
        self._first = self._first or time.monotonic()
        self._pieces += 1
        self._bytes += len(piece.text.encode())
        return self._pieces

    def settle(self, run: Run, reservation: Reservation, bound: int) -> int:
        """Settle the reservation, add to the run's spending, and return the generated tokens.

        Where nobody says how long the prompt was, it counts with its bound as soon as something came.
        """
        usage = self.usage
        if usage is None or usage.counted_here:
            # Some servers put several tokens into a piece; four bytes a token is a cautious guess for those.
            tokens = self._pieces if run.model.embedded else max(self._pieces, -(-self._bytes // 4))
            tokens = min(tokens, reservation.amount.tokens)
            usage = Usage(self.prompt.total, self.prompt.cached, tokens, counted_here=True)
        prompt = usage.prompt_tokens or (bound if self._pieces else 0)
        money = run.prices.of(prompt, usage.completion_tokens)
        reservation.settle(Amount(usage.completion_tokens, money, prompt))
        now = time.monotonic()
        run.spend = run.spend + Spend(
            prompt,
            usage.cached_tokens,
            usage.completion_tokens,
            now - self._started,
            now - self._first if self._first else 0.0,
            money,
        )
        return usage.completion_tokens


def _take(run: Run, what: Generation, done: Generated, step: _Pass, piece: Piece) -> bool:
    """Add a piece; True when the stream is to be left here."""
    if piece.thought:
        step.thought += piece.text
        step.thought_tokens += 1
        run.emit(Token(what.draft, piece.text, "thought"))
        if run.model.embedded and step.thought_tokens >= THOUGHT_BUDGET:
            step.reason = "thought"
            return True
        return False
    step.text += piece.text
    if piece.logprob is not None:
        done.logprob_sum += piece.logprob
        done.logprob_count += 1
    run.partial = step.text
    run.emit(Token(what.draft, piece.text, "answer" if what.channel == "answer" else "thought"))
    if what.define and run.model.embedded and "\n" in piece.text:
        return _undefined(run, what, done, step)
    may_correct = what.correct and run.model.embedded and len(done.corrected) < MAX_CORRECTIONS
    if not may_correct or not any(c in piece.text for c in " .,;)\n$*]%"):
        return False
    # Only the last line can hold something new.
    begin = step.text.rfind("\n", 0, max(0, len(step.text) - len(piece.text))) + 1
    for found in calculations(step.text[begin:], settled_only=True):
        if not found.holds:
            step.wrong = found
            step.text = step.text[: begin + found.start] + found.computed
            run.emit(
                CalculationCorrected(what.draft, found.expression, found.claimed, found.computed, step.text)
            )
            return True
    return False


def _undefined(run: Run, what: Generation, done: Generated, step: _Pass) -> bool:
    """Go back to where a value was forgotten; True when the stream is to be left here."""
    found = undefined_name(step.text)
    # A name asked for once and still without a value is beyond help; the sandbox will say so.
    if found is None or found.name in done.defined or len(done.defined) >= MAX_DEFINITIONS:
        return False
    step.undefined = found.name
    step.text = f"{step.text[: found.position]}{found.name} ="
    run.emit(ValueMissing(what.draft, found.name, step.text))
    return True


def _request(run: Run, what: Generation, done: Generated, granted: int) -> Request:
    profile = run.model.profile
    messages = what.messages
    if done.text:
        messages = (*messages, Message("assistant", done.text))
    sampled = what.temperature > 0
    extra = profile.thinking_on if what.thinks else profile.thinking_off
    return Request(
        messages=messages,
        max_tokens=granted,
        temperature=what.temperature,
        top_p=profile.top_p if sampled else None,
        top_k=profile.top_k if sampled else None,
        seed=what.seed,
        repeatable=run.seed is not None,
        stop=what.stop,
        schema=what.schema,
        logprobs=what.logprobs,
        extra=extra,
        adapter_scale=what.adapter_scale,
    )


def _without_thought(run: Run, text: str) -> str:
    """The text without the native thought that a continued answer carries in front."""
    close = run.model.profile.think_close
    return text.partition(close)[2].lstrip() if run.model.profile.thinks and close in text else text
