"""What the OpenAPI document says of each operation beside what the framework finds by itself: the body that is sent,
the answer, the statuses, and in words what a developer has to know. Operations are named by their `operation_id`.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from pierian.server.invites import InviteAnswer
from pierian.server.openapi import chat_completions as chat
from pierian.server.openapi import messages, records, responses
from pierian.server.openapi.values import OpenAIError
from pierian.server.run_requests import ApprovalRequest, RunRequest

RUN_EVENT = "RunEvent"
"""The component that is made of the events of `pierian.events`."""


class Stream(Struct, frozen=True):
    """Server-sent events: what the `data` of each fits, and how to read them."""

    data: Any
    """A struct, a union of structs, or `RUN_EVENT`."""
    told: str
    last: type[Struct] | None = None
    """The data of the last event, where it is of another kind."""
    ends: str = ""
    """The data of a last event that is no JSON."""


class Operation(Struct, frozen=True, kw_only=True):
    """One operation. `errors` are the statuses of its own; those that every operation has are not among them."""

    told: str = ""
    sends: type[Struct] | None = None
    example: dict[str, Any] | None = None
    answers: type[Struct] | None = None
    status: int = 200
    table: tuple[str, str] | None = None
    """A further media type of the answer, or its only one, and what it holds."""
    stream: Stream | None = None
    errors: tuple[int, ...] = ()
    rated: bool = False
    """Whether the answer says what the key's rates leave."""
    repeatable: bool = False
    """Whether it takes an `Idempotency-Key`."""
    resumable: bool = False
    """Whether it takes a `Last-Event-ID`."""
    keyed: bool = True
    not_ready: type[Struct] | None = None
    """The body of a 503 that is no error."""


_ASKING = (400, 401, 403, 404, 408, 409, 413, 422, 429, 502, 503, 504)
_UPSTREAM = (400, 401, 404, 502, 503, 504)
_QUESTION = "How much are 5 books at 12 dollars?"

OPERATIONS = {
    "createChatCompletion": Operation(
        told="A mode (`pierian-thinking` and others) reasons and checks; what its answer rests on is the extension "
        "`pierian`. Any other model answers by itself, as it would without Pierian.",
        sends=chat.ChatCompletionRequest,
        example={"model": "pierian-auto", "messages": [{"role": "user", "content": _QUESTION}]},
        answers=chat.ChatCompletion,
        stream=Stream(
            chat.ChatCompletionChunk,
            "Each `data` is a chunk, and `[DONE]` the last one. Thoughts come as `delta.reasoning_content`. Where "
            "something goes wrong after the stream has begun, the last `data` is an error.",
            OpenAIError,
            "[DONE]",
        ),
        errors=_ASKING,
        rated=True,
        repeatable=True,
    ),
    "createResponse": Operation(
        told="A response is kept unless `store` is false; `previous_response_id` then continues it, and it can be "
        "fetched and deleted.",
        sends=responses.ResponseRequest,
        example={"model": "pierian-auto", "input": _QUESTION},
        answers=responses.ResponseObject,
        stream=Stream(
            responses.ResponseEvent,
            "The last event is `response.completed`, `response.incomplete` or `response.failed`.",
        ),
        errors=_ASKING,
        rated=True,
        repeatable=True,
    ),
    "retrieveResponse": Operation(answers=responses.ResponseObject, errors=(401, 404, 503)),
    "deleteResponse": Operation(answers=responses.DeletedResponse, errors=(401, 404, 503)),
    "createMessage": Operation(
        told="Show the key as `x-api-key`, as Anthropic's clients do, or as a bearer token.",
        sends=messages.MessageRequest,
        example={
            "model": "pierian-auto",
            "max_tokens": 1000,
            "messages": [{"role": "user", "content": _QUESTION}],
        },
        answers=messages.MessageObject,
        stream=Stream(
            messages.MessageEvent,
            "The last event is `message_stop`, or `error` where something goes wrong after the stream has begun.",
        ),
        errors=_ASKING,
        rated=True,
        repeatable=True,
    ),
    "createEmbedding": Operation(
        told="Needs a server of models that gives vectors; the engine that comes with Pierian does not.",
        sends=chat.EmbeddingRequest,
        example={"model": "my-embedding-model", "input": ["a fox", "a bear"]},
        answers=chat.EmbeddingList,
        errors=(400, 401, 403, 404, 408, 413, 429, 502, 503, 504),
        rated=True,
    ),
    "createRun": Operation(
        told="A run is in the journal before this answers: it goes on when the client leaves, and after a crash of "
        "the server. Follow its events, or ask for it until its state is one that ends.",
        sends=RunRequest,
        example={"question": _QUESTION, "mode": "thinking"},
        answers=records.Run,
        status=202,
        errors=(400, 401, 403, 408, 409, 413, 422, 429, 503),
        rated=True,
        repeatable=True,
    ),
    "listRuns": Operation(answers=records.RunList, errors=(400, 401, 503)),
    "retrieveRun": Operation(answers=records.RunDetails, errors=(401, 404, 503)),
    "followRun": Operation(
        told="Every event has its position as `id`, its name as `event` and itself as `data`. The last event is "
        "called `end`, has no `id`, and its data is the run's state as `RunEnd` says. A client that lost the "
        "connection asks again with the last `id` as `Last-Event-ID` (browsers do so by themselves) and misses "
        "nothing.",
        stream=Stream(RUN_EVENT, "The last event is `end`.", records.RunEnd),
        errors=(400, 401, 404, 429, 503),
        resumable=True,
    ),
    "cancelRun": Operation(answers=records.Run, errors=(401, 404, 503)),
    "answerApproval": Operation(
        sends=ApprovalRequest,
        example={"approved": True},
        answers=records.Run,
        errors=(400, 401, 404, 408, 413, 503),
    ),
    "listModels": Operation(answers=records.ModelList, errors=_UPSTREAM),
    "retrieveModel": Operation(answers=records.ModelObject, errors=_UPSTREAM),
    "showUsage": Operation(
        answers=records.UsageList,
        table=("text/csv", "The same as a table, for spreadsheets."),
        errors=(400, 401, 503),
    ),
    "acceptInvite": Operation(
        told="Needs no key: the code is what is shown. It works once, until it expires or is taken back.",
        sends=InviteAnswer,
        example={"code": "pierian-invite-…", "user_name": "Ada", "key_name": "laptop"},
        answers=records.NewKey,
        status=201,
        errors=(400, 403, 408, 413, 503),
        keyed=False,
    ),
    "healthz": Operation(answers=records.Health, keyed=False),
    "readyz": Operation(answers=records.Readiness, not_ready=records.Readiness, keyed=False),
    "metrics": Operation(table=("text/plain", "Prometheus' text format."), keyed=False),
    "showOpenApi": Operation(table=("application/json", "An OpenAPI document of version 3.1."), keyed=False),
}

STATUSES = {
    400: "Something in the request is to be changed: `param` says where, the message how.",
    401: "No key was sent, or one that is not valid.",
    403: "The key is valid and does not allow this, or a page of another origin asks.",
    404: "There is no such model, response, run or approval, or none of yours.",
    408: "The request did not arrive in time. Without a body where not even its head did.",
    409: "A request with this Idempotency-Key is being answered.",
    413: "The body is too large.",
    421: "The server is not known under the name in the Host header: `pierian serve --allowed-host` allows one.",
    422: "This Idempotency-Key was sent before with another request.",
    429: "The key's rate is used up for the moment (`rate_limit_exceeded`), or its cap (`insufficient_quota`).",
    431: "The head of the request is too large.",
    500: "A fault of the server's. Its log has the `x-request-id`.",
    502: "The model server failed, broke off, or did not keep to the schema.",
    503: "The model server is busy or gone, the database is, or the server is being stopped.",
    504: "The model server went silent.",
}
EVERYWHERE = (403, 408, 421, 431, 500)
BARE = (431,)
"""Statuses without a body."""

HEADERS: dict[str, dict[str, Any]] = {
    "x-request-id": {
        "description": "The number of the request, which the server's log has too.",
        "required": True,
        "schema": {"type": "string", "pattern": "^req_[0-9a-f]{24}$"},
    },
    "x-should-retry": {
        "description": "Whether repeating the same request may be of use. The official clients follow it.",
        "schema": {"type": "string", "enum": ["true", "false"]},
    },
    "retry-after": {
        "description": "Seconds after which the same request may succeed.",
        "schema": {"type": "integer", "minimum": 0},
    },
    "idempotency-replayed": {
        "description": "This is what the first request with the Idempotency-Key was answered.",
        "schema": {"type": "string", "enum": ["true"]},
    },
    **{
        f"x-ratelimit-{what}-{of}": {"description": told.format(of=of), "schema": schema}
        for of in ("requests", "tokens")
        for what, told, schema in (
            (
                "limit",
                "How many {of} a minute the key may use; left out where there is no limit.",
                {"type": "integer"},
            ),
            ("remaining", "How many {of} are left.", {"type": "integer"}),
            ("reset", "When all {of} are free again, such as `1m2s` or `20ms`.", {"type": "string"}),
        )
    },
}
RATES = tuple(name for name in HEADERS if name.startswith("x-ratelimit-"))

PATHS = {
    "response_id": "The `id` of a stored response.",
    "run_id": "The whole `id` of a run.",
    "approval_id": "The `approval` of what the run waits for.",
    "model": "The `id` of a model.",
}
TAGS = {
    "Answers": "The same answers in three formats: OpenAI's chat completions and responses, Anthropic's messages.",
    "Runs": "Work that goes on whether or not anybody listens, with events that can be followed from any place.",
    "Models": "What a request may ask for.",
    "Usage": "What was used.",
    "Operation": "For whoever runs the server; no key is needed.",
}
