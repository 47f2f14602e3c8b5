"""Coming in and going out: the one-time link, signing in and out, joining by invite, an expired session."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playwright.sync_api import expect
from tests.webapp.browsing import PASSWORD, App, answered, ask


def test_the_first_visit_makes_the_owner_and_its_link_works_once(app: App, width: int) -> None:
    with app.context(width) as context:  # goes through the link
        page = context.new_page()
        page.goto("/")
        expect(page.locator("h1").first).to_contain_text("owner")
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
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page).to_have_url(f"{app.address}/settings")
