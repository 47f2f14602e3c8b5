"""The tools that write mail: drafts, new messages and answers. What they write is found again by the key of the step.

An answer goes to the sender of what it answers, or to people who are named in it; whoever approves it sees them. What
is read stands in `tools`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from email.message import EmailMessage
from typing import Any

from pierian.accounts.account import Account
from pierian.accounts.mail import composing, drafts, marking, reading, sending
from pierian.accounts.mail.desk import Desk, check, failing, labels_of, returning
from pierian.accounts.mail.message import Message
from pierian.accounts.mail.results import MailDrafted, MailSent
from pierian.accounts.troubles import AccountError
from pierian.exceptions import UserError
from pierian.provenance import NOBODY, Labelled
from pierian.storage.words import fold
from pierian.tools import Context, Tool, tool
from pierian.tools.tool import Call


def writing_tools(desk: Desk) -> list[Tool]:
    """Drafting, sending and answering."""
    sent = _looking_for_sent(desk)
    return [
        returning(MailDrafted, _drafting(desk)),
        returning(MailSent, _sending(desk, sent)),
        returning(MailSent, _answering(desk, sent)),
    ]


def _drafting(desk: Desk) -> Tool:
    async def drafted(context: Context, values: Mapping[str, Any]) -> Labelled | None:
        def work() -> Labelled | None:
            account = desk.writer(str(values.get("account", "")), send=False)
            found = drafts.find_draft(account, desk.secret(account), desk.key_id(context, account))
            return None if found is None else Labelled(_drafted(account, found))

        return await asyncio.to_thread(work)

    @tool(effect="write", name="mail_draft", source="mail", lookup=drafted, timeout_seconds=60)
    async def draft(
        to: list[str], subject: str, text: str, context: Context, answer_to: str = "", account: str = ""
    ) -> Labelled:
        """Write a draft, which the user finishes and sends.

        Args:
            to: Addresses.
            answer_to: The id of the message that it answers.
            account: The account; empty for the usual one.
        """

        def work() -> Labelled:
            chosen = desk.writer(account, send=False)
            message = _composed(desk, chosen, context, to, subject, text)
            if answer_to:
                composing.answer_to(desk.message(answer_to)[1], message)
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
    @tool(effect="send", name="mail_send", source="mail", lookup=sent, timeout_seconds=120)
    async def send(
        to: list[str],
        subject: str,
        text: str,
        context: Context,
        cc: list[str] = [],  # noqa: B006 - the default stands in the schema, and is not changed
        forward: str = "",
        account: str = "",
    ) -> Labelled:
        """Send a new message.

        Args:
            to: Addresses.
            cc: Addresses that get a copy.
            forward: The id of a message to pass on with it.
            account: The account; empty for the usual one.
        """

        def work() -> Labelled:
            chosen = desk.writer(account, send=True)
            original = desk.message(forward)[1] if forward else None
            whole = composing.forwarded(original, text) if original else text
            message = _composed(desk, chosen, context, to, subject, whole, cc)
            done = _send(desk, chosen, message)
            return Labelled(_sent(chosen, done), labels_of([original]) if original else NOBODY)

        with failing("mail_send"):
            return await asyncio.to_thread(work)

    return send


def _answering(desk: Desk, sent: Call) -> Tool:
    @tool(effect="send", name="mail_reply", source="mail", lookup=sent, timeout_seconds=120)
    async def reply(
        message: str,
        text: str,
        context: Context,
        to: list[str] = [],  # noqa: B006 - as above
    ) -> Labelled:
        """Answer a message.

        Args:
            message: The id of the message to answer.
            to: Addresses out of it; empty for its sender alone.
        """

        def work() -> Labelled:
            account, original = desk.message(message)
            check(account, send=True)
            every = _answered(desk, account, original, to)
            answer = _composed(
                desk, account, context, every, composing.answered_subject(original.subject), text
            )
            composing.answer_to(original, answer)
            done = _send(desk, account, answer)
            if account.switches.write:
                _mark_answered(desk, account, original)
            return Labelled(_sent(account, done), labels_of([original]))

        with failing("mail_reply"):
            return await asyncio.to_thread(work)

    return reply


def _composed(
    desk: Desk,
    account: Account,
    context: Context,
    to: Sequence[str],
    subject: str,
    text: str,
    cc: Sequence[str] = (),
) -> EmailMessage:
    message_id = desk.key_id(context, account)
    return composing.compose(account, to, subject, text, now=desk.now(), message_id=message_id, cc=cc)


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
