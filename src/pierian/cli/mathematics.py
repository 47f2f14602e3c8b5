"""Mathematics on a terminal: TeX formulas in a model's text become plain characters, `\\frac{1}{2}` becomes `1/2`.

Only what is clearly a formula is touched: text between TeX's own delimiters, `\\boxed{…}`, and between dollar signs
where it cannot be money. Code is left alone. The translation is `pylatexenc`'s.
"""

from __future__ import annotations

import logging
import re
from functools import cache
from typing import Any

_FORMULA = re.compile(
    r"(?P<code>```.*?(?:```|\Z)|`[^`\n]*`)"
    r"|\\\[(?P<display>.+?)\\\]|\\\((?P<inline>.+?)\\\)|\$\$(?P<dollars>[^$]+?)\$\$"
    # Between single dollars: no space inside the signs, something that only formulas have, no digit behind.
    r"|(?<![\w$\\])\$(?P<dollar>(?=[^$\n]*[\\^_={])[^\s$](?:[^$\n]*[^\s$\\])?)\$(?![\w$])"
    r"|(?P<boxed>\\boxed\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\})",
    re.DOTALL,
)
_SUPERSCRIPTS = str.maketrans("0123456789+-n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿ")
_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
MOST_HELD = 400
"""A formula in the making is held back for so many characters; what is longer is shown as it comes."""


def readable(text: str) -> str:
    """`text` with its formulas in plain characters."""
    if "\\" not in text and "$" not in text:
        return text
    return _FORMULA.sub(_translated, text)


def settled(text: str) -> int:
    """Length of the beginning of a growing text that ends in no unfinished formula."""
    for opening, closing in ((r"\[", r"\]"), (r"\(", r"\)")):
        start = text.rfind(opening)
        if start >= 0 and closing not in text[start:] and len(text) - start < MOST_HELD:
            return start
    return len(text) - 1 if text.endswith("\\") else len(text)


def _translated(found: re.Match[str]) -> str:
    if found["code"] is not None:
        return found[0]
    source = next(group for name, group in found.groupdict().items() if name != "code" and group is not None)
    plain = plain_formula(source)
    if not plain:
        return found[0]
    return f"\n{plain}\n" if found["display"] is not None or found["dollars"] is not None else plain


def plain_formula(source: str) -> str:
    """One formula without its delimiters in plain characters; empty where it cannot be read."""
    from pylatexenc.latexwalker import LatexWalkerError  # pyright: ignore[reportMissingTypeStubs]

    try:
        text = str(_translator().latex_to_text(source))
    except (LatexWalkerError, ValueError, IndexError, KeyError, TypeError, AttributeError, RecursionError):
        return ""
    text = re.sub(r"\^(?:∘|◦)", "°", text)
    text = re.sub(r"\^\(?([0-9+-]+|n)\)?(?![\w.])", lambda m: m[1].translate(_SUPERSCRIPTS), text)
    text = re.sub(r"(?<=\w)_([0-9]+)(?!\w)", lambda m: m[1].translate(_SUBSCRIPTS), text)
    text = re.sub(r"\s*([×·÷±≤≥≠≈⇒→])\s*", r" \1 ", text)
    return " ".join(text.split()).replace(" · ", "·")


@cache
def _translator() -> Any:
    from pylatexenc.latex2text import LatexNodes2Text  # pyright: ignore[reportMissingTypeStubs]

    logging.getLogger("pylatexenc").setLevel(logging.CRITICAL)
    return LatexNodes2Text(math_mode="text")
