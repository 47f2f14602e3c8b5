"""The report of what was used adds up, and its CSV runs nothing in a spreadsheet."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from pierian.access import Grant
from pierian.budget import Amount
from pierian.metering import UsageReport, Use, as_csv
from pierian.metering.books import Books
from pierian.metering.report import KeyTotals, harmless
from pierian.metering.values import Caller, Ticket
from pierian.metering.work import Reserve, Settle
from pierian.storage import Database, UsageStore

NOON = datetime(2026, 11, 3, 12, 0, tzinfo=UTC)


class Clock:
    now = NOON

    def __call__(self) -> datetime:
        return self.now


def use(books: Books, key: str, model: str, mode: str, money: int, *, settled: bool = True) -> None:
    who = Caller(key, f"owner of {key}", Grant())
    (ticket,) = books.write([Reserve(who, Use(100, 0, 50, money), model, mode)])
    assert isinstance(ticket, Ticket)
    if settled:
        books.write([Settle(ticket, Use(80, 30, 20, money))])


@pytest.fixture
def report(database: Database) -> UsageReport:
    clock = Clock()
    books = Books(database, "w", None, None, clock)
    clock.now = NOON - timedelta(days=1)
    use(books, "a", "small", "instant", 5)
    clock.now = NOON
    for _ in range(3):
        use(books, "a", "small", "instant", 10**8 + 1)
    use(books, "a", "small", "thinking", 7)
    use(books, "a", "small", "thinking", 9, settled=False)
    use(books, "b", "=cmd", "instant", 11)
    store = UsageStore(database, model="small", mode="instant", clock=clock)
    store.settle(store.reserve(Amount(5, 0.5)), Amount(5, 0.5))
    return UsageReport(database, clock=clock)


def test_per_day_model_and_mode(report: UsageReport) -> None:
    rows = report.by_day(key="a")
    assert [(row.day, row.mode, row.requests, row.money, row.open_money) for row in rows] == [
        ("2026-11-03", "instant", 3, 3 * 10**8 + 3, 0),
        ("2026-11-03", "thinking", 2, 7, 9),
        ("2026-11-02", "instant", 1, 5, 0),
    ]
    assert (rows[0].prompt_tokens, rows[0].cached_tokens, rows[0].completion_tokens) == (240, 90, 60)
    assert report.by_day(owners=["owner of a", "nobody"]) == rows
    assert report.by_day(key="a", days=1) == rows[:2]
    assert report.by_day(key="nothing") == ()


def test_by_key_the_one_that_used_most_first(report: UsageReport) -> None:
    found = [(use.key, use.requests, use.completion_tokens, use.money) for use in report.by_key()]
    # A call without a result has generated nothing yet.
    assert found == [("a", 6, 100, 3 * 10**8 + 15), ("b", 1, 20, 11), ("", 1, 5, 5 * 10**8)]
    assert [use.key for use in report.by_key(owners=["owner of b"])] == ["b"]
    assert [use.requests for use in report.by_key(days=1)] == [5, 1, 1]


def test_what_each_owner_and_each_key_used(report: UsageReport) -> None:
    used = report.tokens_by_owner(days=2)
    assert (used["owner of a"], used["owner of b"]) == (100, 20)
    assert report.tokens_by_owner(days=1)["owner of a"] == 80
    totals = report.totals_of(["a", "b", "unused"])
    assert totals["a"] == report.totals("a") and totals["b"] == report.totals("b") != totals["unused"]
    assert totals["unused"] == KeyTotals()


def test_all_together_with_what_no_key_used(report: UsageReport) -> None:
    rows = report.by_day(days=1)
    assert [(row.model, row.mode, row.requests, row.money) for row in rows] == [
        ("=cmd", "instant", 1, 11),
        ("small", "instant", 4, 8 * 10**8 + 3),
        ("small", "thinking", 2, 7),
    ]
    assert msgspec.json.encode([row.as_json() for row in rows])


def test_csv(report: UsageReport) -> None:
    text = as_csv(report.by_day(days=1))
    lines = list(csv.DictReader(io.StringIO(text)))
    assert [line["model"] for line in lines] == ["'=cmd", "small", "small"]
    assert (lines[1]["money"], lines[1]["requests"]) == ("0.800000003", "4")
    assert as_csv(()).startswith("day,model,mode,requests,")


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "\n=1"])
def test_what_a_spreadsheet_would_run_is_text(cell: str) -> None:
    assert harmless(cell) == f"'{cell}"


def test_other_cells_stay_as_they_are() -> None:
    for cell in ("", "small", "a=b", "qwen2.5-coder-1.5b", "2026-11-03"):
        assert harmless(cell) == cell
