"""Merging open answers: an outline of what the drafts say, then one writer who sees only the outline.

The outline is decoded under a schema: points, each with the numbers of the drafts that make it. Code, not a model,
decides from these numbers what is shared and what only one draft claims; the receipt names the latter, and the
writer is told to mark it as uncertain.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from pierian.events import Check, Merging
from pierian.exceptions import BudgetExhausted, SchemaIgnored
from pierian.models.structured import schema_of, unfenced
from pierian.models.wire import Message
from pierian.reasoning.generation import Generated, Generation, generate
from pierian.reasoning.run import Draft, Run
from pierian.reasoning.values import FinalValue

MOST_CHARACTERS = 1600
"""Of each draft, in the outliner's prompt: small models lose the thread of longer ones."""

_OUTLINE = (
    "Several people answered the same question. List the distinct points that they make, most important first, each "
    "in one short sentence, with the numbers of the answers that make it. Leave out repetitions and pleasantries."
)
_WRITE = (
    "Write the answer to the user's question from the notes alone: well ordered, in clear Markdown, without adding "
    "facts. A note marked (uncertain) is said by one source only: keep it only if it helps, and say that it is "
    "uncertain. Do not speak of notes or sources."
)


class Point(Struct, frozen=True):
    """One thing that drafts say, and the numbers of those that do."""

    point: str
    answers: Annotated[list[int], Meta(min_length=1, max_length=8)]


class Outline(Struct, frozen=True):
    """What the drafts say together."""

    points: Annotated[list[Point], Meta(min_length=1, max_length=9)]


async def merge(run: Run) -> None:
    """Make one answer of the run's open drafts; the longest draft stands in where the budget or the form fails."""
    drafts = [draft for draft in run.drafts if draft.text.strip()]
    run.chosen = max(drafts, key=lambda draft: (draft.complete, len(draft.text)), default=None)
    if len(drafts) < 2 or run.cut_short:
        run.note = "Only one draft was made, so there was nothing to compare it with."
        return
    run.emit(Merging("through an outline of what the drafts say"))
    try:
        points = await _outline(run, drafts)
        run.chosen = await _written(run, points, len(drafts))
    except BudgetExhausted as error:
        run.cut_short = f"{error} This is one of the drafts, not yet merged."
        return
    except SchemaIgnored as error:
        run.note = f"{error} This is the longest of the drafts, not merged."
        return
    for draft in drafts:
        run.begun[draft.number].outcome = "merged"
    alone = [point for point in points if len(point.answers) == 1]
    shared = len(points) - len(alone)
    run.agreeing = max((len(point.answers) for point in points), default=1)
    outcome = "passed" if shared else "failed"
    run.check(
        Check("agreement", outcome, f"{shared} of {len(points)} points are made by more than one draft")
    )
    if alone:
        run.note = "Only one draft says: " + " ".join(_sentence(point.point) for point in alone[:3])


async def _outline(run: Run, drafts: list[Draft]) -> list[Point]:
    """The points of the drafts, `answers` counted from 1 in the order of `drafts`; one repair."""
    numbered = [f"Answer {i}:\n{draft.text[:MOST_CHARACTERS]}" for i, draft in enumerate(drafts, 1)]
    asked = f"Question: {run.question.text}\n\n" + "\n\n".join(numbered)
    messages = (Message("system", _OUTLINE), Message("user", asked))
    wrong = ""
    for _ in range(2):
        again = f"That is not valid: {wrong}. Answer with shorter, valid JSON."
        done = await _generated(
            run, "outline", (*messages, Message("user", again)) if wrong else messages, schema_of(Outline)
        )
        try:
            points = msgspec.json.decode(unfenced(done.text), type=Outline).points
        except msgspec.MsgspecError as error:
            wrong = str(error)
            continue
        return [
            Point(p.point.strip(), sorted({n for n in p.answers if 1 <= n <= len(drafts)}) or [1])
            for p in points
            if p.point.strip()
        ]
    raise SchemaIgnored(f"The outline of the drafts did not come in the asked-for form: {wrong}.")


async def _written(run: Run, points: list[Point], drafts: int) -> Draft:
    notes = "\n".join(
        f"- {point.point}{' (uncertain)' if len(point.answers) == 1 and drafts > 1 else ''}"
        for point in points
    )
    asked = f"{run.question.text}\n\nNotes:\n{notes}"
    if run.instructions:
        asked += f"\n\n(In your answer: {run.instructions})"
    messages = (Message("system", _WRITE), *run.history, Message("user", asked))
    done = await _generated(run, "writer", messages, None)
    number = len(run.begun)
    return Draft(number, "writer", done.text, FinalValue(), 0.0, done.tokens, complete=done.complete)


async def _generated(
    run: Run, name: str, messages: tuple[Message, ...], schema: dict[str, Any] | None
) -> Generated:
    number = run.begin(name)
    what = Generation(
        draft=number,
        messages=messages,
        max_tokens=700 if schema else 1000,
        channel="thought" if schema else "answer",
        schema=schema,
    )
    done = await generate(run, what)
    run.begun[number].outcome = "merged"
    return done


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."
