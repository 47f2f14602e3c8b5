"""One call of a tool, kept within bounds: checked arguments, a time limit, a size limit, plain data out.

Whatever a tool does, what leaves here is a `Labelled` JSON-like value or a `ToolFailure` with a code.
Approval, budget and journal are the business of whoever calls.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec

from pierian.exceptions import PierianError, Signal
from pierian.provenance import NOBODY, Labelled, external, together
from pierian.tools.failure import ToolFailure
from pierian.tools.tool import Context, Tool

MOST_RESULT_BYTES = 1_000_000
"""A larger result is refused as a whole: half a result would be a different result."""


async def invoke(
    tool: Tool, arguments: Mapping[str, Labelled], context: Context | None = None, *, lookup: bool = False
) -> Labelled | None:
    """Call a tool, or with `lookup` ask whether an earlier call with the same key took effect (None: it did not).

    Raises `ToolFailure`, and lets signals and cancellation through.
    """
    call = tool.lookup if lookup else tool.call
    assert call is not None
    values = {name: argument.value for name, argument in arguments.items()}
    limit = asyncio.timeout(tool.timeout_seconds)
    try:
        async with limit:
            found = await call(context or Context(), values)
    except TimeoutError as error:
        # Its own timeouts, such as a server's, are shorter.
        waited = f"longer than {tool.timeout_seconds:g} seconds" if limit.expired() else "too long"
        raise ToolFailure("timeout", f"{tool.name} took {waited}.") from error
    except asyncio.CancelledError as error:
        if (task := asyncio.current_task()) is None or task.cancelling():
            raise
        # Nobody ends the run: something that the tool waited for was cancelled.
        raise _raised(tool, error, lookup=lookup) from error
    except (ToolFailure, Signal):
        raise
    except PierianError as error:
        code = "unknown" if tool.acts and not lookup else "failed"
        raise ToolFailure(code, f"{tool.name}: {error}", hint=error.hint) from error
    except Exception as error:
        raise _raised(tool, error, lookup=lookup) from error
    if lookup and found is None:
        return None
    return _labelled(tool, arguments, found)


def _raised(tool: Tool, error: BaseException, *, lookup: bool) -> ToolFailure:
    """The failure of a tool that raised; of one that acts nobody knows then whether it did."""
    code = "unknown" if tool.acts and not lookup else "failed"
    return ToolFailure(code, f"{tool.name} raised {type(error).__name__}: {error}")


def _labelled(tool: Tool, arguments: Mapping[str, Labelled], found: Any) -> Labelled:
    """The result with the labels of all that it was made from."""
    given = together(argument.labels for argument in arguments.values())
    if isinstance(found, Labelled):
        return Labelled(plain(tool.name, found.value), found.labels | given)
    own = NOBODY if tool.effect == "none" and not tool.source else external(tool.source or tool.name)
    return Labelled(plain(tool.name, found), own | given)


def plain(what: str, found: Any) -> Any:
    """What `what` gave as JSON-like data of bounded size; raises `ToolFailure` for anything else."""
    try:
        encoded = msgspec.json.encode(msgspec.to_builtins(found))
    except (TypeError, ValueError, msgspec.MsgspecError, RecursionError) as error:
        raise ToolFailure("wrong_type", f"{what} gave something that is not data: {error}.") from error
    if len(encoded) > MOST_RESULT_BYTES:
        raise ToolFailure(
            "too_large",
            f"{what} gave {len(encoded):,} bytes; {MOST_RESULT_BYTES:,} is the most that is taken.",
        )
    return msgspec.json.decode(encoded)
