"""The user's own files, under the folders that they named: list, read, search by words, write.

Names of files are as untrusted as what is in them (a download may be called anything), so both carry the label of
their path; names made to mislead are left out and counted. Text only: other formats are read by `documents`.
"""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct

from pierian.characters import misleads
from pierian.provenance import Labelled, Labels, external, together
from pierian.toolbox import confined, words_in_files
from pierian.toolbox.confined import Folders, Place
from pierian.toolbox.texts import decoded
from pierian.tools import Context, Tool, ToolFailure, tool
from pierian.tools.shapes import returning

MOST_READ_BYTES = 400_000
MOST_ENTRIES = 500


class Entry(Struct, frozen=True):
    """One thing in a folder; `changed` is a date."""

    path: str
    kind: Literal["file", "folder"]
    bytes: int
    changed: str


class Listing(Struct, frozen=True):
    """What is in a folder; `left_out` counts names made to mislead, special files, links that lead out, and
    what is over the limit."""

    entries: list[Entry]
    left_out: int


class Written(Struct, frozen=True):
    """A file that stands now."""

    path: str
    bytes: int


def file_tools(folders: Sequence[Path]) -> list[Tool]:
    """Tools for the files under `folders`."""
    allowed = Folders(folders)

    @returning(Listing)
    @tool(effect="read")
    async def file_list(folder: str = "") -> Labelled:
        """What is in a folder.

        Args:
            folder: Its path; empty for the folders that may be used.
        """
        return await asyncio.to_thread(_list, allowed, folder)

    @returning(str)
    @tool(effect="read")
    async def file_read(path: str) -> Labelled:
        """The text of a file."""
        return await asyncio.to_thread(_read, allowed, path)

    @returning(words_in_files.Found)
    @tool(effect="read")
    async def file_search(words: str, folder: str = "") -> Labelled:
        """Find files with all of some words in their name or text.

        Args:
            folder: Where to look; empty for everywhere.
        """
        return await asyncio.to_thread(_search, allowed, words, folder)

    async def written(_: Context, values: Mapping[str, Any]) -> Labelled | None:
        try:
            return await asyncio.to_thread(standing, allowed, str(values["path"]), str(values["text"]))
        except ToolFailure:
            return None

    @returning(Written)
    @tool(effect="write", lookup=written, always_asks=True)
    async def file_write(path: str, text: str, replace: bool = False) -> Labelled:
        """Write a text file.

        Args:
            replace: Whether a file that is there may be replaced.
        """
        return await asyncio.to_thread(_write, allowed, path, text, replace)

    return [file_list, file_read, file_search, file_write]


def labels_of_places(places: Sequence[Place]) -> Labels:
    """The labels of what was found in these places."""
    return together(external(f"file:{place.path}") for place in places)


def standing(allowed: Folders, path: str, text: str) -> Labelled | None:
    """The file, if this very text stands in it."""
    place = allowed.place(path)
    content = text.encode()
    try:
        if confined.read(place, len(content)) != content:
            return None
    except ToolFailure as failure:
        if failure.code in ("not_found", "too_large"):
            return None
        raise
    return Labelled(Written(place.path, len(content)), labels_of_places([place]))


def _list(allowed: Folders, folder: str) -> Labelled:
    if folder:
        place = allowed.place(folder)
        return Labelled(_listing(allowed, place), labels_of_places([place]))
    places = allowed.roots()
    return Labelled(_roots(places), labels_of_places(places))


def _read(allowed: Folders, path: str) -> Labelled:
    place = allowed.place(path)
    text = decoded(confined.read(place, MOST_READ_BYTES))
    if text is None:
        raise ToolFailure("wrong_type", f"{place.path} is not a text file.")
    return Labelled(text, labels_of_places([place]))


def _search(allowed: Folders, words: str, folder: str) -> Labelled:
    places = [allowed.place(folder)] if folder else allowed.roots()
    found = words_in_files.search(places, words)
    hits = together(external(f"file:{hit.path}") for hit in found.hits)
    return Labelled(found, labels_of_places(places) | hits)


def _write(allowed: Folders, path: str, text: str, replace: bool) -> Labelled:
    try:
        content = text.encode()
    except UnicodeEncodeError as error:
        raise ToolFailure("invalid", f"What is to be written to {path} is not text.") from error
    if found := standing(allowed, path, text):
        return found
    place = allowed.place(path)
    try:
        confined.write(place, content, replace=replace)
    except FileExistsError as error:
        raise ToolFailure(
            "denied",
            f"{place.path} is there already.",
            hint="Choose another name, or say that it may be replaced.",
        ) from error
    return Labelled(Written(place.path, len(content)), labels_of_places([place]))


def _roots(places: Sequence[Place]) -> Listing:
    there = [place for place in places if Path(place.path).is_dir()]
    entries = [_entry(place.path, Path(place.path).stat()) for place in there]
    return Listing([entry for entry in entries if entry], len(places) - len(there))


def _listing(allowed: Folders, place: Place) -> Listing:
    with confined.opened_folder(place) as folder, confined.explained(place.path):
        names = sorted(os.listdir(folder))  # noqa: PTH208 - pathlib knows no descriptors
        found = list(_entries(allowed, place, folder, names))
    return Listing(found[:MOST_ENTRIES], len(names) - min(len(found), MOST_ENTRIES))


def _entries(allowed: Folders, place: Place, folder: int, names: Sequence[str]) -> Iterator[Entry]:
    for name in names:
        path = f"{place.path.rstrip('/')}/{name}"
        if misleads(name):
            continue
        try:
            about = os.stat(name, dir_fd=folder, follow_symlinks=False)
            if stat.S_ISLNK(about.st_mode):
                if allowed.inside(os.path.realpath(path)) is None:
                    continue
                about = os.stat(name, dir_fd=folder)
        except OSError:  # gone meanwhile, or a link to nowhere
            continue
        if entry := _entry(path, about):
            yield entry


def _entry(path: str, about: os.stat_result) -> Entry | None:
    if not (stat.S_ISREG(about.st_mode) or stat.S_ISDIR(about.st_mode)):
        return None
    changed = datetime.fromtimestamp(about.st_mtime, UTC).date().isoformat()
    is_folder = stat.S_ISDIR(about.st_mode)
    return Entry(path, "folder" if is_folder else "file", 0 if is_folder else about.st_size, changed)
