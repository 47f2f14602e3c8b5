"""The way from pictures that were read to an answer, in every mode: a plain coroutine over a run.

Charts, tables and receipts are asked by programs over their values; texts by choosing the lines that say it; figures
by programs over figures. A model that sees is shown the picture as well. Whatever is not there is said not to be
there, with what was looked for. Modes bound how often a program is asked for, and how many parts are read again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from pierian.events import Check, Claim, DraftFinished, ProgramRun, Routed, SecondLook
from pierian.models.structured import unfenced
from pierian.reasoning.generation import Generation, generate
from pierian.reasoning.mode import Mode
from pierian.reasoning.pictures import forms, programs
from pierian.reasoning.pictures.calculation import Broken, Outcome, Unknown, calculate
from pierian.reasoning.pictures.evidence import tell, value_of
from pierian.reasoning.pictures.figures import answer_from_figures, holds_figures
from pierian.reasoning.pictures.looking_again import measured_again, read_again
from pierian.reasoning.pictures.scene_text import of_lines, of_sheets, one_line, plain
from pierian.reasoning.pictures.sheets import Sheet, sheets_of
from pierian.reasoning.pictures.texts import Finding, answer_from_texts, fields_of
from pierian.reasoning.pictures.view import View
from pierian.reasoning.run import Draft, Run
from pierian.reasoning.values import FinalValue
from pierian.vision.readers import Readers

APPROACH, FORM = "program over measured values", "form over measured values"
Way = Literal["form", "program", "sampled"]
WAYS: dict[Mode, tuple[Way, ...]] = {
    Mode.INSTANT: ("program",),
    Mode.THINKING: ("program", "form", "sampled"),
    Mode.AUTO: ("program", "form", "sampled"),
    Mode.CONTEMPLATING: ("program", "form", "sampled", "sampled", "sampled"),
}
"""How programs are asked for until two come to the same."""
CROPS = {Mode.INSTANT: 1, Mode.THINKING: 4, Mode.CONTEMPLATING: 8, Mode.AUTO: 4}
"""Most parts that are read or shown again."""
MOST_TURNS = 2
"""Earlier questions that a program's prompt holds."""


async def answer_from_pictures(run: Run, mode: Mode, views: Sequence[View], readers: Readers) -> None:
    """Answer the run's question from pictures; the result is `run.chosen`, its looks and claims stand on the run."""
    await _answered(run, mode, views, readers)
    notes = [sentence for view in views for sentence in view.notes]
    if run.chosen is not None and notes:
        told = "".join(f"\n\n{plain(sentence)}" for sentence in dict.fromkeys(notes))
        before, run.chosen = run.chosen, replace(run.chosen, text=f"{run.chosen.text}{told}")
        run.drafts = [run.chosen if one.number == before.number else one for one in run.drafts]


async def _answered(run: Run, mode: Mode, views: Sequence[View], readers: Readers) -> None:
    if mode is Mode.AUTO:
        run.took = Mode.THINKING.value
    sheets = sheets_of(views)
    run.emit(Routed(run.took or mode.value, f"readers found {_found(views, sheets)}"))
    run.sandbox.warm()
    if run.model.sees and await _seen(run, mode, views, readers):
        return
    measured = [sheet for sheet in sheets if sheet.form in ("chart", "points", "boxes")]
    missing: str | None = ""
    if measured and (missing := await _calculated(run, mode, views, sheets, readers)) is None:
        return
    if not measured and holds_figures(views) and await answer_from_figures(run, mode, views):
        return
    # Beside a chart all sheets were asked already, and what labels it says nothing by itself.
    labels = frozenset(name for sheet in measured for name in (*sheet.rows, *sheet.columns))
    finding = await answer_from_texts(run, views, calculable=bool(sheets) and not measured, labels=labels)
    if finding is Finding.ANSWERED:
        return
    if finding is Finding.CALCULATE:
        missing = await _calculated(run, mode, views, sheets, readers)
    if missing is not None:
        not_shown(run, views, sheets, missing)


async def _seen(run: Run, mode: Mode, views: Sequence[View], readers: Readers) -> bool:
    from pierian.reasoning.pictures.seeing_model import answer_by_seeing

    told = f"{of_sheets(sheets_of(views))}\n{of_lines(views, fields_of(views))}".strip()
    return await answer_by_seeing(run, views, readers, told=told, most_crops=CROPS[mode])


# Programs


class _Try(Struct, frozen=True):
    """One way of having a program written that was tried, and what it came to."""

    draft: Draft
    outcome: Outcome


def ways_of(mode: Mode, sheets: Sequence[Sheet]) -> tuple[Way, ...]:
    """How programs are asked for, one after the other until two agree: the forms of a schema and free ones."""
    ways = WAYS[mode]
    if forms.fits(sheets):
        return ways
    return tuple(
        "sampled" if way == "form" and place else "program" if way == "form" else way
        for place, way in enumerate(ways)
    )


async def _calculated(
    run: Run, mode: Mode, views: Sequence[View], sheets: Sequence[Sheet], readers: Readers
) -> str | None:
    """Answer by programs over sheets; where none finds the answer in them, the name that is missing, or ""."""
    scene = of_sheets(sheets)
    found: list[_Try] = []
    misses: list[str] = []
    ways = ways_of(mode, sheets)
    for place, way in enumerate(ways):
        if place:
            run.emit(SecondLook("A second program has to come to the same."))
        outcome, draft = await _attempt(run, scene, sheets, way)
        if isinstance(outcome, Outcome) and outcome.results:
            found.append(_Try(draft, outcome))
            if run.chosen is None:  # what is answered should the run end now
                run.chosen = replace(draft, text=f"**{plain(draft.value.text)}**")
            if _votes(found, outcome) >= 2:
                break
        elif not isinstance(outcome, Broken):
            misses.append(outcome.name if isinstance(outcome, Unknown) else "")
            if len(misses) >= 2 and not found:
                break
    if not found or len(misses) > len(found):
        run.chosen = None
        return next(filter(None, misses), "")
    # Of those that agree the one that says most: a name with its value rather than the name alone.
    best = max(found, key=lambda one: (_votes(found, one.outcome), len(one.outcome.results)))
    run.agreeing = _votes(found, best.outcome)
    for one in found:
        agrees = _agree(one.outcome.results, best.outcome.results)
        run.begun[one.draft.number].outcome = "agreed" if agrees else "differed"
    await _settle(run, mode, views, best, len(ways), readers)
    return None


def _votes(found: Sequence[_Try], outcome: Outcome) -> int:
    return sum(_agree(one.outcome.results, outcome.results) for one in found)


def _agree(one: Sequence[object], other: Sequence[object]) -> bool:
    """Whether two results say the same as far as both say something."""
    return all(_plain(a) == _plain(b) for a, b in zip(one, other, strict=False))


async def _settle(
    run: Run, mode: Mode, views: Sequence[View], best: _Try, ways: int, readers: Readers
) -> None:
    """Look again where it is worth it, put the looks on the run and choose the draft."""
    outcome, draft = best.outcome, best.draft
    notes = await read_again(run, views, outcome, readers, most=CROPS[mode])
    notes += [f"“{asked}” was taken for “{found}”." for asked, found in outcome.replaced]
    if mode is Mode.CONTEMPLATING:
        outcome, more = await measured_again(run, views, outcome, readers)
        notes += more
    if run.agreeing == 1 and ways > 1:
        notes.append("No second program came to the same.")
    told = tell(run, outcome, notes)
    value = FinalValue(told.value, draft.value.normal)
    run.chosen = replace(draft, text=told.text, value=value)
    run.drafts[[one.number for one in run.drafts].index(draft.number)] = run.chosen
    run.check(Check("program", "passed", f"a program over measured values gave {told.value}", outcome.code))
    if run.agreeing > 1:
        run.check(Check("agreement", "passed", f"{run.agreeing} programs agree"))


async def _attempt(
    run: Run, scene: str, sheets: Sequence[Sheet], way: Way
) -> tuple[Outcome | Unknown | Broken, Draft]:
    """One program, asked for and run."""
    approach = FORM if way == "form" else APPROACH
    number = run.begin(approach)
    question = _asked_before(run) + run.question.text
    done = await generate(
        run,
        Generation(
            draft=number,
            messages=(forms if way == "form" else programs).prompt(scene, question),
            max_tokens=forms.MOST_TOKENS if way == "form" else programs.MOST_TOKENS,
            temperature=run.model.profile.temperature if way == "sampled" else 0.0,
            seed=(run.seed or 0) + number if way == "sampled" or run.seed is not None else None,
            stop=() if way == "form" else ("\n```\n",),
            schema=forms.schema(sheets) if way == "form" else None,
        ),
    )
    lines = _lines(done.text, sheets, way)
    outcome: Outcome | Unknown | Broken = Broken("The draft holds no program.")
    if lines:
        outcome = await calculate(run.sandbox, lines, sheets, question)
    value, error = FinalValue(), ""
    match outcome:
        case Outcome(results=results) if results:
            text = value_of(outcome)
            value = FinalValue(text, "; ".join(_plain(one) for one in results))
        case Outcome():
            error = "It says that the picture does not show it."
        case Unknown(name=name):
            error = f"The picture does not show {name!r}."
        case Broken(why=why):
            error = why
    run.emit(ProgramRun(number, outcome.lines if isinstance(outcome, Outcome) else lines, value.text, error))
    draft = Draft(number, approach, "", value, 1.0, done.tokens, complete=done.complete)
    run.drafts.append(draft)
    run.emit(DraftFinished(number, value.text, done.tokens))
    return outcome, draft


def _asked_before(run: Run) -> str:
    """The last questions of the conversation, cut to a length: "And in March?" means nothing without them."""
    asked = [one.content for one in run.history if one.role == "user"][-MOST_TURNS:]
    return "".join(f"(Asked before: {one_line(one)})\n" for one in asked)


def _lines(text: str, sheets: Sequence[Sheet], way: Way) -> str:
    if way != "form":
        return programs.lines_of(text, sheets)
    try:
        return forms.lines_of(forms.read(unfenced(text)), sheets)
    except msgspec.MsgspecError:  # a server that ignores schemas
        return ""


def _plain(result: object) -> str:
    """A result for comparing."""
    if isinstance(result, float):
        return f"{result:.6g}"
    return str(result).casefold()


# What there is not


def not_shown(run: Run, views: Sequence[View], sheets: Sequence[Sheet], missing: str) -> None:
    """Say that the pictures do not show what was asked for (`missing` is its name), and what was looked at."""
    numbers: list[int] = []
    looked: list[str] = []
    for sheet in sheets:
        names = ", ".join([*sheet.columns, *sheet.rows][:8])
        numbers.append(run.look("read", sheet.region, f"{sheet.kind}: {names}", picture=sheet.picture))
        looked.append(f"{_article(sheet.kind)} with {plain(names)} [{numbers[-1]}]")
    lines = sum(len(view.scene.texts) for view in views)
    looked.append(f"{lines} line{'' if lines == 1 else 's'} of text")
    one = "The picture does" if len(views) == 1 else "The pictures do"
    asked = f"“{plain(missing)}”" if missing else "that"
    text = f"{one} not show {asked}. I looked through {' and '.join(looked[-3:])}."
    doubts = [sentence for view in views for sentence in view.scene.unsure]
    text += "".join(f"\n\nUnsure: {sentence}" for sentence in doubts[:2])
    number = run.begin("not shown")
    run.claims.append(Claim(text, tuple(numbers)))
    run.chosen = Draft(number, "not shown", text, FinalValue(), 0.0, 0)
    run.drafts.append(run.chosen)
    run.emit(DraftFinished(number, "", 0))


def _article(kind: str) -> str:
    return f"{'an' if kind[:1] in 'aeiou' else 'a'} {kind}"


def _found(views: Sequence[View], sheets: Sequence[Sheet]) -> str:
    parts = [f"{sheet.id}, {_article(sheet.kind)}" for sheet in sheets]
    texts = sum(len(view.scene.texts) for view in views)
    shapes = sum(len(view.scene.shapes) for view in views)
    parts += [f"{texts} lines of text"] if texts else []
    parts += [f"{shapes} figures"] if shapes else []
    return ", ".join(parts) or "nothing"
