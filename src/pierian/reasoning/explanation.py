"""Explains a program to a reader: each step in the words of its comment, with the numbers that it really had.

The program was written with a comment before each step. Here its steps are read from its syntax tree, run once
more with every value noted, and written as a list that ends in the answer. Nothing in it was computed by a model.
A program with loops, functions or anything but plain assignments is not explained; it is shown as it is.
"""

from __future__ import annotations

import ast
import copy
import re
from typing import Any

from msgspec import Struct

from pierian.reasoning.approaches.program import number_text
from pierian.sandbox import Sandbox, Value

_NOTED = "noted_values"
_MOST_STEPS = 40


_UNIT = re.compile(r"^answer\s*=[^#\n]*#\s*([A-Za-z%°€$£]+(?:[ /][a-z]+)?)\s*$", re.MULTILINE)
_NO_UNITS = frozenset(
    [
        "the",
        "a",
        "an",
        "in",
        "for",
        "of",
        "to",
        "is",
        "number",
        "numbers",
        "total",
        "answer",
        "result",
        "value",
        "final",
        "all",
        "per",
    ]
)


def unit_of(code: str) -> str:
    """The unit that a program names behind its answer, such as `euros`; empty where it names none."""
    found = _UNIT.search(code)
    return "" if found is None or set(found[1].lower().split()) & _NO_UNITS else found[1]


class Step(Struct, frozen=True):
    """One assignment: the comment above it (empty if there is none), its name and its expression."""

    comment: str
    name: str
    expression: ast.expr


async def explain(sandbox: Sandbox, code: str, stated: str) -> str:
    """The explanation as Markdown, ending in the answer `stated`, its numbers separated by commas, with its unit;
    empty where the program cannot be explained."""
    steps = steps_of(code)
    if not steps:
        return ""
    result = await sandbox.run(_noting(code))
    if not isinstance(result, Value) or not isinstance(result.value, list):
        return ""
    values: list[Any] = result.value  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
    return written(steps, values, stated, unit_of(code)) if len(values) == len(steps) else ""


def steps_of(code: str) -> list[Step]:
    """The steps of a program of plain assignments; empty for any other."""
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    comments = _comments(code)
    steps: list[Step] = []
    for statement in tree.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=expression):
                steps.append(Step(comments.pop(statement.lineno, ""), name, expression))
            case ast.Expr(value=ast.Name()) if statement is tree.body[-1]:
                pass  # the name that holds the answer
            case _:
                return []
    return steps if len(steps) <= _MOST_STEPS else []


def written(steps: list[Step], values: list[Any], stated: str, unit: str) -> str:
    """The list of steps; `values` are what each step came to, in order."""
    known: dict[str, str] = {}
    lines: list[list[str]] = []
    heads: list[str] = []
    names: list[str] = []
    for step, value in zip(steps, values, strict=True):
        text = number_text(value)
        if step.name != "answer":
            sum_text = _worked_out(step.expression, known, text)
            if step.comment or not lines:
                heads.append(step.comment)
                lines.append([])
            lines[-1].append(f"{_words(step.name)} = {sum_text}" if sum_text else "")
        elif isinstance(step.expression, ast.Tuple):
            names = [_words(e.id) for e in step.expression.elts if isinstance(e, ast.Name)]
        elif not isinstance(step.expression, ast.Name):
            heads.append(step.comment)
            lines.append([f"answer = {_worked_out(step.expression, known, text)}"])
        if text:
            known[step.name] = text
        else:
            known.pop(step.name, None)
    shown = [_line(head, parts) for head, parts in zip(heads, lines, strict=True)]
    parts = stated.split(", ")
    if len(names) == len(parts) > 1:
        stated = ", ".join(f"{name} {part} {unit}".strip() for name, part in zip(names, parts, strict=True))
    elif unit:
        stated = f"{stated} {unit}"
    return "\n".join([*(line for line in shown if line), "", f"**Answer: {stated}**"]).strip()


def _line(head: str, parts: list[str]) -> str:
    parts = [part for part in parts if part]
    if not parts:
        return ""
    if head and len(parts) == 1:  # the comment says what the number is; its name would say it again
        parts = [parts[0].partition(" = ")[2]]
        value = parts[0].rpartition(" = ")[2]
        if parts[0] in head.replace(",", "").split() or re.search(
            rf"= *\W?{re.escape(value)}(?![\d.])", head
        ):
            return f"- {head}"
    return f"- {head}: {'; '.join(parts)}" if head else f"- {'; '.join(parts)}"


def _worked_out(expression: ast.expr, known: dict[str, str], value: str) -> str:
    """`200 + 300 = 500`, or the value alone where the expression is already a number."""
    if not value:
        return ""
    if isinstance(expression, ast.Constant | ast.Name):
        return value
    filled = ast.unparse(_Fill(known).visit(copy.deepcopy(expression)))
    filled = re.sub(r" \*\* ", "^", filled).replace(" * ", " × ").replace(" - ", " − ").replace("'", "")
    return f"{filled} = {value}"


class _Fill(ast.NodeTransformer):
    """Names with known values become these values."""

    def __init__(self, known: dict[str, str]) -> None:
        self._known = known

    def visit_Name(self, node: ast.Name) -> ast.expr:
        value = self._known.get(node.id)
        return ast.Name(value) if value else node


def _noting(code: str) -> str:
    """The program with every assigned value appended to a list, which is its result."""
    tree = ast.parse(code)
    body: list[ast.stmt] = list(ast.parse(f"{_NOTED} = []").body)
    for statement in tree.body:
        body.append(statement)
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            body += ast.parse(f"{_NOTED}.append({statement.targets[0].id})").body
    body += ast.parse(_NOTED).body
    return ast.unparse(ast.Module(body, []))


def _comments(code: str) -> dict[int, str]:
    """The comment that stands above each line of code, by the line's number; several lines of it are joined."""
    found: dict[int, str] = {}
    held: list[str] = []
    for number, line in enumerate(code.splitlines(), 1):
        bare = line.strip()
        if bare.startswith("#"):
            held.append(bare.lstrip("# ").rstrip(" .:"))
        elif bare:
            comment = " ".join(filter(None, held))
            found[number], held = comment[:1].upper() + comment[1:], []
    return found


def _words(name: str) -> str:
    return name.replace("_", " ")
