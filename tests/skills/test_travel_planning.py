"""Trips planned from values: the best one, what is said of it, and every kind of bad luck."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import msgspec
import pytest
from msgspec import structs
from tests.skills.travel_world import BERLIN, LISBON, Offers, Times, euros, way, week, wishes, workplace

from pierian.exceptions import RunError, SettingsError
from pierian.planning.constraints import CheckIn
from pierian.skills.travel.building import money_of
from pierian.skills.travel.calendar_file import calendar_text
from pierian.skills.travel.page import page_of
from pierian.skills.travel.planning import plan_trip
from pierian.skills.travel.providers.offers import Found, ProviderFailed, Stay
from pierian.skills.travel.telling import told
from pierian.skills.travel.trip import Trip
from pierian.skills.travel.wishes import Said


def names(trip: Trip) -> list[str]:
    return [one.title for one in trip.items]


def meeting(day: int, hour: int, hours: int = 1) -> tuple[datetime, datetime]:
    begins = datetime(2026, 12, day, hour, tzinfo=BERLIN)
    return begins, begins + timedelta(hours=hours)


async def test_the_cheapest_days_on_which_all_are_free() -> None:
    busy = {"you": [meeting(7, 10)], "partner": [meeting(9, 10)]}
    trip = await plan_trip(
        wishes(people=("you", "partner")), workplace(Offers(week()), calendars=Times(busy))
    )
    assert names(trip)[0] == "T10 Berlin to Lisbon"
    assert "B12 Lisbon to Berlin" in names(trip)
    assert trip.total == Decimal("360.00")  # 140 + 120 + 2 × 50
    assert {one.title for one in trip.items if one.kind == "sight"} == {"Tower", "Museum"}
    text = told(trip)
    assert "**Lisbon, Thu 10 Dec to Sat 12 Dec 2026**" in text
    assert "09:00–11:00 (Lisbon time) T10 Berlin to Lisbon, 140.00 EUR" in text
    assert "your partner is busy Wed 9 Dec 10:00–11:00" in text  # what binds
    again = msgspec.convert(msgspec.json.decode(msgspec.json.encode(trip)), Trip, strict=False)
    assert told(again) == text


async def test_when_nothing_fits_the_wishes_that_conflict_are_told_in_their_words() -> None:
    said = (Said("budget", 0, 7, "at most 250 euros"), Said("nights", 8, 9, "three days"))
    trip = await plan_trip(wishes(budget=Decimal(250), currency="EUR", said=said), workplace(Offers(week())))
    assert not trip.possible
    text = told(trip)
    assert "These do not go together:" in text
    assert "- no more than 250.00 EUR in all (“at most 250 euros”)" in text
    assert "It would work with" in text
    assert "<h1>No trip to Lisbon was found</h1>" in page_of(trip)


async def test_a_wish_for_direct_ways_is_part_of_a_conflict() -> None:
    with_stops = structs.replace(week(), there=tuple(structs.replace(one, stops=1) for one in week().there))
    direct = wishes(direct=True, said=(Said("direct", 0, 6, "direct"),))
    trip = await plan_trip(direct, workplace(Offers(with_stops)))
    assert any("no stops on the way (way there) (“direct”)" in one for one in trip.reasons)
    some = structs.replace(with_stops, there=(*with_stops.there, way("D9", 9, 9, euros("300"))))
    trip = await plan_trip(direct, workplace(Offers(some)))
    assert names(trip)[0] == "D9 Berlin to Lisbon"


async def test_a_limit_of_the_way_back_leaves_the_way_there_and_no_room_is_told() -> None:
    found = structs.replace(week(), stays=())
    late = structs.replace(
        found, there=(way("T", 8, 20, euros("1")),), back=(way("B", 10, 9, euros("1"), there=False),)
    )
    trip = await plan_trip(wishes(arrive_until=1080, arrive_on="back"), workplace(Offers(late)))
    assert names(trip)[0] == "T Berlin to Lisbon"
    assert any("nowhere to sleep" in one for one in trip.left_out)


async def test_hours_are_those_of_the_clocks_where_it_leaves_and_arrives() -> None:
    late = structs.replace(week(), back=(way("B", 9, 22, euros("10"), there=False), *week().back))
    trip = await plan_trip(wishes(leave_from=600, arrive_until=1300), workplace(Offers(late)))
    assert not trip.possible and any("no departure before 10:00" in one for one in trip.reasons)
    trip = await plan_trip(wishes(arrive_until=1300), workplace(Offers(late)))
    assert "B9 Lisbon to Berlin" in names(trip)


async def test_zones_are_crossed_at_midnight() -> None:
    there = way("N", 8, 23, euros("20"), minutes=180)  # 23:00 to 01:00 in Lisbon: the next day
    found = structs.replace(week(), there=(there,), stays=week().stays[1:])
    trip = await plan_trip(wishes(least_nights=1, most_nights=1), workplace(Offers(found)))
    assert trip.items[0].ends == datetime(2026, 12, 9, 1, tzinfo=LISBON)
    assert "B10 Lisbon to Berlin" in names(trip)  # one night, counted on the clocks of Lisbon
    assert "23:00–01:00 on Wed 9 Dec (Lisbon time) N Berlin to Lisbon" in told(trip)
    shut = structs.replace(found, stays=week().stays[:1])
    assert not (
        await plan_trip(wishes(), workplace(Offers(shut)))
    ).possible  # nobody opens at one in the night


async def test_currencies_need_a_rate_or_are_left_out() -> None:
    found = structs.replace(week(), there=(way("USD", 7, 9, euros("10", "USD")), *week().there))
    trip = await plan_trip(wishes(), workplace(Offers(found)))
    assert names(trip)[0] == "T7 Berlin to Lisbon"
    assert any("1 offer in USD is left out: no rate" in one for one in trip.left_out)
    trip = await plan_trip(wishes(), workplace(Offers(found), rates={"USD": Decimal("0.9")}))
    assert names(trip)[0] == "USD Berlin to Lisbon"
    trip = await plan_trip(wishes(budget=Decimal(900), currency="CHF"), workplace(Offers(found)))
    assert "The budget is in CHF" in trip.reasons[0]
    assert money_of("eur", "USD=0.91, gbp = 1.17").rates == {"USD": Decimal("0.91"), "GBP": Decimal("1.17")}
    with pytest.raises(SettingsError, match="no rate"):
        money_of("EUR", "USD=dear")


async def test_a_provider_that_is_down_or_slow_is_named_and_left_out() -> None:
    async def down() -> None:
        raise ProviderFailed("Nobody answers.")

    async def slow() -> None:
        await asyncio.Event().wait()

    providers = (Offers(week()), Offers(Found(), "down", down), Offers(Found(), "slow", slow))
    trip = await plan_trip(wishes(), workplace(*providers, seconds=0.05))
    assert trip.possible
    assert "Nobody answers; down is left out." in trip.left_out
    assert "slow did not answer within 0.05 seconds and is left out." in trip.left_out
    trip = await plan_trip(wishes(), workplace(Offers(Found(), "down", down)))
    assert trip.reasons[0].startswith("No offer was found for the way there")


async def test_all_sources_are_asked_at_once() -> None:
    waiting = asyncio.Barrier(4)

    async def meet() -> None:
        await waiting.wait()  # nobody goes on before all have been asked

    class Meeting(Times):
        async def refreshed(self, people: object, older_than: object) -> tuple[str, ...]:
            if not self.met:
                self.met = True
                await meet()
            return ()

        met = False

    providers = [Offers(week(), f"p{number}", meet) for number in range(3)]
    async with asyncio.timeout(20):
        trip = await plan_trip(wishes(), workplace(*providers, calendars=Meeting()))
    assert trip.possible


async def test_calendars_that_change_while_it_is_planned() -> None:
    free, taken = {"you": []}, {"you": [meeting(8, 12)]}
    trip = await plan_trip(wishes(), workplace(Offers(week()), calendars=Times(free, [taken])))
    assert names(trip)[0] == "T9 Berlin to Lisbon"
    assert any("Your calendars changed while it was planned" in one for one in trip.left_out)
    restless = [{"you": [meeting(day, 12) for day in days]} for days in ((8,), (), (8,), (), (8,), ())]
    trip = await plan_trip(wishes(), workplace(Offers(week()), calendars=Times(free, restless)))
    assert not trip.possible and "keep changing" in trip.reasons[0]


async def test_fifty_travellers_take_offers_for_all_of_them() -> None:
    people = ("you", *(f"Guest {number}" for number in range(49)))
    busy = {name: [meeting(7, 12)] for name in people[:25]}
    trip = await plan_trip(wishes(people=people, seats=50), workplace(Offers(week()), calendars=Times(busy)))
    assert names(trip)[0] == "T8 Berlin to Lisbon"


async def test_sights_that_must_be_seen_decide_the_days() -> None:
    trip = await plan_trip(
        wishes(least_nights=1, most_nights=1, sights=("Museum", "Zoo")), workplace(Offers(week()))
    )
    assert "Museum" in names(trip)
    assert "Zoo is left out: nobody says when it is open." in trip.left_out
    closed = structs.replace(week(), sights=tuple(structs.replace(one, open=()) for one in week().sights))
    trip = await plan_trip(wishes(sights=("Museum",)), workplace(Offers(closed)))
    assert not trip.possible and any("Museum within never" in one for one in trip.reasons)


async def test_a_room_whose_door_is_shut_is_not_taken() -> None:
    rooms = (
        Stay(provider="test", name="Early", place="Lisbon", price=euros("5"), check_in=CheckIn(840, 900)),
    )
    found = structs.replace(week(), there=(way("T", 8, 14, euros("9")),), stays=rooms)
    trip = await plan_trip(wishes(), workplace(Offers(found)))
    assert any("arriving before check-in" in one for one in trip.reasons)


async def test_shown_as_a_calendar_file_and_a_page() -> None:
    hostile = structs.replace(week(), there=(way('<img src="//evil.example/x">', 8, 9, euros("9")),))
    trip = await plan_trip(wishes(draft=True), workplace(Offers(hostile)))
    page = page_of(trip)
    assert "<img" not in page and "&lt;img" in page
    assert "<script" not in page and "http" not in page.replace('http-equiv="Content-Security-Policy"', "")
    assert "prefers-color-scheme:dark" in page and 'role="img"' in page
    import icalendar

    text = calendar_text(trip, datetime(2026, 11, 28, tzinfo=UTC))
    read = icalendar.Calendar.from_ical(text)
    events = {str(one["SUMMARY"]): one for one in read.walk("VEVENT")}
    assert len(events) == len(trip.items)
    flight = next(one for name, one in events.items() if "img" in name)
    assert flight["DTEND"].dt == trip.items[0].ends and str(flight["STATUS"]) == "TENTATIVE"
    assert events["Pension"]["DTSTART"].dt == date(2026, 12, 8) and events["Pension"]["DTEND"].dt == date(
        2026, 12, 10
    )
    assert calendar_text(trip, datetime(2026, 11, 28, tzinfo=UTC)) == text
    assert read.walk("VTIMEZONE")


def test_a_provider_that_fails_is_a_failure_of_the_run() -> None:
    assert issubclass(ProviderFailed, RunError)
