"""The web apps that the `webapp` benchmark compares, as people run them: `pierian serve` and Open WebUI.

Each is started in a folder of its own, over the same model server, gets its one user, and can be given a long
conversation. Everything is as it is by default, but for what a machine without a network needs; see
`OPEN_WEBUI_OFFLINE`. What is measured in their pages is the business of `webapp_pages`.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from abc import ABC, abstractmethod
from collections.abc import Generator
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import Browser, BrowserContext, Page

from benchmarks.webapp_upstream import MODEL, stored

READY_SECONDS = 180.0
PASSWORD = "a drink from the spring"
WIDTH, HEIGHT = 1280, 860

OPEN_WEBUI_OFFLINE = {
    "OFFLINE_MODE": "true",  # else its start waits a minute for a hub that it cannot reach
    "RAG_EMBEDDING_ENGINE": "openai",  # else it asks for a model for embeddings, which it cannot load without the hub
    "ENABLE_OLLAMA_API": "false",  # there is none that it could ask for models
}
"""What Open WebUI is set to, each because this machine has no network or no such server; all else is its default."""


class App(ABC):
    """A web app that can be started, asked in a browser, and watched."""

    name: str
    composer: str
    """Selector of the field that questions are typed into."""
    scroller: str
    """JavaScript expression of what scrolls in a conversation."""
    turn: str
    """Selector of a turn."""
    noticed: str
    """JavaScript expression for whether its scripts know what is typed in `field`."""
    forget: str
    """JavaScript that forgets what was typed."""

    def __init__(self, folder: Path, base_url: str) -> None:
        self.folder = folder / self.name
        self.folder.mkdir()
        self.base_url = base_url
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[str] | None = None
        self._state: Any = None

    @abstractmethod
    def command(self) -> list[str]:
        """What starts it."""

    @abstractmethod
    def environment(self) -> dict[str, str]:
        """What it is set to."""

    @abstractmethod
    def sign_up(self, page: Page) -> None:
        """Make its user, in a browser, and leave the page at an empty conversation, everything unfolded put away."""

    @abstractmethod
    def store(self, turns: int) -> str:
        """Give it a conversation of so many turns; returns the path of its page."""

    # The process

    def start(self) -> float:
        """Start it; seconds until its page answers."""
        began = time.monotonic()
        with (self.folder / "out.log").open("a") as out:
            self._process = subprocess.Popen(
                self.command(), env=self.environment(), cwd=self.folder, stdout=out, stderr=out, text=True
            )
        while not answers(self.address):
            if self._process.poll() is not None or time.monotonic() - began > READY_SECONDS:
                raise RuntimeError(f"{self.name} did not start: {self.log()[-2000:]}")
            time.sleep(0.02)
        return time.monotonic() - began

    def stop(self) -> None:
        """End it with its children."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(40)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    @contextlib.contextmanager
    def running(self) -> Generator[float]:
        """From its start, which gives the seconds that it took, to its end."""
        try:
            yield self.start()
        finally:
            self.stop()

    def log(self) -> str:
        """What it has printed."""
        return (self.folder / "out.log").read_text(encoding="utf-8", errors="replace")

    def memory(self) -> dict[str, float]:
        """MiB that its processes have: resident, and with shared pages divided among those that share them."""
        assert self._process is not None
        tree = [psutil.Process(self._process.pid)]
        tree += tree[0].children(recursive=True)
        told = [process.memory_full_info() for process in tree]
        return {"rss": sum(one.rss for one in told) / 2**20, "pss": sum(one.pss for one in told) / 2**20}

    # The browser

    def context(self, browser: Browser, port: int | None = None) -> BrowserContext:
        """A browser with nothing in its cache, signed in; its user is made the first time.

        Args:
            port: Of a relay to it, where it is asked through one.
        """
        if self._state is None:
            with self._context(browser, None) as context:
                page = context.new_page()
                self.sign_up(page)
                self._state = context.storage_state()
        state = self._state
        if port is not None:
            state = json.loads(json.dumps(state).replace(self.address, f"http://127.0.0.1:{port}"))
        return self._context(browser, state)

    def _context(self, browser: Browser, state: Any) -> BrowserContext:
        made = browser.new_context(
            viewport={"width": WIDTH, "height": HEIGHT}, base_url=self.address, storage_state=state
        )
        made.set_default_timeout(120_000)
        return made


class Pierian(App):
    """`pierian serve` with its owner, who has chosen Instant."""

    name = "pierian"
    composer = "#question"
    scroller = "document.scrollingElement"
    turn = ".turn"
    noticed = "field.value !== '' && Object.values(localStorage).includes(field.value)"
    forget = "localStorage.clear(); sessionStorage.clear()"

    def command(self) -> list[str]:
        serve = [sys.executable, "-m", "pierian", "serve", "--port", str(self.port)]
        return [*serve, "--base-url", self.base_url, "--model", MODEL]

    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PIERIAN_")}
        # What it prints goes to a file, where Python would hold the link of the first visit back.
        return kept | {"PIERIAN_HOME": str(self.folder), "PYTHONUNBUFFERED": "1"}

    def sign_up(self, page: Page) -> None:
        link = re.search(r"http\S+/welcome/\S+", self.log())
        assert link is not None
        page.goto(link[0])
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Begin").click()
        page.wait_for_url(self.address + "/")
        page.goto("/settings")
        page.locator('[name="mode"][value="instant"]').check(force=True)
        page.get_by_role("button", name="Save").click()
        page.wait_for_url("**/settings?saved=*")

    def store(self, turns: int) -> str:
        from pierian.access import Users, data_owner
        from pierian.provenance import Origin
        from pierian.storage import Conversations, Saying, open_storage

        with open_storage("", self.folder / "data" / "pierian.db") as database:
            owner = next(user for user in Users(database).list() if user.role == "owner")
            mine = Conversations(database, data_owner(owner))
            # Whoever asked here before has a receipt under each answer; so has this conversation.
            receipt = mine.get(mine.list(limit=1)[0].id).turns[-1].receipt
            said = [
                Saying("user", text, Origin.USER)
                if role == "user"
                else Saying("assistant", text, Origin.MODEL, receipt)
                for role, text in stored(turns)
            ]
            made = mine.append_all("", said, title="Springs, at length")
        return f"/conversations/{made}"


class OpenWebUI(App):
    """Open WebUI in an environment of its own, with its first user, who administers it."""

    name = "open-webui"
    composer = "#chat-input"
    scroller = "document.getElementById('messages-container')"
    turn = ".message-listitem"
    noticed = "document.querySelector('#send-message-button:not([disabled])') !== null"
    forget = "sessionStorage.clear()"

    def __init__(self, folder: Path, base_url: str, python: str) -> None:
        super().__init__(folder, base_url)
        self.python = python
        self._token = ""

    def command(self) -> list[str]:
        return [
            str(Path(self.python).parent / "open-webui"),
            "serve",
            "--host",
            "127.0.0.1",
            "--port",
            str(self.port),
        ]

    def environment(self) -> dict[str, str]:
        kept = {
            name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")
        }
        return (
            kept
            | OPEN_WEBUI_OFFLINE
            | {
                "DATA_DIR": str(self.folder),
                "WEBUI_SECRET_KEY": "benchmark",
                "OPENAI_API_BASE_URL": self.base_url,
                "OPENAI_API_KEY": "none",
            }
        )

    def sign_up(self, page: Page) -> None:
        person = {"name": "owner", "email": "owner@example.org", "password": PASSWORD}
        self._token = str(self._post("/api/v1/auths/signup", person)["token"])
        page.goto("/manifest.json")  # of the same origin, and without scripts, which would clear it again
        page.evaluate("(token) => localStorage.setItem('token', token)", self._token)
        # That they have read what is new in this version, which would lie over the page.
        told = json.loads(read(self.address + "/api/version"))["version"]
        self._post("/api/v1/users/user/settings/update", {"ui": {"version": told}})
        page.goto("/")
        page.locator(self.composer).wait_for()

    def store(self, turns: int) -> str:
        ids, now = [str(uuid.uuid4()) for _ in range(turns)], int(time.time())
        messages: dict[str, dict[str, Any]] = {}
        for number, (role, text) in enumerate(stored(turns)):
            messages[ids[number]] = {
                "id": ids[number],
                "parentId": ids[number - 1] if number else None,
                "childrenIds": ids[number + 1 : number + 2],
                "role": role,
                "content": text,
                "timestamp": now - turns + number,
                **({"models": [MODEL]} if role == "user" else {"model": MODEL, "modelIdx": 0, "done": True}),
            }
        history = {"messages": messages, "currentId": ids[-1]}
        chat = {"title": "Springs, at length", "models": [MODEL], "history": history}
        made = self._post(
            "/api/v1/chats/import", {"chats": [{"chat": chat | {"messages": list(messages.values())}}]}
        )
        return f"/c/{made[0]['id']}"

    def _post(self, path: str, body: Any) -> Any:
        headers = {"content-type": "application/json", "authorization": f"Bearer {self._token}"}
        request = urllib.request.Request(self.address + path, json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=120) as response:
            return json.loads(response.read())


@contextlib.contextmanager
def upstream() -> Generator[str]:
    """The model server; gives its base address."""
    command = [sys.executable, "-m", "benchmarks.webapp_upstream"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}/v1"
    finally:
        process.terminate()
        process.wait(20)


def seen(base_url: str, mark: str) -> dict[str, float]:
    """When the answer that begins with a mark was asked for, begun and ended; empty before it is asked for."""
    return json.loads(read(base_url.removesuffix("/v1") + "/seen")).get(mark, {})


def read(address: str) -> bytes:
    """What is found there."""
    with urllib.request.urlopen(address, timeout=20) as response:
        return response.read()


def answers(address: str) -> bool:
    """Whether the page at an address is there."""
    try:
        with urllib.request.urlopen(address, timeout=5) as response:
            return response.status == 200
    except (urllib.error.URLError, OSError):
        return False


def free_port() -> int:
    """One that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
