"""Tests of planned work wait for nobody, and have one real sandbox where they ask for it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from pierian.agents import effects
from pierian.sandbox import Sandbox


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(effects, "ASK_SECONDS", 0.0)
    monkeypatch.setattr(effects, "LOOK_SECONDS", 0.0)


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox() as opened:
        yield opened
