"""Coming in: the one-time link of the first visit, the form of the others, and a session that ends while one types."""

from __future__ import annotations

from playwright.sync_api import expect
from tests.webapp.browsing import PASSWORD, App, answered, ask


def test_the_link_of_the_first_visit_works_once(app: App, width: int) -> None:
    with app.context(width) as owner:  # goes through the link
        page = owner.new_page()
        page.goto("/")
        expect(page.get_by_role("heading", name="owner")).to_be_visible()
    with app.context(width, signed_in=False) as stranger:
        page = stranger.new_page()
        page.goto(app.first_visit)
        expect(page.locator("h1")).to_contain_text("link")
        assert page.get_by_label("Password").count() == 0


def test_a_page_leads_to_the_form_and_back(app: App, width: int) -> None:
    app.context(width).close()
    with app.context(width, signed_in=False) as context:
        page = context.new_page()
        page.goto("/settings")
        expect(page).to_have_url(f"{app.address}/sign-in?next=%2Fsettings")
        page.get_by_label("Name").fill("owner")
        page.get_by_label("Password").fill("not this one, surely")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("alert")).to_be_visible()
        assert page.get_by_label("Name").input_value() == "owner"
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page).to_have_url(f"{app.address}/settings")


def test_what_was_typed_survives_a_session_that_ended(app: App, width: int) -> None:
    with app.context(width) as context:
        page = context.new_page()
        page.goto("/")
        ask(page, "First question")
        answered(page, "A plain answer.")
        context.clear_cookies()
        page.locator("#question").fill("A long thought")
        page.locator("#send").click()
        expect(page.locator("#toasts")).to_contain_text("signed out")
        assert page.locator("#question").input_value() == "A long thought"
        place = page.url
        page.goto(place)
        page.get_by_label("Name").fill("owner")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page).to_have_url(place)
        assert page.locator("#question").input_value() == "A long thought"
