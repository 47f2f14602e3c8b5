"""Search over everything that was said: from anywhere with the keyboard, on its page, and to the very message."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect
from tests.webapp.browsing import App

from pierian.config import Paths
from pierian.provenance import Origin
from pierian.storage import Conversations, open_database
from pierian.storage.turns import Saying


@pytest.fixture(scope="module", autouse=True)
def said(app: App) -> dict[str, str]:
    """Conversations to be found, by what they are for: a long one, one with branches, one by its title."""
    app.context().close()
    data = Paths(app.home / "config", app.home / "data", app.home / "state").database
    with open_database(data) as database:
        store = Conversations(database)
        turns = [
            Saying("user", f"Turn {n} has {'a cormorant' if n == 6 else 'little'}. " * 12, Origin.USER)
            if n % 2 == 0
            else Saying("assistant", f"Turn {n} is an answer.", Origin.MODEL)
            for n in range(120)
        ]
        long = store.append_all("", turns, title="A long one")
        birds = [
            Saying("user", "What swims?", Origin.USER),
            Saying("assistant", "A pelican swims.", Origin.MODEL),
        ]
        branched = store.append_all("", birds, title="Birds")
        again = store.retry(branched, 1, "run")
        store.finish(branched, again, "A gannet swims.", None, Origin.MODEL)
        titled = store.create("The albatross question").id
    return {"long": long, "branched": branched, "titled": titled}


@pytest.fixture(autouse=True)
def newest_branch(page: Page, said: dict[str, str]) -> None:
    """The branch with the gannet is the one that is shown."""
    page.request.post(f"/conversations/{said['branched']}/turns/2/show", max_redirects=0)


def dialog_with(page: Page, words: str) -> Locator:
    """The results for some words in the dialog."""
    page.keyboard.press("Control+k")
    dialog = page.locator("#search")
    expect(dialog.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type(words)
    return dialog


def in_sight(page: Page, position: int) -> None:
    """A turn is highlighted and stands on the screen."""
    turn = page.locator(f"#turn-{position}")
    expect(turn).to_be_in_viewport(ratio=0.5)
    assert turn.evaluate("turn => turn.matches(':target') && getComputedStyle(turn).backgroundColor") != (
        "rgba(0, 0, 0, 0)"
    )


def test_the_keyboard_finds_a_question_an_answer_and_a_title(page: Page, said: dict[str, str]) -> None:
    dialog = dialog_with(page, "SWIMS?")
    results = dialog.locator("[data-result]")
    expect(results).to_have_count(1)
    expect(results.first.locator("mark")).to_have_text("swims?")
    expect(results.first).to_contain_text("You")
    dialog.get_by_role("searchbox").fill("gannet")
    expect(results.first).to_contain_text("Pierian")
    dialog.get_by_role("searchbox").fill("albatross")
    expect(results.first).to_contain_text("Title")
    dialog.get_by_role("searchbox").fill("swims")
    expect(results).to_have_count(3)
    for key, place in (("Down", 0), ("Down", 1), ("Down", 2), ("Down", 2), ("Up", 1), ("Up", 0)):
        page.keyboard.press(f"Arrow{key}")
        expect(results.nth(place)).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(dialog.get_by_role("searchbox")).to_be_focused()
    dialog.get_by_role("searchbox").fill("albatross")
    expect(results).to_have_count(1)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/conversations/{said['titled']}")


def test_the_dialog_says_what_it_finds_when_nothing_and_closes_with_escape(page: Page) -> None:
    dialog = dialog_with(page, "zebra")
    expect(dialog).to_contain_text("Nothing found for “zebra”")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.keyboard.press("Control+k")
    assert dialog.get_by_role("searchbox").input_value() == "zebra"


def test_a_result_leads_to_a_message_beyond_the_first_turns(page: Page, said: dict[str, str]) -> None:
    dialog_with(page, "cormorant").locator("[data-result]").first.click()
    page.wait_for_url(f"**/conversations/{said['long']}?turn=6#turn-6")
    in_sight(page, 6)
    # The way to the end is whole, and what came before is still to be had.
    expect(page.locator("#turn-119")).to_be_attached()
    assert page.locator(".turn").count() < 120
    page.mouse.wheel(0, -9000)
    expect(page.locator("#turn-0")).to_be_attached()
    # The same result again, from this very page.
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    dialog = dialog_with(page, "cormorant")
    dialog.locator("[data-result]").first.click()
    expect(dialog).to_be_hidden()
    in_sight(page, 6)


def test_a_result_leads_to_a_message_in_a_branch_that_is_not_shown(page: Page, said: dict[str, str]) -> None:
    page.goto(f"/conversations/{said['branched']}")
    expect(page.locator("#turns")).to_contain_text("A gannet swims.")
    result = dialog_with(page, "pelican").locator("[data-result]").first
    expect(result).to_contain_text("in another version")
    result.click()
    page.wait_for_url(f"**/conversations/{said['branched']}?turn=1#turn-1")
    expect(page.locator("#turns")).to_contain_text("A pelican swims.")
    expect(page.locator("#turns")).not_to_contain_text("A gannet swims.")
    in_sight(page, 1)


def test_the_page_of_the_search_does_the_same(page: Page, said: dict[str, str]) -> None:
    page.goto("/search")
    page.get_by_role("main").get_by_role("searchbox").fill("  cormorant ")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search?words=*")
    assert page.get_by_role("main").get_by_role("searchbox").input_value() == "cormorant"
    expect(page.get_by_role("main")).to_contain_text("1 message found")
    page.get_by_role("main").get_by_role("link", name="A long one").click()
    in_sight(page, 6)
    page.goto("/search?words=%25")
    expect(page.get_by_role("main")).to_contain_text("Nothing found for “%”")
    page.goto("/search?words=%20")
    expect(page.get_by_role("main")).to_contain_text("Words from a question")
