"""`pierian schedules`: a day brief or a question at times that the user sets.

`pierian serve` carries them out while it runs; for those without a server `pierian schedules run` does, once for what
is due (from cron, say) or until it is stopped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pierian.cli.ask import ModeOption, ToolsOption, mode_name, tool_names
from pierian.cli.keys import AsJson, print_json
from pierian.cli.storing import opened_storage
from pierian.cli.text import printable
from pierian.exceptions import UserError

if TYPE_CHECKING:
    from datetime import datetime

    from pierian.schedules import Schedule, Schedules

app = typer.Typer(no_args_is_help=True, help="Briefs and questions at set times: add, list, pause, run.")

Id = Annotated[str, typer.Argument(metavar="ID", help="The schedule's id, or the beginning of it.")]


def opened() -> Schedules:
    """The schedules of this user."""
    from pierian.schedules import Schedules

    return Schedules(opened_storage())


@app.command("add")
def add(
    times: Annotated[
        str, typer.Argument(metavar="TIMES", help='When: "every weekday 7:30", or as cron has it.')
    ],
    task: Annotated[str, typer.Argument(metavar="brief|ask", help="The day brief, or a question.")],
    question: Annotated[str | None, typer.Argument(help="What to ask.")] = None,
    zone: Annotated[
        str | None, typer.Option("--zone", help="Time zone, such as Europe/Berlin; default: this machine's.")
    ] = None,
    mode: ModeOption = None,
    tools: ToolsOption = None,
) -> None:
    """Do something at set times, such as `add "every weekday 7:30" brief`."""
    from pierian.accounts.zones import local_zone
    from pierian.assistant import checked_question
    from pierian.reasoning.mode import Mode
    from pierian.schedules import Question

    if task not in ("brief", "ask"):
        raise UserError(
            f"{task!r} cannot be scheduled.", hint='Choose brief, or ask with a question: ask "…"'
        )
    asked = None
    if task == "ask":
        chosen = Mode.named(mode_name(mode) or "auto").value
        asked = Question(text=checked_question(question or ""), mode=chosen, tools=tool_names(tools))
    elif question is not None or mode is not None or tools is not None:
        raise UserError("A brief asks nothing.", hint='For a question: pierian schedules add TIMES ask "…"')
    made = opened().add(times, zone or str(local_zone()), "brief" if task == "brief" else "ask", asked)
    typer.echo(f"{made.short_id}  {_what(made)}")
    typer.echo(f"{_when(made)}. The first time: {_moment(made.next_at, made.zone)}.")
    typer.echo("`pierian serve` carries it out while it runs; without it, `pierian schedules run` does.")


@app.command("list")
def list_command(as_json: AsJson = False) -> None:
    """List schedules, the oldest first."""
    found = opened().list()
    if as_json:
        import msgspec

        print_json([msgspec.to_builtins(one) for one in found])
        return
    if not found:
        typer.echo(
            'There are no schedules yet. For example: pierian schedules add "every weekday 7:30" brief'
        )
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("id", "what", "when", "next", "last"):
        table.add_column(name, no_wrap=name in ("id", "next", "last"))
    for one in found:
        coming = "paused" if one.paused else _moment(one.next_at, one.zone)
        table.add_row(
            one.short_id,
            Text(_what(one)),
            Text(printable(one.said)),
            Text(coming, style="yellow" if one.paused else "default"),
            _moment(one.begun_at, one.zone) if one.begun_at else "–",
        )
    Console(highlight=False).print(table)


@app.command("show")
def show(schedule: Id, as_json: AsJson = False) -> None:
    """Show a schedule: when it comes, and what came of it last."""
    found = opened()
    one = found.get(schedule)
    if as_json:
        import msgspec

        print_json(msgspec.to_builtins(one))
        return
    typer.echo(f"{one.short_id}  {_what(one)}")
    typer.echo(f"{_when(one)}.")
    typer.echo("It is paused." if one.paused else f"Next: {_moment(one.next_at, one.zone)}.")
    if one.begun_at is None:
        return
    typer.echo(f"Last: {_moment(one.begun_at, one.zone)}, due {_moment(one.due_at, one.zone)}.")
    from pierian.runs import Journal

    try:
        state = Journal(found.database).state(one.last_run)
    except UserError:
        state = "deleted"
    typer.echo(f"Its run {one.last_run} is {state}.")
    if one.conversation_id:
        typer.echo(f"Its answers: pierian conversations show {one.conversation_id[:12]}")


@app.command("pause")
def pause(schedule: Id) -> None:
    """Do it no more until it is resumed."""
    typer.echo(f"Paused: {_what(opened().pause(schedule))}")


@app.command("resume")
def resume(schedule: Id) -> None:
    """Do it again from now on; what fell into the pause is not caught up."""
    one = opened().resume(schedule)
    typer.echo(f"Resumed: {_what(one)}. Next: {_moment(one.next_at, one.zone)}.")


@app.command("remove")
def remove(schedule: Id) -> None:
    """Forget a schedule; what it has answered stays."""
    typer.echo(f"Removed: {_what(opened().remove(schedule))}")


@app.command("run")
def run(
    schedule: Annotated[
        str | None, typer.Argument(metavar="ID", help="One schedule, now; without it what is due.")
    ] = None,
    wait: Annotated[
        bool, typer.Option("--wait", help="Stay, and do each at its time. Ctrl-C ends it.")
    ] = False,
) -> int:
    """Carry out what is due and was missed, each once, or one schedule right now."""
    import asyncio

    from pierian.cli.exit_codes import STOPPED
    from pierian.cli.scheduled import carry_out

    if wait and schedule is not None:
        raise UserError("--wait waits for all schedules.", hint="Leave out the id, or --wait.")
    one = opened().get(schedule) if schedule is not None else None
    try:
        return asyncio.run(carry_out(one, wait=wait))
    except (asyncio.CancelledError, KeyboardInterrupt):
        return STOPPED


def _what(one: Schedule) -> str:
    if one.task == "brief":
        return "brief"
    text = " ".join(printable(one.question.text).split())
    return f"ask: {text if len(text) <= 60 else f'{text[:59]}…'}"


def _when(one: Schedule) -> str:
    from pierian.schedules.times import in_words

    return f"{in_words(one.times)} ({one.zone})"


def _moment(moment: datetime | None, zone: str) -> str:
    from zoneinfo import ZoneInfo

    return "never again" if moment is None else f"{moment.astimezone(ZoneInfo(zone)):%a %Y-%m-%d %H:%M}"
