"""Stored turns as the pages show them, each answer with what its run has come to."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from msgspec import Struct, structs

from pierian.exceptions import UserError
from pierian.runs import Journal
from pierian.runs.finishing import finish
from pierian.storage import Attachment, Turn
from pierian.webapp.progress import ProgressReader
from pierian.webapp.receipts import from_json
from pierian.webapp.site import Site
from pierian.webapp.texts import text
from pierian.webapp.views import AttachmentView, Progress, TurnView

SHOWN_TURNS = 40
"""Of a long conversation at first; those before come when the reader scrolls there."""


class Window(Struct, frozen=True):
    """The turns of a page: some in a row and, where turns behind them are left out, the last ones too."""

    turns: Sequence[TurnView] = ()
    earlier: int | None = None
    """The position before which there are more."""
    later: int | None = None
    """The position of the first that is left out."""
    newest: Sequence[TurnView] = ()

    @property
    def last(self) -> TurnView | None:
        """The turn at the end of the page, which the stream goes on from."""
        return next(iter([*self.turns, *self.newest][-1:]), None)


def page_of_turns(
    site: Site, owner: str, conversation: str, before: int | None = None, limit: int = SHOWN_TURNS
) -> tuple[list[TurnView], int | None]:
    """The last turns before a position, and the position before which there are more, if any."""
    turns, more = site.conversations(owner).page(conversation, before=before, limit=limit)
    found = turn_views(site, owner, conversation, turns)
    return found, (turns[0].position if more and turns else None)


def window_of_turns(site: Site, owner: str, conversation: str, turn: int) -> Window:
    """Turns from the one before `turn` on, as many as a page has, and the last two where there are more behind."""
    shown = site.conversations(owner).shown(conversation)
    begin = max(0, bisect_left(shown, turn) - 2)  # what stands before it is read with it
    end = begin + SHOWN_TURNS
    if end + SHOWN_TURNS >= len(shown):
        limit = max(SHOWN_TURNS, len(shown) - begin)
        return Window(*page_of_turns(site, owner, conversation, limit=limit))
    turns, earlier = page_of_turns(site, owner, conversation, shown[end])
    newest, _ = page_of_turns(site, owner, conversation, limit=2)
    return Window(turns, earlier, shown[end], newest)


def turn_views(site: Site, owner: str, conversation: str, turns: Sequence[Turn]) -> list[TurnView]:
    """Turns of one conversation; answers that are still open with the progress of their runs."""
    asked = {turn: _question(turn) for turn in turns}
    known = sorted({position for position in asked.values() if position is not None})
    files = site.attachments(owner).list_all(conversation, known)
    return [_shown(site, owner, turn, files.get(asked[turn] or 0, ())) for turn in turns]


def turn_view(site: Site, owner: str, conversation: str, turn: Turn) -> TurnView:
    """One turn, as `turn_views` shows it."""
    return turn_views(site, owner, conversation, [turn])[0]


def _question(turn: Turn) -> int | None:
    """The position of the question that a turn is, or answers."""
    return turn.position if turn.role == "user" else turn.parent


def _shown(site: Site, owner: str, turn: Turn, files: Sequence[Attachment]) -> TurnView:
    beside = [attachment_view(file) for file in files]
    if turn.role == "user":
        return _view(turn, attachments=beside)
    if not turn.pending:
        return as_stored(turn, abridged=bool(turn.run), attachments=beside)
    progress = run_progress(site.journal(owner), turn.run)
    if progress.state == "done":  # it ended where nobody wrote its answer down
        finish(site.database, turn.run)
    return _view(turn, attachments=beside, progress=progress)


def as_stored(turn: Turn, *, abridged: bool = False, attachments: Sequence[AttachmentView] = ()) -> TurnView:
    """A turn that is whole, with files only where they are given; `abridged` where its run's journal has more."""
    receipt = from_json(turn.receipt)
    progress = Progress(
        answer=turn.text,
        receipt=receipt,
        drafts=receipt.drafts if receipt and receipt.beside else (),
        steps=receipt.steps if receipt else (),
        pictures=receipt.pictures if receipt else (),
        looks=receipt.looks if receipt else (),
        abridged=abridged and receipt is not None,
    )
    return _view(turn, attachments=attachments, progress=progress)


def way_of(site: Site, owner: str, conversation: str, position: int) -> TurnView:
    """An answer with everything that was written on the way to it, from the journal of its run.

    Raises `UserError` where that is not kept any more, or no answer stands there.
    """
    turn = site.conversations(owner).turn(conversation, position)
    progress = run_progress(site.journal(owner), turn.run or "")
    if turn.role != "assistant" or progress.state == "lost":
        raise UserError(text("way.gone"), hint=text("way.gone_hint"))
    nothing = not (progress.thoughts or progress.notes or progress.drafts or progress.steps)
    files = site.attachments(owner).list_all(conversation, [turn.parent or 0]).get(turn.parent or 0, ())
    beside = [attachment_view(file) for file in files]
    return _view(turn, attachments=beside, progress=structs.replace(progress, nothing=nothing))


def run_progress(journal: Journal, run: str) -> Progress:
    """What a run has come to so far."""
    try:
        state = journal.state(run)
    except UserError:
        return Progress(state="lost")
    reader = ProgressReader()
    for _, event in journal.events(run):
        reader.read(event)
    return reader.progress(state)


def attachment_view(file: Attachment) -> AttachmentView:
    """A file as it is shown with its question."""
    return AttachmentView(file.id, file.name, file.media_type, file.size)


def _view(
    turn: Turn, *, attachments: Sequence[AttachmentView] = (), progress: Progress | None = None
) -> TurnView:
    return TurnView(
        position=turn.position,
        role="user" if turn.role == "user" else "assistant",
        text=turn.text,
        created_at=turn.created_at,
        run=turn.run,
        versions=turn.versions,
        attachments=tuple(attachments),
        progress=progress or Progress(),
    )
