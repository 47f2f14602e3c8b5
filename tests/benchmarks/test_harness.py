"""The measuring harness: rows that survive interruption, calls that are asked for once, votes, the report."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from benchmarks.cache import REPLAYED, CachedModel, CallStore
from benchmarks.datasets import read

from benchmarks import peers, report, rows
from pierian.models.wire import Finished, Message, Piece, Request
from pierian.testing import FunctionalModel

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


@pytest.fixture
def store(tmp_path: Path) -> Iterator[CallStore]:
    with CallStore(tmp_path / "cache" / "calls.db") as opened:
        yield opened


async def all_of(model: CachedModel, request: Request) -> list[Any]:
    return [item async for item in model.stream(request)]


async def test_a_finished_call_is_asked_for_once(store: CallStore) -> None:
    asked: list[Request] = []

    def reply(request: Request) -> list[Piece]:
        asked.append(request)
        return [Piece("a", logprob=-0.5), Piece(" thought", thought=True)]

    request = Request(messages=(Message("user", "Why?"),), max_tokens=9)
    model = CachedModel(FunctionalModel(reply), store, "weights")
    replayed = list[str]()
    REPLAYED.set(replayed)
    first = await all_of(model, request)
    assert replayed == []
    assert await all_of(model, request) == first
    assert isinstance(first[-1], Finished)
    assert (len(asked), len(replayed)) == (1, 1)
    others = [
        Request(messages=(Message("user", "Why?"),), max_tokens=8),
        Request(messages=(Message("user", "Why?"),), max_tokens=9, seed=1),
        Request(messages=(Message("user", "Why not?"),), max_tokens=9),
        Request(messages=(Message("user", "Why?"),), max_tokens=9, schema={"type": "object"}),
    ]
    for other in others:
        await all_of(model, other)
    await all_of(CachedModel(FunctionalModel(reply), store, "other weights"), request)
    assert len(asked) == 6


async def test_a_call_that_was_left_early_is_not_kept(store: CallStore) -> None:
    model = CachedModel(FunctionalModel(lambda _: "one two three"), store, "weights")
    request = Request(messages=(Message("user", "Why?"),), max_tokens=9)
    stream = model.stream(request)
    await anext(stream)
    await stream.aclose()
    assert store.get(model.key(request)) is None


def test_the_report_of_a_small_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "RESULTS", tmp_path)
    monkeypatch.setattr(report, "DOCS", tmp_path)
    for mode, right, tokens in (("single", 2, 300), ("thinking", 3, 330)):
        for number in range(4):
            row = {"id": str(number), "group": "ab"[number % 2], "correct": number < right, "tokens": tokens}
            rows.append(tmp_path / f"bbh-dev-{mode}.jsonl.gz", row | {"seconds": None})
    assert report.main() == 0
    page = (tmp_path / "benchmarks.md").read_text()
    assert "| single | 4 | 50.0% (15.0%–85.0%) | 300.0 | 600.0 | – | – | – |" in page
    assert "+25.0 points (+0.0 to +75.0, 4 items) | 1.10" in page
    assert "| a | 1/2 | 2/2 |" in page
    assert "Thinking does not help on: b." in page
    assert (tmp_path / "accuracy_tokens.svg").read_text().count("thinking") >= 1
