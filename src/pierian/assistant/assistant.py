"""The one door to everything: `Assistant.stream(request)` yields events, the answer last.

Every face and every program that uses Pierian goes through here. The assistant opens the model once, keeps it
while it lives, and turns whatever ends a run (its end, a budget, a deadline, a stop) into an `Answer` with a
receipt. It prints nothing and stores no conversation.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any

from msgspec import Struct, structs

from pierian.assistant.arranging import arrange
from pierian.assistant.ending import until_ended
from pierian.assistant.pictures import answer_about, picture_files
from pierian.assistant.planned import tool_names, unlinked, work_with_tools
from pierian.assistant.request import AskRequest, checked_question
from pierian.assistant.resources import Resources
from pierian.assistant.trips import carry_out
from pierian.budget import Ledger, Limits
from pierian.config import Settings, load
from pierian.events import Answer, AnswerReady, Event, Receipt, Spend
from pierian.exceptions import BudgetExhausted, EngineError, RunError, UserError
from pierian.models.model import Model
from pierian.reasoning import (
    Kind,
    Mode,
    Question,
    Run,
    answer_automatically,
    answer_instantly,
    classify,
    contemplate,
    finished,
    settle,
    shape,
    think,
)
from pierian.sandbox import ProgramResult

if TYPE_CHECKING:
    from pierian.agents import Desk, Session
    from pierian.assistant.desks import Desks
    from pierian.runs import Worker
    from pierian.storage import Database

MOST_DRAFTS = 32


class _Work(Struct):
    """A run in the making; `run` is None until the model is open."""

    run: Run | None = None
    started: float = 0.0
    session: Session | None = None
    """Planned work, where there is any."""


class Assistant:
    """Answers questions. Use as an async context manager, or call `close`.

    Args:
        settings: Defaults to the user's settings file and environment.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self.resources = Resources(settings or load())
        self._desks: Desks | None = None
        self._stop = asyncio.Event()

    @property
    def settings(self) -> Settings:
        """What it was made with."""
        return self.resources.settings

    async def __aenter__(self) -> Assistant:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Give the engine back, end the sandbox, close the database."""
        self._desks = None
        await self.resources.close()

    async def model(self) -> Model:
        """The model that answers, opened when it is first needed."""
        return (await self.resources.open(lambda event: None))[0]

    async def run_program(self, code: str) -> ProgramResult:
        """What a program comes to in the sandbox, such as that of a check on a receipt."""
        _, sandbox = await self.resources.open(lambda event: None)
        return await sandbox.run(code)

    def stop(self) -> None:
        """End the runs in progress at once; each still gives the best answer so far."""
        self._stop.set()

    async def ask(self, question: str, mode: Mode | str | None = None, **options: Any) -> Answer:
        """The answer to one question; `options` are fields of `AskRequest`, `images` may be paths or bytes too."""
        if images := options.pop("images", ()):
            options["images"] = await picture_files(images)
        chosen = Mode.named(mode) if isinstance(mode, str) else mode
        request = AskRequest(question=question, mode=chosen, **options)
        async with contextlib.aclosing(self.stream(request)) as events:
            async for event in events:
                if isinstance(event, AnswerReady):
                    return event.answer
        raise AssertionError("a run ends with an answer or an error")

    async def stream(self, request: AskRequest) -> AsyncGenerator[Event]:
        """Events of one run as they happen, `AnswerReady` last. Leaving the loop early ends the run."""
        queue: asyncio.Queue[Event | None] = asyncio.Queue()
        worker = asyncio.create_task(self._answer(request, queue.put_nowait))
        worker.add_done_callback(lambda _: queue.put_nowait(None))
        try:
            while (event := await queue.get()) is not None:
                yield event
            yield AnswerReady(await worker)
        finally:
            if not worker.done():
                worker.cancel()
                await asyncio.gather(worker, return_exceptions=True)

    async def _answer(self, request: AskRequest, emit: Callable[[Event], None]) -> Answer:
        question = classify(checked_question(request.question))
        if request.called:  # what the tools gave is told in words; its form is not that of the question
            question = structs.replace(question, kind=Kind.OPEN)
        mode = request.mode or Mode(self.settings.mode)
        self._stop.clear()
        work = _Work(started=time.monotonic())
        usage = request.cap or (await self.resources.usage(mode) if self.resources.capped() else None)
        ledger = Ledger(self._limits(request), daily=usage)
        try:
            ended_by = await until_ended(
                self._work(work, request, question, mode, ledger, emit), ledger, self._stop, request.stop
            )
        except BudgetExhausted as error:
            if ledger.refused and (work.run is None or work.run.nothing_yet):
                raise  # there is no answer, not even a part of one
            ended_by = str(error)
        except RunError as error:
            if isinstance(error, EngineError):
                await self.resources.close_model()  # the next question opens it anew
            run = work.run
            if run is None or not (run.chosen or run.partial):
                if run is not None and usage is None:
                    await self.resources.record(mode, run)  # a failure costs what it cost
                raise
            # What is there was paid for: it comes back, with what went wrong.
            ended_by = f"{error} {error.hint}".strip()
        run = work.run
        if run is None:
            spend = Spend(seconds=time.monotonic() - work.started)
            return Answer("", Receipt(mode.value, self.settings.model, spend, cut_short=ended_by))
        if ended_by and run.drafts and run.question.kind is not Kind.OPEN:
            settle(run)  # what the finished drafts say together stands on the receipt also when it ends early
        run.cut_short = ended_by or run.cut_short
        if usage is None:
            await self.resources.record(mode, run)
        answer = finished(run, mode, work.started)
        if work.session is not None:
            await work.session.end("done", answer)
        return answer

    def _limits(self, request: AskRequest) -> Limits:
        """The budget of a run; raises `UserError` for what cannot be asked for."""
        tokens, seconds = request.budget_tokens, request.budget_seconds
        if (tokens is not None and tokens < 1) or (seconds is not None and seconds <= 0):
            raise UserError("A budget must be more than nothing.", hint="Leave it out for no limit.")
        if request.drafts is not None and not 1 <= request.drafts <= MOST_DRAFTS:
            raise UserError(f"{request.drafts} drafts cannot be made.", hint=f"Choose 1 to {MOST_DRAFTS}.")
        return Limits(tokens or self.settings.budget_tokens, seconds or self.settings.budget_seconds)

    async def _work(
        self,
        work: _Work,
        request: AskRequest,
        question: Question,
        mode: Mode,
        ledger: Ledger,
        emit: Callable[[Event], None],
    ) -> None:
        if await carry_out(self.resources, work, request, question, ledger, emit):
            return
        await self.resources.open(emit)
        work.run = await self.resources.begin(question, ledger, emit, request)
        run = work.run
        if request.offered and request.tool_choice != "none":
            from pierian.agents import choose_calls

            run.calls = await choose_calls(
                run,
                request.offered,
                request.called,
                request.tool_choice,
                parallel=request.parallel_calls,
            )
            if run.calls:
                return
        if not request.images:  # what a picture shows is measured; no tool knows more of it
            if await arrange(self.resources, self._desk, work, request, run):
                return
            work.session = await self._planned(run, request)
        if work.session is not None:
            return
        if request.schema is None or mode is not Mode.INSTANT or request.images:
            await self._reason(run, mode, request)
        if request.schema is not None:
            await shape(run, request.schema)

    async def _reason(self, run: Run, mode: Mode, request: AskRequest) -> None:
        drafts = request.drafts or self.settings.drafts
        if request.images:
            await answer_about(request.images, run, mode, self.resources)
            return
        match mode:
            case Mode.INSTANT:
                await answer_instantly(run)
            case Mode.THINKING:
                await think(run)
            case Mode.CONTEMPLATING:
                await contemplate(run, drafts)
            case Mode.AUTO:
                await answer_automatically(run, drafts)

    async def _planned(self, run: Run, request: AskRequest) -> Session | None:
        """The session of planned work, where tools may be used and there is something to do with them."""
        names = await tool_names(self.resources, request)
        if not (names or request.resumes):
            run.hint = unlinked(request)
            return None
        return await work_with_tools(run, request, await self._desk(names, request))

    async def _desk(self, names: tuple[str, ...], request: AskRequest) -> Desk:
        from pierian.assistant.desks import Desks

        if self._desks is None:
            self._desks = Desks(self.resources)
        return await self._desks.desk(names, request)

    async def database(self) -> Database:
        """The database; it stays open while the assistant lives."""
        return await self.resources.database()

    async def worker(self) -> Worker:
        """This process as a worker, while the assistant lives."""
        return await self.resources.worker()

    async def carry_on_runs(self, failed: Callable[[str, Exception], None], *, at_once: int = 4) -> None:
        """Go on with what other processes left lying, until cancelled: runs of workers that died, and runs whose
        approvals were answered. `failed` is told of each that cannot be carried on."""
        from pierian.assistant.desks import carry_on_runs

        await carry_on_runs(self.resources, failed, at_once=at_once)

    async def answer_approval(self, approval: str, *, approved: bool) -> None:
        """Answer what an `ApprovalNeeded` event asks; raises `UserError` where it was answered before."""
        from pierian.runs import Approvals

        database = await self.resources.database()
        await asyncio.to_thread(Approvals(database).answer, approval, approved=approved)


def ask(question: str, mode: Mode | str | None = None, **options: Any) -> Answer:
    """The answer to one question, for programs without an event loop; `options` as in `Assistant.ask`."""

    async def main() -> Answer:
        async with Assistant() as assistant:
            return await assistant.ask(question, mode, **options)

    return asyncio.run(main())
