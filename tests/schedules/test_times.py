"""Times as people and cron write them, and when they come, also when the clocks change."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pierian.exceptions import UserError
from pierian.schedules.times import in_words, next_after, read_times

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 28, 17, tzinfo=BERLIN)  # a Saturday


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("every weekday 7:30", "30 7 * * 1-5"),
        ("Every Weekday at 7:30 AM", "30 7 * * 1-5"),
        ("weekdays 7.30", "30 7 * * 1-5"),
        ("7:30 on weekdays", "30 7 * * 1-5"),
        ("at 7:30 every weekday", "30 7 * * 1-5"),
        ("every day at 7", "0 7 * * *"),
        ("daily 7pm", "0 19 * * *"),
        ("every day at 12 am", "0 0 * * *"),
        ("every day at noon", "0 12 * * *"),
        ("every day at 8:00 and 18:00", "0 8,18 * * *"),
        ("every day at 8:00 and 18:30", "0 8 * * *; 30 18 * * *"),
        ("mondays and fridays at 9 a.m.", "0 9 * * 1,5"),
        ("every Mon, Wed and Thurs 16:15", "15 16 * * 1,3,4"),
        ("weekends at 10 o'clock", "0 10 * * 0,6"),
        ("every hour", "0 * * * *"),
        ("hourly", "0 * * * *"),
        ("every 2 hours at :15", "15 */2 * * *"),
        ("every 15 minutes", "*/15 * * * *"),
        ("on the 1st of every month at 9:00", "0 9 1 * *"),
        ("every month on the 1st and 15th at 9", "0 9 1,15 * *"),
        ("last day of the month 17:00", "0 17 L * *"),
        ("first monday of the month at 9:00", "0 9 * * 1#1"),
        ("30 7 * * 1-5", "30 7 * * 1-5"),
        ("*/10 8-18 * * MON-FRI", "*/10 8-18 * * MON-FRI"),
        ("tomorrow at 7", "once 2026-11-29T07:00"),
        ("today 18:00", "once 2026-11-28T18:00"),
        ("2026-12-24 18:00", "once 2026-12-24T18:00"),
        ("on 2026-12-24 at 6pm", "once 2026-12-24T18:00"),
    ],
)
def test_what_people_write(said: str, kept: str) -> None:
    assert read_times(said, NOW) == kept
    assert next_after(kept, "Europe/Berlin", NOW) is not None
    assert in_words(kept)


@pytest.mark.parametrize(
    "said",
    [
        "", "whenever", "every day", "7:30", "every other week at 7", "every day at 25:00", "every day at 7:61",
        "60 7 * * *", "0 0 31 2 *", "every 7 hours", "every 0 minutes", "yesterday at 7", "today at 9",
        "2026-02-30 9:00", "2020-01-01 9:00", "every monday and every day at 7", "on the 32nd of every month at 9",
        "every day at 13pm", "* * * *", "tomorrow", "on the 1st at 9", "every day at 7 unless it rains", "x" * 500,
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_with_examples(said: str) -> None:
    with pytest.raises(UserError) as raised:
        read_times(said, NOW)
    assert raised.value.hint


@given(st.text(max_size=60))
def test_no_text_raises_anything_else(said: str) -> None:
    try:
        kept = read_times(said, NOW)
    except UserError:
        return
    next_after(kept, "Europe/Berlin", NOW)


def coming(times: str, after: datetime, count: int) -> list[str]:
    found = list[str]()
    for _ in range(count):
        moment = next_after(times, "Europe/Berlin", after)
        assert moment is not None and moment > after
        found.append(moment.astimezone(BERLIN).strftime("%d %H:%M %z"))
        after = moment
    return found


def test_what_the_clocks_leave_out_is_done_right_after() -> None:
    assert coming("30 2 * * *", datetime(2026, 3, 28, 0, tzinfo=BERLIN), 3) == [
        "28 02:30 +0100",
        "29 03:00 +0200",
        "30 02:30 +0200",
    ]
    once = next_after("once 2026-03-29T02:30", "Europe/Berlin", datetime(2026, 3, 1, tzinfo=UTC))
    assert once == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


def test_what_comes_twice_is_done_once() -> None:
    assert coming("30 2 * * *", datetime(2026, 10, 24, 0, tzinfo=BERLIN), 3) == [
        "24 02:30 +0200",
        "25 02:30 +0200",
        "26 02:30 +0100",
    ]


def test_the_time_on_the_wall_stays_the_same_all_year() -> None:
    assert coming("30 7 1 */3 *", datetime(2026, 1, 2, tzinfo=BERLIN), 4) == [
        "01 07:30 +0200",
        "01 07:30 +0200",
        "01 07:30 +0200",
        "01 07:30 +0100",
    ]


def test_one_moment_comes_once() -> None:
    moment = datetime(2026, 12, 24, 17, tzinfo=UTC)
    assert next_after("once 2026-12-24T18:00", "Europe/Berlin", NOW) == moment
    assert next_after("once 2026-12-24T18:00", "Europe/Berlin", moment) is None


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1)),  # noqa: DTZ001
    st.sampled_from(["Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"]),
    st.sampled_from(["30 2 * * *", "*/20 * * * *", "0 0 * * *", "15 1-3 * * *"]),
)
def test_times_only_ever_go_on(moment: datetime, zone: str, times: str) -> None:
    found = [moment.replace(tzinfo=UTC)]
    for _ in range(6):
        after = next_after(times, zone, found[-1])
        assert after is not None
        found.append(after)
    assert all(before < after for before, after in pairwise(found))


def test_the_examples_of_the_page_are_understood() -> None:
    page = (Path(__file__).parents[2] / "docs" / "brief.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`.+?`) \|", page, re.MULTILINE)
    said = [one for row in rows for one in re.findall(r"`(.+?)`", row)]
    assert len(said) > 10
    for one in said:
        assert read_times(one, NOW)
