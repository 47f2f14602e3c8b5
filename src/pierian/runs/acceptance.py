"""Which tools of other people's servers the user has accepted, and in which words.

A server may change what a tool says and does at any time. What the user accepted is pinned by its fingerprint; a tool
whose fingerprint differs is a new tool, and is not offered before it is accepted again.
"""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import delete, insert, select

from pierian.exceptions import UnknownName
from pierian.storage.database import Database
from pierian.storage.ids import utc_now
from pierian.storage.tables import accepted_tools


class AcceptedTools:
    """The accepted signatures of one owner."""

    def __init__(self, database: Database, owner: str = "local") -> None:
        self.database = database
        self.owner = owner

    def fingerprints(self) -> dict[str, str]:
        """The accepted fingerprint of each tool, by its full name."""
        t = accepted_tools.c
        with self.database.read() as connection:
            rows = connection.execute(select(t.tool, t.fingerprint).where(t.owner == self.owner))
            return {row.tool: row.fingerprint for row in rows}

    def signature(self, tool: str) -> dict[str, Any] | None:
        """What was accepted of a tool, None where nothing was."""
        t = accepted_tools.c
        with self.database.read() as connection:
            found = connection.execute(
                select(t.signature).where(t.owner == self.owner, t.tool == tool)
            ).scalar()
        return None if found is None else msgspec.json.decode(found)

    def accept(self, tool: str, fingerprint: str, signature: dict[str, Any]) -> None:
        """Accept a tool as it is now, instead of as it was."""
        row = {
            "owner": self.owner,
            "tool": tool,
            "fingerprint": fingerprint,
            "signature": msgspec.json.encode(signature).decode(),
            "accepted_at": utc_now(),
        }
        t = accepted_tools.c
        with self.database.write() as connection:
            connection.execute(delete(accepted_tools).where(t.owner == self.owner, t.tool == tool))
            connection.execute(insert(accepted_tools).values(row))

    def forget(self, tool: str) -> None:
        """Take an acceptance back; raises `UnknownName`."""
        t = accepted_tools.c
        with self.database.append() as connection:
            gone = connection.execute(
                delete(accepted_tools).where(t.owner == self.owner, t.tool == tool)
            ).rowcount
        if not gone:
            raise UnknownName("accepted tool", tool, self.fingerprints())
