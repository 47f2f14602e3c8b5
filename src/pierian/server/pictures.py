"""Pictures of a question, on their way to whoever answers: to a mode's readers as files, to a model as pixels alone.

What a file says beside its pixels (where it was taken, by whom) stays here: models get pictures that were decoded and
written anew. Addresses are fetched only where the settings say so, by the fetcher that is led nowhere but to the open
web; whoever may ask questions must not otherwise make the server open connections.
"""

from __future__ import annotations

import asyncio
import binascii
from collections.abc import Sequence

from msgspec import structs

from pierian.models.pictures import picture_url
from pierian.models.wire import Message
from pierian.runs import RunRecord
from pierian.server.errors import ApiError
from pierian.server.formats.pictures import MOST_PICTURE_BYTES, TYPES, is_address
from pierian.server.run_requests import RunRequest
from pierian.server.service import Service
from pierian.storage.attachments import Attachments
from pierian.tools import ToolFailure
from pierian.vision.formats import LISTED, format_of
from pierian.vision.loading import PictureError, load
from pierian.vision.packages import missing
from pierian.vision.picture import Picture
from pierian.vision.picture_file import PictureFile

MOST_PICTURES = 10
"""Of one question, pages counted; each takes seconds to read."""
MOST_SHOWN = 20
"""In a conversation that goes to a model by itself."""
LONGEST_SHOWN_SIDE = 4096
"""Of a picture that a client sends to a model by itself, which decides what it makes of it."""
_NOT_HAD = {
    "not_found": "there is none",
    "denied": "its host does not give it to programs, or is not on the open web",
    "timeout": "its host takes too long",
    "too_large": f"it is larger than {MOST_PICTURE_BYTES // 2**20} MB",
    "invalid": "that is no address of the web",
}


async def for_readers(service: Service, messages: Sequence[Message]) -> tuple[PictureFile, ...]:
    """The pictures that the question of a conversation is about; raises `ApiError`.

    They are those that came with the question or with results behind it; where there are none, those of the last turn
    before it that had any: a question that follows on is about the same pictures.
    """
    urls = _asked_about([one for one in messages if one.role != "system"])
    if not urls:
        return ()
    check_readers()
    _check_number(len(urls), MOST_PICTURES)
    files = [
        PictureFile("The picture" if len(urls) == 1 else f"Picture {number}", await _content(service, url))
        for number, url in enumerate(urls, 1)
    ]
    async with service.decoding:
        return await asyncio.to_thread(by_pages, files)


async def for_model(service: Service, messages: Sequence[Message]) -> tuple[Message, ...]:
    """A conversation whose pictures are pixels and nothing else; raises `ApiError`."""
    number = sum(len(message.images) for message in messages)
    if not number:
        return tuple(messages)
    check_readers()
    _check_number(number, MOST_SHOWN)
    found: list[Message] = []
    for message in messages:
        images = [await _pixels_alone(service, await _content(service, url)) for url in message.images]
        found.append(structs.replace(message, images=tuple(images)) if images else message)
    return tuple(found)


async def of_run(service: Service, record: RunRecord, asked: RunRequest) -> tuple[PictureFile, ...]:
    """The pictures of a run: those in its request, and files beside the question on a page; raises `ApiError`."""
    files = [
        PictureFile("The picture" if len(asked.images) == 1 else f"Picture {number}", _inline(url))
        for number, url in enumerate(asked.images, 1)
    ]
    conversation, position = record.request.get("conversation"), record.request.get("asked_at")
    if isinstance(conversation, str) and isinstance(position, int):
        stored = Attachments(service.database, record.owner)
        beside = await asyncio.to_thread(stored.of_turn, conversation, position)
        files += [PictureFile(one.name, one.data) for one in beside if one.media_type in TYPES]
    if not files:
        return ()
    check_readers()
    async with service.decoding:
        return await asyncio.to_thread(by_pages, files)


def by_pages(files: Sequence[PictureFile]) -> tuple[PictureFile, ...]:
    """Each page of a PDF for itself; raises `ApiError`. Blocking."""
    found: list[PictureFile] = []
    for file in files:
        kind = format_of(file.data)
        if kind is None:
            raise _no_picture(f"{file.name} is no picture that can be read. These can: {LISTED}.")
        pages = _loaded(file).pages if kind == "pdf" else 1
        if len(found) + pages > MOST_PICTURES:
            told = f"{file.name} has {pages} pages. " if pages > 1 else ""
            raise _too_many(f"{told}At most {MOST_PICTURES} pictures or pages are read with a question.")
        found += [structs.replace(file, page=page) for page in range(1, pages + 1)]
    return tuple(found)


def check_readers() -> None:
    """Raise `ApiError` where what reads pictures is not installed."""
    if names := missing():
        told = (
            f"This server reads no pictures: it lacks {', '.join(names)}. Whoever runs it installs them with "
            "pierian[vision]."
        )
        raise ApiError(400, told, param="messages", code="vision_not_supported")


def _asked_about(turns: Sequence[Message]) -> tuple[str, ...]:
    last = max((at for at, one in enumerate(turns) if one.role == "user"), default=0)
    own = tuple(url for one in turns[last:] for url in one.images)
    return own or next((one.images for one in reversed(turns[:last]) if one.images), ())


def _check_number(number: int, most: int) -> None:
    if number > most:
        raise _too_many(f"{number} pictures came with the question: at most {most} are read. Leave some out.")


async def _content(service: Service, url: str) -> bytes:
    """The bytes of a picture of a request."""
    if not is_address(url):
        return _inline(url)
    if not service.settings.fetch_pictures:
        raise ApiError(
            400,
            "A picture by its address is not supported by this server. Send the picture itself as "
            "'data:image/png;base64,…'.",
            param="messages",
            code="unsupported_parameter",
        )
    try:
        return (await service.fetcher.fetch(url, wanted="picture")).body
    except ToolFailure as error:
        why = _NOT_HAD.get(error.code, "its host cannot be reached")
        told = f"The picture at the address in the request cannot be had: {why}."
        raise ApiError(400, told, param="messages", code="invalid_image_url") from error


def _inline(url: str) -> bytes:
    return binascii.a2b_base64(url.partition(",")[2])


async def _pixels_alone(service: Service, content: bytes) -> str:
    def decoded() -> str:
        picture = _loaded(PictureFile("The picture", content))
        kind = "jpeg" if picture.format == "jpeg" else "png"
        return picture_url(picture.pixels, longest=LONGEST_SHOWN_SIDE, kind=kind)

    async with service.decoding:
        return await asyncio.to_thread(decoded)


def _loaded(file: PictureFile) -> Picture:
    try:
        return load(file.data, name=file.name, page=file.page)
    except PictureError as error:
        raise _no_picture(f"{error} {error.hint}".strip()) from error


def _no_picture(told: str) -> ApiError:
    return ApiError(400, told, param="messages", code="invalid_image_format")


def _too_many(told: str) -> ApiError:
    return ApiError(400, told, param="messages", code="too_many_images")
