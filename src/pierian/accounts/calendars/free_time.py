"""Free time over all calendars of all accounts: within working hours, with room before and after other events.

Busy is what is confirmed or tentative and not shown as free, of every account that may be read, those that tell no
more than times included.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import islice
from operator import itemgetter

from msgspec import Struct
from sqlalchemy import select

from pierian.accounts.account import Account
from pierian.accounts.calendars.reading import calendars_of, seconds, within
from pierian.accounts.zones import local_zone
from pierian.exceptions import UserError
from pierian.storage.account_tables import occurrences
from pierian.storage.database import Database

LONGEST_DAYS = 400


class WorkingHours(Struct, frozen=True):
    """When one would meet, in one's own zone."""

    begins: time = time(9)
    ends: time = time(17)
    """Earlier than the beginning, or the same: on the next day."""
    days: tuple[int, ...] = (0, 1, 2, 3, 4)
    """Monday is 0."""


WORKING = WorkingHours()
ALWAYS = WorkingHours(time(0), time(0), (0, 1, 2, 3, 4, 5, 6))


class Slot(Struct, frozen=True):
    """A stretch of free time."""

    begins: datetime
    ends: datetime

    @property
    def minutes(self) -> int:
        """How long it is."""
        return int((seconds(self.ends) - seconds(self.begins)) // 60)


def free_slots(
    database: Database,
    accounts: Sequence[Account],
    begins: datetime,
    ends: datetime,
    *,
    minutes: int = 30,
    hours: WorkingHours = WORKING,
    buffer_minutes: int = 0,
    zone: tzinfo | None = None,
    most: int = 20,
) -> list[Slot]:
    """Stretches of at least so many minutes in which nothing is planned, the earliest first, as long as they are.

    `buffer_minutes` stay free before and after every event. Hours are those of `zone`, on days that a clock change
    makes longer or shorter too. Raises `UserError` for more than a year.
    """
    if ends - begins > timedelta(days=LONGEST_DAYS):
        raise UserError("Free time is looked for in at most a year.", hint="Name a shorter range.")
    zone = zone or local_zone()
    room, length = buffer_minutes * 60, minutes * 60
    taken = busy_between(database, accounts, begins - timedelta(seconds=room), ends + timedelta(seconds=room))
    padded = merged([(first - room, last + room) for first, last in taken])
    found: list[Slot] = []
    for opens, closes in _open(begins, ends, hours, zone):
        for first, last in _between(opens, closes, padded):
            if last - first >= length:
                found.append(Slot(_moment(first, zone), _moment(last, zone)))
                if len(found) == most:
                    return found
    return found


def busy_between(
    database: Database, accounts: Sequence[Account], begins: datetime, ends: datetime
) -> list[tuple[int, int]]:
    """When one is busy between two moments, in seconds since 1970, as stretches that do not touch."""
    with database.read() as connection:
        calendars = calendars_of(connection, accounts)
        spans: list[tuple[int, int]] = []
        for part in within(calendars, seconds(begins), seconds(ends)):
            query = select(occurrences.c.begins, occurrences.c.ends).where(part, occurrences.c.busy.is_(True))
            spans += [(row.begins, row.ends) for row in connection.execute(query)]
    return merged(spans)


def merged(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Stretches in order, those that touch or overlap made one."""
    found: list[tuple[int, int]] = []
    for begins, ends in sorted(spans):
        if found and begins <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], ends))
        elif ends > begins:
            found.append((begins, ends))
    return found


def _open(begins: datetime, ends: datetime, hours: WorkingHours, zone: tzinfo) -> list[tuple[int, int]]:
    """The working hours between two moments."""
    first, last = begins.astimezone(zone).date() - timedelta(days=1), ends.astimezone(zone).date()
    spans: list[tuple[int, int]] = []
    for day in _days(first, last):
        if day.weekday() not in hours.days:
            continue
        closing = day if hours.ends > hours.begins else day + timedelta(days=1)
        opens = seconds(datetime.combine(day, hours.begins, zone))
        closes = seconds(datetime.combine(closing, hours.ends, zone))
        spans.append((max(opens, seconds(begins)), min(closes, seconds(ends))))
    return merged([span for span in spans if span[1] > span[0]])


def _days(first: date, last: date) -> Iterator[date]:
    for number in range((last - first).days + 1):
        yield first + timedelta(days=number)


def _between(opens: int, closes: int, taken: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """What stretches in order leave of the time from `opens` to `closes`."""
    at = opens
    for begins, ends in islice(taken, bisect_right(taken, opens, key=itemgetter(1)), None):
        if begins >= closes:
            break
        if begins > at:
            yield at, begins
        at = max(at, ends)
    if at < closes:
        yield at, closes


def _moment(at: int, zone: tzinfo) -> datetime:
    return datetime.fromtimestamp(at, UTC).astimezone(zone)
