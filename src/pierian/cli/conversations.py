"""`pierian conversations`: list, show, search, export and delete what was said.

It prints what the store holds and asks before it deletes. What models wrote is data: control characters are
taken out before they reach the terminal.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pierian.cli.text import printable

if TYPE_CHECKING:
    from collections.abc import Generator
    from datetime import datetime

    from rich.console import Console

    from pierian.storage import Conversation, Conversations, Turn

app = typer.Typer(no_args_is_help=True, help="List, show, search, export and delete conversations.")


class Format(StrEnum):
    """Forms of an export."""

    MARKDOWN = "markdown"
    JSON = "json"
    JSONL = "jsonl"


Id = Annotated[str, typer.Argument(metavar="ID", help="The conversation's id, or the beginning of it.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]

_ESCAPED = {code: f"\\u{code:04x}" for code in range(127, 160)}


@app.command("list")
def list_command(
    limit: Annotated[int, typer.Option(min=1, help="How many to list.")] = 20,
    offset: Annotated[int, typer.Option(min=0, help="How many of the newest to skip.")] = 0,
    as_json: AsJson = False,
) -> None:
    """List conversations, the last used first."""
    with opened() as store:
        found, total = store.list(limit, offset), store.count()
    if as_json:
        from pierian.storage.conversations import head_as_json

        print_json([head_as_json(one) for one in found])
        return
    if not found:
        typer.echo("There are no conversations yet." if not total else f"There are only {total}.")
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("ID", no_wrap=True)
    table.add_column("Last used", no_wrap=True)
    table.add_column("Turns", justify="right", no_wrap=True)
    table.add_column("Title", overflow="fold")
    for one in found:
        table.add_row(one.short_id, local(one.updated_at), str(one.turn_count), Text(printable(one.title)))
    Console().print(table)
    if (shown := offset + len(found)) < total:
        typer.echo(f"{len(found)} of {total}; more with --offset {shown}.", err=True)


@app.command()
def show(conversation_id: Id, as_json: AsJson = False) -> None:
    """Show one conversation."""
    with opened() as store:
        conversation = store.get(conversation_id)
    if as_json:
        from pierian.storage.conversations import conversation_as_json

        print_json(conversation_as_json(conversation))
        return
    from rich.console import Console
    from rich.text import Text

    console = Console()
    console.print(Text(printable(conversation.title), style="bold"))
    console.print(Text(f"{conversation.id} · {local(conversation.created_at)}", style="dim"))
    for turn in conversation.turns:
        console.print()
        print_turn(console, turn)


@app.command()
def search(
    words: Annotated[list[str], typer.Argument(help="The words, as they stand in the text, in any case.")],
    limit: Annotated[int, typer.Option(min=1, help="How many places to show.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Find where words or a phrase stand, in titles and turns."""
    with opened() as store:
        hits = store.search(" ".join(words), limit)
    if as_json:
        print_json(
            [
                {
                    "conversation_id": hit.conversation_id,
                    "title": hit.title,
                    "position": hit.position,
                    "role": hit.role,
                    "snippet": hit.snippet,
                    "created_at": hit.created_at.isoformat(),
                }
                for hit in hits
            ]
        )
        return
    if not hits:
        typer.echo("Nothing found.")
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("ID", "When", "Where"):
        table.add_column(name, no_wrap=True)
    table.add_column("Text", overflow="fold")
    for hit in hits:
        where = "title" if hit.role is None else hit.role
        table.add_row(
            hit.conversation_id[:12], local(hit.created_at), Text(where), Text(printable(hit.snippet))
        )
    Console().print(table)


@app.command()
def export(
    conversation_id: Id,
    form: Annotated[Format, typer.Option("--format", help="The form of the export.")] = Format.MARKDOWN,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write to this file instead of the terminal.")
    ] = None,
) -> None:
    """Write a conversation as Markdown, JSON or JSON lines."""
    with opened() as store:
        text = store.export(conversation_id, form.value)
    if output is None:
        typer.echo(printable(text) if sys.stdout.isatty() else text, nl=False)
        return
    from pierian.config import write_private
    from pierian.exceptions import UserError

    if not output.parent.is_dir():
        raise UserError(f"There is no folder {output.parent} to write {output.name} into.")
    write_private(output, text)
    typer.echo(f"Written to {output}.", err=True)


@app.command()
def delete(
    ids: Annotated[list[str], typer.Argument(metavar="ID...", help="Ids, or the beginnings of them.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete conversations for good."""
    with opened() as store:
        # All are looked up before any is deleted, so that a mistyped id leaves everything as it was.
        chosen = {one.id: one for one in (store.get(given) for given in ids)}
        for one in chosen.values():
            typer.echo(described(one))
        if not yes:
            what = "this conversation" if len(chosen) == 1 else f"these {len(chosen)} conversations"
            typer.confirm(f"Delete {what} for good?", abort=True)
        for whole in chosen:
            store.delete(whole)
    typer.echo("Deleted.")


@contextmanager
def opened() -> Generator[Conversations]:
    """The conversations of whoever sits at this terminal."""
    from pierian.cli.storing import opened_storage
    from pierian.storage import Conversations

    with opened_storage() as database:
        yield Conversations(database)


def described(conversation: Conversation) -> str:
    """A conversation in one line."""
    turns = "1 turn" if conversation.turn_count == 1 else f"{conversation.turn_count} turns"
    used = local(conversation.updated_at)
    return f"{conversation.short_id}  {printable(conversation.title)}  ({turns}, last used {used})"


def print_turn(console: Console, turn: Turn) -> None:
    """One turn under the name of who said it: answers as Markdown, the user's words as they were typed."""
    from rich.markdown import Markdown
    from rich.text import Text

    by_user = turn.role == "user"
    console.print(Text("You" if by_user else "Pierian", style="bold cyan" if by_user else "bold green"))
    said = printable(turn.text)
    # Without `hyperlinks`, the address of a link is printed beside its text: nothing hides where it leads.
    console.print(Text(said) if by_user else Markdown(said, hyperlinks=False))


def local(moment: datetime) -> str:
    """A time in the user's own time zone, to the minute."""
    return f"{moment.astimezone():%Y-%m-%d %H:%M}"


def print_json(value: Any) -> None:
    """`value` as JSON on standard output."""
    from json import dumps

    # Escaped where a terminal would obey: JSON escapes C0 itself, DEL and C1 it leaves alone.
    typer.echo(dumps(value, ensure_ascii=False, indent=2).translate(_ESCAPED))
