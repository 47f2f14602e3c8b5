"""Fuzzes the readers: whatever the pixels, there is a scene that holds together, or a clear refusal.

Pictures are made from seeds: one pixel, strips, noise, gradients, grids, scraps of text, charts gone wrong;
then turned, cut, pressed, inverted, and laid over each other. Each is read whole and shown in every way
(`look`'s JSON, Markdown, CSV, map and overlay). What fails is printed with its seed; a picture that takes longer than
`--slow` seconds is named. Nothing is installed for it, and it is not part of the tests.

    python -m benchmarks.fuzz_readings --seconds 300 [--from 0]
"""

from __future__ import annotations

import argparse
import io
import math
import time
import traceback
from collections import Counter
from collections.abc import Callable
from random import Random

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from pierian.events.regions import box_of
from pierian.exceptions import PierianError
from pierian.vision.exporting import as_csv, as_json, as_markdown
from pierian.vision.outlines import of_scene
from pierian.vision.overlay import overlay_png
from pierian.vision.picture import Picture
from pierian.vision.preview import text_map
from pierian.vision.reading import read_scene
from pierian.vision.scene import Scene
from pierian.vision.turning import turn

Pixels = NDArray[np.uint8]
SIZES = (
    (1, 1),
    (1, 400),
    (400, 1),
    (2, 3),
    (7, 90),
    (3000, 12),
    (12, 3000),
    (64, 64),
    (320, 200),
    (640, 480),
)
REPORT_SECONDS = 30.0


def main() -> None:
    """Read picture after picture until the time is over."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--from", dest="first", type=int, default=0)
    parser.add_argument("--slow", type=float, default=10.0)
    given = parser.parse_args()
    outcomes: Counter[str] = Counter()
    end = said = time.monotonic()
    end += given.seconds
    seed = given.first
    while time.monotonic() < end:
        pixels = made(seed)
        started = time.process_time()
        try:
            check(pixels)
            outcomes["scene"] += 1
        except PierianError as error:
            outcomes[f"refused: {error}"] += 1
        except Exception:  # noqa: BLE001 - what is sought
            outcomes["FAILED"] += 1
            print(f"seed {seed}, {pixels.shape}:\n{traceback.format_exc()}", flush=True)
        if (seconds := time.process_time() - started) > given.slow:
            outcomes["slow"] += 1
            print(f"seed {seed}, {pixels.shape}: {seconds:.1f} s of the processor", flush=True)
        if time.monotonic() - said > REPORT_SECONDS:
            said = time.monotonic()
            print(f"up to seed {seed}: {dict(outcomes)}", flush=True)
        seed += 1
    print(f"up to seed {seed - 1}: {dict(outcomes)}")


def check(pixels: Pixels) -> None:
    """Read a picture, and see that the scene can be shown and holds together."""
    picture = Picture(pixels=pixels)
    scene = read_scene(picture)
    for made in (as_json(picture, scene), as_markdown(scene), as_csv(scene), text_map(scene)):
        assert made is not None
    overlay_png(turn(pixels, scene.turned), of_scene(scene))
    ids = [
        one.id
        for part in (scene.texts, scene.tables, scene.charts, scene.shapes, scene.barcodes)
        for one in part
    ]
    assert len(ids) == len(set(ids)), "ids that are not unique"
    for part in (scene.texts, scene.tables, scene.charts, scene.shapes, scene.barcodes):
        for one in part:
            box = box_of(one.region)
            sides = (box.left, box.top, box.right, box.bottom)
            assert all(map(math.isfinite, sides)), f"{one.id} has no place: {sides}"
            assert box.left <= box.right and box.top <= box.bottom, f"{one.id} is inside out: {sides}"
            assert _near(box.left, box.right, scene.width) and _near(box.top, box.bottom, scene.height), (
                f"{one.id} lies outside: {sides} of {scene.width} x {scene.height}"
            )
    _numbers(scene)


def _near(low: float, high: float, end: int) -> bool:
    """Boxes may reach a little over the edge: letters that are cut off do."""
    room = 0.1 * end + 30
    return low >= -room and high <= end + room


def _numbers(scene: Scene) -> None:
    for line in scene.texts:
        assert 0 <= line.confidence <= 1 and math.isfinite(line.angle), line.id
    for chart in scene.charts:
        for series in chart.series:
            assert all(math.isfinite(mark.y) and math.isfinite(mark.error) for mark in series.marks), chart.id


# Pictures


def made(seed: int) -> Pixels:
    """The picture of a seed."""
    random = Random(seed)
    width, height = (
        random.choice(SIZES) if random.random() < 0.5 else (random.randint(1, 900), random.randint(1, 700))
    )
    noise = np.random.default_rng(seed)
    image = Image.fromarray(random.choice(GROUNDS)(width, height, noise))
    for _ in range(random.randint(0, 3)):
        random.choice(SCRAPS)(image, random)
    for _ in range(random.randint(0, 2)):
        image = random.choice(CHANGES)(image, random)
    return np.array(image.convert("RGB"))


def _plain(width: int, height: int, noise: np.random.Generator) -> Pixels:
    return np.full((height, width, 3), noise.integers(0, 256, 3), np.uint8)


def _noise(width: int, height: int, noise: np.random.Generator) -> Pixels:
    return noise.integers(0, 256, (height, width, 3), np.uint8)


def _speckled(width: int, height: int, noise: np.random.Generator) -> Pixels:
    dots = noise.random((height, width, 1)) < noise.choice([0.001, 0.02, 0.3])
    return np.broadcast_to(np.where(dots, 0, 255), (height, width, 3)).astype(np.uint8)


def _slope(width: int, height: int, noise: np.random.Generator) -> Pixels:
    rows, columns = np.mgrid[0:height, 0:width]
    turns = noise.random((3, 2)) * 0.2
    waves = [127 + 127 * np.sin(rows * one + columns * other) for one, other in turns]
    return np.stack(waves, axis=-1).astype(np.uint8)


def _grid(width: int, height: int, noise: np.random.Generator) -> Pixels:
    found = np.full((height, width, 3), 255, np.uint8)
    found[:: max(1, int(noise.integers(1, 40)))] = 0
    found[:, :: max(1, int(noise.integers(1, 60)))] = noise.integers(0, 256, 3)
    return found


GROUNDS: tuple[Callable[[int, int, np.random.Generator], Pixels], ...] = (
    _plain, _plain, _plain, _noise, _speckled, _slope, _grid,
)  # fmt: skip


def _text(image: Image.Image, random: Random) -> None:
    letters = "0123456789.,%-+$eE/ abcMTJanTotal\u00e9\u4e2d\u0634\u2212\U0001f600"
    draw = ImageDraw.Draw(image)
    for _ in range(random.randint(1, 30)):
        text = "".join(random.choice(letters) for _ in range(random.randint(1, 14)))
        place = (random.randint(-20, image.width), random.randint(-10, image.height))
        draw.text(
            place, text, fill=_colour(random), font=ImageFont.load_default(size=random.choice([6, 9, 14, 40]))
        )


def _marks(image: Image.Image, random: Random) -> None:
    draw = ImageDraw.Draw(image)
    for _ in range(random.randint(1, 60)):
        x, y = random.randint(-10, image.width), random.randint(-10, image.height)
        size = (x, y, x + random.randint(0, 80), y + random.randint(0, 80))
        random.choice([draw.rectangle, draw.ellipse, draw.line])(size, fill=_colour(random))


def _axes(image: Image.Image, random: Random) -> None:
    """Two axes with ticks that need not make sense, and something between them."""
    draw = ImageDraw.Draw(image)
    low, left = round(image.height * 0.85), round(image.width * 0.12)
    draw.line([(left, 0), (left, low), (image.width, low)], fill="black")
    font, step = ImageFont.load_default(size=11), random.choice([0, 1, 10, 1e6, -5])
    for n in range(random.randint(0, 8)):
        draw.text((2, low - n * image.height // 9), f"{n * step:g}", fill="black", font=font)
        draw.text(
            (left + n * image.width // 9, low + 3),
            random.choice(["Jan", "0", "10^3", "x"]),
            fill="black",
            font=font,
        )
    for n in range(random.randint(0, 12)):
        x = left + n * image.width // 13
        draw.rectangle(
            (x, random.randint(-10, low), x + random.randint(0, 30) + 1, low + 30), fill=_colour(random)
        )


SCRAPS: tuple[Callable[[Image.Image, Random], None], ...] = (_text, _marks, _axes)


def _colour(random: Random) -> tuple[int, int, int]:
    return (random.randrange(256), random.randrange(256), random.randrange(256))


def _pressed(image: Image.Image, random: Random) -> Image.Image:
    out = io.BytesIO()
    image.convert("RGB").save(out, "JPEG", quality=random.randint(1, 95))
    return Image.open(out).convert("RGB")


CHANGES: tuple[Callable[[Image.Image, Random], Image.Image], ...] = (
    _pressed,
    lambda image, random: image.rotate(random.choice([90, 180, 270, random.uniform(-45, 45)]), expand=True),
    lambda image, random: Image.fromarray(255 - np.asarray(image)),
    lambda image, random: image.resize((max(1, image.width // random.randint(1, 9)), image.height)),
    lambda image, random: image.crop((0, 0, random.randint(1, image.width), random.randint(1, image.height))),
)


if __name__ == "__main__":
    main()
