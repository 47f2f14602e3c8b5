"""Answers in the journal while they are written: whoever follows a run sees its first words at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from pierian.assistant import journalled as module
from pierian.events import Event, RunOpened, Token
from pierian.runs import Journal, JournalWriter
from pierian.storage import Database


async def test_the_first_words_wait_for_no_others(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "GATHER_SECONDS", 3600.0)
    journal, kept = Journal(database), asyncio.Event()
    writer = JournalWriter(journal, journal.create("q", {}, "w1"))

    async def answering() -> AsyncGenerator[Event]:
        yield Token(0, "The first", "answer")
        await kept.wait()
        found = [event for _, event in journal.events(writer.run)]
        assert found == [RunOpened(writer.run), Token(0, "The first", "answer")]
        yield Token(0, " and more", "answer")

    async with asyncio.timeout(20):
        await module.journalled(answering(), writer, told=lambda error: (str(error), ""), kept=kept.set)
