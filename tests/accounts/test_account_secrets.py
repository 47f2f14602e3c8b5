"""Secrets of accounts: one key for each user, in the keyring or a private file, and nothing readable anywhere else."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked

from pierian.accounts import secrets
from pierian.accounts.account import Service, Switches
from pierian.accounts.secrets import Sealer, Secret
from pierian.accounts.store import Accounts
from pierian.config import paths
from pierian.exceptions import SettingsError, StorageError
from pierian.storage import open_database

CANARY = "canary-correct-horse"


class Ring(KeyringBackend):
    """A keyring that keeps its passwords in memory."""

    priority = -1  # pyright: ignore[reportAssignmentType] # never chosen by itself

    def __init__(self, *, locked: bool = False) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}
        self.locked = locked

    def get_password(self, service: str, username: str) -> str | None:
        if self.locked:
            raise KeyringLocked("nobody unlocks it")
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


@pytest.fixture
def ring(monkeypatch: pytest.MonkeyPatch) -> Iterator[Ring]:
    before = keyring.get_keyring()
    monkeypatch.setattr(Ring, "priority", 5)
    made = Ring()
    keyring.set_keyring(made)
    yield made
    keyring.set_keyring(before)


def test_a_database_with_accounts_holds_no_secret(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    secret = Secret(
        password=CANARY,
        refresh_token=f"{CANARY}-refresh",
        tokens={"": (f"{CANARY}-access", 1.0)},
        client_secret=CANARY,
    )
    with open_database(paths().database) as database:
        accounts = Accounts(database)
        service = Service(kind="imap", host="127.0.0.1", port=1, username="ann")
        account = accounts.add(
            "work", "imap", "ann@example.org", [service], Switches(), secrets.sealer().seal(secret)
        )
        sealed = accounts.sealed(account)
        assert sealed is not None and secrets.sealer().open(sealed) == secret
        told = f"{account!r} {secret!r} {secret} {accounts.list()!r} {caplog.text}"
        files = [file.read_bytes() for file in paths().data.rglob("*") if file.is_file()]
        assert len(files) >= 1 and b"imap" in b"".join(files)
        for text in (told.encode(), *files):
            assert CANARY.encode() not in text


def test_unlinking_leaves_nothing_of_the_secret_behind() -> None:
    with open_database(paths().database) as database:
        accounts = Accounts(database)
        sealed = secrets.sealer().seal(Secret(password=CANARY))
        account = accounts.add("work", "imap", "ann@example.org", [], Switches(), sealed)
        accounts.seal(account, again := secrets.sealer().seal(Secret(password="another")))
        accounts.unlink(account)
        left = b"".join(file.read_bytes() for file in paths().data.rglob("*") if file.is_file())
        assert sealed not in left and again not in left


def test_the_key_lies_in_a_file_that_only_its_owner_reads() -> None:
    secrets.sealer()
    assert secrets.where() == "file"
    assert secrets.key_file().stat().st_mode & 0o777 == 0o600
    secrets.key_file().chmod(0o644)
    secrets.sealer()
    assert secrets.key_file().stat().st_mode & 0o777 == 0o600, "and is made so again"


def test_processes_that_start_together_make_one_key() -> None:
    program = "from pierian.accounts import secrets; print(secrets.sealer().seal(secrets.Secret(password='x')).decode())"
    running = [
        subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    sealed = [one.communicate(timeout=60)[0].strip().encode() for one in running]
    ours = secrets.sealer()
    assert [ours.open(one).password for one in sealed] == ["x"] * 3


@pytest.mark.parametrize("content", [b"", b"short", b"\xff\xfe\x00", b"!" * 44])
def test_a_damaged_key_file_is_told_and_not_replaced(content: bytes) -> None:
    file = secrets.key_file()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    with pytest.raises(SettingsError, match="holds no key") as raised:
        secrets.sealer()
    assert "link your accounts again" in raised.value.hint
    assert file.read_bytes() == content


def test_what_another_key_sealed_is_told_with_what_to_do() -> None:
    from cryptography.fernet import Fernet

    foreign = Sealer(Fernet.generate_key()).seal(Secret(password=CANARY))
    with pytest.raises(StorageError, match="another key") as raised:
        secrets.sealer().open(foreign)
    assert "link the account again" in raised.value.hint
    assert CANARY not in f"{raised.value!r} {raised.value.hint}"
    whole = secrets.sealer().seal(Secret(password="x"))
    with pytest.raises(StorageError):
        secrets.sealer().open(whole[:-4] + b"AAA=")


def test_a_keyring_keeps_the_key_and_no_file_does(ring: Ring) -> None:
    sealed = secrets.sealer().seal(Secret(password="x"))
    assert secrets.where() == "keyring"
    assert len(ring.kept) == 1
    assert not secrets.key_file().exists()
    assert secrets.sealer().open(sealed).password == "x"


def test_each_folder_of_settings_has_its_own_key_in_the_keyring(
    ring: Ring, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    secrets.sealer()
    monkeypatch.setenv("PIERIAN_HOME", str(tmp_path / "other"))
    secrets.sealer()
    assert len(set(ring.kept.values())) == 2


def test_a_keyring_that_is_a_file_in_plain_text_is_none(ring: Ring, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Ring, "priority", 0.5)
    secrets.sealer()
    assert ring.kept == {} and secrets.key_file().exists()


def test_a_keyring_that_stays_locked_is_passed_over(ring: Ring) -> None:
    ring.locked = True
    sealed = secrets.sealer().seal(Secret(password="x"))
    assert secrets.key_file().exists()
    ring.locked = False
    assert secrets.sealer().open(sealed).password == "x", "the file goes on being used"
