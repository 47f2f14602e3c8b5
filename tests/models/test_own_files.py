"""Model files of the user's own: linked where they lie, checked, forgotten, and known by their hash."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from pierian.exceptions import FileDamaged, UnknownName, UserError
from pierian.models import catalogue, download, installed
from pierian.models.catalogue import HubSource, ModelEntry


def own_file(folder: Path, architecture: str = "llama") -> Path:
    from test_gguf import model_bytes

    folder.mkdir(exist_ok=True)
    path = folder / "My Model.gguf"
    path.write_bytes(model_bytes(architecture=architecture))
    return path


def test_a_file_of_ones_own_is_linked_checked_and_forgotten(tmp_path: Path) -> None:
    file = own_file(tmp_path / "mine")
    model = installed.add(file)
    assert model.name == "my-model"
    found = installed.find("my-model")
    assert (found.path, found.added, found.context) == (file, True, 2048)
    first = installed.verify("my-model").sha256
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(bytes(data))
    assert first is not None
    with pytest.raises(FileDamaged):
        installed.verify("my-model")
    installed.remove("my-model")
    assert file.exists()
    with pytest.raises(UnknownName):
        installed.find("my-model")


def test_what_cannot_be_added(tmp_path: Path) -> None:
    file = own_file(tmp_path / "mine")
    with pytest.raises(UserError, match="belongs to the catalogue"):
        installed.add(file, catalogue.DEFAULT_MODEL)
    with pytest.raises(UserError, match="vision half"):
        installed.add(own_file(tmp_path / "eyes", "clip"))
    installed.add(file, "x")
    with pytest.raises(UserError, match="is taken"):
        installed.add(own_file(tmp_path / "other"), "x")
    file.unlink()
    with pytest.raises(UserError, match="is gone"):
        installed.find("x")


def test_a_file_of_the_catalogue_that_is_added_gets_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = own_file(tmp_path / "mine")
    data = file.read_bytes()
    entry = ModelEntry(
        name="tiny",
        title="Tiny",
        family="f",
        parameters="1M",
        quantisation="Q8_0",
        context=64,
        licence="MIT",
        capabilities=("text",),
        file_name="tiny.gguf",
        sources=(HubSource("maker/tiny-GGUF", "tiny.gguf"),),
        size_bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
    )
    monkeypatch.setattr(catalogue, "entries", lambda: {entry.name: entry})
    assert installed.add(file).name == "tiny"
    assert installed.find("tiny").family == "f"
    assert download.pull("tiny") == file
