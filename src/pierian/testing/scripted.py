"""ScriptedModel: a strict queue of replies; for tests that fix exactly which calls are made.

A call for which no reply is left and a reply that no call asked for are two different mistakes, so they are
two different errors. Both are assertion failures: code under test that handles model errors does not hide
them.
"""

from __future__ import annotations

import copy
from collections import deque
from types import TracebackType
from typing import Self

from pierian.models.profiles import Profile
from pierian.models.wire import Request
from pierian.testing.double import Content, Double, Reply


class UnexpectedCall(AssertionError):
    """The model was called once more than there are replies."""


class UnusedReplies(AssertionError):
    """The test ended before every reply was asked for."""


class ScriptedModel(Double):
    """Answers the calls with `replies`, in order; an exception among them is raised.

    `requests` holds a detached copy of each request, as it was when it came. Leaving a `with` block without
    an error calls `assert_complete`.
    """

    def __init__(
        self,
        *replies: Content | Reply | Exception,
        name: str = "scripted",
        embedded: bool = True,
        profile: Profile | None = None,
    ) -> None:
        super().__init__(name, embedded=embedded, profile=profile)
        self.requests: list[Request] = []
        self._replies = deque(replies)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.assert_complete()

    def reply(self, request: Request) -> Content | Reply:
        """The next reply of the script; raises `UnexpectedCall` after the last."""
        self.requests.append(copy.deepcopy(request))
        if not self._replies:
            asked = request.messages[-1].content[:200] if request.messages else ""
            raise UnexpectedCall(f"Call {len(self.requests)} has no reply in the script. It asks: {asked!r}")
        reply = self._replies.popleft()
        if isinstance(reply, Exception):
            raise reply
        return reply

    def assert_complete(self) -> None:
        """Raise `UnusedReplies` unless every reply was asked for."""
        if self._replies:
            shown = ", ".join(repr(reply)[:80] for reply in self._replies)
            raise UnusedReplies(f"{len(self._replies)} replies of the script were never asked for: {shown}")
