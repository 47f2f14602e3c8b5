"""The server's side of the wire: whatever a request says arrives in the double, and its calls arrive in the client."""

from __future__ import annotations

from typing import Any

import httpx2

from pierian.events import CalledTool
from pierian.models.client import Client, Endpoint
from pierian.models.wire import CallPiece, Finished, Message, OfferedTool, Piece, Request
from pierian.testing import ScriptedModel, serve

ASKED = Request(
    messages=(
        Message("user", "What is this?", images=("data:image/png;base64,AAAA",)),
        Message("assistant", "", calls=(CalledTool("c1", "clock", "{}"),)),
        Message("tool", "noon", answers="c1"),
    ),
    max_tokens=50,
    logprobs=True,
    top_logprobs=2,
    tools=(OfferedTool("clock", "Tells the time", {"type": "object"}), OfferedTool("dice", "Rolls")),
    tool_choice="clock",
)
CALLS = [CallPiece(0, "c1", "clock"), CallPiece(0, arguments='{"zone"'), CallPiece(0, arguments=": 1}")]


async def test_a_request_arrives_as_it_was_sent() -> None:
    model = ScriptedModel("Fine.")
    async with serve(model) as server, Client(Endpoint(server.base_url, "m")) as client:
        async for _ in client.stream(ASKED):
            pass
    assert model.requests == [ASKED]


async def test_calls_and_alternatives_arrive_in_the_client() -> None:
    told: tuple[dict[str, Any], ...] = ({"token": "x", "logprob": -1.0, "top_logprobs": []},)
    pieces = [Piece("x", logprob=-1.0, logprobs=told), *CALLS]
    async with serve(ScriptedModel(pieces)) as server, Client(Endpoint(server.base_url, "m")) as client:
        items = [item async for item in client.stream(ASKED)]
    assert items[:-1] == pieces
    assert isinstance(items[-1], Finished)
    assert items[-1].reason == "tool_calls"


async def test_a_whole_answer_joins_the_parts_of_a_call() -> None:
    async with serve(ScriptedModel(CALLS)) as server, httpx2.AsyncClient() as http:
        body = ASKED.body("m", embedded=False) | {"stream": False}
        answer = (await http.post(f"{server.base_url}/chat/completions", json=body)).json()
    (call,) = answer["choices"][0]["message"]["tool_calls"]
    assert call == {
        "id": "c1",
        "type": "function",
        "function": {"name": "clock", "arguments": '{"zone": 1}'},
    }
    assert answer["choices"][0]["finish_reason"] == "tool_calls"
