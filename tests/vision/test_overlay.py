"""What is drawn on a picture: in its place, readable, and with nothing in it that leads elsewhere."""

from __future__ import annotations

import base64
import io
import xml.etree.ElementTree as ElementTree

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from tests.vision.scenes import EVIL, SCENE, polygon

from pierian.events.regions import Box, Point
from pierian.events.vision import Look
from pierian.vision.outlines import Outline, labelled, of_looks, of_scene
from pierian.vision.overlay import overlay_png, overlay_svg

PIXELS = np.full((300, 400, 3), 200, np.uint8)
NAME = "{http://www.w3.org/2000/svg}"
LOOKS = (
    Look(number=1, kind="read", region=polygon(20, 20, 120, 40), found=EVIL, confidence=0.5),
    Look(number=2, kind="count", region=Point(200, 200), found="7", follows="there are seven"),
    Look(number=3, kind="values", region=Box(250, 250, 300, 290), found="3", picture=2),
)


def test_a_look_says_itself_in_a_line() -> None:
    assert LOOKS[0].text == f"1. read (20, 20)–(120, 40): {EVIL}, 50% sure"
    assert LOOKS[1].text == "2. count (200, 200): 7 → there are seven"


def test_an_svg_holds_the_picture_the_outlines_and_what_was_found() -> None:
    root = ElementTree.fromstring(overlay_svg(PIXELS, of_looks(LOOKS)))
    (image,) = root.iter(f"{NAME}image")
    picture = base64.b64decode(image.attrib["href"].removeprefix("data:image/png;base64,"))
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(picture))), PIXELS)
    assert [one.text for one in root.iter(f"{NAME}text")] == ["1", "2"]  # the third is at another picture
    titles = [one.text or "" for one in root.iter(f"{NAME}title")]
    assert "⟨U+001B⟩" in titles[0] and "<b>" in titles[0] and "there are seven" in titles[1]
    assert len(list(root.iter(f"{NAME}polygon"))) == 2 and len(list(root.iter(f"{NAME}circle"))) == 2
    assert all(one.attrib.get("href", "data:").startswith("data:") for one in root.iter())


def test_a_png_is_changed_where_something_is_and_nowhere_else() -> None:
    drawn = np.asarray(Image.open(io.BytesIO(overlay_png(PIXELS, of_looks(LOOKS)))))
    assert drawn.shape == PIXELS.shape
    assert (drawn[20:40, 15:125] != 200).any()
    assert (drawn[24:36, 40:110] == 200).all()  # what was looked at can still be read
    assert (drawn[100:180] == 200).all()
    assert (drawn[240:] == 200).all()


def test_every_part_of_a_scene_is_drawn() -> None:
    outlines = of_scene(SCENE)
    labels = {one.label for one in outlines if one.label}
    assert labels == {"t1", "t2", "t3", "t4", "t5", "b1", "c1", "s1", "s2", "k1"}
    assert sum(one.faint for one in outlines) == 4 + 4
    titles = " ".join(one.title for one in outlines)
    assert "shop 2 Feb: 10.06 ± 0.04" in titles and "blue circle" in titles
    assert overlay_png(PIXELS, outlines)[:4] == b"\x89PNG"


SIDES = st.tuples(*[st.floats(-20, 420)] * 4)


@given(st.lists(SIDES, max_size=25))
def test_labels_stand_inside_of_the_picture(places: list[tuple[float, float, float, float]]) -> None:
    outlines = [
        Outline(region=Box(min(a, c), min(b, d), max(a, c), max(b, d)), colour="#0072b2", label=f"t{number}")
        for number, (a, b, c, d) in enumerate(places)
    ]
    labels = labelled(outlines, 400, 300)
    assert [one.text for one in labels] == [one.label for one in outlines]
    for one in labels:
        assert one.box.left >= 0 and one.box.top >= 0 and one.box.right <= 400 and one.box.bottom <= 300


def test_labels_of_a_dense_page_hide_neither_each_other_nor_the_text() -> None:
    lines = [
        Box(40 + 110 * column, 30 + 30 * row, 140 + 110 * column, 42 + 30 * row)
        for row in range(8)
        for column in range(3)
    ]
    labels = labelled(
        [Outline(region=one, colour="#0072b2", label=f"t{n}") for n, one in enumerate(lines)], 400, 300
    )
    boxes = [one.box for one in labels]
    assert all(one.overlap(other) == 0 for n, one in enumerate(boxes) for other in boxes[:n])
    assert all(one.overlap(line) == 0 for one in boxes for line in lines)


def test_labels_grow_with_the_picture() -> None:
    (small,) = labelled([Outline(region=Box(50, 50, 90, 90), colour="#0072b2", label="t1")], 300, 200)
    (large,) = labelled([Outline(region=Box(500, 500, 900, 900), colour="#0072b2", label="t1")], 4000, 4000)
    assert 10 <= small.box.height <= 14 and 40 <= large.box.height <= 50
