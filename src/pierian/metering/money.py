"""Money in whole billionths of a unit, so that sums are exact; which currency a unit is, is the operator's business.

A billionth is a thousandth of what one token costs at one unit per million tokens: no price that anybody asks is
rounded noticeably, and 64 bits hold nine thousand million units.
"""

from __future__ import annotations

import math
from decimal import Decimal, InvalidOperation

from pierian.exceptions import UserError

UNIT = 10**9
MOST = 10**9
"""Units; more than any cap or price is meant to be."""


def parse_money(text: str) -> int:
    """Billionths of an amount such as `12.50`; raises `UserError`."""
    try:
        amount = Decimal(text.strip())
    except InvalidOperation:
        amount = Decimal("nan")
    if not amount.is_finite() or not 0 <= amount <= MOST or amount * UNIT != int(amount * UNIT):
        raise UserError(
            f"{text!r} is not an amount of money.", hint="For example 5 or 12.50; at most nine decimals."
        )
    return int(amount * UNIT)


def money_text(billionths: int) -> str:
    """An amount as people write it: two decimals at the least, and as many more as it has."""
    whole, part = divmod(abs(billionths), UNIT)
    decimals = f"{part:09d}".rstrip("0").ljust(2, "0")
    return f"{'-' if billionths < 0 else ''}{whole:,}.{decimals}"


def from_float(amount: float) -> int:
    """Billionths of an amount worked out in floats, rounded up; dust below a thousandth of one is dropped."""
    if not math.isfinite(amount) or not 0 <= amount <= MOST:
        raise ValueError(f"Not an amount of money: {amount}.")
    return math.ceil(round(amount * UNIT, 3))
