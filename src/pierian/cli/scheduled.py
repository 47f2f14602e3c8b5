"""Carries schedules out in this process, for `pierian schedules run`: begun as the server begins them, answered here.

A running server may take a run first; then it is named and left to it.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from typing import TYPE_CHECKING

import typer

from pierian.cli.exit_codes import ANSWERED, FAILED
from pierian.cli.text import printable
from pierian.exceptions import PierianError, RunLost, UserError

if TYPE_CHECKING:
    from pierian.assistant import Assistant
    from pierian.runs import Claim, RunRecord, Workers
    from pierian.schedules import Schedule
    from pierian.storage import Database

LOOK_SECONDS = 5.0


async def carry_out(schedule: Schedule | None, *, wait: bool) -> int:
    """One schedule now, or all that are due; with `wait` also those that come, until it is cancelled."""
    from pierian.assistant import Assistant
    from pierian.config import load, paths
    from pierian.runs import Workers
    from pierian.runs.stopping import stopped
    from pierian.schedules import begin, begin_due
    from pierian.storage.ids import utc_now

    settings, worst = load(), ANSWERED
    async with Assistant(settings) as assistant:
        database = await assistant.database()
        watcher = Workers(database)
        stop_all = asyncio.create_task(stopped(paths().state))
        if wait:
            typer.echo("Waiting for schedules. Ctrl-C ends it.")
        while True:
            if schedule is not None:
                runs = [(await asyncio.to_thread(begin, database, settings, schedule, utc_now()), None)]
            else:
                left = await asyncio.to_thread(_left_over, database, watcher)
                begun = await asyncio.to_thread(begin_due, database, settings, utc_now(), owner="local")
                runs = [*left, *((run, None) for run in begun)]
            for run, by in runs:
                worst = max(worst, await _one(assistant, run, instead_of=by))
            if not runs and not wait:
                typer.echo("Nothing is due.")
            if not wait:
                return worst
            await asyncio.wait({stop_all}, timeout=LOOK_SECONDS)
            if stop_all.done():
                return worst


def _left_over(database: Database, watcher: Workers) -> list[tuple[str, str | None]]:
    """Runs that were begun before, and left by a process that is gone, or whose approvals were answered."""
    from pierian.schedules import Schedules

    return Schedules(database).left_over(watcher.dead())


async def _one(assistant: Assistant, run: str, *, instead_of: str | None = None) -> int:
    """Carry one run out, and print what came of it."""
    from pierian.runs import Journal
    from pierian.runs.finishing import answer_of, finish
    from pierian.schedules import brief_run, is_brief

    database, worker = await assistant.database(), await assistant.worker()
    journal = Journal(database)
    record = await asyncio.to_thread(journal.get, run)
    try:
        claim = await asyncio.to_thread(journal.claim, run, worker.id, instead_of=instead_of)
        if is_brief(record):
            await asyncio.to_thread(brief_run, database, record, claim)
        else:
            await _answered(assistant, record, claim)
            await asyncio.to_thread(finish, database, run)
    except (UserError, RunLost):
        typer.echo(f"The run {run} is carried out by a server: pierian runs watch {run}")
        return ANSWERED
    events = [event for _, event in await asyncio.to_thread(journal.events, run)]
    answer = answer_of(events)
    if answer is not None:
        from pierian.cli.ask import exit_code

        _print(answer.text)
        if answer.receipt.cut_short:
            typer.echo(printable(answer.receipt.cut_short), err=True)
        return exit_code(answer)
    from pierian.events import RunFailed

    for failed in (event for event in events if isinstance(event, RunFailed)):
        typer.echo(f"{printable(failed.reason)} {printable(failed.hint)}".strip(), err=True)
    return FAILED


def _print(text: str) -> None:
    if not sys.stdout.isatty():
        typer.echo(printable(text))
        return
    from rich.console import Console
    from rich.markdown import Markdown

    Console(highlight=False).print(Markdown(printable(text), hyperlinks=False))


async def _answered(assistant: Assistant, record: RunRecord, claim: Claim) -> None:
    """Answer the question of a run, as the server would."""
    from pierian.assistant import AskRequest
    from pierian.assistant.journalled import Told, journalled
    from pierian.reasoning.mode import Mode
    from pierian.runs import Journal, JournalWriter

    kept = record.request
    writer = JournalWriter(Journal(await assistant.database()), claim)
    request = AskRequest(
        question=record.question,
        mode=Mode.named(str(kept["mode"])),
        tools=tuple(kept["tools"]),
        instructions=kept["instructions"],
        budget_tokens=kept["budget_tokens"],
        budget_seconds=kept["budget_seconds"],
        writer=writer,
    )

    def told(error: PierianError) -> Told:
        return str(error), error.hint

    async with contextlib.aclosing(assistant.stream(request)) as events:
        await journalled(events, writer, told=told)
