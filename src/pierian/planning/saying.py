"""Times, wishes and plans in plain words, in the order and on the clocks of the problem. Nothing is decided here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from pierian.planning.constraints import (
    Activity,
    AnyWish,
    Budget,
    Busy,
    CheckedIn,
    Covers,
    Fills,
    Lasts,
    Money,
    Nights,
    OneOf,
    Option,
    Order,
    Outside,
    Placed,
    Plan,
    Problem,
    Window,
    Within,
)

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_DAY = 1440
_MOST_WINDOWS = 6


def moment(problem: Problem, tick: int, zone: str = "") -> str:
    """A tick in words: Monday 09:30, Tue 8 Dec 14:05 (Lisbon), day 5."""
    line = problem.timeline
    match line.kind:
        case "days":
            return f"day {tick}"
        case "clock":
            return clock(tick)
        case "weekdays":
            return f"{WEEKDAYS[tick // _DAY % 7]} {clock(tick % _DAY)}"
        case "dated":
            local = line.local(tick, zone)
            place = "" if not zone or zone == line.zone else f" ({zone.rsplit('/', 1)[-1].replace('_', ' ')})"
            return f"{local:%a} {local.day} {local:%b} {local:%H:%M}{place}"


def clock(minute: int) -> str:
    """A minute of a day; the end of the day is 24:00."""
    days, rest = divmod(minute, _DAY)
    if days and not rest:
        days, rest = days - 1, _DAY
    later = f" (+{days} {'day' if days == 1 else 'days'})" if days else ""
    return f"{rest // 60:02}:{rest % 60:02}{later}"


def stretch(problem: Problem, begins: int, ends: int, zones: tuple[str, str] = ("", "")) -> str:
    """From one tick to another in words, the day once where it is the same."""
    line = problem.timeline
    if line.kind == "days":
        last = ends if line.shared_days else ends - 1
        return f"day {begins}" if last <= begins else f"day {begins} to {last}"
    if line.kind == "clock":
        return f"{clock(begins)}–{clock(ends)}"
    if line.kind == "weekdays":
        whole = begins % _DAY == 0 and ends % _DAY == 0
        if whole and ends > begins:
            first, last = WEEKDAYS[begins // _DAY % 7], WEEKDAYS[(ends - 1) // _DAY % 7]
            return first if ends - begins == _DAY else f"{first} to {last}"
        day, same = begins // _DAY, (ends - 1) // _DAY == begins // _DAY
        return f"{moment(problem, begins)}–{clock(ends - day * _DAY) if same else moment(problem, ends)}"
    first, last = line.local(begins, zones[0]), line.local(ends, zones[1])
    if first.date() == last.date() and zones[0] == zones[1]:
        place = moment(problem, begins, zones[0]).partition(" (")[2]
        hours = f"{first:%a} {first.day} {first:%b} {first:%H:%M}–{last:%H:%M}"
        return f"{hours} ({place}" if place else hours
    if first.time() == last.time() == first.min.time() and not any(zones):
        end = last - timedelta(days=1)
        one = f"{first:%a} {first.day} {first:%b}"
        return one if end.date() == first.date() else f"{one} to {end:%a} {end.day} {end:%b}"
    return f"{moment(problem, begins, zones[0])} – {moment(problem, ends, zones[1])}"


def length(problem: Problem, ticks: int) -> str:
    """How long so many ticks are."""
    if problem.timeline.kind == "days":
        days = ticks + problem.timeline.shared_days
        return f"{days} {'day' if days == 1 else 'days'}"
    return duration(ticks)


def duration(minutes: int) -> str:
    """So many minutes in words."""
    days, rest = divmod(minutes, _DAY)
    hours, rest = divmod(rest, 60)
    parts = [
        f"{number} {unit if number == 1 else unit + 's'}"
        for number, unit in ((days, "day"), (hours, "hour"), (rest, "minute"))
        if number
    ]
    return " ".join(parts) or "no time"


def money(amount: Money) -> str:
    """An amount in words."""
    return f"{amount.amount:,.2f} {amount.currency}"


def windows(problem: Problem, told: Sequence[Window], *, joined: str = ", ") -> str:
    """Windows in words; of very many the first ones. The same hours on several days are told once."""
    if not told:
        return "never"
    if problem.timeline.kind in ("weekdays", "dated") and len(told) > 1 and (same := _daily(problem, told)):
        return same
    said = [stretch(problem, one.begins, one.ends) for one in told[:_MOST_WINDOWS]]
    more = len(told) - len(said)
    return joined.join(said) + (f" and {more} more" if more > 0 else "")


def _daily(problem: Problem, told: Sequence[Window]) -> str:
    """`09:00–17:00, Mon 7 Dec to Fri 11 Dec`, where the windows are the same on each of some days."""
    line = problem.timeline
    if line.kind == "weekdays":
        hours = {(one.begins % _DAY, one.ends - one.begins) for one in told}
        days = [WEEKDAYS[one.begins // _DAY % 7] for one in told]
    else:
        hours = set[tuple[int, int]]()
        for one in told:
            first = line.local(one.begins)
            hours.add((first.hour * 60 + first.minute, one.ends - one.begins))
        dates = [line.local(one.begins) for one in told]
        days = [f"{one:%a} {one.day} {one:%b}" for one in dates]
    if len(hours) != 1 or len(set(days)) != len(days):
        return ""
    begins, ticks = next(iter(hours))
    if (begins, ticks) == (0, _DAY):
        return ""
    told_days = ", ".join(days) if len(days) <= 3 else f"{days[0]} to {days[-1]}"
    return f"{clock(begins)}–{clock(begins + ticks)} on {told_days}"


def wish(problem: Problem, one: AnyWish) -> str:
    """A wish in words, without a full stop."""
    match one:
        case Lasts():
            return _lasts(problem, one)
        case Within():
            return f"{_names(one.activities)} within {windows(problem, one.windows, joined=' or ')}"
        case Outside():
            return f"{_names(one.activities)} not at {windows(problem, one.windows)}"
        case Busy():
            return (
                f"{one.person} {'are' if one.person == 'you' else 'is'} busy {windows(problem, one.windows)}"
            )
        case Order():
            least = f" by {length(problem, one.least)} or more" if one.least > 0 else ""
            most = "" if one.most is None else f", at most {length(problem, one.most)} later"
            return f"{one.then} after {one.first}{least}{most}"
        case Covers():
            return f"{one.activity} throughout {stretch(problem, one.window.begins, one.window.ends)}"
        case Fills():
            return f"from {moment(problem, one.window.begins)} to {moment(problem, one.window.ends)} in all"
        case Nights():
            number = str(one.least) if one.least == one.most else f"{one.least} to {one.most}"
            return f"{number} {'night' if number == '1' else 'nights'} between {one.first} and {one.last}"
        case Budget():
            return f"no more than {money(one.limit)} in all"
        case OneOf():
            return one.said
        case CheckedIn():
            return f"arriving before check-in for {one.activity} closes"


def _lasts(problem: Problem, one: Lasts) -> str:
    ticks = length(problem, one.least)
    if one.most == one.least or (one.most is None and problem.timeline.kind != "clock"):
        return f"{one.activity} takes {ticks}"
    if one.most is None:
        return f"{one.activity} takes at least {ticks}"
    return f"{one.activity} takes {ticks} to {length(problem, one.most)}"


def placed(problem: Problem, plan: Plan, at: Placed) -> str:
    """One line of a plan: when, what, where, at what price."""
    one = problem.activity(at.activity)
    option = next((option for option in one.options if option.name == at.option), None)
    zones = _zones(problem, plan, one, option)
    parts = [f"{stretch(problem, at.begins, at.ends, zones)}: {one.name}"]
    if option is not None:
        nightly = " a night" if option.nightly else ""
        cost = "" if option.price is None else f", {money(option.price)}{nightly}"
        parts.append(f" ({option.name}{cost})")
    where = f"{one.place} to {one.ends_at}" if one.ends_at else one.place
    if where and where != one.name:
        parts.append(f", {where}")
    return "".join(parts)


def _zones(problem: Problem, plan: Plan, one: Activity, option: Option | None) -> tuple[str, str]:
    """On whose clocks an activity begins and ends: those of its option, or of what it lies between."""
    if one.between is None:
        return ("", "") if option is None else (option.begins_zone, option.ends_zone)
    found: list[str] = []
    for name, side in zip(one.between, ("ends", "begins"), strict=True):
        at = plan.of(name)
        chosen = (o for o in problem.activity(name).options if at is not None and o.name == at.option)
        found.append(next((getattr(o, f"{side}_zone") for o in chosen), ""))
    return found[0], found[1]


def _names(names: Sequence[str]) -> str:
    return " and ".join(names) if names else "everything"
