"""Pages that are drawn here, read: `python -m benchmarks.vision_pages [--kinds columns,bare,…] [--pages 24]`.

Kinds: `columns` (prose in two or three columns), `bare` (tables without rules), `ruled` (with them), `pdf` (tables in
PDFs, with and without rules), `turned` (scans that lie on a side or on their heads, a little askew), `small`
(letters of 8 to 10 pixels), `faint` (low contrast, uneven light). What is on a page is known, so that words, their
order and the cells of tables can be counted; Tesseract (`apt install tesseract-ocr`) reads the same pages in the same
run. Pages with odd numbers judge; those with even ones were looked at while readers were mended.

Rows go to `results/` and are kept: what is there is not measured again.
"""

from __future__ import annotations

import argparse
import difflib
import io
import re
import shutil
import subprocess
import time
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from benchmarks import rows
from benchmarks.intervals import paired_difference, quantile_and_interval
from pierian.vision.loading import load
from pierian.vision.picture import Picture
from pierian.vision.reading import read_scene
from pierian.vision.scene import Scene, Table

RESULTS = Path(__file__).parent / "results" / "vision-pages.jsonl.gz"
KINDS = ("columns", "bare", "ruled", "pdf", "turned", "small", "faint")
WORDS = re.split(
    " ",
    "the of and to in is that for as with by on from at it are was this be have not which an or has been their were "
    "river market energy household season harvest village engine letter winter measure forest harbour council record "
    "between several another during although because through without together however thousand percent country after "
    "growth price water report table figure autumn school number island bridge coast train storm field glass paper",
)
NAMES = re.split(
    " ",
    "North South East West Leeds Bristol Cardiff Exeter Derby Perth Stirling Norwich Durham Hove Ely Bath",
)
HEADS = re.split(
    "[|]", "Region|Units|Price|Share|Growth|Stock|Orders|Returns|2019|2020|2021|Total (k)|Change %"
)
FONTS = ("DejaVuSans.ttf", "DejaVuSerif.ttf", "DejaVuSansMono.ttf", "STIXGeneral.ttf")


class Page(NamedTuple):
    """A page, the words on it in reading order, and its table's rows where it has one."""

    pixels: NDArray[np.uint8]
    words: list[str]
    cells: list[list[str]] | None = None


def main() -> None:
    """Measure what has not been measured, then print everything."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--pages", type=int, default=24)
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args()
    rows.mend(options.results)
    done = {row["id"] for row in rows.read(options.results)}
    tesseract = shutil.which("tesseract")
    if tesseract is None:
        print("Tesseract is not installed: measured without it (apt install tesseract-ocr).")
    warm = False
    for seed in range(options.pages):
        for kind in options.kinds.split(","):
            if f"{kind}-{seed}" in done:
                continue
            page = drawn(kind, seed)
            if not warm:
                read_scene(Picture(pixels=page.pixels))
                warm = True
            rows.append(options.results, measured(kind, seed, page, tesseract))
    report(rows.read(options.results))


def drawn(kind: str, seed: int) -> Page:
    """The page of a kind and a seed."""
    random = Random(f"{kind} {seed}")
    match kind:
        case "columns":
            return _columns(random, random.choice([2, 2, 3]), random.randint(16, 22))
        case "bare" | "ruled":
            return _table(random, ruled=kind == "ruled")
        case "pdf":
            return _pdf(random)
        case "turned":
            page = _columns(random, 1, random.randint(18, 24))
            return page._replace(pixels=_scanned(page.pixels, random))
        case "small":
            return _columns(random, random.choice([1, 2]), random.randint(8, 10), width=800)
        case _:
            page = _columns(random, 1, random.randint(14, 22), ink=random.randint(150, 195))
            return page._replace(pixels=_uneven(page.pixels, random))


def _font(random: Random, size: int) -> ImageFont.FreeTypeFont:
    import matplotlib

    return ImageFont.truetype(
        str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / random.choice(FONTS)), size
    )


def _columns(random: Random, count: int, size: int, *, width: int = 1200, ink: int = 20) -> Page:
    """A heading, and prose in columns below it."""
    high = 1000 if width > 1000 else 560
    image = Image.new("RGB", (width, high), "white")
    draw = ImageDraw.Draw(image)
    font, step = _font(random, size), round(size * random.uniform(1.3, 1.6))
    colour = (ink, ink, ink)
    heading = " ".join(random.choice(WORDS).capitalize() for _ in range(3))
    draw.text((60, 30), heading, fill=colour, font=font.font_variant(size=round(size * 1.5)))
    words = heading.split()
    gutter = round(size * random.uniform(1.8, 3.0))
    wide = (width - 120 - gutter * (count - 1)) / count
    for column in range(count):
        left, y = 60 + column * (wide + gutter), 30 + size * 4
        for _ in range(random.randint(2, 3)):
            for line in _set(random, font, wide, random.randint(4, 7)):
                if y + step > high - 30:
                    break
                draw.text((left, y), " ".join(line), fill=colour, font=font)
                words += line
                y += step
            y += round(step * 0.7)
    return Page(np.array(image), words)


def _set(random: Random, font: ImageFont.FreeTypeFont, wide: float, count: int) -> list[list[str]]:
    """Lines of a paragraph, each as full as it can be, the last one short."""
    lines: list[list[str]] = []
    for place in range(count):
        line: list[str] = []
        room = wide * (random.uniform(0.3, 0.7) if place == count - 1 else 1.0)
        while True:
            word = random.choice(WORDS)
            word = f"{word}," if random.random() < 0.08 else word
            if line and font.getlength(" ".join([*line, word])) > room:
                break
            line.append(word)
        lines.append(line)
    lines[0][0] = lines[0][0].capitalize()
    lines[-1][-1] = lines[-1][-1].rstrip(",") + "."
    return lines


def _cells(random: Random) -> list[list[str]]:
    columns = random.randint(3, 6)
    found = [[random.choice(["Region", "City", "Branch"]), *random.sample(HEADS[1:], columns - 1)]]
    for name in random.sample(NAMES, random.randint(4, 11)):
        found.append([name, *(_value(random) for _ in range(columns - 1))])
    return found


def _value(random: Random) -> str:
    return random.choice(
        [
            f"{random.randint(1, 99_999):,}",
            f"{random.uniform(0, 100):.1f}%",
            f"{random.uniform(-9, 90):.2f}",
            str(random.randint(0, 99)),
        ]
    )


def _table(random: Random, *, ruled: bool) -> Page:
    """A table below a line of prose; figures at the right of their columns, or at the left."""
    cells = _cells(random)
    size = random.randint(14, 22)
    font = _font(random, size)
    gap = size * random.uniform(1.2, 3.0)
    widths = [max(font.getlength(row[n]) for row in cells) + gap for n in range(len(cells[0]))]
    step = size * random.uniform(1.5, 2.2)
    image = Image.new("RGB", (round(sum(widths)) + 160, round(step * len(cells)) + 200), "white")
    draw = ImageDraw.Draw(image)
    caption = "Figures of this year by region"
    draw.text((80, 30), caption, fill="black", font=font)
    right, words = random.random() < 0.7, caption.split()
    for number, row in enumerate(cells):
        x, y = 80.0, 100 + number * step
        for place, text in enumerate(row):
            wide = font.getlength(text)
            at = x + widths[place] - gap - wide if right and place else x
            draw.text((at, y), text, fill="black", font=font)
            x += widths[place]
            words += text.split()
    if ruled:
        edges = [80 - gap / 2 + sum(widths[:n]) for n in range(len(widths) + 1)]
        for n in range(len(cells) + 1):
            y = 100 + n * step - (step - size) / 2 + 1
            draw.line([(edges[0], y), (edges[-1], y)], fill="#888888", width=random.choice([1, 2]))
        for x in edges:
            low = 100 + len(cells) * step - (step - size) / 2 + 1
            draw.line([(x, 100 - (step - size) / 2 + 1), (x, low)], fill="#888888")
    elif random.random() < 0.5:  # a line below the heads, as books have
        y = 100 + step - (step - size) / 2
        draw.line([(80, y), (80 + sum(widths) - gap, y)], fill="black")
    return Page(np.array(image), words, cells)


def _pdf(random: Random) -> Page:
    """A table on a page of a PDF, letters of 8 to 11 points, with rules or without."""
    from matplotlib.backends.backend_pdf import FigureCanvasPdf
    from matplotlib.figure import Figure

    cells = _cells(random)
    figure = Figure(figsize=(8.3, 5.5))
    size, ruled = random.randint(8, 11), random.random() < 0.5
    figure.text(0.08, 0.93, "Figures of this year by region", fontsize=size + 2)
    across, down = 0.84 / len(cells[0]), 0.05
    for number, row in enumerate(cells):
        for place, text in enumerate(row):
            figure.text(
                0.08 + across * (place + (0.92 if place else 0.04)),
                0.85 - down * (number + 0.65),
                text,
                fontsize=size,
                ha="right" if place else "left",
            )
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.axis("off")
    if ruled:
        for n in range(len(cells) + 1):
            axes.plot([0.08, 0.92], [0.85 - down * n] * 2, color="black", linewidth=0.6)
        for n in range(len(cells[0]) + 1):
            axes.plot([0.08 + across * n] * 2, [0.85, 0.85 - down * len(cells)], color="black", linewidth=0.6)
    out = io.BytesIO()
    FigureCanvasPdf(figure).print_pdf(out)
    words = [
        "Figures",
        "of",
        "this",
        "year",
        "by",
        "region",
        *(w for row in cells for c in row for w in c.split()),
    ]
    return Page(load(out.getvalue(), name="drawn.pdf").pixels, words, cells)


def _scanned(pixels: NDArray[np.uint8], random: Random) -> NDArray[np.uint8]:
    """On a side or on its head, a little askew, noisy and pressed."""
    image = Image.fromarray(pixels).rotate(
        random.choice([90, 180, 180, 270]) + random.uniform(-1.5, 1.5),
        expand=True,
        resample=Image.Resampling.BICUBIC,
        fillcolor="white",
    )
    noisy = np.asarray(image).astype(np.float32) * 0.9 + 20
    noise = np.random.default_rng(random.randrange(2**31)).normal(0, 9, noisy.shape[:2])
    return _pressed(np.clip(noisy + noise[..., None], 0, 255).astype(np.uint8), 60)


def _uneven(pixels: NDArray[np.uint8], random: Random) -> NDArray[np.uint8]:
    """Light that falls off to one side, a little blur."""
    image = np.asarray(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(0.6))).astype(np.float32)
    light = np.linspace(1.0, random.uniform(0.6, 0.8), image.shape[1])
    return _pressed(np.clip(image * light[None, :, None], 0, 255).astype(np.uint8), 80)


def _pressed(pixels: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=quality)
    return np.array(Image.open(out).convert("RGB"))


# What was read


def measured(kind: str, seed: int, page: Page, tesseract: str | None) -> dict[str, Any]:
    """The row of a page."""
    started = time.perf_counter()
    scene = read_scene(Picture(pixels=page.pixels))
    seconds = time.perf_counter() - started
    row: dict[str, Any] = {
        "id": f"{kind}-{seed}",
        "kind": kind,
        "half": "looked at" if seed % 2 == 0 else "judged by",
        "ours": {**_score(page.words, _words_of(scene)), "seconds": round(seconds, 3)},
    }
    if page.cells is not None:
        row["cells"] = _cell_score(page.cells, scene)
    if tesseract:
        out = io.BytesIO()
        Image.fromarray(page.pixels).save(out, "PNG", compress_level=1)
        started = time.perf_counter()
        # It turns pages too, where it is asked to.
        said = subprocess.run(
            [tesseract, "-", "-", "--psm", "1" if kind == "turned" else "3"],
            input=out.getvalue(),
            capture_output=True,
            check=True,
        ).stdout.decode()
        row["tesseract"] = {
            **_score(page.words, said.split()),
            "seconds": round(time.perf_counter() - started, 3),
        }
    return row


def _words_of(scene: Scene) -> list[str]:
    return [word for line in scene.texts for word in line.text.split()]


def _score(truth: list[str], found: list[str]) -> dict[str, float]:
    """Words in both, whatever their order, and the share of the words that also stand in one order with the truth."""
    matcher = difflib.SequenceMatcher(None, truth, found, autojunk=False)
    in_order = sum(block.size for block in matcher.get_matching_blocks())
    return {
        "words": len(truth),
        "read_words": len(found),
        "right_words": (Counter(truth) & Counter(found)).total(),
        "in_order": in_order,
    }


def _cell_score(cells: list[list[str]], scene: Scene) -> dict[str, float | bool]:
    """Cells of the largest table that are right in their places, and whether rows and columns are as many."""
    truth = {(r, c): text for r, row in enumerate(cells) for c, text in enumerate(row)}
    table = max(scene.tables, key=lambda one: len(one.cells), default=None)
    found = _places(table) if table else {}
    shape = (1 + max((r for r, _ in found), default=-1), 1 + max((c for _, c in found), default=-1))
    right = sum(found.get(place) == text for place, text in truth.items())
    return {"cells": len(truth), "right": right, "form": shape == (len(cells), len(cells[0]))}


def _places(table: Table) -> dict[tuple[int, int], str]:
    return {(cell.row, cell.column): cell.text for cell in table.cells if cell.text}


def report(found: list[dict[str, Any]]) -> None:
    """Shares by kind and half, beside Tesseract's."""
    for kind in KINDS:
        for half in ("looked at", "judged by"):
            items = [row for row in found if row["kind"] == kind and row["half"] == half]
            if items:
                _report(f"{kind}, {half}", items)


def _report(what: str, items: list[dict[str, Any]]) -> None:
    for who in ("ours", "tesseract"):
        marks = [row[who] for row in items if who in row]
        if not marks:
            continue
        words, right = (sum(one[name] for one in marks) for name in ("words", "right_words"))
        seconds, (low, high) = quantile_and_interval([one["seconds"] for one in marks], 0.5, 2)
        print(
            f"{what}, {who}: words {right / words:.3f}, "
            f"precision {right / max(sum(one['read_words'] for one in marks), 1):.3f}, "
            f"in order {sum(one['in_order'] for one in marks) / words:.3f}; "
            f"median {seconds} s ({low} to {high}), n = {len(marks)} pages"
        )
    paired = [row for row in items if "tesseract" in row]
    if paired:
        better = [row["ours"]["in_order"] > row["tesseract"]["in_order"] for row in paired]
        worse = [row["ours"]["in_order"] < row["tesseract"]["in_order"] for row in paired]
        mean, low, high = paired_difference(better, worse)
        print(f"{what}: pages that ours reads better, less those worse: {mean:.2f} ({low:.2f} to {high:.2f})")
    tables = [row["cells"] for row in items if "cells" in row]
    if tables:
        right = sum(one["right"] for one in tables) / sum(one["cells"] for one in tables)
        forms = sum(one["form"] for one in tables)
        print(
            f"{what}: cells right in their places {right:.3f}; rows and columns right in {forms} of {len(tables)}"
        )


if __name__ == "__main__":
    main()
