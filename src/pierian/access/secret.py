"""Secrets that are shown once: made, checked for typing errors, and hashed for storing.

A secret is a prefix and 50 characters of Crockford's base 32: 46 random ones and a checksum of 4, so that a secret
which was mistyped or cut off is told from one that nobody knows without asking the database, and leak scanners can
tell ours from other text. The checksum is a function of the visible characters alone: it says nothing about which
secrets exist.

What is stored is SHA-256 of the secret. Slow hashes (scrypt, Argon2) are for passwords, which people choose and
which can therefore be guessed; 230 random bits cannot be, at any speed, and a slow hash would make every request
slow and the server easy to stall. No salt is needed either: no two secrets are alike, and no table can hold them.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

from msgspec import Struct

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
RANDOM_LENGTH, CHECKSUM_LENGTH = 46, 4
SHOWN_LENGTH = 6
"""Of the random characters, to recognise a secret by in lists; 200 bits stay unknown."""

KEY_PREFIX = "pierian-"
INVITE_PREFIX = "pierian-invite-"
LINK_PREFIX = "pierian-link-"
SESSION_PREFIX = "pierian-session-"


class Secret(Struct, frozen=True):
    """A new secret: its text, which is shown once; how it begins; and its hash."""

    text: str
    shown: str
    hash: str


def new_secret(prefix: str) -> Secret:
    """A secret that nobody has had before."""
    body = "".join(secrets.choice(ALPHABET) for _ in range(RANDOM_LENGTH))
    text = f"{prefix}{body}{checksum(prefix + body)}"
    return Secret(text, text[: len(prefix) + SHOWN_LENGTH], hashed(text))


def well_formed(text: str, prefix: str) -> bool:
    """Whether `text` can be a secret of ours at all."""
    body = text[: -CHECKSUM_LENGTH or None]
    expected = f"{body}{checksum(body)}"
    whole = len(text) == len(prefix) + RANDOM_LENGTH + CHECKSUM_LENGTH and text.startswith(prefix)
    return hmac.compare_digest(text.encode("utf-8", "replace"), expected.encode("utf-8", "replace")) and whole


def checksum(text: str) -> str:
    """Four characters that a typing error changes."""
    number = int.from_bytes(hashlib.sha256(text.encode("utf-8", "replace")).digest()[:4])
    return "".join(ALPHABET[number >> shift & 31] for shift in range(5 * (CHECKSUM_LENGTH - 1), -1, -5))


def hashed(text: str) -> str:
    """What is stored of a secret."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def without_secret(text: str) -> str:
    """What somebody typed as an id, for a message: a secret that was pasted there is not repeated."""
    return f"{KEY_PREFIX}…" if text.startswith(KEY_PREFIX) else text[:40]
