"""Sums of money in whole cents of one currency, rounded up, so that a budget is never exceeded by rounding."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Decimal

from pierian.planning.constraints import Money, Problem

_CENT = Decimal("0.01")


def cents(price: Money, problem: Problem) -> int | None:
    """A price in cents of the problem's currency; None where no rate of exchange is known."""
    if price.currency == problem.currency:
        rate: Decimal | None = Decimal(1)
    else:
        rate = problem.rates.get(price.currency)
    if rate is None:
        return None
    return int((price.amount * rate).quantize(_CENT, rounding=ROUND_CEILING) * 100)


def limit_cents(limit: Money, problem: Problem) -> int | None:
    """A limit in cents of the problem's currency, rounded down."""
    rate = Decimal(1) if limit.currency == problem.currency else problem.rates.get(limit.currency)
    return None if rate is None else int(limit.amount * rate * 100)


def from_cents(amount: int, problem: Problem) -> Money:
    """Cents as money of the problem's currency."""
    return Money((Decimal(amount) / 100).quantize(_CENT, rounding=ROUND_HALF_EVEN), problem.currency)
