"""One-time links: they work once, for a while, and put an end to what was before."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from tests.access.conftest import Clock
from tests.postgresql import address

from pierian.access import AccessDenied, Links, Passwords, Sessions, User, Users
from pierian.access.secret import LINK_PREFIX, new_secret
from pierian.exceptions import UserError
from pierian.storage import Database, open_storage

GOOD = "correct horse battery"
pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture
def ada(database: Database) -> User:
    return Users(database).create("Ada")


def test_a_first_visit(database: Database, ada: User) -> None:
    links = Links(database)
    code = links.create(ada.id)
    assert links.open(code) == links.open(code) == ada
    used = links.use(code, GOOD, "Ada Lovelace")
    assert (used.id, used.name) == (ada.id, "Ada Lovelace")
    assert Passwords(database).check("ada lovelace", GOOD) == used
    for act in (links.open, lambda one: links.use(one, "another long one")):
        with pytest.raises(AccessDenied) as caught:
            act(code)
        assert caught.value.reason == "used"
    assert Passwords(database).check("ada lovelace", GOOD) == used


def test_a_forgotten_password(database: Database, ada: User) -> None:
    Passwords(database).set(ada.id, "the forgotten one")
    _, secret = Sessions(database).begin(ada.id)
    Links(database).use(Links(database).create(ada.id), GOOD)
    with pytest.raises(AccessDenied):
        Sessions(database).check(secret)
    with pytest.raises(AccessDenied):
        Passwords(database).check("Ada", "the forgotten one")
    assert Passwords(database).check("Ada", GOOD) == ada


def test_a_link_that_is_refused_still_works_where_only_the_choice_was_wrong(
    database: Database, ada: User
) -> None:
    Users(database).create("Bob")
    links = Links(database)
    code = links.create(ada.id)
    for password, name in (("short", None), ("ada ada ada ada", None), (GOOD, "BOB"), (GOOD, "")):
        with pytest.raises(UserError) as caught:
            links.use(code, password, name)
        assert not isinstance(caught.value, AccessDenied)
    assert not Passwords(database).has(ada.id)
    assert links.use(code, GOOD) == ada


def test_every_refusal_looks_the_same(database: Database, ada: User, clock: Clock) -> None:
    links = Links(database, clock=clock)
    eve = Users(database).create("Eve")
    codes = {
        "malformed": "abc",
        "unknown": new_secret(LINK_PREFIX).text,
        "disabled": links.create(eve.id, 48),
    }
    Users(database).disable("Eve")
    codes["expired"] = links.create(ada.id, 24)
    clock.now += timedelta(hours=24) - timedelta(microseconds=1)
    assert links.open(codes["expired"]) == ada
    clock.now += timedelta(microseconds=1)
    errors = list[AccessDenied]()
    for reason, code in codes.items():
        for act in (links.open, lambda one: links.use(one, GOOD)):
            with pytest.raises(AccessDenied) as caught:
                act(code)
            assert caught.value.reason == reason
            errors.append(caught.value)
    assert len({(str(error), error.hint) for error in errors}) == 1
    assert not Passwords(database).has(ada.id)


def test_a_new_link_ends_the_older_ones(database: Database, ada: User) -> None:
    links, bob = Links(database), Users(database).create("Bob")
    old, his = links.create(ada.id), links.create(bob.id)
    new = links.create(ada.id)
    with pytest.raises(AccessDenied):
        links.open(old)
    assert links.open(new) == ada
    assert links.open(his) == bob


@pytest.mark.parametrize("hours", [0, -1, float("nan"), float("inf"), 10**6])
def test_how_long_a_link_cannot_work(database: Database, ada: User, hours: float) -> None:
    with pytest.raises(UserError, match="cannot work for"):
        Links(database).create(ada.id, hours)
    with pytest.raises(UserError, match="deleted meanwhile"):
        Links(database).create("nobody")


def test_two_who_use_it_at_once(database: Database, ada: User) -> None:
    code = Links(database).create(ada.id)
    gate, through = threading.Barrier(3), list[str]()

    def use(password: str) -> None:
        with open_storage(address(database), database.path) as mine:
            gate.wait()
            try:
                Links(mine).use(code, password)
                through.append(password)
            except AccessDenied:
                pass

    threads = [threading.Thread(target=use, args=(f"password number {n}",)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(through) == 1
    assert Passwords(database).check("Ada", through[0]) == ada
