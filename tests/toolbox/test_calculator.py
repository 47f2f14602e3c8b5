"""Sums as people write them, exactly, and nothing that is not a sum."""

from __future__ import annotations

import time
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pierian.provenance import Labelled
from pierian.toolbox import calculator_tools
from pierian.tools import Tool, ToolFailure, invoke

TOOLS: dict[str, Tool] = {made.name: made for made in calculator_tools()}


async def calculate(expression: str) -> Any:
    found = await invoke(TOOLS["calculate"], {"expression": Labelled(expression)})
    assert found is not None
    return found.value


async def convert(amount: float, unit: str, to_unit: str) -> Any:
    arguments = {"amount": Labelled(amount), "unit": Labelled(unit), "to_unit": Labelled(to_unit)}
    found = await invoke(TOOLS["unit_convert"], arguments)
    assert found is not None
    return found.value


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("0.1 + 0.2", 0.3),
        ("15% of 80", 12),
        ("200 + 10%", 220),
        ("200 - 10% * 2", 199.8),
        ("5% + 5%", 0.1),
        ("100 / 10%", 1000),
        ("7 % 3", 1),
        ("1,234.50 × 2", 2469),
        ("max(1,200)", 200),
        ("$12.50 * 3 =", 37.5),
        ("-2^2", -4),
        ("2 ** -1", 0.5),
        ("sqrt(16/9) * 3", 4),
        ("2^0.5", 2**0.5),
        ("round(2.5) + round(-2.675, 2)", 0.32),
        ("10 // 3 + ceil(0.2) + floor(-0.2)", 3),
        ("(1 + 0.045/12)^360", 3.8476980499635016),
        ("pi * 5^2", 78.53981633974483),
        ("007 + 1", 8),
        ("2^200", 2**200),
        ("1" + "+1" * 240, 241),
        ("min(3, 1/3, abs(-2))", 1 / 3),
    ],
)
async def test_the_value_of_an_expression(expression: str, value: float) -> None:
    assert await calculate(expression) == value


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("1/0", "divides by zero"),
        ("0^-1", "divides by zero"),
        ("9^9^9^9", "too large"),
        ("1e300 * 1e300", "too large"),
        ("1e-300 / 1e300", "too small"),
        ("(-8)^(1/3)", "no such power"),
        ("sqrt(-1)", "no square root"),
        ("1e999999999", "not a plain number"),
        ("0x10", "not a plain number"),
        ("2j", "not a plain number"),
        ("price * 2", "not arithmetic"),
        ("__import__('os').getcwd()", "not arithmetic"),
        ("(1).real", "not a"),
        ("open(1)", "no function"),
        ("[1][0]", "not arithmetic"),
        ("1 if 1 else 2", "not arithmetic"),
        ("", "not written as arithmetic"),
        ("(" * 400, "not written as arithmetic"),
        ("-" * 499 + "1", "nested"),
        ("1" * 501, "longer"),
    ],
)
async def test_what_has_no_value_is_said(expression: str, says: str) -> None:
    with pytest.raises(ToolFailure) as caught:
        await calculate(expression)
    assert caught.value.code == "invalid"
    assert says in str(caught.value)
    assert "sqrt" in caught.value.hint


@given(
    st.lists(st.tuples(st.sampled_from("+-*"), st.decimals(-1000, 1000, places=3)), min_size=1, max_size=12)
)
async def test_decimals_are_exact(parts: list[tuple[str, Any]]) -> None:
    expression, expected = "1", "Fraction(1)"
    for operator, number in parts:
        expression += f" {operator} ({number})"
        expected += f" {operator} Fraction('{number}')"
    value = eval(expected, {"Fraction": Fraction})
    assert await calculate(expression) == float(value)


@given(st.text("0123456789.+-*/^%() ,e", max_size=80))
async def test_any_expression_ends_soon(expression: str) -> None:
    start = time.monotonic()
    try:
        await calculate(expression)
    except ToolFailure as failure:
        assert failure.code == "invalid", str(failure)
    assert time.monotonic() - start < 2


@pytest.mark.parametrize(
    ("amount", "unit", "to_unit", "value"),
    [
        (1, "mile", "km", 1.609344),
        (72, "F", "C", 200 / 9),
        (100, "°C", "degF", 212),
        (0, "kelvin", "celsius", -273.15),
        (60, "mph", "km/h", 96.56064),
        (60, "miles per hour", "km/h", 96.56064),
        (0.1, "kg", "g", 100),
        (1, "KG", "g", 1000),
        (180, "pounds", "kilograms", 81.6466266),
        (1, "ft^2", "m²", 0.09290304),
        (3, "cups", "ml", 709.7647095),
        (1, "GB", "MiB", 953.67431640625),
        (2, "weeks", "hours", 336),
    ],
)
async def test_units(amount: float, unit: str, to_unit: str, value: float) -> None:
    assert await convert(amount, unit, to_unit) == pytest.approx(value, rel=1e-15)


@pytest.mark.parametrize(
    ("unit", "to_unit"),
    [
        ("m", "s"),
        ("m**9999999999", "m"),
        ("m**9**9", "m"),
        ("9**9**9", "m"),
        ("smoots per foo", "m"),
        ("", "m"),
        ("m; import os", "m"),
        ("m" * 1000, "m"),
        ("USD", "EUR"),
    ],
)
async def test_what_cannot_be_converted_is_said(unit: str, to_unit: str) -> None:
    with pytest.raises(ToolFailure) as caught:
        await convert(1, unit, to_unit)
    assert caught.value.code == "invalid"
