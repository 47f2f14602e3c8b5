"""How writing ends where it does not go well: refused, gone, changed by others, or sent and not seen again.

Once something was sent, an error says nothing about whether it was done.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from pierian.accounts.troubles import FAILURE_OF, AccountError
from pierian.exceptions import PierianError, RunError, UserError
from pierian.tools import ToolFailure


class NotAllowed(UserError):
    """A switch of the account, or the calendar itself, does not allow it."""


class Gone(UserError):
    """There is no such event or calendar, or no longer."""


class Changed(UserError):
    """Somebody else has changed the event meanwhile; nothing was written."""


class Taken(UserError):
    """There is an event already where a new one was to be."""


class NotSeen(RunError):
    """Something was sent to the server, and what came of it could not be read back."""


@contextmanager
def sent() -> Generator[None]:
    """From here on the server has what was sent: whatever goes wrong says nothing about that."""
    try:
        yield
    except NotSeen:
        raise
    except PierianError as error:
        raise NotSeen(f"It was sent to the server; then this went wrong: {error}", hint=error.hint) from error


@contextmanager
def failing() -> Generator[None]:
    """Turns what goes wrong into failures with codes: that is all that a planner learns of it."""
    try:
        yield
    except NotAllowed as error:
        raise ToolFailure("denied", str(error), hint=error.hint) from error
    except Gone as error:
        raise ToolFailure("not_found", str(error), hint=error.hint) from error
    except UserError as error:
        raise ToolFailure("invalid", str(error), hint=error.hint) from error
    except NotSeen as error:
        raise ToolFailure("unknown", str(error), hint=error.hint) from error
    except AccountError as error:
        raise ToolFailure(FAILURE_OF[error.code], str(error), hint=error.hint) from error
