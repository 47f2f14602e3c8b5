"""Names for what is stored, and the time it is stored at.

Ids sort by time; nothing here is a secret but `random_text`.
"""

from __future__ import annotations

import secrets
import threading
import time
from datetime import UTC, datetime

ID_LENGTH = 26

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u to misread
_RANDOM_BITS = 80
_STEP_BITS = 64  # of the step within a millisecond: two processes that forked do not meet

_lock = threading.Lock()
_last = 0


def new_id() -> str:
    """A ULID (github.com/ulid/spec) in lower case: 26 characters that sort by time.

    Those of one process sort as they were made, within a millisecond too and
    after the clock was set back, so that a list by id is a list by age.
    """
    global _last
    with _lock:
        drawn = (time.time_ns() // 1_000_000) << _RANDOM_BITS | secrets.randbits(_RANDOM_BITS)
        if drawn >> _RANDOM_BITS <= _last >> _RANDOM_BITS:
            drawn = _last + 1 + secrets.randbits(_STEP_BITS)
        number = _last = drawn
    return "".join(_ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))


def random_text(length: int) -> str:
    """As many characters that nobody can guess, five bits of chance each."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def utc_now() -> datetime:
    """The time of day, aware."""
    return datetime.now(UTC)
