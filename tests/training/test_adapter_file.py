"""The exported file: names and order of the model's own file, in 8 bits, and measured on the real engine."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import gguf as reading
import numpy as np
import pytest
from msgspec import structs
from training.adapter_file import Facts, TooLarge, random_matrices, rotary_rows, write_adapter
from training.export import renamed
from training.recipe import RunFolder

from benchmarks import rows
from pierian.models import gguf
from pierian.models.installed import InstalledModel
from training import evaluate

FACTS = Facts(
    name="short",
    purpose="Thinks in fewer tokens.",
    licence="MIT",
    architecture="llama",
    alpha=64.0,
    approaches=("worked solution",),
    trained_from="0" * 64,
)
HEADS, CACHE_HEADS, WIDE, RANK = 4, 2, 64, 32


def header() -> gguf.GgufHeader:
    facts = {
        "llama.block_count": 3,
        "llama.attention.head_count": HEADS,
        "llama.attention.head_count_kv": CACHE_HEADS,
    }
    return gguf.GgufHeader(3, "llama", "Little", 128, True, 0, "F32", 0, 0, 0, facts)


def test_matrices_get_the_names_and_the_order_of_the_models_file() -> None:
    numbers = np.random.default_rng(1)

    def pair(module: str, high: int) -> dict[str, np.ndarray]:
        name = f"base_model.model.model.layers.2.{module}"
        return {
            f"{name}.lora_A.weight": numbers.normal(size=(RANK, WIDE)).astype(np.float32),
            f"{name}.lora_B.weight": numbers.normal(size=(high, RANK)).astype(np.float32),
        }

    trained = pair("self_attn.q_proj", WIDE) | pair("self_attn.k_proj", 32) | pair("mlp.down_proj", WIDE)
    found = renamed(trained, header())
    assert sorted(found) == ["blk.2.attn_k.weight", "blk.2.attn_q.weight", "blk.2.ffn_down.weight"]
    module = "base_model.model.model.layers.2."
    assert np.array_equal(found["blk.2.ffn_down.weight"][1], trained[f"{module}mlp.down_proj.lora_B.weight"])
    for name, own, heads in (("attn_q", "q_proj", HEADS), ("attn_k", "k_proj", CACHE_HEADS)):
        first, second = found[f"blk.2.{name}.weight"]
        assert np.array_equal(first, trained[f"{module}self_attn.{own}.lora_A.weight"])
        # Back again as the loader of transformers does it.
        half = second.shape[0] // heads // 2
        back = second.reshape(heads, half, 2, RANK).swapaxes(2, 1).reshape(second.shape)
        assert np.array_equal(back, trained[f"{module}self_attn.{own}.lora_B.weight"])
        assert np.array_equal(rotary_rows(back, heads), second)


def test_the_file_is_in_8_bits_where_its_rows_allow_it_and_says_what_it_is(tmp_path: Path) -> None:
    numbers = np.random.default_rng(2)
    file = tmp_path / "a.gguf"
    matrices = {
        f"blk.{layer}.attn_q.weight": (
            numbers.normal(size=(rank, WIDE)).astype(np.float32),
            numbers.normal(size=(WIDE, rank)).astype(np.float32),
        )
        for layer, rank in enumerate((RANK, 8))
    }
    write_adapter(file, FACTS, matrices)
    kept = {tensor.name: tensor for tensor in reading.GGUFReader(file).tensors}
    kinds = {name: tensor.tensor_type.name for name, tensor in kept.items()}
    assert kinds["blk.0.attn_q.weight.lora_a"] == kinds["blk.0.attn_q.weight.lora_b"] == "Q8_0"
    assert kinds["blk.1.attn_q.weight.lora_b"] == "F16"
    unpacked = reading.dequantize(kept["blk.0.attn_q.weight.lora_b"].data, reading.GGMLQuantizationType.Q8_0)
    assert np.abs(unpacked - matrices["blk.0.attn_q.weight"][1]).max() < 0.02
    said = gguf.read(file)
    assert said.is_adapter
    assert (said.facts["general.license"], said.facts["adapter.lora.alpha"]) == ("MIT", 64.0)


def test_a_file_that_would_be_too_large_is_not_begun(tmp_path: Path) -> None:
    matrix = np.zeros((32, 1_000_000), np.float32)
    with pytest.raises(TooLarge, match="lower rank"):
        write_adapter(tmp_path / "a.gguf", FACTS, {"blk.0.attn_q.weight": (matrix, matrix.T)})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.model
@pytest.mark.timeout(300)
def test_an_exported_adapter_is_measured_and_an_interrupted_measurement_continues(
    small_model: InstalledModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "words" / "dev.jsonl"
    data.parent.mkdir()
    asked = [{"question": f"What is {n} + {n}?", "answer": f"#### {2 * n}"} for n in (2, 3)]
    data.write_text("".join(json.dumps(one) + "\n" for one in asked))
    run = RunFolder(tmp_path / "run")
    run.begin("toy")
    matrices = random_matrices(
        gguf.shapes(small_model.path), ("attn_q", "ffn_down"), rank=32, size=0.15, seed=1
    )
    write_adapter(run.adapter, structs.replace(FACTS, trained_from=small_model.sha256 or ""), matrices)
    for limit, lines in ((1, 3), (2, 6)):
        arguments = [
            "evaluate",
            str(run.folder),
            "--data",
            str(data),
            "--limit",
            str(limit),
            "--samples",
            "2",
        ]
        monkeypatch.setattr(sys, "argv", arguments)
        assert evaluate.main() == 0
        found = rows.read(run.evaluation)
        assert len(found) == lines
    by_scale = {
        row["scale"]: row["text"] for row in found if row["item"] == found[0]["item"] and "text" in row
    }
    assert by_scale[0.0] != by_scale[1.0]
    (line,) = evaluate.table(found)
    assert (line["set"], line["items"]) == ("words/dev", 2)
    assert line["votes"]["samples"] >= 1
    assert "evaluate" in (run.folder / "log.txt").read_text()
