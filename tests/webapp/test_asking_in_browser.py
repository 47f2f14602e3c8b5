"""Asking on the page, in every mode, and what stays of an answer when pages reload, tabs double or servers end."""

from __future__ import annotations

import re
import signal

import pytest
from playwright.sync_api import Page, Route, expect
from tests.webapp.browsing import App, answered, ask

from pierian.testing import Refuse


@pytest.mark.parametrize("mode", ["auto", "instant", "thinking", "contemplating"])
def test_a_question_is_answered_in_each_mode(page: Page, mode: str) -> None:
    ask(page, "Half of 84?", mode)
    answered(page, "42")
    receipt = page.locator(".turn-assistant .receipt")
    expect(receipt).to_contain_text("tokens")
    if mode != "auto":
        expect(receipt).to_contain_text(mode.capitalize())
    expect(page.locator("#title")).to_have_text("Half of 84?")
    expect(page).to_have_title(re.compile("Half of 84"))
    page.reload()
    answered(page, "42")


def test_an_answer_is_seen_while_it_is_written_and_survives_a_reload(app: App, page: Page) -> None:
    app.gate.shut()
    ask(page, "Gated question", "instant")
    answer = page.locator(".turn-assistant .answer")
    expect(answer).to_contain_text("The first half")
    expect(page.locator("#stop")).to_be_visible()
    page.reload()
    expect(answer).to_contain_text("The first half")
    expect(page.locator("#stop")).to_be_visible()
    app.gate.open()
    answered(page, "The first half and the second half.")
    expect(page.locator("#stop")).to_be_hidden()
    expect(page.locator("#send")).to_be_visible()


def test_an_answer_is_stopped_with_what_there_is(app: App, page: Page) -> None:
    app.gate.shut()
    ask(page, "Gated question", "instant")
    expect(page.locator(".answer")).to_contain_text("The first half")
    page.locator("#stop").click()
    expect(page.locator(".cut-short, .status-stopped")).to_be_visible()
    expect(page.locator("#send")).to_be_visible()
    page.reload()
    expect(page.locator(".answer")).to_contain_text("The first half")
    app.gate.open()
    ask(page, "And another", "instant")
    answered(page, "A plain answer.")


def test_two_tabs_show_the_same(app: App, page: Page) -> None:
    ask(page, "First question", "instant")
    answered(page, "A plain answer.")
    with page.context.new_page() as other:
        other.goto(page.url)
        app.gate.shut()
        ask(page, "Gated question", "instant")
        expect(other.locator(".answer").last).to_contain_text("The first half")
        app.gate.open()
        answered(other, "second half")
        answered(page, "second half")
        ask(other, "From the other tab", "instant")
        answered(page, "A plain answer.")
        assert page.locator(".turn").count() == other.locator(".turn").count() == 6


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_server_that_is_started_again_goes_on_with_the_answer(
    app: App, page: Page, how: signal.Signals
) -> None:
    app.gate.shut()
    ask(page, "Gated question", "instant")
    expect(page.locator(".answer")).to_contain_text("The first half")
    page.locator("#question").fill("typed meanwhile")
    app.stop(how)
    expect(page.locator("#connection")).to_be_visible()
    app.start()
    expect(page.locator("#connection")).to_be_hidden()
    app.gate.open()
    answered(page, "The first half and the second half.")
    assert page.locator("#question").input_value() == "typed meanwhile"
    assert page.locator(".turn").count() == 2


def test_a_question_is_edited_and_both_branches_stay(page: Page) -> None:
    ask(page, "First question", "instant")
    answered(page, "A plain answer.")
    page.locator(".turn-user [data-edit]").click()
    page.locator(".edit textarea").fill("Half of 84?")
    page.locator(".edit .button-main").click()
    answered(page, "42")
    assert page.locator(".turn").count() == 2
    versions = page.locator(".turn-user .versions")
    expect(versions).to_contain_text("2/2")
    versions.get_by_role("button", name="Previous version").click()
    expect(page.locator("[data-question]")).to_have_text("First question")
    answered(page, "A plain answer.")
    page.reload()
    expect(page.locator("[data-question]")).to_have_text("First question")
    expect(versions).to_contain_text("1/2")


def test_an_answer_is_made_again_in_another_mode(page: Page) -> None:
    ask(page, "Half of 84?", "instant")
    answered(page, "42")
    page.locator(".turn-assistant .actions summary").click()
    page.get_by_role("button", name="Again in Thinking").click()
    expect(page.locator(".turn-assistant .versions")).to_contain_text("2/2")
    answered(page, "42")
    expect(page.locator(".receipt")).to_contain_text("Thinking")
    assert page.locator(".turn").count() == 2


def test_mathematics_and_code_stand_in_an_answer(page: Page) -> None:
    ask(page, "Some mathematics", "instant")
    answered(page, "The area")
    assert page.locator(".answer math").count() == 2
    expect(page.locator(".answer .code").get_by_role("button", name="Copy")).to_be_visible()


def test_a_drawing_is_shown_in_a_sealed_frame(page: Page) -> None:
    ask(page, "Make a drawing", "instant")
    answered(page, "")
    page.get_by_role("button", name="Show", exact=True).click()
    frame = page.frame_locator(".turn-assistant iframe")
    expect(frame.locator("img[src^='data:image/svg']")).to_be_visible()


@pytest.mark.parametrize("button", ["Approve", "Reject"])
def test_a_plan_asks_in_its_place(app: App, page: Page, button: str) -> None:
    note = app.notes / "note.txt"
    note.unlink(missing_ok=True)
    ask(page, "Write a note that says hello")
    approval = page.locator(".plan .approval")
    expect(approval).to_contain_text("file_write")
    expect(approval).to_contain_text("hello")
    assert not note.exists()
    page.reload()
    approval.get_by_role("button", name=button).click()
    answered(page, "")
    assert note.exists() is (button == "Approve")
    for _ in range(2):
        expect(page.locator(".plan")).not_to_have_attribute("open", "")
        page.locator(".plan > summary").click()
        expect(approval.locator(".approval-decided")).to_be_visible()
        page.reload()


def test_what_was_unfolded_stays_when_the_stream_comes_late(page: Page) -> None:
    ask(page, "With 18 pens at 3 for 2 euros, what do they cost?", "thinking")
    answered(page, "12")
    late: list[Route] = []
    page.route("**/live?*", lambda route: late.append(route))
    page.reload()
    page.locator(".thoughts > summary").click()
    thoughts = page.locator(".thoughts-body")
    expect(thoughts).to_contain_text("answer = 18")
    with page.expect_response("**/live?*"):
        late[0].continue_()
    ask(page, "And another", "instant")
    answered(page, "A plain answer.")
    expect(thoughts.first).to_contain_text("answer = 18")


def test_a_file_goes_with_its_question(app: App, page: Page) -> None:
    file = {
        "name": "spring.txt",
        "mimeType": "text/plain",
        "buffer": b"The Pierian spring lies in Macedonia.",
    }
    page.locator("#files").set_input_files([file])
    expect(page.locator("#attachments .attachment-ready")).to_contain_text("spring.txt")
    ask(page, "Where does it lie?", "instant")
    answered(page, "A plain answer.")
    expect(page.locator(".question .attachments")).to_contain_text("spring.txt")
    assert "Macedonia" in str(app.upstream.bodies[-1]["messages"])
    page.reload()
    expect(page.locator(".question .attachments")).to_contain_text("spring.txt")


def test_a_picture_is_refused_in_its_place(page: Page) -> None:
    file = {"name": "cat.png", "mimeType": "image/png", "buffer": b"\x89PNG\r\n\x1a\n"}
    page.locator("#files").set_input_files([file])
    expect(page.locator("#attachments .attachment-failed")).to_contain_text("cat.png is damaged")
    ask(page, "Without it", "instant")
    answered(page, "A plain answer.")


def test_a_conversation_that_is_deleted_elsewhere_says_so(page: Page) -> None:
    ask(page, "First question", "instant")
    answered(page, "A plain answer.")
    with page.context.new_page() as other:
        other.goto(page.url)
        other.locator(".bar .menu > summary, .menu-end > summary").first.click()
        other.get_by_role("button", name="Delete").first.click()
        other.locator("dialog[open]").get_by_role("button", name="Delete").click()
        expect(other).to_have_url(re.compile(r"/$"))
    expect(page.locator("#connection")).to_be_visible()
    expect(page.locator("#connection-words")).to_contain_text("no longer exists")


def test_thoughts_are_read_while_they_are_written_and_later(app: App, page: Page) -> None:
    app.gate.shut()
    ask(page, "Weigh it", "thinking")
    page.locator(".thoughts > summary").click()
    thoughts = page.locator(".thoughts-body")
    expect(thoughts).to_have_text("On the one hand,")
    app.gate.open()
    answered(page, "So be it.")
    expect(thoughts).to_have_text("On the one hand, on the other.")
    page.reload()
    page.locator(".thoughts > summary").click()
    expect(thoughts).to_have_text("On the one hand, on the other.")


def test_the_drafts_stand_side_by_side_when_the_answer_is_there_and_later(page: Page) -> None:
    ask(page, "Half of 84?", "contemplating")
    answered(page, "42")
    for _ in range(2):
        expect(page.locator(".drafts > summary")).to_contain_text("drafts")
        page.locator(".drafts > summary").click()
        expect(page.locator(".draft-text").first).to_contain_text("84 / 2")
        page.reload()


def test_the_list_and_the_title_follow_what_happens_elsewhere(app: App, page: Page) -> None:
    app.gate.shut()
    ask(page, "Gated question", "instant")
    line = page.locator('#conversations [aria-current="page"]')
    expect(line.locator(".ripple")).to_be_attached()
    app.gate.open()
    answered(page, "second half")
    expect(line.locator(".ripple")).not_to_be_attached()
    with page.context.new_page() as other:
        other.goto(page.url)
        other.locator(".bar .menu > summary").click()
        other.get_by_role("button", name="Rename").click()
        other.locator("#rename input[name=title]").fill("Something else")
        other.locator("#rename").get_by_role("button", name="Save").click()
        expect(other.locator("#title")).to_have_text("Something else")
        expect(page.locator("#title")).to_have_text("Something else")
        expect(page).to_have_title("Something else · Pierian")
        expect(line).to_contain_text("Something else")
        other.goto("/")
        ask(other, "A new one", "instant")
        expect(page.locator("#conversations .side-title").first).to_have_text("A new one")


def test_an_answer_that_failed_says_why_and_can_be_asked_for_again(app: App, page: Page) -> None:
    app.upstream.faults = (Refuse(500, "out of memory"),)
    ask(page, "First question", "instant")
    expect(page.locator(".status-failed")).to_be_visible()
    expect(page.locator(".status-failed")).not_to_contain_text("127.0.0.1")
    expect(page.locator("#send")).to_be_visible()
    page.reload()
    expect(page.locator("#conversations .ripple")).to_have_count(0)
    app.upstream.faults = ()
    page.get_by_role("button", name="Try again").click()
    answered(page, "A plain answer.")


def test_a_page_that_a_tool_wrote_is_shown_in_its_step(page: Page) -> None:
    ask(page, "Draw a page")
    page.get_by_role("button", name="Approve").click()
    answered(page, "artifact_write")
    page.locator(".step").get_by_role("button", name="Show").click()
    inner = page.frame_locator(".step iframe").frame_locator("iframe")
    expect(inner.locator("p")).to_have_text("Hello from a page")


def test_a_question_is_sent_before_any_script_has_come(app: App, width: int) -> None:
    with app.context(width) as context:
        page = context.new_page()
        held: list[Route] = []
        page.route("**/*.js", lambda route: held.append(route))
        page.goto("/", wait_until="commit")
        page.locator("#question").fill("First question")
        page.locator("#send").click()
        expect(page.locator("[data-question]")).to_have_text("First question")
        assert held
        page.unroute("**/*.js")
        page.reload()
        answered(page, "A plain answer.")


def test_a_check_is_opened_and_its_program_run_again(page: Page) -> None:
    ask(page, "How much are 18 pens at 3 for 2 euros?", "thinking")
    answered(page, "12")
    page.locator(".receipt > summary").click()
    check = page.locator(".check", has_text="program").first
    check.locator("summary").click()
    expect(check.locator("pre").first).to_contain_text("18 / 3 * 2")
    check.get_by_role("button", name="Run again").click()
    expect(check.locator(".check-result")).to_contain_text("12")
