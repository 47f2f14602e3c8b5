"""Which servers have probably read the beginning of a prompt already: a bounded memory of message boundaries.

A server keeps what it read of earlier prompts, and a prompt that begins alike costs it only the rest. What
it really keeps is its own affair and is not asked for: this remembers where prompts were sent, as the
cache-aware router of SGLang does (Zheng et al., "SGLang: Efficient Execution of Structured Language Model
Programs", 2024), with hashes of message boundaries in place of a tree of texts. It is wrong now and then, which
costs reading a prompt again and nothing else.
"""

from __future__ import annotations

from collections import OrderedDict

from pierian.models.wire import Request

MOST_BOUNDARIES = 16_384


def boundaries(model: str, request: Request) -> list[int]:
    """A hash of the prompt up to the end of each message, the shortest beginning first.

    Tools stand before the messages in every chat template, so other tools are another beginning.
    """
    tools = tuple((tool.name, tool.description) for tool in request.tools)
    running, found = hash((model, tools)), list[int]()
    for message in request.messages:
        running = hash((running, message))
        found.append(running)
    return found


class Affinity:
    """Remembers for each boundary the set of servers that read up to there, as bits; the oldest fall out."""

    def __init__(self, most: int = MOST_BOUNDARIES) -> None:
        self._most = most
        self._servers: OrderedDict[int, int] = OrderedDict()

    def longest(self, marks: list[int], among: int) -> int:
        """The servers of `among` that read the longest known beginning; 0 where none did."""
        for mark in reversed(marks):
            if found := self._servers.get(mark, 0) & among:
                return found
        return 0

    def remember(self, marks: list[int], server: int) -> None:
        """`server` has read a prompt with these boundaries."""
        for mark in reversed(marks):  # the shortest beginnings are shared most: they are to fall out last
            self._servers[mark] = self._servers.pop(mark, 0) | server
        while len(self._servers) > self._most:
            self._servers.popitem(last=False)

    def forget(self, server: int) -> None:
        """`server` has ended, and all that it had read is gone."""
        kept = ((mark, servers & ~server) for mark, servers in self._servers.items())
        self._servers = OrderedDict((mark, servers) for mark, servers in kept if servers)
