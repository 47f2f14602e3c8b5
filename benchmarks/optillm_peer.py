"""The approaches of optillm as peers: its own code decides what to ask, the engine that Pierian uses answers.

An approach is given a client of the shape that it expects (`client.chat.completions.create`), which asks the
`Model` that all modes are measured on. So every call that it makes goes to the same engine and the same cache, and
its tokens are those that the engine counted: some approaches leave out what they threw away, and one counts only
native thoughts. What optillm says itself stays in the row as `claimed_tokens`.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import logging
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import msgspec
from msgspec import Struct, structs

from benchmarks.datasets import Item
from benchmarks.pace import ITEM
from benchmarks.peers import MOST_TOKENS, PROMPT, complete
from pierian.exceptions import ContextOverflow, UserError
from pierian.models.model import Model
from pierian.models.wire import Message, Request

APPROACHES = {
    "optillm_self_consistency": ("optillm.self_consistency", "advanced_self_consistency_approach"),
    "optillm_moa": ("optillm.moa", "mixture_of_agents"),
    "optillm_bon": ("optillm.bon", "best_of_n_sampling"),
    "optillm_mars": ("optillm.mars", "multi_agent_reasoning_system"),
}
"""Mode names, and where optillm keeps the function behind its approach of that name."""

Approach = Callable[..., tuple[str, int]]


def load_approach(mode: str) -> Approach:
    """The function of an approach; raises `UserError` with the command to type where optillm is missing."""
    module, function = APPROACHES[mode]
    if "optillm" not in sys.modules and (found := importlib.util.find_spec("optillm")) is not None:
        # The package itself would load its proxy server, and with it torch and some two hundred other packages.
        # The approaches need nothing of it.
        sys.modules["optillm"] = importlib.util.module_from_spec(found)
    try:
        loaded = importlib.import_module(module)
    except ImportError as error:
        raise UserError(
            f"The peer optillm cannot be loaded: {error}.",
            hint="In the project's folder, run `pip install --group dev` and `pip install --no-deps --group peers`.",
        ) from error
    # What it could not do shows in the row; its running commentary would hide the progress.
    logging.getLogger("optillm").setLevel(logging.CRITICAL)
    return getattr(loaded, function)


async def answer(model: Model, item: Item, approach: Approach) -> dict[str, Any]:
    """One item by an approach with its default settings, the token limit of each call being that of `single`.

    Raises what the model failed with, even where the approach swallowed it: a broken engine is no wrong answer. A
    prompt that outgrows the context is the approach's own doing and counts.
    """
    client = ModelClient(model)
    text, claimed, cut_short = "", 0, ""
    try:
        text, claimed = await asyncio.to_thread(
            approach, PROMPT, item.question, client, model.name, request_config={"max_tokens": MOST_TOKENS}
        )
    except Exception as error:  # noqa: BLE001 - whatever a peer's code fails with is its answer to this item
        cut_short = f"{type(error).__name__}: {error}"
    finally:
        client.end()
    if client.failure is not None:
        raise client.failure
    return {
        "text": text or "",
        "value": "",
        "tokens": sum(call["tokens"] for call in client.calls),
        "prompt_tokens": sum(call["prompt_tokens"] for call in client.calls),
        "cached_tokens": sum(call["cached_tokens"] for call in client.calls),
        "cut_short": cut_short,
        "calls": [call["tokens"] for call in client.calls],
        "overflows": client.overflows,
        "claimed_tokens": claimed,
    }


class Usage(Struct):
    """Token counts in the shape of the OpenAI client."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class Response(Struct):
    """A completion in the shape of the OpenAI client."""

    choices: list[SimpleNamespace]
    usage: Usage


class ModelClient:
    """Stands where an approach expects an OpenAI client. Make it in the loop that runs the model; `create` may be
    called from any other thread.

    A call gets the number of its like within the item as its seed, whatever the order of threads: an item that
    is repeated makes the same calls.
    """

    def __init__(self, model: Model) -> None:
        self.chat = SimpleNamespace(completions=SimpleNamespace(create=self.create))
        self.calls: list[dict[str, Any]] = []
        self.overflows = 0
        self.failure: Exception | None = None
        self._model = model
        self._loop = asyncio.get_running_loop()
        self._item = ITEM.get(None)
        self._asked = Counter[bytes]()
        self._ended = False

    def create(
        self,
        *,
        model: str,
        messages: Sequence[Mapping[str, Any]],
        max_tokens: int,
        temperature: float = 1.0,
        n: int = 1,
        timeout: float = 0,
        extra_body: Mapping[str, Any] | None = None,
    ) -> Response:
        """As `chat.completions.create`. `timeout` is not kept: on a slow machine it would only harm the peer."""
        if self._ended:
            raise RuntimeError("the item has ended")
        request = Request(
            messages=tuple(Message(message["role"], message["content"]) for message in messages),
            max_tokens=max_tokens,
            temperature=temperature,
            extra=extra_body or {},
        )
        return asyncio.run_coroutine_threadsafe(self._complete(request, n), self._loop).result()

    def end(self) -> None:
        """Refuse further calls: a thread cannot be cancelled, but it can be left without a model."""
        self._ended = True

    async def _complete(self, request: Request, n: int) -> Response:
        if self._item is not None:
            ITEM.set(self._item)  # the approach's own threads do not inherit it
        known = msgspec.json.encode(request)
        seeds = range(self._asked[known] + 1, self._asked[known] + n + 1)
        self._asked[known] += n
        try:
            drawn = await asyncio.gather(
                *(complete(self._model, structs.replace(request, seed=seed)) for seed in seeds)
            )
        except ContextOverflow:
            self.overflows += 1
            raise
        except Exception as error:
            self.failure = self.failure or error
            raise
        self.calls += drawn
        return _response(drawn)


def _response(drawn: Sequence[Mapping[str, Any]]) -> Response:
    choices = [
        SimpleNamespace(
            index=index,
            finish_reason="length" if row["cut_short"] else "stop",
            message=SimpleNamespace(role="assistant", content=row["text"]),
        )
        for index, row in enumerate(drawn)
    ]
    prompt, completion = drawn[0]["prompt_tokens"], sum(row["tokens"] for row in drawn)
    return Response(choices, Usage(prompt, completion, prompt + completion))
