"""The official clients against a running server: every endpoint, streamed and not, what they raise when it fails."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import anthropic
import httpx2
import openai
import pytest
from tests.server.running import Running, running

from pierian.models.wire import CallPiece, Piece, Request
from pierian.testing import FunctionalModel, Refuse

STORY = "A fox ran over the hill and was gone."
MESSAGES: Any = [{"role": "user", "content": "Tell me a story about a fox."}]
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather in a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def reply(request: Request) -> Any:
    """A story; a call where tools are offered by the engine; JSON where a schema asks for it."""
    if request.schema is not None:
        if "steps" in request.schema.get("properties", {}):
            called = {"call": "weather", "arguments": {"city": "Oslo"}}
            return json.dumps({"steps": [] if "gave:" in request.messages[-1].content else [called]})
        return '{"name": "fox"}'
    if request.tools and request.messages[-1].role != "tool":
        return [CallPiece(0, "call_1", "weather", ""), CallPiece(0, arguments='{"city": "Oslo"}')]
    if request.top_logprobs is not None:
        return [
            Piece("Yes", logprobs=({"token": "Yes", "logprob": -0.1, "bytes": [89], "top_logprobs": []},))
        ]
    return STORY


@pytest.fixture(scope="module")
def _environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PIERIAN_HOME", str(tmp_path_factory.mktemp("home")))
        yield patch


@pytest.fixture(scope="module")
def api(_environment: pytest.MonkeyPatch) -> Iterator[Running]:
    with running(FunctionalModel(reply, name="small")) as one:
        yield one


@pytest.mark.parametrize("model", ["small", "pierian-instant", "pierian-auto"])
def test_a_chat_completion_is_the_answer_whole_or_streamed(api: Running, model: str) -> None:
    client = api.openai()
    whole = client.chat.completions.create(model=model, messages=MESSAGES)
    assert whole.choices[0].message.content == STORY
    assert whole.choices[0].finish_reason == "stop"
    assert whole.usage is not None
    assert whole.usage.completion_tokens > 0
    chunks = list(
        client.chat.completions.create(
            model=model, messages=MESSAGES, stream=True, stream_options={"include_usage": True}
        )
    )
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == STORY
    assert chunks[-1].usage is not None


async def test_the_asynchronous_client_streams_too(api: Running) -> None:
    async with api.openai_async() as client:
        stream = await client.chat.completions.create(model="small", messages=MESSAGES, stream=True)
        text = "".join([chunk.choices[0].delta.content or "" async for chunk in stream])
        assert text == STORY


def test_the_effort_decides_the_mode_of_auto(api: Running) -> None:
    answered = api.openai().chat.completions.create(
        model="pierian-auto", messages=MESSAGES, reasoning_effort="minimal"
    )
    assert answered.model_extra is not None
    assert answered.model_extra["pierian"]["mode"] == "instant"


@pytest.mark.parametrize("model", ["small", "pierian-instant", "pierian-thinking"])
def test_an_answer_has_the_form_of_the_schema(api: Running, model: str) -> None:
    schema = {
        "type": "object",
        "properties": {"name": {"type": "string"}},
        "required": ["name"],
        "additionalProperties": False,
    }
    answered = api.openai().chat.completions.create(
        model=model,
        messages=MESSAGES,
        response_format={"type": "json_schema", "json_schema": {"name": "animal", "schema": schema}},
    )
    assert json.loads(answered.choices[0].message.content or "") == {"name": "fox"}


@pytest.mark.parametrize("model", ["small", "pierian-instant"])
def test_tools_are_called_and_their_results_answered(api: Running, model: str) -> None:
    client = api.openai()
    asked: Any = [{"role": "user", "content": "How is the weather in Oslo?"}]
    first = client.chat.completions.create(model=model, messages=asked, tools=[WEATHER])
    assert first.choices[0].finish_reason == "tool_calls"
    (call,) = first.choices[0].message.tool_calls or []
    assert isinstance(call, openai.types.chat.ChatCompletionMessageFunctionToolCall)
    assert (call.function.name, json.loads(call.function.arguments)) == ("weather", {"city": "Oslo"})
    result = {"role": "tool", "tool_call_id": call.id, "content": "Snow, -3 °C"}
    again = client.chat.completions.create(
        model=model,
        messages=[*asked, first.choices[0].message.model_dump(exclude_none=True), result],
        tools=[WEATHER],
    )
    assert again.choices[0].message.content == STORY


def test_log_probabilities_come_through(api: Running) -> None:
    answered = api.openai().chat.completions.create(
        model="small", messages=MESSAGES, logprobs=True, top_logprobs=2
    )
    logprobs = answered.choices[0].logprobs
    assert logprobs is not None
    assert [one.token for one in logprobs.content or []] == ["Yes"]


def test_a_response_is_stored_continued_and_deleted(api: Running) -> None:
    client = api.openai()
    first = client.responses.create(model="small", input="Tell me about foxes.", instructions="Be kind.")
    assert first.output_text == STORY
    assert client.responses.retrieve(first.id).output_text == STORY
    second = client.responses.create(model="small", input="And bears?", previous_response_id=first.id)
    said = [message["content"] for message in api.upstream.bodies[-1]["messages"]]
    assert said == ["Tell me about foxes.", STORY, "And bears?"]
    client.responses.delete(second.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(second.id)
    private = client.responses.create(model="small", input="Keep nothing.", store=False)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(private.id)
    with pytest.raises(openai.NotFoundError):
        api.openai(api.key()).responses.retrieve(first.id)


def test_a_response_streams_its_events(api: Running) -> None:
    events = list(
        api.openai().responses.create(model="pierian-instant", input="A story, please.", stream=True)
    )
    assert events[0].type == "response.created"
    assert events[-1].type == "response.completed"
    assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == STORY


def test_messages_in_anthropics_format(api: Running) -> None:
    client = api.anthropic()
    whole = client.messages.create(model="pierian-instant", max_tokens=100, messages=MESSAGES)
    assert "".join(block.text for block in whole.content if block.type == "text") == STORY
    with client.messages.stream(model="small", max_tokens=100, messages=MESSAGES) as stream:
        assert "".join(stream.text_stream) == STORY
    with pytest.raises(anthropic.NotFoundError) as refused:
        client.messages.create(model="nobody", max_tokens=100, messages=MESSAGES)
    assert isinstance(refused.value.body, dict)
    assert refused.value.body["type"] == "error"


def test_embeddings_and_models(api: Running) -> None:
    client = api.openai()
    found = client.embeddings.create(model="small", input=["a fox", "a bear"])
    assert len(found.data) == 2
    assert len(found.data[0].embedding) == len(found.data[1].embedding)
    names = [model.id for model in client.models.list()]
    assert names[-1] == "small"
    assert "pierian-contemplating" in names
    assert client.models.retrieve("small").id == "small"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("nobody")


def test_what_is_wrong_with_a_request_is_raised_by_its_kind(api: Running) -> None:
    client = api.openai()
    with pytest.raises(openai.AuthenticationError, match="not valid"):
        api.openai("pierian-wrong").models.list()
    with pytest.raises(openai.NotFoundError, match="no model 'nobody'"):
        client.chat.completions.create(model="nobody", messages=MESSAGES)
    with pytest.raises(openai.BadRequestError, match="messages"):
        client.chat.completions.create(model="small", messages=[])
    with pytest.raises(openai.BadRequestError, match="from the user"):
        client.chat.completions.create(
            model="pierian-instant", messages=[{"role": "system", "content": "Be kind."}]
        )


def test_a_server_that_is_busy_for_a_moment_is_asked_again(api: Running) -> None:
    api.upstream.faults = (Refuse(503, "busy"),)
    try:
        with pytest.raises(openai.InternalServerError) as failed:
            api.openai().chat.completions.create(model="small", messages=MESSAGES)
        assert failed.value.status_code == 503
        assert failed.value.response.headers["retry-after"]

        def mend(request: httpx2.Request) -> None:
            if int(request.headers.get("x-stainless-retry-count", "0")) > 0:
                api.upstream.faults = ()

        http = httpx2.Client(event_hooks={"request": [mend]})
        client = api.openai(max_retries=1, http_client=http)
        answered = client.chat.completions.create(model="small", messages=MESSAGES)
        assert answered.choices[0].message.content == STORY
    finally:
        api.upstream.faults = ()
