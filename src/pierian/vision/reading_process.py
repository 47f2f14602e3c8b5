"""The process in which pictures are read for questions, started by `readers` and kept for several of them.

It loads the networks once, and holds the pixels of the pictures that it was given last, so that parts of them can be
read again. On standard input come requests, on standard output go answers, each a length and MessagePack. The
operating system bounds its memory; whoever started it bounds its time.
"""

from __future__ import annotations

import contextlib
import os
import resource
import sys
from collections import OrderedDict
from typing import TYPE_CHECKING, BinaryIO

import msgspec
from msgspec import Struct

from pierian.events.regions import Box
from pierian.exceptions import PierianError
from pierian.vision.picture_file import PictureFile
from pierian.vision.scene import Scene

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]

MOST_MEMORY = 3 * 2**30
LENGTH_BYTES = 8
HELD = 4
"""Pictures whose pixels are held."""


class ReadScene(Struct, frozen=True, tag="scene"):
    """Read a whole picture. `scale`: enlarge it first, so that it is measured independently."""

    key: str
    file: PictureFile
    scale: float = 1.0


class ReadCrop(Struct, frozen=True, tag="crop"):
    """Read the text in a box of a picture that is held, enlarged."""

    key: str
    box: Box
    scale: float = 2.0


class Seen(Struct, frozen=True, tag="seen"):
    """A picture's scene; `notes` are sentences about how it was loaded."""

    scene: Scene
    notes: tuple[str, ...] = ()


class Text(Struct, frozen=True, tag="text"):
    """What a box holds, and how sure that is."""

    text: str
    confidence: float


class Refused(Struct, frozen=True, tag="refused"):
    """Why there is no answer. `user`: whether the picture is at fault rather than this process."""

    message: str
    hint: str = ""
    user: bool = True


_REQUESTS = msgspec.msgpack.Decoder(ReadScene | ReadCrop)
ANSWERS = msgspec.msgpack.Decoder(Seen | Text | Refused)


def main() -> None:
    """Be the process, until standard input ends."""
    for what, most in ((resource.RLIMIT_DATA, MOST_MEMORY), (resource.RLIMIT_CORE, 0)):
        with contextlib.suppress(ValueError, OSError):  # not every system keeps each of them
            resource.setrlimit(what, (most, most))
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    held: OrderedDict[str, Pixels] = OrderedDict()
    while (request := _next(sys.stdin.buffer)) is not None:
        content = msgspec.msgpack.encode(_answer(request, held))
        answers.write(len(content).to_bytes(LENGTH_BYTES) + content)
        answers.flush()
    os._exit(0)


def _next(given: BinaryIO) -> ReadScene | ReadCrop | None:
    length = given.read(LENGTH_BYTES)
    if len(length) < LENGTH_BYTES:
        return None
    return _REQUESTS.decode(given.read(int.from_bytes(length)))


def _answer(request: ReadScene | ReadCrop, held: OrderedDict[str, Pixels]) -> Seen | Text | Refused:
    try:
        match request:
            case ReadScene():
                return _scene(request, held)
            case ReadCrop(key=key, box=box, scale=scale):
                from pierian.vision.text import read_crop

                if key not in held:
                    return Refused("The picture is no longer held.", user=False)
                return Text(*read_crop(held[key], box, scale=scale))
    except PierianError as error:
        return Refused(str(error), error.hint)
    except MemoryError:
        name = request.file.title if isinstance(request, ReadScene) else "The picture"
        return Refused(f"{name} takes more than the {MOST_MEMORY // 2**20:,} MB that reading may take.")
    except Exception as error:  # noqa: BLE001 - the edge of the process: what a reader stumbles over ends in a sentence
        return Refused(f"The picture could not be read ({type(error).__name__}: {error}).", user=False)


def _scene(request: ReadScene, held: OrderedDict[str, Pixels]) -> Seen:
    from msgspec.structs import replace

    from pierian.vision.loading import load
    from pierian.vision.reading import read_scene
    from pierian.vision.turning import turn

    file = request.file
    picture = load(file.data, name=file.name, page=file.page)
    if request.scale != 1.0:
        import cv2
        import numpy as np

        larger = cv2.resize(
            picture.pixels, None, fx=request.scale, fy=request.scale, interpolation=cv2.INTER_CUBIC
        )
        picture = replace(picture, pixels=larger.astype(np.uint8))
    scene = read_scene(picture)
    if request.scale == 1.0:
        held[request.key] = turn(picture.pixels, scene.turned)
        while len(held) > HELD:
            held.popitem(last=False)
    return Seen(scene, picture.notes)


if __name__ == "__main__":
    main()
