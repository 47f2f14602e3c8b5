"""The readers of pictures: `python -m benchmarks.vision_readers --data FOLDER [--part receipts|shapes|boxes|all]`.

`FOLDER` holds `receipts/` (SROIE: `dev.jsonl`, `images/`, word boxes beside them) and `nlvr/` (NLVR: `dev.jsonl`,
`images/`). Measured are: the fields of receipts, exact but for case and white space, and again without punctuation;
words and lines read on them, and time, against Tesseract (`apt install tesseract-ocr`) on the same pictures in the
same run; what fields would be with the set's own text of the same receipts (the most that rules can do); counts of
shapes; and how well boxes fit lines of text on pages that are drawn here.

Rows go to `results/` and are kept: what is there is not measured again. The rules for fields were developed on every
other receipt, from the first; the others judge, and both are reported.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from io import BytesIO
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from benchmarks import rows
from benchmarks.intervals import paired_difference, quantile_and_interval, wilson
from pierian.vision.fields import read_fields
from pierian.vision.regions import Box, Point, Polygon
from pierian.vision.scene import TextLine
from pierian.vision.shapes import read_shapes
from pierian.vision.text import read_texts

RESULTS = Path(__file__).parent / "results" / "vision-readers.jsonl.gz"
NAMES = ("company", "date", "address", "total")
PAGES = 60
COLOURS = {"Yellow": (255, 255, 0), "Black": (0, 0, 0), "#0099ff": (0, 153, 255)}
COLOUR_NAMES = {"Yellow": "yellow", "Black": "black", "#0099ff": "blue"}
WORDS = re.split(  # what stands on charts
    " ",
    "0 0.5 1.0 -20 1e3 Jan Feb Q3 2019 1,250 12.5% $3.2M North Revenue Average (million) time of the a Total units"
    " Temperature share households energy per capita in",
)


def main() -> None:
    """Measure what is asked for and has not been, then print everything."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--part", choices=("receipts", "shapes", "boxes", "all"), default="all")
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args()
    rows.mend(options.results)
    done = {row["id"] for row in rows.read(options.results)}
    parts: dict[str, Callable[[Path, set[str]], Iterator[dict[str, Any]]]] = {
        "receipts": receipts,
        "shapes": shapes,
        "boxes": boxes,
    }
    for name, measure in parts.items():
        if options.part in (name, "all"):
            for row in measure(options.data, done):
                rows.append(options.results, row)
    report(rows.read(options.results))


def _pixels(path: Path) -> np.ndarray:
    return np.array(Image.open(path).convert("RGB"))


# Receipts


def receipts(data: Path, done: set[str]) -> Iterator[dict[str, Any]]:
    """Fields, and text against Tesseract's, of each receipt."""
    folder = data / "receipts"
    items = [json.loads(line) for line in (folder / "dev.jsonl").read_text().splitlines()]
    tesseract = shutil.which("tesseract")
    if tesseract is None:
        print("Tesseract is not installed: text is measured without it (apt install tesseract-ocr).")
    warm = False
    for place, item in enumerate(items):
        name = f"receipt-{Path(item['image']).stem}"
        if name in done:
            continue
        path = folder / item["image"]
        pixels = _pixels(path)
        if not warm:
            read_texts(pixels)
            warm = True
        started = time.perf_counter()
        texts = read_texts(pixels)
        seconds = time.perf_counter() - started
        found = {field.name: field.text for field in read_fields(texts)}
        lines = _box_lines(path.with_suffix(".boxes.csv"))
        truth = [line.split(",", 8)[8] for line in lines]
        given = {field.name: field.text for field in read_fields([_given(line) for line in lines])}
        row: dict[str, Any] = {
            "id": name,
            "part": "receipts",
            "half": "developed on" if place % 2 == 0 else "judged by",
            **_field_scores(item, found),
            "given": _field_scores(item, given),
            "ours": {**_text_score(truth, [line.text for line in texts]), "seconds": round(seconds, 3)},
        }
        if tesseract:
            started = time.perf_counter()
            said = subprocess.run(
                [tesseract, str(path), "-"], capture_output=True, text=True, check=True
            ).stdout
            row["tesseract"] = {
                **_text_score(truth, said.splitlines()),
                "seconds": round(time.perf_counter() - started, 3),
            }
        yield row


def _box_lines(path: Path) -> list[str]:
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return [line for line in lines if line.count(",") >= 8]


def _given(line: str) -> TextLine:
    """A line of the set's own text."""
    *places, text = line.split(",", 8)
    x, y = [float(one) for one in places[::2]], [float(one) for one in places[1::2]]
    corners = tuple(Point(*one) for one in zip(x, y, strict=True))
    return TextLine(id="", region=Polygon(corners), text=text, confidence=1.0)


def _field_scores(item: dict[str, Any], found: dict[Any, str]) -> dict[str, Any]:
    return {
        "exact": {one: _same(item[one], found.get(one, "")) for one in NAMES},
        "plain": {one: _same_plain(item[one], found.get(one, ""), one) for one in NAMES},
        "found": len(found),
    }


def _same(truth: str, found: str) -> bool:
    return " ".join(truth.upper().split()) == " ".join(found.upper().split())


def _same_plain(truth: str, found: str, name: str) -> bool:
    left_out = r"[^A-Z0-9.]" if name == "total" else r"[^A-Z0-9]"
    return re.sub(left_out, "", truth.upper()) == re.sub(left_out, "", found.upper())


def _text_score(truth: Sequence[str], found: Sequence[str]) -> dict[str, int]:
    """Words and whole lines (white space aside) that are in both, whatever their order; case is ignored."""
    true_words = Counter(word for line in truth for word in line.upper().split())
    our_words = Counter(word for line in found for word in line.upper().split())
    true_lines = Counter(re.sub(r"\s", "", line.upper()) for line in truth)
    our_lines = Counter(re.sub(r"\s", "", line.upper()) for line in found if line.strip())
    return {
        "words": true_words.total(),
        "read_words": our_words.total(),
        "right_words": (true_words & our_words).total(),
        "lines": true_lines.total(),
        "right_lines": (true_lines & our_lines).total(),
    }


# Shapes


def shapes(data: Path, done: set[str]) -> Iterator[dict[str, Any]]:
    """Shapes by kind and colour against the scene that the row says the picture shows."""
    folder = data / "nlvr"
    items = [json.loads(line) for line in (folder / "dev.jsonl").read_text().splitlines()]
    for place, item in enumerate(items):
        name = f"shapes-{place:03d}"
        if name in done:
            continue
        pixels = _pixels(folder / item["image"])
        things = [thing for box in item["structured"] for thing in box]
        started = time.perf_counter()
        found = read_shapes(pixels, ())
        seconds = time.perf_counter() - started
        truth = Counter((thing["type"], COLOUR_NAMES[thing["color"]]) for thing in things)
        yield {
            "id": name,
            "part": "shapes",
            "image": item["image"],
            "matches": _shows(pixels, things),
            "count": len(found) == len(things),
            "exact": Counter((one.kind, one.colour_name) for one in found) == truth,
            "seconds": round(seconds, 4),
        }


def _shows(pixels: np.ndarray, things: Sequence[dict[str, Any]]) -> bool:
    """Whether a picture can be of a scene at all: each colour covers the area that its things have together.

    Some rows of the set bear the picture of another row; no reader is used to find them.
    """
    share = {"square": 1.0, "triangle": 0.5, "circle": math.pi / 4}
    for name, colour in COLOURS.items():
        expected = sum(share[one["type"]] * one["size"] ** 2 for one in things if one["color"] == name)
        covered = int((np.abs(pixels.astype(int) - colour).sum(axis=2) < 90).sum())
        if abs(covered - expected) > 0.12 * max(covered, expected) + 60:
            return False
    return True


# Boxes


def boxes(data: Path, done: set[str]) -> Iterator[dict[str, Any]]:
    """How well the boxes of lines fit, and whether lines are read, on pages that are drawn."""
    for seed in range(PAGES):
        name = f"boxes-{seed:03d}"
        if name in done:
            continue
        pixels, truth = drawn_page(seed)
        texts = read_texts(pixels)
        marks: list[dict[str, Any]] = []
        for text, box in truth:
            nearest = max(texts, key=lambda one: one.region.box.overlap(box), default=None)
            marks.append(
                {
                    "text": text,
                    "overlap": round(nearest.region.box.overlap(box), 3) if nearest else 0.0,
                    "read": nearest is not None and nearest.text == text,
                }
            )
        yield {"id": name, "part": "boxes", "lines": marks}


def drawn_page(seed: int) -> tuple[np.ndarray, list[tuple[str, Box]]]:
    """A page with lines of text at known places: letters of several sizes and greys, some turned, some as JPEG."""
    random = Random(seed)
    width, height = random.choice([(600, 400), (1000, 700), (1200, 800)])
    paper = random.choice(["white", "white", "#f4f1e8", "#20242c"])
    ink = random.choice(["black", "#333333", "#777777"]) if paper != "#20242c" else "#e8e8e8"
    image = Image.new("RGB", (width, height), paper)
    truth: list[tuple[str, Box]] = []
    for y in range(20, height - 50, 56):
        x = 20
        while x < width - 160:
            font = ImageFont.load_default(size=random.choice([10, 12, 14, 18, 24]))
            text = " ".join(random.choices(WORDS, k=random.choice([1, 1, 1, 2, 3])))
            left, top, right, bottom = font.getbbox(text)
            size = (math.ceil(right - left), math.ceil(bottom - top))
            piece = Image.new("RGB", size, paper)
            ImageDraw.Draw(piece).text((-left, -top), text, fill=ink, font=font)
            turned = random.random() < 0.08 and size[0] < 50 and len(text) > 2
            piece = piece.rotate(90, expand=True) if turned else piece
            if x + piece.width > width - 20:
                break
            image.paste(piece, (x, y))
            truth.append((text, Box(x, y, x + piece.width, y + piece.height)))
            x += piece.width + random.randint(50, 140)
    if seed % 3 == 0:
        held = BytesIO()
        image.save(held, "JPEG", quality=70)
        image = Image.open(held).convert("RGB")
    return np.array(image), truth


# What came out


def report(found: list[dict[str, Any]]) -> None:
    """Shares with their 95% intervals."""
    by_part = {
        part: [row for row in found if row["part"] == part] for part in ("receipts", "shapes", "boxes")
    }
    for half in ("developed on", "judged by"):
        chosen = [row for row in by_part["receipts"] if row["half"] == half]
        _fields(half, chosen)
        _fields(f"{half}, from the set's own text", [row["given"] for row in chosen])
    _texts([row for row in by_part["receipts"] if "tesseract" in row])
    matching = [row for row in by_part["shapes"] if row["matches"]]
    _share("shapes: count exact, pictures that can be of their scene", [row["count"] for row in matching])
    _share("shapes: kinds and colours exact, the same", [row["exact"] for row in matching])
    _share("shapes: count exact, all rows", [row["count"] for row in by_part["shapes"]])
    lines = [line for row in by_part["boxes"] for line in row["lines"]]
    _share("boxes: overlap with the truth at least 0.7", [line["overlap"] >= 0.7 for line in lines])
    _share("boxes: lines read to the letter", [line["read"] for line in lines])


def _share(what: str, right: Sequence[bool]) -> None:
    if right:
        low, high = wilson(sum(right), len(right))
        print(f"{what}: {sum(right) / len(right):.1%} ({low:.1%} to {high:.1%}), n = {len(right)}")


def _fields(half: str, items: list[dict[str, Any]]) -> None:
    if not items:
        return
    for measure, words in (("exact", "exact"), ("plain", "exact but for punctuation and spaces")):
        scores = [sum(row[measure].values()) for row in items]
        value = _f1(items, scores)
        random = Random(0)
        places = range(len(items))
        drawn: list[float] = []
        for _ in range(2_000):
            chosen = random.choices(places, k=len(items))
            drawn.append(_f1([items[n] for n in chosen], [scores[n] for n in chosen]))
        drawn.sort()
        single = {name: sum(row[measure][name] for row in items) for name in NAMES}
        print(
            f"receipts {half}, {words}: F1 {value:.3f} ({drawn[49]:.3f} to {drawn[1949]:.3f}), "
            f"n = {len(items)} receipts; {single}"
        )


def _f1(items: Sequence[dict[str, Any]], scores: Sequence[int]) -> float:
    return 2 * sum(scores) / (sum(row["found"] for row in items) + len(NAMES) * len(items))


def _texts(items: list[dict[str, Any]]) -> None:
    if not items:
        return
    for who in ("ours", "tesseract"):
        marks = [row[who] for row in items]
        recall = sum(one["right_words"] for one in marks) / sum(one["words"] for one in marks)
        precision = sum(one["right_words"] for one in marks) / max(sum(one["read_words"] for one in marks), 1)
        whole = sum(one["right_lines"] for one in marks) / sum(one["lines"] for one in marks)
        seconds, (low, high) = quantile_and_interval([one["seconds"] for one in marks], 0.5, 2)
        print(
            f"receipts' text, {who}: recall {recall:.3f}, precision {precision:.3f}, lines {whole:.3f}; "
            f"median {seconds} s ({low} to {high}), n = {len(items)}"
        )
    better = [
        row["ours"]["right_words"] / row["ours"]["words"]
        > row["tesseract"]["right_words"] / row["tesseract"]["words"]
        for row in items
    ]
    mean, low, high = paired_difference(better, [not one for one in better])
    print(
        f"receipts with more words right than Tesseract's, less the others: {mean:.2f} ({low:.2f} to {high:.2f})"
    )


if __name__ == "__main__":
    main()
