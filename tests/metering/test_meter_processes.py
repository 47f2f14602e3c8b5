"""A thousand requests at once, from several processes, against one cap."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime

from sqlalchemy import func, select
from tests.postgresql import address

from pierian.metering import UsageReport
from pierian.storage import Database
from pierian.storage.tables import key_totals, usage

PROCESSES, EACH = 4, 250


def spend(database: Database, cap: int, reserved: int, used: int) -> int:
    """How many of the thousand were served; all are under way at the same time."""
    arguments = [address(database), str(database.path), str(EACH), str(cap), str(reserved), str(used)]
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", SPEND, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(PROCESSES)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    results = [process.communicate() for process in processes]
    assert [errors for _, errors in results] == [""] * PROCESSES
    return sum(int(made) for made, _ in results)


def test_where_the_cost_is_what_was_reserved_exactly_as_many_succeed_as_the_cap_allows(
    database: Database,
) -> None:
    assert spend(database, 1_000, 7, 7) == 1_000 // 7
    with database.read() as connection:
        assert set(connection.execute(select(key_totals.c.used_money)).scalars()) == {1_000 // 7 * 7}
        assert set(connection.execute(select(key_totals.c.reserved_money)).scalars()) == {0}


def test_where_it_costs_less_the_cap_is_not_overspent_either(database: Database) -> None:
    made = spend(database, 1_000, 7, 3)
    assert 1_000 // 7 <= made <= (1_000 - 7) // 3 + 1
    with database.read() as connection:
        money = func.sum(func.round(usage.c.used_money * 10**9))
        assert connection.execute(select(money)).scalar_one() == 3 * made <= 1_000
    report = UsageReport(database, clock=lambda: datetime(2026, 11, 3, tzinfo=UTC))
    assert report.totals("key").day_money == 3 * made
    (row,) = report.by_day()
    assert (row.requests, row.money, row.open_money) == (made, 3 * made, 0)


SPEND = """
import asyncio, sys
from datetime import UTC, datetime
from pathlib import Path
from pierian.access import Grant
from pierian.metering import CapReached, Meter, Use
from pierian.metering.values import Caller
from pierian.storage import open_database, open_storage
url, path, each, cap, reserved, used = sys.argv[1], Path(sys.argv[2]), *map(int, sys.argv[3:])
who = Caller("key", "ada", Grant(day_cap=cap, month_cap=cap))
async def one(meter):
    try:
        ticket = await meter.reserve(who, Use(money=reserved), model="small", mode="instant")
    except CapReached:
        return 0
    await meter.settle(ticket, Use(money=used))
    return 1
async def main(meter):
    print(sum(await asyncio.gather(*(one(meter) for _ in range(each)))))
with open_storage(url, path) if url else open_database(path, busy_seconds=60) as database:
    with Meter(database, clock=lambda: datetime(2026, 11, 3, tzinfo=UTC)) as meter:
        print("ready", flush=True)
        sys.stdin.readline()
        asyncio.run(main(meter))
"""
