"""The clock and the calendar: what time it is here or elsewhere, and dates some days, weeks or months apart.

Small models are poor at dates, so code does them. It does not read dates out of prose ("next Friday"), and knows no
holidays.
"""

from __future__ import annotations

import calendar
import difflib
from collections.abc import Callable
from datetime import date, datetime, timedelta, tzinfo
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from msgspec import Struct

from pierian.tools import Tool, ToolFailure, tool


class Moment(Struct, frozen=True):
    """A date and a time of day in one zone; `offset` is that from UTC, such as `+02:00`."""

    date: str
    weekday: str
    time: str
    zone: str
    offset: str


class Day(Struct, frozen=True):
    """A date as `2026-12-24`, and its weekday."""

    date: str
    weekday: str


def clock_tools(now: Callable[[], datetime]) -> list[Tool]:
    """Tools that tell the time by `now`, an aware clock in the user's own zone."""

    @tool(effect="none")
    async def clock_now(zone: str = "") -> Moment:
        """The date, weekday and time now.

        Args:
            zone: Time zone or city, such as Asia/Tokyo; empty for the user's own.
        """
        moment = now()
        if zone.strip():
            moment = moment.astimezone(_zone(zone))
        return Moment(
            date=moment.date().isoformat(),
            weekday=f"{moment:%A}",
            time=f"{moment:%H:%M}",
            zone=_zone_name(moment.tzinfo),
            offset=f"{moment:%z}"[:3] + ":" + f"{moment:%z}"[3:5],
        )

    @tool(effect="none")
    async def date_shift(start: str = "today", days: int = 0, weeks: int = 0, months: int = 0) -> Day:
        """The date some days, weeks or months after (negative: before) a date, with its weekday.

        Args:
            start: A date such as 2026-12-24, or today.
        """
        begin = _date(start, now)
        try:
            shifted = _months_later(begin, months) + timedelta(days=days, weeks=weeks)
        except (OverflowError, ValueError) as error:
            raise ToolFailure(
                "invalid", f"{begin} plus {months} months, {weeks} weeks and {days} days is no date."
            ) from error
        return Day(shifted.isoformat(), f"{shifted:%A}")

    @tool(effect="none")
    async def days_between(first: str, second: str) -> int:
        """The number of days from one date to another; negative where the second is earlier.

        Args:
            first: A date such as 2026-12-24, or today.
            second: Likewise.
        """
        return (_date(second, now) - _date(first, now)).days

    return [clock_now, date_shift, days_between]


def _date(text: str, now: Callable[[], datetime]) -> date:
    if text.strip().lower() in ("", "today"):
        return now().date()
    try:
        return date.fromisoformat(text.strip()[:10])
    except ValueError as error:
        raise ToolFailure(
            "invalid", f"{text!r} is not a date.", hint="Write it as year-month-day, such as 2026-12-24."
        ) from error


def _months_later(start: date, months: int) -> date:
    """The same day of a later month, or that month's last day where it is shorter."""
    years, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    last = calendar.monthrange(years, month + 1)[1]
    return date(years, month + 1, min(start.day, last))


@cache
def _zones() -> dict[str, list[str]]:
    """Zones by what people call them: the whole name, and the city at its end."""
    found: dict[str, list[str]] = {}
    for name in sorted(available_timezones()):
        for spelling in {name.casefold(), name.rpartition("/")[2].casefold()}:
            found.setdefault(spelling, []).append(name)
    return found


def _zone(text: str) -> ZoneInfo:
    """The zone of that name or city. Only listed names reach the file system."""
    wanted = "_".join(text.split()).casefold()
    names = _zones().get(wanted, [])
    exact = [name for name in names if name.casefold() == wanted]
    if len(names) == 1 or exact:
        return ZoneInfo((exact or names)[0])
    near = names or [_zones()[spelling][0] for spelling in difflib.get_close_matches(wanted, _zones(), n=1)]
    raise ToolFailure(
        "not_found",
        f"There is no single time zone called {text!r}.",
        hint=f"Did you mean {' or '.join(near)}?" if near else "Use a name such as Europe/Berlin.",
    )


def _zone_name(zone: tzinfo | None) -> str:
    return zone.key if isinstance(zone, ZoneInfo) else str(zone)
