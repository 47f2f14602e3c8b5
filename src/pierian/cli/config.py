"""`pierian config`: show the settings and where each comes from, and change the settings file.

The meaning of the settings is in `pierian.config`; secrets are never printed.
"""

from __future__ import annotations

import os
from typing import Annotated, Any

import typer

app = typer.Typer(no_args_is_help=True, help="Show and change settings.")

Key = Annotated[
    str, typer.Argument(metavar="KEY", help="The setting's name; `pierian config show` lists them.")
]


@app.command()
def show(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Show every setting, its value and where that comes from."""
    from pierian.config import keys, load, paths, read_file

    values, in_file = load().public(), read_file(paths().config_file)
    if as_json:
        from json import dumps

        entries = {key: {"value": values[key], "from": source(key, in_file)} for key in keys()}
        typer.echo(dumps(entries, ensure_ascii=False, indent=2))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("Setting", no_wrap=True)
    table.add_column("Value", overflow="fold")
    table.add_column("From", no_wrap=True)
    table.add_column("Meaning", overflow="fold")
    for key, meaning in keys().items():
        table.add_row(key, Text(shown(values[key])), source(key, in_file), Text(meaning, style="dim"))
    Console().print(table)


@app.command()
def path() -> None:
    """Print where the settings file is."""
    from pierian.config import paths

    typer.echo(paths().config_file)


# A value such as -5 is to reach the check that explains it, not to be taken for an option.
@app.command("set", context_settings={"ignore_unknown_options": True})
def set_command(
    key: Key, value: Annotated[str, typer.Argument(metavar="VALUE", help="The new value.")]
) -> None:
    """Write one setting into the settings file."""
    from pierian.config import paths, read_file, save

    if key == "adapter":
        from pierian.cli.adapters import check_setting

        check_setting(value)
    file = save(key, value)
    if key in (written := read_file(paths().config_file)):
        typer.echo(f"{key} = {masked(key, written[key])}, written to {file}.")
    else:
        typer.echo(f"{key} is no longer in {file}.")
    warn_if_overridden(key)


@app.command()
def unset(key: Key) -> None:
    """Remove one setting from the settings file, so that its default holds again."""
    from pierian.config import default_of, keys, paths, read_file, write_private
    from pierian.exceptions import UnknownName

    file = paths().config_file
    there = read_file(file)
    # A key that is no setting can be removed too: it is what stops every other command.
    if key not in keys() and key not in there:
        raise UnknownName("setting", key, keys())
    if key in there:
        import tomlkit

        document = tomlkit.parse(file.read_text(encoding="utf-8"))
        del document[key]
        write_private(file, tomlkit.dumps(document))
    gone = "removed from" if key in there else "was not in"
    default = f"; its default is {shown(default_of(key))}" if key in keys() else ""
    typer.echo(f"{key} {gone} {file}{default}.")
    warn_if_overridden(key)


def variable(key: str) -> str:
    """The environment variable of a setting."""
    return f"PIERIAN_{key.upper()}"


def source(key: str, in_file: dict[str, Any]) -> str:
    """Where the value of a setting comes from, in the order in which they override each other."""
    if variable(key) in os.environ:
        return "environment"
    return "file" if key in in_file else "default"


def warn_if_overridden(key: str) -> None:
    """Say that the file does not decide, where an environment variable does."""
    if variable(key) in os.environ:
        typer.echo(f"{variable(key)} is set in the environment and overrides the file.", err=True)


def masked(key: str, value: Any) -> str:
    """A value that may be printed."""
    from pierian.config import without_secret

    return shown(without_secret(key, value))


def shown(value: Any) -> str:
    """A value as a person reads it."""
    if value is None:
        return "–"
    return '""' if value == "" else str(value)
