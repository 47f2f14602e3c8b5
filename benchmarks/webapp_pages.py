"""What the `webapp` benchmark measures inside the pages of a web app, in Chromium, the same way for each.

- First load: first contentful paint, and when the composer takes typed text: a script types into it at each frame
  from the moment it is there, until it is taken, and until the app's own scripts have noticed (Pierian remembers what
  is unsent, Open WebUI shows its button for sending). Bytes and requests are counted in loads of their own, through
  a relay (`webapp_relay`).
- The first token: a `MutationObserver` finds its mark in the page; visible it is when the next frame was drawn.

Times of the page and of the model server are compared by the wall clock of the one machine; how far the page's clock
is from it is measured in each page and taken off.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import time
from typing import Any, cast

from msgspec import Struct
from playwright.sync_api import BrowserContext, Error, Page

from benchmarks.webapp_relay import Relay
from benchmarks.webapp_servers import App, seen
from benchmarks.webapp_upstream import question

QUIET_SECONDS = 1.0
"""Without traffic, after which a page counts as loaded."""
LONGEST_SECONDS = 20.0
TYPING = """(() => {
  if (top !== window) return;
  const composer = %(composer)s, noticed = (field) => %(noticed)s;
  const found = (window.benchmark = { takes: null, noticed: null, paint: null });
  new PerformanceObserver((list) => {
    for (const one of list.getEntries()) if (one.name === "first-contentful-paint") found.paint = one.startTime;
  }).observe({ type: "paint", buffered: true });
  const words = (field) => field.value ?? field.textContent;
  const look = () => {
    const field = document.querySelector(composer);
    if (field?.checkVisibility() && !field.disabled) {
      const before = words(field);
      if (document.activeElement !== field) field.focus();
      document.execCommand("insertText", false, "x");
      if (words(field) !== before) found.takes ??= performance.now();
      if (noticed(field)) found.noticed = performance.now();
    }
    if (found.noticed === null) requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})()"""
"""From the beginning of a document: type into its composer until somebody listens."""

WATCHING = """(() => {
  if (top !== window) return;
  const marks = (window.marks = {});
  const now = () => performance.timeOrigin + performance.now();
  addEventListener("keydown", (event) => {
    if (event.key === "Enter") sessionStorage.setItem("benchmark", performance.timeOrigin + event.timeStamp);
  }, true);
  const drawn = (done) => requestAnimationFrame(() => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = done;
    port2.postMessage(0);
  });
  let answer = null, last = null;
  const look = (node) => {
    const mark = (node.textContent ?? "").match(/\\bDROP\\d+\\b/g)?.find((one) => !marks[one]);
    if (!mark) return;
    marks[mark] = { changed: now(), visible: null, steps: [] };
    answer = (node.nodeType === 1 ? node : node.parentElement).closest(%(turn)s) ?? node.parentElement;
    last = marks[mark];
    drawn(() => (last.visible = now()));
  };
  let length = 0;
  new MutationObserver((changes) => {
    for (const change of changes) {
      if (change.type === "characterData") look(change.target);
      else change.addedNodes.forEach(look);
    }
    if (!last) return;
    if (!answer.isConnected) answer = [...document.querySelectorAll(%(turn)s)].at(-1);
    if (!answer || answer.textContent.length === length) return;
    length = answer.textContent.length;
    last.steps.push(now());
  }).observe(document, { subtree: true, childList: true, characterData: true });
})()"""
"""From the beginning of a document: when Enter was pressed, when a mark came, and each change of its answer."""

CLOCK = """() => {
  const begun = Date.now();
  while (Date.now() === begun);
  return performance.timeOrigin + performance.now() - Date.now();
}"""
"""How many milliseconds the page's clock is ahead: looked at when the wall clock has just ticked."""

FONTS = """() => performance.getEntriesByType("resource")
  .filter((one) => /\\.(woff2?|ttf|otf)([?#]|$)/.test(one.name))
  .reduce((sum, one) => sum + one.transferSize, 0)"""
"""Bytes of fonts that came over the network."""


class Load(Struct, frozen=True):
    """One load of a page, times in milliseconds since the navigation began."""

    paint_ms: float
    """First contentful paint."""
    takes_ms: float
    noticed_ms: float


class Weight(Struct, frozen=True):
    """What one load takes from the network."""

    kilobytes: float
    """As they came, heads and bodies, compressed; fonts left out. A kilobyte is 1,000 bytes."""
    font_kilobytes: float
    requests: int


def load(app: App, context: BrowserContext) -> Load:
    """Load an empty conversation in a new tab, with whatever the context has in its cache, and type into it."""
    page = context.new_page()
    page.add_init_script(TYPING % {"composer": json.dumps(app.composer), "noticed": app.noticed})
    page.goto("/", wait_until="commit")
    page.locator(app.composer).wait_for()
    found: dict[str, float] = {}
    begun = time.monotonic()
    while not (found.get("noticed") and found.get("paint")):
        if time.monotonic() - begun > LONGEST_SECONDS:
            raise RuntimeError(f"the composer of {app.name} takes no text: {found}")
        page.wait_for_timeout(50)
        found = page.evaluate("window.benchmark")
    page.wait_for_timeout(1000 * QUIET_SECONDS)  # for the rest to get into the cache
    page.evaluate(app.forget)
    page.close()
    return Load(
        paint_ms=round(found["paint"], 1),
        takes_ms=round(found["takes"], 1),
        noticed_ms=round(found["noticed"], 1),
    )


def weigh(app: App, context: BrowserContext, relay: Relay) -> Weight:
    """Load an empty conversation through a relay that counts."""
    page = context.new_page()
    relay.taken()
    page.goto(f"http://127.0.0.1:{relay.port}/")
    page.locator(app.composer).wait_for()
    begun = time.monotonic()
    while time.monotonic() - max(relay.last, begun) < QUIET_SECONDS:
        if time.monotonic() - begun > LONGEST_SECONDS:
            break
        page.wait_for_timeout(50)
    size, requests = relay.taken()
    fonts = cast(float, page.evaluate(FONTS))
    page.close()
    return Weight(round((size - fonts) / 1000, 1), round(fonts / 1000, 1), requests)


def _told(app: App, page: Page, mark: str) -> tuple[float, float, dict[str, Any]]:
    """How far the page's clock is ahead, when Enter was pressed, and what was seen of an answer."""
    begun = time.monotonic()
    while time.monotonic() - begun < LONGEST_SECONDS:
        with contextlib.suppress(Error):  # the page of the new conversation is just coming
            found = page.evaluate("(mark) => window.marks?.[mark]", mark)
            if found and found["visible"]:
                entered = page.evaluate("Number(sessionStorage.getItem('benchmark'))")
                return page.evaluate(CLOCK), entered, found
        page.wait_for_timeout(100)
    raise RuntimeError(f"{app.name} did not show the answer {mark}")


class Token(Struct, frozen=True):
    """A question and the first token of its answer, in milliseconds."""

    sent_ms: float
    """From Enter to when the model server was asked."""
    shown_ms: float
    """From the first byte of the model server to when it was visible."""
    changed_ms: float
    """The same to the change of the page, before it was drawn."""
    steps_per_second: float
    """Changes of the answer that can be told apart, while it grew."""
    longest_gap_ms: float


def compose(app: App, page: Page, mark: str, tokens: int, rate: int, after: int) -> None:
    """Type a question; `Enter` sends it."""
    page.locator(app.composer).click()
    page.keyboard.insert_text(question(mark, tokens, rate, after))
    page.wait_for_timeout(300)


def ask(app: App, page: Page, mark: str, tokens: int, rate: int, after: int) -> None:
    """Type a question and send it."""
    compose(app, page, mark, tokens, rate, after)
    page.keyboard.press("Enter")


def answered(app: App, page: Page, mark: str) -> None:
    """Wait until an answer has come to its end, and the page has come to rest."""
    begun = time.monotonic()
    while not seen(app.base_url, mark).get("last"):
        if time.monotonic() - begun > LONGEST_SECONDS + 60:
            raise RuntimeError(f"{app.name} did not get the answer {mark}")
        page.wait_for_timeout(100)
    page.wait_for_timeout(700)


def watch(app: App, context: BrowserContext) -> Page:
    """A tab that looks out for first tokens, at an empty conversation."""
    page = context.new_page()
    page.add_init_script(WATCHING % {"turn": json.dumps(app.turn)})
    page.goto("/")
    page.locator(app.composer).wait_for()
    page.wait_for_timeout(1500)
    return page


def first_token(app: App, page: Page, mark: str, tokens: int, rate: int, after: int) -> Token:
    """Ask in the conversation that is open, or in a new one where none is."""
    ask(app, page, mark, tokens, rate, after)
    answered(app, page, mark)
    ahead, entered, found = _told(app, page, mark.upper())
    server = seen(app.base_url, mark)
    first = 1000 * server["first"]
    steps = sorted(found["steps"])
    last = 1000 * server["last"] + ahead
    growing = [at for at in steps if at <= last] or [found["changed"]]
    gaps = [b - a for a, b in itertools.pairwise(growing)]
    return Token(
        sent_ms=round(1000 * server["asked"] - (entered - ahead), 1),
        shown_ms=round(found["visible"] - ahead - first, 1),
        changed_ms=round(found["changed"] - ahead - first, 1),
        steps_per_second=round(1000 * len(growing) / max(1.0, growing[-1] - growing[0]), 1),
        longest_gap_ms=round(max(gaps, default=0.0), 1),
    )
