"""The day brief as Markdown, for conversations. What others wrote in it means itself there: no link, no picture."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

from pierian.accounts.brief import Brief, Line
from pierian.characters import without_misleading

_MEANS_SOMETHING = re.compile(r"([\\`*_{}\[\]<>()#!|~&$])")


def as_markdown(brief: Brief) -> str:
    """The whole brief."""
    parts = [f"**{date.fromisoformat(brief.day):%A, %d %B %Y}**"]
    for name, title, lines in sections(brief):
        parts.append("\n".join([f"**{title}**", "", *(_line(one) for one in lines), *_more(brief, name)]))
    if nothing := silence(brief):
        parts.append(nothing)
    if brief.notes:
        parts.append("\n".join(f"- {one}" for one in brief.notes))
    return "\n\n".join(parts)


def sections(brief: Brief) -> list[tuple[str, str, Sequence[Line]]]:
    """The parts of a brief that have lines: name, title, lines."""
    since = f"{date.fromisoformat(brief.changes_since):%A}" if brief.changes_since else ""
    found = (
        ("events", "Today", brief.events),
        ("warnings", "Watch out", brief.warnings),
        ("mail", "Waiting for your answer", brief.mail),
        ("changes", f"Changed since {since}", brief.changes),
    )
    return [(name, title, lines) for name, title, lines in found if lines]


def silence(brief: Brief) -> str:
    """What is said of a day with nothing in it; empty where there is something, or nothing is known."""
    if brief.events or brief.warnings or brief.mail or brief.changes:
        return ""
    known = not any("No account is linked" in one for one in brief.notes)
    return "Nothing today: no events, no mail that waits, no changes." if known else ""


def more(brief: Brief, name: str) -> str:
    """How many lines of a part are not shown, as a sentence."""
    count = brief.left_out.get(name, 0)
    return f"and {count} more" if count else ""


def _more(brief: Brief, name: str) -> list[str]:
    return [f"- {said}"] if (said := more(brief, name)) else []


def _line(one: Line) -> str:
    time = f"{one.time}  " if one.time else ""
    return f"- {time}{_meant(one.text)} ({_meant(', '.join(one.sources))})"


def _meant(text: str) -> str:
    """Text of others on one line, none of which means anything in Markdown."""
    line = " ".join(without_misleading(text).split())
    return _MEANS_SOMETHING.sub(r"\\\1", line)
