"""Calendars of a Microsoft account as Microsoft Graph tells of them (learn.microsoft.com/graph/api/resources/event).

Graph works series out itself: each occurrence is an event of its own. Occurrences that were not changed tell no more
than when they are; the rest is that of their series.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import msgspec
from msgspec import Struct

from pierian.accounts.calendars.parsing import MOST_LINE, Circumstances, Occurrence, joined, seconds_of
from pierian.accounts.dav import Dav
from pierian.accounts.troubles import AccountError
from pierian.storage.words import clean, fold

PAGE = 200
MOST_EVENTS = 100_000
PREFERRED = f'odata.maxpagesize={PAGE}, outlook.timezone="UTC", outlook.body-content-type="text"'
_FREE = ("free", "workingElsewhere")
T = TypeVar("T")


class GraphCalendar(Struct, rename="camel"):
    """A calendar."""

    id: str
    name: str = ""
    can_edit: bool = False


class _Time(Struct, rename="camel"):
    date_time: str


class _Person(Struct):
    name: str | None = None
    address: str | None = None


class _Somebody(Struct, rename="camel"):
    email_address: _Person | None = None


class _Place(Struct, rename="camel"):
    display_name: str | None = None


class _Answer(Struct):
    response: str | None = None


class GraphEvent(Struct, rename="camel", omit_defaults=True):
    """An event, an occurrence, or a series; of an occurrence most is None, and as in its series."""

    id: str
    type: str = "singleInstance"
    series_master_id: str | None = None
    start: _Time | None = None
    end: _Time | None = None
    subject: str | None = None
    body_preview: str | None = None
    location: _Place | None = None
    organizer: _Somebody | None = None
    attendees: list[_Somebody] | None = None
    is_all_day: bool | None = None
    is_cancelled: bool | None = None
    show_as: str | None = None
    response_status: _Answer | None = None
    etag: str = msgspec.field(default="", name="@odata.etag")
    removed: dict[str, Any] | None = msgspec.field(default=None, name="@removed")

    @property
    def series(self) -> str:
        """The id of its series, or its own."""
        return self.series_master_id or self.id


class _Page(Struct):
    value: list[dict[str, Any]] = []
    next: str = msgspec.field(default="", name="@odata.nextLink")
    delta: str = msgspec.field(default="", name="@odata.deltaLink")


class Changes(Struct, frozen=True):
    """What has changed in a calendar, and the address that tells what changes after that."""

    events: list[GraphEvent]
    removed: list[str]
    link: str


def calendars(server: Dav) -> list[GraphCalendar]:
    """The calendars of whoever has consented."""
    found: list[GraphCalendar] = []
    for page in _pages(server, f"{server.base.rstrip('/')}/me/calendars?$top=100"):
        found += [_converted(one, GraphCalendar, server) for one in page.value]
    return found


def first_link(server: Dav, calendar: str, about: Circumstances) -> str:
    """The address that tells of all events in the time that is looked at."""
    span = {"startDateTime": _utc(about.begins), "endDateTime": _utc(about.ends)}
    return f"{calendar_url(server, calendar)}/calendarView/delta?{urlencode(span)}"


def calendar_url(server: Dav, calendar: str) -> str:
    """The address of a calendar."""
    return f"{server.base.rstrip('/')}/me/calendars/{quote(calendar, safe='')}"


def changes(server: Dav, link: str) -> Changes | None:
    """What an address tells of; None where it is too old to tell."""
    events: dict[str, GraphEvent] = {}
    removed: dict[str, None] = {}
    last = ""
    for page in _pages(server, link):
        if page is GONE:
            return None
        for raw in page.value:
            one = _converted(raw, GraphEvent, server)
            events.pop(one.id, None)
            removed.pop(one.id, None)
            if one.removed is None:
                events[one.id] = one
            else:
                removed[one.id] = None
        if len(events) > MOST_EVENTS:
            raise AccountError(f"A calendar has more than {MOST_EVENTS:,} events.", code="failed")
        last = page.delta
    return Changes(list(events.values()), list(removed), last)


def occurrence_of(event: GraphEvent, series: GraphEvent | None, about: Circumstances) -> Occurrence | None:
    """The row of an event; None for a series as such. Raises `ValueError` where it cannot be read."""
    if event.type == "seriesMaster" or event.start is None or event.end is None:
        return None

    def said(name: str) -> Any:
        own = getattr(event, name)
        return own if own is not None or series is None else getattr(series, name)

    whole_days = bool(said("is_all_day"))
    begins, ends = (_moment(one, whole_days, about) for one in (event.start, event.end))
    invited: list[_Somebody] = said("attendees") or []
    organizer: _Somebody | None = said("organizer")
    people = [one.email_address for one in (organizer, *invited) if one and one.email_address]
    title, place = _line(said("subject")), _line(place.display_name if (place := said("location")) else "")
    answer: _Answer | None = said("response_status")
    answered = answer.response if answer else ""
    cancelled = bool(said("is_cancelled"))
    busy = not cancelled and answered != "declined" and said("show_as") not in _FREE
    tentative = answered in ("tentativelyAccepted", "notResponded") or said("show_as") == "tentative"
    names = " ".join(f"{one.name or ''} {one.address or ''}" for one in people)
    host = organizer.email_address if organizer and organizer.email_address else _Person()
    return Occurrence(
        begins=begins,
        ends=max(begins, ends),
        whole_days=whole_days,
        busy=busy,
        status="cancelled" if cancelled else "tentative" if tentative else "confirmed",
        recurrence=f"{datetime.fromtimestamp(begins, UTC):%Y%m%dT%H%M%SZ}" if event.series_master_id else "",
        summary=title,
        location=place,
        # Graph names an organizer for each event; it matters where others take part.
        organizer=fold(clean(host.address or "")) if invited else "",
        attendees=joined(
            (fold(clean(one.email_address.address or "")) for one in invited if one.email_address), MOST_LINE
        ),
        folded=fold(clean(f"{title} {place} {names} {said('body_preview') or ''}"))[: 4 * MOST_LINE],
    )


GONE = _Page()
"""Stands for an address that is too old to tell."""


def _pages(server: Dav, url: str) -> Iterator[_Page]:
    seen: set[str] = set()
    while url:
        _check_own(server, url)
        if url in seen:
            raise AccountError("Microsoft Graph goes on without an end.", code="failed")
        seen.add(url)
        answer = server.request("GET", url, headers={"Prefer": PREFERRED}, fine=(410,))
        if answer.status_code == 410:
            yield GONE
            return
        try:
            page = msgspec.json.decode(answer.content, type=_Page)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise odd(server) from error
        yield page
        url = page.next


def read_event(body: bytes, server: Dav) -> GraphEvent:
    """One event as it is answered; raises `AccountError` where it is none."""
    try:
        return msgspec.json.decode(body, type=GraphEvent)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise odd(server) from error


def _check_own(server: Dav, url: str) -> None:
    if urlsplit(url)[:2] != urlsplit(server.base)[:2]:
        raise AccountError(
            "Microsoft Graph names a page somewhere else, which was not followed.", code="failed"
        )


def _converted(raw: dict[str, Any], kind: type[T], server: Dav) -> T:
    try:
        return msgspec.convert(raw, kind)
    except msgspec.ValidationError as error:
        raise odd(server) from error


def odd(server: Dav) -> AccountError:
    """The error for an answer that is not Graph's."""
    where = urlsplit(server.base).hostname
    return AccountError(f"{where} does not answer in the way of Microsoft Graph.", code="failed")


def _moment(time: _Time, whole_days: bool, about: Circumstances) -> int:
    """A time in UTC, as was asked for; of whole days the date alone."""
    # Seven digits of a second are more than Python reads.
    moment = datetime.fromisoformat(time.date_time.partition(".")[0].rstrip("Z"))
    return seconds_of(moment.date() if whole_days else moment.replace(tzinfo=UTC), about)


def _line(text: str | None) -> str:
    return " ".join(clean(text or "").split())[:MOST_LINE]


def _utc(at: int) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"
