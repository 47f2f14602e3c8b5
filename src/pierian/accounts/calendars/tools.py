"""Tools for plans: what is in the calendars, when one is free, and creating, inviting, moving, renaming, cancelling.

Made for small planners: few parameters, plain names, dates as text. Reading is done from the local copy. What reaches
other people is a tool of its own (`calendar_invite`) or counts as sending (`calendar_move`, `calendar_cancel`), so
that a rule that allows one's own entries allows no more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from pierian.accounts.account import Account, written_by
from pierian.accounts.calendars.event import Event, NewEvent
from pierian.accounts.calendars.free_time import ALWAYS, WORKING, WorkingHours, free_slots
from pierian.accounts.calendars.outcomes import Gone, NotAllowed, NotSeen
from pierian.accounts.calendars.reading import events_between, search_events
from pierian.accounts.calendars.shown import FoundEvent, FoundEvents, FreeTime, FreeTimes, shown
from pierian.accounts.calendars.zones import zone_of
from pierian.accounts.secrets import Sealer
from pierian.accounts.store import Accounts
from pierian.accounts.troubles import AccountError, TroubleCode
from pierian.exceptions import UserError
from pierian.provenance import Labelled, Labels, together
from pierian.tools import Context, Tool, ToolFailure, tool
from pierian.tools.failure import FailureCode
from pierian.tools.shapes import returning
from pierian.tools.tool import Call

if TYPE_CHECKING:
    from pierian.accounts.calendars.invitations import Mail
    from pierian.accounts.calendars.writing import Writer

MOST_EVENTS = 100
MOST_SLOTS = 20
ACT_SECONDS = 90.0
"""For asking a server a few times, with a pause where it wants one."""

_CODES: Mapping[TroubleCode, FailureCode] = {
    "password": "denied",
    "consent": "denied",
    "denied": "denied",
    "certificate": "denied",
    "plain_text": "denied",
    "not_found": "not_found",
    "unreachable": "unreachable",
    "timeout": "timeout",
    "throttled": "unreachable",
    "full": "failed",
    "failed": "failed",
}


def calendar_tools(
    accounts: Accounts,
    sealer: Callable[[], Sealer],
    *,
    now: Callable[[], datetime],
    hours: WorkingHours = WORKING,
    mail: Mail | None = None,
) -> list[Tool]:
    """Tools for the calendars of these accounts; none where no account with calendars may be read.

    `now` is an aware clock in the user's zone, `hours` are those in which one would meet.
    """
    if not any(_has_calendars(account) for account in accounts.list()):
        return []

    @cache
    def writer() -> Writer:
        # What writes takes a while to load, and most plans only read.
        from pierian.accounts.calendars.writing import Writer

        return Writer(accounts, sealer, now=now, mail=mail)

    return [
        *_reading(accounts, now, hours),
        *_creating(writer, now),
        *_changing(writer, now),
        *_cancelling(writer),
    ]


def _reading(accounts: Accounts, now: Callable[[], datetime], hours: WorkingHours) -> list[Tool]:
    @returning(FoundEvents)
    @tool(effect="read", name="calendar_events")
    async def events(begins: str, ends: str = "") -> Labelled:
        """What is in the calendars on a day, or between two times.

        Args:
            begins: A date such as 2026-12-24, or a time such as 2026-12-24T09:00.
            ends: Likewise, a date included; empty for the day of the beginning.
        """
        first = _moment(begins or "today", now)
        last = (
            _moment(ends, now, closing=True) if ends else _midnight(first.date() + timedelta(days=1), first)
        )
        return await asyncio.to_thread(_between, accounts, first, last)

    @returning(FoundEvents)
    @tool(effect="read", name="calendar_search")
    async def search(words: str, begins: str = "", ends: str = "") -> Labelled:
        """Find events by words of their title, place or description, or by the name or address of who takes part.

        Args:
            begins: From when on, a date or time; empty for from now on.
            ends: Until when; empty for no end.
        """
        first = _moment(begins, now) if begins else now()
        return await asyncio.to_thread(
            _search, accounts, words, first, _moment(ends, now, closing=True) if ends else None
        )

    @returning(FreeTimes)
    @tool(effect="read", name="calendar_free")
    async def free(
        begins: str, ends: str = "", minutes: int = 30, buffer_minutes: int = 0, any_hour: bool = False
    ) -> Labelled:
        """When nothing is planned in any calendar, within working hours.

        Args:
            begins: From when on, a date or time.
            ends: Until when, a date included; empty for a week.
            minutes: How long it has to be free at least.
            buffer_minutes: Time to keep before and after other events.
            any_hour: Also outside of working hours.
        """
        first = max(_moment(begins, now), now())
        last = _moment(ends, now, closing=True) if ends else first + timedelta(days=7)
        if minutes < 1 or buffer_minutes < 0:
            raise ToolFailure("invalid", "Free time lasts at least a minute.")
        wanted = ALWAYS if any_hour else hours
        return await asyncio.to_thread(_free, accounts, first, last, minutes, buffer_minutes, wanted)

    return [events, search, free]


def _creating(writer: Callable[[], Writer], now: Callable[[], datetime]) -> list[Tool]:
    created = _look_for_created(writer)

    @returning(FoundEvent)
    @tool(effect="write", name="calendar_create", lookup=created, timeout_seconds=ACT_SECONDS)
    async def create(
        context: Context,
        title: str,
        begins: str,
        minutes: int = 60,
        ends: str = "",
        location: str = "",
        calendar: str = "",
    ) -> Labelled:
        """Put an event into the user's own calendar, without other people.

        Args:
            begins: A time such as 2026-12-24T09:00; a date alone for the whole day.
            minutes: How long it lasts.
            ends: Instead of minutes, when it ends; of whole days the last one.
            calendar: Name of the calendar; empty for the usual one.
        """
        wanted = _wanted(title, begins, minutes, ends, location, [], now)
        with _failing():
            made = await asyncio.to_thread(
                lambda: writer().create(wanted, calendar=calendar, key=context.key)
            )
        return _labelled(made)

    @returning(FoundEvent)
    @tool(effect="send", name="calendar_invite", lookup=created, timeout_seconds=ACT_SECONDS)
    async def invite(
        context: Context,
        title: str,
        begins: str,
        attendees: list[str],
        minutes: int = 60,
        ends: str = "",
        location: str = "",
        calendar: str = "",
    ) -> Labelled:
        """Create an event, such as a meeting, with other people, who get an invitation.

        Args:
            begins: A time such as 2026-12-24T09:00; a date alone for the whole day.
            attendees: Mail addresses of the people.
            minutes: How long it lasts.
            ends: Instead of minutes, when it ends; of whole days the last one.
            calendar: Name of the calendar; empty for the usual one.
        """
        if not attendees:
            raise ToolFailure("invalid", "Nobody is named to be invited.")
        wanted = _wanted(title, begins, minutes, ends, location, attendees, now)
        with _failing():
            made = await asyncio.to_thread(
                lambda: writer().create(wanted, calendar=calendar, key=context.key)
            )
        return _labelled(made)

    return [create, invite]


def _look_for_created(writer: Callable[[], Writer]) -> Call:
    async def created(context: Context, values: Mapping[str, Any]) -> Labelled | None:
        calendar, people = str(values.get("calendar", "")), list[str](values.get("attendees", ()))
        with _failing():
            found = await asyncio.to_thread(lambda: writer().find_created(calendar, people, context.key))
        return None if found is None else _labelled(found)

    return created


def _changing(writer: Callable[[], Writer], now: Callable[[], datetime]) -> list[Tool]:
    async def changed(context: Context, values: Mapping[str, Any]) -> Labelled | None:
        with _failing():
            series = values.get("series") is True
            found = await asyncio.to_thread(
                lambda: writer().find_changed(str(values["event_id"]), context.key, series=series)
            )
        return None if found is None else _labelled(found)

    @returning(FoundEvent)
    @tool(effect="send", name="calendar_move", lookup=changed, timeout_seconds=ACT_SECONDS)
    async def move(
        context: Context,
        event_id: str,
        begins: str = "",
        later_minutes: int = 0,
        minutes: int = 0,
        series: bool = False,
    ) -> Labelled:
        """Move an event to another time; people who take part are told.

        Args:
            event_id: The id of an event that was found.
            begins: The new time, such as 2026-12-24T09:00; a date alone keeps the time of day.
            later_minutes: So much later than now planned; negative for earlier.
            minutes: How long it lasts from now on; 0 for as long as before.
            series: Whether all events of a series are meant.
        """
        if not begins and not later_minutes and not minutes:
            raise ToolFailure("invalid", "It is not said to when the event is to be moved.")
        start = _when(begins, now) if begins else None
        later = timedelta(minutes=0 if begins else later_minutes)
        with _failing():
            moved = await asyncio.to_thread(
                lambda: writer().move(
                    event_id, start, later=later, minutes=minutes, series=series, key=context.key
                )
            )
        return _labelled(moved)

    @returning(FoundEvent)
    @tool(effect="send", name="calendar_rename", lookup=changed, timeout_seconds=ACT_SECONDS)
    async def rename(context: Context, event_id: str, title: str, series: bool = False) -> Labelled:
        """Change the name of an event; people who take part are told.

        Args:
            event_id: The id of an event that was found.
            series: Whether all events of a series are meant.
        """
        with _failing():
            named = await asyncio.to_thread(
                lambda: writer().rename(event_id, title, series=series, key=context.key)
            )
        return _labelled(named)

    return [move, rename]


def _cancelling(writer: Callable[[], Writer]) -> list[Tool]:
    async def cancelled(context: Context, values: Mapping[str, Any]) -> str | None:
        series = values.get("series") is True
        with _failing():
            gone = await asyncio.to_thread(
                lambda: writer().is_cancelled(str(values["event_id"]), series=series, key=context.key)
            )
        return "cancelled" if gone else None

    @returning(str)
    @tool(effect="send", name="calendar_cancel", lookup=cancelled, timeout_seconds=ACT_SECONDS)
    async def cancel(context: Context, event_id: str, series: bool = False) -> Labelled:
        """Cancel (delete) an event; people who take part are told.

        Args:
            event_id: The id of an event that was found.
            series: Whether all events of a series are meant.
        """
        with _failing():
            was = await asyncio.to_thread(lambda: writer().cancel(event_id, series=series, key=context.key))
        return Labelled("cancelled", was.labels)

    return [cancel]


def _between(accounts: Accounts, begins: datetime, ends: datetime) -> Labelled:
    every = accounts.list()
    with _failing():
        found = events_between(
            accounts.database, every, begins, ends, zone=zone_of(begins), most=MOST_EVENTS + 1
        )
    return _found(found, every)


def _search(accounts: Accounts, words: str, begins: datetime, ends: datetime | None) -> Labelled:
    if not words.strip():
        raise ToolFailure("invalid", "There are no words to look for.")
    every = accounts.list()
    with _failing():
        found = search_events(
            accounts.database,
            every,
            words,
            begins=begins,
            ends=ends,
            zone=zone_of(begins),
            most=MOST_EVENTS + 1,
        )
    return _found(found, every)


def _free(
    accounts: Accounts,
    begins: datetime,
    ends: datetime,
    minutes: int,
    buffer_minutes: int,
    hours: WorkingHours,
) -> Labelled:
    every = accounts.list()
    with _failing():
        slots = free_slots(
            accounts.database,
            every,
            begins,
            ends,
            minutes=minutes,
            hours=hours,
            buffer_minutes=buffer_minutes,
            zone=zone_of(begins),
            most=MOST_SLOTS,
        )
    free = [
        FreeTime(
            one.begins.isoformat(timespec="minutes"), one.ends.isoformat(timespec="minutes"), one.minutes
        )
        for one in slots
    ]
    return Labelled(FreeTimes(free), _of_calendars(every))


def _found(events: Sequence[Event], accounts: Sequence[Account]) -> Labelled:
    kept = events[:MOST_EVENTS]
    found = FoundEvents([shown(event) for event in kept], len(events) > len(kept))
    return Labelled(found, _of_calendars(accounts) | together(event.labels for event in kept))


def _labelled(event: Event) -> Labelled:
    return Labelled(shown(event), event.labels)


def _of_calendars(accounts: Sequence[Account]) -> Labels:
    """The labels of what all calendars together say, that nothing is there too."""
    return together(written_by("calendar", one.name) for one in accounts if _has_calendars(one))


def _has_calendars(account: Account) -> bool:
    return account.switches.read and account.service("caldav", "graph", "ics") is not None


def _wanted(
    title: str,
    begins: str,
    minutes: int,
    ends: str,
    location: str,
    attendees: Sequence[str],
    now: Callable[[], datetime],
) -> NewEvent:
    if minutes < 0:
        raise ToolFailure("invalid", "An event cannot last less than no time.")
    people = tuple(dict.fromkeys(one.strip() for one in attendees))
    start = _when(begins, now)
    last: date
    if not isinstance(start, datetime):
        final = _when(ends, now) if ends else start
        last = (final.date() if isinstance(final, datetime) else final) + timedelta(days=1)
    else:
        last = _moment(ends, now) if ends else start + timedelta(minutes=minutes)
    return NewEvent(
        title=" ".join(title.split()), begins=start, ends=last, location=location, attendees=people
    )


def _moment(text: str, now: Callable[[], datetime], *, closing: bool = False) -> datetime:
    """A time; of a date its beginning, or with `closing` its end."""
    found = _when(text, now)
    if isinstance(found, datetime):
        return found
    return _midnight(found + timedelta(days=1) if closing else found, now())


def _when(text: str, now: Callable[[], datetime]) -> date:
    """A date, or an aware time in the user's zone where the text names none."""
    text = text.strip()
    moment = now()
    if text.lower() in ("now", "today"):
        return moment if text.lower() == "now" else moment.date()
    try:
        if len(text) <= 10:
            return date.fromisoformat(text)
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise ToolFailure(
            "invalid",
            f"{text[:60]!r} is neither a date nor a time.",
            hint="Write it as 2026-12-24 or 2026-12-24T09:00.",
        ) from error
    zone = zone_of(moment)
    return found.astimezone(zone) if found.tzinfo else found.replace(tzinfo=zone)


def _midnight(day: date, moment: datetime) -> datetime:
    return datetime.combine(day, time(), zone_of(moment))


@contextmanager
def _failing() -> Generator[None]:
    """Turns what goes wrong into failures with codes: that is all that a planner learns of it."""
    try:
        yield
    except NotAllowed as error:
        raise ToolFailure("denied", str(error), hint=error.hint) from error
    except Gone as error:
        raise ToolFailure("not_found", str(error), hint=error.hint) from error
    except UserError as error:
        raise ToolFailure("invalid", str(error), hint=error.hint) from error
    except NotSeen as error:
        raise ToolFailure("unknown", str(error), hint=error.hint) from error
    except AccountError as error:
        raise ToolFailure(_CODES[error.code], str(error), hint=error.hint) from error
