"""Files that people put beside their questions: kept in the database, so that backups and deletions have them.

A file is first stored by itself; a question claims it, and it goes when its conversation goes. What stands in a file
is the business of whoever reads it; here it is bytes, and its name is made harmless.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, literal, select, update

from pierian.characters import unseen
from pierian.exceptions import UserError
from pierian.storage.database import Database
from pierian.storage.ids import new_id, utc_now
from pierian.storage.tables import attachments
from pierian.storage.words import clean

LARGEST = 10 * 1024 * 1024
"""Bytes of one file."""
MOST_UNCLAIMED = 20
LONGEST_NAME = 200
FORGOTTEN = timedelta(days=1)
"""After this a file that no question has claimed makes room for others."""

_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]*/[a-z0-9][a-z0-9!#$&^_.+-]*")


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file. `data` is filled where one is asked for by its id or to be read, and empty in lists."""

    id: str
    name: str
    media_type: str
    """As whoever sent it said: nothing to rely on."""
    size: int
    created_at: datetime
    conversation: str = ""
    """Whose question has claimed it; empty before."""
    position: int | None = None
    data: bytes = b""


class Attachments:
    """The files of one owner."""

    def __init__(
        self, database: Database, owner: str = "local", *, clock: Callable[[], datetime] = utc_now
    ) -> None:
        self.database = database
        self.owner = owner
        self._clock = clock

    def add(self, name: str, media_type: str, data: bytes) -> Attachment:
        """Store a file that a question may claim; raises `UserError` where it is empty, too large or one too many."""
        shown, now = harmless_name(name), self._clock()
        if not data:
            raise UserError(f"The file {shown} is empty.", hint="Choose another one.")
        if len(data) > LARGEST:
            raise UserError(
                f"The file {shown} is too large: {len(data) / 1024**2:,.1f} MB, {LARGEST // 1024**2} MB at most.",
                hint="Send a part of it.",
            )
        made = Attachment(new_id(), shown, checked_type(media_type), len(data), now, data=data)
        c = attachments.c
        waiting = (c.owner == self.owner, c.conversation_id.is_(None))
        with self.database.write() as connection:
            connection.execute(delete(attachments).where(*waiting, c.created_at < now - FORGOTTEN))
            count = connection.execute(select(func.count()).select_from(attachments).where(*waiting))
            if count.scalar_one() >= MOST_UNCLAIMED:
                raise UserError(
                    f"{MOST_UNCLAIMED} files wait for a question already.",
                    hint="Ask with them, or remove some.",
                )
            row = {
                "id": made.id,
                "owner": self.owner,
                "name": made.name,
                "media_type": made.media_type,
                "size": made.size,
                "created_at": now,
                "data": data,
            }
            connection.execute(insert(attachments).values(row))
        return made

    def get(self, attachment: str) -> Attachment:
        """A file with its data; raises `UserError` where there is none of this id."""
        with self.database.read() as connection:
            query = select(*_LISTED, attachments.c.data).where(
                attachments.c.id == clean(attachment), attachments.c.owner == self.owner
            )
            row = connection.execute(query).first()
        if row is None:
            raise _gone()
        return attachment_of(row, row.data)

    def list_of(self, conversation: str, position: int) -> tuple[Attachment, ...]:
        """The files of one question, without their data."""
        with self.database.read() as connection:
            rows = connection.execute(self._of(conversation, position)).all()
        return tuple(attachment_of(row) for row in rows)

    def list_all(self, conversation: str, positions: Sequence[int]) -> Mapping[int, tuple[Attachment, ...]]:
        """The files of some questions by their positions, without their data; questions without any are left out."""
        c, found = attachments.c, defaultdict[int, list[Attachment]](list)
        if not positions:
            return {}
        mine = (c.owner == self.owner, c.conversation_id == conversation, c.position.in_(positions))
        with self.database.read() as connection:
            for row in connection.execute(select(*_LISTED).where(*mine).order_by(c.created_at, c.id)):
                found[row.position].append(attachment_of(row))
        return {position: tuple(files) for position, files in found.items()}

    def unclaimed(self) -> tuple[Attachment, ...]:
        """The files that no question has claimed yet, without their data, in the order in which they came."""
        c = attachments.c
        waiting = select(*_LISTED).where(c.owner == self.owner, c.conversation_id.is_(None))
        with self.database.read() as connection:
            rows = connection.execute(waiting.order_by(c.created_at, c.id)).all()
        return tuple(attachment_of(row) for row in rows)

    def of_turn(self, conversation: str, position: int) -> tuple[Attachment, ...]:
        """The files of one question with their data, to be read."""
        with self.database.read() as connection:
            rows = connection.execute(self._of(conversation, position).add_columns(attachments.c.data)).all()
        return tuple(attachment_of(row, row.data) for row in rows)

    def _of(self, conversation: str, position: int) -> Any:
        c = attachments.c
        mine = (c.owner == self.owner, c.conversation_id == conversation, c.position == position)
        return select(*_LISTED).where(*mine).order_by(c.created_at, c.id)

    def delete(self, attachment: str) -> bool:
        """Remove a file that no question has claimed; False where there is none."""
        c = attachments.c
        unclaimed = (c.id == clean(attachment), c.owner == self.owner, c.conversation_id.is_(None))
        with self.database.write() as connection:
            gone = connection.execute(delete(attachments).where(*unclaimed)).rowcount == 1
        if gone:
            self.database.scrub()
        return gone


_LISTED = [column for column in attachments.c if column.name != "data"]


def claim(
    connection: Connection, owner: str, wanted: Sequence[str], conversation: str, position: int
) -> None:
    """Let a question take files of its owner, inside the transaction that stores it; raises `UserError`.

    A file of another question in the same conversation is copied: so a question that is put anew keeps its files.
    """
    c = attachments.c
    for one in dict.fromkeys(map(clean, wanted)):
        mine = (c.id == one, c.owner == owner)
        taken = connection.execute(
            update(attachments)
            .where(*mine, c.conversation_id.is_(None))
            .values(conversation_id=conversation, position=position)
        )
        if taken.rowcount:
            continue
        claimed = (*mine, c.conversation_id == conversation)
        if connection.execute(select(c.id).where(*claimed)).first() is None:
            raise _gone()
        changed = {"id": literal(new_id()), "position": literal(position)}
        copied = select(*(changed.get(column.name, column) for column in c)).where(*claimed)
        connection.execute(insert(attachments).from_select([column.name for column in c], copied))


def remove_unclaimed(
    database: Database, older_than: timedelta = FORGOTTEN, *, now: datetime | None = None
) -> int:
    """Remove the files of all owners that no question has claimed for so long; returns how many."""
    c = attachments.c
    before = (now or utc_now()) - older_than
    with database.write() as connection:
        return connection.execute(
            delete(attachments).where(c.conversation_id.is_(None), c.created_at < before)
        ).rowcount


def attachment_of(row: Row[Any], data: bytes = b"") -> Attachment:
    """The file of a row."""
    return Attachment(
        row.id,
        row.name,
        row.media_type,
        row.size,
        row.created_at,
        row.conversation_id or "",
        row.position,
        data,
    )


def harmless_name(given: str) -> str:
    """A file's name on one line that leads nowhere: without folders, without characters that nobody sees."""
    last = re.split(r"[/\\]", clean(given))[-1]
    line = " ".join("".join(" " if c.isspace() else c for c in last if c.isspace() or not unseen(c)).split())
    if not line.strip(". "):
        return "file"
    if len(line) <= LONGEST_NAME:
        return line
    stem, dot, ending = line.rpartition(".")
    if dot and len(ending) < 20:
        return f"{stem[: LONGEST_NAME - len(ending) - 2].rstrip()}….{ending}"
    return f"{line[: LONGEST_NAME - 1].rstrip()}…"


def checked_type(given: str) -> str:
    """A media type without parameters; what is none is bytes."""
    plain = given.partition(";")[0].strip().lower()
    return plain if len(plain) <= 100 and _MEDIA_TYPE.fullmatch(plain) else "application/octet-stream"


def _gone() -> UserError:
    return UserError("There is no such file any more.", hint="Add it again.")
