"""What is read out of requests for trips: places, days, people, money, with their words; and what is asked back."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from pierian.agents.entities import find_entities
from pierian.exceptions import UserError
from pierian.skills.travel.reading import wishes_of
from pierian.skills.travel.wishes import Wishes, echo
from pierian.skills.travel.words import is_about_a_trip

NOW = datetime(2026, 11, 28, 12, tzinfo=ZoneInfo("Europe/Berlin"))
LISBON = (
    "Plan three days in Lisbon in the second week of December, cheapest flights on days when my partner and I are both "
    "free, and put a draft in my calendar"
)


async def read(request: str, now: datetime = NOW) -> Wishes:
    found = await wishes_of(request, find_entities(request, now=now), now.date())
    assert all(request[one.start : one.end] == one.text for one in found.said)
    return found


async def test_the_request_of_the_issue() -> None:
    found = await read(LISBON)
    assert (found.destination, found.first, found.last) == ("Lisbon", date(2026, 12, 7), date(2026, 12, 13))
    assert (found.least_nights, found.most_nights, found.people) == (2, 2, ("you", "partner"))
    assert found.calendar and found.draft
    assert found.assumed == ("“three days” are taken with 2 nights: the days of arrival and return count.",)
    words = {one.wish: one.text for one in found.said}
    assert words["nights"] == "three days" and words["dates"] == "the second week of December"
    assert echo(found)[0].startswith("A trip to Lisbon, 2 nights, between Mon 7 Dec and Sun 13 Dec 2026")


async def test_wishes_about_money_ways_and_sights() -> None:
    found = await read(
        "Plan 4 nights in Rome from Berlin from 12 to 20 January for me and Ada, at most 900 euros, direct flights only, "
        "not leaving before 10, back by 6pm, and see the Colosseum"
    )
    assert (found.origin, found.budget, found.currency) == ("Berlin", Decimal("900.0"), "EUR")
    assert (found.direct, found.leave_from, found.arrive_until) == (True, 600, 1080)
    assert found.sights == ("Colosseum",)
    assert found.people == ("you", "Ada")


@pytest.mark.parametrize(
    ("request_", "first", "last"),
    [
        ("Plan 4 nights in Rome from 28 December to 3 January", date(2026, 12, 28), date(2027, 1, 3)),
        ("Plan two nights in Rome over New Year", date(2026, 12, 29), date(2027, 1, 3)),
        ("Plan two nights in Rome between 2 and 6 January", date(2027, 1, 2), date(2027, 1, 6)),
    ],
)
async def test_a_year_that_is_missing_around_new_year_is_taken_and_told(
    request_: str, first: date, last: date
) -> None:
    found = await read(request_)
    assert (found.first, found.last) == (first, last)
    assert any("No year is named" in one and "2027" in one for one in found.assumed)


async def test_in_january_new_year_is_the_next_one() -> None:
    found = await read("Plan two nights in Rome over New Year", datetime(2027, 1, 20, tzinfo=NOW.tzinfo))
    assert found.first == date(2027, 12, 29)


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ("Plan three days and five nights in Oslo next week", "do not go together"),
        ("Plan a trip to Lisbon", "not said when"),
        ("Plan a trip to Lisbon in January", "not said how long"),
        ("Plan three days in the mountains next week", "not said where"),
        ("Plan three days in Lisbon from 1 to 5 March 2024", "is over"),
        ("Plan a trip to Lisbon for 600 people from 7 to 9 December", "600 people cannot be planned"),
    ],
)
async def test_what_cannot_be_assumed_is_asked_back(request_: str, said: str) -> None:
    with pytest.raises(UserError, match=said) as raised:
        await read(request_)
    assert raised.value.hint


async def test_fifty_travellers_of_whom_most_are_not_named() -> None:
    found = await read("Plan a trip to Lisbon for 50 people from 7 to 9 December")
    assert found.seats == 50
    assert any("49 of the 50 travellers are not named" in one for one in found.assumed)


@pytest.mark.parametrize(
    ("request_", "people", "seats"),
    [
        ("Plan 2 nights in Rome next week with Ada", ("you", "Ada"), 2),
        ("Plan 2 nights in Rome next week without my partner", ("you",), 1),
        ("Plan 2 nights in Rome next week for two", ("you",), 2),
        ("Plan 2 nights in Rome next week for a family of four", ("you",), 4),
        ("Plan 2 nights in Rome next week for fifty people", ("you",), 50),
        ("Plan 2 nights in Rome next week for Ben, Carla and me", ("you", "Ben", "Carla"), 3),
        ("Plan 2 nights in Rome next week for two adults and two kids", ("you",), 4),
        ("Plan 2 nights in Rome next week to visit two friends", ("you",), 1),
        ("Plan 2 nights in Rome next week, I want to see Trevi and Ostia", ("you",), 1),
    ],
)
async def test_everybody_who_travels_has_a_seat(request_: str, people: tuple[str, ...], seats: int) -> None:
    found = await read(request_)
    assert (found.people, found.seats) == (people, seats)


@pytest.mark.parametrize(
    ("request_", "unheeded"),
    [
        (LISBON, []),
        ("not on the 10th", ["“not on the 10th”"]),
        ("except Mondays", ["“except Mondays”"]),
        ("hotel with breakfast", ["“hotel with breakfast”"]),
        ("my budget is 500", ["“my budget is 500”"]),
        ("at most 100 euros a night", ["“at most 100 euros a night”"]),
        ("with my family", ["“my family”: how many they are is not said."]),
        ("flying with Ryanair", ["“with Ryanair”"]),
        ("at most 900 euros and direct flights", []),
    ],
)
async def test_what_is_not_read_is_told(request_: str, unheeded: list[str]) -> None:
    text = request_ if request_ == LISBON else f"Plan two nights in Rome from 8 to 13 December, {request_}"
    found = await read(text)
    assert list(found.unheeded) == unheeded
    assert text == LISBON or (found.first, found.last) == (date(2026, 12, 8), date(2026, 12, 13))


async def test_a_sum_per_person_is_that_of_all_and_a_limit_of_one_way_is_not_that_of_both() -> None:
    found = await read(
        "Plan two nights in Rome from 8 to 13 December for me and Ada, at most 300 euros per person, leaving after 9, "
        "home by 6pm"
    )
    assert found.budget == Decimal(600)
    assert (found.leave_on, found.arrive_on) == ("there", "back")
    assert "No arrival after 18:00 on the way back." in echo(found)


async def test_the_model_is_asked_only_where_several_places_could_be_meant() -> None:
    asked: list[tuple[str, list[str]]] = []

    async def choose(question: str, options: list[str]) -> str:
        asked.append((question, [*options]))
        return "Porto"

    text = "Organise something around Braga, to Porto, for two nights next week"
    found = await wishes_of(text, find_entities(text, now=NOW), NOW.date(), choose)  # type: ignore[arg-type]
    assert found.destination == "Porto" and asked[0][1] == ["Braga", "Porto"]
    assert (
        await wishes_of(LISBON, find_entities(LISBON, now=NOW), NOW.date(), choose)
    ).destination == "Lisbon"  # type: ignore[arg-type]
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("request_", "is_one"),
    [
        (LISBON, True),
        ("Find me flights from Berlin to Porto between Dec 29 and Jan 4 for two nights", True),
        ("I want to fly to New York for two nights next week", True),
        ("When is my trip to Lisbon?", False),
        ("Cancel the trip to Lisbon", False),
        ("What is the capital of Portugal?", False),
        ("Plan my day in Berlin tomorrow", False),
        ("Find an hour with three people next week, not before ten", False),
        ("A train travels 120 km in two hours. How fast is it?", False),
    ],
)
def test_which_requests_are_about_a_trip(request_: str, is_one: bool) -> None:
    assert is_about_a_trip(request_) is is_one


@pytest.mark.parametrize(
    "request_",
    [
        "Find the email about my flight to Lisbon",
        "Draft a mail to Ada about our trip to Lisbon in the second week of December",
        "Explain how to plan a trip",
        "Translate into German: 'Please book a flight to Rome'",
        "Prepare a packing list for three days in Lisbon",
        "Get me the weather for my trip to Rome",
        "Find the departure time of the flight in this picture",
    ],
)
def test_what_only_speaks_of_a_trip_goes_the_usual_way(request_: str) -> None:
    assert not is_about_a_trip(request_)
