"""Responses that clients of `/v1/responses` want to fetch or continue later, each its owner's alone."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, delete, insert, select

from pierian.server.errors import ApiError
from pierian.storage import Database
from pierian.storage.ids import utc_now
from pierian.storage.tables import responses as table

MOST_STORED_BYTES = 16 * 1024 * 1024
"""Of the items of a conversation before its answer; pictures are in them."""

AT_ONCE = 200
"""Responses that are forgotten in one transaction, for which others wait."""


class ResponseStore:
    """The stored responses of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(
        self, owner: str, previous: str, items: Sequence[Mapping[str, Any]], body: Mapping[str, Any]
    ) -> None:
        """Store a response and all items that it rests on."""
        told, whole = msgspec.json.encode(items).decode(), msgspec.json.encode(body).decode()
        await asyncio.to_thread(self._insert, owner, str(body["id"]), previous, told, whole)

    async def body(self, owner: str, identity: str) -> dict[str, Any]:
        """A response as it was given; raises `ApiError`."""
        return msgspec.json.decode((await self._row(owner, identity)).body)

    async def items(self, owner: str, identity: str, *, param: str | None = None) -> list[dict[str, Any]]:
        """Everything that was said up to the end of a response; raises `ApiError`."""
        return msgspec.json.decode((await self._row(owner, identity, param)).request)

    async def delete(self, owner: str, identity: str) -> None:
        """Forget a response; raises `ApiError` where there is none."""
        await self._row(owner, identity)
        await asyncio.to_thread(self._delete, owner, identity)

    async def forget_before(self, moment: datetime) -> int:
        """Forget all responses that were stored before; gives how many."""
        return await asyncio.to_thread(self._forget_before, moment)

    async def _row(self, owner: str, identity: str, param: str | None = None) -> Any:
        def ask() -> Any:
            with self._database.read() as connection:
                return connection.execute(select(table).where(*_of(owner, identity))).first()

        row = await asyncio.to_thread(ask)
        if row is None:
            raise ApiError(
                404, f"There is no response {identity!r} of yours.", param=param, code="response_not_found"
            )
        return row

    def _insert(self, owner: str, identity: str, previous: str, items: str, body: str) -> None:
        row = {
            "id": identity,
            "owner": owner,
            "previous": previous or None,
            "request": items,
            "body": body,
            "created_at": utc_now(),
        }
        with self._database.append() as connection:
            connection.execute(insert(table).values(row))

    def _delete(self, owner: str, identity: str) -> None:
        with self._database.append() as connection:
            connection.execute(delete(table).where(*_of(owner, identity)))
        self._database.scrub()

    def _forget_before(self, moment: datetime) -> int:
        old = select(table.c.id).where(table.c.created_at < moment).limit(AT_ONCE)
        gone = 0
        while True:
            with self._database.append() as connection:
                found = connection.execute(
                    delete(table).where(table.c.id.in_(old.scalar_subquery()))
                ).rowcount
            gone += found
            if found < AT_ONCE:
                break
        if gone:
            self._database.scrub()
        return gone


def _of(owner: str, identity: str) -> tuple[ColumnElement[bool], ...]:
    return table.c.owner == owner, table.c.id == identity
