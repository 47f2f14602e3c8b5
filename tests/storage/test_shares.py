"""What is shared is what was there when it was shared, for whoever has the link, until it is taken back."""

from __future__ import annotations

import json

import pytest

from pierian.access import Users
from pierian.exceptions import UserError
from pierian.storage import Conversations, Database, Shares
from pierian.storage.ids import new_id


@pytest.fixture
def store(database: Database) -> Conversations:
    return Conversations(database)


def answered(store: Conversations, question: str, conversation: str = "") -> str:
    asked = store.ask(conversation, question, new_id())
    store.finish(asked.conversation, asked.answer_position, f"Answer to {question}", None, "model")
    return asked.conversation


def texts(database: Database, token: str) -> list[str]:
    found = Shares.find(database, token)
    assert found is not None
    return [turn.text for turn in found.turns]


def test_a_link_shows_what_was_there(database: Database, store: Conversations) -> None:
    made = answered(store, "One?")
    share = Shares(database).create(made)
    assert len(share.token) >= 26
    assert (share.conversation, share.title, share.head) == (made, "One?", 1)
    answered(store, "Two?", made)
    assert texts(database, share.token) == ["One?", "Answer to One?"]
    again = Shares(database).create(made)
    assert (again.token, again.id, again.head) == (share.token, share.id, 3)
    assert len(texts(database, share.token)) == 4
    assert Shares(database).list() == Shares(database).list(made) == (again,)
    assert Shares(database).list("other") == ()


def test_nothing_but_the_branch_is_told(database: Database, store: Conversations) -> None:
    made = answered(store, "One?")
    store.ask(made, "Secret?", new_id(), after=None)
    store.show(made, 0)
    store.retry(made, 1, new_id())
    share = Shares(database).create(made)
    found = Shares.find(database, share.token)
    assert found is not None
    assert [(turn.text, turn.run, turn.versions) for turn in found.turns] == [("One?", "", ())]
    assert found.turn_count == 1
    store.finish(made, 4, "late", None, "model")
    assert texts(database, share.token) == ["One?"], "an answer that came later is not shown"


def test_a_receipt_does_not_tell_its_run(database: Database, store: Conversations) -> None:
    made = store.create("One")
    store.append(made.id, "user", "One?", "user")
    store.append(made.id, "assistant", "1", "model", '{"mode": "instant", "run": "01run"}')
    found = Shares.find(database, Shares(database).create(made.id).token)
    assert found is not None
    assert json.loads(found.turns[1].receipt or "") == {"mode": "instant", "run": ""}
    assert found.turns[0].receipt is None


def test_a_link_that_was_taken_back(database: Database, store: Conversations) -> None:
    share = Shares(database).create(answered(store, "One?"))
    assert not Shares(database, "somebody").revoke(share.id)
    assert Shares(database).revoke(share.id)
    assert not Shares(database).revoke(share.id)
    assert Shares.find(database, share.token) is None
    new = Shares(database).create(share.conversation)
    assert new.token != share.token
    store.delete(share.conversation)
    assert Shares.find(database, new.token) is None


@pytest.mark.parametrize("token", ["", "x", "%", "a" * 10_000, "\x00", "\udcff", "' OR 1=1 --"])
def test_what_is_no_link(database: Database, store: Conversations, token: str) -> None:
    Shares(database).create(answered(store, "One?"))
    assert Shares.find(database, token) is None


def test_what_cannot_be_shared(database: Database, store: Conversations) -> None:
    with pytest.raises(UserError, match="nothing to share"):
        Shares(database).create(store.create("empty").id)
    theirs = answered(Conversations(database, "somebody"), "Theirs?")
    with pytest.raises(UserError):
        Shares(database).create(theirs)
    assert Shares(database, "somebody").list() == ()


def test_what_a_disabled_user_shares_is_not_shown(database: Database) -> None:
    ada = Users(database).create("Ada")
    share = Shares(database, ada.id).create(answered(Conversations(database, ada.id), "One?"))
    Users(database).disable("Ada")
    assert Shares.find(database, share.token) is None
    Users(database).enable("Ada")
    assert Shares.find(database, share.token) is not None
