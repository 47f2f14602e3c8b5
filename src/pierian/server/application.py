"""Puts the server together: routes, errors as the formats write them, and the middleware around everything."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Protocol

import msgspec
from litestar import Litestar, Router, get
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
from pierian.server.catalogue import list_models, show_model
from pierian.server.errors import ApiError, anthropic_body, from_exception, openai_body
from pierian.server.exchange import HttpRequest, log_cause
from pierian.server.health import healthz, metrics, readyz
from pierian.server.invites import accept_invite
from pierian.server.keeper import Keeper
from pierian.server.middleware import Middleware
from pierian.server.openapi import document as openapi
from pierian.server.request_body import ClientGone
from pierian.server.runs import answer_approval, cancel_run, create_run, follow_run, list_runs, show_run
from pierian.server.service import Service
from pierian.server.usage import show_usage

LOG = logging.getLogger("pierian.server")
CLIENT_GONE = 499
"""The status that the log gets for a client that left; nobody receives it."""


class Pages(Protocol):
    """Pages for browsers beside the API."""

    @property
    def state(self) -> Mapping[str, Any]:
        """What their handlers need beside what the API's do."""
        ...

    def router(self) -> Router:
        """Their addresses, with what is answered there where something goes wrong."""
        ...

    def not_found(self, request: HttpRequest) -> Response[Any]:
        """What a browser is shown for an address that leads nowhere."""
        ...


def build(
    service: Service, keeper: Keeper, *, hosts: Collection[str], pages: Pages | None = None
) -> Middleware:
    """The whole server as an ASGI application, over a service and a keeper that are open.

    Args:
        hosts: Names under which it may be asked for, beside addresses.
        pages: What browsers are shown; None for the API alone.
    """

    def refused(request: HttpRequest, error: HTTPException) -> Response[Any]:
        if pages is not None and error.status_code in (404, 405) and _is_browser(request):
            return pages.not_found(request)
        return _refused(request, error)

    handlers: list[Any] = [
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
    ]
    described = msgspec.json.encode(openapi.document(handlers, keyless=service.keyless))
    application = Litestar(
        handlers if pages is None else [*handlers, pages.router()],
        state=State(
            {"service": service, "keeper": keeper, "openapi": described, **(pages.state if pages else {})}
        ),
        openapi_config=None,  # it would serve a document of its own, at an address of its own
        exception_handlers={
            PierianError: _failed,
            HTTPException: refused,
            ClientGone: _left,
            Exception: _unexpected,
        },
        before_request=_methods,
        logging_config=None,
    )
    return Middleware(application, hosts, service.metrics)


def _is_browser(request: HttpRequest) -> bool:
    """Whether a page is asked for, not an answer of the API."""
    return "text/html" in request.headers.get("accept", "") and not request.url.path.startswith("/v1/")


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
    return Response(None, status_code=204, headers={"allow": _allowed(route.methods)})


def _allowed(methods: Iterable[str]) -> str:
    """Methods as the header lists them; where there is GET there is HEAD, which never comes here."""
    known = {"OPTIONS", *methods}
    return ", ".join(sorted({*known, "HEAD"} if "GET" in known else known))


def _failed(request: HttpRequest, error: PierianError) -> Response[bytes]:
    told = from_exception(error)
    log_cause(told, request.scope["state"].get("request_id", ""))
    return error_response(request, told)


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
    headers = {name.lower(): value for name, value in (error.headers or {}).items()}
    if allowed := headers.get("allow"):
        headers["allow"] = _allowed(allowed.split(", "))
    return error_response(request, found, headers)


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
