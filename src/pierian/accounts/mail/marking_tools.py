"""The tools that mark mail: labels, moving to another mailbox, deleting. Marking itself is done by `marking`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pierian.accounts.mail import marking
from pierian.accounts.mail.desk import Desk, check, failing, labels_of, returning
from pierian.accounts.mail.message import Message
from pierian.accounts.mail.results import MailLabels, MailMoved
from pierian.accounts.selecting import MAILS
from pierian.provenance import Labelled
from pierian.tools import Context, Tool, tool
from pierian.tools.tool import Call, showing

TRASH, TRASH_TOLD = "trash", "the trash"


def marking_tools(desk: Desk) -> list[Tool]:
    """Labelling, moving and deleting."""
    return [_labelling(desk), _moving(desk), _deleting(desk)]


def _labelling(desk: Desk) -> Tool:
    async def labelled(_: Context, values: Mapping[str, Any]) -> Labelled | None:
        def work() -> Labelled | None:
            _, found = desk.message(str(values["message"]))
            flag, off = marking.flag_of(str(values["label"])), bool(values.get("remove", False))
            has = flag.lower() in [one.lower() for one in found.flags]
            return None if has is off else Labelled(_labels(found.id, found.flags), labels_of([found]))

        return await asyncio.to_thread(work)

    async def shows(message: str) -> dict[str, str]:
        def work() -> dict[str, str]:
            account, found = desk.message(message)
            check(account, send=False)
            return {"mail": desk.told(found)}

        with failing("mail_label"):
            return await asyncio.to_thread(work)

    @tool(
        effect="write",
        name="mail_label",
        source="mail",
        lookup=labelled,
        timeout_seconds=60,
        finds="mail_search",
        found="message",
        only="label|mark|flag|tag|star",
        about=MAILS,
        shows=showing(shows),
    )
    async def label(message: str, label: str, context: Context, remove: bool = False) -> Labelled:
        """Put a label on mails, or take it off.

        Args:
            label: read, answered, flagged or a word of your own.
            remove: Whether to take it off.
        """

        def work() -> Labelled:
            account, found = desk.message(message)
            check(account, send=False)
            context.agreed({"mail": desk.told(found)})
            flags = marking.set_label(
                desk.accounts, account, desk.secret(account), found, label, on=not remove
            )
            return Labelled(_labels(found.id, flags), labels_of([found]))

        with failing("mail_label"):
            return await asyncio.to_thread(work)

    return returning(MailLabels, label)


def _moving(desk: Desk) -> Tool:
    known = dict[tuple[str, str], str]()
    """The mailboxes that servers have by these names: of many messages one asks once."""

    async def shows(message: str, mailbox: str) -> dict[str, str]:
        def work() -> dict[str, str]:
            account, found = desk.message(message)
            check(account, send=False)
            if (meant := (account.id, mailbox)) not in known:
                known[meant] = marking.mailbox_called(account, desk.secret(account), mailbox)
            return _told(desk, found, known[meant])

        with failing("mail_move"):
            return await asyncio.to_thread(work)

    @tool(
        effect="write",
        name="mail_move",
        source="mail",
        lookup=_looking(desk, lambda values: str(values["mailbox"])),
        timeout_seconds=60,
        finds="mail_search",
        found="message",
        only="move|archive|file|junk|spam",
        about=MAILS,
        shows=showing(shows),
    )
    async def move(message: str, mailbox: str, context: Context) -> Labelled:
        """Move mails to another mailbox.

        Args:
            mailbox: archive, junk or the name of a mailbox.
        """
        with failing("mail_move"):
            return await asyncio.to_thread(_put, desk, context, message, mailbox)

    return returning(MailMoved, move)


def _deleting(desk: Desk) -> Tool:
    async def shows(message: str) -> dict[str, str]:
        def work() -> dict[str, str]:
            account, found = desk.message(message)
            check(account, send=False)
            return _told(desk, found, TRASH_TOLD)

        with failing("mail_delete"):
            return await asyncio.to_thread(work)

    @tool(
        effect="write",
        name="mail_delete",
        source="mail",
        lookup=_looking(desk, lambda _: TRASH),
        timeout_seconds=60,
        finds="mail_search",
        found="message",
        only="delete|remove|trash|get rid|deleted",
        about=MAILS,
        shows=showing(shows),
    )
    async def delete(message: str, context: Context) -> Labelled:
        """Delete mails: they go to the trash."""
        with failing("mail_delete"):
            return await asyncio.to_thread(_put, desk, context, message, TRASH, TRASH_TOLD)

    return returning(MailMoved, delete)


def _looking(desk: Desk, mailbox_of: Callable[[Mapping[str, Any]], str]) -> Call:
    """Whether a message is in the mailbox that a call names."""

    async def moved(_: Context, values: Mapping[str, Any]) -> Labelled | None:
        def work() -> Labelled | None:
            account, found = desk.message(str(values["message"]))
            name = marking.is_in(desk.accounts, account, desk.secret(account), found, mailbox_of(values))
            return None if name is None else Labelled(MailMoved(found.id, name), labels_of([found]))

        return await asyncio.to_thread(work)

    return moved


def _told(desk: Desk, found: Message, mailbox: str) -> dict[str, str]:
    return {"mail": desk.told(found), "moves_to": mailbox}


def _put(desk: Desk, context: Context, message: str, mailbox: str, called: str = "") -> Labelled:
    """Move a message into a mailbox, which whoever approves it knows as `called`, or by the name that it has."""
    account, found = desk.message(message)
    check(account, send=False)

    def agreed(name: str) -> None:
        context.agreed(_told(desk, found, called or name))

    name = marking.move_message(desk.accounts, account, desk.secret(account), found, mailbox, agreed)
    return Labelled(MailMoved(found.id, name), labels_of([found]))


def _labels(message: str, flags: Sequence[str]) -> MailLabels:
    names = {flag.lower(): name for name, flag in marking.FLAGS.items()}
    return MailLabels(message, [names.get(one.lower(), one) for one in flags])
