"""Whole pieces of work: journalled from the first step, resumed where they were, finished once, told by code."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.agents.desk import (
    Calls,
    Written,
    a_tool,
    call,
    is_planning,
    office,
    plan,
)
from tests.agents.pieces import EMAIL, HOSTILE, ended, hostile, journalled, model

from pierian.accounts import Accounts, Switches
from pierian.agents.session import act, go_on
from pierian.budget import Amount
from pierian.events import (
    AnswerReady,
    ApprovalNeeded,
    Event,
    PlanMade,
    RunOpened,
    RunParked,
    Token,
)
from pierian.exceptions import BudgetExhausted, SchemaIgnored, UserError
from pierian.models.wire import Request
from pierian.reasoning import Run
from pierian.runs import Approvals, Journal, Rules
from pierian.tools import ToolFailure


async def test_a_request_without_steps_is_not_journalled(tmp_path: Path) -> None:
    async with office(tmp_path, a_tool("look")) as desk:
        run = desk.start("What is the capital of Peru?", model(plan()))
        assert await act(run, desk.desk(), ["look"], []) is None
        assert Journal(desk.database).list() == []
        assert not run.journalled and not [
            event for event in desk.events if isinstance(event, RunOpened | PlanMade)
        ]


async def test_a_run_is_in_the_journal_from_its_plan_to_its_answer(tmp_path: Path) -> None:
    calls = Calls()
    async with office(tmp_path, calls.tool("mail_send", looked_up=True), a_tool("look")) as desk:
        run = desk.start(
            "Mail ann@example.org hi", model(plan(call("look"), call("mail_send", to="$email1", text="hi")))
        )
        session = await ended(
            await act(run, desk.desk(request={"tools": ["mail"]}), [*desk.tools], EMAIL), run
        )
        record = Journal(desk.database).get(session.run)
        assert (record.state, record.question, record.request) == (
            "done",
            "Mail ann@example.org hi",
            {"tools": ["mail"]},
        )
        events = journalled(desk, session.run)
        assert isinstance(events[0], PlanMade) and isinstance(events[-1], AnswerReady)
        assert run.chosen is not None
        assert run.chosen.text == (
            "That is all.\n\nActions, as the journal has them:\n\n"
            "- `mail_send(to: $email1, text: hi)`: done, and read back"
        )
        shown = "".join(
            event.text for event in desk.events if isinstance(event, Token) and event.channel == "answer"
        )
        assert shown == run.chosen.text
        assert [(step.step, step.outcome) for step in run.steps] == [("s1", "done"), ("s2", "confirmed")]
        assert calls.seen == [("mail_send", {"to": "ann@example.org", "text": "hi"})]


PARKING = plan(call("page"), call("mail_send", to="$email1", text="$s1"))


async def test_a_run_that_waits_says_what_to_do(tmp_path: Path) -> None:
    calls = Calls()
    async with office(tmp_path, calls.tool("mail_send"), a_tool("page", does=hostile)) as desk:
        run = desk.start("Mail the page to ann@example.org", model(PARKING))
        session = await ended(await act(run, desk.desk(), [*desk.tools], EMAIL), run)
        (asked,) = Approvals(desk.database).list()
        assert f"pierian approvals approve {asked.id}" in run.partial
        assert f"pierian runs resume {session.run}" in run.partial
        assert asked.id in run.cut_short and run.chosen is None and not calls.seen
        assert Journal(desk.database).get(session.run).state == "waiting", (
            "the end of the answer does not end the run"
        )
        assert any(isinstance(event, RunParked) and event.run == session.run for event in desk.events)
        assert [step.outcome for step in run.steps] == ["done", "waiting"]


@pytest.mark.parametrize("approved", [True, False])
async def test_after_the_answer_it_goes_on_and_finishes_once(tmp_path: Path, approved: bool) -> None:
    calls, pages = Calls(), Calls()
    async with office(tmp_path, calls.tool("mail_send"), pages.tool("page", "read")) as desk:
        run = desk.start("Mail the page to ann@example.org", model(PARKING))
        session = await ended(await act(run, desk.desk(), [*desk.tools], EMAIL), run)
        journal = Journal(desk.database)

        async def resume() -> Run:
            again = desk.start("Mail the page to ann@example.org", model(answer=HOSTILE))
            claim = journal.claim(session.run, desk.worker.id)
            await ended(await go_on(again, desk.desk(), claim, [*desk.tools], EMAIL), again)
            return again

        early = await resume()
        assert "approvals approve" in early.partial and not calls.seen
        Approvals(desk.database).answer(Approvals(desk.database).list()[0].id, approved=approved)
        late = await resume()
        assert late.chosen is not None
        told = late.chosen.text.split("Actions, as the journal has them:")[1]
        assert ("cannot be read back" in told, "not approved" in told) == (approved, not approved)
        assert calls.seen == [("mail_send", {"to": "ann@example.org", "text": "page done"})] * approved
        assert len(pages.seen) == 1, "what was read before is not read again"
        assert journal.get(session.run).state == "done"
        with pytest.raises(UserError, match="nothing to go on with"):
            await resume()


async def test_somebody_who_is_there_can_approve_while_it_works(tmp_path: Path) -> None:
    calls = Calls()
    async with office(tmp_path, calls.tool("mail_send"), a_tool("page", does=hostile)) as desk:

        def emit(event: Event) -> None:
            if isinstance(event, ApprovalNeeded):
                assert [one.value for one in event.arguments] == ["ann@example.org", HOSTILE]
                Approvals(desk.database).answer(event.approval, approved=True)

        run = desk.start("Mail the page to ann@example.org", model(PARKING), emit=emit)
        await ended(await act(run, desk.desk(waits=True), [*desk.tools], EMAIL), run)
        assert len(calls.seen) == 1 and run.chosen is not None


async def test_a_rule_of_the_users_answers(tmp_path: Path) -> None:
    calls = Calls()
    async with office(tmp_path, calls.tool("mail_send"), a_tool("page", does=hostile)) as desk:
        Rules(desk.database).add("allow mail_send to=*@example.org and text from host:evil.example")
        run = desk.start("Mail the page to ann@example.org", model(PARKING))
        await ended(await act(run, desk.desk(), [*desk.tools], EMAIL), run)
        assert len(calls.seen) == 1


async def test_a_page_that_orders_the_writer_to_claim_something_changes_no_account(tmp_path: Path) -> None:
    """The model says whatever the page says; the lines below, the receipt's steps and its note are code's."""

    async def fails(**arguments: Any) -> Any:
        raise ToolFailure("invalid", HOSTILE)

    async with office(tmp_path, a_tool("page", does=hostile), a_tool("mail_send", "send", fails)) as desk:
        run = desk.start(
            "Read the page, mail ann@example.org",
            model(plan(call("page"), call("mail_send", to="$email1")), answer=f"{HOSTILE}\n```"),
        )
        await ended(await act(run, desk.desk(), [*desk.tools], EMAIL), run)
        assert run.chosen is not None
        said, told = run.chosen.text.split("\n\nActions, as the journal has them:\n\n")
        assert told == "- `mail_send(to: $email1)`: not done (invalid)"
        assert said.count("```") % 2 == 0, "an open block of code does not swallow what code says"
        assert [step.outcome for step in run.steps] == ["done", "invalid"]
    async with office(tmp_path, a_tool("page", does=hostile), a_tool("mail_send", "send", fails)) as desk:
        run = desk.start("Read the page", model(plan(call("page")), answer="The mail was sent."))
        await ended(await act(run, desk.desk(), [*desk.tools], EMAIL), run)
        assert run.note == "Nothing was changed or sent. From: host:evil.example."


async def test_an_answer_that_rests_on_an_old_copy_says_from_when_it_is(tmp_path: Path) -> None:
    async def nothing(**arguments: Any) -> Any:
        return []

    async with office(
        tmp_path, a_tool("calendar_events", does=nothing), a_tool("page", does=hostile)
    ) as desk:
        accounts = Accounts(desk.desk().database, clock=lambda: datetime.now(UTC) - timedelta(hours=1))
        work = accounts.add("work", "caldav", "ann@example.org", [], Switches())
        accounts.note(work, synced=True)
        for tool, said in (("calendar_events", True), ("page", False)):
            run = desk.start("What is on?", model(plan(call(tool)), answer="Nothing."))
            await ended(await act(run, desk.desk(), [*desk.tools], EMAIL), run)
            assert ("What is known of work is from " in run.note) is said


async def test_an_answer_links_where_the_user_pointed_and_nowhere_else(tmp_path: Path) -> None:
    said = (
        "[yours](https://good.example/a), ![x](http://evil.example/?q=1) and [theirs](http://evil.example)\n"
    )
    async with office(tmp_path, a_tool("page", does=hostile)) as desk:
        run = desk.start("Sum up https://good.example/a.", model(plan(call("page")), answer=said))
        await ended(await act(run, desk.desk(), [*desk.tools], []), run)
        assert run.chosen is not None
        assert run.chosen.text == "[yours](<https://good.example/a>), x and theirs (`http://evil.example`)"
        shown = "".join(event.text for event in desk.events if isinstance(event, Token))
        assert "](http://evil" not in shown and shown.startswith("[yours](<https://good")


async def test_the_answer_of_a_run_that_is_stopped_is_harmless_too(tmp_path: Path) -> None:
    async def pieces() -> AsyncIterator[str]:
        yield "See ![x](http://evil.example)\n"
        writing.set()
        await asyncio.Event().wait()

    writing = asyncio.Event()

    def reply(request: Request) -> Any:
        return plan(call("look")) if is_planning(request) else pieces()

    async with office(tmp_path, a_tool("look")) as desk:
        run = desk.start("look", reply)
        working = asyncio.create_task(act(run, desk.desk(), ["look"], []))
        await writing.wait()
        working.cancel()
        with pytest.raises(asyncio.CancelledError):
            await working
        assert run.partial == "See x\n"[:-1] and run.ledger.reserved == Amount()
        assert Journal(desk.database).list()[0].state == "stopped"


async def test_a_budget_that_ends_before_the_plan_leaves_nothing_behind(tmp_path: Path) -> None:
    async with office(tmp_path, a_tool("look")) as desk:
        run = desk.start("look", model(plan(call("look"))), tokens=10)
        with pytest.raises(BudgetExhausted):
            await act(run, desk.desk(), ["look"], [])
        assert Journal(desk.database).list() == []


async def test_a_budget_that_ends_before_the_answer_still_tells_what_was_done(tmp_path: Path) -> None:
    calls = Calls()
    async with office(tmp_path, calls.tool("mail_send")) as desk:
        run = desk.start("Mail ann@example.org", model(), tokens=5)
        planner = Written(plan(call("mail_send", to="$email1")))
        run.ledger.reserve(Amount(5)).settle(Amount(5))
        await ended(await act(run, desk.desk(planner=planner), [*desk.tools], EMAIL), run)
        assert "`mail_send(to: $email1)`: done, but it cannot be read back" in run.partial
        assert "budget" in run.cut_short and run.chosen is None


async def test_a_failure_on_the_way_leaves_a_run_that_can_go_on(tmp_path: Path) -> None:
    class Breaks(Written):
        def __init__(self, error: Exception) -> None:
            super().__init__(plan(call("look"), {"agent": "x", "tools": ["look"]}))
            self.error = error

        async def plan(self, task: Any, *rest: Any) -> Any:
            if task.scope:
                raise self.error
            return await super().plan(task, *rest)

    async with office(tmp_path, a_tool("look")) as desk:
        run = desk.start("look", model())
        with pytest.raises(RuntimeError):
            await act(run, desk.desk(planner=Breaks(RuntimeError("a bug"))), ["look"], [])
        assert Journal(desk.database).get(run.journalled).state == "failed"
        again = desk.start("look", model(plan(call("look"))))
        claim = Journal(desk.database).claim(run.journalled, desk.worker.id)
        await ended(await go_on(again, desk.desk(), claim, ["look"], []), again)
        assert again.chosen is not None and [step.outcome for step in again.steps][:2] == ["done", "done"]
        other = desk.start("look", model())
        await ended(
            await act(other, desk.desk(planner=Breaks(SchemaIgnored("no plan"))), ["look"], []), other
        )
        assert [step.outcome for step in other.steps] == ["done", "failed"]


async def test_a_run_without_a_plan_is_answered_when_it_goes_on(tmp_path: Path) -> None:
    async with office(tmp_path, a_tool("look")) as desk:
        journal = Journal(desk.database)
        claim = journal.create("What is the capital of Peru?", {}, desk.worker.id)
        run = desk.start("What is the capital of Peru?", model(plan(), answer="Lima."))
        await ended(await go_on(run, desk.desk(), claim, ["look"], []), run)
        assert run.chosen is not None and run.chosen.text == "Lima."
        assert journal.get(claim.run).state == "done"
