"""Several servers as one, against real servers on loopback: who gets a request, and what happens when one fails."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from pierian.config import Settings
from pierian.exceptions import ServerRefused, ServerUnreachable, StreamBroken
from pierian.models import client as wire_client
from pierian.models import routing
from pierian.models.client import Client, Endpoint
from pierian.models.model import Model, open_model
from pierian.models.profiles import profile_for
from pierian.models.routing import Router
from pierian.models.wire import CallPiece, Finished, Message, OfferedTool, Piece, Request
from pierian.testing import (
    CloseMidStream,
    Double,
    Fault,
    FunctionalModel,
    Kind,
    ModelServer,
    Refuse,
    ScriptedModel,
    Silence,
    serve,
)

SYSTEM = Message("system", "You are helpful.")


class Clock:
    """Time that passes only when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    """No looks in the background, unless a test asks for them."""
    clock = Clock()
    monkeypatch.setattr(routing, "monotonic", clock)
    monkeypatch.setattr(routing, "LOOK_EVERY_SECONDS", 10_000.0)
    return clock


def request(*texts: str) -> Request:
    turns = (Message("assistant" if n % 2 else "user", text) for n, text in enumerate(texts))
    return Request(messages=(SYSTEM, *turns), max_tokens=10**6)


def cold(text: str) -> Request:
    """A request whose beginning no server has read."""
    return Request(messages=(Message("user", text),), max_tokens=10**6)


def double(name: str) -> Double:
    """A model that answers with its own name."""
    return FunctionalModel(lambda _: name, name="m")


@contextlib.asynccontextmanager
async def servers(
    *faults: tuple[Fault, ...], kind: Kind = "llama.cpp"
) -> AsyncIterator[tuple[Router, list[ModelServer]]]:
    """A server for each tuple of faults, called a, b …, and a router over them."""
    async with contextlib.AsyncExitStack() as stack:
        running = [
            await stack.enter_async_context(serve(double("abcdefgh"[n]), *wrong, kind=kind))
            for n, wrong in enumerate(faults)
        ]
        endpoints = [Endpoint(server.base_url, "m") for server in running]
        yield await stack.enter_async_context(Router(endpoints, silence=10)), running


async def said(router: Router, asked: Request | None = None, *, model: str = "") -> str:
    stream = router.stream(asked or request("How many?"), model=model)
    return "".join([item.text async for item in stream if isinstance(item, Piece)])


def first(router: Router, preferred: int) -> None:
    """Make one server the first choice by pretending that the others have more to do."""
    for number, server in enumerate(router.servers):
        server._of_others = 0 if number == preferred else 1  # pyright: ignore[reportPrivateUsage]


async def test_one_of_two_dies_and_comes_back(clock: Clock) -> None:
    async with serve(double("b")) as other, contextlib.AsyncExitStack() as stack:
        dying = await stack.enter_async_context(serve(double("a")))
        endpoints = [Endpoint(dying.base_url, "m"), Endpoint(other.base_url, "m")]
        async with Router(endpoints) as router:
            first(router, 0)
            assert await said(router) == "a"
            await stack.aclose()
            assert [await said(router) for _ in range(5)] == ["b"] * 5
            assert (router.servers[0].failures, router.slots) == (1, 4)

            async with serve(double("a"), port=int(dying.base_url.split(":")[2].removesuffix("/v1"))):
                clock.now += 1
                await router.look()
                assert (router.servers[0].failures, router.slots) == (1, 8)
                assert router.servers[0].since == 1000
                router.servers[1].in_flight += 4
                assert await said(router, request("Another one?")) == "a"
                router.servers[1].in_flight -= 4
                assert (router.servers[0].failures, router.servers[0].since) == (0, 1001)


async def test_a_server_that_ended_is_not_asked_before_a_look_has_found_it(clock: Clock) -> None:
    async with serve(double("b")) as other:
        async with Router([Endpoint(unused(), "m"), Endpoint(other.base_url, "m")]) as router:
            clock.now += 100
            assert [await said(router) for _ in range(3)] == ["b"] * 3
            assert router.servers[0].failures == 1, "no request ran into it"


async def test_a_server_that_ended_has_read_nothing(clock: Clock) -> None:
    async with servers((), ()) as (router, _):
        first(router, 0)
        assert await said(router, cold("a chat")) == "a"
        address = router.servers[0].client.endpoint.base_url
        await router.servers[0].client.__aexit__(None, None, None)
        router.servers[0].client = Client(Endpoint(unused(), "m"))
        assert await said(router, cold("another")) == "b"
        await router.servers[0].client.__aexit__(None, None, None)
        router.servers[0].client = Client(Endpoint(address, "m"))
        clock.now += 1
        await router.look()
        first(router, 1)
        assert await said(router, cold("a chat")) == "b"


async def test_back_off_doubles_up_to_half_a_minute(clock: Clock) -> None:
    async with Router([Endpoint(unused(), "m"), Endpoint(unused(), "m")]) as router:
        waits: list[float] = []
        for _ in range(7):
            waits.append(router.servers[0].retry_at - clock.now)
            clock.now += waits[-1] - 0.01
            await router.look()
            assert len(waits) == router.servers[0].failures, "not due yet"
            clock.now += 0.01
            await router.look()
        assert waits == pytest.approx([1, 2, 4, 8, 16, 30, 30])
        router.servers[0].failures = 100_000
        clock.now += 30
        await router.look()
        assert router.servers[0].retry_at - clock.now == 30


async def test_a_server_that_hangs_is_left_alone_after_two_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire_client, "LOOK_SECONDS", 0.05)
    async with servers((), ()) as (router, running):
        running[0].faults = (Silence(),)
        await router.look()
        assert router.servers[0].failures == 0, "it may be at work"
        await router.look()
        assert router.servers[0].failures == 1
        assert await said(router) == "b"


async def test_the_same_beginning_goes_to_the_same_server() -> None:
    async with servers((), (), ()) as (router, _):
        chats = {name: await said(router, request(name)) for name in ("one", "two", "three")}
        for name, server in chats.items():
            for turns in range(1, 5):
                assert await said(router, request(name, *["and?"] * 2 * turns)) == server
        # A new chat shares the system prompt with all three: any of them will do, and none is asked twice over.
        assert await said(router, request("four")) in "abc"


async def test_a_shared_beginning_is_used_where_it_was_read() -> None:
    async with servers((), (), ()) as (router, _):
        server = await said(router, request("one"))
        assert {await said(router, request(str(n))) for n in range(20)} == {server}


@pytest.mark.parametrize("kind", ["llama.cpp", "vllm", "sglang"])
async def test_a_warm_server_without_a_free_slot_is_passed_over(kind: Kind) -> None:
    async with servers((), (), kind=kind) as (router, running):
        first(router, 0)
        assert await said(router, request("one")) == "a"
        running[0].others = 3
        await router.look()
        assert await said(router, request("one", "so", "and?")) == "a", "one slot is free"
        running[0].others = 5
        await router.look()
        assert await said(router, request("one", "so", "and?")) == "b"
        if kind != "llama.cpp":  # which does not tell how many wait
            running[1].others = 9
            await router.look()
            for _ in range(5):
                assert await said(router, request("one", "so", "and?")) == "a", "the shorter queue"


async def test_requests_in_flight_fill_slots_before_any_look() -> None:
    gate = asyncio.Event()

    async def wait(name: str) -> AsyncIterator[str]:
        yield name
        await gate.wait()

    async with (
        serve(FunctionalModel(lambda _: wait("a"), name="m"), slots=2) as one,
        serve(FunctionalModel(lambda _: wait("b"), name="m"), slots=2) as other,
        Router([Endpoint(one.base_url, "m"), Endpoint(other.base_url, "m")]) as router,
    ):
        streams = [router.stream(request("same")) for _ in range(5)]
        names = [item.text for stream in streams if isinstance(item := await anext(stream), Piece)]
        assert sorted(names[:4]) == ["a", "a", "b", "b"]
        assert names[0] == names[1], "the beginning is there, and so is a slot"
        gate.set()
        for stream in streams:
            await stream.aclose()
        assert [server.in_flight for server in router.servers] == [0, 0]


async def test_a_server_that_tells_nothing_is_used_up_to_the_assumed_slots() -> None:
    async with servers((), (), kind="plain") as (router, _):
        server = await said(router)
        warm = next(s for s, name in zip(router.servers, "ab", strict=True) if name == server)
        warm.in_flight += 7
        assert await said(router) == server
        warm.in_flight += 1
        assert await said(router) != server
        warm.in_flight -= 8


@pytest.mark.parametrize("status", [429, 502, 503])
async def test_a_server_that_is_too_busy_is_passed_over(status: int) -> None:
    async with servers((), ()) as (router, running):
        running[0].faults = (Refuse(status),)
        first(router, 0)
        assert await said(router) == "b"
        assert await said(router) == "b"
        assert len(running[0].bodies) == 1, "it is left alone for a while"


async def test_a_server_that_hangs_up_before_its_answer_is_passed_over() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    async with servers((), ()) as (_, running):
        listening = await asyncio.start_server(hang_up, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1"
        two = Router([Endpoint(url, "m"), Endpoint(running[1].base_url, "m")])
        first(two, 0)
        async with contextlib.aclosing(two.stream(request("x"))) as items:
            assert await anext(items) == Piece("b")
        await two.__aexit__(None, None, None)
        listening.close()


@pytest.mark.parametrize("status", [400, 401, 404, 413, 422, 500])
async def test_a_refusal_of_the_request_itself_is_not_repeated(status: int) -> None:
    async with servers((), ()) as (router, running):
        running[0].faults = (Refuse(status, "not like this"),)
        first(router, 0)
        with pytest.raises(ServerRefused, match="not like this") as caught:
            await said(router)
        assert caught.value.status == status
        assert running[1].bodies == []
        assert [server.failures for server in router.servers] == [0, 0]


@pytest.mark.parametrize("after", [0, 1])
async def test_after_the_first_byte_nothing_is_repeated(after: int) -> None:
    async with servers((CloseMidStream(after),), ()) as (router, running):
        first(router, 0)
        running[0].model = FunctionalModel(lambda _: "one two", name="m")
        with pytest.raises(StreamBroken) as caught:
            await said(router)
        assert caught.value.partial == "one"[: 3 * after]
        assert running[1].bodies == []
        assert [server.in_flight for server in router.servers] == [0, 0]


async def test_nobody_answers() -> None:
    urls = [unused(), unused(), unused()]
    async with Router([Endpoint(url, "m") for url in urls]) as router:
        with pytest.raises(ServerUnreachable, match="None of the 3 model servers answers") as caught:
            await said(router)
        assert all(url in str(caught.value) for url in urls)
        assert "base_url" in caught.value.hint
        with pytest.raises(ServerUnreachable, match="None of the 3"):
            await router.models()
        with pytest.raises(ServerUnreachable, match="None of the 3"):
            await router.embed(["text"])
        assert router.slots == 24


async def test_all_are_too_busy() -> None:
    async with servers((Refuse(429, "full"),), (Refuse(503, "loading"),)) as (router, running):
        with pytest.raises(ServerRefused, match="takes the request") as caught:
            await said(router)
        assert "full" in str(caught.value)
        assert "loading" in str(caught.value)
        assert [len(server.bodies) for server in running] == [1, 1], "each is asked once"


async def test_a_server_started_just_now_is_found_without_a_look() -> None:
    urls = [unused(), unused()]
    async with Router([Endpoint(url, "m") for url in urls]) as router:
        async with serve(double("b"), port=int(urls[1].split(":")[2].removesuffix("/v1"))):
            assert await said(router) == "b"


async def test_many_requests_that_fail_together_are_one_failure() -> None:
    async with servers((), ()) as (router, running):
        running[0].faults = (Refuse(503),)
        assert await asyncio.gather(*(said(router, request(str(n))) for n in range(6))) == ["b"] * 6
        assert len(running[0].bodies) > 1
        assert router.servers[0].failures == 1


async def test_one_request_at_a_time_finds_out_whether_a_server_is_well_again(clock: Clock) -> None:
    async with servers((), ()) as (router, running):
        running[0].faults = (Refuse(503),)
        first(router, 0)
        assert await said(router, cold("one")) == "b"
        running[0].faults = ()
        clock.now += 1
        await router.look()
        first(router, 0)
        running[0].faults = (Silence(),)
        probe = asyncio.create_task(said(router, cold("probe")))
        async with asyncio.timeout(30):
            while len(running[0].bodies) < 2:
                await asyncio.sleep(0)
        assert await said(router, cold("meanwhile")) == "b"
        probe.cancel()
        await asyncio.gather(probe, return_exceptions=True)
        running[0].faults = ()
        assert await said(router, cold("later")) == "a", "a cancelled probe leaves its place to the next"
        assert router.servers[0].failures == 0


async def test_a_model_is_asked_for_where_it_is_served() -> None:
    async with (
        serve(FunctionalModel(lambda _: "big one", name="big")) as big,
        serve(FunctionalModel(lambda _: "small one", name="small")) as small,
        Router([Endpoint(big.base_url, "big"), Endpoint(small.base_url, "big")]) as router,
    ):
        for n in range(4):
            assert await said(router, request(str(n)), model="small") == "small one"
            assert await said(router, request(str(n))) == "big one"
        assert small.bodies[0]["model"] == "small"
        assert await said(router, model="nobody lists it") in ("big one", "small one")
        assert await router.models() == ["big", "small"]
        small.faults = (Refuse(503, "just loading"),)
        with pytest.raises(ServerRefused, match="^The model server at .* answered 503: just loading"):
            await said(router, model="small")


async def test_looks_happen_while_it_is_used_and_end_after(
    monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    monkeypatch.setattr(routing, "LOOK_EVERY_SECONDS", 0.0)
    async with servers((), ()) as (router, running):
        assert await said(router)
        running[0].faults = running[1].faults = (Refuse(503),)
        async with asyncio.timeout(30):
            while not all(server.failures for server in router.servers):
                await asyncio.sleep(0)
            clock.now += routing.UNUSED_SECONDS + 1
            looking = router._looking  # pyright: ignore[reportPrivateUsage]
            assert looking is not None
            await looking


async def test_leaving_early_closes_the_connection_at_once() -> None:
    async with servers((), ()) as (router, running):
        for server in running:
            server.model = FunctionalModel(lambda _: endless(), name="m")
        stream = router.stream(request("x"))
        assert await anext(stream)
        assert sum(server.in_flight for server in router.servers) == 1
        await stream.aclose()
        assert sum(server.in_flight for server in router.servers) == 0
        gone = [asyncio.create_task(server.disconnected.wait()) for server in running]
        done, waiting = await asyncio.wait(gone, timeout=30, return_when=asyncio.FIRST_COMPLETED)
        assert len(done) == 1
        for task in waiting:
            task.cancel()


@pytest.mark.parametrize("seed", range(6))
async def test_in_flight_returns_to_zero_whatever_is_cancelled(seed: int) -> None:
    lot = random.Random(seed)
    wrong: list[tuple[Fault, ...]] = [(), (CloseMidStream(2),), (Refuse(503),), (Refuse(400),), (Silence(1),)]

    async def one(router: Router) -> None:
        stream, most = router.stream(request(str(lot.random()))), lot.randrange(6)
        with contextlib.suppress(StreamBroken, ServerRefused):
            async with contextlib.aclosing(stream):
                for _ in range(most):
                    await anext(stream)

    async with servers(*[()] * 4) as (router, running):
        for server in running:
            server.model = FunctionalModel(lambda _: endless(), name="m")
        for _ in range(5):
            for server in running:
                server.faults = lot.choice(wrong)
            tasks = [asyncio.create_task(one(router)) for _ in range(12)]
            for task in lot.sample(tasks, len(tasks)):
                for _ in range(lot.randrange(40)):
                    await asyncio.sleep(0)
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            assert [server.in_flight for server in router.servers] == [0] * 4
            assert not any(server._tried for server in router.servers)  # pyright: ignore[reportPrivateUsage]
        async with asyncio.timeout(30):
            while any(server.running for server in running):
                await asyncio.sleep(0)


async def test_a_model_over_several_servers_passes_everything_through() -> None:
    tool = OfferedTool("clock", "Tells the time", {"type": "object", "properties": {}})
    call = [CallPiece(0, "c1", "clock"), CallPiece(0, arguments="{}")]
    asked = Request(messages=(Message("user", "When?"),), max_tokens=50, tools=(tool,))
    model: Callable[[], ScriptedModel] = lambda: ScriptedModel(call, name="m")  # noqa: E731
    async with serve(model(), slots=3) as one, serve(model(), slots=5) as other:
        settings = Settings(base_url=f"{one.base_url}, {other.base_url}", model="m")
        async with open_model(settings) as routed:
            assert (routed.slots, routed.endpoint.base_url) == (8, one.base_url)
            assert await routed.models() == ["m"]
            items = [item async for item in routed.stream(asked)]
            assert items[:2] == call
            assert isinstance(items[2], Finished)
            assert items[2].reason == "tool_calls"
            sent = (one.bodies + other.bodies)[0]
            assert sent == asked.body("m", embedded=False)
            vectors = (await routed.embed(["a b", "b a", "c"])).vectors
            assert vectors[0] == vectors[1] != vectors[2]


async def test_a_model_named_for_one_request_thinks_in_its_own_way() -> None:
    reply = "<think>hm</think>yes"
    async with serve(FunctionalModel(lambda _: [reply], name="qwen3-8b")) as server:
        async with open_model(Settings(base_url=f"{server.base_url},{unused()}", model="m")) as model:
            assert model.slots == 4
            plain = [item async for item in model.stream(request("x"))]
            named = [item async for item in model.stream(request("x"), model="qwen3-8b")]
            server.slots = 6
            router = model._client  # pyright: ignore[reportPrivateUsage]
            assert isinstance(router, Router)
            await router.look()
            async for _ in model.stream(request("x")):
                pass
            assert model.slots == 6
    assert plain[0] == Piece(reply)
    assert named[:2] == [Piece("hm", thought=True), Piece("yes")]


async def test_the_embedded_engine_has_one_model_and_no_embeddings() -> None:
    async with serve(double("a")) as server:
        async with Client(Endpoint(server.base_url, "mine", embedded=True)) as client:
            model = Model("mine", client, profile_for("mine"))
            assert await model.models() == ["mine"]
            with pytest.raises(ServerRefused, match="no embeddings") as caught:
                await model.embed(["text"])
            assert "base_url" in caught.value.hint
        assert server.received == []


async def test_one_address_is_asked_for_generations_only() -> None:
    async with serve(double("a")) as server:
        async with open_model(Settings(base_url=server.base_url, model="m")) as model:
            async for _ in model.stream(request("x")):
                pass
            assert model.slots == 8
        assert [received.path for received in server.received] == ["/v1/chat/completions"]


async def endless() -> AsyncIterator[str]:
    while True:
        yield "on and on "
        await asyncio.sleep(0)


def unused() -> str:
    """An address where nothing listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/v1"
