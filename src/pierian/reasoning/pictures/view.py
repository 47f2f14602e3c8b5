"""One picture of a question: the file, what the readers found in it, and its number among the others."""

from __future__ import annotations

from msgspec import Struct

from pierian.vision.picture_file import PictureFile
from pierian.vision.scene import Scene


class View(Struct, frozen=True, kw_only=True):
    """A picture that was read. `number` counts from 1; `notes` are sentences about how it was loaded."""

    number: int
    file: PictureFile
    scene: Scene
    notes: tuple[str, ...] = ()
