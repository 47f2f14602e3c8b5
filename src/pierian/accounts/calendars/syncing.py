"""Bringing the copy of an account's calendars up to date, whatever protocol they are reached by."""

from __future__ import annotations

from pierian.accounts.account import Account
from pierian.accounts.calendars.caldav_sync import sync_caldav
from pierian.accounts.calendars.graph_sync import sync_graph
from pierian.accounts.calendars.ics_sync import sync_ics
from pierian.accounts.calendars.working_out import WorkingOut, bounded
from pierian.accounts.dav import Dav
from pierian.accounts.secrets import Secret
from pierian.accounts.store import Accounts
from pierian.accounts.syncing import Progress, Synced, silent


def sync_calendars(
    accounts: Accounts, account: Account, secret: Secret | None, progress: Progress = silent
) -> Synced:
    """Sync the calendars of an account that has any; single events that cannot be read are told in `problems`.

    Of an OAuth consent the secret's `access_token` is used, which has to be fresh. Blocks. May end at any time: what
    is missing then comes with the next call. Raises `AccountError` where the server cannot be used.
    """
    service = account.service("caldav", "graph", "ics")
    if service is None:
        return Synced()
    with WorkingOut(accounts.database, account) as working:
        if service.kind == "ics":
            return bounded(sync_ics(accounts, account, service, secret, working, progress))
        with Dav(service, secret) as server:
            sync = sync_caldav if service.kind == "caldav" else sync_graph
            return bounded(sync(accounts, account, server, working, progress))
