"""Puts the server together: routes, errors as the formats write them, and the edge around everything."""

from __future__ import annotations

import logging
from collections.abc import Collection
from typing import Any

import msgspec
from litestar import Litestar, get
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.response import Response

from pierian.exceptions import PierianError
from pierian.server.answers import (
    create_chat_completion,
    create_embedding,
    create_message,
    create_response,
    delete_response,
    show_response,
)
from pierian.server.bodies import ClientGone
from pierian.server.catalogue import list_models, show_model
from pierian.server.edge import Edge
from pierian.server.errors import ApiError, anthropic_body, from_exception, openai_body
from pierian.server.exchange import HttpRequest
from pierian.server.health import healthz, metrics, readyz
from pierian.server.invites import accept_invite
from pierian.server.keeper import Keeper
from pierian.server.openapi import document as openapi
from pierian.server.runs import answer_approval, cancel_run, create_run, follow_run, list_runs, show_run
from pierian.server.service import Service
from pierian.server.usage import show_usage

LOG = logging.getLogger("pierian.server")
CLIENT_GONE = 499
"""The status that the log gets for a client that left; nobody receives it."""


def build(service: Service, keeper: Keeper, *, hosts: Collection[str]) -> Edge:
    """The whole server as an ASGI application, over a service and a keeper that are open.

    Args:
        hosts: Names under which it may be asked for, beside addresses.
    """

    application = Litestar(
        [
            create_chat_completion,
            create_response,
            show_response,
            delete_response,
            create_message,
            create_embedding,
            create_run,
            list_runs,
            show_run,
            follow_run,
            cancel_run,
            answer_approval,
            accept_invite,
            list_models,
            show_model,
            show_usage,
            healthz,
            readyz,
            metrics,
            show_openapi,
        ],
        state=State({"service": service, "keeper": keeper}),
        openapi_config=openapi.config(keyless=service.keyless),
        exception_handlers={
            PierianError: _failed,
            HTTPException: _refused,
            ClientGone: _left,
            Exception: _unexpected,
        },
        before_request=_methods,
        logging_config=None,
    )
    application.state.openapi = msgspec.json.encode(openapi.document(application))
    return Edge(application, hosts, service.metrics)


@get("/openapi.json", operation_id="showOpenApi", tags=["Operation"])
async def show_openapi(state: State) -> Response[bytes]:
    """This description of the API."""
    return Response(state.openapi, media_type="application/json")


def _methods(request: HttpRequest) -> Response[None] | None:
    """What OPTIONS is answered. The framework's own answer forgets what is registered later under the same path."""
    if request.method != "OPTIONS":
        return None
    template = request.scope["path_template"]
    (route,) = (one for one in request.app.routes if one.path_format == template)
    return Response(None, status_code=204, headers={"allow": ", ".join(sorted(route.methods))})


def _failed(request: HttpRequest, error: PierianError) -> Response[bytes]:
    return error_response(request, from_exception(error))


def _refused(request: HttpRequest, error: HTTPException) -> Response[bytes]:
    """Of the framework: no such path, another method, a query that is none."""
    match error.status_code:
        case 404:
            found = ApiError(404, f"There is nothing at {request.url.path}.", code="not_found")
        case 405:
            found = ApiError(
                405, f"{request.url.path} is not asked with {request.method}.", code="method_not_allowed"
            )
        case status:
            found = ApiError(
                status, error.detail or "The request cannot be understood.", code="invalid_request"
            )
    return error_response(request, found, dict(error.headers or {}))


def _left(request: HttpRequest, error: ClientGone) -> Response[bytes]:
    return Response(b"", status_code=CLIENT_GONE)


def _unexpected(request: HttpRequest, error: Exception) -> Response[bytes]:
    """A fault of ours: whole in the log, with its number for whoever asks about it."""
    number = request.scope["state"].get("request_id", "")
    LOG.error("fault", exc_info=error, extra={"fields": {"request": number}})
    told = ApiError(
        500, f"Something went wrong inside the server. Its log has the request {number}.", code="fault"
    )
    return error_response(request, told)


def error_response(
    request: HttpRequest, error: ApiError, headers: dict[str, str] | None = None
) -> Response[bytes]:
    """The error in the format of the path that was asked."""
    number = request.scope["state"].get("request_id", "")
    speaks_anthropic = request.url.path.startswith("/v1/messages")
    body: dict[str, Any] = anthropic_body(error, number) if speaks_anthropic else openai_body(error)
    return Response(
        msgspec.json.encode(body),
        status_code=error.status,
        media_type="application/json",
        headers={**error.headers, **(headers or {})},
    )
