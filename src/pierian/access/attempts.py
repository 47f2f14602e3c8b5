"""How often somebody may try to sign in: failures make whoever goes on wait, longer each time.

Failures are counted for a name at an address, for an address and for a name, so that neither one password tried on
many names nor one name tried from many places gets far; a name alone is slowed only gently, or anybody could lock its
owner out. Counts are those of one process and are forgotten after an hour without failures. An attempt counts as
failed from its beginning until it is known to be right: many at the same moment gain nothing.
"""

from __future__ import annotations

import ipaddress
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from msgspec import Struct

from pierian.access.denial import TooManyAttempts
from pierian.access.secret import hashed
from pierian.storage.words import clean, fold

MOST = 10_000
"""Counts that are kept of each kind; beyond it those that were not touched for longest go."""
FORGOTTEN_SECONDS = 3600.0


class Limit(Struct, frozen=True):
    """How many failures in a row cost nothing, and the longest time that one more may cost, in seconds.

    The first that costs something costs one second, each further one twice as much as the one before.
    """

    free: int
    longest: float

    def wait(self, failures: int) -> float:
        """Seconds to wait after so many failures."""
        over = failures - self.free
        return 0.0 if over <= 0 else min(self.longest, 2.0 ** min(over - 1, 60))


PAIR = Limit(5, 900.0)
ADDRESS = Limit(20, 900.0)
NAME = Limit(30, 60.0)


class _Count(Struct):
    failures: int
    at: float
    """When the last of them began."""


class Attempts:
    """The attempts to sign in at one process; safe to share between threads."""

    def __init__(self, *, passing: Callable[[], float] = time.monotonic) -> None:
        self._passing = passing
        self._lock = threading.Lock()
        self._counts: dict[Limit, OrderedDict[str, _Count]] = {
            limit: OrderedDict() for limit in (PAIR, ADDRESS, NAME)
        }

    def begin(self, name: str, address: str = "") -> None:
        """Note that somebody tries; raises `TooManyAttempts` where they have to wait, which then costs nothing."""
        now, concerned = self._passing(), self._concerned(name, address)
        with self._lock:
            wait = max((self._left(limit, key, now) for limit, key in concerned), default=0.0)
            if wait > 0:
                raise TooManyAttempts(math.ceil(wait))
            for limit, key in concerned:
                self._fail(limit, key, now)

    def succeeded(self, name: str, address: str = "") -> None:
        """Note that the attempt was right: what the name had at this address is forgotten, and it did not count."""
        with self._lock:
            for limit, key in self._concerned(name, address):
                counts = self._counts[limit]
                count = counts.get(key)
                if count is None:
                    continue
                count.failures = 0 if limit is PAIR else count.failures - 1
                if count.failures <= 0:
                    del counts[key]

    def __len__(self) -> int:
        return sum(map(len, self._counts.values()))

    def _concerned(self, name: str, address: str) -> list[tuple[Limit, str]]:
        # Hashed, so that long names take no room.
        person, place = hashed(fold(clean(name))), hashed(network(address)) if address else ""
        pairs = [(PAIR, hashed(person + place)), (NAME, person)]
        return [*pairs, (ADDRESS, place)] if place else pairs

    def _left(self, limit: Limit, key: str, now: float) -> float:
        count = self._counts[limit].get(key)
        return 0.0 if count is None else count.at + limit.wait(count.failures) - now

    def _fail(self, limit: Limit, key: str, now: float) -> None:
        counts = self._counts[limit]
        count = counts.pop(key, None)
        failures = 0 if count is None or now - count.at >= FORGOTTEN_SECONDS else count.failures
        counts[key] = _Count(failures + 1, now)
        # The oldest stand first.
        while (old := next(iter(counts))) and (
            len(counts) > MOST or now - counts[old].at >= FORGOTTEN_SECONDS
        ):
            del counts[old]


def network(address: str) -> str:
    """Whom an address stands for: of IPv6 the network of 64 bits, which is one household's or machine's."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((int(parsed), 64), strict=False))
