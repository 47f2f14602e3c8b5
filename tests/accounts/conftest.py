"""Servers that the tests of accounts share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.accounts.calendar_world import World
from tests.accounts.dovecot_server import Dovecot, running
from tests.accounts.radicale_server import Radicale


@pytest.fixture(scope="session")
def dovecot() -> Iterator[Dovecot]:
    """One mail server for all tests; each makes users of its own."""
    with running() as server:
        yield server


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A user with an empty calendar called Work at a server of their own."""
    server = Radicale(tmp_path / "radicale")
    server.start()
    try:
        server.make_calendar()
        yield World(tmp_path, server)
    finally:
        server.kill()
