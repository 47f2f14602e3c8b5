"""From an approach to a finished draft: generate it, run it if it is a program, read its value, weigh it."""

from __future__ import annotations

import asyncio

from msgspec import structs

from pierian.budget import Ledger
from pierian.events import DraftCancelled, DraftFinished, ProgramRun
from pierian.exceptions import ApproachError, PierianError
from pierian.models.wire import Message
from pierian.reasoning.approach import DOUBT, LEAST_EVIDENCE, MOST_EVIDENCE, Approach
from pierian.reasoning.approaches.program import code_of, value_of
from pierian.reasoning.explanation import explain, unit_of
from pierian.reasoning.generation import Generated, Generation, generate, note_arithmetic
from pierian.reasoning.plausibility import doubts, without_comments
from pierian.reasoning.question import Kind
from pierian.reasoning.run import Draft, Run
from pierian.reasoning.values import FinalValue
from pierian.sandbox import Failed, LimitHit, Value


async def attempt(
    run: Run,
    approach: Approach,
    *,
    channel: str = "thought",
    sampled: bool = False,
    thinks: bool = False,
    ledger: Ledger | None = None,
    revises: Draft | None = None,
    digest: str = "",
) -> Draft:
    """Make one draft with an approach and record it in the run.

    `sampled` draws it at the family's temperature, so that it may differ from an earlier one; `ledger` is its
    share of the budget. A revision of `revises` is shown that draft and a `digest` of what the others claim.
    """
    number = run.begin(approach.name)
    try:
        what = _generation(run, approach, number, channel, sampled=sampled, thinks=thinks, ledger=ledger)
        if revises is not None:
            shown = (Message("assistant", _as_written(revises)), Message("user", digest))
            what = structs.replace(what, messages=(*what.messages, *shown))
        done = await generate(run, what)
        draft = await _finish(run, approach, number, done, revises.number if revises else 0)
    except asyncio.CancelledError:
        run.emit(DraftCancelled(number, run.begun[number].tokens, "It could no longer matter."))
        raise
    except PierianError as error:
        run.begun[number].failure = str(error)
        run.emit(DraftCancelled(number, run.begun[number].tokens, str(error)))
        raise
    run.drafts.append(draft)
    run.emit(DraftFinished(number, draft.value.text, draft.tokens))
    return draft


def _generation(
    run: Run,
    approach: Approach,
    number: int,
    channel: str,
    *,
    sampled: bool,
    thinks: bool,
    ledger: Ledger | None,
) -> Generation:
    profile = run.model.profile
    thinks = thinks or profile.always_thinks
    adapter = run.model.adapter
    adapted = adapter is not None and approach.name in adapter.approaches
    if adapter is not None and adapted:
        run.adapter = adapter.name
    # Without a seed of the user's, a fixed one still makes retries differ from each other.
    seed = run.seed + number if run.seed is not None else (number if sampled else None)
    return Generation(
        draft=number,
        messages=approach.messages(run.question.text, run.history, run.instructions),
        max_tokens=approach.max_tokens + (2048 if thinks else 0),
        temperature=profile.temperature if sampled or thinks else 0.0,
        seed=seed,
        channel=channel,
        correct=not approach.computes,
        define=approach.computes,
        thinks=thinks,
        stop=approach.stop,
        ledger=ledger,
        # Only where values are compared, and only from our own engine: some servers refuse the request.
        logprobs=run.model.embedded and channel == "thought",
        adapter_scale=float(adapted),
    )


async def _finish(run: Run, approach: Approach, number: int, done: Generated, revises: int) -> Draft:
    if done.hit_budget:
        run.cut_short = "The token budget ran out in the middle of a draft."
    code, text, value = "", done.text, _read(approach, done.text, run.question.letters)
    if approach.computes:
        code = code_of(done.text) if done.complete else ""  # half a program comes to another value
        value = await _run_program(run, number, code)
        text = await explain(run.sandbox, code, value.text) if value and approach.explains else ""
        if value and (unit := unit_of(code)):
            value = FinalValue(f"{value.text} {unit}", value.normal)
    else:
        note_arithmetic(run, done)
    found: tuple[str, ...] = ()
    if run.question.kind is Kind.QUANTITY and value:
        found = doubts(run.question.text, without_comments(code) if code else done.text, value.normal)
    return Draft(
        number,
        approach.name,
        text,
        value,
        evidence(approach, done, doubtful=bool(found)),
        done.tokens,
        complete=done.complete,
        sound=not done.wrong,
        doubts=found,
        code=code,
        revises=revises,
    )


def evidence(approach: Approach, done: Generated, *, doubtful: bool) -> float:
    """What a draft's vote is worth, in nats: more where the model was sure of its words, less for a draft that is
    doubtful, was cut off or whose arithmetic stays wrong."""
    sure = -DOUBT if doubtful else 0.0
    if done.mean_logprob is not None:
        sure += approach.sureness * (done.mean_logprob - approach.usual_logprob)
    base = min(max(approach.evidence + sure, LEAST_EVIDENCE), MOST_EVIDENCE)
    return base * (1.0 if done.complete else 0.3) * (0.5 if done.wrong else 1.0)


def _as_written(draft: Draft) -> str:
    return f"```python\n{draft.code}\n```" if draft.code else draft.text


def _read(approach: Approach, text: str, letters: str) -> FinalValue:
    try:
        return approach.read(text, letters)
    except Exception as error:
        # An approach is a contributor's code: its fault costs its own draft, not the answer.
        raise ApproachError(
            f"The approach {approach.name!r} failed on its draft: {type(error).__name__}: {error}.",
            hint="The other drafts are not affected; please report it to whoever wrote the approach.",
        ) from error


async def _run_program(run: Run, number: int, code: str) -> FinalValue:
    if not code:
        run.emit(ProgramRun(number, "", "", "The draft holds no program."))
        return FinalValue()
    result = await run.sandbox.run(code)
    match result:
        case Value(value=value):
            found = value_of(value)
            run.emit(ProgramRun(number, code, found.text, "" if found else "It does not end in a number."))
            return found
        case Failed(error=error, line=line):
            run.emit(ProgramRun(number, code, "", f"Line {line}: {error}" if line else error))
        case LimitHit(limit=limit):
            run.emit(ProgramRun(number, code, "", f"It was stopped at its limit of {limit}."))
    return FinalValue()
