"""Passwords and tokens of accounts, sealed before they reach the database.

They are sealed with one key (Fernet: AES-128-CBC and HMAC-SHA256, github.com/fernet/spec), which lies in the
keyring of the operating system where there is one, else in a file beside the settings that only its owner can read.
A stolen database or backup therefore holds no password. A secret never stands in a log, an event, a prompt or an
error: its type prints as dots.
"""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Literal

import msgspec
from cryptography.fernet import Fernet, InvalidToken
from msgspec import Struct

from pierian.config import paths, write_private
from pierian.exceptions import SettingsError, StorageError

SERVICE = "pierian"
"""Under which the keyring keeps the key, one for each folder of settings."""


class Secret(Struct, frozen=True, kw_only=True, repr_omit_defaults=True):
    """What one signs in with: a password, or the tokens of an OAuth consent."""

    password: str = ""
    access_token: str = ""
    """The token for the service that it was asked for (`signing_in.fresh_secret`); never stored here."""
    refresh_token: str = ""
    tokens: dict[str, tuple[str, float]] = {}
    """Access tokens and when they expire, in seconds since 1970, by the resource that they are for."""
    scopes: tuple[str, ...] = ()
    """What the user has consented to."""
    token_url: str = ""
    client_id: str = ""
    client_secret: str = ""

    def __repr__(self) -> str:
        return "Secret(•••)"

    __str__ = __repr__


_DECODER = msgspec.json.Decoder(Secret)


class Sealer:
    """Seals and opens secrets with the key of this user."""

    def __init__(self, key: bytes) -> None:
        self._fernet = Fernet(key)

    def seal(self, secret: Secret) -> bytes:
        """The secret as it may be stored."""
        return self._fernet.encrypt(msgspec.json.encode(secret))

    def open(self, sealed: bytes) -> Secret:
        """The secret; raises `StorageError` where it was sealed with another key or was changed."""
        try:
            return _DECODER.decode(self._fernet.decrypt(sealed))
        except (InvalidToken, msgspec.DecodeError) as error:
            raise StorageError(
                "The password of this account cannot be opened: it was sealed with another key.",
                hint=f"Put the file {key_file()} of that machine here, or link the account again.",
            ) from error


def sealer() -> Sealer:
    """The sealer of this user; makes the key where there is none yet."""
    return Sealer(_from_keyring() or _from_file())


def where() -> Literal["keyring", "file"]:
    """Where the key lies."""
    return "keyring" if not key_file().exists() and _keyring() is not None else "file"


def key_file() -> Path:
    """The file that holds the key where no keyring does."""
    return paths().config / "secrets.key"


def _from_keyring() -> bytes | None:
    """The key in the keyring, None where a file holds it or there is no keyring."""
    keyring = None if key_file().exists() else _keyring()
    if keyring is None:
        return None
    from filelock import FileLock
    from keyring.errors import KeyringError

    key_file().parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        with FileLock(key_file().with_suffix(".lock"), mode=0o600):
            kept = keyring.get_password(SERVICE, _user())
            if kept is None:
                keyring.set_password(SERVICE, _user(), kept := Fernet.generate_key().decode())
    except KeyringError:
        return None  # locked, or nobody there to unlock it
    return kept.encode()


def _keyring() -> ModuleType | None:
    """The keyring's module, None where the operating system has no keyring that keeps anything, and keeps it well."""
    import keyring

    # Below 1 is what keyring itself does not recommend: none at all, and files in plain text.
    return keyring if float(keyring.get_keyring().priority) >= 1 else None


def _user() -> str:
    return str(paths().config)


def _from_file() -> bytes:
    """The key in the file, which is made if need be, once."""
    from filelock import FileLock

    file = key_file()
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with FileLock(file.with_suffix(".lock"), mode=0o600):
            if not file.exists():
                write_private(file, Fernet.generate_key().decode())
            if file.stat().st_mode & 0o077:
                file.chmod(0o600)
            key = file.read_bytes().strip()
        Fernet(key)
    except OSError as error:
        raise SettingsError(
            f"The key {file} cannot be read: {error.strerror}.", hint="Check its permissions."
        ) from error
    except ValueError as error:
        raise SettingsError(
            f"{file} is damaged: it holds no key.",
            hint="Put a copy of it in its place, or delete it and link your accounts again.",
        ) from error
    return key
