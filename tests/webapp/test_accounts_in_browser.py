"""Accounts, schedules and the day brief on their pages, over a real calendar server: linked, synced, scheduled, unlinked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from tests.accounts.radicale_server import Radicale, password_of
from tests.webapp.browsing import App

WRONG = "canary of a wrong password"


@pytest.fixture(scope="module")
def calendars(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Radicale]:
    server = Radicale(tmp_path_factory.mktemp("radicale"))
    server.start()
    server.make_calendar()
    begins = datetime.now(UTC).replace(hour=12, minute=0)
    server.put(
        "/ann/work/1.ics",
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20260101T000000Z\r\n"
        f"DTSTART;VALUE=DATE:{begins:%Y%m%d}\r\nSUMMARY:<b>Harvest</b>\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
    )
    yield server
    server.kill()


def link(page: Page, calendars: Radicale, password: str, **fields: str) -> None:
    """Fill in the form for calendars and send it."""
    page.get_by_label("Server", exact=True).fill(calendars.url)
    page.get_by_label("User name").fill("ann")
    page.get_by_label("Password").fill(password)
    for label, value in fields.items():
        page.get_by_label(label).fill(value)
    page.get_by_role("button", name="Try it, and link it if it works").click()


@pytest.mark.parametrize("width", [1280], indirect=True)
def test_the_servers_of_an_address_are_found_or_it_is_said_how_to_go_on(page: Page) -> None:
    page.goto("/accounts")
    expect(page.locator(".empty-title")).to_have_text("No account is linked yet")
    page.get_by_role("link", name="Link an account").first.click()
    page.get_by_label("Address").fill("nobody")
    page.get_by_role("button", name="Look for its servers").click()
    expect(page.get_by_role("alert")).to_contain_text("This is no address.")
    page.get_by_label("Address").fill("ann@gmail.com")
    page.get_by_role("button", name="Look for its servers").click()
    expect(page.get_by_role("alert")).to_contain_text("pierian accounts link google ann@gmail.com")
    page.get_by_label("Address").fill("ann@icloud.com")
    page.get_by_role("button", name="Look for its servers").click()
    expect(page.get_by_label("Server", exact=True)).to_have_value("https://caldav.icloud.com/")
    expect(page.get_by_label("User name")).to_have_value("ann@icloud.com")


@pytest.mark.parametrize("width", [390], indirect=True)
def test_an_account_is_linked_used_and_unlinked(app: App, page: Page, calendars: Radicale) -> None:
    page.goto("/accounts/link?kind=caldav")
    page.get_by_role("link", name="I know its server").click()
    link(page, calendars, WRONG, **{"What to call it": "work"})
    expect(page.get_by_role("alert")).to_contain_text(
        re.compile("does not accept this user name and password. Nothing was linked.")
    )
    expect(page.get_by_label("User name")).to_have_value("ann")
    expect(page.get_by_label("Password")).to_have_value("")
    expect(page.get_by_label("Password")).to_be_focused()
    assert WRONG not in page.content()
    page.get_by_role("checkbox", name="Write").check()
    link(page, calendars, password_of("ann"))
    expect(page.locator(".saved")).to_contain_text("Linked.")
    card = page.locator("section.card", has_text="work")
    expect(card.locator(".card-head .state")).to_have_text("fine")  # the page looks after itself
    expect(card).to_contain_text("synced just now")
    expect(card.get_by_role("checkbox", name="Write")).to_be_checked()
    assert "read, write" in app.command("accounts", "list")

    page.goto("/today")
    row = page.locator(".brief-line", has_text="<b>Harvest</b>")
    expect(row).to_contain_text("all day")
    expect(row).to_contain_text("calendar:work")

    page.goto("/accounts")
    card.get_by_role("checkbox", name="Write").uncheck()
    card.get_by_role("checkbox", name="Free/busy only").check()
    card.get_by_role("button", name="Save").click()
    expect(page.locator(".saved")).to_have_text("Saved.")
    expect(card.get_by_role("checkbox", name="Write")).not_to_be_checked()
    page.goto("/today")
    expect(page.locator("main")).not_to_contain_text("Harvest")

    page.goto("/accounts")
    card.get_by_role("button", name="Check").click()
    expect(card.get_by_role("list", name="How its servers answered")).to_contain_text("signed in; 1 calendar")
    calendars.kill()
    card.get_by_role("button", name="Sync work now").click()
    expect(card.locator(".problem")).to_contain_text(f"Nothing listens at 127.0.0.1:{calendars.port}.")
    expect(card.locator(".problem")).to_contain_text("It is tried again in 2 minutes.")
    assert "Check the host and the port." in " ".join(app.command("accounts", "list").split())
    calendars.start()
    card.get_by_role("button", name="Unlink work").click()
    page.get_by_role("dialog").get_by_role("button", name="Unlink").click()
    expect(page.locator(".saved")).to_have_text("Unlinked.")
    expect(page.locator(".empty-title")).to_have_text("No account is linked yet")
    for secret in (WRONG, password_of("ann")):
        assert secret not in app.log()
        assert secret.encode() not in Path(app.home / "data" / "pierian.db").read_bytes()


@pytest.mark.parametrize("width", [1280], indirect=True)
def test_a_brief_is_scheduled_run_paused_and_removed(page: Page) -> None:
    page.goto("/schedules")
    page.get_by_role("button", name="Add a schedule").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("When").fill("whenever")
    dialog.get_by_role("button", name="Add a schedule").click()
    expect(dialog.get_by_label("When")).to_have_attribute("aria-invalid", "true")
    expect(dialog.get_by_label("When")).to_have_value("whenever")
    dialog.get_by_label("When").fill("every weekday 7:30")
    dialog.get_by_label("Time zone").fill("Europe/Berlin")
    dialog.get_by_role("button", name="Add a schedule").click()
    row = page.locator("li.row", has_text="Day brief").first
    expect(page.locator(".saved")).to_have_text("Added.")
    expect(row).to_contain_text("At 07:30 on Monday through Friday (Europe/Berlin)")
    row.get_by_role("button", name="Run now: Day brief").click()
    expect(page.locator(".saved")).to_contain_text("Begun.")
    row.get_by_role("link", name="Its answers").click()
    expect(page.locator(".turn-assistant .answer")).to_contain_text("No account is linked yet")
    page.goto("/schedules")
    expect(row.locator(".state-done")).to_have_text("done")
    row.get_by_role("button", name="Pause: Day brief").click()
    expect(row).to_contain_text("paused")
    row.get_by_role("button", name="Resume: Day brief").click()
    expect(row).to_contain_text("07:30")
    row.get_by_role("button", name="Remove: Day brief").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(page.locator(".empty-title")).to_have_text("Nothing is scheduled")


def test_without_scripts_an_account_is_linked_synced_and_unlinked(app: App, calendars: Radicale) -> None:
    with app.context(java_script_enabled=False) as context:
        tab = context.new_page()
        tab.goto("/accounts/link?kind=caldav&by=hand")
        link(tab, calendars, password_of("ann"))
        expect(tab.locator(".saved")).to_contain_text("Linked.")
        tab.get_by_role("button", name="Sync ann now").click()
        tab.get_by_role("button", name="Unlink ann").click()
        tab.get_by_role("dialog").get_by_role("button", name="Unlink").click()
        expect(tab.locator(".saved")).to_have_text("Unlinked.")
