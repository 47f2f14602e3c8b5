"""Reads what pages send: the fields of forms within limits, the one file of an upload, numbers in addresses."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import parse_qs

from litestar.params import PathParameter
from msgspec import Struct
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import Field, File, create_form_parser

from pierian.exceptions import UserError
from pierian.server.errors import ApiError
from pierian.server.exchange import HttpRequest
from pierian.server.request_body import read_body

MOST_FORM_BYTES = 2 * 1024 * 1024
MOST_UPLOAD_BYTES = 11 * 1024 * 1024
MOST_FIELDS = 200
Number = Annotated[int, PathParameter(ge=0, le=2**31 - 1)]
"""A number in an address, such as the position of a turn: no larger than what a database compares it with."""


class Form(Struct, frozen=True):
    """The fields of a form; what is not there is empty."""

    fields: dict[str, list[str]]

    def text(self, name: str, default: str = "") -> str:
        """The first value of a field, trimmed."""
        return self.raw(name, default).strip()

    def raw(self, name: str, default: str = "") -> str:
        """The first value of a field as it was typed."""
        return self.fields.get(name, [default])[0]

    def all(self, name: str) -> list[str]:
        """All values of a field."""
        return self.fields.get(name, [])

    def number(self, name: str, what: str) -> int | None:
        """A whole number of at least one, or None where the field is empty; raises `UserError`."""
        given = self.text(name).replace(",", "").replace(" ", "")
        if not given:
            return None
        if not (given.isascii() and given.isdecimal()) or not 0 < int(given[:19]) < 2**53:
            raise UserError(f"{given[:40]!r} is not a number of {what}.", hint="Leave it empty for no limit.")
        return int(given)

    def amount(self, name: str, what: str) -> float | None:
        """A number above zero, or None where the field is empty; raises `UserError`."""
        given = self.text(name)  # a comma may be meant as a decimal point: it is refused
        if not given:
            return None
        try:
            found = float(given)
        except ValueError:
            found = -1.0
        if not 0 < found < 1e15:
            raise UserError(f"{given[:40]!r} is not a number of {what}.", hint="Leave it empty for no limit.")
        return found


async def form_of(request: HttpRequest) -> Form:
    """The form that was sent; raises `ApiError`."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = await read_body(request, MOST_FORM_BYTES)
    if body and kind != "application/x-www-form-urlencoded":
        raise ApiError(415, "This page takes forms only.", code="unsupported_media_type")
    try:
        text = body.decode("utf-8")
        return Form(parse_qs(text, keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict"))
    except UnicodeDecodeError as error:
        raise ApiError(400, "The form is not valid UTF-8 text.", code="invalid_value") from error
    except ValueError as error:
        told = f"The form has more than {MOST_FIELDS} fields, the most that is read here."
        raise ApiError(413, told, code="request_too_large") from error


class Upload(Struct, frozen=True):
    """A file as it was sent; nothing in it is checked yet."""

    name: str
    media_type: str
    data: bytes


async def upload_of(request: HttpRequest) -> Upload:
    """The one file of a multipart form; raises `ApiError`."""
    kind = request.headers.get("content-type", "")
    body = await read_body(request, MOST_UPLOAD_BYTES)
    if kind.partition(";")[0].strip().lower() != "multipart/form-data":
        raise ApiError(415, "Files come as multipart forms only.", code="unsupported_media_type")
    try:
        found = _upload(kind, body)
    except (FormParserError, ValueError) as error:
        raise ApiError(
            400, "The form with the file is damaged. Send it again.", code="invalid_value"
        ) from error
    if found is None:
        raise ApiError(400, "No file came with the form. Choose one and try again.", code="no_file")
    return found


def _upload(content_type: str, body: bytes) -> Upload | None:
    """The file of a body, which may have nothing beside it; raises `ValueError`."""
    files: list[File] = []

    def alone(part: Field | File) -> None:
        # At once, for there may be hundreds of thousands.
        if files or not isinstance(part, File):
            raise FormParserError("more than one file")
        files.append(part)

    in_memory = {"MAX_MEMORY_FILE_SIZE": MOST_UPLOAD_BYTES}
    headers = {"Content-Type": content_type.encode("latin-1", "replace")}
    parser = create_form_parser(headers, alone, alone, config=in_memory)
    parser.write(body)
    parser.finalize()
    if not files:
        return None
    files[0].file_object.seek(0)
    name = (files[0].file_name or b"").decode("utf-8", "replace")
    kind = files[0].content_type or "application/octet-stream"
    return Upload(name, kind, files[0].file_object.read())
