"""AutomaticModel: valid data for any schema, plain text otherwise; for tests where the content does not matter."""

from __future__ import annotations

import msgspec

from pierian.models.profiles import Profile
from pierian.models.wire import Request
from pierian.testing.double import Double
from pierian.testing.examples import example

TEXT = "This is an automatic answer."


class AutomaticModel(Double):
    """Answers every request, the same way each time.

    A request with a schema gets the smallest data that matches it (see `example`), any other gets `text`.
    """

    def __init__(
        self,
        text: str = TEXT,
        *,
        name: str = "automatic",
        embedded: bool = True,
        profile: Profile | None = None,
    ) -> None:
        super().__init__(name, embedded=embedded, profile=profile)
        self.text = text

    def reply(self, request: Request) -> str:
        """The answer to any request."""
        if request.schema is None:
            return self.text
        return msgspec.json.encode(example(request.schema)).decode()
