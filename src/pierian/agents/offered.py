"""Calls of tools that whoever asks brings along and carries out, such as the client of an API.

A model with a template for tools often writes calls that no program can read; here they are decoded under a schema
of the offered tools, with the planner's prompt, and checked against it. Nothing is called here and nothing is
planned: the asker gets the calls, carries them out and asks again with what they gave.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from pierian.agents.plan_schema import decodable
from pierian.agents.planner import MOST_TOKENS, fixed_prompt, told
from pierian.agents.runner import Task
from pierian.agents.shortlist import shortlist
from pierian.events import CalledTool
from pierian.exceptions import PlanError, SchemaIgnored
from pierian.models.structured import closed_object, decoded
from pierian.models.wire import Message, OfferedTool, Request
from pierian.reasoning.payment import payment_of
from pierian.reasoning.run import Run
from pierian.tools import Context, Tool, ToolFailure
from pierian.tools.schema import SchemaUnusable, compiled

MOST_CALLS = 12
LEAST_TOKENS = 50
"""Fewest tokens with which a call is worth asking for; clients allow fewer than calls may take at most."""


async def choose_calls(
    run: Run,
    offered: Sequence[OfferedTool],
    called: Sequence[CalledTool] = (),
    choice: str = "auto",
    *,
    parallel: bool = True,
) -> tuple[CalledTool, ...]:
    """The calls that the question needs next; empty where it is to be answered in words.

    Args:
        called: Calls that were made for this question already; what they gave stands in it.
        choice: `auto`, `required` for at least one call, or the name of the one tool to call.
        parallel: Whether several may be called at once.

    Raises:
        SchemaIgnored: A call is required, and the model wrote none that fits.
    """
    named = [one for one in offered if one.name == choice]
    tools = [as_tool(one) for one in (named or offered)]
    must = bool(named) or choice == "required"
    chosen = tools if named else shortlist(tools, run.question.text)
    most = MOST_CALLS if parallel else 1
    steps = {
        "type": "array",
        "minItems": int(must),
        "maxItems": most,
        "items": {
            "anyOf": [
                closed_object(call={"const": tool.name}, arguments=decodable(tool.parameters))
                for tool in chosen
            ]
        },
    }
    asked = told(Task(run.question.text, tuple(tool.name for tool in chosen), {}), chosen)
    request = Request(
        messages=(*fixed_prompt(), Message("user", asked)),
        max_tokens=MOST_TOKENS,
        schema=closed_object(steps=steps),
        extra=run.model.profile.thinking_off,
    )
    known = {tool.name: tool for tool in chosen}
    try:
        calls = await decoded(
            run.model, request, lambda text: read_calls(text, known), payment_of(run, least=LEAST_TOKENS)
        )
    except SchemaIgnored:
        if must:
            raise
        return ()
    made = {(call.name, _canonical(call.arguments)) for call in called}
    # Asked again with the results, a small model likes to call the same once more.
    new = [one for one in calls if must or (one[0], _canonical(one[1])) not in made]
    return tuple(CalledTool(f"call_{secrets.token_hex(12)}", name, text) for name, text in new[:most])


def read_calls(text: str, tools: Mapping[str, Tool]) -> list[tuple[str, str]]:
    """Names and arguments, as JSON text, of the calls that a model wrote; raises `PlanError`."""
    written = msgspec.convert(msgspec.json.decode(text), dict[str, list[dict[str, Any]]])
    found: list[tuple[str, str]] = []
    for step in written.get("steps", ()):
        name, arguments = step.get("call"), step.get("arguments", {})
        if not isinstance(name, str) or name not in tools:
            raise PlanError(f"There is no tool {name!r}.")
        try:
            wrong = compiled(tools[name].parameters)(arguments)
        except SchemaUnusable:
            wrong = ""  # the client alone knows what its schema means
        if wrong:
            raise PlanError(f"The call of {name}: {wrong[:200]}.")
        found.append((name, msgspec.json.encode(arguments).decode()))
    return found


def as_tool(offered: OfferedTool) -> Tool:
    """The signature of an offered tool; calling it fails, for it is the asker's."""

    async def call(context: Context, arguments: Mapping[str, Any]) -> Any:
        raise ToolFailure("denied", f"{offered.name} is called by whoever offers it.")

    return Tool(
        name=offered.name,
        description=offered.description,
        parameters=offered.parameters or {"type": "object", "properties": {}},
        call=call,
        effect="read",
    )


def _canonical(arguments: str) -> str:
    try:
        return msgspec.json.encode(msgspec.json.decode(arguments), order="sorted").decode()
    except msgspec.MsgspecError:
        return arguments
