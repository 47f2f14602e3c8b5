"""Reading the header of a GGUF file: what model it is, and whether the file is whole.

The format is described in llama.cpp's `gguf` specification (versions 2 and 3, little-endian). The file may
come from anywhere, so every count and length is checked against what the file can hold before anything is
read, and only text and numbers are kept. Tensor data is never read, and hashes are not checked here.
"""

from __future__ import annotations

import math
import os
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, TypeVar

from pierian.exceptions import FileDamaged, UserError

MAX_KEY = 65_535
MAX_TEXT = 1 << 10  # longer texts (chat templates) are noted, not kept
MAX_ENTRIES = 1 << 17  # metadata entries, and tensors; real files have hundreds
MAX_STRINGS = 1 << 22  # strings of one array; the largest vocabularies have a quarter of a million
MAX_DIMENSIONS = 4
MAX_TENSOR_NAME = 64  # bytes, of what the engine takes

STRING, ARRAY = 8, 9
SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}

# Tensor types: elements in a block, bytes of a block (ggml.h).
TENSOR_TYPES = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34),
    10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 15: (256, 292),
    16: (256, 66), 17: (256, 74), 18: (256, 98), 19: (256, 50), 20: (32, 18), 21: (256, 110),
    22: (256, 82), 23: (256, 136), 24: (1, 1), 25: (1, 2), 26: (1, 4), 27: (1, 8), 28: (1, 8),
    29: (256, 56), 30: (1, 2), 34: (256, 54), 35: (256, 66), 39: (32, 17),
}  # fmt: skip

FILE_TYPES = {
    0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 7: "Q8_0", 8: "Q5_0", 9: "Q5_1", 10: "Q2_K", 11: "Q3_K_S",
    12: "Q3_K_M", 13: "Q3_K_L", 14: "Q4_K_S", 15: "Q4_K_M", 16: "Q5_K_S", 17: "Q5_K_M", 18: "Q6_K",
    19: "IQ2_XXS", 20: "IQ2_XS", 21: "Q2_K_S", 22: "IQ3_XS", 23: "IQ3_XXS", 24: "IQ1_S", 25: "IQ4_NL",
    26: "IQ3_S", 27: "IQ3_M", 28: "IQ2_S", 29: "IQ2_M", 30: "IQ4_XS", 31: "IQ1_M", 32: "BF16",
    36: "TQ1_0", 37: "TQ2_0", 38: "MXFP4",
}  # fmt: skip

PROJECTORS = ("clip", "mmproj")
"""What files of vision halves call their architecture."""

Value = str | int | float | bool
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class GgufHeader:
    """What a GGUF file says of itself; absent facts are "" or 0."""

    version: int
    architecture: str
    name: str
    context_length: int
    chat_template: bool
    parameters: int
    file_type: str
    tensors: int
    split_count: int
    size_bytes: int
    facts: Mapping[str, Value] = field(default_factory=dict[str, Value])
    """Every text and number of the metadata, by its key."""
    sees: bool = False
    """Whether it is a projector that reads pictures; others hear."""

    @property
    def is_projector(self) -> bool:
        """Whether this is the vision half of a model rather than a language model."""
        return self.architecture in PROJECTORS

    @property
    def is_adapter(self) -> bool:
        """Whether this changes a model rather than being one."""
        return self.facts.get("general.type") == "adapter"


class _Short(Exception):
    """The file ends before something that its header announces."""


class _Bad(Exception):
    """The header says something that no GGUF file says; the argument is the clause."""


def read(path: Path) -> GgufHeader:
    """The header of the file at `path`; raises `FileDamaged`, or `UserError` if it cannot be opened."""
    return _use(path, lambda reader: reader.header())


def shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """The dimensions of each tensor of a file by its name, the fastest first; raises as `read` does."""

    def of(reader: _Reader) -> dict[str, tuple[int, ...]]:
        reader.shapes = {}
        reader.header()
        return reader.shapes

    return _use(path, of)


def _use(path: Path, what: Callable[[_Reader], Found]) -> Found:
    try:
        with path.open("rb", buffering=1 << 18) as file:
            size = os.fstat(file.fileno()).st_size
            return what(_Reader(file, size))
    except _Short:
        raise FileDamaged(
            f"{path} is cut off: it ends before the data that its header announces.",
            hint="Fetch the file again; a download was probably interrupted.",
        ) from None
    except _Bad as error:
        hint = "Check where it came from; GGUF is the format of llama.cpp."
        raise FileDamaged(f"{path} is not a usable GGUF file: {error}.", hint=hint) from None
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.", hint="Check the path.") from error


class _Reader:
    def __init__(self, file: BinaryIO, size: int) -> None:
        self.file, self.size, self.at = file, size, 0
        self.shapes: dict[str, tuple[int, ...]] | None = None

    def take(self, count: int) -> bytes:
        """The next `count` bytes, checked against the file's size before they are allocated."""
        if count > self.size - self.at:
            raise _Short
        data = self.file.read(count)
        if len(data) != count:
            raise _Short
        self.at += count
        return data

    def skip(self, count: int) -> None:
        if count > self.size - self.at:
            raise _Short
        self.file.seek(count, os.SEEK_CUR)
        self.at += count

    def u32(self) -> int:
        return int.from_bytes(self.take(4), "little")

    def u64(self) -> int:
        return int.from_bytes(self.take(8), "little")

    def text(self, limit: int) -> str | None:
        """A string, or None (skipped) if it is longer than `limit` bytes."""
        length = self.u64()
        if length > limit:
            self.skip(length)
            return None
        return self.take(length).decode("utf-8", errors="replace")

    def header(self) -> GgufHeader:
        if self.size == 0:
            raise _Bad("it is empty")
        if self.size < 4 or self.take(4) != b"GGUF":
            raise _Bad("it does not start with the letters GGUF")
        version = self.u32()
        if version not in (2, 3):
            swapped = int.from_bytes(version.to_bytes(4, "little"), "big") in (2, 3)
            raise _Bad("it is big-endian" if swapped else f"its format version is {version}, not 2 or 3")
        tensors, count = self.u64(), self.u64()
        if max(tensors, count) > MAX_ENTRIES:
            raise _Bad("it announces an absurd number of entries")
        facts: dict[str, Value] = {}
        for _ in range(count):
            self.entry(facts)
        parameters, end = self.tensor_table(tensors)
        alignment = facts.get("general.alignment", 32)
        if not isinstance(alignment, int) or not 0 < alignment <= 1 << 20:
            raise _Bad("its alignment is out of range")
        start = -(-self.at // alignment) * alignment
        if tensors and start + end > self.size:
            raise _Short
        return self.summary(version, facts, tensors, parameters)

    def entry(self, facts: dict[str, Value]) -> None:
        """One metadata entry; text and numbers are kept, arrays skipped."""
        length = self.u64()
        if length > MAX_KEY:
            raise _Bad("a key of its metadata is too long")
        key = self.take(length).decode("utf-8", errors="replace")
        kind = self.u32()
        if kind == ARRAY:
            self.skip_array()
        elif kind == STRING:
            kept = self.text(MAX_TEXT)
            facts[key] = "…" if kept is None else kept
        else:
            facts[key] = self.scalar(kind)

    def scalar(self, kind: int) -> Value:
        code = SCALARS.get(kind)
        if code is None:
            raise _Bad(f"its metadata has a value of the unknown type {kind}")
        value: Value = struct.unpack(f"<{code}", self.take(struct.calcsize(f"<{code}")))[0]
        return value

    def skip_array(self) -> None:
        kind, count = self.u32(), self.u64()
        if kind == STRING:
            if count > MAX_STRINGS:
                raise _Short if count * 8 > self.size else _Bad("it has an absurdly long list of strings")
            for _ in range(count):
                self.skip(self.u64())
        elif kind in SCALARS:
            self.skip(count * struct.calcsize(f"<{SCALARS[kind]}"))
        else:
            raise _Bad(f"its metadata has a list of the unknown type {kind}")

    def tensor_table(self, tensors: int) -> tuple[int, int]:
        """The number of parameters, and where the data of the last tensor ends, from the data's start."""
        parameters = end = 0
        for _ in range(tensors):
            length = self.u64()
            if length > MAX_KEY:
                raise _Bad("the name of a tensor is too long")
            name = self.take(length)
            dimensions = self.u32()
            if dimensions > MAX_DIMENSIONS:
                raise _Bad(f"a tensor has {dimensions} dimensions")
            shape = tuple(self.u64() for _ in range(dimensions))
            elements = math.prod(shape)
            if self.shapes is not None and length <= MAX_TENSOR_NAME:
                self.shapes[name.decode("utf-8", errors="replace")] = shape
            kind, offset = self.u32(), self.u64()
            # A type that is newer than this table counts one byte: its offset is checked all the same.
            block, size = TENSOR_TYPES.get(kind, (max(elements, 1), 1))
            end = max(end, offset + -(-elements // block) * size)
            parameters += elements
        return parameters, end

    def summary(self, version: int, facts: dict[str, Value], tensors: int, parameters: int) -> GgufHeader:
        def text(key: str) -> str:
            value = facts.get(key, "")
            return value if isinstance(value, str) else ""

        def number(key: str) -> int:
            value = facts.get(key, 0)
            return value if isinstance(value, int) and value > 0 else 0

        architecture = text("general.architecture")
        if not architecture:
            raise _Bad("it does not say which architecture it is for")
        kind = facts.get("general.file_type")
        sees = architecture in PROJECTORS and facts.get("clip.has_vision_encoder", True) is True
        return GgufHeader(
            version=version,
            architecture=architecture,
            name=text("general.name"),
            context_length=number(f"{architecture}.context_length"),
            chat_template=bool(text("tokenizer.chat_template")),
            parameters=parameters,
            file_type=FILE_TYPES.get(kind, "") if isinstance(kind, int) else "",
            tensors=tensors,
            split_count=number("split.count"),
            size_bytes=self.size,
            facts=facts,
            sees=sees,
        )
