"""Opens what planned work needs: the tools that the user named, the journal, this process as a worker.

Tools are named one by one (`file_read`) or by their group (`files`). What a group needs and does not have (folders, a
search endpoint, accepted servers) is an error that names the setting.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Sequence
from pathlib import Path

from pierian.agents import account_tools
from pierian.agents.session import Desk
from pierian.config import Settings, paths
from pierian.exceptions import SettingsError, UnknownName
from pierian.runs.acceptance import AcceptedTools
from pierian.runs.workers import Worker
from pierian.sandbox import Sandbox
from pierian.storage.database import Database
from pierian.storage.usage import local_now
from pierian.tools import Tool

GROUPS = ("clock", "calculator", "python", "files", "web", "search", "artifact", "mcp")


def named(text: str) -> tuple[str, ...]:
    """The names in a list with commas."""
    return tuple(dict.fromkeys(name for part in text.split(",") if (name := part.strip())))


@contextlib.asynccontextmanager
async def open_desk(
    settings: Settings,
    names: Sequence[str],
    sandbox: Sandbox,
    database: Database,
    worker: Worker,
    owner: str = "local",
) -> AsyncGenerator[Desk]:
    """A desk with the named tools, those of accounts with the owner's; raises `UserError` for a name that is none."""
    async with contextlib.AsyncExitStack() as stack:
        tools = await asyncio.to_thread(account_tools.tools_of, names, database, owner, settings)
        for name in names:
            if account_tools.of_accounts(name):
                continue
            for tool in await _tools(name, settings, sandbox, database, stack):
                tools[tool.name] = tool
        yield Desk(tools, database, worker, owner)


async def _tools(
    name: str, settings: Settings, sandbox: Sandbox, database: Database, stack: contextlib.AsyncExitStack
) -> list[Tool]:
    """The tools of a group, or the one tool of that name."""
    if name == "mcp":
        return await _of_servers(database, stack)
    if name in GROUPS:
        return group_of(name, settings, sandbox)
    known: dict[str, Tool] = {}
    for group in GROUPS:
        if group != "mcp" and available(group, settings):
            known |= {tool.name: tool for tool in group_of(group, settings, sandbox)}
    if name not in known and "." in name:
        known |= {tool.name: tool for tool in await _of_servers(database, stack)}
    if name not in known:
        raise UnknownName("tool", name, [*GROUPS, *account_tools.GROUPS, *known])
    return [known[name]]


def available(group: str, settings: Settings) -> bool:
    """Whether the settings have what a group needs."""
    return {"files": bool(settings.folders), "search": bool(settings.search_url)}.get(group, True)


def group_of(group: str, settings: Settings, sandbox: Sandbox) -> list[Tool]:
    """The tools of a group of our own; raises `SettingsError` where a setting is missing."""
    from pierian import toolbox

    made: dict[str, Callable[[], list[Tool]]] = {
        "clock": lambda: toolbox.clock_tools(local_now),
        "calculator": toolbox.calculator_tools,
        "python": lambda: toolbox.python_tools(sandbox),
        "files": lambda: toolbox.file_tools(_folders(settings)),
        "web": lambda: toolbox.web_tools(toolbox.Fetcher()),
        "artifact": lambda: toolbox.artifact_tools(paths().artifacts),
        "search": lambda: toolbox.search_tools(_search_url(settings), settings.search_key),
    }
    return made[group]()


async def _of_servers(database: Database, stack: contextlib.AsyncExitStack) -> list[Tool]:
    """The accepted tools of the user's MCP servers, which run until the desk closes."""
    from pierian import toolbox

    connection = await stack.enter_async_context(
        toolbox.connected(toolbox.read_servers(), AcceptedTools(database))
    )
    return [*await connection.tools()]


def _folders(settings: Settings) -> list[Path]:
    if not settings.folders:
        raise SettingsError(
            "The file tools need to know which folders they may use.",
            hint="pierian config set folders ~/Documents,~/notes",
        )
    return [Path(name).expanduser() for name in named(settings.folders)]


def _search_url(settings: Settings) -> str:
    if not settings.search_url:
        raise SettingsError(
            "The search tool needs a SearXNG or Brave endpoint.",
            hint="pierian config set search_url http://127.0.0.1:8888 (SearXNG), or Brave's address and search_key.",
        )
    return settings.search_url
