"""Charts with known values, drawn by several libraries in many looks: `python -m benchmarks.chart_pictures`.

A picture is named by its split, its number and whether it is degraded; all else follows from these by seeds. Each
library's themes are dealt out once, alternately, to two splits: what `judge` holds is never looked at while the
digitiser is developed.
"""

from __future__ import annotations

import argparse
import io
import math
import random
from pathlib import Path
from typing import Literal

import cv2
import msgspec
import numpy as np
from PIL import Image

from benchmarks.chart_specs import LIBRARIES, Place, Spec, Truth, TruthSeries, draw

Split = Literal["develop", "judge"]
_FIRST_SEED: dict[Split, int] = {"develop": 100_000, "judge": 500_000}


def themes(library: str) -> tuple[str, ...]:
    """All themes of a library that are drawn."""
    if library in ("matplotlib", "seaborn"):
        from benchmarks import chart_pictures_matplotlib as painter

        return painter.MATPLOTLIB_THEMES if library == "matplotlib" else painter.SEABORN_THEMES
    if library == "spreadsheet":
        from benchmarks import chart_pictures_drawn

        return tuple(chart_pictures_drawn.LOOKS)
    from benchmarks import chart_pictures_web

    return chart_pictures_web.THEMES[library]


def themes_of(library: str, split: Split) -> tuple[str, ...]:
    """The themes of a library that belong to a split: every other one, in the order of their names."""
    return tuple(sorted(themes(library))[0 if split == "develop" else 1 :: 2])


def spec_of(split: Split, number: int) -> Spec:
    """What the chart of a number shows; libraries take turns, so do kinds."""
    seed = _FIRST_SEED[split] + number
    library = LIBRARIES[(number // 10 + number) % len(LIBRARIES)]
    choice = themes_of(library, split)
    return draw(seed, library, choice[random.Random(seed * 7 + 1).randrange(len(choice))])


def picture(split: Split, number: int, degraded: bool) -> tuple[bytes, Truth]:
    """The encoded picture of a number and its truth."""
    spec = spec_of(split, number)
    if spec.library in ("matplotlib", "seaborn"):
        from benchmarks.chart_pictures_matplotlib import render
    elif spec.library == "spreadsheet":
        from benchmarks.chart_pictures_drawn import render
    else:
        from benchmarks.chart_pictures_web import render
    data, truth = render(spec)
    pixels = np.array(Image.open(io.BytesIO(data)).convert("RGB"))
    texts = tuple((text, _inked(pixels, box)) for text, box in truth.texts)
    truth = msgspec.structs.replace(truth, texts=texts, width=pixels.shape[1], height=pixels.shape[0])
    return degrade(pixels, truth, spec.seed) if degraded else (data, truth)


def _inked(pixels: np.ndarray, box: Place) -> Place:
    """A text's box drawn in to its letters: libraries count the room that its font needs."""
    left, top = max(0, math.floor(box[0])), max(0, math.floor(box[1]))
    part = pixels[top : math.ceil(box[3]) + 1, left : math.ceil(box[2]) + 1].astype(np.int32)
    if not part.size:
        return box
    colours, counts = np.unique(part.reshape(-1, 3), axis=0, return_counts=True)
    ink = np.abs(part - colours[counts.argmax()]).max(axis=2) > 60
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    if not len(rows):
        return box
    return (
        float(left + columns[0]),
        float(top + rows[0]),
        float(left + columns[-1] + 1),
        float(top + rows[-1] + 1),
    )


def degrade(pixels: np.ndarray, truth: Truth, seed: int) -> tuple[bytes, Truth]:
    """JPEG artefacts always, and by chance a light rotation, blur, noise or a smaller copy; boxes move along."""
    dice = random.Random(seed * 13 + 5)
    height, width = pixels.shape[:2]
    if dice.random() < 0.5:
        angle = dice.uniform(-2.0, 2.0)
        matrix = cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1.0)
        corner = tuple(int(one) for one in pixels[2, 2])
        pixels = cv2.warpAffine(pixels, matrix, (width, height), flags=cv2.INTER_CUBIC, borderValue=corner)
        truth = _moved(truth, matrix)
    if width > 700 and dice.random() < 0.3:
        factor = dice.uniform(0.6, 0.9)
        pixels = cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        truth = _moved(truth, np.array([[factor, 0, 0], [0, factor, 0]]))
    if dice.random() < 0.3:
        pixels = cv2.GaussianBlur(pixels, (0, 0), dice.uniform(0.4, 0.9))
    if dice.random() < 0.3:
        noise = np.random.default_rng(seed).normal(0, dice.uniform(2, 6), pixels.shape)
        pixels = np.clip(pixels + noise, 0, 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=dice.randint(30, 80))
    return file.getvalue(), msgspec.structs.replace(truth, width=pixels.shape[1], height=pixels.shape[0])


def _moved(truth: Truth, matrix: np.ndarray) -> Truth:
    def place(box: Place | None) -> Place | None:
        if box is None:
            return None
        left, top, right, bottom = box
        corners = (
            np.array([[left, top, 1], [right, top, 1], [right, bottom, 1], [left, bottom, 1]]) @ matrix.T
        )
        (a, b), (c, d) = corners.min(axis=0), corners.max(axis=0)
        return float(a), float(b), float(c), float(d)

    series = tuple(
        TruthSeries(one.name, tuple(msgspec.structs.replace(mark, box=place(mark.box)) for mark in one.marks))
        for one in truth.series
    )
    texts = tuple((text, box) for text, old in truth.texts if (box := place(old)) is not None)
    return msgspec.structs.replace(truth, series=series, texts=texts, plot=place(truth.plot))


def main() -> None:
    """Write pictures and their truths into a folder, to be looked at."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--split", choices=("develop", "judge"), default="develop")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--degraded", action="store_true")
    parser.add_argument("--out", type=Path, required=True)
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    for number in range(chosen.first, chosen.first + chosen.count):
        data, truth = picture(chosen.split, number, chosen.degraded)
        ending = "jpg" if chosen.degraded else "png"
        (chosen.out / f"{chosen.split}-{number:04}.{ending}").write_bytes(data)
        (chosen.out / f"{chosen.split}-{number:04}.json").write_bytes(msgspec.json.encode(truth))


if __name__ == "__main__":
    main()
