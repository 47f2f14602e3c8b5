"""What servers tell of themselves, in the forms in which llama.cpp, vLLM and SGLang tell it."""

from __future__ import annotations

import pytest

from pierian.exceptions import ServerRefused, ServerTimeout, ServerUnreachable, StreamBroken
from pierian.models import client as wire_client
from pierian.models.client import Client, Endpoint
from pierian.models.health import Health, Load, load_from_metrics, load_from_slots
from pierian.testing import AutomaticModel, Kind, NotAStream, Refuse, Silence, serve

VLLM = b"""# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="org/model} v"} 3.0
vllm:num_requests_running{engine="1",model_name="org/model} v"} 2.0
# TYPE vllm:num_requests_waiting gauge
vllm:num_requests_waiting{engine="0",model_name="org/model} v"} 4.0
vllm:num_requests_waiting_by_reason{engine="0",reason="capacity"} 4.0
vllm:kv_cache_usage_perc{engine="0"} 0.25
"""
SGLANG = b"""# TYPE sglang:num_running_reqs gauge
sglang:num_running_reqs{engine_type="unified",model_name="m",tp_rank="0",dp_rank="0"} 4.0
sglang:num_running_reqs{engine_type="unified",model_name="m",tp_rank="1",dp_rank="0"} 4.0
sglang:num_running_reqs{engine_type="unified",model_name="m",tp_rank="0",dp_rank="1"} 1.0
sglang:num_queue_reqs{model_name="m",priority=""} 3.0
sglang:num_queue_reqs{model_name="m",priority="7"} 3.0
sglang:num_running_reqs_total 100
"""
LLAMA = b"llamacpp:requests_processing 2\nllamacpp:requests_deferred 1\nllamacpp:n_decode_total 900\n"


@pytest.mark.parametrize(
    ("content", "load"),
    [
        (VLLM, Load(5, 4)),
        (SGLANG, Load(5, 3)),
        (LLAMA, Load(2, 1)),
        (b"vllm:num_requests_running NaN\n", None),
        (b"vllm:num_requests_running many\nvllm:num_requests_waiting 1\n", None),
        (b"python_info 1\n", None),
        (b"<html>\xff</html>", None),
        (b"", None),
    ],
)
def test_gauges_become_a_load(content: bytes, load: Load | None) -> None:
    assert load_from_metrics(content) == load


@pytest.mark.parametrize(
    ("content", "load"),
    [
        (b'[{"id":0,"is_processing":true,"n_ctx":512},{"id":1,"is_processing":false}]', Load(1, slots=2)),
        (b"[]", None),
        (b'{"error":{"code":501}}', None),
        (b"[{}]", None),
        (b"\xff", None),
    ],
)
def test_slots_become_a_load(content: bytes, load: Load | None) -> None:
    assert load_from_slots(content) == load


@pytest.mark.parametrize(
    ("kind", "load", "paths"),
    [
        ("llama.cpp", Load(3, slots=4), ["/health", "/v1/models", "/slots"]),
        ("vllm", Load(3), ["/health", "/v1/models", "/metrics"]),
        ("sglang", Load(3), ["/health", "/v1/models", "/metrics"]),
        ("plain", None, ["/health", "/v1/models"]),
    ],
)
async def test_each_kind_of_server_is_asked_what_it_answers(
    kind: Kind, load: Load | None, paths: list[str]
) -> None:
    async with serve(AutomaticModel(name="m"), kind=kind) as server:
        server.others = 3
        async with Client(Endpoint(server.base_url, "m")) as client:
            assert await client.health() == Health(("m",), load)
            server.received.clear()
            assert await client.health() == Health(("m",), load)
        assert [received.path for received in server.received] == paths, (
            "the second time only what it answers"
        )


async def test_another_kind_of_server_may_be_there_next() -> None:
    async with serve(AutomaticModel(name="m"), kind="vllm") as server:
        client = Client(Endpoint(server.base_url, "m"))
        assert (await client.health()).load == Load(0)
    with pytest.raises(ServerUnreachable):
        await client.health()
    port = int(server.base_url.split(":")[2].removesuffix("/v1"))
    async with client, serve(AutomaticModel(name="m"), port=port):
        assert (await client.health()).load == Load(0, slots=4)


async def test_a_server_that_is_not_well_says_so() -> None:
    async with serve(AutomaticModel(), Refuse(503, "Loading model")) as server:
        async with Client(Endpoint(server.base_url, "m")) as client:
            with pytest.raises(ServerRefused, match="Loading model"):
                await client.health()
    async with Client(Endpoint(server.base_url, "m")) as client:
        with pytest.raises(ServerUnreachable):
            await client.health()


async def test_a_page_is_no_health() -> None:
    async with serve(AutomaticModel(), NotAStream()) as server:
        async with Client(Endpoint(server.base_url, "m")) as client:
            with pytest.raises(StreamBroken, match="does not speak"):
                await client.health()


async def test_a_look_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire_client, "LOOK_SECONDS", 0.05)
    async with serve(AutomaticModel(), Silence()) as server:
        async with Client(Endpoint(server.base_url, "m")) as client:
            with pytest.raises(ServerTimeout, match="silent for 0 seconds"):
                await client.health()
