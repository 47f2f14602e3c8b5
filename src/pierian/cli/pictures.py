"""Pictures of a question on the command line: files, pages of a PDF, addresses, standard input, the clipboard.

    chart.png   scan.pdf#3   https://example.org/chart.png   -

Only fetches bytes and draws looks; what is in a picture is read elsewhere.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from pathlib import Path

from pierian.events import Look
from pierian.exceptions import UserError
from pierian.vision.picture_file import PictureFile


def picture_files(images: Sequence[str], *, question_from_input: bool = False) -> tuple[PictureFile, ...]:
    """The pictures that were named; raises `UserError` for one that cannot be had."""
    if not images:
        return ()
    from pierian.vision.packages import check_installed

    check_installed()
    if list(images).count("-") > 1:
        raise UserError("Only one picture can come from standard input or the clipboard.")
    if "-" in images and question_from_input:
        raise UserError(
            "The question and a picture cannot both come from standard input.",
            hint='pierian ask "What is the total?" --image - < receipt.jpg',
        )
    return tuple(_picture_file(image) for image in images)


def _picture_file(image: str) -> PictureFile:
    if image == "-":
        return _from_clipboard() if sys.stdin.isatty() else _from_input()
    import asyncio

    from pierian.assistant.pictures import picture_files as named

    return asyncio.run(named([image]))[0]


def _from_input() -> PictureFile:
    from pierian.vision.loading import MOST_BYTES

    return PictureFile("The picture on standard input", sys.stdin.buffer.read(MOST_BYTES + 1))


def _from_clipboard() -> PictureFile:
    from PIL import Image, ImageGrab

    hint = "Copy one first, or pipe it: pierian ask … --image - < picture.png"
    try:
        found = ImageGrab.grabclipboard()
    except (NotImplementedError, OSError, ChildProcessError) as error:
        raise UserError(f"The clipboard cannot be read: {error}.", hint=hint) from error
    if isinstance(found, list) and len(found) == 1:
        return _picture_file(found[0])  # a file that was copied
    if not isinstance(found, Image.Image):
        raise UserError("There is no picture on the clipboard.", hint=hint)
    content = io.BytesIO()
    found.save(content, "PNG")
    return PictureFile("The picture on the clipboard", content.getvalue())


def draw_looks(file: PictureFile, looks: Sequence[Look], target: Path) -> None:
    """Draw the looks at a picture on it."""
    from pierian.cli.look import write_overlay
    from pierian.vision.loading import load
    from pierian.vision.outlines import of_looks

    picture = load(file.data, name=file.name, page=file.page)
    write_overlay(picture.pixels, of_looks(looks), target)
