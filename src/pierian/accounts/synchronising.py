"""Syncing a whole account: its calendars, its mail, its contacts, one after the other, each as far as it goes.

One process at a time syncs an account. What fails of one does not stop the others; it is a sentence in what comes
back, and is kept with the account. How each is synced is the business of `calendars`, `mail` and `contacts`.
"""

from __future__ import annotations

import imaplib
from collections.abc import Callable, Iterator

import httpx2

from pierian.accounts.account import Account, Service
from pierian.accounts.checking import where
from pierian.accounts.locking import alone
from pierian.accounts.scopes import Part, consented_parts
from pierian.accounts.secrets import Sealer, Secret
from pierian.accounts.signing_in import fresh_secret
from pierian.accounts.store import Accounts
from pierian.accounts.syncing import Progress, Synced, silent
from pierian.accounts.troubles import AccountError, explained, in_one_line, pause_after
from pierian.exceptions import UserError

SyncPart = Callable[[Accounts, Account, Secret | None, Progress], Synced]


def sync_account(
    accounts: Accounts,
    account: Account,
    sealer: Callable[[], Sealer],
    progress: Progress = silent,
    *,
    wait: float = 0.0,
) -> Synced:
    """Bring the copy of an account up to date. Blocks, for minutes the first time.

    Raises `locking.Occupied` where another process syncs it for longer than `wait` seconds, `StorageError` and
    `DiskFull` where the database cannot be written. Troubles of servers are in `problems`, and kept with the account.
    """
    if not account.switches.read:
        raise UserError(
            f"Reading {account.name} is switched off.", hint=f"pierian accounts switch {account.name} read on"
        )
    done, failed, succeeded = Synced(), list[AccountError](), False
    with alone(accounts.database, f"{account.id}-sync", wait=wait):
        for part, service, sync in parts_of(account):
            try:
                secret = fresh_secret(accounts, account, sealer, service.kind)
                if service.kind == "graph" and (secret is None or part not in consented_parts(secret.scopes)):
                    continue
                done += sync(accounts, account, secret, progress)
                succeeded = True
            except (AccountError, OSError, imaplib.IMAP4.error, httpx2.HTTPError) as error:
                failed.append(
                    explained(error, where(service))
                    or AccountError(f"{where(service)} broke off the sync.", code="failed")
                )
        accounts.note(
            account,
            problem=in_one_line(map(str, failed)),
            hint=in_one_line(one.hint for one in failed),
            # What works of it shall not rest for a day because of what does not.
            retry_after=pause_after(failed, 0 if succeeded else account.failures),
            synced=succeeded,
        )
    return done + Synced(problems=tuple(dict.fromkeys(map(str, failed))))


def parts_of(account: Account) -> Iterator[tuple[Part, Service, SyncPart]]:
    """What is synced of an account, with the service whose token it takes; nothing of an MCP server."""
    if (service := account.service("caldav", "ics", "graph")) is not None:
        from pierian.accounts.calendars.syncing import sync_calendars

        yield "calendars", service, sync_calendars
    if (service := account.service("imap")) is not None:
        from pierian.accounts.mail.syncing import sync_mail

        yield "mail", service, sync_mail
    if (service := account.service("carddav", "graph")) is not None:
        from pierian.accounts.contacts.syncing import sync_contacts

        yield "contacts", service, sync_contacts
