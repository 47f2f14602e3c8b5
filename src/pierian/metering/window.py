"""What happened in each of the last sixty seconds, for limits per minute that hold for every minute.

A window has a bin for each second. What fell into a bin counts until a whole minute has passed since the end of that
second, so that no sixty seconds, wherever they begin, see more than the limit; a token bucket would let through twice
as much in its first minute. The price is that room comes back up to a second late.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

MINUTE = 60
REQUESTS, TOKENS = 1, 2
_BINS = msgspec.json.Decoder(list[list[int]])


class Window:
    """The bins of one key, as `[second, requests, tokens]`, the oldest first."""

    def __init__(self, stored: str | None, now: float) -> None:
        self.now = now
        self.second = int(now)
        self.changed = False
        bins = _BINS.decode(stored) if stored else []
        # A bin far in the future was written by a clock that has been put right since.
        self._bins = [one for one in bins if abs(self.second - one[0]) <= MINUTE]

    def stored(self) -> str:
        """The text to keep."""
        return msgspec.json.encode(self._bins).decode()

    def total(self, what: int) -> int:
        """`REQUESTS` or `TOKENS` of the last minute."""
        return sum(one[what] for one in self._bins)

    def add(self, requests: int, tokens: int) -> None:
        """Count something now."""
        self._bin(self.second, requests, tokens)

    def take_back(self, moment: float, tokens: int) -> None:
        """Count these tokens no longer, where the bin of that moment is still there."""
        if abs(self.second - int(moment)) <= MINUTE:
            self._bin(int(moment), 0, -tokens)

    def seconds_until(self, what: int, room: int) -> float:
        """How long until so much has left the window."""
        freed = 0
        for one in self._bins:
            if freed >= room:
                break
            freed += one[what]
            if freed >= room:
                return self._gone(one)
        return 0.0

    def seconds_until_empty(self, what: int) -> float:
        """How long until all of it has left, if nothing comes in."""
        filled = [one for one in self._bins if one[what]]
        return self._gone(filled[-1]) if filled else 0.0

    def _gone(self, one: Sequence[int]) -> float:
        return max(0.0, one[0] + MINUTE + 1 - self.now)

    def _bin(self, second: int, requests: int, tokens: int) -> None:
        self.changed = True
        for one in reversed(self._bins):
            if one[0] == second:
                one[REQUESTS] += requests
                one[TOKENS] += tokens
                return
        self._bins.append([second, requests, tokens])
        self._bins.sort()
