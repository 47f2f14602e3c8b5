"""Runs programs that a model wrote, with no access to anything.

A program gets values in and gives a value back; it has no files and no network, a clock that stands still (so
that the same program gives the same value again), and bounds on time, memory and recursion. It runs in a worker
process of `pydantic-monty`, so that even a fault of the interpreter ends only the worker. What it does not
protect against: a wrong program that runs well.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any

from msgspec import Struct

if TYPE_CHECKING:
    import pydantic_monty

MAX_PROGRAM_CHARACTERS = 20_000
MAX_OUTPUT_BYTES = 64_000


class ProgramLimits(Struct, frozen=True):
    """Bounds on one program: seconds of computing, bytes of heap, depth of calls."""

    seconds: float = 2.0
    memory_bytes: int = 64 * 2**20
    recursion: int = 200


class Value(Struct, frozen=True):
    """The program ended; `value` is that of its last expression, `printed` what it printed."""

    value: Any
    printed: str = ""


class Failed(Struct, frozen=True):
    """The program raised an error or is not valid; `line` counts from 1, 0 where unknown."""

    error: str
    line: int = 0


class LimitHit(Struct, frozen=True):
    """The program was ended for exceeding `limit`: time, memory, recursion, size or worker."""

    limit: str


ProgramResult = Value | Failed | LimitHit

_CLOCK = datetime(2000, 1, 1, tzinfo=UTC)
_LIMITS = {"TimeoutError": "time", "MemoryError": "memory", "RecursionError": "recursion"}


class Sandbox:
    """A warm worker for programs. Entering returns at once; the worker starts in the background."""

    def __init__(self, limits: ProgramLimits | None = None) -> None:
        self.limits = limits or ProgramLimits()
        self._pool: pydantic_monty.AsyncMonty | None = None
        self._starting: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Sandbox:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._starting is not None:
            await asyncio.gather(self._starting, return_exceptions=True)
        if self._pool is not None:
            await self._pool.__aexit__(None, None, None)
            # What the pool leaves to be collected at the end of the interpreter crashes it there, now and then, after
            # everything was done well.
            self._pool = None
            gc.collect()

    def warm(self) -> None:
        """Start the worker now, so that the first program does not wait for it."""
        if self._starting is None:
            self._starting = asyncio.create_task(self._start())

    async def run(self, code: str, inputs: Mapping[str, Any] | None = None) -> ProgramResult:
        """Run one program in a fresh session with `inputs` as its global names."""
        if len(code) > MAX_PROGRAM_CHARACTERS:
            return LimitHit("size")
        self.warm()
        assert self._starting is not None
        await self._starting
        assert self._pool is not None
        return await _run(self._pool, code, dict(inputs or {}), self.limits)

    async def _start(self) -> None:
        import pydantic_monty

        pool = pydantic_monty.AsyncMonty(
            min_processes=1, max_processes=2, request_timeout=self.limits.seconds + 5
        )
        self._pool = await pool.__aenter__()


async def _run(
    pool: pydantic_monty.AsyncMonty, code: str, inputs: dict[str, Any], limits: ProgramLimits
) -> ProgramResult:
    import pydantic_monty

    resources: pydantic_monty.ResourceLimits = {
        "max_feed_duration_secs": limits.seconds,
        "max_memory": limits.memory_bytes,
        "max_recursion_depth": limits.recursion,
        "max_total_sleep_secs": 0.0,
    }
    printed = pydantic_monty.CollectString(MAX_OUTPUT_BYTES)
    try:
        async with pool.checkout(
            limits=resources, os_policy={"sleep": "zero", "random_start": {"seed": 0}, "datetime": _CLOCK}
        ) as session:
            value = await session.feed_run(code, inputs=inputs, print_callback=printed)
        return Value(value, printed.output)
    except pydantic_monty.MontySyntaxError as error:
        return Failed(error.display("type-msg"), _line(error.traceback()))
    except pydantic_monty.MontyRuntimeError as error:
        kind = type(error.exception()).__name__
        if kind in _LIMITS:
            return LimitHit(_LIMITS[kind])
        return Failed(error.display("type-msg"), _line(error.traceback()))
    except pydantic_monty.MontyCrashedError:
        return LimitHit("worker")
    except (pydantic_monty.MontyError, ValueError) as error:
        return Failed(str(error))


def _line(frames: list[pydantic_monty.Frame]) -> int:
    return frames[-1].line if frames else 0
