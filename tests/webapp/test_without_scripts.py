"""With scripts switched off: plain forms and links do what has to be done."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect
from tests.webapp.browsing import PASSWORD, App


@pytest.fixture
def plain(app: App, width: int) -> Iterator[Page]:
    """A tab without scripts, signed in by the form."""
    app.context(width).close()
    app.gate.open()
    with app.context(width, signed_in=False, java_script_enabled=False) as context:
        tab = context.new_page()
        tab.goto("/settings")
        tab.get_by_label("Name").fill("owner")
        tab.get_by_label("Password").fill(PASSWORD)
        tab.get_by_role("button", name="Sign in").click()
        expect(tab).to_have_url(f"{app.address}/settings")
        tab.goto("/")
        yield tab
        app.gate.open()


def ask(page: Page, question: str) -> None:
    page.locator("#question").fill(question)
    page.locator("#send").click()
    page.wait_for_url("**/conversations/*")


def menu(page: Page) -> None:
    page.locator(".bar details summary").click()


def test_a_question_is_answered_and_its_page_looks_again_by_itself(app: App, plain: Page) -> None:
    app.gate.shut()
    ask(plain, "Gated for those without scripts")
    expect(plain.locator("[data-question]")).to_contain_text("Gated for those without scripts")
    app.gate.open()
    expect(plain.locator(".answer")).to_contain_text("and the second half.", timeout=20_000)
    expect(plain.locator(".receipt")).to_be_visible()
    plain.locator("#question").fill("And another")
    plain.locator("#send").click()
    expect(plain.locator("[data-question]").last).to_contain_text("And another")
    expect(plain.locator(".answer").last).to_contain_text("A plain answer.", timeout=20_000)


def test_what_needs_scripts_is_not_offered_and_every_page_is_reached(plain: Page, width: int) -> None:
    ask(plain, "What is a spring?")
    expect(plain.locator(".answer")).to_contain_text("A plain answer.", timeout=20_000)
    for useless in ("Copy the answer", "Edit the question", "Open the sidebar", "Close the sidebar"):
        assert plain.get_by_role("button", name=useless).count() == 0
    for name, heading in (
        ("Usage", "Usage"),
        ("Runs", "Runs"),
        ("API keys", "API keys"),
        ("People", "People"),
    ):
        plain.locator(".side-person summary").click()
        plain.locator(".side-person").get_by_role("link", name=name).click()
        expect(plain.locator("h1")).to_have_text(heading)
    plain.locator(".sidebar").get_by_role("link", name="Search").click()
    plain.get_by_role("main").get_by_role("searchbox").fill("spring")
    plain.keyboard.press("Enter")
    plain.get_by_role("main").get_by_role("link", name="What is a spring?").first.click()
    expect(plain.locator("[data-question]")).to_contain_text("What is a spring?")


def test_a_conversation_is_renamed_shared_answered_anew_and_deleted(
    app: App, plain: Page, width: int
) -> None:
    ask(plain, "What is a spring?")
    expect(plain.locator(".answer")).to_contain_text("A plain answer.", timeout=20_000)
    place = plain.url
    menu(plain)
    plain.locator(".bar").get_by_role("button", name="Rename").click()
    plain.locator("#rename").get_by_label("Title").fill(f"Wells at {width}")
    plain.locator("#rename").get_by_role("button", name="Save").click()
    expect(plain.locator("#title")).to_have_text(f"Wells at {width}")
    plain.get_by_label("Answer again").click()
    plain.get_by_role("button", name="Again in Instant").click()
    expect(plain.locator(".versions-count")).to_have_text("2/2", timeout=20_000)
    plain.get_by_role("button", name="Previous version").click()
    expect(plain.locator(".versions-count")).to_have_text("1/2")
    menu(plain)
    plain.locator(".bar").get_by_role("button", name="Share").last.click()
    plain.locator("#share").get_by_role("button", name="Make a link").click()
    expect(plain.locator("#title")).to_have_text(f"Wells at {width}")
    menu(plain)
    plain.locator(".bar").get_by_role("button", name="Share").last.click()
    shared = plain.locator("#share-address").input_value()
    with app.context(width, signed_in=False, java_script_enabled=False) as anybody:
        tab = anybody.new_page()
        tab.goto(shared)
        expect(tab.locator(".answer")).to_contain_text("A plain answer.")
    plain.goto(place)
    menu(plain)
    plain.locator(".bar").get_by_role("button", name="Delete").click()
    plain.locator("#delete").get_by_role("button", name="Delete").click()
    expect(plain).to_have_url(f"{app.address}/")
    assert plain.goto(place).status == 404  # type: ignore[union-attr]


def test_settings_and_keys_are_forms_like_any_other(plain: Page, width: int) -> None:
    plain.goto("/settings")
    plain.get_by_label("Tokens for an answer").fill("none")
    plain.get_by_role("button", name="Save").click()
    expect(plain.locator(".field-error")).to_contain_text("not a number of tokens")
    plain.get_by_label("Tokens for an answer").fill("")
    plain.get_by_role("button", name="Save").click()
    expect(plain.get_by_role("status").first).to_contain_text("Saved")
    plain.goto("/keys")
    plain.get_by_role("button", name="New key").first.click()
    form = plain.locator("#new-key")
    form.get_by_label("Name", exact=True).fill(f"Plain {width}")
    form.get_by_label("Money a day").fill("much")
    form.get_by_role("button", name="Make the key").click()
    expect(form).to_contain_text("not an amount of money")  # sent open, in front of the page
    form.get_by_label("Money a day").fill("1")
    form.get_by_role("button", name="Make the key").click()
    assert plain.get_by_label("Secret", exact=True).input_value().startswith("pierian-")
    plain.get_by_role("button", name=f"Revoke Plain {width}").click()
    plain.locator("dialog[open]").get_by_role("button", name="Revoke").click()
    expect(plain.locator("details.fold")).to_contain_text(f"Plain {width}")
