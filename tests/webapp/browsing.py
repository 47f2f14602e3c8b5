"""The web app as people have it: `pierian serve` in a process of its own, over a double, in a real browser.

What the double says is decided by what a question has in it, see `SAID`; a `Gate` holds an answer in its middle for
as long as a test needs. The server can be stopped, killed and started again at the same address.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect

from pierian.models.wire import Piece, Request
from pierian.testing import FunctionalModel, ModelServer, serve_in_thread

CHROMIUM = Path("/usr/bin/chromium")
WIDTHS = (1280, 390)
PASSWORD = "a drink from the spring"
PATIENCE = 20_000
"""Milliseconds that the browser waits for something at most."""

MATHEMATICS = (
    "The area is $\\pi r^2$, so:\n\n$$\\int_0^1 x^2\\,dx = \\frac{1}{3}$$\n\n```python\nprint(1)\n```\n"
)
DRAWING = '```svg\n<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><circle cx="4" cy="4" r="3"/></svg>\n```\n'
PROGRAM = "```python\n# 18 pens at 3 for 2 euros\nanswer = 18 / 3 * 2\n```"
SUM = "Half of 84 is 84 / 2 = 42. #### 42"


class Gate:
    """Holds answers back until it is opened."""

    def __init__(self) -> None:
        self._open = True

    def shut(self) -> None:
        self._open = False

    def open(self) -> None:
        self._open = True

    async def passed(self) -> None:
        while not self._open:
            await asyncio.sleep(0.01)


class App:
    """A server with its double, its folder and a browser."""

    def __init__(self, home: Path, browser: Browser) -> None:
        self.home = home
        self.browser = browser
        self.gate = Gate()
        self.said: dict[str, Any] = {
            "Gated": self._gated,
            "mathematics": MATHEMATICS,
            "drawing": DRAWING,
            "Half of 84": SUM,
            "18 pens": PROGRAM,
            "Weigh": self._weighed,
        }
        """What is answered, by a word of the question; a function is called for pieces."""
        self.notes = home / "notes"
        self.upstream: ModelServer
        self.address = ""
        self.first_visit = ""
        """The link for the first visit, where the server printed one."""
        self._process: subprocess.Popen[str] | None = None
        self._port = _free_port()
        self._signed_in: Any = None

    @contextmanager
    def serving(self, **settings: str) -> Generator[App]:
        """The double and the server, while the block lasts; settings as in the environment, without `PIERIAN_`."""
        self.notes.mkdir(parents=True, exist_ok=True)
        with serve_in_thread(FunctionalModel(self._reply, name="double")) as self.upstream:
            self._settings = {f"PIERIAN_{name.upper()}": value for name, value in settings.items()}
            self.start()
            try:
                yield self
            finally:
                self.stop()

    def start(self, *arguments: str) -> None:
        """Start the server, at the same address each time."""
        command = [sys.executable, "-m", "pierian", "serve", "--port", str(self._port), *arguments]
        self._process = subprocess.Popen(
            command, env=self.environment(), stdout=subprocess.PIPE, stderr=self._log(), text=True
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert "Serving" in line, f"{line}\n{self.log()}"
        self.address = f"http://127.0.0.1:{self._port}"
        if "--without-keys" not in arguments and self._signed_in is None:
            self.first_visit = re.search(r"http\S+/welcome/\S+", self._process.stdout.readline())[0]  # type: ignore[index]

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End the server and wait until it is gone."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(30)
            assert self._process.stdout is not None
            self._process.stdout.close()
            self._process = None

    def environment(self) -> dict[str, str]:
        """For commands that share the server's folder."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PIERIAN_")}
        return kept | {
            "HOME": str(self.home),
            "PIERIAN_HOME": str(self.home),
            "PIERIAN_BASE_URL": self.upstream.base_url,
            "PIERIAN_MODEL": "double",
            "PIERIAN_FOLDERS": str(self.notes),
            **self._settings,
        }

    def command(self, *arguments: str) -> str:
        """What a command of `pierian` prints, beside the server that runs."""
        done = subprocess.run(
            [sys.executable, "-m", "pierian", *arguments],
            env=self.environment(),
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        return done.stdout

    def log(self) -> str:
        """What the server has logged."""
        return (self.home / "serve.log").read_text()

    def _log(self) -> Any:
        return (self.home / "serve.log").open("a")

    # In the browser

    def context(self, width: int = 1280, *, signed_in: bool = True, **options: Any) -> BrowserContext:
        """A browser of its own, with the owner's session unless that is not wanted."""
        if signed_in and self._signed_in is None:
            self._sign_in_the_owner()
        made = self.browser.new_context(
            viewport={"width": width, "height": 860},
            base_url=self.address,
            storage_state=self._signed_in if signed_in else None,
            reduced_motion="reduce",
            has_touch=width < 600,
            **options,
        )
        made.set_default_timeout(PATIENCE)
        return made

    def _sign_in_the_owner(self) -> None:
        with self.context(signed_in=False) as context:
            page = context.new_page()
            page.goto(self.first_visit)
            page.get_by_label("Password").fill(PASSWORD)
            page.get_by_role("button", name="Begin").click()
            page.wait_for_url(self.address + "/")
            self._signed_in = context.storage_state()

    # What the double says

    async def _gated(self) -> AsyncGenerator[str]:
        yield "The first half"
        await self.gate.passed()
        yield " and the second half."

    async def _weighed(self) -> AsyncGenerator[Piece]:
        yield Piece("On the one hand,", thought=True)
        await self.gate.passed()
        yield Piece(" on the other.", thought=True)
        yield Piece("So be it.")

    def _reply(self, request: Request) -> Any:
        asked = request.messages[-1].content
        if "Tools:" in asked:
            return self._plan(asked.rpartition("Request:")[2])
        for word, content in self.said.items():
            if word in asked:
                return content() if callable(content) else content
        return "A plain answer."

    def _plan(self, asked: str) -> str:
        """A plan that writes a note or draws a page where one is asked for."""
        if "Write a note" in asked:
            arguments = {"path": str(self.notes / "note.txt"), "text": "hello"}
            return json.dumps({"steps": [{"call": "file_write", "arguments": arguments}]})
        if "Draw a page" in asked:
            arguments = {"name": "hello", "kind": "html", "content": "<p>Hello from a page</p>"}
            return json.dumps({"steps": [{"call": "artifact_write", "arguments": arguments}]})
        return '{"steps": []}'


def ask(page: Page, question: str, mode: str = "") -> None:
    """Type a question and send it, in the mode that is chosen or in this one; waits until its page shows it."""
    if mode:
        choose(page, mode)
    page.locator("#question").fill(question)
    page.locator("#send").click()
    expect(page.locator("[data-question]", has_text=question).last).to_be_visible()


def choose(page: Page, mode: str) -> None:
    """Choose a mode by its menu."""
    menu = page.locator("#modes")
    menu.locator("summary").click()
    menu.locator(f'.mode-option:has([value="{mode}"])').click()
    expect(menu.locator(f'[name="mode"][value="{mode}"]')).to_be_checked()
    if mode == "contemplating":  # There is the number of drafts to choose too.
        page.keyboard.press("Escape")
    expect(menu).not_to_have_attribute("open", "")


def answered(page: Page, words: str, nth: int = -1) -> None:
    """Wait until the last answer (or the `nth`) is complete and has these words."""
    answer = page.locator(".turn-assistant").nth(nth)
    expect(answer.locator(".answer")).to_contain_text(words)
    expect(answer.locator(".receipt")).to_be_visible()


def complaints_of(page: Page) -> list[str]:
    """What goes wrong in the scripts of a page from now on, or is forbidden by its policy."""
    found: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        # What a server refuses, or that it is gone, the page says itself; not every browser knows `webrtc` yet.
        expected = re.match("Failed to load|htmx: htmx:sse:error|.*'webrtc'", message.text)
        if message.type == "error" and not expected:
            found.append(message.text)

    page.on("console", heard)
    page.on("pageerror", lambda error: found.append(str(error)))
    return found


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
