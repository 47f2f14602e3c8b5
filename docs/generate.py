"""Writes the pages of docs/ that are made from the program itself: its commands and its settings.

`python docs/generate.py` writes them, `--check` fails where one is out of date.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

HERE = Path(__file__).parent

EXIT_CODES = """## Exit codes

| code | meaning |
|---|---|
| 0 | answered, or done |
| 1 | it failed: a server, the engine, the disk; one sentence on standard error says what |
| 2 | the command cannot be carried out as typed |
| 3 | answered as far as the budget allowed, or waiting for an approval; what there is was printed |
| 130 | stopped by Ctrl-C or `pierian stop --all`; what there is was printed |
"""


def commands() -> str:
    """The help of every command, as one page."""
    os.environ |= {"COLUMNS": "96", "NO_COLOR": "1", "TERM": "dumb"}
    import click
    import typer
    from typer.testing import CliRunner

    from pierian.cli.app import build

    app = build()

    runner = CliRunner()
    pages = ["# Commands\n\n<!-- Written by docs/generate.py. -->\n", EXIT_CODES]

    def walk(command: click.Command, path: list[str]) -> None:
        told = runner.invoke(app, [*path, "--help"], prog_name="pierian")
        if told.exit_code:
            sys.exit(f"`pierian {' '.join(path)} --help` fails: {told.output.strip() or told.stderr.strip()}")
        text = told.output
        body = "\n".join(line.rstrip() for line in text.strip("\n").splitlines())
        title = " ".join(["pierian", *path])
        pages.append(f"## {title}\n\n```text\n{body.strip()}\n```\n")
        for name, child in getattr(command, "commands", {}).items():
            walk(child, [*path, name])

    walk(typer.main.get_command(app), [])
    return "\n".join(pages)


def settings() -> str:
    """Every setting, as one page."""
    from pierian.config import default_of, keys

    lines = [
        "# Settings\n\n<!-- Written by docs/generate.py. -->\n",
        "Settings stand in one TOML file (`pierian config path`), are shown by `pierian config show` and changed by",
        "`pierian config set KEY VALUE`. A variable `PIERIAN_<KEY>` in the environment comes before the file, a flag",
        "before both. `PIERIAN_HOME` puts settings, data and state under one folder.\n",
        "| setting | default | what it does |",
        "|---|---|---|",
    ]
    for key, doc in keys().items():
        default = default_of(key)
        lines.append(f"| `{key}` | {f'`{default}`' if default not in (None, '') else 'none'} | {doc} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write or check every generated page."""
    stale: list[str] = []
    for name, text in (("commands.md", commands()), ("settings.md", settings())):
        page = HERE / name
        if "--check" in sys.argv:
            if not page.exists() or page.read_text(encoding="utf-8") != text:
                stale.append(name)
        else:
            page.write_text(text, encoding="utf-8")
    if stale:
        print(f"Out of date: {', '.join(stale)}. Run `make docs`.", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
