"""`pierian chat`: turns, commands, the store, and what happens when the conversation is too long."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pierian.cli.app import run
from pierian.config import paths
from pierian.models.wire import Request
from pierian.storage import Conversations, open_database
from pierian.testing import FunctionalModel, ModelServer, Overflow, serve_in_thread


def echo(request: Request) -> str:
    """Answers with what was asked and how much was said before."""
    turns = sum(message.role == "user" for message in request.messages) - 1
    return f"You said: {request.messages[-1].content} ({turns} before)"


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with serve_in_thread(FunctionalModel(echo, embedded=False)) as running:
        yield running


@pytest.fixture
def talk(server: ModelServer, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Run the command with typed lines; the end of the lines is Ctrl-D."""

    def typed(*lines: str, arguments: tuple[str, ...] = ()) -> int:
        waiting = iter(lines)

        def read(prompt: str = "") -> str:
            line = next(waiting, None)
            if line is None:
                raise EOFError
            return line

        monkeypatch.setattr(builtins, "input", read)
        return run(["chat", "--base-url", server.base_url, "--model", "m", "--mode", "instant", *arguments])

    return typed


def stored() -> tuple[str, list[str]]:
    """Title and texts of the newest conversation."""
    with open_database(paths().database) as database:
        store = Conversations(database)
        found = store.get(store.list()[0].id)
        return found.title, [turn.text for turn in found.turns]


def test_turns_follow_each_other_and_are_stored(
    talk: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert talk("Hello there", "And now?") == 0
    printed = capsys.readouterr().out
    assert "You said: Hello there (0 before)" in printed
    assert "You said: And now? (1 before)" in printed
    title, texts = stored()
    assert title == "Hello there"
    assert texts == [
        "Hello there",
        "You said: Hello there (0 before)",
        "And now?",
        "You said: And now? (1 before)",
    ]


def test_a_conversation_goes_on_later(talk: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    talk("Hello there")
    with open_database(paths().database) as database:
        conversation = Conversations(database).list()[0].id
    assert talk("Still there?", arguments=("--continue", conversation[:12])) == 0
    assert "You said: Still there? (1 before)" in capsys.readouterr().out
    assert len(stored()[1]) == 4


def test_commands_change_the_rest_of_the_sitting(
    talk: Callable[..., int], server: ModelServer, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = (
        "/mode thinking",
        "Tell me a story",
        "/budget tokens 7",
        "Another",
        "/budget off",
        "/model other",
        "Last",
    )
    assert talk(*lines) == 0
    bodies = server.bodies
    assert bodies[0]["max_tokens"] > 1000  # Thinking answers an open question at length
    assert bodies[1]["max_tokens"] == 7
    assert bodies[2]["max_tokens"] > 7
    assert [body["model"] for body in bodies] == ["m", "m", "other"]


def test_mistyped_commands_are_one_sentence(
    talk: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert talk("/mod instant", "/mode fast", "/budget lots", "/drop x", "/save", "/help", "/quit") == 0
    shown = capsys.readouterr()
    assert "Did you mean '/mode'?" in shown.err
    assert "There is no mode called 'fast'" in shown.err
    assert "That is not a budget." in shown.err
    assert "'x' is not a number of questions." in shown.err
    assert "There is nothing to save yet." in shown.err
    assert "Traceback" not in shown.err
    assert "/budget" in shown.out


def test_save_writes_the_conversation(talk: Callable[..., int], tmp_path: Path) -> None:
    file = tmp_path / "talk.md"
    assert talk("Hello there", f"/save {file}") == 0
    text = file.read_text(encoding="utf-8")
    assert "Hello there" in text
    assert "You said: Hello there" in text


def test_dropping_forgets_the_oldest_turns_but_keeps_them_stored(
    talk: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert talk("One", "Two", "/drop 1", "Three", "/new", "Four") == 0
    printed = capsys.readouterr().out
    assert "You said: Three (1 before)" in printed
    assert "You said: Four (0 before)" in printed
    with open_database(paths().database) as database:
        assert sorted(len(c.title) for c in Conversations(database).list()) == [3, 4]


def test_a_conversation_that_is_too_long_offers_to_drop_turns(
    talk: Callable[..., int],
    server: ModelServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked: list[str] = []

    def confirm(question: str, default: bool) -> bool:
        asked.append(question)
        server.faults = ()
        return True

    def too_long(request: Request) -> str:
        if sum(message.role == "user" for message in request.messages) == 2:
            server.faults = (Overflow(1200, 1000),)
        return echo(request)

    server.model.function = too_long  # type: ignore[attr-defined]
    monkeypatch.setattr("typer.confirm", confirm)
    assert talk("One", "Two", "Three") == 0
    assert asked == ["Drop the oldest question with its answer and try again?"]
    assert "200 more than the 1,000 that fit" in " ".join(capsys.readouterr().out.split())
