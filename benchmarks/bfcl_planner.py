"""Pierian's planner as an arm of `benchmarks.bfcl`: the product's prompt, schema, entities and shortlist,
nothing else.

Only calls are scored, so steps of other kinds are left out, and references to what code found in the request
are filled in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from pierian.agents.arguments import resolved
from pierian.agents.entities import find_entities
from pierian.agents.plan import Call
from pierian.agents.planner import ModelPlanner
from pierian.agents.progress import Scope
from pierian.agents.runner import Task
from pierian.agents.session import known_values
from pierian.budget import Ledger
from pierian.models.model import Model
from pierian.models.structured import Payment
from pierian.tools import Context, Tool, ToolFailure

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
"""Fixed, so that a measurement which is continued asks the same."""


async def _never(context: Context, arguments: Mapping[str, Any]) -> Any:
    raise AssertionError("a plan is scored, not carried out")


def planner(model: Model) -> Any:
    """The arm for `--planner benchmarks.bfcl_planner:planner`."""

    async def plan(question: str, functions: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        tools = {
            function["name"]: Tool(
                name=function["name"],
                description=function.get("description", ""),
                parameters=function["parameters"],
                call=_never,
                effect="read",
            )
            for function in functions
        }
        known = known_values(find_entities(question, now=NOW))
        task = Task(question, tuple(tools), known)
        made = await ModelPlanner(model, tools).plan(task, None, Payment(Ledger()))
        return [
            call for step in made.steps if isinstance(step, Call) and (call := _filled(step, known, question))
        ]

    return plan


def _filled(step: Call, known: Mapping[str, Any], question: str) -> dict[str, Any] | None:
    scope = Scope(entities=dict(known))
    try:
        arguments = {name: resolved(value, scope, question).value for name, value in step.arguments.items()}
    except ToolFailure:
        return None
    return {"name": step.tool, "arguments": arguments}
