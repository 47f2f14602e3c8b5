"""From the text of one calendar object to the rows that are stored: its occurrences, in seconds since 1970.

iCalendar is read by `icalendar`, rules are worked out by `recurring_ical_events`; here are the bounds and the choice
of what is kept. A rule without an end is worked out from a year back to two years ahead. Whatever is wrong with an
object is a sentence in its `problem`; nothing raises. Run by `parsing_process`, in a process that may be killed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

import icalendar
import recurring_ical_events  # pyright: ignore[reportMissingTypeStubs]
from msgspec import Struct

from pierian.accounts.calendars.ics_file import take_apart
from pierian.storage.words import clean, fold

Part = Any
"""A component of `icalendar`, whose own types name for each property all that it could be."""
DAY = 86_400
YEAR = 365 * DAY
MOST_BYTES = 2_000_000
"""Of one object; calendars allow attachments inside events, this is not the place for them."""
MOST_OCCURRENCES = 10_000
MOST_STEPS = 2_000_000
"""Of a rule, from its beginning until two years ahead: a rule for every second is a bomb, no event."""
MOST_LINE = 1_000
_MOST_TEXT, _MOST_TEXTS = 4_000, 2_000_000
_FIRST, _LAST = -62_135_500_000, 253_402_200_000
"""The years 1 to 9999, in seconds since 1970, with a few days' room for zones."""
_STEP = {
    "SECONDLY": 1,
    "MINUTELY": 60,
    "HOURLY": 3600,
    "DAILY": DAY,
    "WEEKLY": 7 * DAY,
    "MONTHLY": 28 * DAY,
    "YEARLY": YEAR,
}
_BUSY_WHEN = ("BUSY", "BUSY-UNAVAILABLE", "BUSY-TENTATIVE")


class Refused(ValueError):
    """The object is left out, for a reason."""


class Occurrence(Struct, frozen=True, kw_only=True, array_like=True):
    """A row of `occurrences`."""

    begins: int
    ends: int
    whole_days: bool
    busy: bool
    status: str
    recurrence: str
    summary: str
    location: str
    organizer: str
    attendees: str
    folded: str


class Parsed(Struct, frozen=True, kw_only=True, array_like=True):
    """What an object comes to."""

    uid: str = ""
    occurrences: tuple[Occurrence, ...] = ()
    repeats_until: int | None = None
    """How far it was worked out, where it goes on after that."""
    problem: str = ""


class Circumstances(Struct, frozen=True, kw_only=True, array_like=True):
    """What an object is worked out with."""

    zone: str
    """Name of the zone for all-day and floating events."""
    now: int
    mine: tuple[str, ...] = ()
    """Mail addresses of the account's owner, folded: what they declined does not make them busy."""

    @property
    def begins(self) -> int:
        """From when on series are worked out."""
        return self.now - YEAR

    @property
    def ends(self) -> int:
        """Until when series are worked out."""
        return self.now + 2 * YEAR


def parse(text: str, about: Circumstances) -> Parsed:
    """What the text of one object comes to."""
    try:
        if len(text) > MOST_BYTES:
            raise Refused(f"it is larger than {MOST_BYTES:,} bytes")
        return _parsed(_read(text), about)
    except Refused as refused:
        problem = str(refused)
    except RecursionError:
        problem = "it is nested too deeply"
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, AssertionError) as error:
        # The libraries raise whatever their own code runs into; the text of the event stays out of the sentence.
        problem = f"it cannot be read ({type(error).__name__})"
    return Parsed(uid=fallback_uid(text), problem=problem)


def fallback_uid(text: str) -> str:
    """A name for an object whose UID cannot be read."""
    return f"unread-{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:32]}"


def _read(text: str) -> Part:
    """The object; where it cannot be read whole, without its alarms, known zones and odd lines between events."""
    text = text.removeprefix("\ufeff")
    try:
        return icalendar.Calendar.from_ical(text)
    except ValueError:
        try:
            parts = take_apart(text).parts
        except ValueError as error:
            raise Refused(f"it {error}") from error
        if len(parts) > 1:
            raise Refused("it holds several events that do not belong together") from None
        if not parts or parts[0].text == text:
            raise
    return icalendar.Calendar.from_ical(parts[0].text)


def _parsed(calendar: Part, about: Circumstances) -> Parsed:
    events: list[Part] = calendar.walk("VEVENT")
    if not events:
        busy = [o for one in calendar.walk("VFREEBUSY") for o in _busy_times(one, about)]
        uids = [str(part.get("UID", "")) for part in calendar.walk() if part.get("UID")]
        return Parsed(uid=uids[0] if uids else "", occurrences=tuple(busy))
    for event in events:
        if "RRULE" in event and not any(_listed(event["RRULE"])):
            del event["RRULE"]  # some programs write one with nothing in it
        _check(event, about)
    uid = clean(str(events[0].get("UID", ""))) or fallback_uid(calendar.to_ical().decode("utf-8", "replace"))
    series = any(_repeats(event) for event in events)
    if len(events) == 1 and not series:
        single = events[0]
        return Parsed(uid=uid, occurrences=(_occurrence(single, _recurrence(single), about, _MOST_TEXT),))
    found = _expanded(calendar, about) if series else events
    if len(found) > MOST_OCCURRENCES:
        raise Refused(f"it takes place more than {MOST_OCCURRENCES:,} times in three years")
    most_text = max(200, min(_MOST_TEXT, _MOST_TEXTS // max(1, len(found))))
    rows = [_occurrence(one, _recurrence(one) if series else "", about, most_text) for one in found]
    return Parsed(
        uid=uid,
        occurrences=tuple(sorted(rows, key=lambda row: (row.begins, row.ends))),
        repeats_until=about.ends if any(_goes_on(event, about) for event in events) else None,
    )


def _expanded(calendar: Part, about: Circumstances) -> list[Part]:
    """The occurrences of a series within the time that is looked at."""
    window = (datetime.fromtimestamp(at, UTC) for at in (about.begins, about.ends))
    found: list[Part] = recurring_ical_events.of(calendar).between(*window)
    return found


def _check(event: Part, about: Circumstances) -> None:
    """Raises `Refused` for what would take too long, or has no beginning."""
    if event.get("DTSTART") is None:
        raise Refused("it has no beginning that can be read")
    begins = seconds_of(_dt(event, "DTSTART"), about)
    for rule in _listed(event.get("RRULE")):
        _check_rule(rule, begins, about)
    dates = sum(
        len(getattr(one, "dts", ())) for name in ("RDATE", "EXDATE") for one in _listed(event.get(name))
    )
    if dates > MOST_OCCURRENCES:
        raise Refused(f"it names more than {MOST_OCCURRENCES:,} dates")


def _check_rule(rule: Any, begins: int, about: Circumstances) -> None:
    step = _STEP.get(str(_first(rule, "FREQ", "")).upper())
    if step is None:
        raise Refused("its rule for repeating cannot be read")
    if str(_first(rule, "RSCALE", "GREGORIAN")).upper() != "GREGORIAN":
        raise Refused("its rule for repeating follows a calendar that is not read")
    interval = int(_first(rule, "INTERVAL", 1))
    if interval < 1:
        raise Refused("its rule for repeating has no step")
    until = _first(rule, "UNTIL", None)
    ends = min(about.ends, seconds_of(until, about)) if until is not None else about.ends
    steps = max(0, ends - begins) // (step * interval) + 1
    within_step = 1
    for name in ("BYHOUR", "BYMINUTE", "BYSECOND"):
        within_step *= max(1, len(rule.get(name, ())))
    if step >= DAY:
        steps *= within_step
    # A count ends the rule early, unless nothing fits it; the time that an object may compute ends that.
    if min(steps, int(_first(rule, "COUNT", steps))) > MOST_STEPS:
        raise Refused("it repeats too often")


def _goes_on(event: Part, about: Circumstances) -> bool:
    """Whether there may be occurrences after the time that was looked at. A rule with a count is not counted out."""
    for rule in _listed(event.get("RRULE")):
        until = _first(rule, "UNTIL", None)
        if until is None or seconds_of(until, about) > about.ends:
            return True
    dates = (one.dt for part in _listed(event.get("RDATE")) for one in getattr(part, "dts", ()))
    return any(seconds_of(one[0] if isinstance(one, tuple) else one, about) > about.ends for one in dates)


def _written_length(start: date, end: date) -> int:
    """Seconds from one to the other as written in one zone: a beginning in the hour that clocks leave out lies behind
    its end."""
    if not (isinstance(start, datetime) and isinstance(end, datetime)) or start.tzinfo != end.tzinfo:
        return 0
    return max(0, int((end.replace(tzinfo=None) - start.replace(tzinfo=None)).total_seconds()))


def _occurrence(event: Part, recurrence: str, about: Circumstances, most_text: int) -> Occurrence:
    start, end = _dt(event, "DTSTART"), _end(event)
    begins, ends = seconds_of(start, about), seconds_of(end, about)
    people = [*_listed(event.get("ORGANIZER")), *_listed(event.get("ATTENDEE"))]
    named = " ".join(f"{person.params.get('CN', '')} {_address(person)}" for person in people)
    summary, location = _line(event, "SUMMARY"), _line(event, "LOCATION")
    status = str(event.get("STATUS", "CONFIRMED")).lower()
    status = status if status in ("tentative", "cancelled") else "confirmed"
    free = str(event.get("TRANSP", "")).upper() == "TRANSPARENT"
    free = free or status == "cancelled" or _declined(event, about.mine)
    return Occurrence(
        begins=begins,
        ends=max(begins, ends, begins + _written_length(start, end) if ends <= begins else 0),
        whole_days=not isinstance(start, datetime),
        busy=not free,
        status=status,
        recurrence=recurrence,
        summary=summary,
        location=location,
        organizer=_address(people[0]) if event.get("ORGANIZER") is not None else "",
        attendees=joined(dict.fromkeys(_address(one) for one in _listed(event.get("ATTENDEE"))), most_text),
        folded=fold(f"{summary} {location} {named} {clean(str(event.get('DESCRIPTION', '')))[:most_text]}")[
            : most_text + 2 * MOST_LINE
        ],
    )


def joined(addresses: Iterable[str], most_text: int) -> str:
    """As many addresses as there is room for, none cut."""
    kept, room = list[str](), max(most_text, MOST_LINE)
    for address in addresses:
        room -= len(address) + 1
        if room < 0:
            break
        if address and not any(c.isspace() for c in address):
            kept.append(address)
    return " ".join(kept)


def _busy_times(free_busy: Part, about: Circumstances) -> list[Occurrence]:
    """The busy times that a server tells of a calendar whose events it keeps to itself."""
    found: list[Occurrence] = []
    for times in _listed(free_busy.get("FREEBUSY")):
        for period in _listed(times):
            kind = str(period.params.get("FBTYPE", "BUSY")).upper()
            if kind not in _BUSY_WHEN:
                continue
            if len(found) >= MOST_OCCURRENCES:
                raise Refused(f"it is busy more than {MOST_OCCURRENCES:,} times")
            begins = seconds_of(period.start, about)
            found.append(
                Occurrence(
                    begins=begins,
                    ends=max(begins, seconds_of(period.end, about)),
                    whole_days=False,
                    busy=True,
                    status="tentative" if kind == "BUSY-TENTATIVE" else "confirmed",
                    recurrence="",
                    summary="",
                    location="",
                    organizer="",
                    attendees="",
                    folded="",
                )
            )
    return found


def _repeats(event: Part) -> bool:
    return any(name in event for name in ("RRULE", "RDATE", "RECURRENCE-ID"))


def _recurrence(event: Part) -> str:
    """The RECURRENCE-ID in UTC; a date or a floating time as it is."""
    if event.get("RECURRENCE-ID") is None:
        return ""
    return recurrence_text(_dt(event, "RECURRENCE-ID"))


def recurrence_text(moment: date) -> str:
    """A RECURRENCE-ID as it is stored: in UTC; a date or a floating time as it is."""
    if not isinstance(moment, datetime):
        return f"{moment:%Y%m%d}"
    if moment.tzinfo is None:
        return f"{moment:%Y%m%dT%H%M%S}"
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _end(event: Part) -> date:
    """Its end; without one a day for a date and no time for a time of day (RFC 5545, 3.6.1)."""
    start = _dt(event, "DTSTART")
    if event.get("DTEND") is not None:
        end = _dt(event, "DTEND")
        whole = not isinstance(start, datetime) and not isinstance(end, datetime)
        return start + timedelta(days=1) if whole and end <= start else end
    if event.get("DURATION") is not None:
        lasts = _dt(event, "DURATION")
        if not isinstance(start, datetime):
            return start + timedelta(days=max(1, lasts.days))
        # Days are counted on the calendar, hours on the clock: after the change of the clocks too.
        shifted = start + timedelta(days=lasts.days)
        rest = timedelta(seconds=lasts.seconds)
        return (shifted.astimezone(UTC) + rest).astimezone(start.tzinfo) if start.tzinfo else shifted + rest
    return start if isinstance(start, datetime) else start + timedelta(days=1)


def seconds_of(moment: Any, about: Circumstances) -> int:
    """A date or time in seconds since 1970, in the user's zone where it names none."""
    if not isinstance(moment, datetime):
        moment = datetime.combine(cast(date, moment), time())
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo(about.zone))
    try:
        at = int(moment.timestamp())
    except OverflowError as error:
        raise Refused("it is outside of the calendar") from error
    if not _FIRST < at < _LAST:
        raise Refused("it is outside of the calendar")
    return at


def _declined(event: Part, mine: Sequence[str]) -> bool:
    return any(
        str(person.params.get("PARTSTAT", "")).upper() == "DECLINED" and _address(person) in mine
        for person in _listed(event.get("ATTENDEE"))
    )


def _address(person: Any) -> str:
    address = clean(str(person)).strip()
    return fold(address[7:] if address[:7].lower() == "mailto:" else address)[:320]


def _line(event: Part, name: str) -> str:
    return " ".join(clean(", ".join(str(one) for one in _listed(event.get(name)))).split())[:MOST_LINE]


def _dt(event: Part, name: str) -> Any:
    found = event.get(name)
    if isinstance(found, list):
        found = cast(list[Any], found)[0]
    return found.dt


def _first(rule: Any, name: str, default: Any) -> Any:
    found = _listed(rule.get(name))
    return found[0] if found else default


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return cast(list[Any], value) if isinstance(value, list) else [value]
