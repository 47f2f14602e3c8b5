"""The pages as a part of the server: their handlers, and what is answered where something goes wrong.

`pierian serve` mounts them beside the API. Failures of pages are pages too: for a whole page one that says what to do
next, for htmx the sentence that a script shows in the corner.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from litestar import Router
from litestar.exceptions import HTTPException
from litestar.response import Response

from pierian.exceptions import PierianError, UnknownName
from pierian.runs.finishing import finish
from pierian.server.errors import ApiError, from_exception
from pierian.server.exchange import HttpRequest
from pierian.server.keeper import Keeper
from pierian.server.request_body import ClientGone
from pierian.server.service import Service
from pierian.webapp.rendering import page, toast
from pierian.webapp.responses import html, is_fragment, nothing, packing
from pierian.webapp.routes import (
    account_links,
    accounts,
    answers,
    attachments,
    conversations,
    files,
    keys,
    people,
    runs,
    schedules,
    searching,
    settings,
    sharing,
    signing_in,
    today,
    usage,
)
from pierian.webapp.site import Site
from pierian.webapp.texts import text
from pierian.webapp.visitors import SignInNeeded, session_cookie

LOG = logging.getLogger("pierian.server")
_MODULES: Sequence[Any] = (
    account_links,
    accounts,
    answers,
    attachments,
    conversations,
    files,
    keys,
    people,
    runs,
    schedules,
    searching,
    settings,
    sharing,
    signing_in,
    today,
    usage,
)


_GONE = ("conversation", "run", "approval", "key", "user", "invitation", "account", "schedule")
"""What addresses name; the words for it are the same whether it was deleted, is somebody else's or never was."""


class Pages:
    """The web app of one server process, as `server.application.build` takes it."""

    def __init__(self, service: Service, keeper: Keeper) -> None:
        self.site = Site(service, keeper)
        keeper.ended = self._ended

    @property
    def state(self) -> Mapping[str, Any]:
        """What the handlers get from the server's state."""
        return {"site": self.site}

    def router(self) -> Router:
        """All addresses of the pages."""
        return Router(
            "/",
            route_handlers=[handler for module in _MODULES for handler in module.HANDLERS],
            middleware=[packing],
            exception_handlers={
                SignInNeeded: _sign_in,
                PierianError: _failed,
                HTTPException: _refused,
                ClientGone: _left,
                Exception: _unexpected,
            },
        )

    def _ended(self, run: str) -> None:
        """Store the answer of a run, and let open pages know."""
        if place := finish(self.site.database, run):
            self.site.changed(place.owner, place.conversation)

    def not_found(self, request: HttpRequest) -> Response[Any]:
        """What a browser is shown for an address that leads nowhere."""
        return _told(request, 404, text("message.not_found"), text("message.not_found_hint"))


def _sign_in(request: HttpRequest, error: SignInNeeded) -> Response[Any]:
    """A page leads to the form and back; a part of one says so, and what was typed stays where it is."""
    forgotten = [session_cookie(request, "")]
    address = f"/sign-in?next={quote(error.next_page, safe='')}"
    if is_fragment(request):
        return html(toast(str(error), error.hint), 401, cookies=forgotten)
    if request.method != "GET":
        shown = page(
            "message.html", title=str(error), words=text("message.signed_out"), action=address, aside=True
        )
        return html(shown, 401, cookies=forgotten)
    return Response(None, status_code=303, headers={"location": address}, cookies=forgotten)


def _failed(request: HttpRequest, error: PierianError) -> Response[Any]:
    if isinstance(error, UnknownName) and error.kind in _GONE:
        return _told(request, 404, text("message.gone", what=error.kind), text("message.gone_hint"))
    found = from_exception(error)
    hint = error.hint if not isinstance(error, ApiError) and found.status < 500 else ""
    words = str(error) if hint else str(found)
    return _told(request, found.status, words, hint)


def _refused(request: HttpRequest, error: HTTPException) -> Response[Any]:
    """Of the framework: a query or a path that is none."""
    status = error.status_code if error.status_code >= 400 else 400
    return _told(request, status, text("message.not_understood"), text("message.not_found_hint"))


def _left(request: HttpRequest, error: ClientGone) -> Response[Any]:
    return nothing()


def _unexpected(request: HttpRequest, error: Exception) -> Response[Any]:
    """A fault of ours: whole in the log, with its number for whoever asks about it."""
    number = request.scope["state"].get("request_id", "")
    LOG.error("fault", exc_info=error, extra={"fields": {"request": number}})
    return _told(request, 500, text("message.fault"), text("message.fault_hint", number=number))


def _told(request: HttpRequest, status: int, words: str, hint: str) -> Response[Any]:
    if is_fragment(request):
        return html(toast(words, hint), status)
    return html(page("message.html", status=status, title=words, words=hint, action="/"), status)
