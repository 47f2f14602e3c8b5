"""`pierian trip`: trips that were planned, shown again, as JSON, as a calendar file or as a page with a timeline.

Planning one is asked for in words: `pierian ask "Plan three days in Lisbon …"`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pierian.cli.keys import AsJson, print_json
from pierian.cli.storing import opened_storage
from pierian.cli.text import printable
from pierian.exceptions import UserError

if TYPE_CHECKING:
    from pierian.skills.travel import Trip

app = typer.Typer(no_args_is_help=True, help="Planned trips: show them, as a calendar file or a page too.")

Run = Annotated[
    str | None, typer.Argument(metavar="RUN", help="The run that planned it; default: the last trip.")
]


@app.command("show")
def show(
    run: Run = None,
    as_json: AsJson = False,
    ics: Annotated[Path | None, typer.Option("--ics", help="Write it as a calendar file.")] = None,
    page: Annotated[Path | None, typer.Option("--page", help="Write it as a page with a timeline.")] = None,
) -> None:
    """Show a trip as it was planned last in a run."""
    trip, told = _trip_of(run)
    if ics is not None:
        from pierian.skills.travel.calendar_file import calendar_text
        from pierian.storage.ids import utc_now

        _write(ics, calendar_text(trip, utc_now()))
    if page is not None:
        from pierian.skills.travel.page import page_of

        _write(page, page_of(trip))
    if as_json:
        import msgspec

        print_json(msgspec.to_builtins(trip))
    elif ics is None and page is None:
        from rich.console import Console
        from rich.markdown import Markdown

        Console(highlight=False).print(Markdown(printable(told), hyperlinks=False))


def _trip_of(run: str | None) -> tuple[Trip, str]:
    """The last trip that a run planned, and its words."""
    from pierian.events import PlanMade, StepFinished
    from pierian.runs import Journal
    from pierian.skills.travel.tools import PLAN, trip_in

    journal = Journal(opened_storage())
    runs = [journal.get(run)] if run is not None else journal.list(100)
    for one in runs:
        if one.request.get("skill") != "trip":
            continue
        steps, value = set[str](), None
        for _, event in journal.events(one.id):
            if isinstance(event, PlanMade):
                steps |= {str(step["id"]) for step in event.steps if step.get("tool") == PLAN}
            elif isinstance(event, StepFinished) and event.step in steps:
                value = event.value
        if value is not None:
            return trip_in(value), str(value["told"])
    raise UserError(
        "No trip was planned in that run." if run is not None else "No trip was planned yet.",
        hint='pierian ask "Plan three days in Lisbon in the second week of December"',
    )


def _write(file: Path, text: str) -> None:
    from pierian.config import write_private

    write_private(file, text)
    typer.echo(f"Written: {file}", err=True)
