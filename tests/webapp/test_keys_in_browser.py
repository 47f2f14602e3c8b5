"""API keys on their page: made with limits, shown once, used by a program, spent, rotated, revoked."""

from __future__ import annotations

import itertools

import httpx2
import pytest
from playwright.sync_api import Locator, Page, expect
from tests.webapp.browsing import App

from pierian.webapp.texts import text

_numbers = itertools.count(1)


@pytest.fixture
def name() -> str:
    """A name that no other key has."""
    return f"Editor {next(_numbers):03}"


@pytest.fixture(scope="module", autouse=True)
def prices(app: App) -> None:
    """What an answer costs: the server reads it when it starts."""
    app.command("prices", "set", "--input", "0", "--output", "10000")
    app.context().close()  # the link of the first visit is for the first start
    app.stop()
    app.start()


def form(page: Page) -> Locator:
    """The form for a new key, opened."""
    page.goto("/keys")
    page.get_by_role("button", name="New key").first.click()
    dialog = page.locator("#new-key")
    expect(dialog).to_be_visible()
    return dialog


def make(page: Page, name: str, **fields: str) -> str:
    """A new key with these limits; gives its secret."""
    dialog = form(page)
    dialog.get_by_label("Name", exact=True).fill(name)
    for label, value in fields.items():
        dialog.get_by_label(label.replace("_", " ")).fill(value)
    dialog.get_by_role("button", name="Make the key").click()
    expect(page.get_by_role("heading", name=f"The secret of {name}")).to_be_visible()
    return page.get_by_label("Secret", exact=True).input_value()


def row(page: Page, name: str) -> Locator:
    return page.locator(".row", has=page.locator(".row-title", has_text=name))


def asked(app: App, secret: str, model: str = "pierian-instant") -> httpx2.Response:
    body = {"model": model, "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 40}
    headers = {"authorization": f"Bearer {secret}"}
    return httpx2.post(f"{app.address}/v1/chat/completions", json=body, headers=headers, timeout=30)


def test_a_key_is_made_copied_used_and_seen_to_be_used(app: App, page: Page, name: str) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    secret = make(page, name, Requests_a_minute="3", Money_a_day="50")
    page.get_by_role("button", name="Copy").click()
    expect(page.locator("#announcer")).to_have_text(text("script.copied"))
    assert page.evaluate("navigator.clipboard.readText()") == secret
    assert asked(app, secret).status_code == 200
    assert asked(app, secret, "double").status_code == 200  # everything is ticked, so models are allowed too
    page.reload()
    assert page.get_by_label("Secret", exact=True).count() == 0  # shown once, and no second key was made
    found = row(page, name)
    expect(found).to_have_count(1)
    expect(found).to_contain_text("3 requests a minute")
    expect(found).to_contain_text("2 requests today")
    expect(found).to_contain_text("of 50.00 used today")
    assert 0 < float(found.locator("progress").get_attribute("value") or 0) < 1
    assert asked(app, secret).status_code == 200
    limited = asked(app, secret)
    assert limited.status_code == 429
    assert "3 requests a minute" in limited.json()["error"]["message"]


def test_a_cap_that_is_used_up_is_told_to_the_program_and_shown(app: App, page: Page, name: str) -> None:
    secret = make(page, name, Money_a_day="0.5")
    answers = [asked(app, secret) for _ in range(8)]
    refused = [one for one in answers if one.status_code == 429]
    assert refused
    assert "cap of 0.50 a day is reached" in refused[-1].json()["error"]["message"]
    page.goto("/keys")
    expect(row(page, name)).to_contain_text("of 0.50 used today")


def test_a_key_is_for_the_modes_that_are_ticked(app: App, page: Page, name: str) -> None:
    dialog = form(page)
    dialog.get_by_label("Name", exact=True).fill(name)
    for mode in ("Auto", "Thinking", "Contemplating"):
        dialog.get_by_label(mode).uncheck()
    dialog.get_by_role("button", name="Make the key").click()
    secret = page.get_by_label("Secret", exact=True).input_value()
    assert asked(app, secret).status_code == 200
    assert asked(app, secret, "pierian-thinking").status_code == 403
    assert asked(app, secret, "double").status_code == 403
    page.goto("/keys")
    assert row(page, name).locator(".tags li").all_inner_texts() == ["Instant"]


def test_a_form_that_is_wrong_keeps_what_was_typed_and_says_what_is_wrong_where(
    page: Page, name: str
) -> None:
    dialog = form(page)
    dialog.get_by_label("Name", exact=True).fill(name)
    dialog.get_by_label("Auto").uncheck()
    for label, value in (
        ("Tokens a minute", "many"),
        ("Money a day", "2,50"),
        ("Days until it expires", "9000"),
    ):
        dialog.get_by_label(label).fill(value)
    dialog.get_by_role("button", name="Make the key").click()
    expect(dialog.get_by_label("Tokens a minute")).to_be_focused()
    assert dialog.get_by_label("Name", exact=True).input_value() == name
    assert not dialog.get_by_label("Auto").is_checked()
    for label, value, told in (
        ("Tokens a minute", "many", "not a number of tokens"),
        ("Money a day", "2,50", "not an amount of money"),
        ("Days until it expires", "9000", "more than 3,650 days"),
    ):
        field = dialog.get_by_label(label)
        assert field.input_value() == value
        assert field.get_attribute("aria-invalid") == "true"
        expect(dialog.locator(f"#{field.get_attribute('aria-describedby')}")).to_contain_text(told)
        field.fill("")
    dialog.get_by_role("button", name="Make the key").click()
    expect(page.get_by_role("heading", name=f"The secret of {name}")).to_be_visible()


def test_nothing_ticked_and_no_model_named_is_no_key(page: Page, name: str) -> None:
    dialog = form(page)
    for mode in ("Auto", "Instant", "Thinking", "Contemplating"):
        dialog.get_by_label(mode).uncheck()
    dialog.get_by_role("button", name="Make the key").click()
    expect(dialog).to_contain_text("Nothing is allowed yet")
    dialog.get_by_label("Models without a mode").fill("double")
    dialog.get_by_label("Name", exact=True).fill(name)
    dialog.get_by_role("button", name="Make the key").click()
    expect(row(page, name)).to_contain_text("double")


def test_rotating_gives_a_new_secret_and_revoking_ends_the_key(app: App, page: Page, name: str) -> None:
    old = make(page, name)
    row(page, name).get_by_role("button", name=f"Rotate {name}").click()
    page.locator("dialog[open]").get_by_role("button", name="Rotate").click()
    expect(page.get_by_role("heading", name=f"The secret of {name}")).to_be_visible()
    new = page.get_by_label("Secret", exact=True).input_value()
    assert new != old
    assert asked(app, old).status_code == 401
    assert asked(app, new).status_code == 200
    row(page, name).get_by_role("button", name=f"Revoke {name}").click()
    asking = page.locator("dialog[open]")
    expect(asking).to_contain_text("cannot be undone")
    asking.get_by_role("button", name="Cancel").click()
    expect(asking).to_have_count(0)
    row(page, name).get_by_role("button", name=f"Revoke {name}").click()
    page.locator("dialog[open]").get_by_role("button", name="Revoke").click()
    page.wait_for_url("**/keys")
    expect(row(page, name)).to_be_hidden()
    page.locator(".fold summary").click()
    expect(row(page, name)).to_contain_text("revoked")
    assert row(page, name).get_by_role("button").count() == 0
    assert asked(app, new).status_code == 401
