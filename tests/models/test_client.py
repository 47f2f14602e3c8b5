"""The client against a real server on loopback: every way to fail becomes one error that says what to do."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pierian.exceptions import (
    ContextOverflow,
    ModelError,
    ServerRefused,
    ServerTimeout,
    ServerUnreachable,
    StreamBroken,
)
from pierian.models.client import Client, Endpoint, StreamItem
from pierian.models.wire import Finished, Message, Piece, PromptProgress, Request, Usage
from pierian.testing import (
    AutomaticModel,
    CloseMidStream,
    ErrorMidStream,
    Fault,
    FunctionalModel,
    Garbage,
    IgnoreSchema,
    InvalidText,
    NotAStream,
    NoUsage,
    Overflow,
    Refuse,
    ScriptedModel,
    Silence,
    serve,
)

ASK = Request(messages=(Message("user", "How many?"),), max_tokens=50)
TEXT = "Zwölf Äpfel, 十二個 🍎 apples."


async def everything(base_url: str, request: Request = ASK, *, key: str = "") -> list[StreamItem]:
    async with Client(Endpoint(base_url, "m", key), silence=10) as client:
        return [item async for item in client.stream(request)]


async def failure(*faults: Fault, silence: float = 10.0) -> ModelError:
    async with (
        serve(AutomaticModel(TEXT), *faults) as server,
        Client(Endpoint(server.base_url, "m"), silence=silence) as client,
    ):
        with pytest.raises(ModelError) as caught:
            async for _ in client.stream(ASK):
                pass
    return caught.value


def text_of(items: list[StreamItem]) -> str:
    return "".join(item.text for item in items if isinstance(item, Piece))


async def test_pieces_in_order_and_the_end_last() -> None:
    async with serve(AutomaticModel(TEXT)) as server:
        items = await everything(server.base_url)
    assert text_of(items) == TEXT
    assert items[-1] == Finished("stop", Usage(2, 0, 5))


async def test_the_body_is_what_the_request_says() -> None:
    async with serve(AutomaticModel()) as server:
        await everything(server.base_url)
        assert server.bodies == [ASK.body("m", embedded=False)]


async def test_the_key_is_sent_and_a_wrong_one_explained() -> None:
    async with serve(AutomaticModel(), api_key="sesame") as server:
        await everything(server.base_url, key="sesame")
        assert server.received[0].headers["authorization"] == "Bearer sesame"
        with pytest.raises(ServerRefused, match="refused the key") as caught:
            await everything(server.base_url, key="guess")
    assert (caught.value.status, caught.value.hint) == (401, "Set api_key.")
    assert "guess" not in str(caught.value)


async def test_no_key_no_header() -> None:
    async with serve(AutomaticModel()) as server:
        await everything(server.base_url)
        assert "authorization" not in server.received[0].headers


async def test_logprobs_progress_and_thoughts_arrive() -> None:
    pieces = [PromptProgress(1, 2, 0), Piece("hm", thought=True), Piece("4", logprob=-1.5)]
    async with serve(ScriptedModel(pieces)) as server:
        asked = Request(messages=ASK.messages, max_tokens=50, logprobs=True)
        items = await everything(server.base_url, asked)
        assert server.bodies[0]["logprobs"] is True
    assert items[:3] == [
        PromptProgress(1, 2, 0),
        Piece("hm", thought=True, logprob=-0.1),
        Piece("4", logprob=-1.5),
    ]


async def test_without_usage_pieces_are_counted() -> None:
    async with serve(AutomaticModel("a b c"), NoUsage()) as server:
        items = await everything(server.base_url)
    assert items[-1] == Finished("stop", Usage(0, 0, 3, counted_here=True))


async def test_the_limit_is_kept_and_said() -> None:
    async with serve(AutomaticModel("a b c d")) as server:
        items = await everything(server.base_url, Request(messages=ASK.messages, max_tokens=2))
    assert (text_of(items), items[-1]) == ("a b", Finished("length", Usage(2, 0, 2)))


async def test_a_schema_is_asked_for_whether_or_not_it_is_kept() -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    asked = Request(messages=ASK.messages, max_tokens=50, schema=schema)
    async with serve(AutomaticModel("No.")) as server:
        assert text_of(await everything(server.base_url, asked)) == '{"n":1}'
        server.faults = (IgnoreSchema(),)
        assert text_of(await everything(server.base_url, asked)) == "No."


@pytest.mark.parametrize(
    ("status", "says", "hint"),
    [
        (500, "answered 500: out of luck", "Try again"),
        (503, "answered 503: out of luck", "Try again"),
        (400, "answered 400: out of luck", ""),
        (403, "refused the key: out of luck", "api_key"),
        (404, "does not know the model 'm'", "models list"),
        (429, "too busy: out of luck", "Try again later."),
    ],
)
async def test_an_error_status_is_explained(status: int, says: str, hint: str) -> None:
    error = await failure(Refuse(status, "out of luck"))
    assert isinstance(error, ServerRefused)
    assert error.status == status
    assert says in str(error)
    assert hint in error.hint


async def test_a_busy_server_may_say_for_how_long() -> None:
    error = await failure(Refuse(429, headers={"Retry-After": "7"}))
    assert error.hint == "Try again in 7 seconds."


@pytest.mark.parametrize(
    "raw", ["", "<html>\n<h1>Bad gateway</h1>", "[]", '"no"', "null", '{"error": null}', "\x00"]
)
async def test_an_error_body_of_any_shape_is_one_line(raw: str) -> None:
    error = await failure(Refuse(502, raw=raw))
    assert isinstance(error, ServerRefused)
    assert "\n" not in str(error)


async def test_an_overflow_says_by_how_much() -> None:
    error = await failure(Overflow(5000, 4096))
    assert isinstance(error, ContextOverflow)
    assert (error.prompt_tokens, error.context_tokens) == (5000, 4096)
    assert "5,000 tokens, 904 more than the 4,096 that fit" in str(error)


async def test_an_overflow_in_other_words_is_one_too() -> None:
    error = await failure(Refuse(400, "This model's maximum context length is 4096 tokens."))
    assert isinstance(error, ContextOverflow)


@pytest.mark.parametrize("politely", [True, False])
async def test_a_stream_that_ends_early_keeps_the_text_so_far(politely: bool) -> None:
    error = await failure(CloseMidStream(2, politely=politely))
    assert isinstance(error, StreamBroken)
    assert "in the middle of the answer" in str(error)
    assert error.partial == "Zwölf Äpfel,"
    assert error.hint


async def test_a_stream_that_ends_before_it_begins() -> None:
    error = await failure(CloseMidStream(0))
    assert isinstance(error, StreamBroken)
    assert error.partial == ""


async def test_a_kept_connection_that_ends_in_the_moment_of_its_use_is_replaced() -> None:
    whole = b'data: {"choices":[{"delta":{"content":"a"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
    connections = 0

    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            for answers in (True, False):
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
                await reader.readexactly(length)
                if answers:
                    said = f"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: {len(whole)}\r\n\r\n"
                    writer.write(said.encode() + whole)
                    await writer.drain()
        writer.close()

    server = await asyncio.start_server(once, "127.0.0.1", 0)
    address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    async with server, Client(Endpoint(address, "m"), silence=10) as client:
        for number in (1, 2, 3):
            assert [item async for item in client.stream(ASK)]
            assert connections == number


async def test_garbage_is_shown_shortened() -> None:
    error = await failure(Garbage(1, data="{" + "x" * 500))
    assert isinstance(error, StreamBroken)
    assert "not in the OpenAI wire format: '{xxx" in str(error)
    assert len(str(error)) < 250


async def test_a_page_instead_of_a_stream() -> None:
    error = await failure(NotAStream())
    assert isinstance(error, StreamBroken)
    assert "does not speak the OpenAI wire format" in str(error)
    assert "base_url" in error.hint


async def test_json_instead_of_a_stream() -> None:
    error = await failure(NotAStream('{"id": "x", "choices": []}', "application/json"))
    assert isinstance(error, StreamBroken)


async def test_bytes_that_are_not_text_do_not_break_the_rest() -> None:
    async with serve(AutomaticModel("a b c"), InvalidText(1)) as server:
        text = text_of(await everything(server.base_url))
    assert text.replace("�", "") == "a b c"
    assert "�" in text


async def test_an_error_in_the_middle_is_said() -> None:
    error = await failure(ErrorMidStream(1, "the slot is gone"))
    assert isinstance(error, ServerRefused)
    assert "the slot is gone" in str(error)


@pytest.mark.parametrize("after", [0, 2])
async def test_silence_is_given_up(after: int) -> None:
    error = await failure(Silence(after), silence=0.2)
    assert isinstance(error, ServerTimeout)
    assert "silent" in str(error)
    assert "silence_seconds" in error.hint


async def test_nothing_listens() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
        with pytest.raises(ServerUnreachable, match="No model server answers") as caught:
            await everything(url)
    assert "base_url" in caught.value.hint


@pytest.mark.parametrize(
    "url",
    [
        "http://nowhere.invalid/v1",
        "ftp://127.0.0.1/v1",
        "not a url",
        "http://",
        "http://[::1",
    ],
)
async def test_an_address_that_cannot_be_one(url: str) -> None:
    with pytest.raises(ServerUnreachable) as caught:
        await everything(url)
    assert caught.value.hint


async def test_leaving_the_loop_early_closes_the_connection() -> None:
    async def forever() -> AsyncIterator[str]:
        while True:
            yield "on and on "
            await asyncio.sleep(0)

    model = FunctionalModel(lambda _: forever())
    asked = Request(messages=ASK.messages, max_tokens=10**9)
    async with serve(model) as server, Client(Endpoint(server.base_url, "m")) as client:
        async with contextlib.aclosing(client.stream(asked)) as items:
            assert await anext(items) == Piece("on and on ")
        await asyncio.wait_for(server.disconnected.wait(), 30)


async def test_a_hundred_and_one_may_ask_at_once() -> None:
    async def held() -> AsyncIterator[str]:
        yield "first"
        await asyncio.Event().wait()

    async with serve(FunctionalModel(lambda _: held())) as server:
        async with Client(Endpoint(server.base_url, "m"), silence=10) as client:
            streams = [client.stream(ASK) for _ in range(101)]
            assert await asyncio.gather(*map(anext, streams)) == [Piece("first")] * 101
            for stream in streams:
                await stream.aclose()


async def test_cancelling_a_silent_generation_closes_the_connection() -> None:
    async with serve(AutomaticModel(), Silence()) as server, Client(Endpoint(server.base_url, "m")) as client:
        items = client.stream(ASK)
        waiting = asyncio.create_task(anext(items))
        while not server.received:
            await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        await asyncio.wait_for(server.disconnected.wait(), 30)
        await items.aclose()


async def test_a_finished_stream_is_no_disconnection() -> None:
    async with serve(AutomaticModel()) as server:
        await everything(server.base_url)
        assert not server.disconnected.is_set()


async def test_many_streams_at_once_do_not_mix() -> None:
    model = FunctionalModel(lambda request: f"You said {request.messages[-1].content}.")
    async with serve(model, chunk_bytes=7) as server, Client(Endpoint(server.base_url, "m")) as client:

        async def one(number: int) -> str:
            asked = Request(messages=(Message("user", str(number)),), max_tokens=50)
            return text_of([item async for item in client.stream(asked)])

        texts = await asyncio.gather(*(one(n) for n in range(20)))
    assert texts == [f"You said {n}." for n in range(20)]


async def test_models_are_listed() -> None:
    async with (
        serve(AutomaticModel(name="glimmer")) as server,
        Client(Endpoint(server.base_url, "m")) as client,
    ):
        assert await client.models() == ["glimmer"]


@pytest.mark.parametrize("content", ["[]", "{}", "7", '{"data": 1}', '{"data": [{}]}', "x", '{"data": [1]}'])
async def test_a_list_of_models_in_another_form(content: str) -> None:
    async with (
        serve(AutomaticModel(), NotAStream(content, "application/json")) as server,
        Client(Endpoint(server.base_url, "m")) as client,
    ):
        with pytest.raises(StreamBroken, match="does not speak"):
            await client.models()


async def test_no_models_without_the_key() -> None:
    async with (
        serve(AutomaticModel(), api_key="sesame") as server,
        Client(Endpoint(server.base_url, "m")) as client,
    ):
        with pytest.raises(ServerRefused, match="refused the key"):
            await client.models()


PIECES = st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), min_size=1, max_size=8)


@settings(max_examples=30)
@given(pieces=PIECES, size=st.integers(1, 40))
async def test_however_the_bytes_are_cut_the_pieces_are_the_same(pieces: list[str], size: int) -> None:
    async with serve(FunctionalModel(lambda _: list(pieces)), chunk_bytes=size) as server:
        items = await everything(server.base_url)
    assert [item.text for item in items if isinstance(item, Piece)] == pieces
    assert isinstance(items[-1], Finished)
