"""A program over sheets: put right where it names things a little wrongly, run, and asked what it rests on.

The data stand in the program as plain values, so that it can be run again by itself. Which values matter, by how much
the answer may be off and in which unit it is are found by running the same lines on values that are a little larger
and a little smaller, in one further program.
"""

from __future__ import annotations

import ast
import math
import re
import textwrap
from collections.abc import Callable, Sequence, Set
from typing import Any, cast

from msgspec import Struct, structs

from pierian.reasoning.pictures.names import nearest, plain_letters
from pierian.reasoning.pictures.sheets import Sheet, Value
from pierian.sandbox import Failed, LimitHit, Sandbox
from pierian.sandbox import Value as Ran

MOST_PROBED = 150
"""Values that are varied, one after the other."""
WORDS = frozenset(
    (
        "rising",
        "falling",
        "increasing",
        "decreasing",
        "increase",
        "decrease",
        "increased",
        "decreased",
        "up",
        "down",
        "yes",
        "no",
        "true",
        "false",
        "more",
        "less",
        "higher",
        "lower",
        "equal",
        "same",
        "first",
        "second",
        "both",
        "neither",
        "none",
        "no clear trend",
    )
)
"""What a program may say in words of its own; every other word has to be a name in the picture."""
MOST_RESULTS = 12
_MISSING = re.compile(r"KeyError: '([^']*)'")
HELPERS = """
def mean(values):
    values = list(values.values()) if isinstance(values, dict) else list(values)
    return sum(values) / len(values)

def trend(values):
    values = list(values.values()) if isinstance(values, dict) else list(values)
    middle = (len(values) - 1) / 2
    slope = sum((n - middle) * v for n, v in enumerate(values)) / sum((n - middle) ** 2 for n in range(len(values)))
    rise, reach = slope * (len(values) - 1), max(values) - min(values)
    if reach == 0 or abs(rise) < 0.25 * reach or abs(rise) < 0.02 * max(abs(v) for v in values):
        return "no clear trend"
    return "rising" if rise > 0 else "falling"

def at(values, place):
    known = sorted((float(k), v) for k, v in values.items())
    if place < known[0][0] or place > known[-1][0]:
        return None
    for (left, low), (right, high) in zip(known, known[1:]):
        if left <= place <= right:
            return low + (high - low) * (place - left) / (right - left) if right > left else low
    return known[0][1]

def differences(first, second):
    names = list(first) + [name for name in second if name not in first]
    return {name: second.get(name, 0) - first.get(name, 0) for name in names}
"""


class Unknown(Struct, frozen=True):
    """A program asks for something that the picture does not show."""

    name: str


class Broken(Struct, frozen=True):
    """A program that cannot be run; `why` tells the model."""

    why: str
    code: str = ""


class Touched(Struct, frozen=True):
    """A value that the answer rests on. `influence`: how the answer moves where it is off by its error."""

    sheet: Sheet
    row: str
    column: str
    value: Value
    influence: float = 0.0


class Outcome(Struct, frozen=True, kw_only=True):
    """What a program came to. `results` are numbers, names, truth values; empty for None.

    `errors`: what each number may be off by; `degrees`: 1 for a number in the unit of the values, 0 for one without,
    None where it is neither. `rivals`: names that the answer would be, were a value off by its error.
    """

    results: tuple[Any, ...]
    errors: tuple[float, ...]
    degrees: tuple[int | None, ...]
    touched: tuple[Touched, ...]
    rivals: tuple[str, ...]
    lines: str
    """The lines themselves."""
    code: str
    """The whole program, with its data."""
    replaced: tuple[tuple[str, str], ...] = ()
    """Names that the program asked for, and those of the picture that were taken for them."""


async def calculate(
    sandbox: Sandbox, lines: str, sheets: Sequence[Sheet], question: str = ""
) -> Outcome | Unknown | Broken:
    """Run a model's lines over sheets. A name that stands in the question is never taken for another one."""
    try:
        tree = ast.parse(lines)
    except SyntaxError as error:
        return Broken(f"line {error.lineno}: {error.msg}", lines)
    mender = _Mender(sheets, question)
    tree = ast.fix_missing_locations(mender.visit(tree))
    lines = ast.unparse(tree)
    if mender.unknown:
        return Unknown(mender.unknown[0])
    names = {sheet.id for sheet in sheets}
    if overwrites(tree, names):
        return Broken("it puts values of its own in the place of the measured ones", lines)
    used = [sheet for sheet in sheets if reads(tree, {sheet.id})]
    code = f"{HELPERS.strip()}\n\n{_data(used)}\n\n{lines}\nanswer"
    result = await sandbox.run(code)
    match result:
        case Ran(value=value):
            results = _flat(value)
        case Failed(error=error):
            missing = _MISSING.search(error)
            known = {name for sheet in used for name in (*sheet.rows, *sheet.columns)}
            return Unknown(missing[1]) if missing and missing[1] not in known else Broken(error, lines)
        case LimitHit(limit=limit):
            return Broken(f"it was stopped at its limit of {limit}", lines)
    if results is None:
        return Broken("it does not end in numbers or names", lines)
    if results and not used:
        return Broken("it reads no measured value", lines)
    shown = {name for sheet in used for name in (*sheet.rows, *sheet.columns, sheet.title, sheet.id)}
    for one in results:
        if isinstance(one, str) and one not in shown and one.casefold() not in WORDS:
            return Broken(f"it ends in {one!r}, which is no name in the picture", lines)
    outcome = await _probed(sandbox, lines, code, results, used, mender.named)
    return structs.replace(outcome, replaced=tuple(mender.replaced))


def reads(tree: ast.AST, names: Set[str]) -> bool:
    """Whether a program reads one of these names."""
    return any(
        isinstance(one, ast.Name) and one.id in names and isinstance(one.ctx, ast.Load)
        for one in ast.walk(tree)
    )


def overwrites(tree: ast.AST, names: Set[str]) -> bool:
    """Whether a program gives one of these names a meaning of its own."""
    return any(
        (isinstance(one, ast.Name) and one.id in names and not isinstance(one.ctx, ast.Load))
        or (isinstance(one, ast.arg) and one.arg in names)
        for one in ast.walk(tree)
    )


class _Mender(ast.NodeTransformer):
    """Names in subscripts put right: misread ones by their nearest, columns and rows in the wrong order turned."""

    def __init__(self, sheets: Sequence[Sheet], question: str) -> None:
        self._sheets = {sheet.id: sheet for sheet in sheets}
        self._question = question
        self.unknown: list[str] = []
        self.replaced: list[tuple[str, str]] = []
        self.named: set[tuple[str, str]] = set()
        """Rows and columns that the program names, with their sheet's id."""

    def _nearest(self, name: str, names: Sequence[str]) -> str | None:
        return nearest(name, names, self._question)

    def _taken(self, name: str, found: str) -> None:
        """Remember a name that was taken for another one, so that it is told."""
        if plain_letters(name) != plain_letters(found) and (name, found) not in self.replaced:
            self.replaced.append((name, found))

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """`c1.get("North")` is `c1["North"]`."""
        if (
            isinstance(node.func, ast.Attribute)
            and node.func.attr == "get"
            and node.args
            and isinstance(node.args[0], ast.Constant)
        ):
            return self.visit_Subscript(ast.Subscript(node.func.value, node.args[0], ast.Load()))
        return self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        """`key=c1.get`, which the sandbox has no methods for, as a function."""
        if node.attr != "get":
            return self.generic_visit(node)
        return _expression(f"lambda name: ({ast.unparse(self.visit(node.value))})[name]")

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        """A name that stands by itself, as in a list of rows."""
        if isinstance(node.value, str):
            names = [name for one in self._sheets.values() for name in (*one.rows, *one.columns)]
            if (found := self._nearest(node.value, names)) is not None:
                self._taken(node.value, found)
                self.named |= {(one.id, found) for one in self._sheets.values()}
                return ast.Constant(found)
        return node

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        """`c1["Online"]["North"]`, also where its parts are turned round or one too many."""
        keys: list[Any] = []
        inner: ast.expr = node
        while isinstance(inner, ast.Subscript) and isinstance(inner.slice, ast.Constant):
            keys.insert(0, inner.slice.value)
            inner = inner.value
        if not (isinstance(inner, ast.Name) and inner.id in self._sheets and keys):
            return self.generic_visit(node)
        sheet = self._sheets[inner.id]
        if (added := self._sum(sheet, [str(key) for key in keys])) is not None:
            return added
        base: ast.expr = ast.Name(inner.id, ast.Load())
        place = self._between(sheet, keys[-1])
        found = self._found(sheet, [str(key) for key in (keys if place is None else keys[:-1])])
        if found is None:
            return node
        column, row = found
        if place is not None and (column is not None or len(sheet.columns) == 1):
            if len(sheet.columns) > 1:
                base = ast.Subscript(base, ast.Constant(column), ast.Load())
            return ast.Call(ast.Name("at", ast.Load()), [base, ast.Constant(place)], [])
        if len(sheet.columns) == 1:
            return _with(node, base, sheet, row)
        if column is None:
            key = key_of(sheet, row or "")
            return _expression(f"{{name: {inner.id}[name][{key!r}] for name in {inner.id}}}")
        base = ast.Subscript(base, ast.Constant(column), ast.Load())
        return _with(node, base, sheet, row)

    def _sum(self, sheet: Sheet, keys: Sequence[str]) -> ast.expr | None:
        """A row of totals, which is no row of a sheet: the sum of those that it adds up."""
        parts = next((rows for name, rows in sheet.sums if name in keys), None)
        rest = [key for key in keys if key not in dict(sheet.sums)]
        column = self._nearest(rest[0], sheet.columns) if rest else None
        if len(sheet.columns) == 1:
            column = sheet.columns[0]
        if parts is None or column is None or len(rest) > 1:
            return None
        base = sheet.id if len(sheet.columns) == 1 else f"{sheet.id}[{column!r}]"
        held = [f"{base}[{key_of(sheet, row)!r}]" for row in parts if (row, column) in sheet.values]
        return _expression(f"sum([{', '.join(held)}])")

    @staticmethod
    def _between(sheet: Sheet, key: Any) -> float | None:
        """A place on an axis of numbers that is none of the rows."""
        if not sheet.places or str(key) in sheet.rows:
            return None
        try:
            return float(key)
        except (TypeError, ValueError):
            return None

    def _found(self, sheet: Sheet, keys: Sequence[str]) -> tuple[str | None, str | None] | None:
        """The column and the row that keys mean."""
        column = row = None
        for key in keys:
            near_column, near_row = self._nearest(key, sheet.columns), self._nearest(key, sheet.rows)
            if near_row == key != near_column:
                near_column = None
            elif near_column == key != near_row and len(sheet.columns) > 1:
                near_row = None
            if near_column and column is None and (near_row is None or len(sheet.columns) > 1):
                column = near_column
                self._taken(key, column)
            elif near_row and row is None:
                row = near_row
                self._taken(key, row)
            else:
                self.unknown.append(key)
                return None
        for name in (column, row):
            if name is not None:
                self.named.add((sheet.id, name))
        return column, row


def _with(node: ast.Subscript, base: ast.expr, sheet: Sheet, row: str | None) -> ast.expr:
    """A row of a column, or the whole column."""
    return base if row is None else ast.Subscript(base, ast.Constant(key_of(sheet, row)), node.ctx)


def _expression(code: str) -> ast.expr:
    return ast.parse(code, mode="eval").body


def key_of(sheet: Sheet, row: str) -> Any:
    """What stands for a row in a program: its name, or its place on an axis of numbers."""
    return sheet.places[sheet.rows.index(row)] if sheet.places and row in sheet.rows else row


# Data


def _data(sheets: Sequence[Sheet]) -> str:
    def written(sheet: Sheet, row: str, column: str) -> str:
        return repr(_rounded(sheet.values[row, column].amount))

    return "\n".join(f"{sheet.id} = {_literal(sheet, written)}" for sheet in sheets)


def _rounded(amount: float) -> float:
    """With as many digits as a chart can tell, so that programs stay readable."""
    return float(f"{amount:.6g}")


def _literal(sheet: Sheet, written: Callable[[Sheet, str, str], str]) -> str:
    """A sheet as a dictionary in Python."""
    parts: list[str] = []
    for column in sheet.columns:
        rows = sheet.column(column)
        parts.append(
            "{" + ", ".join(f"{key_of(sheet, row)!r}: {written(sheet, row, column)}" for row in rows) + "}"
        )
    if len(sheet.columns) == 1:
        return parts[0]
    return "{" + ", ".join(f"{name!r}: {part}" for name, part in zip(sheet.columns, parts, strict=True)) + "}"


def _flat(value: Any) -> tuple[Any, ...] | None:
    """A program's value as numbers, names and truth values; None where it is something else."""
    if value is None:
        return ()
    if isinstance(value, dict):
        pairs = list(cast("dict[Any, Any]", value).items())[: MOST_RESULTS // 2]
        value = [part for pair in pairs for part in pair]
    parts = cast("list[Any]", list(value)) if isinstance(value, list | tuple) else [value]  # pyright: ignore[reportUnknownArgumentType]
    flat: list[Any] = []
    for part in parts[:MOST_RESULTS]:
        flat += cast("list[Any]", list(part)) if isinstance(part, list | tuple) else [part]  # pyright: ignore[reportUnknownArgumentType]
    if any(one is None for one in flat):
        return ()
    if not flat or not all(isinstance(one, str | bool | int | float) for one in flat):
        return None
    if any(isinstance(one, float) and not math.isfinite(one) for one in flat):
        return None
    return tuple(flat)


# What it rests on


async def _probed(
    sandbox: Sandbox,
    lines: str,
    code: str,
    results: tuple[Any, ...],
    sheets: Sequence[Sheet],
    named: set[tuple[str, str]],
) -> Outcome:
    cells = [
        Touched(sheet, row, column, sheet.values[row, column])
        for sheet in sheets
        for column in sheet.columns
        for row in sheet.column(column)
    ]
    plain = Outcome(
        results=results,
        errors=(0.0,) * len(results),
        degrees=(None,) * len(results),
        touched=tuple(_by_names(cells, named)),
        rivals=(),
        lines=lines,
        code=code,
    )
    if not results or len(cells) > MOST_PROBED:
        return plain
    ran = await sandbox.run(_probe(lines, cells, sheets))
    if not isinstance(ran, Ran):
        return plain
    doubled, *varied = ran.value
    larger = [_flat(one) for one in varied[: len(cells)]]
    smaller = [_flat(one) for one in varied[len(cells) :]]
    degrees = tuple(_degree(one, other) for one, other in zip(results, _flat(doubled) or (), strict=False))
    squares, touched, rivals = [0.0] * len(results), list[Touched](), list[str]()
    for cell, more, less in zip(cells, larger, smaller, strict=True):
        moved, instead = _moved(results, (more, less))
        rivals += instead if cell.value.error > 0 else []
        for place in range(len(results)):
            if more and less and len(more) == len(less) == len(results):
                squares[place] += _spread(more[place], less[place]) if cell.value.error > 0 else 0.0
        if moved or any(name in (cell.row, cell.column) for name in results if isinstance(name, str)):
            touched.append(Touched(cell.sheet, cell.row, cell.column, cell.value, moved))
    return Outcome(
        results=results,
        errors=tuple(math.sqrt(one) for one in squares),
        degrees=degrees,
        touched=tuple(touched) or plain.touched,
        rivals=tuple(dict.fromkeys(rivals)),
        lines=lines,
        code=code,
    )


def _moved(results: tuple[Any, ...], others: Sequence[tuple[Any, ...] | None]) -> tuple[float, list[str]]:
    """How far results move with one value, without bound where a name changes; and the names that come instead."""
    moved, instead = 0.0, list[str]()
    for other in others:
        if other is None or len(other) != len(results):
            continue
        for result, now in zip(results, other, strict=True):
            if isinstance(now, str) != isinstance(result, str):
                continue
            if isinstance(result, str) and now != result:
                moved = math.inf
                instead.append(now)
            elif not isinstance(result, str | bool):
                moved = max(moved, abs(now - result))
    return moved, instead


def _probe(lines: str, cells: Sequence[Touched], sheets: Sequence[Sheet]) -> str:
    """A program that runs the lines with all values doubled, then with each alone a little larger, then smaller."""
    places = {(cell.sheet.id, cell.row, cell.column): n for n, cell in enumerate(cells)}

    def written(sheet: Sheet, row: str, column: str) -> str:
        return f"_v[{places[sheet.id, row, column]}]"

    data = "\n".join(f"{sheet.id} = {_literal(sheet, written)}" for sheet in sheets)
    body = textwrap.indent(f"{data}\n{lines}\nreturn answer", "    ")
    amounts = ", ".join(repr(_rounded(cell.value.amount)) for cell in cells)
    steps = ", ".join(f"{_step(cell.value):.6g}" for cell in cells)
    return (
        f"{HELPERS.strip()}\n\ndef _solve(_v):\n{body}\n\n"
        f"_amounts = [{amounts}]\n_steps = [{steps}]\n"
        "def _moved(place, sign):\n"
        "    changed = list(_amounts)\n    changed[place] = changed[place] + sign * _steps[place]\n"
        "    try:\n        return _solve(changed)\n    except Exception:\n        return None\n"
        "[_solve([2 * one for one in _amounts])] + [_moved(n, 1) for n in range(len(_amounts))]"
        " + [_moved(n, -1) for n in range(len(_amounts))]"
    )


def _step(value: Value) -> float:
    return value.error or 0.01 * abs(value.amount) or 0.01


def _spread(more: Any, less: Any) -> float:
    if isinstance(more, str | bool) or isinstance(less, str | bool):
        return 0.0
    return ((more - less) / 2) ** 2


def _degree(result: Any, doubled: Any) -> int | None:
    """Of how many values a number is a product: 1 where it doubles with them, 0 where it stays."""
    if isinstance(result, str | bool) or isinstance(doubled, str | bool) or not result:
        return None
    ratio = doubled / result
    return 1 if abs(ratio - 2) < 1e-6 else 0 if abs(ratio - 1) < 1e-6 else None


def _by_names(cells: Sequence[Touched], named: set[tuple[str, str]]) -> list[Touched]:
    """The values of the rows and columns that a program names."""
    found: list[Touched] = []
    for cell in cells:
        rows = {name for sheet, name in named if sheet == cell.sheet.id and name in cell.sheet.rows}
        columns = {name for sheet, name in named if sheet == cell.sheet.id and name in cell.sheet.columns}
        if (not rows or cell.row in rows) and (not columns or cell.column in columns):
            found.append(cell)
    return found
