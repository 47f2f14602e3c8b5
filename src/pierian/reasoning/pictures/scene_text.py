"""What there is in pictures, as a short text with ids for a model: the same for the same scene, and bounded.

Names and lines come from the pictures: they are quoted, and stand only where a question's material stands, never
among instructions. Values are left out; programs compute with them where the model does not see them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pierian.characters import marked
from pierian.reasoning.pictures.sheets import Sheet
from pierian.reasoning.pictures.view import View
from pierian.vision.fields import Field

MOST_NAMES = 30
"""Rows of a sheet whose names are told."""
MOST_LINES = 90
LONGEST_LINE = 120
"""Characters of a line of text."""
_MARKUP = re.compile(r"([\\`*_\[\]<>])")


def of_sheets(sheets: Sequence[Sheet]) -> str:
    """Each sheet as a dictionary with its names, and question marks for the values."""
    return "\n".join(_of_sheet(sheet, several=len({one.picture for one in sheets}) > 1) for sheet in sheets)


def _of_sheet(sheet: Sheet, *, several: bool) -> str:
    told = f"{sheet.kind}{f' “{sheet.title}”' if sheet.title else ''}"
    if sheet.values_title or sheet.unit:
        told += f", values: {sheet.values_title}{f' in {sheet.unit}' if sheet.unit else ''}"
    if sheet.rows_title:
        told += f", by {sheet.rows_title}"
    if several:
        told = f"picture {sheet.picture}, {told}"
    rows = _names(sheet)
    if len(sheet.columns) == 1:
        return f"# {told}\n{sheet.id} = {{{rows}}}"
    shown = ", ".join(f'"{name}": {{{rows if n == 0 else "…"}}}' for n, name in enumerate(sheet.columns))
    return f"# {told}\n{sheet.id} = {{{shown}}}"


def _names(sheet: Sheet) -> str:
    names = list(sheet.rows)
    if len(names) > MOST_NAMES:
        shown = [_key(sheet, name) for name in names[:3]]
        last = _key(sheet, names[-1])
        return f"{', '.join(f'{one}: ?' for one in shown)}, …, {last}: ?"
    return ", ".join(f"{_key(sheet, name)}: ?" for name in names)


def _key(sheet: Sheet, row: str) -> str:
    return row if sheet.places else f'"{row}"'


def of_lines(views: Sequence[View], fields: Sequence[tuple[str, Field]]) -> str:
    """The lines of text of the pictures with their ids, key fields first."""
    told = [f"{name}: {one_line(field.text)}" for name, field in fields]
    for view in views:
        if len(views) > 1:
            told.append(f"picture {view.number}:")
        told += [
            f"{line_id(view, views, line.id)}: {one_line(line.text)}"
            for line in view.scene.texts[:MOST_LINES]
        ]
    return "\n".join(told)


def line_id(view: View, views: Sequence[View], name: str) -> str:
    """The id of a line among those of several pictures."""
    return name if len(views) == 1 else f"p{view.number}_{name}"


def plain(text: str) -> str:
    """A text from a picture as it may stand in an answer, which is Markdown: nothing in it is markup."""
    return _MARKUP.sub(r"\\\1", one_line(text))


def one_line(text: str) -> str:
    """A text from a picture on one line, nothing in it hidden."""
    return " ".join(marked(text).split())[:LONGEST_LINE]
