"""No sixty seconds see more than the limit, wherever they begin; and no wait is longer than it has to be."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pierian.metering.window import MINUTE, REQUESTS, TOKENS, Window

LIMIT = 5


@given(gaps=st.lists(st.floats(0, 40), max_size=40))
def test_never_more_than_the_limit_in_any_minute(gaps: list[float]) -> None:
    now, stored, let_in = 1_000.0, None, list[float]()
    for gap in gaps:
        now += gap
        window = Window(stored, now)
        if window.total(REQUESTS) < LIMIT:
            window.add(1, 0)
            let_in.append(now)
        stored = window.stored()
    for start in let_in:
        assert sum(start <= moment < start + MINUTE for moment in let_in) <= LIMIT


@given(moments=st.lists(st.floats(1_000, 1_059), min_size=1, max_size=20), room=st.integers(1, 20))
def test_after_the_wait_there_is_room_and_not_before(moments: list[float], room: int) -> None:
    stored, now = None, 0.0
    for now in sorted(moments):
        window = Window(stored, now)
        window.add(1, 0)
        stored = window.stored()
    used = Window(stored, now).total(REQUESTS)
    room = min(room, used)
    wait = Window(stored, now).seconds_until(REQUESTS, room)
    assert used - Window(stored, now + wait + 1e-6).total(REQUESTS) >= room
    assert used - Window(stored, now + max(0, wait - 0.01)).total(REQUESTS) < room
    empty = Window(stored, now).seconds_until_empty(REQUESTS)
    assert Window(stored, now + empty + 1e-6).total(REQUESTS) == 0
    assert wait <= empty <= MINUTE + 1


def test_tokens_can_be_taken_back_as_long_as_they_count() -> None:
    window = Window(None, 1_000.5)
    window.add(1, 80)
    later = Window(window.stored(), 1_030.0)
    later.take_back(1_000.5, 80)
    later.add(0, 10)
    assert (later.total(REQUESTS), later.total(TOKENS)) == (1, 10)
    much_later = Window(later.stored(), 1_062.0)
    assert (much_later.total(REQUESTS), much_later.total(TOKENS)) == (0, 10)
    much_later.take_back(1_000.5, 80)  # gone already
    assert much_later.total(TOKENS) == 10
    assert not Window(None, 1_000.0).changed


def test_a_clock_that_was_put_back_locks_nobody_out() -> None:
    window = Window(None, 100_000.0)
    window.add(LIMIT, 0)
    assert Window(window.stored(), 50_000.0).total(REQUESTS) == 0
    assert (
        Window(window.stored(), 99_999.0).total(REQUESTS) == LIMIT
    )  # another machine's clock, a little behind
