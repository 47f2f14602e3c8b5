"""A session that ends while somebody fills in a form: they sign in beside it, go back, and have what they typed."""

from __future__ import annotations

from playwright.sync_api import expect
from tests.webapp.browsing import PASSWORD, App

TYPED = "Answer in the words of a fisherman."


def test_what_was_typed_into_a_form_survives_a_session_that_ended(app: App, width: int) -> None:
    app.context(width).close()  # the first visit
    with app.context(width, signed_in=False) as context:
        page = context.new_page()
        page.goto("/sign-in?next=/settings")
        page.get_by_label("Name").fill("owner")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        instructions = page.locator("[name=instructions]")
        instructions.fill(TYPED)
        context.request.post("/sign-out")
        page.locator("form[action='/settings'] [type=submit]").click()
        expect(page.locator("h1")).to_contain_text("signed out")
        with context.expect_page() as beside:
            page.get_by_role("link", name="Sign in").click()
        beside.value.get_by_label("Name").fill("owner")
        beside.value.get_by_label("Password").fill(PASSWORD)
        beside.value.get_by_role("button", name="Sign in").click()
        expect(beside.value.locator("[name=instructions]")).to_have_value("")
        page.go_back()
        expect(instructions).to_have_value(TYPED)
        page.locator("form[action='/settings'] [type=submit]").click()
        expect(page.locator(".saved")).to_be_visible()
        instructions.fill("")
        page.locator("form[action='/settings'] [type=submit]").click()
        expect(page.locator(".saved")).to_be_visible()
