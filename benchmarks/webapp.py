"""The web app in a browser: `python -m benchmarks.webapp [--open-webui-python PYTHON] [--quick]`.

`pierian serve` and Open WebUI (in the interpreter `--open-webui-python`, which has `open-webui`) stand in front of
the same model server, a process that streams at a fixed rate (`webapp_upstream`), and are looked at through the same
Chromium, in turn and with the order turned round from round to round.

- First load of an empty conversation, signed in, with an empty cache and with a full one: kilobytes, requests, first
  contentful paint, and when the composer takes typed text (`webapp_pages` says how).
- The first token: from the first byte of the model server to when it is visible; in an open conversation, and in a
  new one, whose page begins when it is asked.
- A conversation of 2,000 messages: opened, scrolled up for a minute or to its top, and back, an answer of 600 tokens
  streamed in it; tasks of the page's main thread that took more than 50 ms, by the clock and by processor time.
- The server's process: memory after the start, after 50 loads, after 20 answers; seconds until its page answers.

Browser, model server and app share this machine's processors, with whatever else runs there: the load average stands
beside each part, and the processor time of a page's tasks is the steadier number.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Generator
from importlib.metadata import version
from pathlib import Path
from typing import Any

from msgspec import Struct, to_builtins
from playwright.sync_api import Browser, sync_playwright

from benchmarks.intervals import quantile_and_interval
from benchmarks.serving import machine
from benchmarks.webapp_long import long_conversation
from benchmarks.webapp_pages import answered, ask, first_token, load, watch, weigh
from benchmarks.webapp_relay import Relay
from benchmarks.webapp_servers import OPEN_WEBUI_OFFLINE, App, OpenWebUI, Pierian, upstream

CHROMIUM = Path("/usr/bin/chromium")
TARGET = Path(__file__).parent / "results" / "webapp.json"
LONG = 2000
"""Messages of a long conversation."""

Row = dict[str, Any]
Rows = dict[str, list[Row]]
"""By app, one entry for each time."""


class Case(Struct, frozen=True):
    """A way to ask for a first token."""

    name: str
    new: bool
    """Whether each question begins a conversation."""
    after: int
    """Milliseconds that the model server takes to begin."""


CASES = (
    Case("in an open conversation, the model begins after 300 ms", new=False, after=300),
    Case("in a new conversation, the model begins after 50 ms", new=True, after=50),
)


class Amounts(Struct, frozen=True):
    """How often everything is measured."""

    loads: int = 12
    weights: int = 3
    questions: int = 24
    long: int = 5
    turns: int = LONG
    starts: int = 5
    memory: int = 3
    page_loads: int = 50
    answers: int = 20


QUICK = Amounts(
    loads=2, weights=1, questions=4, long=1, turns=200, starts=1, memory=1, page_loads=5, answers=3
)


class Bench:
    """The apps, the browser, and how busy the machine was."""

    def __init__(self, apps: list[App], browser: Browser, amounts: Amounts) -> None:
        self.apps = apps
        self.browser = browser
        self.amounts = amounts
        self.loads: dict[str, dict[str, list[float]]] = {}
        self._marks = 0

    def mark(self) -> str:
        """One that no question has had."""
        self._marks += 1
        return f"drop{self._marks}"

    @contextlib.contextmanager
    def part(self, name: str) -> Generator[None]:
        """One part of the measures, beside which the load averages of its beginning and end are kept."""
        print(f"{name}, load {shown_load()}", flush=True)
        begin = average()
        yield
        self.loads[name] = {"begin": begin, "end": average()}

    def in_turn(self, rounds: int, measure: Callable[[App], Row]) -> Rows:
        """All apps in each round, the order turned round from round to round."""
        rows: Rows = {app.name: [] for app in self.apps}
        for number in range(rounds):
            for app in self.apps[:: -1 if number % 2 else 1]:
                rows[app.name].append(measure(app))
                told = json.dumps(rows[app.name][-1])
                print(f"  {number + 1} of {rounds}, {app.name}: {told}, load {shown_load()}", flush=True)
        return rows


def average() -> list[float]:
    """The load averages of one, five and fifteen minutes."""
    return [round(one, 2) for one in os.getloadavg()]


def shown_load() -> str:
    return " ".join(f"{one:.1f}" for one in os.getloadavg())


# The parts


def first_loads(bench: Bench, app: App) -> Row:
    """An empty cache, and the same again with what is in it then."""
    with app.context(bench.browser) as context:
        cold, warm = load(app, context), load(app, context)
    return {"cold": to_builtins(cold), "warm": to_builtins(warm)}


def weights(bench: Bench, app: App) -> Row:
    """The same, counted."""
    with Relay(app.port).running() as relay, app.context(bench.browser, relay.port) as context:
        cold, warm = weigh(app, context, relay), weigh(app, context, relay)
    return {"cold": to_builtins(cold), "warm": to_builtins(warm)}


def first_tokens(bench: Bench, case: Case) -> Rows:
    """Questions to both apps in turn, each in a tab of its own that stays open."""
    with contextlib.ExitStack() as stack:
        pages = {app.name: watch(app, stack.enter_context(app.context(bench.browser))) for app in bench.apps}
        for app in bench.apps:  # the first question begins the conversation, and warms up
            first_token(app, pages[app.name], bench.mark(), 30, 50, case.after)

        def once(app: App) -> Row:
            page = pages[app.name]
            if case.new:
                page.goto("/")
                page.locator(app.composer).wait_for()
                page.wait_for_timeout(1500)
            return to_builtins(first_token(app, page, bench.mark(), 60, 50, case.after))

        return bench.in_turn(bench.amounts.questions, once)


def long_conversations(bench: Bench) -> Rows:
    """A conversation of its own for each round, so that no answer of an earlier one stands in it."""

    def once(app: App) -> Row:
        path = app.store(bench.amounts.turns)
        with app.context(bench.browser) as context:
            return long_conversation(app, bench.browser, context, path, bench.mark())

    return bench.in_turn(bench.amounts.long, once)


def starts(app: App) -> Row:
    """Seconds from the start to the first page, with the database there and Python's files compiled."""
    with app.running() as seconds:
        return {"seconds": round(seconds, 2)}


def memory(bench: Bench, app: App) -> Row:
    """MiB of a fresh process along its way."""
    with app.running(), app.context(bench.browser) as context:
        page = context.new_page()
        page.goto("/")
        page.locator(app.composer).wait_for()
        page.wait_for_timeout(3000)
        found = {"after the start and one page": app.memory()}
        for _ in range(bench.amounts.page_loads):
            page.goto("/")
            page.locator(app.composer).wait_for()
        page.wait_for_timeout(1000)
        found[f"after {bench.amounts.page_loads} loads"] = app.memory()
        for _ in range(bench.amounts.answers):
            mark = bench.mark()
            ask(app, page, mark, 200, 100, 50)
            answered(app, page, mark)
        found[f"after {bench.amounts.answers} answers"] = app.memory()
    return {when: {kind: round(size, 1) for kind, size in sizes.items()} for when, sizes in found.items()}


# What the rows say


def summary(values: list[float], digits: int = 2) -> Row:
    """Median and 95% quantile of numbers, with their intervals."""
    middle, interval = quantile_and_interval(values, 0.5, digits)
    high, high_interval = quantile_and_interval(values, 0.95, digits)
    return {
        "n": len(values),
        "median": middle,
        "interval": interval,
        "p95": high,
        "p95_interval": high_interval,
    }


def summaries(rows: Rows) -> Row:
    """Of each app every number in its rows, which may lie within groups."""
    return {name: _summaries(entries) for name, entries in rows.items()}


def _summaries(entries: list[Row]) -> Row:
    return {
        key: _summaries([one[key] for one in entries])
        if isinstance(value, dict)
        else summary([one[key] for one in entries])
        for key, value in entries[0].items()
    }


def measure(bench: Bench) -> Row:
    """Everything."""
    rows: dict[str, Rows] = {}
    amounts = bench.amounts
    with contextlib.ExitStack() as stack:
        for app in bench.apps:
            stack.enter_context(app.running())
            app.context(bench.browser).close()  # makes its user
        with bench.part("first load"):
            rows["first load"] = bench.in_turn(amounts.loads, lambda app: first_loads(bench, app))
        with bench.part("weight"):
            rows["weight"] = bench.in_turn(amounts.weights, lambda app: weights(bench, app))
        for case in CASES:
            with bench.part(f"first token, {case.name}"):
                rows[f"first token, {case.name}"] = first_tokens(bench, case)
        with bench.part("long conversation"):
            rows["long conversation"] = long_conversations(bench)
    with bench.part("start"):
        rows["start"] = bench.in_turn(amounts.starts, starts)
    with bench.part("memory"):
        rows["memory"] = bench.in_turn(amounts.memory, lambda app: memory(bench, app))
    return {
        "measures": {name: summaries(found) for name, found in rows.items()},
        "loads": bench.loads,
        "rows": rows,
    }


def versions(python: str, browser: Browser) -> dict[str, str]:
    """Of everything whose version matters here."""
    found = {name: version(name) for name in ("pierian", "uvicorn", "litestar", "playwright")}
    found["chromium"] = browser.version
    if python:
        code = "import importlib.metadata as m, sys; print(m.version('open-webui'), sys.version.split()[0])"
        done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
        found["open-webui"], found["open-webui_python"] = done.stdout.split()
    return found


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="benchmarks.webapp", description=__doc__)
    parser.add_argument("--open-webui-python", default="", help="without it, ours only")
    parser.add_argument("--quick", action="store_true", help="shorter; writes no results")
    given = parser.parse_args()
    amounts = QUICK if given.quick else Amounts()
    with (
        tempfile.TemporaryDirectory(prefix="webapp-") as name,
        upstream() as base_url,
        sync_playwright() as playwright,
    ):
        apps: list[App] = [Pierian(Path(name), base_url)]
        if given.open_webui_python:
            apps.append(OpenWebUI(Path(name), base_url, given.open_webui_python))
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        report: Row = {
            "machine": machine(),
            "versions": versions(given.open_webui_python, browser),
            "open_webui_settings": OPEN_WEBUI_OFFLINE,
            "amounts": to_builtins(amounts),
        }
        report |= measure(Bench(apps, browser, amounts))
        report["machine"]["load_at_end"] = average()
        browser.close()
    print(json.dumps(report["measures"], indent=1))
    if not given.quick:
        TARGET.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
