"""When something is to be done: plain English or the five fields of cron, as text that is kept, and what comes next.

`read_times` turns words into cron's fields (or one moment, for what is done once); `next_after` says when that is,
in a time zone, by `cronsim`, which does as Debian's cron does: what falls into the hour that a change of the clocks
leaves out is done right after it, and what falls into the hour that comes twice is done once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from pierian.exceptions import UserError

LONGEST = 200
ONCE = "once "
"""How the text of a single moment begins; all others are fields of cron, several with `;` between them."""
EXAMPLES = (
    "For example: every weekday 7:30; mondays and fridays at 9am; every day at 8:00 and 18:00; every 2 hours; "
    "on the 1st of every month at 9:00; tomorrow at 7; 2026-12-24 18:00; or as cron writes it: 30 7 * * 1-5."
)

_DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_WEEKDAYS = frozenset({1, 2, 3, 4, 5})
_DAY_NAMES = {
    **{name: number for number, name in enumerate(_DAYS)},
    **{name[:3]: number for number, name in enumerate(_DAYS)},
    "tues": 2,
    "thur": 4,
    "thurs": 4,
}
_ORDINALS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "last": -1}
_FILLING = frozenset({"on", "at", "every", "each", "the", "and", "of", "in", "time", "o'clock", "oclock"})
_CRON = re.compile(r"[\d*][\d*,/-]*( [\w*,/#-]+){4}", re.ASCII)
_INTERVAL = re.compile(
    r"(?:every |each )?(?:(\d{1,2}) )?(minutes?|hours?|hourly)(?: at (?:minute |:)?(\d{1,2}))?"
)
_TIME = re.compile(
    r"(?<![\w:.-])(?:(?P<named>noon|midnight)"
    r"|(?P<hour>\d{1,2})(?:[:.](?P<minute>\d{2}))?(?: ?(?P<half>[ap])\.?m\.?)?(?: ?o'?clock)?)(?![\w:-])"
)
_ORDINAL = re.compile(r"(\d{1,2})(?:st|nd|rd|th)")


def read_times(text: str, now: datetime) -> str:
    """The times that somebody means, as they are kept; `now` is aware and in the user's zone. Raises `UserError`."""
    said = " ".join(text.split())
    if len(said) <= LONGEST:
        found = _cron(said) or _interval(said.lower()) or _once(said.lower(), now) or _days(said.lower())
        if found:
            return found
    raise UserError(f"{said[:80]!r} says no time that is understood.", hint=EXAMPLES)


def next_after(times: str, zone: str, after: datetime) -> datetime | None:
    """The first of these times behind a moment, in UTC; None where there is none any more."""
    where = ZoneInfo(zone)
    if times.startswith(ONCE):
        moment = _local(datetime.fromisoformat(times.removeprefix(ONCE)), where)
        return moment if moment > after else None
    from cronsim import CronSim

    begin = after.astimezone(where)
    coming = (next(CronSim(fields, begin), None) for fields in times.split("; "))
    return min((one.astimezone(UTC) for one in coming if one is not None), default=None)


def in_words(times: str) -> str:
    """Times as a person reads them."""
    if times.startswith(ONCE):
        return f"once, {datetime.fromisoformat(times.removeprefix(ONCE)):%a %d %b %Y %H:%M}"
    from cronsim import CronSim

    return "; ".join(CronSim(fields, datetime(2026, 1, 1)).explain() for fields in times.split("; "))  # noqa: DTZ001


def _local(moment: datetime, zone: ZoneInfo) -> datetime:
    """A time on the wall as a moment; one that the clocks leave out is moved on by what they leave out."""
    return moment.replace(tzinfo=zone).astimezone(UTC)


def _cron(said: str) -> str:
    if not _CRON.fullmatch(said):
        return ""
    from cronsim import CronSim, CronSimError

    try:
        sim = CronSim(said, datetime(2026, 1, 1))  # noqa: DTZ001
        if next(sim, None) is None:
            raise UserError(f"{said!r} never comes.", hint=EXAMPLES)
    except CronSimError as error:
        raise UserError(f"{said!r} is nothing that cron understands: {error}.", hint=EXAMPLES) from error
    return said


def _interval(said: str) -> str:
    found = _INTERVAL.fullmatch(said)
    if found is None:
        return ""
    count, minute = int(found[1] or 1), int(found[3] or 0)
    most = 60 if found[2].startswith("minute") else 24
    if count == 0 or most % count or minute > 59:
        fits = ", ".join(str(one) for one in range(1, most) if most % one == 0)
        raise UserError(f"{said!r} does not come out even.", hint=f"{found[2]} can be {fits}.")
    if most == 60:
        return "* * * * *" if count == 1 else f"*/{count} * * * *"
    return f"{minute} * * * *" if count == 1 else f"{minute} */{count} * * *"


def _once(said: str, now: datetime) -> str:
    found = re.fullmatch(r"(?:once |on )?(today|tomorrow|\d{4}-\d{2}-\d{2})(?:t| at | )(.+)", said)
    if found is None:
        return ""
    try:
        named = {"today": now.date(), "tomorrow": now.date() + timedelta(days=1)}
        day = named.get(found[1]) or date.fromisoformat(found[1])
    except ValueError as error:
        raise UserError(f"There is no day {found[1]}.", hint=EXAMPLES) from error
    times, rest = _times(found[2])
    if len(times) != 1 or rest:
        return ""
    moment = datetime.combine(day, times[0])
    if moment.replace(tzinfo=now.tzinfo) <= now:
        raise UserError(f"{moment:%Y-%m-%d %H:%M} is over.", hint="Give a time to come.")
    return f"{ONCE}{moment.isoformat(timespec='minutes')}"


def _days(said: str) -> str:
    times, rest = _times(said)
    words = re.findall(r"[\w']+", rest)
    if not times or not words:
        return ""
    fields = _fields(words)
    if fields is None:
        return ""
    hours: dict[int, set[int]] = {}
    for one in times:
        hours.setdefault(one.minute, set()).add(one.hour)
    return "; ".join(f"{minute} {_listed(some)} {fields}" for minute, some in sorted(hours.items()))


def _fields(words: list[str]) -> str | None:
    """Day of the month, month and day of the week, as cron writes them; None where the words mean something else."""
    weekdays, month_days, every_day, monthly = set[int](), set[int](), False, False
    for word in words:
        plain = word.removesuffix("s") if word not in _DAY_NAMES else word
        if plain in ("day", "daily"):
            every_day = True
        elif plain in ("weekday", "workday"):
            weekdays |= _WEEKDAYS
        elif plain == "weekend":
            weekdays |= {0, 6}
        elif plain in _DAY_NAMES:
            weekdays.add(_DAY_NAMES[plain])
        elif plain in ("month", "monthly"):
            monthly = True
        elif found := _ORDINAL.fullmatch(word):
            month_days.add(int(found[1]))
        elif word in _ORDINALS:
            month_days.add(_ORDINALS[word])
        elif word not in _FILLING:
            return None
    return _combined(weekdays, month_days, every_day=every_day, monthly=monthly)


def _combined(weekdays: set[int], month_days: set[int], *, every_day: bool, monthly: bool) -> str | None:
    """The fields of days; None for what cron's fields cannot say."""
    if not month_days:
        if every_day == bool(weekdays) or monthly:
            return None
        return f"* * {_listed(weekdays) or '*'}"
    if not monthly or max(month_days) > 31 or 0 in month_days:
        return None
    if not weekdays:  # "the last day of the month" says "day" as well
        return f"{_listed(month_days - {-1}, ['L'] if -1 in month_days else [])} * *"
    if every_day or max(month_days) > 5:
        return None
    # "The first Monday of every month".
    named = [
        f"{day}{'L' if which < 0 else f'#{which}'}"
        for day in sorted(weekdays)
        for which in sorted(month_days)
    ]
    return f"* * {','.join(named)}"


def _times(said: str) -> tuple[list[time], str]:
    """The times of day in a text, and what is left of it."""
    found = list[time]()

    def take(match: re.Match[str]) -> str:
        if match["named"]:
            found.append(time(12 if match["named"] == "noon" else 0))
            return " "
        hour, minute, half = int(match["hour"]), int(match["minute"] or 0), match["half"]
        if hour > 23 or minute > 59 or (half and not 1 <= hour <= 12):
            raise UserError(f"{match[0].strip()!r} is no time of day.", hint=EXAMPLES)
        found.append(time(hour % 12 + (12 if half == "p" else 0) if half else hour, minute))
        return " "

    rest = _TIME.sub(take, said)
    return list(dict.fromkeys(found)), rest.strip(" ,")


def _listed(numbers: Iterable[int], more: Iterable[str] = ()) -> str:
    listed = ",".join([*map(str, sorted(numbers)), *more])
    return "1-5" if listed == "1,2,3,4,5" else listed
