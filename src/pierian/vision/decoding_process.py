"""The process in which pictures are decoded, started by `loading` for one picture.

On standard input come the length of a request, the request and the file; on standard output go the length of an
answer, the answer and the pixels. The operating system bounds its memory and its time, and it can write no file.
"""

from __future__ import annotations

import contextlib
import os
import resource
import sys

import msgspec

from pierian.vision.decoded import Decoded, Refusal, Refused, Request
from pierian.vision.decoding import decode

MOST_MEMORY = 2**30
COMPUTE_SECONDS = 10
"""Of the processor."""
LENGTH_BYTES = 4


def main() -> None:
    """Be the process."""
    _bound()
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    given = sys.stdin.buffer
    request = msgspec.msgpack.decode(given.read(int.from_bytes(given.read(LENGTH_BYTES))), type=Request)
    answer, pixels = _answer(request, given.read())
    head = msgspec.msgpack.encode(answer)
    answers.write(len(head).to_bytes(LENGTH_BYTES) + head)
    answers.write(pixels)
    answers.flush()
    os._exit(0)  # nothing to clean up, and decoders that go down badly do no harm any more


def _answer(request: Request, content: bytes) -> tuple[Decoded | Refused, bytes]:
    try:
        return decode(request, content)
    except Refusal as error:
        return Refused(error.reason, error.hint), b""
    except MemoryError:
        return Refused(
            f"takes more than the {MOST_MEMORY // 2**20:,} MB of memory that decoding may take"
        ), b""
    except Exception as error:  # noqa: BLE001 - the edge of the process: decoders raise anything over hostile files
        said = " ".join(str(error).split()).rstrip(".")[:200]
        return Refused(f"is damaged or cut off{f' ({said})' if said else ''}"), b""


def _bound() -> None:
    for what, most in (
        (resource.RLIMIT_AS, MOST_MEMORY),
        (resource.RLIMIT_CPU, COMPUTE_SECONDS),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        with contextlib.suppress(ValueError, OSError):  # not every system keeps each of them
            resource.setrlimit(what, (most, most))


if __name__ == "__main__":
    main()
