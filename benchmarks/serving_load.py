"""The clients of the serving benchmark, as a process of their own: `python -m benchmarks.serving_load JSON`.

A number of clients ask in a closed loop, each on one connection that stays open: the next request follows the answer
to the last. Every answer is read to its end and checked: all tokens there, once and in order, and the usage that the
server was asked for. What was seen is printed as one line of JSON. Nothing of Pierian's is imported here.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections import Counter
from typing import Any, cast
from urllib.parse import urlsplit

import httptools
import msgspec

from benchmarks.serving_upstream import PROMPT_TOKENS, answer

SYSTEM = "You are a helpful assistant. Answer briefly, and say so when you do not know."
QUESTION = (
    "A small harbour has room for twelve boats. In spring five come, in summer nine more, and three leave before the "
    "first storm. How many boats look for another harbour, and when?"
)
TIMEOUT_SECONDS = 120.0


class Job(msgspec.Struct):
    """What to ask, how often, of whom."""

    url: str
    key: str
    model: str
    tokens: int
    stream: bool
    clients: int
    seconds: float
    spread: float = 0.0
    """Seconds over which the clients begin, evenly; without it they all begin at once."""


class Seen(msgspec.Struct):
    """What came of it. Times are in seconds."""

    done: int = 0
    """Answers that ended, right or wrong."""
    right: int = 0
    elapsed: float = 0.0
    """Until the last of them ended: what was begun in time is waited for."""
    tokens: int = 0
    first: list[float] = []
    whole: list[float] = []
    lost: int = 0
    """Answers in which a token was missing, doubled or out of its place."""
    miscounted: int = 0
    """Answers whose usage was missing or wrong."""
    errors: dict[str, int] = {}
    cpu: float = 0.0
    """Of this process."""


class _Delta(msgspec.Struct):
    content: str | None = None


class _Choice(msgspec.Struct):
    delta: _Delta | None = None
    message: _Delta | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int = 0
    completion_tokens: int = 0


class _Body(msgspec.Struct):
    choices: list[_Choice] = []
    usage: _Usage | None = None
    error: Any = None


_DECODER = msgspec.json.Decoder(_Body)


class Client(asyncio.Protocol):
    """One connection. `ask` resolves when an answer has ended; what it was stands in the fields."""

    def __init__(self, streamed: bool) -> None:
        self._streamed = streamed
        self._done: asyncio.Future[None] | None = None
        self.closed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by name

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        self._fail("the connection was closed")

    def ask(self, request: bytes) -> asyncio.Future[None]:
        """Send a request."""
        self._parser = httptools.HttpResponseParser(self)
        self._rest = b""
        self.texts: list[str] = []
        self.first = 0.0
        self.usage: _Usage | None = None
        self.failure = ""
        self._done = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return self._done

    def close(self) -> None:
        """End the connection."""
        self._done = None
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(f"not HTTP: {error}")

    # What the parser calls:

    def on_body(self, body: bytes) -> None:
        data = self._rest + body
        if not self._streamed or self._parser.get_status_code() != 200:
            self._rest = data
            return
        *events, self._rest = data.split(b"\n\n")
        for event in events:
            if event.startswith(b"data: {"):
                self._take(event[6:])

    def on_message_complete(self) -> None:
        status = self._parser.get_status_code()
        if status != 200:
            self._fail(f"status {status}: {self._rest[:200].decode(errors='replace')}")
        else:
            if not self._streamed:
                self._take(self._rest)
            self._resolve()

    def _take(self, data: bytes) -> None:
        try:
            body = _DECODER.decode(data)
        except msgspec.MsgspecError as error:
            self.failure = f"not a chunk: {error}"
            return
        if body.error is not None:
            self.failure = f"told: {body.error}"[:200]
        self.usage = body.usage or self.usage
        for choice in body.choices:
            said = choice.delta or choice.message
            if said is not None and said.content:
                self.first = self.first or time.perf_counter()
                self.texts.append(said.content)

    def _fail(self, why: str) -> None:
        self.failure = self.failure or why
        self._resolve()

    def _resolve(self) -> None:
        if self._done is not None and not self._done.done():
            self._done.set_result(None)


class Load:
    """All clients of one job."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.seen = Seen()
        self._errors = Counter[str]()
        self._expected = answer(job.tokens)
        where = urlsplit(job.url)
        self._address = where.hostname or "", where.port or 80
        asked: dict[str, Any] = {
            "model": job.model,
            "messages": [{"role": "system", "content": SYSTEM}, {"role": "user", "content": QUESTION}],
            "max_tokens": job.tokens,
            "temperature": 0,
            "stream": job.stream,
        }
        if job.stream:
            asked["stream_options"] = {"include_usage": True}
        body = msgspec.json.encode(asked)
        head = (
            f"POST {where.path}/chat/completions HTTP/1.1\r\nhost: {where.netloc}\r\n"
            f"authorization: Bearer {job.key}\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\n\r\n"
        )
        self._request = head.encode() + body

    async def run(self) -> Seen:
        """Ask until the time is over; answers that were begun are read to their end."""
        clients = [await self._connected() for _ in range(self.job.clients)]
        self._begin = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for number, client in enumerate(clients):
                group.create_task(self._ask_on(client, number / len(clients) * self.job.spread))
        self.seen.elapsed = time.perf_counter() - self._begin
        self.seen.errors = dict(self._errors.most_common(5))
        self.seen.cpu = time.process_time()
        return self.seen

    async def _connected(self) -> Client:
        loop = asyncio.get_running_loop()
        _, client = await loop.create_connection(lambda: Client(self.job.stream), *self._address)
        return client

    async def _ask_on(self, client: Client, wait: float) -> None:
        await asyncio.sleep(wait)
        while time.perf_counter() < self._begin + self.job.seconds:
            if client.closed:
                client = await self._connected()
            started = time.perf_counter()
            try:
                async with asyncio.timeout(TIMEOUT_SECONDS):
                    await client.ask(self._request)
            except TimeoutError:
                client.failure = "no answer in time"
            self._note(client, started)
            if client.failure and not client.closed:
                client.close()
                client.closed = True
        client.close()

    def _note(self, client: Client, started: float) -> None:
        ended, seen = time.perf_counter(), self.seen
        seen.done += 1
        if client.failure:
            self._errors[client.failure] += 1
            return
        right = "".join(client.texts) == self._expected
        seen.lost += not right
        counts = client.usage and (client.usage.prompt_tokens, client.usage.completion_tokens)
        seen.miscounted += counts != (PROMPT_TOKENS, self.job.tokens)
        seen.tokens += self.job.tokens
        seen.right += right
        seen.first.append(client.first - started)
        seen.whole.append(ended - started)


async def main(job: Job) -> None:
    """Run a job and print what was seen."""
    print(msgspec.json.encode(await Load(job).run()).decode())


if __name__ == "__main__":
    import uvloop

    sys.exit(uvloop.run(main(msgspec.json.decode(sys.argv[1], type=Job))))
