"""A server with its pages in this process, people who are signed in to it, and what is theirs: for tests over HTTP."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import select
from tests.server.running import Running, started, until

from pierian.access import Grant, User
from pierian.access.users import LOCAL
from pierian.accounts import Service, Switches
from pierian.config import Settings, paths
from pierian.models.wire import Request
from pierian.runs import Approvals
from pierian.schedules import Question
from pierian.storage.ids import utc_now
from pierian.storage.tables import metadata
from pierian.testing import FunctionalModel, serve_in_thread
from pierian.webapp.application import Pages
from pierian.webapp.site import Site
from pierian.webapp.visitors import COOKIE

PASSWORD = "water from the hill"
WITH_A_PAGE = "Here it is.\n\n```html\n<p>made up</p>\n```\n"
ARTIFACT = "drawn.html"
MCP = Service(kind="mcp", url="private", sign_in="none")
NOT_COMPARED = ("sessions", "workers")
"""Tables that change when somebody only looks."""


@dataclass
class House:
    """A server with its pages."""

    running: Running
    pages: Pages
    notes: Path

    @property
    def site(self) -> Site:
        return self.pages.site

    @property
    def address(self) -> str:
        return self.running.address

    def stranger(self, **options: Any) -> httpx2.Client:
        """A browser without a session, which follows nothing by itself."""
        return httpx2.Client(base_url=self.address, timeout=60, follow_redirects=False, **options)

    def user(self, name: str, role: Any = "member") -> User:
        """Somebody of this name with the password of all, made where there is nobody yet."""
        users = self.site.users.list()
        found = next((one for one in users if one.name == name), None) or self.site.users.create(name, role)
        if not self.site.passwords.has(found.id):
            self.site.passwords.set(found.id, PASSWORD)
        return found

    def signed_in(self, name: str, role: Any = "member") -> httpx2.Client:
        """A browser in which somebody is signed in."""
        user = self.user(name, role)
        _, secret = self.site.sessions.begin(user.id, "a browser")
        return self.stranger(cookies={COOKIE: secret})

    def owner(self) -> httpx2.Client:
        """A browser of the owner's."""
        return self.signed_in("owner", "owner")

    def contents(self) -> dict[str, list[Any]]:
        """Everything that is stored, but what changes when somebody looks."""
        with self.site.database.read() as connection:
            return {
                table.name: sorted(map(repr, connection.execute(select(table)).all()))
                for table in metadata.sorted_tables
                if table.name not in NOT_COMPARED
            }

    def routes(self, method: str) -> Iterator[str]:
        """The addresses of the pages that this method is for, with their parts in braces."""
        for route in sorted(self.pages.router().routes, key=lambda one: one.path_format):
            if method in getattr(route, "methods", ()):
                yield route.path_format

    def belongings(self, name: str, role: Any = "member") -> dict[str, str]:
        """One of everything that somebody can have, and the parts of addresses that lead there.

        Each text that only they may read has `name` and the word `private` in it.
        """
        user = self.user(name, role)
        owner = LOCAL if user.role == "owner" else user.id
        words = f"private words of {name}"
        files = self.site.attachments(owner)
        file = files.add(f"private file of {name}.txt", "text/plain", words.encode())
        waiting = files.add("waiting.txt", "text/plain", words.encode())
        conversation, position, run = self.answered(name, role, question=words, attachments=file.id)
        self.site.conversations(owner).rename(conversation, f"private title of {name}")
        key, _ = self.site.keys.create(user.id, f"private key of {name}", Grant())
        invite, code = self.site.invites.create(user.id, Grant(), "member", utc_now() + timedelta(days=1))
        session, _ = self.site.sessions.begin(user.id, f"private browser of {name}")
        share = self.site.shares(owner).create(conversation)
        account = self.site.accounts(owner).add(f"private-account-of-{name}", "mcp", words, [MCP], Switches())
        schedule = self.site.schedules(owner).add("every day 7:30", "UTC", "ask", Question(text=words))
        return {
            "conversation_id": conversation,
            "position": str(position),
            "index": "0",
            "attachment_id": file.id,
            "waiting": waiting.id,
            "run_id": run,
            "approval_id": "0",
            "key_id": key.id,
            "invite_id": invite.id,
            "user_id": user.id,
            "session_id": session.id,
            "share_id": share.id,
            "account_id": account.id,
            "schedule_id": schedule.id,
            "token": share.token,
            "code": code,
            "version_name": "x",
            "file_path": "styles/all.css",
            "name": ARTIFACT,
        }

    def answered(self, name: str, role: Any = "member", **form: str) -> tuple[str, int, str]:
        """A question that somebody asked and was answered: conversation, position of the answer, run."""
        with self.signed_in(name, role) as http:
            made = http.post("/ask", data={"mode": "instant", **form})
        assert made.status_code == 303, made.text
        conversation = made.headers["location"].rpartition("/")[2]
        user = self.user(name, role)
        store = self.site.conversations(LOCAL if user.role == "owner" else user.id)
        until(lambda: not store.get(conversation, pending=True).turns[-1].pending, 30)
        answer = store.get(conversation).turns[-1]
        return conversation, answer.position, answer.run

    def asking(self) -> dict[str, str]:
        """A run of the owner's that waits for an approval: its id and that of the approval."""
        with self.owner() as http:
            made = http.post("/ask", data={"question": "Write a note", "mode": "instant"})
        assert made.status_code == 303, made.text
        approvals = Approvals(self.site.database, LOCAL)
        until(lambda: bool(approvals.list()), 30)
        (found,) = approvals.list()
        return {"run_id": found.run, "approval_id": found.id}


def draw() -> None:
    """Put the artifact where the server of this test finds it."""
    folder = paths().artifacts
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ARTIFACT).write_text("<p>private page of owner</p>")


def filled(path: str, parts: dict[str, str]) -> str:
    """An address with its parts; a `KeyError` for a part that no test knows of."""
    return path.format_map({**parts})


@contextmanager
def house(folder: Path, *, keyless: bool = False) -> Generator[House]:
    """A server with its pages and all its data below `folder`, while the block lasts."""
    notes = folder / "notes"
    notes.mkdir(parents=True)

    def reply(request: Request) -> str:
        asked = request.messages[-1].content
        if "Tools:" not in asked:
            return WITH_A_PAGE + asked if "private words" in asked else "A plain answer."
        note = {"path": str(notes / "note.txt"), "text": "hello"}
        return json.dumps({"steps": [{"call": "file_write", "arguments": note}] if "a note" in asked else []})

    made: list[Pages] = []

    def pages(*of: Any) -> Pages:
        made.append(Pages(*of))
        return made[0]

    with serve_in_thread(FunctionalModel(reply, name="double")) as upstream:
        settings = Settings(
            base_url=upstream.base_url,
            model="double",
            tools="files",
            folders=str(notes),
        )
        with ExitStack() as stack:
            with (
                pytest.MonkeyPatch.context() as environment
            ):  # only while it starts: that is when folders are chosen
                environment.setenv("PIERIAN_HOME", str(folder))
                running = stack.enter_context(started(settings, upstream, keyless=keyless, pages=pages))
            yield House(running, made[0], notes)
