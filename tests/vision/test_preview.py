"""Small pictures for terminals: only where one is known to show them, and what it would show."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image
from tests.vision.scenes import SCENE, line

from pierian.vision.preview import preview, protocol_of, text_map
from pierian.vision.scene import Scene

PIXELS = np.zeros((60, 100, 3), np.uint8)
PIXELS[:, 50:] = (255, 0, 0)


@pytest.mark.parametrize(
    ("environment", "protocol"),
    [
        ({"TERM": "xterm-kitty"}, "kitty"),
        ({"TERM": "xterm-256color", "KITTY_WINDOW_ID": "1"}, "kitty"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "ghostty"}, "kitty"),
        ({"TERM_PROGRAM": "iTerm.app"}, "iterm"),
        ({"TERM": "xterm-256color", "LC_TERMINAL": "iTerm2"}, "iterm"),
        ({"TERM": "foot"}, "sixel"),
        ({"TERM": "xterm-256color"}, None),
        ({"TERM": "dumb", "TERM_PROGRAM": "iTerm.app"}, None),
        ({"TERM": "tmux-256color", "KITTY_WINDOW_ID": "1", "TMUX": "/tmp/x"}, None),
        ({}, None),
    ],
)
def test_a_terminal_is_known_by_its_environment(environment: dict[str, str], protocol: str | None) -> None:
    assert protocol_of(environment, terminal=True) == protocol
    assert protocol_of(environment, terminal=False) is None


def test_kitty_gets_a_png_in_pieces() -> None:
    noise = np.random.default_rng(1).integers(0, 255, (400, 600, 3), np.uint8)
    pieces = re.findall(r"\x1b_G([^;]*);([^\x1b]*)\x1b\\", preview(noise, "kitty"))
    assert len(pieces) > 2 and max(len(data) for _, data in pieces) <= 4096
    assert pieces[0][0].startswith("a=T,f=100") and [head[-3:] for head, _ in pieces[-2:]] == ["m=1", "m=0"]
    image = Image.open(io.BytesIO(base64.b64decode("".join(data for _, data in pieces))))
    assert image.size == (600, 400)


def test_iterm_gets_a_png() -> None:
    found = re.fullmatch(r"\x1b\]1337;File=inline=1;size=(\d+):([^\a]*)\a\n", preview(PIXELS, "iterm"))
    assert found is not None
    content = base64.b64decode(found[2])
    assert len(content) == int(found[1]) and Image.open(io.BytesIO(content)).size == (100, 60)


def from_sixels(text: str) -> np.ndarray:
    """The picture that a terminal draws."""
    body = text[text.index('"') : text.index("\x1b\\")]
    width, height = (int(one) for one in re.match(r'"1;1;(\d+);(\d+)', body).groups())  # type: ignore[union-attr]
    image, palette = np.zeros((height + 6, width, 3), np.uint8), dict[int, list[int]]()
    column = top = colour = 0
    for kind, first, rest, sign in re.findall(
        r'#(\d+)(;2;)?(\d+;\d+;\d+)?|"[\d;]+|((?:!\d+)?[?-~]|[$-])', body
    ):
        if kind:
            colour = int(kind)
            if first:
                palette[colour] = [round(int(one) * 2.55) for one in rest.split(";")]
        elif sign == "$":
            column = 0
        elif sign == "-":
            column, top = 0, top + 6
        elif sign:
            count = int(sign[1:-1]) if len(sign) > 1 else 1
            for bit in range(6):
                if (ord(sign[-1]) - 63) >> bit & 1:
                    image[top + bit, column : column + count] = palette[colour]
            column += count
    return image[:height]


def test_sixels_draw_the_picture() -> None:
    assert np.array_equal(from_sixels(preview(PIXELS, "sixel")), PIXELS)


def test_the_map_shows_where_things_are() -> None:
    lines = text_map(SCENE, 60)
    assert "Dear *all*" in "".join(lines[:2])
    assert any("┌b1" in one for one in lines) and any("┌c1 bar" in one for one in lines)
    assert max(map(len, lines)) <= 60 and len(lines) <= 20
    assert "\x1b" not in "".join(lines) and "\u202e" not in "".join(lines)


def test_wide_letters_take_two_places() -> None:
    scene = Scene(width=100, height=50, texts=(line(1, "合計額", 0, 20, 90), line(2, "x", 50, 20, 5)))
    shown = "".join(text_map(scene, 20))
    assert shown.strip() == "合計額    x"
