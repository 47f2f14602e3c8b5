"""Tools for plans: what is in the calendars, when one is free, and creating, moving, renaming, cancelling.

Made for small planners: what is acted on is found by the words of `calendar_events`, and each argument says what of a
request belongs there. Reading is done from the local copy. What may reach other people counts as sending.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Meta

from pierian.accounts.account import Account, written_by
from pierian.accounts.calendars.event import Event, NewEvent
from pierian.accounts.calendars.free_time import ALWAYS, WORKING, WorkingHours, free_slots
from pierian.accounts.calendars.outcomes import Gone, NotAllowed, NotSeen
from pierian.accounts.calendars.reading import events_between, search_events
from pierian.accounts.calendars.shown import FoundEvent, FreeTime, shown
from pierian.accounts.secrets import Sealer
from pierian.accounts.selecting import (
    MOST_FOUND,
    Lasting,
    People,
    Period,
    Point,
    Series,
    Span,
    When,
    Which,
    addresses_of,
    length_of,
    only,
    point,
    quoted,
    selected,
    significant,
    somebody,
    span_of,
)
from pierian.accounts.selecting import (
    Account as OfAccount,
)
from pierian.accounts.store import Accounts
from pierian.accounts.troubles import FAILURE_OF, AccountError
from pierian.accounts.zones import zone_of
from pierian.exceptions import UserError
from pierian.provenance import Labelled, Labels, together
from pierian.tools import Context, Tool, ToolFailure, tool
from pierian.tools.shapes import returning
from pierian.tools.tool import Call

if TYPE_CHECKING:
    from pierian.accounts.calendars.invitations import Mail
    from pierian.accounts.calendars.writing import Writer

MOST_SLOTS = 20
AHEAD = timedelta(days=400)
"""How far "from now on" is looked."""
FREE_WITHIN = timedelta(days=60)
ACT_SECONDS = 90.0
"""For asking a server a few times, with a pause where it wants one."""

With = Annotated[str, Meta(extra_json_schema=somebody("with") | {"words": "instead"})]
_ANY = r"(?:(?:future|upcoming|other|first|last|latest|next|all|my|the|of) )*(?:meetings?|events?|appointments?)\b"
_TITLED = rf"(?:the|next|all|any|future|my) (?!{_ANY})(?:[\w'’-]+ ){{1,6}}(?:meetings?|events?|appointments?)"
Called = Annotated[
    str,
    Meta(extra_json_schema=quoted("called|titled?|named?") | only(f"called|titled|named|about|{_TITLED}")),
]
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
AnyHour = Annotated[bool, Meta(extra_json_schema=only("any (?:time|hour)|evenings?|nights?|weekends?"))]
Titled = Annotated[str, Meta(extra_json_schema=quoted("called|titled?|named?"))]
Renamed = Annotated[str, Meta(extra_json_schema=quoted("to|into|called|named?"))]


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

    events, free = _reading(accounts, now, hours)
    return [
        events,
        _creating(accounts, writer, now, hours),
        _cancelling(writer),
        _moving(writer, now),
        _renaming(writer),
        free,
    ]


def _reading(accounts: Accounts, now: Callable[[], datetime], hours: WorkingHours) -> list[Tool]:
    @returning(list[FoundEvent])
    @tool(effect="read", name="calendar_events")
    async def events(which: Which, called: Called = "", when: When = "", with_person: With = "") -> Labelled:
        """Events and meetings in the user's calendars, each with its title, when it begins, and with_people.

        Args:
            called: Words of the title.
        """
        wanted = f"{significant(called)} {with_person}".strip()
        return await asyncio.to_thread(_events, accounts, wanted, span_of(when, now), which, now())

    @returning(list[FreeTime])
    @tool(effect="read", name="calendar_free")
    async def free(when: When = "", lasting: Lasting = 30, any_hour: AnyHour = False) -> Labelled:
        """When nothing is planned in any of the user's calendars, within working hours.

        Args:
            when: Without it the next seven days.
            lasting: How long it has to be free at least.
            any_hour: Also outside of working hours.
        """
        span = span_of(when, now)
        first = max(span.begins or now(), now())
        last = span.ends or first + timedelta(days=7)
        return await asyncio.to_thread(
            _free, accounts, first, last, _minutes(lasting), ALWAYS if any_hour else hours
        )

    return [events, free]


def _creating(
    accounts: Accounts, writer: Callable[[], Writer], now: Callable[[], datetime], hours: WorkingHours
) -> Tool:
    @returning(FoundEvent)
    @tool(
        effect="send",
        name="calendar_create",
        lookup=_look_for_created(writer),
        timeout_seconds=ACT_SECONDS,
        only="schedule|book|create|add|set up|arrange|plan|put|make|organi[sz]e|invite|block|reserve|enter|new",
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
        minutes = _minutes(lasting)
        if not begins:
            begins = await asyncio.to_thread(_first_free, accounts, first_free, minutes, hours, now)
        wanted = _wanted(title, begins, minutes, ends, location, addresses_of(people), now)
        with _failing():
            made = await asyncio.to_thread(
                lambda: writer().create(wanted, calendar=calendar, key=context.key)
            )
        return _labelled(made)

    return create


def _look_for_created(writer: Callable[[], Writer]) -> Call:
    async def created(context: Context, values: Mapping[str, Any]) -> Labelled | None:
        calendar, people = str(values.get("calendar", "")), addresses_of(values.get("people", ""))
        with _failing():
            found = await asyncio.to_thread(lambda: writer().find_created(calendar, people, context.key))
        return None if found is None else _labelled(found)

    return created


def _look_for_changed(writer: Callable[[], Writer]) -> Call:
    async def changed(context: Context, values: Mapping[str, Any]) -> Labelled | None:
        with _failing():
            series = values.get("series") is True
            found = await asyncio.to_thread(
                lambda: writer().find_changed(str(values["event_id"]), context.key, series=series)
            )
        return None if found is None else _labelled(found)

    return changed


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
        delay, minutes = length_of(later), _minutes(lasting)
        if not begins and not delay and not minutes:
            raise ToolFailure("invalid", "It is not said to when the event is to be moved.")
        # "My meeting on Friday half an hour later" names a day, to which nothing is moved.
        start = point(begins, now) if begins else None
        if delay and not isinstance(start, datetime):
            start = None
        later_by = timedelta() if start is not None else delay
        with _failing():
            moved = await asyncio.to_thread(
                lambda: writer().move(
                    event_id, start, later=later_by, minutes=minutes, series=series, key=context.key
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
    )
    async def rename(context: Context, event_id: str, title: Renamed, series: Series = False) -> Labelled:
        """Change the name of events; people who take part are told.

        Args:
            title: The new name.
            series: Whether all events of a series are meant.
        """
        with _failing():
            named = await asyncio.to_thread(
                lambda: writer().rename(event_id, title, series=series, key=context.key)
            )
        return _labelled(named)

    return rename


def _cancelling(writer: Callable[[], Writer]) -> Tool:
    async def cancelled(context: Context, values: Mapping[str, Any]) -> str | None:
        series = values.get("series") is True
        with _failing():
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
    )
    async def cancel(context: Context, event_id: str, series: Series = False) -> Labelled:
        """Cancel or delete events; people who take part are told.

        Args:
            series: Whether all events of a series are meant.
        """
        with _failing():
            was = await asyncio.to_thread(lambda: writer().cancel(event_id, series=series, key=context.key))
        return Labelled("cancelled", was.labels)

    return cancel


def _events(accounts: Accounts, words: str, span: Span, which: str, now: datetime) -> Labelled:
    """The events with all of some words in a time, of which one is meant or all.

    Without a time those from now on are meant; by the last one the one before now.
    """
    every, latest, open_ended = accounts.list(), which == "last", span.begins is None
    begins = span.begins or (now - AHEAD if latest else now)
    ends = span.ends or (now if latest else now + AHEAD)
    zone, database = zone_of(now), accounts.database
    with _failing():
        if words:
            found = search_events(
                database,
                every,
                words,
                begins=begins,
                ends=ends,
                zone=zone,
                most=MOST_FOUND,
                latest=latest,
            )
        else:
            found = events_between(database, every, begins, ends, zone=zone, most=MOST_FOUND, latest=latest)
    if not span.whole_days or which == "next":
        # "Before two" and "next" are about when something begins.
        since = max(begins, now) if which == "next" else begins
        found = [event for event in found if event.begins >= since]
    elif open_ended and latest:
        found = [event for event in found if event.begins < now]
    chosen = selected(found, which)
    labels = _of_calendars(every) | together(event.labels for event in chosen)
    return Labelled([shown(event) for event in chosen], labels)


def _free(
    accounts: Accounts, begins: datetime, ends: datetime, minutes: int, hours: WorkingHours
) -> Labelled:
    every = accounts.list()
    if minutes < 1:
        raise ToolFailure("invalid", "Free time lasts at least a minute.")
    with _failing():
        slots = free_slots(
            accounts.database,
            every,
            begins,
            ends,
            minutes=minutes,
            hours=hours,
            zone=zone_of(begins),
            most=MOST_SLOTS,
        )
    free = [
        FreeTime(
            one.begins.isoformat(timespec="minutes"), one.ends.isoformat(timespec="minutes"), one.minutes
        )
        for one in slots
    ]
    return Labelled(free, _of_calendars(every))


def _first_free(
    accounts: Accounts, when: When, minutes: int, hours: WorkingHours, now: Callable[[], datetime]
) -> str:
    """When the first free time of that length begins."""
    span = span_of(when, now)
    if span.begins is None:
        raise ToolFailure(
            "invalid",
            "It is not said when the event begins.",
            hint="Name a day and a time, or a day with free time.",
        )
    first = max(span.begins, now())
    last = max(span.ends or first, first + FREE_WITHIN)
    with _failing():
        slots = free_slots(
            accounts.database,
            accounts.list(),
            first,
            last,
            minutes=minutes,
            hours=hours,
            zone=zone_of(first),
            most=1,
        )
    if not slots:
        raise ToolFailure(
            "not_found",
            f"There is no free time of that length within {FREE_WITHIN.days} days.",
            hint="Ask for a shorter one, or name a time.",
        )
    return slots[0].begins.isoformat()


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
    start = point(begins, now)
    last: date
    if not isinstance(start, datetime):
        final = point(ends, now) if ends else start
        last = (final.date() if isinstance(final, datetime) else final) + timedelta(days=1)
    elif ends:
        final = point(ends, now)
        last = final if isinstance(final, datetime) else datetime.combine(final, time(), zone_of(start))
    else:
        last = start + timedelta(minutes=minutes)
    return NewEvent(
        title=" ".join(title.split()), begins=start, ends=last, location=location, attendees=people
    )


def _minutes(lasting: timedelta | int) -> int:
    return int(length_of(lasting).total_seconds() // 60)


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
        raise ToolFailure(FAILURE_OF[error.code], str(error), hint=error.hint) from error
