"""Calendar objects become the occurrences that a person would expect, or are refused with a reason, in bounded time."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import icalendar
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.accounts.calendar_world import vcalendar

from pierian.accounts.calendars import parsing_process
from pierian.accounts.calendars.ics_file import take_apart
from pierian.accounts.calendars.parsing import (
    MOST_OCCURRENCES,
    YEAR,
    Circumstances,
    Occurrence,
    Parsed,
    parse,
)
from pierian.accounts.calendars.parsing_process import ParsingProcess

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 28, 12, tzinfo=BERLIN)
ABOUT = Circumstances(zone="Europe/Berlin", now=int(NOW.timestamp()), mine=("ann@example.org",))
ODD_ZONE = """BEGIN:VTIMEZONE
TZID:Half and half
BEGIN:STANDARD
DTSTART:20200101T000000
TZOFFSETFROM:+0545
TZOFFSETTO:+0545
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:20200301T000000
RRULE:FREQ=YEARLY;BYMONTH=3;BYMONTHDAY=1
TZOFFSETFROM:+0545
TZOFFSETTO:+0615
END:DAYLIGHT
BEGIN:STANDARD
DTSTART:20200901T000000
RRULE:FREQ=YEARLY;BYMONTH=9;BYMONTHDAY=1
TZOFFSETFROM:+0615
TZOFFSETTO:+0545
END:STANDARD
END:VTIMEZONE"""


def event(*lines: str, more: str = "") -> str:
    inside = ("BEGIN:VEVENT", "UID:one@example.org", "DTSTAMP:20260101T000000Z", *lines, "END:VEVENT")
    return vcalendar("\r\n".join(inside), *([more] if more else []))


def parsed(*lines: str, more: str = "") -> Parsed:
    found = parse(event(*lines, more=more), ABOUT)
    assert not found.problem, found.problem
    return found


def only(*lines: str) -> Occurrence:
    [one] = parsed(*lines).occurrences
    return one


def at(text: str, zone: str = "Europe/Berlin") -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp())


def starts(found: Parsed) -> list[str]:
    return [f"{datetime.fromtimestamp(one.begins, BERLIN):%Y-%m-%d %H:%M}" for one in found.occurrences]


@pytest.mark.parametrize(
    ("lines", "begins", "ends", "whole"),
    [
        (("DTSTART:20261201T090000Z",), at("2026-12-01T10:00"), at("2026-12-01T10:00"), False),
        (
            ("DTSTART:20261201T090000", "DURATION:PT90M"),
            at("2026-12-01T09:00"),
            at("2026-12-01T10:30"),
            False,
        ),
        (("DTSTART;VALUE=DATE:20261224",), at("2026-12-24"), at("2026-12-25"), True),
        (
            ("DTSTART;VALUE=DATE:20261224", "DTEND;VALUE=DATE:20261224"),
            at("2026-12-24"),
            at("2026-12-25"),
            True,
        ),
        (("DTSTART;VALUE=DATE:20261224", "DURATION:P3D"), at("2026-12-24"), at("2026-12-27"), True),
        # The night of the change has 25 hours, and a day is a day.
        (
            ("DTSTART;TZID=Europe/Berlin:20261024T120000", "DURATION:P1D"),
            at("2026-10-24T12:00"),
            at("2026-10-25T12:00"),
            False,
        ),
        (
            ("DTSTART;TZID=Europe/Berlin:20261024T120000", "DURATION:PT23H"),
            at("2026-10-24T12:00"),
            at("2026-10-25T10:00"),
            False,
        ),
        # 02:30 does not exist on that day: it is taken with the offset before the gap (RFC 5545, 3.3.5).
        (
            ("DTSTART;TZID=Europe/Berlin:20260329T023000", "DURATION:PT1H"),
            at("2026-03-29T03:30"),
            at("2026-03-29T04:30"),
            False,
        ),
        # 02:30 exists twice on that day: the first is meant.
        (
            ("DTSTART;TZID=Europe/Berlin:20261025T023000", "DURATION:PT1H"),
            1792888200,
            1792888200 + 3600,
            False,
        ),
        # Windows' name, and a name that nobody knows: as floating.
        (
            ("DTSTART;TZID=W. Europe Standard Time:20261201T090000",),
            at("2026-12-01T09:00"),
            at("2026-12-01T09:00"),
            False,
        ),
        (
            ("DTSTART;TZID=Nowhere/Land:20261201T090000",),
            at("2026-12-01T09:00"),
            at("2026-12-01T09:00"),
            False,
        ),
        # An end before the beginning is none.
        (
            ("DTSTART:20261201T090000Z", "DTEND:20261201T080000Z"),
            at("2026-12-01T10:00"),
            at("2026-12-01T10:00"),
            False,
        ),
    ],
)
def test_when_an_event_takes_place(lines: tuple[str, ...], begins: int, ends: int, whole: bool) -> None:
    one = only(*lines)
    assert (one.begins, one.ends, one.whole_days) == (begins, ends, whole)


def test_a_zone_of_its_own_is_followed_whatever_it_is_called() -> None:
    found = parse(
        vcalendar(
            ODD_ZONE.replace("\n", "\r\n"),
            "BEGIN:VEVENT\r\nUID:odd\r\nDTSTART;TZID=Half and half:20260801T120000\r\n"
            "RRULE:FREQ=MONTHLY;INTERVAL=2;COUNT=2\r\nEND:VEVENT",
        ),
        ABOUT,
    )
    assert not found.problem
    begins = [datetime.fromtimestamp(one.begins, UTC).strftime("%m-%d %H:%M") for one in found.occurrences]
    assert begins == ["08-01 05:45", "10-01 06:15"]


def test_series_with_exceptions_moved_and_cancelled_occurrences() -> None:
    moved = (
        "BEGIN:VEVENT\r\nUID:one@example.org\r\nRECURRENCE-ID;TZID=Europe/Berlin:20261208T090000\r\n"
        "DTSTART;TZID=Europe/Berlin:20261209T140000\r\nSUMMARY:Moved\r\nEND:VEVENT\r\n"
        "BEGIN:VEVENT\r\nUID:one@example.org\r\nRECURRENCE-ID;TZID=Europe/Berlin:20261215T090000\r\n"
        "DTSTART;TZID=Europe/Berlin:20261215T090000\r\nSTATUS:CANCELLED\r\nSUMMARY:Off\r\nEND:VEVENT"
    )
    found = parsed(
        "DTSTART;TZID=Europe/Berlin:20261201T090000",
        "RRULE:FREQ=WEEKLY;COUNT=5",
        "EXDATE;TZID=Europe/Berlin:20261222T090000",
        "RDATE;TZID=Europe/Berlin:20261231T180000",
        "SUMMARY:Weekly",
        more=moved,
    )
    assert starts(found) == [
        "2026-12-01 09:00", "2026-12-09 14:00", "2026-12-15 09:00", "2026-12-29 09:00", "2026-12-31 18:00",
    ]  # fmt: skip
    assert [one.summary for one in found.occurrences] == ["Weekly", "Moved", "Off", "Weekly", "Weekly"]
    assert [one.busy for one in found.occurrences] == [True, True, False, True, True]
    assert found.occurrences[1].recurrence == "20261208T080000Z"


def test_a_series_keeps_its_time_of_day_over_the_change_of_clocks() -> None:
    found = parsed("DTSTART;TZID=Europe/Berlin:20261019T090000", "RRULE:FREQ=WEEKLY;COUNT=3")
    assert starts(found) == ["2026-10-19 09:00", "2026-10-26 09:00", "2026-11-02 09:00"]
    assert found.occurrences[1].begins - found.occurrences[0].begins == 7 * 86_400 + 3600


@pytest.mark.parametrize("end", ["DURATION:PT30M", "DTEND;TZID=Europe/Berlin:20270327T030000"])
def test_a_beginning_that_no_clock_shows_keeps_its_length(end: str) -> None:
    found = parsed("DTSTART;TZID=Europe/Berlin:20270327T023000", end, "RRULE:FREQ=DAILY;COUNT=3")
    assert [one.ends - one.begins for one in found.occurrences] == [1800, 1800, 1800]


def test_an_endless_series_is_worked_out_for_three_years_and_goes_on() -> None:
    found = parsed("DTSTART;TZID=Europe/Berlin:19990101T070000", "RRULE:FREQ=DAILY")
    assert 3 * 365 - 2 <= len(found.occurrences) <= 3 * 365 + 2
    assert found.repeats_until == ABOUT.now + 2 * YEAR
    assert parsed("DTSTART:20261201T090000Z", "RRULE:FREQ=DAILY;UNTIL=20261210T090000Z").repeats_until is None


def test_what_does_not_make_busy() -> None:
    assert only("DTSTART:20261201T090000Z").busy
    assert not only("DTSTART:20261201T090000Z", "TRANSP:TRANSPARENT").busy
    assert not only("DTSTART:20261201T090000Z", "STATUS:CANCELLED").busy
    assert not only("DTSTART:20261201T090000Z", "ATTENDEE;PARTSTAT=DECLINED:mailto:Ann@Example.org").busy
    assert only("DTSTART:20261201T090000Z", "ATTENDEE;PARTSTAT=DECLINED:mailto:bob@example.org").busy


def test_people_and_words_are_kept_to_be_found() -> None:
    one = only(
        "DTSTART:20261201T090000Z",
        "SUMMARY:Grüße\\, STRASSE",
        "ORGANIZER;CN=Ann Lee:MAILTO:Ann@Example.org",
        "ATTENDEE;CN=Bob:mailto:bob@example.org",
        "DESCRIPTION:About the\\nbudget",
    )
    assert one.organizer == "ann@example.org" and one.attendees == "bob@example.org"
    assert all(word in one.folded for word in ("grüsse", "strasse", "ann lee", "bob", "about the budget"))


BOMBS = {
    "every second": event("DTSTART:20200101T000000Z", "RRULE:FREQ=SECONDLY"),
    "every minute": event("DTSTART:20200101T000000Z", "RRULE:FREQ=MINUTELY"),
    "by all hours, minutes and seconds": event(
        "DTSTART:20261001T000000Z",
        f"RRULE:FREQ=DAILY;BYHOUR={','.join(map(str, range(24)))};BYMINUTE={','.join(map(str, range(60)))}"
        f";BYSECOND={','.join(map(str, range(60)))}",
    ),
    "a day that never comes": event("DTSTART:20200101T000000Z", "RRULE:FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30"),
    "no step": event("DTSTART:20200101T000000Z", "RRULE:FREQ=DAILY;INTERVAL=0"),
    "many dates": event(
        "DTSTART:20261001T000000Z", *[f"RDATE:{','.join(['20261002T000000Z'] * 900)}"] * 90
    ),
    "a deep nest": "BEGIN:VCALENDAR\r\n" + "BEGIN:VEVENT\r\n" * 40_000 + "END:VEVENT\r\n" * 40_000,
    "a huge text": event("DTSTART:20261001T000000Z", f"DESCRIPTION:{'x' * 3_000_000}"),
}  # fmt: skip


ZONE_BOMB = vcalendar(
    "BEGIN:VTIMEZONE\r\nTZID:Bomb\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nRRULE:FREQ=SECONDLY\r\n"
    "TZOFFSETFROM:+0100\r\nTZOFFSETTO:+0100\r\nEND:STANDARD\r\nEND:VTIMEZONE",
    "BEGIN:VEVENT\r\nUID:z\r\nDTSTART;TZID=Bomb:20261201T090000\r\nEND:VEVENT",
)


@pytest.fixture(scope="module")
def process() -> ParsingProcess:
    return ParsingProcess()


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_is_refused_and_what_comes_after_it_is_read(
    bomb: str, process: ParsingProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parsing_process, "COMPUTE_SECONDS", 1.0)
    before = time.process_time()
    good = event("DTSTART:20261201T090000Z")
    first, refused, last = process.parse([good, BOMBS[bomb], good], ABOUT)
    assert refused.problem and not refused.occurrences
    assert first == last and len(last.occurrences) == 1
    assert time.process_time() - before < 1, "the work is done elsewhere"


def test_a_calendar_full_of_bombs_makes_the_process_impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parsing_process, "COMPUTE_SECONDS", 0.3)
    monkeypatch.setattr(parsing_process, "IMPATIENT_SECONDS", 0.05)
    bombs = [BOMBS["a day that never comes"]] * 12
    with ParsingProcess() as process:
        assert all(one.problem for one in process.parse(bombs, ABOUT))
        assert process.parse([event("DTSTART:20261201T090000Z")], ABOUT)[0].occurrences


def test_more_than_a_row_of_occurrences_is_refused() -> None:
    found = parse(event("DTSTART:20251201T000000Z", "RRULE:FREQ=HOURLY"), ABOUT)
    assert f"{MOST_OCCURRENCES:,}" in found.problem


@pytest.mark.parametrize(
    "text",
    ["", "not a calendar", "BEGIN:VCALENDAR\r\nEND:VEVENT\r\n", event("DTSTART:yesterday"), event("SUMMARY:x"),
     event("DTSTART:00010101T000000Z"), event("DTSTART:99991231T235959Z", "DURATION:P99999D"),
     event("DTSTART:20261201T090000Z", "RRULE:FREQ=SOMETIMES"), event("DTSTART:20261201T090000Z", "RRULE:nonsense"),
     event("DTSTART:20261201T090000Z", "RRULE:FREQ=DAILY;COUNT=-3"), "\x00\x01", "BEGIN:VCALENDAR",
     vcalendar("BEGIN:VTODO\r\nUID:t\r\nEND:VTODO"), ZONE_BOMB],
)  # fmt: skip
def test_odd_objects_are_read_or_refused_and_never_raise(text: str) -> None:
    found = parse(text, ABOUT)
    assert found.problem or len(found.occurrences) <= MOST_OCCURRENCES


BROKEN_ZONE = (
    "BEGIN:VTIMEZONE\r\nTZID:Europe/Berlin\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:+5328\r\n"
    "TZOFFSETTO:+0100\r\nEND:STANDARD\r\nEND:VTIMEZONE"
)
BROKEN_ALARM = "BEGIN:VALARM\r\nACTION:DISPLAY\r\nTRIGGER:PT-2H\r\nEND:VALARM"
GOOD = ("UID:one", "DTSTART;TZID=Europe/Berlin:20261201T090000", "DURATION:PT1H", "SUMMARY:Train")


@pytest.mark.parametrize(
    "text",
    [event(*GOOD, BROKEN_ALARM), vcalendar(BROKEN_ZONE, "\r\n".join(("BEGIN:VEVENT", *GOOD, "END:VEVENT"))),
     "\ufeff" + event(*GOOD), event(*GOOD).replace("PRODID", "a line without a value\r\nPRODID"),
     event(*GOOD, "RRULE:")],
    ids=["alarm", "known zone", "byte order mark", "line of the calendar", "empty rule"],
)  # fmt: skip
def test_what_an_event_can_do_without_does_not_keep_it_from_being_read(text: str) -> None:
    found = parse(text, ABOUT)
    assert not found.problem
    [one] = found.occurrences
    assert (one.summary, one.begins, one.ends - one.begins) == ("Train", at("2026-12-01T09:00"), 3600)


@pytest.mark.parametrize(
    ("text", "why"),
    [("BEGIN:VCARD\r\nN:Bob\r\nEND:VCARD\r\n", "no calendar"),
     (event(*GOOD).removesuffix("END:VCALENDAR\r\n"), "cut off"),
     (event(*GOOD) + event(*GOOD).replace("UID:one", "UID:two"), "several events"),
     (event(*GOOD, "RRULE:RSCALE=CHINESE;FREQ=YEARLY"), "follows a calendar")],
)  # fmt: skip
def test_what_is_refused_says_what_is_wrong_with_it(text: str, why: str) -> None:
    assert why in parse(text, ABOUT).problem


@given(st.binary(max_size=400))
@settings(max_examples=100)
def test_no_bytes_raise(noise: bytes) -> None:
    parse("BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n" + noise.decode("latin-1"), ABOUT)


ZONES = st.sampled_from(
    ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia"]
)


@given(
    zone=ZONES,
    start=st.datetimes(datetime.fromisoformat("2026-01-01"), datetime.fromisoformat("2027-06-01")),
    weekly=st.booleans(),
    interval=st.integers(1, 5),
    count=st.integers(1, 40),
)
@settings(max_examples=60)
def test_series_come_at_the_same_time_of_day_in_their_zone(
    zone: str, start: datetime, weekly: bool, interval: int, count: int
) -> None:
    start = start.replace(microsecond=0)
    step = timedelta(days=interval * (7 if weekly else 1))
    rule = f"RRULE:FREQ={'WEEKLY' if weekly else 'DAILY'};INTERVAL={interval};COUNT={count}"
    found = parsed(f"DTSTART;TZID={zone}:{start:%Y%m%dT%H%M%S}", "DURATION:PT45M", rule)
    there = ZoneInfo(zone)
    expected = [int((start + step * number).replace(tzinfo=there).timestamp()) for number in range(count)]
    assert [one.begins for one in found.occurrences] == expected
    assert len({one.recurrence for one in found.occurrences}) == count


def test_the_libraries_own_calendars_parse_or_are_refused_with_a_reason() -> None:
    files = sorted((Path(icalendar.__file__).parent / "tests" / "calendars").glob("*.ics"))
    texts = [file.read_bytes().decode("utf-8", "replace") for file in files]
    assert len(texts) > 50
    with ParsingProcess() as process:
        found = process.parse(texts, ABOUT)
    assert len(found) == len(texts)
    refused = [one.problem for one in found if one.problem]
    assert len(refused) < len(found) / 2 and all(reason.startswith(("it ", "its ")) for reason in refused)


@pytest.mark.parametrize("sign", ["\u2028", "\u0085", "\x0b", "\x0c"])
def test_a_text_forges_no_event(sign: str) -> None:
    forged = sign.join(["one", "END:VEVENT", "BEGIN:VEVENT", "UID:forged", "DTSTART:20261124T090000Z"])
    event = ("BEGIN:VEVENT", "UID:true", "DTSTART:20261125T090000Z", f"DESCRIPTION:{forged}", "END:VEVENT")
    text = "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", *event, "END:VCALENDAR", ""])
    assert [part.name for part in take_apart(text).parts] == ["true"]


def calendar_of(*components: str) -> str:
    return "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", *components, "END:VCALENDAR", ""])


def zone(lines: int) -> str:
    rules = [
        "BEGIN:STANDARD",
        "DTSTART:19700101T000000",
        "TZOFFSETFROM:+0100",
        "TZOFFSETTO:+0100",
        "END:STANDARD",
    ]
    return "\r\n".join(
        ["BEGIN:VTIMEZONE", "TZID:Mine", *["X-FILL:" + "x" * 60] * lines, *rules, "END:VTIMEZONE"]
    )


def an_event(uid: str, title: str = "Tea") -> str:
    return f"BEGIN:VEVENT\r\nUID:{uid}\r\nSUMMARY:{title}\r\nDTSTART;TZID=Mine:20261125T090000\r\nEND:VEVENT"


def test_zones_do_not_multiply_a_file() -> None:
    with pytest.raises(ValueError, match="defines a time zone of more than"):
        take_apart(calendar_of(zone(1000), an_event("a")))
    with pytest.raises(ValueError, match="repeats its time zones"):
        take_apart(calendar_of(zone(220), *(an_event(f"e{number}") for number in range(6000))))
    assert len(take_apart(calendar_of(zone(5), an_event("a"), an_event("b"))).parts) == 2


def test_each_event_has_a_name_of_its_own_whatever_the_file_says() -> None:
    file = calendar_of(
        an_event("x", "one"), an_event("x", "two"), an_event("x#2", "three"), an_event("x", "four")
    )
    names = [part.name for part in take_apart(file).parts]
    assert len(names) == len(set(names)) == 4 and {"x", "x#2"} <= {*names}
