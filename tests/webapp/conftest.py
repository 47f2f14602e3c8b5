"""What the tests in the browser share: Chromium, a server that runs, and a tab of its owner at both widths."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.webapp.browsing import CHROMIUM, PATIENCE, WIDTHS, App, complaints_of


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    """Chromium, for the tests of one file: its loop must be gone before tests with a loop of their own."""
    if not CHROMIUM.exists():
        pytest.skip(f"needs Chromium at {CHROMIUM}")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE)  # machines are slower than people are patient
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def app(browser: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """A server for the tests of one file, with the tools that write files and artifacts."""
    made = App(tmp_path_factory.mktemp("app"), browser)  # type: ignore[arg-type]
    with made.serving(tools="files,calculator,artifact"):
        yield made


@pytest.fixture(params=WIDTHS)
def width(request: pytest.FixtureRequest) -> int:
    return request.param


@pytest.fixture
def page(app: App, width: int) -> Iterator[object]:
    """An empty conversation of the owner; a complaint of the page fails the test.

    Without the service worker, which takes requests away from `page.route` as soon as it is there.
    """
    app.gate.open()
    with app.context(width, service_workers="block") as context:
        tab = context.new_page()
        complaints = complaints_of(tab)
        tab.goto("/")
        yield tab
        app.gate.open()
        assert complaints == []
