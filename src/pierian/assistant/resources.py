"""What an assistant holds while it lives: the model, the sandbox, the database, this process as a worker; and what
is counted of each run."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from pierian.assistant.request import AskRequest
from pierian.budget import Amount, DailyCap, Ledger
from pierian.config import Settings, paths
from pierian.events import Event, ModelLoading, ModelReady
from pierian.exceptions import DiskFull, StorageError, UserError
from pierian.models.model import Model, open_model
from pierian.reasoning import Mode, Prices, Question, Run, long_prefixes
from pierian.sandbox import Sandbox

if TYPE_CHECKING:
    from pierian.runs import Worker
    from pierian.storage import Database
    from pierian.vision.readers import Readers


class Resources:
    """Each is opened when it is first needed, once; `close` gives all of them back."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.kept = contextlib.AsyncExitStack()
        """What is closed at the end."""
        self._engine = contextlib.AsyncExitStack()
        self._model: Model | None = None
        self._sandbox: Sandbox | None = None
        self._database: Database | None = None
        self._worker: Worker | None = None
        self._readers: Readers | None = None
        self._opening = asyncio.Lock()

    async def close(self) -> None:
        """Give the engine back, end the sandbox, close the database."""
        await self.close_model()
        await self.kept.aclose()
        self._sandbox = self._database = self._worker = self._readers = None

    async def close_model(self) -> None:
        """Give the engine back; the next question opens it anew."""
        self._model = None
        await self._engine.aclose()

    async def open(self, emit: Callable[[Event], None]) -> tuple[Model, Sandbox]:
        """The model and the sandbox; `emit` is told while the model loads."""
        async with self._opening:
            if self._sandbox is None:
                self._sandbox = await self.kept.enter_async_context(Sandbox())
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

    async def begin(
        self,
        question: Question,
        ledger: Ledger,
        emit: Callable[[Event], None],
        request: AskRequest | None = None,
    ) -> Run:
        """The state of a run of this assistant's model."""
        model, sandbox = await self.open(emit)
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

    def capped(self) -> bool:
        """Whether the settings name a daily cap."""
        settings = self.settings
        priced = settings.price_input or settings.price_output
        if settings.daily_money is not None and settings.base_url and not priced:
            raise UserError(
                "A daily cap on money needs the prices of the server.",
                hint="Set price_input and price_output, per million tokens.",
            )
        return self.settings.daily_tokens is not None or self.settings.daily_money is not None

    async def usage(self, mode: Mode) -> DailyCap:
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
            self.kept.enter_context(self._database)
        return self._database

    async def worker(self) -> Worker:
        """This process as a worker, while it lives."""
        from pierian.runs import Worker

        if self._worker is None:
            self._worker = self.kept.enter_context(Worker(await self.database()))
        return self._worker

    async def readers(self) -> Readers:
        """Those who read pictures, in a process of their own; raises `UserError` where their packages are missing."""
        from pierian.vision.packages import check_installed
        from pierian.vision.readers import Readers

        check_installed()
        if self._readers is None:
            self._readers = await self.kept.enter_async_context(Readers())
        return self._readers

    async def record(self, mode: Mode, run: Run) -> None:
        """Count what was used, for the daily totals; without a cap this can wait until the answer is there."""
        amount = Amount(run.spend.completion_tokens, run.spend.money)
        try:
            usage = await self.usage(mode)
            usage.settle(usage.reserve(amount), amount)
        except (StorageError, DiskFull) as error:
            run.note = f"{run.note} This use could not be recorded: {error}".strip()
