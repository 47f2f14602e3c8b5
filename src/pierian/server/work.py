"""`pierian work`: a process that carries out runs and answers no requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pierian.server.required_packages import check_installed

if TYPE_CHECKING:
    from pierian.config import Settings


def work(
    at_once: Annotated[int, typer.Option(min=1, help="Most runs at the same time.")] = 4,
    json_logs: Annotated[bool, typer.Option("--json-logs", help="Log as JSON, one object a line.")] = False,
) -> None:
    """Carry out runs of the API, and go on with what others left: crashed processes, answered approvals.

    Several such workers may serve one database, also on several machines. Ctrl-C ends it; its runs wait for the next.
    """
    check_installed()
    import asyncio

    from pierian.config import load
    from pierian.server.logs import set_up

    set_up(as_json=json_logs)
    asyncio.run(_until_ended(load(), at_once))


async def _until_ended(settings: Settings, at_once: int) -> None:
    import asyncio
    import contextlib
    import signal

    from pierian.server.keeper import Keeper, failed
    from pierian.server.scheduling import scheduling
    from pierian.server.service import Service

    service = Service(settings)
    async with service, Keeper(service, at_once=at_once) as keeper, scheduling(service, keeper):
        planned = asyncio.create_task(service.assistant.carry_on_runs(failed, at_once=at_once))
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, planned.cancel)
        typer.echo("Waiting for runs. Ctrl-C ends it.")
        with contextlib.suppress(asyncio.CancelledError):
            await planned
