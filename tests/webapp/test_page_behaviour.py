"""How a conversation's page behaves under the hand: scrolling, focus, unsent text, messages, directions of writing."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Locator, Page, Route, expect
from tests.webapp.browsing import PASSWORD, App, answered, ask, choose, complaints_of

from pierian.webapp.rendering import fragment, number
from pierian.webapp.sidebar import LISTED
from pierian.webapp.views import ConversationLine

LONG = "\n\n".join(f"Paragraph {number} of a long answer." for number in range(60))
HEBREW = "שלום עולם, זאת תשובה.\n\n- פריט ראשון\n\n```python\nprint(1)\n```"
FRAME = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 50))))"
"""Until whatever follows a change of size has followed it."""
AT_THE_END = "() => document.scrollingElement.scrollHeight - innerHeight - scrollY < 5"


@pytest.fixture(autouse=True, scope="module")
def said(app: App) -> None:
    """More that the double has to say, for this file."""
    app.said.update({"Long": LONG, "Hebrew": HEBREW})


def top(place: Locator) -> float:
    return place.evaluate("one => one.getBoundingClientRect().top")


def direction(place: Locator) -> str:
    return place.evaluate("one => getComputedStyle(one).direction")


def test_what_is_opened_at_the_end_stays_in_sight(page: Page) -> None:
    ask(page, "Long, please.", "instant")
    answered(page, "Paragraph 59")
    page.wait_for_function(AT_THE_END)
    summary = page.locator(".receipt > summary")
    before = top(summary)
    summary.click()
    expect(page.locator(".receipt-body")).to_be_visible()
    page.evaluate(FRAME)
    assert top(summary) == pytest.approx(before, abs=2)


def test_an_answer_is_followed_while_it_is_written_and_to_its_end(app: App, page: Page) -> None:
    async def grows() -> AsyncGenerator[str]:
        yield LONG
        await app.gate.passed()
        yield f"\n\nAnd on.\n\n{LONG}\n\nThe end."

    app.said["Growing"] = grows
    app.gate.shut()
    ask(page, "Growing, please.", "instant")
    expect(page.locator(".answer")).to_contain_text("Paragraph 5")
    page.wait_for_function(AT_THE_END)
    app.gate.open()
    answered(page, "The end.")
    page.wait_for_function(AT_THE_END)


def test_the_mode_that_is_shown_is_the_one_that_is_sent(page: Page) -> None:
    choose(page, "instant")
    choose(page, "contemplating")
    page.goto("/settings")
    page.go_back()
    # The browser brings back what was chosen.
    expect(page.locator('#modes [name="mode"][value="contemplating"]')).to_be_checked()
    expect(page.locator(".mode-shown:visible")).to_contain_text("Contemplating")


def test_a_question_waits_for_its_files_and_is_sent_then(page: Page) -> None:
    held: list[Route] = []
    page.route("**/attachments", lambda route: held.append(route))
    page.locator("#files").set_input_files(
        {"name": "spring.txt", "mimeType": "text/plain", "buffer": b"water"}
    )
    expect(page.locator(".attachment-waiting")).to_be_visible()
    page.locator("#question").fill("What is in the file?")
    page.locator("#send").click()
    expect(page.locator("#waits")).to_contain_text("Sent as soon as the files are there")
    held[0].continue_()
    expect(page.locator(".turn-user")).to_contain_text("spring.txt")
    expect(page.locator(".turn-user")).to_contain_text("What is in the file?")


def test_a_question_is_not_sent_without_the_file_that_it_waited_for(page: Page) -> None:
    held: list[Route] = []
    page.route("**/attachments", lambda route: held.append(route))
    page.locator("#files").set_input_files(
        {"name": "spring.txt", "mimeType": "text/plain", "buffer": b"water"}
    )
    page.locator("#question").fill("What is in the file?")
    page.locator("#send").click()
    expect(page.locator("#waits")).not_to_be_empty()
    held[0].abort()
    expect(page.locator(".toast")).to_contain_text("Not sent: a file is missing")
    expect(page.locator("#waits")).to_be_empty()
    expect(page.locator("#question")).to_have_value("What is in the file?")


@pytest.mark.parametrize("place", ["new", "old"])
def test_a_message_covers_nothing_of_the_composer(page: Page, place: str) -> None:
    if place == "old":
        ask(page, "Long, please.", "instant")
        answered(page, "Paragraph 59")
    page.route("**/ask", lambda route: route.fulfill(status=500))
    page.locator("#question").fill("One\ntwo\nthree\nfour")
    page.locator("#send").click()
    expect(page.locator(".toast")).to_be_visible()
    toast, composer = page.locator(".toast").bounding_box(), page.locator("#composer").bounding_box()
    assert toast and composer
    assert toast["y"] + toast["height"] <= composer["y"]
    assert toast["y"] >= 0


def test_what_is_written_from_right_to_left_is_shown_so(page: Page) -> None:
    page.locator("#question").fill("שאלה: Hebrew?")
    assert direction(page.locator("#question")) == "rtl"
    page.locator("#send").click()
    answered(page, "שלום")
    assert direction(page.locator(".question-text")) == "rtl"
    assert direction(page.locator(".answer p").first) == "rtl"
    assert direction(page.locator(".answer li").first) == "rtl"
    assert direction(page.locator(".answer .code")) == "ltr"
    assert direction(page.locator(".bar-title")) == "rtl"
    assert direction(page.locator(".side-title", has_text="שאלה").first) == "rtl"
    page.locator(".turn-user").hover()
    page.locator("[data-edit]").click()
    assert direction(page.locator(".edit textarea")) == "rtl"
    page.goto("/search?words=שאלה")
    assert direction(page.locator(".result-title").first) == "rtl"
    assert direction(page.locator(".result-excerpt").first) == "rtl"
    assert direction(page.locator("main [type=search]")) == "rtl"


def test_one_types_on_after_asking(page: Page, width: int) -> None:
    ask(page, "What is a spring?", "instant")
    answered(page, "A plain answer.")
    if width < 600:  # its keyboard would cover the answer
        expect(page.locator("#question")).not_to_be_focused()
        return
    expect(page.locator("#question")).to_be_focused()
    page.locator("#send").focus()
    page.keyboard.press("Tab")  # out of the field
    page.locator(".turn-assistant").get_by_label("Answer again").click()
    page.get_by_role("button", name="Again in Thinking").click()
    expect(page.locator(".versions-count")).to_have_text("2/2")
    expect(page.locator("#question")).to_be_focused()


def test_the_focus_stays_on_the_arrows_between_versions(page: Page) -> None:
    ask(page, "What is a spring?", "instant")
    answered(page, "A plain answer.")
    for count in ("2/2", "3/3"):
        page.locator(".turn-assistant").get_by_label("Answer again").click()
        page.get_by_role("button", name="Again in Instant").click()
        expect(page.locator(".versions-count")).to_have_text(count)
        answered(page, "A plain answer.")
    page.get_by_label("Previous version").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".versions-count")).to_have_text("2/3")
    expect(page.get_by_label("Previous version")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".versions-count")).to_have_text("1/3")
    expect(page.get_by_label("Next version")).to_be_focused()  # there is none before


def test_each_tab_keeps_its_own_unsent_text(page: Page) -> None:
    other = page.context.new_page()
    other.goto("/")
    page.locator("#question").fill("Typed in the first tab")
    other.locator("#question").fill("Typed in the second tab")
    page.reload()
    expect(page.locator("#question")).to_have_value("Typed in the first tab")
    page.locator("#send").click()
    answered(page, "A plain answer.")
    other.reload()
    expect(other.locator("#question")).to_have_value("Typed in the second tab")
    page.goto("/")
    expect(page.locator("#question")).to_have_value("")
    other.close()
    later = page.context.new_page()
    later.goto("/")
    expect(later.locator("#question")).to_have_value("Typed in the second tab")


def test_who_signs_out_leaves_nothing_typed_behind(app: App) -> None:
    with app.context(signed_in=False) as context:
        page = context.new_page()
        page.goto("/sign-in")
        with app.context() as owner:
            known = owner.new_page()
            known.goto("/")
            name = known.locator(".side-person-name").inner_text()
        page.get_by_label("Name").fill(name)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/")
        page.locator("#question").fill("A secret")
        page.locator(".side-person summary").click()
        page.get_by_role("button", name="Sign out").click()
        page.wait_for_url("**/sign-in")
        kept = page.evaluate("JSON.stringify({ ...localStorage }) + JSON.stringify({ ...sessionStorage })")
        assert "secret" not in kept


def test_where_a_conversation_is_gone_nothing_is_being_written(app: App, page: Page) -> None:
    app.gate.shut()
    ask(page, "Gated, please.", "instant")
    expect(page.locator("#stop")).to_be_visible()
    expect(page.locator(".answer")).to_contain_text("The first half")
    page.request.post(page.url + "/delete", headers={"origin": app.address})
    expect(page.locator("#connection")).to_contain_text("no longer exists")
    expect(page.locator("#stop")).to_be_hidden()
    expect(page.locator("#send")).to_be_visible()
    expect(page.locator("#turns .ripple")).to_have_count(0)
    expect(page.locator("#turns .status:visible")).to_have_count(0)
    expect(page.locator('[aria-busy="true"]')).to_have_count(0)


def test_a_long_question_is_folded_and_opens_by_the_keyboard(page: Page) -> None:
    page.locator("#question").fill("\n".join(f"Line {line}" for line in range(2000)))
    page.locator("#send").click()
    answered(page, "A plain answer.")
    question, fold = page.locator(".question-text"), page.locator(".question-all > summary")
    assert question.evaluate("one => one.offsetHeight < innerHeight")
    expect(fold.get_by_text("Show all")).to_be_visible()
    fold.press("Enter")
    assert question.evaluate("one => one.offsetHeight > 10 * innerHeight")
    expect(fold.get_by_text("Show less")).to_be_visible()
    expect(fold.get_by_text("Show all")).to_be_hidden()
    fold.press("Enter")
    assert question.evaluate("one => one.offsetHeight < innerHeight")


def test_on_the_narrowest_screen_everything_is_in_reach(app: App) -> None:
    with app.context(320) as context:
        page = context.new_page()
        page.goto("/")
        page.locator("#question").fill("\n".join(f"Line {line}" for line in range(60)))
        page.evaluate("scrollTo(0, 0)")
        assert page.locator("#send").evaluate("one => one.getBoundingClientRect().bottom <= innerHeight")
        page.evaluate(FRAME)
        expect(page.locator("#latest")).to_be_hidden()
        page.goto("/usage")
        assert page.locator(".bar-title").evaluate("one => one.scrollWidth <= one.clientWidth")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_search_dialog_is_closed_by_one_cross(page: Page) -> None:
    page.keyboard.press("Control+k")
    field = page.locator("#search [name=words]")
    field.fill("spring")
    box = field.bounding_box()
    assert box
    # Where browsers put a cross of their own, there is none to hit.
    page.mouse.click(box["x"] + box["width"] - 8, box["y"] + box["height"] / 2)
    expect(field).to_have_value("spring")


def test_the_list_says_where_older_conversations_are() -> None:
    now = datetime.now(UTC)
    lines = [ConversationLine(f"c{n}", f"Title {n}", now, 2) for n in range(LISTED)]
    assert 'href="/search"' in fragment("conversations.html", conversations=lines, current="")
    assert 'href="/search"' not in fragment("conversations.html", conversations=lines[1:], current="")


def test_numbers_have_decimals_only_where_they_say_something() -> None:
    assert [number(value) for value in (30267.04, 45.44, 9.876, 7.0)] == ["30,267", "45.4", "9.88", "7"]


def test_with_motion_an_answer_is_streamed_without_complaints(app: App, page: Page) -> None:
    page.emulate_media(reduced_motion="no-preference")
    page.reload()
    complaints = complaints_of(page)
    app.gate.shut()
    ask(page, "Gated, please.", "instant")
    expect(page.locator(".answer")).to_contain_text("The first half")
    moving = "one => one.getAnimations({ subtree: true }).some((motion) => motion.playState === 'running')"
    assert page.locator(".status .ripple").evaluate(moving)
    app.gate.open()
    answered(page, "and the second half.")
    page.locator(".receipt > summary").click()
    expect(page.locator(".receipt-body")).to_be_visible()
    assert complaints == []
