"""The rows that one transaction of the books concerns: read once, changed in memory, written once.

Every decision is made here, against the rows as the transaction before left them and as the decisions before in the
same transaction changed them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from msgspec import Struct
from sqlalchemy import BindParameter, Connection, Insert, Update, bindparam, insert, select, update

from pierian.metering.money import UNIT, money_text
from pierian.metering.refusals import Cap, CapReached, RateLimited
from pierian.metering.values import Admission, Caller, Standing, Ticket, Use
from pierian.metering.window import REQUESTS, TOKENS, Window
from pierian.metering.work import Admit, Leave, Reserve, Settle, Work
from pierian.storage.tables import key_leases, key_rates, key_totals
from pierian.storage.usage import DUST, day_sums

PLACE_SECONDS = 1.0
"""When to ask again for a place: nobody knows when one gets free."""


class Daily(Struct, frozen=True):
    """The daily caps of the settings, over everything; they are kept against the same rows as `UsageStore` keeps
    them."""

    tokens: int | None = None
    money: float | None = None


class Totals(Struct):
    """The running totals of a key in a period, as they stand in the table."""

    requests: int = 0
    used_money: int = 0
    reserved_money: int = 0
    used_tokens: int = 0
    reserved_tokens: int = 0
    stored: bool = False
    changed: bool = False

    @property
    def money(self) -> int:
        """What counts against a cap."""
        return self.used_money + self.reserved_money


class Page:
    """What is known of the keys of one batch, inside its transaction."""

    def __init__(
        self,
        connection: Connection,
        now: datetime,
        worker: str,
        batch: Sequence[Work],
        daily: Daily,
        unwritten: Iterable[str],
    ) -> None:
        self.now = now
        self.day = now.date().isoformat()
        self._connection = connection
        self._worker = worker
        self._daily = daily
        self._totals = self._read_totals(batch)
        self._stored_windows: set[str] = set()
        self._windows = self._read_windows(batch)
        self._running_elsewhere: dict[str, int] = {}
        self._leased: set[str] = set()
        self._read_leases({*_placed_keys(batch), *unwritten})
        self._read_daily(batch)

    def admit(self, caller: Caller, running: int) -> Admission | RateLimited:
        """Let a request in or not; `running` is how many of the key this process has already."""
        allowance = caller.allowance
        if allowance.concurrent is not None:
            running += self._running_elsewhere.get(caller.key, 0)
            if running >= allowance.concurrent:
                message = f"This key has {running:,} of {allowance.concurrent:,} requests at the same time under way."
                return RateLimited("concurrent", message, PLACE_SECONDS, self.standing(caller))
        if (window := self._windows.get(caller.key)) is not None:
            refused = self._paced(caller, window, 1, 0)
            if refused is not None:
                return refused
            # A run is let in without this limit, for its request was counted when it came.
            window.add(1 if allowance.requests_per_minute is not None else 0, 0)
        return Admission(caller, self.standing(caller))

    def reserve(self, ticket: Ticket, *, begun: bool, requests: int) -> RateLimited | CapReached | None:
        """Book what a call may use; returns why not, and then books nothing."""
        caller, most = ticket.caller, ticket.most
        window = self._windows.get(caller.key)
        if window is not None and not begun and (slow := self._paced(caller, window, 0, most.tokens)):
            return slow
        if (refused := self._capped(ticket) or self._capped_daily(most)) is not None:
            return refused
        if window is not None:
            window.add(0, most.tokens)
        for period in ticket.periods:
            totals = self._total(caller.key, period)
            totals.requests += requests
            totals.reserved_money += most.money
            totals.reserved_tokens += most.completion_tokens
        self._daily_tokens += most.completion_tokens
        self._daily_money += most.money / UNIT
        return None

    def settle(self, ticket: Ticket, used: Use, before: Use | None) -> None:
        """Put `used` in the place of the reservation, or of `before`."""
        for period in ticket.periods:
            totals = self._total(ticket.caller.key, period)
            if before is None:
                totals.reserved_money -= ticket.most.money
                totals.reserved_tokens -= ticket.most.completion_tokens
            else:
                totals.used_money -= before.money
                totals.used_tokens -= before.completion_tokens
            totals.used_money += used.money
            totals.used_tokens += used.completion_tokens
        if ticket.day == self.day:
            was = before or ticket.most
            self._daily_tokens += used.completion_tokens - was.completion_tokens
            self._daily_money += (used.money - was.money) / UNIT
        if (window := self._windows.get(ticket.caller.key)) is not None:
            if before is None:
                window.take_back(ticket.reserved_at.timestamp(), ticket.most.tokens)
                window.add(0, used.tokens)
            else:
                window.add(0, max(0, used.tokens - before.tokens))

    def standing(self, caller: Caller) -> Standing:
        """What the rates of a key leave now."""
        window = self._windows.get(caller.key)
        if window is None:
            return Standing()
        requests, tokens = caller.allowance.requests_per_minute, caller.allowance.tokens_per_minute
        return Standing(
            requests,
            None if requests is None else max(0, requests - window.total(REQUESTS)),
            window.seconds_until_empty(REQUESTS),
            tokens,
            None if tokens is None else max(0, tokens - window.total(TOKENS)),
            window.seconds_until_empty(TOKENS),
        )

    def store(self, running: Mapping[str, int]) -> None:
        """Write what was changed, and how many requests of these keys this process has under way."""
        changed = [(at, totals) for at, totals in self._totals.items() if totals.changed]
        self._write(_INSERT_TOTALS, [_totals_row(at, totals) for at, totals in changed if not totals.stored])
        self._write(_UPDATE_TOTALS, [_totals_row(at, totals) for at, totals in changed if totals.stored])
        windows = [
            {"one": key, "text": window.stored()} for key, window in self._windows.items() if window.changed
        ]
        self._write(_INSERT_RATES, [row for row in windows if row["one"] not in self._stored_windows])
        self._write(_UPDATE_RATES, [row for row in windows if row["one"] in self._stored_windows])
        leases = [{"one": key, "by": self._worker, "number": number} for key, number in running.items()]
        self._write(_INSERT_LEASES, [row for row in leases if row["one"] not in self._leased])
        self._write(_UPDATE_LEASES, [row for row in leases if row["one"] in self._leased])

    def _write(self, statement: Insert | Update, rows: list[dict[str, Any]]) -> None:
        if rows:
            self._connection.execute(statement, rows)

    def _paced(self, caller: Caller, window: Window, requests: int, tokens: int) -> RateLimited | None:
        """Why so much does not fit into the minute; a request needs room for one token at the least."""
        allowed = (
            ("requests", REQUESTS, caller.allowance.requests_per_minute, requests),
            ("tokens", TOKENS, caller.allowance.tokens_per_minute, max(1, tokens)),
        )
        for name, what, limit, wanted in allowed:
            if limit is None or not wanted:
                continue
            over = window.total(what) + wanted - limit
            if over <= 0:
                continue
            retry_after = None if wanted > limit else window.seconds_until(what, over)
            used = f"This key may use {limit:,} {name} a minute: {window.total(what):,} are used"
            return RateLimited(
                "requests" if what == REQUESTS else "tokens",
                f"{used}, and this needs {wanted:,} more.",
                retry_after,
                self.standing(caller),
            )
        return None

    def _capped(self, ticket: Ticket) -> CapReached | None:
        allowance, money = ticket.caller.allowance, ticket.most.money
        day = date.fromisoformat(ticket.day)
        first = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
        caps: tuple[tuple[Cap, int | None, date], ...] = (
            ("day", allowance.day_cap, day + timedelta(days=1)),
            ("month", allowance.month_cap, first),
        )
        for (name, cap, resets), period in zip(caps, ticket.periods, strict=True):
            if cap is None:
                continue
            totals = self._peek(ticket.caller.key, period)
            if totals.money + money > cap:
                reserved = totals.reserved_money
                held = f", {money_text(reserved)} reserved by calls without a result" if reserved else ""
                return CapReached(
                    name,
                    f"This key's cap of {money_text(cap)} a {name} is reached: {money_text(totals.used_money)} is "
                    f"used{held}, and this needs up to {money_text(money)} more. It resets as {resets} begins.",
                    max(0, cap - totals.money),
                    self._midnight(resets),
                )
        return None

    def _capped_daily(self, most: Use) -> CapReached | None:
        """As `UsageStore` would refuse it."""
        tokens, money = self._daily.tokens, self._daily.money
        tomorrow = date.fromisoformat(self.day) + timedelta(days=1)
        resets = f"It resets at midnight, as {tomorrow} begins."
        if tokens is not None and self._daily_tokens + most.completion_tokens > tokens:
            message = f"The server's daily cap of {tokens:,} tokens, over everything, is reached. {resets}"
            return CapReached(
                "daily_tokens", message, max(0, tokens - self._daily_tokens), self._midnight(tomorrow)
            )
        if money is not None and self._daily_money + most.money / UNIT > money + DUST:
            message = f"The server's daily cap of {money:g} in money, over everything, is reached. {resets}"
            left = max(0, int((money - self._daily_money) * UNIT))
            return CapReached("daily_money", message, left, self._midnight(tomorrow))
        return None

    def _midnight(self, day: date) -> datetime:
        """The local moment at which a day begins."""
        zone = self.now.tzinfo
        return datetime(day.year, day.month, day.day, tzinfo=zone)

    def _peek(self, key: str, period: str) -> Totals:
        return self._totals.get((key, period), _NOTHING)

    def _total(self, key: str, period: str) -> Totals:
        totals = self._totals.setdefault((key, period), Totals())
        totals.changed = True
        return totals

    def _read_totals(self, batch: Sequence[Work]) -> dict[tuple[str, str], Totals]:
        tickets = [work.ticket for work in batch if isinstance(work, Settle)]
        reserving = {work.caller.key for work in batch if isinstance(work, Reserve)}
        concerned = {ticket.caller.key for ticket in tickets} | reserving
        periods = {self.day, self.day[:7]}.union(*(ticket.periods for ticket in tickets))
        if not concerned:
            return {}
        rows = self._connection.execute(
            _SELECT_TOTALS, {"keys": sorted(concerned), "periods": sorted(periods)}
        )
        return {(row[0], row[1]): Totals(row[2], row[3], row[4], row[5], row[6], stored=True) for row in rows}

    def _read_windows(self, batch: Sequence[Work]) -> dict[str, Window]:
        paced = set(_paced_keys(batch))
        if not paced:
            return {}
        stored = {row[0]: row[1] for row in self._connection.execute(_SELECT_RATES, {"keys": sorted(paced)})}
        self._stored_windows = set(stored)
        moment = self.now.timestamp()
        return {key: Window(stored.get(key), moment) for key in paced}

    def _read_leases(self, placed: set[str]) -> None:
        """How many requests of each key other processes have under way, and which keys this one has a row for."""
        if not placed:
            return
        for key, worker, running in self._connection.execute(_SELECT_LEASES, {"keys": sorted(placed)}):
            if worker == self._worker:
                self._leased.add(key)
            else:
                self._running_elsewhere[key] = self._running_elsewhere.get(key, 0) + running

    def _read_daily(self, batch: Sequence[Work]) -> None:
        self._daily_tokens, self._daily_money = 0, 0.0
        if self._daily == Daily() or not any(isinstance(work, Reserve) for work in batch):
            return
        used, held = day_sums(self._connection, date.fromisoformat(self.day))
        self._daily_tokens = used.tokens + held.tokens
        self._daily_money = used.money + held.money


_NOTHING = Totals()


def _paced_keys(batch: Sequence[Work]) -> Iterable[str]:
    """The keys whose windows are needed."""
    for work in batch:
        caller = work.ticket.caller if isinstance(work, Settle) else work.caller
        allowance = caller.allowance
        if isinstance(work, Leave):
            continue
        if allowance.tokens_per_minute is not None or (
            isinstance(work, Admit) and allowance.requests_per_minute is not None
        ):
            yield caller.key


def _placed_keys(batch: Sequence[Work]) -> Iterable[str]:
    """The keys whose places are needed."""
    for work in batch:
        if isinstance(work, Admit | Leave) and work.caller.allowance.concurrent is not None:
            yield work.caller.key


def _totals_row(at: tuple[str, str], totals: Totals) -> dict[str, Any]:
    return {
        "one": at[0],
        "in_period": at[1],
        "count": totals.requests,
        "used": totals.used_money,
        "held": totals.reserved_money,
        "spent": totals.used_tokens,
        "booked": totals.reserved_tokens,
    }


# Built once: putting a statement together takes longer than SQLite needs for it.
_KEYS: BindParameter[str] = bindparam("keys", expanding=True)
_PERIODS: BindParameter[str] = bindparam("periods", expanding=True)
_SELECT_TOTALS = select(key_totals).where(key_totals.c.key_id.in_(_KEYS), key_totals.c.period.in_(_PERIODS))
_SELECT_RATES = select(key_rates.c.key_id, key_rates.c.window).where(key_rates.c.key_id.in_(_KEYS))
_SELECT_LEASES = select(key_leases.c.key_id, key_leases.c.worker, key_leases.c.running).where(
    key_leases.c.key_id.in_(_KEYS)
)
_TOTALS: dict[str, Any] = {
    "requests": bindparam("count"),
    "used_money": bindparam("used"),
    "reserved_money": bindparam("held"),
    "used_tokens": bindparam("spent"),
    "reserved_tokens": bindparam("booked"),
}
_INSERT_TOTALS = insert(key_totals).values(key_id=bindparam("one"), period=bindparam("in_period"), **_TOTALS)
_UPDATE_TOTALS = (
    update(key_totals)
    .where(key_totals.c.key_id == bindparam("one"), key_totals.c.period == bindparam("in_period"))
    .values(**_TOTALS)
)
_INSERT_RATES = insert(key_rates).values(key_id=bindparam("one"), window=bindparam("text"))
_UPDATE_RATES = (
    update(key_rates).where(key_rates.c.key_id == bindparam("one")).values(window=bindparam("text"))
)
_INSERT_LEASES = insert(key_leases).values(
    key_id=bindparam("one"), worker=bindparam("by"), running=bindparam("number")
)
_UPDATE_LEASES = (
    update(key_leases)
    .where(key_leases.c.key_id == bindparam("one"), key_leases.c.worker == bindparam("by"))
    .values(running=bindparam("number"))
)
