"""FunctionalModel: your function is the model; for tests where the answer depends on what was asked."""

from __future__ import annotations

from collections.abc import Callable

from pierian.models.profiles import Profile
from pierian.models.wire import Request
from pierian.testing.double import Content, Double, Reply


class FunctionalModel(Double):
    """Answers with what `function` returns: text, pieces (a generator may raise midway), or a `Reply`.

    An asynchronous generator may wait between its pieces. What the function raises reaches the caller.
    """

    def __init__(
        self,
        function: Callable[[Request], Content | Reply],
        *,
        name: str = "functional",
        embedded: bool = True,
        profile: Profile | None = None,
    ) -> None:
        super().__init__(name, embedded=embedded, profile=profile)
        self.function = function

    def reply(self, request: Request) -> Content | Reply:
        """What the function says."""
        return self.function(request)
