"""Tools for plans: what is in the calendars and when one is free; those that change something are in `acting_tools`.

Made for small planners: what is acted on is found by the words of `calendar_events`, and each argument says what of a
request belongs there. Reading is done from the local copy.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Annotated

from msgspec import Meta

from pierian.accounts.account import Account, written_by
from pierian.accounts.calendars.acting_tools import Schedule, acting_tools, minutes_of
from pierian.accounts.calendars.free_time import ALWAYS, WORKING, WorkingHours, free_slots
from pierian.accounts.calendars.lines import EVENTS, FREE
from pierian.accounts.calendars.outcomes import failing
from pierian.accounts.calendars.reading import events_between, search_events
from pierian.accounts.calendars.shown import FoundEvent, FreeTime, shown
from pierian.accounts.secrets import Sealer
from pierian.accounts.selecting import (
    MOST_FOUND,
    Lasting,
    Span,
    When,
    Which,
    only,
    quoted,
    selected,
    significant,
    somebody,
    span_of,
)
from pierian.accounts.store import Accounts
from pierian.accounts.zones import zone_of
from pierian.provenance import Labelled, Labels, together
from pierian.tools import Tool, ToolFailure, tool
from pierian.tools.shapes import returning

if TYPE_CHECKING:
    from pierian.accounts.calendars.invitations import Mail
    from pierian.accounts.calendars.writing import Writer

MOST_SLOTS = 20
AHEAD = timedelta(days=400)
"""How far "from now on" is looked."""

With = Annotated[str, Meta(extra_json_schema=somebody("with") | {"words": "instead"})]
_ANY = r"(?:(?:future|upcoming|other|first|last|latest|next|all|my|the|of) )*(?:meetings?|events?|appointments?)\b"
_NOUN = r"(?:meetings?|events?|appointments?)\b"
_TITLED = rf"(?:the|next|all|any|future|my) (?!{_ANY})(?:[\w'’-]+ ){{1,6}}{_NOUN}"
_WHICH = r"(?:the|all|any|my|of|future|upcoming|other|first|last|latest|next)\b"
_STANDS = rf"\b{_WHICH} ((?:(?!{_WHICH})[\w'’-]+ ){{1,6}}?){_NOUN}"
Called = Annotated[
    str,
    Meta(
        extra_json_schema=quoted("called|titled?|named?")
        | only(f"called|titled|named|about|{_TITLED}")
        | {"stands": _STANDS}
    ),
]
_FREE = r"free|busy|available|availability|slots?|gaps?|room|times?|when (?:can|could|might|do)|fits?"
AnyHour = Annotated[bool, Meta(extra_json_schema=only("any (?:time|hour)|evenings?|nights?|weekends?"))]


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
        *acting_tools(writer, Schedule(accounts, now, hours)),
        free,
    ]


def _reading(accounts: Accounts, now: Callable[[], datetime], hours: WorkingHours) -> list[Tool]:
    @returning(list[FoundEvent])
    @tool(effect="read", name="calendar_events", listing=EVENTS)
    async def events(which: Which, called: Called = "", when: When = "", with_person: With = "") -> Labelled:
        """Events and meetings in the user's calendars, each with its title, when it begins, and with_people.

        Args:
            called: Words of the title.
        """
        wanted = f"{significant(called)} {with_person}".strip()
        return await asyncio.to_thread(_events, accounts, wanted, span_of(when, now), which, now())

    @returning(list[FreeTime])
    @tool(effect="read", name="calendar_free", listing=FREE, only=_FREE)
    async def free(when: When = "", lasting: Lasting = 30, any_hour: AnyHour = False) -> Labelled:
        """When nothing is planned in any of the user's calendars, within working hours.

        Args:
            when: Without it the next seven days.
            lasting: How long it has to be free at least.
            any_hour: Also outside of working hours.
        """
        span = span_of(when, now)
        first, minutes = max(span.begins or now(), now()), minutes_of(lasting)
        last = span.ends or first + timedelta(days=7)
        if last - first <= timedelta(minutes=1):  # "at eleven"
            last = first + timedelta(minutes=minutes)
        return await asyncio.to_thread(_free, accounts, first, last, minutes, ALWAYS if any_hour else hours)

    return [events, free]


def _events(accounts: Accounts, words: str, span: Span, which: str, now: datetime) -> Labelled:
    """The events with all of some words in a time, of which one is meant or all.

    Without a time those from now on are meant; by the last one the one before now.
    """
    every, latest, open_ended = accounts.list(), which == "last", span.begins is None
    begins = span.begins or (now - AHEAD if latest else now)
    ends = span.ends or (now if latest else now + AHEAD)
    zone, database = zone_of(now), accounts.database
    with failing():
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
    with failing():
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


def _of_calendars(accounts: Sequence[Account]) -> Labels:
    """The labels of what all calendars together say, that nothing is there too."""
    return together(written_by("calendar", one.name) for one in accounts if _has_calendars(one))


def _has_calendars(account: Account) -> bool:
    return account.switches.read and account.service("caldav", "graph", "ics") is not None
