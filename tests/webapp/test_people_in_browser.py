"""People: invited, joined with limits, given a new link, disabled, removed; and what a member sees and may ask."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Locator, Page, expect
from tests.webapp.browsing import PASSWORD, App, answered, ask, complaints_of

_numbers = itertools.count(1)


@pytest.fixture
def name() -> str:
    """A name that nobody else has."""
    return f"Guest {next(_numbers):03}"


@pytest.fixture(scope="module", autouse=True)
def prices(app: App) -> None:
    """What an answer costs: the server reads it when it starts."""
    app.command("prices", "set", "--input", "0", "--output", "10000")
    app.context().close()  # the link of the first visit is for the first start
    app.stop()
    app.start()


def invite(page: Page, role: str = "member", modes: str = "", **limits: str) -> str:
    """A new invitation; gives its link."""
    page.goto("/people")
    page.get_by_role("button", name="Invite", exact=True).click()
    dialog = page.locator("#new-invite")
    dialog.get_by_label("Role").select_option(role)
    for label, value in limits.items():
        dialog.get_by_label(label.replace("_", " ")).fill(value)
    for mode in ("Auto", "Instant", "Thinking", "Contemplating") if modes else ():
        dialog.get_by_label(mode).set_checked(mode in modes)
    dialog.get_by_role("button", name="Make a link").click()
    return page.get_by_label("Link", exact=True).input_value()


@contextmanager
def joined(app: App, width: int, link: str, name: str) -> Iterator[Page]:
    """A browser of somebody who joined by this link."""
    with app.context(width, signed_in=False) as context:
        page = context.new_page()
        complaints = complaints_of(page)
        page.goto(link)
        page.get_by_label("Name").fill(name)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Join").click()
        page.wait_for_url(f"{app.address}/")
        yield page
        assert complaints == []


def person(page: Page, name: str) -> Locator:
    return page.locator("li[id^=person-]", has_text=name)


def test_who_is_invited_joins_once_and_sees_no_administration(
    app: App, page: Page, width: int, name: str
) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    link = invite(page)
    assert link.startswith(f"{app.address}/join/")
    page.get_by_role("button", name="Copy").click()
    expect(page.locator("#announcer")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == link
    made = page.locator("li[id^=invite-]").count()
    page.reload()
    assert page.get_by_label("Link", exact=True).count() == 0
    assert page.locator("li[id^=invite-]").count() == made  # and the reload made no second one
    with joined(app, width, link, name) as guest:
        if width < 600:
            guest.get_by_role("button", name="Open the sidebar").click()
        guest.locator(".side-person summary").click()
        assert guest.locator(".side-person").get_by_role("link", name="Settings").is_visible()
        assert guest.get_by_role("link", name="People").count() == 0
        guest.goto("/people")
        expect(guest.locator("h1")).to_contain_text("Only administrators")
        guest.goto("/keys")
        assert guest.get_by_role("button", name="New key").count() == 0
        expect(guest.locator(".row")).to_contain_text("Questions on these pages")
        assert guest.locator(".row").get_by_role("button").count() == 0
        guest.goto("/usage?everyone=true")
        assert guest.get_by_role("link", name="Everyone").count() == 0
        guest.goto("/")
        ask(guest, "What is a spring?")
        answered(guest, "A plain answer.")
    with app.context(width, signed_in=False) as late:
        tab = late.new_page()
        tab.goto(link)
        expect(tab.locator("h1")).to_contain_text("not valid")
        assert tab.get_by_label("Password").count() == 0
    page.reload()
    expect(person(page, name)).to_contain_text("tokens this month")
    page.locator(".fold summary").click()
    expect(page.locator(".fold")).to_contain_text(f"used · by {name}")


def test_an_invitation_that_was_revoked_lets_nobody_in(app: App, page: Page, width: int) -> None:
    link = invite(page)
    opened = page.locator("section li[id^=invite-]")
    before = opened.count()
    opened.first.get_by_role("button", name="Revoke the invite").click()
    expect(opened).to_have_count(before - 1)
    with app.context(width, signed_in=False) as context:
        tab = context.new_page()
        tab.goto(link)
        expect(tab.locator("h1")).to_contain_text("not valid")


def test_a_member_is_told_when_a_limit_of_the_invitation_is_used_up(
    app: App, page: Page, width: int, name: str
) -> None:
    link = invite(page, modes="Instant, Thinking", Requests_a_minute="2", Money_a_day="30")
    expect(page.locator("li[id^=invite-]").first).to_contain_text("2 requests a minute")
    with joined(app, width, link, name) as guest:
        guest.locator("#modes > summary").click()
        assert guest.locator("#modes [name=mode]").evaluate_all("all => all.map((one) => one.value)") == [
            "instant",
            "thinking",
        ]
        guest.keyboard.press("Escape")
        for words in ("First", "Second"):
            ask(guest, words)
            answered(guest, "A plain answer.")
        guest.get_by_label("Answer again").last.click()
        assert guest.get_by_role("button", name="Again in").all_inner_texts() == [
            "Again in Instant",
            "Again in Thinking",
        ]
        guest.keyboard.press("Escape")
        guest.locator("#question").fill("Third")
        guest.locator("#send").click()
        expect(guest.locator("#toasts")).to_contain_text("as often as you may in a minute. Try again in")
        assert guest.locator("#question").input_value() == "Third"
        guest.goto("/keys")
        expect(guest.locator(".row")).to_contain_text("of 30.00 used today")


def test_a_member_is_told_when_the_money_of_a_day_is_used_up(
    app: App, page: Page, width: int, name: str
) -> None:
    link = invite(page, Money_a_day="0.01")
    with joined(app, width, link, name) as guest:
        ask(guest, "What is a spring?", "instant")
        expect(guest.locator(".turn-assistant").last).to_contain_text("cap of 0.01 a day is reached")
        assert guest.locator("#send").is_visible()


def test_an_administrator_administers_but_does_not_own(app: App, page: Page, width: int, name: str) -> None:
    app.command("keys", "create", "--user", "owner", "--name", f"Own {name}")
    page.goto("/keys")
    row = page.locator(".row", has_text=f"Own {name}")
    key = str(row.get_attribute("id")).removeprefix("key-")
    owner = page.goto("/people") and str(person(page, "(you)").get_attribute("id")).removeprefix("person-")
    with joined(app, width, invite(page, "administrator"), name) as guest:
        guest.goto("/people")
        assert person(guest, "owner").get_by_role("button").count() == 0
        guest.get_by_role("button", name="Invite", exact=True).click()
        assert "owner" not in guest.get_by_label("Role").locator("option").all_inner_texts()
        guest.goto("/keys")
        guest.get_by_role("button", name="New key").first.click()
        assert "owner" not in guest.locator("#new-key").inner_text()
        assert guest.locator(".row", has_text=f"Own {name}").get_by_role("button").count() == 0
        # Nor by hand: the secret of an owner's key would be this machine's tools.
        for place, form in (
            ("/keys", {"user": owner, "modes": "instant"}),
            (f"/keys/{key}/rotate", {}),
            (f"/keys/{key}/revoke", {}),
            (f"/people/{owner}/link", {}),
            (f"/people/{owner}/remove", {}),
        ):
            refused = guest.request.post(place, form=form, headers={"origin": app.address})
            assert refused.status == 403, place


def test_a_member_keeps_the_account_of_their_questions(app: App, page: Page, width: int, name: str) -> None:
    with joined(app, width, invite(page), name) as guest:
        guest.goto("/keys")
        key = str(guest.locator(".row").get_attribute("id")).removeprefix("key-")
        for what in ("rotate", "revoke"):
            refused = guest.request.post(f"/keys/{key}/{what}", headers={"origin": app.address})
            assert refused.status in (400, 403)
            assert "pierian-" not in refused.text()
        page.goto("/keys")
        row = page.locator(f"#key-{key}")
        expect(row).to_contain_text(f"Questions on these pages {name}")
        assert row.get_by_role("button", name="Rotate").count() == 0
        row.get_by_role("button", name="Revoke").click()
        page.locator("dialog[open]").get_by_role("button", name="Revoke").click()
        page.wait_for_url("**/keys")
        guest.goto("/")
        guest.locator("#question").fill("May I?")
        guest.locator("#send").click()
        expect(guest.locator("#toasts")).to_contain_text("You may not ask here any more")
        assert guest.locator("#question").input_value() == "May I?"


def test_a_forgotten_password_is_replaced_by_a_link(app: App, page: Page, width: int, name: str) -> None:
    with joined(app, width, invite(page), name) as guest:
        page.goto("/people")
        person(page, name).get_by_role("button", name=f"New link for {name}").click()
        expect(page.get_by_role("heading", name=f"A new link for {name}")).to_be_visible()
        link = page.get_by_label("Link", exact=True).input_value()
        with app.context(width, signed_in=False) as elsewhere:
            tab = elsewhere.new_page()
            tab.goto(link)
            expect(tab.locator("h1")).to_have_text("A new password")
            assert "owner" not in tab.locator("main").inner_text()
            assert tab.get_by_label("Name").input_value() == name
            tab.get_by_label("New password").fill("short")
            tab.get_by_label("New password").evaluate("field => field.form.noValidate = true")
            tab.get_by_role("button", name="Save and sign in").click()
            expect(tab.get_by_role("alert")).to_contain_text("too short")
            tab.get_by_label("New password").fill("another drink of it")
            tab.get_by_role("button", name="Save and sign in").click()
            tab.wait_for_url(f"{app.address}/")
        guest.goto("/settings")
        expect(guest).to_have_url(f"{app.address}/sign-in?next=%2Fsettings")


def test_an_account_that_was_made_at_the_terminal_is_begun_by_its_link(
    app: App, width: int, name: str
) -> None:
    app.command("users", "create", name)
    link = app.command("users", "link", name).split()[0]
    with app.context(width, signed_in=False) as context:
        page = context.new_page()
        page.goto(link)
        expect(page.locator("main")).to_contain_text("An account was made for you")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Begin").click()
        page.wait_for_url(f"{app.address}/")
        expect(page.get_by_role("heading", name=name)).to_be_visible()


def test_who_is_disabled_is_out_and_comes_back_and_who_is_removed_is_gone(
    app: App, page: Page, width: int, name: str
) -> None:
    with joined(app, width, invite(page), name) as guest:
        ask(guest, "What is a spring?")
        answered(guest, "A plain answer.")
        page.goto("/people")
        person(page, name).get_by_role("button", name=f"Disable {name}").click()
        expect(person(page, name)).to_contain_text("disabled")
        guest.goto("/settings")
        expect(guest).to_have_url(f"{app.address}/sign-in?next=%2Fsettings")
        person(page, name).get_by_role("button", name=f"Enable {name}").click()
        expect(person(page, name)).not_to_contain_text("disabled")
        guest.get_by_label("Name").fill(name)
        guest.get_by_label("Password").fill(PASSWORD)
        guest.get_by_role("button", name="Sign in").click()
        expect(guest).to_have_url(f"{app.address}/settings")
        person(page, name).get_by_role("button", name=f"Remove {name}").click()
        asking = page.locator("dialog[open]")
        expect(asking).to_contain_text("deleted for good")
        asking.get_by_role("button", name="Remove").click()
        page.wait_for_url("**/people")
        expect(person(page, name)).to_have_count(0)
        guest.goto("/settings")
        expect(guest).to_have_url(f"{app.address}/sign-in?next=%2Fsettings")
        guest.get_by_label("Name").fill(name)
        guest.get_by_label("Password").fill(PASSWORD)
        guest.get_by_role("button", name="Sign in").click()
        expect(guest.get_by_role("alert")).to_contain_text("not right")


def test_an_invitation_that_cannot_be_made_keeps_what_was_typed(page: Page) -> None:
    page.goto("/people")
    page.get_by_role("button", name="Invite", exact=True).click()
    dialog = page.locator("#new-invite")
    dialog.get_by_label("Days the link is good for").fill("4000")
    dialog.get_by_label("Money a month").fill("lots")
    dialog.get_by_role("button", name="Make a link").click()
    expect(dialog).to_contain_text("more than 365 days")
    expect(dialog).to_contain_text("'lots' is not an amount of money")
    assert dialog.get_by_label("Days the link is good for").input_value() == "4000"
