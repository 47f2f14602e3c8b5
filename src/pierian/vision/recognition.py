"""The two networks behind reading: one finds lines of text, one reads a line (PP-OCR, as `rapidocr` packs them).

Loaded once and kept. They are called part by part and not by `RapidOCR()`: its cost is the width that every crop is
padded to (short axis labels take a third of the time here), and its memory grows with the picture (760 MB at three
megapixels), while here no call sees more than 0.8. What letters mean, and which way up they are, is for `text`.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from pierian.exceptions import RunError
from pierian.vision.turning import Pixels

Corners = NDArray[np.float32]
"""Four points (4, 2): clockwise, from the upper left one as a reader of the text sees it."""
Floats = NDArray[np.float32]

LARGEST_AREA = 800_000
"""Pixels of one call of the finder, which takes some 300 bytes for each."""
ENLARGED_SIDE = 736
"""Small pictures are enlarged until their short side has this many pixels, if nothing else is in the way."""
LARGEST_SCALE = 3.0
LARGEST_TILED_AREA = 6_000_000
TILE_OVERLAP = 96
CUT = 0.6
"""Lines that end so near (shares of their height) to the cut between two tiles may go on behind it."""
HIGHER = 1.5
"""Two pieces of one line are together no higher than this, compared with one of them."""
SMALL_LINE = 17
"""Lines that come out lower than this (pixels) in a reduced picture are a reason to look at it tile by tile."""
LINE_HEIGHT = 48
"""What the reader was trained on."""
NARROWEST = 96
WIDEST = 48 * 60
BATCH_WIDTH = 768
THREADS = 2
"""More gain little, and others share the machine."""


class Reading(NamedTuple):
    """What a line says. `places`: each character's middle as a share of the crop's width."""

    text: str
    confidence: float
    places: tuple[float, ...]


def find_lines(pixels: Pixels) -> list[Corners]:
    """Where lines of text are, as a little too large rectangles, level or turned; their order means nothing."""
    height, width = pixels.shape[:2]
    scale = _scale(height, width)
    found = _find(pixels, scale)
    if scale < 0.75 and (
        not found or np.percentile([low_side(one) for one in found], 20) * scale < SMALL_LINE
    ):
        finer = min(1.0, (LARGEST_TILED_AREA / (height * width)) ** 0.5)
        whole, joined, pieces = _find_in_tiles(pixels, finer)
        found = _without_doubles([*whole, *joined, *found, *pieces])
    return found


def low_side(corners: Corners) -> float:
    """The height of a line, whichever way it runs."""
    return float(
        min(np.linalg.norm(corners[0] - corners[1]), np.linalg.norm(corners[1] - corners[2]))  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
    )


def read_lines(crops: Sequence[Pixels]) -> list[Reading]:
    """Each crop, which holds one level line, as text; an empty crop reads as nothing."""
    readings = [Reading("", 0.0, ())] * len(crops)
    usable = [place for place, crop in enumerate(crops) if min(crop.shape[:2]) > 0]
    for batch in _batches(usable, [_width(crop) for crop in crops]):
        for place, reading in zip(batch, _read([crops[one] for one in batch]), strict=True):
            readings[place] = reading
    return readings


def _scale(height: int, width: int) -> float:
    area = (LARGEST_AREA / (height * width)) ** 0.5
    return min(area, LARGEST_SCALE, max(1.0, ENLARGED_SIDE / min(height, width)))


def _find(pixels: Pixels, scale: float) -> list[Corners]:
    height, width = pixels.shape[:2]
    size = (max(32, round(width * scale / 32) * 32), max(32, round(height * scale / 32) * 32))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    image = cv2.resize(pixels[:, :, ::-1], size, interpolation=method)
    finder, _ = _networks()
    with _LOCK:
        found = finder(image)
    if found.boxes is None:
        return []
    back = np.array([width / size[0], height / size[1]], np.float32)
    return [np.asarray(one, np.float32) * back for one in found.boxes]


def _find_in_tiles(pixels: Pixels, scale: float) -> tuple[list[Corners], list[Corners], list[Corners]]:
    """Lines that lie within a tile; lines put together from what tiles saw of them; pieces that fit no other."""
    height, width = pixels.shape[:2]
    side = LARGEST_AREA**0.5 / scale
    overlap = TILE_OVERLAP / scale
    whole, pieces = list[Corners](), list[Corners]()
    for top, bottom in _cuts(height, side, overlap):
        for left, right in _cuts(width, side, overlap):
            for one in _find(pixels[top:bottom, left:right], scale):
                corners = one + np.array([left, top], np.float32)
                low, high = corners.min(axis=0), corners.max(axis=0)
                # Boxes end a little before the letters that a cut goes through.
                near = max(2.0, CUT * low_side(corners))
                cut = (
                    (low[0] <= left + near and left > 0)
                    or (low[1] <= top + near and top > 0)
                    or (high[0] >= right - near and right < width)
                    or (high[1] >= bottom - near and bottom < height)
                )
                (pieces if cut else whole).append(corners)
    return whole, *_joined(pieces)


def _joined(pieces: list[Corners]) -> tuple[list[Corners], list[Corners]]:
    """Pieces that meet and together are hardly higher than each of them, as one line; and those left alone."""
    groups: list[tuple[Corners, int]] = []
    for piece in sorted(pieces, key=lambda one: float(one[:, 0].min())):
        for place, (group, count) in enumerate(groups):
            around = np.asarray(cv2.boxPoints(cv2.minAreaRect(np.concatenate([group, piece]))), np.float32)
            apart = np.maximum(piece.min(axis=0) - group.max(axis=0), group.min(axis=0) - piece.max(axis=0))
            height = max(low_side(group), low_side(piece))
            if apart.max() < height / 2 and low_side(around) < HIGHER * height:
                groups[place] = (around, count + 1)
                break
        else:
            groups.append((piece, 1))
    return [one for one, count in groups if count > 1], [one for one, count in groups if count == 1]


def _cuts(length: int, side: float, overlap: float) -> list[tuple[int, int]]:
    count = max(1, int(np.ceil((length - overlap) / max(side - overlap, 1))))
    step = (length - overlap) / count
    return [(int(step * one), min(length, int(step * (one + 1) + overlap) + 1)) for one in range(count)]


def _without_doubles(found: list[Corners]) -> list[Corners]:
    """The first of those that cover each other; so tiles, which see more, come first."""
    kept: list[Corners] = []
    boxes: list[Floats] = []
    for one in found:
        box = np.concatenate([one.min(axis=0), one.max(axis=0)])
        if not any(_covered(box, other) > 0.5 for other in boxes):
            kept.append(one)
            boxes.append(box)
    return kept


def _covered(box: Floats, other: Floats) -> float:
    """How much of the smaller of two boxes lies in the other."""
    sides = np.minimum(box[2:], other[2:]) - np.maximum(box[:2], other[:2])
    if (sides <= 0).any():
        return 0.0
    areas = [float(np.prod(one[2:] - one[:2])) for one in (box, other)]
    return float(np.prod(sides)) / max(min(areas), 1.0)


def _width(crop: Pixels) -> int:
    """To which a crop is stretched, before it is padded."""
    height, width = crop.shape[:2]
    return min(max(8, round(width * LINE_HEIGHT / max(height, 1))), WIDEST)


def _batches(places: list[int], widths: list[int]) -> Iterator[list[int]]:
    """Crops of like widths together, few enough that memory does not grow with the text."""
    batch: list[int] = []
    for place in sorted(places, key=lambda one: widths[one]):
        if batch and (len(batch) + 1) * widths[place] > BATCH_WIDTH:
            yield batch
            batch = []
        batch.append(place)
    if batch:
        yield batch


def _read(crops: list[Pixels]) -> Iterator[Reading]:
    widths = [_width(crop) for crop in crops]
    padded = max(NARROWEST, -(-max(widths) // 32) * 32)
    values = np.zeros((len(crops), 3, LINE_HEIGHT, padded), np.float32)
    for row, (crop, width) in enumerate(zip(crops, widths, strict=True)):
        method = cv2.INTER_AREA if crop.shape[0] > LINE_HEIGHT else cv2.INTER_CUBIC
        level = cv2.resize(crop[:, :, ::-1], (width, LINE_HEIGHT), interpolation=method)
        values[row, :, :, :width] = level.astype(np.float32).transpose(2, 0, 1) / 127.5 - 1
    _, reader = _networks()
    with _LOCK:
        shares: Floats = reader.session(values)
    letters: list[str] = reader.postprocess_op.character
    column = padded / shares.shape[1]
    for row, width in enumerate(widths):
        best: NDArray[np.int64] = shares[row].argmax(axis=1)
        # A letter stands in several columns in turn; the blank, number 0, parts letters that are doubled.
        first = best != 0
        first[1:] &= best[1:] != best[:-1]
        sure: Floats = shares[row].max(axis=1)[first]
        places: list[float] = np.minimum((np.flatnonzero(first) + 0.5) * column / width, 1.0).tolist()
        chosen: list[int] = best[first].tolist()
        text = "".join(letters[one] for one in chosen)
        yield Reading(text, float(sure.mean()) if len(sure) else 0.0, tuple(places))


_LOCK = threading.Lock()
"""One picture at a time: two at once would take twice the memory."""


@cache
def _networks() -> tuple[Any, Any]:
    """The finder and the reader of lines."""
    # Imported by name as they are when first needed: together they take half a second, and carry no types.
    logging.getLogger("RapidOCR").setLevel(logging.ERROR)
    main = import_module("rapidocr.main")
    main.logger.setLevel(logging.ERROR)
    settings: Any = import_module("rapidocr.utils.parse_parameters").ParseParams.load(main.DEFAULT_CFG_PATH)
    engine = settings.EngineConfig["onnxruntime"]
    engine.intra_op_num_threads, engine.inter_op_num_threads = THREADS, 1
    for part, pattern in ((settings.Det, "*_det_*.onnx"), (settings.Rec, "*_rec_*.onnx")):
        part.engine_cfg = engine
        # Named outright, or a damaged installation would fetch its weights from the network without asking.
        part.model_path = str(_weights(Path(main.root_dir) / "models", pattern))
        part.font_path = part.model_root_dir = None
    finder = import_module("rapidocr.ch_ppocr_det").TextDetector(settings.Det)
    # Its input is scaled here already: it shall only round it to its steps of 32 pixels.
    finder.limit_side_len, finder.limit_type = 32, "min"
    return finder, import_module("rapidocr.ch_ppocr_rec").TextRecognizer(settings.Rec)


def _weights(folder: Path, pattern: str) -> Path:
    found = sorted(folder.glob(pattern))
    if not found:
        raise RunError(
            "The networks that read text are not where rapidocr keeps them.",
            hint="Install it again: pip install --force-reinstall rapidocr",
        )
    return found[0]
