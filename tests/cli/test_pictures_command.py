"""`pierian ask --image` as a person uses it: a drawn chart, read in the process that reads, answered over a loopback."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw
from tests.vision.drawing import page
from tests.vision.hostile_files import pdf

from pierian import Assistant, Settings
from pierian.assistant.pictures import picture_files
from pierian.cli.app import run
from pierian.models.wire import Request
from pierian.testing import FunctionalModel, ModelServer, serve, serve_in_thread
from pierian.vision.loading import PictureError

PROGRAM = '```python\nanswer = c1["South"] - c1["East"]\n```'


def model(request: Request) -> str:
    return json.dumps({"lines": ["t2"]}) if request.schema is not None else PROGRAM


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelServer]:
    with serve_in_thread(FunctionalModel(model)) as serving:
        monkeypatch.setenv("PIERIAN_BASE_URL", serving.base_url)
        monkeypatch.setenv("PIERIAN_MODEL", "double")
        yield serving


def chart() -> Image.Image:
    """Bars of 12, 19 and 7 over an axis from 0 to 20."""
    labels = [((60, 330 - 75 * n - 11), f"{5 * n}") for n in range(5)]
    names = [((150 + 120 * n, 345), name) for n, name in enumerate(("North", "South", "East"))]
    image = page(560, 400, [*labels, *names, ((200, 4), "Sales by region")], 18)
    draw = ImageDraw.Draw(image)
    draw.line([(100, 25), (100, 330), (520, 330)], fill="black", width=2)
    for n in range(5):
        draw.line([(94, 330 - 75 * n), (100, 330 - 75 * n)], fill="black", width=2)
    for n, value in enumerate((12, 19, 7)):
        draw.rectangle([145 + 120 * n, 330 - 15 * value, 205 + 120 * n, 329], fill=(31, 119, 180))
    return image


def saved(folder: Path, image: Image.Image, name: str = "chart.png") -> Path:
    path = folder / name
    image.save(path)
    return path


def test_a_chart_is_measured_and_what_was_looked_at_is_drawn(
    server: ModelServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, overlay = saved(tmp_path, chart()), tmp_path / "seen.png"
    asked = ["ask", "How much more did the south sell than the east?", "--image", str(path)]
    assert run([*asked, "--mode", "instant", "--overlay", str(overlay), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert float(answer["value"].split()[0]) == pytest.approx(12, abs=0.2)
    looks = answer["receipt"]["looks"]
    assert [look["kind"] for look in looks] == ["read", "measure", "measure", "measure"]
    assert looks[1]["region"]["left"] == pytest.approx(265, abs=3)
    assert looks[1]["region"]["top"] == pytest.approx(45, abs=3)
    assert answer["receipt"]["claims"][0]["looks"] == [1, 2, 3, 4]
    drawn, given = np.array(Image.open(overlay).convert("RGB")), np.array(Image.open(path).convert("RGB"))
    assert drawn.shape == given.shape
    assert (drawn != given).any()
    # What the model got: words, and no picture, since it cannot see.
    assert "image_url" not in json.dumps(server.bodies)
    # A person sees the looks below the receipt.
    assert run([*asked, "--mode", "instant"]) == 0
    out, err = capsys.readouterr()
    assert "South: 19.0" in out
    assert "2. measure (2" in err


def test_what_cannot_be_asked_is_one_sentence(
    server: ModelServer,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = saved(tmp_path, chart())
    text = tmp_path / "notes.png"
    text.write_text("not a picture")
    wrong = {
        ("--image", str(tmp_path / "none.png")): "There is no file",
        ("--image", str(text)): "notes.png is no picture that can be read",
        ("--image", "-"): "The question and a picture cannot both come from standard input.",
        ("--overlay", str(tmp_path / "a.png")): "--overlay draws on a picture, and there is none.",
        ("--image", str(path), "--overlay", str(path)): "is the picture itself",
        ("--image", str(path), "--image", str(path), "--overlay", "a.svg"): "--overlay draws on one picture.",
    }
    for options, said in wrong.items():
        question = ["-"] if options == ("--image", "-") else ["What is the total?"]
        assert run(["ask", *question, *options]) != 0
        err = capsys.readouterr().err
        assert said in err
        assert "Traceback" not in err
    # One that is piped in is asked about.
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(path.read_bytes())))
    assert run(["ask", "How much more in the south?", "--image", "-", "--mode", "instant"]) == 0
    assert "South" in capsys.readouterr().out


async def test_programs_name_pictures_by_paths_bytes_and_pages(tmp_path: Path) -> None:
    content = pdf()
    (tmp_path / "two.pdf").write_bytes(content)
    (tmp_path / "odd#2").write_bytes(content)
    files = await picture_files([tmp_path / "two.pdf", f"{tmp_path}/two.pdf#2", f"{tmp_path}/odd#2", content])
    assert [(one.name, one.page) for one in files] == [
        ("two.pdf", 1),
        ("two.pdf", 2),
        ("odd#2", 1),
        ("Picture 4", 1),
    ]
    assert all(one.data == content for one in files)
    with pytest.raises(PictureError, match="There is no file"):
        await picture_files(["none.png"])
    letter = page(420, 120, [((20, 20), "Dear guests"), ((20, 70), "The pool is closed")], 22)
    async with (
        serve(FunctionalModel(model)) as serving,
        Assistant(Settings(base_url=serving.base_url, model="double")) as assistant,
    ):
        answer = await assistant.ask("What is closed?", "instant", images=[saved(tmp_path, letter, "a.png")])
    assert answer.text == "**“The pool is closed” [1]**"
