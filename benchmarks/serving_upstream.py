"""The model server that the serving benchmark stands in for: `python -m benchmarks.serving_upstream`.

It streams numbered tokens in the OpenAI wire format over HTTP/1.1, from frames that are encoded before anybody asks,
so that what stands in front of it is measured and not this. Which pace is meant is said by the model's name: `fast`
answers at once, in one write; `paced-50` begins after `FIRST_SECONDS` and sends 50 tokens a second, each in a write
of its own. It understands what the benchmark's clients send and nothing more.
"""

from __future__ import annotations

import asyncio
import re
import sys
from typing import cast

import msgspec

FIRST_SECONDS = 0.020
PROMPT_TOKENS = 60
MOST_TOKENS = 2000
FAST = "fast"
MODELS = (FAST, "paced-50", "paced-10", "paced-5")

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\n%b\r\n\r\n"
_STREAM_HEAD = _HEAD % (b"text/event-stream", b"transfer-encoding: chunked")
_END = b"0\r\n\r\n"


class _Options(msgspec.Struct):
    include_usage: bool = False


class _Asked(msgspec.Struct):
    model: str
    max_tokens: int
    stream: bool = False
    stream_options: _Options | None = None


_DECODER = msgspec.json.Decoder(_Asked)


def token(number: int) -> str:
    """The text of a token, which says its number."""
    return f"{number} "


def answer(tokens: int) -> str:
    """The text of a whole answer."""
    return "".join(token(number) for number in range(tokens))


def usage(tokens: int) -> dict[str, int]:
    """What the server says was used."""
    return {
        "prompt_tokens": PROMPT_TOKENS,
        "completion_tokens": tokens,
        "total_tokens": PROMPT_TOKENS + tokens,
    }


def _chunk(model: str, choices: list[object], **more: object) -> bytes:
    body = {"id": "chatcmpl-0", "object": "chat.completion.chunk", "created": 1, "model": model}
    event = b"data: %b\n\n" % msgspec.json.encode(body | {"choices": choices} | more)
    return b"%x\r\n%b\r\n" % (len(event), event)


def _choice(delta: dict[str, str], reason: str | None = None) -> dict[str, object]:
    return {"index": 0, "delta": delta, "finish_reason": reason}


class Frames:
    """Everything that a model's answers consist of, encoded once."""

    def __init__(self, model: str) -> None:
        self.model = model
        self.opening = _chunk(model, [_choice({"role": "assistant", "content": ""})])
        self.tokens = [_chunk(model, [_choice({"content": token(number)})]) for number in range(MOST_TOKENS)]
        self.stop = _chunk(model, [_choice({}, "stop")])
        done = b"data: [DONE]\n\n"
        self.done = b"%x\r\n%b\r\n" % (len(done), done) + _END
        self._ends: dict[tuple[int, bool], bytes] = {}
        self._wholes: dict[int, bytes] = {}
        self._at_once: dict[tuple[int, bool], bytes] = {}

    def end(self, tokens: int, counted: bool) -> bytes:
        """What follows the last token."""
        if (found := self._ends.get((tokens, counted))) is None:
            told = _chunk(self.model, [], usage=usage(tokens)) if counted else b""
            found = self._ends[tokens, counted] = self.stop + told + self.done
        return found

    def at_once(self, tokens: int, counted: bool) -> bytes:
        """A streamed answer without a pause."""
        if (found := self._at_once.get((tokens, counted))) is None:
            between = b"".join(self.tokens[:tokens])
            found = _STREAM_HEAD + self.opening + between + self.end(tokens, counted)
            self._at_once[tokens, counted] = found
        return found

    def whole(self, tokens: int) -> bytes:
        """An answer that is not streamed."""
        if (found := self._wholes.get(tokens)) is None:
            message = {"role": "assistant", "content": answer(tokens)}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            body = msgspec.json.encode(
                {
                    "id": "chatcmpl-0",
                    "object": "chat.completion",
                    "created": 1,
                    "model": self.model,
                    "choices": [choice],
                    "usage": usage(tokens),
                }
            )
            found = self._wholes[tokens] = _json(body)
        return found


def _json(body: bytes) -> bytes:
    return _HEAD % (b"application/json", b"content-length: %d" % len(body)) + body


FRAMES = {model: Frames(model) for model in MODELS}
_LISTED = _json(msgspec.json.encode({"object": "list", "data": [{"id": model} for model in MODELS]}))
_UNKNOWN = b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"


class Connection(asyncio.Protocol):
    """One connection, which asks for one answer after the other."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._read = bytearray()
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by name

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        self._read += data
        end = self._read.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(self._read[:end])
        length = int(found[1]) if (found := _LENGTH.search(head)) else 0
        if len(self._read) < end + 4 + length:
            return
        body = bytes(self._read[end + 4 : end + 4 + length])
        del self._read[: end + 4 + length]
        self._answer(head, body)

    def _answer(self, head: bytes, body: bytes) -> None:
        if head.startswith(b"GET"):
            self._transport.write(_LISTED if b"/models" in head[:40] else _UNKNOWN)
            return
        asked = _DECODER.decode(body)
        frames, tokens = FRAMES[asked.model], min(asked.max_tokens, MOST_TOKENS)
        counted = asked.stream_options is not None and asked.stream_options.include_usage
        if not asked.stream:
            self._transport.write(frames.whole(tokens))
        elif asked.model == FAST:
            self._transport.write(frames.at_once(tokens, counted))
        else:
            pause = 1 / int(asked.model.partition("-")[2])
            first = self._loop.time() + FIRST_SECONDS
            self._transport.write(_STREAM_HEAD + frames.opening)
            self._timer = self._loop.call_at(first, self._send, frames, 0, tokens, counted, first, pause)

    def _send(
        self, frames: Frames, number: int, tokens: int, counted: bool, first: float, pause: float
    ) -> None:
        """One token, and the appointment for the next; times do not add up errors."""
        if number + 1 == tokens:
            self._transport.write(frames.tokens[number] + frames.end(tokens, counted))
            return
        self._transport.write(frames.tokens[number])
        at = first + (number + 1) * pause
        self._timer = self._loop.call_at(at, self._send, frames, number + 1, tokens, counted, first, pause)


async def main() -> None:
    """Serve until the process is ended; the port is the first line of output."""
    server = await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", 0, backlog=2048)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    import uvloop

    sys.exit(uvloop.run(main()))
