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

ATTEMPTS = 60
NOTICE_SECONDS = 10.0
"""How long after a failed request the supervisor may take to notice that its engine is gone."""
LOAD_SECONDS = 600.0


class Lease:
    """Keeps one engine alive while the block lasts, and follows it through crashes.

    `base_url` and `api_key` are those of the engine's present life, which `generation` counts.
    """

    def __init__(
        self,
        options: EngineOptions,
        state: Path,
        *,
        prefixes: Sequence[Sequence[Message]] = (),
        keep_warm_seconds: float = 600.0,
        on_loading: Callable[[], None] = lambda: None,
    ) -> None:
        self.options = options
        self.base_url = ""
        self.api_key = ""
        self.warm = True
        self.generation = 0
        self.reason = ""
        self._call = Call("lease", options, [list(prefix) for prefix in prefixes], keep_warm_seconds)
        self._state = state
        self._on_loading = on_loading
        self._failure: EngineError | None = None
        self._reloading = False
        self._changed = asyncio.Condition()
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._listener: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Lease:
        try:
            await self._open()
        except BaseException:
            await self.__aexit__(None, None, None)  # a lease that was not given must not be held
            raise
        self._listener = asyncio.create_task(self._listen())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._listener is not None:
            self._listener.cancel()
            await asyncio.gather(self._listener, return_exceptions=True)
        if self._writer is not None:
            self._writer.close()

    async def recovered(self, generation: int) -> str:
        """Wait until the engine lives again after its life number `generation`; returns what happened.

        Raises:
            EngineError: It did not crash as far as the supervisor knows, or it does not come back.
        """

        def over() -> bool:
            return self.generation > generation or self._failure is not None

        async with self._changed:
            try:
                async with asyncio.timeout(NOTICE_SECONDS):
                    await self._changed.wait_for(lambda: over() or self._reloading)
                async with asyncio.timeout(LOAD_SECONDS):
                    await self._changed.wait_for(over)
            except TimeoutError:
                raise EngineError(
                    "The engine stopped answering, and did not come back.",
                    hint="Run `pierian stop --all` and ask again.",
                ) from None
        if self._failure is not None:
            raise self._failure
        return self.reason

    async def _open(self) -> None:
        """Ask for the engine and wait until it is ready."""
        for _ in range(ATTEMPTS):
            if self._writer is not None:
                self._writer.close()
            self._reader, self._writer = await connect(self._state)
            try:
                await send(self._writer, self._call)
                status = await self._next()
            except (ConnectionError, EngineError):
                await asyncio.sleep(0.1)  # that supervisor was just ending
                continue
            if status.state != "outdated":
                break
            # A supervisor of an older version is still running: nobody can use it, so it goes.
            await running_engines(self._state, stop=True)
        else:
            raise EngineError("The engine's supervisor does not answer.", hint="Run `pierian stop --all`.")
        while status.state == "loading":
            self.warm = False
            self._on_loading()
            status = await self._next()
        if status.state == "failed":
            raise self._unusable(status)
        self.base_url, self.api_key = status.base_url, status.api_key

    async def _listen(self) -> None:
        """Follow what the supervisor says for as long as the lease lasts."""
        while self._failure is None:
            try:
                status = await self._next()
            except (EngineError, ConnectionError):
                status = None
            async with self._changed:
                if status is None:
                    self._failure = EngineError(
                        "The engine's supervisor was stopped.", hint="Ask again to start it anew."
                    )
                elif status.state == "failed":
                    self._failure = self._unusable(status)
                elif status.state == "loading":
                    self._reloading = True
                else:
                    self.base_url, self.api_key, self.reason = status.base_url, status.api_key, status.reason
                    self.generation, self._reloading = self.generation + 1, False
                self._changed.notify_all()

    def _unusable(self, status: Status) -> EngineError:
        adapter = f" with the adapter {self.options.adapter_path}" if self.options.adapter_path else ""
        return EngineError(
            f"The engine cannot serve {Path(self.options.model_path).name}{adapter}: {status.reason}",
            hint="Check the file with `pierian models verify`, and the machine with `pierian doctor`.",
        )

    async def _next(self) -> Status:
        assert self._reader is not None
        line = await self._reader.readline()
        if not line:
            raise EngineError("The engine's supervisor was stopped.", hint="Ask again to start it anew.")
        return msgspec.json.decode(line, type=Status)


async def send(writer: asyncio.StreamWriter, call: Call) -> None:
    """Write one call."""
    writer.write(msgspec.json.encode(call) + b"\n")
    await writer.drain()


async def connect(state: Path) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection to the supervisor, which is started when it is not running."""
    for attempt in range(ATTEMPTS):
        if (connection := await connect_running(state)) is not None:
            return connection
        if attempt:
            # Another client won the race, or a supervisor that is ending still holds the lock.
            await asyncio.sleep(0.1)
        await _start(state)
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
            *(sys.executable, "-P", "-m", "pierian.models.supervisor", str(state)),
            cwd=state,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=log,
        )
    await process.wait()


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
