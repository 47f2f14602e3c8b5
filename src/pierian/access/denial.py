"""The refusals of this room: whatever is wrong with a secret or a password, whoever shows it learns the same."""

from __future__ import annotations

from typing import Literal

from pierian.exceptions import UserError

Reason = Literal["malformed", "unknown", "expired", "revoked", "disabled", "used", "wrong", "unset"]
"""For the log of the server; never for whoever was refused."""


class AccessDenied(UserError):
    """A key, an invitation or a link is not valid.

    Message and hint do not say why; `reason` does, for logs only.
    """

    def __init__(self, reason: Reason, what: str = "key") -> None:
        super().__init__(
            f"This {what} is not valid.",
            hint=f"Check that it was copied whole, or ask whoever gave you the {what} for a new one.",
        )
        self.reason: Reason = reason


class SessionEnded(AccessDenied):
    """A session is over, or never was."""

    def __init__(self, reason: Reason) -> None:
        UserError.__init__(self, "You are not signed in any more.", hint="Sign in again.")
        self.reason = reason


class SignInRefused(AccessDenied):
    """A name and a password do not belong together, or whoever they belong to may not sign in."""

    def __init__(self, reason: Reason) -> None:
        UserError.__init__(
            self,
            "The name or the password is not right.",
            hint="Try again. Whoever runs this server can make a link for a new password: pierian users link NAME",
        )
        self.reason = reason


class TooManyAttempts(UserError):
    """Somebody has failed too often and has to wait so many `seconds`."""

    def __init__(self, seconds: int) -> None:
        wait = (
            f"{seconds} second{'s' if seconds != 1 else ''}"
            if seconds < 120
            else f"{-(-seconds // 60)} minutes"
        )
        super().__init__(f"There were too many attempts. Wait {wait}, then try again.")
        self.seconds = seconds
