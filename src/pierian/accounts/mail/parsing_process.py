"""Reading messages in a child process, which is ended where it takes too long: mail comes from anybody.

The child lives as long as a sync and reads one batch after the other, while this process fetches and writes. A batch
over which it dies or takes too long is read again message by message, and of the one that did it only the head is
kept. The child bounds its own memory.
"""

from __future__ import annotations

import contextlib
import os
import resource
import select
import subprocess
import sys
import time
from types import TracebackType
from typing import Self

import msgspec

from pierian.accounts.mail.parsing import Given, Parsed, parse, parse_head

COMMAND = ("-m", "pierian.accounts.mail.parsing_process")
BATCH_SECONDS = 20.0
MESSAGE_SECONDS = 5.0
MOST_MEMORY_BYTES = 2**30
MOST_ENDED, IMPATIENT = 6, 0.2
"""After so many children had to be ended, a mailbox full of such mail, others get this share of the time."""
_SIZE = 8


class Parser:
    """A child process that reads messages; a context manager, which ends it."""

    def __init__(
        self, *, batch_seconds: float = BATCH_SECONDS, message_seconds: float = MESSAGE_SECONDS
    ) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._batch_seconds, self._message_seconds = batch_seconds, message_seconds
        self._given: list[Given] = []
        self._ended = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def submit(self, given: list[Given]) -> None:
        """Begin to read messages; `collect` waits for them. One batch at a time."""
        self._given = given
        self._send(given)

    def collect(self) -> list[Parsed]:
        """The messages that were submitted, read."""
        given, self._given = self._given, []
        found = self._receive(self._batch_seconds)
        return found if found is not None else [self._one(message) for message in given]

    def _one(self, given: Given) -> Parsed:
        """A message of a batch that could not be read as a whole."""
        self._send([given])
        found = self._receive(self._message_seconds)
        return (
            found[0] if found else parse_head(given, "It takes too long to be read; only its head is here.")
        )

    def _send(self, given: list[Given]) -> None:
        if self._child is None:
            self._child = subprocess.Popen(  # noqa: S603 - this module
                [sys.executable, "-P", *COMMAND],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        assert self._child.stdin is not None
        content = msgspec.msgpack.encode(given)
        with contextlib.suppress(BrokenPipeError):  # seen when its answer is waited for
            self._child.stdin.write(len(content).to_bytes(_SIZE))
            self._child.stdin.write(content)
            self._child.stdin.flush()

    def _receive(self, seconds: float) -> list[Parsed] | None:
        """What the child has read; None where it died or took too long, and it is ended then."""
        assert self._child is not None and self._child.stdout is not None
        ends, answer, wanted = time.monotonic() + seconds, bytearray(), _SIZE
        if self._ended >= MOST_ENDED:
            ends -= seconds * (1 - IMPATIENT)
        output = self._child.stdout.fileno()
        while len(answer) < wanted:
            left = ends - time.monotonic()
            ready = select.select([output], [], [], max(0.0, left))[0]
            piece = os.read(output, 1 << 20) if ready else b""
            if not piece:
                self._end()
                self._ended += 1
                return None
            answer += piece
            if len(answer) >= _SIZE:
                wanted = _SIZE + int.from_bytes(answer[:_SIZE])
        return msgspec.msgpack.decode(bytes(answer[_SIZE:]), type=list[Parsed])

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
        child.wait()


def _main() -> None:
    """The child: batches on standard input, what was read of them on standard output, until the input ends."""
    with contextlib.suppress(ValueError, OSError):  # macOS has the limit and refuses to set it
        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY_BYTES, MOST_MEMORY_BYTES))
    source, target = sys.stdin.buffer, sys.stdout.buffer
    while size := source.read(_SIZE):
        given = msgspec.msgpack.decode(source.read(int.from_bytes(size)), type=list[Given])
        answer = msgspec.msgpack.encode([parse(message) for message in given])
        target.write(len(answer).to_bytes(_SIZE))
        target.write(answer)
        target.flush()


if __name__ == "__main__":
    _main()
