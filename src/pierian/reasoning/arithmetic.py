"""Recomputes the arithmetic in running text: finds `expression = number` and says whether it holds.

Exact rational arithmetic, and cautious on purpose: what cannot be read without guessing is not checked, for a
wrong correction costs more than a missed one. Units after a number are ignored in products, and in sums only
where all terms carry the same one (2 hours + 30 minutes is not 32 of anything).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction

from msgspec import Struct

MAX_EXPRESSION = 160
MAX_DIGITS = 30
MAX_BITS = 256

_NUMBER = r"(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?|\.\d+"
_TOKEN = re.compile(
    rf"\s*(?:(?P<number>{_NUMBER})|(?P<op>\*\*|[-+*/×·÷−()^])|(?P<sign>[$€£%])|(?P<word>[^\W\d_]+\.?))"
)
_CLAIM = re.compile(
    rf"\s*(?:[$€£]\s?)?(?P<minus>[-−]\s?)?(?:[$€£]\s?)?(?P<number>{_NUMBER})(?P<after>.?)", re.DOTALL
)
# `6 / 1/3` may mean 6 divided by a third; `* 100%` is a change of notation; `4 W^2` has an unknown.
_AMBIGUOUS = re.compile(r"/\s*[\w.]+\s*/|[*×x]\s*100\s*%|[^\W\d_]\s*\^|/[^/]*%")
_TEX = [
    (re.compile(pattern), plainly)
    for pattern, plainly in (
        (r"\\(?:text|mathrm|textbf|mathbf)\s*\{([^{}]*)\}", r"\1"),
        (r"\\[dt]?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}", r"((\1)/(\2))"),
        (r"\\(?:times|cdot)\b", "*"),
        (r"\\div\b", "/"),
        (r"\\(?:left|right|quad|,|;|!|\[|\]|\(|\))", " "),
        (r"\\([$%])", r"\1"),
        (r"\\boxed\s*\{([^{}]*)\}", r"\1"),
    )
]
# "- 3 * 4 = 12" in a list is not minus twelve, and "**3 * 4" in bold is no power.
_LIST_MARK = re.compile(r"^\s*(?:[-*•+]\s+|\d+[.)]\s+)?(?:\*\*|__)?")
_OPERATORS = {"×": "*", "·": "*", "÷": "/", "−": "-"}


class Calculation(Struct, frozen=True):
    """One `expression = claimed` in a text; `start` and `end` bound the claimed number in it."""

    expression: str
    claimed: str
    value: Fraction
    holds: bool
    start: int
    end: int

    @property
    def computed(self) -> str:
        """The right value, written plainly."""
        return plain(self.value)


def calculations(text: str, *, settled_only: bool = False) -> Iterator[Calculation]:
    """Every calculation in `text` that can be checked, in order.

    `settled_only` leaves out a number at the very end of the text, which may still grow while it streams.
    """
    for equals in re.finditer(r"(?<![=<>!≈~])=(?!=)", text):
        claim = _CLAIM.match(text, equals.end())
        if claim is None or (settled_only and not claim["after"]):
            continue
        number = _claimed_number(claim)
        if settled_only and claim["after"] in ".," and claim.end() == len(text):
            continue
        if claim["after"] == "%" or claim["after"].isalpha() or _goes_on(text, claim.end("number")):
            continue
        expression = _expression_before(text, equals.start())
        value = evaluate(expression) if expression else None
        if value is None:
            continue
        start = claim.start("minus") if claim["minus"] else claim.start("number")
        yield Calculation(
            expression=expression,
            claimed=number,
            value=value,
            holds=_holds(value, number, expression),
            start=start,
            end=claim.start("number") + len(claim["number"].rstrip(",")),
        )


def without_tex(text: str) -> str:
    """A text with its TeX formulas written as plain arithmetic where they are arithmetic; positions change."""
    for pattern, plainly in _TEX:
        text = pattern.sub(plainly, text)
    return text


def evaluate(expression: str) -> Fraction | None:
    """The value of an arithmetic expression with at least one operator, or None if it is anything else."""
    if len(expression) > MAX_EXPRESSION:
        return None
    if _AMBIGUOUS.search(expression):
        return None
    tokens = _tokens(expression)
    if tokens is None or not any(t in ("+", "-", "*", "/", "**") for t in tokens):
        return None
    parser = _Parser(tokens)
    try:
        value = parser.sum()
    except (ValueError, ZeroDivisionError, IndexError, OverflowError):
        return None
    too_large = max(value.numerator.bit_length(), value.denominator.bit_length()) > MAX_BITS
    return value if parser.at_end() and not too_large else None


def plain(value: Fraction) -> str:
    """A rational as people write it: exact if it has at most six decimals, else rounded to four."""
    if value.denominator == 1:
        return str(value.numerator)
    decimals = 6 if (value * 10**6).denominator == 1 else 4
    digits = str(abs(round(value * 10**decimals))).rjust(decimals + 1, "0")
    sign = "-" if value < 0 else ""
    return f"{sign}{digits[:-decimals]}.{digits[-decimals:]}".rstrip("0").rstrip(".")


def to_fraction(number: str) -> Fraction | None:
    """A written number as a rational; thousands separators are dropped."""
    cleaned = number.replace(",", "").replace("−", "-").replace(" ", "").rstrip(".")
    if not re.fullmatch(r"-?(?:\d+(?:\.\d+)?|\.\d+)", cleaned) or len(cleaned) > MAX_DIGITS:
        return None
    return Fraction(cleaned)


def _claimed_number(claim: re.Match[str]) -> str:
    return ("-" if claim["minus"] else "") + claim["number"].rstrip(",")


def _goes_on(text: str, end: int) -> bool:
    """Whether the number after `=` starts an expression (`a = 3 * 4 = 12`) or has a decimal comma."""
    return re.match(r",\d|\s*(?:[-+*/×·÷−^]\s*[\w$€£(.]|\*\*|[x(]\s*\d)", text[end:]) is not None


def _holds(value: Fraction, claimed: str, expression: str) -> bool:
    number = to_fraction(claimed)
    if number is None:
        return True
    decimals = len(claimed.partition(".")[2])
    error, unit = abs(value - number), Fraction(1, 10**decimals)
    if decimals >= 2 and "." in expression:  # the decimals that went in may have been rounded before
        return error <= unit
    if (value / unit).denominator == 1:
        return error == 0
    divides = "/" in expression or "÷" in expression
    return error < unit if divides else error * 2 <= unit  # a quotient may have been cut, not rounded


def _expression_before(text: str, end: int) -> str:
    """The longest arithmetic expression that ends just before `end`; empty where its start is not certain."""
    line = text[max(text.rfind("\n", 0, end), end - MAX_EXPRESSION - 1) + 1 : end]
    line = _LIST_MARK.sub("", line[line.rfind("=") + 1 :])
    for separator in (": ", "; ", ", "):
        line = line[line.rfind(separator) + len(separator) :] if separator in line else line
    pieces = list(_TOKEN.finditer(line))
    if not pieces or line[pieces[-1].end() :].strip():
        return ""
    start = len(pieces)
    while start > 0 and _belongs(line, pieces, start - 1):
        start -= 1
    if start == len(pieces):
        return ""
    before, first = line[: pieces[start].start()].rstrip(), pieces[start]
    if before and (first["op"] not in (None, "(") or not _is_plain_lead(before, pieces, start)):
        return ""
    return line[first.start() : pieces[-1].end()].strip()


def _belongs(line: str, pieces: list[re.Match[str]], index: int) -> bool:
    """Whether a piece can be part of the expression whose later pieces were accepted."""
    piece = pieces[index]
    after = pieces[index + 1] if index + 1 < len(pieces) else None
    if after is not None and line[piece.end() : after.start()].strip():
        return False
    if not piece["word"]:
        return True
    before = pieces[index - 1] if index > 0 else None
    if before is None or not (before["number"] or before["sign"] == "%" or before["op"] == ")"):
        return False
    if piece["word"].lower() in ("x", "of", "times"):
        return after is not None and after["word"] is None
    # A unit stands after a number, and an operator or the end of the expression follows.
    return after is None or (after["op"] is not None and after["op"] != "(")


def _is_plain_lead(before: str, pieces: list[re.Match[str]], start: int) -> bool:
    """Whether the text before an expression is prose, not another part of the calculation."""
    last = pieces[start - 1] if start > 0 else None
    if last is None or last["word"] is None:
        return before[-1] in "-:.,)" and not before[-2:-1].isdigit()
    word = last["word"].lower()
    if word in ("of", "times", "plus", "minus", "by", "than"):
        return False
    # `sqrt(9 + 16)` is not a sum: before a parenthesis only words that cannot be a function will do.
    if pieces[start]["op"] == "(" and word not in ("is", "are", "was", "so", "gives", "makes", "get", "gets"):
        return False
    # "1 and 1/4" is one number; "x 3 + 4" may be a product.
    earlier = pieces[start - 2] if start > 1 else None
    return not (earlier is not None and (earlier["number"] or earlier["op"])) and len(word) > 1


def _tokens(expression: str) -> list[str] | None:
    """Numbers, operators and parentheses; None where units or percentages leave the meaning open."""
    tokens: list[str] = []
    units: set[str] = set()
    percent, position = False, 0
    while position < len(expression.rstrip()):
        match = _TOKEN.match(expression, position)
        if match is None:
            return None
        touching = match.start() == position and not expression[position].isspace()
        position = match.end()
        if match["number"]:
            if to_fraction(match["number"]) is None:
                return None
            tokens.append(match["number"].replace(",", ""))
        elif match["op"]:
            tokens.append("**" if match["op"] == "^" else _OPERATORS.get(match["op"], match["op"]))
        elif match["sign"] == "%":
            if not tokens or not tokens[-1][0].isdigit():
                return None
            percent = True
            tokens[-1:] = ["(", tokens[-1], "/", "100", ")"]
        elif match["word"]:
            unit = match["word"].lower().rstrip(".").rstrip("s")
            if unit in ("x", "of", "time"):
                following = expression[position:].lstrip()
                if not following or not (following[0].isdigit() or following[0] in "$€£(."):
                    return None
                tokens.append("*")
            elif touching and len(unit) <= 1:
                return None  # 2p is a product with an unknown
            else:
                units.add(unit)
    sums = any(t in ("+", "-") for t in tokens)
    if sums and (percent or len(units) > 1):
        return None
    return tokens


class _Parser:
    """Recursive descent over sums, products and powers of rationals."""

    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0

    def at_end(self) -> bool:
        return self._at == len(self._tokens)

    def sum(self) -> Fraction:
        value = self._product()
        while self._peek() in ("+", "-"):
            value = value + self._product() if self._next() == "+" else value - self._product()
        return value

    def _product(self) -> Fraction:
        value = self._power()
        while self._peek() in ("*", "/"):
            value = value * self._power() if self._next() == "*" else value / self._power()
        return value

    def _power(self) -> Fraction:
        base = self._atom()
        if self._peek() != "**":
            return base
        self._next()
        exponent = self._power()
        size = max(base.numerator.bit_length(), base.denominator.bit_length())
        if exponent.denominator != 1 or abs(exponent) > 64 or size * abs(exponent) > MAX_BITS:
            raise ValueError("too large to be meant")
        return base**exponent.numerator

    def _atom(self) -> Fraction:
        token = self._next()
        if token == "-":
            return -self._power()
        if token == "(":
            self._depth += 1
            if self._depth > 20:
                raise ValueError("nested too deeply")
            value = self.sum()
            if self._next() != ")":
                raise ValueError("unbalanced")
            self._depth -= 1
            return value
        return Fraction(token)

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _next(self) -> str:
        token = self._tokens[self._at]
        self._at += 1
        return token
