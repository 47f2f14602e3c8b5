"""What a user accepts of an MCP server: the signature of each tool, pinned by its fingerprint.

Names, descriptions, schemas and effects are claims of the server. None of them is offered to a planner before the
user has accepted it, and none that differs from what was accepted. This module compares; where the accepted
signatures are kept is the caller's business (`Acceptances`).
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
from msgspec import Struct, structs

from pierian.characters import hides, unseen
from pierian.toolbox.mcp_limits import CALL_SECONDS, MOST_TOOL_BYTES
from pierian.toolbox.mcp_settings import McpServer
from pierian.tools import Context, Effect, Tool
from pierian.tools.tool import Call

if TYPE_CHECKING:
    import mcp_types

_MOST_NAME_CHARACTERS = 64


class Signature(Struct, frozen=True, kw_only=True):
    """What a tool says of itself, as the user saw it when accepting it."""

    fingerprint: str
    description: str
    parameters: Mapping[str, Any]
    result: Mapping[str, Any]
    effect: Effect


class Acceptances(Protocol):
    """Where accepted signatures are kept; `runs.AcceptedTools` is one."""

    def signature(self, tool: str) -> Mapping[str, Any] | None:
        """The `Signature` that the user accepted for a tool, as plain data; None where there is none."""
        ...


class Change(Struct, frozen=True, kw_only=True):
    """A tool that is not offered until the user accepts it: new (`before` is None), or changed since.

    Accepting it is keeping `now` under the name of the tool.
    """

    server: str
    tool: str
    """Its full name, as in `server.tool`."""
    before: Signature | None
    now: Signature


class Listed(Struct, frozen=True, kw_only=True):
    """A tool of a server's list: under the server's own name, and as a tool here."""

    own_name: str
    tool: Tool

    @property
    def short_name(self) -> str:
        """The name without the server's."""
        return self.tool.name.partition(".")[2]

    @property
    def signature(self) -> Signature:
        """What there is to accept."""
        tool = self.tool
        return Signature(
            fingerprint=tool.fingerprint,
            description=tool.description,
            parameters=tool.parameters,
            result=tool.result,
            effect=tool.effect,
        )


def listed(server: McpServer, said: mcp_types.Tool, caller: Callable[[str, Tool], Call]) -> Listed:
    """A tool of a server's list, not yet looked at by anybody.

    `caller` makes the function that calls it, from its own name and what is known of it.
    """
    effect = _effect(server, said)
    tool = Tool(
        name=tool_name(server.name, said.name),
        description=visible(said.description or said.title or "") or "(The server says nothing about it.)",
        parameters=said.input_schema,
        call=_no_call,
        effect=effect,
        result=said.output_schema or {},
        source=f"mcp:{server.name}",
        # Nobody knows where a server sends what it is told, unless the user says that it only computes.
        remote=effect != "none",
        timeout_seconds=CALL_SECONDS,
    )
    return Listed(own_name=said.name, tool=structs.replace(tool, call=caller(said.name, tool)))


def accepted(acceptances: Acceptances, tool: str) -> Signature | None:
    """What was accepted of a tool; what cannot be read any more was not accepted."""
    kept = acceptances.signature(tool)
    try:
        return None if kept is None else msgspec.convert(kept, Signature)
    except msgspec.ValidationError:
        return None


def unfit(server: McpServer, tools: Iterable[Listed]) -> dict[str, str]:
    """Why tools of a list cannot even be accepted, by name."""
    tools = list(tools)
    times = Counter(one.tool.name for one in tools)
    reasons: dict[str, str] = {}
    for one in tools:
        schemas = msgspec.json.encode([one.tool.parameters, one.tool.result])
        if times[one.tool.name] > 1:
            reasons[one.tool.name] = f"{server.name} lists several tools as {one.tool.name}"
        elif len(schemas) + len(one.tool.description.encode()) > MOST_TOOL_BYTES:
            reasons[one.tool.name] = f"{one.tool.name} has a signature beyond {MOST_TOOL_BYTES:,} bytes"
        elif hides(schemas.decode()):
            reasons[one.tool.name] = f"{one.tool.name} has invisible characters in its schema"
    return reasons


def tool_name(server: str, own_name: str) -> str:
    """`server.tool` in the characters and the length that the name of a tool may have."""
    name = f"{server}." + (re.sub(r"[^A-Za-z0-9_.-]+", "_", own_name) or "_")
    if len(name) <= _MOST_NAME_CHARACTERS:
        return name
    mark = hashlib.sha256(own_name.encode("utf-8", "replace")).hexdigest()[:8]
    return f"{name[: _MOST_NAME_CHARACTERS - 9]}-{mark}"


def visible(text: str) -> str:
    """A text on one line without characters that a person does not see but a model reads."""
    return " ".join("".join(c for c in text if c.isspace() or not unseen(c)).split())


async def _no_call(_: Context, values: Mapping[str, Any]) -> Any:
    raise AssertionError(f"a tool without a connection was called with {values}")


def _effect(server: McpServer, said: mcp_types.Tool) -> Effect:
    """The user's word; else reading where the server promises it, and what needs an approval everywhere else."""
    short = tool_name(server.name, said.name).partition(".")[2]
    chosen = server.effects.get(said.name) or server.effects.get(short)
    if chosen is not None:
        return chosen
    return "read" if said.annotations is not None and said.annotations.read_only_hint is True else "send"
