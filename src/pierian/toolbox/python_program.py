"""Programs as a tool: for what is too long for the calculator and needs no data but what is passed in.

A program has no files, no network and a clock that stands still; see `pierian.sandbox` for what bounds it.
"""

from __future__ import annotations

import keyword
from typing import Any, assert_never

from pierian.sandbox import Failed, LimitHit, Sandbox, Value
from pierian.tools import Tool, ToolFailure, tool


def python_tools(sandbox: Sandbox) -> list[Tool]:
    """The tool that runs programs in `sandbox`."""

    @tool(effect="none")
    async def python_program(program: str, data: dict[str, Any] | None = None) -> Any:
        """Run a short Python program without files or network; gives the value of its last line.

        Args:
            data: Values that the program uses, by name.
        """
        for name in data or {}:
            if not name.isidentifier() or keyword.iskeyword(name):
                raise ToolFailure("invalid", f"{name!r} cannot be a name in a program.")
        result = await sandbox.run(program, data)
        match result:
            case Value(value=value, printed=printed):
                # Small models print what they found as often as they leave it on the last line.
                return printed.rstrip("\n") if value is None and printed else value
            case Failed(error=error, line=line):
                where = f" in line {line}" if line else ""
                raise ToolFailure("failed", f"The program failed{where}: {error}")
            case LimitHit(limit=limit):
                raise _ended(sandbox, limit)
            case _:
                assert_never(result)

    return [python_program]


def _ended(sandbox: Sandbox, limit: str) -> ToolFailure:
    """What a limit means, and what to do about it."""
    match limit:
        case "time":
            return ToolFailure(
                "timeout",
                f"The program was ended after {sandbox.limits.seconds:g} seconds.",
                hint="Look for a loop that does not end, or use less data.",
            )
        case "memory":
            megabytes = sandbox.limits.memory_bytes // 2**20
            return ToolFailure(
                "too_large", f"The program needs more than the {megabytes} MB that it may use."
            )
        case "recursion":
            return ToolFailure(
                "too_large",
                f"The program calls itself more than {sandbox.limits.recursion} times over.",
                hint="Write it with a loop.",
            )
        case "size":
            return ToolFailure("too_large", "The program is too long to run.", hint="Pass the data as names.")
        case _:
            return ToolFailure("failed", "The program broke its worker and was ended.")
