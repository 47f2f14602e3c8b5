r"""Mathematics in Markdown: `$…$`, `$$…$$`, `\(…\)`, `\[…\]` and `\boxed{…}` become MathML, which browsers draw
themselves.

The translation is `latex2mathml`'s; what it makes is rebuilt here from a list of allowed elements and attributes,
so that a formula can neither link nor load nor style anything. What cannot be translated, or is too long or too
deep to try, is shown as it was written. Money is no formula: between single dollars there must be something that
only formulas have. Code is never touched, for these are rules of the Markdown parser.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from html import escape
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import Element

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_block import StateBlock
    from markdown_it.rules_inline import StateInline
    from markdown_it.token import Token

MOST_CHARACTERS = 2_000
"""Of one formula; longer ones are shown as they were written."""
MOST_LINES = 100
"""Of a formula that stands by itself."""
DEEPEST = 30
"""Braces, roots and environments inside each other, in the source."""
_DEEPEST_ELEMENT = 120

_NUMBER = re.compile(r"[+-]?\d*\.?\d+")
_TRUTH = re.compile(r"true|false")
_LENGTH = re.compile(
    r"(?P<size>[+-]?\d{0,2}\.?\d{1,4})(?:em|ex|px|pt|mu)?|(?P<name>(?:negative)?[a-z]*mathspace)"
)
_FORM = re.compile(r"prefix|infix|postfix")
_VARIANT = re.compile(
    r"normal|bold|italic|bold-italic|double-struck|script|bold-script|fraktur|bold-fraktur|"
    r"sans-serif|bold-sans-serif|sans-serif-italic|sans-serif-bold-italic|monospace"
)
_OPERATOR = {
    "stretchy": _TRUTH, "fence": _TRUTH, "separator": _TRUTH, "accent": _TRUTH, "movablelimits": _TRUTH,
    "largeop": _TRUTH, "symmetric": _TRUTH, "form": _FORM, "lspace": _LENGTH, "rspace": _LENGTH, "minsize": _LENGTH,
    "maxsize": _LENGTH,
}  # fmt: skip
_VARIED = {"mathvariant": _VARIANT}
_ACCENTED = {"accent": _TRUTH, "accentunder": _TRUTH}
_STYLED = {"displaystyle": _TRUTH, "scriptlevel": _NUMBER}
ALLOWED: dict[str, dict[str, re.Pattern[str]]] = {
    "mrow": {}, "mi": _VARIED, "mn": _VARIED, "mo": _OPERATOR | _VARIED, "mtext": _VARIED,
    "mspace": {"width": _LENGTH, "height": _LENGTH, "depth": _LENGTH},
    "mfrac": {"linethickness": _LENGTH}, "msqrt": {}, "mroot": {}, "mstyle": _STYLED, "mphantom": {},
    "msub": {}, "msup": {}, "msubsup": {}, "munder": _ACCENTED, "mover": _ACCENTED, "munderover": _ACCENTED,
    "mmultiscripts": {}, "mprescripts": {}, "none": {},
    "mtable": _STYLED, "mtr": {}, "mtd": {"columnspan": _NUMBER, "rowspan": _NUMBER},
}  # fmt: skip
"""Elements of MathML that a formula may have, and what the values of their attributes look like."""
_PARTS = {
    "mfrac": 2,
    "mroot": 2,
    "msub": 2,
    "msup": 2,
    "msubsup": 3,
    "munder": 2,
    "mover": 2,
    "munderover": 3,
}
CLASSES = {"mrow": {"boxed", "struck"}, "mtd": {"left", "right", "center"}}

_REFUSED = re.compile(
    r"\\(?:newcommand|renewcommand|def|DeclareMathOperator|newenvironment|require|input)(?![a-zA-Z])"
)
_IDLE = re.compile(r"\\(?:nonumber|notag|hline|displaylimits)(?![a-zA-Z])|\\label\s*\{[^{}]*\}")
_ENVIRONMENTS = {
    "aligned": "align*", "align": "align*", "alignat": "align*", "eqnarray": "align*", "gather": "matrix",
    "gather*": "matrix", "gathered": "matrix", "multline": "matrix", "multline*": "matrix", "dcases": "cases",
    "equation*": "equation",
}  # fmt: skip
_ENVIRONMENT = re.compile(r"\\(begin|end)\s*\{(\w+\*?)\}")
_REFERENCE = re.compile(r"&#x([0-9A-Fa-f]{1,6});")
_NESTING = re.compile(r"\\[{}]|[{}]|\\left(?![a-zA-Z])|\\right(?![a-zA-Z])|\\begin|\\end")
_CHAINED = re.compile(r"(?:\\(?:sqrt|[cdt]?frac|hat|bar|vec|tilde|overline|text[a-z]*|math[a-z]+)\s*){12,}")

_DOLLARS = re.compile(r"\$\$(?!\$)(?P<tex>(?:[^$\\]|\\.)+?)\$\$", re.DOTALL)
_DOLLAR = re.compile(r"\$(?![\s$])(?P<tex>(?:[^$\n\\]|\\[^\n])*?(?:[^\s$\\]|\\\S))\$(?![\w$])")
_ROUND = re.compile(r"\\\((?P<tex>(?:[^\\]|\\[^)])+?)\\\)", re.DOTALL)
_SQUARE = re.compile(r"\\\[(?P<tex>(?:[^\\]|\\[^\]])+?)\\\](?![(:])", re.DOTALL)
_ONLY_FORMULAS = re.compile(r"[\\^_={]")
_FORMULA = re.compile(r"[\d\s.,+\-*/<>()|!:;%'′A-Za-zα-ωΑ-Ω\[\]]+")
_WORD = re.compile(r"[A-Za-z]{3,}")
_CLOSED = re.compile(r"(?P<mark>[.,;:]?)[ \t]*(?=\n|\Z)")


def formulas(parser: MarkdownIt) -> None:
    """Teach a Markdown parser the formulas (a plugin of markdown-it)."""
    parser.inline.ruler.before("escape", "formula", _inline)
    parser.block.ruler.before(
        "fence", "formula_block", _block, {"alt": ["paragraph", "reference", "blockquote", "list"]}
    )
    parser.add_render_rule("formula", _render_inline)
    parser.add_render_rule("formula_block", _render_block)


@lru_cache(maxsize=512)
def mathml(source: str, *, display: bool) -> str:
    """A formula without its delimiters as MathML; empty where it cannot be translated."""
    from latex2mathml.converter import Converter

    if not source.strip() or len(source) > MOST_CHARACTERS or _REFUSED.search(source) or _unbalanced(source):
        return ""
    source = _ENVIRONMENT.sub(lambda m: f"\\{m[1]}{{{_ENVIRONMENTS.get(m[2], m[2])}}}", _IDLE.sub("", source))
    shown = "block" if display else "inline"
    try:
        tree = Converter(display=shown).convert_to_element(source)
        inside = "".join(_rebuilt(child, 0) for child in tree)
    except Exception:  # noqa: BLE001 - a library's faults on input that anybody may have written
        return ""
    return f'<math display="{shown}">{inside}</math>'


class _Unknown(Exception):
    """The formula has something that the translation left as it was."""


def _unbalanced(source: str) -> bool:
    """Whether braces, brackets and environments do not close, or lie too deep in each other."""
    depth = deepest = 0
    for found in _NESTING.finditer(source):
        match found[0]:
            case "{" | "\\left" | "\\begin":
                depth += 1
            case "}" | "\\right" | "\\end":
                depth -= 1
            case _:
                pass
        deepest = max(deepest, depth if depth >= 0 else DEEPEST + 1)
    return depth != 0 or deepest > DEEPEST or _CHAINED.search(source) is not None


def _rebuilt(element: Element, depth: int) -> str:
    """An element from allowed parts only: what is not allowed becomes a row, its attributes are left out."""
    if depth > _DEEPEST_ELEMENT:
        raise _Unknown
    name, attributes = element.tag, dict(element.attrib)
    marked = ""
    if name == "menclose":
        marked = "boxed" if "box" in attributes.get("notation", "") else "struck"
    elif name == "mtd" and attributes.get("columnalign") in CLASSES["mtd"]:
        marked = attributes["columnalign"]
    if len(element) < _PARTS.get(name, 0):
        raise _Unknown
    if name not in ALLOWED:
        name, attributes = "mrow", {}
    text = _REFERENCE.sub(_character, element.text or "")
    if text.startswith("\\") and name == "mi":
        raise _Unknown
    kept = "".join(
        f' {key}="{escape(value)}"'
        for key, value in attributes.items()
        if (allowed := ALLOWED[name].get(key)) and _fits(allowed, value)
    )
    kind = f' class="{marked}"' if marked else ""
    inside = "".join(_rebuilt(child, depth + 1) for child in element)
    return f"<{name}{kind}{kept}>{escape(text)}{inside}</{name}>"


def _character(found: re.Match[str]) -> str:
    code = int(found[1], 16)
    return chr(code) if 0x20 <= code < 0x110000 and not 0xD800 <= code < 0xE000 else ""


def _fits(pattern: re.Pattern[str], value: str) -> bool:
    """Whether a value has the form of its attribute; lengths stay small, so that nothing is drawn over the page."""
    found = pattern.fullmatch(value)
    if found is None or len(value) > 40:
        return False
    size = found.groupdict().get("size")
    return size is None or -1 <= float(size) <= 10


def like_a_formula(text: str) -> bool:
    """Whether what stands between two dollars is a formula rather than what lies between two prices."""
    if _ONLY_FORMULAS.search(text):
        return True
    return _FORMULA.fullmatch(text) is not None and not _WORD.search(text)


def _inline(state: StateInline, silent: bool) -> bool:
    source, at = state.src, state.pos
    if source[at] not in "$\\":
        return False
    end = min(len(source), at + MOST_CHARACTERS)
    found, display = _found(source, at, end)
    if found is None:
        return False
    tex, after = found
    if not silent:
        token = state.push("formula", "math", 0)
        token.content, token.markup = tex, source[at:after]
        token.meta = {"display": display}
    state.pos = after
    return True


def _found(source: str, at: int, end: int) -> tuple[tuple[str, int] | None, bool]:
    """The formula that begins at `at` (its TeX, and where the text goes on), and whether it stands by itself."""
    if source.startswith("$$", at):
        found = _DOLLARS.match(source, at, end) if source[at - 1 : at] != "$" else None
        return (_taken(found) if found and like_a_formula(found["tex"]) else None, True)
    if source[at] == "$":
        before = source[at - 1 : at] if at else ""
        found = None if before.isalnum() or before in ("$", "_") else _DOLLAR.match(source, at, end)
        return (_taken(found) if found and like_a_formula(found["tex"]) else None, False)
    if source.startswith(r"\(", at):
        return (_taken(_ROUND.match(source, at, end)), False)
    if source.startswith(r"\[", at):
        found = _SQUARE.match(source, at, end)
        return (_taken(found) if found and like_a_formula(found["tex"]) else None, True)
    if source.startswith(r"\boxed{", at):
        closed = _closing_brace(source, at + 6, end)
        return ((source[at:closed], closed) if closed else None, False)
    return None, False


def _taken(found: re.Match[str] | None) -> tuple[str, int] | None:
    return (found["tex"], found.end()) if found and found["tex"].strip() else None


def _closing_brace(source: str, at: int, end: int) -> int:
    """Where the text goes on behind the braces that open at `at`; 0 where they do not close."""
    depth = 0
    for found in re.compile(r"\\.|[{}]|\n\n", re.DOTALL).finditer(source, at, end):
        if found[0] == "\n\n":
            return 0
        depth += {"{": 1, "}": -1}.get(found[0], 0)
        if not depth:
            return found.end()
        if depth > DEEPEST:
            return 0
    return 0


def _block(state: StateBlock, first: int, end: int, silent: bool) -> bool:
    """A formula that begins a line and ends one; no empty line is inside."""
    if state.is_code_block(first):
        return False
    line = state.src[state.bMarks[first] + state.tShift[first] : state.eMarks[first]]
    if not line.startswith(("$$", "\\[")):
        return False
    closing, parts = ("$$" if line[0] == "$" else "\\]"), [line[2:]]
    begun = state.bMarks[first] + state.tShift[first] + 2
    closed = state.src.find(closing, begun, begun + MOST_CHARACTERS)
    if closed < 0 or (found := _CLOSED.match(state.src, closed + 2)) is None or state.src[closed - 1] == "\\":
        return False
    last = first
    while state.eMarks[last] < closed:
        last += 1
        if (
            last >= min(end, first + MOST_LINES)
            or state.isEmpty(last)
            or state.sCount[last] < state.blkIndent
        ):
            return False
        parts.append(state.src[state.bMarks[last] + state.tShift[last] : state.eMarks[last]])
    parts[-1] = parts[-1].rstrip().removesuffix(found["mark"]).removesuffix(closing)
    tex = "\n".join(parts)
    if not tex.strip():
        return False
    if silent:
        return True
    token = state.push("formula_block", "math", 0)
    token.block, token.content, token.info = True, tex, found["mark"]
    token.markup = f"{line[:2]}{tex}{closing}"
    token.map = [first, last + 1]
    state.line = last + 1
    return True


def _render_inline(renderer: Any, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    token = tokens[index]
    drawn = mathml(token.content, display=bool(token.meta.get("display")))
    return drawn or f'<code class="tex">{escape(token.markup)}</code>'


def _render_block(renderer: Any, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    token = tokens[index]
    drawn = mathml(token.content, display=True)
    shown = drawn or f'<code class="tex">{escape(token.markup)}</code>'
    return f'<div class="formula">{shown}{escape(token.info)}</div>\n'
