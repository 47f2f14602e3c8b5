"""Finds in a request what planning is about and code can read: times, days, lengths, numbered days, numbers, names.

English. Conventions are those of the finder of dates in questions: an hour without am or pm is one of the day (1 to 6
are in the afternoon). A word counts as a name where it begins with a capital letter and is not a common word at the
beginning of a sentence; whether it is a person or a place is not decided here. Nothing is inferred: see `clauses`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, Literal

from msgspec import Struct

from pierian.number_words import ORDINALS, SMALL, TENS

MentionKind = Literal[
    "name", "hours", "clock", "minutes", "days", "nights", "day_range", "weekdays", "part", "number", "money"
]

DAY = 1440
_WORDS = {word: number for number, word in enumerate(SMALL)}
_TENS = {word: 10 * number for number, word in enumerate(TENS, start=2)}
_WEEKDAYS = (
    "mon(?:day)?",
    "tue(?:s(?:day)?)?",
    "wed(?:s|nesday)?",
    "thu(?:r(?:s(?:day)?)?)?",
    "fri(?:day)?",
    "sat(?:urday)?",
    "sun(?:day)?",
)

_NUMBER = (
    rf"(?:\d+(?:[.,]\d+)?|(?:{'|'.join(TENS)})(?:[- ](?:{'|'.join(SMALL[1:10])}))?|"
    + "|".join(sorted(_WORDS, key=len, reverse=True))
    + ")"
)
_HALF_DAY = r"(?:\s?[ap](?:\.\s?m\b\.?|\s?m\b))"
_BARE = r"(?:[01]?\d|2[0-4]|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)"
_FULL_CLOCK = (
    rf"(?:(?:[01]?\d|2[0-4])(?:[:.h][0-5]\d){_HALF_DAY}?|{_BARE}{_HALF_DAY}"
    rf"|{_BARE}(?:[:.][0-5]\d)?(?: o['’]?clock)? (?:in the (?:morning|afternoon|evening)|at night)"
    rf"|{_BARE}\s?o['’]?clock"
    rf"|noon|midday|midnight"
    rf"|(?:half past|half|(?:a )?quarter past|(?:a )?quarter to|(?:ten|twenty|five) (?:past|to)) {_BARE}\b"
    rf"(?:{_HALF_DAY}|(?: o['’]?clock)? (?:in the (?:morning|afternoon|evening)|at night))?"
    r"|(?:[01]\d|2[0-3])[0-5]\d\s?(?:h\b|hrs\b|hours\b)|(?:[01]?\d|2[0-4])h\b(?!\s?\d))"
)
_CLOCK = rf"(?:{_FULL_CLOCK}|{_BARE}\b)"
_TO = r"\s*(?:-|–|—|to|until|till|til|through|thru|and|up to)\s*"
_UNITS = (
    r"(?!\s*(?:-\s*)?(?:hours?|hrs?|minutes?|mins?|days?|nights?|weeks?|people|persons|friends|cities|towns|stops"
    r"|meetings?|euros?|eur|usd|dollars?|pounds|times?|of\b|%|km)\b)"
)
_ORDINAL = r"(?:\d{1,2}(?:st|nd|rd|th)|" + "|".join(ORDINALS) + ")"
_WEEKDAY = "(?:" + "|".join(f"{name}" for name in _WEEKDAYS) + r")s?\b"

_AT = (
    "at",
    "before",
    "after",
    "until",
    "till",
    "by",
    "from",
    "ier than",
    "ter than",
    "ner than",
    "past",
    "since",
    "ahead of",
)
"""Words after which a bare number is a time."""

_PATTERNS: tuple[tuple[str, str], ...] = (
    (
        "money",
        r"(?:[€$£]\s?\d[\d,.]*\d|[€$£]\s?\d|\d[\d,.]*\s?(?:€|euros?\b|eur\b|usd\b|dollars?\b|pounds?\b|gbp\b))",
    ),
    (
        "day_range",
        rf"\bdays?\s*#?{_NUMBER}\b(?:\s*,?\s*(?:-|–|—|to|through|thru|until|till|and|up to)\s*(?:and including\s+)?"
        rf"(?:on\s+)?(?:the\s+)?(?:days?\s*#?)?{_NUMBER}\b(?!\s*(?:days|nights|hours)))?"
        rf"|\b(?:the\s+)?{_ORDINAL}\s*(?:day\s*)?(?:-|–|to|through|until|till|and)\s*(?:the\s+)?{_ORDINAL}\s+days?\b"
        rf"|\b{_ORDINAL}\s+day\b(?:\s*(?:-|–|to|through|until|till|and)\s*(?:the\s+)?{_ORDINAL}(?:\s+day)?\b)?"
        rf"|\bd\d{{1,2}}\s*(?:-|–|to)\s*d?\d{{1,2}}\b|\b(?:first|last) {_NUMBER} days\b",
    ),
    ("nights", rf"\b(?:an?|{_NUMBER})[ -]?nights?\b"),
    (
        "days",
        rf"\b(?:a|{_NUMBER})[ -](?:full |whole |solid |complete )?weeks?\b|\ba fortnight\b"
        rf"|\b(?:a couple of|a single|{_NUMBER})[ -]?(?:full |whole |solid |complete |entire )?days?\b",
    ),
    ("hours", rf"\b(?:(?:from|between)\s+)?{_FULL_CLOCK}{_TO}(?:{_FULL_CLOCK}|{_BARE}\b{_UNITS})"),
    ("hours", rf"\b(?:(?:from|between)\s+)?{_BARE}{_TO}(?:{_FULL_CLOCK})"),
    ("hours", rf"\b(?:from|between)\s+{_BARE}\b{_TO}{_BARE}\b{_UNITS}(?![:.h]\d)"),
    ("hours", rf"(?:(?<=day )|(?<=day, )){_BARE}\b{_TO}{_BARE}\b{_UNITS}"),
    ("hours", rf"\b\d{{1,2}}\s?[-–]\s?\d{{1,2}}\b{_UNITS}(?![-/.:\d])"),
    ("clock", r"\b(?:[01]\d|2[0-3])[0-5]\d\s?(?:h\b|hrs\b|hours\b)"),
    ("clock", r"(?:" + "|".join(rf"(?<={word} )" for word in _AT) + r")(?:[01]?\d|2[0-4])h(?:[0-5]\d)?\b"),
    (
        "minutes",
        rf"\b(?:an?|{_NUMBER}) hours? and (?:a half|a quarter|three[ -]quarters)\b|\b{_NUMBER} and a half hours?\b"
        r"|\bhalf[ -](?:an[ -])?hour\b"
        rf"|\bthree[ -]quarters of an hour\b|\b(?:a )?quarter of an hour\b"
        rf"|\b(?:an?|{_NUMBER})[ -]?(?:hours?|hrs?|h)\b(?:,?\s*(?:and\s+)?{_NUMBER}[ -]?(?:minutes?|mins?|m)\b)?"
        rf"|\b\d{{1,2}}h[0-5]?\d(?:m|min)?\b|\b\d+½ hours?\b|\b{_NUMBER}[ -]?(?:minutes?|mins?|min\.|['’′])(?!\w)"
        r"|\bhour[ -]long\b",
    ),
    ("clock", rf"\b(?:{_FULL_CLOCK})"),
    (
        "clock",
        r"(?:" + "|".join(rf"(?<={word} )" for word in _AT) + rf")\b{_BARE}\b{_UNITS}",
    ),
    (
        "weekdays",
        rf"\b{_WEEKDAY}(?:\s*(?:-|–|to|through|thru)\s*{_WEEKDAY})?|\b(?:every )?(?:weekdays?|working days?)\b"
        r"|\bworkdays?\b",
    ),
    ("part", r"\b(?:mornings?|afternoons?|evenings?|lunch ?times?|over lunch)\b"),
)


class Mention(Struct, frozen=True):
    """Something that a request names, at its place.

    Values: hours are first and last minute of the day, minutes, days and nights numbers, day_range first and last
    numbered day (counted from the end where negative), weekdays their numbers (Monday is 0), part first and last
    minute, name the name as it is written first, clock a minute of the day.
    """

    kind: MentionKind
    start: int
    end: int
    value: Any
    text: str


@cache
def _lexer() -> re.Pattern[str]:
    return re.compile(
        "|".join(f"(?P<k{n}>{pattern})" for n, (_, pattern) in enumerate(_PATTERNS)), re.IGNORECASE
    )


def mentions(text: str, names: Sequence[str]) -> list[Mention]:
    """Everything that is found in a text, in order and without overlaps; `names` are those to look for."""
    found = list(_names(text, names))
    taken = [(one.start, one.end) for one in found]
    for match in _lexer().finditer(text):
        if any(match.start() < end and start < match.end() for start, end in taken):
            continue
        number = next(int(key[1:]) for key, value in match.groupdict().items() if value is not None)
        kind = _PATTERNS[number][0]
        value = _value(kind, match[0])
        if value is not None and not (kind == "weekdays" and _not_a_day(match[0])):
            found.append(Mention(kind, match.start(), match.end(), value, match[0]))  # type: ignore[arg-type]
    found = _combined(text, sorted(found, key=lambda one: one.start))
    taken = [(one.start, one.end) for one in found]
    for match in re.finditer(rf"\b{_NUMBER}\b", text, re.IGNORECASE):
        if not any(match.start() < end and start < match.end() for start, end in taken):
            found.append(Mention("number", match.start(), match.end(), number_of(match[0]), match[0]))
    return sorted(found, key=lambda one: one.start)


_FROM_FOR = re.compile(r"\s*,?\s*(?:for|lasting|and lasts)\s+(?:about\s+)?", re.IGNORECASE)
_FOR_FROM = re.compile(r"\s*,?\s*(?:from|starting at|starting|beginning at|at|after)\s+", re.IGNORECASE)
_OPENS = re.compile(
    r"\b(?:opens?|from|starts?|begins?|arrives?|gets?(?: there| in)?|comes?|there|around|appears?|available|free)\b"
    r"[^.;:]{0,30}\b(?:at|from|by)\s+$|\bopens?\s+$",
    re.IGNORECASE,
)
_CLOSES = re.compile(
    r"^\s*,?\s*(?:and|but|then|before)?\s*(?:\w+\s+){0,3}?(?:closes?|leaves?|ends?|goes|departs?"
    r"|finish(?:es)?|stops?|stays?"
    r"(?: there)? (?:until|till)|leaving|closing|ending)\s*(?:\w+\s+){0,2}?(?:at|by|until|till|home at)?\s*$",
    re.IGNORECASE,
)


def _combined(text: str, found: Sequence[Mention]) -> list[Mention]:
    """Times that belong together made one: half an hour from 9, from 9 for half an hour, opens at 9 and
    closes at 5."""
    made: list[Mention] = []
    for one in found:
        last = made[-1] if made else None
        span: tuple[int, int] | None = None
        if last is not None:
            between = text[last.end : one.start]
            if last.kind == "minutes" and one.kind == "clock" and _FOR_FROM.fullmatch(between):
                span = (one.value, one.value + last.value)
            elif last.kind == "clock" and one.kind == "minutes" and _FROM_FOR.fullmatch(between):
                span = (last.value, last.value + one.value)
            elif (
                last.kind == one.kind == "clock"
                and last.value < one.value
                and _CLOSES.match(between)
                and _OPENS.search(text[max(0, last.start - 60) : last.start])
            ):
                span = (last.value, one.value)
        if span is not None and last is not None:
            made[-1] = Mention("hours", last.start, one.end, span, text[last.start : one.end])
        else:
            made.append(one)
    return made


def _not_a_day(text: str) -> bool:
    """`sat` and `sun` in small letters are words like others."""
    return text in ("sat", "sun", "wed", "mon", "sats", "suns", "weds", "mons")


def _names(text: str, names: Sequence[str]) -> Iterator[Mention]:
    if not names:
        return
    told = sorted(names, key=len, reverse=True)
    pattern = "|".join(re.escape(name).replace("'", "['’]") for name in told)
    for match in re.finditer(rf"(?<!\w)(?:{pattern})(?!\w)", text):
        yield Mention("name", match.start(), match.end(), match[0].replace("’", "'"), match[0])


# Values


def number_of(text: str) -> float:
    """A number in digits or words."""
    low = text.lower().replace(",", ".")
    if low in _WORDS:
        return _WORDS[low]
    parts = re.split(r"[- ]", low)
    if parts[0] in _TENS:
        return _TENS[parts[0]] + (_WORDS[parts[1]] if len(parts) > 1 else 0)
    return float(low) if re.fullmatch(r"\d+(?:\.\d+)?", low) else 1


def ordinal_of(text: str) -> int:
    """`3rd` or `third`."""
    low = text.lower()
    return ORDINALS.index(low) + 1 if low in ORDINALS else int(re.sub(r"\D", "", low))


def _value(kind: str, text: str) -> Any:
    low = text.lower().replace("’", "'")
    match kind:
        case "hours":
            return _hours(low)
        case "clock":
            return clock(low)[0]
        case "minutes":
            return _minutes(low)
        case "days":
            return _days(low)
        case "nights":
            found = re.search(_NUMBER, low)
            return int(number_of(found[0])) if found else 1
        case "day_range":
            return _day_range(low)
        case "weekdays":
            return _weekdays(low)
        case "part":
            return (0, 720) if "morning" in low else (720, 840) if "lunch" in low else _late(low)
        case _:
            digits = re.sub(r"[^\d.,]", "", low).rstrip(".,")
            return float(digits.replace(",", "")) if digits else None


def _late(low: str) -> tuple[int, int]:
    return (720, 1080) if "afternoon" in low else (1080, 1440)


def clock(text: str) -> tuple[int, bool]:
    """The minute of the day, and whether the words say which half of it."""
    low = text.lower().strip()
    if "midnight" in low:
        return 1440, True
    if low in ("noon", "midday"):
        return 720, True
    low = re.sub(r"\s*(?:o['’]?clock )?in the morning", "am", low)
    low = re.sub(r"\s*(?:o['’]?clock )?(?:in the (?:afternoon|evening)|at night)", "pm", low)
    half = re.search(r"([ap])\.?\s?m\b", low)
    rest = re.sub(rf"{_HALF_DAY}|o'?clock|hrs|hours", "", low).strip()
    minute = 0
    if said := re.match(
        r"(?:a )?(half past|half|quarter past|quarter to|quarter before|(?:ten|twenty|five) (?:past|to)) ",
        rest,
    ):
        words = {"half": 30, "quarter": 15, "ten": 10, "twenty": 20, "five": 5}
        minute = words[said[1].split()[0]] * (-1 if said[1].endswith(("to", "before")) else 1)
        rest = rest[said.end() :]
    digits = re.fullmatch(r"(\d{1,2})(?:[:.h](\d{2}))?h?", rest) or re.fullmatch(r"(\d{2})(\d{2})h?", rest)
    if digits:
        hour, minute = int(digits[1]), minute + int(digits[2] or 0)
    else:
        hour = int(number_of(rest))
    sure = bool(half) or hour > 12 or hour == 0 or rest.startswith("0")
    if half:  # a quarter to twelve in the morning is before noon
        return (hour % 12 * 60 + minute) % 720 + (720 if half[1] == "p" else 0), True
    if not sure and 1 <= hour <= 6:
        hour += 12
    return hour * 60 + minute, sure


def _hours(low: str) -> tuple[int, int] | None:
    low = re.sub(r"^(?:from|between)\s+", "", low)
    low = re.sub(r"\bquarter to\b", "quarter before", low)
    parts = re.split(
        r"\s*(?:-|–|—|\bto\b(?! \w+ to)|\buntil\b|\btill?\b|\bthrough\b|\bthru\b|\band\b|\bup to\b)\s*", low
    )
    parts = [part for part in parts if part]
    if len(parts) == 3 and parts[0] in ("ten", "twenty", "five"):  # ten to nine - ten
        parts = [f"{parts[0]} to {parts[1]}", parts[2]]
    elif len(parts) == 3:
        parts = [parts[0], f"{parts[1]} to {parts[2]}"]
    if len(parts) != 2:
        return None
    (first, first_sure), (last, last_sure) = clock(parts[0]), clock(parts[1])
    if last_sure and not first_sure:
        first %= 720
        if (first + 720 < last and re.search(r"p\.?\s?m", parts[1]) and first + 720 > last - 720) or (
            first < 360 and first + 720 < last
        ):
            first += 720
    elif last <= first and not last_sure:
        last += 720
    return (first, last) if first < last <= 1440 + 360 else None


def _minutes(low: str) -> int | None:
    if said := re.fullmatch(rf"(an?|{_NUMBER}) hours? and (a half|a quarter|three[ -]quarters)", low):
        return round(number_of(said[1]) * 60) + (
            30 if "half" in said[2] else 15 if said[2] == "a quarter" else 45
        )
    if "half" in low:
        found = re.search(rf"{_NUMBER}|\ban?\b", low)
        if re.match(r"half", low):
            return 30
        return round(number_of(found[0]) * 60) + 30 if found else 90
    if "quarter" in low:
        return 45 if "three" in low else 15
    if compact := re.fullmatch(r"(\d{1,2})h(\d{1,2})(?:m|min)?", low):
        return int(compact[1]) * 60 + int(compact[2])
    low = re.sub(r"(\d)½", r"\1.5", low)
    total = 0.0
    for found in re.finditer(rf"(an?|{_NUMBER})[ -]?(hours?|hrs?|h\b|minutes?|mins?|m\b|['′])", low):
        total += number_of(found[1]) * (60 if found[2].startswith("h") else 1)
    if not total and "hour" in low:
        total = 60
    return round(total) or None


def _days(low: str) -> int:
    if "fortnight" in low:
        return 14
    if "couple" in low:
        return 2
    found = re.search(_NUMBER, low)
    number = int(number_of(found[0])) if found else 1
    return number * 7 if "week" in low else number


def _day_range(low: str) -> tuple[int, int] | None:
    if found := re.fullmatch(rf"(first|last) ({_NUMBER}) days", low):
        number = int(number_of(found[2]))
        return (1, number) if found[1] == "first" else (-number, -1)
    ordinals = re.findall(rf"\b{_ORDINAL}\b", low)
    if ordinals and not re.match(r"days?\b", low):
        numbers = [ordinal_of(one) for one in ordinals]
    else:
        numbers = [int(number_of(one)) for one in re.findall(_NUMBER, re.sub(r"\bd(?=\d)", "", low))]
    if not numbers or numbers[-1] < numbers[0]:
        return None
    return numbers[0], numbers[-1]


def _weekdays(low: str) -> tuple[int, ...]:
    if re.search(r"week|work", low):
        return (0, 1, 2, 3, 4)
    found = [
        n
        for part in re.findall(r"[a-z]+", low)
        for n, name in enumerate(_WEEKDAYS)
        if re.fullmatch(f"{name}s?", part)
    ]
    if len(found) == 2:
        first, last = found
        return tuple((first + n) % 7 for n in range((last - first) % 7 + 1))
    return tuple(found)
