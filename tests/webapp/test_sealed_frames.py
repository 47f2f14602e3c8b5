"""Pages that a model wrote are shown in a frame that can do nothing: no data of ours, no network, no way to the page
around it, and the same where their address is opened by itself. In the real browser."""

from __future__ import annotations

import json
import select
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Dialog, Error, Frame, Page, expect
from tests.webapp.browsing import App, answered, ask

PROBE = """<!doctype html><title>probe</title><p>running</p><script>
const tries = {
  origin: () => self.origin,
  cookie: () => document.cookie,
  storage: () => localStorage.length,
  session: () => sessionStorage.length,
  database: () => typeof indexedDB.open("x"),
  caches: () => caches.open("x"),
  worker: () => navigator.serviceWorker.register("/service-worker.js"),
  parent: () => parent.document.title,
  top: () => top.location.href,
  climb: () => { if (parent !== self) top.location = "/sign-out"; return "went"; },
  window: () => String(window.open("/settings")),
  peers: () => typeof RTCPeerConnection,
  fetch: () => fetch("/settings", { credentials: "include" }).then((answer) => answer.text()),
  blind: () => fetch("/sign-out", { method: "POST", mode: "no-cors", credentials: "include" }).then(() => "sent"),
  request: () => { const asked = new XMLHttpRequest(); asked.open("GET", "/settings", false); asked.send(); return asked.responseText; },
  socket: () => new Promise((done) => { const made = new WebSocket("ws://" + location.host + "/"); made.onerror = () => done("Error"); made.onopen = () => done("open"); }),
  picture: () => new Promise((done) => { const made = new Image(); made.onload = () => done("loaded"); made.onerror = () => done("Error"); made.src = "/static/x/icons/icon-192.png"; }),
  script: () => import("/static/x/scripts/main.js"),
};
(async () => {
  const found = {};
  for (const [name, attempt] of Object.entries(tries)) {
    try { found[name] = String(await attempt()).slice(0, 200); } catch (error) { found[name] = "Error: " + error; }
  }
  document.querySelector("p").textContent = JSON.stringify(found);
})();
</script>"""
FORBIDDEN = ("cookie", "storage", "session", "database", "caches", "worker", "parent", "top", "climb", "fetch", "blind", "request", "socket", "picture", "script")  # fmt: skip
ALONE = tuple(name for name in FORBIDDEN if name not in ("parent", "top", "climb"))
"""Of a page that is opened by itself there is none around it."""

ELSEWHERE = {
    "frame": '<iframe src="{}"></iframe>',
    "written frame": "<script>document.write('<iframe src=\"{}\"></ifr' + 'ame>')</script>",
    "frame in a frame": "<iframe srcdoc=\"<script>location.href='{}'</script>\"></iframe>",
    "named frame": '<iframe name=q></iframe><a id=a target=q href="{}">x</a><script>a.click()</script>',
    "going": '<script>location.href = "{}"</script>',
    "refreshing": '<meta http-equiv=refresh content="0;url={}">',
    "following": '<a id=a href="{0}" ping="{0}">x</a><script>a.click()</script>',
    "climbing": '<a id=a target=_top href="{0}">x</a><script>a.click(); try {{ top.location = "{0}" }} catch {{}}</script>',
    "form": '<form id=f action="{0}" method=post><input name=x></form><script>f.submit()</script>',
    "window": '<script>window.open("{}")</script>',
    "picture": '<img src="{0}"><img srcset="{0} 1x"><svg><image href="{0}"/></svg><video src="{0}" poster="{0}"></video>',
    "style": '<style>@import "{0}"; body {{ background: url({0}) }}</style><link rel=stylesheet href="{0}">',
    "hint": '<link rel=preconnect href="{0}"><link rel=dns-prefetch href="{0}"><link rel=prefetch href="{0}"><link rel=icon href="{0}">',
    "object": '<object data="{0}"></object><embed src="{0}">',
    "beacon": '<script>navigator.sendBeacon("{0}", "x"); fetch("{0}", {{mode: "no-cors", keepalive: true}}).catch(() => 0)</script>',
    "stream": '<script>new EventSource("{0}"); try {{ new WebSocket("{0}".replace("http", "ws")) }} catch {{}}</script>',
    "worker": "<script>new Worker(URL.createObjectURL(new Blob(['fetch(\"{0}\")'])))</script>",
    "guess": '<script type=speculationrules>{{"prefetch": [{{"urls": ["{0}"], "eagerness": "immediate"}}]}}</script>',
}  # fmt: skip
"""Ways to reach another place, with its address in braces."""


@pytest.fixture
def places() -> Iterator[dict[str, socket.socket]]:
    """A place that listens for each way: browsers connect only once to one, whoever wants to go there."""
    made = {name: socket.create_server(("127.0.0.1", 0), backlog=16) for name in ELSEWHERE}
    yield made
    for one in made.values():
        one.close()


def address_of(place: socket.socket) -> str:
    return f"http://127.0.0.1:{place.getsockname()[1]}/x"


def reached(places: dict[str, socket.socket]) -> list[str]:
    """The ways on which somebody connected."""
    ready, _, _ = select.select(list(places.values()), [], [], 0)
    return [name for name, place in places.items() if place in ready]


def shown(page: Page, app: App, name: str, content: str) -> Frame:
    """The frame of an answer that consists of this page."""
    app.said[f"Page {name}."] = f"```html\n{content}\n```\n\nThere it is."
    page.goto("/")
    ask(page, f"Page {name}.", "instant")
    answered(page, "There it is.")
    page.get_by_role("button", name="Show").click()
    element = page.locator("iframe.artifact").element_handle()
    frame = element.content_frame()
    assert frame is not None
    return frame


def told(frame: Frame) -> dict[str, Any]:
    """What a probe found out."""
    said = frame.locator("p")
    expect(said).to_contain_text("{")
    return json.loads(said.inner_text())


def sealed(found: dict[str, Any], names: tuple[str, ...]) -> None:
    assert found["origin"] == "null"
    assert found["peers"] == "undefined"
    assert found["window"] in ("null", "undefined") or "Error" in found["window"]
    assert [name for name in names if "Error" not in found[name]] == [], found


@pytest.fixture
def tab(app: App) -> Iterator[Page]:
    with app.context() as context:
        yield context.new_page()


def test_a_page_in_its_frame_reaches_nothing_of_ours(app: App, tab: Page) -> None:
    dialogs: list[str] = []

    def closed(dialog: Dialog) -> None:
        dialogs.append(dialog.message)
        dialog.dismiss()

    tab.on("dialog", closed)
    frame = shown(tab, app, "probe", PROBE.replace("const tries", "alert(1); confirm(2); const tries"))
    sealed(told(frame), FORBIDDEN)
    assert dialogs == []
    assert "/conversations/" in tab.url
    assert len(tab.context.pages) == 1
    assert tab.evaluate("document.querySelector('iframe').sandbox.value") == "allow-scripts"


def test_its_address_is_sealed_without_the_frame(app: App, tab: Page) -> None:
    address = shown(tab, app, "probe", PROBE).url
    tab.evaluate("address => { const made = document.createElement('iframe'); made.id = 'bare'; made.src = address; document.body.append(made); }", address)  # fmt: skip
    bare = tab.locator("#bare").element_handle().content_frame()
    assert bare is not None
    bare.wait_for_url(address)
    sealed(told(bare), FORBIDDEN)
    tab.goto(address)
    sealed(told(tab.main_frame), ALONE)
    assert tab.url == address
    tab.goto("/settings")
    expect(tab.locator("[name=instructions]")).to_be_visible()  # nobody was signed out


def test_a_drawing_runs_no_script(app: App, tab: Page) -> None:
    drawing = '<svg xmlns="http://www.w3.org/2000/svg" onload="document.title=1"><script>parent.hit = 1</script><circle r="9"/></svg>'
    app.said["Draw it."] = f"```svg\n{drawing}\n```\n\nThere it is."
    tab.goto("/")
    ask(tab, "Draw it.", "instant")
    answered(tab, "There it is.")
    tab.get_by_role("button", name="Show").click()
    inside = tab.frame_locator("iframe.artifact")
    expect(inside.locator("img")).to_be_visible()
    assert inside.locator("svg, circle").count() == 0
    assert tab.evaluate("window.hit") is None


@pytest.mark.timeout(400)  # some forty frames and pages, one after the other
def test_nothing_leaves_a_frame_for_another_place(
    app: App, tab: Page, places: dict[str, socket.socket]
) -> None:
    pages = (
        "<title>kept</title><p>Words of yours.</p>" + way.format(address_of(places[name]))
        for name, way in ELSEWHERE.items()
    )
    app.said["Every way."] = "\n\n".join(f"```html\n{page}\n```" for page in pages) + "\n\nThere they are."
    tab.goto("/")
    ask(tab, "Every way.", "instant")
    answered(tab, "There they are.")
    for block in tab.locator(".code[data-artifact]").all():
        block.scroll_into_view_if_needed()
        block.get_by_role("button", name="Show").click()
    frames = tab.locator("iframe.artifact")
    expect(frames).to_have_count(len(ELSEWHERE))
    for address in frames.evaluate_all("frames => frames.map((frame) => frame.src)"):
        alone = tab.context.new_page()
        try:
            alone.goto(address)
        except Error as error:  # it wanted to go elsewhere and was held
            assert "ERR_" in str(error) or "interrupted" in str(error)
        alone.close()
    assert tab.url.startswith(f"{app.address}/conversations/")
    # What does connect is seen; by then the others would have been, too.
    with socket.create_server(("127.0.0.1", 0)) as control:
        tab.evaluate("address => { open(address, '_blank', 'noopener'); }", address_of(control))
        assert select.select([control], [], [], 20)[0]
    assert reached(places) == []
