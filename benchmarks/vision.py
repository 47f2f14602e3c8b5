"""Questions about pictures: `python -m benchmarks.vision --part charts|statements|receipts|diagrams --data FOLDER`.

Charts are generated (`chart_pictures`), with questions whose answers are known (`vision_questions`); the same model
answers the same questions from the text that was read in the picture alone, in the same run. Statements are those
of NLVR, apart for pictures that can be of their scene; receipts those of SROIE, asked for their fields in words;
diagrams those of MATH-Vision. Rows go to `results/` and are kept: what is there is not measured again.

The model is that of the settings; its engine must be the only one on the machine.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks import rows
from benchmarks.chart_pictures import Split, picture
from benchmarks.intervals import paired_difference, wilson
from benchmarks.vision_questions import KINDS, chosen, right
from benchmarks.vision_readers import NAMES, _same_plain, _shows
from pierian import Assistant, Mode
from pierian.budget import Ledger
from pierian.events import Answer
from pierian.exceptions import PierianError
from pierian.reasoning import Question, answer_instantly, classify, finished, think
from pierian.reasoning.pictures import View, answer_from_pictures
from pierian.vision.picture_file import PictureFile

RESULTS = Path(__file__).parent / "results" / "vision.jsonl.gz"
ASKED_FOR = {
    "company": "Which company issued this receipt?",
    "date": "On which date was it issued?",
    "address": "What is the address of the shop?",
    "total": "What is the total that has to be paid?",
}
MOST_LINES = 80


class Asker:
    """An assistant that reads each picture once, whatever is asked about it."""

    def __init__(self, assistant: Assistant, mode: Mode) -> None:
        self.assistant, self.mode = assistant, mode

    async def view(self, name: str, data: bytes) -> View:
        """A picture, read."""
        file = PictureFile(name, data)
        seen = await (await self.assistant.resources.readers()).read(file)
        return View(number=1, file=file, scene=seen.scene, notes=seen.notes)

    async def from_picture(self, view: View, question: str) -> dict[str, Any]:
        """The answer from what was measured."""
        started = time.monotonic()
        run = await self.assistant.resources.begin(classify(question), Ledger(), lambda event: None)
        try:
            await answer_from_pictures(run, self.mode, [view], await self.assistant.resources.readers())
        except PierianError as error:
            return {"answer": "", "error": str(error)}
        return _told(finished(run, self.mode, started))

    async def from_text(self, view: View, question: str) -> dict[str, Any]:
        """The answer of the same model in the same mode from the lines of text alone."""
        lines = "\n".join(line.text for line in view.scene.texts[:MOST_LINES])
        asked = f"This text was read in a picture:\n{lines}\n\n{question}"
        started = time.monotonic()
        kind = classify(question)
        run = await self.assistant.resources.begin(
            Question(asked, kind.kind, kind.letters), Ledger(), lambda event: None
        )
        try:
            await (answer_instantly if self.mode is Mode.INSTANT else think)(run)
        except PierianError as error:
            return {"answer": "", "error": str(error)}
        return _told(finished(run, self.mode, started))


def _told(answer: Answer) -> dict[str, Any]:
    spend = answer.receipt.spend
    return {
        "answer": (answer.value or answer.text)[:300],
        "tokens": spend.completion_tokens,
        "seconds": round(spend.seconds, 2),
        "looks": len(answer.receipt.looks),
    }


async def charts(
    asker: Asker, split: Split, count: int, each: int, done: set[str]
) -> AsyncIterator[dict[str, Any]]:
    """Questions about generated charts, both ways."""
    # Some are drawn by a browser, which wants a thread without an event loop.
    pictures = await asyncio.to_thread(
        lambda: [(number, *picture(split, number, False)) for number in range(count)]
    )
    data = {number: content for number, content, _ in pictures}
    truths = [(number, truth) for number, _, truth in pictures]
    view: tuple[int, View] | None = None
    for number, asked in chosen(truths, split, each):
        name = f"charts-{split}-{asker.mode.value}-{number}-{asked.kind}"
        if name in done:
            continue
        if view is None or view[0] != number:
            view = (number, await asker.view(f"{number}.png", data[number]))
        row: dict[str, Any] = {
            "id": name,
            "part": f"charts {split}",
            "kind": asked.kind,
            "question": asked.text,
        }
        row["wanted"] = asked.name or asked.number or asked.words[0]
        for side, answer in (("ours", asker.from_picture), ("text", asker.from_text)):
            told = await answer(view[1], asked.text)
            row[side] = told | {"right": right(asked, told["answer"])}
        yield row


async def statements(asker: Asker, data: Path, count: int, done: set[str]) -> AsyncIterator[dict[str, Any]]:
    """Statements about figures, true or false."""
    folder = data / "nlvr"
    items = [json.loads(line) for line in (folder / "dev.jsonl").read_text().splitlines()]
    for place, item in enumerate(items[:count]):
        name = f"statements-{asker.mode.value}-{place:03d}"
        if name in done:
            continue
        path = folder / item["image"]
        pixels = np.array(Image.open(path).convert("RGB"))
        told = await asker.from_picture(await asker.view(path.name, path.read_bytes()), item["sentence"])
        yield {
            "id": name,
            "part": "statements",
            "half": "developed on" if place % 2 == 0 else "judged by",
            "matches": _shows(pixels, [thing for box in item["structured"] for thing in box]),
            "wanted": item["label"],
            "ours": told | {"right": told["answer"] == str(item["label"]).casefold()},
        }


async def receipts(asker: Asker, data: Path, count: int, done: set[str]) -> AsyncIterator[dict[str, Any]]:
    """The fields of receipts, asked for in words."""
    folder = data / "receipts"
    items = [json.loads(line) for line in (folder / "dev.jsonl").read_text().splitlines()]
    for place, item in enumerate(
        items[1 : 2 * count : 2]
    ):  # the half that the rules for fields were not made on
        field = NAMES[place % len(NAMES)]
        path = folder / item["image"]
        name = f"receipts-{asker.mode.value}-{path.stem}"
        if name in done:
            continue
        view = await asker.view(path.name, path.read_bytes())
        row: dict[str, Any] = {"id": name, "part": "receipts", "kind": field, "wanted": item[field]}
        for side, answer in (("ours", asker.from_picture), ("text", asker.from_text)):
            told = await answer(view, ASKED_FOR[field])
            row[side] = told | {"right": _same_plain(item[field], told["answer"], field)}
        yield row


async def diagrams(asker: Asker, data: Path, count: int, done: set[str]) -> AsyncIterator[dict[str, Any]]:
    """MATH-Vision: what there is of a question without seeing more than text and figures."""
    folder = data / "math_vision"
    (file,) = folder.glob("*.jsonl")
    for item in [json.loads(line) for line in file.read_text().splitlines()][:count]:
        name = f"diagrams-{asker.mode.value}-{item['id']}"
        if name in done:
            continue
        path = folder / item["image"]
        options = "\n".join(
            f"({letter}) {text}" for letter, text in zip("ABCDE", item["options"], strict=False)
        )
        question = f"{item['question'].replace('<image1>', '').strip()}\n{options}".strip()
        view = await asker.view(path.name, path.read_bytes())
        row: dict[str, Any] = {
            "id": name,
            "part": "diagrams",
            "kind": item["subject"],
            "wanted": item["answer"],
        }
        for side, answer in (("ours", asker.from_picture), ("text", asker.from_text)):
            told = await answer(view, question)
            said = told["answer"].strip("()*. ").casefold()
            row[side] = told | {"right": said == item["answer"].strip("()$ ").casefold()}
        yield row


def report(found: Sequence[dict[str, Any]]) -> None:
    """Shares with 95% intervals; both sides and their paired difference where there are two."""
    for part in sorted({row["part"] for row in found}):
        group = [row for row in found if row["part"] == part]
        for mode in ("instant", "thinking", "contemplating"):
            chosen_rows = [row for row in group if f"-{mode}-" in row["id"]]
            if not chosen_rows:
                continue
            if part == "statements":
                fitting = [row for row in chosen_rows if row["matches"]]
                _share(f"{part} {mode}, pictures that can be of their scene", fitting, "ours")
                _share(
                    f"{part} {mode}, of these judged by",
                    [r for r in fitting if r["half"] == "judged by"],
                    "ours",
                )
                _share(f"{part} {mode}, all rows", chosen_rows, "ours")
                continue
            for side in ("ours", "text"):
                _share(f"{part} {mode}, {side}", chosen_rows, side)
            ours = [row["ours"]["right"] for row in chosen_rows]
            text = [row["text"]["right"] for row in chosen_rows]
            mean, low, high = paired_difference(ours, text)
            print(f"{part} {mode}, ours less text: {mean:+.1%} ({low:+.1%} to {high:+.1%})")
            for kind in KINDS if part.startswith("charts") else ():
                own = [row for row in chosen_rows if row["kind"] == kind]
                print(f"  {kind}: {_right(own, 'ours')} ours, {_right(own, 'text')} text, of {len(own)}")


def _right(group: Sequence[dict[str, Any]], side: str) -> int:
    return sum(row[side]["right"] for row in group)


def _share(what: str, group: Sequence[dict[str, Any]], side: str) -> None:
    if not group:
        return
    number = _right(group, side)
    low, high = wilson(number, len(group))
    tokens = float(np.median([row[side].get("tokens", 0) for row in group]))
    seconds = float(np.median([row[side].get("seconds", 0) for row in group]))
    print(
        f"{what}: {number / len(group):.1%} ({low:.1%} to {high:.1%}), n = {len(group)}; "
        f"median {tokens:.0f} tokens, {seconds:.1f} s"
    )


async def measure(options: argparse.Namespace) -> None:
    """Measure what is not yet in the file."""
    rows.mend(options.results)
    done = {row["id"] for row in rows.read(options.results)}
    async with Assistant() as assistant:
        asker = Asker(assistant, Mode(options.mode))
        match options.part:
            case "charts":
                made = charts(asker, options.split, options.count, options.each, done)
            case "statements":
                made = statements(asker, options.data, options.count, done)
            case "receipts":
                made = receipts(asker, options.data, options.count, done)
            case _:
                made = diagrams(asker, options.data, options.count, done)
        async for row in made:
            rows.append(options.results, row)


def main() -> None:
    """Measure what is asked for and has not been, then print everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", choices=("charts", "statements", "receipts", "diagrams"), default="charts")
    parser.add_argument("--split", choices=("develop", "judge"), default="develop")
    parser.add_argument("--mode", choices=("instant", "thinking", "contemplating"), default="thinking")
    parser.add_argument("--count", type=int, default=60, help="pictures")
    parser.add_argument("--each", type=int, default=1, help="questions about a chart at most")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args()
    asyncio.run(measure(options))
    report(rows.read(options.results))


if __name__ == "__main__":
    main()
