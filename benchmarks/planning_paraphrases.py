"""The requests of NATURAL PLAN in other words, orders and units: five voices for each task, written by hand.

What is told comes from the set's own data (for calendars, whose data names nobody, it is read off the
request); how it is told is here. A voice is chosen by the item's number, so that each run has the same 50.
The extractor was written without looking at the voices of `UNSEEN`; what was changed after their first run
is told in docs/log.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.planning_sets import Item, minute

UNSEEN = (5, 6, 7, 8)
"""Numbers of the voices that were written when the extractor could read the others."""
VOICES = 9


def paraphrased(item: Item, number: int) -> str:
    """The request of an item in the words of a voice."""
    voices: dict[str, Sequence[Callable[[Any], str]]] = {
        "calendar": (
            _c_chatty,
            _c_notes,
            _c_formal,
            _c_by_day,
            _c_spoken,
            _c_lengths,
            _c_table,
            _c_mail,
            _c_story,
        ),
        "meeting": (
            _m_letter,
            _m_hubs,
            _m_prose,
            _m_terse,
            _m_spoken,
            _m_to_from,
            _m_table,
            _m_diary,
            _m_story,
        ),
        "trip": (_t_letter, _t_bullets, _t_prose, _t_hubs, _t_spoken, _t_nights, _t_table, _t_mail, _t_story),
    }
    told = calendar_facts(item.request) if item.task == "calendar" else item
    return voices[item.task][number % VOICES](told)


# How times and lists are said


def _ampm(at: int, dot: bool = False) -> str:
    half = ("a.m." if at < 720 else "p.m.") if dot else ("am" if at < 720 else "pm")
    hour, rest = (at // 60 - 1) % 12 + 1, at % 60
    gap = " " if dot else ""
    mark = "." if dot else ":"
    return f"{hour}{mark}{rest:02}{gap}{half}" if rest else f"{hour}{gap}{half}"


def _digital(at: int, sign: str = ":") -> str:
    return f"{at // 60:02}{sign}{at % 60:02}"


_HOURS = ["twelve", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven"]


def _spoken(at: int) -> str:
    hour, rest = at // 60 % 12, at % 60
    if at == 720:
        return "noon"
    if rest == 0:
        return f"{_HOURS[hour]} o'clock"
    if rest == 45:
        return f"quarter to {_HOURS[(hour + 1) % 12]}"
    return f"{'half' if rest == 30 else 'quarter'} past {_HOURS[hour]}"


def _and(parts: Sequence[str], word: str = "and") -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} {word} {parts[-1]}"


def _length(minutes: int) -> str:
    return {
        15: "a quarter of an hour",
        30: "half an hour",
        45: "three quarters of an hour",
        60: "an hour",
    }.get(minutes, f"{minutes} minutes")


def _mixed(minutes: int) -> str:
    hours, rest = divmod(minutes, 60)
    return (f"{hours}h{rest:02}" if rest else f"{hours}h") if hours else f"{rest}min"


# Calendars

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")
_RANGE = re.compile(r"(\d+:\d+) to (\d+:\d+)")


def calendar_facts(request: str) -> dict[str, Any]:
    """What a request of the set says, by its own fixed form."""
    first = request.split("\n")[0]
    found = re.search(r"meeting for (.+?) for (one hour|half an hour) between", first)
    assert found is not None
    people = re.split(r", | and ", found[1])
    days = [day for day in _DAYS if day in first]
    body = request.split("days: \n" if "days: \n" in request else "day: \n")[1]
    busy: dict[str, list[tuple[str, int, int]]] = {person: [] for person in people}
    for line in body.split("\n"):
        who = next((person for person in people if line.startswith(person)), None)
        if who is None or "during" not in line:
            continue
        for day, spans in re.findall(r"(\w+day) during ((?:\d+:\d+ to \d+:\d+(?:, )?)+)", line):
            busy[who] += [(day, minute(a), minute(b)) for a, b in _RANGE.findall(spans)]
    wishes: list[tuple[str, str, str, int]] = []
    for who, said in re.findall(
        r"(\w+) (?:would rather not meet|would like to avoid more meetings|do not want to meet|can not meet) on "
        r"((?:\w+day(?: (?:before|after) \d+:\d+)?\. ?)+)",
        request,
    ):
        for day, side, at in re.findall(r"(\w+day)(?: (before|after) (\d+:\d+))?\.", said):
            wishes.append((who, day, side, minute(at) if at else 0))
    return {
        "people": people,
        "days": days,
        "minutes": 60 if found[2] == "one hour" else 30,
        "busy": busy,
        "wishes": wishes,
        "early": "earlist" in request,
    }


def _by_days(
    spans: Sequence[tuple[str, int, int]], say: Callable[[int, int], str], join: str, mark: str
) -> str:
    found: list[str] = []
    for day in _DAYS:
        own = [say(a, b) for on, a, b in spans if on == day]
        if own:
            found.append(f"{mark.format(day=day)}{join.join(own)}")
    return "; ".join(found) if join == ", " else ", ".join(found)


def _c_chatty(t: dict[str, Any]) -> str:
    lines = [
        f"Hey, could you get {_and(t['people'])} together for {'an hour' if t['minutes'] == 60 else 'half an hour'}? "
        f"Anything between 9am and 5pm works, {_and(t['days'], 'or')}."
    ]
    for who, spans in t["busy"].items():
        if spans:
            said = _by_days(spans, lambda a, b: f"{_ampm(a)} to {_ampm(b)}", " and ", "on {day} from ")
            lines.append(f"{who} is tied up {said}.")
        else:
            lines.append(f"{who} is completely free.")
    for who, day, side, at in t["wishes"]:
        lines.append(f"Oh, and {who} really can't do {day}{f' {side} {_ampm(at)}' if side else ' at all'}.")
    if t["early"]:
        lines.append("The sooner the better, so give me the first available slot.")
    return " ".join(lines)


def _c_notes(t: dict[str, Any]) -> str:
    lines = [
        f"Meeting, {t['minutes']} min",
        f"Who: {', '.join(t['people'])}",
        f"Working hours 09:00-17:00, days: {', '.join(day[:3] for day in t['days'])}",
        "",
        "Not available:",
    ]
    for who, spans in t["busy"].items():
        said = _by_days(spans, lambda a, b: f"{_digital(a)}-{_digital(b)}", ", ", "{day} ") if spans else "-"
        lines.append(f"- {who}: {said}")
    if t["wishes"]:
        lines += ["", "Please avoid:"]
        for who, day, side, at in t["wishes"]:
            lines.append(f"- {who}: {day}{f' {side} {_digital(at)}' if side else ' (whole day)'}")
    if t["early"]:
        lines += ["", "Earliest possible time, please."]
    return "\n".join(lines)


def _c_formal(t: dict[str, Any]) -> str:
    length = "one hour" if t["minutes"] == 60 else "thirty minutes"
    lines = [
        f"I should be grateful if you would arrange a meeting of {length} at which {_and(t['people'])} can all be "
        f"present. It has to take place within office hours, from 9 a.m. to 5 p.m., on {_and(t['days'], 'or')}."
    ]
    for who, spans in t["busy"].items():
        if spans:
            said = _by_days(
                spans, lambda a, b: f"from {_ampm(a, True)} until {_ampm(b, True)}", " and ", "on {day} "
            )
            lines.append(f"{who} already has commitments {said}.")
        else:
            lines.append(f"{who}'s diary is empty.")
    for who, day, side, at in t["wishes"]:
        lines.append(
            f"{who} would prefer not to meet on {day}{f' {side} {_ampm(at, True)}' if side else ''}."
        )
    if t["early"]:
        lines.append("Kindly propose the earliest possible slot.")
    return " ".join(lines)


def _c_by_day(t: dict[str, Any]) -> str:
    lines: list[str] = []
    for who, day, side, at in t["wishes"]:
        lines.append(f"{day}{f' {side} {_digital(at)}' if side else ''} is out of the question for {who}.")
    for day in t["days"]:
        own = [
            f"{who} is booked {_and([f'{_digital(a)}–{_digital(b)}' for on, a, b in spans if on == day])}"
            for who, spans in t["busy"].items()
            if any(on == day for on, _, _ in spans)
        ]
        if own:
            lines.append(f"{day}: {'; '.join(own)}.")
    free = [who for who, spans in t["busy"].items() if not spans]
    if free:
        lines.append(f"Nothing in the calendars of {_and(free)}.")
    length = "a one-hour session" if t["minutes"] == 60 else "a 30-minute session"
    lines.append(
        f"With that in mind, find {length} for {_and(t['people'])} some time between 9:00 and 17:00 on "
        f"{_and(t['days'], 'or')}{', as early as possible' if t['early'] else ''}."
    )
    return "\n".join(lines)


def _c_spoken(t: dict[str, Any]) -> str:
    length = "an hour" if t["minutes"] == 60 else "half an hour"
    lines = [
        f"We need {length} with {_and(t['people'])}, between nine and five, "
        f"{'on ' + t['days'][0] if len(t['days']) == 1 else t['days'][0] + ' to ' + t['days'][-1]}."
    ]
    for who, spans in t["busy"].items():
        for day in _DAYS:
            own = [f"from {_spoken(a)} to {_spoken(b)}" for on, a, b in spans if on == day]
            if own:
                lines.append(f"On {day} {who} has meetings {_and(own)}.")
        if not spans:
            lines.append(f"{who} can do any time.")
    for who, day, side, at in t["wishes"]:
        lines.append(f"{who} isn't keen on {day}{f' {side} {_spoken(at)}' if side else ''}.")
    if t["early"]:
        lines.append("As soon as possible would be best.")
    return " ".join(lines)


def _c_lengths(t: dict[str, Any]) -> str:
    length = "60" if t["minutes"] == 60 else "30"
    lines = [
        f"Schedule a {length}-minute meeting with {_and(t['people'])}. Candidate days: {', '.join(t['days'])}. "
        "The office opens at 9 and closes at 17:00."
    ]
    for who, spans in t["busy"].items():
        for day in _DAYS:
            own = [f"{_length(b - a)} from {_digital(a)}" for on, a, b in spans if on == day]
            if own:
                lines.append(f"{who} can't make it on {day} for {_and(own)}.")
        if not spans:
            lines.append(f"{who} has no plans.")
    for who, day, side, at in t["wishes"]:
        lines.append(
            f"Please don't put it {side + ' ' + _digital(at) + ' ' if side else ''}on {day}, says {who}."
        )
    if t["early"]:
        lines.append("Take the earliest slot that works.")
    return " ".join(lines)


def _c_table(t: dict[str, Any]) -> str:
    length = "1 hour" if t["minutes"] == 60 else "30 minutes"
    lines = [
        f"Find a slot of {length} for everyone in this table of appointments, between 09:00 and 17:00.",
        "",
        f"| Person | {' | '.join(t['days'])} |",
        f"|---|{'---|' * len(t['days'])}",
    ]
    for who, spans in t["busy"].items():
        cells = [
            ", ".join(f"{_digital(a)}-{_digital(b)}" for on, a, b in spans if on == day) or "free"
            for day in t["days"]
        ]
        lines.append(f"| {who} | {' | '.join(cells)} |")
    lines.append("")
    for who, day, side, at in t["wishes"]:
        lines.append(f"{who} does not want {day}{f' {side} {_digital(at)}' if side else ''}.")
    if t["early"]:
        lines.append("The earliest one is best.")
    return "\n".join(lines)


def _c_mail(t: dict[str, Any]) -> str:
    length = "1 hr" if t["minutes"] == 60 else "30 mins"
    lines = [
        "Hi there,",
        "",
        f"{_and(t['people'])} would like to get together for {length}. Our day runs from 9am until 5pm and we can do "
        f"{_and(t['days'], 'or')}. Here is what stands in the calendars:",
        "",
    ]
    for who, spans in t["busy"].items():
        lines.append(f"{who}:")
        for on, a, b in spans:
            lines.append(f"  {on[:3]} {_ampm(a)}-{_ampm(b)}")
        if not spans:
            lines.append("  nothing")
    lines.append("")
    for who, day, side, at in t["wishes"]:
        if side == "before":
            lines.append(f"On {day} {who} only has time from {_ampm(at)} on.")
        elif side == "after":
            lines.append(f"On {day} {who} has to leave at {_ampm(at)}.")
        else:
            lines.append(f"{who} is off on {day}.")
    lines += ["", "Soonest possible, thanks!" if t["early"] else "Thanks!"]
    return "\n".join(lines)


def _c_story(t: dict[str, Any]) -> str:
    count = {1: "one", 2: "two", 3: "three", 4: "four", 5: "five", 6: "six", 7: "seven"}[len(t["people"])]
    lines = [
        f"The {count} of them, {_and(t['people'])}, still have to talk, and "
        f"{'sixty' if t['minutes'] == 60 else 'thirty'} "
        f"minutes will do. They are in from nine in the morning to five in the afternoon. Options: "
        f"{', '.join(t['days'])}."
    ]
    for who, spans in t["busy"].items():
        if not spans:
            lines.append(f"You can put whatever you like into {who}'s day.")
        for day in _DAYS:
            own = [f"{_ampm(a)} until {_ampm(b)}" for on, a, b in spans if on == day]
            if own:
                lines.append(f"{who}'s {day} is full {_and(own)}.")
    for who, day, side, at in t["wishes"]:
        lines.append(f"Leave {who} alone on {day}{f' {side} {_ampm(at)}' if side else ''}.")
    if t["early"]:
        lines.append("Whatever comes first wins.")
    return " ".join(lines)


# Visits


def friends(item: Item) -> list[tuple[str, str, int, int, int]]:
    return [
        (
            one["name"],
            one["location"],
            minute(one["time_of_day"]["from"]),
            minute(one["time_of_day"]["to"]),
            one["min_meeting_duration"],
        )
        for one in item.constraints["people_to_meet"]
    ]


def start(item: Item) -> tuple[str, int]:
    return item.constraints["start"]["location"], minute(item.constraints["start"]["time_of_day"])


def ways(item: Item) -> list[tuple[str, str, int]]:
    return [
        (one["place"]["from"], one["place"]["to"], one["walking_time"])
        for one in item.constraints["travel_distances"]
    ]


def by_origin(item: Item) -> dict[str, list[tuple[str, int]]]:
    found: dict[str, list[tuple[str, int]]] = {}
    for a, b, minutes in ways(item):
        found.setdefault(a, []).append((b, minutes))
    return found


def _m_letter(item: Item) -> str:
    place, at = start(item)
    lines = [
        f"I'm in town for a day and would love to see as many of my friends as I can. I start from "
        f"{place} at {_ampm(at)}."
    ]
    for who, where, begins, ends, minutes in friends(item):
        lines.append(
            f"{who} is at {where} between {_ampm(begins)} and {_ampm(ends)}, and I want at least "
            f"{_length(minutes)} with them."
        )
    lines.append("\n\nHow long it takes to get around:\n")
    lines.append("\n".join(f"{a} -> {b}: {minutes} min" for a, b, minutes in ways(item)))
    return " ".join(lines)


def _m_hubs(item: Item) -> str:
    place, at = start(item)
    lines = ["Walking times in minutes"]
    for a, others in by_origin(item).items():
        lines.append(f"From {a}: {', '.join(f'{b} {minutes}' for b, minutes in others)}")
    lines += ["", "People"]
    for who, where, begins, ends, minutes in friends(item):
        lines.append(f"- {who}: {where}, {_digital(begins)}-{_digital(ends)}, at least {minutes} min")
    lines += ["", f"I arrive at {place} at {_digital(at)}. Fit in as many people as possible."]
    return "\n".join(lines)


def _m_prose(item: Item) -> str:
    place, at = start(item)
    lines = [f"Help me see the most friends in one day. My day begins at {place} at {_ampm(at, True)}"]
    for who, where, begins, ends, minutes in friends(item):
        lines.append(
            f"You can find {who} at {where} from {_ampm(begins, True)} until {_ampm(ends, True)}; a "
            f"visit to {who} should last "
            f"no less than {_mixed(minutes)}."
        )
    for a, b, minutes in ways(item):
        lines.append(f"It takes {minutes} minutes to get from {a} to {b}.")
    return "\n".join(lines)


def _m_terse(item: Item) -> str:
    place, at = start(item)
    lines = [f"Start: {place}, {_digital(at)}", "", "Visits (place, there from-to, minimum):"]
    for who, where, begins, ends, minutes in friends(item):
        lines.append(f"{who} / {where} / {_digital(begins)} to {_digital(ends)} / {_mixed(minutes)}")
    lines += ["", "Travel:"]
    lines += [f"{a} - {b} {minutes}'" for a, b, minutes in ways(item)]
    lines += ["", "Maximise the number of visits."]
    return "\n".join(lines)


def _m_spoken(item: Item) -> str:
    place, at = start(item)
    lines: list[str] = []
    for a, others in by_origin(item).items():
        told = _and([f"{minutes} minutes to {b}" for b, minutes in others])
        lines.append(f"From {a} it is {told}.")
    for who, where, begins, ends, minutes in friends(item):
        lines.append(
            f"I'd like to spend {_length(minutes)} or more with {who}, who will be around {where} from "
            f"{_ampm(begins)} till {_ampm(ends)}."
        )
    lines.append(f"I get to {place} at {_ampm(at)} and want to meet as many of them as I can.")
    return " ".join(lines)


def _m_to_from(item: Item) -> str:
    place, at = start(item)
    lines = [f"At {_ampm(at)} my train gets into {place}. Whom can I see today? As many as possible, please."]
    for who, where, begins, ends, minutes in friends(item):
        lines.append(
            f"From {_ampm(begins)} {who} has {_mixed(ends - begins)} to spare at {where}. Our talk "
            f"needs {minutes} minutes."
        )
    for a, b, minutes in ways(item):
        lines.append(f"Getting to {b} from {a} takes {minutes} minutes.")
    return " ".join(lines)


def _m_table(item: Item) -> str:
    place, at = start(item)
    places = sorted({a for a, _, _ in ways(item)} | {b for _, b, _ in ways(item)})
    minutes_of = {(a, b): minutes for a, b, minutes in ways(item)}
    lines = ["| from / to | " + " | ".join(places) + " |", "|---|" + "---|" * len(places)]
    for a in places:
        lines.append(f"| {a} | " + " | ".join(str(minutes_of.get((a, b), "-")) for b in places) + " |")
    lines += ["", "| Friend | Place | From | Until | Minutes |", "|---|---|---|---|---|"]
    for who, where, begins, ends, minutes in friends(item):
        lines.append(f"| {who} | {where} | {_digital(begins)} | {_digital(ends)} | {minutes} |")
    lines += ["", f"I start in {place} at {_digital(at)} and want to see as many friends as possible."]
    return "\n".join(lines)


def _m_diary(item: Item) -> str:
    place, at = start(item)
    lines = [f"{_digital(at)}: I am at {place}."]
    for who, where, begins, ends, minutes in friends(item):
        lines.append(
            f"{who} gets to {where} at {_digital(begins)} and leaves at {_digital(ends)}. "
            f"A meeting with {who} takes {_length(minutes)}."
        )
    for a, others in by_origin(item).items():
        lines.append(f"{a} to {', '.join(f'{b} ({minutes})' for b, minutes in others)} (minutes).")
    lines.append("See as many people as possible.")
    return "\n".join(lines)


def _m_story(item: Item) -> str:
    place, at = start(item)
    lines = [f"{place}, {_ampm(at)}: that's where and when my day out begins."]
    for who, where, begins, ends, minutes in friends(item):
        lines.append(
            f"I owe {who} a visit of {minutes} minutes; look for {who} near {where} no earlier than {_ampm(begins)} "
            f"and no later than {_ampm(ends)}."
        )
    for a, others in by_origin(item).items():
        lines.append(f"Out of {a}: {'; '.join(f'{minutes} min to {b}' for b, minutes in others)}.")
    lines.append("Whom can I fit in? The more the merrier.")
    return "\n".join(lines)


# Journeys

_WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]


def stays(item: Item) -> list[tuple[str, int]]:
    return [(one["city"], one["days"]) for one in item.constraints["city_length"]]


def events(item: Item) -> list[tuple[str, int, int]]:
    return [(one["city"], one["start"], one["end"]) for one in item.constraints["city_day_ranges"]]


def flights(item: Item) -> list[tuple[str, str, bool]]:
    """Pairs, and whether they go one way only, as the request says it."""
    block = re.split(r"direct flights:\s*", item.request)[1].split("\n\n")[0].strip().rstrip(".")
    found: list[tuple[str, str, bool]] = []
    for part in block.split(", "):
        one_way = re.match(r"from (.+) to (.+)", part.strip())
        if one_way:
            found.append((one_way[1], one_way[2], True))
        else:
            a, b = part.strip().split(" and ")
            found.append((a, b, False))
    return found


_REASONS = ("a conference", "a wedding", "friends to meet", "a concert", "family to see")


def _t_letter(item: Item) -> str:
    total = item.constraints["trip_length"]
    lines = [f"We'd like to travel around Europe for {total} days, always by direct flight."]
    for number, (city, days) in enumerate(stays(item)):
        lines.append((f"{city} should get {days} days.", f"We want {days} days in {city}.")[number % 2])
    for number, (city, begins, ends) in enumerate(events(item)):
        lines.append(f"There is {_REASONS[number % 5]} in {city} from day {begins} to day {ends}.")
    pairs = [
        f"from {a} to {b} (one way)" if one_way else f"between {a} and {b}" for a, b, one_way in flights(item)
    ]
    lines.append(f"Direct flights exist {', '.join(pairs)}.")
    lines.append("What order works?")
    return " ".join(lines)


def _t_bullets(item: Item) -> str:
    fixed = {city: (begins, ends) for city, begins, ends in events(item)}
    lines = [f"{item.constraints['trip_length']}-day trip", "", "Cities:"]
    for city, days in stays(item):
        event = f" (must be there days {fixed[city][0]}-{fixed[city][1]})" if city in fixed else ""
        lines.append(f"- {city}: {days} days{event}")
    lines += ["", "Direct flights:"]
    lines += [f"{a} {'→' if one_way else '↔'} {b}" for a, b, one_way in flights(item)]
    return "\n".join(lines)


def _t_prose(item: Item) -> str:
    lines = [
        f"Make an itinerary. In total the journey takes {item.constraints['trip_length']} days and "
        f"only uses direct connections."
    ]
    left = [f"{days} days in {city}" for city, days in stays(item)]
    lines.append(f"I'd spend {_and(left)}.")
    for city, begins, ends in events(item):
        lines.append(f"I have to be in {city} on days {begins} through {ends}.")
    pairs = [f"{a} to {b}, one way only" if one_way else f"{a} and {b}" for a, b, one_way in flights(item)]
    lines.append(f"You can fly directly between these pairs: {'; '.join(pairs)}.")
    return " ".join(lines)


def _t_hubs(item: Item) -> str:
    both: dict[str, list[str]] = {}
    single: list[tuple[str, str]] = []
    for a, b, one_way in flights(item):
        if one_way:
            single.append((a, b))
        else:
            both.setdefault(a, []).append(b)
    lines = [f"{a} has direct connections with {_and(others)}." for a, others in both.items()]
    lines += [f"There is also a flight from {a} to {b}, but none back." for a, b in single]
    for city, begins, ends in events(item):
        lines.append(f"Between day {begins} and day {ends} I must be in {city}.")
    left = [f"{city} ({days} days)" for city, days in stays(item)]
    lines.append(
        f"The places I want to see are {_and(left)}, all within {item.constraints['trip_length']} days."
    )
    return "\n".join(lines)


def _ordinal(number: int) -> str:
    ending = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def _t_spoken(item: Item) -> str:
    lines = [
        f"I have {item.constraints['trip_length']} days off and want to see {len(stays(item))} "
        f"cities without changing planes."
    ]
    for city, days in stays(item):
        lines.append(f"I'd like {_WORDS[days] if days <= 10 else days} days for {city}.")
    for city, begins, ends in events(item):
        lines.append(
            f"From the {_ordinal(begins)} to the {_ordinal(ends)} day my cousin is in {city} and I "
            f"want to be there then."
        )
    pairs = [f"{a} -> {b}" if one_way else f"{a} <-> {b}" for a, b, one_way in flights(item)]
    lines.append(f"These are the non-stop flights: {', '.join(pairs)}.")
    return " ".join(lines)


def _t_nights(item: Item) -> str:
    total = item.constraints["trip_length"]
    lines = [f"Our holiday has {total - 1} nights. We sleep"]
    left = [
        f"{_WORDS[days - 1]} {'night' if days == 2 else 'nights'} in {city}" for city, days in stays(item)
    ]
    lines[0] += f" {_and(left)}."
    for city, begins, ends in events(item):
        lines.append(f"{city} has to include days {begins} to {ends}.")
    pairs = [f"{a} > {b}" if one_way else f"{a} - {b}" for a, b, one_way in flights(item)]
    lines.append(f"Only direct flights: {', '.join(pairs)} (> means one way).")
    return " ".join(lines)


def _t_table(item: Item) -> str:
    held = {city: (begins, ends) for city, begins, ends in events(item)}
    lines = [
        f"Order these cities so that everything fits into {item.constraints['trip_length']} days.",
        "",
        "| City | Length of stay | Fixed days |",
        "|---|---|---|",
    ]
    for city, days in stays(item):
        fixed = f"day {held[city][0]} - day {held[city][1]}" if city in held else ""
        lines.append(f"| {city} | {days} days | {fixed} |")
    lines += ["", "| From | To | Return flight |", "|---|---|---|"]
    lines += [f"| {a} | {b} | {'no' if one_way else 'yes'} |" for a, b, one_way in flights(item)]
    return "\n".join(lines)


def _t_mail(item: Item) -> str:
    left = dict(stays(item))
    lines = ["Hello, we are planning our big tour and need your help with the order."]
    for city, begins, ends in events(item):
        lines.append(
            f"On days {begins}-{ends} we will be at a festival in {city}, where we stay {left.pop(city)} days."
        )
    for city, days in left.items():
        lines.append(f"{city} deserves {days} days.")
    lines.append(f"We are back home after {item.constraints['trip_length']} days.")
    lines.append("We refuse to change planes. The airport websites list these direct routes:")
    lines += [
        f"* {a} to {b} ({'not the other way' if one_way else 'and back'})" for a, b, one_way in flights(item)
    ]
    return "\n".join(lines)


def _t_story(item: Item) -> str:
    lines = [
        f"Imagine a rail-free {item.constraints['trip_length']} days across the continent, planes only, no stopovers."
    ]
    for city, days in stays(item):
        lines.append(f"For {city}, reserve {days} days.")
    for city, begins, ends in events(item):
        lines.append(
            f"{city}: my sister's show is on from day {begins} until day {ends}, so I can't miss it."
        )
    for a, b, one_way in flights(item):
        lines.append(
            f"A plane goes only from {a} to {b}."
            if one_way
            else f"A plane goes back and forth between {a} and {b}."
        )
    return "\n".join(lines)
