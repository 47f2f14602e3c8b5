"""Requests to find a time or an order: told apart, read with connected calendars, solved, entered after approval."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.accounts.calendar_world import BERLIN, NOW, World, vcalendar, vevent
from tests.accounts.radicale_server import Radicale
from tests.agents.desk import office

from pierian.accounts.account import Switches
from pierian.accounts.store import Accounts
from pierian.agents import effects, go_on
from pierian.assistant import arranging
from pierian.assistant.request import AskRequest
from pierian.assistant.trips import equipped
from pierian.config import Settings
from pierian.events import ApprovalNeeded, Event, encode
from pierian.planning.extracting import extract
from pierian.runs import Approvals, Journal
from pierian.skills.arranging import arranged, is_about_arranging, wants_entry
from pierian.skills.arranging.words import is_sure

MONDAY = (NOW + timedelta(days=7 - NOW.weekday())).replace(hour=0)
SECRET = "CANARY-operation-at-the-clinic"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    server = Radicale(tmp_path / "radicale")
    server.start()
    try:
        server.make_calendar()
        server.make_calendar("/bob/work/", user="bob")
        yield World(tmp_path, server)
    finally:
        server.kill()


@pytest.mark.parametrize(
    ("request_", "taken"),
    [
        ("Find an hour with Ann, Bob and Cem next week, not before ten", True),
        ("When can Ann and Lee talk on Monday? Ann is out until 11.", True),
        ("I start at the station at 9:00. Which order works for seeing Tom, Ann and Lucy?", True),
        ("Schedule a meeting with Ann on Monday at 10", False),
        ("What is on my calendar on Monday?", False),
        ("When is my next meeting with Ann on Monday?", False),
        ("Move my meeting with Ann to Tuesday", False),
        ("How long is the flight from Oslo to Rome on Monday?", False),
        ("A train leaves at 9:00 and goes 80 km/h. How far is it after two hours?", False),
    ],
)
def test_requests_to_arrange_something_are_told_from_others(request_: str, taken: bool) -> None:
    assert is_about_arranging(request_) is taken


def test_an_entry_is_made_only_where_it_is_asked_for() -> None:
    assert wants_entry("Find an hour with Ann next week and put it in my calendar")
    assert wants_entry("Find an hour with Ann next week and invite everyone")
    assert not wants_entry("Find an hour with Ann next week; my calendar is full before ten")


async def test_a_contradiction_is_told_with_its_words_and_what_would_help() -> None:
    request = (
        "Find half an hour for Ann and Lee on Monday, 9 to 12. Ann sees her dentist on Monday 9:00 to 11:00. "
        "Lee leaves at 10:30 on Monday."
    )
    told = await arranged(request, None, now=NOW)
    assert told is not None and not told.checked
    assert "Lee is busy Monday 10:30–24:00 (“Lee leaves at 10:30 on Monday.”)" in told.text
    assert "It would work if" in told.text and "is read as a time that is taken" in told.text


async def test_what_cannot_be_read_as_something_to_arrange_is_left_to_others() -> None:
    assert await arranged("Find an hour of music for Monday", None, now=NOW) is None


def busy_world(world: World) -> None:
    """The user is busy on Monday until noon, Bob tells only when he is busy: the rest of Monday."""
    world.server.put("/ann/work/a.ics", vcalendar(vevent("a", MONDAY.replace(hour=8), minutes=240)))
    world.sync()
    bob = world.link("bob", name="bob", switches=Switches(free_busy_only=True), mail=False)
    event = vevent("b", MONDAY.replace(hour=12), minutes=540, summary=SECRET)
    world.server.put("/bob/work/b.ics", vcalendar(event), user="bob")
    world.sync(bob)


async def asked(
    world: World,
    path: Path,
    monkeypatch: pytest.MonkeyPatch,
    question: str,
    *,
    approve: bool = True,
    waits: bool = True,
    sync_minutes: int = 0,
    before_answer: Callable[[], None] = lambda: None,
) -> tuple[Any, list[Event], list[str]]:
    """The run of a question, its events and whatever the model was shown."""
    monkeypatch.setattr(arranging, "_local_now", lambda: NOW)
    monkeypatch.setattr(effects, "ASK_SECONDS", 0.0)
    shown: list[str] = []

    async def database() -> Any:
        return world.database

    async with office(path, *world.tools.values()) as desk:
        events: list[Event] = []

        def emit(event: Event) -> None:
            events.append(event)
            if isinstance(event, ApprovalNeeded) and waits:
                before_answer()
                Approvals(desk.database).answer(event.approval, approved=approve)

        async def desk_of(names: tuple[str, ...], request: AskRequest) -> Any:
            return desk.desk(waits=waits, request={"tools": list(names)})

        def model(request: Any) -> str:
            shown.append(repr(request.messages))
            return "Done."

        run = desk.start(question, model, emit=emit)
        work = SimpleNamespace(session=None)
        taken = await arranging.arrange(
            SimpleNamespace(database=database, settings=Settings(sync_minutes=sync_minutes)),  # type: ignore[arg-type]
            desk_of,
            work,
            AskRequest(question=question),
            run,
        )
        if work.session is not None and waits:
            await work.session.end("done")
        return (run if taken else None), events, shown


async def test_calendars_are_heeded_and_other_peoples_words_stay_where_they_are(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy_world(world)
    question = "Find an hour with Bob next week, not before ten"
    run, events, shown = await asked(world, tmp_path, monkeypatch, question)
    tuesday = MONDAY + timedelta(days=1)
    assert f"{tuesday:%a} {tuesday.day} {tuesday:%b} 10:00–11:00: meeting" in run.chosen.text
    assert "Bob’s calendar was heeded (1 busy time)." in run.chosen.text
    assert [(one.kind, one.outcome) for one in run.checks] == [("plan", "passed")]
    told = " ".join([run.chosen.text, run.partial, repr(run.checks), *map(encode, events), *shown])
    assert SECRET not in told and "operation" not in told


async def test_what_was_found_is_entered_after_approval_and_read_back(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy_world(world)
    question = "Find an hour with Bob next week, not before ten, called Kick-off, and put it in my calendar"
    run, events, shown = await asked(world, tmp_path, monkeypatch, question)
    assert any(isinstance(one, ApprovalNeeded) for one in events)
    entered = [one for one in world.events() if one.title == "Kick-off"]
    assert [one.begins for one in entered] == [(MONDAY + timedelta(days=1)).replace(hour=10)]
    assert [one.outcome for one in run.steps][-1] == "confirmed"
    assert "Not invited, as no one mail address is known: Bob." in run.chosen.text
    assert SECRET not in " ".join([run.chosen.text, *map(encode, events), *shown])


async def test_without_a_yes_nothing_is_entered(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy_world(world)
    question = "Find an hour with Bob next week, called Kick-off, and put it in my calendar"
    run, _, _ = await asked(world, tmp_path, monkeypatch, question, approve=False)
    assert "Understood:" in run.chosen.text
    assert not [one for one in world.events() if one.title == "Kick-off"]


async def test_an_entry_that_was_not_approved_at_once_is_made_later(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy_world(world)
    question = "Find an hour with Bob next week, not before ten, called Kick-off, and put it in my calendar"
    run, _, _ = await asked(world, tmp_path, monkeypatch, question, waits=False)
    assert "10:00–11:00" in run.partial and "approvals approve" in run.partial
    async with office(tmp_path, *world.tools.values()) as desk:
        Approvals(desk.database).answer(Approvals(desk.database).list()[0].id, approved=True)
        claim = Journal(desk.database).claim(run.journalled, desk.worker.id)
        later = desk.start(question, lambda request: "Model prose.")
        ready = desk.desk(request={"skill": arranging.SKILL})
        async with equipped(ready, later, Settings(sync_minutes=0), NOW) as again:
            session = await go_on(later, again, claim, tuple(again.tools), ())
        await session.end("done")
        assert later.chosen is not None
        assert "10:00–11:00" in later.chosen.text and "Model prose" not in later.chosen.text
    assert [one.title for one in world.events() if one.title == "Kick-off"] == ["Kick-off"]


async def test_who_is_no_longer_free_after_the_approval_is_told_and_another_time_is_asked_for(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy_world(world)
    question = "Find an hour with Bob next week, not before ten, called Kick-off, and put it in my calendar"
    taken = (MONDAY + timedelta(days=1)).replace(hour=10)

    def filled() -> None:
        world.server.put("/bob/work/late.ics", vcalendar(vevent("late", taken, summary=SECRET)), user="bob")

    monkeypatch.setattr("pierian.skills.arranging.calendars.open_sealer", lambda: world.sealer)
    monkeypatch.setattr("pierian.skills.arranging.entering.RECHECK", timedelta(0))
    run, _, _ = await asked(world, tmp_path, monkeypatch, question, sync_minutes=10, before_answer=filled)
    assert "Planned again: No longer free on 01 Dec at 10:00: Bob." in run.chosen.text
    entered = [one.begins for one in world.events() if one.title == "Kick-off"]
    assert entered == [taken + timedelta(hours=1)]
    assert SECRET not in run.chosen.text


async def test_the_age_of_a_copy_that_could_not_be_refreshed_is_told(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy_world(world)
    long_ago = Accounts(world.database, clock=lambda: datetime.now(BERLIN) - timedelta(days=3))
    long_ago.note(long_ago.get("bob"), synced=True)
    run, _, _ = await asked(world, tmp_path, monkeypatch, "Find an hour with Bob next week, not before ten")
    assert "What is known of bob is from" in run.chosen.text


async def test_the_coming_days_go_on_into_the_new_year() -> None:
    read = await extract(
        "Find an hour with Ann, not before ten.", None, now=datetime(2026, 12, 30, 9, tzinfo=BERLIN)
    )
    line, horizon = read.problem.timeline, read.problem.horizon
    assert (line.day(horizon.begins), line.day(horizon.ends - 1)) == (date(2026, 12, 30), date(2027, 1, 5))


@pytest.mark.parametrize(
    ("request_", "sure"),
    [
        ("Find an hour with Bob next week, not before ten", True),
        ("Find an hour with Bob next week, called Kick-off", True),
        ("Find time for Bob and me next week", True),
        ("Find an hour with Bob next week, not on Mondays", False),
        ("Find an hour with Bob on Monday or Tuesday, I can't do mornings", False),
        ("Find an hour with Bob before 10 December", False),
        ("Find an hour with Bob at 8pm London time", False),
        ("Find an hour with Bob between Tuesday and Thursday", False),
    ],
)
def test_a_limit_that_is_not_read_is_left_to_the_planner(request_: str, sure: bool) -> None:
    assert is_sure(request_) is sure
