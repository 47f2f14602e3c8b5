"""Names for what is stored, and the time it is stored at.

Ids sort by time; nothing here is a secret but `random_text`.
"""

from __future__ import annotations

import secrets
import time
from datetime import UTC, datetime

ID_LENGTH = 26

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u to misread


def new_id() -> str:
    """A ULID (github.com/ulid/spec) in lower case: 26 characters that sort by time."""
    number = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    return "".join(_ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))


def random_text(length: int) -> str:
    """As many characters that nobody can guess, five bits of chance each."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def utc_now() -> datetime:
    """The time of day, aware."""
    return datetime.now(UTC)
