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


def test_lines_that_run_through_the_cuts_between_tiles_are_read_whole() -> None:
    words = ["several words that stand in a line of small letters on a large page", "a short line of it"]
    places = [((60 + 113 * (n % 5), 40 + 118 * n), words[n % 2]) for n in range(12)]
    texts = sorted(
        read_texts(pixels_of(page(1000, 1500, places, size=13))), key=lambda one: one.region.box.top
    )
    ends = [(one.text.split()[0], one.text.split()[-1]) for one in texts]
    assert ends == [("several", "page"), ("a", "it")] * 6
    assert all(abs(one.region.box.left - left) < 4 for one, ((left, _), _) in zip(texts, places, strict=True))


def test_long_lines_close_below_each_other_and_a_little_askew_are_read() -> None:
    words = [
        f"{name} is the beginning of a long line of the page" for name in ("This", "Here", "There", "That")
    ]
    image = page(700, 200, [((30, 50 + 24 * n), line) for n, line in enumerate(words)], size=20)
    askew = image.rotate(1.4, resample=Image.Resampling.BICUBIC, fillcolor="white")
    assert [one.text for one in in_order(read_texts(pixels_of(askew)))] == words


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


def test_the_menu_of_a_page_is_read_before_the_text_beside_it() -> None:
    menu = [line(f"m{n}", "Issues", 0, 40 * n, 60, 40 * n + 14) for n in range(4)]
    body = [
        line(f"b{n}", "the text of the page runs here", 120, 9 + 26 * n, 400, 23 + 26 * n) for n in range(6)
    ]
    when = [line(f"w{n}", "yesterday", 460, 9 + 26 * n, 520, 23 + 26 * n) for n in range(3)]
    found = [one.id for one in in_order([*body, *when, *menu])]
    assert found == ["m0", "m1", "m2", "m3", "b0", "w0", "b1", "w1", "b2", "w2", "b3", "b4", "b5"]


def test_a_drawn_disc_is_no_letter() -> None:
    image = page(420, 260, [((30, 200), "Marine biologist")], size=24)
    ImageDraw.Draw(image).ellipse([40, 40, 150, 150], fill="orange")
    assert [one.text for one in read_texts(pixels_of(image))] == ["Marine biologist"]


def test_lines_that_run_on_are_one_paragraph() -> None:
    lines = [
        line("t1", "This is the begin-", 0, 0, 200, 14),
        line("t2", "ning of it.", 0, 18, 90, 32),
        line("t3", "Another one", 0, 70, 120, 84),
    ]
    assert [one.text for one in paragraphs_of(lines)] == ["This is the beginning of it.", "Another one"]
