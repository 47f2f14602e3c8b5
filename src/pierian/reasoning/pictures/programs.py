"""Asks a model for the few lines of Python that answer a question from sheets, and reads them.

The words and the worked examples never change, so that the engine's cache keeps them; the sheets and the question
come last. The model sees names, not values: what it writes is a plan over data, which code runs (`calculation`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pierian.models.wire import Message
from pierian.reasoning.pictures.sheets import Sheet

MOST_TOKENS = 220
_FENCE = re.compile(r"```(?:python)?\s*\n(.*?)(?:```|\Z)", re.DOTALL)
_ASSIGNED = re.compile(r"^([A-Za-z_]\w*)\s*=(?!=)", re.MULTILINE)

SYSTEM = """\
Pictures were measured; their numbers are in dictionaries. Write short Python that computes the answer to a question.
Set answer to the name, the number, or both. Set answer = None when the dictionaries do not hold what is asked for.
There are helpers: mean(d), trend(d), at(d, place) between known places, differences(first, second)."""

_ONE = '# bar chart “Visitors”, values: Guests\nc1 = {"Mon": ?, "Tue": ?, "Wed": ?, "Thu": ?}'
_TWO = (
    "# bar chart “Harvest”, values: Tons, by Year\n"
    'c1 = {"Wheat": {"1990": ?, "1991": ?, "1992": ?}, "Maize": {…}, "Oats": {…}}'
)
_LINE = (
    "# line chart “Boiler”, values: Pressure, by Minutes\n"
    'c1 = {"Inlet": {0: ?, 5: ?, 10: ?, …, 60: ?}, "Outlet": {…}}'
)
_PIE = '# pie chart, values: in %\nc1 = {"Rent": ?, "Food": ?, "Travel": ?}'

SHOTS: tuple[tuple[str, str, str], ...] = (
    (
        _ONE,
        "By how much were there more guests on Tuesday than on Thursday?",
        'answer = c1["Tue"] - c1["Thu"]',
    ),
    (
        _ONE,
        "Which day had the second most guests, and how many?",
        "ranked = sorted(c1, key=c1.get, reverse=True)\nanswer = ranked[1], c1[ranked[1]]",
    ),
    (
        _ONE,
        "What would all four days come to if Wednesday's guests were cut in half?",
        'changed = dict(c1)\nchanged["Wed"] = changed["Wed"] / 2\nanswer = sum(changed.values())',
    ),
    (
        _ONE,
        "On how many days were there fewer than 30 guests?",
        "answer = sum(1 for v in c1.values() if v < 30)",
    ),
    (
        _TWO,
        "How many times as much wheat as oats was there in 1991?",
        'answer = c1["Wheat"]["1991"] / c1["Oats"]["1991"]',
    ),
    (
        _TWO,
        "In which year was the harvest of all crops together the smallest?",
        'totals = {year: sum(c1[crop][year] for crop in c1) for year in c1["Wheat"]}\n'
        "answer = min(totals, key=totals.get)",
    ),
    (
        _TWO,
        "Which crop grew most from 1990 to 1992, and by how much?",
        'growth = {crop: c1[crop]["1992"] - c1[crop]["1990"] for crop in c1}\n'
        "best = max(growth, key=growth.get)\nanswer = best, growth[best]",
    ),
    (_TWO, "What was the average of maize over these years?", 'answer = mean(c1["Maize"])'),
    (_TWO, "How much barley was harvested in 1992?", "answer = None  # there is no barley"),
    (_LINE, "Did the pressure at the outlet go up or down?", 'answer = trend(c1["Outlet"])'),
    (_LINE, "What was the inlet pressure after 12 minutes?", 'answer = at(c1["Inlet"], 12)'),
    (_PIE, "What percentage goes to food and travel?", 'answer = c1["Food"] + c1["Travel"]'),
)


def prefix() -> tuple[Message, ...]:
    """The fixed part of the prompt."""
    found = [Message("system", SYSTEM)]
    for data, question, code in SHOTS:
        found += [Message("user", f"{data}\n{question}"), Message("assistant", f"```python\n{code}\n```")]
    return tuple(found)


def prompt(scene: str, question: str) -> tuple[Message, ...]:
    """The whole prompt for a question about sheets, told by `scene_text.of_sheets`."""
    return (*prefix(), Message("user", f"{scene}\n{question}"))


def lines_of(text: str, sheets: Sequence[Sheet] = ()) -> str:
    """The program in a model's text, which sets `answer`; empty where there is none."""
    found = _FENCE.findall(text)
    kept = [
        line for line in (found[-1] if found else text).strip().splitlines() if not _restates(line, sheets)
    ]
    code = "\n".join(kept).strip()
    names = _ASSIGNED.findall(code)
    if "answer" in names:
        return code
    return f"{code}\nanswer = {names[-1]}" if names else ""


def _restates(line: str, sheets: Sequence[Sheet]) -> bool:
    """Whether a line would put made-up data in the place of a sheet."""
    return any(re.match(rf"{re.escape(sheet.id)}\s*=", line) for sheet in sheets)
