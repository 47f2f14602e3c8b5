"""The pages of a person's own work, each with the frame around it: conversations, search, runs, settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct, structs

from pierian.agents import named
from pierian.runs import RunRecord
from pierian.runs.journal import ACTIVE
from pierian.storage import Conversation
from pierian.storage.conversations import Hit
from pierian.webapp.allowances import modes_of
from pierian.webapp.browsers import device
from pierian.webapp.excerpts import excerpt
from pierian.webapp.fields import Filled
from pierian.webapp.forms import Form
from pierian.webapp.modes import asked_mode
from pierian.webapp.rendering import fragment, page
from pierian.webapp.sidebar import conversation_lines, version_of
from pierian.webapp.site import Site
from pierian.webapp.turns import Window, as_stored, attachment_view, page_of_turns, window_of_turns
from pierian.webapp.visitors import Visitor

MOST_RUNS = 50


def frame(site: Site, visitor: Visitor, current: str) -> dict[str, Any]:
    """What the frame around every page needs."""
    lines = conversation_lines(site, visitor.owner)
    return {
        "person": visitor.person(),
        "signs_in": visitor.user is not None,
        "conversations": lines,
        "current": current,
        "linked": visitor.owns and bool(site.accounts(visitor.owner).list()),
    }


def conversation_page(site: Site, visitor: Visitor, conversation: str, turn: int | None = None) -> str:
    """The page of a conversation, or of a new one where the id is empty; raises `UnknownName`.

    Args:
        turn: Position of a turn that has to be on it, with what stands around it.
    """
    settings = site.service.settings
    owner, window, title, share, mode = visitor.owner, Window(), "", None, visitor.profile.mode
    if conversation:
        title = site.conversations(owner).head(conversation).title
        if turn is None:
            window = Window(*page_of_turns(site, owner, conversation))
        else:
            window = window_of_turns(site, owner, conversation, turn)
        share = next(iter(site.shares(owner).list(conversation)), None)
        if window.last is not None:  # as it was asked last
            mode = asked_mode(site, owner, window.last.run) or mode
    around = frame(site, visitor, conversation)
    offered = modes_of(site, visitor)
    return page(
        "conversation.html",
        **around,
        listed=version_of(around["conversations"]),
        conversation={"id": conversation, "title": title},
        share=share,
        turns=window.turns,
        earlier=window.earlier,
        later=window.later,
        newest=window.newest,
        last=window.last,
        modes=offered,
        mode=mode if any(one.value == mode for one in offered) else offered[0].value,
        tools=list(named(settings.tools)) if visitor.owns else [],
        attachments=[attachment_view(file) for file in site.attachments(owner).unclaimed()],
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
        modes=modes_of(site, visitor),
        read_only=False,
    )


def shared_page(shared: Conversation) -> str:
    """A conversation as everybody with its link reads it; whose it is, it does not say."""
    turns = [as_stored(turn) for turn in shared.turns]
    # What was said later is not shown, so the conversation's own date would be wrong.
    return page("shared.html", title=shared.title, turns=turns, stood_at=turns[-1].created_at)


class _Result(Struct, frozen=True):
    conversation: str
    title: str
    position: int | None
    role: str
    at: datetime
    excerpt: Sequence[tuple[str, bool]]
    shown: bool
    """Whether it stands in the branch that its conversation shows."""


def search_page(site: Site, visitor: Visitor, words: str) -> str:
    """Where some words stand, the newest first; a title only where nothing else of its conversation has them."""
    store = site.conversations(visitor.owner)
    found: Sequence[Hit] = store.search(words) if words.strip() else ()
    said = {hit.conversation_id for hit in found if hit.position is not None}
    shown = {conversation: {*store.shown(conversation)} for conversation in said}
    results = [
        _Result(
            hit.conversation_id,
            hit.title,
            hit.position,
            hit.role or "title",
            hit.created_at,
            excerpt(hit.snippet, words),
            hit.position is None or hit.position in shown[hit.conversation_id],
        )
        for hit in found
        if hit.position is not None or hit.conversation_id not in said
    ]
    return page("search.html", **frame(site, visitor, "search"), words=words.strip(), results=results)


class _RunLine(Struct, frozen=True):
    id: str
    what: str
    state: str
    mode: str
    conversation: str
    started: datetime


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
    site: Site,
    visitor: Visitor,
    *,
    saved: str = "",
    filled: Filled | None = None,
    passwords: Mapping[str, str] | None = None,
) -> str:
    """The person's settings.

    Args:
        saved: What was done just now: `settings`, `password` or `session`.
        filled: The form as it has to be put right.
        passwords: What is wrong in the form for another password, by field.
    """
    sessions: list[_SessionLine] = []
    if visitor.user is not None:
        own = visitor.session.id if visitor.session else ""
        sessions = [
            _SessionLine(one.id, device(one.agent), one.seen_at, one.id == own)
            for one in site.sessions.list(visitor.user.id)
        ]
    form = filled.form if filled is not None else Form({})
    stored = {
        name: "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
        for name, value in structs.asdict(visitor.profile).items()
    }
    return page(
        "settings.html",
        **frame(site, visitor, "settings"),
        modes=modes_of(site, visitor),
        settings={name: form.text(name, value) for name, value in stored.items()},
        filled=filled or Filled(),
        passwords=passwords or {},
        sessions=sessions,
        saved=saved,
    )
