"""Pictures read in a process of their own: what it answers, how it ends, and that it does not take anybody with it."""

from __future__ import annotations

import asyncio
import io
import os
import signal

import pytest
from PIL import Image
from tests.vision.drawing import page

from pierian.events.regions import Box, Point, Polygon
from pierian.exceptions import RunError
from pierian.vision.loading import PictureError
from pierian.vision.picture_file import PictureFile
from pierian.vision.readers import Readers
from pierian.vision.turning import turned_back


def file(image: Image.Image, name: str = "page.png") -> PictureFile:
    content = io.BytesIO()
    image.save(content, "PNG")
    return PictureFile(name, content.getvalue())


async def test_pictures_are_read_one_after_the_other_and_again_in_parts() -> None:
    first = file(page(420, 120, [((20, 20), "Total 23.40"), ((20, 70), "Table seven")], 22))
    async with Readers() as readers:
        seen = await readers.read(first)
        texts = [line.text for line in seen.scene.texts]
        assert texts == ["Total 23.40", "Table seven"]
        text, sure = await readers.read_again(first, seen.scene.texts[0].region.box)
        assert (text, sure > 0.8) == ("Total 23.40", True)
        with pytest.raises(PictureError, match=r"notes\.png is no picture that can be read"):
            await readers.read(PictureFile("notes.png", b"Not a picture at all."))
        # Others do not wait, and one who leaves takes nobody's answer along.
        left = asyncio.create_task(readers.read(first))
        await asyncio.sleep(0)
        left.cancel()
        with pytest.raises(asyncio.CancelledError):
            await left
        assert (await readers.read(first)).scene.width == 420
        child = readers._child  # pyright: ignore[reportPrivateUsage]
        assert child is not None
        os.kill(child.pid, signal.SIGKILL)
        with pytest.raises(RunError, match="went down"):
            await readers.read(first)
        with pytest.raises(RunError, match="no longer held"):
            await readers.read_again(first, Box(0, 0, 10, 10))
        child = readers._child  # pyright: ignore[reportPrivateUsage]
    assert child is not None
    assert child.returncode is not None


@pytest.mark.parametrize(
    ("degrees", "box"),
    [(0, Box(1, 2, 4, 8)), (90, Box(2, 16, 8, 19)), (180, Box(16, 2, 19, 8)), (270, Box(2, 1, 8, 4))],
)
def test_regions_are_told_in_the_picture_as_it_was_given(degrees: int, box: Box) -> None:
    width, height = 20, 10
    assert turned_back(Box(1, 2, 4, 8), degrees, width, height) == box
    corners = Polygon((Point(1, 2), Point(4, 2), Point(4, 8)))
    back = turned_back(corners, degrees, width, height)
    assert isinstance(back, Polygon)
    assert back.box == box
