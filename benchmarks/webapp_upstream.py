"""The model server behind both web apps of the `webapp` benchmark: `python -m benchmarks.webapp_upstream`.

How an answer comes is said by the question itself, see `question`: so many tokens, at this rate, the first after so
many milliseconds. The head of the response leaves together with the first token, whose text is a mark that no other
answer has; when that was, by the wall clock, is what `GET /seen` tells. Text is Markdown as models write it. The
small jobs that Open WebUI gives to the same model (a title, tags, what to ask next) are answered at once.
"""

from __future__ import annotations

import asyncio
import re
import sys
import time
from itertools import cycle, islice
from typing import Any

import msgspec

from pierian.models.wire import Finished, Piece, Usage
from pierian.testing.plain_http import Response, read_request
from pierian.testing.wire_format import chunk, whole

MODEL = "double"
_ASKED = re.compile(r"\(([a-z]+\d+): (\d+) tokens, (\d+) a second, after (\d+) ms\)")
_TASK = "### Task:"
"""How the prompts of Open WebUI's small jobs begin; the questions before them stand in them too."""
_SMALL_JOB = '{"title": "Springs", "tags": ["water"], "follow_ups": ["Where do they begin?"]}'

PARAGRAPH = """Water that falls on the hills sinks through the rock until it meets a layer that holds it, and follows
that layer to where the slope cuts it open. **What comes out there is a spring**, as steady as the rock is deep: in a
wide bed of chalk the rain of one winter may take *years* to arrive, and a dry summer is hardly noticed at all."""
LISTING = """Three things decide how much it gives:

- how much rain falls on the ground above it, and when;
- how fast the ground takes it in, which `infiltration()` estimates;
- how long the way is from there to the mouth.
"""
CODE = """```python
def infiltration(rain: float, slope: float) -> float:
    \"\"\"Millimetres that sink in, of those that fall.\"\"\"
    return max(0.0, rain * (1 - slope) - 2.5)
```
"""
TABLE = """| rock | years | flow |
|---|---|---|
| chalk | 3 | steady |
| granite | 0.2 | after rain |
"""
ANSWER = "\n\n".join([PARAGRAPH.replace("\n", " "), LISTING, PARAGRAPH.replace("\n", " "), CODE, TABLE])
_TOKENS = [*re.findall(r"\s*\S+", ANSWER), "\n\n"]


def question(mark: str, tokens: int, rate: int, after: int) -> str:
    """A question whose answer begins with `mark` in capitals and has so many tokens, the first after `after` ms."""
    return f"Tell me about springs ({mark}: {tokens} tokens, {rate} a second, after {after} ms)."


def stored(turns: int) -> list[tuple[str, str]]:
    """A conversation of so many turns as both apps are given it: roles and texts."""
    return [
        ("user", f"What else is there to know about springs? ({number // 2 + 1})")
        if number % 2 == 0
        else ("assistant", ANSWER)
        for number in range(turns)
    ]


class Seen(msgspec.Struct):
    """When an answer was asked for, begun and ended, in seconds since the epoch."""

    asked: float
    first: float = 0.0
    last: float = 0.0


class Upstream:
    """What came in and what is answered."""

    def __init__(self) -> None:
        self.seen: dict[str, Seen] = {}

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection, which asks once."""
        try:
            if (read := await read_request(reader)) is not None:
                await self._answer(read[1], read[3], Response(writer))
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _answer(self, path: str, body: Any, out: Response) -> None:
        if path.endswith("/models"):
            listed = [{"id": MODEL, "object": "model", "created": 1, "owned_by": "benchmark"}]
            await out.json(200, {"object": "list", "data": listed})
        elif path == "/seen":
            await out.json(200, self.seen)
        elif path.endswith("/chat/completions"):
            await self._complete(body, out)
        else:
            await out.json(404, {"error": {"message": "unknown address"}})

    async def _complete(self, body: Any, out: Response) -> None:
        said = str(body["messages"][-1]["content"])
        asked = None if said.startswith(_TASK) else _ASKED.search(said)
        text, rate, after = [_SMALL_JOB], 1000, 0
        seen = Seen(time.time())
        if asked is not None:
            mark, tokens, rate, after = asked[1], *map(int, asked.groups()[1:])
            text = [f"{mark.upper()} ", *islice(cycle(_TOKENS), tokens - 1)]
            self.seen[mark] = seen
        if not body.get("stream"):
            await out.json(200, whole(MODEL, [Piece("".join(text)), _end(len(text))]))
            return
        await self._stream(text, rate, after / 1000, seen, out)

    async def _stream(self, text: list[str], rate: int, after: float, seen: Seen, out: Response) -> None:
        """Token by token; times do not add up errors."""
        loop = asyncio.get_running_loop()
        begin = loop.time() + after
        for number, token in enumerate(text):
            await asyncio.sleep(begin + number / rate - loop.time())
            if number == 0:
                seen.first = time.time()
                await out.start(200, {"Content-Type": "text/event-stream; charset=utf-8"})
            await out.event(chunk(MODEL, Piece(token)))
        end = _end(len(text))
        await out.event(chunk(MODEL, end))
        await out.event(chunk(MODEL, end.usage))
        await out.send(b"data: [DONE]\n\n", last=True)
        seen.last = time.time()


def _end(tokens: int) -> Finished:
    return Finished("stop", Usage(20, 0, tokens))


async def main() -> None:
    """Serve until the process is ended; the port is the first line of output."""
    server = await asyncio.start_server(Upstream().handle, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
