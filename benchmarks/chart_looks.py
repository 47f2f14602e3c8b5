"""Looks of generated charts: colours and habits.

Written down for spreadsheet programs of several decades; drawn by lot for every library that can be told how to draw.
A look that was drawn by lot follows from its name alone.
"""

from __future__ import annotations

import random
from typing import Literal

import cv2
import msgspec
import numpy as np


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """Colours and habits of a program. `gap`: the share of a category that its bars leave free."""

    colours: tuple[str, ...]
    paper: str = "#ffffff"
    field: str = "#ffffff"
    ink: str = "#404040"
    grid: str = "#d9d9d9"
    frame: bool = False
    axis: bool = True
    ticks: Literal["", "out", "in"] = ""
    dashed: bool = False
    outline: str = ""
    gap: float = 0.45
    border: bool = False
    font: str = "Liberation Sans"
    title_left: bool = False
    title_size: float = 1.4
    thick: float = 1.0
    """How thick lines are, against the usual."""


SPREADSHEETS: dict[str, Look] = {
    "classic-2003": Look(
        colours=("#9999ff", "#993366", "#ffffcc", "#ccffff", "#660066", "#ff8080", "#0066cc"),
        field="#c0c0c0",
        ink="#000000",
        grid="#000000",
        frame=True,
        ticks="out",
        outline="#000000",
        border=True,
    ),
    "modern-2007": Look(
        colours=("#4f81bd", "#c0504d", "#9bbb59", "#8064a2", "#4bacc6", "#f79646", "#2c4d75"),
        grid="#868686",
        ink="#000000",
        ticks="out",
        border=True,
    ),
    "modern-2013": Look(
        colours=("#5b9bd5", "#ed7d31", "#a5a5a5", "#ffc000", "#4472c4", "#70ad47", "#255e91"),
        ink="#595959",
        gap=0.6,
    ),
    "modern-2023": Look(
        colours=("#156082", "#e97132", "#196b24", "#0f9ed5", "#a02b93", "#4ea72e", "#0c3a4e"),
        ink="#595959",
        axis=False,
        font="Open Sans",
    ),
    "web-sheets": Look(
        colours=("#4285f4", "#ea4335", "#fbbc04", "#34a853", "#ff6d01", "#46bdc6", "#7baaf7"),
        ink="#444444",
        grid="#cccccc",
        axis=False,
        font="Roboto",
    ),
    "free-office": Look(
        colours=("#004586", "#ff420e", "#ffd320", "#579d1c", "#7e0021", "#83caff", "#314004"),
        ink="#000000",
        grid="#b3b3b3",
        ticks="out",
        frame=True,
    ),
    "night": Look(
        colours=("#5ab4f0", "#ff9f5a", "#7bd88f", "#d58bff", "#ffd866", "#ff6188", "#78dce8"),
        paper="#202124",
        field="#202124",
        ink="#dddddd",
        grid="#45474a",
    ),
    "tablet": Look(
        colours=("#00a2ff", "#60d937", "#fae232", "#ff634d", "#ff42a1", "#929292", "#0076ba"),
        ink="#222222",
        grid="#b8b8b8",
        gap=0.3,
        font="Open Sans",
    ),
}

_PALETTES = tuple(
    tuple("#" + code for code in codes.split())
    for codes in (
        "4e79a7 f28e2b e15759 76b7b2 59a14f edc948 b07aa1",
        "e69f00 56b4e9 009e73 f0e442 0072b2 d55e00 cc79a7",
        "e41a1c 377eb8 4daf4a 984ea3 ff7f00 a65628 f781bf",
        "1b9e77 d95f02 7570b3 e7298a 66a61e e6ab02 a6761d",
        "8dd3c7 bebada fb8072 80b1d3 fdb462 b3de69 fccde5",
        "5470c6 91cc75 fac858 ee6666 73c0de 3ba272 fc8452",
        "2caffe 544fc5 00e272 fe6a35 6b8abc d568fb 2ee0ca",
        "36a2eb ff6384 ff9f40 ffcd56 4bc0c0 9966ff c9cbcf",
        "006ba2 3ebcd2 379a8b ebb434 b4ba39 9a607f d1b07c",
        "0f5499 990f3d ff7faa 00a0dd 593380 96cc28 ffd700",
        "2196f3 f44336 4caf50 ff9800 9c27b0 00bcd4 795548",
        "88c0d0 bf616a a3be8c ebcb8b b48ead d08770 5e81ac",
        "bd93f9 ff79c6 50fa7b ffb86c 8be9fd ff5555 f1fa8c",
        "268bd2 dc322f 859900 b58900 6c71c4 2aa198 d33682",
        "fb4934 b8bb26 fabd2f 83a598 d3869b 8ec07c fe8019",
        "6929c4 1192e8 005d5d 9f1853 fa4d56 570408 198038",
        "118dff 12239e e66c37 6b007b e044a7 744ec2 d9b300",
        "0d6efd dc3545 198754 ffc107 6f42c1 20c997 fd7e14",
        "3b82f6 ef4444 10b981 f59e0b 8b5cf6 ec4899 14b8a6",
        "08306b 2171b5 6baed6 4292c6 9ecae1 08519c c6dbef",
        "00441b 238b45 74c476 41ab5d a1d99b 006d2c c7e9c0",
        "222222 666666 999999 bbbbbb 444444 777777 d0d0d0",
        "440154 3b528b 21918c 5ec962 fde725 46327e 277f8e",
        "0d0887 7e03a8 cc4778 f89540 f0f921 5c01a6 ed7953",
        "7a0403 d23105 fb8022 edd03a 46f884 1bcfd4 4662d7",
        "003f5c ffa600 bc5090 58508d ff6361 2f4b7c f95d6a",
        "264653 e76f51 2a9d8f e9c46a f4a261 8ab17d 287271",
        "33658a f26419 f6ae2d 86bbd8 2f4858 758e4f 9a031e",
        "7fc97f beaed4 fdc086 386cb0 f0027f bf5b17 ffff99",
        "a6cee3 1f78b4 b2df8a 33a02c fb9a99 e31a1c fdbf6f",
    )
)
_LIGHT = (
    "#ffffff",
    "#ffffff",
    "#ffffff",
    "#ffffff",
    "#fafafa",
    "#f5f5f5",
    "#fff9f0",
    "#fff1e5",
    "#eef2f5",
    "#d5e4eb",
)
_DARK = ("#000000", "#111827", "#1e1e1e", "#282a36", "#2e3440", "#0d1117", "#002b36", "#100c2a", "#22313f")
_FONTS = (
    "Liberation Sans",
    "DejaVu Sans",
    "Open Sans",
    "Roboto",
    "Liberation Serif",
    "Roboto Condensed",
    "Open Sans",
)


def look_of(name: str) -> Look:
    """The look of a name: a spreadsheet program's, or one drawn by lot from the name's letters."""
    if name in SPREADSHEETS:
        return SPREADSHEETS[name]
    dice = random.Random(name)
    dark = dice.random() < 0.3
    paper = dice.choice(_DARK if dark else _LIGHT)
    field = paper if dice.random() < 0.7 else _mixed(paper, "#8090a0", dice.uniform(0.08, 0.2))
    ink = dice.choice(
        ("#ffffff", "#dddddd", "#b8c0cc") if dark else ("#000000", "#333333", "#595959", "#1f3044")
    )
    colours = list[str]()
    for palette in (dice.choice(_PALETTES), *_PALETTES):
        # What cannot be seen on the field, or told apart, makes room for others.
        colours += [
            one
            for one in palette
            if _apart(one, field) > 28 and all(_apart(one, other) > 10 for other in colours)
        ]
    colours = colours[:7]
    if dice.random() < 0.3:
        colours = colours[::-1]
    return Look(
        colours=tuple(colours),
        paper=paper,
        field=field,
        ink=ink,
        grid=_mixed(field, ink, dice.choice((0.1, 0.15, 0.25, 0.4))),
        frame=(frame := dice.random() < 0.2),
        axis=frame or dice.random() < 0.6,
        ticks=dice.choice(("", "", "out", "out", "in")),
        dashed=dice.random() < 0.25,
        outline=dice.choice(("", "", "", "", ink, field)),
        gap=dice.choice((0.15, 0.3, 0.4, 0.55)),
        border=dice.random() < 0.15,
        font=dice.choice(_FONTS),
        title_left=dice.random() < 0.4,
        title_size=dice.choice((1.2, 1.4, 1.7, 2.1)),
        thick=dice.choice((0.7, 1.0, 1.0, 1.6)),
    )


def _mixed(one: str, other: str, share: float) -> str:
    parts = [(int(one[at : at + 2], 16), int(other[at : at + 2], 16)) for at in (1, 3, 5)]
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in parts)


def _apart(one: str, other: str) -> float:
    """How far apart two colours are to the eye (Euclidean in Lab)."""
    values = np.array(
        [[[int(code[at : at + 2], 16) for at in (1, 3, 5)] for code in (one, other)]], np.float32
    )
    lab = cv2.cvtColor(values / np.float32(255), cv2.COLOR_RGB2LAB)[0]
    return float(np.linalg.norm(lab[0] - lab[1]))
