"""`pierian stop --all`: end everything that runs."""

from __future__ import annotations

from typing import Annotated

import typer

from pierian.exceptions import UserError


def stop(
    everything: Annotated[
        bool, typer.Option("--all", help="End all runs and the engine, in every terminal.")
    ] = False,
) -> None:
    """End all answers in progress and unload the model."""
    import asyncio

    from pierian.config import paths
    from pierian.models.lease import running_engines
    from pierian.runs.stopping import stop_all

    if not everything:
        raise UserError("Nothing was stopped.", hint="`pierian stop --all` ends everything that runs.")
    state = paths().state
    stop_all(state)
    engines = asyncio.run(running_engines(state, stop=True))
    count = len(engines or [])
    what = f"{count} engine{'s' if count != 1 else ''} ended" if count else "no engine was loaded"
    typer.echo(f"Stopped: all runs were told to end; {what}.")
