"""Text is found and read with boxes that fit, whichever way it runs."""

from __future__ import annotations

import pytest
from PIL import Image, ImageDraw, ImageFont
from tests.vision.drawing import page, pixels_of

from pierian.vision.picture import Picture
from pierian.vision.reading import read_scene
from pierian.vision.reading_order import in_order, paragraphs_of
from pierian.vision.regions import Box, Point, Polygon
from pierian.vision.scene import TextLine
from pierian.vision.text import read_crop, read_texts, turned_by
from pierian.vision.turning import turn

TICKS = ["0", "5", "10", "15"]


def line(
    name: str, text: str, left: float, top: float, right: float, bottom: float, angle: float = 0.0
) -> TextLine:
    corners = (Point(left, top), Point(right, top), Point(right, bottom), Point(left, bottom))
    return TextLine(id=name, region=Polygon(corners), text=text, confidence=1.0, angle=angle)


def test_small_axis_labels_and_a_turned_title_are_read_with_boxes_that_fit() -> None:
    font = ImageFont.load_default(size=12)
    image = page(420, 300, [((60, 40 + 60 * n), tick) for n, tick in enumerate(reversed(TICKS))], size=12)
    title = Image.new("RGB", (130, 20), "white")
    ImageDraw.Draw(title).text((4, 2), "Sales (million)", fill="black", font=font)
    image.paste(title.rotate(90, expand=True), (20, 80))
    texts = read_texts(pixels_of(image))
    by_text = {one.text: one for one in texts}
    assert set(by_text) == {*TICKS, "Sales (million)"}
    for n, tick in enumerate(reversed(TICKS)):
        left, top, right, bottom = ImageDraw.Draw(image).textbbox((60, 40 + 60 * n), tick, font=font)
        assert by_text[tick].region.box.overlap(Box(left, top, right, bottom)) > 0.6, tick
    assert by_text["Sales (million)"].angle == -90
    assert [word.text for word in by_text["Sales (million)"].words] == ["Sales", "(million)"]


def test_a_power_of_ten_keeps_its_exponent() -> None:
    image = page(300, 200, [((40, 60), "10"), ((40, 140), "Flow in litres")], size=20)
    ImageDraw.Draw(image).text((63, 54), "4", fill="black", font=ImageFont.load_default(size=14))
    assert "10^4" in [one.text for one in read_texts(pixels_of(image))]


def test_an_upside_down_page_is_turned_and_said() -> None:
    upright = pixels_of(
        page(460, 200, [((30, 30), "A receipt of the corner shop"), ((30, 90), "Total to pay 12.50")])
    )
    scene = read_scene(Picture(pixels=turn(upright, 180)))
    assert (scene.turned, scene.width, scene.height) == (180, 460, 200)
    assert [one.text for one in scene.texts] == ["A receipt of the corner shop", "Total to pay 12.50"]
    assert scene.texts[0].region.box.top < 60
    assert any("upside down" in note for note in scene.unsure)


def test_one_crop_is_read_in_the_direction_asked_for() -> None:
    pixels = pixels_of(page(200, 60, [((40, 20), "-0.25")], size=14))
    assert read_crop(pixels, Box(30, 12, 100, 44), scale=2)[0] == "-0.25"
    sideways = turn(pixels, 270)
    text, sure = read_crop(sideways, Box(12, 100, 44, 170), scale=2, angle=-90)
    assert text == "-0.25"
    assert sure > 0.8
    assert read_crop(pixels, Box(500, 500, 520, 520)) == ("", 0.0)


def test_a_blank_picture_has_no_text() -> None:
    assert read_texts(pixels_of(Image.new("RGB", (120, 40), "white"))) == ()


@pytest.mark.parametrize(("angle", "turned"), [(0.0, 0), (90.0, 270), (-90.0, 90), (180.0, 180)])
def test_most_letters_say_which_way_up_a_page_is(angle: float, turned: int) -> None:
    lines = [line("t1", "a long line of a letter", 0, 0, 10, 10, angle), line("t2", "short", 0, 0, 10, 10)]
    assert turned_by(lines) == turned


def test_columns_are_read_one_after_the_other_and_rows_of_a_receipt_across() -> None:
    words = "several words stand here"
    columns = [line(f"l{n}", words, 0, 20 * n, 100, 20 * n + 14) for n in range(4)]
    columns += [line(f"r{n}", words, 140, 20 * n, 240, 20 * n + 14) for n in range(4)]
    assert [one.id for one in in_order(columns)] == ["l0", "l1", "l2", "l3", "r0", "r1", "r2", "r3"]
    rows = [line(f"l{n}", "Bread", 0, 20 * n, 50, 20 * n + 14) for n in range(3)]
    rows += [line(f"r{n}", "1.20", 200, 20 * n + 2, 230, 20 * n + 16) for n in range(3)]
    assert [one.id for one in in_order(rows)] == ["l0", "r0", "l1", "r1", "l2", "r2"]


def test_lines_that_run_on_are_one_paragraph() -> None:
    lines = [
        line("t1", "This is the begin-", 0, 0, 200, 14),
        line("t2", "ning of it.", 0, 18, 90, 32),
        line("t3", "Another one", 0, 70, 120, 84),
    ]
    assert [one.text for one in paragraphs_of(lines)] == ["This is the beginning of it.", "Another one"]
