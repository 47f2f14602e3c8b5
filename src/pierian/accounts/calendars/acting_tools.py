"""Tools for plans that create, move, rename and cancel events. What may reach other people counts as sending.

What is only known when they run (the first free time, the usual calendar, which event was found) is shown to whoever
approves, and done as it was shown or not at all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Meta, Struct

from pierian.accounts.calendars import agreeing
from pierian.accounts.calendars.event import Event, NewEvent
from pierian.accounts.calendars.free_time import WorkingHours, free_slots
from pierian.accounts.calendars.outcomes import failing
from pierian.accounts.calendars.shown import FoundEvent, shown
from pierian.accounts.selecting import (
    EVENTS,
    Lasting,
    People,
    Period,
    Point,
    Series,
    When,
    addresses_of,
    length_of,
    only,
    point,
    quoted,
    span_of,
)
from pierian.accounts.selecting import (
    Account as OfAccount,
)
from pierian.accounts.store import Accounts
from pierian.accounts.zones import after, zone_of
from pierian.provenance import Labelled
from pierian.tools import Context, Tool, ToolFailure, tool
from pierian.tools.shapes import returning
from pierian.tools.tool import Call, showing

if TYPE_CHECKING:
    from pierian.accounts.calendars.writing import Writer

FREE = "free_from"
"""The name under which the first free time is shown."""
FREE_WITHIN = timedelta(days=60)
ACT_SECONDS = 90.0
"""For asking a server a few times, with a pause where it wants one."""

Location = Annotated[str, Meta(extra_json_schema=only("room|office|place|location|at the"))]
Ends = Annotated[
    str, Meta(extra_json_schema={"entities": ["time", "date"]} | only("until|till|ends?|through"))
]
FirstFree = Annotated[
    str | Period, Meta(extra_json_schema={"entities": ["date", "range"]} | only("free|available|open"))
]
MovedTo = Annotated[str, Meta(extra_json_schema={"entities": ["time", "date"]} | only("to"))]
NewLength = Annotated[
    timedelta | int,
    Meta(extra_json_schema={"entities": ["duration"]} | only("longer|shorte(?:n|r)|extend|length")),
]
Titled = Annotated[str, Meta(extra_json_schema=quoted("called|titled?|named?"))]
Renamed = Annotated[str, Meta(extra_json_schema=quoted("to|into|called|named?"))]


class Schedule(Struct, frozen=True):
    """What free time is worked out from."""

    accounts: Accounts
    now: Callable[[], datetime]
    hours: WorkingHours


def acting_tools(writer: Callable[[], Writer], schedule: Schedule) -> list[Tool]:
    """Creating, cancelling, moving and renaming."""
    return [
        _creating(writer, schedule),
        _cancelling(writer),
        _moving(writer, schedule.now),
        _renaming(writer),
    ]


class _New(Struct, frozen=True, kw_only=True):
    """An event as it is asked for."""

    title: str
    begins: str
    people: list[str] | str
    lasting: timedelta | int
    first_free: str | Period
    ends: str
    calendar: str
    location: str = ""


def _to_make(
    writer: Callable[[], Writer], schedule: Schedule, asked: _New, context: Context
) -> tuple[NewEvent, agreeing.Told]:
    """The event that is to be made, and what is told of it."""
    minutes, agreed = minutes_of(asked.lasting), context.shown.get(FREE, "")
    start = asked.begins or agreed or _first_free(schedule, asked.first_free, minutes)
    taken = not asked.begins and agreed and not _is_free(schedule, agreed, minutes)
    # An earlier try of this step may have taken the time, and told nobody yet.
    if taken and not writer().has_created(asked.calendar, context.key):
        raise _taken(agreed)
    people = addresses_of(asked.people)
    new = _wanted(asked.title, start, minutes, asked.ends, asked.location, people, schedule.now)
    told = agreeing.of_new(new, writer().calendar(asked.calendar))
    return new, told if asked.begins else {FREE: start, **told}


def _showing_new(writer: Callable[[], Writer], schedule: Schedule) -> Call:
    async def shows(
        context: Context,
        title: Titled,
        begins: Point = "",
        people: People = "",
        lasting: Lasting = 60,
        first_free: FirstFree = "",
        ends: Ends = "",
        calendar: OfAccount = "",
    ) -> agreeing.Told:
        asked = _New(
            title=title,
            begins=begins,
            people=people,
            lasting=lasting,
            first_free=first_free,
            ends=ends,
            calendar=calendar,
        )
        with failing():
            return (await asyncio.to_thread(_to_make, writer, schedule, asked, context))[1]

    return showing(shows)


def _creating(writer: Callable[[], Writer], schedule: Schedule) -> Tool:
    @returning(FoundEvent)
    @tool(
        effect="send",
        name="calendar_create",
        lookup=_look_for_created(writer),
        timeout_seconds=ACT_SECONDS,
        only="schedule|book|create|add|set up|arrange|plan|put|make|organi[sz]e|invite|block|reserve|enter|new",
        shows=_showing_new(writer, schedule),
    )
    async def create(
        context: Context,
        title: Titled,
        begins: Point = "",
        people: People = "",
        lasting: Lasting = 60,
        first_free: FirstFree = "",
        ends: Ends = "",
        location: Location = "",
        calendar: OfAccount = "",
    ) -> Labelled:
        """Schedule a meeting or another event; people who take part get an invitation.

        Args:
            begins: A date and time; a date alone for the whole day.
            people: Who is to take part.
            first_free: Instead of begins: the first free time on or after this day is taken.
            ends: Instead of lasting; of whole days the last one.
            calendar: Empty for the usual one.
        """
        asked = _New(
            title=title,
            begins=begins,
            people=people,
            lasting=lasting,
            first_free=first_free,
            ends=ends,
            calendar=calendar,
            location=location,
        )

        def work() -> Event:
            new, told = _to_make(writer, schedule, asked, context)
            context.agreed(told)
            return writer().create(new, calendar=told["in_calendar"], key=context.key)

        with failing():
            return _labelled(await asyncio.to_thread(work))

    return create


def _labelled(event: Event) -> Labelled:
    return Labelled(shown(event), event.labels)


def _look_for_created(writer: Callable[[], Writer]) -> Call:
    async def created(context: Context, values: Mapping[str, Any]) -> Labelled | None:
        calendar = context.shown.get("in_calendar", "") or str(values.get("calendar", ""))
        people = addresses_of(values.get("people", ""))
        with failing():
            found = await asyncio.to_thread(lambda: writer().find_created(calendar, people, context.key))
        return None if found is None else _labelled(found)

    return created


def _look_for_changed(writer: Callable[[], Writer]) -> Call:
    async def changed(context: Context, values: Mapping[str, Any]) -> Labelled | None:
        with failing():
            series = values.get("series") is True
            found = await asyncio.to_thread(
                lambda: writer().find_changed(str(values["event_id"]), context.key, series=series)
            )
        return None if found is None else _labelled(found)

    return changed


def _showing_event(writer: Callable[[], Writer]) -> Call:
    async def shows(event_id: str, series: Series = False) -> agreeing.Told:
        with failing():
            return agreeing.of_event(await asyncio.to_thread(lambda: writer().meant(event_id)), series=series)

    return showing(shows)


def _agreeing(context: Context, *, series: bool) -> Callable[[Event], None]:
    return lambda event: context.agreed(agreeing.of_event(event, series=series))


def _move_meant(
    now: Callable[[], datetime], later: timedelta | int, begins: str, lasting: timedelta | int
) -> tuple[date | None, timedelta, int]:
    """To when, or by how much, and how long it lasts then."""
    delay, minutes = length_of(later), minutes_of(lasting)
    if not begins and not delay and not minutes:
        raise ToolFailure("invalid", "It is not said to when the event is to be moved.")
    # "My meeting on Friday half an hour later" names a day, to which nothing is moved.
    start = point(begins, now) if begins else None
    if delay and not isinstance(start, datetime):
        start = None
    return start, timedelta() if start is not None else delay, minutes


def _showing_move(writer: Callable[[], Writer], now: Callable[[], datetime]) -> Call:
    async def shows(
        event_id: str,
        later: Lasting = 0,
        begins: MovedTo = "",
        lasting: NewLength = 0,
        series: Series = False,
    ) -> agreeing.Told:
        def work() -> agreeing.Told:
            event = writer().meant(event_id)
            times = writer().times(event, *_move_meant(now, later, begins, lasting))
            return agreeing.of_move(event, *times, series=series)

        with failing():
            return await asyncio.to_thread(work)

    return showing(shows)


def _moving(writer: Callable[[], Writer], now: Callable[[], datetime]) -> Tool:
    @returning(FoundEvent)
    @tool(
        effect="send",
        name="calendar_move",
        lookup=_look_for_changed(writer),
        timeout_seconds=ACT_SECONDS,
        finds="calendar_events",
        found="event_id",
        only="move|moving|delay|postpone|push|reschedule|later|earlier|shift|bring forward|extend|shorten|longer",
        about=EVENTS,
        shows=_showing_move(writer, now),
    )
    async def move(
        context: Context,
        event_id: str,
        later: Lasting = 0,
        begins: MovedTo = "",
        lasting: NewLength = 0,
        series: Series = False,
    ) -> Labelled:
        """Move events to another time, or delay them; people who take part are told.

        Args:
            later: How much later than planned; negative for earlier.
            begins: Instead of later, the new time; a date alone keeps the time of day.
            lasting: How long it lasts from now on.
            series: Whether all events of a series are meant.
        """
        start, later_by, minutes = _move_meant(now, later, begins, lasting)

        def agreed(event: Event, first: date, last: date) -> None:
            context.agreed(agreeing.of_move(event, first, last, series=series))

        with failing():
            moved = await asyncio.to_thread(
                lambda: writer().move(
                    event_id,
                    start,
                    later=later_by,
                    minutes=minutes,
                    series=series,
                    key=context.key,
                    agreed=agreed,
                )
            )
        return _labelled(moved)

    return move


def _renaming(writer: Callable[[], Writer]) -> Tool:
    @returning(FoundEvent)
    @tool(
        effect="send",
        name="calendar_rename",
        lookup=_look_for_changed(writer),
        timeout_seconds=ACT_SECONDS,
        finds="calendar_events",
        found="event_id",
        only="rename|name|title|call it",
        about=EVENTS,
        shows=_showing_event(writer),
    )
    async def rename(context: Context, event_id: str, title: Renamed, series: Series = False) -> Labelled:
        """Change the name of events; people who take part are told.

        Args:
            title: The new name.
            series: Whether all events of a series are meant.
        """
        with failing():
            named = await asyncio.to_thread(
                lambda: writer().rename(
                    event_id, title, series=series, key=context.key, agreed=_agreeing(context, series=series)
                )
            )
        return _labelled(named)

    return rename


def _cancelling(writer: Callable[[], Writer]) -> Tool:
    async def cancelled(context: Context, values: Mapping[str, Any]) -> str | None:
        series = values.get("series") is True
        with failing():
            gone = await asyncio.to_thread(
                lambda: writer().is_cancelled(str(values["event_id"]), series=series, key=context.key)
            )
        return "cancelled" if gone else None

    @returning(str)
    @tool(
        effect="send",
        name="calendar_cancel",
        lookup=cancelled,
        timeout_seconds=ACT_SECONDS,
        finds="calendar_events",
        found="event_id",
        only="cancel|delete|remove|clear|drop|get rid|call off",
        about=EVENTS,
        shows=_showing_event(writer),
    )
    async def cancel(context: Context, event_id: str, series: Series = False) -> Labelled:
        """Cancel or delete events; people who take part are told.

        Args:
            series: Whether all events of a series are meant.
        """
        with failing():
            was = await asyncio.to_thread(
                lambda: writer().cancel(
                    event_id, series=series, key=context.key, agreed=_agreeing(context, series=series)
                )
            )
        return Labelled("cancelled", was.labels)

    return cancel


def _first_free(schedule: Schedule, when: When, minutes: int) -> str:
    """When the first free time of that length begins."""
    now = schedule.now()
    span = span_of(when, schedule.now)
    if span.begins is None:
        raise ToolFailure(
            "invalid",
            "It is not said when the event begins.",
            hint="Name a day and a time, or a day with free time.",
        )
    first = max(span.begins, now)
    found = _free_between(schedule, first, max(span.ends or first, first + FREE_WITHIN), minutes)
    if found is None:
        raise ToolFailure(
            "not_found",
            f"There is no free time of that length within {FREE_WITHIN.days} days.",
            hint="Ask for a shorter one, or name a time.",
        )
    return found.isoformat()


def _is_free(schedule: Schedule, begins: str, minutes: int) -> bool:
    start = datetime.fromisoformat(begins)
    free = _free_between(schedule, start, start + timedelta(minutes=minutes), minutes)
    return start >= schedule.now() and free == start


def _taken(begins: str) -> ToolFailure:
    """The free time that was approved is none any more; no other is taken in its place."""
    return ToolFailure(
        "denied",
        f"The time that you approved, {begins}, is no longer free; nothing was scheduled.",
        hint="Ask again for another one.",
    )


def _free_between(schedule: Schedule, begins: datetime, ends: datetime, minutes: int) -> datetime | None:
    found = free_slots(
        schedule.accounts.database,
        schedule.accounts.list(),
        begins,
        ends,
        minutes=minutes,
        hours=schedule.hours,
        zone=zone_of(begins),
        most=1,
    )
    return found[0].begins if found else None


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
    start = point(begins, now)
    last: date
    if not isinstance(start, datetime):
        final = point(ends, now) if ends else start
        last = (final.date() if isinstance(final, datetime) else final) + timedelta(days=1)
    elif ends:
        final = point(ends, now)
        last = final if isinstance(final, datetime) else datetime.combine(final, time(), zone_of(start))
    else:
        last = after(start, timedelta(minutes=minutes))
    return NewEvent(
        title=" ".join(title.split()), begins=start, ends=last, location=location, attendees=people
    )


def minutes_of(lasting: timedelta | int) -> int:
    return int(length_of(lasting).total_seconds() // 60)
