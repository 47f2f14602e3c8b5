"""Requests to find a time, an order or a route, told by their words; what cannot be read goes the usual way."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import date, datetime, timedelta
from importlib.util import find_spec
from typing import TYPE_CHECKING, Protocol, cast

from msgspec import structs

from pierian.assistant.request import AskRequest
from pierian.assistant.resources import Resources
from pierian.events import Check, Routed, Token
from pierian.reasoning import Run
from pierian.reasoning.payment import payment_of
from pierian.reasoning.run import Draft
from pierian.reasoning.values import FinalValue
from pierian.skills.arranging.words import is_about_arranging, is_sure, tells_all, wants_entry

if TYPE_CHECKING:
    from pierian.agents import Desk, Session
    from pierian.config import Settings
    from pierian.skills.arranging import Arranged, Calendars
    from pierian.storage import Database


class Work(Protocol):
    """A run in the making."""

    session: Session | None


SKILL = "arranging"
"""Under which a run's record says that it is one."""
DeskOf = Callable[[tuple[str, ...], AskRequest], Awaitable["Desk"]]


async def arrange(resources: Resources, desk_of: DeskOf, work: Work, request: AskRequest, run: Run) -> bool:
    """Answer a request to find a time, an order or a route; False where it is none, or cannot be read as one."""
    taken = (
        request.offered or request.called or request.schema is not None or request.resumes or request.author
    )
    if (
        taken
        or request.tools == ()
        or not (is_about_arranging(request.question) and is_sure(request.question))
        or find_spec("ortools") is None
    ):
        return False
    from pierian.planning.judging import ModelJudge
    from pierian.skills.arranging import arranged

    now = _local_now()
    opened = await resources.database()
    calendars = await asyncio.to_thread(_calendars, opened, request.owner, now, resources.settings)
    if calendars is None and not tells_all(request.question):
        return False  # nobody's times are known
    judge = ModelJudge(run.model, payment_of(run))
    made = await arranged(
        request.question, judge, now=now, calendars=calendars, dates=_dates(request.question, now)
    )
    if made is None:
        return False
    run.emit(Routed("arranging", "solved and checked by code"))
    if made.found is not None and calendars is not None and wants_entry(request.question):
        await _entered(desk_of, work, request, run, made, calendars, now)
    if work.session is None:
        run.emit(Token(0, made.text, "answer"))
        run.chosen = Draft(0, "solved by code", made.text, FinalValue(), 0.0, 0)
    if made.checked:
        run.checks.append(Check("plan", "passed", made.checked))
    run.took = "arranging"
    return True


async def _entered(
    desk_of: DeskOf,
    work: Work,
    request: AskRequest,
    run: Run,
    made: Arranged,
    calendars: Calendars,
    now: datetime,
) -> None:
    """Enter what was found into the calendar, after approval, by the runner of plans."""
    from pierian.agents import act

    desk = await desk_of(("calendar",), request)
    desk = structs.replace(desk, request={**desk.request, "skill": SKILL})
    desk = _ready(desk, run, made, calendars, now)
    work.session = await act(run, desk, tuple(desk.tools), (), request.writer)


def ready_again(desk: Desk, run: Run, settings: Settings, now: datetime) -> Desk:
    """The desk of a run that is gone on with: the same tools and planner; `now` is when it was asked."""
    from pierian.skills.arranging.calendars import Calendars
    from pierian.skills.calendars import people_setting

    found = _calendars(desk.database, desk.owner, now, settings)
    if found is None:  # unlinked since; nobody can be looked at, and nothing be written
        from pierian.accounts import Accounts

        found = Calendars(Accounts(desk.database, desk.owner), now, people_setting(settings.people))
    return _ready(desk, run, None, found, now)


def _ready(desk: Desk, run: Run, made: Arranged | None, calendars: Calendars, now: datetime) -> Desk:
    from pierian.planning.judging import ModelJudge
    from pierian.skills.arranging import ArrangingPlanner, arranged, finding, looking_again

    async def again() -> Arranged | None:
        question = run.question.text
        judge = ModelJudge(run.model, payment_of(run))
        return await arranged(question, judge, now=now, calendars=calendars, dates=_dates(question, now))

    tools = {**desk.tools, "arrange_find": finding(made, again, calendars)}
    if (create := tools.get("calendar_create")) is not None:
        tools[create.name] = looking_again(create, calendars)
    planner = ArrangingPlanner(invites=bool(made and made.found and made.found.people))
    return structs.replace(desk, tools=tools, planner=planner)


def _calendars(database: Database, owner: str, now: datetime, settings: Settings) -> Calendars | None:
    """The connected calendars; None where there are none."""
    from pierian.accounts import Accounts

    accounts = Accounts(database, owner)
    if not accounts.list():
        return None  # also where the packages that accounts need are not installed
    from pierian.skills.arranging.calendars import Calendars
    from pierian.skills.calendars import people_setting

    called = people_setting(settings.people)
    found = Calendars(accounts, now, called, syncs=bool(settings.sync_minutes))
    return found if found.any else None


def _local_now() -> datetime:
    from pierian.accounts.zones import local_zone
    from pierian.agents import local_now

    return local_now().astimezone(local_zone())


def _dates(question: str, now: datetime) -> tuple[date, date] | None:
    """The first and the last day that a request names; None where it names none but weekdays."""
    from pierian.agents import find_entities

    days: list[date] = []
    for one in find_entities(question, now=now):
        if one.kind not in ("date", "range") or not one.text:
            continue
        parts = cast("dict[str, str]", one.value).values() if one.kind == "range" else [one.value]
        for part in parts:
            with contextlib.suppress(ValueError):
                days.append(date.fromisoformat(str(part)[:10]))
    if not days:
        return None
    first, last = min(days), max(days)
    return (first, last) if last - first <= timedelta(days=60) else None
