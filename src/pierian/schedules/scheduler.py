"""One process's part of what is done at set times: begins what is due, carries out briefs, fills in answers.

Any number of processes may do so on one database: each time is begun by one of them (`beginning`), and each run is
carried out by one, by the journal's fences. Questions are carried out by whoever answers runs of the API.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import select

from pierian.config import Settings
from pierian.exceptions import RunError
from pierian.runs import Carrier, Claim, RunRecord, Worker
from pierian.runs.finishing import finish
from pierian.schedules.beginning import begin_due
from pierian.schedules.briefing import brief_run, is_brief
from pierian.storage.database import Database
from pierian.storage.ids import utc_now
from pierian.storage.tables import runs, schedules, turns

LOOK_SECONDS = 5.0


class Scheduler:
    """Serves the schedules of everybody.

    Args:
        worker: Only this scheduler's own.
        begun: Called when runs were begun that somebody else here may carry out.
        ended: Called in a thread with the id of each run that has ended here.
        failed: Told of a run that failed (or, with an empty id, of a look at the database that did).
    """

    def __init__(
        self,
        database: Database,
        settings: Settings,
        worker: Worker,
        *,
        begun: Callable[[], object],
        ended: Callable[[str], object] = lambda run: None,
        failed: Callable[[str, Exception], None],
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._database = database
        self._settings = settings
        self._begun = begun
        self._ended = ended
        self._failed = failed
        self._clock = clock
        self._carrier = Carrier(
            database, worker, self._carry_on, failed=failed, takes=is_brief, owner=None, at_once=2
        )

    async def serve(self) -> None:
        """Until cancelled."""
        carrying = asyncio.create_task(self._carrier.serve())
        try:
            while True:
                try:
                    await self.look()
                except RunError as error:
                    self._failed("", error)  # the database is busy, full or away; the next look tries again
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            carrying.cancel()
            await asyncio.gather(carrying, return_exceptions=True)

    async def look(self) -> list[str]:
        """Begin what is due, fill in the answers of what has ended elsewhere; returns the runs that were begun."""
        found = await asyncio.to_thread(begin_due, self._database, self._settings, self._clock())
        if found:
            self._carrier.wake()
            self._begun()
        for run in await asyncio.to_thread(self._unfilled):
            await asyncio.to_thread(finish, self._database, run)
        return found

    async def _carry_on(self, record: RunRecord, claim: Claim) -> None:
        stopped = threading.Event()
        try:
            await asyncio.to_thread(
                brief_run, self._database, record, claim, clock=self._clock, stopped=stopped.is_set
            )
        finally:
            stopped.set()  # the thread goes on where this is cancelled, and the process waits for it
        await asyncio.to_thread(self._ended, record.id)

    def _unfilled(self) -> list[str]:
        """Last runs of schedules that are done and whose answer is not in its conversation yet."""
        query = (
            select(runs.c.id)
            .join(schedules, schedules.c.last_run == runs.c.id)
            .join(turns, turns.c.run == runs.c.id)
            .where(runs.c.state == "done", turns.c.pending)
        )
        with self._database.read() as connection:
            return list(connection.execute(query).scalars())
