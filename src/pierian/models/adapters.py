"""Adapters: small files that change what a model does, loaded beside it and used as far as a request asks.

An adapter belongs to one model. Those of the catalogue are data (`adapters.toml` beside this module); the user's own
are recorded in `adapters.json` in the models folder, as links to files that stay where they are, in the GGUF form
that llama.cpp loads. This module knows, checks and forgets them. It fetches nothing (`download.pull` does), and
trains none: that is `training/` in the project's repository.
"""

from __future__ import annotations

import json
import math
import re
import tomllib
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec

from pierian.config import paths, write_private
from pierian.exceptions import FileDamaged, PierianError, StorageError, UnknownName, UserError
from pierian.models import catalogue, gguf, installed
from pierian.models.catalogue import Source, WeightsFile
from pierian.models.progress import Meter, Report

APPROACHES = ("worked solution",)
"""What an adapter is for that does not say it: the model's habitual way, which is the longest."""
TASK_KEY = "adapter.lora.task_name"
"""Where a file says which approaches it is for, with commas."""
TRAINED_KEY = "pierian.trained_from.sha256"
"""Where a file says beside which model's file it was trained."""
SETTINGS = ("auto", "none")
"""What the setting `adapter` says where it names none."""


class AdapterEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An adapter of the catalogue."""

    name: str
    title: str
    base: str
    """Name of the model that it was made for."""
    purpose: str
    licence: str
    file_name: str
    sources: tuple[Source, ...]
    size_bytes: int
    sha256: str
    approaches: tuple[str, ...] = APPROACHES
    measured: bool = False

    @property
    def weights(self) -> WeightsFile:
        """Its file."""
        return WeightsFile(self.file_name, self.sources, self.size_bytes, self.sha256)

    @property
    def files(self) -> tuple[WeightsFile, ...]:
        """Everything that a pull fetches."""
        return (self.weights,)


class Adapter(msgspec.Struct, frozen=True, kw_only=True):
    """An adapter whose file is known on this machine, and how a user's own is recorded."""

    name: str
    base: str
    file: str
    size_bytes: int
    sha256: str
    title: str = ""
    purpose: str = ""
    licence: str = ""
    approaches: tuple[str, ...] = APPROACHES
    measured: bool = False
    added: bool = True

    @property
    def path(self) -> Path:
        """Where its file lies."""
        return Path(self.file)


@cache
def entries() -> dict[str, AdapterEntry]:
    """The adapters of the catalogue by name."""
    return parse(resources.files("pierian.models").joinpath("adapters.toml").read_text(encoding="utf-8"))


def parse(text: str) -> dict[str, AdapterEntry]:
    """Entries from TOML text; raises `msgspec.ValidationError` or `ValueError` where it is malformed."""
    raw: dict[str, Any] = tomllib.loads(text)
    found = [msgspec.convert(item, AdapterEntry) for item in raw.get("adapter", [])]
    for entry in found:
        if entry.base not in catalogue.entries():
            raise ValueError(f"{entry.name}: there is no model {entry.base}")
        if not re.fullmatch(r"[0-9a-f]{64}", entry.sha256):
            raise ValueError(f"{entry.name}: the SHA-256 is not 64 hexadecimal digits")
        if Path(entry.file_name).name != entry.file_name or entry.file_name.startswith("."):
            raise ValueError(f"{entry.name}: {entry.file_name!r} is not a plain file name")
    table = {entry.name: entry for entry in found}
    if len(table) != len(found) or table.keys() & catalogue.entries().keys():
        raise ValueError("two entries of the catalogue have the same name")
    return table


def added_file() -> Path:
    """Where the user's own adapters are recorded."""
    return paths().models / "adapters.json"


def added() -> dict[str, Adapter]:
    """The adapters that the user added, by name; raises `StorageError` if the record is damaged."""
    file = added_file()
    try:
        return {one.name: one for one in msgspec.json.decode(file.read_bytes(), type=list[Adapter])}
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise StorageError(f"The list of adapters {file} cannot be read: {error.strerror}.") from error
    except msgspec.DecodeError as error:
        raise StorageError(
            f"The list of adapters {file} is damaged: {error}.",
            hint="Mend it or delete it; the adapters themselves are not touched.",
        ) from error


def names() -> list[str]:
    """Every name of an adapter: of the catalogue and added."""
    return [*entries(), *added()]


def lookup(name: str) -> Adapter | None:
    """The adapter of that name, None where it is known but its file is not here; raises `UnknownName`."""
    entry = entries().get(name)
    if entry is not None:
        if installed.complete(entry.weights) is None:
            return None
        return Adapter(
            name=name,
            base=entry.base,
            file=str(installed.file_path(entry.weights)),
            size_bytes=entry.size_bytes,
            sha256=entry.sha256,
            title=entry.title,
            purpose=entry.purpose,
            licence=entry.licence,
            approaches=entry.approaches,
            measured=entry.measured,
            added=False,
        )
    own = added().get(name)
    if own is None:
        raise UnknownName("adapter", name, names())
    return own if own.path.is_file() else None


def find(name: str, report: Report | None = None) -> Adapter:
    """The adapter of that name, ready to be loaded: its file is small, so every byte of it is compared.

    Raises `UnknownName`, `UserError` where its file is not here, `FileDamaged` where it has changed.
    """
    found = lookup(name)
    if found is None:
        raise _absent(name)
    try:
        same = found.path.stat().st_size == found.size_bytes
        if same:
            meter = Meter(name, found.path.name, report)
            meter.begin("verifying", 0, found.size_bytes)
            same = installed.sha256_of(found.path, meter) == found.sha256
    except OSError as error:
        raise StorageError(f"The adapter {found.path} cannot be read: {error.strerror}.") from error
    if not same:
        raise FileDamaged(f"{found.path} has changed since it became the adapter {name}.", hint=_again(found))
    return found


def _absent(name: str) -> PierianError:
    own = added().get(name)
    if own is None:
        return UserError(
            f"The adapter {name} is not on this machine yet.", hint=f"Fetch it: pierian models pull {name}"
        )
    return UserError(
        f"The file of the adapter {name} is gone from {own.path}.",
        hint=f"Put it back, or forget the adapter: pierian models remove {name}",
    )


def _again(found: Adapter) -> str:
    if not found.added:
        return f"Fetch it again: pierian models remove {found.name}, then pierian models pull {found.name}"
    command = f"pierian models add {found.path} --adapter-of {found.base} --name {found.name}"
    return f"If that was meant, add it again: {command}"


def chosen(setting: str, model: str) -> Adapter | None:
    """The adapter that the setting `adapter` means for a model; raises as `find` does where it names one.

    An adapter of another model is none: the setting stays as it is while other models are asked.
    """
    if setting == "none":
        return None
    if setting == "auto":
        fitting = (entry.name for entry in entries().values() if entry.base == model and entry.measured)
        setting = next((name for name in fitting if lookup(name) is not None), "")
        return find(setting) if setting else None
    known = entries().get(setting) or added().get(setting)
    if known is not None and known.base != model:
        return None
    try:
        return find(setting)
    except PierianError as error:
        # It stops every answer, so how to do without it is told as well.
        error.hint = f"{error.hint.rstrip('.')}; or answer without it: pierian config set adapter auto"
        raise


def add(file: Path, base: str, name: str | None = None) -> Adapter:
    """Record an adapter of the user's own for the model `base`, where it lies.

    Raises `FileDamaged` where it is no whole GGUF file, `UserError` where it is no adapter for that model, the name
    is taken, or the model is not here to compare it with.
    """
    file = file.expanduser().absolute()
    model = installed.find(base)
    header = gguf.read(file)
    weights = model.sha256
    if weights is None and TRAINED_KEY in header.facts:
        weights = installed.sha256_of(model.path)
    check_fits(file, model.path, base, weights)
    chosen_name = catalogue.valid_name(name or installed.name_from(file))
    if chosen_name in SETTINGS:
        raise UserError(
            f"An adapter cannot be called {chosen_name}: the setting `adapter` means something else by it.",
            hint="Give another name with --name.",
        )
    if chosen_name in entries() or chosen_name in catalogue.names():
        raise UserError(
            f"The name {chosen_name} is taken by something of the catalogue or another model.",
            hint="Give another with --name.",
        )

    def text(key: str) -> str:
        return str(header.facts.get(key, ""))

    told = tuple(part.strip() for part in text(TASK_KEY).split(",") if part.strip())
    adapter = Adapter(
        name=chosen_name,
        base=base,
        file=str(file),
        size_bytes=header.size_bytes,
        sha256=installed.sha256_of(file),
        title=text("general.name"),
        purpose=text("general.description"),
        licence=text("general.license"),
        approaches=told or APPROACHES,
    )
    with installed.locked("adapters"):
        known = added()
        if chosen_name in known and known[chosen_name].path != file:
            raise UserError(
                f"The name {chosen_name} is taken by {known[chosen_name].path}.",
                hint=f"Give another with --name, or free it: pierian models remove {chosen_name}",
            )
        _save(known | {chosen_name: adapter})
    return adapter


def check_fits(file: Path, model: Path, base: str, sha256: str | None = None) -> None:
    """Raise `UserError` unless the file is a low-rank adapter whose matrices fit those of the model.

    The engine would refuse it too, but only when it loads, and then with the model as well. With the `sha256` of the
    model's file an adapter that says beside which file it was trained has to name that one.
    """
    header = gguf.read(file)
    if not header.is_adapter or header.facts.get("adapter.type") != "lora":
        raise UserError(
            f"{file} is no adapter.",
            hint=f"Leave --adapter-of away to add a model: pierian models add {file}",
        )
    alpha = header.facts.get("adapter.lora.alpha")
    if not (isinstance(alpha, float) and math.isfinite(alpha) and alpha > 0):
        raise UserError(
            f"{file} does not say how strong it is: adapter.lora.alpha has to be a number above 0.",
            hint="Export it again.",
        )
    other = UserError(
        f"{file} was made for another model than {base}.", hint="Give its own model to --adapter-of."
    )
    if header.architecture != gguf.read(model).architecture:
        raise other
    parts, whole = gguf.shapes(file), gguf.shapes(model)
    pairs = {name.removesuffix(".lora_a") for name in parts if name.endswith(".lora_a")}
    if not pairs or len(parts) != 2 * len(pairs):
        raise UserError(
            f"{file} has tensors that belong to no pair of a low-rank adapter.", hint="Export it again."
        )
    for name in pairs:
        first, second, base_shape = (
            parts[f"{name}.lora_a"],
            parts.get(f"{name}.lora_b", ()),
            whole.get(name, ()),
        )
        if not (len(first) == len(second) == len(base_shape) == 2):
            raise other
        if (first[0], second[1]) != base_shape or first[1] != second[0]:
            raise other
    trained = header.facts.get(TRAINED_KEY)
    if sha256 and trained and trained != sha256:
        raise UserError(
            f"{file} was trained beside another file than that of {base}, whose SHA-256 is {sha256[:12]}….",
            hint="Give its own model to --adapter-of, or train it anew beside this one.",
        )


def verify(name: str, report: Report | None = None) -> Adapter:
    """Read every byte of an adapter and compare; raises `FileDamaged`, or as `find` does."""
    return find(name, report)


def remove(name: str) -> list[Path]:
    """Delete a fetched adapter, or forget a user's own; returns the files that were deleted."""
    entry = entries().get(name)
    if entry is not None:
        with installed.locked(name):
            deleted = installed.delete(entry.weights)
        if not deleted:
            raise _absent(name)
        return deleted
    with installed.locked("adapters"):
        known = added()
        if known.pop(name, None) is None:
            raise UnknownName("adapter", name, names())
        _save(known)
    return []


def _save(known: dict[str, Adapter]) -> None:
    """Replace the record in one step."""
    file = added_file()
    file.parent.mkdir(parents=True, exist_ok=True)
    write_private(file, json.dumps([msgspec.to_builtins(one) for one in known.values()], indent=1) + "\n")
