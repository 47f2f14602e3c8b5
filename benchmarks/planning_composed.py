"""Requests of NATURAL PLAN said anew, composed from banks of phrases: what is told of an item is drawn from a bank
by a seed, with a way to write times, an order of the parts and a layout.

Two banks: one to develop on (`planning_bank`), and one that nobody looks at while the extractor is changed
(`planning_bank_judging`). A phrase of one is in no other. Each request is consistent: one person writes it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.planning_paraphrases import (
    by_origin,
    calendar_facts,
    events,
    flights,
    friends,
    start,
    stays,
    ways,
)
from benchmarks.planning_sets import Item
from pierian.number_words import SMALL, TENS

WEEK = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")


@dataclass(frozen=True, slots=True)
class Bank:
    """Phrases by what they tell; `clocks` and `lengths` name ways to write times and lengths."""

    calendar: Mapping[str, Sequence[str]]
    meeting: Mapping[str, Sequence[str]]
    trip: Mapping[str, Sequence[str]]
    clocks: Sequence[str]
    lengths: Sequence[str]


def composed(item: Item, bank: Bank, seed: int) -> str:
    """The request of an item in words drawn from a bank."""
    draw = random.Random(f"{seed}/{item.id}")
    return {"calendar": _calendar, "meeting": _meeting, "trip": _trip}[item.task](item, bank, draw)


# Numbers, times, lengths


def words(number: int) -> str:
    """A number below a hundred in words."""
    if number < 20:
        return SMALL[number]
    tens, rest = divmod(number, 10)
    return TENS[tens - 2] + (f"-{SMALL[rest]}" if rest else "")


def _spoken(at: int) -> str:
    hour, rest = (at // 60 - 1) % 12 + 1, at % 60
    following = hour % 12 + 1
    half = "in the morning" if at < 720 else "in the afternoon" if at < 1080 else "in the evening"
    if at == 720:
        return "noon"
    told = {0: f"{words(hour)}", 15: f"quarter past {words(hour)}", 30: f"half past {words(hour)}"}
    told[45] = f"quarter to {words(following)}"
    return f"{told[rest]} {half}" if rest in told else f"{hour}:{rest:02}{'am' if at < 720 else 'pm'}"


def _american(at: int, gap: str = "", dots: bool = False, upper: bool = False) -> str:
    half = "a" if at < 720 else "p"
    mark = f"{half}.m." if dots else f"{half}m"
    mark = mark.upper() if upper else mark
    rest = f":{at % 60:02}" if at % 60 or upper else ""
    return f"{(at // 60 - 1) % 12 + 1}{rest}{gap}{mark}"


CLOCKS: Mapping[str, Callable[[int], str]] = {
    "spoken": _spoken,
    "american": _american,
    "american spaced": lambda at: _american(at, " "),
    "american dots": lambda at: _american(at, " ", dots=True),
    "american upper": lambda at: _american(at, " ", upper=True),
    "digital": lambda at: f"{at // 60:02}:{at % 60:02}",
    "digital short": lambda at: f"{at // 60}:{at % 60:02}",
    "continental": lambda at: f"{at // 60}h{at % 60:02}" if at % 60 else f"{at // 60}h",
    "british": lambda at: f"{(at // 60 - 1) % 12 + 1}.{at % 60:02}{'am' if at < 720 else 'pm'}",
    "military": lambda at: f"{at // 60:02}{at % 60:02} hrs",
}


def _hours(minutes: int) -> str:
    hours, rest = divmod(minutes, 60)
    told = "" if not hours else "1 hour" if hours == 1 else f"{hours} hours"
    return told if not rest else f"{told} {rest} minutes".strip()


def _in_words(minutes: int) -> str:
    known = {
        15: "a quarter of an hour",
        30: "half an hour",
        45: "three quarters of an hour",
        60: "an hour",
        90: "an hour and a half",
        120: "two hours",
        75: "an hour and a quarter",
        105: "an hour and three quarters",
    }
    return known.get(minutes, f"{words(minutes)} minutes" if minutes < 100 else f"{minutes} minutes")


LENGTHS: Mapping[str, Callable[[int], str]] = {
    "words": _in_words,
    "hours": _hours,
    "minutes": lambda minutes: f"{minutes} minutes",
    "mins": lambda minutes: f"{minutes} mins",
    "min": lambda minutes: f"{minutes} min",
    "compact": lambda m: (
        f"{m // 60}h{m % 60:02}" if m > 60 and m % 60 else f"{m // 60}h" if m >= 60 else f"{m}min"
    ),
    "decimal": lambda m: (
        f"{m / 60:g} hours" if m % 30 == 0 and m > 60 else "1 hour" if m == 60 else f"{m} minutes"
    ),
}


def joined(parts: Sequence[str], word: str = "and") -> str:
    """A list as one says it."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} {word} {parts[-1]}"


# The three tasks


_PARTS = ("span", "spoke", "pair", "pair one way")
"""What stands inside a sentence."""


class _Voice:
    """One writer: one phrase for each thing that is told."""

    def __init__(self, phrases: Mapping[str, Sequence[str]], bank: Bank, draw: random.Random) -> None:
        self.chosen = {kind: draw.choice(list(told)) for kind, told in sorted(phrases.items())}
        self.clock = CLOCKS[draw.choice(list(bank.clocks))]
        self.length = LENGTHS[draw.choice(list(bank.lengths))]
        self.layout = draw.choice([" ", "\n", " ", "\n- "])
        self.draw = draw

    def say(self, kind: str, **values: Any) -> str:
        told = self.chosen[kind].format(**values)
        return told if kind in _PARTS else told[:1].upper() + told[1:]

    def laid_out(self, lines: Sequence[str]) -> str:
        return self.layout.join(lines)


def _calendar(item: Item, bank: Bank, draw: random.Random) -> str:
    told, voice = calendar_facts(item.request), _Voice(bank.calendar, bank, draw)
    opening = voice.say(
        "opening",
        people=joined(told["people"]),
        length=voice.length(told["minutes"]),
        days=joined(told["days"], "or"),
        a=voice.clock(540),
        b=voice.clock(1020),
    )
    of_people: list[list[str]] = []
    for who, spans in told["busy"].items():
        lines: list[str] = []
        if not spans:
            lines.append(voice.say("free", who=who))
        by_day = {
            day: joined(
                [voice.say("span", a=voice.clock(a), b=voice.clock(b)) for on, a, b in spans if on == day]
            )
            for day in WEEK
            if any(on == day for on, _, _ in spans)
        }
        if by_day and draw.random() < 0.5:
            lines.append(
                voice.say("busy week", who=who, days=joined([f"{d} {s}" for d, s in by_day.items()]))
            )
        else:
            lines += [voice.say("busy day", who=who, day=day, spans=spans) for day, spans in by_day.items()]
        of_people.append(lines)
    wishes = {
        who: [
            voice.say(f"wish {side or 'day'}", who=name, day=day, at=voice.clock(at))
            for who_, day, side, at in told["wishes"]
            if who_ == who
            for name in [who]
        ]
        for who in told["people"]
    }
    if draw.random() < 0.4:  # person by person
        for number, who in enumerate(told["busy"]):
            of_people[number] += wishes[who]
        calendars, rest = of_people, list[str]()
    else:
        calendars, rest = of_people, [line for lines in wishes.values() for line in lines]
    if draw.random() < 0.3:
        draw.shuffle(calendars)
    parts = [[opening], [line for lines in calendars for line in lines], rest]
    if draw.random() < 0.4:
        parts = [*parts[1:], parts[0]]
    lines = [line for part in parts for line in part]
    if told["early"]:
        lines.append(voice.say("early"))
    return voice.laid_out(lines)


def _meeting(item: Item, bank: Bank, draw: random.Random) -> str:
    voice = _Voice(bank.meeting, bank, draw)
    place, at = start(item)
    begin = [voice.say("start", place=place, at=voice.clock(at))]
    people: list[str] = []
    for who, where, a, b, minutes in friends(item):
        people.append(
            voice.say(
                "friend",
                who=who,
                place=where,
                a=voice.clock(a),
                b=voice.clock(b),
                length=voice.length(minutes),
            )
        )
    if draw.random() < 0.5:
        road = [voice.say("way", a=a, b=b, n=minutes) for a, b, minutes in ways(item)]
    else:
        road = [
            voice.say("hub", a=a, list=joined([voice.say("spoke", b=b, n=minutes) for b, minutes in others]))
            for a, others in by_origin(item).items()
        ]
    parts = [begin, people, [voice.say("heading"), *road]]
    draw.shuffle(parts)
    goal = voice.say("goal")
    lines = [line for part in parts for line in part]
    return voice.laid_out([goal, *lines] if draw.random() < 0.5 else [*lines, goal])


def _trip(item: Item, bank: Bank, draw: random.Random) -> str:
    voice = _Voice(bank.trip, bank, draw)
    total = item.constraints["trip_length"]
    number = words if draw.random() < 0.5 else str
    first = [voice.say("total", n=number(total))]
    style = draw.choice(["stay", "stay", "night"])
    if style == "night":
        first = [voice.say("total nights", n=number(total - 1))]
    told = [
        voice.say(
            style if days > 2 or style == "stay" else "one night",
            city=city,
            n=number(days if style == "stay" else days - 1),
        )
        for city, days in stays(item)
    ]
    fixed = [voice.say("event", city=city, a=a, b=b) for city, a, b in events(item)]
    pairs = flights(item)
    if draw.random() < 0.5:
        links = [voice.say("one way" if one else "both ways", a=a, b=b) for a, b, one in pairs]
    else:
        inner = [voice.say("pair one way" if one else "pair", a=a, b=b) for a, b, one in pairs]
        links = [voice.say("links", list=", ".join(inner))]
    parts = [first, told, fixed, links]
    draw.shuffle(parts)
    return voice.laid_out([line for part in parts for line in part] + [voice.say("goal")])
