"""Looks at parts of a picture once more: doubtful cells enlarged, a chart's values measured from a larger copy.

What comes out differently is said; values that two readings give are taken together, and what they may be off by
grows to where both lie.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from pierian.events.regions import Box, box_of
from pierian.reasoning.pictures.calculation import Outcome, Touched, calculate
from pierian.reasoning.pictures.evidence import SURE, measured_text, name_of
from pierian.reasoning.pictures.sheets import Sheet, Value, number_in, sheets_of
from pierian.reasoning.pictures.view import View
from pierian.reasoning.run import Run
from pierian.vision.loading import PictureError
from pierian.vision.readers import Readers, ReadersFailed

LARGER = 1.5
"""By how much a picture is enlarged to be measured independently."""
MOST_PIXELS = 4_000_000
"""Larger pictures are not measured twice."""


async def read_again(
    run: Run, views: Sequence[View], outcome: Outcome, readers: Readers, *, most: int
) -> list[str]:
    """Read doubtful cells that the answer rests on again, enlarged; returns sentences about what came out."""
    notes: list[str] = []
    doubtful = [
        one
        for one in outcome.touched
        if one.sheet.form in ("table", "receipt") and one.value.confidence < SURE
    ]
    for one in doubtful[:most]:
        view = views[one.sheet.picture - 1]
        try:
            text, sure = await enlarged(readers, view, box_of(one.value.region))
        except (PictureError, ReadersFailed) as error:
            notes.append(f"{name_of(one)} could not be read again: {error}")
            continue
        run.look("zoom", one.value.region, text or "nothing", confidence=sure, picture=view.number)
        again = number_in(text.split()[-1]) if text.split() else None
        if again is not None and again != one.value.amount:
            notes.append(f"{name_of(one)} reads {text} when it is enlarged.")
    return notes


async def enlarged(readers: Readers, view: View, box: Box) -> tuple[str, float]:
    """The text in a box, read once more, and how sure it is."""
    try:
        return await readers.read_again(view.file, box)
    except ReadersFailed:  # other pictures took its place in the meantime: it is loaded again, once
        await readers.read(view.file)
        return await readers.read_again(view.file, box)


async def measured_again(
    run: Run, views: Sequence[View], outcome: Outcome, readers: Readers
) -> tuple[Outcome, list[str]]:
    """The outcome with the values of charts measured a second time, from a larger copy of the picture."""
    notes: list[str] = []
    sheets = {one.sheet.id: one.sheet for one in outcome.touched if one.sheet.form == "chart"}
    for name, sheet in list(sheets.items()):
        view = views[sheet.picture - 1]
        if view.scene.width * view.scene.height > MOST_PIXELS:
            continue
        try:
            seen = await readers.read(view.file, scale=LARGER)
        except (PictureError, ReadersFailed) as error:
            notes.append(f"The picture could not be measured again: {error}")
            continue
        second = sheets_of([replace(view, scene=seen.scene)])
        other = next((one for one in second if one.kind == sheet.kind), None)
        if other is None:
            notes.append("A larger copy of the picture could not be measured.")
            continue
        sheets[name] = _together(sheet, other)
        apart = [one for one in outcome.touched if _differs(one, sheets[name])]
        run.look(
            "zoom",
            sheet.region,
            f"measured again from a copy {LARGER:g} times as large: "
            + (
                f"{len(apart)} of {len(outcome.touched)} values differ"
                if apart
                else "the same within their errors"
            ),
            picture=view.number,
        )
        notes += [
            f"{name_of(one)} was measured as {measured_text(one.value.amount, one.value.error)} and differently "
            "from a larger copy."
            for one in apart[:3]
        ]
    if not sheets:
        return outcome, notes
    known = {one.sheet.id: one.sheet for one in outcome.touched}
    again = await calculate(
        run.sandbox, outcome.lines, [sheets.get(name, sheet) for name, sheet in known.items()]
    )
    return (again if isinstance(again, Outcome) and again.results else outcome), notes


def _together(sheet: Sheet, other: Sheet) -> Sheet:
    """A sheet whose values are the mean of two readings where both have them."""
    values: dict[tuple[str, str], Value] = {}
    for (row, column), value in sheet.values.items():
        second = other.values.get((row, column))
        if second is None:
            values[row, column] = value
            continue
        amount = (value.amount + second.amount) / 2
        error = max(value.error, second.error, abs(value.amount - second.amount) / 2)
        values[row, column] = replace(value, amount=amount, error=error)
    return replace(sheet, values=values)


def _differs(one: Touched, together: Sheet) -> bool:
    value = together.values.get((one.row, one.column))
    return value is not None and abs(value.amount - one.value.amount) > 1.5 * max(one.value.error, 1e-12)
