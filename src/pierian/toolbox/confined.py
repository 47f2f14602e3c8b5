"""Files under the folders that the user named, and nothing else, whatever a path says.

A path is resolved with its links, must then lie in one of the folders, and is opened part by part without following
links, so that a link put there in between leads nowhere. A file that has a second name outside (a hard link) cannot
be told from any other. Blocking: call it in a thread.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Generator, Sequence
from pathlib import Path

from msgspec import Struct

from pierian.characters import misleads
from pierian.tools import ToolFailure

MOST_PATH_CHARACTERS = 1024
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS})


class Place(Struct, frozen=True):
    """A place under one of the folders: `root` is real, `parts` lead down from it and hold no link."""

    root: str
    parts: tuple[str, ...]

    @property
    def path(self) -> str:
        """The absolute path."""
        return str(Path(self.root, *self.parts))


class Folders:
    """The folders that the user named."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._named = [folder.expanduser().absolute() for folder in folders]

    def roots(self) -> list[Place]:
        """The folders themselves."""
        return [Place(os.path.realpath(folder), ()) for folder in self._named]

    def place(self, text: str) -> Place:
        """Where a path leads: the first of its readings that exists, else the first whose folder exists."""
        readings = self._readings(text)
        places = [place for place in map(self._real, readings) if place is not None]
        if not readings or not places:
            raise ToolFailure(
                "denied",
                f"{text!r} is outside of the folders that may be used.",
                hint=f"These may be used: {', '.join(map(str, self._named)) or 'none'}.",
            )
        for place in places:
            if os.path.lexists(place.path):
                return place
        return next((place for place in places if Path(place.path).parent.is_dir()), places[0])

    def inside(self, real: str) -> Place | None:
        """The place of a real path, if one of the folders holds it."""
        for root in self.roots():
            if Path(real).is_relative_to(root.root):
                return Place(root.root, Path(real).relative_to(root.root).parts)
        return None

    def _readings(self, text: str) -> list[Path]:
        """The paths that a text may mean: from the top, in a folder, or beginning with a folder's own name."""
        if not text.strip() or len(text) > MOST_PATH_CHARACTERS or misleads(text):
            raise ToolFailure("invalid", f"{text[:80]!r} cannot be the path of a file here.")
        path = Path.home() / text[2:] if text.startswith("~/") else Path(text)
        if ".." in path.parts:
            raise ToolFailure("denied", f"{text!r} leads upwards; write the whole path instead.")
        if path.is_absolute():
            return [path]
        named = [folder.parent / path for folder in self._named if path.parts[:1] == (folder.name,)]
        return [folder / path for folder in self._named] + named

    def _real(self, path: Path) -> Place | None:
        try:
            return self.inside(os.path.realpath(path))
        except OSError:
            return None


@contextlib.contextmanager
def opened_folder(place: Place, *, make: bool = False) -> Generator[int]:
    """A descriptor of a folder, reached part by part without following links; `make` creates what is missing."""
    with explained(place.path):
        folder = os.open(place.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in place.parts:
            with explained(place.path):
                if make:
                    with contextlib.suppress(FileExistsError):
                        os.mkdir(part, dir_fd=folder)
                below = os.open(part, _FOLDER, dir_fd=folder)
            os.close(folder)
            folder = below
        yield folder
    finally:
        os.close(folder)


@contextlib.contextmanager
def opened_file(folder: int, name: str, path: str) -> Generator[int]:
    """A descriptor of a regular file in an opened folder; pipes, devices, sockets and links are refused."""
    with explained(path):
        # Asked before opening as well: opening a device may do something.
        regular = stat.S_ISREG(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
        file = os.open(name, _FILE, dir_fd=folder) if regular else -1
    try:
        if file < 0 or not stat.S_ISREG(os.fstat(file).st_mode):
            raise ToolFailure("wrong_type", f"{path} is not an ordinary file.")
        yield file
    finally:
        if file >= 0:
            os.close(file)


def read(place: Place, most_bytes: int) -> bytes:
    """The bytes of a file; raises `ToolFailure` where it has more than `most_bytes`."""
    if not place.parts:
        raise ToolFailure("wrong_type", f"{place.path} is a folder.")
    with (
        opened_folder(Place(place.root, place.parts[:-1])) as folder,
        opened_file(folder, place.parts[-1], place.path) as file,
    ):
        content = read_up_to(file, most_bytes + 1)
    if len(content) > most_bytes:
        raise ToolFailure("too_large", f"{place.path} is larger than the {most_bytes:,} bytes that are read.")
    return content


def read_up_to(file: int, most_bytes: int) -> bytes:
    """At most so many bytes from a descriptor."""
    with os.fdopen(os.dup(file), "rb") as reader:
        return reader.read(most_bytes)


def write(place: Place, content: bytes, *, replace: bool) -> None:
    """Put a whole file there or nothing, folders included; raises `FileExistsError` unless it may `replace`."""
    if not place.parts:
        raise ToolFailure("invalid", f"{place.path} is a folder.")
    name, temporary = place.parts[-1], f".pierian-{secrets.token_hex(8)}.part"
    with opened_folder(Place(place.root, place.parts[:-1]), make=True) as folder, explained(place.path):
        try:
            _write_new(folder, temporary, content)
            if replace:
                _take_place(folder, temporary, name)
            else:
                _take_free_place(folder, temporary, name)
            os.fsync(folder)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary, dir_fd=folder)


def _write_new(folder: int, name: str, content: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(name, flags, 0o666, dir_fd=folder), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _take_place(folder: int, temporary: str, name: str) -> None:
    """Replace a file, and keep who may read it."""
    with contextlib.suppress(FileNotFoundError):
        before = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if not stat.S_ISREG(before.st_mode):
            raise ToolFailure("wrong_type", f"{name} is not an ordinary file; nothing was written.")
        file = os.open(temporary, _FILE, dir_fd=folder)
        try:
            os.fchmod(file, stat.S_IMODE(before.st_mode))
        finally:
            os.close(file)
    os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)


def _take_free_place(folder: int, temporary: str, name: str) -> None:
    """Give a file its name only if nothing has it: a link fails where a rename would replace."""
    try:
        os.link(temporary, name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        # A file system without links, such as that of a memory stick: the look before is the best there is.
        with contextlib.suppress(FileNotFoundError):
            os.stat(name, dir_fd=folder, follow_symlinks=False)
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), name) from error
        os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)


@contextlib.contextmanager
def explained(path: str) -> Generator[None]:
    """Turn what the operating system says into what a person can use; an existing file stays `FileExistsError`."""
    try:
        yield
    except FileExistsError:
        raise
    except FileNotFoundError as error:
        raise ToolFailure("not_found", f"There is no {path}.") from error
    except PermissionError as error:
        raise ToolFailure("denied", f"The system does not allow that with {path}.") from error
    except NotADirectoryError as error:
        raise ToolFailure(
            "not_found", f"There is no {path}: part of its path is a file or a link."
        ) from error
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise ToolFailure("denied", f"{path} goes through a link.") from error
        if error.errno == errno.ENAMETOOLONG:
            raise ToolFailure("invalid", f"The name {path[:80]}… is too long.") from error
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise ToolFailure("failed", f"There is no room left for {path}.") from error
        raise ToolFailure("failed", f"{path}: {error.strerror or error}.") from error
