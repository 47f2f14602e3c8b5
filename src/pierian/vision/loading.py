"""Loads pictures: bytes or a file become a `Picture`, or a sentence that says why not.

    picture = load_file(Path("receipt.jpg"))
    picture = load(content, name="scan.pdf", source="host:example.org", page=3)

What a file is, is told by its bytes (`formats`). Decoding happens in a child process with bounds that lives for one
picture (`decoding_process`); nothing is written to disk. Blocking: call it in a thread. Addresses are fetched by
whoever calls.
"""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import msgspec

from pierian.exceptions import UserError
from pierian.vision.decoded import Decoded, Refused, Request
from pierian.vision.decoding_process import COMPUTE_SECONDS, LENGTH_BYTES, MOST_MEMORY
from pierian.vision.formats import LISTED, format_of, said_of
from pierian.vision.picture import Picture

MOST_BYTES = 100_000_000
WAIT_SECONDS = 60.0
"""On a busy machine the seconds of the processor take longer."""
ENVIRONMENT = (
    "HOME",
    "LANG",
    "LD_LIBRARY_PATH",
    "PATH",
    "PYTHONHOME",
    "PYTHONPATH",
    "TMPDIR",
    "VIRTUAL_ENV",
)
"""What the process gets to know: no keys and no secrets."""
_ANSWER = msgspec.msgpack.Decoder(Decoded | Refused)
_TOO_LONG = f"takes longer to decode than the {COMPUTE_SECONDS} seconds that it may"


class PictureError(UserError):
    """A picture cannot be read; says which and why."""


def load_file(path: Path, *, page: int = 1, window: tuple[float, float] | None = None) -> Picture:
    """The picture in a file; raises `PictureError`."""
    return load(content_of(path), name=path.name, source=f"file:{path.absolute()}", page=page, window=window)


def load(
    content: bytes,
    *,
    name: str = "The picture",
    source: str = "",
    page: int = 1,
    window: tuple[float, float] | None = None,
) -> Picture:
    """The picture in some bytes; raises `PictureError`.

    `page` counts from 1 (PDF, TIFF, frames of DICOM); `window` is the centre and the width of the values that DICOM
    shows, instead of what the file says.
    """
    import numpy as np

    if not content:
        raise PictureError(f"{name} is empty.")
    if len(content) > MOST_BYTES:
        raise PictureError(f"{name} is larger than the {MOST_BYTES:,} bytes that are read.")
    kind = format_of(content)
    if kind is None:
        looks = f" It looks like {said}." if (said := said_of(content)) else ""
        raise PictureError(f"{name} is no picture that can be read.{looks}", hint=f"These can: {LISTED}.")
    if window is not None and kind != "dicom":
        raise PictureError(f"{name} has no values to choose a window of: that is for DICOM.")
    answer, pixels = _decoded(Request(kind, page, window), content)
    if isinstance(answer, Refused):
        raise PictureError(f"{name} {answer.reason}.", hint=answer.hint)
    return Picture(
        pixels=np.frombuffer(pixels, np.uint8).reshape(answer.height, answer.width, 3),
        name=name,
        source=source,
        format=kind,
        page=page,
        pages=answer.pages,
        notes=answer.notes,
    )


def content_of(path: Path) -> bytes:
    """The bytes of an ordinary file; raises `PictureError`."""
    try:
        # Not waiting for whoever would write into a pipe of that name.
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise PictureError(f"There is no file {path}.") from error
    except (OSError, ValueError) as error:
        raise PictureError(f"{path} cannot be opened: {getattr(error, 'strerror', '') or error}.") from error
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise PictureError(f"{path} is not an ordinary file.")
    with os.fdopen(file, "rb") as opened:
        try:
            return opened.read(MOST_BYTES + 1)
        except OSError as error:
            raise PictureError(f"{path} cannot be read: {error.strerror or error}.") from error


def _decoded(request: Request, content: bytes) -> tuple[Decoded | Refused, memoryview]:
    """What the process makes of a file, and the pixels."""
    asked = msgspec.msgpack.encode(request)
    kept = {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}
    child = subprocess.Popen(
        [sys.executable, "-P", "-m", "pierian.vision.decoding_process"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=kept | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        start_new_session=True,  # Ctrl-C is for whoever loads
    )
    try:
        written, _ = child.communicate(
            len(asked).to_bytes(LENGTH_BYTES) + asked + content, timeout=WAIT_SECONDS
        )
    except subprocess.TimeoutExpired:
        return Refused(_TOO_LONG), memoryview(b"")
    finally:
        if child.poll() is None:
            child.kill()
            child.communicate()
    return _read(written, child.returncode)


def _read(written: bytes, code: int) -> tuple[Decoded | Refused, memoryview]:
    """The process's answer; where it ended before giving one, what its end says."""
    length = int.from_bytes(written[:LENGTH_BYTES])
    pixels = memoryview(written)[LENGTH_BYTES + length :]
    if code == 0 and length:
        answer = _ANSWER.decode(written[LENGTH_BYTES : LENGTH_BYTES + length])
        if isinstance(answer, Refused) or len(pixels) == answer.width * answer.height * 3:
            return answer, pixels
    # With the two bounds the same, the system ends a process that computes too long without a word first.
    if code in (-signal.SIGXCPU, -signal.SIGKILL):
        return Refused(_TOO_LONG), memoryview(b"")
    megabytes = MOST_MEMORY // 2**20
    reason = f"made its decoder end: it is damaged, or takes more than {megabytes:,} MB of memory"
    return Refused(reason), memoryview(b"")
