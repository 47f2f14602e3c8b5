"""Desks: where planned work is done, with the tools that a request may use; and the runs that others left lying."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Callable

from msgspec import structs

from pierian.agents import Desk, open_desk, serve_runs
from pierian.agents.account_tools import of_accounts, tools_of
from pierian.assistant.request import AskRequest, without_password
from pierian.assistant.resources import Resources
from pierian.assistant.trips import equipped
from pierian.budget import Ledger, Limits
from pierian.config import paths
from pierian.events import Answer
from pierian.reasoning import Mode, Run, classify, finished
from pierian.runs import RunRecord
from pierian.runs.stopping import stopped


class Desks:
    """The tools that were opened, by their names; they are kept while the assistant lives."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._opened: dict[tuple[str, ...], Desk] = {}

    async def desk(self, names: tuple[str, ...], request: AskRequest) -> Desk:
        """The tools of these names, the journal, and this process as a worker."""
        resources, settings = self._resources, self._resources.settings
        opened = await resources.database()
        lasting = tuple(name for name in names if not of_accounts(name))
        linked = [name for name in names if of_accounts(name)]
        if lasting not in self._opened:
            _, sandbox = await resources.open(lambda event: None)
            self._opened[lasting] = await resources.kept.enter_async_context(
                open_desk(settings, lasting, sandbox, opened, await resources.worker())
            )
        mine = await asyncio.to_thread(tools_of, linked, opened, request.owner, settings)
        kept = {
            "tools": list(names),
            "model": settings.model,
            "base_url": without_password(settings.base_url),
            "author": request.author,
            "budget_tokens": request.budget_tokens or settings.budget_tokens,
            "budget_seconds": request.budget_seconds or settings.budget_seconds,
        }
        return structs.replace(
            self._opened[lasting],
            tools={**self._opened[lasting].tools, **mine},
            waits=request.waits,
            request=kept,
            author=request.author,
            owner=request.owner,
        )


async def carry_on_runs(
    resources: Resources, failed: Callable[[str, Exception], None], *, at_once: int = 4
) -> None:
    """Go on with what other processes left lying, until cancelled: runs of workers that died, and runs whose
    approvals were answered. `failed` is told of each that cannot be carried on."""
    settings = resources.settings
    mode, database, worker = (
        Mode(settings.mode),
        await resources.database(),
        await resources.worker(),
    )
    _, sandbox = await resources.open(lambda event: None)

    @contextlib.asynccontextmanager
    async def desk_for(record: RunRecord) -> AsyncGenerator[tuple[Run, Desk]]:
        limits = Limits(settings.budget_tokens, settings.budget_seconds)
        ledger = Ledger(limits, daily=await resources.usage(mode) if resources.capped() else None)
        run = await resources.begin(classify(record.question), ledger, lambda event: None)
        names, author = tuple(record.request.get("tools", ())), str(record.request.get("author", ""))
        try:
            async with open_desk(settings, names, sandbox, database, worker, record.owner) as desk:
                known = structs.replace(desk, request=record.request, author=author)
                async with equipped(known, run, settings, record.created_at.astimezone()) as ready:
                    yield run, ready
        finally:
            if not resources.capped():
                await resources.record(mode, run)

    def takes(record: RunRecord) -> bool:
        asked = (record.request.get("model"), record.request.get("base_url"))
        return asked == (settings.model, without_password(settings.base_url))

    def answer_of(run: Run) -> Answer:
        return finished(run, mode, time.monotonic() - run.ledger.seconds_used())

    await serve_runs(
        desk_for,
        answer_of,
        database,
        worker,
        failed=failed,
        takes=takes,
        stopped=lambda: stopped(paths().state),
        at_once=at_once,
    )
