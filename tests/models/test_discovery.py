"""Finding servers on this machine, among things that are none, over real loopback sockets."""

from __future__ import annotations

import http.server
import json
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from pierian.models import discovery
from pierian.models.discovery import LocalServer, discover


class Site(http.server.ThreadingHTTPServer):
    """Answers `/v1/models` with the given status and body; a body of None never ends."""

    daemon_threads = True

    def __init__(self, body: bytes | None, status: int = 200, location: str = "") -> None:
        stop = self.stop = threading.Event()

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

            def do_GET(self) -> None:
                self.send_response(status if self.path == "/v1/models" else 404)
                if location:
                    self.send_header("Location", location)
                self.end_headers()
                if body is not None:
                    self.wfile.write(body)
                while body is None and not stop.wait(0.05):
                    self.wfile.write(b" ")

        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def handle_error(self, request: object, client_address: object) -> None:
        pass  # the client hung up, as it should


@pytest.fixture
def sites() -> Iterator[list[Site]]:
    running: list[Site] = []
    yield running
    for site in running:
        site.stop.set()
        site.shutdown()
        site.server_close()


def listing(*models: str, owner: str = "library") -> bytes:
    return json.dumps({"object": "list", "data": [{"id": m, "owned_by": owner} for m in models]}).encode()


async def test_servers_are_found_and_named_by_what_they_say(sites: list[Site]) -> None:
    sites += [Site(listing("llama3:8b", "qwen3:4b")), Site(listing("m", owner="vllm"))]
    found = await discover({sites[0].port: "Ollama", sites[1].port: "llama.cpp"})
    assert found == [
        LocalServer("Ollama", f"http://127.0.0.1:{sites[0].port}/v1", ("llama3:8b", "qwen3:4b")),
        LocalServer("vLLM", f"http://127.0.0.1:{sites[1].port}/v1", ("m",)),
    ]


async def test_what_is_no_model_server_is_passed_over(sites: list[Site]) -> None:
    sites += [
        Site(b"<html>my web shop</html>"),
        Site(b'{"data": [1, 2]}'),
        Site(b'{"data": [{"id": 7}]}'),
        Site(b"\xff\xfe"),
        Site(listing("m"), status=401),
        Site(b"", status=302, location="http://192.0.2.1/v1/models"),
        Site(b" " * (discovery.MAX_ANSWER + 1) + listing("m")),
    ]
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        ports = {site.port: "x" for site in sites} | {closed.getsockname()[1]: "x"}
        assert await discover(ports) == []


async def test_a_server_that_hangs_or_drips_holds_nobody_up(sites: list[Site]) -> None:
    sites += [Site(None), Site(listing("m"))]
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        started = time.monotonic()
        found = await discover({mute.getsockname()[1]: "a", sites[0].port: "b", sites[1].port: "c"})
    assert [server.kind for server in found] == ["c"]
    assert time.monotonic() - started < 30  # rather than for ever


async def test_proxies_of_the_environment_are_not_asked(
    sites: list[Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    sites.append(Site(listing("m")))
    assert len(await discover({sites[0].port: "x"})) == 1
