"""Search by a configured endpoint, in both wire formats."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.toolbox.web_server import WebServer, response, serving

from pierian.exceptions import SettingsError
from pierian.provenance import Labelled, external
from pierian.toolbox import search_tools
from pierian.tools import Tool, ToolFailure, invoke

HITS = [
    {
        "url": "https://a.example/x",
        "title": "A &amp; B",
        "content": "about <b>ferries</b>",
        "engine": "e",
        "score": 1.5,
    },
    {"url": "javascript:alert(1)", "title": "bad", "content": ""},
    {"url": "http://h:bad/", "title": "bad", "content": ""},
    {"url": "https://b.example/", "title": None, "content": None},
]


@pytest.fixture
async def server() -> AsyncIterator[WebServer]:
    async with serving() as running:
        yield running


def answer(body: Any, status: int = 200) -> bytes:
    return response(json.dumps(body).encode(), status, "application/json")


async def search(tools: list[Tool], words: str = "ferry & co") -> Labelled:
    found = await invoke(tools[0], {"words": Labelled(words)})
    assert found is not None
    return found


SEARXNG = "/search?q=ferry+%26+co&format=json"


@pytest.mark.parametrize("path", ["", "/", "/search", "/search/"])
async def test_searxng(server: WebServer, path: str) -> None:
    server.pages[SEARXNG] = answer({"query": "ferry", "results": HITS, "suggestions": []})
    found = await search(search_tools(f"http://127.0.0.1:{server.port}{path}"))
    assert found.value == [
        {"title": "A & B", "url": "https://a.example/x", "snippet": "about ferries"},
        {"title": "", "url": "https://b.example/", "snippet": ""},
    ]
    hosts = ("127.0.0.1", "a.example", "b.example")
    assert found.labels == frozenset().union(*(external(f"host:{host}") for host in hosts))


async def test_brave(server: WebServer) -> None:
    path = "/res/v1/web/search?q=ferry+%26+co&count=8"
    hits = [
        {"url": f"https://a.example/{n}", "title": "A", "description": "<strong>b</strong>"}
        for n in range(30)
    ]
    server.pages[path] = answer({"type": "search", "web": {"type": "search", "results": hits}})
    found = await search(search_tools(f"http://127.0.0.1:{server.port}/res/v1/web/search", key="k3y"))
    assert len(found.value) == 8
    assert found.value[0] == {"title": "A", "url": "https://a.example/0", "snippet": "b"}
    assert "x-subscription-token: k3y" in server.heads[0].lower()
    assert parse_qs(urlsplit(server.paths[0]).query)["q"] == ["ferry & co"]


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (answer({}, 401), "denied"),
        (answer({}, 403), "denied"),
        (answer({}, 429), "unreachable"),
        (answer({}, 500), "unreachable"),
        (answer({}, 404), "failed"),
        (response(status=302, headers="Location: http://127.0.0.2/\r\n"), "failed"),
        (response(b"<html>"), "wrong_type"),
        (answer({"results": "none"}), "wrong_type"),
        (answer({"results": ["x" * 2_100_000]}), "too_large"),
        (b"", "unreachable"),
    ],
)
async def test_failures_say_what_to_do(server: WebServer, reply: bytes, code: str) -> None:
    server.pages[SEARXNG] = reply
    with pytest.raises(ToolFailure) as caught:
        await search(search_tools(f"http://127.0.0.1:{server.port}"))
    assert caught.value.code == code, str(caught.value)
    assert len(server.asked) == 1


async def test_nothing_found_is_an_empty_list(server: WebServer) -> None:
    server.pages[SEARXNG] = answer({"results": []})
    assert (await search(search_tools(f"http://127.0.0.1:{server.port}"))).value == []


@pytest.mark.parametrize("words", ["", "x" * 401])
async def test_words_are_needed(words: str) -> None:
    with pytest.raises(ToolFailure) as caught:
        await search(search_tools("http://127.0.0.1:1"), words)
    assert caught.value.code == "invalid"


@pytest.mark.parametrize(
    "endpoint", ["", "localhost:8888", "ftp://x/", "http://", "https://api.example/res/v1/web/search"]
)
def test_an_endpoint_that_cannot_work_is_a_mistake_in_the_settings(endpoint: str) -> None:
    with pytest.raises(SettingsError):
        search_tools(endpoint)
