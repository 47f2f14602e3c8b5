"""Model families by name, and native thoughts told apart wherever the stream is cut."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pierian.models.profiles import UNKNOWN, Profile, ThinkingSplitter, profile_for
from pierian.models.wire import Piece

THINKS = profile_for("qwen3-8b")


def split(profile: Profile, *texts: str) -> list[tuple[bool, str]]:
    """Runs of thought and answer, neighbouring pieces joined."""
    splitter = ThinkingSplitter(profile)
    pieces = [piece for text in texts for piece in splitter.feed(Piece(text))] + splitter.close()
    runs: list[tuple[bool, str]] = []
    for piece in pieces:
        if runs and runs[-1][0] == piece.thought:
            runs[-1] = (piece.thought, runs[-1][1] + piece.text)
        else:
            runs.append((piece.thought, piece.text))
    return runs


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("Qwen2.5-Coder-1.5B-Instruct", "qwen2.5"),
        ("qwen2.5-coder-1.5b", "qwen2.5"),
        ("Qwen3-8B", "qwen3"),
        ("QwQ-32B", "qwen3"),
        ("deepseek-ai/DeepSeek-R1-Distill-Llama-8B", "deepseek-r1"),
        ("openai/gpt-oss-20b", "gpt-oss"),
        ("gemma-3-4b-it", "gemma"),
        ("SmolLM2-135M-Instruct", "smollm2"),
        ("llama3.2:3b", "llama3"),
        ("something-new", "unknown"),
        ("", "unknown"),
    ],
)
def test_the_family_of_a_name(name: str, family: str) -> None:
    assert profile_for(name).family == family


def test_thoughts_stand_between_the_tags() -> None:
    assert split(THINKS, "<think>hm</think>4") == [(True, "hm"), (False, "4")]


def test_a_thought_without_an_end_is_all_thought() -> None:
    assert split(THINKS, "<think>on and on") == [(True, "on and on")]


def test_several_thoughts() -> None:
    text = "a<think>b</think>c<think>d</think>e"
    assert split(THINKS, text) == [(False, "a"), (True, "b"), (False, "c"), (True, "d"), (False, "e")]


def test_what_only_looks_like_a_tag_stays() -> None:
    assert split(THINKS, "1 <thin", "g> 2 <", "<think>x</th", "ank></think>y") == [
        (False, "1 <thing> 2 <"),
        (True, "x</thank>"),
        (False, "y"),
    ]


def test_a_held_back_start_comes_at_the_end() -> None:
    assert split(THINKS, "5 <thi") == [(False, "5 <thi")]


def test_families_that_do_not_think_keep_their_text() -> None:
    assert split(UNKNOWN, "<think>a</think>") == [(False, "<think>a</think>")]


def test_thoughts_that_the_server_tells_apart_pass_through() -> None:
    splitter = ThinkingSplitter(THINKS)
    thought = Piece("hm", thought=True, logprob=-1.0)
    assert splitter.feed(thought) == [thought]


TEXTS = st.lists(
    st.sampled_from(["<think>", "</think>", "<", "/", "think", ">", "a", "é ", "<thi", "nk>", "</t", "\n"]),
    max_size=20,
).map("".join)


@given(text=TEXTS, cuts=st.sets(st.integers(0, 150)))
def test_however_the_text_is_cut_the_result_is_the_same(text: str, cuts: set[int]) -> None:
    edges = [0, *sorted(c for c in cuts if 0 < c < len(text)), len(text)]
    assert split(THINKS, *(text[a:b] for a, b in pairwise(edges))) == split(THINKS, text)


def without_tags(text: str) -> str:
    """Tags taken out until none is left; what one leaves behind may form another."""
    while (shorter := text.replace("<think>", "").replace("</think>", "")) != text:
        text = shorter
    return text


@given(TEXTS)
@example("<thi<think>nk>")
def test_nothing_but_tags_is_lost(text: str) -> None:
    kept = "".join(part for _, part in split(THINKS, text))
    assert without_tags(kept) == without_tags(text)
