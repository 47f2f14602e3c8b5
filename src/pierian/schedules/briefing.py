"""Carries out the run of a brief: syncs the accounts, works the brief out, keeps it as the run's answer.

No model is asked. A sync that fails leaves its trouble with the account, and the brief says so.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from pierian.accounts.brief import day_brief
from pierian.accounts.brief_text import as_markdown
from pierian.accounts.refreshing import refresh
from pierian.accounts.store import Accounts
from pierian.events import Answer, AnswerReady, Event, Receipt, RunOpened, Spend
from pierian.exceptions import PierianError
from pierian.runs.finishing import finish
from pierian.runs.journal import Claim, Journal, RunRecord
from pierian.storage.database import Database
from pierian.storage.ids import utc_now

SYNC_SECONDS = 120.0
"""After which a brief is made of what there is."""
LATE = timedelta(minutes=10)
"""A brief that is made later after its time than this says so."""


def is_brief(record: RunRecord) -> bool:
    """Whether a run is a brief's."""
    return record.request.get("brief") is True


def brief_run(
    database: Database,
    record: RunRecord,
    claim: Claim,
    *,
    clock: Callable[[], datetime] = utc_now,
    stopped: Callable[[], bool] = lambda: False,
) -> str:
    """Carry the claimed run of a brief out, and fill its turn; returns the text. Blocks; raises `RunLost`.

    Args:
        stopped: Whether this process is about to end: then the sync is broken off, as it is after `SYNC_SECONDS`.
    """
    begun, journal = time.monotonic(), Journal(database, record.owner)
    accounts = Accounts(database, record.owner)
    _sync(accounts, lambda: stopped() or time.monotonic() - begun > SYNC_SECONDS)
    zone = ZoneInfo(str(record.request["zone"]))
    text = as_markdown(day_brief(accounts, clock(), zone))
    due = datetime.fromisoformat(str(record.request["due"]))
    note = ""
    if clock() - due > LATE:
        note = f"It was due on {due.astimezone(zone):%a %d %b at %H:%M}; nothing was there to make it then."
    receipt = Receipt("brief", "no model", Spend(seconds=time.monotonic() - begun), run=record.id, note=note)
    events: list[Event] = [RunOpened(record.id), AnswerReady(Answer(text, receipt))]
    journal.release(journal.append(claim, events), "done")
    finish(database, record.id)
    return text


def _sync(accounts: Accounts, enough: Callable[[], bool]) -> None:
    for one in accounts.list():
        if one.kind == "mcp" or not one.switches.read or enough():
            continue
        from pierian.accounts.secrets import sealer

        with contextlib.suppress(PierianError):  # its key is missing: how old it is stands in the brief
            refresh(accounts, one, sealer, enough)
