"""Questions about pictures: from the files that came with a question to what is answered from them.

What there is in a picture is read in a process of its own (`vision.readers`); what follows from it is the business of
`reasoning.pictures`.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pierian.assistant.resources import Resources
from pierian.events import PictureRead
from pierian.events.regions import Region
from pierian.exceptions import UserError
from pierian.reasoning import Mode, Run
from pierian.vision.picture_file import PictureFile

if TYPE_CHECKING:
    from pierian.reasoning.pictures import View

MOST_PICTURES = 10
"""In one question."""
Named = PictureFile | bytes | str | Path
"""A picture as a program hands it over: bytes, a path, an address; `scan.pdf#3` is a page."""
_PAGE = re.compile(r"#(?P<page>[1-9]\d{0,5})$")


async def picture_files(images: Sequence[Named]) -> tuple[PictureFile, ...]:
    """The pictures that are meant; raises `PictureError` for a file, `ToolFailure` for an address, without one."""
    return tuple([await _picture_file(image, number) for number, image in enumerate(images, 1)])


async def _picture_file(image: Named, number: int) -> PictureFile:
    match image:
        case PictureFile():
            return image
        case bytes():
            return PictureFile(f"Picture {number}", image)
        case str() if image.startswith(("http://", "https://")):
            from pierian.toolbox.fetching import Fetcher

            fetched = await Fetcher().fetch(image.partition("#")[0], wanted="picture")
            return PictureFile(fetched.url, fetched.body, _page(image))
        case _:
            return await asyncio.to_thread(_from_file, str(image))


def _from_file(name: str) -> PictureFile:
    from pierian.vision.loading import content_of

    path, page = Path(name).expanduser(), 1
    if _PAGE.search(name) and not path.exists():  # a file may be called so
        path, page = Path(_PAGE.sub("", name)).expanduser(), _page(name)
    return PictureFile(path.name, content_of(path), page)


def _page(name: str) -> int:
    found = _PAGE.search(name)
    return int(found["page"]) if found else 1


async def answer_about(images: Sequence[PictureFile], run: Run, mode: Mode, resources: Resources) -> None:
    """Answer the run's question from pictures; raises `PictureError` for one that cannot be read."""
    if len(images) > MOST_PICTURES:
        raise UserError(
            f"{len(images)} pictures are too many for one question.", hint=f"{MOST_PICTURES} is the most."
        )
    readers = await resources.readers()
    from pierian.reasoning.pictures import View, answer_from_pictures

    views: list[View] = []
    for number, file in enumerate(images, 1):
        seen = await readers.read(file)
        scene = seen.scene
        run.pictures.append(
            PictureRead(number, file.title, scene.width, scene.height, scene.turned, file.page)
        )
        run.emit(run.pictures[-1])
        views.append(View(number=number, file=file, scene=seen.scene, notes=seen.notes))
    run.placed = lambda picture, region: _placed(views[picture - 1], region)
    await answer_from_pictures(run, mode, views, readers)


def _placed(view: View, region: Region) -> Region:
    """A region in pixels of the picture as it was given."""
    if not view.scene.turned:
        return region
    from pierian.vision.turning import turned_back

    return turned_back(region, view.scene.turned, view.scene.width, view.scene.height)
