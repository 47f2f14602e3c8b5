"""A database for each test of users and what they get in with: once SQLite, once a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from tests.postgresql import SERVERS, fresh

from pierian.access import Passwords
from pierian.storage import Database

NOON = datetime(2026, 11, 3, 12, 0, tzinfo=UTC)


class Clock:
    """A time of day that moves when it is told to."""

    now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture(params=SERVERS)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    with fresh(request.param, tmp_path, request.config) as opened:
        yield opened


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> PasswordHasher:
    """Hashes that are made at once, as no real ones are."""
    hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(Passwords, "_hasher", hasher)
    return hasher
