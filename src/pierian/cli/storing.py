"""The database that the settings name, for commands that look into it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pierian.storage import Database


def opened_storage() -> Database:
    """The user's database; it closes with the process."""
    from pierian.config import load, paths
    from pierian.storage import open_storage

    return open_storage(load().database_url, paths().database)
