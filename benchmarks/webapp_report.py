"""The section of `docs/benchmarks.md` about the web app, from `results/webapp.json`.

Who is ahead in what is worked out here: where the intervals of the medians do not touch. Nothing is chosen by hand.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msgspec import Struct

RESULTS = Path(__file__).parent / "results" / "webapp.json"
OURS, THEIRS = "pierian", "open-webui"
NAMES = {OURS: "Pierian", THEIRS: "Open WebUI"}

INTRODUCTION = """## The web app in a browser

```sh
python -m benchmarks.webapp --open-webui-python OTHER/bin/python  # an environment with open-webui
```

Pierian and Open WebUI before the same model server, a process that streams Markdown at a fixed rate, in the same
Chromium, in turn. Both are signed in and as they are by default, Pierian in Instant mode; Open WebUI is set to
{settings}, since the machine has no network. The model server is not the default model: what is measured is the app.

Measured with Pierian {pierian}, Open WebUI {open_webui} and Chromium {chromium}, on {processors} processors
({processor}) that browser, model server, both apps and other work shared. Times grow with that load, which stands
beside each table; the processor time of a page's tasks does not. Cells are medians of n rounds with their 95%
bootstrap intervals, which say little where n is small. *Ahead* is an app where the intervals do not touch.
"""


class Line(Struct, frozen=True):
    """A line of a table: what it says, where its numbers are, and which of them are better."""

    words: str
    path: tuple[str, ...]
    lower: bool = True
    quantile: bool = False
    """Whether the 95% quantile is meant, not the median."""


class Table(Struct, frozen=True):
    """A table and the words before it."""

    title: str
    words: str
    lines: tuple[Line, ...]


def loads() -> Table:
    """The first load."""
    lines: list[Line] = []
    for cache in ("cold", "warm"):
        lines += [
            Line(f"kilobytes before fonts, {cache} cache", ("weight", cache, "kilobytes")),
            Line(f"kilobytes of fonts, {cache} cache", ("weight", cache, "font_kilobytes")),
            Line(f"requests, {cache} cache", ("weight", cache, "requests")),
            Line(f"first contentful paint, ms, {cache} cache", ("first load", cache, "paint_ms")),
            Line(f"composer takes typed text, ms, {cache} cache", ("first load", cache, "takes_ms")),
            Line(f"and the app has noticed it, ms, {cache} cache", ("first load", cache, "noticed_ms")),
        ]
    words = (
        "An empty conversation. Target: less than 150 kilobytes before fonts, compressed as they come, with an empty "
        "cache. Time runs from the beginning of the navigation; a script types at each frame from the moment the "
        "composer is there."
    )
    return Table("First load", words, tuple(lines))


def tokens(part: str) -> Table:
    """The first token of one way to ask."""
    words = (
        "Target: within 60 ms from the model server's first byte to when its first token is visible: when the frame "
        "with it was drawn."
        if "open" in part
        else "The question begins the conversation, whose page has to come before anything is visible in it."
    )
    lines = (
        Line("first byte to visible, ms", (part, "shown_ms")),
        Line("first byte to visible, ms, 95% quantile", (part, "shown_ms"), quantile=True),
        Line("first byte to the change of the page, ms", (part, "changed_ms")),
        Line("Enter to the request to the model server, ms", (part, "sent_ms")),
        Line("visible steps a second of 50 tokens", (part, "steps_per_second"), lower=False),
        Line("longest pause between two of them, ms", (part, "longest_gap_ms")),
    )
    return Table(part[0].upper() + part[1:], words, lines)


def long(amounts: dict[str, Any]) -> Table:
    """The long conversation."""
    lines: list[Line] = []
    stages = {"opened": "opened", "up": "scrolled up", "down": "scrolled down", "streamed": "streamed"}
    for stage, name in stages.items():
        place = ("long conversation", stage)
        if stage != "streamed":
            lines.append(Line(f"{name}: seconds", (*place, "seconds")))
        if stage == "up":
            lines.append(Line("messages in the page then", (*place, "turns"), lower=False))
        lines += [
            Line(f"{name}: tasks over 50 ms by the clock", (*place, "long_tasks")),
            Line(f"{name}: the longest, ms", (*place, "longest_ms")),
            Line(f"{name}: tasks over 50 ms of processor time", (*place, "busy_tasks")),
            Line(f"{name}: the busiest, ms", (*place, "busiest_ms")),
        ]
    words = (
        f"{amounts['turns']:,} messages. Scrolled up by 1,400 pixels a frame to the top, for a minute at most, and "
        "back; then an answer of 600 tokens at 100 a second. Target: no task over 50 ms. Of each round the longest "
        "task is taken; the cells are medians of those."
    )
    return Table("A long conversation", words, tuple(lines))


def process(found: dict[str, Any]) -> Table:
    """The server's process."""
    lines = [Line("start until its page answers, s", ("start", "seconds"))]
    lines += [Line(f"MiB {when}", ("memory", when, "pss")) for when in found["memory"][OURS]]
    words = "Memory is the proportional set size of all its processes."
    return Table("The server", words, tuple(lines))


def section() -> list[str]:
    """The lines of the section; none where nothing was measured."""
    if not RESULTS.exists():
        return []
    report = json.loads(RESULTS.read_text(encoding="utf-8"))
    found, amounts = report["measures"], report["amounts"]
    parts = [part for part in found if part.startswith("first token")]
    tables = (loads(), *(tokens(part) for part in parts), long(amounts), process(found))
    lines = [introduction(report), *standing(tables, found)]
    for table in tables:
        words = f"{table.words} {busy(table, report['loads'])}"
        lines += [f"### {table.title}", "", words, "", *shown(table, found), ""]
    return lines


def introduction(report: dict[str, Any]) -> str:
    """What was measured, and with what."""
    return INTRODUCTION.format(
        settings=", ".join(f"`{name}={value}`" for name, value in report["open_webui_settings"].items()),
        pierian=report["versions"]["pierian"],
        open_webui=report["versions"].get(THEIRS, "–"),
        chromium=report["versions"]["chromium"],
        processors=report["machine"]["processors"],
        processor=report["machine"]["processor"],
    )


def busy(table: Table, loads: dict[str, Any]) -> str:
    """How busy the machine was while a table was measured."""
    parts = dict.fromkeys(line.path[0] for line in table.lines)
    told = [f"{loads[part]['begin'][0]:.1f} to {loads[part]['end'][0]:.1f} ({part})" for part in parts]
    return f"Load average from the beginning to the end: {', '.join(told)}."


def shown(table: Table, found: dict[str, Any]) -> Iterator[str]:
    """The lines of a table."""
    apps = [app for app in NAMES if app in next(iter(found.values()))]
    yield f"| | {' | '.join(NAMES[app] for app in apps)} | n | ahead |"
    yield "|---" * (len(apps) + 3) + "|"
    for line in table.lines:
        values = [at(found, app, line) for app in apps]
        cells = " | ".join(cell(line, value) for value in values)
        better = NAMES.get(ahead(line, found), "–") if len(apps) > 1 else "–"
        yield f"| {line.words} | {cells} | {values[0]['n']} | {better} |"


def at(found: dict[str, Any], app: str, line: Line) -> dict[str, Any]:
    """The summary that a line is about."""
    part, *rest = line.path
    value = found[part][app]
    for name in rest:
        value = value[name]
    return value


def number_and_interval(line: Line, value: dict[str, Any]) -> tuple[float, float, float]:
    """The number of a line, and between what it lies."""
    if line.quantile:
        return value["p95"], *value["p95_interval"]
    return value["median"], *value["interval"]


def cell(line: Line, value: dict[str, Any]) -> str:
    """A number with its interval, which is left out where it is the number itself."""
    number, low, high = map(rounded, number_and_interval(line, value))
    return number if low == high else f"{number} ({low}–{high})"


def rounded(value: float) -> str:
    """Three digits, or all before the point."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def ahead(line: Line, found: dict[str, Any]) -> str:
    """Who is better by a line; nobody where the intervals touch."""
    _, low, high = number_and_interval(line, at(found, OURS, line))
    _, their_low, their_high = number_and_interval(line, at(found, THEIRS, line))
    if low <= their_high and their_low <= high:
        return ""
    return OURS if (high < their_low) == line.lower else THEIRS


def standing(tables: tuple[Table, ...], found: dict[str, Any]) -> list[str]:
    """How often each is ahead, and where Open WebUI is."""
    if THEIRS not in next(iter(found.values())):
        return []
    told: dict[str, list[str]] = {OURS: [], THEIRS: [], "": []}
    for table in tables:
        for line in table.lines:
            told[ahead(line, found)].append(f"{line.words} ({table.title[0].lower()}{table.title[1:]})")
    words = (
        f"Of {sum(map(len, told.values()))} lines Pierian is ahead in {len(told[OURS])}, Open WebUI in "
        f"{len(told[THEIRS])}, and {len(told[''])} do not tell them apart."
    )
    return [f"{words} Open WebUI is ahead in: {'; '.join(told[THEIRS]) or 'none'}.", ""]
