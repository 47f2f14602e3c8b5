"""Concrete tools, made by functions that close over what they need: folders, a sandbox, a fetcher, an endpoint.

The names are loaded when first used, so that a plan without the web does not pay for the web.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pierian.toolbox.artifact import ARTIFACT_POLICY, artifact_tools, framed, sandboxed_page
    from pierian.toolbox.calculator import calculator_tools
    from pierian.toolbox.clock import clock_tools
    from pierian.toolbox.fetching import Fetcher
    from pierian.toolbox.files import file_tools
    from pierian.toolbox.mcp_servers import connected, read_servers
    from pierian.toolbox.python_program import python_tools
    from pierian.toolbox.search import search_tools
    from pierian.toolbox.web import web_tools

__all__ = [
    "ARTIFACT_POLICY",
    "Fetcher",
    "artifact_tools",
    "calculator_tools",
    "clock_tools",
    "connected",
    "file_tools",
    "framed",
    "python_tools",
    "read_servers",
    "sandboxed_page",
    "search_tools",
    "web_tools",
]

_HOMES = {
    "ARTIFACT_POLICY": "artifact",
    "Fetcher": "fetching",
    "artifact_tools": "artifact",
    "calculator_tools": "calculator",
    "clock_tools": "clock",
    "connected": "mcp_servers",
    "file_tools": "files",
    "framed": "artifact",
    "python_tools": "python_program",
    "read_servers": "mcp_servers",
    "sandboxed_page": "artifact",
    "search_tools": "search",
    "web_tools": "web",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
