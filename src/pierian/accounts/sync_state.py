"""How far a collection was synced, kept in the transaction that keeps what was synced."""

from __future__ import annotations

from sqlalchemy import Connection, update

from pierian.accounts.account import Collection
from pierian.storage.account_tables import collections


def set_state(connection: Connection, collection: Collection, state: str) -> None:
    """Keep it; `state` is the business of each kind of server."""
    connection.execute(update(collections).where(collections.c.id == collection.id).values(state=state))
