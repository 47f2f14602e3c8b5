"""The books of all keys: many requests decided, each for itself, in one transaction.

`Books.write` takes what gathered since the last transaction, reads the few rows that it concerns, decides each piece
in the order in which they came, and writes what came of it. The transaction is one that no other writer overlaps, so
however many processes share a database, each decision sees all that were made before it: a cap can not be overspent,
and where the cost equals what is reserved exactly as many calls go through as the cap allows.

What a process that died had reserved stays counted for its day and month, since nobody knows what the calls used:
for the caps it counts as used. The places that its requests took are given back as soon as it is known to be dead:
at once on the same machine, else when its heart has stood still for some seconds (`runs.workers`).
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import assert_never

from sqlalchemy import bindparam, delete, insert, or_, select, update

from pierian.exceptions import BudgetExhausted, PierianError
from pierian.metering.money import UNIT
from pierian.metering.page import Daily, Page
from pierian.metering.refusals import RateLimited
from pierian.metering.values import Admission, Ticket, Use
from pierian.metering.work import Admit, Leave, Outcome, Reserve, Settle, Work
from pierian.runs.workers import Workers
from pierian.storage.database import Database
from pierian.storage.processes import own_start
from pierian.storage.tables import key_leases, usage, workers

LOOK_SECONDS = 1.0
"""How often, at most, dead processes are looked for while a key has no place free."""


class Books:
    """The books, as one process writes them; used by one thread at a time."""

    def __init__(
        self,
        database: Database,
        worker: str,
        daily_tokens: int | None,
        daily_money: float | None,
        clock: Callable[[], datetime],
    ) -> None:
        self.database = database
        self.worker = worker
        self.daily = Daily(daily_tokens, daily_money)
        self._clock = clock
        self.running: dict[str, int] = {}
        """How many requests of each key are under way in this process; the row of its leases follows it."""
        self._unwritten: set[str] = set()
        self._watch = Workers(database)
        self._looked = float("-inf")

    def write(self, batch: Sequence[Work]) -> list[Outcome]:
        """Decide and write; either all of it is stored or an error of the database is raised and nothing is."""
        for work in batch:
            if isinstance(work, Leave):  # a fact, whether or not it can be written now
                self.running[work.caller.key] -= 1
                if work.caller.allowance.concurrent is not None:
                    self._unwritten.add(work.caller.key)
        outcomes = self._write(batch)
        crowded = [
            at for at, one in enumerate(outcomes) if isinstance(one, RateLimited) and one.rate == "concurrent"
        ]
        if crowded:
            with suppress(PierianError):  # the others' outcomes are stored, and stand
                self._try_again(batch, outcomes, crowded)
        return outcomes

    def _try_again(self, batch: Sequence[Work], outcomes: list[Outcome], crowded: Sequence[int]) -> None:
        """Decide again on those for whom there was no place, where dead processes had taken some."""
        if self._free_places_of_the_dead():
            again = self._write([batch[at] for at in crowded])
            for at, outcome in zip(crowded, again, strict=True):
                outcomes[at] = outcome

    def _write(self, batch: Sequence[Work]) -> list[Outcome]:
        now = self._clock()
        admitted, limited = dict[str, int](), set(self._unwritten)
        with self.database.write() as connection:
            page = Page(connection, now, self.worker, batch, self.daily, self._unwritten)
            outcomes, made, settled = list[Outcome](), list[dict[str, object]](), list[dict[str, object]]()
            for work in batch:
                match work:
                    case Admit(caller):
                        running = self.running.get(caller.key, 0) + admitted.get(caller.key, 0)
                        outcome: Outcome = page.admit(caller, running)
                        if isinstance(outcome, Admission):
                            admitted[caller.key] = admitted.get(caller.key, 0) + 1
                            if caller.allowance.concurrent is not None:
                                limited.add(caller.key)
                    case Leave():
                        outcome = None
                    case Reserve():
                        outcome = self._reserve(page, work, made)
                    case Settle(ticket, used, before):
                        page.settle(ticket, used, before)
                        settled.append(_settled(ticket, used))
                        outcome = None
                    case _:
                        assert_never(work)
                outcomes.append(outcome)
            if made:
                connection.execute(insert(usage), made)
            if settled:
                connection.execute(_SETTLE, settled)
            page.store({key: self.running.get(key, 0) + admitted.get(key, 0) for key in limited})
        for key, number in admitted.items():
            self.running[key] = self.running.get(key, 0) + number
        self._unwritten.clear()
        return outcomes

    def _reserve(self, page: Page, work: Reserve, made: list[dict[str, object]]) -> Ticket | BudgetExhausted:
        caller, most = work.caller, work.most
        ticket = Ticket(secrets.token_hex(16), caller, most, page.day, page.now)
        refused = page.reserve(ticket, begun=work.begun, requests=work.requests)
        if refused is not None:
            return refused
        made.append(
            {
                "ticket": ticket.id,
                "day": ticket.day,
                "model": work.model,
                "mode": work.mode,
                "reserved_tokens": most.completion_tokens,
                "reserved_money": most.money / UNIT,
                "used_tokens": 0,
                "used_money": 0.0,
                "settled": False,
                "pid": os.getpid(),
                "process_started": own_start(os.getpid()),
                "created_at": page.now,
                "owner": caller.owner,
                "key_id": caller.key,
                "requests": work.requests,
            }
        )
        return ticket

    def _free_places_of_the_dead(self) -> bool:
        """Give back the places of processes that are known to be dead; whether there were any."""
        if time.monotonic() - self._looked < LOOK_SECONDS:
            return False
        self._looked = time.monotonic()
        dead = self._watch.dead()
        c = key_leases.c
        with self.database.append() as connection:
            gone = connection.execute(
                delete(key_leases).where(
                    c.worker != self.worker,
                    or_(c.worker.in_(dead), c.worker.not_in(select(workers.c.id))),
                )
            ).rowcount
        return gone > 0

    def close(self) -> None:
        """Give back the places of this process."""
        with self.database.append() as connection:
            connection.execute(delete(key_leases).where(key_leases.c.worker == self.worker))


_SETTLE = (
    update(usage)
    .where(usage.c.ticket == bindparam("one"))
    .values(
        settled=True,
        used_tokens=bindparam("completion"),
        used_money=bindparam("money"),
        prompt_tokens=bindparam("prompt"),
        cached_tokens=bindparam("cached"),
    )
)


def _settled(ticket: Ticket, used: Use) -> dict[str, object]:
    return {
        "one": ticket.id,
        "completion": used.completion_tokens,
        "money": used.money / UNIT,
        "prompt": used.prompt_tokens,
        "cached": used.cached_tokens,
    }
