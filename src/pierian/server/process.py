"""The life of one server process: everything is opened, requests are served, and at the end answers in progress are
waited for, runs are left for the next worker, everything is closed."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Collection

import uvicorn

from pierian.models.transport import pooled_connections
from pierian.server.application import Pages, build
from pierian.server.cleaning import cleaning
from pierian.server.connection_limits import LimitedProtocol
from pierian.server.keeper import Keeper
from pierian.server.scheduling import scheduling
from pierian.server.service import Service

GRACE_SECONDS = 30
"""How long answers in progress may take when the server is stopped."""


class DrainingServer(uvicorn.Server):
    """A server that takes nothing new from the moment on that it is told to stop."""

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self._service = service

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Wait for what is in progress, and end."""
        self._service.draining = True
        await super().shutdown(sockets)


def run(
    service: Service,
    listening: socket.socket,
    hosts: Collection[str],
    started: Callable[[uvicorn.Server], None],
    pages: Callable[[Service, Keeper], Pages] | None = None,
) -> None:
    """Serve until the process is told to stop, or `should_exit` of the server that `started` gets is set.

    Args:
        pages: Makes the pages for browsers; None for the API alone.

    Raises:
        PierianError: What is needed cannot be opened.
    """
    config = uvicorn.Config(
        "",
        http=LimitedProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
        backlog=2048,
    )

    async def main() -> None:
        async with service, Keeper(service) as keeper, cleaning(service), scheduling(service, keeper):
            shown = pages(service, keeper) if pages else None
            config.app = build(service, keeper, hosts=hosts, pages=shown)
            server = DrainingServer(config, service)
            started(server)
            await server.serve(sockets=[listening])

    with pooled_connections(), asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(main())
