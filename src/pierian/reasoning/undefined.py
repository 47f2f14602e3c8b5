"""Finds a name that a program uses before it has a value, while the program is being written.

Small models forget to write a given number down and then use it. Found at the end of the line, this can still be
mended: the draft goes back to before that line and begins a line that gives the name its value, which the model
then fills in. Only plain programs are looked at: with functions, loops or branches a name may come from anywhere.
"""

from __future__ import annotations

import ast
import builtins

from msgspec import Struct


class Undefined(Struct, frozen=True):
    """A name without a value, and the position in the text where the line that gives it one should begin."""

    name: str
    position: int


def undefined_name(text: str) -> Undefined | None:
    """The first undefined name of the last complete line of a draft that is a program; None where all is well."""
    start = text.rfind("```python\n")
    begin = start + len("```python\n") if start >= 0 else 0
    lines = text[begin:].split("\n")[:-1]  # the last one is still being written
    known = set(dir(builtins))
    for index, line in enumerate(lines):
        statement = _statement(line)
        if statement is None:
            continue
        if (
            not isinstance(statement, ast.Assign | ast.Expr | ast.Import | ast.ImportFrom)
            or line[:1].isspace()
        ):
            return None
        if index == len(lines) - 1 and isinstance(statement, ast.Assign):
            for name in _used(statement):
                if name not in known:
                    return Undefined(name, begin + _before_comments(lines, index))
        known |= _bound(statement)
    return None


def _statement(line: str) -> ast.stmt | None:
    """The statement on a line; None for a comment, an empty line or what is none by itself."""
    try:
        body = ast.parse(line.strip()).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ast.Pass()
    return body[0] if body else None


def _used(statement: ast.Assign) -> list[str]:
    """Names whose values are needed, in order; those that a comprehension or a lambda binds are none of them."""
    nodes = list(ast.walk(statement.value))
    own = {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    own |= {n.arg for n in nodes if isinstance(n, ast.arg)}
    loads = [n for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load) and n.id not in own]
    return [n.id for n in sorted(loads, key=lambda n: n.col_offset)]


def _bound(statement: ast.stmt) -> set[str]:
    """Names that a statement gives a value."""
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return {(alias.asname or alias.name).partition(".")[0] for alias in statement.names}
    return {n.id for n in ast.walk(statement) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}


def _before_comments(lines: list[str], index: int) -> int:
    """Where the comment above a line begins, so that what is inserted does not part the two."""
    while index > 0 and lines[index - 1].lstrip().startswith("#"):
        index -= 1
    return sum(len(line) + 1 for line in lines[:index])
