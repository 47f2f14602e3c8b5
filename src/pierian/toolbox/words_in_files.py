"""Looks for words in the names and texts under some folders, within bounds on files, bytes and seconds.

A plain walk, no index: right for a folder of notes, too slow for a disk. Hidden files and folders are passed over,
and links are not followed. Blocking: call it in a thread.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator, Sequence

from msgspec import Struct

from pierian.characters import misleads
from pierian.toolbox import confined
from pierian.toolbox.confined import Place
from pierian.toolbox.texts import decoded, lines_with, wanted_words
from pierian.tools import ToolFailure

MOST_HITS = 40
MOST_FILES = 20_000
MOST_FILE_BYTES = 1_000_000
MOST_SECONDS = 15.0
MOST_DEPTH = 30
PASSAGES_PER_FILE = 3
PASSAGE_CHARACTERS = 300


class Hit(Struct, frozen=True):
    """A file, and the lines in which the words stand; none where they stand in its name."""

    path: str
    lines: list[str]


class Found(Struct, frozen=True):
    """What was found, names first; not `complete` where a bound ended the search."""

    hits: list[Hit]
    complete: bool


def search(places: Sequence[Place], words: str) -> Found:
    """The files under these folders with all of the words in the name, or all in the text."""
    wanted = wanted_words(words)
    if not wanted:
        raise ToolFailure("invalid", "There are no words to look for.")
    by_name: list[Hit] = []
    by_text: list[Hit] = []
    end = time.monotonic() + MOST_SECONDS
    seen = 0
    for folder, path, names in _walk(places):
        for name in names:
            seen += 1
            if seen > MOST_FILES or time.monotonic() > end or len(by_name) + len(by_text) >= MOST_HITS:
                return Found(by_name + by_text, complete=False)
            whole = f"{path}/{name}"
            if all(word in name.casefold() for word in wanted):
                by_name.append(Hit(whole, []))
            elif lines := _lines(folder, name, whole, wanted):
                by_text.append(Hit(whole, lines))
    return Found(by_name + by_text, complete=True)


def _walk(places: Sequence[Place]) -> Iterator[tuple[int, str, list[str]]]:
    """Each folder's descriptor, path and names of files. What cannot be opened is passed over."""
    for place in places:
        with confined.opened_folder(place) as top:
            for within, folders, names, folder in os.fwalk(".", dir_fd=top, follow_symlinks=False):
                depth = within.count("/")
                folders[:] = sorted(name for name in folders if depth < MOST_DEPTH and _shown(name))
                path = f"{place.path.rstrip('/')}{within[1:]}"
                yield folder, path, sorted(name for name in names if _shown(name))


def _shown(name: str) -> bool:
    return not name.startswith(".") and not misleads(name)


def _lines(folder: int, name: str, path: str, wanted: Sequence[str]) -> list[str]:
    """The best lines of a text file that has all the words; empty for any other file."""
    try:
        about = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if not stat.S_ISREG(about.st_mode) or about.st_size > MOST_FILE_BYTES:
            return []
        with confined.opened_file(folder, name, path) as file:
            text = decoded(confined.read_up_to(file, MOST_FILE_BYTES))
    except (OSError, ToolFailure):  # gone or closed to us meanwhile
        return []
    if text is None:
        return []
    folded = text.casefold()
    if not all(word in folded for word in wanted):
        return []
    return [
        line
        for _, line in lines_with(text, wanted, most=PASSAGES_PER_FILE, most_characters=PASSAGE_CHARACTERS)
    ]
