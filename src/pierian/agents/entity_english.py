"""English, as a table: what its words can be taken for, and the phrases of its dates, times, amounts and numbers.

The words themselves are in `entity_english_words`. The syntax of the phrases is explained in `entity_grammar`, the
meanings they name live in `entity_calendar`, `entity_clock` and `entity_amounts`. Another language is another pair of
modules like these. A lower-case `may` or `march` counts as a month, and `sun`, `sat`, `wed` or `mon` as a day, only
beside something that belongs to a date.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from pierian.agents import entity_amounts, entity_calendar, entity_clock, entity_spans
from pierian.agents.entity_calendar import Length
from pierian.agents.entity_english_words import (
    AHEAD,
    CONNECTORS,
    DOUBTFUL_MONTHS,
    DOUBTFUL_WEEKDAYS,
    MONEY_AFTER,
    MONTHS,
    PARTS,
    PAST,
    RECEIVED,
    SCALES,
    SHORT_WEEKDAYS,
    UNITS,
    WEEKDAYS,
)
from pierian.agents.entity_grammar import grammar
from pierian.agents.entity_tokens import Language
from pierian.agents.entity_units import MEASURES, MONEY_CODES, MONEY_SIGNS, ZONES
from pierian.number_words import ORDINALS, SMALL, TENS

_GROUPS = {
    "to": "to|-|until|till|through|thru",
    "near": "on|by|until|till|before|after|from|since|for|to|of|and|between|due",
    "month_near": "in|of|by|until|till|since|during|from|through|before|after|for|throughout",
    "counting": "number|numbers|integer|integers|count|scale|rating|score|rate|range|value|values|digit|digits",
    "per": "#|times|once|twice|thrice|per|%|euro|euros|dollar|dollars|pounds|bucks|€|$|£|hours|hour|minutes|days|"
    "nights|km|miles|pages|what|such|quite",
}

_DATES = {
    "holiday": [
        ("christmas|xmas eve", "=christmas_eve"),
        ("christmas|xmas day?", "=christmas"),
        ("boxing day", "=boxing_day"),
        ("new year|year's|years eve", "=new_years_eve"),
        ("new year|year's|years day", "=new_year"),
        ("good friday", "=good_friday"),
        ("easter sunday?", "=easter"),
        ("easter monday", "=easter_monday"),
        ("ascension day", "=ascension"),
        ("pentecost|whitsun", "=pentecost"),
        ("valentine's|valentines day", "=valentine"),
        ("thanksgiving day?", "=thanksgiving"),
        ("halloween", "=halloween"),
    ],
    "any_month": [("{month}", "same"), ("{loose_month}", "same")],
    "week": [
        ("this week", "this_week"),
        ("next week", "next_week"),
        ("last week", "last_week"),
    ],
    "period": [
        ("<since> {plain_month}", "last_month_named"),
        ("{plain_month} ,? {year}", "month_of"),
        ("{plain_month}", "month_of"),
        ("{any_month} of? {year}", "month_of"),
        ("<@month_near> {month}", "month_of"),
        ("<in|during|until|by> {loose_month}", "month_of"),
        ("next {any_month}", "next_month_named"),
        ("last {any_month}", "last_month_named"),
        ("this {month}", "this_month_named"),
        ("this {span_unit}", "this"),
        ("the|at weekend", "weekend"),
        ("the? next|coming|following {span_unit}", "following"),
        ("the? last|previous {span_unit}", "previous"),
        ("the? {span_unit} after next", "after_next"),
        ("q ~{glued} ,? of? {year}?", "quarter"),
        ("<in|during|since|until|by|throughout|of> {year}", "year_of"),
    ],
    "whole": [("{period}", "same"), ("the {span_unit}", "this")],
    "day": [
        ("{written_date}", "exact"),
        ("<@near> {day_and_month}", "numeric_day_month"),
        ("{weekday} ,? the? {day_number} of? {month} ,? {year}?", "weekday_day_month"),
        ("{weekday} ,? {month} the? {day_number} ,? {year}?", "weekday_month_day"),
        ("the? {day_number} of? {month} ,? {year}?", "day_month"),
        ("{month} the? {day_number} ,? {year}?", "month_day"),
        ("the {day_number} of {loose_month}", "day_month"),
        ("the? {day_number} of? {loose_month} ,? {year}", "day_month"),
        ("{loose_month} the? {day_number} ,? {year}", "month_day"),
        ("{weekday} ,? the? {day_number} of? {loose_month}", "weekday_day_month"),
        ("the? {day_number} of? {loose_month} $", "day_month"),
        ("{loose_month} the? {day_number} $", "month_day"),
        ("{weekday} ,? the {ordinal_day}", "weekday_day"),
        ("{weekday} of? {week}", "weekday_in"),
        ("{week} ,? on? {weekday}", "in_weekday"),
        ("next {weekday}", "next_weekday"),
        ("this {weekday}", "this_weekday"),
        ("this? coming {weekday}", "coming"),
        ("the? {weekday} after next", "weekday_after_next"),
        ("last|past {weekday}", "last_weekday"),
        ("<!every|each> {plain_weekday}", "coming"),
        ("<@near> {short_weekday}", "coming"),
        ("{day_word}", "offset"),
        ("the? day after tomorrow", "after_tomorrow"),
        ("the? day before yesterday", "before_yesterday"),
        ("the? {nth} {weekday} of|in {whole}", "nth_weekday"),
        ("the? end of {whole}", "end_of"),
        ("the? start|beginning of {whole}", "start_of"),
        ("the? last day of|in {whole}", "end_of"),
        ("the? first day of|in {whole}", "start_of"),
        ("the {nth} of {whole}", "day_in"),
        ("<@near> the {ordinal_day} $", "day_of_month"),
        ("{holiday} ,? {year}?", "holiday"),
        ("this|next {holiday}", "holiday"),
        ("last {holiday}", "last_holiday"),
    ],
    "date": [
        ("<since> {day}", "past"),
        ("{day}", "same"),
        ("in {length}", "ahead"),
        ("{length} from now|today", "ahead"),
        ("{length} ago", "back"),
        ("{length} from|after {day}", "after"),
        ("{length} on {plain_weekday}", "after_weekday"),
        ("{length} before {day}", "before"),
        ("the? day after {day}", "day_after"),
        ("the? day before {day}", "day_before"),
    ],
    "edge": [("{date}", "same"), ("{period}", "same")],
    "span": [
        ("{period}", "same"),
        ("the? {nth} week of|in {whole}", "nth_week"),
        ("the? {nth} weekend of|in {whole}", "nth_weekend"),
        ("the? first {length} of|in {whole}", "first_part"),
        ("the? last {length} of|in {whole}", "last_part"),
        ("the? next|coming|following {length}", "next_days"),
        ("the? last|past|previous {length}", "last_days"),
        ("the? past {unit}", "last_days"),
        ("within {length}", "next_days"),
        ("early -? in? {whole}", "early"),
        ("early -? in? {month}", "early_month"),
        ("mid -? {whole}", "middle"),
        ("mid -? {any_month}", "middle_month"),
        ("the? middle of {whole}", "middle"),
        ("late -? in? {whole}", "late"),
        ("late -? in? {month}", "late_month"),
        ("the? rest of {whole}", "rest_of"),
        ("the? week of|starting|beginning {day}", "week_of"),
        ("the? weekend of {day}", "weekend_of"),
        ("from? the? {day_number} @to the? {day_number} of? {any_month} ,? {year}?", "days_month"),
        ("between the? {day_number} and the? {day_number} of? {any_month} ,? {year}?", "days_month"),
        ("from? {month} the? {day_number} @to the? {day_number} ,? {year}?", "month_days"),
        ("between {month} the? {day_number} and the? {day_number} ,? {year}?", "month_days"),
        ("from the {ordinal_day} @to the {ordinal_day} $", "days_of_month"),
        ("between the {ordinal_day} and the {ordinal_day} $", "days_of_month"),
        ("from {any_month} @to {any_month} {year}?", "months"),
        ("between {any_month} and {any_month} {year}?", "months"),
        ("{plain_month} @to {any_month} {year}?", "months"),
        ("from {edge} @to {edge}", "join"),
        ("{edge} @to {edge}", "join"),
        ("between {edge} and {edge}", "join"),
    ],
}

_TIMES = {
    "said_time": [
        ("{clock}", "same"),
        ("{hour} o'clock", "clock"),
        ("half past {hour}", "half_past"),
        ("<at|@> half {hour}", "half_past"),
        ("a? quarter past {hour}", "quarter_past"),
        ("a? quarter to {hour}", "quarter_to"),
        ("{hour} past {hour}", "minutes_past"),
        ("<at|@> {hour} to {hour} $", "minutes_to"),
        ("noon|midday", "noon"),
        ("midnight", "midnight"),
    ],
    "time": [
        ("{said_time}", "same"),
        ("{said_time} {zone}", "zoned"),
        ("{said_time} in the {part}", "of_part"),
        ("{hour} in the {part}", "hour_of_part"),
        ("{hour} at {part}", "hour_of_part"),
    ],
    "lone_time": [("{time}", "same"), ("<at|@> {hour} $", "clock")],
    "hours": [
        ("from? {time} @to {time}", "hours"),
        ("between {time} and {time}", "hours"),
        ("from? {hour} @to {time}", "hours_from_bare"),
        ("between {hour} and {time}", "hours_from_bare"),
        ("from? {time} @to {hour} $", "hours_to_bare"),
        ("<!@counting> between {hour} and {hour} $", "bare_hours"),
        ("<!@counting> from {hour} @to {hour} $", "bare_hours"),
    ],
    "part_of_day": [
        ("{date} ,? {part}", "part_of"),
        ("{date} in the {part}", "part_of"),
        ("this {part}", "this_part"),
        ("tonight", "tonight"),
        ("last night", "last_night"),
        ("the {part} of {date}", "part_on"),
    ],
    "instant": [
        ("{iso_moment}", "written"),
        ("{date} ,? at|@? {time}", "at"),
        ("{date} ,? at|@ {hour} $", "at_hour"),
        ("{time} ,? on? {date}", "on"),
        ("<at|@> {hour} ,? on? {date}", "hour_on"),
        ("{part_of_day} ,? at|@? {time}", "part_at"),
        ("{part_of_day} ,? at|@ {hour} $", "part_at_hour"),
        ("{time} ,? {part_of_day}", "at_part"),
        ("<at|@> {hour} ,? {part_of_day}", "hour_at_part"),
        ("in {length}", "in_length"),
        ("{length} from now", "in_length"),
        ("{length} ago", "length_ago"),
    ],
    "stretch": [
        ("{part_of_day}", "during"),
        ("{date} ,? {hours}", "day_hours"),
        ("{hours} ,? on? {date}", "hours_day"),
        ("{date} ,? {hour} - {hour} $", "day_bare_hours"),
        ("{part_of_day} ,? {hours}", "part_hours"),
        ("{date} ,? before|until|till {time}", "day_until"),
        ("{date} ,? before|until|till {hour} $", "day_until_hour"),
        ("before|until|till {time} ,? on? {date}", "until_on_day"),
        ("before|until|till {hour} ,? on {date}", "until_hour_on_day"),
        ("{date} ,? after|from {time}", "day_from"),
        ("{date} ,? after|from {hour} $", "day_from_hour"),
        ("after|from {time} ,? on? {date}", "from_on_day"),
        ("after|from {hour} ,? on {date}", "from_hour_on_day"),
        ("from? {instant} @to {instant}", "between"),
        ("between {instant} and {instant}", "between"),
        ("from? {instant} @to {time}", "until_clock"),
        ("between {instant} and {time}", "until_clock"),
    ],
}

_AMOUNTS = {
    "simple_length": [
        ("{many} -? {unit}", "count_of"),
        ("{many} {late_unit} $", "count_of"),
        ("{many} ~{short_unit}", "count_of"),
        ("<!@per> a|an {unit}", "one_unit"),
        ("<!@per> a {late_unit} $", "one_unit"),
        ("a|an {unit} and a half", "unit_and_half"),
        ("half a|an {unit}", "half_unit"),
        ("half - {unit}", "half_unit"),
        ("a couple of? {unit}", "two_units"),
        ("a? quarter of an hour", "quarter_hour"),
        ("{count} -? quarters of an hour", "quarter_hours"),
        ("{count} ~h ~{glued} ~m|min?", "hours_minutes"),
    ],
    "length": [
        ("{simple_length}", "same"),
        ("{simple_length} and|,? {simple_length}", "longer_and_shorter"),
    ],
    "many": [
        ("{count}", "same"),
        ("{count} {scale}", "times"),
        ("{count} and a half", "and_half"),
        ("{count} {vulgar}", "add"),
        ("{count} {fraction}", "add"),
        ("a|one {scale}", "one"),
        ("a {scale} and? {count}", "one_and"),
        ("half a {scale}", "half"),
        ("{vulgar}", "same"),
        ("{fraction}", "same"),
    ],
    "sum": [
        ("{figure}", "same"),
        ("{figure} {scale}", "times"),
        ("{figure} ~{short_scale}", "times"),
        ("{count} {vulgar}", "add"),
        ("a|one {scale}", "one"),
        ("a {scale} and? {count}", "one_and"),
        ("half a {scale}", "half"),
    ],
    "amount": [
        ("{currency} {sum}", "price"),
        ("{sum} {currency}", "amount_of"),
        ("{sum} {currency_after}", "amount_of"),
        ("{figure} {small_currency}", "small_money"),
        ("minus {many} {measure}", "minus_measure"),
        ("{many} -? {measure}", "measure"),
        ("{many} per cent", "per_cent"),
    ],
    "number": [
        ("{plain}", "same"),
        ("minus {plain}", "minus"),
        ("{plain} {scale}", "times"),
        ("{count} ~{short_scale}", "times"),
        ("{count} and a half", "and_half"),
        ("{plain} {vulgar}", "add"),
        ("{plain} {fraction}", "add"),
        ("{fraction}", "same"),
        ("{vulgar}", "same"),
        ("a|one {scale}", "one"),
        ("a {scale} and? {count}", "one_and"),
        ("half a {scale}", "half"),
    ],
    "nothing": [
        ("{code}", "ignored"),
        ("version|release|v {count}", "ignored"),
        ("{count} ~- ~{count}", "score"),
    ],
}


Words = dict[str, dict[str, Any]]


def _add(words: Words, said: str, **readings: Any) -> None:
    for word in said.split():
        words.setdefault(word, {}).update(readings)


def _calendar_words() -> Words:
    words: Words = {}
    for number, month in enumerate(MONTHS, start=1):
        if month not in DOUBTFUL_MONTHS:
            _add(words, f"{month} {month[:3]}", month=number)
            _add(words, month, plain_month=number)
    _add(words, "sept", month=9)
    for month, number in DOUBTFUL_MONTHS.items():
        _add(words, month, loose_month=number)
    for number, weekday in enumerate(WEEKDAYS):
        _add(words, weekday, weekday=number, plain_weekday=number)
    for weekday, number in SHORT_WEEKDAYS.items():
        _add(words, weekday, weekday=number, short_weekday=number)
    for weekday, number in DOUBTFUL_WEEKDAYS.items():
        _add(words, weekday, weekday=number)
    for unit in ("week", "month", "quarter", "year", "weekend"):
        _add(words, unit, span_unit=unit)
    for part, minutes in PARTS.items():
        _add(words, part, part=minutes)
    for day, distance in {"yesterday": -1, "today": 0, "tomorrow": 1}.items():
        _add(words, day, day_word=distance)
    _add(words, "last", nth=-1)
    return words


def _readings() -> Words:
    """What each word of the table can be taken for."""
    words = _calendar_words()
    for said, length in UNITS.items():
        _add(words, said, unit=length)
    for letter, unit in {"h": "hour", "m": "minute", "s": "secs", "d": "day"}.items():
        _add(words, letter, short_unit=words[unit]["unit"])
    _add(words, "second", late_unit=Length(seconds=1))
    for word, scale in {**SCALES, "dozen": 12}.items():
        _add(words, word, scale=scale)
    for word, scale in {"k": 1000, "m": 10**6, "mn": 10**6, "bn": 10**9, "b": 10**9}.items():
        _add(words, word, short_scale=scale)
    for said, currency in MONEY_AFTER.items():
        _add(words, said, currency_after=currency)
    _add(words, "pence", small_currency="GBP")
    _add(words, "percent", measure="%")
    for said, unit in MEASURES.items():
        _add(
            words, " ".join(word for word in said.split() if word.isalpha() and word.islower()), measure=unit
        )
    return words


def _exact() -> Words:
    """Codes and signs, whose case and spelling are their own."""
    exact: Words = {zone: {"zone": minutes} for zone, minutes in ZONES.items()}
    for sign, currency in {**MONEY_SIGNS, **{code: code for code in MONEY_CODES}}.items():
        exact[sign] = {"currency": currency}
    for said, unit in MEASURES.items():
        for word in said.split():
            if not (word.isalpha() and word.islower()):
                exact[word] = {"measure": unit}
    return exact


_ENGLISH_MEANINGS = {
    **entity_calendar.MEANINGS,
    **entity_spans.MEANINGS,
    **entity_clock.MEANINGS,
    **entity_amounts.MEANINGS,
}


@cache
def english() -> Language:
    """The table, put together when it is first needed."""
    capitals: Words = {}
    for month, number in DOUBTFUL_MONTHS.items():
        capitals[month] = {"month": number}
    for weekday, number in DOUBTFUL_WEEKDAYS.items():
        capitals[weekday] = {"short_weekday": number}
    return Language(
        words=_readings(),
        capitals=capitals,
        exact=_exact(),
        numbers={word: number for number, word in enumerate(SMALL)}
        | {word: number * 10 for number, word in enumerate(TENS, start=2)},
        ordinals={word: number for number, word in enumerate(ORDINALS, start=1)} | {"thirtieth": 30},
        scales=SCALES,
        number_joiner="and",
        ordinal_suffix="st|nd|rd|th",
        forenoon=r"am|a\.m\.?",
        afternoon=r"pm|p\.m\.?",
        abbreviations=frozenset(
            [
                *(month[:3] for month in MONTHS),
                "sept",
                *(day[:3] for day in WEEKDAYS),
            ]
        ),
        possessive="'s",
        connectors=CONNECTORS,
        joins=frozenset({"-", "–", "—", "to", "or"}),
        past=PAST,
        ahead=AHEAD,
        received=RECEIVED,
        grammar=grammar({**_DATES, **_TIMES, **_AMOUNTS}, _ENGLISH_MEANINGS, _GROUPS),
    )
