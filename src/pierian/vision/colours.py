"""Names of colours, by how far apart people see them (CIEDE2000), not by numbers in RGB."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage import color

_skimage: Any = color  # it carries no types

EXAMPLES = {
    "black": "000000 101010 1f1f1f",
    "grey": "808080 555555 a9a9a9 7f7f7f 696969",
    "light grey": "d3d3d3 c8c8c8 dcdcdc",
    "white": "ffffff f5f5f5",
    "red": "ff0000 d62728 e41a1c c00000 b22222 e15759 ef553b",
    "dark red": "8b0000 700010",
    "orange": "ff7f0e ffa500 ff8c00 f28e2b ed7d31",
    "yellow": "ffff00 ffd700 ffc000 edc948 f0e442",
    "green": "008000 2ca02c 00c000 00ff00 4daf4a 59a14f 70ad47 32cd32",
    "dark green": "006400 004020",
    "light green": "90ee90 98df8a b2df8a",
    "turquoise": "40e0d0 17becf 00cc96 008080 66c2a5",
    "cyan": "00ffff 19d3f3",
    "light blue": "add8e6 aec7e8 a6cee3 87ceeb",
    "blue": "0000ff 1f77b4 0099ff 1e90ff 4472c4 377eb8 4169e1 4e79a7 0000cd 636efa 5b9bd5 0072b2",
    "dark blue": "000080 00008b 1f3864",
    "purple": "800080 9467bd 984ea3 8a2be2 7030a0 ab63fa 4b0082",
    "magenta": "ff00ff cc00cc",
    "pink": "ffc0cb e377c2 ff69b4 f781bf ff9da7 fb9a99",
    "brown": "8b4513 a52a2a 8c564b 9c755f a65628 654321",
    "beige": "f5f5dc f5deb3 d2b48c",
}


def hexadecimal(colour: NDArray[Any]) -> str:
    """RGB, 0 to 255, as #rrggbb."""
    return "#" + "".join(f"{round(float(one)):02x}" for one in colour)


def name_of(colour: NDArray[Any]) -> str:
    """What people call a colour, RGB from 0 to 255."""
    names, examples = _examples()
    away = _skimage.deltaE_ciede2000(lab(np.asarray(colour)[None]), examples)
    return names[int(np.argmin(away))]


def lab(colours: NDArray[Any]) -> NDArray[np.float64]:
    """RGB values (n, 3), 0 to 255, as CIELAB."""
    values = np.asarray(colours, np.float64)[None] / 255
    seen: Any = _skimage.rgb2lab(values)
    return np.asarray(seen[0], np.float64)


@cache
def _examples() -> tuple[list[str], NDArray[np.float64]]:
    pairs = [(name, code) for name, codes in EXAMPLES.items() for code in codes.split()]
    values = [[int(code[at : at + 2], 16) for at in (0, 2, 4)] for _, code in pairs]
    return [name for name, _ in pairs], lab(np.array(values))
