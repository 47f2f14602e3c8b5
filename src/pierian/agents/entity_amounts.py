"""What figures, number words, sums of money, quantities and durations mean.

Conventions, where writers differ. A comma or an apostrophe before exactly three digits groups them, before one or
two it is a decimal comma; a point is a decimal point, except that in money a point before exactly three digits
groups them (`1.200 €`), since no common price has three decimals. Figures that are too long to be a quantity, or
begin with a zero, are identifiers and stay text. Values are exact decimals until they leave the finder.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from msgspec import Struct

from pierian.agents.entity_calendar import Length

_MOST_DIGITS = 15
"""Beyond this a figure is an identifier; JSON readers keep no more digits than that either."""
_GROUPED_BY_COMMA = re.compile(r"[0-9]{1,3}(,[0-9]{2,3})*,[0-9]{3}(\.[0-9]+)?")
_GROUPED_BY_POINT = re.compile(r"[0-9]{1,3}(\.[0-9]{3})+(,[0-9]{1,2})?")
_GROUPED_BY_SPACE = re.compile(r"[0-9]{1,3}([\u00a0'’][0-9]{3})+([.,][0-9]{1,2})?")


class Money(Struct, frozen=True):
    """A sum of money in a currency (ISO 4217)."""

    amount: Decimal
    currency: str


class Measure(Struct, frozen=True):
    """So much of a unit."""

    amount: Decimal
    unit: str


class Ignored(Struct, frozen=True):
    """Figures that stand for no quantity: a version, a score."""


def figure(text: str, *, money: bool = False) -> Decimal | str:
    """The number that digits stand for, or the text itself where it is an identifier."""
    digits = sum(character.isdigit() for character in text)
    unsigned = text.lstrip("-−")
    if digits > _MOST_DIGITS or re.fullmatch(r"0[0-9]+", unsigned):
        return text
    plain = unsigned
    if _GROUPED_BY_COMMA.fullmatch(plain):
        plain = plain.replace(",", "")
    elif _GROUPED_BY_SPACE.fullmatch(plain):
        plain = re.sub(r"[\u00a0'’]", "", plain).replace(",", ".")
    elif _GROUPED_BY_POINT.fullmatch(plain) and (money or "," in plain or plain.count(".") > 1):
        plain = plain.replace(".", "").replace(",", ".")
    else:
        plain = plain.replace(",", ".")
    return -Decimal(plain) if unsigned != text else Decimal(plain)


def plain_number(number: Decimal) -> int | float:
    """A number for JSON: whole where it is whole."""
    return int(number) if number == number.to_integral_value() else float(number)


# Numbers


def times(_now: object, number: Decimal | str, scale: int) -> Decimal:
    if not isinstance(number, Decimal):
        raise ValueError("An identifier is not multiplied.")
    return number * scale


def one(_now: object, scale: int) -> Decimal:
    return Decimal(scale)


def one_and(_now: object, scale: int, rest: Decimal) -> Decimal:
    """A hundred and fifty."""
    if not 0 < rest < scale:
        raise ValueError("They are two numbers.")
    return Decimal(scale) + rest


def half(_now: object, scale: int) -> Decimal:
    return Decimal(scale) / 2


def and_half(_now: object, number: Decimal) -> Decimal:
    return add(None, number, Decimal("0.5"))


def add(_now: object, number: Decimal | str, part: Decimal) -> Decimal:
    if not isinstance(number, Decimal) or number != number.to_integral_value():
        raise ValueError("Only a whole number takes a fraction.")
    return number + part


def minus(_now: object, number: Decimal | str) -> Decimal:
    if not isinstance(number, Decimal):
        raise ValueError("An identifier has no sign.")
    return -number


# Money and quantities


def price(_now: object, currency: str, amount: Decimal) -> Money:
    return Money(amount, currency)


def amount_of(_now: object, amount: Decimal, currency: str) -> Money:
    return Money(amount, currency)


def small_money(_now: object, amount: Decimal, currency: str) -> Money:
    """Hundredths of a currency: 50 pence."""
    return Money(amount / 100, currency)


def measure(_now: object, amount: Decimal, unit: str) -> Measure:
    return Measure(amount, unit)


def minus_measure(_now: object, amount: Decimal, unit: str) -> Measure:
    return Measure(-amount, unit)


def per_cent(_now: object, amount: Decimal) -> Measure:
    return Measure(amount, "%")


def ignored(_now: object, *_figures: object) -> Ignored:
    return Ignored()


def score(_now: object, first: Decimal, last: Decimal) -> Ignored:
    """3-2 is a result, where 10-15 is a range of numbers."""
    if first < last:
        raise ValueError("It is a range.")
    return Ignored()


# Durations


def count_of(_now: object, count: Decimal, unit: Length) -> Length:
    if count <= 0:
        raise ValueError("No time at all.")
    return unit.times(float(count))


def one_unit(_now: object, unit: Length) -> Length:
    return unit


def two_units(_now: object, unit: Length) -> Length:
    return unit.times(2)


def quarter_hour(_now: object) -> Length:
    return Length(seconds=900)


def quarter_hours(_now: object, count: Decimal) -> Length:
    return quarter_hour(None).times(float(count))


def half_unit(_now: object, unit: Length) -> Length:
    return unit.times(0.5)


def unit_and_half(_now: object, unit: Length) -> Length:
    return unit.times(1.5)


def hours_minutes(_now: object, hours: Decimal, minutes: int) -> Length:
    if minutes >= 60:
        raise ValueError("An hour has sixty minutes.")
    return Length(seconds=float(hours) * 3600 + minutes * 60)


def longer_and_shorter(_now: object, longer: Length, shorter: Length) -> Length:
    """`2 hours and 10 minutes`: together, if the second is the smaller."""
    if _seconds(shorter) >= _seconds(longer):
        raise ValueError("They are two durations.")
    return longer.plus(shorter)


def _seconds(length: Length) -> float:
    return (length.months * 30 + length.days) * 86_400 + length.seconds


def duration(length: Length) -> str:
    """A length as ISO 8601 writes durations: P3D, PT1H30M, P1Y2M."""
    years, months = divmod(length.months, 12)
    minutes, seconds = divmod(round(length.seconds, 3), 60)
    hours, minutes = divmod(int(minutes), 60)
    days = f"{years}Y" * bool(years) + f"{months}M" * bool(months) + f"{length.days}D" * bool(length.days)
    clock = f"{hours}H" * bool(hours) + f"{minutes}M" * bool(minutes) + f"{seconds:g}S" * bool(seconds)
    return f"P{days}T{clock}" if clock else f"P{days or '0D'}"


MEANINGS: dict[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (
        *(times, one, one_and, half, and_half, add, minus, price, amount_of, small_money, measure),
        *(minus_measure, per_cent, ignored, score, count_of, one_unit, two_units, half_unit, unit_and_half),
        *(quarter_hour, quarter_hours, hours_minutes, longer_and_shorter),
    )
}
