"""`pierian runs`: planned work in the journal: list, show, watch, go on with it, end it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pierian.cli.exit_codes import STOPPED
from pierian.cli.storing import opened_storage
from pierian.cli.text import printable

if TYPE_CHECKING:
    from pierian.runs import Journal, RunRecord

app = typer.Typer(no_args_is_help=True, help="Planned work: list, show, watch, resume and cancel runs.")

Id = Annotated[str, typer.Argument(metavar="ID", help="The run's id, or the beginning of it.")]


def opened() -> Journal:
    """The journal of this user."""
    from pierian.runs import Journal

    return Journal(opened_storage())


@app.command("list")
def list_command(
    limit: Annotated[int, typer.Option(min=1, help="How many to list.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List runs, the newest first."""
    found = opened().list(limit)
    if as_json:
        import msgspec

        typer.echo(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
        return
    if not found:
        typer.echo(
            "There are no runs yet. A question with tools makes one: pierian ask --tools clock,calculator …"
        )
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("id", "state", "started", "question"):
        table.add_column(name, no_wrap=name != "question")
    for one in found:
        started = one.created_at.astimezone().strftime("%Y-%m-%d %H:%M")
        table.add_row(one.id, one.state, started, Text(_title(one)))
    Console(highlight=False).print(table)


@app.command("show")
def show(
    run: Id,
    events: Annotated[bool, typer.Option("--events", help="Print every event as a line of JSON.")] = False,
) -> None:
    """Show one run: its plan, what each step came to, its answer."""
    from pierian.events import AnswerReady, encode

    journal = opened()
    one = journal.get(run)
    if events:
        for _, event in journal.events(one.id):
            typer.echo(encode(event))
        return
    from rich.console import Console
    from rich.markdown import Markdown

    from pierian.cli.plan_tree import PlanTree
    from pierian.cli.receipt import receipt_lines

    console = Console(highlight=False)
    console.print(f"{one.id} · {one.state} · {_title(one)}", markup=False)
    tree, answer = PlanTree(console), None
    for _, event in journal.events(one.id):
        if isinstance(event, AnswerReady):
            answer = event.answer
        else:
            tree.show(event)
    tree.stop()
    if answer is not None:
        console.print(Markdown(printable(answer.text), hyperlinks=False))
        for line in receipt_lines(answer.receipt):
            console.print(line)


@app.command("watch")
def watch(run: Id) -> None:
    """Show what a run does, as it does it, until it ends or waits. Ctrl-C leaves it running."""
    import time

    from rich.console import Console

    from pierian.cli.plan_tree import PlanTree

    journal = opened()
    one, console, position = journal.get(run), Console(highlight=False), -1
    tree = PlanTree(console)
    try:
        while True:
            one = journal.get(one.id)
            for at, event in journal.events(one.id, after=position):
                tree.show(event)
                position = at
            if one.state != "running":
                break
            time.sleep(0.3)
    finally:
        tree.stop()
    console.print(f"The run is {one.state}.", markup=False)


@app.command("resume")
def resume(run: Id) -> int:
    """Go on with a run that was stopped, crashed or waited for an approval."""
    import asyncio
    import sys

    from pierian.assistant import AskRequest, Assistant, without_password
    from pierian.cli.ask import answer_on, exit_code
    from pierian.config import load
    from pierian.events import Answer

    journal = opened()
    one = journal.get(run)
    release_dead(journal, one)
    kept = one.request
    settings = load(model=kept.get("model"))
    if (address := kept.get("base_url") or "") != without_password(settings.base_url):
        settings = load(model=kept.get("model"), base_url=address)
    request = AskRequest(
        question=one.question,
        tools=tuple(kept.get("tools", ())),
        resumes=one.id,
        author=kept.get("author", ""),
        budget_tokens=left_of(kept.get("budget_tokens"), journal, one),
        budget_seconds=kept.get("budget_seconds"),
        waits=sys.stdin.isatty() and sys.stdout.isatty(),
    )

    async def main() -> Answer:
        from pierian.cli.terminal import face_for

        async with Assistant(settings) as assistant:
            return await answer_on(face_for(), assistant, request)

    try:
        return exit_code(asyncio.run(main()))
    except asyncio.CancelledError:
        return STOPPED


def left_of(budget: int | None, journal: Journal, one: RunRecord) -> int | None:
    """The tokens that a run has left of its budget; at least one, so that the run says what is missing."""
    return None if budget is None else max(1, budget - journal.tokens_used(one.id))


def release_dead(journal: Journal, one: RunRecord) -> None:
    """Take a run from the worker that died with it; one that lives keeps it."""
    import time

    from pierian.runs import Workers
    from pierian.runs.workers import DEAD_SECONDS

    if one.state != "running" or one.worker is None:
        return
    watcher, ends = Workers(journal.database), time.monotonic() + DEAD_SECONDS + 2
    while time.monotonic() < ends:
        if one.worker in watcher.dead() or not watcher.knows(one.worker):
            journal.abandon(one.id, one.worker)
            watcher.forget(one.worker)
            return
        time.sleep(0.5)


@app.command("cancel")
def cancel(run: Id) -> None:
    """End a run for good. What it did already stays done."""
    typer.echo(f"The run {opened().cancel(run).id} is cancelled.")


@app.command("delete")
def delete(run: Id) -> None:
    """Delete a run that has ended, with everything that its journal keeps."""
    journal = opened()
    journal.delete(run)
    journal.database.scrub()
    typer.echo("Deleted.")


def _title(one: RunRecord) -> str:
    text = " ".join(printable(one.question).split())
    return text if len(text) <= 80 else f"{text[:79]}…"
