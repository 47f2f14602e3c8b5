"""The one door to everything: `Assistant.stream(request)` yields events, the answer last.

Every face and every program that uses Pierian goes through here. The assistant opens the model once, keeps it
while it lives, and turns whatever ends a run (its end, a budget, a deadline, a stop) into an `Answer` with a
receipt. It prints nothing and stores no conversation.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Callable, Coroutine
from types import TracebackType
from typing import TYPE_CHECKING, Any

from msgspec import Struct, structs

from pierian.assistant.request import AskRequest, checked_question, without_password
from pierian.budget import Amount, DailyCap, Ledger, Limits
from pierian.config import Settings, load, paths
from pierian.events import Answer, AnswerReady, Event, ModelLoading, ModelReady, Receipt
from pierian.exceptions import (
    BudgetExhausted,
    DiskFull,
    EngineError,
    RunError,
    StorageError,
    UserError,
)
from pierian.models.model import Model, open_model
from pierian.reasoning import (
    Kind,
    Mode,
    Prices,
    Question,
    Run,
    answer_automatically,
    answer_instantly,
    classify,
    contemplate,
    finished,
    long_prefixes,
    settle,
    shape,
    think,
)
from pierian.runs.stopping import stopped
from pierian.sandbox import ProgramResult, Sandbox

if TYPE_CHECKING:
    from pierian.agents import Desk, Session
    from pierian.runs import RunRecord, Worker
    from pierian.storage import Database

MOST_DRAFTS = 32
STOPPED = "You stopped it."
"""`Receipt.cut_short` of a run that the user ended."""


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
        self.settings = settings or load()
        self._engine = contextlib.AsyncExitStack()
        self._resources = contextlib.AsyncExitStack()
        self._model: Model | None = None
        self._sandbox: Sandbox | None = None
        self._database: Database | None = None
        self._desks: dict[tuple[str, ...], Desk] = {}
        self._worker: Worker | None = None
        self._opening = asyncio.Lock()
        self._stop = asyncio.Event()

    async def __aenter__(self) -> Assistant:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Give the engine back, end the sandbox, close the database."""
        await self._close_model()
        await self._resources.aclose()
        self._sandbox = self._database = self._worker = None
        self._desks = {}

    async def _close_model(self) -> None:
        self._model = None
        await self._engine.aclose()

    async def model(self) -> Model:
        """The model that answers, opened when it is first needed."""
        return (await self._open(lambda event: None))[0]

    async def run_program(self, code: str) -> ProgramResult:
        """What a program comes to in the sandbox, such as that of a check on a receipt."""
        _, sandbox = await self._open(lambda event: None)
        return await sandbox.run(code)

    def stop(self) -> None:
        """End the runs in progress at once; each still gives the best answer so far."""
        self._stop.set()

    async def ask(self, question: str, mode: Mode | str | None = None, **options: Any) -> Answer:
        """The answer to one question; `options` are fields of `AskRequest`."""
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
        usage = request.cap or (await self._usage(mode) if self._capped() else None)
        ledger = Ledger(self._limits(request), daily=usage)
        try:
            ended_by = await self._until_ended(
                self._work(work, request, question, mode, ledger, emit), ledger, request.stop
            )
        except BudgetExhausted as error:
            if ledger.refused and _nothing_yet(work.run):
                raise  # there is no answer, not even a part of one
            ended_by = str(error)
        except RunError as error:
            if isinstance(error, EngineError):
                await self._close_model()  # the next question opens it anew
            run = work.run
            if run is None or not (run.chosen or run.partial):
                if run is not None and usage is None:
                    await self._record(mode, run)  # a failure costs what it cost
                raise
            # What is there was paid for: it comes back, with what went wrong.
            ended_by = f"{error} {error.hint}".strip()
        run = work.run
        if run is None:
            return Answer(
                "", Receipt(mode.value, self.settings.model, spend=_no_spend(work), cut_short=ended_by)
            )
        if ended_by and run.drafts and run.question.kind is not Kind.OPEN:
            settle(run)  # what the finished drafts say together stands on the receipt also when it ends early
        run.cut_short = ended_by or run.cut_short
        if usage is None:
            await self._record(mode, run)
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
        await self._open(emit)
        work.run = await self._run(question, ledger, emit, request)
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
        if await self._planned(work, request):
            return
        if request.schema is None or mode is not Mode.INSTANT:
            await self._reason(run, mode, request)
        if request.schema is not None:
            await shape(run, request.schema)

    async def _reason(self, run: Run, mode: Mode, request: AskRequest) -> None:
        drafts = request.drafts or self.settings.drafts
        match mode:
            case Mode.INSTANT:
                await answer_instantly(run)
            case Mode.THINKING:
                await think(run)
            case Mode.CONTEMPLATING:
                await contemplate(run, drafts)
            case Mode.AUTO:
                await answer_automatically(run, drafts)

    async def _run(
        self,
        question: Question,
        ledger: Ledger,
        emit: Callable[[Event], None],
        request: AskRequest | None = None,
    ) -> Run:
        """The state of a run of this assistant's model."""
        model, sandbox = await self._open(emit)
        settings = self.settings
        prices = Prices(settings.price_input, settings.price_output) if settings.base_url else Prices()
        told = (settings.instructions, request.instructions if request else "")
        return Run(
            model,
            sandbox,
            ledger,
            question,
            emit,
            history=request.history if request else (),
            instructions="\n\n".join(part for part in told if part),
            seed=request.seed if request else None,
            prices=request.prices if request and request.prices else prices,
        )

    async def _planned(self, work: _Work, request: AskRequest) -> bool:
        """Answer with tools, where there are any and the planner sees something to do with them."""
        names = request.tools
        if names is None and self.settings.tools:
            from pierian.agents import named

            names = named(self.settings.tools)
        elif names is None:
            from pierian.agents.account_words import groups_for

            names = await groups_for(request.question, self.database, request.owner)
        run = work.run
        if run is None or not (names or request.resumes):
            return False
        from pierian.agents import act, find_entities, go_on, local_now
        from pierian.agents.account_tools import people_for

        desk = await self._desk(names or (), request)
        if request.resumes:
            from pierian.runs import Journal

            journal = Journal(desk.database, request.owner)
            record = await asyncio.to_thread(journal.get, request.resumes)
            claim = await asyncio.to_thread(journal.claim, record.id, desk.worker.id)
            # "Today" is the day on which it was asked.
            entities = find_entities(request.question, now=record.created_at.astimezone())
            work.session = await go_on(run, desk, claim, tuple(desk.tools), entities)
        else:
            known = await people_for(request.question, desk.tools, desk.database, request.owner)
            entities = find_entities(request.question, now=local_now(), known=known)
            work.session = await act(run, desk, tuple(desk.tools), entities, request.writer)
        if work.session is not None:
            run.took = "agents"
        return work.session is not None

    async def _desk(self, names: tuple[str, ...], request: AskRequest) -> Desk:
        """The tools of these names, the journal, and this process as a worker; kept while the assistant lives."""
        from pierian.agents import open_desk
        from pierian.agents.account_tools import of_accounts, tools_of

        opened = await self.database()
        lasting = tuple(name for name in names if not of_accounts(name))
        linked = [name for name in names if of_accounts(name)]
        if lasting not in self._desks:
            _, sandbox = await self._open(lambda event: None)
            self._desks[lasting] = await self._resources.enter_async_context(
                open_desk(self.settings, lasting, sandbox, opened, await self.worker())
            )
        mine = await asyncio.to_thread(tools_of, linked, opened, request.owner, self.settings)
        kept = {
            "tools": list(names),
            "model": self.settings.model,
            "base_url": without_password(self.settings.base_url),
            "author": request.author,
            "budget_tokens": request.budget_tokens or self.settings.budget_tokens,
            "budget_seconds": request.budget_seconds or self.settings.budget_seconds,
        }
        return structs.replace(
            self._desks[lasting],
            tools={**self._desks[lasting].tools, **mine},
            waits=request.waits,
            request=kept,
            author=request.author,
            owner=request.owner,
        )

    async def worker(self) -> Worker:
        """This assistant as a worker, while it lives."""
        from pierian.runs import Worker

        if self._worker is None:
            self._worker = self._resources.enter_context(Worker(await self.database()))
        return self._worker

    async def carry_on_runs(self, failed: Callable[[str, Exception], None], *, at_once: int = 4) -> None:
        """Go on with what other processes left lying, until cancelled: runs of workers that died, and runs whose
        approvals were answered. `failed` is told of each that cannot be carried on."""
        from pierian.agents import open_desk, serve_runs

        mode, database, worker = (
            Mode(self.settings.mode),
            await self.database(),
            await self.worker(),
        )
        _, sandbox = await self._open(lambda event: None)

        @contextlib.asynccontextmanager
        async def desk_for(record: RunRecord) -> AsyncGenerator[tuple[Run, Desk]]:
            limits = Limits(self.settings.budget_tokens, self.settings.budget_seconds)
            ledger = Ledger(limits, daily=await self._usage(mode) if self._capped() else None)
            run = await self._run(classify(record.question), ledger, lambda event: None)
            names, author = tuple(record.request.get("tools", ())), str(record.request.get("author", ""))
            try:
                async with open_desk(self.settings, names, sandbox, database, worker, record.owner) as desk:
                    yield run, structs.replace(desk, request=record.request, author=author)
            finally:
                if not self._capped():
                    await self._record(mode, run)

        def takes(record: RunRecord) -> bool:
            asked = (record.request.get("model"), record.request.get("base_url"))
            return asked == (self.settings.model, without_password(self.settings.base_url))

        def answer_of(run: Run) -> Answer:
            return finished(run, mode, time.monotonic() - run.ledger.seconds_used())

        await serve_runs(
            desk_for,
            answer_of,
            database,
            worker,
            failed=failed,
            takes=takes,
            stopped=lambda: stopped(paths().state),
            at_once=at_once,
        )

    async def answer_approval(self, approval: str, *, approved: bool) -> None:
        """Answer what an `ApprovalNeeded` event asks; raises `UserError` where it was answered before."""
        from pierian.runs import Approvals

        database = await self.database()
        await asyncio.to_thread(Approvals(database).answer, approval, approved=approved)

    async def _until_ended(
        self, work: Coroutine[Any, Any, None], ledger: Ledger, own_stop: asyncio.Event | None
    ) -> str:
        """Run to the end, the deadline or a stop; returns why it was cut short, empty if it was not.

        Raises `BudgetExhausted` as the work does.
        """
        main = asyncio.create_task(work)
        stop = asyncio.create_task(self._stop.wait())
        stop_all = asyncio.create_task(stopped(paths().state))
        tasks: set[asyncio.Task[Any]] = {main, stop, stop_all}
        if own_stop is not None:
            tasks.add(asyncio.create_task(own_stop.wait()))
        try:
            await asyncio.wait(tasks, timeout=ledger.seconds_left(), return_when=asyncio.FIRST_COMPLETED)
            told_to_stop = any(task.done() for task in tasks - {main})
            if not main.done():
                main.cancel()
                await asyncio.gather(main, return_exceptions=True)
                return STOPPED if told_to_stop else "The time budget ran out."
            await main
        except EngineError:
            # The engine goes with everything else, and may be gone a moment before the signal is seen.
            await asyncio.wait({stop_all}, timeout=0.5)
            if stop_all.done():
                return STOPPED
            raise
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return ""

    async def _open(self, emit: Callable[[Event], None]) -> tuple[Model, Sandbox]:
        async with self._opening:
            if self._sandbox is None:
                self._sandbox = await self._resources.enter_async_context(Sandbox())
            if self._model is None:
                self._model = await self._engine.enter_async_context(
                    open_model(
                        self.settings,
                        prefixes=long_prefixes(),
                        on_loading=lambda model: emit(ModelLoading(model)),
                        on_ready=lambda model, seconds: emit(ModelReady(model, seconds)),
                    )
                )
            return self._model, self._sandbox

    def _capped(self) -> bool:
        settings = self.settings
        priced = settings.price_input or settings.price_output
        if settings.daily_money is not None and settings.base_url and not priced:
            raise UserError(
                "A daily cap on money needs the prices of the server.",
                hint="Set price_input and price_output, per million tokens.",
            )
        return self.settings.daily_tokens is not None or self.settings.daily_money is not None

    async def _usage(self, mode: Mode) -> DailyCap:
        """Where use is recorded and the daily caps are kept."""
        from pierian.storage import UsageStore

        return UsageStore(
            await self.database(),
            self.settings.daily_tokens,
            self.settings.daily_money,
            self.settings.model,
            mode.value,
        )

    async def database(self) -> Database:
        """The database; it stays open while the assistant lives."""
        from pierian.storage import open_storage

        if self._database is None:
            self._database = await asyncio.to_thread(
                open_storage, self.settings.database_url, paths().database
            )
            self._resources.enter_context(self._database)
        return self._database

    async def _record(self, mode: Mode, run: Run) -> None:
        """Count what was used, for the daily totals; without a cap this can wait until the answer is there."""
        amount = Amount(run.spend.completion_tokens, run.spend.money)
        try:
            usage = await self._usage(mode)
            usage.settle(usage.reserve(amount), amount)
        except (StorageError, DiskFull) as error:
            run.note = f"{run.note} This use could not be recorded: {error}".strip()


def ask(question: str, mode: Mode | str | None = None, **options: Any) -> Answer:
    """The answer to one question, for programs without an event loop; `options` as in `Assistant.ask`."""

    async def main() -> Answer:
        async with Assistant() as assistant:
            return await assistant.ask(question, mode, **options)

    return asyncio.run(main())


def _nothing_yet(run: Run | None) -> bool:
    """Whether a run has neither used anything nor come to anything."""
    if run is None:
        return True
    used = run.spend.prompt_tokens or run.spend.completion_tokens
    return not (used or run.drafts or run.chosen or run.partial or run.calls or run.steps)


def _no_spend(work: _Work) -> Any:
    from pierian.events import Spend

    return Spend(seconds=time.monotonic() - work.started)
