"""The list of conversations at the side of every page, and what it has to say of each."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

from pierian.runs.journal import ACTIVE
from pierian.webapp.site import Site
from pierian.webapp.views import ConversationLine

LISTED = 100
"""Conversations at the side; older ones are found by searching."""
MOST_ACTIVE = 50


def conversation_lines(site: Site, owner: str) -> list[ConversationLine]:
    """The conversations that somebody used last, with those that are being answered."""
    answering = {
        str(record.request.get("conversation", ""))
        for record in site.journal(owner).list(MOST_ACTIVE, ACTIVE)
    }
    return [
        ConversationLine(one.id, one.title, one.updated_at, one.turn_count, one.id in answering)
        for one in site.conversations(owner).list(LISTED)
    ]


def version_of(lines: Sequence[ConversationLine]) -> int:
    """A number that changes with what the list shows."""
    return zlib.crc32(repr([(line.id, line.title, line.answering) for line in lines]).encode())
