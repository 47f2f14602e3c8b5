"""One's own settings: what every answer reads, how deep it goes, how pages look, the password, the other devices."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect
from tests.webapp.browsing import PASSWORD, App, answered, ask

DARK = "rgb(16, 24, 27)"
LIGHT = "rgb(248, 250, 250)"


@pytest.fixture(autouse=True)
def as_before(page: Page) -> Iterator[None]:
    """The settings as they were, for the next test."""
    yield
    page.goto("/settings")
    for field in ("Instructions", "Tokens for an answer", "Seconds for an answer"):
        page.get_by_label(field).fill("")
    page.locator('[name=mode][value="auto"][type=radio]').first.check(force=True)
    page.locator('[name=theme][value="system"]').check(force=True)
    save(page)


def save(page: Page) -> None:
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").get_by_text("Saved.")).to_be_visible()


def background(page: Page) -> str:
    return page.evaluate("getComputedStyle(document.documentElement).backgroundColor")


def test_instructions_reach_the_model_from_the_next_question_on(app: App, page: Page) -> None:
    page.goto("/settings")
    page.get_by_label("Instructions").fill("I am a carpenter.\nUse <metric> units & be short.")
    save(page)
    assert (
        page.get_by_label("Instructions").input_value() == "I am a carpenter.\nUse <metric> units & be short."
    )
    page.goto("/")
    ask(page, "How long is a plank?", "instant")
    answered(page, "A plain answer.")
    sent = app.upstream.bodies[-1]["messages"][-1]["content"]
    assert "How long is a plank?" in sent
    assert "I am a carpenter.\nUse <metric> units & be short." in sent


def test_the_mode_of_new_conversations_and_a_budget_for_each_answer(app: App, page: Page) -> None:
    page.goto("/settings")
    page.get_by_role("radio", name="Instant").check(force=True)
    page.get_by_label("Tokens for an answer").fill("1,234")
    page.get_by_label("Seconds for an answer").fill("30.5")
    save(page)
    assert page.get_by_label("Tokens for an answer").input_value() == "1234"
    assert page.get_by_label("Seconds for an answer").input_value() == "30.5"
    page.goto("/")
    expect(page.locator(".mode-shown:visible")).to_contain_text("Instant")
    ask(page, "What is a spring?")
    answered(page, "A plain answer.")
    assert app.upstream.bodies[-1]["max_tokens"] <= 1234
    expect(page.locator(".receipt summary").last).to_contain_text("Instant")


def test_a_theme_is_shown_at_once_and_stays_without_a_flash(app: App, page: Page, width: int) -> None:
    page.goto("/settings")
    assert background(page) == LIGHT
    page.get_by_text("Dark", exact=True).click()
    assert background(page) == DARK
    save(page)
    page.goto("/")
    # What the server sends is dark already, before any script.
    assert 'data-theme="dark"' in page.request.get("/").text()
    assert background(page) == DARK
    page.goto("/settings")
    page.get_by_text("System", exact=True).click()
    save(page)
    with app.context(width, color_scheme="dark") as context:
        tab = context.new_page()
        tab.goto("/")
        assert background(tab) == DARK


def test_what_is_wrong_is_said_at_its_field_and_what_was_typed_stays(page: Page) -> None:
    page.goto("/settings")
    page.get_by_label("Instructions").fill("Be brief.")
    page.get_by_text("Dark", exact=True).click()
    page.get_by_label("Tokens for an answer").fill("a few")
    page.get_by_label("Seconds for an answer").fill("1,5")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was saved yet")
    expect(page.get_by_label("Tokens for an answer")).to_be_focused()
    for label, value, told in (
        ("Tokens for an answer", "a few", "not a number of tokens"),
        ("Seconds for an answer", "1,5", "not a number of seconds"),
    ):
        field = page.get_by_label(label)
        assert field.input_value() == value
        assert field.get_attribute("aria-invalid") == "true"
        expect(page.locator(f"#{field.get_attribute('aria-describedby')}")).to_contain_text(told)
    assert page.get_by_label("Instructions").input_value() == "Be brief."
    assert page.locator('[name=theme][value="dark"]').is_checked()
    page.get_by_label("Instructions").fill("x" * 8_001)
    page.get_by_label("Tokens for an answer").fill("")
    page.get_by_label("Seconds for an answer").fill("")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#field-instructions-hint")).to_contain_text("8,001 characters; 8,000 is the most")
    page.goto("/settings")
    assert page.get_by_label("Instructions").input_value() == ""


def test_another_password_ends_the_sessions_elsewhere(app: App, page: Page, width: int) -> None:
    with app.context(width, signed_in=False) as context:
        elsewhere = context.new_page()
        elsewhere.goto("/sign-in")
        elsewhere.get_by_label("Name").fill("owner")
        elsewhere.get_by_label("Password").fill(PASSWORD)
        elsewhere.get_by_role("button", name="Sign in").click()
        elsewhere.wait_for_url(f"{app.address}/")
        page.goto("/settings")
        for current, new, told in (
            ("not this one at all", PASSWORD, "This is not your current password"),
            (PASSWORD, "owner owner owner", "only the name"),
        ):
            page.get_by_label("Current password").fill(current)
            page.get_by_label("New password").fill(new)
            page.get_by_role("button", name="Change the password").click()
            expect(page.locator(".field-error")).to_contain_text(told)
            expect(page.get_by_label("Current password")).to_be_focused()
        elsewhere.goto("/settings")
        expect(elsewhere.locator("h1")).to_contain_text("Settings")
        page.get_by_label("Current password").fill(PASSWORD)
        page.get_by_label("New password").fill(PASSWORD + "!")
        page.get_by_role("button", name="Change the password").click()
        expect(page.get_by_role("status").first).to_contain_text("Everywhere else you are signed out")
        elsewhere.goto("/settings")
        expect(elsewhere).to_have_url(f"{app.address}/sign-in?next=%2Fsettings")
        page.get_by_label("Current password").fill(PASSWORD + "!")
        page.get_by_label("New password").fill(PASSWORD)
        page.get_by_role("button", name="Change the password").click()
        expect(page.get_by_role("status").first).to_contain_text("Everywhere else you are signed out")


def test_another_device_is_named_and_signed_out(app: App, page: Page, width: int) -> None:
    phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile/15E148 Safari/604.1"
    with app.context(width, signed_in=False, user_agent=phone) as context:
        elsewhere = context.new_page()
        elsewhere.goto("/sign-in")
        elsewhere.get_by_label("Name").fill("owner")
        elsewhere.get_by_label("Password").fill(PASSWORD)
        elsewhere.get_by_role("button", name="Sign in").click()
        elsewhere.wait_for_url(f"{app.address}/")
        page.goto("/settings")
        own = page.locator(".row", has_text="this browser")
        expect(own).to_have_count(1)
        assert own.get_by_role("button").count() == 0
        page.get_by_role("button", name="Sign out Safari · iPhone").first.click()
        expect(page.get_by_role("status").first).to_contain_text("Signed out there")
        elsewhere.goto("/")
        expect(elsewhere).to_have_url(f"{app.address}/sign-in?next=%2F")


def test_signing_out_ends_this_session(app: App, width: int) -> None:
    with app.context(width, signed_in=False) as context:
        tab = context.new_page()
        tab.goto("/sign-in")
        tab.get_by_label("Name").fill("owner")
        tab.get_by_label("Password").fill(PASSWORD)
        tab.get_by_role("button", name="Sign in").click()
        tab.wait_for_url(f"{app.address}/")
        before = context.cookies()
        if width < 600:
            tab.get_by_role("button", name="Open the sidebar").click()
        tab.locator(".side-person summary").click()
        tab.get_by_role("button", name="Sign out").click()
        tab.wait_for_url("**/sign-in")
        context.add_cookies(before)
        tab.goto("/")
        expect(tab).to_have_url(f"{app.address}/sign-in?next=%2F")
