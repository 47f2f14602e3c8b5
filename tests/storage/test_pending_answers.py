"""A question and the answer to come: stored together, filled once, and out of everybody's way until then."""

from __future__ import annotations

import json
import threading

import pytest
from tests.postgresql import address

from pierian.exceptions import UserError
from pierian.runs import Journal
from pierian.storage import Attachments, Conversations, Database, Shares, open_storage
from pierian.storage.ids import new_id


@pytest.fixture
def store(database: Database) -> Conversations:
    return Conversations(database)


def test_a_question_waits_for_its_answer(store: Conversations) -> None:
    run = new_id()
    asked = store.ask("", "How much are three pens?", run)
    question, answer = store.get(asked.conversation, pending=True).turns
    assert (question.text, question.role, question.origin, question.pending) == (
        "How much are three pens?", "user", "user", False,
    )  # fmt: skip
    assert (answer.text, answer.run, answer.pending, answer.parent) == ("", run, True, 0)
    assert store.get(asked.conversation).title == "How much are three pens?"
    assert store.finish(asked.conversation, 1, "8 euros.", '{"drafts": 1}', "model")
    assert not store.finish(asked.conversation, 1, "9 euros.", None, "model"), "once"
    (_, answer) = store.get(asked.conversation).turns
    assert (answer.text, answer.receipt, answer.run, answer.pending) == (
        "8 euros.",
        '{"drafts": 1}',
        run,
        False,
    )


def test_a_pending_answer_is_in_nobodys_way(store: Conversations) -> None:
    asked = store.ask("", "How much?", new_id(), title="Pens")
    made = asked.conversation
    assert [turn.text for turn in store.get(made).turns] == ["How much?"]
    assert store.list()[0].turn_count == 1
    assert "Pierian" not in store.export(made)
    assert [one["text"] for one in json.loads(store.export(made, "json"))["turns"]] == ["How much?"]
    assert len(store.export(made, "jsonl").splitlines()) == 1
    assert [hit.position for hit in store.search("m")] == [0]
    # Who goes on at the terminal goes on behind it.
    assert store.append(made, "user", "And two?", "user").parent == 1
    store.finish(made, 1, "8 euros", None, "model")
    assert [turn.text for turn in store.get(made).turns] == ["How much?", "8 euros", "And two?"]
    assert [hit.position for hit in store.search("8 EUROS")] == [1]


def test_a_receipt_must_be_json(store: Conversations) -> None:
    asked = store.ask("", "How much?", new_id())
    with pytest.raises(ValueError, match="Expecting value"):
        store.finish(asked.conversation, 1, "8", "no json", "model")
    assert store.finish(asked.conversation, 1, "8", None, "model")


def test_a_changed_question_begins_another_branch(store: Conversations) -> None:
    first = store.ask("", "One?", new_id())
    made = first.conversation
    store.finish(made, 1, "1", None, "model")
    second = store.ask(made, "Two?", new_id())
    store.finish(made, second.answer_position, "2", None, "model")
    changed = store.ask(made, "Three?", new_id(), after=1)
    store.finish(made, changed.answer_position, "3", None, "model")
    assert [turn.text for turn in store.get(made).turns] == ["One?", "1", "Three?", "3"]
    assert store.get(made).turns[2].versions == (2, 4)
    assert "Two?" not in store.export(made)
    store.show(made, 2)
    assert [turn.text for turn in store.get(made).turns] == ["One?", "1", "Two?", "2"]
    store.ask(made, "Zero?", new_id(), after=None)
    assert [turn.text for turn in store.get(made).turns] == ["Zero?"]
    assert store.get(made, pending=True).turns[0].versions == (0, 6)
    assert [hit.position for hit in store.search("two?")] == [2], "what is not shown is found"


def test_what_cannot_be_made_anew(store: Conversations) -> None:
    asked = store.ask("", "One?", new_id())
    with pytest.raises(UserError, match="is a question") as caught:
        store.retry(asked.conversation, 0, new_id())
    assert caught.value.hint
    for act in (
        lambda: store.retry(asked.conversation, 9, new_id()),
        lambda: store.show(asked.conversation, -1),
    ):
        with pytest.raises(UserError, match="no turn") as caught:
            act()
        assert "load it again" in caught.value.hint
    assert len(store.get(asked.conversation, pending=True).turns) == 2


def test_a_conversation_deleted_in_between(store: Conversations) -> None:
    asked = store.ask("", "One?", new_id())
    store.delete(asked.conversation)
    assert not store.finish(asked.conversation, 1, "1", None, "model")
    for act in (
        lambda: store.ask(asked.conversation, "Two?", new_id()),
        lambda: store.retry(asked.conversation, 1, new_id()),
        lambda: store.show(asked.conversation, 1),
        lambda: store.page(asked.conversation),
    ):
        with pytest.raises(UserError, match="no conversation"):
            act()


def test_owners_do_not_reach_each_other(database: Database, store: Conversations) -> None:
    theirs = Conversations(database, "somebody")
    asked = store.ask("", "One?", new_id())
    assert not theirs.finish(asked.conversation, 1, "forged", None, "model")
    for act in (
        lambda: theirs.ask(asked.conversation, "Two?", new_id()),
        lambda: theirs.retry(asked.conversation, 1, new_id()),
        lambda: theirs.show(asked.conversation, 1),
        lambda: theirs.page(asked.conversation),
    ):
        with pytest.raises(UserError):
            act()
    assert store.get(asked.conversation, pending=True).turns[1].pending


def test_a_failed_question_leaves_nothing(database: Database, store: Conversations) -> None:
    foreign = Attachments(database, "somebody").add("theirs.txt", "text/plain", b"x").id
    with pytest.raises(UserError, match="no such file"):
        store.ask("", "One?", new_id(), attachments=[foreign])
    with pytest.raises(UserError, match="no turn 3"):
        store.ask("", "One?", new_id(), after=3)
    assert store.count() == 0


def test_only_one_of_many_fills_an_answer(database: Database, store: Conversations) -> None:
    asked = store.ask("", "One?", new_id())
    filled: list[str] = []
    gate = threading.Barrier(4)

    def fill(text: str) -> None:
        with open_storage(address(database), database.path) as mine:
            gate.wait()
            if Conversations(mine).finish(asked.conversation, 1, text, None, "model"):
                filled.append(text)

    threads = [threading.Thread(target=fill, args=(str(n),)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert filled == [store.get(asked.conversation).turns[1].text]


def test_a_deleted_conversation_takes_all_that_belongs_to_it(
    database: Database, store: Conversations
) -> None:
    journal = Journal(database, "local")
    run = journal.submit("Zimtstern?", {"question": "Zimtstern?"}).id
    other = journal.submit("Kept?", {"question": "Kept?"}).id
    file = Attachments(database).add("a.txt", "text/plain", b"Zimtstern").id
    asked = store.ask("", "Zimtstern?", run, attachments=[file])
    Shares(database).create(asked.conversation)
    store.delete(asked.conversation)
    assert [record.id for record in journal.list()] == [other]
    assert Shares(database).list() == ()
    with pytest.raises(UserError, match="no such file"):
        Attachments(database).get(file)
    if database.engine.dialect.name == "sqlite":
        for one in database.path.parent.glob("pierian.db*"):
            assert b"Zimtstern" not in one.read_bytes()
