"""The calculator: arithmetic in exact fractions, and conversion of units.

An expression is parsed by Python's own parser and walked over a short list of allowed parts; nothing is evaluated as
code. Percent works as on a pocket calculator: `200 + 10%` is 220. Roots, fractional powers and
unwieldy fractions are carried to fifty digits. No variables, no symbolic algebra.
"""

from __future__ import annotations

import ast
import re
from decimal import Context, Decimal, DecimalException, localcontext
from fractions import Fraction
from math import ceil, floor, isqrt

from pierian.toolbox.units import unit_convert
from pierian.tools import Tool, ToolFailure, tool

MOST_CHARACTERS = 500
MOST_DEPTH = 260
"""A sum of as many terms as fit into the characters is nested this deep."""
MOST_BITS = 4096
"""A fraction that takes more is rounded to `DIGITS`; `(803/800)^360` still fits."""
LARGEST_BITS = 1000
"""About 10^301: more does not fit a floating-point number, and is not meant."""
DIGITS = 50

_HINT = "Use numbers, + - * / // ^ %, parentheses, pi, sqrt, abs, round, floor, ceil, min and max."
_WRITTEN = str.maketrans({"×": "*", "·": "*", "÷": "/", "−": "-", "–": "-", "^": "~", "\n": " ", "\t": " "})
_ALLOWED = re.compile(r"[\d\s.,+\-*/%()~a-zA-Z]*")
_NUMBER = re.compile(r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?")
# A percent sign stands after a number or parenthesis and before an operator or the end; else it is a remainder.
_PERCENT = re.compile(r"(?<=[\d.)])\s*%(?=\s*(?:$|[-+*/~),]|of\b))")
_PI = Fraction("3.14159265358979323846264338327950288419716939937511")
_DECIMALS = Context(prec=DIGITS, Emax=400, Emin=-400)


class _NotArithmetic(ValueError):
    """Why an expression has no value."""


def calculator_tools() -> list[Tool]:
    """Tools for sums and for units."""

    @tool(effect="none")
    async def calculate(expression: str) -> int | float:
        """Work out an arithmetic expression exactly.

        Args:
            expression: Such as (12.50 * 3 + 8) / 2 or 15% of 80.
        """
        try:
            value = evaluate(expression)
        except _NotArithmetic as error:
            raise ToolFailure("invalid", f"Cannot work out {expression!r}: {error}.", hint=_HINT) from error
        return value.numerator if value.denominator == 1 else float(value)

    return [calculate, unit_convert]


def evaluate(expression: str) -> Fraction:
    """The value of an expression; `_NotArithmetic` (a `ValueError`) says why there is none."""
    text = _as_python(expression)
    try:
        tree = ast.parse(text, mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        raise _NotArithmetic("it is not written as arithmetic") from error
    try:
        return _value(tree.body, text, 0)
    except ZeroDivisionError as error:
        raise _NotArithmetic("it divides by zero") from error
    except (DecimalException, OverflowError) as error:
        raise _NotArithmetic("a number in it is too large") from error


def _as_python(expression: str) -> str:
    """The expression as Python would write it, its percent signs as `[percent]`, which binds as tightly."""
    if len(expression) > MOST_CHARACTERS:
        raise _NotArithmetic(f"it is longer than {MOST_CHARACTERS} characters")
    text = expression.translate(_WRITTEN).strip().removesuffix("=").rstrip()
    text = re.sub(r"[$€£]\s?(?=\d|\.)", "", text)
    if not _ALLOWED.fullmatch(text) or not text.isascii():
        raise _NotArithmetic("it has characters that are not arithmetic")
    if not re.search(r"[a-zA-Z]\s*\(", text):  # inside max(1,200) a comma separates arguments
        text = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", text)
    text = _PERCENT.sub("[percent]", text)
    text = re.sub(r"(?<=\])\s*of\b", " *", text)
    text = re.sub(r"(?<![\d.a-zA-Z])0+(?=\d)", "", text)
    return text.replace("~", "**")


def _value(node: ast.expr, text: str, depth: int) -> Fraction:
    if depth > MOST_DEPTH:
        raise _NotArithmetic("it is nested too deeply")
    match node:
        case ast.Constant():
            return _number(text[node.col_offset : node.end_col_offset])
        case ast.Name(id="pi"):
            return _PI
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand, text, depth + 1)
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return _value(operand, text, depth + 1)
        case ast.Subscript(value=part, slice=ast.Name(id="percent")):
            return _bounded(_value(part, text, depth + 1) / 100)
        case ast.BinOp(left=left, op=operator, right=right):
            first, second = _value(left, text, depth + 1), _value(right, text, depth + 1)
            if isinstance(operator, ast.Add | ast.Sub) and _is_percent(right) and not _is_percent(left):
                second = _bounded(second * first)
            return _bounded(_applied(operator, first, second))
        case ast.Call(func=ast.Name(id=name), args=parts, keywords=[]):
            return _bounded(_called(name, [_value(part, text, depth + 1) for part in parts]))
        case _:
            raise _NotArithmetic("it has a part that is not arithmetic")


def _number(written: str) -> Fraction:
    if not _NUMBER.fullmatch(written):
        raise _NotArithmetic(f"{written} is not a plain number")
    return _bounded(Fraction(written))


def _is_percent(node: ast.expr) -> bool:
    return isinstance(node, ast.Subscript)


def _applied(operator: ast.operator, first: Fraction, second: Fraction) -> Fraction:
    match operator:
        case ast.Add():
            return first + second
        case ast.Sub():
            return first - second
        case ast.Mult():
            return first * second
        case ast.Div():
            return first / second
        case ast.FloorDiv():
            return Fraction(first // second)
        case ast.Mod():
            return first % second
        case ast.Pow():
            return _power(first, second)
        case _:
            raise _NotArithmetic("it has an operator that is not arithmetic")


def _power(base: Fraction, exponent: Fraction) -> Fraction:
    size = max(base.numerator.bit_length(), base.denominator.bit_length())
    if exponent.denominator == 1 and size * abs(exponent) <= MOST_BITS:
        return base**exponent.numerator
    if base < 0 and exponent.denominator != 1:
        raise _NotArithmetic("a negative number has no such power")
    if base == 0:
        return Fraction(0) if exponent > 0 else base / 0
    with localcontext(_DECIMALS) as exact:
        return Fraction(exact.power(_decimal(base), _decimal(exponent)))


def _root(value: Fraction) -> Fraction:
    if value < 0:
        raise _NotArithmetic("a negative number has no square root")
    above, below = isqrt(value.numerator), isqrt(value.denominator)
    if above**2 == value.numerator and below**2 == value.denominator:
        return Fraction(above, below)
    return _power(value, Fraction(1, 2))


def _rounded(value: Fraction, places: Fraction) -> Fraction:
    """Half away from zero, as people round money."""
    if places.denominator != 1 or not -30 <= places <= 30:
        raise _NotArithmetic("round takes a whole number of decimals up to 30")
    unit = Fraction(10) ** places.numerator
    size = floor(abs(value) * unit + Fraction(1, 2)) / unit
    return size if value >= 0 else -size


def _called(name: str, parts: list[Fraction]) -> Fraction:
    match name.lower(), parts:
        case "sqrt", [value]:
            return _root(value)
        case "abs", [value]:
            return abs(value)
        case "round", [value]:
            return _rounded(value, Fraction(0))
        case "round", [value, places]:
            return _rounded(value, places)
        case "floor", [value]:
            return Fraction(floor(value))
        case "ceil", [value]:
            return Fraction(ceil(value))
        case "min", [_, *_]:
            return min(parts)
        case "max", [_, *_]:
            return max(parts)
        case _:
            raise _NotArithmetic(f"there is no function {name} of {len(parts)} numbers")


def _bounded(value: Fraction) -> Fraction:
    above, below = value.numerator.bit_length(), value.denominator.bit_length()
    if abs(above - below) > LARGEST_BITS and value:
        raise _NotArithmetic(f"a number in it is too {'large' if above > below else 'small'}")
    if max(above, below) <= MOST_BITS:
        return value
    with localcontext(_DECIMALS):
        return Fraction(_decimal(value))


def _decimal(value: Fraction) -> Decimal:
    return Decimal(value.numerator) / Decimal(value.denominator)
