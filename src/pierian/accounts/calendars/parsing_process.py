"""Reads calendar objects in a process of its own, so that a hostile one costs seconds and no more.

    with ParsingProcess() as parsing:
        parsed = parsing.parse(texts, circumstances)

The process has bounds that the operating system keeps: of memory, and of the time that one object may compute. Where
an object makes it end, that object is refused and the next ones go on in a new process. Both sides speak frames of
MessagePack, a length of four bytes before each. As a program this module is that process.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Sequence
from types import TracebackType
from typing import IO, Self

import msgspec

from pierian.accounts.calendars.parsing import MOST_BYTES, Circumstances, Parsed, fallback_uid, parse

MOST_MEMORY = 768 * 1024 * 1024
COMPUTE_SECONDS = 3.0
"""Of the processor, for one object."""
IMPATIENT_SECONDS = 0.25
"""The same, after `MOST_ENDED` objects have made the process end: a calendar full of bombs."""
MOST_ENDED = 5

_REQUEST = msgspec.msgpack.Decoder(tuple[tuple[str, ...], Circumstances, float])
_ANSWER = msgspec.msgpack.Decoder(Parsed)
_BATCH = 200


class ParsingProcess:
    """Reads objects; the process starts with the first one."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._ended = 0

    def parse(self, texts: Sequence[str], about: Circumstances) -> list[Parsed]:
        """What each of these objects comes to, in their order."""
        found: list[Parsed] = []
        while len(found) < len(texts):
            self._some(texts[len(found) : len(found) + _BATCH], about, found)
        return found

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _some(self, texts: Sequence[str], about: Circumstances, found: list[Parsed]) -> None:
        """Add what the next objects come to, as far as the process gets."""
        before = len(found)
        seconds = COMPUTE_SECONDS if self._ended < MOST_ENDED else IMPATIENT_SECONDS
        process = self._started()
        assert process.stdin is not None and process.stdout is not None
        # What is too large is not even sent.
        sent = tuple(text if len(text) <= MOST_BYTES else " " * (MOST_BYTES + 1) for text in texts)
        with contextlib.suppress(BrokenPipeError):
            _write(process.stdin, msgspec.msgpack.encode((sent, about, seconds)))
        while len(found) - before < len(texts):
            answer = _read(process.stdout)
            if answer is None:
                self._ended += 1
                self.close()
                reason = "it takes too long, or too much memory, to work out when it takes place"
                found.append(Parsed(uid=fallback_uid(texts[len(found) - before]), problem=reason))
                return
            found.append(_ANSWER.decode(answer))

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            self._process = subprocess.Popen(  # noqa: S603 - this module
                [sys.executable, "-P", "-m", __name__],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for whoever syncs
            )
        return self._process


def _write(stream: IO[bytes], frame: bytes) -> None:
    stream.write(len(frame).to_bytes(4, "big") + frame)
    stream.flush()


def _read(stream: IO[bytes]) -> bytes | None:
    head = stream.read(4)
    frame = stream.read(int.from_bytes(head, "big")) if len(head) == 4 else b""
    return frame if head and len(frame) == int.from_bytes(head, "big") else None


def main() -> None:
    """Be the process, until nobody writes any more."""
    with contextlib.suppress(ValueError, OSError):  # not every system knows this bound
        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    while (request := _read(sys.stdin.buffer)) is not None:
        texts, about, seconds = _REQUEST.decode(request)
        for text in texts:
            # The signal ends the process, even inside a library written in C.
            signal.setitimer(signal.ITIMER_PROF, seconds)
            try:
                answer = msgspec.msgpack.encode(parse(text, about))
            except MemoryError:
                return
            signal.setitimer(signal.ITIMER_PROF, 0)
            _write(answers, answer)


if __name__ == "__main__":
    main()
