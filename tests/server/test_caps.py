"""A key's cap is never overspent, whatever a request carries and however it ends; a reached cap is said in every
mode."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest
from tests.server.official_clients import PICTURE, WEATHER
from tests.server.running import Running, running, until

from pierian.access import Grant, Keys
from pierian.metering import UsageReport
from pierian.metering.money import UNIT
from pierian.metering.prices import Price, set_price
from pierian.metering.report import UsageRow
from pierian.models.wire import PICTURE_TOKENS, Request, Usage
from pierian.testing import FunctionalModel, NoUsage, Reply, Silence

MESSAGES: Any = [{"role": "user", "content": "Tell me a story."}]
TOKEN = UNIT // 1000
"""What a token of a prompt costs; answers are free."""
LONG = "\u00e9" * 50_000
TEMPLATE = 400
"""Tokens of the default system prompt that the double's template is said to have."""


def tool(description: str, name: str = "weather") -> Any:
    function = {"name": name, "description": description, "parameters": WEATHER}
    return {"type": "function", "function": function}


def called(arguments: str) -> Any:
    call = {"id": "c", "type": "function", "function": {"name": "weather", "arguments": arguments}}
    return [
        *MESSAGES,
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": "Rain."},
    ]


def pictures(number: int) -> Any:
    url = {"url": f"data:image/png;base64,{PICTURE}"}
    parts = [{"type": "text", "text": "What is this?"}, *([{"type": "image_url", "image_url": url}] * number)]
    return [{"role": "user", "content": parts}]


def form(schema: Any) -> Any:
    return {"type": "json_schema", "json_schema": {"name": "form", "schema": schema}}


HEAVY: dict[str, Any] = {
    "a template with a system prompt": {"messages": MESSAGES},
    "tools": {"messages": MESSAGES, "tools": [tool("x" * 100_000), tool(LONG, "climate")]},
    "arguments of calls": {"messages": called(json.dumps({"city": "y" * 200_000}))},
    "pictures": {"messages": pictures(3)},
    "a schema": {
        "messages": MESSAGES,
        "response_format": form({**WEATHER, "description": "z" * 100_000}),
    },
}
MODES: dict[str, Any] = {
    "direct": {"model": "small"},
    "instant": {"model": "pierian-instant"},
    "thinking": {"model": "pierian-thinking"},
    "contemplating": {"model": "pierian-contemplating"},
    "auto": {"model": "pierian-auto"},
    "a schema": {"model": "pierian-instant", "response_format": form(WEATHER)},
    "thinking and a schema": {"model": "pierian-thinking", "response_format": form(WEATHER)},
    "tools": {"model": "pierian-instant", "tools": [tool("Tells it.")], "tool_choice": "required"},
}


def prompt_tokens(request: Request) -> int:
    """As the worst tokenizer would count: every byte of all that came."""
    told = json.dumps(request.body("small", embedded=False)["messages"], ensure_ascii=False)
    told = told.replace(PICTURE, "")
    if request.tools:
        told += json.dumps(request.body("small", embedded=False)["tools"], indent=4, ensure_ascii=False)
    if request.schema is not None:
        told += json.dumps(request.schema, indent=4, ensure_ascii=False)
    images = sum(len(message.images) for message in request.messages)
    return TEMPLATE + len(told.encode()) + images * PICTURE_TOKENS


def reply(request: Request) -> Reply:
    return Reply("one two three four", usage=Usage(prompt_tokens(request), 0, 4))


@pytest.fixture
def api() -> Iterator[Running]:
    set_price(Price(model="small", input=TOKEN * 10**6, cached=TOKEN * 10**6))
    with running(FunctionalModel(reply, name="small")) as one:
        yield one


def row(api: Running) -> UsageRow:
    """What the books say of the partner's key, once nothing is open any more."""
    (key,) = Keys(api.service.database).list("partner")
    report = UsageReport(api.service.database)
    until(lambda: all(one.open_money == 0 for one in report.by_day(key=key.id)))
    (found,) = report.by_day(key=key.id)
    return found


def ask(api: Running, secret: str, body: Any) -> Any:
    with api.http(secret) as http:
        return http.post("/v1/chat/completions", json={"max_tokens": 4, "messages": MESSAGES} | body)


@pytest.mark.parametrize("what", HEAVY)
def test_whatever_a_request_carries_the_cap_holds(api: Running, what: str) -> None:
    body = {"model": "small"} | HEAVY[what]
    cost = TOKEN * ask(api, api.secret, body).json()["usage"]["prompt_tokens"]
    cap = 5 * cost // 2  # two of them, and not three
    secret = api.key(Grant(day_cap=cap))
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(ask, api, secret, body) for _ in range(8)]
        answers = [one.result() for one in asked]
    statuses = {one.status_code for one in answers}
    assert statuses == {200, 429}
    assert all(
        one.json()["error"]["code"] == "insufficient_quota" for one in answers if one.status_code == 429
    )
    assert 0 < row(api).money <= cap


@pytest.mark.parametrize("what", MODES)
async def test_whoever_leaves_early_pays_for_the_prompt(api: Running, what: str) -> None:
    api.upstream.faults = (Silence(after=1),)
    secret = api.key(Grant(day_cap=10**6 * TOKEN))
    body = {"max_tokens": 4000, "messages": MESSAGES} | MODES[what]
    for number in (1, 2):
        api.upstream.streaming.clear()
        api.upstream.disconnected.clear()
        headers = {"Authorization": f"Bearer {secret}"}
        async with httpx2.AsyncClient(base_url=api.address, headers=headers, timeout=20) as http:
            asking = asyncio.create_task(http.post("/v1/chat/completions", json=body))
            async with asyncio.timeout(20):
                while not api.upstream.streaming.is_set():
                    await asyncio.sleep(0.01)
            for _ in range(2):  # when these are answered, the piece sent before them was seen, too
                await http.get("/v1/usage")
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
        found = await asyncio.to_thread(row, api)
        assert found.prompt_tokens > 500 * number
        assert found.money == found.prompt_tokens * TOKEN


@pytest.mark.parametrize("what", MODES)
def test_a_reached_cap_is_said(api: Running, what: str) -> None:
    secret = api.key(Grant(day_cap=100 * TOKEN))
    answer = ask(api, secret, {"max_tokens": 4000} | MODES[what])
    assert answer.status_code == 429
    assert answer.json()["error"]["code"] == "insufficient_quota"
    assert "cap" in answer.json()["error"]["message"]
    assert api.upstream.bodies == []


@pytest.mark.parametrize("what", ["direct", "instant", "thinking"])
def test_a_server_that_counts_nothing_is_paid_by_the_bound(api: Running, what: str) -> None:
    api.upstream.faults = (NoUsage(),)
    secret = api.key(Grant())
    assert ask(api, secret, {"max_tokens": 50} | MODES[what]).status_code == 200
    found = row(api)
    assert found.prompt_tokens > 500
    assert found.money == found.prompt_tokens * TOKEN


def test_the_clients_own_limit_is_no_cap(api: Running) -> None:
    """What is asked for does not fit into what the client allows: an answer that was cut off, not a refusal."""
    answer = ask(api, api.key(Grant(day_cap=10**9 * TOKEN)), MODES["a schema"])
    assert answer.status_code == 200
    assert answer.json()["choices"][0]["finish_reason"] == "length"
