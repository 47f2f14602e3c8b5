"""The client's side of the supervisor: get a lease on an engine, hear of crashes, stop everything."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

import msgspec

from pierian.exceptions import EngineError
from pierian.models.machine import EngineOptions
from pierian.models.rendezvous import Call, Status, private_folder, socket_path
from pierian.models.wire import Message


class Lease:
    """Keeps one engine alive while the block lasts.

    `base_url` and `api_key` are valid after entering; after a crash `recovered` waits for the new ones.
    """

    def __init__(
        self,
        options: EngineOptions,
        state: Path,
        *,
        prefixes: Sequence[Sequence[Message]] = (),
        on_loading: Callable[[], None] = lambda: None,
    ) -> None:
        self.options = options
        self._on_loading = on_loading
        self._prefixes = [list(prefix) for prefix in prefixes]
        self.base_url = ""
        self.api_key = ""
        self.warm = True
        self._state = state
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def __aenter__(self) -> Lease:
        for _ in range(2):
            self._reader, self._writer = await connect(self._state)
            await send(self._writer, Call("lease", self.options, self._prefixes))
            status = await self._next()
            if status.state != "outdated":
                break
            # A supervisor of an older version is still running: nobody can use it, so it goes.
            await stop_supervisor(self._state)
        else:
            raise EngineError(
                "A supervisor of another version does not end.", hint="Run `pierian stop --all`."
            )
        await self._until_ready(status)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is not None:
            self._writer.close()

    async def recovered(self, seconds: float = 60.0) -> str:
        """Wait for the engine to come back after a crash; returns what happened.

        Raises:
            EngineError: It did not crash as far as the supervisor knows, or it does not come back.
        """
        try:
            async with asyncio.timeout(seconds):
                status = await self._next()
        except TimeoutError:
            raise EngineError(
                "The engine stopped answering, and did not come back.", hint=_STOP_HINT
            ) from None
        await self._until_ready(status)
        return status.reason

    async def _until_ready(self, status: Status) -> None:
        while status.state == "loading":
            self.warm = False
            self._on_loading()
            status = await self._next()
        if status.state == "failed":
            raise EngineError(
                f"The engine cannot serve {Path(self.options.model_path).name}: {status.reason}",
                hint="Check the file with `pierian models verify`, and the machine with `pierian doctor`.",
            )
        self.base_url, self.api_key = status.base_url, status.api_key

    async def _next(self) -> Status:
        assert self._reader is not None
        line = await self._reader.readline()
        if not line:
            raise EngineError("The engine's supervisor was stopped.", hint="Ask again to start it anew.")
        return msgspec.json.decode(line, type=Status)


_STOP_HINT = "Run `pierian stop --all` and ask again."


async def send(writer: asyncio.StreamWriter, call: Call) -> None:
    """Write one call."""
    writer.write(msgspec.json.encode(call) + b"\n")
    await writer.drain()


async def connect(state: Path) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection to the supervisor, which is started when it is not running."""
    connection = await connect_running(state)
    if connection is not None:
        return connection
    await _start(state)
    # Where another client won the race, its supervisor holds the lock and is about to listen.
    for _ in range(100):
        if (connection := await connect_running(state)) is not None:
            return connection
        await asyncio.sleep(0.1)
    raise EngineError(
        "The engine's supervisor does not start.", hint=f"Its log is {state / 'supervisor.log'}."
    )


async def connect_running(state: Path) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
    """A connection to a running supervisor, or None."""
    try:
        return await asyncio.open_unix_connection(socket_path(state))
    except (FileNotFoundError, ConnectionError):
        return None


async def _start(state: Path) -> None:
    """Start a supervisor; it leaves this terminal by itself, and the call returns once it listens."""
    private_folder(state)
    with (state / "supervisor.log").open("ab") as log:
        os.fchmod(log.fileno(), 0o600)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "pierian.models.supervisor", str(state)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=log,
        )
    await process.wait()


async def stop_supervisor(state: Path) -> list[dict[str, str | int | float]]:
    """End the supervisor and its engines; returns what was running."""
    engines = await running_engines(state, stop=True)
    return engines or []


async def running_engines(state: Path, *, stop: bool = False) -> list[dict[str, str | int | float]] | None:
    """The engines that run, or None without a supervisor; `stop` ends them and waits until they are gone."""
    connection = await connect_running(state)
    if connection is None:
        return None
    reader, writer = connection
    await send(writer, Call("stop" if stop else "status"))
    line = await reader.readline()
    writer.close()
    if stop:
        while await connect_running(state) is not None:
            await asyncio.sleep(0.05)
    return msgspec.json.decode(line, type=Status).engines if line else []
