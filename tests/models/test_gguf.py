"""GGUF headers: what is read, and that no hostile or cut-off file gets through or runs away."""

from __future__ import annotations

import struct
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pierian.exceptions import FileDamaged, UserError
from pierian.models import gguf


def text(value: str | bytes) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return struct.pack("<Q", len(data)) + data


def entry(key: str, kind: int, payload: bytes) -> bytes:
    return text(key) + struct.pack("<I", kind) + payload


def model_bytes(
    extra: bytes = b"", extra_count: int = 0, version: int = 3, architecture: str = "llama"
) -> bytes:
    """A whole little model of one F32 tensor with 4 x 8 elements."""
    entries = [
        entry("general.architecture", 8, text(architecture)),
        entry("general.name", 8, text("Tiny")),
        entry("general.file_type", 4, struct.pack("<I", 15)),
        entry(f"{architecture}.context_length", 4, struct.pack("<I", 2048)),
        entry("tokenizer.ggml.tokens", 9, struct.pack("<IQ", 8, 3) + text("a") + text("bc") + text("")),
        entry("tokenizer.ggml.scores", 9, struct.pack("<IQ", 6, 3) + struct.pack("<3f", 0, 1, 2)),
        entry("tokenizer.chat_template", 8, text("{{ messages }}" * 500)),
    ]
    tensor = text("w") + struct.pack("<I", 2) + struct.pack("<QQ", 4, 8) + struct.pack("<IQ", 0, 0)
    head = b"GGUF" + struct.pack("<IQQ", version, 1, len(entries) + extra_count)
    body = head + b"".join(entries) + extra + tensor
    return body + b"\0" * (-len(body) % 32) + b"\1" * 128


def written(folder: Path, data: bytes) -> Path:
    path = folder / "m.gguf"
    path.write_bytes(data)
    return path


def test_the_facts_of_a_model_are_read(tmp_path: Path) -> None:
    header = gguf.read(written(tmp_path, model_bytes()))
    assert (header.architecture, header.name, header.context_length) == ("llama", "Tiny", 2048)
    assert (header.parameters, header.file_type, header.chat_template) == (32, "Q4_K_M", True)


def test_a_file_cut_off_anywhere_is_refused(tmp_path: Path) -> None:
    whole = model_bytes()
    for length in (*range(0, 200, 7), *range(len(whole) - 140, len(whole), 5), len(whole) - 1):
        with pytest.raises(FileDamaged):
            gguf.read(written(tmp_path, whole[:length]))


def test_a_missing_end_of_the_tensors_is_called_cut_off(tmp_path: Path) -> None:
    with pytest.raises(FileDamaged, match="cut off"):
        gguf.read(written(tmp_path, model_bytes()[:-1]))


@pytest.mark.parametrize(
    "data", [b"", b"GG", b"PK\x03\x04 not a model", b"GGUF" + struct.pack(">I", 3) + b"\0" * 64]
)
def test_other_files_are_refused_in_words(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(FileDamaged, match="not a usable GGUF file"):
        gguf.read(written(tmp_path, data))


def test_a_file_that_is_not_there_is_the_users_mistake(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        gguf.read(tmp_path / "none.gguf")


HUGE = 2**63
HOSTILE = {
    "tensor count": b"GGUF" + struct.pack("<IQQ", 3, HUGE, 1),
    "entry count": b"GGUF" + struct.pack("<IQQ", 3, 1, HUGE),
    "key length": b"GGUF" + struct.pack("<IQQQ", 3, 1, 1, HUGE),
    "text length": b"GGUF" + struct.pack("<IQQ", 3, 1, 1) + entry("k", 8, struct.pack("<Q", HUGE)),
    "string list": b"GGUF" + struct.pack("<IQQ", 3, 1, 1) + entry("k", 9, struct.pack("<IQ", 8, HUGE)),
    "number list": b"GGUF" + struct.pack("<IQQ", 3, 1, 1) + entry("k", 9, struct.pack("<IQ", 10, HUGE)),
    "nested list": b"GGUF" + struct.pack("<IQQ", 3, 1, 1) + entry("k", 9, struct.pack("<IQ", 9, 5)),
    "dimensions": b"GGUF" + struct.pack("<IQQ", 3, 1, 0) + text("w") + struct.pack("<I", 2**31),
    "tensor size": b"GGUF"
    + struct.pack("<IQQ", 3, 1, 1)
    + entry("general.architecture", 8, text("llama"))
    + text("w")
    + struct.pack("<IQQIQ", 2, HUGE, HUGE, 0, 0),
    "alignment": b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + entry("general.alignment", 4, struct.pack("<I", 0)),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_lengths_are_refused_without_allocating(tmp_path: Path, what: str) -> None:
    path = written(tmp_path, HOSTILE[what] + b"\0" * 64)
    tracemalloc.start()
    try:
        with pytest.raises(FileDamaged):
            gguf.read(path)
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_damaged_bytes_give_a_header_or_a_sentence_never_anything_else(
    tmp_path: Path, data: st.DataObject
) -> None:
    damaged = bytearray(model_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(damaged)))
    try:
        header = gguf.read(written(tmp_path, bytes(damaged[:cut])))
    except FileDamaged as error:
        assert str(error).endswith(".")
    else:
        assert header.size_bytes == cut


def test_a_type_newer_than_the_table_is_no_damage(tmp_path: Path) -> None:
    data = model_bytes()
    at = data.rindex(struct.pack("<QQIQ", 4, 8, 0, 0)) + 16
    assert gguf.read(written(tmp_path, data[:at] + struct.pack("<I", 99) + data[at + 4 :])).parameters == 32
