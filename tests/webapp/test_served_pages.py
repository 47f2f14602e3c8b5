"""Pages of a server with a lot in it: how much of a long conversation they show, and what they ask the database for."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event
from tests.webapp.visits import House, house

from pierian.access import Grant
from pierian.access.users import LOCAL
from pierian.provenance import Origin
from pierian.storage import Saying
from pierian.storage.usage import local_now
from pierian.webapp import administration
from pierian.webapp.routes import answers


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("house")) as one:
        yield one


def long_conversation(home: House, turns: int) -> str:
    said = [Saying("assistant" if n % 2 else "user", f"Message {n}", Origin.USER) for n in range(turns)]
    return home.site.conversations(LOCAL).append_all("", said, title="Long")


@pytest.mark.parametrize(
    ("turn", "shown", "later"),
    [
        (0, [*range(40), 298, 299], 40),
        (101, [*range(99, 139), 298, 299], 139),
        (230, [*range(228, 300)], None),
        (299, [*range(260, 300)], None),
        (10**9, [*range(260, 300)], None),
        (-5, [*range(40), 298, 299], 40),
    ],
)
def test_a_turn_far_back_is_shown_with_what_is_around_it(
    home: House, turn: int, shown: list[int], later: int | None
) -> None:
    conversation = long_conversation(home, 300)
    with home.owner() as http:
        page = http.get(f"/conversations/{conversation}", params={"turn": turn}).text
    assert [int(one) for one in re.findall(r'<article [^>]*data-position="(\d+)"', page)] == shown
    before = re.search(r"/turns\?before=(\d+)", page)
    assert (int(before[1]) if before else 0) == shown[0]
    assert "live?seen=299&" in page, "the stream goes on from the end"
    onwards = re.search(r'href="/conversations/\w+\?turn=(\d+)#turn-\1"', page)
    assert (int(onwards[1]) if onwards else None) == later


def test_files_that_wait_are_shown_again_and_go_with_the_question(home: House) -> None:
    with home.owner() as http:
        made = http.post("/attachments", files={"file": ("notes.txt", b"some notes", "text/plain")})
        found = re.search(r'id="attachment-(\w+)"', made.text)
        assert found is not None
        conversation = long_conversation(home, 2)
        for address in ("/", f"/conversations/{conversation}"):
            page = http.get(address).text
            assert f'name="attachments" value="{found[1]}" form="composer"' in page
            assert f'data-remove-attachment="/attachments/{found[1]}/delete"' in page
        gone = http.post("/attachments", files={"file": ("other.txt", b"others", "text/plain")})
        other = re.search(r'id="attachment-(\w+)"', gone.text)
        assert other is not None and http.post(f"/attachments/{other[1]}/delete").status_code == 204
        asked, _, _ = home.answered("owner", "owner", question="Read it", attachments=found[1])
        page = http.get(f"/conversations/{asked}").text
        assert f'href="/attachments/{found[1]}" download' in page
        assert 'name="attachments"' not in page
    with home.signed_in("ann") as http:
        assert 'name="attachments"' not in http.get("/").text


@contextmanager
def statements() -> Generator[list[str]]:
    """What all databases are asked while the block lasts."""
    asked: list[str] = []

    def note(*told: Any) -> None:
        asked.append(told[2])

    event.listen(Engine, "before_cursor_execute", note)
    yield asked
    event.remove(Engine, "before_cursor_execute", note)


def test_no_page_asks_once_for_every_line_that_it_has(home: House) -> None:
    conversation = long_conversation(home, 40)
    users = [home.user(f"somebody {number}") for number in range(8)]
    for user_here in users:
        home.site.keys.create(user_here.id, "a key", Grant())
        home.site.sessions.begin(user_here.id, "a browser")
    with home.owner() as http:
        for address, table in (
            (f"/conversations/{conversation}", "FROM attachments"),
            ("/people", "FROM usage"),
            ("/people", "FROM sessions"),
            ("/keys", "FROM key_totals"),
        ):
            with statements() as asked:
                assert http.get(address).status_code == 200
            found = [one for one in asked if table in one]
            assert 0 < len(found) < 4, (address, found)


def test_use_is_shown_at_midnight_too(home: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The day may change between two questions for it."""
    home.answered("owner", "owner", question="Why?")
    monkeypatch.setattr(administration, "local_now", lambda: local_now() + timedelta(days=1))
    with home.owner() as http:
        assert http.get("/usage", params={"days": 7}).status_code == 200
        monkeypatch.setattr(administration, "local_now", lambda: local_now() + timedelta(days=40))
        assert http.get("/usage", params={"days": 7}).status_code == 200


def test_the_way_to_an_answer_is_rendered_beside_the_loop(
    home: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A long one takes a while, in which everybody else would wait."""
    conversation, position, _ = home.answered("owner", "owner", question="Why?")
    beside: list[bool] = []
    render = answers.fragment

    def rendered(template: str, /, **context: Any) -> str:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            beside.append(True)
        else:
            beside.append(False)
        return render(template, **context)

    monkeypatch.setattr(answers, "fragment", rendered)
    with home.owner() as http:
        assert http.get(f"/conversations/{conversation}/turns/{position}/way").status_code == 200
    assert beside == [True] * 3


def test_the_pages_need_no_package_of_accounts(tmp_path: Path) -> None:
    """They are an extra: a server without them has all its other pages, and says of accounts what is missing."""
    code = """
import sys
from importlib.abc import MetaPathFinder
from pierian.accounts.required_packages import PACKAGES
class Missing(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] in PACKAGES:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Missing())
import pierian.webapp.application, pierian.server.process
print("all there")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout == "all there\n", done.stderr
