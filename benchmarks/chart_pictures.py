"""Charts with known values, drawn by several libraries in many looks: `python -m benchmarks.chart_pictures`.

A picture is named by its split, its number and whether it is degraded; all else follows from these by seeds. Each
library's themes were dealt out once, by lot, to two splits: what `judge` holds is never looked at while the digitiser
is developed.
"""

from __future__ import annotations

import argparse
import io
import math
import random
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Literal

import cv2
import msgspec
import numpy as np
from PIL import Image

from benchmarks.chart_draws import draw
from benchmarks.chart_specs import LIBRARIES, Place, Spec, Truth, TruthSeries

Split = Literal["develop", "judge"]
_FIRST_SEED: dict[Split, int] = {"develop": 2_100_000, "judge": 2_500_000}


_PAINTERS = {
    "matplotlib": "matplotlib",
    "seaborn": "matplotlib",
    "plotly": "plotly",
    "altair": "web",
    "letsplot": "web",
    "spreadsheet": "drawn",
    "bokeh": "bokeh",
    "pygal": "pygal",
}
_SPLIT_SEED = 20261128
_SEEN = frozenset(
    [
        "Solarize_Light2",
        "bmh",
        "classic",
        "dark_background",
        "default",
        "fast",
        "fivethirtyeight",
        "ggplot",
        "grayscale",
        "petroff10",
        "seaborn-v0_8-paper",
        "tableau-colorblind10",
        "darkgrid:deep",
        "darkgrid:pastel",
        "whitegrid:muted",
        "whitegrid:colorblind",
        "white:Set2",
        "white:husl",
        "dark:bright",
        "dark:rocket",
        "ticks:dark",
        "ticks:viridis",
        "ggplot2",
        "gridon",
        "none",
        "plotly",
        "plotly_dark",
        "plotly_white",
        "presentation",
        "seaborn",
        "simple_white",
        "xgridoff",
        "carbong10",
        "carbonwhite",
        "dark",
        "excel",
        "googlecharts",
        "latimes",
        "powerbi",
        "quartz",
        "vox",
        "bw",
        "flavor_darcula",
        "flavor_solarized_light",
        "grey",
        "light",
        "minimal",
        "minimal2",
        "classic-2003",
        "modern-2007",
        "modern-2013",
        "modern-2023",
        "web-sheets",
        "free-office",
        "night",
        "tablet",
    ]
)
"""Themes of an earlier split, both of whose halves have been looked at or measured: they can judge no more."""


def _painter(library: str) -> ModuleType:
    return import_module(f"benchmarks.chart_pictures_{_PAINTERS[library]}")


def themes(library: str) -> tuple[str, ...]:
    """All themes of a library that are drawn."""
    painter = _painter(library)
    match library:
        case "matplotlib":
            return painter.MATPLOTLIB_THEMES
        case "seaborn":
            return painter.SEABORN_THEMES
        case "altair" | "letsplot":
            return painter.THEMES[library]
        case _:
            return painter.THEMES


@cache
def themes_of(library: str, split: Split) -> tuple[str, ...]:
    """The themes of a library that belong to a split: half of them judge, drawn by lot from those not yet seen."""
    every = sorted(themes(library))
    seen_before = library not in ("bokeh", "pygal")
    unseen = [one for one in every if not (seen_before and one in _SEEN)]
    judging = set(random.Random(f"{_SPLIT_SEED} {library}").sample(unseen, min(len(every) // 2, len(unseen))))
    return tuple(one for one in every if (one in judging) == (split == "judge"))


def spec_of(split: Split, number: int) -> Spec:
    """What the chart of a number shows; libraries take turns, so do kinds."""
    seed = _FIRST_SEED[split] + number
    library = LIBRARIES[(number // 10 + number) % len(LIBRARIES)]
    choice = themes_of(library, split)
    return draw(seed, library, choice[random.Random(seed * 7 + 1).randrange(len(choice))])


def picture(split: Split, number: int, degraded: bool) -> tuple[bytes, Truth]:
    """The encoded picture of a number and its truth."""
    spec = spec_of(split, number)
    data, truth = _painter(spec.library).render(spec)
    # Some themes have no page of their own: they lie over white, as in a browser.
    drawn = Image.open(io.BytesIO(data)).convert("RGBA")
    image = Image.alpha_composite(Image.new("RGBA", drawn.size, "white"), drawn).convert("RGB")
    file = io.BytesIO()
    image.save(file, "PNG")
    data, pixels = file.getvalue(), np.array(image)
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
