"""What was used: per day, model and mode, for one key, one user or all; and what a key has used of its caps.

Calls without a result yet stand apart, with what they have reserved: so do the calls of processes that died, whose
use nobody knows. Both count against caps.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct, structs
from sqlalchemy import BigInteger, ColumnElement, case, cast, func, select

from pierian.metering.money import UNIT, money_text
from pierian.storage.database import Database
from pierian.storage.tables import key_totals, usage
from pierian.storage.usage import local_now


class UsageRow(Struct, frozen=True):
    """One day, model and mode. Money is in billionths; `completion_tokens` are the generated ones."""

    day: str
    model: str
    mode: str
    requests: int
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    money: int
    open_money: int
    """Reserved by calls without a result."""

    def as_json(self) -> dict[str, Any]:
        """Plain values; money as a number, as people write it."""
        return structs.asdict(self) | {"money": self.money / UNIT, "open_money": self.open_money / UNIT}


class KeyUse(Struct, frozen=True):
    """What was used through one key; through none where the id is empty. Money is in billionths."""

    key: str
    requests: int
    completion_tokens: int
    money: int


class KeyTotals(Struct, frozen=True):
    """What counts against a key's caps, in billionths, and its requests: today and in this month."""

    day_requests: int = 0
    day_money: int = 0
    month_requests: int = 0
    month_money: int = 0


class UsageReport:
    """The report over one database."""

    def __init__(self, database: Database, *, clock: Callable[[], datetime] = local_now) -> None:
        self.database = database
        self._clock = clock

    def by_day(
        self, *, key: str | None = None, owners: Collection[str] | None = None, days: int = 30
    ) -> tuple[UsageRow, ...]:
        """The last `days` local days, the newest first, of one key, of some owners, or of all; ids, not names."""
        c = usage.c
        query = (
            select(
                c.day,
                c.model,
                c.mode,
                _sum(c.requests),
                _sum(c.prompt_tokens),
                _sum(c.cached_tokens),
                _sum(c.used_tokens),
                _sum(_billionths(c.used_money)),
                _sum(case((c.settled, 0), else_=_billionths(c.reserved_money))),
            )
            .where(self._last(days))
            .group_by(c.day, c.model, c.mode)
            .order_by(c.day.desc(), c.model, c.mode)
        )
        if key is not None:
            query = query.where(c.key_id == key)
        if owners is not None:
            query = query.where(c.owner.in_(owners))
        with self.database.read() as connection:
            rows = connection.execute(query).all()
        # PostgreSQL sums big integers as decimals.
        return tuple(UsageRow(row[0], row[1], row[2], *(int(one) for one in row[3:])) for row in rows)

    def by_key(self, *, owners: Collection[str] | None = None, days: int = 30) -> tuple[KeyUse, ...]:
        """The last `days` local days by key, of some owners or of all, the one that used most first."""
        c = usage.c
        key, tokens = func.coalesce(c.key_id, ""), _sum(c.used_tokens)
        query = (
            select(key, _sum(c.requests), tokens, _sum(_billionths(c.used_money)))
            .where(self._last(days))
            .group_by(key)
            .order_by(tokens.desc(), key)
        )
        if owners is not None:
            query = query.where(c.owner.in_(owners))
        with self.database.read() as connection:
            rows = connection.execute(query).all()
        return tuple(KeyUse(row[0], *(int(one) for one in row[1:])) for row in rows)

    def tokens_by_owner(self, *, days: int) -> Mapping[str, int]:
        """Generated tokens of the last `days` local days, by whose they are."""
        c = usage.c
        query = select(c.owner, _sum(c.used_tokens)).where(self._last(days)).group_by(c.owner)
        with self.database.read() as connection:
            return {row[0]: int(row[1]) for row in connection.execute(query)}

    def _last(self, days: int) -> ColumnElement[bool]:
        today = self._clock().date()
        return usage.c.day.between((today - timedelta(days=days - 1)).isoformat(), today.isoformat())

    def totals(self, key: str) -> KeyTotals:
        """What counts against the caps of a key now."""
        return self.totals_of([key])[key]

    def totals_of(self, keys: Collection[str]) -> Mapping[str, KeyTotals]:
        """What counts against the caps of each of these keys now."""
        day = self._clock().date().isoformat()
        c = key_totals.c
        query = select(c.key_id, c.period, c.requests, c.used_money + c.reserved_money).where(
            c.key_id.in_(keys), c.period.in_((day, day[:7]))
        )
        with self.database.read() as connection:
            found = {(row[0], row[1]): (int(row[2]), int(row[3])) for row in connection.execute(query)}
        none = (0, 0)
        return {
            key: KeyTotals(*found.get((key, day), none), *found.get((key, day[:7]), none)) for key in keys
        }


def as_csv(rows: Sequence[UsageRow]) -> str:
    """The rows as a table that spreadsheets read; nothing in it is taken for a formula."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(UsageRow.__struct_fields__)
    for row in rows:
        cells = structs.asdict(row) | {
            "money": money_text(row.money).replace(",", ""),
            "open_money": money_text(row.open_money).replace(",", ""),
        }
        writer.writerow([harmless(cell) if isinstance(cell, str) else cell for cell in cells.values()])
    return out.getvalue()


def harmless(cell: str) -> str:
    """A cell that no spreadsheet runs: what begins like a formula is marked as text (OWASP, "CSV Injection")."""
    return f"'{cell}" if cell.lstrip()[:1] in ("=", "+", "-", "@") or cell[:1] in ("\t", "\r", "\n") else cell


def _billionths(money: ColumnElement[float]) -> ColumnElement[int]:
    """Row by row, before anything is added up, so that the sum is exact."""
    return cast(func.round(money * UNIT), BigInteger)


def _sum(of: ColumnElement[int]) -> ColumnElement[int]:
    return func.sum(of)
