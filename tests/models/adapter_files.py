"""Adapter files of random numbers, and a little model that they fit."""

from __future__ import annotations

from pathlib import Path

import gguf as writing
import numpy as np
from training.adapter_file import Facts, random_matrices, write_adapter

from pierian.models import gguf
from pierian.models.installed import sha256_of


def facts(architecture: str = "llama", trained_from: str = "", alpha: float = 32.0) -> Facts:
    return Facts(
        name="short",
        purpose="Thinks in fewer tokens.",
        licence="MIT",
        architecture=architecture,
        alpha=alpha,
        approaches=("worked solution",),
        trained_from=trained_from,
    )


def adapter_for(
    model: Path,
    file: Path,
    *,
    size: float = 0.15,
    architecture: str = "llama",
    trained_from: str = "",
    alpha: float = 32.0,
    seed: int = 1,
) -> Path:
    """An adapter of random numbers for the attention and one more matrix of every layer of `model`."""
    matrices = random_matrices(
        gguf.shapes(model), ("attn_q", "attn_v", "ffn_down"), rank=32, size=size, seed=seed
    )
    write_adapter(file, facts(architecture, trained_from or sha256_of(model), alpha), matrices)
    return file


def little_model(file: Path, wide: int = 64) -> Path:
    """A file with the header and the matrices of a model of one layer."""
    writer = writing.GGUFWriter(file, "llama")
    writer.add_context_length(128)
    writer.add_name("Little")
    for name, shape in (("attn_q", (wide, wide)), ("attn_v", (32, wide)), ("ffn_down", (wide, 96))):
        writer.add_tensor(f"blk.0.{name}.weight", np.zeros(shape, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file
