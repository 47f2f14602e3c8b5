"""What clients are told when something fails: statuses and codes that their own error handling understands."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import anthropic
import openai
import pytest
from anthropic.types.shared import ErrorResponse
from tests.server.official_clients import Server

from pierian.access.denial import AccessDenied
from pierian.exceptions import (
    BudgetExhausted,
    ContextOverflow,
    DiskFull,
    DownloadError,
    EngineError,
    PierianError,
    PlanError,
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
from pierian.metering import Standing
from pierian.metering.refusals import CapReached, RateLimited
from pierian.server.errors import ApiError, anthropic_body, from_exception, openai_body

ADDRESS = "http://10.0.0.5:8000/v1"
OVERFLOW = ContextOverflow(prompt_tokens=5000, context_tokens=4096)
STANDING = Standing(limit_requests=2, remaining_requests=0, reset_requests=12.5)
ASKED: Any = [{"role": "user", "content": "Hello"}]


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (OVERFLOW, 400, "context_length_exceeded"),
        (QuestionError("The question is empty."), 400, "invalid_value"),
        (UnknownName("model", "gpt", ["double"]), 404, "model_not_found"),
        (UnknownName("mode", "deep", ["instant"]), 400, "invalid_value"),
        (UserError(f"There is nothing at {ADDRESS}."), 400, "invalid_value"),
        (ServerRefused(f"{ADDRESS} answered 400: {ADDRESS}", status=400), 400, "model_refused"),
        (SettingsError(f"base_url is {ADDRESS}"), 500, "internal_error"),
        (AccessDenied("revoked"), 401, "invalid_api_key"),
        (ServerRefused("The schema is not valid.", status=400), 400, "model_refused"),
        (ServerRefused("No such model.", status=404), 404, "model_not_found"),
        (ServerRefused(f"{ADDRESS} wants a key", status=401), 502, "model_failed"),
        (ServerRefused(f"{ADDRESS} is busy", status=429), 503, "model_busy"),
        (ServerUnreachable(f"Nothing answers at {ADDRESS}."), 503, "model_unreachable"),
        (ServerTimeout(f"{ADDRESS} went silent."), 504, "model_timeout"),
        (StreamBroken(f"{ADDRESS} broke off."), 502, "model_broke_off"),
        (SchemaIgnored("No."), 502, "schema_ignored"),
        (EngineError(f"/root/{ADDRESS} crashed."), 503, "engine_down"),
        (DownloadError(ADDRESS), 503, "model_unavailable"),
        (StorageError(f"/root/{ADDRESS}"), 503, "storage_unavailable"),
        (DiskFull(f"/root/{ADDRESS}"), 503, "storage_unavailable"),
        (PlanError(ADDRESS), 500, "internal_error"),
        (BudgetExhausted("money", "The daily budget is spent."), 429, "insufficient_quota"),
        (CapReached("day", "The key's cap is reached.", 0, datetime.now(UTC)), 429, "insufficient_quota"),
        (RateLimited("requests", "Too many requests.", 12.5, STANDING), 429, "rate_limit_exceeded"),
        (RunLost("r1"), 503, "stopped"),
    ],
)
def test_what_an_error_means_to_a_client(error: PierianError, status: int, code: str | None) -> None:
    told = from_exception(error)
    assert (told.status, told.code) == (status, code)
    assert told.__cause__ is error
    assert str(told).endswith(".") or str(told).endswith("?")
    assert ADDRESS not in str(told)


@pytest.mark.parametrize(
    ("words", "what"),
    [
        ("failed to parse grammar at /srv/x", "schema"),
        ("image input is not supported - hint: provide the mmproj of /srv/x", "pictures"),
        ("tool_choice needs --jinja", "tools"),
        ("Only user and assistant roles are supported", "order"),
        ("/srv/x broke", "finds the reason in its log"),
    ],
)
def test_what_a_model_server_refuses_is_told_without_its_words(words: str, what: str) -> None:
    refused = ServerRefused(f"The model server at {ADDRESS} answered 400: {words}", status=400)
    told = str(from_exception(refused))
    assert what in told
    assert "/srv" not in told
    assert ADDRESS not in told


def test_an_api_error_stays_what_it_is() -> None:
    error = ApiError(413, "Too large.")
    assert from_exception(error) is error


@pytest.mark.parametrize(
    ("error", "kind", "anthropic_kind"),
    [
        (ApiError(400, "Wrong."), "invalid_request_error", "invalid_request_error"),
        (ApiError(401, "Who?"), "authentication_error", "authentication_error"),
        (ApiError(403, "No."), "permission_error", "permission_error"),
        (ApiError(404, "Where?"), "not_found_error", "not_found_error"),
        (ApiError(429, "Slow."), "rate_limit_error", "rate_limit_error"),
        (from_exception(BudgetExhausted("money", "Spent.")), "insufficient_quota", "rate_limit_error"),
        (ApiError(500, "Oh."), "server_error", "api_error"),
        (ApiError(503, "Busy."), "server_error", "overloaded_error"),
        (ApiError(504, "Silent."), "server_error", "timeout_error"),
    ],
)
def test_bodies_of_both_formats(error: ApiError, kind: str, anthropic_kind: str) -> None:
    assert openai_body(error) == {
        "error": {"message": str(error), "type": kind, "param": None, "code": error.code}
    }
    body = anthropic_body(error, "req_1")
    assert ErrorResponse.model_validate(body, strict=True).error.type == anthropic_kind


@pytest.mark.parametrize(("retry_after", "requests"), [(None, 1), (0.001, 2)])
def test_official_clients_repeat_a_request_only_where_it_may_help(
    retry_after: float | None, requests: int
) -> None:
    error = ApiError(429, "Not now.", retry_after=retry_after)
    server = Server(openai_body(error), 429, error.headers)
    with pytest.raises(openai.RateLimitError):
        server.openai.chat.completions.create(model="m", messages=ASKED)
    assert len(server.bodies) == requests
    server = Server(anthropic_body(error), 429, error.headers)
    with pytest.raises(anthropic.RateLimitError):
        server.anthropic.messages.create(model="m", max_tokens=9, messages=ASKED)
    assert len(server.bodies) == requests
