"""Pictures for models that see: what is sent of them, which models see, and a vision half of one's own."""

from __future__ import annotations

import base64
import io
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from test_gguf import entry, model_bytes
from typer.testing import CliRunner

from pierian.cli.models import app
from pierian.events.regions import Box
from pierian.exceptions import FileDamaged, UserError
from pierian.models import installed
from pierian.models.engine import reason_from_log
from pierian.models.pictures import LONGEST_SIDE, SMALLEST_SIDE, picture_url
from pierian.models.profiles import profile_for


def opened(url: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2])))


def test_a_picture_and_its_parts_are_bounded_and_nothing_but_pixels() -> None:
    pixels = np.zeros((1000, 4000, 3), np.uint8)
    pixels[100:200, 3000:3100] = (200, 10, 10)
    whole = opened(picture_url(pixels))
    assert (whole.format, whole.size, whole.info) == ("PNG", (LONGEST_SIDE, 384), {})
    part = opened(picture_url(pixels, Box(3000, 100, 3100, 200)))
    assert part.size == (SMALLEST_SIDE, SMALLEST_SIDE)  # small parts are enlarged
    assert part.convert("RGB").getpixel((128, 128)) == (200, 10, 10)
    assert opened(picture_url(pixels, Box(3950, 900, 9000, 9000))).size[0] <= SMALLEST_SIDE
    assert opened(picture_url(pixels, Box(-90, -90, -5, -5))).size == whole.size


@pytest.mark.parametrize(
    "name",
    ["Qwen/Qwen2.5-VL-7B-Instruct", "qwen3-vl-4b", "gemma-3-4b-it", "SmolVLM-500M", "muse-glimmer-30b", "gpt-4o", "llava:13b", "Llama-3.2-11B-Vision-Instruct"],
)  # fmt: skip
def test_models_that_see_are_known_by_name(name: str) -> None:
    assert profile_for(name).sees


@pytest.mark.parametrize(
    "name", ["qwen2.5-coder-1.5b", "gemma-3-1b-it", "gemma-3-270m", "qwen3-8b", "supervisor", "revl-x"]
)
def test_others_do_not(name: str) -> None:
    assert not profile_for(name).sees


def files(folder: Path) -> tuple[Path, Path]:
    """A language model and its vision half."""
    model, eyes = folder / "Tiny.gguf", folder / "mmproj-Tiny.gguf"
    model.write_bytes(model_bytes())
    eyes.write_bytes(model_bytes(entry("clip.has_vision_encoder", 7, b"\1"), 1, architecture="clip"))
    return model, eyes


def test_a_model_is_added_with_its_projector_and_sees(tmp_path: Path) -> None:
    model, eyes = files(tmp_path)
    done = CliRunner().invoke(app, ["add", str(model), "--projector", str(eyes)])
    assert done.exit_code == 0, done.output
    found = installed.find("tiny")
    assert (found.path, found.projector, found.capabilities) == (model, eyes, ("text", "vision"))
    eyes.write_bytes(eyes.read_bytes() + b"more")
    with pytest.raises(FileDamaged, match="mmproj-Tiny.gguf has changed"):
        installed.find("tiny")
    eyes.unlink()
    with pytest.raises(UserError, match="projector of the model tiny is gone"):
        installed.find("tiny")


def test_only_a_projector_for_pictures_is_one(tmp_path: Path) -> None:
    model, eyes = files(tmp_path)
    with pytest.raises(UserError, match="no projector, but a language model"):
        installed.add(model, projector=model)
    ears = entry("clip.has_vision_encoder", 7, struct.pack("?", False))
    eyes.write_bytes(model_bytes(ears, 1, architecture="clip"))
    with pytest.raises(UserError, match="for sounds"):
        installed.add(model, projector=eyes)


def test_a_projector_of_another_model_is_named_as_the_reason() -> None:
    log = "load: ok\nmismatch between text model (n_embd = 576) and mmproj (n_embd = 960)\nhint: wrong\nerror: failed"
    assert "mmproj (n_embd = 960)" in reason_from_log(log)
