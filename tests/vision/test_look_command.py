"""`pierian look`: what it prints in every form, and what it says where it cannot."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.vision.hostile_files import pdf, png, saved, small
from tests.vision.scenes import SCENE, bars

from pierian.cli import look
from pierian.cli.app import run
from pierian.exceptions import UserError
from pierian.toolbox.fetching import Fetched, Fetcher
from pierian.vision import packages
from pierian.vision.picture import Picture
from pierian.vision.scene import Scene


@pytest.fixture(autouse=True)
def reader(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Picture]]:
    """A reader that finds the same in every picture; returns what it was shown."""
    seen: list[Picture] = []

    def read(picture: Picture) -> Scene:
        seen.append(picture)
        return SCENE if picture.page == 1 else Scene(width=picture.width, height=picture.height)

    monkeypatch.setattr(look, "_read", read)
    monkeypatch.setenv("COLUMNS", "100")
    yield seen


@pytest.fixture
def image(tmp_path: Path) -> str:
    path = tmp_path / "a.png"
    path.write_bytes(saved(small().resize((400, 300)), "PNG"))
    return str(path)


def test_a_person_sees_everything_and_nothing_drives_the_terminal(
    image: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["look", image]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("a.png · PNG · 400 × 300\n\nDear *all*\n1. first   beside\n")
    assert "c1 bar chart: Sales\n" in shown and "values ± 0.04" in shown
    assert "2 figures: 2 × blue circle" in shown and "QR Code: https://x.example/⟨U+202E⟩" in shown
    assert "? The last bar is cut off." in shown and "? The lower right corner is blurred." in shown
    assert "in the table" not in shown
    assert "\x1b" not in shown and "\u202e" not in shown and "⟨U+001B⟩[2J" in shown


def test_every_part_with_its_place(image: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["look", image, "--table"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "t1 Dear *all* 10, 10 – 90, 20 90%" in shown
    assert "b1 table, 1 × 2 10, 60 – 200, 100" in shown
    assert "s1 blue circle 300, 10 – 320, 30 100%" in shown


def test_other_forms(image: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["look", image, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["name"] == "a.png" and told["texts"][0]["text"] == "Dear *all*"
    assert run(["look", image, "--csv"]) == 0
    assert capsys.readouterr().out.startswith("item,price\n")
    assert run(["look", image, "--markdown"]) == 0
    assert "| month | shop 1 | shop 2 |" in capsys.readouterr().out
    assert run(["look", image, "--csv", "--json"]) == 2
    assert "One form at a time" in capsys.readouterr().err


def test_several_pictures_and_one_that_is_none(
    image: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "b.pdf"
    other.write_bytes(pdf(2))
    assert run(["look", image, str(tmp_path / "none.png"), str(other), "--json"]) == 1
    out, error = capsys.readouterr()
    assert [one["name"] for one in json.loads(out)] == ["a.png", "b.pdf"]
    assert "none.png" in error and "Traceback" not in error


def test_a_page_without_anything(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "b.pdf"
    path.write_bytes(pdf(2))
    assert run(["look", str(path), "--page", "2"]) == 0
    shown = capsys.readouterr().out
    assert "page 2 of 2" in shown and "No text, table, chart, shape or barcode was found" in shown
    assert run(["look", str(path), "--page", "3"]) == 2
    assert "Error: b.pdf has no page 3." in capsys.readouterr().err


def test_an_overlay_is_drawn_and_nothing_else_is_left(
    image: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, head in (("out.svg", b"<?xml"), ("out.png", b"\x89PNG")):
        assert run(["look", image, "--overlay", str(tmp_path / name)]) == 0
        assert (tmp_path / name).read_bytes().startswith(head)
    assert sorted(one.name for one in tmp_path.iterdir() if one.is_file()) == ["a.png", "out.png", "out.svg"]
    assert not [one for one in tmp_path.iterdir() if one.name.startswith(".out")]


@pytest.mark.parametrize(
    ("target", "said"),
    [("a.png", "the picture itself"), ("out.jpg", "neither .svg nor .png"), ("no/out.svg", "no folder")],
)
def test_what_no_overlay_is_written_to(
    image: str, tmp_path: Path, target: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["look", image, "--overlay", str(tmp_path / target)]) == 2
    assert said in " ".join(capsys.readouterr().err.split())


def test_a_picture_from_a_pipe(monkeypatch: pytest.MonkeyPatch, reader: list[Picture]) -> None:
    class Pipe:
        buffer = io.BytesIO(saved(small(), "PNG"))

        def isatty(self) -> bool:
            return False

    monkeypatch.setattr("sys.stdin", Pipe())
    assert run(["look", "-", "--json"]) == 0
    assert (reader[0].width, reader[0].source) == (40, "")


def test_a_picture_from_the_web(monkeypatch: pytest.MonkeyPatch, reader: list[Picture]) -> None:
    async def fetch(self: Fetcher, url: str, wanted: str = "page") -> Fetched:
        assert wanted == "picture"
        return Fetched(
            "https://b.example/x", "picture", "", saved(small(), "PNG"), ("a.example", "b.example")
        )

    monkeypatch.setattr(Fetcher, "fetch", fetch)
    assert run(["look", "https://a.example/x", "--json"]) == 0
    assert (reader[0].name, reader[0].source) == ("https://b.example/x", "host:b.example")


def test_what_is_missing_is_named(
    image: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(packages, "find_spec", lambda name: None if name == "cv2" else True)
    assert run(["look", image]) == 2
    assert "packages that are not installed: cv2." in (error := capsys.readouterr().err)
    assert "pip install 'pierian[vision]'" in error


@pytest.mark.parametrize("text", ["40", "a/b", "40/0", "40/-1", "nan/inf", "inf/1"])
def test_what_is_no_window(text: str) -> None:
    with pytest.raises(UserError, match="is no window of values"):
        look.window_of(text)
    assert look.window_of("-40/400") == (-40, 400)


def test_a_hostile_picture_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a\x1b[2J.png"
    path.write_bytes(png(60_000, 60_000))
    assert run(["look", str(path)]) == 2
    error = capsys.readouterr().err
    assert "is 60,000 × 60,000 pixels" in error and "\x1b[2J" not in error


def test_many_values_are_cut_short_on_the_terminal(
    image: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    long = bars({f"d{n}": [float(n)] for n in range(60)})
    scene = msgspec.structs.replace(SCENE, charts=(long,))

    def read(picture: Picture) -> Any:
        return scene

    monkeypatch.setattr(look, "_read", read)
    run(["look", image])
    assert "… and 20 rows more; all with --csv or --json" in capsys.readouterr().out
    run(["look", image, "--csv"])
    assert "d59,59.00" in capsys.readouterr().out
