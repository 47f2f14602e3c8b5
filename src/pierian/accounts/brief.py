"""The day brief: what today holds, what waits for an answer, what has changed, each line with its source.

It is worked out from the local copies by code alone: no model, no server. How old the copies are is part of it. How
it is shown is the business of `brief_text` and the faces.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from typing import Literal
from zoneinfo import ZoneInfo

from msgspec import Struct

from pierian.accounts.account import NOT_COPIED, Account, written_by
from pierian.accounts.brief_changes import Change, Seen, at, changes_since_yesterday
from pierian.accounts.calendars.event import Event
from pierian.accounts.calendars.reading import events_between
from pierian.accounts.mail.message import Message
from pierian.accounts.mail.reading import waiting_for_answer
from pierian.accounts.refreshing import ages
from pierian.accounts.store import Accounts
from pierian.provenance import Labels
from pierian.storage.words import fold

LEAST_TRAVEL = timedelta(minutes=30)
"""Between two events at different places; less is told."""
MOST_EVENTS, MOST_MAILS, MOST_CHANGES = 50, 10, 10

LineKind = Literal["event", "conflict", "travel", "mail", "new", "moved", "cancelled"]

_ONLINE = re.compile(
    r"https?:|\b(online|virtual|remote|phone|call|zoom|teams|meet|webex|jitsi|skype|telefon)\b", re.IGNORECASE
)


class Line(Struct, frozen=True, kw_only=True):
    """One line; `source` is the label of what it was made from, such as `calendar:work/ann@example.org`."""

    kind: LineKind
    text: str
    sources: tuple[str, ...]
    time: str = ""
    """Of an event: when, in the zone of the brief."""
    id: str = ""
    """Of an event or a message, as the tools take it."""


class Brief(Struct, frozen=True, kw_only=True):
    """What a day holds. Texts in it were written by others."""

    day: str
    made_at: datetime
    zone: str
    events: tuple[Line, ...]
    warnings: tuple[Line, ...]
    """Conflicts and travel gaps."""
    mail: tuple[Line, ...]
    changes: tuple[Line, ...]
    changes_since: str
    """The day with which today was compared; empty where there is none."""
    left_out: dict[str, int]
    """How many lines of a part are not shown, by its name."""
    notes: tuple[str, ...]
    """What the reader should know of the copies: old ones, troubles, nothing linked."""


def day_brief(accounts: Accounts, now: datetime, zone: ZoneInfo) -> Brief:
    """The brief of the day that it is in `zone`. Remembers what it saw of the calendars, for tomorrow's."""
    database = accounts.database
    known = [one for one in accounts.list() if one.kind not in NOT_COPIED]
    readable = [one for one in known if one.switches.read]
    today = now.astimezone(zone).date()
    begins, ends = (datetime.combine(today + timedelta(days=add), time(), zone) for add in (0, 1))
    events = _once(events_between(database, readable, begins, ends, zone=zone))
    waiting = sorted(
        {one.id: one for account in readable for one in waiting_for_answer(database, account, now)}.values(),
        key=lambda one: -one.sent,
    )
    changes = changes_since_yesterday(database, readable, now, zone)
    return Brief(
        day=today.isoformat(),
        made_at=now.astimezone(UTC),
        zone=str(zone),
        events=tuple(_event_line(one, begins, ends) for one in events[:MOST_EVENTS]),
        warnings=tuple(_warnings(events)),
        mail=tuple(_mail_line(one, now) for one in waiting[:MOST_MAILS]),
        changes=tuple(_change_line(one, zone) for one in changes.found[:MOST_CHANGES]),
        changes_since=changes.since.isoformat() if changes.since else "",
        left_out={
            name: count - most
            for name, count, most in (
                ("events", len(events), MOST_EVENTS),
                ("mail", len(waiting), MOST_MAILS),
                ("changes", len(changes.found), MOST_CHANGES),
            )
            if count > most
        },
        notes=tuple(_notes(known, now.astimezone(zone))),
    )


def _once(events: Sequence[Event]) -> list[Event]:
    """Events without copies: what stands in two calendars at the same time under the same title is one."""
    kept: dict[tuple[object, ...], Event] = {}
    for one in events:
        kept.setdefault((one.begins, one.ends, fold(one.title), one.id if not one.title else ""), one)
    return list(kept.values())


def _event_line(one: Event, day_begins: datetime, day_ends: datetime) -> Line:
    place = f" ({one.location})" if one.location else ""
    unsure = " — not confirmed yet" if one.status == "tentative" else ""
    return Line(
        kind="event",
        text=f"{_title(one)}{place}{unsure}",
        sources=_labels(one.labels),
        time=_span(one, day_begins, day_ends),
        id=one.id,
    )


def _span(one: Event, day_begins: datetime, day_ends: datetime) -> str:
    """When an event takes place, as far as it is on this day."""
    before, after = one.begins < day_begins, one.ends > day_ends
    if one.whole_days or (before and after):
        return "all day"
    if before:
        return f"until {one.ends:%H:%M}"
    return f"from {one.begins:%H:%M}" if after else f"{one.begins:%H:%M}–{one.ends:%H:%M}"


def _warnings(events: Sequence[Event]) -> Iterator[Line]:
    """Events of today that overlap, and those too near to each other for the way between them."""
    busy = sorted(
        (one for one in events if one.busy and not one.whole_days), key=lambda one: (one.begins, one.ends)
    )
    for at_index, one in enumerate(busy):
        for other in busy[at_index + 1 :]:
            if other.begins >= one.ends:
                break
            until = min(one.ends, other.ends)
            yield Line(
                kind="conflict",
                text=f"{_title(one)} and {_title(other)} overlap.",
                sources=_labels(one.labels | other.labels),
                time=f"{other.begins:%H:%M}–{until:%H:%M}",
            )
    somewhere = [one for one in busy if one.location.strip() and not _ONLINE.search(one.location)]
    for one, other in pairwise(somewhere):
        gap = other.begins - one.ends
        if timedelta(0) <= gap < LEAST_TRAVEL and not _same_place(one.location, other.location):
            minutes = int(gap.total_seconds() // 60)
            left = f"{minutes} minutes" if minutes else "no time"
            yield Line(
                kind="travel",
                text=f"Only {left} from {_title(one)} ({one.location}) to {_title(other)} ({other.location}).",
                sources=_labels(one.labels | other.labels),
                time=f"{one.ends:%H:%M}–{other.begins:%H:%M}",
            )


def _same_place(one: str, other: str) -> bool:
    """Whether two places are one, or rooms of one house, as far as their words tell."""
    words, others = (frozenset(re.findall(r"\w+", fold(place))) for place in (one, other))
    shared = len(words & others)
    return shared * 2 > min(len(words), len(others))


def _mail_line(one: Message, now: datetime) -> Line:
    sender = one.sender.name or one.sender.address
    return Line(
        kind="mail",
        text=f"{sender}: {one.subject or '(no subject)'} — {_ago(now - one.sent_at)}",
        sources=_labels(written_by("mail", one.account, one.sender.address)),
        id=one.id,
    )


def _change_line(change: Change, zone: ZoneInfo) -> Line:
    event = change.event
    title, when = event.title or "(no title)", _when(event, zone)
    match change.kind:
        case "new":
            text = f"New: {title}, {when}"
        case "cancelled":
            text = f"Cancelled: {title}, {when}"
        case "moved":
            assert change.before is not None
            was = _when(change.before, zone)
            moved = f"now {when}, was {was}" if when != was else when
            place = (
                "" if event.location == change.before.location else f", now at {event.location or 'no place'}"
            )
            text = f"{'Moved' if when != was else 'Changed'}: {title}, {moved}{place}"
    others = f" (and {change.others} more of the series)" if change.others else ""
    labels = written_by("calendar", change.account, event.organizer)
    return Line(kind=change.kind, text=f"{text}{others}", sources=_labels(labels))


def _when(event: Seen, zone: ZoneInfo) -> str:
    begins = at(event.begins, zone)
    return f"{begins:%a %d %b}" if event.whole_days else f"{begins:%a %d %b %H:%M}"


def _notes(accounts: Sequence[Account], now: datetime) -> Iterator[str]:
    if not accounts:
        yield "No account is linked yet: `pierian accounts link` does it."
        return
    for one in accounts:
        if not one.switches.read:
            yield f"{one.name} is left out: reading it is switched off."
            continue
        if one.synced_at is None:
            yield f"{one.name} has never been synced: `pierian accounts sync {one.name}` does it."
        else:
            yield from ages([one], now)
        if one.problem:
            yield f"{one.name}: {one.problem} {one.hint}".strip()
        if one.switches.free_busy_only:
            yield f"Of {one.name} only busy times are shown."


def _title(one: Event) -> str:
    return one.title or ("Busy" if not one.id else "(no title)")


def _labels(labels: Labels) -> tuple[str, ...]:
    return tuple(sorted(str(one) for one in labels))


def _ago(span: timedelta) -> str:
    hours = max(0, int(span.total_seconds() // 3600))
    if hours < 1:
        return "less than an hour ago"
    if hours < 48:
        return f"{hours} hours ago" if hours > 1 else "an hour ago"
    return f"{hours // 24} days ago"
