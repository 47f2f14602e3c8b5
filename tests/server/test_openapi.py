"""The OpenAPI document is complete and true: requests made from it are answered as it says, and real answers fit it."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import httpx2
import pytest
import requests
import schemathesis
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from schemathesis.specs.openapi.checks import ignored_auth, positive_data_acceptance
from tests.server.running import Running, running

from pierian.access import Grant
from pierian.models.wire import CallPiece, Piece, Request
from pierian.server import request_body
from pierian.server.application import build, show_openapi
from pierian.server.openapi import document as openapi
from pierian.testing import CloseMidStream, FunctionalModel, Refuse, Silence

MESSAGES: Any = [{"role": "user", "content": "Tell me a story about a fox."}]
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
CHAT = {"model": "small", "messages": MESSAGES}
MESSAGE = {**CHAT, "max_tokens": 100}
RESPONSE = {"model": "small", "input": "Tell me a story about a fox."}


def _application(*, keyless: bool = False) -> Any:
    service = cast(Any, SimpleNamespace(metrics=None, keyless=keyless))
    return cast(Any, build(service, cast(Any, None), hosts=()))._application


DOCUMENT = json.loads(_application().state.openapi)
OPERATIONS: dict[str, tuple[str, str, Any]] = {
    operation["operationId"]: (path, method, operation)
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
}
CONVERSATIONS = {"createChatCompletion", "createResponse", "createMessage", "createRun"}
"""In which one message depends on another, or a picture has to be one, which no schema can say: what fits the schema
may be refused."""
DEPENDENT = {"messages", "input", "tools", "tool_choice", "images"}
SCHEMAS = {"response_format", "text", "output_config", "output_format"}
"""In which a schema stands, whose own rules are not in the document."""
CONFIG = schemathesis.config.SchemathesisConfig.from_dict(
    {
        "seed": 1,
        "generation": {"max-examples": 20, "deterministic": True},
        # 422 is for an Idempotency-Key that came before with another body, as keys that are made at random do.
        "checks": {"positive_data_acceptance": {"expected-statuses": ["2xx", 401, 403, 404, 409, 422, 429]}},
    }
)
# The examples, from which most requests are made, ask for the deepest mode; here the quickest does.
QUICK = json.loads(
    json.dumps(DOCUMENT).replace('"example": {"model": "pierian-auto"', '"example": {"model": "small"')
)
schema = schemathesis.openapi.from_dict(QUICK, config=CONFIG)


@schema.hook
def map_body(context: Any, body: Any) -> Any:
    """To JSON schema 21.0 is an integer; to this API it is none, as to OpenAI's."""
    if isinstance(body, dict):
        return {name: map_body(context, value) for name, value in body.items()}
    if isinstance(body, list):
        return [map_body(context, value) for value in body]
    return int(body) if isinstance(body, float) and body.is_integer() else body


def reply(request: Request) -> Any:
    if request.schema is not None:
        return '{"city": "Oslo"}'
    if request.tools and request.messages[-1].role != "tool":
        return [CallPiece(0, "call_1", "weather", ""), CallPiece(0, arguments='{"city": "Oslo"}')]
    likely = {"token": "A fox ", "logprob": -0.1, "bytes": [65], "top_logprobs": []}
    logprobs = (likely,) if request.top_logprobs is not None else ()
    return [Piece("Hm. ", thought=True), Piece("A fox ", logprobs=logprobs), Piece("ran.")]


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PIERIAN_HOME", str(tmp_path_factory.mktemp("home")))
        with running(FunctionalModel(reply, name="small")) as one:
            yield one


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as one:
        yield one


def _closed(value: Any) -> Any:
    """A schema in which an object has no other fields than those that are named, as a complete document needs."""
    if isinstance(value, list):
        return [_closed(entry) for entry in value]
    if not isinstance(value, dict):
        return value
    found = {key: _closed(entry) for key, entry in value.items()}
    alone = "properties" in value and value.get("type") == "object"
    return {"additionalProperties": False, **found} if alone else found


CLOSED = _closed(DOCUMENT["components"])


def check(part: Any, value: Any, components: Any = CLOSED) -> None:
    errors = list(Draft202012Validator({"components": components, **part}).iter_errors(value))
    assert not errors, f"{value}\n{errors[0].message[:1000]} at {list(errors[0].absolute_path)}"


def fits(name: str, answer: httpx2.Response) -> Any:
    """The body of an answer, which is what the document says of this operation and status."""
    told = OPERATIONS[name][2]["responses"][str(answer.status_code)]
    if "$ref" in told:
        told = DOCUMENT["components"]["responses"][told["$ref"].rpartition("/")[2]]
    undocumented = {header for header in answer.headers if header.startswith("x-ratelimit")}
    assert undocumented <= set(told["headers"])
    kind = answer.headers["content-type"].partition(";")[0]
    body = answer.json() if kind == "application/json" else answer.text
    check(told["content"][kind]["schema"], body)
    return body


def events(name: str, answer: httpx2.Response) -> list[Any]:
    """The data of the events of a stream, each of which is what the document says."""
    assert answer.headers["content-type"].partition(";")[0] == "text/event-stream"
    content = OPERATIONS[name][2]["responses"]["200"]["content"]["text/event-stream"]["schema"]
    data = content["properties"]["data"]
    inner = data["anyOf"][1] if "anyOf" in data else data
    lines = [line.removeprefix("data: ") for line in answer.text.splitlines() if line.startswith("data: ")]
    found = [json.loads(line) for line in lines if line != "[DONE]"]
    # The events of a run are made of two schemas, neither of which is whole by itself.
    components = DOCUMENT["components"] if name == "followRun" else CLOSED
    for one in found:
        check(inner["contentSchema"], one, components)
    return found


def test_the_document_is_valid_and_has_every_route() -> None:
    OpenAPIV31SpecValidator(DOCUMENT).validate()
    application = _application()
    routes = {
        (route.path_format, method.lower())
        for route in application.routes
        for method in route.methods - {"OPTIONS"}
    }
    assert routes == {(path, method) for path, method, _ in OPERATIONS.values()}
    for _, _, operation in OPERATIONS.values():
        assert operation["summary"]
        assert operation["description"]
        assert all(parameter.get("description") for parameter in operation.get("parameters", ()))
    assert {} in json.loads(_application(keyless=True).state.openapi)["security"]
    assert {} not in DOCUMENT["security"]


def test_anybody_may_read_the_document(api: Running) -> None:
    with api.http("") as http:
        assert fits("showOpenApi", http.get("/openapi.json")) == DOCUMENT


def refused_for_what_no_schema_says(context: Any, response: Any, case: Any) -> None:
    """A request that fits the schema is refused only where one part of it depends on another."""
    if case.meta is None or not case.meta.generation.mode.is_positive or response.status_code != 400:
        return
    error = response.json()["error"]
    # Without a place it is about the question, which the last message holds.
    place = error["param"] or "messages" if "param" in error else error["message"].partition(":")[0]
    assert place.partition(".")[0].partition("[")[0] in DEPENDENT | SCHEMAS, error


@schema.parametrize()
def test_requests_made_from_the_document_are_answered_as_it_says(
    case: Any, api: Running, session: requests.Session
) -> None:
    conversation = case.operation.definition.raw["operationId"] in CONVERSATIONS
    case.call_and_validate(
        base_url=api.address,
        headers={"Authorization": f"Bearer {api.secret}"},
        timeout=20,
        session=session,
        # Every request would be sent again without its key; that is tested below, once for each operation.
        excluded_checks=[ignored_auth, *([positive_data_acceptance] if conversation else [])],
        additional_checks=[refused_for_what_no_schema_says] if conversation else [],
    )


@pytest.mark.parametrize(
    "name", [name for name, (_, _, of) in OPERATIONS.items() if of.get("security") != []]
)
def test_without_a_valid_key_there_is_no_answer(api: Running, name: str) -> None:
    path, method, _ = OPERATIONS[name]
    for secret in ("", "pierian-wrong"):
        with api.http(secret) as http:
            answer = http.request(method.upper(), path.replace("{", "").replace("}", ""))
            assert answer.status_code == 401
            fits(name, answer)


@pytest.mark.parametrize("name", ["createChatCompletion", "createResponse", "createMessage", "createRun"])
def test_the_examples_of_the_document_are_answered(api: Running, name: str) -> None:
    path, method, operation = OPERATIONS[name]
    content = operation["requestBody"]["content"]["application/json"]
    check(content["schema"], content["example"])
    with api.http() as http:
        answer = http.request(method.upper(), path, json=content["example"])
    assert answer.is_success
    fits(name, answer)


@pytest.mark.parametrize(
    ("name", "body", "tools"),
    [
        (
            "createChatCompletion",
            CHAT | {"logprobs": True, "stream_options": {"include_usage": True}},
            {"tools": [{"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}]},
        ),
        (
            "createResponse",
            RESPONSE | {"instructions": "Be kind.", "metadata": {"a": "b"}, "top_logprobs": 1},
            {"tools": [{"type": "function", "name": "weather", "parameters": SCHEMA}]},
        ),
        (
            "createResponse",
            RESPONSE | {"reasoning": {"summary": "auto"}},
            {"text": {"format": {"type": "text"}}},
        ),
        (
            "createMessage",
            MESSAGE | {"thinking": {"type": "enabled"}},
            {"tools": [{"name": "weather", "input_schema": SCHEMA}]},
        ),
    ],
)
def test_answers_fit_the_document_whole_and_streamed(
    api: Running, name: str, body: dict[str, Any], tools: dict[str, Any]
) -> None:
    path = OPERATIONS[name][0]
    with api.http() as http:
        for asked in (body, body | tools, body | {"model": "pierian-thinking"}):
            whole = http.post(path, json=asked)
            assert whole.status_code == 200, whole.text
            told = fits(name, whole)
            assert ("pierian" in told) == (asked["model"] == "pierian-thinking")
            assert events(name, http.post(path, json=asked | {"stream": True}))


def test_what_breaks_off_in_a_stream_is_told_as_the_document_says(api: Running) -> None:
    api.upstream.faults = (CloseMidStream(),)
    try:
        with api.http() as http:
            for name, body in (
                ("createChatCompletion", CHAT),
                ("createResponse", RESPONSE),
                ("createMessage", MESSAGE),
            ):
                last = events(name, http.post(OPERATIONS[name][0], json=body | {"stream": True}))[-1]
                assert last.get("type") in (None, "response.failed", "error")
    finally:
        api.upstream.faults = ()


def test_stored_responses_models_vectors_usage_and_health_fit_the_document(api: Running) -> None:
    with api.http() as http:
        kept = http.post("/v1/responses", json=RESPONSE).json()["id"]
        fits("retrieveResponse", http.get(f"/v1/responses/{kept}"))
        fits("deleteResponse", http.delete(f"/v1/responses/{kept}"))
        fits("retrieveResponse", http.get(f"/v1/responses/{kept}"))
        names = [one["id"] for one in fits("listModels", http.get("/v1/models"))["data"]]
        fits("retrieveModel", http.get(f"/v1/models/{names[0]}"))
        for encoding in ("float", "base64"):
            body = {"model": "small", "input": ["a fox", "a bear"], "encoding_format": encoding}
            assert len(fits("createEmbedding", http.post("/v1/embeddings", json=body))["data"]) == 2
        assert fits("showUsage", http.get("/v1/usage"))["data"]
        assert fits("showUsage", http.get("/v1/usage", params={"format": "csv"}))
        for name, path in (("healthz", "/healthz"), ("readyz", "/readyz"), ("metrics", "/metrics")):
            assert fits(name, http.get(path))


def test_a_run_its_events_and_its_lists_fit_the_document(api: Running) -> None:
    with api.http() as http:
        run = fits(
            "createRun", http.post("/v1/runs", json={"question": "3 pens cost 2 euros. How much are 18?"})
        )
        told = events("followRun", http.get(f"/v1/runs/{run['id']}/events"))
        assert told[-1] == {"state": "done"}
        assert {"run_opened", "answer_ready"} <= {one.get("event") for one in told}
        assert fits("retrieveRun", http.get(f"/v1/runs/{run['id']}"))["answer"]
        assert fits("listRuns", http.get("/v1/runs"))["data"]
        assert fits("cancelRun", http.post(f"/v1/runs/{run['id']}/cancel"))["state"] == "done"
        api.upstream.faults = (Refuse(500, "broken"),)
        try:
            lost = http.post("/v1/runs", json={"question": "Tell me a story.", "mode": "instant"}).json()[
                "id"
            ]
            events("followRun", http.get(f"/v1/runs/{lost}/events"))
            assert fits("retrieveRun", http.get(f"/v1/runs/{lost}"))["error"]
        finally:
            api.upstream.faults = ()


def test_what_a_key_does_not_allow_and_a_busy_model_fit_the_document(
    api: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    poor = api.key(Grant(requests_per_minute=1, modes=("instant",)))
    with api.http(poor) as http:
        refused = http.post("/v1/messages", json=MESSAGE | {"model": "pierian-thinking"})
        assert fits("createMessage", refused)["error"]["type"] == "permission_error"
        answers = [http.post("/v1/messages", json=MESSAGE | {"model": "pierian-instant"}) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [200, 429]
        for answer in answers:
            assert "x-ratelimit-limit-requests" in answer.headers
            fits("createMessage", answer)
    api.upstream.faults = (Refuse(503, "busy"),)
    try:
        with api.http() as http:
            busy = http.post("/v1/chat/completions", json=CHAT)
            assert (busy.status_code, busy.headers["retry-after"]) == (503, "5")
            fits("createChatCompletion", busy)
    finally:
        api.upstream.faults = ()
    monkeypatch.setattr(request_body, "MOST_BYTES", 10)
    with api.http() as http:
        large = http.post("/v1/runs", json={"question": "Tell me a story."})
        assert large.status_code == 413
        fits("createRun", large)
        other = http.get("/v1/models", headers={"Host": "evil.example"})
        assert other.status_code == 421
        fits("listModels", other)


def test_positions_and_ids_that_cannot_be_are_no_faults(api: Running) -> None:
    with api.http() as http:
        runs = [http.post("/v1/runs", json={"question": "A story."}).json()["id"] for _ in range(2)]
        for position in ("9" * 5000, str(2**31), "-1", "²"):
            headers = {"Last-Event-ID": position.encode("latin-1")}
            answer = http.get(f"/v1/runs/{runs[0]}/events", headers=headers)
            assert answer.status_code == 400
            fits("followRun", answer)
        # Both begin so: neither is meant.
        fits("retrieveRun", ambiguous := http.get(f"/v1/runs/{runs[0][:2]}"))
        assert ambiguous.status_code == 404
        for nothing in ("/v1/runs/%00", "/v1/responses/%00", "/v1/models/%00"):
            assert http.get(nothing).status_code == 404


def test_options_name_every_method_of_a_path(api: Running) -> None:
    with api.http() as http:
        assert http.options("/v1/runs").headers["allow"] == "GET, HEAD, OPTIONS, POST"
        refused = http.put("/v1/runs")
        assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD, OPTIONS, POST")


def test_no_other_document_is_served(api: Running) -> None:
    with api.http() as http:
        for path in ("/schema", "/schema/openapi.json", "/schema/redoc"):
            assert http.get(path).status_code == 404


def test_what_is_asked_with_get_is_asked_with_head_too(api: Running) -> None:
    with api.http() as http:
        kept = http.post("/v1/responses", json=RESPONSE).json()["id"]
        run = http.post("/v1/runs", json={"question": "A story.", "mode": "instant"}).json()["id"]
        http.get(f"/v1/runs/{run}/events")
        names = {"{response_id}": kept, "{run_id}": run, "{model}": "small"}
        for path in (path for path, method, _ in OPERATIONS.values() if method == "get"):
            for name, value in names.items():
                path = path.replace(name, value)
            head, got = http.head(path), http.get(path)
            assert (head.status_code, head.content) == (200, b"")
            same = ("content-type", "content-length")
            if path != "/metrics":  # which counts these requests
                assert [head.headers.get(name) for name in same] == [got.headers.get(name) for name in same]
        assert http.head("/v1/messages").status_code == 405
        assert http.head("/v1/runs/none").status_code == 404
    with api.http("") as http:
        assert http.head("/v1/models").status_code == 401
        assert b'method="HEAD",route="/v1/models",status="401"' in http.get("/metrics").content


def test_head_of_the_events_of_a_run_does_not_wait_for_its_end(api: Running) -> None:
    api.upstream.faults = (Silence(),)
    try:
        with api.http() as http:
            run = http.post("/v1/runs", json={"question": "A story.", "mode": "instant"}).json()["id"]
            head = http.head(f"/v1/runs/{run}/events")
            assert head.headers["content-type"].startswith("text/event-stream")
            assert http.get("/healthz").status_code == 200  # over the same connection
            http.post(f"/v1/runs/{run}/cancel")
    finally:
        api.upstream.faults = ()


def test_describing_the_api_leaves_logging_alone() -> None:
    before = [*logging.getLogger().handlers], logging.getLogger().level
    openapi.document([show_openapi], keyless=True)
    assert ([*logging.getLogger().handlers], logging.getLogger().level) == before
