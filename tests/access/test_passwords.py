"""Passwords: what will do, who gets in with one, and that a refusal tells nothing."""

from __future__ import annotations

import threading

import pytest
from argon2 import PasswordHasher
from sqlalchemy import select

from pierian.access import AccessDenied, Passwords, SignInRefused, TooManyAttempts, Users
from pierian.access import passwords as module
from pierian.exceptions import UserError
from pierian.storage import Database
from pierian.storage.tables import passwords

GOOD = "correct horse battery"


def stored(database: Database) -> str:
    with database.read() as connection:
        return connection.execute(select(passwords.c.password_hash)).scalar_one()


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_it_is_argon2id_with_the_usual_costs(database: Database) -> None:
    ada = Users(database).create("Ada")
    Passwords(database).set(ada.id, GOOD)
    assert stored(database).startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert GOOD not in stored(database)
    assert Passwords(database).check("Ada", GOOD) == ada


@pytest.mark.usefixtures("quick")
def test_a_password_from_the_first_to_the_last_day(database: Database) -> None:
    ada, kept = Users(database).create("Ada"), Passwords(database)
    assert not kept.has(ada.id)
    kept.set(ada.id, GOOD)
    assert kept.has(ada.id)
    assert kept.check(" ADA ", GOOD) == ada
    kept.set(ada.id, "another long one")
    with pytest.raises(SignInRefused):
        kept.check("Ada", GOOD)
    assert kept.check("Ada", "another long one") == ada
    assert kept.remove(ada.id)
    assert not kept.remove(ada.id)
    with pytest.raises(SignInRefused):
        kept.check("Ada", "another long one")


def test_every_refusal_says_the_same_and_costs_the_same(
    database: Database, quick: PasswordHasher, monkeypatch: pytest.MonkeyPatch
) -> None:
    users, kept = Users(database), Passwords(database)
    for name in ("Ada", "Bob", "Eve"):
        one = users.create(name)
        if name != "Bob":
            kept.set(one.id, GOOD)
    users.disable("Eve")
    made: list[str] = []
    verify = quick.verify
    monkeypatch.setattr(Passwords, "_hasher", Counting(quick, made))
    assert verify(stored_of(database, "Ada"), GOOD)
    errors = list[SignInRefused]()
    for name, password, reason in (
        ("Nobody", GOOD, "unknown"),
        ("Bob", GOOD, "unset"),
        ("Ada", "wrong password", "wrong"),
        ("Ada", "", "wrong"),
        ("Ada", GOOD * 100_000, "wrong"),
        ("Eve", GOOD, "disabled"),
        ("Eve", "wrong password", "wrong"),
        ("\x00\udcff", "\udcff", "unknown"),
    ):
        before = len(made)
        with pytest.raises(SignInRefused) as caught:
            Passwords.check(kept, name, password)
        assert caught.value.reason == reason
        assert len(made) == before + 1, "one hash each"
        assert made[-1].startswith("$argon2id$"), "and a real one"
        errors.append(caught.value)
    assert len({(str(error), error.hint) for error in errors}) == 1
    assert all(isinstance(error, AccessDenied) for error in errors)


class Counting:
    """A hasher that notes what it verifies."""

    def __init__(self, hasher: PasswordHasher, made: list[str]) -> None:
        self.hasher, self.made = hasher, made

    def verify(self, stored: str, password: str) -> bool:
        self.made.append(stored)
        return self.hasher.verify(stored, password)

    def __getattr__(self, name: str) -> object:
        return getattr(self.hasher, name)


def stored_of(database: Database, name: str) -> str:
    user = Users(database).get(name).id
    with database.read() as connection:
        query = select(passwords.c.password_hash).where(passwords.c.user_id == user)
        return connection.execute(query).scalar_one()


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("password", "says"),
    [
        ("", "too short"),
        ("nine chars"[:9], "too short"),
        ("x" * 1001, "too long"),
        (" " * 20, "only spaces"),
        ("Ada Lovelace", "only the name"),
        ("ADALOVELACE", "only the name"),
        ("ada lovelace ada lovelace", "only the name"),
    ],
)
def test_what_is_no_password(database: Database, password: str, says: str) -> None:
    ada = Users(database).create("Ada Lovelace")
    with pytest.raises(UserError, match=says) as caught:
        Passwords(database).set(ada.id, password)
    assert caught.value.hint
    if len(password) > 3:
        assert password not in f"{caught.value} {caught.value.hint}"
    assert not Passwords(database).has(ada.id)


@pytest.mark.usefixtures("quick")
def test_one_form_for_letters_that_can_be_typed_in_several(database: Database) -> None:
    ada = Users(database).create("Ada")
    Passwords(database).set(ada.id, "a\u0308pfel und birnen")
    assert Passwords(database).check("Ada", "äpfel und birnen") == ada
    with pytest.raises(SignInRefused):
        Passwords(database).check("Ada", "ÄPFEL UND BIRNEN")


def test_a_hash_of_old_costs_is_made_anew(
    database: Database, quick: PasswordHasher, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = Users(database).create("Ada")
    Passwords(database).set(ada.id, GOOD)
    before = stored(database)
    assert Passwords(database).check("Ada", GOOD) == ada
    assert stored(database) == before
    monkeypatch.setattr(Passwords, "_hasher", PasswordHasher(time_cost=2, memory_cost=16, parallelism=1))
    assert Passwords(database).check("Ada", GOOD) == ada
    assert "m=16,t=2" in stored(database)
    assert Passwords(database).check("Ada", GOOD) == ada


@pytest.mark.usefixtures("quick")
def test_too_many_at_the_same_time_are_refused(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.01)
    monkeypatch.setattr(module, "_turns", threading.BoundedSemaphore(1))
    with module._turn(), pytest.raises(TooManyAttempts):
        Passwords(database).check("Ada", GOOD)


@pytest.mark.usefixtures("quick")
def test_a_user_who_is_gone(database: Database) -> None:
    ada = Users(database).create("Ada")
    Passwords(database).set(ada.id, GOOD)
    Users(database).delete("Ada")
    assert not Passwords(database).has(ada.id)
    with pytest.raises(UserError, match="deleted meanwhile"):
        Passwords(database).set(ada.id, GOOD)
