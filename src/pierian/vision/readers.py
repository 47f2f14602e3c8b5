"""Reads pictures in a process of its own, without keeping an event loop waiting.

    async with Readers() as readers:
        seen = await readers.read(PictureFile("chart.png", content))

The process (`reading_process`) starts with the first picture and ends with the block. One that takes too long, or
goes down, costs its picture; the next request starts another.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import sys
from types import TracebackType

import msgspec

from pierian.events.regions import Box
from pierian.exceptions import RunError
from pierian.vision.loading import ENVIRONMENT, PictureError
from pierian.vision.picture_file import PictureFile
from pierian.vision.reading_process import (
    ANSWERS,
    LENGTH_BYTES,
    ReadCrop,
    ReadScene,
    Refused,
    Seen,
    Text,
)

WAIT_SECONDS = 180.0
"""For one picture; on a busy machine a full page takes long."""


class ReadersFailed(RunError):
    """The process that reads pictures went down or fell silent."""


class Readers:
    """A process that reads pictures, one at a time."""

    def __init__(self) -> None:
        self._child: asyncio.subprocess.Process | None = None
        self._one_at_a_time = asyncio.Lock()

    async def __aenter__(self) -> Readers:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End the process; another request would start a new one."""
        child, self._child = self._child, None
        if child is not None and child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            await child.wait()

    async def read(self, file: PictureFile, *, scale: float = 1.0) -> Seen:
        """What there is in a picture. Raises `PictureError` for one that cannot be read."""
        found = await self._ask(ReadScene(key_of(file), file, scale), file.title)
        assert isinstance(found, Seen)
        return found

    async def read_again(self, file: PictureFile, box: Box, *, scale: float = 2.0) -> tuple[str, float]:
        """The text in a box of a picture that was read before, enlarged, and how sure it is (0 to 1)."""
        found = await self._ask(ReadCrop(key_of(file), box, scale), file.title)
        assert isinstance(found, Text)
        return found.text, found.confidence

    async def _ask(self, request: ReadScene | ReadCrop, name: str) -> Seen | Text:
        async with self._one_at_a_time:
            try:
                async with asyncio.timeout(WAIT_SECONDS):
                    answer = await self._exchange(request)
            except TimeoutError:
                await self.close()
                raise PictureError(
                    f"{name} takes longer to read than the {WAIT_SECONDS:.0f} seconds that it may."
                ) from None
            except (asyncio.IncompleteReadError, ConnectionError) as error:
                await self.close()
                raise ReadersFailed(
                    f"{name} could not be read: the process that reads pictures went down.",
                    hint="It may need more memory than there is; try a smaller picture.",
                ) from error
            except BaseException:  # also where whoever waits is cancelled: half an answer is nobody's
                await self.close()
                raise
        if isinstance(answer, Refused):
            raise (PictureError if answer.user else ReadersFailed)(answer.message, hint=answer.hint)
        return answer

    async def _exchange(self, request: ReadScene | ReadCrop) -> Seen | Text | Refused:
        if self._child is None:
            kept = {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}
            self._child = await asyncio.create_subprocess_exec(
                sys.executable,
                "-P",
                "-m",
                "pierian.vision.reading_process",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env=kept,
                start_new_session=True,  # Ctrl-C is for whoever asks
            )
        given, answers = self._child.stdin, self._child.stdout
        assert given is not None
        assert answers is not None
        content = msgspec.msgpack.encode(request)
        given.write(len(content).to_bytes(LENGTH_BYTES) + content)
        await given.drain()
        length = int.from_bytes(await answers.readexactly(LENGTH_BYTES))
        return ANSWERS.decode(await answers.readexactly(length))


def key_of(file: PictureFile) -> str:
    """Tells pictures apart by what they hold."""
    return f"{hashlib.sha256(file.data).hexdigest()}:{file.page}"
