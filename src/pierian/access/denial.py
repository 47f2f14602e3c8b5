"""The one refusal of a secret: whatever is wrong with it, whoever shows it learns the same."""

from __future__ import annotations

from typing import Literal

from pierian.exceptions import UserError

Reason = Literal["malformed", "unknown", "expired", "revoked", "disabled", "used"]
"""For the log of the server; never for whoever was refused."""


class AccessDenied(UserError):
    """A key or an invitation is not valid. Message and hint do not say why; `reason` does, for logs only."""

    def __init__(self, reason: Reason, what: str = "key") -> None:
        super().__init__(
            f"This {what} is not valid.",
            hint=f"Check that it was copied whole, or ask whoever gave you the {what} for a new one.",
        )
        self.reason: Reason = reason
