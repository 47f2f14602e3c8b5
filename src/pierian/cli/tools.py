"""`pierian tools`: which tools there are, and which of other people's servers the user accepts.

A tool of an MCP server is offered to no plan before it is accepted here, in the words that are shown; when
its server changes these words later, it has to be accepted again. Starting the servers of `mcp.json` is what
`list` and `accept` do.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Annotated

import typer

from pierian.characters import marked
from pierian.cli.storing import opened_storage
from pierian.cli.text import printable

if TYPE_CHECKING:
    from rich.console import Console

    from pierian.toolbox.mcp_signatures import Change, Signature
    from pierian.tools import Tool

app = typer.Typer(no_args_is_help=True, help="The tools that plans may use, and which of them you accept.")


@app.command("list")
def list_command() -> None:
    """List the tools by group, and what is new or changed on the servers of mcp.json."""
    import asyncio

    asyncio.run(_list())


async def _list() -> None:
    from rich.console import Console

    from pierian.agents import account_tools
    from pierian.agents.workplace import GROUPS, available, group_of
    from pierian.config import load
    from pierian.runs import AcceptedTools
    from pierian.sandbox import Sandbox
    from pierian.toolbox import connected, read_servers

    console, settings, database = Console(highlight=False), load(), opened_storage()
    for group in (name for name in GROUPS if name != "mcp"):
        if not available(group, settings):
            console.print(f"{group}: needs a setting ({_needs(group)})", style="dim", markup=False)
            continue
        console.print(group, style="bold", markup=False)
        for tool in group_of(group, settings, Sandbox()):
            _print_tool(console, tool)
    for group in account_tools.GROUPS:
        console.print(group, style="bold", markup=False)
        made = account_tools.group_of(group, database)
        for tool in made:
            _print_tool(console, tool)
        if not made:
            console.print("  needs an account: pierian accounts link", style="dim", markup=False)
    async with connected(read_servers(), AcceptedTools(database)) as servers:
        for tool in await servers.tools():
            _print_tool(console, tool)
        for change in await servers.changes():
            state = "new" if change.before is None else "changed"
            console.print(
                f"{state}: {printable(change.tool)}   pierian tools accept {printable(change.tool)}",
                style="yellow",
                markup=False,
            )
        for problem in servers.problems():
            console.print(
                f"{printable(problem.server)}: {printable(problem.message)}", style="red", markup=False
            )


@app.command("accept")
def accept(
    tool: Annotated[
        str, typer.Argument(metavar="SERVER.TOOL", help="A tool, or SERVER.* for all of a server.")
    ],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Show what a tool of a server says of itself, and accept it in these words."""
    import asyncio

    asyncio.run(accept_tools(tool, yes=yes))


async def accept_tools(name: str, *, yes: bool, server: str = "") -> None:
    """Show what is new or changed under a name and have it accepted; with `server` no other one is started."""
    import msgspec
    from rich.console import Console

    from pierian.exceptions import UnknownName
    from pierian.runs import AcceptedTools
    from pierian.toolbox import connected, read_servers

    accepted, console = AcceptedTools(opened_storage()), Console(highlight=False)
    started = [one for one in read_servers() if server in ("", one.name)]
    async with connected(started, accepted) as servers:
        changes = await servers.changes()
        for problem in servers.problems():
            console.print(
                f"{printable(problem.server)}: {printable(problem.message)}", style="red", markup=False
            )
    found = [one for one in changes if one.tool == name or name == f"{one.server}.*"]
    if not found:
        if name in accepted.fingerprints():
            console.print(f"{name} is accepted already, and has not changed.", markup=False)
            return
        raise UnknownName("tool to accept", name, [one.tool for one in changes])
    for change in found:
        _print_change(console, change)
        if yes or typer.confirm(f"Accept {printable(change.tool)}?", default=False):
            accepted.accept(change.tool, change.now.fingerprint, msgspec.to_builtins(change.now))
            console.print(f"Accepted: {printable(change.tool)}", markup=False)


@app.command("forget")
def forget(
    tool: Annotated[str, typer.Argument(metavar="SERVER.TOOL", help="A tool that you accepted.")],
) -> None:
    """Take an acceptance back."""
    from pierian.runs import AcceptedTools

    AcceptedTools(opened_storage()).forget(tool)
    typer.echo(f"{tool} is no longer offered.")


def _needs(group: str) -> str:
    return {"files": "pierian config set folders …", "search": "pierian config set search_url …"}[group]


def _print_tool(console: Console, tool: Tool) -> None:
    what = " ".join(printable(tool.description).split())
    console.print(f"  {printable(tool.name):<20} {tool.effect:<6} {what[:90]}", markup=False, soft_wrap=True)


def _print_change(console: Console, change: Change) -> None:
    """A new tool in full; of one that was accepted before, what differs from then, line by line."""
    now = _lines(change.now)
    if change.before is None:
        console.print(f"{printable(change.tool)} (new)", style="bold", markup=False)
        for line in now:
            console.print(f"  {line}", markup=False, soft_wrap=True)
        return
    console.print(
        f"{printable(change.tool)} (- as you accepted it, + as it is now)", style="bold", markup=False
    )
    before = _lines(change.before)
    whole = [*difflib.unified_diff(before, now, lineterm="", n=len(before) + len(now))]
    for line in whole[3:]:  # behind names of files and numbers of lines
        style = {"-": "red", "+": "green"}.get(line[0], "dim")
        console.print(f"  {line}", style=style, markup=False, soft_wrap=True)


def _lines(signature: Signature) -> list[str]:
    """All that is accepted with a tool, as lines; what a person would not see is shown by its code."""
    import msgspec

    lines = [f"effect: {signature.effect}", f"says: {marked(signature.description)}"]
    for title, schema in (("arguments", signature.parameters), ("result", signature.result)):
        if not schema:
            lines.append(f"{title}: anything")
            continue
        text = msgspec.json.format(msgspec.json.encode(schema, order="sorted"), indent=2).decode()
        lines += [f"{title}:", *(f"  {marked(line)}" for line in text.split("\n"))]
    return lines
