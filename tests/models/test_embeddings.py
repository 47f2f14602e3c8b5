"""Embeddings over the wire, and answers that are none."""

from __future__ import annotations

import json

import pytest

from pierian.exceptions import ServerRefused, StreamBroken
from pierian.models.client import Client, Endpoint
from pierian.models.embeddings import read_embeddings
from pierian.models.routing import Router
from pierian.models.wire import Usage
from pierian.testing import AutomaticModel, NotAStream, Refuse, serve


async def test_vectors_come_in_the_order_of_the_texts_with_their_usage() -> None:
    async with serve(AutomaticModel()) as server, Client(Endpoint(server.base_url, "m", "key")) as client:
        found = await client.embed(["one two", "two one", "three"], model="other")
        assert server.bodies == [
            {"model": "other", "input": ["one two", "two one", "three"], "encoding_format": "float"}
        ]
    assert found.vectors[0] == found.vectors[1] != found.vectors[2]
    assert found.usage == Usage(5, 0, 0)


def test_an_index_counts_more_than_the_order() -> None:
    data = [{"index": 1, "embedding": [2, 2]}, {"index": 0, "embedding": [1, 1]}]
    found = read_embeddings(json.dumps({"data": data}).encode(), ["five!", "four"])
    assert found.vectors == ((1.0, 1.0), (2.0, 2.0))
    assert found.usage == Usage(3, 0, 0, counted_here=True), "a quarter of the bytes, rounded up"


@pytest.mark.parametrize(
    "content",
    ["{}", "x", '{"data": []}', '{"data": [{"embedding": "AAAA"}]}', '{"data": [{"embedding": [1, null]}]}'],
)
async def test_another_answer_is_said_to_be_none(content: str) -> None:
    async with serve(AutomaticModel(), NotAStream(content, "application/json")) as server:
        async with Client(Endpoint(server.base_url, "m")) as client:
            with pytest.raises(StreamBroken, match="does not speak"):
                await client.embed(["text"])


async def test_of_several_servers_the_next_is_asked_only_before_an_answer() -> None:
    async with serve(AutomaticModel()) as one, serve(AutomaticModel()) as other:
        async with Router([Endpoint(one.base_url, "m"), Endpoint(other.base_url, "m")]) as router:
            one.faults = other.faults = (NotAStream("{}", "application/json"),)
            with pytest.raises(StreamBroken, match="does not speak"):
                await router.embed(["text"])
            assert len(one.bodies + other.bodies) == 1
            one.faults, other.faults = (Refuse(503),), ()
            assert len((await router.embed(["text"])).vectors) == 1
            assert len((await router.embed(["text"])).vectors) == 1
            assert [server.in_flight for server in router.servers] == [0, 0]


async def test_a_server_without_embeddings_says_why() -> None:
    async with serve(AutomaticModel(), Refuse(501, "start it with --embeddings")) as server:
        async with Client(Endpoint(server.base_url, "m")) as client:
            with pytest.raises(ServerRefused, match="--embeddings"):
                await client.embed(["text"])


async def test_vectors_of_different_lengths_are_refused() -> None:
    data = [{"embedding": [1.0]}, {"embedding": [1.0, 2.0]}]
    with pytest.raises(ValueError, match="2 vectors"):
        read_embeddings(json.dumps({"data": data}).encode(), ["a", "b"])
