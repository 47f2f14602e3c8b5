"""The tools that write mail: drafts, new messages and answers. What they write is found again by the key of the step.

An answer goes to the sender of what it answers, or to people who are named in it. Whoever approves sees whom it goes
to, from which account, what is answered or passed on, and which files go with it; what is sent is exactly that. What
is read stands in `tools`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from email.message import EmailMessage
from typing import Annotated, Any

from msgspec import Meta, Struct

from pierian.accounts.account import Account
from pierian.accounts.mail import composing, drafts, marking, reading, sending
from pierian.accounts.mail.attaching import File, files_at
from pierian.accounts.mail.attaching import told as files_told
from pierian.accounts.mail.attachments import files_of
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
from pierian.tools.tool import Call, showing

Others = Annotated[
    list[str] | str, Meta(extra_json_schema=somebody("to|and|copy|cc") | only("copy|cc|everyone|also"))
]
Subject = Annotated[str, Meta(extra_json_schema=quoted("titled?|subject|called|name"))]
SEND_SECONDS = 120.0
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


class Letter(Struct, frozen=True, kw_only=True):
    """A mail that is to be written."""

    account: Account
    to: list[str]
    subject: str
    text: str
    files: list[File]
    original: Message | None = None
    """What it answers or passes on."""


def _told(desk: Desk, letter: Letter) -> dict[str, str]:
    """What whoever approves a mail is shown beside its arguments."""
    account, original, told = letter.account, letter.original, dict[str, str]()
    if original is not None:
        told = {"mail": desk.told(original), "titled": letter.subject}
    told |= {"written_from": f"{account.address} ({account.name})", "goes_to": ", ".join(letter.to)}
    return told | ({"attachments": files_told(letter.files)} if letter.files else {})


def _showing(desk: Desk, doing: str, letter: Callable[[], Letter]) -> Awaitable[dict[str, str]]:
    def work() -> dict[str, str]:
        with failing(doing):
            return _told(desk, letter())

    return asyncio.to_thread(work)


def _new(desk: Desk, to: People, account: str, files: Files, *, send: bool, said: tuple[str, str]) -> Letter:
    return Letter(
        account=desk.writer(account, send=send),
        to=addresses_of(to),
        subject=said[0],
        text=said[1],
        files=files_at(files, desk.opened),
    )


def _drafting(desk: Desk) -> Tool:
    async def drafted(context: Context, values: Mapping[str, Any]) -> Labelled | None:
        def work() -> Labelled | None:
            account = desk.writer(str(values.get("account", "")), send=False)
            found = drafts.find_draft(account, desk.secret(account), desk.key_id(context, account))
            return None if found is None else Labelled(_drafted(account, found))

        return await asyncio.to_thread(work)

    async def shows(to: People, account: OfAccount = "", files: Files = "") -> dict[str, str]:
        return await _showing(
            desk, "mail_draft", lambda: _new(desk, to, account, files, send=False, said=("", ""))
        )

    @tool(
        effect="write",
        name="mail_draft",
        source="mail",
        lookup=drafted,
        timeout_seconds=60,
        only="draft|write|prepare|compose",
        shows=showing(shows),
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
            letter = _new(desk, to, account, files, send=False, said=(subject, text))
            context.agreed(_told(desk, letter))
            message, secret = _composed(desk, context, letter), desk.secret(letter.account)
            return Labelled(_drafted(letter.account, drafts.save_draft(letter.account, secret, message)))

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
    async def shows(to: People, account: OfAccount = "", files: Files = "") -> dict[str, str]:
        return await _showing(
            desk, "mail_send", lambda: _new(desk, to, account, files, send=True, said=("", ""))
        )

    @tool(
        effect="send",
        name="mail_send",
        source="mail",
        lookup=sent,
        timeout_seconds=SEND_SECONDS,
        only=_TELLS,
        shows=showing(shows),
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
            letter = _new(desk, to, account, files, send=True, said=(subject, text))
            return Labelled(_sent(letter.account, _send(desk, context, letter)))

        with failing("mail_send"):
            return await asyncio.to_thread(work)

    return send


def _answering(desk: Desk, sent: Call) -> Tool:
    def answer(message: str, text: str, to: Others, files: Files) -> Letter:
        account, original = desk.message(message)
        check(account, send=True)
        return Letter(
            account=account,
            to=_answered(desk, account, original, addresses_of(to)),
            subject=composing.answered_subject(original.subject),
            text=text,
            files=files_at(files, desk.opened),
            original=original,
        )

    async def shows(message: str, to: Others = "", files: Files = "") -> dict[str, str]:
        return await _showing(desk, "mail_reply", lambda: answer(message, "", to, files))

    @tool(
        effect="send",
        name="mail_reply",
        source="mail",
        lookup=sent,
        timeout_seconds=SEND_SECONDS,
        finds="mail_search",
        found="message",
        only="reply|replies|answer|respond|get back|write back",
        shows=showing(shows),
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
            letter = answer(message, text, to, files)
            account, original = letter.account, letter.original
            assert original is not None
            done = _send(desk, context, letter, answers=True)
            if account.switches.write:
                _mark_answered(desk, account, original)
            return Labelled(_sent(account, done), labels_of([original]))

        with failing("mail_reply"):
            return await asyncio.to_thread(work)

    return reply


def _forwarding(desk: Desk, sent: Call) -> Tool:
    def passed_on(message: str, to: People, text: str) -> Letter:
        account, original = desk.message(message)
        check(account, send=True)
        return Letter(
            account=account,
            to=addresses_of(to),
            subject=composing.forwarded_subject(original.subject),
            text=composing.forwarded(original, text),
            files=files_of(desk.accounts, account, desk.secret(account), original),
            original=original,
        )

    async def shows(message: str, to: People) -> dict[str, str]:
        return await _showing(desk, "mail_forward", lambda: passed_on(message, to, ""))

    @tool(
        effect="send",
        name="mail_forward",
        source="mail",
        lookup=sent,
        timeout_seconds=SEND_SECONDS,
        finds="mail_search",
        found="message",
        only="forward|pass (?:it |them )?on|needs?|share",
        shows=showing(shows),
    )
    async def forward(message: str, to: People, context: Context, text: Note = "") -> Labelled:
        """Forward mails to other people, with their attachments.

        Args:
            text: What to say with it.
        """

        def work() -> Labelled:
            letter = passed_on(message, to, text)
            assert letter.original is not None
            return Labelled(_sent(letter.account, _send(desk, context, letter)), labels_of([letter.original]))

        with failing("mail_forward"):
            return await asyncio.to_thread(work)

    return forward


def _composed(desk: Desk, context: Context, letter: Letter) -> EmailMessage:
    return composing.compose(
        letter.account,
        letter.to,
        letter.subject,
        letter.text,
        now=desk.now(),
        message_id=desk.key_id(context, letter.account),
        files=letter.files,
    )


def _send(desk: Desk, context: Context, letter: Letter, *, answers: bool = False) -> sending.Sent:
    """Send a mail, if it is what was approved."""
    context.agreed(_told(desk, letter))
    message = _composed(desk, context, letter)
    if answers and letter.original is not None:
        composing.answer_to(letter.original, message)
    secret = desk.secret(letter.account, "smtp")
    return sending.send_message(desk.accounts, letter.account, secret, message)


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
