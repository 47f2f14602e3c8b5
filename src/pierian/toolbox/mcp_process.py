"""The transport to an MCP server that is a program: JSON lines over its standard input and output, within bounds.

The library's own transport keeps a line of any length; this one keeps the beginning and the end of a line that is too
long, and answers for the server that the result is too large. Standard error goes into a bounded file. The program
gets no more of the environment than it needs, and its end is waited for a few seconds at most.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path
from typing import IO

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.client.stdio import get_default_environment
from mcp.shared.message import SessionMessage
from mcp_types import (
    INTERNAL_ERROR,
    ErrorData,
    JSONRPCError,
    JSONRPCMessage,
    JSONRPCRequest,
    JSONRPCResponse,
    RequestId,
    jsonrpc_message_adapter,
)
from msgspec import Struct

from pierian.toolbox.mcp_limits import (
    EXIT_SECONDS,
    MOST_LOG_BYTES,
    MOST_LOG_TAIL_BYTES,
    MOST_MESSAGE_BYTES,
    MOST_NONSENSE_LINES,
    TOO_LARGE,
)
from pierian.toolbox.mcp_settings import McpServer

Incoming = SessionMessage | Exception
Streams = tuple[MemoryObjectReceiveStream[Incoming], MemoryObjectSendStream[SessionMessage]]

_CHUNK = 65_536
_ENDS = 500
_ID = re.compile(rb'"id"\s*:\s*(\d+)')
_POLL_SECONDS = 0.01


class TooLong(Struct, frozen=True):
    """What is kept of a line that is too long."""

    head: bytes
    tail: bytes


class Lines:
    """Cuts bytes into lines as they come; of a line beyond `most` bytes it keeps only the ends."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._parts: list[bytes] = []
        self._size = 0

    def feed(self, chunk: bytes) -> Iterator[bytes | TooLong]:
        """The lines that are complete with this chunk."""
        *ended, rest = chunk.split(b"\n")
        for part in ended:
            self._add(part)
            yield (
                TooLong(self._parts[0], self._parts[-1]) if self._size > self._most else b"".join(self._parts)
            )
            self._parts, self._size = [], 0
        self._add(rest)

    def _add(self, part: bytes) -> None:
        self._size += len(part)
        self._parts.append(part)
        if self._size > self._most:
            joined = b"".join(self._parts)
            self._parts = [joined[:_ENDS], joined[-_ENDS:]]


class Log:
    """A file that a server's standard error is written into: the beginning, and at the end the last of the rest."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._written = 0
        self._left_out = 0
        self._tail = b""

    def write(self, chunk: bytes) -> None:
        """Keep what fits."""
        kept = chunk[: max(0, MOST_LOG_BYTES - self._written)]
        self._file.write(kept)
        self._file.flush()
        self._written += len(kept)
        rest = chunk[len(kept) :]
        self._left_out += len(rest)
        self._tail = (self._tail + rest)[-MOST_LOG_TAIL_BYTES:]

    def end(self) -> None:
        """Write the last of what did not fit."""
        if self._left_out > len(self._tail):
            self._file.write(f"\n… {self._left_out - len(self._tail):,} bytes left out …\n".encode())
        self._file.write(self._tail)
        self._file.close()


@contextlib.asynccontextmanager
async def process_transport(server: McpServer, log: Path) -> AsyncGenerator[Streams]:
    """Start a server's program and connect to it; raises `OSError` where it cannot be started."""
    log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    errors = Log(os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb"))
    try:
        process = await asyncio.create_subprocess_exec(
            server.command,
            *server.args,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=get_default_environment() | server.env,
            start_new_session=True,  # a Ctrl-C at the terminal is for us, not for it
        )
    except BaseException:
        errors.end()
        raise
    received, incoming = anyio.create_memory_object_stream[Incoming](0)
    outgoing, sent = anyio.create_memory_object_stream[SessionMessage](0)
    waiting: set[RequestId] = set()
    try:
        async with anyio.create_task_group() as pipes:
            pipes.start_soon(_read, process, received, waiting)
            pipes.start_soon(_write, process, sent, received, waiting)
            pipes.start_soon(_keep_errors, process, errors)
            try:
                yield incoming, outgoing
            finally:
                with anyio.CancelScope(shield=True):
                    await _end(process)
                pipes.cancel_scope.cancel()
    finally:
        for stream in (received, incoming, outgoing, sent):
            stream.close()
        errors.end()


async def _read(
    process: asyncio.subprocess.Process, received: MemoryObjectSendStream[Incoming], waiting: set[RequestId]
) -> None:
    """Messages from the program until it closes its output, or says too much that is none."""
    assert process.stdout is not None
    lines, nonsense = Lines(MOST_MESSAGE_BYTES), 0
    with contextlib.suppress(anyio.ClosedResourceError, anyio.BrokenResourceError):
        async with received:
            while chunk := await process.stdout.read(_CHUNK):
                for line in lines.feed(chunk):
                    messages = list(_messages(line, waiting))
                    nonsense += not messages
                    if nonsense > MOST_NONSENSE_LINES:
                        return
                    for message in messages:
                        await received.send(SessionMessage(message))


def _messages(line: bytes | TooLong, waiting: set[RequestId]) -> Iterator[JSONRPCMessage]:
    """The message of a line; for a line that is too long, an error for the request that it answers."""
    if isinstance(line, TooLong):
        named = {int(found[1]) for part in (line.head, line.tail) for found in _ID.finditer(part)}
        for request in named & waiting or set(waiting):
            waiting.discard(request)
            yield JSONRPCError(
                jsonrpc="2.0", id=request, error=ErrorData(code=INTERNAL_ERROR, message=TOO_LARGE)
            )
        return
    try:
        message = jsonrpc_message_adapter.validate_json(line, by_name=False)
    except ValueError:
        return
    if isinstance(message, JSONRPCResponse | JSONRPCError) and message.id is not None:
        waiting.discard(message.id)
    yield message


async def _write(
    process: asyncio.subprocess.Process,
    sent: MemoryObjectReceiveStream[SessionMessage],
    received: MemoryObjectSendStream[Incoming],
    waiting: set[RequestId],
) -> None:
    """Messages to the program. When it takes no more, the connection ends for the reader too."""
    assert process.stdin is not None
    try:
        async for item in sent:
            if isinstance(item.message, JSONRPCRequest):
                waiting.add(item.message.id)
            process.stdin.write(
                item.message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n"
            )
            await process.stdin.drain()
    except (OSError, RuntimeError):  # RuntimeError: its pipe was closed under the writer
        received.close()


async def _keep_errors(process: asyncio.subprocess.Process, log: Log) -> None:
    assert process.stderr is not None
    while chunk := await process.stderr.read(_CHUNK):
        log.write(chunk)


async def _end(process: asyncio.subprocess.Process) -> None:
    """Close the program's input, and end it and what it started if it does not end by itself."""
    assert process.stdin is not None
    process.stdin.close()
    for number in (None, signal.SIGTERM, signal.SIGKILL):
        if number is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, number)
        if await _ended(process):
            break
    # A grandchild may hold the pipes open, so that nothing but this closes them.
    transport = getattr(process, "_transport", None)
    if transport is not None:
        transport.close()


async def _ended(process: asyncio.subprocess.Process) -> bool:
    """Whether it ends within the time; not `wait`, which waits for the pipes of its children too."""
    deadline = anyio.current_time() + EXIT_SECONDS
    while process.returncode is None:
        if anyio.current_time() > deadline:
            return False
        await asyncio.sleep(_POLL_SECONDS)
    return True
