"""The memory of what servers have read."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pierian.models.affinity import Affinity, boundaries
from pierian.models.wire import Message, OfferedTool, Request


def marks(*texts: str, model: str = "m", tools: tuple[OfferedTool, ...] = ()) -> list[int]:
    messages = tuple(Message("user", text) for text in texts)
    return boundaries(model, Request(messages=messages, max_tokens=1, tools=tools))


TEXTS = st.lists(st.sampled_from("abc"), min_size=1, max_size=6)


@given(one=TEXTS, other=TEXTS)
def test_boundaries_agree_exactly_as_far_as_the_messages_do(one: list[str], other: list[str]) -> None:
    same = 0
    while same < min(len(one), len(other)) and one[same] == other[same]:
        same += 1
    pairs = zip(marks(*one), marks(*other), strict=False)
    assert [a == b for a, b in pairs] == [n < same for n in range(min(len(one), len(other)))]


def test_another_model_tool_or_picture_is_another_beginning() -> None:
    assert marks("a") != marks("a", model="other")
    assert marks("a") != marks("a", tools=(OfferedTool("clock"),))
    pictured = Request(messages=(Message("user", "a", images=("data:,x",)),), max_tokens=1)
    assert boundaries("m", pictured) != marks("a")


def test_the_longest_beginning_wins_among_those_asked_for() -> None:
    memory = Affinity()
    memory.remember(marks("a"), 1)
    memory.remember(marks("a", "b"), 2)
    assert memory.longest(marks("a", "b", "c"), 0b11) == 2
    assert memory.longest(marks("a", "b", "c"), 0b01) == 1
    assert memory.longest(marks("a", "x"), 0b11) == 0b11
    assert memory.longest(marks("x", "b"), 0b11) == 0
    memory.forget(2)
    assert memory.longest(marks("a", "b", "c"), 0b11) == 1


def test_it_stays_bounded_and_keeps_what_is_shared() -> None:
    memory = Affinity(most=10)
    for number in range(100):
        memory.remember(marks("system", str(number)), 1)
    assert memory.longest(marks("system"), 1) == 1
    assert memory.longest(marks("system", "99"), 1) == 1
    assert memory.longest(marks("system", "5")[1:], 1) == 0
    small = Affinity(most=1)
    small.remember(marks("system", "a", "b"), 1)
    assert small.longest(marks("system", "other"), 1) == 1
