"""What a client of the API is told when its request fails, in the words and shapes of both wire formats.

`ApiError` is one failure with its HTTP status; `openai_body` and `anthropic_body` write it down; `from_exception`
says what an error of Pierian's own means to a client. Nothing is logged or sent here. What a client reads of trouble
behind the server names no address and no file, since nothing of the words of what failed is in it: whoever runs the
server finds the cause as `__cause__`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from pierian.access.denial import AccessDenied
from pierian.exceptions import (
    BudgetExhausted,
    ContextOverflow,
    DiskFull,
    DownloadError,
    EngineError,
    FileDamaged,
    PierianError,
    QuestionError,
    RunLost,
    SchemaIgnored,
    ServerRefused,
    ServerTimeout,
    ServerUnreachable,
    SettingsError,
    StorageError,
    StreamBroken,
    UnknownName,
    UserError,
)
from pierian.metering.refusals import RateLimited
from pierian.server.places import or_else

_CANNOT = "This cannot be done as it was asked. Whoever runs this server finds the reason in its log."
_REFUSALS = (
    (
        r"schema|grammar|response_format|json",
        "the JSON schema of this request. Simplify it, or use another model.",
    ),
    (r"image|picture|multimodal|mmproj|vision", "the pictures of this request. Leave them out."),
    (r"tool|function", "the tools of this request. Leave them out, or use a mode such as pierian-instant."),
    (r"logprob", "'logprobs'. Leave it out."),
    (r"temperature|top_p|\bseed|sampling", "its sampling. Leave out 'temperature', 'top_p' and 'seed'."),
    (r"template|\brole|alternat", "the order of the messages. Let user and assistant take turns."),
)
"""What model servers refuse, by words of theirs, and what a client reads of it: nothing of theirs."""
_NAMED = {"mode": "mode", "tool": "tools"}
"""Of names that are not known, those that requests have, and the field where they stand."""
_OPENAI_KINDS = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
}
_ANTHROPIC_KINDS = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
}


class ApiError(PierianError):
    """A request that fails, as the client is told.

    Args:
        status: Of the HTTP answer, where nothing was sent before.
        code: For programs, such as `context_length_exceeded`.
        param: The field of the request's body that is to be changed, such as `messages[2].content`.
        kind: OpenAI's `type`; left out, what the status stands for.
        retry_after: Seconds after which it may succeed; None where repeating the same request is of no use.
        told: Further headers, such as those of rates.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        kind: str = "",
        retry_after: float | None = None,
        told: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.param, self.retry_after = status, code, param, retry_after
        self._told = told or {}
        self.kind = (
            kind
            or _OPENAI_KINDS.get(status)
            or ("server_error" if status >= 500 else "invalid_request_error")
        )

    @property
    def headers(self) -> dict[str, str]:
        """What goes with the status. The official clients repeat a request by themselves unless told not to."""
        if self.status == 401:
            return {"www-authenticate": "Bearer", "x-should-retry": "false"}
        if self.retry_after is None:
            return {**self._told, "x-should-retry": "false"}
        # Whole seconds, as the header has them, and never too few.
        seconds = math.ceil(self.retry_after)
        return {**self._told, "x-should-retry": "true", "retry-after": str(seconds)}


def openai_body(error: ApiError) -> dict[str, Any]:
    """The body of `/v1/chat/completions`, `/v1/responses` and everything else under OpenAI's paths."""
    told = {"message": str(error), "type": error.kind, "param": error.param, "code": error.code}
    return {"error": told}


def anthropic_body(error: ApiError, request_id: str = "") -> dict[str, Any]:
    """The body of `/v1/messages`."""
    usual = "api_error" if error.status >= 500 else "invalid_request_error"
    message = f"{error.param}: {error}" if error.param else str(error)
    told = {"type": _ANTHROPIC_KINDS.get(error.status, usual), "message": message}
    return {"type": "error", "error": told, "request_id": request_id or None}


def from_exception(error: PierianError) -> ApiError:
    """What an error means to the client that asked; the error itself becomes the cause."""
    if isinstance(error, ApiError):
        return error
    found = _of_signal(error) or _of_request(error) or _of_server(error)
    found.__cause__ = error
    return found


def _of_signal(error: PierianError) -> ApiError | None:
    match error:
        case RateLimited():
            # Where the same request can never fit, waiting is of no use.
            return ApiError(
                429,
                str(error),
                code="rate_limit_exceeded",
                retry_after=error.retry_after,
                told=error.standing.headers(),
            )
        case BudgetExhausted():
            # What OpenAI answers for a spent account; 402 is known to one of the two official clients only.
            code = "insufficient_quota"
            return ApiError(429, str(error), code=code, kind=code)
        case RunLost():
            # It was stopped on purpose: a client that tries again by itself would undo that.
            return ApiError(503, "The answer was stopped by whoever runs this server.", code="stopped")
        case _:
            return None


def _of_request(error: PierianError) -> ApiError | None:
    """Where the client can do something about it."""
    match error:
        case ContextOverflow():
            message = f"{error} Shorten the messages, or leave out the oldest."
            return ApiError(400, message, code="context_length_exceeded", param="messages")
        case UnknownName() if error.kind == "model":
            return ApiError(404, _with_hint(error), code="model_not_found", param="model")
        case AccessDenied():
            return ApiError(401, _with_hint(error), code="invalid_api_key")
        case SettingsError():
            return None  # the server's own settings
        case QuestionError():
            # Its hint is for the command line.
            return ApiError(400, str(error), code="invalid_value", param="messages")
        case UnknownName() if error.kind in _NAMED:
            return ApiError(400, _with_hint(error), code="invalid_value", param=_NAMED[error.kind])
        case UserError():
            # It may be about the server's own files; hints are for the command line.
            return ApiError(400, or_else(str(error), _CANNOT), code="invalid_value")
        case ServerRefused(status=400 | 413 | 422):
            return ApiError(400, _refused(str(error)), code="model_refused")
        case ServerRefused(status=404):
            return ApiError(
                404, "The model server does not know the model.", code="model_not_found", param="model"
            )
        case _:
            return None


def _of_server(error: PierianError) -> ApiError:
    """Where only time, or whoever runs the server, can do something about it."""
    match error:
        case ServerRefused(status=429 | 503):
            return ApiError(
                503, "The model server is busy. Try again shortly.", code="model_busy", retry_after=5
            )
        case ServerRefused():
            return ApiError(502, "The model server failed on this request.", code="model_failed")
        case ServerUnreachable():
            message = "The model server cannot be reached. Try again shortly."
            return ApiError(503, message, code="model_unreachable", retry_after=5)
        case EngineError():
            message = "The model's engine is not running. Try again shortly."
            return ApiError(503, message, code="engine_down", retry_after=5)
        case ServerTimeout():
            message = "The model server went silent. Ask for less, or try again later."
            return ApiError(504, message, code="model_timeout", retry_after=5)
        case StreamBroken():
            message = "The model server broke off in the middle of the answer. Try again."
            return ApiError(502, message, code="model_broke_off", retry_after=1)
        case SchemaIgnored():
            message = "The model did not keep to the JSON schema. Simplify the schema, or use another model."
            return ApiError(502, message, code="schema_ignored")
        case DownloadError() | FileDamaged():
            return ApiError(
                503, "The model's weights are not available on this server.", code="model_unavailable"
            )
        case StorageError() | DiskFull():
            message = "The server cannot store or read its data at the moment."
            return ApiError(503, message, code="storage_unavailable", retry_after=30)
        case _:
            return ApiError(500, "The server failed on this request.", code="internal_error")


def _refused(words: str) -> str:
    """What to change where a model server does not take a request, as far as its words tell."""
    # The first words are ours, and name the address.
    _, _, reason = words.partition(" answered ")
    for pattern, what in _REFUSALS:
        if re.search(pattern, reason or words, re.IGNORECASE):
            return f"The model server does not take {what}"
    return (
        "The model server does not take this request. Whoever runs this server finds the reason in its log."
    )


def _with_hint(error: PierianError) -> str:
    return f"{error} {error.hint}".strip()
