"""How a tool fails: a code out of a closed set, and a message for the person.

Planners see the code alone. The message may repeat what a page or a server said, so it is shown to people and written
into the journal, and reaches no model that plans.
"""

from __future__ import annotations

from typing import Literal, get_args

from pierian.exceptions import RunError

FailureCode = Literal[
    "invalid",  # the arguments are not what the tool takes
    "not_found",  # what was asked for is not there
    "denied",  # not allowed: by the user, a rule, a robots file, a permission
    "unreachable",  # a server or a file system does not answer
    "timeout",  # it took longer than it may
    "too_large",  # more than may be taken in
    "wrong_type",  # it gave something else than it says
    "budget",  # its share of the budget ran out
    "unknown",  # a crash fell between act and record: nobody knows whether it happened
    "failed",  # anything else
]
FAILURE_CODES: tuple[FailureCode, ...] = get_args(FailureCode)


class ToolFailure(RunError):
    """A tool could not do its part; `code` is all that a planner learns of it."""

    def __init__(self, code: FailureCode, message: str, *, hint: str = "") -> None:
        # Messages repeat names of files and words of servers; half a character could not be journalled.
        super().__init__(message.encode("utf-8", "replace").decode(), hint=hint)
        self.code: FailureCode = code
