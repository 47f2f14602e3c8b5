"""What a call costs by the table of prices, to the billionth, and what is wrong with a table that cannot be used."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pierian.exceptions import SettingsError, UnknownName, UserError
from pierian.metering import Price, money_text, parse_money
from pierian.metering.money import from_float
from pierian.metering.prices import checked_price, load_prices, prices_file, set_price

PRICES = st.integers(0, 100 * 10**9)
COUNTS = st.integers(0, 10**7)


@given(input_=PRICES, cached=PRICES, output=PRICES, prompt=COUNTS, hit=COUNTS, completion=COUNTS)
def test_money_is_rounded_up_to_a_billionth_and_never_down(
    input_: int, cached: int, output: int, prompt: int, hit: int, completion: int
) -> None:
    price, hit = Price(input=input_, cached=cached, output=output), min(hit, prompt)
    exact = Fraction((prompt - hit) * input_ + hit * cached + completion * output, 10**6)
    assert exact <= price.money(prompt, hit, completion) < exact + 1
    assert price.money(prompt, hit, completion) <= price.most(prompt, completion)


def test_by_hand() -> None:
    price = Price(input=parse_money("0.10"), cached=parse_money("0.02"), output=parse_money("0.40"))
    # 800 x 0.10 + 200 x 0.02 + 500 x 0.40 per million
    assert money_text(price.money(1_000, 200, 500)) == "0.000284"
    assert price.money(1, 0, 0) == 100
    assert Price(input=1).money(1, 0, 0) == 1  # a millionth of a billionth is rounded up
    assert price.money(10, 99, 0) == price.money(10, 10, 0)
    assert price.settings() == {"price_input": 0.1, "price_output": 0.4}


def test_the_entry_that_says_most_holds() -> None:
    write(
        """
        [[price]]
        input = 1
        output = 1
        [[price]]
        mode = "Thinking"
        input = 2
        output = 2
        [[price]]
        model = "small"
        input = 3
        output = 3
        [[price]]
        model = "small"
        mode = "thinking"
        input = 4
        cached = 0.000000001
        output = 4
        """
    )
    prices = load_prices()
    found = {
        (model, mode): prices.of(model, mode).input // 10**9
        for model in ("small", "large")
        for mode in ("thinking", "instant")
    }
    assert found == {
        ("small", "thinking"): 4,
        ("small", "instant"): 3,
        ("large", "thinking"): 2,
        ("large", "instant"): 1,
    }
    assert prices.of("small", "thinking").cached == 1
    assert prices.of("small", "instant").cached == prices.of("small", "instant").input


def test_without_a_table_everything_is_free() -> None:
    assert load_prices().of("small", "instant").free
    assert load_prices().of("small", "instant").money(10**6, 0, 10**6) == 0


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[[price", "not valid TOML"),
        ("[[price]]\noutput = 1", "`input`"),
        ("[[price]]\ninput = -1\noutput = 1", "'-1' is not an amount"),
        ("[[price]]\ninput = nan\noutput = 1", "'nan' is not an amount"),
        ("[[price]]\ninput = 0.0000000001\noutput = 1", "is not an amount"),
        ("[[price]]\ninput = true\noutput = 1", "Price 1"),
        ("[[price]]\nmode = 'deep'\ninput = 1\noutput = 1", "no mode called 'deep'"),
        ("[[price]]\ninput = 1\noutput = 1\nouput = 2", "ouput"),
        ("[[price]]\ninput = 1\noutput = 1\n[[price]]\ninput = 1\noutput = 1", "Price 1 and price 2"),
        ("[price]\ninput = 1", "not a list"),
        ("[prices]\ninput = 1", "'prices' is not known"),
    ],
)
def test_a_table_that_cannot_be_used(text: str, reason: str) -> None:
    write(text)
    with pytest.raises(SettingsError, match=reason):
        load_prices()
    with pytest.raises(SettingsError):
        set_price(Price(input=1))
    assert prices_file().read_text() == text


def test_setting_a_price_keeps_the_rest() -> None:
    write("# ours\n[[price]]\nmodel = 'small' # the default\ninput = 1.5\noutput = 2\n")
    set_price(checked_price("small", "", {"input": parse_money("0.1"), "output": 10**9}))
    set_price(checked_price("", "Instant", {"input": 0, "cached": 0, "output": parse_money("0.123456789")}))
    text = prices_file().read_text()
    assert "# ours" in text
    assert "# the default" in text
    assert load_prices().entries == (
        Price(model="small", input=10**8, cached=10**8, output=10**9),
        Price(mode="instant", output=123456789),
    )
    with pytest.raises(UnknownName):
        checked_price("", "deep", {"input": 0, "output": 0})


@given(billionths=st.integers(0, 10**18))
def test_amounts_are_read_as_they_are_written(billionths: int) -> None:
    assert parse_money(money_text(billionths).replace(",", "")) == billionths


@pytest.mark.parametrize("wrong", ["", "abc", "-1", "1e400", "inf", "nan", "0.0000000001", "2000000000"])
def test_what_is_no_money(wrong: str) -> None:
    with pytest.raises(UserError, match="not an amount of money"):
        parse_money(wrong)


def test_money_from_floats_is_rounded_up_but_not_by_dust() -> None:
    assert from_float(0.1 + 0.2) == 3 * 10**8
    assert from_float(1e-12) == 1
    assert from_float(0.0) == 0
    with pytest.raises(ValueError, match="Not an amount"):
        from_float(float("nan"))


def write(text: str) -> Path:
    file = prices_file()
    file.parent.mkdir(parents=True)
    file.write_text(text)
    return file
