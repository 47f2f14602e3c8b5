"""The time zone of the person at this machine, in which all-day and floating events take place.

A calendar says of some events only "at nine" or "on the 24th". They are worked out in this zone when they are synced,
and worked out again when it has changed.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

LOCALTIME = Path("/etc/localtime")


@cache
def known_zones() -> frozenset[str]:
    """The names of all zones; listing them takes some milliseconds."""
    return frozenset(available_timezones())


def local_zone() -> ZoneInfo:
    """The zone of this machine: what TZ names, else what its settings point to, else a zone with the same offset."""
    for name in (os.environ.get("TZ", "").lstrip(":"), _linked()):
        if name in known_zones():
            return ZoneInfo(name)
    offset = datetime.now().astimezone().utcoffset()
    hours = round(offset.total_seconds() / 3600) if offset else 0
    return ZoneInfo(f"Etc/GMT{-hours:+d}" if hours else "UTC")


def zone_of(moment: datetime) -> tzinfo:
    """The zone of an aware moment; of a bare offset, as `astimezone()` gives it here, the zone of this machine."""
    if isinstance(moment.tzinfo, ZoneInfo):
        return moment.tzinfo
    local = local_zone()
    if moment.utcoffset() == moment.astimezone(local).utcoffset():
        return local
    return moment.tzinfo or UTC


def existing(moment: datetime) -> datetime:
    """A moment as the clocks of its zone show it: where they go forward over it, so much later."""
    return moment.astimezone(UTC).astimezone(moment.tzinfo)


def after(moment: datetime, by: timedelta) -> datetime:
    """So much later, or earlier: days at the same time of day, what is less than a day by the clock."""
    days = int(by / timedelta(days=1))
    rest = by - timedelta(days=days)
    shifted = (
        existing(moment + timedelta(days=days)) if days else moment
    )  # adding forgets which of two hours it is
    return (shifted.astimezone(UTC) + rest).astimezone(moment.tzinfo)


def lasting(begins: datetime, ends: datetime) -> timedelta:
    """How long something lasts, for `after`: by the clock that runs, and from a day on by those on the wall."""
    by_clock = ends.astimezone(UTC) - begins.astimezone(UTC)
    return by_clock if by_clock < timedelta(days=1) else ends - begins


def _linked() -> str:
    try:
        return str(LOCALTIME.resolve()).partition("zoneinfo/")[2]
    except OSError:
        return ""
