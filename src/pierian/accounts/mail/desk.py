"""What the tools for mail stand on: which account may be used for what, with which secret, how failures are told."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from pierian.accounts.account import Account, ServiceKind, written_by
from pierian.accounts.mail import composing, reading, sending
from pierian.accounts.mail.attaching import Open
from pierian.accounts.mail.message import Message
from pierian.accounts.secrets import Sealer, Secret
from pierian.accounts.signing_in import fresh_secret
from pierian.accounts.store import Accounts
from pierian.accounts.troubles import FAILURE_OF, AccountError
from pierian.exceptions import UserError
from pierian.provenance import Labels, together
from pierian.tools import Context, Tool, ToolFailure


class Desk:
    """What the tools stand on."""

    def __init__(
        self,
        accounts: Accounts,
        sealer: Callable[[], Sealer],
        now: Callable[[], datetime],
        folder: Path,
        opened: Open,
    ) -> None:
        self.accounts, self.sealer, self.now = accounts, sealer, now
        self.folder, self.opened = folder, opened

    def readable(self, named: str = "") -> list[Account]:
        """The accounts with mail that may be read; all of them, or the one that is named."""
        if named:
            account = self.accounts.get(named)
            if not account.switches.read:
                raise _off(account, "read", "Reading")
            return [account]
        return [one for one in self.accounts.list() if one.switches.read and one.service("imap")]

    def message(self, named: str) -> tuple[Account, Message]:
        """A message and its account; raises `ToolFailure`."""
        known = self.readable()
        found = reading.get(self.accounts.database, known, named)
        if found is None:
            raise ToolFailure(
                "not_found", "There is no message with this id.", hint="mail_search gives the ids."
            )
        return next(one for one in known if one.id == found.account_id), found

    def secret(self, account: Account, service: ServiceKind = "imap") -> Secret | None:
        """What one signs in with."""
        return fresh_secret(self.accounts, account, self.sealer, service)

    def writer(self, named: str, *, send: bool) -> Account:
        """The account to write with: the one named, else the first that may."""
        kind: ServiceKind = "smtp" if send else "imap"
        having = [one for one in self.accounts.list() if one.service(kind) and one.service("imap")]
        if named:
            account = self.accounts.get(named)
        else:
            able = [one for one in having if (one.switches.send if send else one.switches.write)]
            if not having:
                raise ToolFailure(
                    "denied", "No account with mail is linked.", hint="pierian accounts link imap"
                )
            account = (able or having)[0]
        check(account, send=send)
        return account

    def time(self, moment: datetime) -> str:
        """A time as people of this zone write it."""
        return moment.astimezone(self.now().tzinfo).isoformat(timespec="minutes")

    def told(self, message: Message) -> str:
        """A message, for whoever approves what is to be done with it."""
        sent = self.time(message.sent_at)
        return f"“{message.subject}” from {message.sender}, sent {sent}; in {message.account}"

    def key_id(self, context: Context, account: Account) -> str:
        """The Message-ID of what a step writes."""
        return composing.message_id_for(context.key, account)


def check(account: Account, *, send: bool) -> None:
    """Raise `ToolFailure` where an account may not be used for writing or sending."""
    if send and not account.switches.send:
        raise _off(account, "send", "Sending")
    if not send and not account.switches.write:
        raise _off(account, "write", "Writing")


def _off(account: Account, switch: str, doing: str) -> ToolFailure:
    return ToolFailure(
        "denied",
        f"{doing} is switched off for {account.name}.",
        hint=f"pierian accounts switch {account.name} {switch} on",
    )


@contextmanager
def failing(doing: str) -> Generator[None]:
    """Turn what goes wrong into the failures of tools; what may have happened all the same stays unknown."""
    try:
        yield
    except ToolFailure:
        raise
    except sending.SendingUnknown as error:
        raise ToolFailure("unknown", f"{doing}: {error}", hint=error.hint) from error
    except AccountError as error:
        raise ToolFailure(FAILURE_OF[error.code], f"{doing}: {error}", hint=error.hint) from error
    except UserError as error:
        raise ToolFailure("invalid", f"{doing}: {error}", hint=error.hint) from error


def labels_of(found: Iterable[Message]) -> Labels:
    """The labels of these messages: each has its account and sender."""
    return together(written_by("mail", one.account, one.sender.address) for one in found)


def returning(kind: Any, made: Tool) -> Tool:
    """The tool with the schema of what is inside its labelled result, which the signature hides."""
    return msgspec.structs.replace(made, result=msgspec.json.schema(kind))
