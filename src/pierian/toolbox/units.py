"""Conversion of units, by `pint`, in exact fractions.

The text of a unit is matched against a small grammar first: pint itself would try to work out `m**9999999999`. No
currencies: their rates are news, not arithmetic.
"""

from __future__ import annotations

import asyncio
import re
from fractions import Fraction
from functools import cache
from typing import Any

from pierian.tools import ToolFailure, tool

_NAME = r"(?:[^\W\d_]|[°µ])(?:[^\W\d]|°)*"
_TERM = rf"{_NAME}(?:\s?(?:\^|\*\*)\s?-?[1-9]|[1-9²³])?"
_UNIT = re.compile(rf"(?:1\s?/\s?)?{_TERM}(?:\s?(?:[*·/]|\bper\b|\s)\s?{_TERM}){{0,5}}")
_MOST_CHARACTERS = 60
_TEMPERATURES = {"c": "degC", "f": "degF", "k": "kelvin", "°c": "degC", "°f": "degF"}


@tool(effect="none")
async def unit_convert(amount: float, unit: str, to_unit: str) -> int | float:
    """Convert an amount from one unit to another.

    Args:
        unit: Such as mile, degF, km/h, cup.
        to_unit: The unit wanted.
    """
    value = await asyncio.to_thread(_converted, Fraction(str(amount)), unit, to_unit)
    return value.numerator if value.denominator == 1 else float(value)


def _converted(amount: Fraction, unit: str, to_unit: str) -> Fraction:
    import pint

    names = [unit.strip(), to_unit.strip()]
    if all(name.casefold() in _TEMPERATURES for name in names):  # else C is the coulomb and F the farad
        names = [_TEMPERATURES[name.casefold()] for name in names]
    source, target = (_unit(name) for name in names)
    try:
        return Fraction(_registry().Quantity(amount, source).to(target).magnitude)
    except pint.errors.DimensionalityError as error:
        raise ToolFailure("invalid", f"{unit} and {to_unit} do not measure the same thing.") from error
    except (pint.errors.PintError, ValueError, OverflowError) as error:
        raise ToolFailure("invalid", f"{unit} cannot be converted to {to_unit}.") from error


def _unit(name: str) -> Any:
    import pint

    if len(name) <= _MOST_CHARACTERS and _UNIT.fullmatch(name):
        written = name.replace("^", "**").replace("·", "*")
        for spelling in (written, written.lower()):
            try:
                return _registry().parse_units(spelling)
            except (pint.errors.PintError, ValueError, TypeError, ZeroDivisionError):
                continue
    raise ToolFailure(
        "invalid", f"There is no unit {name!r}.", hint="Write it in English: mile, kg, degF, km/h, ft^2."
    )


@cache
def _registry() -> Any:
    import pint

    registry: Any = pint.UnitRegistry  # its annotations know floats only
    return registry(non_int_type=Fraction)
