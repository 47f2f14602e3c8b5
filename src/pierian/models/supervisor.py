"""One process per user that owns the engines, so that a second command finds the model loaded.

It listens on a Unix socket in a folder that only the user can enter. A lease is an open connection: while it
lasts, its engine stays; when the client ends, however it ends, the kernel closes the connection. An engine
nobody leases is ended after its keep-warm time, and the supervisor after the last engine. A crashed engine is
started again and every lease is told; one that crashes three times in a minute is given up. Keys live in
memory and travel only over the socket.

Protocol, one JSON object a line: the client sends a `Call`, the supervisor answers `Status` lines.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
import sys
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import msgspec
from msgspec import Struct, field

from pierian.models.engine import EngineCall, EngineReply, reason_from_log
from pierian.models.machine import EngineOptions
from pierian.models.prefixes import FOLDER, PrefixStore
from pierian.models.rendezvous import PROTOCOL, Call, Status, claim, private_folder, socket_path
from pierian.models.wire import Message

LOAD_SECONDS = 600.0
CRASHES_ALLOWED = 3
CRASH_WINDOW_SECONDS = 60.0


class EngineFailed(Exception):
    """The engine process did not come up; the message is its reason."""


class EngineProcess(Struct):
    """One running engine and those who lease it."""

    options: EngineOptions
    log: Path
    process: asyncio.subprocess.Process | None = None
    base_url: str = ""
    api_key: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    leases: set[asyncio.Queue[Status]] = field(default_factory=set[asyncio.Queue[Status]])
    idle_since: float = 0.0
    keep_warm_seconds: float = 600.0
    wanted: list[list[Message]] = field(default_factory=list[list[Message]])
    crashes: list[float] = field(default_factory=list[float])
    unsaved: list[tuple[int, list[Message]]] = field(default_factory=list[tuple[int, list[Message]]])
    """Prefixes to be read and saved once nobody leases the engine, each with its slot."""

    async def start(self) -> None:
        """Start the process and wait until the model answers; raises `EngineFailed`."""
        with self.log.open("ab" if self.crashes else "wb") as log:
            self.process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "pierian.models.engine"),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                # The threads of the engine meet after every matrix. While they spin there, one that lost its core to
                # another program keeps the others burning theirs: a busy machine made a token in two seconds. A short
                # spin costs nothing on an idle machine; none at all costs a third of the speed there.
                env={"GOMP_SPINCOUNT": "5000", **os.environ},
            )
        assert self.process.stdin and self.process.stdout
        call = EngineCall(
            self.options.model_path,
            self.options.projector_path,
            self.options.threads,
            self.options.context,
            self.options.slots,
            self.options.cache_megabytes,
            self.options.reuse_tokens,
            self.api_key,
            Path(self.options.model_path).stem,
            str(private_folder(self.log.parent / FOLDER)),
            self.options.adapter_path,
        )
        self.process.stdin.write(msgspec.json.encode(call) + b"\n")
        try:
            async with asyncio.timeout(LOAD_SECONDS):
                line = await self.process.stdout.readline()
        except TimeoutError:
            await self.end()
            raise EngineFailed(f"it did not load within {LOAD_SECONDS:.0f} seconds") from None
        if not line:
            code = await self.process.wait()
            raise EngineFailed(f"it ended with code {code}: {self.log_reason()}")
        reply = msgspec.json.decode(line, type=EngineReply)
        if reply.error:
            await self.process.wait()
            raise EngineFailed(f"{reply.error.strip()} ({self.log_reason()})")
        self.base_url = f"{reply.address}/v1"

    async def end(self) -> None:
        """End the process now."""
        if self.process is not None and self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()
            await self.process.wait()

    @property
    def prefixes(self) -> PrefixStore:
        """Its saved prefixes."""
        file = Path(self.options.model_path).stat()
        version = metadata.version("xllamacpp")
        identity = f"{self.options.model_path} {file.st_size} {file.st_mtime_ns} {version}"
        with_adapter = bool(self.options.adapter_path)
        return PrefixStore(
            self.log.parent / FOLDER, self.base_url, self.api_key, identity, adapter=with_adapter
        )

    async def restore_prefixes(self) -> None:
        """Bring the saved ones back, one a slot; note the others for when there is time."""
        wanted = self.wanted[: self.options.slots]
        missing = await self.prefixes.restore(wanted)
        self.unsaved = [(slot, prefix) for slot, prefix in enumerate(wanted) if prefix in missing]

    def log_reason(self) -> str:
        """Why it failed, from its own log."""
        try:
            return reason_from_log(self.log.read_text(errors="replace")[-20_000:])
        except OSError:
            return "its log cannot be read"

    def tell(self, status: Status) -> None:
        """Send a status to every lease."""
        for queue in self.leases:
            queue.put_nowait(status)


class Supervisor:
    """Leases in, engines out."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.engines: dict[EngineOptions, EngineProcess] = {}
        self._loading = asyncio.Lock()
        self._watchers: set[asyncio.Task[None]] = set()
        self._finished = asyncio.Event()
        self._connections = 0
        self._saving: asyncio.Task[None] | None = None

    async def run(self, on_listening: Callable[[], None]) -> None:
        """Listen until nobody needs an engine any more, or until told to stop."""
        path = socket_path(self.state)
        path.unlink(missing_ok=True)
        server = await asyncio.start_unix_server(self._serve, path=path)
        path.chmod(0o600)
        on_listening()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._finished.set)
        reaper = asyncio.create_task(self._end_idle())
        await self._finished.wait()
        reaper.cancel()
        for watcher in self._watchers:
            watcher.cancel()
        await asyncio.gather(*(engine.end() for engine in self.engines.values()))
        # Last, so that whoever finds the socket gone can rely on the engines being gone.
        server.close()
        path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections += 1
        try:
            call = msgspec.json.decode(await reader.readline(), type=Call)
            if self._finished.is_set():
                return  # the client tries again, and starts the next supervisor
            if call.action == "lease" and call.protocol != PROTOCOL:
                await _send(writer, Status("outdated"))
            elif call.action == "stop":
                await _send(writer, self._info())
                self._finished.set()
            elif call.action == "status":
                await _send(writer, self._info())
            elif call.options is not None:
                await self._lease(call, call.options, reader, writer)
        except (msgspec.MsgspecError, ConnectionError, asyncio.IncompleteReadError, ValueError):
            pass  # a client that went away or is not ours
        except asyncio.CancelledError:
            pass  # the supervisor ends; passed on, the stream's callback would log it as a fault
        finally:
            self._connections -= 1
            writer.close()

    async def _lease(
        self, call: Call, options: EngineOptions, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        queue: asyncio.Queue[Status] = asyncio.Queue()
        gone = asyncio.create_task(reader.read())
        engine = None
        try:
            if options not in self.engines or self._loading.locked():
                await _send(writer, Status("loading"))
            async with self._loading:
                self._stop_saving()
                engine = self.engines.get(options)
                warm = engine is not None
                if engine is None:
                    engine = await self._load(options, queue, call)
                engine.leases.add(queue)
                engine.keep_warm_seconds = call.keep_warm_seconds
            await _send(writer, Status("ready", engine.base_url, engine.api_key, warm=warm))
            while True:
                told = asyncio.create_task(queue.get())
                await asyncio.wait({told, gone}, return_when=asyncio.FIRST_COMPLETED)
                if gone.done():
                    told.cancel()
                    return
                await _send(writer, told.result())
        except EngineFailed as error:
            await _send(writer, Status("failed", reason=str(error)))
        finally:
            gone.cancel()
            if engine is not None:
                engine.leases.discard(queue)
                engine.idle_since = time.monotonic()

    async def _load(self, options: EngineOptions, lease: asyncio.Queue[Status], call: Call) -> EngineProcess:
        await self._make_room()
        engine = EngineProcess(options, self.state / f"engine-{Path(options.model_path).stem}.log")
        engine.wanted = call.prefixes
        engine.leases.add(lease)
        self.engines[options] = engine  # from now on a stop finds it
        try:
            await engine.start()
        except BaseException:
            self._drop(engine)
            await engine.end()
            raise
        await engine.restore_prefixes()
        engine.idle_since = time.monotonic()
        watcher = asyncio.create_task(self._watch(engine))
        self._watchers.add(watcher)
        watcher.add_done_callback(self._watchers.discard)
        return engine

    async def _make_room(self) -> None:
        """End engines nobody leases before another is loaded: two at once slow each other down badly."""
        for engine in list(self.engines.values()):
            if not engine.leases:
                self._drop(engine)
                await engine.end()

    def _drop(self, engine: EngineProcess) -> None:
        """Forget an engine, but not another that took its place."""
        if self.engines.get(engine.options) is engine:
            del self.engines[engine.options]

    async def _watch(self, engine: EngineProcess) -> None:
        """Start a crashed engine again, or give it up."""
        while True:
            assert engine.process is not None
            code = await engine.process.wait()
            if self.engines.get(engine.options) is not engine:
                return
            now = time.monotonic()
            engine.crashes = [t for t in engine.crashes if now - t < CRASH_WINDOW_SECONDS] + [now]
            reason = f"The engine ended with code {code}."
            if not engine.leases or len(engine.crashes) >= CRASHES_ALLOWED:
                self._drop(engine)
                engine.tell(
                    Status("failed", reason=f"{reason} It crashed {len(engine.crashes)} times in a minute.")
                )
                return
            engine.tell(Status("loading"))
            try:
                await engine.start()
                await engine.restore_prefixes()
            except EngineFailed as error:
                self._drop(engine)
                engine.tell(Status("failed", reason=f"{reason} It could not be started again: {error}"))
                return
            engine.tell(Status("restarted", engine.base_url, engine.api_key, reason=reason))

    async def _end_idle(self) -> None:
        """End engines whose keep-warm time is over, and the supervisor once it has none."""
        empty_since = time.monotonic()
        while True:
            await asyncio.sleep(0.5)
            now = time.monotonic()
            for engine in list(self.engines.values()):
                if not engine.leases and now - engine.idle_since > engine.keep_warm_seconds:
                    self._drop(engine)
                    await engine.end()
                elif not engine.leases and engine.unsaved and self._saving is None:
                    self._saving = asyncio.create_task(self._save_prefixes(engine))
            if self.engines or self._connections:
                empty_since = now
            elif now - empty_since > 5:
                self._finished.set()

    async def _save_prefixes(self, engine: EngineProcess) -> None:
        """Use the idle time after the first answers; a new lease cancels it, and the next idle time goes on."""
        try:
            while engine.unsaved:
                slot, prefix = engine.unsaved[0]
                await engine.prefixes.save(slot, prefix)
                engine.unsaved.pop(0)
        finally:
            self._saving = None

    def _stop_saving(self) -> None:
        if self._saving is not None:
            self._saving.cancel()

    def _info(self) -> Status:
        engines: list[dict[str, str | int | float]] = [
            {
                "model": options.model_path,
                "leases": len(engine.leases),
                "pid": engine.process.pid if engine.process else 0,
                "slots": options.slots,
                "context": options.context,
            }
            for options, engine in self.engines.items()
        ]
        return Status("info", engines=engines)


async def _send(writer: asyncio.StreamWriter, status: Status) -> None:
    with contextlib.suppress(ConnectionError):
        writer.write(msgspec.json.encode(status) + b"\n")
        await writer.drain()


def main() -> None:
    """Run the one supervisor of a state folder in the background; a second one ends at once.

    The call returns when the supervisor listens, or when another one turns out to run already.
    """
    state = Path(sys.argv[1])
    listening, on_listening = os.pipe()
    if os.fork():
        os.close(on_listening)
        os.read(listening, 1)
        os._exit(0)
    os.setsid()
    os.umask(0o077)
    os.close(listening)
    with claim(state) as claimed:
        if claimed:
            asyncio.run(Supervisor(state).run(lambda: os.close(on_listening)))


if __name__ == "__main__":
    main()
