"""The form in which llama.cpp loads a low-rank adapter: two matrices for each changed tensor, in a GGUF file.

A matrix `W` (out × in) of the model becomes `W + scale · alpha / rank · B · A`, with `A` (rank × in) and `B`
(out × rank) under the names `W.lora_a` and `W.lora_b`. Both are stored in 8 bits where that is possible: llama.cpp's
Q8_0 packs 32 numbers of a row, so `B`, whose rows are as long as the rank, needs a rank that 32 divides. Nothing here
needs torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import gguf
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from pierian.models.adapters import TASK_KEY, TRAINED_KEY

Matrix = NDArray[np.float32]
BLOCK = 32
MOST_BYTES = 20_000_000


class Facts(Struct, frozen=True, kw_only=True):
    """What the file says of itself."""

    name: str
    purpose: str
    licence: str
    architecture: str
    """Of the model, as its own file says it."""
    alpha: float
    approaches: tuple[str, ...]
    trained_from: str
    """SHA-256 of the model's file."""


class TooLarge(Exception):
    """The file would be larger than is allowed; the message says by how much."""


def write_adapter(path: Path, facts: Facts, matrices: Mapping[str, tuple[Matrix, Matrix]]) -> int:
    """Write the adapter under a temporary name, then give it its own; returns its bytes.

    `matrices` maps the name of each changed tensor (`blk.0.attn_q.weight`) to its `A` and `B`. Raises `TooLarge`.
    """
    size = sum(packed_bytes(matrix) for pair in matrices.values() for matrix in pair)
    if size > MOST_BYTES:
        raise TooLarge(
            f"The adapter would have {size:,} bytes and may have {MOST_BYTES:,}: train fewer layers or a lower rank."
        )
    part = path.with_name(path.name + ".part")
    writer = gguf.GGUFWriter(part, facts.architecture)
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", facts.alpha)
    writer.add_string(TASK_KEY, ", ".join(facts.approaches))
    writer.add_name(facts.name)
    writer.add_description(facts.purpose)
    writer.add_license(facts.licence)
    writer.add_string(TRAINED_KEY, facts.trained_from)
    for name, pair in sorted(matrices.items()):
        for half, matrix in zip(("lora_a", "lora_b"), pair, strict=True):
            add(writer, f"{name}.{half}", matrix)
    try:
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
    finally:
        writer.close()
    part.replace(path)
    return path.stat().st_size


def add(writer: gguf.GGUFWriter, name: str, matrix: Matrix) -> None:
    """One matrix, in 8 bits where its rows allow it, else in 16."""
    if matrix.shape[1] % BLOCK:
        writer.add_tensor(name, np.ascontiguousarray(matrix, np.float16))
        return
    kind = gguf.GGMLQuantizationType.Q8_0
    packed = gguf.quants.quantize(np.ascontiguousarray(matrix, np.float32), kind)
    writer.add_tensor(name, packed, raw_dtype=kind)


def packed_bytes(matrix: Matrix) -> int:
    """What a matrix takes in the file."""
    return matrix.size * 2 if matrix.shape[1] % BLOCK else matrix.size // BLOCK * 34


def rotary_rows(matrix: Matrix, heads: int) -> Matrix:
    """Rows of a query or key matrix in the order that llama.cpp wants for the architecture `llama`.

    There the two halves of each head, which transformers keeps apart, are interleaved.
    """
    half = matrix.shape[0] // heads // 2
    return matrix.reshape(heads, 2, half, matrix.shape[1]).swapaxes(1, 2).reshape(matrix.shape)


def random_matrices(
    shapes: Mapping[str, tuple[int, ...]], targets: tuple[str, ...], *, rank: int, size: float, seed: int
) -> dict[str, tuple[Matrix, Matrix]]:
    """An adapter of random numbers for the tensors whose names end in one of `targets`, to measure what any costs.

    `shapes` are those of the model's file, the fastest dimension first (`pierian.models.gguf.shapes`).
    """
    generator = np.random.default_rng(seed)
    found: dict[str, tuple[Matrix, Matrix]] = {}
    for name, shape in shapes.items():
        if len(shape) != 2 or not name.endswith(tuple(f"{target}.weight" for target in targets)):
            continue
        wide, high = shape
        first = generator.normal(0, size, (rank, wide)).astype(np.float32)
        second = generator.normal(0, size, (high, rank)).astype(np.float32)
        found[name] = (first, second)
    return found
