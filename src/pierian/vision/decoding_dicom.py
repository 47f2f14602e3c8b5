"""DICOM by pydicom: one frame, its values windowed into greys that can be seen. Runs in `decoding_process`.

Everything else in the file (whose picture it is, where it was taken) stays there. Names that are burnt into the
pixels are pixels.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import pydicom
from numpy.typing import NDArray
from PIL import Image
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut, apply_voi
from pydicom.pixels.utils import pixel_array

from pierian.vision.decoded import Opened, Refusal, check_page, check_size


def opened_dicom(content: bytes, page: int, window: tuple[float, float] | None) -> Opened:
    """A frame of a DICOM file."""
    dataset = cast(pydicom.FileDataset, cast(Any, pydicom).dcmread(io.BytesIO(content)))
    if "PixelData" not in dataset:
        raise Refusal("is DICOM, but holds no picture")
    check_size(int(dataset.Columns), int(dataset.Rows))
    frames = int(dataset.get("NumberOfFrames") or 1)
    check_page(page, frames)
    try:
        pixels = pixel_array(dataset, index=page - 1)
    except (NotImplementedError, RuntimeError) as error:
        syntax = dataset.file_meta.TransferSyntaxUID.name
        raise Refusal(f"is packed in a way that is not read: {syntax}") from error
    notes = [f"It has {frames:,} frames; this is frame {page}."] if frames > 1 else []
    kind = str(dataset.PhotometricInterpretation)
    if kind == "PALETTE COLOR":
        pixels = _eight_bits(apply_color_lut(pixels, dataset))
    elif pixels.ndim == 2:
        pixels, said = _windowed(pixels, dataset, window)
        pixels = 255 - pixels if kind == "MONOCHROME1" else pixels
        notes.append(said)
    else:  # colours; pydicom gives them as red, green and blue
        pixels = _eight_bits(pixels)
    image = Image.fromarray(pixels)
    return Opened(image, image.size, frames, notes)


def _windowed(
    stored: NDArray[Any], dataset: pydicom.Dataset, window: tuple[float, float] | None
) -> tuple[NDArray[np.uint8], str]:
    """Values as greys, and a sentence about how. The formulas are those of DICOM PS3.3, C.11.2.1.2 and .3."""
    values = apply_modality_lut(stored, dataset).astype(np.float32)
    centre, width = _first(dataset.get("WindowCenter")), _first(dataset.get("WindowWidth"))
    function = str(dataset.get("VOILUTFunction") or "LINEAR")
    if window is not None:
        (centre, width), function, whose = window, "LINEAR", "was asked for"
    elif "VOILUTSequence" in dataset:
        return _eight_bits(apply_voi(stored, dataset)), "Its greys follow the table that the file brings."
    else:
        whose = "the file says"
    if centre is None or width is None or width <= 0:
        low, high = float(values.min()), float(values.max())
        grey = (values - low) / (high - low) if high > low else np.zeros_like(values)
        return _bytes(grey), f"It names no window: {low:g} is black, {high:g} is white."
    match function:
        case "SIGMOID":
            grey = 1 / (1 + np.exp(-4 * (values - centre) / width))
        case "LINEAR_EXACT":
            grey = (values - centre) / width + 0.5
        case _:
            grey = (values - (centre - 0.5)) / max(width - 1, 1e-6) + 0.5
    return _bytes(grey), f"Its greys show a window of {width:g} around {centre:g}, as {whose}."


def _first(value: object) -> float | None:
    """The first of the windows that a file names."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        value = cast("Sequence[object]", value)[0] if value else None
    return None if value is None or value == "" else float(cast(Any, value))


def _bytes(grey: NDArray[Any]) -> NDArray[np.uint8]:
    """Greys between 0 and 1 as bytes."""
    return np.rint(np.nan_to_num(np.clip(grey, 0, 1)) * 255).astype(np.uint8)


def _eight_bits(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Unsigned values in the whole range of their type, as bytes."""
    if values.dtype == np.uint8:
        return values
    most = int(np.iinfo(values.dtype).max)
    return (values.astype(np.float32) / most * 255).astype(np.uint8)
