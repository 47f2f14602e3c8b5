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
    from pierian.skills.arranging import Arranged, Calendars
    from pierian.storage import Database


class Work(Protocol):
    """A run in the making."""

    session: Session | None


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
    calendars = await asyncio.to_thread(_calendars, await resources.database(), request.owner, now)
    if calendars is None and not tells_all(request.question):
        return False  # nobody's times are known
    judge = ModelJudge(run.model, payment_of(run))
    made = await arranged(
        request.question, judge, now=now, calendars=calendars, dates=_dates(request.question, now)
    )
    if made is None:
        return False
    run.emit(Routed("arranging", "solved and checked by code"))
    text = made.text
    if made.found is not None and made.found.unknown and wants_entry(request.question):
        text += f"\n\nNot invited, as no one mail address is known: {', '.join(made.found.unknown)}."
    run.emit(Token(0, text, "answer"))
    if made.found is not None and calendars is not None and wants_entry(request.question):
        await _entered(desk_of, work, request, run, made, calendars)
    told = text if run.chosen is None else f"{text}\n\n{run.chosen.text}"
    if run.chosen is None and run.partial:
        run.partial = f"{text}\n\n{run.partial}"
    else:
        run.chosen = Draft(0, "solved by code", told, FinalValue(), 0.0, 0)
    if made.checked:
        run.checks.append(Check("plan", "passed", made.checked))
    run.took = "arranging"
    return True


async def _entered(
    desk_of: DeskOf, work: Work, request: AskRequest, run: Run, made: Arranged, calendars: Calendars
) -> None:
    """Enter what was found into the calendar, after approval, by the runner of plans."""
    from pierian.agents import act
    from pierian.skills.arranging import ArrangingPlanner, finding

    desk = await desk_of(("calendar",), request)
    tool = finding(made, calendars.labels())
    desk = structs.replace(
        desk,
        tools={**desk.tools, tool.name: tool},
        planner=ArrangingPlanner(invites=bool(made.found and made.found.people)),
    )
    work.session = await act(run, desk, tuple(desk.tools), (), request.writer)


def _calendars(database: Database, owner: str, now: datetime) -> Calendars | None:
    """The connected calendars; None where there are none."""
    from pierian.accounts import Accounts

    accounts = Accounts(database, owner)
    if not accounts.list():
        return None  # also where the packages that accounts need are not installed
    from pierian.skills.arranging.calendars import Calendars

    found = Calendars(accounts, now)
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
