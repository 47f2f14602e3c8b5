"""What can be done with a whole conversation: shared and taken back, renamed, exported, deleted."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Locator, Page, expect
from tests.webapp.browsing import App, answered, ask, complaints_of


def chosen(page: Page, name: str) -> None:
    """An entry of the conversation's menu."""
    page.get_by_label("More about this conversation").click()
    page.locator(".bar .menu-panel").get_by_text(name, exact=True).click()


def sharing(page: Page) -> Locator:
    """The dialog for sharing, opened."""
    if page.locator(".bar-share").is_visible():
        page.locator(".bar-share").click()
    else:
        chosen(page, "Share")
    return page.locator("#share")


def until(page: Page, true: Callable[[], bool]) -> None:
    """Wait until something is so outside of the page."""
    for _ in range(400):
        if true():
            return
        page.wait_for_timeout(25)
    raise AssertionError("It did not become so.")


def test_a_link_shows_the_conversation_as_it_stood_to_anybody_until_it_is_taken_back(
    app: App, page: Page, width: int
) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    ask(page, "What is half of 84? Half of 84", "instant")
    answered(page, "84 / 2 = 42")
    dialog = sharing(page)
    dialog.get_by_role("button", name="Make a link").click()
    dialog.get_by_role("button", name="Copy").click()
    expect(page.locator("#announcer")).to_have_text("Copied")
    link = page.evaluate("navigator.clipboard.readText()")
    assert link.startswith(f"{app.address}/shared/")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    ask(page, "A second question, in private")
    answered(page, "A plain answer.")
    with app.context(width, signed_in=False) as anybody:
        tab = anybody.new_page()
        complaints = complaints_of(tab)
        tab.goto(link)
        expect(tab.locator("h1")).to_have_text("What is half of 84? Half of 84")
        expect(tab.locator(".answer")).to_contain_text("84 / 2 = 42")
        assert "in private" not in tab.content()
        assert tab.locator("textarea, form, .sidebar").count() == 0
        assert "owner" not in tab.locator("body").inner_text()
        assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.reload()
        dialog = sharing(page)
        dialog.get_by_role("button", name="Share it as it stands now").click()
        expect(dialog.get_by_role("status")).to_contain_text("as it stands now")
        tab.reload()
        expect(tab.locator("#turns")).to_contain_text("in private")
        dialog.get_by_role("button", name="Take the link back").click()
        expect(dialog).to_contain_text("Nobody can read the page any more")
        assert tab.goto(link).status == 404  # type: ignore[union-attr]
        expect(tab.locator("h1")).to_contain_text("leads nowhere")
        dialog.get_by_role("button", name="Make a link").click()
        field = dialog.get_by_label("Address of the shared page")
        expect(field).to_be_visible()
        again = field.input_value()
        assert again != link
        tab.goto(again)
        expect(tab.locator(".answer").first).to_contain_text("84 / 2 = 42")
        assert tab.goto(link).status == 404  # type: ignore[union-attr]
        assert [one for one in complaints if "404" not in one] == []


def test_copying_works_at_an_address_without_tls_too(app: App, page: Page, width: int) -> None:
    """There browsers have no clipboard for scripts: what is selected is copied, as people would."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    ask(page, "Copy me", "instant")
    answered(page, "A plain answer.")
    place = page.url
    page.add_init_script("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    page.goto(place)
    dialog = sharing(page)
    dialog.get_by_role("button", name="Make a link").click()
    dialog.get_by_role("button", name="Copy").click()
    link = dialog.get_by_label("Address of the shared page").input_value()
    expect(page.locator("#announcer")).to_have_text("Copied")
    page.keyboard.press("Escape")
    other = page.context.new_page()
    other.goto("/")
    assert other.evaluate("navigator.clipboard.readText()") == link
    page.get_by_label("Copy the answer").click()
    assert page.locator("#toasts > *").count() == 0


def test_a_link_that_somebody_took_back_in_another_tab_is_said_to_be_gone(page: Page) -> None:
    ask(page, "Share me twice", "instant")
    answered(page, "A plain answer.")
    dialog = sharing(page)
    dialog.get_by_role("button", name="Make a link").click()
    expect(dialog.get_by_role("button", name="Take the link back")).to_be_visible()
    other = page.context.new_page()
    other.goto(page.url)
    second = sharing(other)
    second.get_by_role("button", name="Take the link back").click()
    expect(second).to_contain_text("Nobody can read")
    dialog.get_by_role("button", name="Take the link back").click()
    expect(page.locator("#toasts")).to_contain_text("taken back already")


def test_another_title_is_shown_everywhere(page: Page, width: int) -> None:
    ask(page, "A question with a poor title", "instant")
    answered(page, "A plain answer.")
    chosen(page, "Rename")
    field = page.locator("#rename").get_by_label("Title")
    expect(field).to_be_focused()
    name = f"Herons & <others> at {width}"
    field.fill(name)
    page.keyboard.press("Enter")
    expect(page.locator("#title")).to_have_text(name)
    expect(page).to_have_title(f"{name} · Pierian")
    expect(page.locator(".sidebar").get_by_text(name)).to_have_count(1)


def test_it_is_exported_as_a_document_and_as_data(page: Page, tmp_path: Path) -> None:
    ask(page, "mathematics to keep", "instant")
    answered(page, "The area is")
    for name, ending in (("Export as Markdown", ".md"), ("Export as JSON", ".json")):
        page.get_by_label("More about this conversation").click()
        with page.expect_download() as downloading:
            page.get_by_role("link", name=name).click()
        file = tmp_path / downloading.value.suggested_filename
        downloading.value.save_as(file)
        assert file.suffix == ending
        text = file.read_text()
        if ending == ".json":
            told = json.loads(text)
            assert [turn["role"] for turn in told["turns"]] == ["user", "assistant"]
            assert "pi r^2" in told["turns"][1]["text"]
        else:
            assert text.startswith("# mathematics to keep\n")
            assert "## You\n\nmathematics to keep" in text
            assert "$\\pi r^2$" in text


def test_deleting_asks_first_and_is_for_good_also_under_its_run(app: App, page: Page) -> None:
    app.gate.shut()
    ask(page, "Gated and deleted", "instant")
    expect(page.locator(".answer").last).to_contain_text("The first half")
    place = page.url
    other = page.context.new_page()
    other.goto(place)
    chosen(page, "Delete")
    asking = page.locator("#delete")
    expect(asking).to_contain_text("deleted for good")
    page.keyboard.press("Escape")
    expect(asking).to_be_hidden()
    chosen(page, "Delete")
    asking.get_by_role("button", name="Delete").click()
    page.wait_for_url(f"{app.address}/")
    expect(page.locator(".sidebar").get_by_text("Gated and deleted")).to_have_count(0)
    expect(other.locator("#connection")).to_contain_text("no longer exists")
    until(page, lambda: app.upstream.running == 0)  # nobody goes on writing what nobody can read
    assert other.goto(place).status == 404  # type: ignore[union-attr]
    page.goto("/runs")
    assert "Gated and deleted" not in page.locator("main").inner_text()
    page.goto("/search?words=Gated+and+deleted")
    expect(page.get_by_role("main")).to_contain_text("Nothing found")
