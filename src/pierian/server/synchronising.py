"""Syncs linked accounts while a server runs: one after the other when they are due, and those that somebody asks for.

Any number of processes may do so on one database: one at a time syncs an account, and what was synced elsewhere is
not due here. Syncing blocks, so it has threads of its own, which do not keep the process. Nothing is logged of a sync
that brought nothing new, and of a failure that lasts only the first.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import AsyncGenerator, Callable
from datetime import datetime

from pierian.exceptions import PierianError, RunError, UserError
from pierian.storage import Database
from pierian.storage.ids import utc_now

LOG = logging.getLogger("pierian.server")
LOOK_SECONDS = 15.0
END_SECONDS = 5.0


class Synchroniser:
    """The accounts of everybody, kept up to date by one process."""

    def __init__(self, database: Database, minutes: int, *, clock: Callable[[], datetime] = utc_now) -> None:
        self._database = database
        self._minutes = minutes
        self._clock = clock
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._busy: dict[str, threading.Thread] = {}

    def serve(self) -> None:
        """Sync what is due until told to `end`, if the packages of accounts are here. Blocks."""
        from pierian.accounts.required_packages import check_installed

        try:
            check_installed()
        except UserError:
            return
        while not self._stopped.is_set():
            try:
                self.look()
            except RunError as error:  # the database is busy, full or away; the next look tries again
                LOG.error("accounts could not be looked at", exc_info=error)
            self._stopped.wait(LOOK_SECONDS)

    def look(self) -> None:
        """Sync what is due now."""
        from pierian.accounts.refreshing import due, is_due
        from pierian.accounts.store import Accounts
        from pierian.exceptions import UnknownName

        for seen in due(self._database, self._minutes, self._clock()):
            if self._stopped.is_set():
                return
            with contextlib.suppress(UnknownName):  # it was unlinked meanwhile
                account = Accounts(self._database, seen.owner).get(seen.id)
                if is_due(account, self._minutes, self._clock()) and self._begin(
                    account.id, threading.current_thread()
                ):
                    self._sync(account.owner, account.id)

    def want(self, owner: str, account: str) -> None:
        """Sync an account now, beside the others, whether it is due or not; returns at once."""
        thread = threading.Thread(
            target=self._sync, args=(owner, account), name=f"sync {account}", daemon=True
        )
        if self._begin(account, thread):
            thread.start()

    def working(self, account: str) -> bool:
        """Whether an account is being synced here."""
        with self._lock:
            return account in self._busy

    def end(self) -> None:
        """Break off what is synced, and wait some seconds for it."""
        self._stopped.set()
        with self._lock:
            threads = list(self._busy.values())
        for thread in threads:
            if thread is not threading.current_thread():
                thread.join(END_SECONDS)

    def _begin(self, account: str, thread: threading.Thread) -> bool:
        """Take an account in hand, unless somebody here has it."""
        with self._lock:
            if account in self._busy or self._stopped.is_set():
                return False
            self._busy[account] = thread
            return True

    def _sync(self, owner: str, account: str) -> None:
        from pierian.accounts import Accounts, sealer
        from pierian.accounts.refreshing import refresh

        fields: dict[str, object] = {"account": account[:12]}
        try:
            mine = Accounts(self._database, owner, clock=self._clock)
            before = mine.get(account)
            done = refresh(mine, before, sealer, self._stopped.is_set)
            after = mine.get(account)
            if done is not None and (done.added or done.changed or done.removed):
                counts = {"added": done.added, "changed": done.changed, "removed": done.removed}
                LOG.info("account synced", extra={"fields": fields | counts})
            if after.problem and after.problem != before.problem:
                LOG.warning("account not synced", extra={"fields": fields | {"error": after.problem}})
        except PierianError as error:  # it was unlinked meanwhile, its key is missing, the database is busy
            LOG.warning("account not synced", extra={"fields": fields | {"error": str(error)}})
        except Exception as error:  # the edge of a thread; at the end the database is closed under it
            if not self._stopped.is_set():
                LOG.error("fault", exc_info=error, extra={"fields": fields})
        finally:
            with self._lock:
                self._busy.pop(account, None)


@contextlib.asynccontextmanager
async def synchronising(synchroniser: Synchroniser) -> AsyncGenerator[None]:
    """Keep accounts up to date while the block lasts."""
    thread = threading.Thread(target=synchroniser.serve, name="accounts", daemon=True)
    thread.start()
    try:
        yield
    finally:
        await asyncio.to_thread(synchroniser.end)
