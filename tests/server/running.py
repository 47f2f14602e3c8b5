"""A whole server over a double, as it runs: in a thread of its own, on a loopback port."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Generator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import anthropic
import httpx2
import openai
import uvicorn

from pierian.access import Grant, Keys, Users
from pierian.config import Settings
from pierian.models.model import Model
from pierian.server.application import Pages
from pierian.server.keeper import Keeper
from pierian.server.process import run
from pierian.server.service import Service
from pierian.storage import Database
from pierian.testing import serve_in_thread
from pierian.testing.server import ModelServer


@dataclass
class Running:
    """The server, and clients that show its owner's key."""

    address: str
    secret: str
    service: Service
    upstream: ModelServer
    server: uvicorn.Server

    def http(self, secret: str | None = None, **options: Any) -> httpx2.Client:
        shown = self.secret if secret is None else secret
        headers = {"Authorization": f"Bearer {shown}"} if shown else {}
        return httpx2.Client(base_url=self.address, headers=headers, timeout=20, **options)

    def openai(self, secret: str | None = None, **options: Any) -> openai.OpenAI:
        return openai.OpenAI(
            base_url=f"{self.address}/v1",
            api_key=secret or self.secret,
            timeout=20,
            **{"max_retries": 0, **options},
        )

    def openai_async(self) -> openai.AsyncOpenAI:
        return openai.AsyncOpenAI(
            base_url=f"{self.address}/v1", api_key=self.secret, timeout=20, max_retries=0
        )

    def anthropic(self) -> anthropic.Anthropic:
        return anthropic.Anthropic(base_url=self.address, api_key=self.secret, timeout=20, max_retries=0)

    def key(self, grant: Grant | None = None, user: str = "partner") -> str:
        """A further key, of a user who is made where there is none yet."""
        database = self.service.database
        if all(one.name != user for one in Users(database).list()):
            Users(database).create(user, "partner")
        return Keys(database).create(user, "k", grant)[1]


@contextmanager
def running(
    model: Model, *, database_url: str = "", keyless: bool = False, **options: Any
) -> Generator[Running]:
    """A server over a server of `model`, while the block lasts."""
    with serve_in_thread(model, **options) as upstream:
        settings = Settings(base_url=upstream.base_url, model=model.name, database_url=database_url)
        with started(settings, upstream, keyless=keyless) as one:
            yield one


@contextmanager
def started(
    settings: Settings,
    upstream: ModelServer,
    *,
    keyless: bool = False,
    pages: Callable[[Service, Keeper], Pages] | None = None,
) -> Generator[Running]:
    """A server with these settings, while the block lasts; for the API alone unless `pages` are given."""
    service = Service(settings, keyless=keyless)
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    ready: Future[uvicorn.Server] = Future()

    def body() -> None:
        try:
            run(service, listening, {"localhost"}, ready.set_result, pages)
        except BaseException as error:
            if not ready.done():
                ready.set_exception(error)
            raise

    thread = threading.Thread(target=body, daemon=True)
    thread.start()
    server = ready.result(30)
    try:
        yield Running(
            f"http://127.0.0.1:{listening.getsockname()[1]}",
            _owner(service.database),
            service,
            upstream,
            server,
        )
    finally:
        server.should_exit = True
        thread.join(30)
    assert not thread.is_alive()


def _owner(database: Database) -> str:
    users = Users(database)
    owner = next((one for one in users.list() if one.role == "owner"), None) or users.create("owner", "owner")
    return Keys(database).create(owner.id, "first")[1]


def until(true: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait until something is so; fails where it does not become so."""

    async def watch() -> None:
        async with asyncio.timeout(seconds):
            while not true():
                await asyncio.sleep(0.01)

    asyncio.run(watch())
