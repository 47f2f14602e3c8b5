"""Journeys: cheapest offers on days when all are free, clocks of two zones, currencies, reasons in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from msgspec import structs

from pierian.exceptions import UserError
from pierian.planning import explain, explain_conflict, explained_conflict, faults, solve
from pierian.planning.constraints import (
    Activity,
    AnyWish,
    Budget,
    CheckIn,
    Lasts,
    Money,
    Nights,
    Problem,
    Source,
    Timeline,
    Window,
    Within,
)
from pierian.planning.journeys import AWAY, BACK, STAY, THERE, Offer, Surroundings, Visit, journey

BERLIN, LISBON = ZoneInfo("Europe/Berlin"), ZoneInfo("Europe/Lisbon")
BEGINS, ENDS = datetime(2026, 12, 7, tzinfo=BERLIN), datetime(2026, 12, 14, tzinfo=BERLIN)


def euros(amount: str, currency: str = "EUR") -> Money:
    return Money(Decimal(amount), currency)


def flight(name: str, day: int, hour: int, price: Money, *, there: bool = True) -> Offer:
    zones = ("Europe/Berlin", "Europe/Lisbon") if there else ("Europe/Lisbon", "Europe/Berlin")
    departs = datetime(2026, 12, day, hour, tzinfo=ZoneInfo(zones[0]))
    arrives = (departs.astimezone(UTC) + timedelta(hours=3)).astimezone(ZoneInfo(zones[1]))
    return Offer(name, price, departs, arrives, *zones)


def around() -> Surroundings:
    return Surroundings(
        people=("you", "Ada"),
        busy={"Ada": [(datetime(2026, 12, 9, 10, tzinfo=BERLIN), datetime(2026, 12, 9, 11, tzinfo=BERLIN))]},
        there=[
            flight("early and cheap", 8, 7, euros("50")),
            flight("good", 10, 7, euros("90")),
            flight("late", 10, 22, euros("70")),
            flight("pounds", 10, 9, euros("60", "GBP")),
        ],
        back=[
            flight("back", 13, 12, euros("80"), there=False),
            flight("soon", 12, 12, euros("95"), there=False),
        ],
        stays=[
            Offer("Pension", euros("40"), nightly=True, check_in=CheckIn(840, 1320)),
            Offer("Palace", euros("300")),
        ],
        zone="Europe/Berlin",
        destination="Lisbon",
    )


def test_the_cheapest_offers_on_free_days_are_found_and_told_on_the_clocks_of_each_place() -> None:
    problem = journey(around(), [Nights(first=THERE, last=BACK, least=3, most=3)], BEGINS, ENDS)
    plan = solve(problem)
    assert plan is not None
    assert {at.activity: at.option for at in plan.placed} == {
        THERE: "good",
        BACK: "back",
        STAY: "Pension",
        AWAY: "",
    }
    assert plan.total == euros("290.00")
    told = explain(problem, plan)
    assert told.lines[0].startswith(
        "Thu 10 Dec 07:00 – Thu 10 Dec 09:00 (Lisbon): way there (good, 90.00 EUR)"
    )
    assert [problem.wishes[n].__class__.__name__ for n in told.binding] == ["Nights"]
    assert told.notes == ("pounds is left out: no rate is known for GBP.",)


def test_with_a_rate_of_exchange_all_are_compared_and_rounded_up() -> None:
    exchanged = structs.replace(around(), rates={"GBP": Decimal("1.17001")})
    plan = solve(journey(exchanged, [Nights(first=THERE, last=BACK, least=3, most=3)], BEGINS, ENDS))
    assert plan is not None and plan.total == euros("270.21")


def test_a_late_arrival_takes_a_place_whose_door_is_open() -> None:
    late = structs.replace(around(), there=[flight("late", 10, 22, euros("70"))])
    plan = solve(journey(late, [], BEGINS, ENDS))
    assert plan is not None
    stay = plan.of(STAY)
    assert stay is not None and stay.option == "Palace"


def test_when_nothing_fits_the_reason_is_told_with_its_words_and_what_would_help() -> None:
    source = Source(0, 22, "at most 250 euros in all")
    wishes: list[AnyWish] = [
        Nights(first=THERE, last=BACK, least=3, most=3),
        Budget(limit=euros("250"), source=source),
    ]
    pension = [Offer("Pension", euros("40"), nightly=True)]
    problem = journey(structs.replace(around(), stays=pension), wishes, BEGINS, ENDS)
    assert solve(problem) is None
    conflict = explain_conflict(problem)
    assert [problem.wishes[n].__class__.__name__ for n in conflict.wishes] == ["Nights", "Budget"]
    told = explained_conflict(problem, conflict)
    assert "- no more than 250.00 EUR in all (“at most 250 euros in all”)" in told
    assert any("with 40.00 EUR more than 250.00 EUR" in line for line in told)
    for one in conflict.relaxations:
        kept = [n for n in range(len(problem.wishes)) if n not in one.wishes]
        assert not faults(problem, one.plan, kept)


def test_visits_are_made_while_there_and_open() -> None:
    opens = datetime(2026, 12, 11, 10, tzinfo=LISBON)
    visits = [
        Visit("museum", 120, ((opens, opens + timedelta(hours=3)),), "Belém"),
        Visit("tower", 60, ((opens, opens + timedelta(hours=2)),), "Belém"),
        Visit("palace", 60, ((opens.replace(day=9), opens.replace(day=9, hour=17)),), "Sintra"),
    ]
    problem = journey(
        structs.replace(around(), visits=visits),
        [Nights(first=THERE, last=BACK, least=3, most=3)],
        BEGINS,
        ENDS,
    )
    plan = solve(problem)
    assert plan is not None and plan.left_out == ("palace",)
    assert "palace does not fit in." in explain(problem, plan).notes


def test_the_hour_that_the_clocks_leap_over_does_not_count() -> None:
    origin = datetime(2026, 3, 29, tzinfo=BERLIN)
    line = Timeline("dated", origin=origin, zone="Europe/Berlin")
    assert line.tick(datetime(2026, 3, 29, 6, tzinfo=BERLIN)) == 300
    problem = Problem(
        line,
        Window(0, line.tick(datetime(2026, 3, 29, 6, tzinfo=BERLIN))),
        (Activity("night shift"),),
        (Lasts(activity="night shift", least=330),),
    )
    assert solve(problem) is None


def test_offers_outside_of_the_dates_and_broken_ones_are_told() -> None:
    with pytest.raises(UserError, match="No offer for the way there lies in the time"):
        journey(around(), [], BEGINS + timedelta(days=30), ENDS + timedelta(days=30))
    wrong = structs.replace(around().there[0], arrives=BEGINS)
    with pytest.raises(UserError, match="arrives before it departs"):
        journey(structs.replace(around(), there=[wrong]), [], BEGINS, ENDS)
    with pytest.raises(UserError, match="not among what is planned"):
        solve(Problem(Timeline("clock"), Window(0, 9), (), (Lasts(activity="tea", least=1),)))


def test_a_plan_that_was_changed_does_not_pass() -> None:
    problem = journey(around(), [Nights(first=THERE, last=BACK, least=3, most=3)], BEGINS, ENDS)
    plan = solve(problem)
    assert plan is not None
    cheaper = structs.replace(plan, total=euros("100"))
    assert any("The sum is" in wrong for wrong in faults(problem, cheaper))
    late = tuple(
        structs.replace(at, option="late", begins=at.begins + 900, ends=at.ends + 900)
        if at.activity == THERE
        else at
        for at in plan.placed
    )
    assert any("lets nobody in at" in wrong for wrong in faults(problem, structs.replace(plan, placed=late)))
    tight = structs.replace(
        problem, wishes=(*problem.wishes, Within(windows=(Window(0, 1440),), activities=(THERE,)))
    )
    assert faults(tight, plan)
