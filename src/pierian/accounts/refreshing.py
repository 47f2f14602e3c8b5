"""Keeping the copies of accounts fresh without being told: which are due, and syncing them beside other work.

`due` is for whoever looks regularly, `Refreshing` for a question or a brief: it begins at once, and waits some
seconds for what is new, not for a slow server. How an account is synced is the business of `synchronising`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from threading import Thread
from typing import TYPE_CHECKING

from pierian.accounts.account import NOT_COPIED, Account
from pierian.accounts.locking import Occupied
from pierian.accounts.store import Accounts, owners
from pierian.accounts.syncing import Synced
from pierian.exceptions import PierianError, RunError
from pierian.storage.database import Database

if TYPE_CHECKING:
    from pierian.accounts.secrets import Sealer

LOG = logging.getLogger("pierian.accounts")
WAIT_SECONDS = 4.0
"""How long a question or a brief waits for what is new at the servers."""
OLD = timedelta(minutes=15)
"""Of a copy that is older it is said from when it is."""


class BrokenOff(RunError):
    """Nobody waits for the sync any more; what was fetched so far is kept."""


def is_due(account: Account, minutes: int, now: datetime) -> bool:
    """Whether an account is to be synced now: it was `minutes` ago or never, and has not failed just before.

    With 0 minutes none is: they are synced when somebody says so.
    """
    if not minutes or account.kind in NOT_COPIED or not account.switches.read:
        return False
    if account.retry_at is not None and now < account.retry_at:
        return False
    return account.synced_at is None or now - account.synced_at >= timedelta(minutes=minutes)


def due(database: Database, minutes: int, now: datetime, owner: str | None = None) -> list[Account]:
    """The accounts of an owner, or of everybody, that are to be synced now; the oldest copy first."""
    whose = owners(database) if owner is None else [owner]
    found = [one for name in whose for one in Accounts(database, name).list() if is_due(one, minutes, now)]
    return sorted(found, key=lambda one: (one.synced_at is not None, one.synced_at or one.created_at))


def refresh(
    accounts: Accounts,
    account: Account,
    sealer: Callable[[], Sealer],
    stopped: Callable[[], bool] = lambda: False,
) -> Synced | None:
    """Sync an account until `stopped` says so; None where another process does it, or it was broken off. Blocks."""
    from pierian.accounts.synchronising import sync_account

    def watched(*_: object) -> None:
        if stopped():
            raise BrokenOff("The sync was broken off.")

    try:
        return sync_account(accounts, account, sealer, watched)
    except (Occupied, BrokenOff):
        return None


class Refreshing:
    """Brings the accounts of an owner that are due up to date, from the moment that it is made.

    Each has a thread of its own, so that a slow server does not hold up the others. The threads do not keep the
    process, and go on when nobody waits any more: a sync may end anywhere.
    """

    def __init__(self, accounts: Accounts, minutes: int, sealer: Callable[[], Sealer], now: datetime) -> None:
        self._until = time.monotonic() + WAIT_SECONDS
        found = due(accounts.database, minutes, now, accounts.owner)
        self._threads = [
            Thread(target=_quietly, args=(accounts, one, sealer), name=f"sync {one.id}", daemon=True)
            for one in found
        ]
        for thread in self._threads:
            thread.start()

    @property
    def going_on(self) -> bool:
        """Whether something is still fetched."""
        return any(thread.is_alive() for thread in self._threads)

    def wait(self) -> None:
        """Return when all is there, or some seconds after the beginning. Blocks."""
        for thread in self._threads:
            thread.join(max(0.0, self._until - time.monotonic()))


def _quietly(accounts: Accounts, account: Account, sealer: Callable[[], Sealer]) -> None:
    try:
        refresh(accounts, account, sealer)
    except PierianError as error:  # its key is missing, or the database is busy
        LOG.info("sync failed", extra={"fields": {"account": account.id, "error": str(error)}})
    except Exception as error:  # the edge of this thread; the process may be about to end
        LOG.info("sync failed", exc_info=error, extra={"fields": {"account": account.id}})


def ages(accounts: Iterable[Account], now: datetime) -> list[str]:
    """Sentences on the copies that are older than they should be; `now` is in the zone of the reader."""
    found = [one for one in accounts if one.kind not in NOT_COPIED and one.switches.read]
    return [_age(one, now) for one in found if one.synced_at is None or now - one.synced_at > OLD]


def _age(account: Account, now: datetime) -> str:
    if account.synced_at is None:
        return f"{account.name} was never synced to its end."
    synced = account.synced_at.astimezone(now.tzinfo)
    return f"What is known of {account.name} is from {synced:%H:%M}{_day(synced, now)}."


def _day(moment: datetime, now: datetime) -> str:
    return "" if moment.date() == now.date() else f" on {moment:%d %B}"
