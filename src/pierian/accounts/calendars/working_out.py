"""What all calendar syncs share: objects are read in a process of their own while the next ones are fetched, kept,
and worked out again when time has passed or the user lives in another zone.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

from pierian.accounts.account import Account, Collection
from pierian.accounts.calendars.parsing import YEAR, Circumstances, Parsed
from pierian.accounts.calendars.parsing_process import ParsingProcess
from pierian.accounts.calendars.reading import CalendarState
from pierian.accounts.calendars.rows import CalendarObject, keep_objects, known_objects
from pierian.accounts.syncing import Synced
from pierian.accounts.zones import local_zone
from pierian.storage.database import Database
from pierian.storage.words import fold

AHEAD = YEAR + YEAR // 2
"""Series are worked out again when less than this is left of what was worked out."""
MOST_PROBLEMS = 20

Fetched = tuple[str, str, str]
"""Where an object stands, its version, and its text."""


class WorkingOut:
    """Reads what is fetched for one account, and keeps it."""

    def __init__(self, database: Database, account: Account, *, zone: str = "", now: int = 0) -> None:
        self.database = database
        self.about = Circumstances(
            zone=zone or local_zone().key,
            now=now or int(time.time()),
            mine=_addresses(account),
        )
        self._parsing = ParsingProcess()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="calendar")

    def parse(self, texts: Sequence[str]) -> list[Parsed]:
        """What objects come to."""
        return self._parsing.parse(texts, self.about)

    def keep(self, collection: Collection, batches: Iterable[Sequence[Fetched]]) -> Synced:
        """Keep objects, each batch while the next one is fetched."""
        total = Synced()
        waiting: tuple[Sequence[Fetched], Future[list[Parsed]]] | None = None
        for batch in batches:
            if waiting is not None:
                total += self._kept(collection, waiting[0], waiting[1].result())
            waiting = batch, self._thread.submit(self.parse, [text for _, _, text in batch])
        if waiting is not None:
            total += self._kept(collection, waiting[0], waiting[1].result())
        return total

    def roll_forward(self, collection: Collection, state: CalendarState) -> Synced:
        """Work out again what was not worked out far enough; everything, where the zone is another one."""
        moved = bool(state.zone) and state.zone != self.about.zone
        limit = None if moved else self.about.now + AHEAD
        for some in known_objects(self.database, collection, ending_before=limit):
            readable = [one for one in some if one.data]
            parsed = self.parse([one.data for one in readable])
            # The version stays: at the server nothing has changed.
            again = [
                CalendarObject(href=one.href, etag=one.etag, data=one.data, parsed=part)
                for one, part in zip(readable, parsed, strict=True)
            ]
            keep_objects(self.database, collection, again)
        return Synced()

    def close(self) -> None:
        """End the process and the thread."""
        self._thread.shutdown(cancel_futures=True)
        self._parsing.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _kept(self, collection: Collection, batch: Sequence[Fetched], parsed: Sequence[Parsed]) -> Synced:
        objects = [
            CalendarObject(href=href, etag=etag, data=text, parsed=part)
            for (href, etag, text), part in zip(batch, parsed, strict=True)
        ]
        kept = keep_objects(self.database, collection, objects)
        problems = tuple(
            problem_of(collection, one.href, one.parsed.problem) for one in objects if one.parsed.problem
        )
        return kept + Synced(problems=problems)


def problem_of(collection: Collection, href: str, why: str) -> str:
    """The sentence for an object that was left out."""
    return f"An event of {collection.name} was left out ({href.rpartition('/')[2][:80]}): {why}."


def bounded(synced: Synced) -> Synced:
    """The same with no more problems than a person reads."""
    if len(synced.problems) <= MOST_PROBLEMS:
        return synced
    more = f"{len(synced.problems) - MOST_PROBLEMS:,} more were left out."
    return Synced(
        added=synced.added,
        changed=synced.changed,
        removed=synced.removed,
        problems=(*synced.problems[:MOST_PROBLEMS], more),
    )


def _addresses(account: Account) -> tuple[str, ...]:
    names = {fold(account.address), *(fold(one.username) for one in account.services)}
    return tuple(sorted(name for name in names if "@" in name))
