"""What is measured and kept: rows that survive interruption, votes, and whole runs with the cache and without."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from benchmarks.datasets import read
from benchmarks.pace import PIECE_SECONDS

from benchmarks import peers, reasoning, report, rows
from pierian.models.wire import Request
from pierian.testing import FunctionalModel, serve_in_thread
from pierian.testing.double import words

ITEM = read({"question": "How much are 3 pens at 4 euros?", "answer": "3 * 4 = 12 #### 12"})


def test_what_was_cut_off_is_dropped_and_what_stood_before_it_stays(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl.gz"
    for number in range(3):
        rows.append(file, {"id": str(number), "correct": True})
    whole = file.read_bytes()
    third = len(gzip.compress(json.dumps({"id": "2", "correct": True}).encode() + b"\n"))
    for cut in range(1, third):
        file.write_bytes(whole[:-cut])
        assert [row["id"] for row in rows.read(file)] == ["0", "1"]
        rows.mend(file)
        rows.append(file, {"id": "9", "correct": False})
        assert [row["id"] for row in rows.read(file)] == ["0", "1", "9"]
    assert len(gzip.decompress(file.read_bytes()).splitlines()) == 3  # any tool can read it


@pytest.mark.parametrize(
    ("values", "first"),
    [(["1", "2", "2"], 1), (["1", "2"], 0), (["", "", "3"], 2), (["", ""], 0), (["2", "1", "1", "2"], 0)],
)
def test_the_majority_is_the_first_to_appear_among_equals(values: list[str], first: int) -> None:
    assert peers.majority(values) == first


async def test_self_consistency_keeps_every_sample() -> None:
    def sampled(request: Request) -> str:
        return f"so \\boxed{{{12 if request.seed != 1 else 7}}}"

    row = await peers.self_consistency(FunctionalModel(sampled), ITEM, 3)
    assert ITEM.score(row["text"], "")
    assert [(s["value"], s["correct"]) for s in row["samples"]] == [("7", False), ("12", True), ("12", True)]
    assert row["tokens"] == sum(s["tokens"] for s in row["samples"]) == 6


def test_votes_of_the_first_samples_count_only_these() -> None:
    drawn = [("7", False, 10), ("7", False, 20), ("12", True, 30), ("12", True, 40), ("12", True, 50)]
    samples = [{"value": value, "correct": correct, "tokens": tokens} for value, correct, tokens in drawn]
    row = {"id": "a", "correct": True, "tokens": 150, "seconds": 3.0, "samples": samples}
    fewer = peers.votes_of_first(row, 4)
    assert (fewer["correct"], fewer["tokens"], fewer["seconds"], len(fewer["samples"])) == (
        False,
        100,
        None,
        4,
    )
    assert row["correct"] and len(row["samples"]) == 5


Measure = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def measure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Measure:
    """Runs the command on three items against a model and gives the rows of its file."""
    monkeypatch.setattr(reasoning, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(reasoning, "CACHE", tmp_path / "cache" / "calls.db")
    data = tmp_path / "gsm8k" / "dev.jsonl"
    data.parent.mkdir()
    items = [
        {"question": f"How much are {n} pens at 4 euros?", "answer": f"{n} * 4 #### {4 * n}"}
        for n in (2, 3, 5)
    ]
    data.write_text("\n".join(json.dumps(item) for item in items))

    def run(base_url: str, *options: str) -> list[dict[str, Any]]:
        command = ["reasoning", "--data", str(data), "--base-url", base_url, *options]
        monkeypatch.setattr("sys.argv", command)
        assert reasoning.main() == 0
        return rows.read(reasoning.file_of(reasoning.arguments_of(command[1:])))

    return run


def test_rows_that_were_made_with_an_adapter_reach_the_page_under_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (reasoning, report):
        monkeypatch.setattr(module, "RESULTS", tmp_path)
    row = {
        "id": "a",
        "group": "",
        "correct": True,
        "tokens": 9,
        "seconds": None,
        "samples": [{"value": "1", "correct": True, "tokens": 1}] * 8,
    }
    for mode in ("single", "self_consistency"):
        command = ["--mode", mode, "--adapter", "short-thoughts", "--data", "gsm8k/dev.jsonl"]
        rows.append(reasoning.file_of(reasoning.arguments_of(command)), row)
    runs, timed = report.runs_of("gsm8k-dev")
    assert "single+short-thoughts" in runs
    assert "self_consistency-4+short-thoughts (of the 8)" in runs
    lines = "\n".join(report.commands("gsm8k-dev", runs, timed))
    assert "--mode single --adapter short-thoughts" in lines
    assert "--mode self_consistency --samples 8 --adapter short-thoughts" in lines


def test_a_repeated_run_asks_nothing_and_tells_no_time(measure: Measure) -> None:
    def right(request: Request) -> str:
        pens = int(request.messages[-1].content.split()[3])
        return f"{pens} pens cost {pens} * 4 = \\boxed{{{4 * pens}}} euros"

    with serve_in_thread(FunctionalModel(right, embedded=False)) as server:
        first = measure(server.base_url, "--mode", "single")
        assert [row["correct"] for row in first] == [True, True, True]
        assert all(row["seconds"] is not None and row["replayed_calls"] == 0 for row in first)
        assert measure(server.base_url, "--mode", "single") == first  # all there: nothing is done
        assert len(server.bodies) == 3

        (reasoning.RESULTS / "gsm8k-dev-single.jsonl.gz").unlink()
        again = measure(server.base_url, "--mode", "single")
        assert len(server.bodies) == 3
        assert all(row["seconds"] is None and row["replayed_calls"] == 1 for row in again)
        assert [row["tokens"] for row in again] == [row["tokens"] for row in first]

        timed = measure(server.base_url, "--mode", "single", "--no-cache")
        assert len(server.bodies) == 6
        assert all(row["seconds"] is not None for row in timed)
        assert len(rows.read(reasoning.RESULTS / "gsm8k-dev-single-timed.jsonl.gz")) == 3


def test_items_side_by_side_tell_no_time(measure: Measure) -> None:
    with serve_in_thread(FunctionalModel(lambda _: "It is 12.", embedded=False)) as server:
        found = measure(server.base_url, "--mode", "single", "--parallel", "3")
    assert [row["seconds"] for row in found] == [None, None, None]


def test_a_mode_of_pierian_is_replayed_as_it_was(measure: Measure) -> None:
    """Also its corrections, for which streams are left in the middle."""

    def reply(request: Request) -> AsyncIterator[str]:
        if "Python" in request.messages[0].content:
            return paced(
                "```python\nanswer = 12\n```" if request.seed is None else "```python\nanswer = 8\n```"
            )
        return paced("Three pens cost 3 * 4 = 12 euros.\nAnswer: 12 euros")

    async def paced(text: str) -> AsyncIterator[str]:
        """As an engine writes: drafts that are longer end later, so which are cut off is no matter of luck."""
        for word in words(text):
            await asyncio.sleep(2 * PIECE_SECONDS)
            yield word

    with serve_in_thread(FunctionalModel(reply, embedded=False)) as server:
        first = measure(server.base_url, "--mode", "contemplating", "--drafts", "4")
        asked = len(server.bodies)
        (reasoning.RESULTS / "gsm8k-dev-contemplating-4.jsonl.gz").unlink()
        again = measure(server.base_url, "--mode", "contemplating", "--drafts", "4")
        assert len(server.bodies) == asked
    for before, after in zip(first, again, strict=True):
        assert after["replayed_calls"] > 0
        assert [before[k] for k in ("text", "value", "tokens", "drafts")] == [
            after[k] for k in ("text", "value", "tokens", "drafts")
        ]
