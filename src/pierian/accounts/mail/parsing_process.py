"""Reading messages in a child process, which is ended where it takes too long: mail comes from anybody.

The child lives as long as a sync and reads one batch after the other, while this process fetches and writes. The
operating system bounds its memory and the time that it may compute over one message, so that a busy machine makes no
difference. A batch over which it ends is read again message by message, and of the one that did it only the head is
kept.
"""

from __future__ import annotations

import contextlib
import gc
import os
import resource
import select
import signal
import subprocess
import sys
import time
from types import TracebackType
from typing import Self

import msgspec

from pierian.accounts.mail.parsing import Given, Parsed, parse, parse_head

COMMAND = ("-m", "pierian.accounts.mail.parsing_process")
COMPUTE_SECONDS = 4.0
"""Of the processor, for one message."""
IMPATIENT_SECONDS, MOST_ENDED = 0.5, 6
"""The same, after so many children were ended: a mailbox full of such mail."""
STUCK_SECONDS = 300.0
"""After which a child that does not even compute is given up."""
MOST_MEMORY_BYTES = 2**30
_SIZE = 8
_PIPE_BYTES = 2**20
"""What Linux lets a pipe hold: a batch is then handed over in a few pieces, not in dozens."""


class Parser:
    """A child process that reads messages; a context manager, which ends it."""

    def __init__(self, *, compute_seconds: float = COMPUTE_SECONDS) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._compute_seconds = compute_seconds
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
        found = self._receive()
        return found if found is not None else [self._one(message) for message in given]

    def _one(self, given: Given) -> Parsed:
        """A message of a batch that could not be read as a whole."""
        self._send([given])
        found = self._receive()
        return (
            found[0] if found else parse_head(given, "It takes too long to be read; only its head is here.")
        )

    def _send(self, given: list[Given]) -> None:
        if self._child is None:
            seconds = self._compute_seconds if self._ended < MOST_ENDED else IMPATIENT_SECONDS
            self._child = subprocess.Popen(  # noqa: S603 - this module
                [sys.executable, "-P", *COMMAND, str(seconds)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                pipesize=_PIPE_BYTES,
            )
        assert self._child.stdin is not None
        content = msgspec.msgpack.encode(given)
        with contextlib.suppress(BrokenPipeError):  # seen when its answer is waited for
            self._child.stdin.write(len(content).to_bytes(_SIZE))
            self._child.stdin.write(content)
            self._child.stdin.flush()

    def _receive(self) -> list[Parsed] | None:
        """What the child has read; None where it ended or was given up."""
        assert self._child is not None and self._child.stdout is not None
        ends, answer, wanted = time.monotonic() + STUCK_SECONDS, bytearray(), _SIZE
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


def _timed(given: Given, seconds: float) -> Parsed:
    """Read a message, or be ended."""
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        return parse(given)
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def _main() -> None:
    """The child: batches on standard input, what was read of them on standard output, until the input ends."""
    with contextlib.suppress(ValueError, OSError):  # macOS has the limit and refuses to set it
        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY_BYTES, MOST_MEMORY_BYTES))
    gc.disable()  # in the midst of a message; what messages leave is collected between batches
    signal.signal(signal.SIGVTALRM, signal.SIG_DFL)  # ends the process, whatever library is at work
    seconds, source, target = float(sys.argv[-1]), sys.stdin.buffer, sys.stdout.buffer
    while size := source.read(_SIZE):
        given = msgspec.msgpack.decode(source.read(int.from_bytes(size)), type=list[Given])
        answer = msgspec.msgpack.encode([_timed(message, seconds) for message in given])
        target.write(len(answer).to_bytes(_SIZE))
        target.write(answer)
        target.flush()
        gc.collect(0)


if __name__ == "__main__":
    _main()
