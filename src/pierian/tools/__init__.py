"""The tool protocol: a typed async function with a docstring and an effect."""

from pierian.tools.failure import FAILURE_CODES, FailureCode, ToolFailure
from pierian.tools.invoke import MOST_RESULT_BYTES, invoke, plain
from pierian.tools.tool import EFFECTS, Context, Effect, Tool, tool

__all__ = [
    "EFFECTS",
    "FAILURE_CODES",
    "MOST_RESULT_BYTES",
    "Context",
    "Effect",
    "FailureCode",
    "Tool",
    "ToolFailure",
    "invoke",
    "plain",
    "tool",
]
