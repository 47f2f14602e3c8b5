"""From a question on a page to a run in the journal and two turns in a conversation.

The turns are stored first, with the id of the run, so that nothing that was asked is lost when the server ends in
between: the page then shows a question whose run is gone, to be asked again. What goes on in the run is followed from
the journal (`live`), and its answer is written into the turn when it ends (`finishing`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from itertools import pairwise

import msgspec
from msgspec import Struct

from pierian.agents import named
from pierian.agents.account_tools import linked_groups, of_accounts
from pierian.assistant import checked_question
from pierian.exceptions import UnknownName, UserError
from pierian.reasoning import Mode
from pierian.runs import RunRecord
from pierian.runs.journal import ACTIVE
from pierian.server.formats.pictures import TYPES
from pierian.server.run_requests import MOST_CONTEXT_BYTES, RunRequest, context_bytes, storable
from pierian.server.run_requests import Turn as Said
from pierian.storage import LAST, Attachment, Turn, Where
from pierian.storage.branches import still_answering
from pierian.storage.ids import new_id
from pierian.webapp.allowances import account_of
from pierian.webapp.modes import asked_mode
from pierian.webapp.receipts import from_json
from pierian.webapp.site import Site
from pierian.webapp.uploads import MOST_TEXT_BYTES
from pierian.webapp.visitors import Visitor


class Question(Struct, frozen=True):
    """What somebody asks, from the form of a page."""

    text: str
    mode: Mode | None = None
    """None for the one that was chosen before, or Auto."""
    attachments: tuple[str, ...] = ()
    drafts: int | None = None


class Asked(Struct, frozen=True):
    """Where a question went."""

    conversation: str
    answer: int
    """Position of the answer to come."""
    run: str


def ask(site: Site, visitor: Visitor, conversation: str, question: Question, after: Where = LAST) -> Asked:
    """Ask in a conversation, or in a new one where the id is empty; behind the turn `after`.

    Raises `UserError` where the question is none, or the conversation waits for an answer already.
    """
    text = checked_question(question.text)
    store = site.conversations(visitor.owner)
    turns = store.get(conversation).turns if conversation else ()
    if conversation:
        check_free(site, visitor, conversation)
    beside = question.attachments or _same_pictures(site, visitor, conversation, turns, after, text)
    files = [site.attachments(visitor.owner).get(one) for one in beside]
    request = _request(
        site, visitor, question.mode or Mode.AUTO, text, _before(turns, after), files, question.drafts
    )
    account, run = _account(site, visitor), new_id()
    asked = store.ask(conversation, text, run, title=_title(text), after=after, attachments=beside)
    _submit(site, visitor, run, request, account, asked.conversation, asked.question_position)
    return Asked(asked.conversation, asked.answer_position, run)


def edit(site: Site, visitor: Visitor, conversation: str, position: int, question: Question) -> Asked:
    """Ask the question at `position` in other words: a branch of the conversation begins there.

    Its files stay with it, and its mode does unless another is chosen.
    """
    turns = site.conversations(visitor.owner).get(conversation, pending=True).turns
    at = next((index for index, turn in enumerate(turns) if turn.position == position), None)
    if at is None or turns[at].role != "user":
        raise UserError("Only a question can be edited.", hint="Choose one of the questions.")
    files = question.attachments or tuple(
        file.id for file in site.attachments(visitor.owner).list_of(conversation, position)
    )
    answered_by = turns[at + 1].run if at + 1 < len(turns) else ""
    mode = question.mode or asked_mode(site, visitor.owner, answered_by)
    changed = msgspec.structs.replace(question, attachments=files, mode=mode)
    return ask(site, visitor, conversation, changed, turns[at].parent)


def again(site: Site, visitor: Visitor, conversation: str, position: int, mode: Mode | None) -> Asked:
    """Another answer to the same question, as another version of the turn; by default in the same mode."""
    store = site.conversations(visitor.owner)
    check_free(site, visitor, conversation)
    if store.turn(conversation, position).role != "assistant":
        raise UserError("Only an answer can be given again.", hint="Choose one of the answers.")
    store.show(conversation, position)
    turns = store.get(conversation, pending=True).turns
    at = next(index for index, turn in enumerate(turns) if turn.position == position)
    _check_question(site, visitor, turns[at].run)
    question = turns[at - 1]
    files = site.attachments(visitor.owner).of_turn(conversation, question.position)
    mode = mode or asked_mode(site, visitor.owner, turns[at].run) or Mode.AUTO
    request = _request(site, visitor, mode, question.text, _said(turns[: at - 1]), files, None)
    account, run = _account(site, visitor), new_id()
    made = store.retry(conversation, position, run)
    _submit(site, visitor, run, request, account, conversation, question.position)
    return Asked(conversation, made, run)


def _check_question(site: Site, visitor: Visitor, run: str) -> None:
    """Raise `UserError` where a run answered no question: no model could make a day brief."""
    with contextlib.suppress(UnknownName):
        if site.journal(visitor.owner).get(run).request.get("brief") is True:
            raise UserError("A day brief is made at its time.", hint="`pierian brief` makes one now.")


def busy(site: Site, visitor: Visitor, conversation: str) -> RunRecord | None:
    """The run that answers in this conversation just now."""
    turns, _ = site.conversations(visitor.owner).page(conversation, limit=1)
    if not turns or not turns[-1].pending:
        return None
    journal = site.journal(visitor.owner)
    try:
        record = journal.get(turns[-1].run)
    except UserError:
        return None
    return record if record.state in ACTIVE else None


def check_free(site: Site, visitor: Visitor, conversation: str) -> None:
    """Raise `UserError` where the last question waits for its answer; the store checks it once more as it writes."""
    if busy(site, visitor, conversation) is not None:
        raise still_answering()


def _before(turns: Sequence[Turn], after: Where) -> list[Said]:
    """What was said before a question that comes behind the turn `after`."""
    if after is LAST:
        return _said(turns)
    positions = [turn.position for turn in turns]
    return _said(turns[: positions.index(after) + 1]) if after in positions else []


def _said(turns: Sequence[Turn]) -> list[Said]:
    """Questions that were answered, with their answers: models want the roles to take turns."""
    found: list[Said] = []
    for question, answer in pairwise(turns):
        if question.role == "user" and answer.role == "assistant" and not answer.pending and answer.text:
            found += [Said("user", question.text), Said("assistant", answer.text)]
    return found


def _request(
    site: Site,
    visitor: Visitor,
    mode: Mode,
    text: str,
    history: Sequence[Said],
    files: Sequence[Attachment],
    drafts: int | None,
) -> RunRequest:
    profile = visitor.profile
    asked = RunRequest(
        question=_with_files(text, files),
        history=tuple(history),
        mode=mode.value,
        instructions=profile.instructions,
        # What stands in a file must not choose what is done: with files there are no tools.
        tools=() if files else _tools(site, visitor, text),
        budget_tokens=profile.budget_tokens,
        budget_seconds=profile.budget_seconds,
        drafts=drafts,
    )
    while context_bytes(asked) > MOST_CONTEXT_BYTES and asked.history:
        asked = msgspec.structs.replace(asked, history=asked.history[2:])
    return storable(asked)


def _tools(site: Site, visitor: Visitor, text: str) -> tuple[str, ...]:
    """Those of this machine are its owner's alone; those of accounts belong to whoever has linked them."""
    own = named(site.service.settings.tools) if visitor.owns else ()
    if any(of_accounts(name) for name in own):
        return own
    return (*own, *linked_groups(text, site.database, visitor.owner))


def _same_pictures(
    site: Site, visitor: Visitor, conversation: str, turns: Sequence[Turn], after: Where, text: str
) -> tuple[str, ...]:
    """The pictures of the question before this one, where its answer came from them: what follows is about them too.

    Not where the question is one for tools, which work without pictures.
    """
    if not conversation or after is not LAST or len(turns) < 2 or _tools(site, visitor, text):
        return ()
    question, answer = turns[-2:]
    receipt = from_json(answer.receipt)
    if question.role != "user" or receipt is None or not receipt.looks:
        return ()
    files = site.attachments(visitor.owner).list_of(conversation, question.position)
    return tuple(file.id for file in files if file.media_type in TYPES)


def _with_files(text: str, files: Sequence[Attachment]) -> str:
    """The question, and under it the texts of its files, which `uploads` has checked; raises `UserError`."""
    files = [file for file in files if file.media_type not in TYPES]
    if sum(file.size for file in files) > MOST_TEXT_BYTES:
        raise UserError(
            f"The files have more than {MOST_TEXT_BYTES:,} bytes together, the most that is read with a question.",
            hint="Leave some out, or paste the part that matters.",
        )
    texts = [f"File {file.name}:\n{file.data.decode('utf-8', 'replace')}" for file in files]
    return "\n\n".join([text, *texts])


def _submit(
    site: Site,
    visitor: Visitor,
    run: str,
    request: RunRequest,
    account: str,
    conversation: str,
    position: int,
) -> None:
    """Begin the run; pictures that stand with the question at `position` are read where it is carried out."""
    where = {"conversation": conversation, "asked_at": position}
    kept = msgspec.to_builtins(request) | {"key": account, "answers": True} | where
    site.journal(visitor.owner).submit(request.question, kept, run=run)
    site.keeper.wake()
    site.changed(visitor.owner, conversation)


def _account(site: Site, visitor: Visitor) -> str:
    """The key on whose account this person asks; empty for those who have no limits of their own.

    Raises `ApiError` where it was revoked or has expired.
    """
    account = account_of(site, visitor)
    return "" if account is None else account.id


def _title(text: str) -> str:
    """The first line of a question; what is too long is cut at a word."""
    line = " ".join(text.split())
    if len(line) <= 80:
        return line
    return line[:80].rsplit(" ", 1)[0].rstrip(",;:-") + " …"
