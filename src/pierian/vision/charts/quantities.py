"""What a label on an axis may mean: numbers with their units and suffixes, dates, in every way that it can be read.

A label alone is often ambiguous (1.200 is small or large, 03/04/2021 is in March or April): each way of reading has a
name, and the fit of an axis decides between the ways, for all its labels at once.
"""

from __future__ import annotations

import calendar
import datetime
import re
from collections.abc import Sequence

from msgspec import Struct

_DASHES = str.maketrans({"−": "-", "–": "-", "—": "-", "一": "-", "‐": "-", "‑": "-", "’": "'", "·": "."})
_NUMBER = re.compile(
    r"(?P<sign>[-+~]?)\s*(?P<before>[$€£¥]?)\s*(?P<inner>-?)(?P<digits>(?:\d[\d.,' ]*\d|\d)[.]?|[.]\d+)"
    r"(?:[eE](?P<exponent>[-+]?\d{1,2}))?\s*(?P<suffix>%|k|K|M|B|G|T|bn|mn|m)?\s*(?P<after>[$€£¥]|°[CF]?|[a-zA-Z]{1,3})?"
)
_POWER = re.compile(r"(?P<head>\d+(?:\.\d+)?\s*[x×*·]\s*)?10\^(?P<power>-?\d{1,2})")
_FACTORS = {"k": 1e3, "K": 1e3, "M": 1e6, "mn": 1e6, "B": 1e9, "G": 1e9, "bn": 1e9, "T": 1e12}
_MONTHS = {
    name.lower(): number
    for names in (calendar.month_name, calendar.month_abbr)
    for number, name in enumerate(names)
    if name
} | {"sept": 9}
_MONTH = r"(?P<month>[A-Za-z]{3,9})\.?"
_YEAR = r"(?P<year>(?:19|20)\d\d)"
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_DATES = tuple(
    re.compile(one)
    for one in (
        rf"{_YEAR}[-/.](?P<number>\d{{1,2}})[-/.]{_DAY}",
        rf"{_YEAR}[-/.](?P<number>\d{{1,2}})",
        rf"{_MONTH}[\s,]*{_YEAR}",
        rf"{_MONTH}\s*{_DAY}(?:,\s*|\s+){_YEAR}",
        rf"{_DAY}\s*{_MONTH},?\s*{_YEAR}",
        rf"{_YEAR}\s*{_MONTH}",
        rf"Q(?P<quarter>[1-4])\s*{_YEAR}",
    )
)
_SLASHED = re.compile(rf"(?P<first>\d{{1,2}})[-/.](?P<second>\d{{1,2}})[-/.]{_YEAR}")
_BARE = tuple(re.compile(one) for one in (_MONTH, rf"{_MONTH}\s*{_DAY}", rf"{_DAY}\s*{_MONTH}"))


NO_YEAR = 1970
"""The year of the first label of a time axis that names months alone."""


class Quantity(Struct, frozen=True):
    """One way to read a label. `way`: plain, european, thousands, date, day-first or month-first."""

    way: str
    value: float
    unit: str = ""


def readings(text: str) -> tuple[Quantity, ...]:
    """All ways to read a label that stands alone; none where it is neither a number nor a date."""
    # A tick mark beside a label is taken for a dash at its end.
    clean = text.translate(_DASHES).strip().strip("_|").rstrip("- ")
    return (*_numbers(clean), *_dates(clean))


def number(text: str) -> float | None:
    """The most ordinary way to read a label as a number, if there is one."""
    found = _numbers(text.translate(_DASHES).strip().rstrip("- "))
    return found[0].value if found else None


def _numbers(text: str) -> list[Quantity]:
    power = _POWER.fullmatch(text.lstrip("-"))
    if power:
        head = float(re.split(r"[x×*·]", power["head"])[0]) if power["head"] else 1.0
        return [Quantity("plain", (-1 if text.startswith("-") else 1) * head * 10.0 ** int(power["power"]))]
    if text.startswith("(") and text.endswith(")"):
        text = "-" + text[1:-1]
    # "S" and "O" are what readers of text make of "$" and "0" in numbers.
    if re.fullmatch(r"[-+]?S\d.*", text):
        text = text.replace("S", "$", 1)
    if re.search(r"\d", text) or text in ("O", "o", "$O"):
        text = re.sub(r"(?<![A-Za-z])[Oo](?![A-Za-z])|(?<=\d)[Oo](?=[\d%kM.,]|$)", "0", text)
    match = _NUMBER.fullmatch(text)
    if not match:
        return []
    sign = -1.0 if "-" in match["sign"] + match["inner"] else 1.0
    suffix = match["suffix"] or ""
    factor = _FACTORS.get(suffix, 1.0) * 10.0 ** int(match["exponent"] or 0)
    after = match["after"] or ("m" if suffix == "m" else "")
    unit = match["before"] or ("%" if suffix == "%" else after)
    return [
        Quantity(way, sign * factor * value, unit) for way, value in _digits(match["digits"].replace(" ", ""))
    ]


def _digits(digits: str) -> list[tuple[str, float]]:
    digits = digits.replace("'", "").rstrip(".,")
    if digits.count(",") + digits.count(".") == 0:
        return [(way, float(digits)) for way in ("plain", "european", "thousands")]
    found = list[tuple[str, float]]()
    if re.fullmatch(r"\d{1,3}([.,]\d{3})+", digits):
        # Commas and points are mistaken for one another.
        found.append(("thousands", float(re.sub("[.,]", "", digits))))
    if re.fullmatch(r"\d{1,3}(,\d{3})+(\.\d+)?|\d*\.\d+", digits):
        found.append(("plain", float(digits.replace(",", ""))))
    if re.fullmatch(r"\d{1,3}(\.\d{3})+(,\d+)?|\d+,\d+", digits):
        found.append(("european", float(digits.replace(".", "").replace(",", "."))))
    order = ("plain", "european", "thousands")
    return sorted(found, key=lambda one: order.index(one[0]))


def _dates(text: str) -> list[Quantity]:
    for pattern in _DATES:
        match = pattern.fullmatch(text)
        if match:
            parts = match.groupdict()
            month = _month(parts.get("month")) if parts.get("month") else int(parts.get("number") or 1)
            if parts.get("quarter"):
                month = int(parts["quarter"]) * 3 - 2
            seconds = moment(int(parts["year"]), month, int(parts.get("day") or 1))
            return [] if seconds is None else [Quantity("date", seconds)]
    match = _SLASHED.fullmatch(text)
    if not match:
        return []
    year, first, second = int(match["year"]), int(match["first"]), int(match["second"])
    pairs = (("day-first", moment(year, second, first)), ("month-first", moment(year, first, second)))
    return [Quantity(way, seconds) for way, seconds in pairs if seconds is not None]


def _month(name: str | None) -> int | None:
    return _MONTHS.get(name.lower()) if name else None


def moment(year: int, month: int | None, day: int) -> float | None:
    """Seconds since 1970 (UTC) of a day, None where the calendar has no such day."""
    if month is None:
        return None
    try:
        return datetime.datetime(year, month, day, tzinfo=datetime.UTC).timestamp()
    except ValueError:
        return None


def dated_row(texts: Sequence[str], years: Sequence[int | None]) -> list[float | None] | None:
    """Labels of a time axis that name months and days, years only here and there, as seconds since 1970.

    `years`: what stands below each label, where it is a year. A label that is a year alone is its first of January.
    Without any year they count from `NO_YEAR` on. None where too few labels are parts of dates.
    """
    parts = [_bare(one) for one in texts]
    named = [index for index, one in enumerate(parts) if one and one[1] is not None]
    anchors = [
        (index, year)
        for index, one in enumerate(parts)
        if (year := years[index] if years[index] is not None else one[0] if one else None) is not None
    ]
    if len(named) < 2 or (not anchors and len(named) < 4):
        return None
    first, year = anchors[0] if anchors else (named[0], NO_YEAR)
    found: list[float | None] = [None] * len(parts)
    for order in (range(first, len(parts)), range(first - 1, -1, -1)):
        begin = parts[first]
        now, last = year, (begin[1] or 1) if begin else 1
        for index in order:
            one = parts[index]
            if one is None:
                continue
            month = one[1] or 1
            if one[0] is not None:
                now = one[0]
            elif order.step > 0 and month < last:
                now += 1
            elif order.step < 0 and month > last:
                now -= 1
            last = month
            found[index] = moment(now, month, one[2])
    return found


def _bare(text: str) -> tuple[int | None, int | None, int] | None:
    """Year, month and day of a label that may lack some of them."""
    clean = text.translate(_DASHES).strip()
    if re.fullmatch(r"(19|20)\d\d", clean):
        return int(clean), None, 1
    for pattern in _BARE:
        match = pattern.fullmatch(clean)
        if match and (month := _month(match["month"])):
            return None, month, int(match.groupdict().get("day") or 1)
    match = next((found for one in _DATES if (found := one.fullmatch(clean))), None)
    if match and match.groupdict().get("month") and (month := _month(match["month"])):
        return int(match["year"]), month, int(match.groupdict().get("day") or 1)
    return None
