"""The official clients, reading from memory what a writer has written: no server is there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any, Protocol

import anthropic
import httpx2
import msgspec
import openai

from pierian.events import Answer, Check, DraftRecord, Receipt, Spend
from pierian.models.wire import CallPiece, Piece
from pierian.server.call import Ended, Item, Used

USED = Used(prompt_tokens=120, cached_tokens=100, completion_tokens=40, reasoning_tokens=25, money=0.0021)
RECEIPT = Receipt(
    "auto",
    "double",
    Spend(120, 100, 40),
    checks=(Check("arithmetic", "passed", "18 / 3 * 2 = 12", "print(12)"),),
    drafts=(DraftRecord(1, "program", "12", 20, "agreed"), DraftRecord(2, "steps", "12", 20, "agreed")),
    agreeing=2,
    took="thinking",
)
END = Ended("stop", USED, Answer("12 euros", RECEIPT, "12"))
WORDS: list[Item] = [
    Piece("18 pens ", thought=True),
    Piece("in threes.", thought=True),
    Piece("12 "),
    Piece("euros\n"),
    END,
]
CALLS: list[Item] = [
    Piece("Let me look."),
    CallPiece(0, "call_a", "weather", ""),
    CallPiece(0, arguments='{"city": "Pa'),
    CallPiece(0, arguments='ris"}'),
    CallPiece(1, "call_b", "clock", "{}"),
    Ended("tool_calls", USED),
]
PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
WEATHER = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


class Writer(Protocol):
    def opening(self) -> list[bytes]: ...
    def item(self, item: Item) -> list[bytes]: ...
    def closing(self) -> list[bytes]: ...
    def ping(self) -> bytes: ...
    def whole(self) -> dict[str, Any]: ...


def streamed(writer: Writer, items: list[Item]) -> bytes:
    """All that a stream of these items sends, a sign of life in it."""
    frames = [*writer.opening(), writer.ping()]
    for item in items:
        frames += writer.item(item)
    return b"".join([*frames, *writer.closing()])


def whole(writer: Writer, items: list[Item]) -> dict[str, Any]:
    """The body of the answer that these items make."""
    for item in items:
        writer.item(item)
    # Through bytes, as it travels.
    return msgspec.json.decode(msgspec.json.encode(writer.whole()))


def events(stream: bytes) -> list[dict[str, Any]]:
    """The data of all events, split as any client may split lines."""
    lines = stream.decode().splitlines()
    found = [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]
    return [msgspec.json.decode(data) for data in found if data != "[DONE]"]


class InPieces(httpx2.SyncByteStream, httpx2.AsyncByteStream):
    """Bytes that arrive in pieces whose ends mean nothing."""

    def __init__(self, content: bytes) -> None:
        self._pieces = [content[at : at + 37] for at in range(0, len(content), 37)]

    def __iter__(self) -> Iterator[bytes]:
        yield from self._pieces

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            yield piece


class Server:
    """Answers each request with the same; keeps the bodies of the requests."""

    def __init__(
        self, answer: bytes | dict[str, Any], status: int = 200, headers: dict[str, str] | None = None
    ) -> None:
        self.bodies: list[bytes] = []
        self._answer, self._status, self._headers = answer, status, headers or {}
        self.transport = httpx2.MockTransport(self._respond)

    def _respond(self, request: httpx2.Request) -> httpx2.Response:
        self.bodies.append(request.content)
        if isinstance(self._answer, dict):
            return httpx2.Response(self._status, json=self._answer, headers=self._headers)
        kind = {"content-type": "text/event-stream", **self._headers}
        return httpx2.Response(self._status, stream=InPieces(self._answer), headers=kind)

    @property
    def openai(self) -> openai.OpenAI:
        return openai.OpenAI(
            base_url="http://pierian/v1",
            api_key="k",
            http_client=httpx2.Client(transport=self.transport),
            max_retries=1,
            _strict_response_validation=True,
        )

    @property
    def openai_async(self) -> openai.AsyncOpenAI:
        client = httpx2.AsyncClient(transport=self.transport)
        return openai.AsyncOpenAI(
            base_url="http://pierian/v1", api_key="k", http_client=client, _strict_response_validation=True
        )

    @property
    def anthropic(self) -> anthropic.Anthropic:
        return anthropic.Anthropic(
            base_url="http://pierian",
            api_key="k",
            http_client=httpx2.Client(transport=self.transport),
            max_retries=1,
            _strict_response_validation=True,
        )

    @property
    def anthropic_async(self) -> anthropic.AsyncAnthropic:
        client = httpx2.AsyncClient(transport=self.transport)
        return anthropic.AsyncAnthropic(
            base_url="http://pierian", api_key="k", http_client=client, _strict_response_validation=True
        )
