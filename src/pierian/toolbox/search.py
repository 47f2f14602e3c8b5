"""Search of the web through an endpoint that the user configured: a SearXNG server, or Brave's search API.

The endpoint may be on a private address, since the user named it; no redirect of it is followed, for the key goes
with the request. What the hits say was written by their hosts, and carries their labels beside the endpoint's.
"""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta, Struct

from pierian.exceptions import SettingsError
from pierian.provenance import Labelled, external, together
from pierian.toolbox.fetching import USER_AGENT
from pierian.tools import Tool, ToolFailure, tool
from pierian.tools.shapes import returning

if TYPE_CHECKING:
    import httpx2

BRAVE_PATH = "/res/v1/web/search"
MOST_HITS = 8
MOST_BYTES = 2_000_000
MOST_SECONDS = 20.0
_SNIPPET_CHARACTERS = 500


class SearchHit(Struct, frozen=True):
    """One page that was found."""

    title: str
    url: str
    snippet: str


class _Result(Struct, frozen=True):
    """A hit in either wire format: SearXNG calls its snippet content, Brave description."""

    url: str = ""
    title: str | None = None
    content: str | None = None
    description: str | None = None


class _Web(Struct, frozen=True):
    results: list[_Result] = []


class _Answer(Struct, frozen=True):
    results: list[_Result] = []
    web: _Web = msgspec.field(default_factory=_Web)


def search_tools(endpoint: str, key: str = "") -> list[Tool]:
    """The tool that searches by `endpoint`; one whose path is Brave's is asked as Brave, with `key`."""
    import httpx2

    try:
        address = httpx2.URL(endpoint.strip())
    except (httpx2.InvalidURL, TypeError) as error:
        raise SettingsError(f"The search endpoint {endpoint!r} is not an address.") from error
    if address.scheme not in ("http", "https") or not address.host:
        raise SettingsError(
            f"The search endpoint {endpoint!r} is not an address.", hint="Write it as http://localhost:8888."
        )
    brave = address.path.rstrip("/").endswith(BRAVE_PATH)
    if brave and not key:
        raise SettingsError(f"The search endpoint {address.host} needs a key.")

    @returning(list[SearchHit])
    @tool(effect="read", remote=True)
    async def web_search(words: Annotated[str, Meta(min_length=1, max_length=400)]) -> Labelled:
        """Search the web.

        Args:
            words: What to look for.
        """
        answer = await (_brave(address, key, words) if brave else _searxng(address, words))
        results = (answer.web.results or answer.results)[: 3 * MOST_HITS]
        hits = [hit for hit in map(_hit, results) if hit is not None][:MOST_HITS]
        hosts = [address.host, *(httpx2.URL(hit.url).host for hit in hits)]
        return Labelled(hits, together(external(f"host:{host}") for host in hosts))

    return [web_search]


async def _searxng(address: httpx2.URL, words: str) -> _Answer:
    path = address.path.rstrip("/").removesuffix("/search") + "/search"
    return await _asked(address.copy_with(path=path, query=None), {"q": words, "format": "json"}, {})


async def _brave(address: httpx2.URL, key: str, words: str) -> _Answer:
    return await _asked(address, {"q": words, "count": str(MOST_HITS)}, {"X-Subscription-Token": key})


async def _asked(address: httpx2.URL, query: Mapping[str, str], headers: Mapping[str, str]) -> _Answer:
    import httpx2

    host = address.host
    try:
        async with (
            asyncio.timeout(MOST_SECONDS),
            httpx2.AsyncClient(trust_env=False, follow_redirects=False, timeout=MOST_SECONDS) as client,
            client.stream(
                "GET",
                address,
                params=dict(query),
                headers={
                    "User-Agent": USER_AGENT,
                    "Accept": "application/json",
                    "Accept-Encoding": "gzip",
                    **headers,
                },
            ) as response,
        ):
            _check(response)
            body = bytearray()
            async for part in response.aiter_bytes():
                body += part
                if len(body) > MOST_BYTES:
                    raise ToolFailure("too_large", f"The search at {host} answers without end.")
    except (TimeoutError, httpx2.TimeoutException) as error:
        raise ToolFailure("timeout", f"The search at {host} does not answer.") from error
    except httpx2.HTTPError as error:
        raise ToolFailure(
            "unreachable",
            f"The search at {host} cannot be reached: {error}.",
            hint="See that it runs, and that the endpoint in the settings is right.",
        ) from error
    try:
        return msgspec.json.decode(bytes(body), type=_Answer)
    except msgspec.MsgspecError as error:
        raise ToolFailure("wrong_type", f"The search at {host} did not answer with results.") from error


def _check(response: httpx2.Response) -> None:
    host, status = response.url.host, response.status_code
    if 200 <= status < 300:
        return
    if status in (401, 403, 422):
        hint = "See that the key is right; SearXNG needs `json` among search.formats in its settings.yml."
        raise ToolFailure("denied", f"The search at {host} refuses to answer ({status}).", hint=hint)
    if status == 429 or status >= 500:
        raise ToolFailure(
            "unreachable", f"The search at {host} cannot answer now ({status}).", hint="Try again later."
        )
    raise ToolFailure(
        "failed",
        f"The search at {host} answered {status}.",
        hint="See that the endpoint in the settings is right.",
    )


def _hit(result: _Result) -> SearchHit | None:
    """A hit as plain text, if its address is one that can be opened."""
    import httpx2

    try:
        url = httpx2.URL(result.url)
    except httpx2.InvalidURL:
        return None
    if url.scheme not in ("http", "https") or not url.host:
        return None
    snippet = _without_marks(result.content or result.description or "")
    return SearchHit(_without_marks(result.title or ""), str(url), snippet[:_SNIPPET_CHARACTERS])


def _without_marks(text: str) -> str:
    """Text without the marks that search engines set around words."""
    return " ".join(html.unescape(re.sub(r"</?[a-zA-Z][^<>]{0,100}>", "", text)).split())
