"""A page that stays open: networks that go, sessions that end, many tabs, questions at the same moment."""

from __future__ import annotations

from playwright.sync_api import Page, expect
from tests.webapp.browsing import PASSWORD, App, answered, ask

from pierian.testing import Refuse

HIDDEN = """() => {
  Object.defineProperty(document, "hidden", { configurable: true, get: () => true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""
EIGHT_AT_ONCE = """async (conversation) => {
  const form = new URLSearchParams({ conversation, question: "Gated question", mode: "instant" });
  const asked = [...Array(8)].map(() => fetch("/ask", { method: "POST", body: form, headers: { "HX-Request": "true" } }));
  return (await Promise.all(asked)).map((answer) => answer.status).sort();
}"""


def test_the_network_goes_and_comes_back(app: App, page: Page) -> None:
    banner = page.locator("#connection")
    for place in ("/", ""):
        if place != "/":
            ask(page, "First question", "instant")
            answered(page, "A plain answer.")
        page.evaluate("window.dispatchEvent(new Event('offline'))")
        page.evaluate("window.dispatchEvent(new Event('online'))")
        expect(banner).to_be_hidden()
    page.evaluate("window.dispatchEvent(new Event('offline'))")
    expect(banner).to_be_visible()
    page.evaluate("window.dispatchEvent(new Event('online'))")
    expect(banner).to_be_hidden()
    ask(page, "And now?", "instant")
    answered(page, "A plain answer.")


def test_tabs_that_nobody_looks_at_leave_connections_to_others(page: Page) -> None:
    ask(page, "First question", "instant")
    answered(page, "A plain answer.")
    for number in range(8):
        tab = page.context.new_page()
        if number % 2:
            tab.add_init_script(f"({HIDDEN})()")  # opened in the background
        tab.goto(page.url)
        tab.evaluate(HIDDEN)
    ask(page, "And now?", "instant")
    answered(page, "A plain answer.")


def test_a_session_that_is_ended_elsewhere_reads_no_further(app: App, width: int) -> None:
    app.context().close()  # there is an owner
    app.gate.shut()
    with app.context(width, signed_in=False) as context:
        page = context.new_page()
        page.goto("/sign-in")
        page.get_by_label("Name").fill("owner")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        ask(page, "Gated question", "instant")
        expect(page.locator(".answer")).to_contain_text("The first half")
        page.request.post("/sign-out", headers={"Origin": app.address}, max_redirects=0)
        expect(page.locator("#connection")).to_contain_text("signed out")
        expect(page.locator("#connection-link")).to_be_visible()
        app.gate.open()
        with app.context() as other:
            elsewhere = other.new_page()
            elsewhere.goto(page.url)
            answered(elsewhere, "second half")
        expect(page.locator(".answer")).not_to_contain_text("second half")


def test_one_question_at_a_time_also_at_the_same_moment(app: App, page: Page) -> None:
    ask(page, "First question", "instant")
    answered(page, "A plain answer.")
    app.gate.shut()
    conversation = page.url.rpartition("/")[2]
    assert page.evaluate(EIGHT_AT_ONCE, conversation) == [204] + 7 * [400]
    expect(page.locator(".turn")).to_have_count(4)


def test_what_an_edit_has_typed_survives_a_restart_of_the_server(app: App, page: Page) -> None:
    ask(page, "First question", "instant")
    answered(page, "A plain answer.")
    page.locator(".turn-user [data-edit]").click()
    page.locator(".edit textarea").fill("Second question")
    page.locator(".edit .button-main").click()
    expect(page.locator("[data-question]")).to_have_text("Second question")
    answered(page, "A plain answer.")
    page.locator(".turn-user [data-edit]").click()
    page.locator(".edit textarea").fill("half a thought")
    app.stop()
    expect(page.locator("#connection")).to_be_visible()
    app.start()
    expect(page.locator("#connection")).to_be_hidden()
    assert page.locator(".edit textarea").input_value() == "half a thought"


def test_an_edited_question_keeps_its_files_and_its_mode(app: App, page: Page) -> None:
    file = {"name": "spring.txt", "mimeType": "text/plain", "buffer": b"It lies in Macedonia."}
    page.locator("#files").set_input_files([file])
    expect(page.locator("#attachments .attachment-ready")).to_be_visible()
    ask(page, "Where?", "instant")
    answered(page, "A plain answer.")
    page.locator(".turn-user [data-edit]").click()
    page.locator(".edit textarea").fill("Where exactly?")
    page.locator(".edit .button-main").click()
    expect(page.locator("[data-question]")).to_have_text("Where exactly?")
    answered(page, "A plain answer.")
    expect(page.locator(".question .attachments")).to_contain_text("spring.txt")
    expect(page.locator(".receipt-line")).not_to_contain_text("Auto")
    assert "Macedonia" in str(app.upstream.bodies[-1]["messages"])


def test_a_plan_that_is_stopped_asks_for_nothing_any_more(app: App, page: Page) -> None:
    ask(page, "Write a note that says hello")
    expect(page.locator(".approval")).to_be_visible()
    page.locator("#stop").click()
    for _ in range(2):
        expect(page.locator(".status-cancelled, .status-stopped")).to_be_visible()
        expect(page.get_by_role("button", name="Approve")).to_have_count(0)
        expect(page.locator(".approval-decided")).to_contain_text("Withdrawn")
        expect(page.locator(".turn-assistant")).not_to_contain_text("pierian approvals")
        page.reload()


def test_a_run_that_waits_for_its_model_says_why(app: App, page: Page) -> None:
    app.upstream.faults = (Refuse(503, "loading"),)
    ask(page, "First question", "instant")
    expect(page.locator(".status-words")).to_contain_text("tried again")
    app.upstream.faults = ()
    answered(page, "A plain answer.")
