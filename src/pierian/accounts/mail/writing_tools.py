"""The tools that write mail: drafts, new messages and answers. What they write is found again by the key of the step.

An answer goes to the sender of what it answers, or to people who are named in it; whoever approves it sees them. What
is read stands in `tools`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from email.message import EmailMessage
from typing import Annotated, Any

from msgspec import Meta

from pierian.accounts.account import Account
from pierian.accounts.mail import composing, drafts, marking, reading, sending
from pierian.accounts.mail.attaching import files_at, told
from pierian.accounts.mail.desk import Desk, check, failing, labels_of, returning
from pierian.accounts.mail.message import Message
from pierian.accounts.mail.results import MailDrafted, MailSent
from pierian.accounts.selecting import Account as OfAccount
from pierian.accounts.selecting import People, addresses_of, only, quoted, somebody
from pierian.accounts.troubles import AccountError
from pierian.exceptions import UserError
from pierian.provenance import Labelled
from pierian.storage.words import fold
from pierian.tools import Context, Tool, tool
from pierian.tools.tool import Call

Others = Annotated[
    list[str] | str, Meta(extra_json_schema=somebody("to|and|copy|cc") | only("copy|cc|everyone|also"))
]
Subject = Annotated[str, Meta(extra_json_schema=quoted("titled?|subject|called|name"))]
_TELLS = (
    r"send|write|tell|let \S+ know|inform|notify|remind|ask|thank|invite|congratulate|apologi[sz]e|shoot|drop"
    r"|(?:please|you|to|and|then|,) (?:e-?)?mail|^(?:e-?)?mail"
)
_NOTE = "saying|says?|note|words"
Note = Annotated[str, Meta(extra_json_schema=quoted(_NOTE) | only(_NOTE))]
_SAID = r"saying|says?|tell|them|with|reply|text|body|(?:in|as) (?:the|an|my) (?:e-?mail|mail|message|body)"
Text = Annotated[str, Meta(extra_json_schema=quoted(_SAID))]
_FILES = "attach(?:ed|ing|ments?)?|enclos(?:e|ed|ing)"
Files = Annotated[
    list[str] | str,
    Meta(
        extra_json_schema={"entities": ["file", "quote"], "words": "always", "near": _FILES, "several": True}
        | only(_FILES)
    ),
]
"""Paths of files that go with it, or one."""


def writing_tools(desk: Desk) -> list[Tool]:
    """Drafting, sending and answering."""
    sent = _looking_for_sent(desk)
    return [
        returning(MailDrafted, _drafting(desk)),
        returning(MailSent, _sending(desk, sent)),
        returning(MailSent, _answering(desk, sent)),
        returning(MailSent, _forwarding(desk, sent)),
    ]


def _drafting(desk: Desk) -> Tool:
    async def drafted(context: Context, values: Mapping[str, Any]) -> Labelled | None:
        def work() -> Labelled | None:
            account = desk.writer(str(values.get("account", "")), send=False)
            found = drafts.find_draft(account, desk.secret(account), desk.key_id(context, account))
            return None if found is None else Labelled(_drafted(account, found))

        return await asyncio.to_thread(work)

    @tool(
        effect="write",
        name="mail_draft",
        source="mail",
        lookup=drafted,
        timeout_seconds=60,
        only="draft|write|prepare|compose",
        shows=_showing_files(desk),
    )
    async def draft(
        to: People, subject: Subject, text: Text, context: Context, account: OfAccount = "", files: Files = ""
    ) -> Labelled:
        """Write a draft of a mail, which the user finishes and sends.

        Args:
            account: Empty for the usual one.
            files: Paths of files to attach.
        """

        def work() -> Labelled:
            chosen = desk.writer(account, send=False)
            message = _composed(desk, chosen, context, addresses_of(to), subject, text, files)
            return Labelled(_drafted(chosen, drafts.save_draft(chosen, desk.secret(chosen), message)))

        with failing("mail_draft"):
            return await asyncio.to_thread(work)

    return draft


def _looking_for_sent(desk: Desk) -> Call:
    async def sent(context: Context, values: Mapping[str, Any]) -> Labelled | None:
        def work() -> Labelled | None:
            if answered := str(values.get("message", "")):
                account = desk.message(answered)[0]
            else:
                account = desk.writer(str(values.get("account", "")), send=True)
            found = sending.look_for(
                desk.accounts, account, desk.secret(account), desk.key_id(context, account)
            )
            return None if found is None else Labelled(_sent(account, found))

        return await asyncio.to_thread(work)

    return sent


def _sending(desk: Desk, sent: Call) -> Tool:
    @tool(
        effect="send",
        name="mail_send",
        source="mail",
        lookup=sent,
        timeout_seconds=120,
        only=_TELLS,
        shows=_showing_files(desk),
    )
    async def send(
        to: People, subject: Subject, text: Text, context: Context, account: OfAccount = "", files: Files = ""
    ) -> Labelled:
        """Send a new mail.

        Args:
            account: Empty for the usual one.
            files: Paths of files to attach.
        """

        def work() -> Labelled:
            chosen = desk.writer(account, send=True)
            message = _composed(desk, chosen, context, addresses_of(to), subject, text, files)
            done = _send(desk, chosen, message)
            return Labelled(_sent(chosen, done))

        with failing("mail_send"):
            return await asyncio.to_thread(work)

    return send


def _answering(desk: Desk, sent: Call) -> Tool:
    @tool(
        effect="send",
        name="mail_reply",
        source="mail",
        lookup=sent,
        timeout_seconds=120,
        finds="mail_search",
        found="message",
        only="reply|replies|answer|respond|get back|write back",
        shows=_showing_files(desk),
    )
    async def reply(
        message: str, text: Text, context: Context, to: Others = "", files: Files = ""
    ) -> Labelled:
        """Answer mails.

        Args:
            to: Addresses out of the mail; empty for its sender alone.
            files: Paths of files to attach.
        """

        def work() -> Labelled:
            account, original = desk.message(message)
            check(account, send=True)
            every = _answered(desk, account, original, addresses_of(to))
            subject = composing.answered_subject(original.subject)
            answer = _composed(desk, account, context, every, subject, text, files)
            composing.answer_to(original, answer)
            done = _send(desk, account, answer)
            if account.switches.write:
                _mark_answered(desk, account, original)
            return Labelled(_sent(account, done), labels_of([original]))

        with failing("mail_reply"):
            return await asyncio.to_thread(work)

    return reply


def _forwarding(desk: Desk, sent: Call) -> Tool:
    @tool(
        effect="send",
        name="mail_forward",
        source="mail",
        lookup=sent,
        timeout_seconds=120,
        finds="mail_search",
        found="message",
        only="forward|pass (?:it |them )?on|needs?|share",
    )
    async def forward(message: str, to: People, context: Context, text: Note = "") -> Labelled:
        """Forward mails to other people.

        Args:
            text: What to say with it.
        """

        def work() -> Labelled:
            account, original = desk.message(message)
            check(account, send=True)
            whole, subject = (
                composing.forwarded(original, text),
                composing.forwarded_subject(original.subject),
            )
            done = _send(desk, account, _composed(desk, account, context, addresses_of(to), subject, whole))
            return Labelled(_sent(account, done), labels_of([original]))

        with failing("mail_forward"):
            return await asyncio.to_thread(work)

    return forward


def _composed(
    desk: Desk,
    account: Account,
    context: Context,
    to: Sequence[str],
    subject: str,
    text: str,
    paths: list[str] | str = "",
) -> EmailMessage:
    message_id, files = desk.key_id(context, account), files_at(paths, desk.opened)
    return composing.compose(account, to, subject, text, now=desk.now(), message_id=message_id, files=files)


def _showing_files(desk: Desk) -> Call:
    """Names and sizes of what is attached: a path alone does not tell what leaves the machine."""

    async def shows(_context: Context, values: Mapping[str, Any]) -> Labelled:
        paths = values.get("files", "")
        found = await asyncio.to_thread(files_at, paths, desk.opened) if paths else []
        return Labelled({"attachments": told(found)} if found else {})

    return shows


def _send(desk: Desk, account: Account, message: EmailMessage) -> sending.Sent:
    return sending.send_message(desk.accounts, account, desk.secret(account, "smtp"), message)


def _answered(desk: Desk, account: Account, original: Message, to: Sequence[str]) -> list[str]:
    """Whom an answer goes to: its sender, or those of the people in it that were named.

    Where a message wants its answers elsewhere, that has to be named: whoever approves shall see it.
    """
    people = [
        original.sender,
        *original.recipients.reply_to,
        *original.recipients.to,
        *original.recipients.cc,
    ]
    named = {fold(one.address): one for one in reversed(people)}
    if not to:
        if not original.sender.address:
            raise UserError("The message names no sender.")
        if original.sender.address in reading.own_addresses(desk.accounts.database, account):
            return [one.address for one in original.recipients.to]  # the user goes on from what they wrote
        return [original.sender.address]
    for one in to:
        if fold(composing.person_of(one).address) not in named:
            raise UserError(
                f"{one[:80]!r} is not in that message.", hint="Use mail_send to write to somebody else."
            )
    return [composing.person_of(one).address for one in to]


def _mark_answered(desk: Desk, account: Account, original: Message) -> None:
    """The answer is out; that the mark fails is no reason to say it is not."""
    try:
        marking.set_label(desk.accounts, account, desk.secret(account), original, "answered", on=True)
    except AccountError:
        return


def _drafted(account: Account, found: drafts.Draft) -> MailDrafted:
    return MailDrafted(account.name, found.mailbox, found.message_id)


def _sent(account: Account, done: sending.Sent) -> MailSent:
    return MailSent(account.name, done.message_id, list(done.refused), done.problem)
