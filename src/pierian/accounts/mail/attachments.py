"""Attachments as files: fetched when somebody wants one or passes them on, decoded on the way, under harmless names.

An archive stays an archive; one that is made to fill the disk of whoever unpacks it is not kept. Blocking: call it in
a thread.
"""

from __future__ import annotations

import binascii
import contextlib
import io
import os
import quopri
import secrets
import zipfile
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import BinaryIO

from pierian.accounts.account import Account
from pierian.accounts.mail.attaching import MOST_BYTES, MOST_FILES, File, in_words, usable_type
from pierian.accounts.mail.connection import Imap, answers_of, signed_in
from pierian.accounts.mail.drafts import imap_of
from pierian.accounts.mail.marking import open_synced
from pierian.accounts.mail.message import Message, Part
from pierian.accounts.mail.reading import boxes
from pierian.accounts.secrets import Secret
from pierian.accounts.store import Accounts
from pierian.accounts.troubles import AccountError
from pierian.exceptions import DiskFull, UnknownName, UserError
from pierian.storage.attachments import harmless_name

LARGEST = 25_000_000
"""Bytes of one attachment, decoded."""
CHUNK = 1_048_572
"""Bytes that are fetched at once: a multiple of 57 and 4, so that lines of base64 stay whole."""
MOST_SAME_NAMES = 1000
BOMB_BYTES, BOMB_RATIO, BOMB_ENTRIES = 1_000_000_000, 200, 100_000
"""An archive that would unpack to more bytes and so many times its size is a bomb; one of more entries as well."""


def part_of(message: Message, name: str) -> Part:
    """The attachment of that name, or the only one where no name is given; raises `UserError`."""
    if not name.strip() and len(message.parts) == 1:
        return message.parts[0]
    wanted = name.strip().casefold()
    found = [one for one in message.parts if wanted in (one.name.casefold(), one.section)]
    if not found:
        raise UnknownName("attachment", name, [one.name for one in message.parts])
    return found[0]


def fetch_attachment(
    accounts: Accounts, account: Account, secret: Secret | None, message: Message, part: Part, folder: Path
) -> Path:
    """Write an attachment into `folder` as a new file and return where it is.

    Raises `UserError` where it is too large, `AccountError` where the server does not give it. No half file stays.
    """
    if part.size > LARGEST:  # as far as the server says
        raise _too_large(part)
    with _opened(accounts, account, secret, message) as imap:
        return _write(
            _decoded(_chunks(imap, message.uid, part.section), part), folder, harmless_name(part.name)
        )


def files_of(accounts: Accounts, account: Account, secret: Secret | None, message: Message) -> list[File]:
    """All attachments of a message, to be passed on.

    Raises as `fetch_attachment` does, and where one mail cannot carry them all: nothing is passed on without a part.
    """
    if not message.parts:
        return []
    if len(message.parts) > MOST_FILES:
        raise UserError(
            f"The message has {len(message.parts)} attachments; {MOST_FILES} is the most that are passed on.",
            hint="Forward it with your mail program.",
        )
    if sum(part.size for part in message.parts) > MOST_BYTES:
        raise _too_much()
    found, left = list[File](), MOST_BYTES
    with _opened(accounts, account, secret, message) as imap:
        for part in message.parts:
            name, data = harmless_name(part.name), bytearray()
            for piece in _decoded(_chunks(imap, message.uid, part.section), part):
                data += piece
                if len(data) > left:
                    raise _too_much()
            left -= len(data)
            _refuse_bomb(io.BytesIO(data), len(data), name)
            found.append(File(name, usable_type(part.type), bytes(data)))
    return found


def _too_much() -> UserError:
    return UserError(
        f"The attachments of the message have more than {in_words(MOST_BYTES)}, the most for one mail.",
        hint="Forward it with your mail program.",
    )


@contextlib.contextmanager
def _opened(accounts: Accounts, account: Account, secret: Secret | None, message: Message) -> Generator[Imap]:
    """The mailbox of a message, if it is the one that was synced."""
    with accounts.database.read() as connection:
        box = boxes(connection, [account]).get(message.collection)
    with signed_in(imap_of(account), secret) as imap:
        open_synced(imap, box, account, message, to_write=False)
        yield imap


def _chunks(imap: Imap, uid: int, section: str) -> Iterator[bytes]:
    at = 0
    while True:
        answers = answers_of(imap.finish(imap.begin(str(uid), f"(BODY.PEEK[{section}]<{at}.{CHUNK}>)")))
        answer = answers.get(uid, {})
        chunk = next((value for key, value in answer.items() if key.startswith(b"BODY[")), None)
        if not isinstance(chunk, bytes):
            if at == 0:
                raise AccountError("The server does not have this attachment any more.", code="not_found")
            return
        if chunk:
            yield chunk
        if len(chunk) < CHUNK:
            return
        at += len(chunk)


def _decoded(chunks: Iterator[bytes], part: Part) -> Iterator[bytes]:
    size = 0
    decode = {"base64": _base64, "quoted-printable": _quoted}.get(part.encoding.lower(), iter)
    for piece in decode(chunks):
        size += len(piece)
        if size > LARGEST:
            raise _too_large(part)
        yield piece


def _too_large(part: Part) -> UserError:
    name, most = harmless_name(part.name), LARGEST // 1_000_000
    size = f" ({part.size / 1_000_000:,.0f} MB)" if part.size > LARGEST else ""
    return UserError(
        f"The attachment {name} is larger than the {most} MB that are fetched{size}.",
        hint="Fetch it with your mail program.",
    )


def _refuse_bomb(file: BinaryIO, size: int, name: str) -> None:
    """Raise `UserError` for a zip archive whose own directory says that it is a bomb; it is not unpacked for that."""
    if not zipfile.is_zipfile(file):
        return
    told = "it was not kept"
    file.seek(0)
    if file.read().count(b"PK\x01\x02") > BOMB_ENTRIES:
        raise UserError(f"The archive {name} has more than {BOMB_ENTRIES:,} entries: {told}.")
    try:
        with zipfile.ZipFile(file) as archive:
            unpacked = sum(one.file_size for one in archive.infolist())
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OverflowError):
        return  # a damaged archive unpacks to nothing
    if unpacked > BOMB_BYTES and unpacked > BOMB_RATIO * size:
        most, made = unpacked / 1_000_000_000, size / 1_000
        raise UserError(
            f"The archive {name} of {made:,.0f} KB would unpack to {most:,.1f} GB, as a bomb does: {told}.",
            hint="If you trust its sender, fetch it with your mail program.",
        )


def _base64(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Base64 by pieces; what is no part of its alphabet is passed over, and damage ends it."""
    rest = b""
    for chunk in chunks:
        clean = rest + bytes(chunk).translate(None, b" \t\r\n")
        whole = len(clean) - len(clean) % 4
        rest = clean[whole:]
        with contextlib.suppress(binascii.Error):
            yield binascii.a2b_base64(clean[:whole])
    if rest:
        with contextlib.suppress(binascii.Error):
            yield binascii.a2b_base64(rest + b"=" * (-len(rest) % 4))


def _quoted(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Quoted-printable by whole lines."""
    rest = b""
    for chunk in chunks:
        lines, _, rest = (rest + chunk).rpartition(b"\n")
        if lines:
            yield quopri.decodestring(lines + b"\n")
    yield quopri.decodestring(rest)


def _write(pieces: Iterator[bytes], folder: Path, name: str) -> Path:
    partial = folder / f".pierian-{secrets.token_hex(8)}.part"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            for piece in pieces:
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        with partial.open("rb") as written:
            _refuse_bomb(written, partial.stat().st_size, name)
        return _named(partial, folder, name)
    except OSError as error:
        if isinstance(error, TimeoutError | ConnectionError):
            raise
        raise DiskFull(f"{name} cannot be written into {folder}: {error.strerror}.") from error
    finally:
        partial.unlink(missing_ok=True)


def _named(partial: Path, folder: Path, name: str) -> Path:
    """Give the file its name, or one with a number where it is taken: a link fails where a rename would replace."""
    stem, dot, ending = name.rpartition(".")
    for number in range(MOST_SAME_NAMES):
        tried = name if not number else f"{stem} ({number}).{ending}" if dot else f"{name} ({number})"
        with contextlib.suppress(FileExistsError):
            os.link(partial, folder / tried)
            return folder / tried
    raise UserError(f"There are too many files called {name} in {folder}.", hint="Move some of them away.")
