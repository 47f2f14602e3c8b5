"""The tools for mail: search, read, fetch an attachment. Those that mark are in `marking_tools`, those that write in
`writing_tools`.

Everything that is read carries the label of its account and sender, who may have written anything. Reading is done
from the copy on this machine; acting is done at the server and read back from there. Which account may be used for
what its switches say: without `write` nothing is drafted or labelled, without `send` nothing is sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated

from msgspec import Meta

from pierian.accounts.mail import attachments, reading
from pierian.accounts.mail.attaching import Open, nothing_opened
from pierian.accounts.mail.desk import Desk, failing, labels_of, returning
from pierian.accounts.mail.lines import MAILS
from pierian.accounts.mail.marking_tools import marking_tools
from pierian.accounts.mail.message import Message, Person
from pierian.accounts.mail.results import (
    MailAttached,
    MailFile,
    MailListed,
    MailRead,
    MailThread,
)
from pierian.accounts.mail.words import words_of
from pierian.accounts.mail.writing_tools import writing_tools
from pierian.accounts.secrets import Sealer
from pierian.accounts.selecting import (
    MOST_FOUND,
    When,
    Which,
    only,
    quoted,
    selected,
    significant,
    somebody,
    span_of,
)
from pierian.accounts.store import Accounts
from pierian.provenance import Labelled
from pierian.storage.words import fold, snippet
from pierian.tools import Tool, tool

_ABOUT = r"about|subject|titled|(?:e-?mails?|mails?|messages?) (?:\w+ )?(?:called|named)"
About = Annotated[str, Meta(extra_json_schema=quoted(_ABOUT) | only(_ABOUT))]
Sender = Annotated[str, Meta(extra_json_schema=somebody("from|by|sent|of|me|\\S+'s") | {"words": "instead"})]
_LOOKS = (
    r"(?<!\ba )(?<!\ban )(?<!\bnew )(?<!\bin the )(?:e-?)?mails?|messages?|inbox|mailbox|wrote|written|heard"
    r"|sent (?:me|us)"
    r"|(?:repl|answer)(?:y|ied|ies|ed|s)|forward|unread|attachments?|^(?!.*\b(?:e-?)?mails?\b).*\w"
)
"""Not where a request has to do with mail only in that one is to be sent."""
Dated = Annotated[
    When,
    Meta(
        extra_json_schema={"prefers": "from|since|of|dated|sent|got|received|wrote|last|past|this|yesterday"}
    ),
]
In = Annotated[
    str,
    Meta(
        extra_json_schema=only("mailbox|folder|drafts|archived?|junk|spam|trash|sent (?:mail|items|folder)")
    ),
]
Unread = Annotated[bool, Meta(extra_json_schema=only("unread|unopened|new mails?"))]

_ORDER = (
    *("mail_search", "mail_send", "mail_reply", "mail_forward", "mail_delete", "mail_read"),
    *("mail_draft", "mail_label", "mail_move", "mail_attachment"),
)
"""The most used first: of many tools the last are left out of a prompt, and what comes before is read once."""
MOST_NAMED = 50
"""Addresses of one message."""
MOST_TEXT = 20_000
"""Characters of one message that are read at once; a conversation has twice as many."""


def mail_tools(
    accounts: Accounts,
    sealer: Callable[[], Sealer],
    *,
    now: Callable[[], datetime],
    folder: Path,
    opened: Open = nothing_opened,
) -> list[Tool]:
    """The tools for the mail of all accounts.

    Args:
        now: Aware.
        folder: Where fetched attachments go.
        opened: Opens the files that are attached.
    """
    desk = Desk(accounts, sealer, now, folder, opened)
    made = [_searching(desk), _opening(desk), _fetching(desk), *marking_tools(desk), *writing_tools(desk)]
    return sorted(made, key=lambda one: _ORDER.index(one.name))


def _searching(desk: Desk) -> Tool:
    @tool(effect="read", name="mail_search", source="mail", only=_LOOKS, listing=MAILS)
    async def search(
        which: Which,
        about: About = "",
        sender: Sender = "",
        when: Dated = "",
        mailbox: In = "",
        unread: Unread = False,
    ) -> Labelled:
        """Find mails that the user got or sent, each with its sender, subject and the day it was sent.

        Args:
            about: Words of the subject or text.
            sender: Who wrote it.
            mailbox: Such as sent; empty for all.
            unread: Only what nobody has opened.
        """

        def work() -> Labelled:
            span = span_of(when, desk.now)
            query = reading.Query(
                words=significant(about),
                sender=sender,
                since=span.begins,
                until=span.ends,
                mailbox=mailbox,
                unread=unread,
                limit=MOST_FOUND,
            )
            found = _called(reading.search(desk.accounts.database, desk.readable(), query).messages, about)
            chosen = selected([*reversed(found)], which)
            return Labelled([_listed(desk, one, about) for one in reversed(chosen)], labels_of(chosen))

        with failing("mail_search"):
            return await asyncio.to_thread(work)

    return returning(list[MailListed], search)


def _opening(desk: Desk) -> Tool:
    @tool(effect="read", name="mail_read", source="mail", finds="mail_search", found="message")
    async def read(message: str) -> Labelled:
        """Read mails with all of their conversation, to answer questions about what they say."""

        def work() -> Labelled:
            account, found = desk.message(message)
            thread = reading.conversation(desk.accounts.database, [account], found)
            kept = _fitting(thread, found)
            every = [_whole(desk, one) for one in kept]
            return Labelled(
                MailThread(account.name, found.subject, every, len(thread) - len(kept)), labels_of(kept)
            )

        with failing("mail_read"):
            return await asyncio.to_thread(work)

    return returning(MailThread, read)


def _fetching(desk: Desk) -> Tool:
    @tool(
        effect="read",
        name="mail_attachment",
        source="mail",
        timeout_seconds=120,
        finds="mail_search",
        found="message",
        only="attach(?:ed|ments?)?|files?|documents?|pdf",
    )
    async def attachment(message: str, name: str = "") -> Labelled:
        """Fetch an attachment of mails as a file.

        Args:
            name: The name of the attachment; empty where it has only one.
        """

        def work() -> Labelled:
            account, found = desk.message(message)
            part = attachments.part_of(found, name)
            path = attachments.fetch_attachment(
                desk.accounts, account, desk.secret(account), found, part, desk.folder / account.id
            )
            fetched = MailFile(str(path), path.name, part.type, path.stat().st_size)
            return Labelled(fetched, labels_of([found]))

        with failing("mail_attachment"):
            return await asyncio.to_thread(work)

    return returning(MailFile, attachment)


def _called(found: Sequence[Message], about: str) -> list[Message]:
    """Those that have the words in their subject, as they stand; where none has, all that were found."""
    wanted = fold(about)
    named = [one for one in found if wanted and wanted in fold(one.subject)]
    return named or [*found]


def _fitting(thread: Sequence[Message], wanted: Message) -> list[Message]:
    """The message that was asked for, and as many of its conversation as there is room for, the newest first."""
    room, kept = 2 * MOST_TEXT, {wanted.id}
    for one in reversed(thread):
        room -= min(len(one.text), MOST_TEXT)
        if room > 0:
            kept.add(one.id)
    return [one for one in thread if one.id in kept]


def _listed(desk: Desk, one: Message, words: str) -> MailListed:
    return MailListed(
        id=one.id,
        account=one.account,
        mailbox=one.mailbox,
        sender=one.sender.address,
        sender_name=one.sender.name,
        to=_addresses(one.recipients.to),
        subject=one.subject,
        sent=desk.time(one.sent_at),
        unread=one.unread,
        begins=snippet(
            one.text, next((word for word in words_of(words) if word in fold(one.text)), ""), around=50
        ),
        attachments=[part.name for part in one.parts],
    )


def _whole(desk: Desk, one: Message) -> MailRead:
    cut = len(one.text) > MOST_TEXT
    problems = [one.problem, f"Only the first {MOST_TEXT:,} characters are here." if cut else ""]
    return MailRead(
        id=one.id,
        sender=one.sender.address,
        sender_name=one.sender.name,
        to=_addresses(one.recipients.to),
        cc=_addresses(one.recipients.cc),
        reply_to=_addresses(one.recipients.reply_to),
        subject=one.subject,
        sent=desk.time(one.sent_at),
        text=one.text[:MOST_TEXT],
        attachments=[MailAttached(part.name, part.type, part.size) for part in one.parts],
        problem=" ".join(filter(None, problems)),
    )


def _addresses(people: Sequence[Person]) -> list[str]:
    return [one.address for one in people if one.address][:MOST_NAMED]
