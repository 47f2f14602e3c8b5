"""The app around the pages: installable, there without its server, used by keyboard, on a phone, without keys."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect
from tests.webapp.browsing import App, answered, ask, complaints_of


def focused(page: Page) -> str:
    """What has the focus, as a screen reader would name it."""
    return page.evaluate(
        """() => { const one = document.activeElement;
        return one.getAttribute("aria-label") || one.labels?.[0]?.textContent.trim() || one.textContent.trim(); }"""
    )


def test_the_app_can_be_installed(page: Page) -> None:
    address = page.locator('link[rel="manifest"]').get_attribute("href")
    assert address
    manifest = page.request.get(address)
    assert manifest.headers["content-type"].startswith("application/manifest+json")
    told = json.loads(manifest.text())
    assert (told["name"], told["start_url"], told["display"]) == ("Pierian", "/", "standalone")
    sizes: set[tuple[str, str]] = set()
    for icon in told["icons"]:
        picture = page.evaluate(
            """async (address) => { const one = new Image(); one.src = address; await one.decode();
            return [one.naturalWidth, one.naturalHeight]; }""",
            icon["src"],
        )
        assert icon["sizes"] == f"{picture[0]}x{picture[1]}"
        sizes.add((icon["sizes"], icon.get("purpose", "any")))
    assert {("192x192", "any"), ("512x512", "any"), ("512x512", "maskable")} <= sizes
    for icon in page.locator('link[rel="icon"], link[rel="apple-touch-icon"]').all():
        assert page.request.get(str(icon.get_attribute("href"))).ok


def test_its_worker_is_for_all_pages(app: App) -> None:
    with app.context() as context:
        page = context.new_page()
        page.goto("/")
        assert (
            page.evaluate("navigator.serviceWorker.ready.then((one) => new URL(one.scope).pathname)") == "/"
        )


def test_without_its_server_there_is_a_page_that_comes_back_by_itself(app: App, width: int) -> None:
    with app.context(width) as context:
        page = context.new_page()
        page.goto("/settings")
        page.evaluate("navigator.serviceWorker.ready")
        page.wait_for_function("navigator.serviceWorker.controller")
        app.stop()
        try:
            page.goto("/usage?days=7")
            expect(page.locator("h1")).to_have_text("The server cannot be reached")
            # With its styles, though those come from the server too.
            assert page.locator(".entrance").evaluate("one => getComputedStyle(one).display") == "grid"
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        finally:
            app.start()
        expect(page.locator("h1")).to_have_text("Usage")
        expect(page).to_have_url(f"{app.address}/usage?days=7")


def test_a_form_that_was_sent_without_the_server_is_still_there(app: App, width: int) -> None:
    with app.context(width) as context:
        page = context.new_page()
        page.goto("/settings")
        page.evaluate("navigator.serviceWorker.ready")
        page.wait_for_function("navigator.serviceWorker.controller")
        page.get_by_label("Instructions").fill("Typed with care, and not to be lost.")
        app.stop()
        try:
            page.get_by_role("button", name="Save").click()
            expect(page.locator("h1")).to_have_text("The server cannot be reached")
        finally:
            app.start()
        expect(page.locator("h1")).to_have_text("Settings")
        expect(page.get_by_label("Instructions")).to_have_value("Typed with care, and not to be lost.")


def test_the_list_of_shortcuts_is_found_by_its_key_and_in_the_menu(page: Page, width: int) -> None:
    page.goto("/runs")
    page.keyboard.press("?")
    expect(page.locator("#shortcuts")).to_be_visible()
    expect(page.locator("#shortcuts")).to_contain_text("Show or hide the sidebar")
    page.keyboard.press("Escape")
    expect(page.locator("#shortcuts")).to_be_hidden()
    if width < 600:
        page.get_by_role("button", name="Open the sidebar").click()
    page.locator(".side-person summary").click()
    page.get_by_role("button", name="Keyboard shortcuts").click()
    expect(page.locator("#shortcuts")).to_be_visible()
    page.locator("#shortcuts").get_by_role("button", name="Close").click()
    expect(page.locator("#shortcuts")).to_be_hidden()
    page.keyboard.press("Control+Shift+o")
    page.wait_for_url("**/")


def test_tab_goes_through_a_page_in_the_order_in_which_it_is_read(page: Page, width: int) -> None:
    page.goto("/settings")
    page.keyboard.press("Tab")
    assert focused(page) == "Skip to the content"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert focused(page) == "Instructions"
    page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
    page.goto("/runs")
    order: list[str] = []
    for _ in range(9):
        page.keyboard.press("Tab")
        order.append(focused(page))
    if width < 600:  # the drawer is out of the way
        assert order[:3] == ["Skip to the content", "Open the sidebar", "New conversation"]
        assert not {"Pierian, home", "Close the sidebar"} & {*order}
        return
    assert order[:3] == ["Skip to the content", "Pierian, home", "Close the sidebar"]
    assert order[3].startswith("New conversation")
    assert order[4].startswith("Search")


def test_a_drawer_on_a_phone_and_a_sidebar_that_stays_away_elsewhere(page: Page, width: int) -> None:
    page.goto("/runs")
    sidebar = page.locator("#sidebar")
    if width > 600:
        page.keyboard.press("Control+Shift+s")
        expect(sidebar).to_be_hidden()
        page.reload()
        expect(sidebar).to_be_hidden()
        page.get_by_role("button", name="Open the sidebar").click()
        expect(sidebar).to_be_visible()
        return
    expect(sidebar).to_be_hidden()
    opener = page.get_by_role("button", name="Open the sidebar")
    opener.click()
    expect(sidebar).to_be_visible()
    expect(opener).to_have_attribute("aria-expanded", "true")
    assert page.locator(".page").evaluate("one => one.inert")
    page.keyboard.press("Escape")
    expect(sidebar).to_be_hidden()
    expect(opener).to_be_focused()
    opener.click()
    page.locator(".curtain").click(position={"x": 380, "y": 400})
    expect(sidebar).to_be_hidden()
    opener.click()
    sidebar.locator(".side-person summary").click()
    sidebar.get_by_role("link", name="Usage").click()
    expect(page.locator("h1")).to_have_text("Usage")
    expect(sidebar).to_be_hidden()


PLACES = (
    "/",
    "/search?words=spring",
    "/runs",
    "/usage",
    "/settings",
    "/keys",
    "/people",
    "/sign-in",
    "/offline",
    "/none",
)


def test_every_page_can_be_touched_on_a_phone(app: App, page: Page, width: int) -> None:
    if width > 600:
        pytest.skip("for fingers")
    ask(page, "What is a spring?", "instant")
    answered(page, "A plain answer.")
    for place in PLACES:
        page.goto(place)
        small = page.evaluate(
            """() => [...document.querySelectorAll("a, button, summary, input:not([type=hidden]), select, textarea")]
            .map((one) => (one.matches("[type=radio], [type=checkbox], a.row-title") ? one.closest("label, .row-body") : one))
            .filter((one) => one.checkVisibility({ visibilityProperty: true, opacityProperty: true }))
            .filter((one) => !one.matches(".skip, .unseen, p a") && one.getBoundingClientRect().right > 0)
            .filter((one) => one.getBoundingClientRect().height < 40 || one.getBoundingClientRect().width < 40)
            .map((one) => one.outerHTML.slice(0, 120))"""
        )
        assert small == [], place
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), place


@pytest.fixture(scope="module")
def keyless(browser: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """A server that answers without keys, on this machine only."""
    made = App(tmp_path_factory.mktemp("keyless"), browser)  # type: ignore[arg-type]
    start = made.start
    made.start = lambda *arguments: start("--without-keys", *arguments)  # type: ignore[method-assign]
    with made.serving(tools="calculator"):
        yield made


def test_without_keys_nobody_signs_in_and_every_page_works(keyless: App, width: int) -> None:
    with keyless.context(width, signed_in=False) as context:
        page = context.new_page()
        complaints = complaints_of(page)
        page.goto("/")
        expect(page.get_by_role("heading", name="What shall we look into?")).to_be_visible()
        ask(page, "What is a spring?", "instant")
        answered(page, "A plain answer.")
        for place, words in (
            ("/search?words=spring", "What is a spring?"),
            ("/runs", "What is a spring?"),
            ("/usage", "Tokens a day"),
            ("/settings", "Appearance"),
            ("/keys", "No keys yet"),
            ("/people", "Nobody signs in here"),
        ):
            page.goto(place)
            expect(page.get_by_role("main")).to_contain_text(words)
            assert page.get_by_role("button", name="Sign out").count() == 0, place
        assert page.locator('#sidebar a[href="/people"]').count() == 0
        page.goto("/settings")
        assert page.get_by_label("Current password").count() == 0
        page.get_by_label("Instructions").fill("Be brief.")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("status").first).to_contain_text("Saved")
        page.goto("/sign-in")
        page.wait_for_url("**/")
        assert complaints == []
