"""Adapters in the records: what is taken, what is refused, which one is used, and what requests say of it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from adapter_files import adapter_for, little_model

from pierian.config import Settings
from pierian.exceptions import FileDamaged, UnknownName, UserError
from pierian.models import adapters, download, gguf, installed
from pierian.models.catalogue import DEFAULT_MODEL
from pierian.models.machine import choose_options
from pierian.models.model import open_model
from pierian.models.wire import Message, Request

ENTRY = """
[[adapter]]
name = "brief"
title = "Brief"
base = "{base}"
purpose = "Thinks in fewer tokens."
licence = "Apache-2.0"
measured = {measured}
file_name = "brief.gguf"
size_bytes = {size}
sha256 = "{sha256}"
sources = [{{ kind = "hub", repo = "maker/brief", file = "brief.gguf" }}]
"""


@pytest.fixture
def model(tmp_path: Path) -> str:
    """The name of a little model of the user's own."""
    return installed.add(little_model(tmp_path / "little.gguf")).name


def test_an_adapter_is_known_by_what_its_file_says_and_forgotten_without_touching_it(
    model: str, tmp_path: Path
) -> None:
    file = adapter_for(tmp_path / "little.gguf", tmp_path / "Short One.gguf")
    adapter = adapters.add(file, model)
    assert (adapter.name, adapter.base, adapter.licence) == ("short-one", model, "MIT")
    assert adapter.purpose == "Thinks in fewer tokens."
    assert adapter.approaches == ("worked solution",)
    assert adapters.find("short-one") == adapter
    assert adapters.verify("short-one").sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    assert adapters.remove("short-one") == []
    assert file.exists()
    with pytest.raises(UnknownName):
        adapters.find("short-one")


def test_a_file_that_changed_or_went_is_told(model: str, tmp_path: Path) -> None:
    file = adapter_for(tmp_path / "little.gguf", tmp_path / "a.gguf")
    adapters.add(file, model)
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(bytes(data))
    for look in (adapters.verify, adapters.find):
        with pytest.raises(FileDamaged, match="has changed") as caught:
            look("a")
        assert "add it again" in caught.value.hint
    file.write_bytes(bytes(data) + b"more")
    with pytest.raises(FileDamaged, match="has changed"):
        adapters.find("a")
    file.unlink()
    with pytest.raises(UserError, match="is gone") as gone:
        adapters.chosen("a", model)
    assert "pierian config set adapter auto" in gone.value.hint
    adapters.remove("a")
    with pytest.raises(UnknownName) as unknown:
        adapters.chosen("a", model)
    assert "pierian config set adapter auto" in unknown.value.hint


def test_what_does_not_fit_the_model_is_refused_before_the_engine_would(model: str, tmp_path: Path) -> None:
    other = little_model(tmp_path / "other.gguf", wide=128)
    with pytest.raises(UserError, match="another model"):
        adapters.add(adapter_for(other, tmp_path / "wide.gguf"), model)
    with pytest.raises(UserError, match="another model"):
        adapters.add(
            adapter_for(tmp_path / "little.gguf", tmp_path / "kind.gguf", architecture="qwen2"), model
        )
    with pytest.raises(UserError, match="is no adapter"):
        adapters.add(other, model)
    with pytest.raises(UserError, match="changes a model"):
        installed.add(tmp_path / "wide.gguf")
    good = adapter_for(tmp_path / "little.gguf", tmp_path / "good.gguf")
    with pytest.raises(UserError, match="is taken"):
        adapters.add(good, model, DEFAULT_MODEL)
    with pytest.raises(UserError, match="not on this machine"):
        adapters.add(good, DEFAULT_MODEL)
    for alpha in (0.0, -1.0, float("nan"), float("inf")):
        weak = adapter_for(tmp_path / "little.gguf", tmp_path / "weak.gguf", alpha=alpha)
        with pytest.raises(UserError, match="above 0"):
            adapters.add(weak, model)
    foreign = adapter_for(tmp_path / "little.gguf", tmp_path / "foreign.gguf", trained_from="0" * 64)
    with pytest.raises(UserError, match="trained beside another file"):
        adapters.add(foreign, model)
    for name in ("auto", "none"):
        with pytest.raises(UserError, match="means something else"):
            adapters.add(good, model, name)
    with pytest.raises(UserError, match="is taken"):
        adapters.add(good, model, model)
    assert adapters.added() == {}
    adapters.add(good, model)
    with pytest.raises(UserError, match="taken by an adapter"):
        installed.add(other, "good", taken=adapters.names())


async def test_a_model_that_changed_under_its_adapter_is_told_before_anything_is_loaded(
    model: str, tmp_path: Path
) -> None:
    adapters.add(adapter_for(tmp_path / "little.gguf", tmp_path / "a.gguf"), model)
    installed.remove(model)
    installed.add(little_model(tmp_path / "wide.gguf", wide=128), model)
    with pytest.raises(UserError, match="another model"):
        async with open_model(Settings(model=model, adapter="a")):
            pass


def test_only_a_measured_adapter_of_the_catalogue_is_used_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = adapter_for(little_model(tmp_path / "little.gguf"), tmp_path / "brief.gguf")
    data = file.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    for measured in (False, True):
        text = ENTRY.format(base=DEFAULT_MODEL, measured=str(measured).lower(), size=len(data), sha256=digest)
        known = adapters.parse(text)
        monkeypatch.setattr(adapters, "entries", lambda known=known: known)
        assert adapters.chosen("auto", DEFAULT_MODEL) is None or measured
        place = installed.file_path(known["brief"].weights)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)  # as if a pull had just fetched it
        assert download.pull(known["brief"]) == place
        found = adapters.chosen("auto", DEFAULT_MODEL)
        assert (found is not None) == measured
        assert adapters.chosen("brief", DEFAULT_MODEL) is not None
        assert adapters.chosen("brief", "smollm2-135m") is None
        assert adapters.chosen("none", DEFAULT_MODEL) is None
    assert adapters.remove("brief") == [place]
    assert adapters.chosen("auto", DEFAULT_MODEL) is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("qwen2.5-coder-1.5b", "nobody"), "no model nobody"),
        (("brief.gguf", "../brief.gguf"), "plain file name"),
    ],
)
def test_a_wrong_entry_of_the_catalogue_is_found(change: tuple[str, str], reason: str) -> None:
    text = ENTRY.format(base=DEFAULT_MODEL, measured="false", size=1, sha256="0" * 64)
    with pytest.raises(ValueError, match=reason):
        adapters.parse(text.replace(*change))


def test_every_request_to_an_engine_with_an_adapter_says_how_much_of_it() -> None:
    asked = Request(messages=(Message("user", "Hi"),), max_tokens=1)
    assert "lora" not in asked.body("m", embedded=True)
    assert asked.body("m", embedded=True, adapter=True)["lora"] == [{"id": 0, "scale": 0.0}]
    options = choose_options(Settings(), "m.gguf", trained_context=None, adapter_path="a.gguf")
    assert (options.adapter_path, options.cache_megabytes) == ("a.gguf", 0)


def test_the_shapes_of_a_file_are_read(tmp_path: Path) -> None:
    assert gguf.shapes(little_model(tmp_path / "m.gguf"))["blk.0.ffn_down.weight"] == (96, 64)
