"""What was used, day by day, and the daily cap over all processes of a user.

`UsageStore` is the `DailyCap` of the budget's ledger: `reserve` books what a call may at most use, in one
transaction with the sum of the day, so that processes side by side cannot overspend together; `settle`
replaces the booking by what was used. The day is the local calendar day of the reservation, also for a call
that ends after midnight. A reservation whose process died is never settled: nobody knows what the call used,
so it stays counted in full for its day. Without caps everything is recorded and nothing refused.
"""

from __future__ import annotations

import math
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Protocol

from sqlalchemy import Connection, case, func, insert, select, update

from pierian.exceptions import BudgetExhausted, StorageError
from pierian.storage.database import Database
from pierian.storage.processes import is_running, own_start
from pierian.storage.tables import usage

# More than anyone can use, and few enough that sums stay within 64 bits.
MOST_TOKENS = 10**15

# Sums of prices are floats: dust must not block a reservation that fits exactly.
DUST = 1e-9


class AmountLike(Protocol):
    """What a call uses; the ledger's `Amount` is one."""

    @property
    def tokens(self) -> int: ...

    @property
    def money(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Total:
    """Tokens and money, added up."""

    tokens: int = 0
    money: float = 0.0

    def __add__(self, other: AmountLike) -> Total:
        return Total(self.tokens + other.tokens, self.money + other.money)


@dataclass(frozen=True, slots=True)
class DayTotals:
    """One day: what was used, what calls under way may still use, and what calls that died had reserved.

    All three count against the day's cap.
    """

    day: date
    calls: int = 0
    used: Total = Total()
    pending: Total = Total()
    lost: Total = Total()

    @property
    def counted(self) -> Total:
        """What counts against the cap."""
        return self.used + self.pending + self.lost


def local_now() -> datetime:
    """The time of day where the user is, aware."""
    return datetime.now(UTC).astimezone()


class UsageStore:
    """Records what `model` uses in `mode`, under a daily cap; None means no cap."""

    def __init__(
        self,
        database: Database,
        daily_tokens: int | None = None,
        daily_money: float | None = None,
        model: str = "",
        mode: str = "",
        *,
        clock: Callable[[], datetime] = local_now,
    ) -> None:
        self.database = database
        self.daily_tokens = daily_tokens
        self.daily_money = daily_money
        self.model = model
        self.mode = mode
        self._clock = clock

    def reserve(self, amount: AmountLike) -> str:
        """Book `amount` for today and return a ticket, or raise `BudgetExhausted` and book nothing.

        Raises `ValueError` for what is not an amount, `StorageError` or `DiskFull` as the database does.
        """
        check(amount)
        now, ticket = self._clock(), secrets.token_hex(16)
        row = {
            "ticket": ticket,
            "day": now.date().isoformat(),
            "model": self.model,
            "mode": self.mode,
            "reserved_tokens": amount.tokens,
            "reserved_money": amount.money,
            "used_tokens": 0,
            "used_money": 0.0,
            "settled": False,
            "pid": os.getpid(),
            "process_started": own_start(os.getpid()),
            "created_at": now,
        }
        with self.database.write() as connection:
            self._check_fits(connection, amount, now.date())
            connection.execute(insert(usage).values(row))
        return ticket

    def settle(self, ticket: str, used: AmountLike) -> None:
        """Replace the reservation by what was used; a second call does nothing.

        What was used beyond the reservation is recorded too. Raises `ValueError` for what is not an amount
        (the reservation then stays counted) and `StorageError` for a ticket that is not known.
        """
        check(used)
        mine = usage.c.ticket == ticket
        with self.database.write() as connection:
            done = connection.execute(
                update(usage)
                .where(mine, usage.c.settled.is_(False))
                .values(settled=True, used_tokens=used.tokens, used_money=used.money)
            )
            if done.rowcount == 0 and connection.execute(select(usage.c.ticket).where(mine)).first() is None:
                raise StorageError(
                    f"What a call used could not be recorded: {self.database.path} does not know the call.",
                    hint="The database was replaced meanwhile; today's totals are short of one call.",
                )

    def tokens_left(self) -> int | None:
        """Tokens that a reservation could get now, or None without a cap."""
        if self.daily_tokens is None:
            return None
        with self.database.read() as connection:
            used, held = day_sums(connection, self._clock().date())
        return max(0, self.daily_tokens - used.tokens - held.tokens)

    def today(self) -> DayTotals:
        """The totals of this local day."""
        day = self._clock().date()
        return next(iter(self._totals(day, day)), DayTotals(day))

    def by_day(self, days: int = 30) -> tuple[DayTotals, ...]:
        """The totals of those of the last `days` local days on which something was used, newest first."""
        last = self._clock().date()
        return self._totals(last - timedelta(days=days - 1), last)

    def _check_fits(self, connection: Connection, amount: AmountLike, day: date) -> None:
        cap, most = self.daily_tokens, self.daily_money
        if cap is None and most is None:
            return
        used, held = day_sums(connection, day)
        after = used + held + amount
        # Days are local, so the cap is back at the next midnight of the user's clock.
        resets = f"It resets at midnight, as {day + timedelta(days=1):%Y-%m-%d} begins."
        if cap is not None and after.tokens > cap:
            waiting = f", {held.tokens:,} reserved by calls without a result yet" if held.tokens else ""
            raise BudgetExhausted(
                "tokens",
                f"The daily cap of {cap:,} tokens is reached: {used.tokens:,} are used{waiting}, and this "
                f"needs up to {amount.tokens:,} more. {resets}",
            )
        if most is not None and after.money > most + DUST:
            waiting = f", {held.money:.6g} reserved by calls without a result yet" if held.money else ""
            raise BudgetExhausted(
                "money",
                f"The daily cap of {most:g} in money is reached: {used.money:.6g} is used{waiting}, and this "
                f"needs up to {amount.money:.6g} more. {resets}",
            )

    def _totals(self, first: date, last: date) -> tuple[DayTotals, ...]:
        # Grouped by process, because a whole process is alive or dead with all its reservations.
        group = (usage.c.day, usage.c.settled, usage.c.pid, usage.c.process_started)
        query = (
            select(
                *group,
                func.count().label("calls"),
                func.sum(usage.c.used_tokens).label("used_tokens"),
                func.sum(usage.c.used_money).label("used_money"),
                func.sum(usage.c.reserved_tokens).label("reserved_tokens"),
                func.sum(usage.c.reserved_money).label("reserved_money"),
            )
            .where(usage.c.day.between(first.isoformat(), last.isoformat()))
            .group_by(*group)
        )
        with self.database.read() as connection:
            rows = connection.execute(query).all()
        days = dict[date, DayTotals]()
        for row in rows:
            day = date.fromisoformat(row.day)
            so_far = days.get(day, DayTotals(day))
            so_far = replace(so_far, calls=so_far.calls + row.calls)
            reserved = Total(int(row.reserved_tokens), float(row.reserved_money))
            if row.settled:
                used = Total(int(row.used_tokens), float(row.used_money))
                days[day] = replace(so_far, used=so_far.used + used)
            elif is_running(row.pid, row.process_started):
                days[day] = replace(so_far, pending=so_far.pending + reserved)
            else:
                days[day] = replace(so_far, lost=so_far.lost + reserved)
        return tuple(days[day] for day in sorted(days, reverse=True))


def day_sums(connection: Connection, day: date) -> tuple[Total, Total]:
    """What a day's settled calls used, and what the others (alive or dead) have reserved."""
    c = usage.c
    sums = (
        func.sum(case((c.settled, c.used_tokens), else_=0)),
        func.sum(case((c.settled, c.used_money), else_=0.0)),
        func.sum(case((c.settled, 0), else_=c.reserved_tokens)),
        func.sum(case((c.settled, 0.0), else_=c.reserved_money)),
    )
    row = connection.execute(select(*sums).where(c.day == day.isoformat())).one()
    # None on a day without calls; PostgreSQL sums big integers as decimals.
    used = Total(int(row[0] or 0), float(row[1] or 0))
    return used, Total(int(row[2] or 0), float(row[3] or 0))


def check(amount: AmountLike) -> None:
    """Refuse amounts that would give back what others used, or make every sum meaningless."""
    if not 0 <= amount.tokens <= MOST_TOKENS or not (math.isfinite(amount.money) and amount.money >= 0):
        raise ValueError(f"Not an amount: {amount.tokens} tokens, {amount.money} money.")
