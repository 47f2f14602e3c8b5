"""Radicale, a CalDAV and CardDAV server, on a free port of this machine, for as long as a test wants it.

It runs in a process of its own, so that it can be killed in the middle of an answer. Users are those that a test names;
everybody may read and write what is theirs. What lies under `folder` outlasts a restart.
"""

from __future__ import annotations

import base64
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

CONFIG = """
[server]
hosts = 127.0.0.1:{port}
max_connections = 50
[auth]
type = htpasswd
htpasswd_filename = {users}
htpasswd_encryption = plain
delay = 0
[rights]
type = {rights}
{rights_file}
[storage]
filesystem_folder = {folder}
[web]
type = none
[logging]
level = error
"""

# It waits for the disk after each of its many small files, which tests need not outlast.
PROGRAM = "import os; os.fsync = lambda _: None; from radicale.__main__ import run; run()"


class Radicale:
    """A running server with the user `ann` (password `secret-ann`) and others."""

    def __init__(self, home: Path, *, users: Sequence[str] = ("ann", "bob"), rights: str = "") -> None:
        self.home = home
        self.port = _free_port()
        self.process: subprocess.Popen[bytes] | None = None
        home.mkdir(parents=True, exist_ok=True)
        (home / "users").write_text("".join(f"{name}:{password_of(name)}\n" for name in users))
        if rights:
            (home / "rights").write_text(rights)
        (home / "config").write_text(
            CONFIG.format(
                port=self.port,
                users=home / "users",
                rights="from_file" if rights else "owner_only",
                rights_file=f"file = {home / 'rights'}" if rights else "",
                folder=home / "data",
            )
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def start(self) -> None:
        """Return when it answers."""
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, "--config", str(self.home / "config")],
            stdout=subprocess.DEVNULL,
            stderr=(self.home / "log").open("ab"),
            env={**os.environ, "HOME": str(self.home)},
        )
        until = time.monotonic() + 60
        while time.monotonic() < until:
            assert self.process.poll() is None, (self.home / "log").read_text()
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        raise AssertionError("Radicale does not start.")

    def kill(self) -> None:
        """End it at once, whatever it is doing."""
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.process = None

    def ask(
        self,
        method: str,
        path: str,
        body: str = "",
        *,
        user: str = "ann",
        timeout: float = 60,
        **headers: str,
    ) -> tuple[int, str]:
        """One request of another client; the status and the body."""
        request = urllib.request.Request(
            self.url.rstrip("/") + path, data=body.encode() if body else None, method=method
        )
        signed = base64.b64encode(f"{user}:{password_of(user)}".encode()).decode()
        request.add_header("Authorization", f"Basic {signed}")
        for name, value in headers.items():
            request.add_header(name.replace("_", "-"), value)
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def make_calendar(self, path: str = "/ann/work/", name: str = "Work", *, user: str = "ann") -> None:
        """An empty calendar."""
        body = (
            '<?xml version="1.0"?><c:mkcalendar xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"><d:set>'
            f"<d:prop><d:displayname>{name}</d:displayname></d:prop></d:set></c:mkcalendar>"
        )
        status, answer = self.ask("MKCALENDAR", path, body, user=user)
        assert status == 201, answer

    def put(self, path: str, text: str, *, user: str = "ann", timeout: float = 60) -> None:
        """An object, as another client writes it."""
        status, answer = self.ask(
            "PUT", path, text, user=user, timeout=timeout, Content_Type="text/calendar; charset=utf-8"
        )
        assert status in (201, 204), answer

    def upload(
        self, components: Sequence[str], path: str = "/ann/work/", name: str = "Work", *, timeout: float = 60
    ) -> None:
        """A calendar with many events at once, each in the object `UID.ics`."""
        lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Test//EN", f"X-WR-CALNAME:{name}"]
        self.put(path, "\r\n".join([*lines, *components, "END:VCALENDAR", ""]), timeout=timeout)

    def fill(self, texts: dict[str, str], collection: str = "/ann/work/") -> None:
        """Objects put right into the server's folder, where it takes them as they are; slow to read if many."""
        folder = self.home / "data" / "collection-root" / collection.strip("/")
        for name, text in texts.items():
            (folder / name).write_text(text, newline="")


def password_of(user: str) -> str:
    """The password of a user of the test server."""
    return f"secret-{user}"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
