"""`pierian usage` and `pierian prices` as an operator uses them."""

from __future__ import annotations

import csv
import json

import pytest
from click.testing import Result
from typer import Typer
from typer.testing import CliRunner

from pierian.access import Grant, Keys, Users
from pierian.cli import prices
from pierian.cli.usage import usage
from pierian.config import paths
from pierian.exceptions import SettingsError, UnknownName, UserError
from pierian.metering.books import Books
from pierian.metering.prices import load_prices, prices_file
from pierian.metering.values import Caller, Ticket, Use
from pierian.metering.work import Reserve, Settle
from pierian.storage import open_database
from pierian.storage.usage import local_now


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")


def used(*words: str) -> Result:
    app = Typer()
    app.command()(usage)
    return CliRunner().invoke(app, words, catch_exceptions=False)


def priced(*words: str) -> Result:
    return CliRunner().invoke(prices.app, words, catch_exceptions=False)


@pytest.fixture
def keys() -> dict[str, str]:
    """A key of Ada's and one of Bob's, each used once."""
    made = dict[str, str]()
    with open_database(paths().database) as database:
        books = Books(database, "w", None, None, local_now)
        for name, model in (("Ada", "small"), ("Bob", "=cmd()")):
            user = Users(database).create(name)
            made[name] = Keys(database).create(name)[0].id
            who = Caller(made[name], user.id, Grant())
            (ticket,) = books.write([Reserve(who, Use(money=10**9), model, "instant")])
            assert isinstance(ticket, Ticket)
            books.write([Settle(ticket, Use(1_200, 200, 34, 25 * 10**7))])
    return made


def test_usage_of_all_and_of_one(keys: dict[str, str]) -> None:
    shown = used().stdout
    assert "=cmd()" in shown
    assert "1,200" in shown
    assert "2 requests, 0.50 in all." in shown
    for of_one in (used("--key", keys["Ada"][:22]), used("--user", "ada")):
        assert "small" in of_one.stdout
        assert "=cmd()" not in of_one.stdout
    (row,) = json.loads(used("--user", "bob", "--json").stdout)
    assert (row["model"], row["money"], row["completion_tokens"]) == ("=cmd()", 0.25, 34)


def test_usage_as_csv(keys: dict[str, str]) -> None:
    lines = list(csv.DictReader(used("--csv").stdout.splitlines()))
    assert [(line["model"], line["money"]) for line in lines] == [("'=cmd()", "0.25"), ("small", "0.25")]


def test_usage_of_nobody() -> None:
    assert used().stdout == "Nothing was used in the last 30 days.\n"
    assert json.loads(used("--json").stdout) == []
    with pytest.raises(UnknownName):
        used("--user", "Ada")


def test_prices() -> None:
    assert "everything is free" in priced("show").stdout
    assert priced("path").stdout == f"{prices_file()}\n"
    assert str(prices_file()) in priced("set", "--input", "0.10", "--output", "0.4").stdout
    priced(
        "set", "--input", "1", "--cached", "0.25", "--output", "2", "--model", "small", "--mode", "thinking"
    )
    shown = priced("show").stdout
    assert [line.split() for line in shown.splitlines()[1:3]] == [
        ["any", "any", "0.10", "0.10", "0.40"],
        ["small", "thinking", "1.00", "0.25", "2.00"],
    ]
    assert json.loads(priced("show", "--json").stdout)[1]["cached"] == 0.25
    assert load_prices().of("small", "thinking").cached == 25 * 10**7


@pytest.mark.parametrize(
    "words", [("--input", "x", "--output", "1"), ("--input", "1", "--output", "1", "--mode", "deep")]
)
def test_what_is_no_price(words: tuple[str, ...]) -> None:
    with pytest.raises(UserError):
        priced("set", *words)
    assert not prices_file().exists()


def test_a_damaged_table_is_named() -> None:
    prices_file().parent.mkdir(parents=True)
    prices_file().write_text("[[price")
    with pytest.raises(SettingsError, match=r"prices\.toml is not valid TOML"):
        priced("show")
