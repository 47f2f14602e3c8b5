"""An adapter on the real engine: off unless a request asks, and never mixed with what was read without it."""

from __future__ import annotations

from pathlib import Path

import pytest
from adapter_files import adapter_for

from pierian.config import Settings, paths
from pierian.models import adapters
from pierian.models.client import Client, Endpoint
from pierian.models.installed import InstalledModel
from pierian.models.lease import Lease, running_engines
from pierian.models.machine import EngineOptions
from pierian.models.model import Model, open_model
from pierian.models.prefixes import FOLDER, PrefixStore
from pierian.models.wire import Finished, Message, Piece, Request

pytestmark = [pytest.mark.model, pytest.mark.timeout(300)]

PREFIX = (Message("system", "You name things that people eat, and say in a few words why they like them."),)


async def answer(model: Model, words: str, scale: float = 0.0, tokens: int = 12) -> str:
    """What is answered."""
    messages = (Message("system", "You name things."), Message("user", words))
    request = Request(messages=messages, max_tokens=tokens, adapter_scale=scale)
    return "".join([item.text async for item in model.stream(request) if isinstance(item, Piece)])


async def test_a_request_gets_as_much_of_the_adapter_as_it_asks_for(
    small_model: InstalledModel, tmp_path: Path
) -> None:
    name = small_model.name
    adapters.add(adapter_for(small_model.path, tmp_path / "random.gguf"), name)
    settings = Settings(model=name, threads=1, context=1024, slots=2)
    question = "Name three fruits."
    async with open_model(settings) as plain:
        assert plain.adapter is None
        without = await answer(plain, question)
    async with open_model(Settings(model=name, threads=1, context=1024, slots=1, adapter="random")) as model:
        assert model.adapter is not None
        assert await answer(model, question) == without
        changed = await answer(model, question, 1.0)
        assert changed != without
        # Read at one scale, pushed out by other prompts at the other: what the engine then brings back must not be
        # what was read first.
        for scale in (0.0, 1.0):
            await answer(model, question, 1.0 - scale)
            for number in range(2):
                await answer(model, f"Tell me of thing {number} please now.", scale, 1)
            assert await answer(model, question, scale) == (changed if scale else without)


async def test_an_adapter_that_was_replaced_is_used_at_once_though_the_engine_is_warm(
    small_model: InstalledModel, tmp_path: Path
) -> None:
    name, said = small_model.name, list[str]()
    for seed in (1, 2):
        file = adapter_for(small_model.path, tmp_path / "random.gguf", seed=seed)
        adapters.add(file, name)
        settings = Settings(model=name, threads=1, context=512, slots=1, adapter="random")
        async with open_model(settings) as model:
            said.append(await answer(model, "Name three fruits.", 1.0))
    assert said[0] != said[1]


async def test_a_saved_prefix_is_ready_in_an_engine_with_an_adapter_too(
    small_model: InstalledModel, tmp_path: Path
) -> None:
    file, state = adapter_for(small_model.path, tmp_path / "random.gguf"), paths().state
    options = EngineOptions(str(small_model.path), "", 1, 512, 1, cache_megabytes=0, adapter_path=str(file))
    request = Request(messages=(*PREFIX, Message("user", "Bread?")), max_tokens=2)
    for life in ("saves", "restores"):
        async with Lease(options, state) as lease:
            store = PrefixStore(state / FOLDER, lease.base_url, lease.api_key, "here", adapter=True)
            if life == "saves":
                assert await store.save(0, PREFIX)
            else:
                assert await store.restore([PREFIX]) == []
                endpoint = Endpoint(lease.base_url, "m", lease.api_key, embedded=True, adapter=True)
                async with Client(endpoint) as client:
                    ends = [item async for item in client.stream(request) if isinstance(item, Finished)]
                assert ends[0].usage.cached_tokens > 15
        await running_engines(state, stop=True)
