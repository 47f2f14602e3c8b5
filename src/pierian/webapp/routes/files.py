"""What belongs to the app itself: styles, scripts, icons, the manifest, the page for when there is no server."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import get
from litestar.params import FromPath
from litestar.response import Response

from pierian.server.errors import ApiError
from pierian.server.exchange import HttpRequest
from pierian.webapp.assets import WORKER, asset, load, version
from pierian.webapp.rendering import page
from pierian.webapp.responses import html
from pierian.webapp.texts import text

FOR_EVER = "public, max-age=31536000, immutable"


@get("/static/{version_name:str}/{file_path:path}", include_in_schema=False)
async def show_file(
    request: HttpRequest, version_name: FromPath[str], file_path: FromPath[str]
) -> Response[Any]:
    """A file of the app; its address changes when any of them does."""
    return _file(request, str(file_path).lstrip("/"), FOR_EVER if version_name == version() else "no-cache")


@get("/service-worker.js", include_in_schema=False)
async def show_service_worker(request: HttpRequest) -> Response[Any]:
    """The script that shows the offline page; it rules over the whole app, so it stands at its root."""
    return _file(request, WORKER, "no-cache")


@get("/offline", include_in_schema=False)
async def show_offline() -> Response[Any]:
    """The page for when this server cannot be reached; browsers keep it."""
    return html(page("offline.html"), headers={"cache-control": "no-cache"})


@get("/manifest.webmanifest", include_in_schema=False)
async def show_manifest() -> Response[bytes]:
    """What makes the app one that can be installed."""
    icons = [
        {"src": asset("icons/icon-192.png"), "sizes": "192x192", "type": "image/png"},
        {"src": asset("icons/icon-512.png"), "sizes": "512x512", "type": "image/png"},
        {
            "src": asset("icons/icon-maskable-512.png"),
            "sizes": "512x512",
            "type": "image/png",
            "purpose": "maskable",
        },
    ]
    told = {
        "name": text("name"),
        "short_name": text("name"),
        "description": text("app.description"),
        "start_url": "/",
        "scope": "/",
        "display": "standalone",
        "background_color": "#f7fafa",
        "theme_color": "#f7fafa",
        "icons": icons,
    }
    headers = {"cache-control": "no-cache"}
    return Response(msgspec.json.encode(told), media_type="application/manifest+json", headers=headers)


def _file(request: HttpRequest, path: str, kept: str) -> Response[Any]:
    found = load(path)
    if found is None:
        raise ApiError(404, "There is no such file.", code="not_found")
    headers = {
        "cache-control": kept,
        "vary": "accept-encoding",
        "cross-origin-resource-policy": "same-origin",
    }
    packed = found.compressed if "gzip" in request.headers.get("accept-encoding", "") else None
    if packed is not None:
        headers["content-encoding"] = "gzip"
    body = found.content if packed is None else packed
    return Response(body, media_type=found.media_type, headers=headers)


HANDLERS = [show_file, show_service_worker, show_offline, show_manifest]
