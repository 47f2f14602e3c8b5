"""A key works until it expires, is revoked or rotated; whoever shows a wrong one learns nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event, text

from pierian.access import AccessDenied, Grant, Key, Keys, Users
from pierian.access.keys import REMEMBERED_SECONDS, key_as_json
from pierian.access.secret import KEY_PREFIX, new_secret
from pierian.exceptions import UnknownName, UserError
from pierian.storage import Database

NOON = datetime(2026, 11, 3, 12, 0, tzinfo=UTC)


@dataclass
class Clock:
    now: datetime = NOON
    passed: float = 0.0

    def __call__(self) -> datetime:
        return self.now

    def passing(self) -> float:
        return self.passed


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keys(database: Database, clock: Clock) -> Keys:
    Users(database, clock=clock).create("Ada")
    return elsewhere(database, clock)


def elsewhere(database: Database, clock: Clock) -> Keys:
    """The same keys, as another process sees them."""
    return Keys(database, clock=clock, passing=clock.passing)


def refused(keys: Keys, secret: str) -> AccessDenied:
    with pytest.raises(AccessDenied) as caught:
        keys.verify(secret)
    return caught.value


def test_a_key_says_whose_it_is_and_what_it_allows(keys: Keys) -> None:
    grant = Grant(("thinking",), ("small",), 60, 1_000, 4, 5 * 10**9, 50 * 10**9, NOON + timedelta(days=1))
    key, secret = keys.create("ada", "laptop", grant)
    assert keys.verify(secret).grant == grant
    assert (key.user_name, key.role, key.name) == ("Ada", "member", "laptop")
    assert secret.startswith(key.shown)
    assert keys.show(key.id[:20]).grant == grant
    assert key.grant.allows(mode="thinking", model="small")
    assert not key.grant.allows(mode="instant")
    assert not key.grant.allows(model="large")
    assert Grant().allows(mode="instant", model="anything")


def test_what_is_named_of_one_kind_closes_the_other() -> None:
    modes, models = Grant(modes=("instant",)), Grant(models=("small",))
    assert modes.allows(mode="instant", model="small")
    assert not modes.allows(model="small")
    assert models.allows(model="small")
    assert models.allows(mode="thinking", model="small")
    assert not models.allows(mode="thinking", model="large")


def test_the_secret_is_not_stored(keys: Keys, database: Database) -> None:
    key, secret = keys.create("Ada")
    with database.read() as connection:
        (row,) = connection.execute(text("SELECT * FROM keys")).all()
    assert all(secret not in str(cell) and secret[20:40] not in str(cell) for cell in row)
    assert secret not in str(key_as_json(key))


def test_the_expiry_is_kept_to_the_moment(keys: Keys, clock: Clock) -> None:
    _, secret = keys.create("Ada", grant=Grant(expires_at=NOON + timedelta(hours=1)))
    clock.now = NOON + timedelta(hours=1, microseconds=-1)
    keys.verify(secret)
    clock.now += timedelta(microseconds=1)
    assert refused(keys, secret).reason == "expired"  # also where it was just remembered
    assert refused(elsewhere(keys.database, clock), secret).reason == "expired"


def test_what_was_refused_looks_the_same_whatever_the_reason(
    keys: Keys, clock: Clock, database: Database
) -> None:
    secrets = {"unknown": new_secret(KEY_PREFIX).text, "malformed": "sk-123"}
    _, secrets["expired"] = keys.create("Ada", grant=Grant(expires_at=NOON + timedelta(hours=1)))
    revoked, secrets["revoked"] = keys.create("Ada")
    keys.revoke(revoked.id)
    Users(database).create("Bob")
    _, secrets["disabled"] = keys.create("Bob")
    Users(database).disable("Bob")
    clock.now += timedelta(hours=1)
    asked: dict[str, list[str]] = {}

    def note(*of: object) -> None:
        statements.append(str(of[2]))

    errors = dict[str, AccessDenied]()
    event.listen(database.engine, "before_cursor_execute", note)
    for reason, secret in secrets.items():
        statements = asked[reason] = []
        errors[reason] = refused(keys, secret)
    event.remove(database.engine, "before_cursor_execute", note)
    assert {reason: error.reason for reason, error in errors.items()} == {r: r for r in secrets}
    assert len({(str(error), error.hint) for error in errors.values()}) == 1
    # The same statements for all that the database is asked about: the work does not tell them apart.
    assert asked.pop("malformed") == []
    assert len({tuple(statements) for statements in asked.values()}) == 1


def test_revoking_works_at_once_here_and_within_two_seconds_elsewhere(keys: Keys, clock: Clock) -> None:
    other = elsewhere(keys.database, clock)
    key, secret = keys.create("Ada")
    for one in (keys, other):
        one.verify(secret)
    assert keys.revoke(key.id).state(NOON) == "revoked"
    assert refused(keys, secret).reason == "revoked"
    clock.passed += REMEMBERED_SECONDS
    assert REMEMBERED_SECONDS <= 2
    assert refused(other, secret).reason == "revoked"
    with pytest.raises(UserError, match="is revoked"):
        keys.rotate(key.id)
    with pytest.raises(UserError, match="is revoked"):
        keys.revoke(key.id)


def test_a_remembered_key_asks_the_database_nothing(keys: Keys, database: Database) -> None:
    _, secret = keys.create("Ada")
    keys.verify(secret)
    database.engine.dispose()
    asked: list[object] = []
    event.listen(database.engine, "before_cursor_execute", lambda *of: asked.append(of))
    keys.verify(secret)
    assert asked == []


async def test_check_is_verify_for_an_event_loop(keys: Keys) -> None:
    key, secret = keys.create("Ada")
    assert (await keys.check(secret)).id == key.id
    assert (await keys.check(secret)).id == key.id
    with pytest.raises(AccessDenied):
        await keys.check("wrong")


def test_rotation_ends_the_old_secret_at_once(keys: Keys) -> None:
    key, old = keys.create("Ada")
    keys.verify(old)
    rotated, new = keys.rotate(key.id)
    assert (rotated.id, new.startswith(rotated.shown)) == (key.id, True)
    assert refused(keys, old).reason == "unknown"
    assert keys.verify(new).id == key.id


def test_rotation_with_grace(keys: Keys, clock: Clock) -> None:
    key, first = keys.create("Ada")
    _, second = keys.rotate(key.id, timedelta(hours=1))
    assert keys.verify(first).id == keys.verify(second).id == key.id
    clock.now += timedelta(hours=1)
    assert refused(keys, first).reason == "unknown"
    _, third = keys.rotate(key.id)  # without grace, whatever was before stops
    clock.now -= timedelta(minutes=30)
    for old in (first, second):
        refused(keys, old)
    assert keys.verify(third).id == key.id


def test_a_revoked_key_has_no_grace(keys: Keys) -> None:
    key, first = keys.create("Ada")
    keys.rotate(key.id, timedelta(hours=1))
    keys.revoke(key.id)
    assert refused(keys, first).reason == "revoked"


def test_the_last_use_is_known_to_the_minute(keys: Keys, clock: Clock) -> None:
    key, secret = keys.create("Ada")
    assert keys.show(key.id).last_used_at is None
    keys.verify(secret)
    for seconds, noted in (
        (30, NOON),
        (60, NOON + timedelta(seconds=60)),
        (90, NOON + timedelta(seconds=60)),
    ):
        clock.now, clock.passed = NOON + timedelta(seconds=seconds), clock.passed + 10
        keys.verify(secret)
        assert keys.show(key.id).last_used_at == noted


def test_limits_can_be_changed(keys: Keys, clock: Clock) -> None:
    key, secret = keys.create("Ada", grant=Grant(concurrent=1, expires_at=NOON + timedelta(hours=1)))
    keys.verify(secret)
    clock.now += timedelta(hours=2)
    same_expiry = keys.change(key.id, Grant(concurrent=5, expires_at=key.grant.expires_at))
    assert (same_expiry.grant.concurrent, same_expiry.state(clock.now)) == (5, "expired")
    keys.change(key.id, Grant(modes=("Instant",)))
    assert keys.verify(secret).grant == Grant(modes=("instant",))


@pytest.mark.parametrize(
    "wrong",
    [
        Grant(modes=("deep",)),
        Grant(models=("",)),
        Grant(requests_per_minute=0),
        Grant(tokens_per_minute=-1),
        Grant(concurrent=0),
        Grant(day_cap=-1),
        Grant(expires_at=NOON),
    ],
)
def test_a_grant_that_cannot_be_meant(keys: Keys, wrong: Grant) -> None:
    with pytest.raises(UserError):
        keys.create("Ada", grant=wrong)
    key, _ = keys.create("Ada")
    with pytest.raises(UserError):
        keys.change(key.id, wrong)
    assert keys.show(key.id).grant == Grant()


def test_keys_are_found_by_their_ids_and_never_by_their_secrets(keys: Keys) -> None:
    Users(keys.database).create("Bob")
    made: list[Key] = [keys.create(user)[0] for user in ("Ada", "Bob", "Ada")]
    assert [key.id for key in keys.list()] == [key.id for key in made]
    assert [key.id for key in keys.list("ada")] == [made[0].id, made[2].id]
    _, secret = keys.create("Ada")
    with pytest.raises(UnknownName) as caught:
        keys.show(secret)
    assert secret[:16] not in f"{caught.value} {caught.value.hint}"
    with pytest.raises(UserError, match="More than one key"):
        keys.show(made[0].id[:1])
    with pytest.raises(UnknownName):
        keys.create("nobody")
