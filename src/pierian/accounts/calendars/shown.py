"""What plans see of events and free time: text and numbers, made for small planners."""

from __future__ import annotations

from datetime import timedelta

from msgspec import Struct

from pierian.accounts.calendars.event import Event


class FoundEvent(Struct, frozen=True, kw_only=True):
    """An event; `with_people` are mail addresses, `calendar` is that of an account: work/Team."""

    id: str
    title: str
    begins: str
    ends: str
    minutes: int
    whole_days: bool
    location: str
    organizer: str
    with_people: list[str]
    status: str
    repeats: bool
    calendar: str


class FreeTime(Struct, frozen=True):
    """A stretch in which nothing is planned."""

    begins: str
    ends: str
    minutes: int


def shown(event: Event) -> FoundEvent:
    """An event as plans see it."""
    return FoundEvent(
        id=event.id,
        title=event.title or ("busy" if not event.id else ""),
        begins=event.begins.date().isoformat()
        if event.whole_days
        else event.begins.isoformat(timespec="minutes"),
        ends=_ends(event),
        minutes=int((event.ends.timestamp() - event.begins.timestamp()) // 60),
        whole_days=event.whole_days,
        location=event.location,
        organizer=event.organizer,
        with_people=list(event.attendees),
        status=event.status,
        repeats=event.repeats,
        calendar=f"{event.account}/{event.calendar}",
    )


def _ends(event: Event) -> str:
    if event.whole_days:
        return max(event.begins, event.ends - timedelta(seconds=1)).date().isoformat()
    return event.ends.isoformat(timespec="minutes")
