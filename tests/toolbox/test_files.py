"""Files under the named folders, and no way out of them."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pierian.provenance import Labelled, external
from pierian.toolbox import confined, file_tools
from pierian.tools import Context, Tool, ToolFailure, invoke

SECRET = "the secret outside"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder `notes` that may be used, beside a secret that may not."""
    notes = tmp_path / "notes"
    (notes / "travel").mkdir(parents=True)
    (notes / "travel" / "rome.md").write_text("Trains to Rome\nThe ticket costs 40 euros\n")
    (notes / "plan.txt").write_text("Plan of the week")
    (tmp_path / "secret.txt").write_text(SECRET)
    return notes


async def call(tools: list[Tool], name: str, **arguments: Any) -> Labelled:
    made = next(tool for tool in tools if tool.name == name)
    found = await invoke(made, {key: Labelled(value) for key, value in arguments.items()})
    assert found is not None
    return found


async def refused(tools: list[Tool], name: str, **arguments: Any) -> ToolFailure:
    with pytest.raises(ToolFailure) as caught:
        await call(tools, name, **arguments)
    assert SECRET not in str(caught.value)
    return caught.value


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def stands(tools: list[Tool], **arguments: Any) -> Labelled | None:
    values = {key: Labelled(value) for key, value in arguments.items()}
    return await invoke(tools[3], values, Context(key="k"), lookup=True)


@pytest.mark.parametrize(
    "path", ["plan.txt", "notes/plan.txt", "{folder}/plan.txt", "./plan.txt", "notes//plan.txt"]
)
async def test_a_file_is_read_by_any_of_its_paths(folder: Path, path: str) -> None:
    found = await call(file_tools([folder]), "file_read", path=path.replace("{folder}", str(folder)))
    assert found == Labelled("Plan of the week", external(f"file:{folder}/plan.txt"))


async def test_listing_names_what_is_there_and_counts_what_is_not_shown(folder: Path, tmp_path: Path) -> None:
    (folder / "evil\u202etxt.exe").write_text("x")
    (folder / "two\nlines").write_text("x")
    (folder / "in").symlink_to(folder / "plan.txt")
    (folder / "out").symlink_to(tmp_path / "secret.txt")
    (folder / "dangling").symlink_to(folder / "nowhere")
    os.mkfifo(folder / "pipe")
    found = await call(file_tools([folder]), "file_list", folder="notes")
    names = [(Path(entry["path"]).name, entry["kind"]) for entry in found.value["entries"]]
    assert names == [("in", "file"), ("plan.txt", "file"), ("travel", "folder")]
    assert found.value["left_out"] == 5
    assert found.labels == external(f"file:{folder}")
    roots = await call(file_tools([folder]), "file_list")
    assert [entry["path"] for entry in roots.value["entries"]] == [str(folder)]


async def test_words_are_found_in_names_and_texts(folder: Path, tmp_path: Path) -> None:
    (folder / "rome.txt").write_text("nothing")
    (folder / "out").symlink_to(tmp_path, target_is_directory=True)
    tools = file_tools([folder])
    found = await call(tools, "file_search", words="ROME")
    assert [(Path(hit["path"]).name, hit["lines"]) for hit in found.value["hits"]] == [
        ("rome.txt", []),
        ("rome.md", []),
    ]
    assert found.value["complete"]
    assert external(f"file:{folder}/travel/rome.md") < found.labels
    found = await call(tools, "file_search", words="euros ticket", folder="travel")
    assert [hit["lines"] for hit in found.value["hits"]] == [["The ticket costs 40 euros"]]
    assert (await call(tools, "file_search", words="secret")).value["hits"] == []


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("../secret.txt", "denied"),
        ("travel/../../secret.txt", "denied"),
        ("{outside}/secret.txt", "denied"),
        ("{folder}/../secret.txt", "denied"),
        ("/etc/passwd", "denied"),
        ("~/../secret.txt", "denied"),
        ("out.txt", "denied"),
        ("outside/secret.txt", "denied"),
        ("pipe", "wrong_type"),
        ("socket", "wrong_type"),
        ("travel", "wrong_type"),
        ("notes", "wrong_type"),
        ("binary", "wrong_type"),
        ("latin", "wrong_type"),
        ("large", "too_large"),
        ("plan.txt/x", "not_found"),
        ("nothing.txt", "not_found"),
        ("loop", "wrong_type"),
        ("plan.txt\n", "invalid"),
        ("plan\u202e.txt", "invalid"),
        ("plan.txt\0.md", "invalid"),
        ("\ud800", "invalid"),
        ("", "invalid"),
        ("x" * 300, "invalid"),
        ("x" * 3000, "invalid"),
    ],
)
async def test_what_is_not_read(
    folder: Path, tmp_path: Path, path: str, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "out.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "outside").symlink_to(tmp_path, target_is_directory=True)
    (folder / "loop").symlink_to(folder / "loop")
    os.mkfifo(folder / "pipe")
    (folder / "binary").write_bytes(b"MZ\0\1")
    (folder / "latin").write_bytes("Stra\xdfe".encode("latin-1"))
    (folder / "large").write_bytes(b"x" * 400_001)
    with socket.socket(socket.AF_UNIX) as listener:
        monkeypatch.chdir(folder)  # socket paths are short
        listener.bind("socket")
        path = path.replace("{folder}", str(folder)).replace("{outside}", str(tmp_path))
        failure = await refused(file_tools([folder]), "file_read", path=path)
    assert failure.code == code, str(failure)


async def test_marked_encodings_are_read(folder: Path) -> None:
    (folder / "sixteen.txt").write_text("Grüße", encoding="utf-16")
    assert (await call(file_tools([folder]), "file_read", path="sixteen.txt")).value == "Grüße"


async def test_a_file_is_written_whole_and_found_again(folder: Path) -> None:
    tools = file_tools([folder])
    given = {"path": "new/list.txt", "text": "bread\nmilk ü"}
    assert await stands(tools, **given) is None
    found = await call(tools, "file_write", **given)
    assert found == Labelled(
        {"path": f"{folder}/new/list.txt", "bytes": 13}, external(f"file:{folder}/new/list.txt")
    )
    assert await stands(tools, **given) == found
    assert await call(tools, "file_write", **given) == found, "a second try changes nothing"
    assert await stands(tools, path="new/list.txt", text="bread") is None
    assert names_in(folder / "new") == ["list.txt"]


async def test_what_is_there_is_replaced_only_when_told(folder: Path) -> None:
    tools = file_tools([folder])
    (folder / "plan.txt").chmod(0o640)
    failure = await refused(tools, "file_write", path="plan.txt", text="new")
    assert (failure.code, (folder / "plan.txt").read_text()) == ("denied", "Plan of the week")
    await call(tools, "file_write", path="plan.txt", text="new", replace=True)
    assert (folder / "plan.txt").read_text() == "new"
    assert (folder / "plan.txt").stat().st_mode & 0o777 == 0o640
    assert names_in(folder) == ["plan.txt", "travel"]


@pytest.mark.parametrize("path", ["../x", "/tmp/x", "out/x", "out.txt", "pipe", "travel", "notes", "a\nb"])
async def test_nothing_is_written_elsewhere(folder: Path, tmp_path: Path, path: str) -> None:
    (folder / "out").symlink_to(tmp_path, target_is_directory=True)
    (folder / "out.txt").symlink_to(tmp_path / "x")
    os.mkfifo(folder / "pipe")
    before = sorted(path.name for path in tmp_path.rglob("*"))
    await refused(file_tools([folder]), "file_write", path=path, text="mine", replace=True)
    assert sorted(path.name for path in tmp_path.rglob("*")) == before


async def test_a_full_disk_is_said_and_leaves_nothing_behind(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    failure = await refused(file_tools([folder]), "file_write", path="a.txt", text="x")
    assert "no room" in str(failure)
    assert names_in(folder) == ["plan.txt", "travel"]


async def test_a_link_put_in_the_way_after_the_check_leads_nowhere(folder: Path, tmp_path: Path) -> None:
    allowed = confined.Folders([folder])
    place, target = allowed.place("travel/rome.md"), allowed.place("travel/new.md")
    (folder / "travel").rename(folder / "moved")
    (folder / "travel").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "rome.md").write_text(SECRET)
    with pytest.raises(ToolFailure):
        confined.read(place, 1000)
    with pytest.raises(ToolFailure):
        confined.write(target, b"x", replace=True)
    assert not (tmp_path / "new.md").exists()
    (folder / "travel").unlink()
    (folder / "travel").mkdir()
    (folder / "travel" / "rome.md").symlink_to(tmp_path / "secret.txt")
    with pytest.raises(ToolFailure):
        confined.read(place, 1000)


async def test_several_folders_go_by_their_names(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "letters"
    other.mkdir()
    tools = file_tools([folder, other])
    await call(tools, "file_write", path="letters/anna.txt", text="Dear Anna")
    assert (other / "anna.txt").read_text() == "Dear Anna"
    assert (await call(tools, "file_read", path="anna.txt")).value == "Dear Anna"


async def test_a_folder_reached_by_a_link_may_be_named(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(folder, target_is_directory=True)
    tools = file_tools([tmp_path / "link"])
    assert (await call(tools, "file_read", path=f"{tmp_path}/link/plan.txt")).value == "Plan of the week"
    assert (await call(tools, "file_read", path="link/plan.txt")).value == "Plan of the week"


PARTS = st.sampled_from(
    ["..", ".", "", "notes", "travel", "out", "back", "rome.md", "secret.txt", "~", "…", "a"]
)


@given(st.lists(PARTS, max_size=8), st.sampled_from(["", "/", "~/", "{folder}/", "{outside}/"]))
async def test_no_path_leads_out(tmp_path: Path, parts: list[str], start: str) -> None:
    folder = tmp_path / "notes"
    if not folder.exists():
        (folder / "travel").mkdir(parents=True)
        (folder / "travel" / "rome.md").write_text("Rome")
        (folder / "out").symlink_to(tmp_path, target_is_directory=True)
        (folder / "travel" / "back").symlink_to(folder, target_is_directory=True)
        (tmp_path / "secret.txt").write_text(SECRET)
    path = start.replace("{folder}", str(folder)).replace("{outside}", str(tmp_path)) + "/".join(parts)
    allowed = confined.Folders([folder])
    try:
        place = allowed.place(path)
        assert Path(os.path.realpath(place.path)).is_relative_to(os.path.realpath(folder))
        assert confined.read(place, 1000) == b"Rome"
    except ToolFailure:
        pass
    assert (tmp_path / "secret.txt").read_text() == SECRET


@given(st.text(max_size=60))
async def test_any_text_as_a_path_ends_as_an_answer(tmp_path: Path, text: str) -> None:
    tools = file_tools([tmp_path])
    for name in ("file_read", "file_list", "file_search"):
        given_ = {"words": "x", "folder": text} if name == "file_search" else {}
        given_ = given_ or ({"path": text} if name == "file_read" else {"folder": text})
        try:
            await call(tools, name, **given_)
        except ToolFailure as failure:
            assert failure.code != "failed", str(failure)
