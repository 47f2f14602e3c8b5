"""The pages of what is done at set times, and of the day brief."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from msgspec import Struct

from pierian.accounts.zones import local_zone
from pierian.exceptions import UserError
from pierian.schedules import Schedule
from pierian.schedules.briefing import LATE
from pierian.schedules.times import in_words
from pierian.storage.ids import utc_now
from pierian.webapp.allowances import modes_of
from pierian.webapp.fields import Filled
from pierian.webapp.layout import frame
from pierian.webapp.rendering import page
from pierian.webapp.site import Site
from pierian.webapp.texts import text
from pierian.webapp.visitors import Visitor


class _ScheduleLine(Struct, frozen=True):
    id: str
    short_id: str
    what: str
    brief: bool
    when: str
    zone: str
    paused: bool
    over: bool
    next: str
    last: datetime | None
    late: str
    """How long after its time the last one came; empty where it was in time."""
    missed: str
    """When what nobody has begun was due; empty where nothing is overdue."""
    state: str
    conversation: str


def schedules_page(site: Site, visitor: Visitor, *, done: str = "", filled: Filled | None = None) -> str:
    """What is done at set times.

    Args:
        done: What was done just now, by the name of its text.
        filled: The form for a new one, where it has to be put right.
    """
    now = utc_now()
    return page(
        "schedules.html",
        **frame(site, visitor, "schedules"),
        schedules=[_line(site, one, now) for one in site.schedules(visitor.owner).list()],
        modes=modes_of(site, visitor),
        zone=str(local_zone()),
        done=done,
        filled=filled or Filled(),
    )


def _line(site: Site, one: Schedule, now: datetime) -> _ScheduleLine:
    overdue = not one.paused and one.next_at is not None and now - one.next_at > LATE
    waited = one.begun_at - one.due_at if one.begun_at and one.due_at else None
    return _ScheduleLine(
        id=one.id,
        short_id=one.short_id,
        what=text("mode.brief") if one.task == "brief" else " ".join(one.question.text.split())[:200],
        brief=one.task == "brief",
        when=in_words(one.times),
        zone=one.zone,
        paused=one.paused,
        over=one.next_at is None,
        next=_moment(one.next_at, one.zone),
        last=one.begun_at,
        late=_span(waited.total_seconds()) if waited is not None and waited > LATE else "",
        missed=_moment(one.next_at, one.zone) if overdue else "",
        state=_state(site, one),
        conversation=_conversation(site, one),
    )


def _moment(moment: datetime | None, zone: str) -> str:
    return "" if moment is None else f"{moment.astimezone(ZoneInfo(zone)):%a %d %b, %H:%M}"


def _span(seconds: float) -> str:
    minutes = int(seconds // 60)
    if minutes < 120:
        return text("schedules.minutes", count=minutes)
    return text("schedules.hours", count=minutes // 60)


def _state(site: Site, one: Schedule) -> str:
    """How its last run stands; empty where there is none any more."""
    if not one.last_run:
        return ""
    try:
        return site.journal(one.owner).state(one.last_run)
    except UserError:
        return ""


def _conversation(site: Site, one: Schedule) -> str:
    """Where its answers are, unless they were deleted."""
    if not one.conversation_id:
        return ""
    try:
        return site.conversations(one.owner).head(one.conversation_id).id
    except UserError:
        return ""


class _Line(Struct, frozen=True):
    kind: str
    time: str
    text: str
    sources: Sequence[str]


class _Section(Struct, frozen=True):
    name: str
    title: str
    lines: Sequence[_Line]
    more: str


def today_page(site: Site, visitor: Visitor) -> str:
    """The day brief as `pierian brief` shows it. What is old is fetched meanwhile; the page waits for no server."""
    from pierian.accounts.brief import day_brief
    from pierian.accounts.brief_text import more, sections, silence
    from pierian.accounts.refreshing import due

    accounts, synchroniser = site.accounts(visitor.owner), site.service.synchroniser
    for one in due(site.database, site.service.settings.sync_minutes, utc_now(), visitor.owner):
        synchroniser.want(visitor.owner, one.id)
    around = frame(site, visitor, "today")
    found = day_brief(accounts, utc_now(), local_zone())
    return page(
        "today.html",
        **around,
        day=f"{datetime.fromisoformat(found.day):%A, %d %B %Y}",
        sections=[
            _Section(
                name,
                title,
                [_Line(line.kind, line.time, " ".join(line.text.split()), line.sources) for line in lines],
                more(found, name),
            )
            for name, title, lines in sections(found)
        ],
        silence=silence(found),
        notes=found.notes,
        syncing=any(synchroniser.working(one.id) for one in accounts.list()),
    )
