"""What holds for the entities of every request, and for the names that the user has given."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pierian.agents import entity_amounts, entity_calendar, entity_clock, entity_english, entity_spans
from pierian.agents.entities import Entity, Known, find_entities
from pierian.agents.entity_calendar import easter
from pierian.agents.entity_grammar import Matcher
from pierian.agents.entity_marks import marks, quotations
from pierian.agents.entity_text import fold
from pierian.agents.entity_tokens import tokens

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=ZoneInfo("Europe/Berlin"))
ANNA = Known("person", ("Anna Lee", "Anna"), {"email": "anna@example.org"})


def found(text: str, known: Sequence[Known] = (), now: datetime = NOW) -> list[Entity]:
    return [one for one in find_entities(text, now=now, known=known) if one.text]


SOME = (
    "the a of in on at from to until between and next last this every half past two three hundred and fifty second "
    "May march Monday sun week weekend month year days hours ago tomorrow today noon Easter 5 5th 31 12:30 3pm 2027 "
    "9999 2026-12-07 3/4 99999999999 € $ % km euros kg , - – . ? ( ) \" ' “ ” « » \n \n\n ~/a a@b.org x.pdf "
    "www.x.org +49 0301234567 Anna 😀 ½ ² 1.2.3 1,5 1.000,00 -3 \u200b \u0301 \u202e ٣ ５ 0 fe80::1 v2 A4 minus"
)
WORDS = [word for word in SOME.split(" ") if word]
PHRASES = st.lists(st.sampled_from(WORDS), max_size=14).flatmap(
    lambda words: st.lists(st.sampled_from([" ", "", "  "]), min_size=len(words), max_size=len(words)).map(
        lambda gaps: "".join(word + gap for word, gap in zip(words, gaps, strict=True))
    )
)
CLOCKS = st.datetimes(
    min_value=datetime(1, 1, 2),  # noqa: DTZ001 - the strategy adds the zone
    max_value=datetime(9999, 12, 30),  # noqa: DTZ001
    timezones=st.sampled_from(
        [UTC, ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kathmandu"), timezone(-timedelta(hours=9))]
    ),
)


@settings(max_examples=600)
@given(text=st.one_of(PHRASES, st.text(max_size=60)), now=st.one_of(st.just(NOW), CLOCKS))
@example(
    text="from 31 December 9999 to 3pm, in 999999999999 years, the 5th",
    now=datetime(9999, 12, 30, tzinfo=UTC),
)
@example(text="yesterday at 1, last month, 99999 weeks ago", now=datetime(1, 1, 1, tzinfo=UTC))
@example(text="3pm yesterday UTC", now=datetime(1, 1, 2, tzinfo=timezone(timedelta(hours=14))))
def test_places_are_right_and_apart_names_are_unique_and_values_are_data(text: str, now: datetime) -> None:
    entities = find_entities(text, now=now, known=[ANNA])
    assert entities == find_entities(text, now=now, known=[ANNA])
    assert len({one.name for one in entities}) == len(entities)
    assert [one.name for one in entities].count("today") == 1
    end = 0
    for one in entities:
        assert one.text == text[one.start : one.end]
        if one.text:
            assert one.start >= end
            end = one.end
        assert msgspec.json.decode(msgspec.json.encode(one.value)) == one.value


@settings(max_examples=300)
@given(text=PHRASES)
def test_dates_are_dates_and_ranges_do_not_end_before_they_start(text: str) -> None:
    for one in find_entities(text, now=NOW):
        if one.kind == "date":
            assert date.fromisoformat(one.value).isoformat() == one.value
        elif one.kind == "range" and len(one.value["start"]) >= 10:
            assert datetime.fromisoformat(one.value["start"]) <= datetime.fromisoformat(one.value["end"])
        elif one.kind == "duration" and not set(one.value.split("T")[0]) & set("YM"):
            assert msgspec.convert(one.value, timedelta) > timedelta(0)


@given(now=CLOCKS)
def test_what_lies_ahead_lies_ahead(now: datetime) -> None:
    if not 10 < now.year < 9900:
        return
    for text in ("5 March", "Friday", "in three weeks", "Christmas", "on the 31st", "29 February"):
        assert found(text, now=now)[0].value >= now.date().isoformat(), text
    for text in ("last Friday", "two days ago", "yesterday", "last Christmas", "since Monday"):
        assert found(text, now=now)[0].value <= now.date().isoformat(), text


def test_today_is_always_offered() -> None:
    assert find_entities("Hello", now=NOW) == [Entity("today", "date", "", 0, 0, "2026-11-24")]
    said = find_entities("Is it raining today?", now=NOW)
    assert said == [Entity("today", "date", "today", 14, 19, "2026-11-24")]


def test_today_is_the_day_of_the_users_zone() -> None:
    late = datetime(2026, 11, 24, 23, 30, tzinfo=UTC)
    assert find_entities("", now=late)[0].value == "2026-11-24"
    assert find_entities("", now=late.astimezone(ZoneInfo("Europe/Berlin")))[0].value == "2026-11-25"


def test_a_clock_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        find_entities("tomorrow", now=datetime(2026, 11, 24))  # noqa: DTZ001


def test_names_count_by_kind_in_the_order_of_the_request() -> None:
    entities = found("tomorrow or on Friday, for $5 or $6, with a@b.org")
    assert [one.name for one in entities] == ["date1", "date2", "amount1", "amount2", "email1"]


def test_known_names_are_whole_words_in_any_case_and_the_longest_wins() -> None:
    assert [(one.name, one.text) for one in found("ANNA and anna lee's dog, not Annabel", [ANNA])] == [
        ("person1", "ANNA"),
        ("person2", "anna lee"),
    ]
    assert found("Ask Anna", [ANNA])[0].value == {"email": "anna@example.org"}
    assert not found("Lee, Anna-bel", [Known("person", ("Anna, Lee", "☕"), 1)])


def test_a_known_name_wins_over_a_month_but_not_over_a_date() -> None:
    april = Known("person", ("April", "May"), "april@example.org")
    assert [one.kind for one in found("Ask April in May on 5 April", [april])] == ["person", "person", "date"]


def test_accents_and_look_alikes_are_matched_and_keep_their_places() -> None:
    jose = Known("person", ("José",), 1)
    assert [one.text for one in found("mit Jose\u0301 und JOSÉ", [jose])] == ["Jose\u0301", "JOSÉ"]
    assert found("ｂｏｂ＠ｅｘａｍｐｌｅ．ｏｒｇ")[0].value == "bob@example.org"
    assert [(one.text, one.value) for one in found("😀 to\u200bmorrow 😀 ５ Ｍay")] == [
        ("to\u200bmorrow", "2026-11-25"),
        ("５ Ｍay", "2027-05-05"),
    ]
    assert found("موعد في 2026-12-07")[0].value == "2026-12-07"


def test_an_address_is_never_turned_into_another() -> None:
    cyrillic = "b\u043eb@example.org"
    assert found(cyrillic)[0].value == cyrillic


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        (
            "Reply with 'Thanks. I will look tomorrow. Can you send it for me?",
            "Thanks. I will look tomorrow.",
        ),
        ('Write a note saying "Back at five', "Back at five"),
        ("Play '90s music with 2 friends", None),
        ("The kids' party, with o'clock", None),
    ],
)
def test_a_quotation_whose_end_was_forgotten_goes_on_to_the_next_request(
    text: str, quoted: str | None
) -> None:
    found = [one.value for one in find_entities(text, now=NOW) if one.kind == "quote"]
    assert found == ([quoted] if quoted else [])


def test_a_quotation_keeps_its_characters() -> None:
    assert found("say “ﬁne\u200b, \u2460 ½”")[0].value == "ﬁne\u200b, \u2460 ½"


def test_a_path_keeps_its_characters() -> None:
    assert found("open ~/ﬁne\\ notes.txt")[0].value == "~/ﬁne notes.txt"


def test_clock_times_in_the_night_of_the_leap_have_the_right_offset() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    before = datetime(2027, 3, 27, 23, 0, tzinfo=berlin)
    assert found("in 4 hours", now=before)[0].value == "2027-03-28T04:00:00+02:00"
    assert found("tomorrow at 12:00", now=before)[0].value == "2027-03-28T12:00:00+02:00"
    assert found("today at 23:30", now=before)[0].value == "2027-03-27T23:30:00+01:00"


@pytest.mark.parametrize(
    ("year", "expected"),
    [(1961, "1961-04-02"), (2000, "2000-04-23"), (2024, "2024-03-31"), (2038, "2038-04-25")],
)
def test_easter(year: int, expected: str) -> None:
    assert easter(year).isoformat() == expected


def test_every_meaning_is_used() -> None:
    tables = (entity_english._DATES, entity_english._TIMES, entity_english._AMOUNTS)
    used = {meaning for table in tables for lines in table.values() for _, meaning in lines}
    for module in (entity_calendar, entity_spans, entity_clock, entity_amounts):
        assert set(module.MEANINGS) <= used, module.__name__


NASTY = [
    "1 ",
    "1,11,",
    "from Monday to ",
    "5 March - ",
    "between 3 and 4 ",
    "in 3 days and ",
    "two hundred and ",
    "twenty-",
    "9:00 to ",
    "\n ",
]


@pytest.mark.parametrize("unit", NASTY)
def test_the_work_grows_with_the_length_and_not_faster(unit: str) -> None:
    language = entity_english.english()

    def work(length: int) -> int:
        words = tokens((unit * length)[:length], language)
        matcher = Matcher(language.grammar, words, NOW)
        for at in range(len(words)):
            for name in language.grammar.rules:
                matcher.longest(name, at)
        return matcher.tried

    assert work(4000) <= 2.2 * work(2000) + 100


@pytest.mark.parametrize(
    "unit",
    [
        '"a ',
        "' ",
        "a@",
        "://",
        "/a/",
        "(",
        "::",
        "x.y",
        "1.",
        "a.b@c.",
        "“",
        "01234 ",
        "~/\\ ",
        "www.",
        "a",
        " ",
    ],
)
def test_a_hundred_thousand_characters_are_read(unit: str) -> None:
    text = (unit * 100_000)[:100_000]
    plain = fold(text).plain
    assert len(list(marks(plain))) + len(list(quotations(plain))) < 100_000
    assert fold("é\u0301" * 50_000).plain


def test_long_prose_is_read_to_its_end() -> None:
    text = "Lorem ipsum dolor sit amet, consectetur. " * 2500 + "See you tomorrow."
    assert [one.text for one in found(text)] == ["tomorrow"]
