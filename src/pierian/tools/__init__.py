"""The tool protocol: a typed async function with a docstring and an effect."""

from pierian.tools.failure import FailureCode, ToolFailure
from pierian.tools.invoke import invoke, plain
from pierian.tools.tool import Context, Effect, Tool, tool

__all__ = ["Context", "Effect", "FailureCode", "Tool", "ToolFailure", "invoke", "plain", "tool"]
