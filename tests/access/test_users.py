"""Users are told apart as people tell names apart; deleting one deletes what is theirs."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import insert, select

from pierian.access import AccessDenied, Grant, Invites, Keys, Links, Passwords, Sessions, Users, data_owner
from pierian.budget import Amount
from pierian.exceptions import UnknownName, UserError
from pierian.storage import Attachments, Conversations, Database, Profile, Profiles, Shares, UsageStore
from pierian.storage.ids import new_id
from pierian.storage.tables import idempotent_requests, key_totals, metadata, responses, usage


def test_names_differ_in_more_than_case_and_spaces(database: Database) -> None:
    users = Users(database)
    made = users.create("  Ada   Lovelace ", "partner")
    assert (made.name, made.role) == ("Ada Lovelace", "partner")
    for same in ("ada lovelace", "ADA LOVELACE", "Ａda Lovelace"):
        with pytest.raises(UserError, match="already"):
            users.create(same)
        assert users.get(same) == made
    assert users.get(made.id[:18]) == made
    assert users.list() == [made]


def test_renaming(database: Database) -> None:
    users = Users(database)
    ada, bob = users.create("Ada"), users.create("Bob")
    assert users.rename("ada", "ADA").name == "ADA"
    with pytest.raises(UserError, match="already"):
        users.rename(ada.id, "bob")
    assert [one.name for one in users.list()] == ["ADA", bob.name]


@pytest.mark.parametrize("wrong", ["", "   ", "x" * 81, "a\x1b[31m", "a\u202eb"])
def test_what_is_no_name(database: Database, wrong: str) -> None:
    with pytest.raises(UserError, match="cannot be the name"):
        Users(database).create(wrong)


def test_roles_and_strangers(database: Database) -> None:
    with pytest.raises(UnknownName, match="role"):
        Users(database).create("Ada", "king")  # type: ignore[arg-type]
    with pytest.raises(UnknownName):
        Users(database).get("Ada")


def test_keys_of_a_disabled_user_do_not_work_until_enabled(database: Database) -> None:
    users = Users(database)
    users.create("Ada")
    _, secret = Keys(database).create("Ada")
    assert users.disable("Ada").disabled_at is not None
    with pytest.raises(AccessDenied) as caught:
        Keys(database).verify(secret)
    assert caught.value.reason == "disabled"
    assert users.enable("Ada").disabled_at is None
    Keys(database).verify(secret)


def test_deleting_leaves_nothing_but_what_was_used(database: Database) -> None:
    users, keys = Users(database), Keys(database)
    ada, bob = users.create("Ada"), users.create("Bob")
    key, secret = keys.create("Ada")
    kept, _ = keys.create("Bob")
    Conversations(database, ada.id).create("mine")
    Conversations(database, bob.id).create("his")
    store = UsageStore(database)
    store.settle(store.reserve(Amount(5, 0.5)), Amount(5, 0.5))
    now = datetime.now(UTC)
    with database.write() as connection:
        connection.execute(usage.update().values(owner=ada.id, key_id=key.id))
        for owner, one in ((ada.id, key.id), (bob.id, kept.id)):
            answer = {"id": one, "owner": owner, "request": "", "body": "", "created_at": now}
            connection.execute(insert(responses).values(answer))
            asked = {"key_id": one, "idempotency_key": "1", "fingerprint": "", "state": "", "created_at": now}
            connection.execute(insert(idempotent_requests).values(asked))
            zeros = dict.fromkeys(key_totals.c.keys()[2:], 0)
            connection.execute(insert(key_totals).values(key_id=one, period="2026-11", **zeros))
    users.delete("Ada")
    assert [one.name for one in users.list()] == ["Bob"]
    assert [one.id for one in keys.list()] == [kept.id]
    with pytest.raises(AccessDenied):
        keys.verify(secret)
    assert Conversations(database, ada.id).count() == 0
    assert Conversations(database, bob.id).count() == 1
    with database.read() as connection:
        assert connection.execute(select(responses.c.owner)).scalars().all() == [bob.id]
        assert connection.execute(select(idempotent_requests.c.key_id)).scalars().all() == [kept.id]
        assert connection.execute(select(key_totals.c.key_id)).scalars().all() == [kept.id]
        assert connection.execute(select(usage.c.owner, usage.c.key_id)).all() == [(None, None)]
    assert store.today().used.tokens == 5


def test_deleting_a_partner_deletes_the_invitation_that_brought_them(database: Database) -> None:
    invites = Invites(database)
    later = datetime(2100, 1, 1, tzinfo=UTC)
    _, code = invites.create("local", Grant(), "partner", later)
    user, _, _ = invites.accept(code, "Ada")
    Users(database).delete(user.id)
    assert invites.list() == []


@pytest.mark.usefixtures("quick")
def test_deleting_leaves_nothing_of_the_app(database: Database) -> None:
    users = Users(database)
    for name in ("Ada", "Bob"):
        one = users.create(name)
        file = Attachments(database, one.id).add(f"{name}.txt", "text/plain", b"x")
        asked = Conversations(database, one.id).ask("", name, new_id(), attachments=[file.id])
        Shares(database, one.id).create(asked.conversation)
        Attachments(database, one.id).add(f"{name} 2.txt", "text/plain", b"x")
        Profiles(database).save(one.id, Profile(name))
        Passwords(database).set(one.id, "correct horse battery")
        Sessions(database).begin(one.id, name)
        Links(database).create(one.id)
    gone = users.delete("Ada").id
    with database.read() as connection:
        for table in metadata.sorted_tables:
            rows = connection.execute(select(table)).all()
            assert gone not in repr(rows), table.name
            if table.name in ("attachments", "shares", "profiles", "passwords", "sessions", "links", "turns"):
                assert len(rows) == (2 if table.name in ("attachments", "turns") else 1)


def test_an_owner_sees_what_was_said_at_the_terminal(database: Database) -> None:
    users = Users(database)
    owner = users.create("Ada", "owner")
    assert data_owner(owner) == "local"
    for role in ("administrator", "member", "partner"):
        one = users.create(role, role)
        assert data_owner(one) == one.id


def test_what_owners_asked_goes_with_the_last_of_them(database: Database) -> None:
    users, said = Users(database), Conversations(database)
    for name in ("Ada", "Bob"):
        users.create(name, "owner")
    member = users.create("Cy")
    said.create("Said at the terminal")
    Conversations(database, member.id).create("Hers")
    now = datetime.now(UTC)
    kept = {"key_id": "local", "idempotency_key": "1", "fingerprint": "", "state": "", "created_at": now}
    with database.write() as connection:
        connection.execute(insert(idempotent_requests).values(kept))
    users.delete("Ada")
    assert said.count() == 1
    users.delete("Bob")
    assert said.count() == 0
    assert Conversations(database, member.id).count() == 1
    with database.read() as connection:
        assert connection.execute(select(idempotent_requests.c.key_id)).all() == []
