"""A question as a filled-in form: which operation, on which series and rows; code writes the program from it.

The names are choices of a schema, so that a small model cannot misspell them. What the form has no place for is left
to free programs (`programs`); that the two come to the same means something, since their mistakes are of other kinds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from pierian.models.structured import closed_object
from pierian.models.wire import Message
from pierian.reasoning.pictures.calculation import key_of
from pierian.reasoning.pictures.sheets import Sheet

MOST_TOKENS = 90
MOST_CHOICES = 60
"""Names in a schema; sheets with more are left to free programs."""
NONE, ALL = "none", "all"
OPERATIONS = (
    "value",
    "difference",
    "ratio",
    "share of total in percent",
    "change in percent",
    "sum",
    "mean",
    "highest",
    "second highest",
    "lowest",
    "trend",
    "count above",
    "count below",
    "sum if multiplied",
    "sum if added",
    "not shown",
)

SYSTEM = """\
Fill in the form for a question about data. operation: what to compute. series: which series, or all of them. \
first, second: the rows it is about, in the order of the calculation (first minus second, first divided by second, \
change from second to first), or none. number: the threshold, the factor or what is added; 0 otherwise. \
Choose "not shown" when the question asks for something that is not among the names."""
_ONE = '# bar chart “Visitors”, values: Guests\nc1 = {"Mon": ?, "Tue": ?, "Wed": ?, "Thu": ?}'
_TWO = (
    "# bar chart “Harvest”, values: Tons, by Year\n"
    'c1 = {"Wheat": {"1990": ?, "1991": ?, "1992": ?}, "Maize": {…}, "Oats": {…}}'
)


def _filled(
    operation: str, series: str = ALL, first: str = NONE, second: str = NONE, number: float = 0
) -> str:
    form = Form(operation=operation, series=series, first=first, second=second, number=number)
    return msgspec.json.encode(form).decode()


class Form(Struct, frozen=True, kw_only=True):
    """A filled-in form."""

    operation: str
    series: str
    first: str
    second: str
    number: float
    sheet: str = ""


SHOTS: tuple[tuple[str, str, str], ...] = (
    (
        _ONE,
        "By how much were there more guests on Tuesday than on Thursday?",
        _filled("difference", ALL, "Tue", "Thu"),
    ),
    (_ONE, "Which day had the second most guests?", _filled("second highest")),
    (
        _ONE,
        "What would they come to if Wednesday's guests were cut in half?",
        _filled("sum if multiplied", ALL, "Wed", NONE, 0.5),
    ),
    (_ONE, "On how many days were there fewer than 30 guests?", _filled("count below", ALL, NONE, NONE, 30)),
    (_ONE, "What did Friday bring?", _filled("not shown")),
    (
        _TWO,
        "How many times as much wheat was there in 1992 as in 1990?",
        _filled("ratio", "Wheat", "1992", "1990"),
    ),
    (_TWO, "When was the harvest of all crops together smallest?", _filled("lowest")),
    (_TWO, "How many tons of oats were there in 1991?", _filled("value", "Oats", "1991")),
    (_TWO, "Is there more and more maize?", _filled("trend", "Maize")),
)


def fits(sheets: Sequence[Sheet]) -> bool:
    """Whether the names of sheets can be choices."""
    names = sum(len(sheet.rows) + len(sheet.columns) for sheet in sheets)
    return 0 < names <= MOST_CHOICES and not any(sheet.places or sheet.form == "points" for sheet in sheets)


def prompt(scene: str, question: str) -> tuple[Message, ...]:
    """The whole prompt; the words before the data never change."""
    found = [Message("system", SYSTEM)]
    for data, asked, form in SHOTS:
        found += [Message("user", f"{data}\n{asked}"), Message("assistant", form)]
    return (*found, Message("user", f"{scene}\n{question}"))


def schema(sheets: Sequence[Sheet]) -> dict[str, Any]:
    """What may be filled in for these sheets."""
    rows = list(dict.fromkeys(row for sheet in sheets for row in sheet.rows))
    columns = list(
        dict.fromkeys(name for sheet in sheets for name in sheet.columns if len(sheet.columns) > 1)
    )
    places: dict[str, Any] = {
        "operation": {"enum": list(OPERATIONS)},
        "series": {"enum": [ALL, *(name for name in columns if name != ALL)]},
        "first": {"enum": [NONE, *(name for name in rows if name != NONE)]},
        "second": {"enum": [NONE, *(name for name in rows if name != NONE)]},
        "number": {"type": "number"},
    }
    if len(sheets) > 1:
        places["sheet"] = {"enum": [sheet.id for sheet in sheets]}
    return closed_object(**places)


def read(text: str) -> Form:
    """A form out of JSON; raises `msgspec.MsgspecError` for anything else."""
    return msgspec.json.decode(text, type=Form)


def lines_of(form: Form, sheets: Sequence[Sheet]) -> str:
    """The program that a form means; empty where it lacks what its operation needs."""
    sheet = next((one for one in sheets if one.id == form.sheet), sheets[0])
    data = _data(form, sheet)
    first, second = (_key(sheet, name) for name in (form.first, form.second))
    a, b = f"data[{first}]", f"data[{second}]"
    needs = {"difference": 2, "ratio": 2, "change in percent": 2, "value": 1, "share of total in percent": 1}
    needs |= {"sum if multiplied": 1, "sum if added": 1}
    given = (form.first != NONE) + (form.second != NONE)
    if form.operation == "not shown":
        return "answer = None"
    if given < needs.get(form.operation, 0):
        return ""
    match form.operation:
        case "value":
            last = f"answer = {a}"
        case "difference":
            last = f"answer = {a} - {b}"
        case "ratio":
            last = f"answer = {a} / {b}"
        case "share of total in percent":
            last = f"answer = {a} / sum(data.values()) * 100"
        case "change in percent":
            last = f"answer = ({a} - {b}) / {b} * 100"
        case "sum" | "mean":
            last = f"answer = {'mean(data)' if form.operation == 'mean' else 'sum(data.values())'}"
        case "highest" | "lowest" | "second highest":
            order = "" if form.operation == "lowest" else ", reverse=True"
            place = 1 if form.operation == "second highest" else 0
            last = f"best = sorted(data, key=data.get{order})[{place}]\nanswer = best, data[best]"
        case "trend":
            last = "answer = trend(data)"
        case "count above" | "count below":
            sign = ">" if form.operation == "count above" else "<"
            last = f"answer = sum(1 for v in data.values() if v {sign} {form.number:g})"
        case "sum if multiplied":
            last = f"answer = sum(data.values()) + ({form.number:g} - 1) * {a}"
        case _:
            last = f"answer = sum(data.values()) + {form.number:g}"
    return f"{data}\n{last}"


def _data(form: Form, sheet: Sheet) -> str:
    """The values that a form is about, by row."""
    if len(sheet.columns) == 1:
        return f"data = dict({sheet.id})"
    if form.series != ALL and form.series in sheet.columns:
        return f"data = dict({sheet.id}[{form.series!r}])"
    first = sheet.columns[0]
    return (
        f"data = {{row: sum({sheet.id}[name][row] for name in {sheet.id}) for row in {sheet.id}[{first!r}]}}"
    )


def _key(sheet: Sheet, row: str) -> str:
    return repr(key_of(sheet, row))
