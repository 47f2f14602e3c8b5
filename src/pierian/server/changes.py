"""Who waits for something to change is told: runs, by their ids, and whatever else has one.

This reaches waiters in the same process only: whoever has to hear of changes by others looks again now and then.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Generator


class Changes:
    """Tells of changes by name."""

    def __init__(self) -> None:
        self._watches: dict[str, set[Watch]] = {}

    def tell(self, name: str) -> None:
        """What has this name has changed."""
        for watch in self._watches.get(name, ()):
            watch.told(name)

    @contextlib.contextmanager
    def watching(self, *names: str) -> Generator[Watch]:
        """A watch over these names, while the block lasts; it may take up others."""
        watch = Watch(self._watches)
        try:
            for name in names:
                watch.add(name)
            yield watch
        finally:
            watch.close()


class Watch:
    """What changed since it was asked last; nothing is missed between two waits."""

    def __init__(self, watches: dict[str, set[Watch]]) -> None:
        self._watches = watches
        self._names: set[str] = set()
        self._changed: set[str] = set()
        self._event = asyncio.Event()

    def add(self, name: str) -> None:
        """Watch this name too."""
        self._names.add(name)
        self._watches.setdefault(name, set()).add(self)

    def told(self, name: str) -> None:
        """Note a change."""
        self._changed.add(name)
        self._event.set()

    async def wait(self, seconds: float) -> frozenset[str]:
        """The names of what has changed, once something has; none where nothing has for so long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._event.wait()
        changed = frozenset(self._changed)
        self._changed.clear()
        self._event.clear()
        return changed

    def close(self) -> None:
        """Watch nothing any more."""
        for name in self._names:
            watches = self._watches.get(name, set())
            watches.discard(self)
            if not watches:
                self._watches.pop(name, None)
