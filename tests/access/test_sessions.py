"""Sessions last as long as they are used, end when they are ended, and their secrets are nowhere."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import event, select
from tests.access.conftest import NOON, Clock

from pierian.access import AccessDenied, Sessions, User, Users
from pierian.access.secret import SESSION_PREFIX, new_secret
from pierian.storage import Database
from pierian.storage.tables import sessions as table

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)


class Passing:
    now = 0.0

    def __call__(self) -> float:
        self.now += 10  # nothing is remembered for so long
        return self.now


@pytest.fixture
def ada(database: Database) -> User:
    return Users(database).create("Ada")


@pytest.fixture
def sessions(database: Database, clock: Clock) -> Sessions:
    return Sessions(database, clock=clock, passing=Passing())


def test_a_session(database: Database, sessions: Sessions, ada: User) -> None:
    session, secret = sessions.begin(ada.id, "  Browser\n1.0 \u202e(X11) ")
    assert secret.startswith(SESSION_PREFIX)
    assert session.agent == "Browser 1.0 (X11)"
    assert sessions.check(secret) == (session, ada)
    with database.read() as connection:
        row = connection.execute(select(table)).one()
    assert secret not in repr(row)
    assert sessions.begin(ada.id)[1] != secret, "each sign-in has its own"
    assert [one.id for one in sessions.list(ada.id)][1] == session.id
    assert sessions.end(secret)
    assert not sessions.end(secret)
    with pytest.raises(AccessDenied):
        sessions.check(secret)


def test_it_ends_after_thirty_days_without_use(sessions: Sessions, ada: User, clock: Clock) -> None:
    _, used = sessions.begin(ada.id)
    _, left = sessions.begin(ada.id)
    clock.now += 29 * DAY
    sessions.check(used)
    clock.now += 2 * DAY
    assert sessions.check(used)[0].seen_at == clock.now
    with pytest.raises(AccessDenied) as caught:
        sessions.check(left)
    assert caught.value.reason == "expired"
    assert len(sessions.list(ada.id)) == 1


def test_it_ends_after_ninety_days_in_all(sessions: Sessions, ada: User, clock: Clock) -> None:
    _, secret = sessions.begin(ada.id)
    for _ in range(89):
        clock.now += DAY
        sessions.check(secret)
    clock.now += DAY - MINUTE
    assert sessions.check(secret)[0].expires_at == NOON + 90 * DAY
    clock.now += MINUTE
    with pytest.raises(AccessDenied):
        sessions.check(secret)


def test_use_is_noted_once_a_minute(database: Database, sessions: Sessions, ada: User, clock: Clock) -> None:
    _, secret = sessions.begin(ada.id)
    writes: list[str] = []

    def note(_c: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("UPDATE"):
            writes.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    for _ in range(180):
        clock.now += timedelta(seconds=1)
        sessions.check(secret)
    event.remove(database.engine, "before_cursor_execute", note)
    assert len(writes) == 3


def test_every_refusal_looks_the_same(
    database: Database, sessions: Sessions, ada: User, clock: Clock
) -> None:
    _, expired = sessions.begin(ada.id)
    eve = Users(database).create("Eve")
    _, disabled = sessions.begin(eve.id)
    clock.now += 31 * DAY
    Users(database).disable("Eve")
    refused = {
        "malformed": "abc",
        "unknown": new_secret(SESSION_PREFIX).text,
        "expired": expired,
        "disabled": disabled,
    }
    errors = list[AccessDenied]()
    for reason, secret in refused.items():
        with pytest.raises(AccessDenied) as caught:
            sessions.check(secret)
        assert caught.value.reason == reason
        errors.append(caught.value)
    assert len({(str(error), error.hint) for error in errors}) == 1
    for nobody in (eve.id, "nobody"):
        with pytest.raises(AccessDenied):
            sessions.begin(nobody)


def test_ending_the_others(database: Database, sessions: Sessions, ada: User) -> None:
    bob = Users(database).create("Bob")
    _, theirs = sessions.begin(bob.id)
    mine, secret = sessions.begin(ada.id)
    other, lost = sessions.begin(ada.id)
    sessions.begin(ada.id)
    assert not sessions.end_one(other.id, bob.id), "not his"
    assert sessions.end_one(other.id, ada.id)
    with pytest.raises(AccessDenied):
        sessions.check(lost)
    assert sessions.end_all(ada.id, except_id=mine.id) == 1
    assert sessions.check(secret)[0].id == mine.id
    assert sessions.last_seen() == {one: sessions.list(one)[0].seen_at for one in (ada.id, bob.id)}
    assert sessions.end_all(ada.id) == 1
    assert sessions.list(ada.id) == []
    assert [*sessions.last_seen()] == [bob.id]
    sessions.check(theirs)


def test_what_is_remembered_is_forgotten_when_it_ends(database: Database, ada: User, clock: Clock) -> None:
    now = [0.0]
    sessions = Sessions(database, clock=clock, passing=lambda: now[0])
    _, secret = sessions.begin(ada.id)
    sessions.check(secret)
    Users(database).disable("Ada")
    assert sessions.check(secret)[1].name == "Ada", "remembered for two seconds"
    now[0] += 2
    with pytest.raises(AccessDenied):
        sessions.check(secret)
    Users(database).enable("Ada")
    sessions.check(secret)
    sessions.end(secret)
    with pytest.raises(AccessDenied):
        sessions.check(secret)
    _, secret = sessions.begin(ada.id)
    sessions.check(secret)
    clock.now += 30 * DAY
    with pytest.raises(AccessDenied):
        sessions.check(secret)


def test_old_ones_are_cleared_away(database: Database, sessions: Sessions, ada: User, clock: Clock) -> None:
    for _ in range(3):
        sessions.begin(ada.id)
    clock.now += 31 * DAY
    sessions.begin(ada.id)
    with database.read() as connection:
        assert len(connection.execute(select(table.c.id)).all()) == 1
