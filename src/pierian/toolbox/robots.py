"""What a host's robots.txt allows (RFC 9309), remembered for a day.

A host without the file (4xx) allows everything, one that fails over it (5xx) nothing. Where the file cannot be
fetched at all, everything is allowed, other than the RFC has it: the page itself will then hardly be fetched, and
its own failure says more than "denied". Crawl delays are for crawlers and not kept.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from pierian.tools import ToolFailure

if TYPE_CHECKING:
    import httpx2
    from protego import Protego

MOST_ROBOTS_BYTES = 500 * 1024
"""The RFC's least; what comes after is not read."""
KEPT_SECONDS = 24 * 3600.0
KEPT_AFTER_FAILURE_SECONDS = 300.0
MOST_HOSTS = 500
_FETCH_SECONDS = 6.0


class Robots:
    """The rules of the hosts asked so far. `fetch` gives status and body, or raises `ToolFailure`."""

    def __init__(
        self,
        fetch: Callable[[httpx2.URL], Awaitable[tuple[int, bytes]]],
        user_agent: str,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch, self._user_agent, self._now = fetch, user_agent, now
        self._rules: dict[str, tuple[float, Protego | bool]] = {}

    async def allow(self, target: httpx2.URL) -> bool:
        """Whether the page may be fetched."""
        origin = f"{target.scheme}://{target.netloc.decode('ascii')}"
        kept = self._rules.get(origin)
        if kept is None or kept[0] <= self._now():
            kept = await self._asked(target)
            self._rules.pop(origin, None)
            self._rules[origin] = kept
            if len(self._rules) > MOST_HOSTS:
                del self._rules[next(iter(self._rules))]
        rules = kept[1]
        return rules if isinstance(rules, bool) else rules.can_fetch(str(target), self._user_agent)

    async def _asked(self, target: httpx2.URL) -> tuple[float, Protego | bool]:
        from protego import Protego

        try:
            async with asyncio.timeout(_FETCH_SECONDS):
                status, body = await self._fetch(target.copy_with(raw_path=b"/robots.txt"))
        except (ToolFailure, TimeoutError):
            return self._now() + KEPT_AFTER_FAILURE_SECONDS, True
        if status >= 500:
            return self._now() + KEPT_AFTER_FAILURE_SECONDS, False
        if status >= 400:
            return self._now() + KEPT_SECONDS, True
        rules = Protego.parse(body.decode("utf-8-sig", errors="replace"))
        return self._now() + KEPT_SECONDS, rules
