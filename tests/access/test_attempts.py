"""Who fails often waits longer and longer, and nobody else does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pierian.access import Attempts, TooManyAttempts
from pierian.access import attempts as module
from pierian.access.attempts import ADDRESS, FORGOTTEN_SECONDS, NAME, PAIR, network


class Passing:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def tries(attempts: Attempts, name: str, address: str, times: int) -> int:
    """How many of so many attempts at one moment are let through."""
    through = 0
    for _ in range(times):
        try:
            attempts.begin(name, address)
            through += 1
        except TooManyAttempts:
            pass
    return through


def test_a_name_at_an_address() -> None:
    passing = Passing()
    attempts = Attempts(passing=passing)
    assert tries(attempts, "Ada", "10.0.0.1", 50) == PAIR.free + 1
    with pytest.raises(TooManyAttempts, match="Wait 1 second, then try again") as caught:
        attempts.begin(" ADA ", "10.0.0.1")
    assert caught.value.seconds == 1
    attempts.begin("Ada", "10.0.0.2")  # from elsewhere she may
    attempts.begin("Bob", "10.0.0.1")
    waited = 0.0
    for _ in range(12):
        with pytest.raises(TooManyAttempts) as caught:
            attempts.begin("Ada", "10.0.0.1")
        passing.now += caught.value.seconds
        waited += caught.value.seconds
        attempts.begin("Ada", "10.0.0.1")
    assert waited > 1800
    with pytest.raises(TooManyAttempts, match="15 minutes"):
        attempts.begin("Ada", "10.0.0.1")


def test_being_right_forgets_what_was_wrong() -> None:
    attempts = Attempts(passing=Passing())
    for _ in range(100):  # nobody who is right is slowed, however often
        assert tries(attempts, "Ada", "10.0.0.1", PAIR.free) == PAIR.free
        attempts.succeeded("Ada", "10.0.0.1")
        for _ in range(PAIR.free - 1):
            attempts.succeeded("Ada", "10.0.0.1")
    assert len(attempts) <= 2


def test_one_password_on_many_names() -> None:
    attempts = Attempts(passing=Passing())
    assert sum(tries(attempts, f"user {n}", "10.0.0.1", 1) for n in range(200)) == ADDRESS.free + 1
    addresses = [f"2001:db8:0:1::{n:x}" for n in range(200)]
    assert sum(tries(attempts, f"user {n}", one, 1) for n, one in enumerate(addresses)) == ADDRESS.free + 1


def test_one_name_from_everywhere_is_slowed_gently() -> None:
    passing = Passing()
    attempts = Attempts(passing=passing)
    assert sum(tries(attempts, "Ada", f"10.0.{n}.1", 1) for n in range(200)) == NAME.free + 1
    for n in range(200):
        with pytest.raises(TooManyAttempts) as caught:
            attempts.begin("Ada", f"10.1.{n}.1")
        assert caught.value.seconds <= 60
        passing.now += caught.value.seconds
        attempts.begin("Ada", f"10.1.{n}.1")


@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(["ada", "Ada", "bob", "x" * 1000, "\udcff"]),
            st.sampled_from(["", "10.0.0.1", "::1", "2001:db8::1", "nonsense"]),
            st.sampled_from([0.0, 0.5, 1.0, 60.0, 900.0, 4000.0]),
            st.booleans(),
        ),
        max_size=80,
    )
)
def test_waiting_as_long_as_it_says_is_enough(steps: list[tuple[str, str, float, bool]]) -> None:
    passing = Passing()
    attempts = Attempts(passing=passing)
    for name, address, later, right in steps:
        passing.now += later
        try:
            attempts.begin(name, address)
        except TooManyAttempts as error:
            assert 1 <= error.seconds <= 900
            passing.now += error.seconds
            attempts.begin(name, address)
        if right:
            attempts.succeeded(name, address)
            assert tries(attempts, name, address, 1) == 1, "who was right may go on"


@given(pauses=st.lists(st.floats(0, 400), min_size=20, max_size=60))
def test_nobody_gets_more_than_a_few_tries(pauses: list[float]) -> None:
    """However they are spread: the n-th beyond the free ones has waited for all those before."""
    passing = Passing()
    attempts, let_through = Attempts(passing=passing), list[float]()
    for pause in pauses:
        passing.now += pause
        if tries(attempts, "ada", "10.0.0.1", 1):
            let_through.append(passing.now)
    for at in range(PAIR.free + 1, len(let_through)):
        gap = let_through[at] - let_through[at - 1]
        assert gap >= min(2.0 ** (at - PAIR.free - 1), PAIR.longest) - 1e-6


def test_it_stays_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 50)
    passing = Passing()
    attempts = Attempts(passing=passing)
    for n in range(500):
        attempts.begin(f"{n}" * 100, f"10.{n // 250}.{n % 250}.1")
        assert len(attempts) <= 150
    passing.now += FORGOTTEN_SECONDS
    attempts.begin("Ada", "10.0.0.1")
    assert len(attempts) == 3, "what is over is forgotten"


def test_who_an_address_stands_for() -> None:
    assert network("10.0.0.1") == network("::ffff:10.0.0.1") != network("10.0.0.2")
    assert network("2001:db8::1") == network("2001:db8::ffff:1") != network("2001:db8:0:1::1")
    assert network("nonsense") == "nonsense"
