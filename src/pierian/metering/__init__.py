"""What use costs and who may use how much: prices, rates, caps, and the report of what was used.

`Meter` lets requests in and keeps the caps, exactly, over all processes of one database. Nothing here knows who a key
belongs to or what it may do otherwise (`access`). The names are loaded when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pierian.metering.cap import KeyCap
    from pierian.metering.meter import Meter
    from pierian.metering.money import money_text, parse_money
    from pierian.metering.prices import Price, PriceTable
    from pierian.metering.refusals import CapReached, RateLimited
    from pierian.metering.report import UsageReport, UsageRow, as_csv
    from pierian.metering.values import Admission, Allowance, Caller, Standing, Ticket, Use

_HOMES = {
    "Admission": "values",
    "Allowance": "values",
    "Caller": "values",
    "CapReached": "refusals",
    "KeyCap": "cap",
    "Meter": "meter",
    "Price": "prices",
    "PriceTable": "prices",
    "RateLimited": "refusals",
    "Standing": "values",
    "Ticket": "values",
    "UsageReport": "report",
    "UsageRow": "report",
    "Use": "values",
    "as_csv": "report",
    "money_text": "money",
    "parse_money": "money",
}

__all__ = [
    "Admission",
    "Allowance",
    "Caller",
    "CapReached",
    "KeyCap",
    "Meter",
    "Price",
    "PriceTable",
    "RateLimited",
    "Standing",
    "Ticket",
    "UsageReport",
    "UsageRow",
    "Use",
    "as_csv",
    "money_text",
    "parse_money",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
