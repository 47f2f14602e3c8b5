"""Looks for a calculation: what was read and measured for it, where, and what follows; and the answer in words.

The sentence that answers is made here, from computed values. What a value may be off by stands beside it, with as
many digits as mean something.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from pierian.events import Claim
from pierian.events.vision import LookKind
from pierian.reasoning.pictures.calculation import Outcome, Touched
from pierian.reasoning.pictures.scene_text import plain
from pierian.reasoning.pictures.sheets import Sheet
from pierian.reasoning.run import Run
from pierian.vision.grids import number

MOST_SINGLE = 6
"""Values that get a look of their own; more share one."""
SURE = 0.75
"""Values that were read with less are said to be unsure."""


class Told(Struct, frozen=True):
    """An answer in words, and its short value."""

    text: str
    value: str


def tell(run: Run, outcome: Outcome, notes: Sequence[str] = ()) -> Told:
    """Put the looks on the run and say what follows from them. `notes` are further sentences about doubts."""
    value = value_of(outcome)
    sheets = list({one.sheet.id: one.sheet for one in outcome.touched}.values())
    read = {sheet.id: _read(run, sheet) for sheet in sheets}
    measured = _measured(run, outcome.touched)
    numbers = sorted({number for _, found in measured for number in found} | set(read.values()))
    if len(outcome.touched) > 1:
        region = sheets[0].region
        numbers.append(
            run.look(
                _kind(outcome.lines),
                region,
                outcome.lines.rpartition("answer = ")[2],
                confidence=min(one.value.confidence for one in outcome.touched),
                follows=value,
                picture=sheets[0].picture,
            )
        )
    elif run.looks:
        run.looks[-1] = replace(run.looks[-1], follows=value)
    lines = [f"**{plain(value)}** {_marks(numbers[-1:])}".strip(), ""]
    lines += [f"- {plain(text)} {_marks(found)}" for text, found in measured]
    for doubt in (*_doubts(outcome, sheets), *notes):
        lines += ["", f"Unsure: {plain(doubt)}"]
    run.claims.append(Claim(value, tuple(numbers)))
    run.claims += [Claim(text, found) for text, found in measured]
    return Told("\n".join(lines), value)


def value_of(outcome: Outcome) -> str:
    """What a program came to, as people write it."""
    parts = [_written(outcome, place) for place in range(len(outcome.results))]
    names = [isinstance(one, str) for one in outcome.results]
    if len(parts) == 2 and names == [True, False]:
        return f"{parts[0]}: {parts[1]}"
    return ", ".join(parts)


def _written(outcome: Outcome, place: int) -> str:
    result, error, degree = outcome.results[place], outcome.errors[place], outcome.degrees[place]
    if isinstance(result, bool):
        return "yes" if result else "no"
    if isinstance(result, str):
        return result
    if isinstance(result, int) and degree is None:
        return str(result)
    percent = "* 100" in outcome.lines and degree == 0
    unit = "%" if percent else _unit(outcome) if degree == 1 else ""
    return measured_text(float(result), error, unit)


def measured_text(amount: float, error: float, unit: str = "") -> str:
    """A value with what it may be off by and its unit."""
    off = (
        f" ± {number(error, 10 ** math.floor(math.log10(error)))}"
        if error > 0 and math.isfinite(error)
        else ""
    )
    text = f"{number(amount, error)}{off}"
    if not unit:
        return text
    return f"({text}){unit}" if unit == "%" and off else f"{text} {unit}" if unit != "%" else f"{text}%"


def _unit(outcome: Outcome) -> str:
    units = {one.sheet.unit for one in outcome.touched}
    return units.pop() if len(units) == 1 else ""


def _kind(lines: str) -> LookKind:
    """What kind of look a program is."""
    calls = {found[1] for found in re.finditer(r"\b(\w+)\(", lines)}
    if calls & {"max", "min", "sorted", "trend", "differences"}:
        return "compare"
    return "count" if "len" in calls or re.search(r"\bsum\(\(?1 for", lines) else "measure"


# Looks


def _read(run: Run, sheet: Sheet) -> int:
    several = f", {len(sheet.columns)} series" if len(sheet.columns) > 1 else ""
    title = f" “{sheet.title}”" if sheet.title else ""
    return run.look(
        "read",
        sheet.region,
        f"{sheet.kind}{title}: {len(sheet.rows)} {sheet.rows_title.lower() or 'values'}{several}",
        confidence=min((one.confidence for one in sheet.values.values()), default=1.0),
        picture=sheet.picture,
    )


def _measured(run: Run, touched: Sequence[Touched]) -> list[tuple[str, tuple[int, ...]]]:
    """What was measured, in words, each with the numbers of its looks; what matters most first."""
    found: list[tuple[str, tuple[int, ...]]] = []
    single = touched if len(touched) <= MOST_SINGLE else sorted(touched, key=lambda one: -one.influence)[:2]
    if len(touched) > MOST_SINGLE and not any(one.influence for one in touched):
        single = []
    for one in single:
        text = f"{name_of(one)}: {measured_text(one.value.amount, one.value.error, one.sheet.unit)}"
        kind: LookKind = "measure" if one.sheet.form in ("chart", "points", "boxes") else "read"
        number_of = run.look(
            kind, one.value.region, text, confidence=one.value.confidence, picture=one.sheet.picture
        )
        found.append((text, (number_of,)))
    if len(touched) > len(single):
        for sheet in {one.sheet.id: one.sheet for one in touched}.values():
            own = [one for one in touched if one.sheet.id == sheet.id]
            shown = ", ".join(
                f"{name_of(one)} {number(one.value.amount, one.value.error)}" for one in own[:12]
            )
            text = f"{len(own)} values: {shown}{', …' if len(own) > 12 else ''}"
            found.append(
                (
                    text,
                    (run.look("values", sheet.region, text, confidence=_least(own), picture=sheet.picture),),
                )
            )
    return found


def _least(touched: Sequence[Touched]) -> float:
    return min(one.value.confidence for one in touched)


def name_of(one: Touched) -> str:
    """A value's name for people: its series and its category."""
    return one.row if len(one.sheet.columns) == 1 else f"{one.column}, {one.row}"


def _marks(numbers: Sequence[int]) -> str:
    return "".join(f"[{number}]" for number in numbers)


def _doubts(outcome: Outcome, sheets: Sequence[Sheet]) -> list[str]:
    found = [sentence for sheet in sheets for sentence in sheet.unsure]
    doubtful = [one for one in outcome.touched if one.value.confidence < SURE]
    if doubtful:
        names = ", ".join(name_of(one) for one in doubtful[:4])
        found.append(f"{names} could not be read for certain.")
    if outcome.rivals:
        found.append(
            f"It could be {' or '.join(outcome.rivals[:3])} as well, by what the values may be off by."
        )
    return found
