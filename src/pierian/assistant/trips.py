"""Trips that are planned in a run: told by their words, planned by the skill's own planner, journalled too.

A skill's plan needs the model seldom or never, so the model is opened when it is asked first. The record of such a
run names the skill; whoever goes on with it gets the same tools and planner (`equipped`).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from msgspec import structs

from pierian.assistant.arranging import SKILL, ready_again
from pierian.assistant.request import AskRequest, without_password
from pierian.assistant.resources import Resources
from pierian.budget import Ledger
from pierian.config import Settings
from pierian.events import Event
from pierian.models.client import Endpoint, StreamItem
from pierian.models.model import Model
from pierian.models.profiles import profile_for
from pierian.models.wire import Request
from pierian.reasoning import Question, Run
from pierian.sandbox import Sandbox
from pierian.skills.travel.words import is_about_a_trip

if TYPE_CHECKING:
    from pierian.agents import Desk, Entity, Session
    from pierian.runs import RunRecord


class Work(Protocol):
    """A run in the making."""

    run: Run | None
    session: Session | None


class LateModel(Model):
    """A model that is opened when it is asked first."""

    def __init__(self, settings: Settings, opened: Callable[[], Awaitable[Model]]) -> None:
        # Deliberately without Model.__init__: there is no client before it is opened.
        self.name = settings.model
        self.profile = profile_for(settings.model)
        self.slots = 1
        self._opened = opened
        self._hosted = bool(settings.base_url)

    @property
    def embedded(self) -> bool:
        """Whether it will run in our own engine."""
        return not self._hosted

    @property
    def endpoint(self) -> Endpoint:
        """Nowhere before it is opened."""
        return Endpoint("", self.name, embedded=self.embedded)

    async def stream(self, request: Request, *, model: str = "") -> AsyncGenerator[StreamItem]:
        """See `Model`."""
        async with contextlib.aclosing((await self._opened()).stream(request, model=model)) as items:
            async for item in items:
                yield item

    async def recover(self, error: Any) -> str:
        """See `Model`."""
        return await (await self._opened()).recover(error)


def skill_for(request: AskRequest) -> str:
    """The skill that a new request asks for; empty where it is none's."""
    free = request.tools is None or "trip" in request.tools
    if not free or request.offered or request.called or request.images or request.schema is not None:
        return ""
    return "trip" if is_about_a_trip(request.question) else ""


async def carry_out(
    resources: Resources,
    work: Work,
    request: AskRequest,
    question: Question,
    ledger: Ledger,
    emit: Callable[[Event], None],
) -> bool:
    """Carry a request out where it asks for a skill, or resumes such a run; False where it does not."""
    record = await _record(resources, request) if request.resumes else None
    kept = await _kept(resources, request) if record is None else record.request
    if not kept.get("skill"):
        return False
    from pierian.agents import act, go_on, local_now, open_desk
    from pierian.runs import Journal

    settings, database, worker = resources.settings, await resources.database(), await resources.worker()
    now = local_now() if record is None else record.created_at.astimezone()
    async with Sandbox() as sandbox:
        run = Run(
            LateModel(settings, lambda: _opened(resources, emit)),
            sandbox,
            ledger,
            question,
            emit,
            seed=request.seed,
        )
        work.run = run
        async with open_desk(settings, kept["tools"], sandbox, database, worker, request.owner) as opened:
            desk = structs.replace(opened, waits=request.waits, request=dict(kept), author=request.author)
            async with equipped(desk, run, settings, now) as ready:
                if record is None:
                    entities = await _entities(ready, run)
                    work.session = await act(run, ready, tuple(ready.tools), entities, request.writer)
                else:
                    journal = Journal(database, request.owner)
                    claim = await asyncio.to_thread(journal.claim, record.id, worker.id)
                    work.session = await go_on(run, ready, claim, tuple(ready.tools), ())
    run.took = str(kept["skill"])
    return work.session is not None


async def _entities(desk: Desk, run: Run) -> Sequence[Entity]:
    """What the skill's planner reads out of the request, for its plan to name."""
    from pierian.reasoning.payment import payment_of
    from pierian.skills.travel import TripPlanner

    assert isinstance(desk.planner, TripPlanner)
    return await desk.planner.read(run.question.text, payment_of(run))


async def _opened(resources: Resources, emit: Callable[[Event], None]) -> Model:
    return (await resources.open(emit))[0]


async def _record(resources: Resources, request: AskRequest) -> RunRecord:
    from pierian.runs import Journal

    journal = Journal(await resources.database(), request.owner)
    return await asyncio.to_thread(journal.get, request.resumes)


async def _kept(resources: Resources, request: AskRequest) -> dict[str, Any]:
    """What is kept with a new run for going on with it; empty where no skill is asked for."""
    if not (skill := skill_for(request)):
        return {}
    from pierian.agents.account_tools import group_of

    settings, database = resources.settings, await resources.database()
    calendars = await asyncio.to_thread(group_of, "calendar", database, request.owner)
    return {
        "tools": ["calendar"] if calendars else [],
        "skill": skill,
        "model": settings.model,
        "base_url": without_password(settings.base_url),
        "author": request.author,
        "budget_tokens": request.budget_tokens or settings.budget_tokens,
        "budget_seconds": request.budget_seconds or settings.budget_seconds,
    }


@contextlib.asynccontextmanager
async def equipped(desk: Desk, run: Run, settings: Settings, now: datetime) -> AsyncGenerator[Desk]:
    """The desk with the tools and the planner of the skill that its record names; as it is where it names none."""
    kept: Mapping[str, Any] = desk.request
    if kept.get("skill") == SKILL:
        from pierian.accounts.zones import local_zone

        yield await asyncio.to_thread(ready_again, desk, run, settings, now.astimezone(local_zone()))
        return
    if kept.get("skill") != "trip":
        yield desk
        return
    from pierian.skills.travel.workplace import open_trip

    async with open_trip(desk, run, settings, now) as ready:
        yield ready
