"""A small preview of a picture for terminals that can show one, and a map made of text for those that cannot.

What a terminal can is told from its environment; it is never asked, for an answer that comes late would be typed into
the next command. Inside tmux and screen, which let no pictures through, there is the map.
"""

from __future__ import annotations

import base64
import io
import unicodedata
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Literal

from pierian.events.regions import Box, box_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

    from pierian.vision.scene import Scene

Protocol = Literal["kitty", "iterm", "sixel"]
MOST_COLUMNS, MOST_ROWS = 60, 20
_CELL_WIDTH, _CELL_HEIGHT = 10, 20
"""Pixels of a character, about."""
_CHUNK = 4096
_BLANK = " ─│┌┐└┘"
"""What a text may be written over."""
_SIXEL_COLOURS = 64
_KITTY = frozenset({"ghostty", "kitty"})
_ITERM = frozenset({"iTerm.app", "WezTerm", "mintty", "rio", "vscode"})
_SIXEL = ("foot", "mlterm", "contour", "yaft", "sixel")


def protocol_of(environment: Mapping[str, str], *, terminal: bool) -> Protocol | None:
    """How a terminal is shown a picture; None where it is none, or where that is not known."""
    name, program = environment.get("TERM", ""), environment.get("TERM_PROGRAM", "")
    if not terminal or environment.get("TMUX") or name.startswith(("screen", "tmux")) or name == "dumb":
        return None
    if "kitty" in name or "ghostty" in name or program in _KITTY or environment.get("KITTY_WINDOW_ID"):
        return "kitty"
    if program in _ITERM or environment.get("LC_TERMINAL") == "iTerm2":
        return "iterm"
    return "sixel" if any(one in name for one in _SIXEL) else None


def preview(pixels: NDArray[np.uint8], protocol: Protocol) -> str:
    """What makes a terminal show the picture, small."""
    from PIL import Image

    image = Image.fromarray(pixels)
    image.thumbnail((MOST_COLUMNS * _CELL_WIDTH, MOST_ROWS * _CELL_HEIGHT))
    match protocol:
        case "kitty":
            return "".join(_kitty(image)) + "\n"
        case "iterm":
            content = _png(image)
            return f"\x1b]1337;File=inline=1;size={len(content)}:{base64.b64encode(content).decode()}\a\n"
        case "sixel":
            return _sixel(image) + "\n"


def _kitty(image: Image.Image) -> Iterator[str]:
    """Kitty's graphics protocol: a PNG in pieces."""
    content = base64.b64encode(_png(image)).decode()
    for start in range(0, len(content), _CHUNK):
        more = int(start + _CHUNK < len(content))
        head = f"a=T,f=100,q=2,m={more}" if start == 0 else f"m={more}"
        yield f"\x1b_G{head};{content[start : start + _CHUNK]}\x1b\\"


def _png(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def _sixel(image: Image.Image) -> str:
    """DEC's sixels: bands of six rows, in each the pixels of every colour in turn, runs of one sign counted."""
    import numpy as np

    few = image.quantize(_SIXEL_COLOURS)
    palette = few.getpalette() or []
    indices = np.asarray(few)
    parts = [f'\x1bPq"1;1;{image.width};{image.height}']
    for number in np.unique(indices):
        red, green, blue = (round(one * 100 / 255) for one in palette[number * 3 : number * 3 + 3])
        parts.append(f"#{number};2;{red};{green};{blue}")
    for top in range(0, image.height, 6):
        band = indices[top : top + 6]
        bits = (1 << np.arange(len(band)))[:, None]
        for number in np.unique(band):
            signs = ((band == number) * bits).sum(axis=0) + 63
            parts.append(f"#{number}{_runs(signs)}$")
        parts.append("-")
    return "".join(parts) + "\x1b\\"


def _runs(signs: NDArray[np.int64]) -> str:
    import numpy as np

    starts = np.flatnonzero(np.diff(signs, prepend=-1))
    lengths = np.diff(starts, append=len(signs))
    return "".join(
        f"!{length}{chr(signs[start])}" if length > 3 else chr(signs[start]) * int(length)
        for start, length in zip(starts, lengths, strict=True)
    )


def text_map(scene: Scene, columns: int = MOST_COLUMNS) -> list[str]:
    """Where the parts of a scene are, as lines of text: frames with their ids, and the beginnings of its texts."""
    columns = max(20, min(columns, 100))
    rows = max(3, min(MOST_ROWS, round(scene.height / scene.width * columns * _CELL_WIDTH / _CELL_HEIGHT)))
    canvas = _Canvas(columns, rows, scene.width, scene.height)
    for table in scene.tables:
        canvas.frame(table.region, table.id)
    for chart in scene.charts:
        canvas.frame(chart.region, f"{chart.id} {chart.kind}")
    for one in (*scene.shapes, *scene.barcodes):
        canvas.write(box_of(one.region), one.id)
    for line in sorted(
        scene.texts, key=lambda one: -one.region.box.left
    ):  # a text ends where the next begins
        canvas.write(line.region.box, line.text)
    return canvas.lines()


class _Canvas:
    """Characters in rows, for boxes in pixels."""

    def __init__(self, columns: int, rows: int, width: int, height: int) -> None:
        self._columns, self._rows = columns, rows
        self._across, self._down = columns / width, rows / height
        self._cells = [[" "] * columns for _ in range(rows)]

    def frame(self, box: Box, name: str) -> None:
        left, top = self._cell(box.left, box.top)
        right, bottom = self._cell(box.right, box.bottom)
        right, bottom = (
            max(right, min(left + 2, self._columns - 1)),
            max(bottom, min(top + 1, self._rows - 1)),
        )
        for column in range(left, right + 1):
            self._cells[top][column] = self._cells[bottom][column] = "─"
        for row in range(top, bottom + 1):
            self._cells[row][left] = self._cells[row][right] = "│"
        for row, column, corner in (
            (top, left, "┌"),
            (top, right, "┐"),
            (bottom, left, "└"),
            (bottom, right, "┘"),
        ):
            self._cells[row][column] = corner
        for place, one in enumerate(name[: max(0, right - left - 1)]):
            self._cells[top][left + 1 + place] = one

    def write(self, box: Box, text: str) -> None:
        """A text where it stands: at least three characters of it, and as many as there is room for."""
        at, row = self._cell(box.left, (box.top + box.bottom) / 2)
        cells, least = self._cells[row], at + 3
        if any(cell not in _BLANK for cell in cells[at:least]):
            return  # two rows of text come to one row here
        for one in text:
            wide = 2 if unicodedata.east_asian_width(one) in ("W", "F") else 1
            if not one.isprintable() or unicodedata.combining(one):
                continue
            after = cells[at : at + wide + 1]  # a text keeps one place free behind it
            if at + wide > self._columns or (at >= least and any(cell not in _BLANK for cell in after)):
                break
            cells[at : at + wide] = [one, ""][:wide]
            at += wide

    def lines(self) -> list[str]:
        return ["".join(row).rstrip() for row in self._cells]

    def _cell(self, x: float, y: float) -> tuple[int, int]:
        column, row = int(x * self._across), int(y * self._down)
        return min(max(column, 0), self._columns - 1), min(max(row, 0), self._rows - 1)
