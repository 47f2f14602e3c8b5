"""Pages and fragments of the web app, rendered with Jinja: escaping is always on, and an unknown name is an error.

`page` gives a whole page, `fragment` a part of one; `update` wraps fragments for htmx, on the stream of a
conversation or in an answer to a form. What each template needs is written at its top. Templates get values and
decide nothing about a conversation.

The stream of a conversation (`GET /conversations/{id}/live`) consists of server-sent events without a name, each with
`update(...)` as its data. An update names a container and carries elements with an id: those that the page has
are changed in place (focus, selection and what is folded open stay), the others are put at the container's end. So a
message may come twice, and the order of a reconnection does not matter:

    #turns              a new turn (`turn.html`), in order
    #turn-7             any of its parts (`parts/status.html`, `parts/plan.html`, …); they exist from the beginning
    #turn-7-answer      its blocks (`parts/block.html`), `turn-7-answer-b0` and so on
    #turn-7-thoughts-text, #turn-7-drafts-list    the blocks of its thoughts, its drafts (`parts/draft.html`)

Whatever became shorter or was voided is sent as the whole part, `turn.html` or `parts/answer.html`.
`id:` of an event comes back as `Last-Event-ID` when the connection was lost; the address stays the same.
The event `gone` ends a stream for good; without it the page connects again, after half a second, then ever later.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from pierian.webapp.assets import asset, scripts, version
from pierian.webapp.looks import drawn_of, is_picture
from pierian.webapp.texts import text

_HTMX_TAGS = re.compile(r"<(?=/?(?:hx-|head[\s>]))", re.IGNORECASE)


def page(template: str, /, **context: Any) -> str:
    """A whole page, such as `conversation.html`."""
    return _environment().get_template(template).render(**context)


def fragment(template: str, /, **context: Any) -> str:
    """A part of a page, such as `parts/status.html`, without space around it."""
    return _environment().get_template(template).render(**context).strip()


def update(target: str, *fragments: str) -> str:
    """Fragments for the element with the id `target`: those it has are changed, the others appended."""
    return f'<hx-partial hx-target="#{target}" hx-swap="upsert">{"".join(fragments)}</hx-partial>'


def replacement(target: str, *fragments: str) -> str:
    """Fragments in the place of everything in the element with the id `target`."""
    return f'<hx-partial hx-target="#{target}" hx-swap="innerHTML">{"".join(fragments)}</hx-partial>'


def refreshed(target: str, *fragments: str) -> str:
    """Everything in the element with the id `target` as it is now; what has not changed stays untouched."""
    return f'<hx-partial hx-target="#{target}" hx-swap="innerMorph">{"".join(fragments)}</hx-partial>'


def event(*updates: str, id: str = "", name: str = "") -> bytes:  # noqa: A002 - the field's name in the protocol
    """A server-sent event with updates as its data."""
    lines = [f"event: {name}"] if name else []
    if id:
        lines.append(f"id: {id}")
    lines += [f"data: {line}" for line in re.split("\r\n|\r|\n", "".join(updates))]
    return ("\n".join(lines) + "\n\n").encode()


def toast(message: str, hint: str = "", *, kind: str = "error") -> str:
    """An update that shows a short message in the corner; `kind` is `error` or `done`."""
    return update("toasts", fragment("toast.html", message=message, hint=hint, kind=kind))


def markdown(source: str) -> Markup:
    """Markdown as HTML that is safe to show."""
    from pierian.webapp.markdown import render

    return safe(render(source))


def blocks(source: str) -> list[Markup]:
    """The top-level blocks of a Markdown text as HTML, each safe to show."""
    from pierian.webapp.markdown import cleaned, rendered

    return [safe(block.html) for block in rendered(cleaned(source)).blocks]


def safe(html: str) -> Markup:
    """HTML of `pierian.webapp.markdown` without tags of htmx, wherever they stand.

    htmx looks for its own tags in the text of a response, attributes included, before a browser parses it.
    """
    return Markup(_HTMX_TAGS.sub("&lt;", html))  # noqa: S704 - made by the sanitiser


def ago(moment: datetime) -> Markup:
    """How long ago something was, as a `<time>` that a script keeps up to date."""
    seconds = (datetime.now(UTC) - _aware(moment)).total_seconds()
    if seconds < 60:
        words = text("time.now")
    elif seconds < 3600:
        words = text("time.minutes", count=int(seconds // 60))
    elif seconds < 86400:
        words = text("time.hours", count=int(seconds // 3600))
    elif seconds < 14 * 86400:
        words = text("time.days", count=int(seconds // 86400))
    else:
        words = _date(moment)
    return _time(moment, words, "ago")


def day(moment: datetime) -> Markup:
    """The day of something, as a `<time>`."""
    return _time(moment, _date(moment), "day")


def number(value: float) -> str:
    """A number with separators, with decimals only where it is small and broken."""
    if float(value).is_integer() or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:,.1f}" if abs(value) >= 10 else f"{value:,.2f}"


def seconds(value: float) -> str:
    """A time for people: 9.1 s, 2 min 5 s."""
    if value < 60:
        return f"{value:.1f} s"
    return f"{int(value // 60)} min {int(value % 60)} s"


def size(value: int) -> str:
    """A size for people: 840 B, 12 KB, 3.4 MB."""
    if value < 1000:
        return f"{value} B"
    return f"{value / 1000:,.0f} KB" if value < 1_000_000 else f"{value / 1_000_000:,.1f} MB"


def money(value: float) -> str:
    """An amount; the currency is whatever the prices are written in."""
    return f"{value:,.2f}" if value >= 1 or value == 0 else f"{value:.4f}"


def group(values: Iterable[Any], attribute: str) -> dict[str, list[Any]]:
    """Values by the day-like heading that their time falls under, in the order they come."""
    found: dict[str, list[Any]] = {}
    today = datetime.now(UTC).date()
    for value in values:
        passed = (today - _aware(getattr(value, attribute)).date()).days
        heading = "today" if passed <= 0 else "week" if passed < 7 else "month" if passed < 31 else "older"
        found.setdefault(heading, []).append(value)
    return found


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("pierian.webapp", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    filters: dict[str, Any] = {
        "markdown": markdown,
        "blocks": blocks,
        "drawn": drawn_of,
        "pictured": is_picture,
        "ago": ago,
        "day": day,
        "number": number,
        "seconds": seconds,
        "size": size,
        "money": money,
        "by_age": group,
    }
    known: dict[str, Any] = {
        "asset": asset,
        "scripts": scripts,
        "version": version(),
        "text": text,
        "person": None,  # who looks, unless somebody is signed in
    }
    made.filters.update(filters)
    made.globals.update(known)
    return made


def _time(moment: datetime, words: str, kind: str) -> Markup:
    return Markup('<time datetime="{}" data-time="{}">{}</time>').format(
        _aware(moment).isoformat(), kind, words
    )


def _date(moment: datetime) -> str:
    return f"{moment.day} {moment:%b %Y}"


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
