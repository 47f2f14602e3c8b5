"""What was used, as figures, plots and tables; and the runs behind it, those under way with a way to stop them."""

from __future__ import annotations

import re

import httpx2
import pytest
from playwright.sync_api import Locator, Page, expect
from tests.webapp.browsing import App, answered, ask


@pytest.fixture(scope="module", autouse=True)
def secret(app: App) -> str:
    """A key of the owner's, and a member who has used nothing; prices are read when the server starts."""
    app.context().close()  # the link of the first visit is for the first start
    app.command("prices", "set", "--input", "0", "--output", "10000")
    app.command("users", "create", "Bo")
    made = app.command("keys", "create", "--user", "owner", "--name", "Editor")
    app.stop()
    app.start()
    return re.search(r"pierian-\w{30,}", made)[0]  # type: ignore[index]


def figure(page: Page, name: str) -> str:
    return page.locator(".figures > div", has=page.locator("dt", has_text=name)).locator("dd").inner_text()


def run_row(page: Page, words: str) -> Locator:
    return page.locator("#runs .row", has_text=words)


def test_nothing_used_and_no_runs_yet(page: Page) -> None:
    page.goto("/usage")
    expect(page.locator(".empty")).to_contain_text("Nothing used yet")
    assert figure(page, "Tokens") == "0"
    assert page.locator("svg.plot").count() == 0
    page.goto("/runs")
    expect(page.locator("#runs")).to_contain_text("Nothing is running.")
    expect(page.locator("#runs")).to_contain_text("No runs yet.")


def test_what_was_used_is_counted_by_day_mode_and_key(app: App, page: Page, secret: str) -> None:
    for mode in ("auto", "instant"):
        page.goto("/")
        ask(page, "What is a spring?", mode)
        answered(page, "A plain answer.")
    for model in ("pierian-thinking", "double"):
        body = {"model": model, "messages": [{"role": "user", "content": "Hello"}]}
        headers = {"authorization": f"Bearer {secret}"}
        sent = httpx2.post(f"{app.address}/v1/chat/completions", json=body, headers=headers, timeout=30)
        assert sent.status_code == 200
    page.goto("/usage?days=7")
    legend = page.get_by_role("list", name="Colours").get_by_role("listitem").all_inner_texts()
    assert {one.strip() for one in legend} == {"Auto", "Instant", "Thinking", "Without a mode"}
    stacked = page.locator("svg.plot").first
    assert stacked.locator("rect").count() == 4
    # The bar is as tall as the figure says: the title of its day has the same number.
    expect(stacked.locator("g:has(rect) title")).to_contain_text(figure(page, "Tokens"))
    assert float(figure(page, "Money")) > 0
    keys = page.locator("section", has=page.get_by_role("heading", name="By key")).locator("tbody tr")
    rows = {row.locator("th").inner_text(): row.locator("td").all_inner_texts() for row in keys.all()}
    assert {*rows} == {"Editor", "These pages and the terminal"}
    assert sum(int(cells[-3]) for cells in rows.values()) == int(figure(page, "Requests"))
    assert sum(int(cells[-2]) for cells in rows.values()) == int(figure(page, "Tokens"))
    page.locator(".fold summary").click()
    table = page.get_by_role("region", name="The same as a table")
    assert table.locator("tbody tr").count() == 1
    everyone = figure(page, "Tokens")
    page.get_by_role("link", name="Everyone").click()
    expect(page.get_by_role("link", name="Everyone")).to_have_attribute("aria-current", "true")
    assert figure(page, "Tokens") == everyone
    page.get_by_role("link", name="90 days").click()
    expect(page.get_by_role("link", name="Everyone")).to_have_attribute("aria-current", "true")
    labels = page.locator("svg.plot").first.locator(".plot-label").all()
    box, card = labels[-1].bounding_box(), page.locator("section.card").first.bounding_box()
    assert box
    assert card
    assert box["x"] + box["width"] <= card["x"] + card["width"]


def test_a_run_is_seen_while_it_works_stopped_from_its_page_and_leads_to_its_conversation(
    app: App, page: Page, width: int
) -> None:
    question = f"Gated for a run at {width}"
    app.gate.shut()
    ask(page, question, "instant")
    expect(page.locator(".answer").last).to_contain_text("The first half")
    place = page.url
    page.goto("/runs")
    running = page.locator("section", has=page.get_by_role("heading", name="Running now"))
    expect(running).to_contain_text(question)
    running.get_by_role("button", name=f"Stop: {question}").click()
    past = page.locator("section", has=page.get_by_role("heading", name="Past runs"))
    expect(past).to_contain_text(question)  # the page follows by itself
    expect(running).to_contain_text("Nothing is running.")
    run_row(page, question).get_by_role("link").click()
    expect(page).to_have_url(place)
    answered(page, "The first half")
    expect(page.locator("#turns")).not_to_contain_text("second half")


def test_the_list_of_runs_follows_what_ends(app: App, page: Page, width: int) -> None:
    question = f"Gated and let go at {width}"
    app.gate.shut()
    ask(page, question, "instant")
    expect(page.locator(".answer").last).to_contain_text("The first half")
    page.goto("/runs")
    expect(page.get_by_role("button", name=f"Stop: {question}")).to_be_visible()
    app.gate.open()
    expect(page.get_by_role("button", name=f"Stop: {question}")).to_have_count(0)
    expect(run_row(page, question)).to_contain_text("done")
