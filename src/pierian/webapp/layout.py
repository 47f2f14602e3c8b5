"""The pages of a person's own work, each with the frame around it: conversations, search, runs, settings."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from pierian.agents import named
from pierian.runs import RunRecord
from pierian.runs.journal import ACTIVE
from pierian.storage import Conversation
from pierian.storage.conversations import Hit
from pierian.webapp.browsers import device
from pierian.webapp.excerpts import excerpt
from pierian.webapp.modes import modes
from pierian.webapp.rendering import fragment, page
from pierian.webapp.site import Site
from pierian.webapp.turns import as_stored, page_of_turns
from pierian.webapp.views import ConversationLine
from pierian.webapp.visitors import Visitor

LISTED = 100
"""Conversations at the side; older ones are found by searching."""
MOST_RUNS = 50


def frame(site: Site, visitor: Visitor, current: str) -> dict[str, Any]:
    """What the frame around every page needs."""
    found = site.conversations(visitor.owner).list(LISTED)
    answering = {
        str(record.request.get("conversation", ""))
        for record in site.journal(visitor.owner).list(MOST_RUNS, ACTIVE)
    }
    lines = [
        ConversationLine(one.id, one.title, one.updated_at, one.turn_count, one.id in answering)
        for one in found
    ]
    return {"person": visitor.person(), "conversations": lines, "current": current}


def conversation_page(site: Site, visitor: Visitor, conversation: str) -> str:
    """The page of a conversation, or of a new one where the id is empty; raises `UnknownName`."""
    settings = site.service.settings
    turns, earlier, title, share = [], None, "", None
    if conversation:
        title = site.conversations(visitor.owner).head(conversation).title
        turns, earlier = page_of_turns(site, visitor.owner, conversation)
        share = next(iter(site.shares(visitor.owner).list(conversation)), None)
    return page(
        "conversation.html",
        **frame(site, visitor, conversation),
        conversation={"id": conversation, "title": title},
        share=share,
        turns=turns,
        earlier=earlier,
        modes=modes(),
        mode=visitor.profile.mode,
        vision=False,
        tools=list(named(settings.tools)) if visitor.owns else [],
        attachments=[],
        question="",
        read_only=False,
    )


def earlier_turns(site: Site, visitor: Visitor, conversation: str, before: int) -> str:
    """The turns before a position, for the top of the page."""
    turns, earlier = page_of_turns(site, visitor.owner, conversation, before)
    return fragment(
        "turns.html",
        turns=turns,
        earlier=earlier,
        conversation={"id": conversation},
        modes=modes(),
        read_only=False,
    )


def shared_page(shared: Conversation) -> str:
    """A conversation as everybody with its link reads it; whose it is, it does not say."""
    turns = [as_stored(turn) for turn in shared.turns]
    return page("shared.html", title=shared.title, turns=turns, shared_at=shared.updated_at)


class _Result(Struct, frozen=True):
    conversation: str
    title: str
    position: int | None
    role: str
    at: datetime
    excerpt: Sequence[tuple[str, bool]]


def search_page(site: Site, visitor: Visitor, words: str) -> str:
    """Where some words stand, the newest first."""
    found: Sequence[Hit] = ()
    if words.strip():
        found = site.conversations(visitor.owner).search(words)
    results = [
        _Result(
            hit.conversation_id,
            hit.title,
            hit.position,
            hit.role or "title",
            hit.created_at,
            excerpt(hit.snippet, words),
        )
        for hit in found
    ]
    return page("search.html", **frame(site, visitor, "search"), words=words, results=results)


class _RunLine(Struct, frozen=True):
    id: str
    what: str
    state: str
    mode: str
    conversation: str
    started: datetime
    tokens: int = 0
    owner: str = ""


def runs_page(site: Site, visitor: Visitor) -> str:
    """What is under way, and what has ended."""
    journal = site.journal(visitor.owner)
    lines = [_run_line(record) for record in journal.summaries(MOST_RUNS)]
    running = [line for line in lines if line.state in ACTIVE]
    past = [line for line in lines if line.state not in ACTIVE]
    return page("runs.html", **frame(site, visitor, "runs"), running=running, past=past)


def _run_line(record: RunRecord) -> _RunLine:
    request = record.request
    return _RunLine(
        record.id,
        record.question[:200],
        record.state,
        str(request.get("mode") or "auto"),
        str(request.get("conversation") or ""),
        record.created_at,
    )


class _SessionLine(Struct, frozen=True):
    id: str
    device: str
    seen: datetime
    current: bool


def settings_page(
    site: Site, visitor: Visitor, *, saved: bool = False, error: str = "", hint: str = ""
) -> str:
    """The person's settings."""
    sessions: list[_SessionLine] = []
    if visitor.user is not None:
        own = visitor.session.id if visitor.session else ""
        sessions = [
            _SessionLine(one.id, device(one.agent), one.seen_at, one.id == own)
            for one in site.sessions.list(visitor.user.id)
        ]
    return page(
        "settings.html",
        **frame(site, visitor, "settings"),
        modes=modes(),
        settings=visitor.profile,
        sessions=sessions,
        saved=saved,
        error=error,
        hint=hint,
    )
