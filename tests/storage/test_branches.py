"""Branches: whatever is asked, changed, made anew and shown, each turn stays where it was said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import event

from pierian.exceptions import UserError
from pierian.storage import LAST, Conversations, Database
from pierian.storage.branches import Tree, turn_of_run
from pierian.storage.ids import new_id, utc_now

TEXTS = st.text("ab c", max_size=5)


@dataclass
class Node:
    parent: int | None
    role: str
    text: str
    run: str = ""
    pending: bool = False


def machine(database: Database) -> type[RuleBasedStateMachine]:  # noqa: C901 (a class, not a path)
    """Compares the store with a plain tree."""

    class Branches(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            now = utc_now()
            self.store = Conversations(database, clock=lambda: now)
            self.nodes: list[Node] = []
            self.head: int | None = None

        @initialize(text=TEXTS)
        def first(self, text: str) -> None:
            run = new_id()
            asked = self.store.ask("", text, run, title="t")
            assert (asked.question_position, asked.answer_position) == (0, 1)
            self.id = asked.conversation
            self._add(Node(None, "user", text))
            self._add(Node(0, "assistant", "", run, True))

        def _add(self, node: Node) -> int:
            self.nodes.append(node)
            self.head = len(self.nodes) - 1
            return self.head

        @rule(text=TEXTS, data=st.data())
        def ask(self, text: str, data: st.DataObject) -> None:
            after = data.draw(st.sampled_from([LAST, None, *range(len(self.nodes) + 1)]), "after")
            run = new_id()
            if self.waits():
                with pytest.raises(UserError, match="not answered yet"):
                    self.store.ask(self.id, text, run, after=after)
                return
            if after == len(self.nodes):
                with pytest.raises(UserError, match="no turn"):
                    self.store.ask(self.id, text, run, after=after)
                return
            asked = self.store.ask(self.id, text, run, after=after)
            question = self._add(Node(self.head if after is LAST else after, "user", text))  # type: ignore[arg-type]
            answer = self._add(Node(question, "assistant", "", run, True))
            assert (asked.question_position, asked.answer_position) == (question, answer)

        @rule(text=TEXTS)
        def append(self, text: str) -> None:
            turn = self.store.append(self.id, "user", text, "user")
            assert turn.position == self._add(Node(self.head, "user", text))

        @rule(data=st.data())
        def retry(self, data: st.DataObject) -> None:
            position = data.draw(st.integers(0, len(self.nodes)), "position")
            run = new_id()
            if position == len(self.nodes) or self.nodes[position].role == "user":
                with pytest.raises(UserError):
                    self.store.retry(self.id, position, run)
                return
            if self.waits():
                with pytest.raises(UserError, match="not answered yet"):
                    self.store.retry(self.id, position, run)
                return
            made = self.store.retry(self.id, position, run)
            assert made == self._add(Node(self.nodes[position].parent, "assistant", "", run, True))

        @rule(text=TEXTS, data=st.data())
        def finish(self, text: str, data: st.DataObject) -> None:
            position = data.draw(st.integers(0, len(self.nodes)), "position")
            open_ = position < len(self.nodes) and self.nodes[position].pending
            assert self.store.finish(self.id, position, text, "{}", "model") == open_
            if open_:
                self.nodes[position].text, self.nodes[position].pending = text, False

        @rule(data=st.data())
        def show(self, data: st.DataObject) -> None:
            position = data.draw(st.integers(0, len(self.nodes) - 1), "position")
            self.store.show(self.id, position)
            self.head = max(one for one in range(len(self.nodes)) if position in self.way(one))

        @rule(data=st.data())
        def page(self, data: st.DataObject) -> None:
            before = data.draw(st.none() | st.integers(0, len(self.nodes)), "before")
            limit = data.draw(st.integers(1, 6), "limit")
            turns, more = self.store.page(self.id, before=before, limit=limit)
            way = [one for one in self.way(self.head) if before is None or one < before]
            assert ([turn.position for turn in turns], more) == (way[-limit:], len(way) > limit)

        def waits(self) -> bool:
            """Whether the last turn that is shown is to be filled."""
            return self.head is not None and self.nodes[self.head].pending

        def way(self, position: int | None) -> list[int]:
            return [] if position is None else [*self.way(self.nodes[position].parent), position]

        @invariant()
        def the_same(self) -> None:
            if not self.nodes:
                return
            found = self.store.get(self.id, pending=True)
            assert [turn.position for turn in found.turns] == self.way(self.head)
            for turn in found.turns:
                node = self.nodes[turn.position]
                assert Node(turn.parent, turn.role, turn.text, turn.run, turn.pending) == node
                same = [at for at, other in enumerate(self.nodes) if other.parent == node.parent]
                assert list(turn.versions) == same
            plain = self.store.get(self.id)
            assert plain.turns == tuple(turn for turn in found.turns if not turn.pending)
            assert plain.turn_count == sum(not node.pending for node in self.nodes)

    return Branches


def test_the_store_keeps_a_tree(database: Database) -> None:
    run_state_machine_as_test(
        machine(database), settings=settings(max_examples=25, stateful_step_count=20, deadline=None)
    )


def test_a_run_leads_to_its_turn(database: Database) -> None:
    one, two = new_id(), new_id()
    asked = Conversations(database, "ada").ask("", "How much?", one)
    Conversations(database, "ada").finish(asked.conversation, asked.answer_position, "8", None, "model")
    again = Conversations(database, "ada").retry(asked.conversation, asked.answer_position, two)
    assert turn_of_run(database, one) == ("ada", asked.conversation, 1)
    assert turn_of_run(database, two) == ("ada", asked.conversation, again)
    assert turn_of_run(database, new_id()) is None
    Conversations(database, "ada").delete(asked.conversation)
    assert turn_of_run(database, one) is None


def test_what_a_damaged_tree_leads_to() -> None:
    """A backup may say that a turn stands behind itself, behind a later one, or behind one that is not there."""
    for parents in ({0: 0}, {0: 1, 1: 0}, {1: 7}, {0: None, 1: 1}):
        tree = Tree(parents)
        for position in parents:
            assert tree.branch(position)[-1] == position
            assert position in tree.versions(position)
            assert tree.newest_below(position) >= position


def test_a_page_of_a_long_conversation_reads_few_texts(database: Database) -> None:
    """Two thousand long turns: the tree comes out of the index, and only the texts of the page are read."""
    from pierian.storage import Saying

    store = Conversations(database)
    said = [Saying("user" if n % 2 == 0 else "assistant", f"{n} " * 1000, "user") for n in range(2000)]
    made = store.append_all("", said, title="long")
    statements: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, _x: Any, _many: bool) -> None:
        statements.append((statement, parameters))

    event.listen(database.engine, "before_cursor_execute", note)
    turns, more = store.page(made, before=1950, limit=40)
    event.remove(database.engine, "before_cursor_execute", note)
    assert ([turn.position for turn in turns], more) == (list(range(1910, 1950)), True)
    texts = [parameters for statement, parameters in statements if "turns.text" in statement]
    assert len(texts) == 1
    assert len(texts[0]) == 41, "the conversation and the turns of the page"
    if database.engine.dialect.name == "sqlite":
        (tree,) = [one for one in statements if one[0].startswith("SELECT turns.position, turns.parent")]
        with database.read() as connection:
            plan = str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {tree[0]}", tree[1]).all())
        assert "COVERING INDEX" in plan
