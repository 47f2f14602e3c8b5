"""Code as HTML with a class for each kind of token, and the stylesheet for these classes in light and dark.

The lexers are Pygments'. Only languages that are known here are read: which lexer runs is chosen by whoever wrote
the text, and some of the several hundred are slow on purpose-made input. Colours are set by classes alone.
"""

from __future__ import annotations

from functools import cache, lru_cache
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pygments.lexer import Lexer

MOST_CHARACTERS = 20_000
"""Longer code is shown plain: colours are not worth the wait."""

LANGUAGES = {
    "bash": "bash", "c": "c", "c++": "cpp", "cpp": "cpp", "c#": "csharp", "csharp": "csharp", "css": "css",
    "cs": "csharp", "dart": "dart", "diff": "diff", "docker": "docker", "dockerfile": "docker", "go": "go",
    "golang": "go", "haskell": "haskell", "hs": "haskell", "html": "html", "ini": "ini", "java": "java",
    "javascript": "javascript", "js": "javascript", "json": "json", "jsx": "jsx", "julia": "julia",
    "kotlin": "kotlin", "kt": "kotlin", "latex": "latex", "lua": "lua", "makefile": "make", "make": "make",
    "matlab": "matlab", "nginx": "nginx", "patch": "diff", "perl": "perl", "php": "php", "powershell": "powershell",
    "ps1": "powershell", "py": "python", "python": "python", "python3": "python", "r": "r", "rb": "ruby",
    "rs": "rust", "ruby": "ruby", "rust": "rust", "scala": "scala", "sh": "bash", "shell": "bash", "sql": "sql",
    "svg": "xml", "swift": "swift", "tex": "latex", "toml": "toml", "ts": "typescript", "tsx": "tsx",
    "typescript": "typescript", "xml": "xml", "yaml": "yaml", "yml": "yaml", "zsh": "bash",
}  # fmt: skip
"""What models write behind a fence, and the lexer for it."""

ROLES = {
    "Comment": "c", "Comment.Preproc": "cp", "Keyword": "k", "Keyword.Constant": "m", "Operator.Word": "k",
    "Literal.String": "s", "Literal.Number": "m", "Name.Function": "nf", "Name.Class": "nc", "Name.Decorator": "nf",
    "Name.Builtin": "nb", "Name.Exception": "nc", "Name.Tag": "k", "Name.Attribute": "nf", "Generic.Inserted": "gi",
    "Generic.Deleted": "gd", "Generic.Heading": "nc", "Generic.Subheading": "nc",
}  # fmt: skip
"""Which kinds of tokens have a class of their own; those below them share it, and all others are plain."""
CLASSES = frozenset(ROLES.values())

_COLOURS = {
    # Class: light, dark. Each has a contrast of at least 4.5 to 1 on the usual surfaces of code (tests).
    "c": ("#5b6470", "#9aa4b2"),
    "cp": ("#5b6470", "#9aa4b2"),
    "k": ("#8a1f8f", "#d79be8"),
    "s": ("#1b6535", "#94cf9b"),
    "m": ("#8f4700", "#eab37a"),
    "nf": ("#1752b0", "#8fbcff"),
    "nc": ("#0b5f73", "#7fd0e0"),
    "nb": ("#0b5f73", "#7fd0e0"),
    "gi": ("#1b6535", "#94cf9b"),
    "gd": ("#a3212f", "#f49aa2"),
}


@lru_cache(maxsize=256)
def highlighted(code: str, language: str, most: int = MOST_CHARACTERS) -> str:
    """Code as HTML text; plain where the language is not known or the code has more than `most` characters."""
    lexer = _lexer(LANGUAGES.get(language.lower(), "")) if len(code) <= most else None
    if lexer is None:
        return escape(code)
    parts, pending, pending_role = list[str](), "", ""
    for _, kind, value in lexer.get_tokens_unprocessed(code):  # type: ignore[attr-defined]
        role = _role(str(kind))
        if role != pending_role:
            parts.append(_span(pending, pending_role))
            pending, pending_role = "", role
        pending += value
    parts.append(_span(pending, pending_role))
    return "".join(parts)


def stylesheet() -> str:
    """The rules for all classes, below `.code`; they follow the `color-scheme` of the page."""
    rules = [
        f".code .{name} {{ color: light-dark({light}, {dark}); }}" for name, (light, dark) in _COLOURS.items()
    ]
    return "\n".join([*rules, ".code .c { font-style: italic; }", ""])


@cache
def _lexer(name: str) -> Lexer | None:
    if not name:
        return None
    from pygments.lexers import get_lexer_by_name  # pyright: ignore[reportUnknownVariableType]

    return get_lexer_by_name(name)


@cache
def _role(kind: str) -> str:
    """The class of a kind of token, such as `Token.Literal.String.Double`; empty for a plain one."""
    path = kind.split(".")[1:]
    while path:
        if role := ROLES.get(".".join(path)):
            return role
        path.pop()
    return ""


def _span(text: str, role: str) -> str:
    if not text:
        return ""
    return f'<span class="{role}">{escape(text)}</span>' if role and not text.isspace() else escape(text)
