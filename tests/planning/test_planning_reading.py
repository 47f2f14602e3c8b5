"""Requests in several people's words become the wishes that were meant, with the words that they come from."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from pierian.exceptions import UserError
from pierian.planning import explain, explain_conflict, explained_conflict, solve
from pierian.planning.constraints import Busy, Lasts, Within
from pierian.planning.extracting import Extracted, extract
from pierian.planning.mentions import mentions


class Scripted:
    """A judge that answers from a list and remembers what it was asked."""

    def __init__(self, *answers: str) -> None:
        self.answers, self.asked = list(answers), list[tuple[str, str]]()

    async def choose(self, asked: str, sentence: str, options: Sequence[str], likely: str = "") -> str:
        self.asked.append((asked, sentence))
        answer = self.answers.pop(0)
        assert answer in options
        return answer


def lines(read: Extracted) -> tuple[str, ...]:
    plan = solve(read.problem)
    assert plan is not None
    return explain(read.problem, plan).lines


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("from 9 to 11am", [("hours", (540, 660))]),
        ("between 2 and 4", [("hours", (840, 960))]),
        ("9:30–11", [("hours", (570, 660))]),
        ("quarter to nine until half past ten", [("hours", (525, 630))]),
        ("12 to 1:30 pm", [("hours", (720, 810))]),
        ("0930 hrs", [("clock", 570)]),
        ("14h to 16h30", [("hours", (840, 990))]),
        ("for half an hour from 11:30", [("hours", (690, 720))]),
        ("opens at 9 and closes at 17:00", [("hours", (540, 1020))]),
        ("an hour and a half", [("minutes", 90)]),
        ("1h45, 2 hrs 15 mins, 45-minute", [("minutes", 105), ("minutes", 135), ("minutes", 45)]),
        ("seventy minutes, eighty-five minutes", [("minutes", 70), ("minutes", 85)]),
        ("days 5 through 8", [("day_range", (5, 8))]),
        ("from the 5th to the 8th day", [("day_range", (5, 8))]),
        ("day 3, a fortnight, four nights", [("day_range", (3, 3)), ("days", 14), ("nights", 4)]),
        ("Mon-Fri mornings", [("weekdays", (0, 1, 2, 3, 4)), ("part", (0, 720))]),
        ("they sat in the sun", []),
    ],
)
def test_times_lengths_and_days_are_read(text: str, found: list[tuple[str, object]]) -> None:
    assert [(one.kind, one.value) for one in mentions(text, [])] == found


async def test_a_meeting_with_wishes_of_three_people_and_where_each_comes_from() -> None:
    request = (
        "Find an hour for Ana, Bo and me next week, not before ten. Ana can only do Tuesday and Thursday afternoons. "
        "Bo has a call on Tuesday 2-3:30pm and is out on Thursday. I'd rather not meet after 1pm."
    )
    read = await extract(request, None)
    assert read.form == "meeting" and not read.unread
    assert lines(read) == ("Tuesday 12:00–13:00: meeting",)
    bo = next(wish for wish in read.problem.wishes if isinstance(wish, Busy) and wish.person == "Bo")
    assert bo.source is not None
    assert (
        request[bo.source.start : bo.source.end]
        == bo.source.text
        == ("Bo has a call on Tuesday 2-3:30pm and is out on Thursday.")
    )
    assert "Bo is busy Tuesday 14:00–15:30, Thursday" in read.echo


async def test_weekdays_get_dates_when_the_day_is_known() -> None:
    now = datetime(2026, 12, 3, 15, tzinfo=ZoneInfo("Europe/Berlin"))  # a Thursday
    request = "We need half an hour with Ann. Ann is busy on Thursday until 16:30."
    read = await extract(f"{request} Thursday or Monday between 9 and 5 would do.", None, now=now)
    assert lines(read) == ("Thu 3 Dec 16:30–17:00: meeting",)
    read = await extract(
        f"{request} Thursday or Monday of next week between 9 and 5 would do.", None, now=now
    )
    assert lines(read) == ("Mon 7 Dec 09:00–09:30: meeting",)


async def test_a_sentence_that_words_do_not_tell_is_asked_about() -> None:
    request = "Schedule an hour for Ann and Lee on Monday, 9:00 to 17:00. Ann sees her dentist on Monday 9:00 to 12:00."
    judge = Scripted("busy")
    read = await extract(request, judge)
    assert judge.asked == [("kind", "Ann sees her dentist on Monday 9:00 to 12:00.")]
    assert read.asked == 1 and lines(read) == ("Monday 12:00–13:00: meeting",)
    alone = await extract(request, None)
    assert lines(alone) == lines(read)  # times beside a person are most often taken
    assert "“Ann sees her dentist on Monday 9:00 to 12:00.” is read as a time that is taken." in alone.assumed


async def test_visits_on_one_day_with_ways_told_in_one_direction() -> None:
    read = await extract(
        "I want to see Grandma in Altona (she is home from 10 to noon, stay an hour), Tom at the "
        "Harbour between 1 and 3 "
        "for 45 minutes, and Lucy in Eppendorf, any time after 4pm, 30 min. I leave from Central "
        "Station at 9:30. Altona "
        "to the Harbour is 15 min, Harbour to Eppendorf 25 min, Central Station to Altona 12 minutes.",
        None,
    )
    assert read.form == "visits"
    assert lines(read) == (
        "10:00–11:00: Grandma, Altona",
        "13:00–13:45: Tom, Harbour",
        "16:00–16:30: Lucy, Eppendorf",
    )
    assert "The way from Altona to Central Station takes as long as the other way." in read.assumed


async def test_a_journey_in_nights_and_what_contradicts_itself_in_it() -> None:
    request = (
        "I'm spending two weeks in Italy: four nights in Rome, three nights in Florence, six nights "
        "in Naples. Trains run "
        "between Rome and Florence, Rome and Naples. A wedding in Florence is on days {days}. I start in Naples."
    )
    read = await extract(request.format(days="11 and 12"), None)
    assert lines(read) == ("day 1 to 7: Naples", "day 7 to 11: Rome", "day 11 to 14: Florence")
    read = await extract(request.format(days="5 and 6"), None)
    assert solve(read.problem) is None
    told = explained_conflict(read.problem, explain_conflict(read.problem))
    assert "- Florence throughout day 5 to 6 (“A wedding in Florence is on days 5 and 6.”)" in told


async def test_days_add_up_with_and_without_days_that_count_twice() -> None:
    connected = "Direct flights: Oslo and Riga."
    twice = await extract(f"6 days in total: Oslo for 3 days, Riga for 4 days. {connected}", None)
    assert sorted(lines(twice)) == ["day 1 to 3: Oslo", "day 3 to 6: Riga"] or "day 1 to 4: Riga" in lines(
        twice
    )
    once = await extract(f"7 days in total: Oslo for 3 days, Riga for 4 days. {connected}", None)
    assert not once.problem.timeline.shared_days
    assert {line[-4:] for line in lines(once)} == {"Oslo", "Riga"}


async def test_one_way_connections_and_lists_behind_a_hub() -> None:
    read = await extract(
        "9 days in total: Oslo for 3 days, Riga for 4 days, Porto for 4 days. Oslo has direct "
        "flights to Riga and Porto. "
        "There is a flight from Riga to Porto, but none back.",
        None,
    )
    ways = {(leg.origin, leg.destination) for leg in read.problem.travel}
    assert ("Riga", "Porto") in ways and ("Porto", "Riga") not in ways and ("Porto", "Oslo") in ways


async def test_what_is_not_said_is_assumed_aloud_and_nothing_to_plan_is_an_error() -> None:
    read = await extract("When can Ann and Lee meet? Ann is busy on Tuesday from 9 to 12.", None)
    assert read.assumed == ("It takes one hour.", "It lies between 9:00 and 17:00.")
    assert any(isinstance(wish, Lasts) for wish in read.problem.wishes)
    assert any(isinstance(wish, Within) for wish in read.problem.wishes)
    for request in ("", "Hello there.", "x" * 50_000):
        with pytest.raises(UserError):
            await extract(request, None)


async def test_tables_are_read_like_words() -> None:
    read = await extract(
        "Find 30 minutes between 09:00 and 17:00 for everyone in this table of appointments.\n\n"
        "| Person | Monday | Tuesday |\n|---|---|---|\n"
        "| Ann | 09:00-17:00 | 09:00-12:00 |\n| Lee | free | 12:30-17:00 |\n",
        None,
    )
    assert lines(read) == ("Tuesday 12:00–12:30: meeting",)
    read = await extract(
        "| from / to | Mill | Dock |\n|---|---|---|\n| Mill | - | 12 |\n| Dock | 15 | - |\n\n"
        "| Friend | Place | From | Until | Minutes |\n|---|---|---|---|---|\n| Ann | Dock | 10:00 | 11:00 | 30 |\n\n"
        "I start in Mill at 10:15.",
        None,
    )
    assert lines(read) == ("10:27–10:57: Ann, Dock",)
