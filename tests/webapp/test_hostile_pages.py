"""Whatever a model, a file or a person writes, on the pages of the real server it is text: in a real browser nothing of
it runs, nothing is asked for, and the page stays ours."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Generator, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Dialog, Page, expect
from tests.webapp.browsing import App, answered, ask
from tests.webapp.hostile_text import NAMES, PAYLOADS

from pierian.access import Grant, Invites, Keys, Links, Sessions, Users
from pierian.config import paths
from pierian.storage import Conversations, Database, open_storage
from pierian.storage.ids import utc_now
from pierian.testing import Refuse
from pierian.webapp.markdown import ALLOWED_CLASSES, ATTRIBUTES, TAGS

SHORT = [one.encode("utf-8", "replace").decode() for one in PAYLOADS if len(one) < 700]
ALARM = "alert(1)", "alert(window.hit=1)"
"""What the payloads do, and what they do here: a dialog is noticed, and so is the mark."""
NAME = "<img src=x onerror=alert(window.hit=1)>"
OURS = re.compile(
    r"/(?:static/\w+/[\w./-]+|conversations/[0-9a-z]{26}(?:/(?:live|turns|export|share|rename|turns/\d+/way))?|ask|search|settings|keys"
    r"|people|runs(?:/[0-9a-z]{26}/approvals/\w+)?|usage|attachments(?:/[0-9a-z]{26})?|shared/\w+|welcome/[\w-]+|sign-in|offline"
    r"|service-worker\.js|manifest\.webmanifest)?"
)  # fmt: skip
"""What these tests ask for, and nothing else."""
REFUSED = re.compile(r"the server responded with a status of 4(01|22)")
"""What a browser says of forms that these tests fill in wrongly."""
WRITTEN_TEXT = (
    "[data-question], #title, .side-title, .side-person-name, .hello-title, .attachment-name, .attachment-error, .result-title, .step-what,"
    ".step-message, .argument-value, .argument-source, .arguments dt, .approval-reason, .status-error p, .toast p, textarea, option, .draft-plain,"
    ".draft-approach, .draft-value, .notes li, .check-detail, .shared-title h1, .empty-title, .problem p, .search-hint, a.row-title"
)  # fmt: skip
"""Where people's and models' words stand as they are: no element is in there."""

FOUND = r"""([tags, attributes, classes, written]) => {
  const found = [];
  const say = (what, element) => found.push(what + ": " + element.outerHTML.slice(0, 200));
  const ids = new Map();
  for (const element of document.querySelectorAll("*")) {
    const name = element.localName;
    for (const { name: attribute, value } of element.attributes) {
      if (/^on|^style$|^srcdoc$/.test(attribute)) say("attribute " + attribute, element);
      if (attribute === "id") ids.set(value, (ids.get(value) ?? 0) + 1);
      if (/^(href|src|action|formaction|xlink:href|hx-[a-z]+|hx-sse:connect)$/.test(attribute) && /script:|^\s*data:|evil|^js:/i.test(value)
          && !(name === "a" && /^(https?:|mailto:)/.test(value) && !/^\s*(javascript|data)/i.test(value))) say("address " + attribute, element);
    }
    if (name === "script" && !element.src.startsWith(location.origin + "/static/")) say("script", element);
    if (["iframe", "object", "embed", "base", "style", "frame", "portal"].includes(name)) say("element", element);
    if (element.shadowRoot) say("shadow root", element);
    const prose = element.parentElement?.closest(".prose");
    if (!prose) continue;
    if (element.closest(".code-button")) continue;
    if (element.matches(".block[id^=turn-], [id$=-thoughts-text] > .ripple")) continue;
    if (!tags.includes(name)) say("tag", element);
    for (const { name: attribute, value } of element.attributes) {
      if (attribute === "class") {
        if ([...element.classList].some((one) => !(classes[name] ?? []).includes(one))) say("class", element);
      } else if (name === "a" && attribute === "target") { if (value !== "_blank") say("target", element); }
      else if (name === "a" && attribute === "rel") { if (!/noopener/.test(value)) say("rel", element); }
      else if (!(attributes[name] ?? []).includes(attribute)) say("attribute " + attribute, element);
    }
    if (name === "a" && !["http:", "https:", "mailto:"].includes(element.protocol) && element.hasAttribute("href")) say("link", element);
  }
  for (const element of document.querySelectorAll(written)) if (element.children.length) say("element in text", element);
  for (const [id, count] of ids) if (count > 1) found.push("id " + id + " stands " + count + " times");
  for (const [id, name] of [["turns", "div"], ["composer", "form"], ["question", "textarea"], ["texts", "template"], ["toasts", "div"], ["main", "main"]]) {
    const own = document.getElementById(id);
    if (own && own.localName !== name) say("clobbered", own);
  }
  if (typeof document.body?.append !== "function" || typeof document.querySelector !== "function") found.push("the document is clobbered");
  if (document.documentElement.scrollWidth > innerWidth) found.push("the page scrolls sideways");
  if (window.hit !== undefined) found.push("a script ran");
  if (/^stolen/.test(document.title) || document.body.className === "stolen") found.push("the page was taken over");
  return found;
}"""


class Guard:
    """A browser whose pages are watched: what they ask for, what they complain about, what they open."""

    def __init__(self, app: App, context: BrowserContext) -> None:
        self.app = app
        self.context = context
        self.wrong: list[str] = []
        context.on("request", lambda request: self._asked(request.method, request.url))
        context.on("page", self._opened)
        context.on("dialog", self._alarmed)
        context.on("console", lambda told: self._complained(told.type, told.text))
        context.on("weberror", lambda error: self.wrong.append(str(error.error)))
        self.page = context.new_page()

    def _asked(self, method: str, address: str) -> None:
        path = address.removeprefix(self.app.address).partition("?")[0]
        if not address.startswith(self.app.address + "/") or not OURS.fullmatch(path):
            self.wrong.append(f"{method} {address}")

    def _alarmed(self, dialog: Dialog) -> None:
        self.wrong.append(f"dialog {dialog.message}")
        dialog.dismiss()

    def _complained(self, kind: str, words: str) -> None:
        if kind == "error" and not REFUSED.search(words):
            self.wrong.append(words)

    def _opened(self, page: Page) -> None:
        if len(self.context.pages) > 1:
            self.wrong.append(f"opened {page.url}")

    def judge(self, words: str = "") -> None:
        """Fail where something on the page, or of what it did until now, is not ours."""
        found = self.page.evaluate(
            FOUND, [sorted(TAGS), _lists(ATTRIBUTES), _lists(ALLOWED_CLASSES), WRITTEN_TEXT]
        )
        assert found == []
        assert self.wrong == []
        if words:
            assert words in self.page.content()

    def visit(self, address: str, words: str = "") -> None:
        """Open a page and judge it; the encoded `words` have to be on it."""
        self.page.goto(address)
        # A busy machine may answer so late that the page of the server that is gone stands there for a moment.
        self.page.wait_for_function("words => document.documentElement.innerHTML.includes(words)", arg=words)
        self.judge(words)


def _lists(sets: dict[str, set[str]]) -> dict[str, list[str]]:
    return {name: sorted(values) for name, values in sets.items()}


@pytest.fixture
def guard(app: App) -> Iterator[Guard]:
    """A watched browser of the owner's."""
    app.gate.open()
    with app.context() as context:
        found = Guard(app, context)
        found.page.goto("/")
        yield found
        app.gate.open()
        app.upstream.faults = ()
        assert found.wrong == []


@pytest.fixture(scope="module")
def data(app: App) -> Iterator[Database]:
    """The server's database, from beside it."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PIERIAN_HOME", str(app.home))
        place = paths().database
    app.context().close()  # it is made by the first visit
    with open_storage("", place) as database:
        yield database


def armed(text: str) -> str:
    return text.replace(*ALARM)


GROUPS = {part: SHORT[part::3] for part in range(3)}


@pytest.mark.parametrize("part", GROUPS)
def test_an_answer_does_nothing_while_it_is_written_and_after(app: App, guard: Guard, part: int) -> None:
    text = armed("\n\n".join(GROUPS[part]))

    async def written() -> AsyncGenerator[str]:
        for at in range(0, len(text), 47):
            yield text[at : at + 47]
            await asyncio.sleep(0.002)
            if at > len(text) // 2:
                await app.gate.passed()
        yield f"\n\nThe end of part {part}."

    app.said[f"Part {part}"] = written
    app.gate.shut()
    ask(guard.page, f"Part {part}", "instant")
    expect(guard.page.locator(".answer .block").nth(20)).to_be_attached()
    guard.judge()
    app.gate.open()
    answered(guard.page, f"The end of part {part}.")
    guard.judge()
    guard.page.locator(".answer .code").first.scroll_into_view_if_needed()
    expect(guard.page.locator(".answer .code-button").first).to_be_attached()  # code has its buttons now
    guard.judge()
    guard.page.set_viewport_size({"width": 390, "height": 860})
    guard.page.reload()
    answered(guard.page, f"The end of part {part}.")
    guard.judge()


def test_thoughts_and_drafts_do_nothing(app: App, guard: Guard) -> None:
    app.said["Many ways"] = armed("\n\n".join(SHORT[::9]) + "\n\nSo it is.")
    ask(guard.page, "Many ways, how many are there?", "contemplating")
    expect(guard.page.locator(".drafts .draft").first).to_be_attached()
    guard.judge()
    answered(guard.page, "So it is.")
    for fold in guard.page.locator(".turn-assistant details > summary:visible").all():
        fold.click()
    guard.judge()
    guard.page.reload()
    answered(guard.page, "So it is.")
    for name in ("thoughts", "drafts"):
        if guard.page.locator(f".{name}:visible").count():
            guard.page.locator(f".{name} > summary").click()
    guard.judge()


def test_a_question_stays_as_it_was_typed(guard: Guard) -> None:
    question = armed("\n".join(one for one in SHORT if one.isprintable() or "\n" in one)).replace("\r", "")
    question = "".join(one for one in question if one == "\n" or one.isprintable())
    guard.page.locator("#question").fill(question)
    guard.page.locator("#send").click()
    answered(guard.page, "A plain answer.")
    guard.judge()
    asked = guard.page.locator("[data-question]")
    assert asked.text_content() == question.strip()
    guard.page.locator(".turn-user").hover()
    guard.page.locator("[data-edit]").click()
    assert guard.page.locator("#edit-question").input_value() == question.strip()
    guard.judge()
    guard.page.locator("[data-cancel-edit]").click()
    guard.page.reload()
    assert asked.text_content() == question.strip()
    guard.judge()


def test_titles_stay_text_at_the_side_in_search_and_on_their_page(guard: Guard, data: Database) -> None:
    store = Conversations(data)
    titles = [armed(one)[:200] for one in (*SHORT[::5], *NAMES)]
    made = [store.ask("", f"said: {title}", "", title=title) for title in titles]
    for one in made:
        store.finish(one.conversation, one.answer_position, "So be it.", None, "model")
    guard.visit("/", "onerror=alert(window.hit=1)&gt;")
    expect(guard.page.locator(".side-title").nth(90)).to_be_attached()
    guard.visit("/search?words=alert", "<mark>alert</mark>")
    for words in (
        NAME,
        "</title><script>alert(window.hit=1)</script>",
        "<hx-partial hx-target='#turns' hx-swap='delete'>",
        "\"'`=%&",
    ):
        guard.page.goto("/")
        guard.page.keyboard.press("Control+k")
        guard.page.locator("[data-search-input]").fill(words)
        expect(guard.page.locator("#search-results :is(.result, .empty)").first).to_be_visible()
        guard.judge()
        guard.page.locator("[data-search-input]").press("Enter")
        guard.visit(f"/search?words={words.replace('%', '%25').replace('&', '%26').replace('#', '%23')}")
    guard.page.goto(f"/conversations/{made[0].conversation}")
    for title in ("</title><script>alert(window.hit=1)</script>", NAME, "<hx-partial hx-target='#turns' hx-swap='delete'>", "{name} {{ 7*7 }} %s"):  # fmt: skip
        guard.page.locator(".bar summary.round").click()
        guard.page.locator(".menu-panel [data-opens=rename]").click()
        guard.page.locator("#rename [name=title]").fill(title)
        guard.page.locator("#rename [type=submit]").click()
        expect(guard.page.locator("#title")).to_have_text(title)
        expect(guard.page.locator("[aria-current=page] .side-title")).to_have_text(title)
        assert title in guard.page.title()
        guard.judge()


def test_files_stay_text_in_the_composer_and_with_their_question(guard: Guard) -> None:
    names = [one for one in map(armed, NAMES) if 0 < len(one) < 120 and one.isprintable() and "/" not in one]
    chosen = [
        {"name": one, "mimeType": "text/plain", "buffer": armed("\n".join(SHORT[::5])).encode()[:2000]}
        for one in names[:9]
    ]
    empty = [{"name": one, "mimeType": "text/html", "buffer": b""} for one in names[9:15]]
    picker = guard.page.locator("#files")
    picker.set_input_files([*chosen, *empty])  # type: ignore[arg-type]
    expect(guard.page.locator(".attachment-ready")).to_have_count(len(chosen))
    expect(guard.page.locator(".attachment-failed")).to_have_count(len(empty))
    guard.judge()
    ask(guard.page, "What do they say?", "instant")
    answered(guard.page, "A plain answer.")
    expect(guard.page.locator(".turn-user .attachment-name")).to_have_count(len(chosen))
    guard.judge()
    with guard.page.expect_download() as download:
        guard.page.locator(".turn-user .attachment-file").first.click()
    assert not re.search(r'[<>:"/\\|?*]', download.value.suggested_filename)
    guard.judge()


def test_names_and_instructions_stay_text(app: App, guard: Guard, data: Database) -> None:
    users, keys = Users(data), Keys(data)
    owner = next(one for one in users.list() if one.role == "owner")
    names = [
        one
        for one in map(armed, (*NAMES, *SHORT))
        if 0 < len(one) <= 80 and one.isprintable() and one.isascii()
    ][:30]
    made = [users.create(f"{one[:76]} {number:02}") for number, one in enumerate(names)]
    for user, name in zip(made, names, strict=True):
        keys.create(user.id, name, Grant())
        Sessions(data).begin(owner.id, name)
    invites = Invites(data)
    for name in names[:5]:
        _, code = invites.create(owner.id, Grant(), "member", utc_now().replace(year=utc_now().year + 1))
        invites.accept(code, f"joined {name[:70]}")
    users.rename(owner.id, NAME)
    try:
        for page in ("/", "/people", "/keys", "/settings", "/usage", "/runs"):
            guard.visit(page, "&lt;img src=x onerror=alert(window.hit=1)&gt;")
        instructions = armed("</textarea>" + "\n".join(one for one in SHORT if one.isprintable()))[:7900]
        guard.page.goto("/settings")
        guard.page.locator("[name=instructions]").fill(instructions)
        guard.page.locator("form[action='/settings'] [type=submit]").click()
        expect(guard.page.locator(".saved")).to_be_visible()
        assert guard.page.locator("[name=instructions]").input_value() == instructions.strip()
        guard.judge()
        guard.page.locator("[name=budget_tokens]").evaluate(
            "(field, words) => { field.type = 'text'; field.value = words; }", NAME
        )
        guard.page.locator("form[action='/settings'] [type=submit]").click()
        expect(guard.page.locator("[name=budget_tokens]")).to_be_visible()
        guard.judge()
        with app.context(signed_in=False) as context:
            entering = Guard(app, context)
            entering.page.goto(f"/welcome/{Links(data).create(made[0].id)}")
            entering.judge()
            entering.page.goto(f"/sign-in?next={NAME}")
            entering.page.get_by_label("Name").fill(NAME)
            entering.page.get_by_label("Password").fill("not the right one")
            entering.page.get_by_role("button", name="Sign in").click()
            expect(entering.page.get_by_role("alert")).to_be_visible()
            entering.judge()
    finally:
        users.rename(owner.id, "owner")
        guard.page.goto("/settings")
        guard.page.locator("[name=instructions]").fill("")
        guard.page.locator("form[action='/settings'] [type=submit]").click()
        expect(guard.page.locator(".saved")).to_be_visible()


@contextmanager
def planning(app: App, *steps: dict[str, Any]) -> Generator[None]:
    """The double plans these steps, while the block lasts."""
    before = app._plan  # pyright: ignore[reportPrivateUsage]
    app._plan = lambda asked: json.dumps({"steps": steps})  # type: ignore[method-assign]
    try:
        yield
    finally:
        app._plan = before  # type: ignore[method-assign]


def test_what_is_to_be_approved_and_what_came_of_it_stay_text(app: App, guard: Guard) -> None:
    place = app.notes / f"{NAME}.txt"
    text = armed("\n".join(SHORT[::4]))
    write = {"call": "file_write", "arguments": {"path": str(place), "text": text}}
    lost = {"call": "file_read", "arguments": {"path": str(app.notes / f"none {NAME}")}}
    with planning(app, write, lost):
        ask(guard.page, f"Carry it out, {NAME}", "instant")
        approve = guard.page.locator(".approval [value=yes]")
        expect(approve).to_be_visible()
        guard.judge()
        assert NAME in guard.page.locator(".approval").inner_text()
        approve.click()
        answered(guard.page, "A plain answer.")
    assert place.exists()
    guard.judge()
    guard.page.reload()
    answered(guard.page, "A plain answer.")
    for fold in guard.page.locator(".turn-assistant details > summary:visible").all():
        fold.click()
    guard.judge()
    guard.visit("/runs", "&lt;img src=x")


def test_what_a_model_server_says_when_it_fails_stays_text(app: App, guard: Guard) -> None:
    for status, words in (
        (400, NAME),
        (500, "</p><script>alert(window.hit=1)</script>"),
        (418, "<hx-partial hx-target='#turns'>"),
    ):
        app.upstream.faults = (Refuse(status, words),)
        ask(guard.page, f"It fails with {status}", "instant")
        expect(guard.page.locator(".turn-assistant .status-error").last).to_be_visible()
        guard.judge()
    guard.page.reload()
    guard.judge()


def test_what_is_shared_and_what_is_saved_do_nothing(app: App, guard: Guard, data: Database) -> None:
    store = Conversations(data)
    asked = store.ask("", armed("\n".join(SHORT[::6])), "", title=NAME)
    store.finish(asked.conversation, asked.answer_position, armed("\n\n".join(SHORT[::2])), None, "model")
    guard.page.goto(f"/conversations/{asked.conversation}")
    guard.page.get_by_role("button", name="Share").first.click()
    guard.page.locator("#share [type=submit]").click()
    address = guard.page.locator("#share-address")
    expect(address).to_be_visible()
    link = address.input_value()
    guard.judge()
    with app.context(signed_in=False) as context:
        reading = Guard(app, context)
        reading.visit(link, "&lt;img src=x onerror=alert(window.hit=1)&gt;")
    for kind, ending in (("markdown", "md"), ("json", "json")):
        saved = guard.context.request.get(f"/conversations/{asked.conversation}/export?format={kind}")
        assert saved.headers["content-type"] == "text/plain; charset=utf-8"
        assert saved.headers["x-content-type-options"] == "nosniff"
        assert re.fullmatch(
            rf'attachment; filename="conversation-\w+\.{ending}"', saved.headers["content-disposition"]
        )
        assert "alert(window.hit=1)" in saved.text()
