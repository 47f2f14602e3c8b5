"""A picture with a question: uploaded, dropped or pasted, answered, and shown with the looks drawn on it."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from tests.vision.drawing import page as drawn
from tests.webapp.browsing import App, answered, ask

CLAIMS = [
    {"kind": "read", "what": "total", "value": "12.30", "picture": 1, "box": [0, 0, 300, 300]},
    {"kind": "compare", "what": "<img src=x onerror=alert(1)>", "value": "", "picture": 1, "box": [100, 700, 300, 900]},
]  # fmt: skip


def slip() -> bytes:
    out = io.BytesIO()
    drawn(640, 300, [((60, 40), "Corner Shop"), ((60, 120), "Total 12.30")], size=40).save(out, "PNG")
    return out.getvalue()


SLIP = slip()


@pytest.fixture(scope="module")
def app(browser: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """A server over a model that sees."""
    made = App(tmp_path_factory.mktemp("pictures"), browser)  # type: ignore[arg-type]
    told = {"zoom": [], "claims": CLAIMS, "shown": True, "answer": "The total is 12.30."}
    made.said["total"] = json.dumps(told)
    with made.serving(sees="true"):
        yield made


def uploaded(page: Page) -> None:
    page.locator("#files").set_input_files({"name": "slip.png", "mimeType": "image/png", "buffer": SLIP})
    expect(page.locator(".attachment-ready img")).to_be_visible()


DROP = """(data) => {
  const bytes = Uint8Array.from(atob(data), (one) => one.charCodeAt(0));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes], "slip.png", { type: "image/png" }));
  const on = %s;
  on.dispatchEvent(new %s("%s", { %s: transfer, bubbles: true, cancelable: true }));
}"""
WAYS = {
    "drop": DROP % ("document.body", "DragEvent", "drop", "dataTransfer"),
    "paste": DROP % ('document.getElementById("question")', "ClipboardEvent", "paste", "clipboardData"),
}


def test_the_looks_are_drawn_listed_and_linked(page: Page) -> None:
    uploaded(page)
    ask(page, "What is the total?", "instant")
    answered(page, "The total is 12.30.")
    looks = page.locator(".turn-assistant .looks")
    drawing = looks.get_by_role("img", name="slip.png, with 2 looks drawn on it")
    expect(drawing).to_be_visible()
    loaded = "one => fetch(one.querySelector('image').getAttribute('href')).then(got => got.headers.get('content-type'))"
    assert drawing.evaluate(loaded) == "image/png"
    first = looks.get_by_role("button", name=re.compile(r"Look 1.*total: 12\.30"))
    mark = drawing.locator('g[data-look="1"]')
    # It stands where the readers found it, not where the model pointed.
    box, whole = mark.locator(".look-line").bounding_box(), drawing.bounding_box()
    assert box is not None and whole is not None
    assert 0.05 < (box["x"] - whole["x"]) / whole["width"] < 0.2
    assert 0.3 < (box["y"] - whole["y"]) / whole["height"] < 0.5
    first.focus()
    expect(mark).to_have_class(re.compile("look-lit"))
    page.keyboard.press("Enter")
    expect(first).to_have_attribute("aria-pressed", "true")
    second = looks.get_by_role("button", name=re.compile("Look 2"))
    expect(second).to_contain_text("<img src=x")  # what was found is text, whatever it is
    drawing.locator('g[data-look="2"] .look-digits').click()
    expect(second).to_have_attribute("aria-pressed", "true")
    expect(first).to_have_attribute("aria-pressed", "false")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    found = Axe().run(page, context=".looks")
    assert found.violations_count == 0, found.generate_report()
    page.reload()
    expect(drawing.locator("g")).to_have_count(2)
    # What follows on is about the same picture, and says so.
    ask(page, "And the total again?", "instant")
    expect(page.locator(".turn-user .attachment-picture")).to_have_count(2)
    expect(page.locator(".turn-assistant .look-drawing")).to_have_count(2)


@pytest.mark.parametrize("width", [390])
@pytest.mark.parametrize("way", WAYS)
def test_a_picture_is_dropped_or_pasted(page: Page, way: str) -> None:
    page.locator("#question").focus()
    page.evaluate(WAYS[way], base64.b64encode(SLIP).decode())
    expect(page.locator(".attachment-ready img")).to_be_visible()
    ask(page, "What is the total?", "instant")
    answered(page, "The total is 12.30.")
    expect(page.locator(".turn-user .attachment-picture img")).to_be_visible()
    expect(page.locator(".turn-assistant .look-drawing")).to_be_visible()


@pytest.mark.parametrize("width", [1280])
def test_a_picture_that_cannot_be_read_is_refused_at_once(page: Page) -> None:
    broken = {"name": "half.png", "mimeType": "image/png", "buffer": SLIP[:200]}
    page.locator("#files").set_input_files(broken)
    failed = page.locator(".attachment-failed")
    expect(failed).to_contain_text("half.png")
