"""The stream behind a conversation's page: whatever changes in it, as updates for htmx (`rendering` has the format).

Catching up is by state. A page that connects, for the first time or again, is sent the turns it does not have and the
newest state of every answer that is not done; from then on what has changed. So a reload, a lost connection, another
tab or a server that was started anew loses nothing, and a message that comes twice does no harm.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any, Literal

from markupsafe import escape
from msgspec import Struct, structs

from pierian.access import SessionEnded
from pierian.exceptions import UserError
from pierian.runs import Journal
from pierian.runs.finishing import finish
from pierian.storage import Turn
from pierian.webapp import words
from pierian.webapp.allowances import modes_of
from pierian.webapp.blocks import BlockStream
from pierian.webapp.modes import ModeChoice
from pierian.webapp.progress import ProgressReader
from pierian.webapp.rendering import event, fragment, refreshed, replacement, safe, update
from pierian.webapp.sidebar import conversation_lines, version_of
from pierian.webapp.site import Site, list_of
from pierian.webapp.turns import SHOWN_TURNS, run_progress, turn_view
from pierian.webapp.views import Progress, TurnView
from pierian.webapp.visitors import Visitor

LOOK_SECONDS = 1.0
"""How often changes by other processes are looked for."""
ENDED = ("done", "failed", "cancelled", "stopped", "lost")
_OPEN = "-open"
PARTS = ("status", "plan", "looks", "receipt", "actions")
"""Sent whole where they change; answer, thoughts and drafts are sent in pieces."""


class Seen(Struct, frozen=True):
    """What of a conversation a page has, as text `17` or `17-open`."""

    position: int = -1
    """Of its last turn; -1 for none."""
    open: bool = False
    """Whether that turn was under way, so that the page may lack its end."""

    def __str__(self) -> str:
        return f"{self.position}{_OPEN if self.open else ''}"

    @classmethod
    def from_text(cls, text: str) -> Seen | None:
        """What a page says that it has; None where that is nothing of ours."""
        position = text.removesuffix(_OPEN)
        known = position.removeprefix("-").isdecimal() and len(position) < 12
        return cls(int(position), text.endswith(_OPEN)) if known else None


async def live(
    site: Site, visitor: Visitor, session: str, conversation: str, seen: Seen, listed: int
) -> AsyncGenerator[bytes]:
    """Events for the page until it goes, the conversation is deleted, or this server ends.

    Each message has what the page has then (`Seen`) as its id, from which a page goes on when it connects again.

    Args:
        session: The secret of the session in which the page was opened; the stream ends with it.
        seen: What of the conversation the page has.
        listed: The version of the list of conversations that it has (`sidebar.version_of`).
    """
    offered = await asyncio.to_thread(modes_of, site, visitor)
    page = _Page(site, visitor.owner, conversation, offered, seen, listed)
    session = "" if site.service.keyless else session
    yield b"retry: 1000\n\n"
    all_of_them = list_of(visitor.owner)
    with site.changes.watching(conversation, all_of_them) as watch, site.keeper.follower(visitor.owner):
        changed = frozenset({conversation, all_of_them})
        while not site.service.draining:
            try:
                if session:
                    await asyncio.to_thread(site.sessions.check, session)
                # Its head may have been moved by another process, of which nobody tells.
                updates = await asyncio.to_thread(page.updates, look=not changed or conversation in changed)
            except SessionEnded:
                yield event(name="signed-out")
                return
            except UserError:
                yield event(name="gone")
                return
            if all_of_them in changed:
                updates += await asyncio.to_thread(page.frame)
            if updates:
                yield event(*updates, id=str(page.seen))
            for run in page.runs:
                watch.add(run)
            changed = await watch.wait(LOOK_SECONDS)


class _Page:
    """What one open page has been sent."""

    def __init__(
        self,
        site: Site,
        owner: str,
        conversation: str,
        offered: Sequence[ModeChoice],
        seen: Seen,
        listed: int,
    ) -> None:
        self._site = site
        self._owner = owner
        self._conversation = conversation
        self._offered = offered  # modes in which answers may be given again
        self._head = seen.position
        self._before: Seen | None = seen  # until it is known what has come since
        self._answers: dict[int, _Answer] = {}
        self._listed = listed
        self._title = ""

    @property
    def seen(self) -> Seen:
        """What the page has now."""
        return Seen(self._head, open=self._head in self._answers)

    @property
    def runs(self) -> list[str]:
        """Runs whose answers are under way."""
        return [answer.run for answer in self._answers.values()]

    def updates(self, *, look: bool) -> list[str]:
        """What the page does not have yet; raises `UserError` where the conversation is gone."""
        found: list[str] = []
        if look:
            found += self._new_turns()
        for position, answer in list(self._answers.items()):
            found += answer.updates()
            if answer.ended:
                del self._answers[position]
                found += self._ended(position, answer.progress)
        return found

    def frame(self) -> list[str]:
        """What stands around the turns: the title, and the list of conversations at the side."""
        lines = conversation_lines(self._site, self._owner)
        listed, found = version_of(lines), list[str]()
        if listed != self._listed:
            shown = fragment("conversations.html", conversations=lines, current=self._conversation)
            found.append(refreshed("conversations", shown))
        title = next((line.title for line in lines if line.id == self._conversation), self._title)
        if title != self._title:
            found.append(refreshed("title", str(escape(title))))
        self._listed, self._title = listed, title
        return found

    def _new_turns(self) -> list[str]:
        """Turns behind the last one that the page has; all of them where it shows another branch."""
        store = self._site.conversations(self._owner)
        shown = store.last_shown(self._conversation)
        head = -1 if shown is None else shown
        before, self._before = self._before, None
        if head == self._head and not before:
            return []
        turns, earlier = store.page(self._conversation, limit=SHOWN_TURNS)
        positions = [turn.position for turn in turns]
        seen, self._head = self._head, head
        if seen != -1 and seen not in positions:
            return [self._everything(turns, earlier)]
        begin = positions.index(seen) + 1 if seen in positions else 0
        found = [self._again(turns[begin - 1])] if begin and before and before.open else []
        return found + [update("turns", self._article(turn)) for turn in turns[begin:]]

    def _again(self, turn: Turn) -> str:
        """An answer that was under way when the page was made or lost its connection, with all that it has become."""
        view = self._view(turn)
        if turn.run and not turn.pending:
            view = structs.replace(view, progress=run_progress(self._site.journal(self._owner), turn.run))
        return update("turns", fragment("turn.html", turn=view, **self._context()))

    def _everything(self, turns: Sequence[Turn], earlier: bool) -> str:
        """Another branch in the place of the one that the page shows."""
        self._answers.clear()
        views = [self._view(turn) for turn in turns]
        before = turns[0].position if earlier and turns else None
        return replacement("turns", fragment("turns.html", turns=views, earlier=before, **self._context()))

    def _article(self, turn: Turn) -> str:
        return fragment("turn.html", turn=self._view(turn), **self._context())

    def _view(self, turn: Turn) -> TurnView:
        """A whole turn; an answer that is under way is followed from now on."""
        view = turn_view(self._site, self._owner, self._conversation, turn)
        if turn.pending and turn.run and view.progress.state not in ENDED:
            journal = self._site.journal(self._owner)
            why = self._site.keeper.why_it_waits
            self._answers[turn.position] = _Answer(journal, view, self._context(), why)
        return view

    def _context(self) -> dict[str, Any]:
        return {"conversation": {"id": self._conversation}, "modes": self._offered, "read_only": False}

    def _ended(self, position: int, progress: Progress) -> list[str]:
        """An answer that has ended, as it is stored now, with everything that was written on the way to it."""
        turn = self._site.conversations(self._owner).turn(self._conversation, position)
        view = turn_view(self._site, self._owner, self._conversation, turn)
        if not turn.pending:
            view = structs.replace(view, progress=progress)
        return [update("turns", fragment("turn.html", turn=view, **self._context()))]


class _Answer:
    """One answer under way, and what of it the page has."""

    def __init__(
        self, journal: Journal, view: TurnView, context: dict[str, Any], why: Callable[[str], str]
    ) -> None:
        self._journal = journal
        self._why = why
        self._shown = view
        self._context = context
        self._reader = ProgressReader()
        self._after = -1
        self._sent: dict[str, object] = {}
        self._blocks = {"answer": BlockStream(), "thoughts": BlockStream()}
        self.run = view.run
        self.ended = False
        self._changed(view.progress)  # so much of it the page has been sent

    @property
    def progress(self) -> Progress:
        """What it has come to."""
        return self._shown.progress

    def updates(self) -> list[str]:
        """What changed since it was asked last."""
        try:
            state = self._journal.state(self.run)
        except UserError:  # its run was deleted
            self.ended = True
            return []
        for position, happened in self._journal.events(self.run, self._after):
            self._reader.read(happened)
            self._after = position
        progress = self._reader.progress(state)
        if progress.state == "waiting" and (reason := self._why(self.run)):
            progress = structs.replace(progress, status=words.waiting_for(reason))
        self.ended = progress.state in ENDED
        if self.ended:
            finish(self._journal.database, self.run)
            self._shown = structs.replace(self._shown, progress=progress)
            return []
        return self._changed(progress)

    def _changed(self, progress: Progress) -> list[str]:
        """Updates for what looks different now."""
        self._shown = structs.replace(self._shown, progress=progress)
        found = [
            update(f"turn-{self._shown.position}", shown)
            for part in PARTS
            if self._is_new(part, shown := self._part(part))
        ]
        found += self._text("answer", progress.answer, bool(progress.answer), "answer")
        frame = (progress.notes, bool(progress.thoughts or progress.notes))
        found += self._text("thoughts", progress.thoughts, frame, "thoughts-text")
        return found + self._drafts(progress)

    def _text(self, part: Literal["answer", "thoughts"], text: str, frame: object, place: str) -> list[str]:
        """A text that grows: its changed blocks, or the whole part where what surrounds them is new."""
        position = self._shown.position
        changes = self._blocks[part].update(text)
        if self._is_new(part, frame):
            return [update(f"turn-{position}", self._part(part))]
        if not changes:
            return []
        blocks = [
            fragment("parts/block.html", position=position, part=part, n=change.index, html=safe(change.html))
            for change in changes
        ]
        return [update(f"turn-{position}-{place}", *blocks)]

    def _drafts(self, progress: Progress) -> list[str]:
        """The drafts that changed, or all where what surrounds them is new."""
        position = self._shown.position
        whole = self._is_new("drafts", (bool(progress.drafts), progress.merging, progress.state))
        changed = [
            fragment("parts/draft.html", position=position, draft=draft)
            for draft in progress.drafts
            if self._is_new(f"draft-{draft.number}", draft)
        ]
        if whole:
            return [update(f"turn-{position}", self._part("drafts"))]
        return [update(f"turn-{position}-drafts-list", *changed)] if changed else []

    def _part(self, name: str) -> str:
        return fragment(f"parts/{name}.html", turn=self._shown, **self._context)

    def _is_new(self, name: str, shown: object) -> bool:
        """Whether something looks different from when it was sent last; it counts as sent from now on."""
        before = self._sent.get(name)
        self._sent[name] = shown
        return before != shown
