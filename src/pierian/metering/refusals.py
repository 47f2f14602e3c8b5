"""The two ways in which the meter says no: not yet, and no more.

Both are `BudgetExhausted`, so that a run whose next call does not fit ends with the best answer so far.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pierian.exceptions import BudgetExhausted
from pierian.metering.values import Standing

Rate = Literal["requests", "tokens", "concurrent"]
Cap = Literal["day", "month", "daily_tokens", "daily_money"]
"""The key's own caps on money, and the two of the settings, over everything."""


class RateLimited(BudgetExhausted):
    """Too much at once. `retry_after` is in seconds, and None where the same request can never fit."""

    def __init__(self, rate: Rate, message: str, retry_after: float | None, standing: Standing) -> None:
        super().__init__(rate, message)
        self.rate: Rate = rate
        self.retry_after = retry_after
        self.standing = standing


class CapReached(BudgetExhausted):
    """A cap leaves too little. `left` is in billionths, or in tokens for `daily_tokens`."""

    def __init__(self, cap: Cap, message: str, left: int, resets_at: datetime) -> None:
        super().__init__("tokens" if cap == "daily_tokens" else "money", message)
        self.cap: Cap = cap
        self.left = left
        self.resets_at = resets_at
