"""From an approach to a finished draft: generate it, run it if it is a program, read its value."""

from __future__ import annotations

from pierian.budget import Ledger
from pierian.events import DraftFinished, DraftStarted, ProgramRun
from pierian.reasoning.approach import Approach
from pierian.reasoning.approaches.program import code_of, value_of
from pierian.reasoning.generation import Generated, Generation, generate, note_arithmetic
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
) -> Draft:
    """Make one draft with an approach and record it in the run.

    `sampled` draws it at the family's temperature, so that it may differ from an earlier one; `ledger` is its
    share of the budget.
    """
    number = run.next_number()
    run.emit(DraftStarted(number, approach.name))
    profile = run.model.profile
    thinks = thinks or profile.always_thinks
    # Without a seed of the user's, a fixed one still makes retries differ from each other.
    seed = run.seed + number if run.seed is not None else (number if sampled else None)
    done = await generate(
        run,
        Generation(
            draft=number,
            messages=approach.messages(run.question.text, run.history, run.instructions),
            max_tokens=approach.max_tokens + (2048 if thinks else 0),
            temperature=profile.temperature if sampled or thinks else 0.0,
            seed=seed,
            channel=channel,
            correct=not approach.computes,
            thinks=thinks,
            stop=approach.stop,
            ledger=ledger,
        ),
    )
    if done.hit_budget:
        run.cut_short = "The token budget ran out in the middle of a draft."
    code, value = "", approach.read(done.text, run.question.letters)
    if approach.computes:
        code = code_of(done.text)
        value = await _run_program(run, number, code)
    else:
        note_arithmetic(run, done)
    draft = Draft(
        number,
        approach.name,
        done.text,
        value,
        approach.weight * _reliability(done),
        done.tokens,
        complete=done.complete,
        code=code,
    )
    run.drafts.append(draft)
    run.emit(DraftFinished(number, draft.value.text, draft.tokens))
    return draft


def _reliability(done: Generated) -> float:
    """Less for a draft that was cut off or whose arithmetic is wrong and stays so."""
    return (1.0 if done.complete else 0.3) * (0.5 if done.wrong else 1.0)


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
