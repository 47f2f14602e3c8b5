"""Tables in a request (rows of cells between bars) as clauses, one for each cell or row, so that they are
read like words.

Where the cells of the first row are names or weekdays, each cell is told of its row and its column: whose calendar on
which day, how long from where to where. Otherwise each row is told by itself, and the first row says what
numbers mean.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec import Struct

from pierian.planning.clauses import Clause
from pierian.planning.constraints import Source
from pierian.planning.mentions import Mention, mentions

_ROW = re.compile(r"^[^|\n]*\|[^\n]*$", re.MULTILINE)
_RULE = re.compile(r"[\s|:+-]*$")
_MINUTES = re.compile(r"\b(?:minutes?|mins?|duration|length|how long)\b", re.IGNORECASE)
_DAYS = re.compile(r"\b(?:days?|stay)\b", re.IGNORECASE)
_NIGHTS = re.compile(r"\bnights?\b", re.IGNORECASE)
_BACK = re.compile(r"\b(?:return|back|both)\b", re.IGNORECASE)


class Table(Struct, frozen=True):
    """The rows of a table with the places of their cells, and the line above it."""

    rows: tuple[tuple[Source, ...], ...]
    above: str

    @property
    def start(self) -> int:
        return self.rows[0][0].start

    @property
    def end(self) -> int:
        return self.rows[-1][-1].end


def tables(text: str) -> list[Table]:
    """The tables of a text: at least two rows below each other with as many cells."""
    found: list[Table] = []
    rows: list[tuple[Source, ...]] = []
    last = begin = 0
    for match in (*_ROW.finditer(text), None):
        between = "" if match is None else text[last : match.start()]
        if match is None or (rows and (between.strip("\n") or between.count("\n") > 1)):
            if len(rows) > 1:
                found.append(Table(tuple(rows), _above(text[:begin])))
            rows = []
        if match is None:
            break
        if not rows:
            begin = match.start()
        if not _RULE.fullmatch(match[0]):
            rows.append(_cells(match[0], match.start()))
        last = match.end()
    return found


def _above(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].strip() if lines else ""


def _cells(row: str, at: int) -> tuple[Source, ...]:
    found: list[Source] = []
    for match in re.finditer(r"[^|]+", row):
        words = match[0].strip()
        begins = at + match.start() + len(match[0]) - len(match[0].lstrip())
        if words or found:
            found.append(Source(begins, begins + len(words), words))
    if found and not found[-1].text:
        found.pop()
    return tuple(found)


def without_headings(text: str, found: Sequence[Table]) -> str:
    """The text with blanks where a first row only says what is below it."""
    for table in found:
        body = {cell.text for row in table.rows[1:] for cell in row}
        for cell in table.rows[0]:
            if cell.text not in body:
                text = text[: cell.start] + " " * (cell.end - cell.start) + text[cell.end :]
    return text


def in_both_directions(found: Sequence[Table]) -> set[str]:
    """What stands both above and at the left of a table: it tells the ways between places."""
    both: set[str] = set()
    for table in found:
        left = {row[0].text for row in table.rows[1:] if row}
        if len(here := left & {cell.text for cell in table.rows[0][1:]}) > 1:
            both |= here
    return both


def table_clauses(table: Table, names: Sequence[str]) -> list[Clause]:
    """The clauses of a table."""
    head = table.rows[0]
    headings = [_inside(cell, names) for cell in head]
    crossed = len(head) > 1 and all(
        any(one.kind in ("name", "weekdays") for one in told) for told in headings[1:]
    )
    found: list[Clause] = []
    for row in table.rows[1:]:
        if not row:
            continue
        if crossed:
            subject = _inside(row[0], names)
            for cell, heading in zip(row[1:], headings[1:], strict=False):
                told = _inside(cell, names)
                if told:
                    found.append(Clause(cell, (*subject, *heading, *told), table.above))
        else:
            found.append(_listed(row, head, names, table.above))
    return found


def _inside(cell: Source, names: Sequence[str]) -> tuple[Mention, ...]:
    return tuple(
        Mention(one.kind, one.start + cell.start, one.end + cell.start, one.value, one.text)
        for one in mentions(cell.text, names)
    )


def _listed(row: Sequence[Source], head: Sequence[Source], names: Sequence[str], above: str) -> Clause:
    """A row as a clause: numbers are what the heading says, two times are from and until."""
    told: list[Mention] = []
    header = f"{above} {' '.join(cell.text for cell in head)}"
    for cell, heading in zip(row, head, strict=False):
        for one in _inside(cell, names):
            told.append(_as_headed(one, heading.text))
        if _BACK.search(heading.text) and cell.text.lower() in ("no", "-", "✗", "none"):
            header += " none back"
    times = [one for one in told if one.kind == "clock"]
    if len(times) == 2 and times[0].value < times[1].value:
        first, then = times
        joined = Mention(
            "hours", first.start, then.end, (first.value, then.value), f"{first.text} {then.text}"
        )
        told = [joined if one is first else one for one in told if one is not then]
    source = Source(row[0].start, row[-1].end, " | ".join(cell.text for cell in row))
    return Clause(source, tuple(told), header)


def _as_headed(one: Mention, heading: str) -> Mention:
    if one.kind != "number":
        return one
    for kind, words in (("nights", _NIGHTS), ("minutes", _MINUTES), ("days", _DAYS)):
        if words.search(heading):
            value = int(one.value)
            return Mention(kind, one.start, one.end, value, one.text)  # type: ignore[arg-type]
    return one
