"""A run and two workers: the one that died or was paused, and the one that carries on."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.agents.desk import (
    Calls,
    Office,
    a_tool,
    call,
    office,
    plan,
)
from tests.agents.pieces import EMAIL, ended, journalled, model

from pierian.agents.session import act, go_on
from pierian.events import (
    AnswerReady,
    EffectIntended,
    Event,
    StepFailed,
    StepFinished,
    StepSkipped,
)
from pierian.runs import Journal, Worker, workers


class Acting:
    """A tool that acts, and then waits until it is let go; what it did can be looked up."""

    def __init__(self, *, looked_up: bool) -> None:
        self.acted, self.go = asyncio.Event(), asyncio.Event()
        self.keys: list[str] = []
        self.tool = a_tool("mail_send", "send", lookup=self.look if looked_up else None)
        self.tool = type(self.tool)(
            **{name: getattr(self.tool, name) for name in self.tool.__struct_fields__ if name != "call"},
            call=self.call,
        )

    async def call(self, context: Any, values: Any) -> Any:
        self.keys.append(context.key)
        self.acted.set()
        await self.go.wait()
        return "sent"

    async def look(self, context: Any, values: Any) -> Any:
        return "it is there" if context.key in self.keys else None


MAILING = plan(call("look"), call("mail_send", to="$email1"), call("look", text="$s2"))


@pytest.mark.parametrize("looked_up", [True, False])
async def test_a_run_whose_worker_dies_while_it_acts_is_carried_on_by_another(
    tmp_path: Path, looked_up: bool
) -> None:
    tool = Acting(looked_up=looked_up)
    async with office(tmp_path, tool.tool, a_tool("look")) as desk:
        first = desk.start("Mail ann@example.org", model(MAILING))
        working = asyncio.create_task(act(first, desk.desk(), [*desk.tools], EMAIL))
        await tool.acted.wait()  # from here on the first worker is as good as dead
        with Worker(desk.database) as worker:
            claim = Journal(desk.database).claim(first.journalled, worker.id, instead_of=desk.worker.id)
            second = desk.start("Mail ann@example.org", model())
            other = Office(desk.database, worker, [*desk.tools.values()])
            await ended(await go_on(second, other.desk(), claim, [*desk.tools], EMAIL), second)
        assert len(tool.keys) == 1, "it was not sent again"
        assert second.chosen is not None
        assert [step.outcome for step in second.steps] == (
            ["done", "confirmed", "done"] if looked_up else ["done", "unknown", "skipped"]
        )
        assert ("unknown whether it happened" in second.chosen.text) is not looked_up
        # The first wakes up, and finds that the run is no longer its own.
        tool.go.set()
        session = await ended(await working, first)
        assert "carried on elsewhere" in first.cut_short
        events = journalled(desk, session.run)
        settled = [
            event.step for event in events if isinstance(event, StepFinished | StepFailed | StepSkipped)
        ]
        assert (
            sorted(settled) == ["s1", "s2", "s3"]
            and sum(isinstance(event, AnswerReady) for event in events) == 1
        )


@pytest.mark.parametrize("beats_first", [False, True])
async def test_a_worker_that_was_paused_before_it_acts_does_not_act(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, beats_first: bool
) -> None:
    """It is stopped between its last word in the journal and the call, and its run is taken over meanwhile."""
    calls = Calls()
    async with office(tmp_path, calls.tool("mail_send", looked_up=True)) as desk:
        clock = workers.boot_clock

        def emit(event: Event) -> None:
            if isinstance(event, EffectIntended):
                Journal(desk.database).claim(first.journalled, "another", instead_of=desk.worker.id)
                monkeypatch.setattr(workers, "boot_clock", lambda: clock() + 60)
                monkeypatch.setattr("pierian.agents.session.boot_clock", lambda: clock() + 60)
                if beats_first:
                    desk.worker.beat()
                assert desk.worker.fresh() is beats_first

        first = desk.start("Mail ann@example.org", model(plan(call("mail_send", to="$email1"))), emit=emit)
        await ended(await act(first, desk.desk(), [*desk.tools], EMAIL), first)
        assert not calls.seen and "carried on elsewhere" in first.cut_short
        assert Journal(desk.database).get(first.journalled).worker == "another"


async def test_a_run_that_is_cancelled_does_nothing_more(tmp_path: Path) -> None:
    calls = Calls()

    async def look(**arguments: Any) -> str:
        Journal(desk.database).cancel(run.journalled)
        return "seen"

    async with office(tmp_path, calls.tool("mail_send"), a_tool("look", does=look)) as desk:
        run = desk.start("Mail ann@example.org", model(MAILING))
        session = await ended(await act(run, desk.desk(), [*desk.tools], EMAIL), run)
        assert not calls.seen and "cancelled" in run.cut_short
        assert Journal(desk.database).get(session.run).state == "cancelled"
