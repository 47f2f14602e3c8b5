"""A long conversation in the page of a web app: opened, scrolled up and back, and streamed into.

What keeps a page from answering to a hand is counted twice: as `PerformanceObserver` reports it, tasks of the main
thread that took more than 50 ms by the clock; and from the browser's trace, tasks that used more than 50 ms of
processor time, which whatever else runs on the machine does not lengthen.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any, cast

import msgspec
from msgspec import Struct, to_builtins
from playwright.sync_api import Browser, BrowserContext

from benchmarks.webapp_pages import answered, compose
from benchmarks.webapp_servers import App, seen

STEP_PIXELS = 1400
"""Scrolled at each frame."""
SCROLL_SECONDS = 60
"""At most, in one direction."""
LONG_TASK_MS = 50
TOKENS, RATE = 600, 100
"""Of the answer."""

LONG_TASKS = """(() => {
  if (top !== window) return;
  window.longTasks = [];
  new PerformanceObserver((list) => window.longTasks.push(...list.getEntries().map((one) => one.duration)))
    .observe({ type: "longtask", buffered: true });
})()"""

SCROLL_UP = """async ({ step, patience, most }) => {
  const scrolls = %(scroller)s, turns = () => document.querySelectorAll(%(turn)s).length;
  const frame = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 8)));
  await new Promise((resolve) => requestIdleCallback(resolve));
  const begun = performance.now();
  let count = turns(), changed = begun;
  while ((scrolls.scrollTop > 0 || performance.now() - changed < patience) && performance.now() - begun < most) {
    const before = scrolls.scrollTop;
    scrolls.scrollBy(0, -step);
    await frame();
    if (turns() === count && scrolls.scrollTop === before) continue;
    count = turns();
    changed = performance.now();
  }
  return { turns: count, seconds: (changed - begun) / 1000 };
}"""
"""Towards the top, through everything that is loaded on the way; it is the top when nothing comes any more."""

SCROLL_DOWN = """async ({ step, most }) => {
  const scrolls = %(scroller)s;
  const frame = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 8)));
  const begun = performance.now();
  while (scrolls.scrollTop + scrolls.clientHeight < scrolls.scrollHeight - 2 && performance.now() - begun < most) {
    scrolls.scrollBy(0, step);
    await frame();
  }
  const seconds = (performance.now() - begun) / 1000;
  scrolls.scrollTo(0, scrolls.scrollHeight);
  return { seconds };
}"""


class Stage(Struct, frozen=True):
    """What was done with a long conversation, and what that took of the page's main thread."""

    seconds: float
    long_tasks: int
    """By the clock, as the page is told."""
    longest_ms: float
    busy_tasks: int
    """By the processor time they used."""
    busiest_ms: float
    busy_seconds: float
    """Of processor time, of all tasks together."""
    turns: int = 0
    """In the page in the end, where they were scrolled through."""


class _Traced(Struct):
    """An event of the browser's trace; times in microseconds."""

    name: str
    pid: int
    tid: int
    tdur: int = 0
    args: dict[str, Any] = {}


class _Trace(Struct):
    traceEvents: list[_Traced]  # noqa: N815 (its name in the file)


def busy(trace: bytes) -> list[float]:
    """Milliseconds of processor time of each task of the page's main thread; of several pages, the busiest one's."""
    events = msgspec.json.decode(trace, type=_Trace).traceEvents
    mains = {
        (one.pid, one.tid)
        for one in events
        if one.name == "thread_name" and one.args.get("name") == "CrRendererMain"
    }
    tasks: dict[tuple[int, int], list[float]] = {main: [] for main in mains}
    for one in events:
        if one.name == "ThreadControllerImpl::RunTask" and (one.pid, one.tid) in tasks:
            tasks[one.pid, one.tid].append(one.tdur / 1000)
    return max(tasks.values(), key=sum) if tasks else []


class Long:
    """One long conversation in a page, stage by stage."""

    def __init__(self, app: App, browser: Browser, context: BrowserContext) -> None:
        self.stages: dict[str, Stage] = {}
        self.app = app
        self.page = context.new_page()
        self.page.add_init_script(LONG_TASKS)
        self._browser = browser

    def stage(self, name: str, do: Callable[[], Mapping[str, float]]) -> None:
        """Do something that says how many seconds it took, and look at what that did to the page."""
        self._browser.start_tracing(page=self.page, categories=["toplevel"])
        try:
            done = do()
            self.page.wait_for_timeout(300)
        finally:
            trace = self._browser.stop_tracing()
        tasks = cast("list[float]", self.page.evaluate("() => window.longTasks.splice(0)"))
        used = busy(trace)
        self.stages[name] = Stage(
            seconds=round(done["seconds"], 2),
            long_tasks=len(tasks),
            longest_ms=round(max(tasks, default=0.0), 1),
            busy_tasks=sum(one > LONG_TASK_MS for one in used),
            busiest_ms=round(max(used, default=0.0), 1),
            busy_seconds=round(sum(used) / 1000, 2),
            turns=int(done.get("turns", 0)),
        )

    def open(self, path: str) -> Mapping[str, float]:
        """Until the first turn is there; what goes on behind it belongs to the stage too."""
        begun = time.monotonic()
        self.page.goto(path)
        self.page.locator(self.app.turn).first.wait_for()
        seconds = time.monotonic() - begun
        self.page.wait_for_timeout(3000)
        return {"seconds": seconds}

    def scroll(self, script: str) -> Mapping[str, float]:
        """Up or down, as far as it goes in the time that there is."""
        place = {"scroller": self.app.scroller, "turn": json.dumps(self.app.turn)}
        given = {"step": STEP_PIXELS, "patience": 3000, "most": 1000 * SCROLL_SECONDS}
        return cast("dict[str, float]", self.page.evaluate(script % place, given))

    def stream(self, mark: str) -> Mapping[str, float]:
        """Send the question that was typed, and wait for its answer."""
        self.page.keyboard.press("Enter")
        answered(self.app, self.page, mark)
        server = seen(self.app.base_url, mark)
        return {"seconds": server["last"] - server["first"]}


def long_conversation(
    app: App, browser: Browser, context: BrowserContext, path: str, mark: str
) -> dict[str, Any]:
    """Open a conversation, scroll up and back, and have an answer streamed in it."""
    long = Long(app, browser, context)
    long.stage("opened", lambda: long.open(path))
    long.stage("up", lambda: long.scroll(SCROLL_UP))
    long.stage("down", lambda: long.scroll(SCROLL_DOWN))
    compose(app, long.page, mark, TOKENS, RATE, 300)
    long.stage("streamed", lambda: long.stream(mark))
    long.page.close()
    return {name: to_builtins(stage) for name, stage in long.stages.items()}
