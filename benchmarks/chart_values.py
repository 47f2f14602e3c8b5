"""Values that the chart digitiser recovers from generated charts: `python -m benchmarks.chart_values --out FILE`.

Each picture is drawn here and read in a child process of its own, whose time and memory are what is reported. The run
can be cut off and started again: finished pictures stay in the file. `--split judge` holds the themes that nobody
looked at while the digitiser was made. Texts are read by the product's own reader.
"""

from __future__ import annotations

import argparse
import io
import json
import resource
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from PIL import Image

from benchmarks import rows
from benchmarks.chart_pictures import Split, picture
from benchmarks.chart_scores import score
from benchmarks.chart_specs import Truth
from benchmarks.intervals import quantile_and_interval, wilson

MEDIUM = (0.7e6, 1.3e6)
"""Pictures of about 1200 × 800 pixels, for which the time is promised."""


def read(data: bytes, truth: bytes) -> dict[str, Any]:
    """Read a picture and compare it; runs in the child."""
    from pierian.vision.charts import read_charts
    from pierian.vision.scene import Scene
    from pierian.vision.text import read_texts

    pixels = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    begin, used = time.perf_counter(), time.process_time()
    texts = read_texts(pixels)
    middle, spent = time.perf_counter(), time.process_time()
    charts = read_charts(pixels, texts)
    end, done = time.perf_counter(), time.process_time()
    height, width = pixels.shape[:2]
    scene = Scene(width=width, height=height, texts=texts, charts=charts)
    known = msgspec.json.decode(truth, type=Truth)
    found = msgspec.to_builtins(score(known, scene))
    return {
        **found,
        "charts": len(charts),
        "agreement": charts[0].agreement if charts else 0.0,
        "unsure": len(charts[0].unsure) if charts else 0,
        "texts_s": round(middle - begin, 3),
        "charts_s": round(end - middle, 3),
        "texts_cpu_s": round(spent - used, 3),
        "charts_cpu_s": round(done - spent, 3),
        "pixels": width * height,
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    }


def run(split: Split, count: int, degraded: int, out: Path) -> None:
    """Measure what is not yet in the file."""
    rows.mend(out)
    done = {row["id"] for row in rows.read(out)}
    wanted = [(number, False) for number in range(count)] + [(number, True) for number in range(degraded)]
    # Mixed, so that a run that is cut off has seen both.
    wanted.sort(key=lambda one: one[0] * (2 if one[1] else 1))
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as child:
        for number, worse in wanted:
            name = f"{split}-{number}{'-degraded' if worse else ''}"
            if name in done:
                continue
            data, truth = picture(split, number, worse)
            found = child.submit(read, data, msgspec.json.encode(truth)).result()
            kind = {"kind_of": truth.kind, "library": truth.library, "theme": truth.theme, "degraded": worse}
            lying = {"horizontal": truth.horizontal, "stacked": truth.stacked}
            rows.append(out, {"id": name, **kind, **lying, **found})


def report(out: Path) -> dict[str, Any]:
    """Shares with 95% intervals, over all, by kind and by library; clean and degraded apart."""
    found = rows.read(out)
    result: dict[str, Any] = {}
    for worse in (False, True):
        part = [row for row in found if row["degraded"] is worse]
        if not part:
            continue
        groups: dict[str, Any] = {"all": _group(part)}
        for key in ("kind_of", "library"):
            for value, members in _by(part, lambda row, key=key: row[key]):
                groups[value] = _group(members)
        result["degraded" if worse else "clean"] = groups
    timed = [row for row in found if MEDIUM[0] <= row["pixels"] <= MEDIUM[1]]
    result["time"] = {
        name: {
            "n": len(chosen),
            "median_s": quantile_and_interval([row["texts_s"] + row["charts_s"] for row in chosen], 0.5, 2),
            "p95_s": quantile_and_interval([row["texts_s"] + row["charts_s"] for row in chosen], 0.95, 2),
            "charts_median_s": quantile_and_interval([row["charts_s"] for row in chosen], 0.5, 2),
            "charts_median_cpu_s": quantile_and_interval([row["charts_cpu_s"] for row in chosen], 0.5, 2),
            "texts_median_cpu_s": quantile_and_interval([row["texts_cpu_s"] for row in chosen], 0.5, 2),
        }
        for name, chosen in (("all", found), ("about 1 megapixel", timed))
        if chosen
    }
    result["peak_mb"] = max((row["peak_mb"] for row in found), default=0.0)
    return result


def _by(
    part: list[dict[str, Any]], key: Callable[[dict[str, Any]], str]
) -> Iterable[tuple[str, list[dict[str, Any]]]]:
    groups = defaultdict[str, list[dict[str, Any]]](list)
    for row in part:
        groups[key(row)].append(row)
    return sorted(groups.items())


def _group(part: list[dict[str, Any]]) -> dict[str, Any]:
    """A group's shares. Values of one picture fail together: their interval is that of the mean over pictures too."""
    right, total = sum(row["right"] for row in part), sum(row["total"] for row in part)
    kinds = sum(row["kind"] for row in part)
    shares = [row["right"] / max(row["total"], 1) for row in part]
    return {
        "pictures": len(part),
        "values": _share(right, total),
        "mean_over_pictures": [round(float(np.mean(shares)), 3), _resampled(shares)],
        "kind": _share(kinds, len(part)),
        "labels": _share(sum(row["labels_right"] for row in part), sum(row["labels"] for row in part)),
        "mark_boxes": _share(
            sum(row["mark_boxes_right"] for row in part), sum(row["mark_boxes"] for row in part)
        ),
        "text_boxes": _share(
            sum(row["text_boxes_right"] for row in part), sum(row["text_boxes"] for row in part)
        ),
    }


def _share(right: int, total: int) -> dict[str, Any]:
    low, high = wilson(right, total)
    return {"n": total, "share": round(right / max(total, 1), 3), "interval": [round(low, 3), round(high, 3)]}


def _resampled(shares: list[float]) -> list[float]:
    """95% bootstrap interval of a mean (2,000 resamples, fixed seed)."""
    dice = np.random.default_rng(0)
    means = np.sort(dice.choice(shares, (2000, len(shares))).mean(axis=1))
    return [round(float(means[49]), 3), round(float(means[1949]), 3)]


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--split", choices=("develop", "judge"), default="develop")
    parser.add_argument("--count", type=int, default=150, help="clean pictures")
    parser.add_argument("--degraded", type=int, default=75, help="degraded pictures")
    parser.add_argument("--out", type=Path, required=True)
    chosen = parser.parse_args()
    run(chosen.split, chosen.count, chosen.degraded, chosen.out)
    print(json.dumps(report(chosen.out), indent=1))


if __name__ == "__main__":
    main()
