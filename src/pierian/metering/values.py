"""What is passed to the meter and comes back from it. Money is in billionths everywhere."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from msgspec import Struct

MOST_TOKENS = 10**12
MOST_MONEY = 10**15
"""Of one call: a million units. Sums stay within 64 bits."""


class Allowance(Protocol):
    """How much a key allows; None means no limit. `access.Grant` is one."""

    @property
    def requests_per_minute(self) -> int | None: ...

    @property
    def tokens_per_minute(self) -> int | None: ...

    @property
    def concurrent(self) -> int | None: ...

    @property
    def day_cap(self) -> int | None: ...

    @property
    def month_cap(self) -> int | None: ...


class Caller(Struct, frozen=True):
    """Who asks: the id of a key, the id of its user, and how much it allows."""

    key: str
    owner: str
    allowance: Allowance


class Use(Struct, frozen=True):
    """What a call may at most use, or did use. `cached_tokens` are part of `prompt_tokens`."""

    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    money: int = 0

    @property
    def tokens(self) -> int:
        """Tokens as a rate counts them: prompt and answer."""
        return self.prompt_tokens + self.completion_tokens

    def checked(self) -> Use:
        """Itself; raises `ValueError` for what would give back what others used, or make sums meaningless."""
        counts = (self.prompt_tokens, self.cached_tokens, self.completion_tokens)
        if any(not 0 <= count <= MOST_TOKENS for count in counts) or not 0 <= self.money <= MOST_MONEY:
            raise ValueError(f"Not something that can be used: {self}.")
        return self


class Standing(Struct, frozen=True):
    """What a key's rates leave at one moment; the limits are None where there are none. Resets are in seconds."""

    limit_requests: int | None = None
    remaining_requests: int | None = None
    reset_requests: float = 0.0
    limit_tokens: int | None = None
    remaining_tokens: int | None = None
    reset_tokens: float = 0.0

    def headers(self) -> dict[str, str]:
        """As headers of an answer, under the names and in the form that clients of the OpenAI API read."""
        made = dict[str, str]()
        for name in ("requests", "tokens"):
            if (limit := getattr(self, f"limit_{name}")) is not None:
                made[f"x-ratelimit-limit-{name}"] = str(limit)
                made[f"x-ratelimit-remaining-{name}"] = str(getattr(self, f"remaining_{name}"))
                made[f"x-ratelimit-reset-{name}"] = _duration(getattr(self, f"reset_{name}"))
        return made


def _duration(seconds: float) -> str:
    """As Go writes durations: 1m2s, 1.5s, 20ms."""
    if seconds < 1:
        return f"{round(1000 * seconds)}ms"
    minutes, rest = divmod(round(seconds, 3), 60)
    return (f"{int(minutes)}m" if minutes else "") + f"{round(rest, 3):g}s"


class Admission(Struct):
    """A request that was let in; it takes one of the places for requests at the same time until it leaves."""

    caller: Caller
    standing: Standing
    left: bool = False


class Ticket(Struct):
    """A reservation; the caps count `most` until it is settled."""

    id: str
    caller: Caller
    most: Use
    day: str
    """The local day that it counts for, also when the call ends after midnight."""
    reserved_at: datetime
    used: Use | None = None
    """What was booked in its place, once it is settled."""

    @property
    def periods(self) -> tuple[str, str]:
        """The day and the month whose totals count it."""
        return self.day, self.day[:7]
