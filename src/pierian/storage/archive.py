"""The file of a backup: a plain tar, in which every byte is accounted for.

First the tables, a row of JSON a line, and the files beside the database; then `manifest.json`, which has the size
and the SHA-256 of each; last `manifest.sha256`, the manifest's own. Any program for tar unpacks it. Reading it here
is stricter: headers must be those that `Writer` writes, padding must be empty, and nothing may be missing or added,
so that no changed byte goes unnoticed. Nothing is compressed, so no small file grows, and nothing is unpacked into
a path, so no name in it leads anywhere. What the rows mean is the business of `backup` and `restore`.
"""

from __future__ import annotations

import hashlib
import os
import tarfile
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import msgspec
from msgspec import Struct

from pierian.exceptions import StorageError, UserError

FORMAT = 1
MANIFEST, SEAL = "manifest.json", "manifest.sha256"
BLOCK = 512
CHUNK = 1024 * 1024
LONGEST_LINE = 256 * CHUNK
"""Of one row. Nothing that is stored comes near it; it bounds the memory that a hostile file may take."""
LONGEST_FILE = 16 * CHUNK
"""Of the manifest and of one file beside the database."""

Value = str | int | float | bool | None
Row = dict[str, Value]
_ROW = msgspec.json.Decoder(Row)


class Part(Struct, frozen=True, forbid_unknown_fields=True):
    """How many bytes a part has, and their hash."""

    bytes: int
    sha256: str


class TablePart(Struct, frozen=True, forbid_unknown_fields=True):
    """A table: as `Part`, and its columns and how many rows it has."""

    columns: tuple[str, ...]
    rows: int
    bytes: int
    sha256: str


class Manifest(Struct, frozen=True, forbid_unknown_fields=True):
    """What is in a backup. Tables stand in an order in which they can be filled."""

    format: int
    version: str
    """Of Pierian."""
    revision: str
    """Of the schema."""
    database: str
    """The kind it comes from, `sqlite` or `postgresql`; it can be restored into either."""
    created_at: datetime
    tables: dict[str, TablePart]
    files: dict[str, Part]

    @property
    def names(self) -> list[str]:
        """All members of the tar, in order."""
        return [*map(table_name, self.tables), *map(file_name, self.files), MANIFEST, SEAL]


def table_name(table: str) -> str:
    """The member that holds a table."""
    return f"tables/{table}.jsonl"


def file_name(file: str) -> str:
    """The member that holds a file from beside the database."""
    return f"files/{file}"


def header(name: str, size: int, moment: int) -> bytes:
    """The one header that a member may have."""
    info = tarfile.TarInfo(name)
    info.size, info.mtime, info.mode = size, moment, 0o600
    return info.tobuf(tarfile.GNU_FORMAT)


def padding(size: int) -> bytes:
    """What follows a member, up to the next block."""
    return bytes(-size % BLOCK)


class Writer:
    """Writes members one after the other into a file that can be sought."""

    def __init__(self, out: BinaryIO, created_at: datetime) -> None:
        self._out = out
        self._moment = int(created_at.timestamp())

    def add(self, name: str, chunks: Iterable[bytes]) -> Part:
        """Write a member as its bytes come."""
        start, size, digest = self._out.tell(), 0, hashlib.sha256()
        self._out.write(bytes(BLOCK))
        for chunk in chunks:
            self._out.write(chunk)
            digest.update(chunk)
            size += len(chunk)
        self._out.write(padding(size))
        end = self._out.tell()
        self._out.seek(start)
        self._out.write(header(name, size, self._moment))
        self._out.seek(end)
        return Part(size, digest.hexdigest())

    def finish(self, manifest: Manifest) -> None:
        """Write the manifest, its hash and the end."""
        text = msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n"
        hashed = self.add(MANIFEST, [text])
        self.add(SEAL, [f"{hashed.sha256}  {MANIFEST}\n".encode()])
        self._out.write(bytes(2 * BLOCK))


class Archive:
    """An opened backup whose manifest is whole; the rest is checked as it is read, and by `verify` beforehand."""

    def __init__(self, file: BinaryIO, path: Path) -> None:
        self.path = path
        self._file = file
        self._places: dict[str, tuple[int, int]] = {}
        moments = self._walk()
        self.manifest = self._manifest()
        if list(self._places) != self.manifest.names:
            raise self.damaged("it does not hold what its manifest says")
        if moments != {int(self.manifest.created_at.timestamp())}:
            raise self.damaged("its parts were not written together")
        for name, part in self._parts():
            if self._places[name][1] != part.bytes:
                raise self.damaged(f"{name} is not as long as its manifest says")

    def verify(self) -> None:
        """Read everything once; raises `StorageError` where anything is not as it was written."""
        for table in self.manifest.tables:
            for _ in self.rows(table):
                pass
        for file in self.manifest.files:
            self.file(file)

    def rows(self, table: str) -> Generator[Row]:
        """The rows of a table; raises `StorageError` at the latest after the last one."""
        part, name, read, digest = self.manifest.tables[table], table_name(table), 0, hashlib.sha256()
        start, left = self._places[name]
        self._file.seek(start)
        while left:
            line = self._file.readline(min(left, LONGEST_LINE))
            left -= len(line)
            digest.update(line)
            if not line.endswith(b"\n"):
                raise self.damaged(f"{name} has a line without an end")
            yield self._row(line, part, name)
            read += 1
        if read != part.rows or digest.hexdigest() != part.sha256:
            raise self.damaged(f"{name} is not what was written")

    def file(self, file: str) -> bytes:
        """The content of a file from beside the database."""
        return self._whole(file_name(file), self.manifest.files[file].sha256)

    def damaged(self, what: str) -> StorageError:
        """The error for a file that is no backup, or no longer."""
        return StorageError(
            f"{self.path} is damaged or is not a backup of Pierian: {what}.",
            hint="Nothing was changed. Use another backup.",
        )

    def _parts(self) -> list[tuple[str, Part | TablePart]]:
        tables = [(table_name(name), part) for name, part in self.manifest.tables.items()]
        return [*tables, *((file_name(name), part) for name, part in self.manifest.files.items())]

    def _walk(self) -> set[int]:
        """Find all members, and nothing else; returns the times that they bear."""
        moments, end = set[int](), os.fstat(self._file.fileno()).st_size
        while any(block := self._file.read(BLOCK)):
            try:
                info = tarfile.TarInfo.frombuf(block, "utf-8", "strict")
                known = header(info.name, info.size, int(info.mtime)) == block and info.size >= 0
            except (tarfile.TarError, ValueError) as error:
                raise self.damaged("a header of the tar cannot be read") from error
            start = self._file.tell()
            if not known or info.name in self._places or start + info.size > end:
                raise self.damaged("it has a part that Pierian does not write, or is cut off")
            self._places[info.name] = (start, info.size)
            moments.add(int(info.mtime))
            self._file.seek(info.size, os.SEEK_CUR)
            if self._file.read(len(padding(info.size))) != padding(info.size):
                raise self.damaged("there is something between its parts")
        if len(block) != BLOCK or self._file.read(BLOCK + 1) != bytes(BLOCK):
            raise self.damaged("its end is missing, or something follows it")
        return moments

    def _manifest(self) -> Manifest:
        seal = self._whole(SEAL).decode("utf-8", "replace")
        text = self._whole(MANIFEST)
        if seal != f"{hashlib.sha256(text).hexdigest()}  {MANIFEST}\n":
            raise self.damaged("its manifest is not what was written")
        try:
            made: dict[str, object] = msgspec.json.decode(text)
            if made.get("format") != FORMAT:
                raise StorageError(
                    f"{self.path} was written by a newer Pierian, in the format {made.get('format')!r}.",
                    hint="Nothing was changed. Update Pierian: pip install --upgrade pierian.",
                )
            return msgspec.json.decode(text, type=Manifest)
        except (msgspec.DecodeError, AttributeError) as error:
            raise self.damaged(f"its manifest cannot be understood ({error})") from error

    def _whole(self, name: str, sha256: str = "") -> bytes:
        """A small member, where its hash (if there is one to compare with) is right."""
        start, size = self._places.get(name, (0, -1))
        if not 0 <= size <= LONGEST_FILE:
            raise self.damaged(f"{name} is missing or too large")
        self._file.seek(start)
        content = self._file.read(size)
        if sha256 and hashlib.sha256(content).hexdigest() != sha256:
            raise self.damaged(f"{name} is not what was written")
        return content

    def _row(self, line: bytes, part: TablePart, name: str) -> Row:
        try:
            row = _ROW.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise self.damaged(f"{name} has a line that is no row") from error
        fits = all(type(value) is not int or -(2**63) <= value < 2**63 for value in row.values())
        if tuple(row) != part.columns or not fits:
            raise self.damaged(f"{name} has a row that does not fit its columns")
        return row


@contextmanager
def open_archive(path: Path) -> Generator[Archive]:
    """Open a backup for reading; raises `UserError` where there is no such file, else `StorageError`."""
    try:
        if not path.is_file():
            raise UserError(
                f"There is no backup {path}.", hint="Name a file that `pierian backup` has written."
            )
        file = path.open("rb")
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.", hint="Check its permissions.") from error
    with file:
        try:
            yield Archive(file, path)
        except OSError as error:
            raise StorageError(f"{path} cannot be read: {error.strerror}.") from error
