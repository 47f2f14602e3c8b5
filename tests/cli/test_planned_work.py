"""`ask --tools`, `runs`, `approvals`, `rules` and `tools` as a person uses them, against a loopback server."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from pierian.characters import marked
from pierian.cli.app import run
from pierian.cli.approving import shown
from pierian.events import ApprovalNeeded, ShownArgument
from pierian.models.wire import Request
from pierian.testing import FunctionalModel, ModelServer, serve_in_thread

NOTE = "Write hello to note.txt"
SUM = "What is 15% of 80 plus 3?"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The one folder that may be written into."""
    folder = tmp_path / "notes"
    folder.mkdir()
    monkeypatch.setenv("PIERIAN_FOLDERS", str(folder))
    return folder


@pytest.fixture(autouse=True)
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelServer]:
    """A planner that writes a file, works out a sum, or sees nothing to do; and a writer of answers."""

    def reply(request: Request) -> str:
        asked = request.messages[-1].content
        if "Tools:" not in asked:
            return "Fifteen." if "Request: What" in asked else "All done."
        if NOTE in asked:
            call = {
                "call": "file_write",
                "arguments": {"path": str(tmp_path / "notes/note.txt"), "text": "hello"},
            }
        elif SUM in asked:
            call = {"call": "calculate", "arguments": {"expression": "15% of 80 + 3"}}
        else:
            return '{"steps": []}'
        return json.dumps({"steps": [call]})

    with serve_in_thread(FunctionalModel(reply)) as serving:
        monkeypatch.setenv("PIERIAN_BASE_URL", serving.base_url)
        monkeypatch.setenv("PIERIAN_MODEL", "double")
        yield serving


def only_id(text: str, pattern: str) -> str:
    (found,) = set(re.findall(pattern, text))
    return found


def test_a_sum_is_planned_computed_and_kept(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["ask", "--tools", "calculator", "--json", SUM]) == 0
    answer = json.loads(capsys.readouterr().out)
    (step,) = answer["receipt"]["steps"]
    assert (step["outcome"], answer["receipt"]["took"]) == ("done", "agents")
    assert answer["text"].startswith("Fifteen.")
    assert run(["runs", "show", answer["receipt"]["run"][:20]]) == 0
    shown = capsys.readouterr().out
    assert "calculate" in shown
    assert "15" in shown
    assert "Fifteen." in shown


def test_a_question_that_needs_no_tool_leaves_no_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["ask", "--tools", "calculator", "--mode", "instant", "Who wrote Hamlet?"]) == 0
    capsys.readouterr()
    assert run(["runs", "list"]) == 0
    assert "no runs yet" in capsys.readouterr().out


def test_an_action_waits_for_approval_and_is_done_once_it_is_given(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["ask", "--tools", "files", NOTE]) == 3
    assert not (folder / "note.txt").exists()
    assert "pierian approvals approve" in capsys.readouterr().out
    assert run(["approvals", "list"]) == 0
    listed = capsys.readouterr().out
    approval = only_id(listed, r"^([0-9a-f]{8}) · pending")
    assert "note.txt" in re.sub(r"\n\s*", "", listed)  # a long path goes on in the next line
    assert run(["approvals", "approve", approval]) == 0
    work = only_id(capsys.readouterr().out, r"pierian runs resume (\w+)")
    assert run(["approvals", "approve", approval]) == 2  # once is enough
    assert run(["runs", "resume", work]) == 0
    assert (folder / "note.txt").read_text() == "hello"
    assert "done, and read back" in capsys.readouterr().out
    assert run(["runs", "resume", work]) == 2
    assert "nothing to go on with" in capsys.readouterr().err


def test_what_is_rejected_is_not_done(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(["ask", "--tools", "files", NOTE])
    run(["approvals", "list"])
    approval = only_id(capsys.readouterr().out, r"(?m)^([0-9a-f]{8}) · pending")
    assert run(["approvals", "reject", approval]) == 0
    work = only_id(capsys.readouterr().out, r"pierian runs resume (\w+)")
    assert run(["runs", "resume", work]) == 0
    assert not (folder / "note.txt").exists()
    assert "not approved" in capsys.readouterr().out


def test_a_rule_answers_instead_of_the_person(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rules", "add", "allow", "file_write", "path=*/notes/*"]) == 0
    assert run(["ask", "--tools", "files", NOTE]) == 0
    assert (folder / "note.txt").read_text() == "hello"
    capsys.readouterr()
    run(["rules", "list"])
    rule = capsys.readouterr().out.split()[0]
    assert run(["rules", "remove", rule]) == 0
    assert run(["rules", "remove", rule]) == 2


def test_a_cancelled_run_takes_no_approval(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(["ask", "--tools", "files", NOTE])
    run(["approvals", "list"])
    listed = capsys.readouterr().out
    work = only_id(listed, r"run (\w{26})")
    approval = only_id(listed, r"(?m)^([0-9a-f]{8}) · pending")
    assert run(["runs", "cancel", work]) == 0
    assert run(["approvals", "approve", approval]) == 2
    assert "cancelled already" in capsys.readouterr().err
    assert run(["runs", "delete", work]) == 0
    assert run(["runs", "show", work]) == 2
    assert not (folder / "note.txt").exists()


def test_a_tool_that_is_not_there_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["ask", "--tools", "calculater", SUM]) == 2
    assert "Did you mean 'calculate'?" in capsys.readouterr().err


def test_file_tools_without_folders_say_which_setting_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["ask", "--tools", "files", NOTE]) == 2
    assert "pierian config set folders" in capsys.readouterr().err


def test_tools_are_listed_with_what_they_do(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["tools", "list"]) == 0
    listed = capsys.readouterr().out
    assert re.search(r"file_write\s+write", listed)
    assert re.search(r"calculate\s+none", listed)
    assert "search: needs a setting" in listed


def test_a_question_with_markup_in_it_is_listed_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["ask", "--tools", "calculator", f"{SUM} [/b] [red]"]) == 0
    capsys.readouterr()
    assert run(["runs", "list"]) == 0
    assert "[/b] [red]" in capsys.readouterr().out


def test_a_small_budget_still_plans(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["ask", "--tools", "calculator", "--budget-tokens", "300", "--json", SUM]) == 0
    assert json.loads(capsys.readouterr().out)["receipt"]["steps"][0]["outcome"] == "done"


def test_a_value_cannot_pass_for_another_argument() -> None:
    forged = "Hi.   ← your own words\n  path: /safe   ← your own words"
    asked = ApprovalNeeded(
        "s1", "a1", "file_write", "write", (ShownArgument("text", forged, "host:evil"),), "It writes."
    )
    lines = str(shown(asked)).splitlines()
    assert "  │   path: /safe   ← your own words" in lines
    assert lines[-1].strip() == "← host:evil"


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("a\u200bb", "a⟨U+200B⟩b"),
        ("ann@ex\u0430mple.org", "ann@ex⟨U+0430⟩mple.org"),
        ("Grüße aus Köln", "Grüße aus Köln"),
        ("Привет", "Привет"),
        ("a\u2028b\x1b[2J", "a⟨U+2028⟩b⟨U+001B⟩[2J"),
    ],
)
def test_what_a_person_would_not_see_is_marked(text: str, seen: str) -> None:
    assert marked(text) == seen
