"""Markdown that people and models wrote, as HTML that can do nothing: no script, no style, no address of its own
choosing.

CommonMark with tables, strikethrough, task lists and formulas. Raw HTML stays text, pictures are named and never
loaded, links lead to http, https and mailto alone and show their host where their words pretend another. Nothing
here decides what is shown where; a text is rendered whole, or block by block (`blocks`). The last wall is `nh3`,
with a list of what may stand in the result: a fault in a rule above it can spoil the look of an answer, and nothing
else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from html import escape
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from markupsafe import Markup
from msgspec import Struct

from pierian.characters import without_misleading
from pierian.webapp import words
from pierian.webapp.highlighting import CLASSES as CODE_CLASSES
from pierian.webapp.highlighting import MOST_CHARACTERS as MOST_HIGHLIGHTED
from pierian.webapp.highlighting import highlighted
from pierian.webapp.mathematics import ALLOWED as MATHEMATICS
from pierian.webapp.mathematics import CLASSES as MATHEMATICS_CLASSES
from pierian.webapp.mathematics import formulas

if TYPE_CHECKING:
    import nh3
    from markdown_it import MarkdownIt
    from markdown_it.rules_core import StateCore
    from markdown_it.token import Token

MOST_CHARACTERS = 100_000
"""A longer text is shown as it was written."""
MOST_NESTED = 40
SCHEMES = {"http", "https", "mailto"}
LINK = {"rel": "noopener noreferrer nofollow", "target": "_blank"}
TAGS = {
    "a", "blockquote", "br", "code", "div", "em", "h3", "h4", "h5", "h6", "hr", "li", "math", "ol", "p", "pre", "s",
    "span", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul", *MATHEMATICS,
}  # fmt: skip
ATTRIBUTES: dict[str, set[str]] = {
    "*": set(),  # or the cleaner lets `title` and `lang` stand everywhere
    "a": {"href"},
    "div": {"data-language", "data-artifact", "tabindex"},
    "pre": {"tabindex"},
    "span": {"role", "aria-label"},
    "ol": {"start"},
    "math": {"display"},
    **{name: set(attributes) for name, attributes in MATHEMATICS.items() if attributes},
}
ALIGNED = {"left", "right", "center"}
ALLOWED_CLASSES: dict[str, set[str]] = {
    "a": {"picture"},
    "code": {"tex"},
    "div": {"code", "code-head", "formula", "table"},
    "li": {"task"},
    "span": {"code-language", "host", "picture", "checkbox", "checked", *CODE_CLASSES},
    "td": ALIGNED,
    "th": ALIGNED,
    **MATHEMATICS_CLASSES,
}

_NEW_LINE = re.compile(r"\r\n?")
_UNSEEN = re.compile(
    "[\u00ad\u115f\u1160\u180b-\u180f\u200b\u2060-\u2064\u206a-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff\ud800-\udfff]"
)
"""What takes no room and carries text that nobody sees. Joiners stay: scripts and emoji are written with them."""
_SEPARATOR = re.compile("[\u2028\u2029]")
_ADDRESS = re.compile(r"(?:[\w-]+[.。．｡])+[^\W\d_]{2,}(?:[.。．｡][\w-]+)*")
_LANGUAGE = re.compile(r"[\w+#.-]{1,30}")
_TASK = re.compile(r"\[([ xX])\]\s")

ArtifactKind = Literal["html", "svg"]


class Artifact(Struct, frozen=True):
    """A block of code that a page can show in a frame of its own."""

    kind: ArtifactKind
    content: str


class Block(Struct, frozen=True):
    """One top-level block: its HTML, the lines that it was written on, and how many artifacts it has."""

    html: Markup
    first: int
    end: int
    artifacts: int


class Rendered(Struct, frozen=True):
    """A text as blocks; `references` are the addresses of its link definitions by their normal labels."""

    blocks: tuple[Block, ...]
    references: dict[str, str]


def render(text: str) -> Markup:
    """A whole text as HTML."""
    return Markup("").join(block.html for block in rendered(cleaned(text)).blocks)


def artifacts(text: str) -> list[Artifact]:
    """The blocks of HTML and SVG in a text; the n-th is the one whose HTML has `data-artifact` n."""
    if len(text) > MOST_CHARACTERS:
        return []
    tokens = _parser().parse(cleaned(text), {})
    return [Artifact(token.meta["kind"], token.content) for token in tokens if "artifact" in token.meta]


def cleaned(text: str) -> str:
    """A text without what drives, reorders or hides; its lines end in line feeds."""
    if text.isascii() and text.isprintable():
        return text
    text = without_misleading(_NEW_LINE.sub("\n", text))
    return text if text.isascii() else _SEPARATOR.sub(" ", _UNSEEN.sub("", text))


def rendered(
    text: str,
    references: Mapping[str, str] | None = None,
    first_artifact: int = 0,
    most_highlighted: int = MOST_HIGHLIGHTED,
) -> Rendered:
    """A cleaned text, or a part of one, as blocks.

    Args:
        references: Link definitions from elsewhere in the text; they come before its own.
        first_artifact: Number of the first artifact in it.
        most_highlighted: Characters of the last block that are highlighted, where that is code.
    """
    if len(text) > MOST_CHARACTERS:
        return _as_written(text)
    known: dict[str, Any] = {
        label: {"href": href, "title": "", "map": [0, 0]} for label, href in (references or {}).items()
    }
    environment: dict[str, Any] = {"references": known, "first_artifact": first_artifact}
    parser = _parser()
    groups = list(_top_level(parser.parse(text, environment)))
    if groups and groups[-1][0].type == "fence":
        groups[-1][0].meta["most"] = most_highlighted
    blocks = tuple(_block(parser, group, environment) for group in groups)
    return Rendered(blocks, {label: str(one["href"]) for label, one in environment["references"].items()})


def _block(parser: MarkdownIt, group: Sequence[Token], environment: dict[str, Any]) -> Block:
    first, end = group[0].map or (0, 0)
    # What entities and encoded addresses hide is there only now, so it is cleaned once more.
    html = _cleaner().clean(cleaned(parser.renderer.render(group, parser.options, environment)))
    return Block(Markup(html), first, end, sum("artifact" in token.meta for token in group))  # noqa: S704


def _as_written(text: str) -> Rendered:
    html = Markup('<div class="code"><pre tabindex="0"><code>{}</code></pre></div>\n').format(text)
    return Rendered((Block(html, 0, text.count("\n") + 1, 0),), {})


def _top_level(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    """The tokens of each top-level block."""
    group, depth = list[Any](), 0
    for token in tokens:
        group.append(token)
        depth += token.nesting
        if not depth:
            yield group
            group = []


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": MOST_NESTED})
    parser.enable(["table", "strikethrough"])
    parser.use(formulas)
    # Every address is taken for one here; which of them become links is decided below, where its words are known.
    parser.validateLink = lambda url: True
    parser.core.ruler.push("shaped", _shape)
    for name, rule in _RULES.items():
        parser.add_render_rule(name, rule)
    return parser


@cache
def _cleaner() -> nh3.Cleaner:
    import nh3

    return nh3.Cleaner(
        tags=TAGS,
        attributes=ATTRIBUTES,
        allowed_classes=ALLOWED_CLASSES,
        set_tag_attribute_values={"a": LINK},
        url_schemes=SCHEMES,
        url_relative="deny",
        link_rel=None,
    )


def _shape(state: StateCore) -> None:
    """Make of the parser's tokens what is shown: a rule of markdown-it that comes last."""
    number = int(state.env.get("first_artifact", 0))
    for index, token in enumerate(state.tokens):
        match token.type:
            case "heading_open" | "heading_close":
                token.tag = f"h{min(6, int(token.tag[1]) + 2)}"  # the page has the first two
            case "th_open" | "td_open":
                side = str(token.attrs.pop("style", "")).rpartition(":")[2]
                if side in ALIGNED:
                    token.attrSet("class", side)
            case "fence":
                if kind := _artifact_kind(token):
                    token.meta |= {"artifact": number, "kind": kind}
                    number += 1
            case "inline" if token.children:
                if index > 1 and state.tokens[index - 2].type == "list_item_open":
                    _task(state.tokens[index - 2], token.children)
                token.children = _linked(token.children)
            case _:
                pass


def _artifact_kind(token: Token) -> ArtifactKind | None:
    match token.info.strip().partition(" ")[0].lower():
        case "html" | "htm" | "xhtml":
            return "html"
        case "svg":
            return "svg"
        case "xml" if token.content.lstrip().startswith("<svg"):
            return "svg"
        case _:
            return None


def _task(item: Token, children: list[Token]) -> None:
    """Make a task of a list's item that begins with a box."""
    from markdown_it.token import Token

    first = children[0]
    found = _TASK.match(first.content) if first.type == "text" else None
    if found is None:
        return
    item.attrSet("class", "task")
    first.content = first.content[found.end() :]
    children.insert(0, Token("checkbox", "span", 0, meta={"checked": found[1] != " "}))


def _linked(children: list[Token]) -> list[Token]:
    """The parts of a line with its links judged: what leads nowhere good becomes its words and its address."""
    from markdown_it.token import Token

    kept, opened = list[Token](), -1
    for token in children:
        match token.type:
            case "link_open":
                opened = len(kept)
                kept.append(token)
            case "link_close":
                inside, href = kept[opened + 1 :], str(kept[opened].attrGet("href") or "")
                said = _said(inside)
                if scheme_of(href):
                    kept[opened].attrs = {
                        "href": href
                    }  # without the title, which nobody sees before it is too late
                    host = _unlike(said, href)
                    shown = [Token("host", "span", 0, content=host)] if host else []
                    kept[opened:] = [kept[opened], *inside, *shown, token]
                else:
                    for one in inside:
                        one.meta.pop("linked", None)
                    shown = [] if said == href else [Token("address", "code", 0, content=href)]
                    kept[opened:] = [*inside, *shown]
                opened = -1
            case "image" if opened >= 0:
                token.meta["linked"] = True
                kept.append(token)
            case _:
                kept.append(token)
    return kept


def _said(tokens: Sequence[Token]) -> str:
    """The words of a part of a line, for comparing."""
    return "".join(_said(token.children) if token.children else token.content for token in tokens)


def scheme_of(address: str) -> str:
    """The scheme of an address that may be a link; empty for any other address."""
    try:
        parts = urlsplit(address)
        host = parts.hostname
    except ValueError:
        return ""
    if parts.scheme not in SCHEMES or (parts.scheme != "mailto" and not host):
        return ""
    # Browsers read backslashes as slashes and leave out line ends, so that they see another host.
    return "" if re.search(r"[\\\s\x00-\x1f]", address) else parts.scheme


def _host(address: str) -> str:
    """What an address leads to: a host, or of mail the receiver."""
    parts = urlsplit(address)
    return parts.path if parts.scheme == "mailto" else (parts.hostname or "")


def _unlike(said: str, href: str) -> str:
    """The host of a link, where its words pretend another or it is hard to tell; empty otherwise."""
    host = _host(href)
    if href.startswith("mailto:"):
        pretends = ("@" in said or _ADDRESS.search(said)) and host.lower() not in said.lower()
        return host if pretends else ""
    if "@" in urlsplit(href).netloc or "xn--" in host:
        return host
    named = _ADDRESS.search(said)
    same = named is None or named[0].lower().removeprefix("www.") == host.lower().removeprefix("www.")
    return "" if same else host


def _open_table(renderer: Any, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    return '<div class="table" tabindex="0"><table>\n'


def _close_table(renderer: Any, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    return "</table></div>\n"


def _fence(renderer: Any, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    token = tokens[index]
    found = _LANGUAGE.match(token.info.strip())
    language = found[0] if found else ""
    code = highlighted(token.content, language, int(token.meta.get("most", MOST_HIGHLIGHTED)))
    number = f' data-artifact="{token.meta["artifact"]}"' if "artifact" in token.meta else ""
    return (
        f'<div class="code" data-language="{escape(language.lower())}"{number}><div class="code-head">'
        f'<span class="code-language">{escape(language or words.CODE)}</span></div>'
        f'<pre tabindex="0"><code>{code}</code></pre></div>\n'
    )


def _picture(renderer: Any, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    """A picture is named, and can be opened by who wants to; nothing loads it."""
    token = tokens[index]
    address = str(token.attrGet("src") or "")
    fetched = scheme_of(address) in ("http", "https")
    named = escape(words.picture(_said(token.children or ()).strip(), _host(address) if fetched else ""))
    if not fetched or token.meta.get("linked"):
        return f'<span class="picture">{named}</span>'
    return f'<a class="picture" href="{escape(address)}">{named}</a>'


def _checkbox(renderer: Any, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    checked = bool(tokens[index].meta["checked"])
    kind, label = ("checkbox checked", words.TASK_DONE) if checked else ("checkbox", words.TASK_OPEN)
    return f'<span class="{kind}" role="img" aria-label="{escape(label)}"></span>'


def _shown_host(renderer: Any, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    return f'<span class="host"> ({escape(tokens[index].content)})</span>'


def _shown_address(renderer: Any, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    return f" (<code>{escape(tokens[index].content[:300])}</code>)" if tokens[index].content else ""


_RULES = {
    "table_open": _open_table,
    "table_close": _close_table,
    "fence": _fence,
    "code_block": _fence,
    "image": _picture,
    "checkbox": _checkbox,
    "host": _shown_host,
    "address": _shown_address,
}
