"""The command tree, and the one place where errors become a sentence on the terminal."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Annotated

import typer

from pierian.cli.exit_codes import FAILED, MISUSED, STOPPED
from pierian.cli.text import printable
from pierian.exceptions import PierianError, UserError

COMMANDS = {
    "ask": ("pierian.cli.ask", "ask"),
    "chat": ("pierian.cli.chat", "chat"),
    "look": ("pierian.cli.look", "look"),
    "conversations": ("pierian.cli.conversations", "app"),
    "models": ("pierian.cli.models", "app"),
    "accounts": ("pierian.cli.accounts", "app"),
    "brief": ("pierian.cli.brief", "brief"),
    "trip": ("pierian.cli.trip", "app"),
    "schedules": ("pierian.cli.schedules", "app"),
    "tools": ("pierian.cli.tools", "app"),
    "runs": ("pierian.cli.runs", "app"),
    "approvals": ("pierian.cli.approvals", "app"),
    "rules": ("pierian.cli.rules", "app"),
    "users": ("pierian.cli.users", "app"),
    "keys": ("pierian.cli.keys", "app"),
    "invites": ("pierian.cli.invites", "app"),
    "prices": ("pierian.cli.prices", "app"),
    "usage": ("pierian.cli.usage", "usage"),
    "serve": ("pierian.cli.serve", "serve"),
    "work": ("pierian.server.work", "work"),
    "mcp": ("pierian.server.mcp", "mcp"),
    "backup": ("pierian.cli.backup", "backup"),
    "restore": ("pierian.cli.restore", "restore"),
    "export": ("pierian.cli.export", "export"),
    "config": ("pierian.cli.config", "app"),
    "stop": ("pierian.cli.stop", "stop"),
    "doctor": ("pierian.cli.doctor", "doctor"),
}
"""Each command's module, and the function or the group of commands in it."""


def _version(value: bool) -> None:
    if value:
        from pierian import __version__

        typer.echo(f"pierian {__version__}")
        raise typer.Exit


def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Ask open-weight models on your own machine; every answer comes checked, with a receipt."""


def build(arguments: list[str] | None = None) -> typer.Typer:
    """The tree with the one command that the arguments name, or with all where they name none.

    Loading only what is asked for saves each command the others' imports.
    """
    app = typer.Typer(
        name="pierian",
        no_args_is_help=True,
        # Plain help: the decorated one costs a tenth of a second, every time.
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(root)
    named = arguments[0] if arguments else ""
    for name in [named] if named in COMMANDS else COMMANDS:
        module, attribute = COMMANDS[name]
        command = getattr(import_module(module), attribute)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            app.command(name)(command)
    return app


def run(arguments: list[str]) -> int:
    """Run one command line and return its exit code; no traceback reaches the user."""
    try:
        result = build(arguments)(arguments, standalone_mode=False, prog_name="pierian")
        return result if isinstance(result, int) else 0
    except PierianError as error:
        show_error(error)
        return MISUSED if isinstance(error, UserError) else FAILED
    except KeyboardInterrupt:
        return STOPPED
    except BrokenPipeError:
        # The reader of our output has gone (`| head`): nothing is left to say, also not at exit.
        sys.stdout = None
        return FAILED
    except Exception as error:  # noqa: BLE001 - the edge of the process
        return _unexpected(error)


def show_error(error: PierianError) -> None:
    """One sentence on standard error, and what to do next."""
    from rich.console import Console
    from rich.text import Text

    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print(Text.assemble(("Error: ", "bold red"), printable(str(error))))
    if error.hint:
        console.print(Text(printable(error.hint), style="dim"))


def _unexpected(error: Exception) -> int:
    """A usage error from the parser, or a fault of ours: recorded in full in a file, named on the terminal."""
    import traceback

    if type(error).__name__ == "Abort":
        sys.stderr.write("Nothing was changed.\n")
        return STOPPED
    show = getattr(error, "show", None)
    if show is not None:  # click's own errors
        show()
        return int(getattr(error, "exit_code", MISUSED))
    from pierian.config import paths, write_private

    log = paths().state / "fault.log"
    try:
        write_private(log, "".join(traceback.format_exception(error)))
        where = f"The details are in {log}; please report them."
    except PierianError:
        where = "The details could not be written to a file."
    show_error(
        PierianError(f"Something went wrong inside Pierian: {type(error).__name__}: {error}.", hint=where)
    )
    return FAILED
