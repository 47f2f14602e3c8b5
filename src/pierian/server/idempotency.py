"""Answers a repeated request with what the first one was answered.

A client that sends `Idempotency-Key` may repeat a request whose response it lost: what was answered is kept for a day
under that key and given again, streams too. A repetition while the first is still being answered is refused for now;
where the process that answered it has died, the repetition takes its place. What failed is not kept.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncGenerator
from datetime import timedelta

from msgspec import Struct
from sqlalchemy import ColumnElement, delete, insert, select, update

from pierian.runs import Workers
from pierian.server.errors import ApiError
from pierian.storage import Database
from pierian.storage.ids import utc_now
from pierian.storage.tables import idempotent_requests as table
from pierian.storage.tables import workers

KEPT = timedelta(days=1)
MOST_BYTES = 4 * 1024 * 1024
"""Of an answer that is kept."""
LONGEST_KEY = 255


class Kept(Struct, frozen=True):
    """What the first request was answered."""

    body: str
    streamed: bool


class Place(Struct, frozen=True):
    """A request that is answered for the first time, with its row."""

    key_id: str
    key: str


class Idempotency:
    """The kept answers of all keys; `worker` is this process."""

    def __init__(self, database: Database, worker: str) -> None:
        self._database = database
        self._worker = worker
        self._watch = Workers(database)

    async def begin(self, key_id: str, key: str, path: str, body: bytes) -> Place | Kept:
        """A place to be answered from, or what was answered before; raises `ApiError`."""
        if not 1 <= len(key) <= LONGEST_KEY or not key.isprintable():
            raise ApiError(
                400, f"An Idempotency-Key has 1 to {LONGEST_KEY} printable characters.", code="invalid_value"
            )
        fingerprint = hashlib.sha256(path.encode() + b"\0" + body).hexdigest()
        return await asyncio.to_thread(self._begin, Place(key_id, key), fingerprint)

    async def keep(self, place: Place, body: str, *, streamed: bool) -> None:
        """Keep what was answered; an answer that is too large is forgotten."""
        if len(body) > MOST_BYTES:
            await self.forget(place)
            return
        values: dict[str, str | int | None] = {
            "state": "done",
            "status": int(streamed),
            "body": body,
            "worker": None,
        }
        await asyncio.to_thread(self._update, place, values)

    @contextlib.asynccontextmanager
    async def answering(self, place: Place | None) -> AsyncGenerator[None]:
        """The block answers the request of `place`, where there is one; it is forgotten where the block fails."""
        try:
            yield
        except BaseException:  # also where the client leaves
            if place is not None:
                await self.forget(place)
            raise

    async def forget(self, place: Place) -> None:
        """The request failed or was given up: the next one with its key begins anew."""
        await asyncio.to_thread(self._delete, place)

    async def forget_old(self) -> None:
        """Forget all answers whose time is over."""
        await asyncio.to_thread(self._forget_old)

    def _forget_old(self) -> None:
        with self._database.append() as connection:
            connection.execute(delete(table).where(table.c.created_at < utc_now() - KEPT))

    def _begin(self, place: Place, fingerprint: str) -> Place | Kept:
        row = {
            "key_id": place.key_id,
            "idempotency_key": place.key,
            "fingerprint": fingerprint,
            "state": "running",
            "worker": self._worker,
            "created_at": utc_now(),
        }
        with self._database.write() as connection:
            connection.execute(delete(table).where(table.c.created_at < utc_now() - KEPT))
            found = connection.execute(select(table).where(*_of(place))).first()
            if found is None:
                connection.execute(insert(table).values(row))
                return place
            if found.fingerprint != fingerprint:
                raise ApiError(
                    422,
                    "This Idempotency-Key was sent before with another request. Use a new key for each request.",
                    code="idempotency_key_reused",
                )
            if found.state == "done":
                return Kept(found.body, bool(found.status))
            lives = connection.execute(select(workers.c.id).where(workers.c.id == found.worker)).first()
            if lives is not None and found.worker not in self._watch.dead():
                raise _in_progress()
            connection.execute(update(table).where(*_of(place)).values(worker=self._worker))
        return place

    def _update(self, place: Place, values: dict[str, str | int | None]) -> None:
        with self._database.append() as connection:
            connection.execute(
                update(table).where(*_of(place), table.c.worker == self._worker).values(values)
            )

    def _delete(self, place: Place) -> None:
        with self._database.append() as connection:
            connection.execute(delete(table).where(*_of(place), table.c.worker == self._worker))


def _of(place: Place) -> tuple[ColumnElement[bool], ...]:
    return table.c.key_id == place.key_id, table.c.idempotency_key == place.key


def _in_progress() -> ApiError:
    return ApiError(
        409,
        "A request with this Idempotency-Key is being answered. Ask again in a moment.",
        code="idempotency_in_progress",
        retry_after=1,
    )
