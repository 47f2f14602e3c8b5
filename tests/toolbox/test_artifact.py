"""Artifacts are written once, kept apart, and shown where they can do no harm."""

from __future__ import annotations

import html
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pierian.provenance import Labelled, external
from pierian.toolbox import artifact_tools, sandboxed_page
from pierian.toolbox.artifact import ARTIFACT_POLICY
from pierian.tools import ToolFailure, invoke

SVG = '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><circle r="4"/></svg>'


async def call(folder: Path, *, lookup: bool = False, **arguments: Any) -> Labelled | None:
    values = {key: Labelled(value) for key, value in arguments.items()}
    return await invoke(artifact_tools(folder)[0], values, lookup=lookup)


async def test_an_artifact_is_written_once(tmp_path: Path) -> None:
    folder = tmp_path / "artifacts"
    first = {"name": "Chart", "kind": "html", "content": "<p>1"}
    assert await call(folder, lookup=True, **first) is None
    found = await call(folder, **first)
    assert found == Labelled(
        {"path": f"{folder}/Chart.html", "bytes": 4}, external(f"file:{folder}/Chart.html")
    )
    assert await call(folder, **first) == found
    assert await call(folder, lookup=True, **first) == found
    second = first | {"name": "Chart.html", "content": "<p>2"}
    assert await call(folder, lookup=True, **second) is None
    other = await call(folder, **second)
    assert other is not None
    assert other.value["path"] == f"{folder}/Chart-2.html"
    assert await call(folder, lookup=True, **second) == other
    assert {file.name: file.read_text() for file in folder.iterdir()} == {
        "Chart.html": "<p>1",
        "Chart-2.html": "<p>2",
    }


@pytest.mark.parametrize(
    ("name", "kind", "content"),
    [
        ("../x", "html", "<p>"),
        ("/tmp/x", "html", "<p>"),
        (".hidden", "html", "<p>"),
        ("a\nb", "html", "<p>"),
        ("a\u202eb", "html", "<p>"),
        ("", "html", "<p>"),
        ("x" * 200, "html", "<p>"),
        ("x", "pdf", "<p>"),
        ("x", "html", "no page"),
        ("x", "html", "<p>" + "x" * 1_000_001),
        ("x", "svg", "<p>not a drawing</p>"),
        ("x", "svg", "<svg><circle></svg>"),
        ("x", "svg", f"<!DOCTYPE svg [<!ENTITY a 'aa'>]>{SVG}"),
    ],
)
async def test_what_is_not_written(tmp_path: Path, name: str, kind: str, content: str) -> None:
    with pytest.raises(ToolFailure) as caught:
        await call(tmp_path, name=name, kind=kind, content=content)
    assert caught.value.code in ("invalid", "too_large")
    assert list(tmp_path.iterdir()) == []


async def test_a_link_in_the_folder_leads_nowhere(tmp_path: Path) -> None:
    folder = tmp_path / "artifacts"
    folder.mkdir()
    (folder / "x.html").symlink_to(tmp_path / "outside.html")
    with pytest.raises(ToolFailure):
        await call(folder, name="x", kind="html", content="<p>")
    assert not (tmp_path / "outside.html").exists()


class Tags(HTMLParser):
    """The tags of a page, in order, with their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def frame_of(page: str) -> dict[str, str | None]:
    """The page's only frame; nothing else in the page may load or run."""
    tags = Tags(page).found
    assert [tag for tag, _ in tags] == ["html", "head", *["meta"] * 4, "title", "style", "body", "iframe"]
    policies = [given for tag, given in tags if given.get("http-equiv") == "Content-Security-Policy"]
    assert [given["content"] for given in policies] == [ARTIFACT_POLICY]
    frame = tags[-1][1]
    assert set(frame) == {"sandbox", "referrerpolicy", "title", "srcdoc"}
    assert frame["sandbox"] == "allow-scripts"
    return frame


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=200))
def test_whatever_an_artifact_says_stays_in_its_frame(tmp_path: Path, content: str) -> None:
    file = tmp_path / "a.html"
    file.write_bytes(content.encode())
    inner = frame_of(sandboxed_page(file))["srcdoc"] or ""
    head, policy, rest = inner.partition(f'content="{ARTIFACT_POLICY}">')
    assert (head.count("<meta"), bool(policy)) == (2, True)
    before, script, rest = rest.partition("</script>")
    assert ("RTCPeerConnection" in before, bool(script)) == (True, True)
    assert html.unescape(html.escape(rest)) == content or "\r" in content or "\0" in content


@pytest.mark.parametrize(
    "content", ['"></iframe><script>alert(1)</script>', "'\"><img src=x>", "&quot;><b>", "</title>"]
)
def test_nothing_breaks_out(tmp_path: Path, content: str) -> None:
    file = tmp_path / "a.html"
    file.write_text(content)
    assert (frame_of(sandboxed_page(file))["srcdoc"] or "").endswith(content)


def test_a_drawing_is_shown_as_a_picture(tmp_path: Path) -> None:
    file = tmp_path / "drawing.svg"
    file.write_text(SVG.replace("<circle", "<script>alert(1)</script><circle"))
    tags = Tags(frame_of(sandboxed_page(file))["srcdoc"] or "").found
    assert [tag for tag, _ in tags] == ["meta", "meta", "script", "img"]
    assert (tags[-1][1]["src"] or "").startswith("data:image/svg+xml;base64,")


def test_the_policy_lets_nothing_in_or_out() -> None:
    rules = dict(rule.strip().split(" ", 1) for rule in ARTIFACT_POLICY.split(";"))
    assert rules["default-src"] == "'none'"
    assert not {"connect-src", "frame-src", "child-src", "worker-src", "object-src"} & set(rules)
    assert "http" not in ARTIFACT_POLICY
    assert "*" not in ARTIFACT_POLICY


@pytest.mark.parametrize("name", ["missing.html", "notes.txt"])
def test_what_is_no_artifact_is_not_shown(tmp_path: Path, name: str) -> None:
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(ToolFailure):
        sandboxed_page(tmp_path / name)
