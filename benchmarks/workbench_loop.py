"""The plain tool loop that a planner is compared with on WorkBench: the model sees the tools in its own format,
calls, reads what came of it, and goes on until it answers without a call.

The same model, the same tools, and the same facts that Pierian has: the day, the working hours, the people's
addresses. Its calls are read leniently (any JSON with a name and arguments), nothing is asked of anybody, and what a
tool refuses is told to the model, which may try again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from benchmarks.bfcl import SYSTEM, lenient_calls
from pierian.models.model import Model
from pierian.models.wire import Message, Piece, Request
from pierian.provenance import USER, Labelled
from pierian.tools import Context, Tool, ToolFailure, invoke

MOST_TURNS = 12
MOST_TOKENS = 700
MOST_SHOWN = 6_000
"""Characters of a result: more would not fit into the context several times."""


async def loop(
    model: Model, tools: Sequence[Tool], request: str, now: datetime, people: Sequence[str]
) -> int:
    """Carry a request out; returns how many calls were made."""
    described = [
        {"name": tool.name, "description": tool.description, "parameters": dict(tool.parameters)}
        for tool in tools
    ]
    listed = "\n".join(json.dumps({"type": "function", "function": one}) for one in described)
    facts = (
        f"\n\nIt is {now:%A, %Y-%m-%d %H:%M}. Meetings must not start before 09:00 or end after 18:00.\n"
        f"Mail addresses: {', '.join(people)}"
    )
    messages = [Message("system", SYSTEM.format(tools=listed) + facts), Message("user", request)]
    named, made = {tool.name: tool for tool in tools}, 0
    for _ in range(MOST_TURNS):
        text = await _said(model, messages)
        calls = [call for call in lenient_calls(text) if call["name"] in named]
        if not calls:
            break
        messages.append(Message("assistant", text))
        results = [await _result(named[call["name"]], call["arguments"]) for call in calls]
        made += len(calls)
        told = "\n".join(f"<tool_response>\n{result}\n</tool_response>" for result in results)
        messages.append(Message("user", told))
    return made


async def _said(model: Model, messages: Sequence[Message]) -> str:
    text = ""
    async for item in model.stream(Request(messages=tuple(messages), max_tokens=MOST_TOKENS)):
        if isinstance(item, Piece):
            text += item.text
    return text


async def _result(tool: Tool, arguments: Mapping[str, Any]) -> str:
    given = {name: Labelled(value, USER) for name, value in arguments.items()}
    try:
        found = await invoke(tool, given, Context())
    except ToolFailure as failure:
        return json.dumps({"error": str(failure)})
    return json.dumps(found.value if found is not None else None, default=str)[:MOST_SHOWN]
