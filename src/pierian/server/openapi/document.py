"""The OpenAPI document of the API: what the framework finds in the handlers, completed with bodies, answers, errors.

Handlers read bodies themselves, within limits of size and time, so the framework sees only routes, parameters and the
first words about each. The rest is generated from structs: those that travel, and those of the `openapi_…` modules.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

import msgspec
from litestar import Litestar
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, License, SecurityScheme, Tag

from pierian import __version__
from pierian.events.codec import KINDS
from pierian.server.formats.fields import MOST_NESTED
from pierian.server.idempotency import KEPT, LONGEST_KEY
from pierian.server.openapi import chat_completions as openapi_chat
from pierian.server.openapi import messages as openapi_messages
from pierian.server.openapi import responses as openapi_responses
from pierian.server.openapi.operations import (
    BARE,
    EVERYWHERE,
    HEADERS,
    OPERATIONS,
    PATHS,
    RATES,
    RUN_EVENT,
    STATUSES,
    TAGS,
    Operation,
    Stream,
)
from pierian.server.openapi.values import AnthropicError, OpenAIError
from pierian.server.request_body import MOST_BYTES
from pierian.server.runs import LAST_POSITION

JSON = "application/json"
_SCHEMAS = "#/components/schemas/"
_DESCRIPTION = f"""Checked answers from open-weight models, with receipts.

Clients of OpenAI's API work when their `base_url` is this server's address with `/v1`, those of Anthropic's with the
address alone. `pierian serve` shows a key when it is started for the first time, and `pierian keys create` makes
others, with limits. The model of a request is a mode (`pierian-instant`, `pierian-thinking`, `pierian-contemplating`,
or `pierian-auto`, which picks one) or a model of the engine's.

A body is JSON of at most {MOST_BYTES // 2**20} MiB, nested at most {MOST_NESTED} deep. Every answer has an
`x-request-id`. A path that does not exist is a 404 and a method that a path does not have is a 405, in the shape of
any other error; a request whose head is too slow or too large is refused with 408 or 431 before anything reads it.
"""
_REPEAT = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "A text of your own for this request. Sent again with the same body, it gets what the first one "
    f"was answered, for {KEPT.days} day; what failed is not kept.",
    # What is printable among the characters that a header can have; left empty, it is not there.
    "schema": {"type": "string", "maxLength": LONGEST_KEY, "pattern": "^[ -~¡-¬®-ÿ]*$"},
}
_RESUME = {
    "name": "Last-Event-ID",
    "in": "header",
    "description": "Only events behind this one; it comes before `after`.",
    "schema": {"type": "integer", "minimum": 0, "maximum": LAST_POSITION},
}
_NOT_BLANK = {"minLength": 1}
_CONDITIONS: dict[str, dict[str, Any]] = {
    "AssistantMessage": {
        "anyOf": [
            {"required": ["content"], "properties": {"content": {"not": {"type": "null"}}}},
            {
                "required": ["tool_calls"],
                "properties": {"tool_calls": {"not": {"anyOf": [{"type": "null"}, {"maxItems": 0}]}}},
            },
            {
                "required": ["refusal"],
                "properties": {"refusal": {"type": "string", **_NOT_BLANK}},
            },
        ]
    },
    "ChatCompletionRequest": {
        "if": {
            "required": ["top_logprobs"],
            "properties": {"top_logprobs": {"type": "integer", "minimum": 1}},
        },
        "then": {"required": ["logprobs"], "properties": {"logprobs": {"const": True}}},
    },
    "ResponseRequest": {
        "if": {
            "required": ["previous_response_id"],
            "properties": {"previous_response_id": {"type": "string", **_NOT_BLANK}},
        },
        "else": {"required": ["input"], "properties": {"input": {"not": {"type": "null"}}}},
    },
    "OutputFormat": {
        "if": {"required": ["type"], "properties": {"type": {"const": "json_schema"}}},
        "then": {"required": ["schema"], "properties": {"schema": {"type": "object"}}},
    },
    "Thinking": {
        "if": {
            "required": ["type"],
            "properties": {"type": {"type": "string", "not": {"const": "disabled"}}},
        },
        "then": {"properties": {"display": {"type": ["string", "null"]}}},
    },
    "MessageToolChoice": {
        "if": {"properties": {"type": {"const": "tool"}}},
        "then": {"required": ["name"], "properties": {"name": {"type": "string", **_NOT_BLANK}}},
    },
}
"""Where one field depends on another, which no struct says."""
_RENAMED = {
    "_Delta": "ChunkDelta",
    "_CallDelta": "CallDelta",
    "_Function": "FunctionDelta",
    "Told": "ShortReceipt",
    "CheckTold": "ShortCheck",
}


def document(handlers: Sequence[Any], *, keyless: bool) -> dict[str, Any]:
    """The whole document of an application with these handlers; `keyless` where requests need no key."""
    # Of an application that is never served: one that has a document serves it too.
    # Without its own set-up of logging, which would change that of the whole process.
    described = Litestar(handlers, openapi_config=_config(keyless=keyless), logging_config=None)
    found = described.openapi_schema.to_schema()
    named, schemas = _schemas()
    failures: dict[str, Any] = {}
    for path, item in found["paths"].items():
        for operation in item.values():
            of = OPERATIONS[operation["operationId"]]
            _describe(operation, of)
            if of.sends is not None:
                shown = {"schema": named[of.sends], "example": of.example}
                operation["requestBody"] = {"required": True, "content": {JSON: shown}}
            operation["responses"] = _answers(of, named) | _failures(path, of, named, failures)
    found["components"] |= {"schemas": schemas, "responses": failures, "headers": HEADERS}
    return found


def _config(*, keyless: bool) -> OpenAPIConfig:
    """What the framework puts into its part of the document."""
    schemes = {
        "key": SecurityScheme(
            type="http", scheme="bearer", description="The key as `Authorization: Bearer …`."
        ),
        "x-api-key": SecurityScheme(
            type="apiKey", name="x-api-key", security_scheme_in="header", description="The key alone."
        ),
    }
    return OpenAPIConfig(
        title="Pierian",
        version=__version__,
        description=_DESCRIPTION,
        license=License(name="Apache License 2.0", identifier="Apache-2.0"),
        tags=[Tag(name=name, description=told) for name, told in TAGS.items()],
        components=Components(security_schemes=cast(Any, schemes)),
        security=[{"key": []}, {"x-api-key": []}, *([{}] if keyless else [])],
        use_handler_docstrings=True,
        render_plugins=[JsonRenderPlugin()],
    )


def _describe(operation: dict[str, Any], of: Operation) -> None:
    """Its words, parameters and keys. The first words are the handler's own."""
    first = operation["description"]
    operation["summary"] = first.partition(". ")[0].rstrip(".")
    operation["description"] = f"{first}\n\n{of.told}".strip()
    parameters = operation.get("parameters", [])
    for parameter in parameters:
        if parameter["in"] == "path":
            parameter["description"] = PATHS[parameter["name"]]
    parameters += [_REPEAT] * of.repeatable + [_RESUME] * of.resumable
    if parameters:
        operation["parameters"] = parameters
    if not of.keyed:
        operation["security"] = []


def _answers(of: Operation, named: Mapping[Any, Any]) -> dict[str, Any]:
    """What an operation answers where nothing goes wrong."""
    content: dict[str, Any] = {}
    if of.answers is not None:
        content[JSON] = {"schema": named[of.answers]}
    if of.table is not None:
        kind, told = of.table
        content[kind] = {"schema": {"type": "object" if kind == JSON else "string", "description": told}}
    if of.stream is not None:
        content["text/event-stream"] = {"schema": _streamed(of.stream, named)}
    headers = ["x-request-id", *(RATES * of.rated), *(["idempotency-replayed"] * of.repeatable)]
    answer: dict[str, Any] = {"description": _told(of), "headers": _headers(headers), "content": content}
    found: dict[str, Any] = {str(of.status): answer}
    if of.not_ready is not None:
        body = {JSON: {"schema": named[of.not_ready]}}
        found["503"] = answer | {"description": "Requests are not taken.", "content": body}
    return found


def _failures(path: str, of: Operation, named: Mapping[Any, Any], shared: dict[str, Any]) -> dict[str, Any]:
    """References to what an operation answers where something goes wrong; `shared` gets what they refer to."""
    found: dict[str, Any] = {}
    for status in sorted({*of.errors, *EVERYWHERE}):
        # What is refused before a path is looked at has one shape for all of them.
        anthropic = path == "/v1/messages" and status not in BARE
        name = f"{'Anthropic' if anthropic else 'OpenAI'}{status}"
        found[str(status)] = {"$ref": f"#/components/responses/{name}"}
        told: dict[str, Any] = {"description": STATUSES[status]}
        if status not in BARE:
            body = AnthropicError if anthropic else OpenAIError
            headers = ["x-request-id", "x-should-retry", "retry-after", *(RATES if status == 429 else ())]
            told |= {"headers": _headers(headers), "content": {JSON: {"schema": named[body]}}}
        shared[name] = told
    return found


def _told(of: Operation) -> str:
    if of.status == 202:
        return "The run is in the journal."
    if of.stream is None:
        return "The answer."
    if of.answers is None:
        return "The events."
    return f"The answer, whole or, where `stream` is true, as events. {of.stream.told}"


def _streamed(stream: Stream, named: Mapping[Any, Any]) -> dict[str, Any]:
    """One event: before version 3.2 of OpenAPI there is no keyword for the items of a stream."""
    data: dict[str, Any] = {
        "type": "string",
        "contentMediaType": JSON,
        "contentSchema": named[stream.data]
        if stream.last is None
        else {"anyOf": [named[stream.data], named[stream.last]]},
    }
    texts = {"event": {"type": "string"}, "id": {"type": "string"}}
    return {
        "type": "object",
        "description": f"One event of the stream. {stream.told}",
        "required": ["data"],
        "properties": texts | {"data": {"anyOf": [{"const": stream.ends}, data]} if stream.ends else data},
    }


def _headers(names: Iterable[str]) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _schemas() -> tuple[dict[Any, Any], dict[str, Any]]:
    """References to the schema of each struct that an operation names, and all components."""
    kinds: list[Any] = [AnthropicError, OpenAIError, *KINDS.values()]
    for of in OPERATIONS.values():
        kinds += [kind for kind in (of.sends, of.answers, of.not_ready) if kind is not None]
        if of.stream is not None:
            kinds += [kind for kind in (of.stream.data, of.stream.last) if kind not in (None, RUN_EVENT)]
    made, components = msgspec.json.schema_components(kinds, ref_template=_SCHEMAS + "{name}")
    for name, condition in _CONDITIONS.items():
        components[name].update(condition)
    _refuse(components)
    named: dict[Any, Any] = dict(zip(kinds, made, strict=True))
    named[RUN_EVENT] = {"$ref": _SCHEMAS + RUN_EVENT}
    components[RUN_EVENT] = _run_event(components)
    return _renamed(named), _renamed(components)


def _refuse(components: dict[str, Any]) -> None:
    """Say of fields that are not supported what may stand there: nothing that changes the answer."""
    for tables in (openapi_chat.REFUSED, openapi_responses.REFUSED, openapi_messages.REFUSED):
        for body, names in tables.items():
            for name, instead in names.items():
                told: dict[str, Any] = {
                    "description": f"Not supported. {instead}",
                    "enum": [None, False, [], {}, ""],
                }
                components[body.__name__]["properties"][name] = told


def _run_event(components: Mapping[str, Any]) -> dict[str, Any]:
    """Any event of a run: its name, beside the fields of its struct."""
    either = [
        {
            "title": name,
            "description": components[kind.__name__].get("description", ""),
            "allOf": [{"$ref": _SCHEMAS + kind.__name__}],
            "required": ["event"],
            "properties": {"event": {"const": name}},
        }
        for name, kind in KINDS.items()
    ]
    return {"description": "What happens in a run, as `event` says.", "oneOf": either}


def _renamed(value: Any) -> Any:
    """The same under public names, wherever a component is named or referred to."""
    if isinstance(value, dict):
        found = cast(dict[Any, Any], value)
        return {
            _RENAMED.get(key, key) if isinstance(key, str) else key: _renamed(of) for key, of in found.items()
        }
    if isinstance(value, list | tuple):
        return [_renamed(of) for of in cast(list[Any], value)]
    if isinstance(value, str) and value.startswith(_SCHEMAS):
        name = value.removeprefix(_SCHEMAS)
        return _SCHEMAS + _RENAMED.get(name, name)
    return _RENAMED.get(value, value) if isinstance(value, str) else value
