"""The store of conversations: what goes in comes out, is found, and is gone once deleted."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pierian.exceptions import UnknownName, UserError
from pierian.storage import Conversations, Database, Saying, open_database
from pierian.storage.ids import ID_LENGTH, new_id
from pierian.storage.words import fold, snippet

START = datetime(2026, 11, 3, 12, 0, tzinfo=UTC)
LETTERS = "abcXYZ ÄäßÉéΣσςЖж%_'\"\\/-()*0123中文"


@pytest.fixture
def store(database: Database) -> Conversations:
    ticks = count()
    return Conversations(database, clock=lambda: START + timedelta(minutes=next(ticks)))


def test_a_question_and_its_answer_are_stored_together_or_not_at_all(store: Conversations) -> None:
    said = [Saying("user", "How much?", "user"), Saying("assistant", "8.", "model", "{}")]
    made = store.append_all("", said, title="Pens")
    assert store.append_all(made, said, title="ignored") == made
    got = store.get(made)
    assert (got.title, [turn.text for turn in got.turns]) == ("Pens", ["How much?", "8."] * 2)
    broken = [Saying("user", "And now?", "user"), Saying("assistant", "9.", "model", "no json")]
    with pytest.raises(ValueError, match="Expecting value"):
        store.append_all(made, broken, title="")
    with pytest.raises(ValueError, match="Expecting value"):
        store.append_all("", broken, title="Never")
    assert len(store.get(made).turns) == 4
    assert len(store.list()) == 1


def test_turns_come_back_as_they_were_written(store: Conversations) -> None:
    made = store.create("  Pens\nand   change ")
    store.append(made.id, "user", "How much?", "user")
    store.append(made.id, "assistant", "8 euros.\n", "model", '{"mode": "thinking"}')
    got = store.get(made.id)
    assert (got.title, got.turn_count, got.created_at) == ("Pens and change", 2, START)
    assert got.updated_at == START + timedelta(minutes=2)
    assert [(t.position, t.role, t.origin, t.text, t.receipt) for t in got.turns] == [
        (0, "user", "user", "How much?", None),
        (1, "assistant", "model", "8 euros.\n", '{"mode": "thinking"}'),
    ]
    assert got.turns[0].created_at.tzinfo is not None


def test_origins_may_be_enums(store: Conversations) -> None:
    from pierian.provenance import Origin

    made = store.create("labels")
    assert store.append(made.id, "user", "x", Origin.USER).origin == "user"
    assert store.get(made.id).turns[0].origin == "user"


def test_a_receipt_must_be_json(store: Conversations) -> None:
    made = store.create("x")
    with pytest.raises(ValueError, match="Expecting value"):
        store.append(made.id, "assistant", "y", "model", "not json")
    assert store.get(made.id).turns == ()


def test_titles_are_one_line_and_never_empty(store: Conversations) -> None:
    assert store.create(" \n ").title == "Untitled"
    assert len(store.create("long " * 1000).title) <= 200
    made = store.create("old")
    store.rename(made.id, "new\nname")
    assert store.get(made.id).title == "new name"
    # What turns the writing direction would turn whatever stands around a title too.
    store.rename(made.id, "a\u202e txt.exe\u2066")
    assert store.get(made.id).title == "a txt.exe"
    assert store.create("\u202e \u200f").title == "Untitled"
    assert store.create("👩\u200d🚀 שלום").title == "👩\u200d🚀 שלום"


def test_ids_sort_by_time_and_differ() -> None:
    ids = [new_id() for _ in range(200)]
    assert len(set(ids)) == 200
    assert {len(one) for one in ids} == {ID_LENGTH}
    assert [one[:10] for one in ids] == sorted(one[:10] for one in ids)


def test_any_unique_beginning_of_an_id_will_do(store: Conversations, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = iter(["0abc" + "0" * 22, "0abd" + "0" * 22])
    monkeypatch.setattr("pierian.storage.conversations.new_id", lambda: next(ids))
    first, second = store.create("first"), store.create("second")
    assert store.get("0abc").id == first.id
    assert store.get(f" {second.id.upper()} ").id == second.id
    with pytest.raises(UserError, match="More than one") as caught:
        store.get("0ab")
    assert first.id in caught.value.hint


@pytest.mark.parametrize("wrong", ["", "zz", "%", "_", "0abc'", "x" * 100_000, "\x00", "\udcff"])
def test_unknown_ids(store: Conversations, wrong: str) -> None:
    with pytest.raises(UserError, match="There is no conversation"):
        store.get(wrong)
    made = store.create("only")
    with pytest.raises(UserError) as caught:
        store.get(wrong)
    assert made.short_id in caught.value.hint or made.id in caught.value.hint
    for act in (store.delete, lambda given: store.append(given, "user", "x", "user")):
        with pytest.raises(UserError):
            act(wrong)
    assert store.count() == 1


def test_the_nearest_id_is_offered(store: Conversations) -> None:
    made = store.create("x")
    with pytest.raises(UnknownName) as caught:
        store.get(made.short_id[:-1] + "u")
    assert caught.value.nearest == made.short_id


def test_lists_are_newest_first_and_paged(store: Conversations) -> None:
    made = [store.create(str(number)) for number in range(5)]
    store.append(made[1].id, "user", "again", "user")
    assert [one.title for one in store.list()] == ["1", "4", "3", "2", "0"]
    assert [one.title for one in store.list(2, 1)] == ["4", "3"]
    assert [one.title for one in store.list(offset=4)] == ["0"]
    assert store.list(2, 10) == ()
    assert [one.turn_count for one in store.list(2)] == [1, 0]
    assert store.count() == 5


def test_owners_do_not_see_each_other(database: Database) -> None:
    mine, theirs = Conversations(database), Conversations(database, owner="somebody")
    made = mine.create("secret plans")
    mine.append(made.id, "user", "secret words", "user")
    assert theirs.list() == () == theirs.search("secret")
    assert theirs.count() == 0
    for act in (theirs.get, theirs.delete, theirs.export, lambda given: theirs.rename(given, "x")):
        with pytest.raises(UserError):
            act(made.id)
    assert mine.get(made.id).title == "secret plans"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Ein Korb ÄPFEL bitte", "äpfel"),
        ("ein korb äpfel bitte", "ÄPFEL"),
        ("A\u0308pfel", "äpfel"),
        ("In der Straße", "STRASSE"),
        ("ΟΔΥΣΣΕΥΣ", "οδυσσευς"),
        ("the pens\n   and the change", "PENS and the"),
        ("100% sure", "100% s"),
        ("snake_case", "e_c"),
        ('it\'s "quoted" and (odd) * - text', '\'s "quoted" and (odd) * -'),
        ("back\\slash / slash", "\\slash / s"),
        ("中文字符", "文字"),
        ("a NEAR b OR c", "near B or"),
    ],
)
def test_search_finds(store: Conversations, text: str, words: str) -> None:
    made = store.create("x")
    store.append(made.id, "user", "nothing to see", "user")
    store.append(made.id, "assistant", text, "model")
    (hit,) = store.search(words)
    assert (hit.conversation_id, hit.position, hit.role) == (made.id, 1, "assistant")
    assert fold(words) in fold(hit.snippet)


@pytest.mark.parametrize(
    "words", ["change pens", "pens%change", "p_ns", "'pens'", '"pens"', "pens*", "apples"]
)
def test_search_does_not_find_what_is_not_there(store: Conversations, words: str) -> None:
    made = store.create("x")
    store.append(made.id, "user", "pens and change", "user")
    assert store.search(words) == ()


def test_search_finds_titles_and_puts_the_newest_first(store: Conversations) -> None:
    first = store.create("About Pens")
    store.append(first.id, "user", "pens?", "user")
    second = store.create("other")
    store.append(second.id, "user", "more pens", "user")
    hits = store.search("pens")
    assert [(hit.title, hit.position) for hit in hits] == [
        ("other", 0),
        ("About Pens", 0),
        ("About Pens", None),
    ]
    assert [hit.snippet for hit in hits] == ["more pens", "pens?", "About Pens"]
    assert len(store.search("pens", limit=2)) == 2


@pytest.mark.parametrize("words", ["", "  \n", "x" * 1001])
def test_searches_that_make_no_sense(store: Conversations, words: str) -> None:
    with pytest.raises(UserError):
        store.search(words)


def test_a_snippet_shows_the_place() -> None:
    text = "begin " * 50 + "The Straße\nhere" + " end" * 50
    assert "The Straße here" in (cut := snippet(text, fold("STRASSE")))
    assert cut.startswith("…")
    assert cut.endswith("…")
    assert len(cut) < 150
    assert snippet("short", "short") == "short"
    assert snippet("", "x") == ""


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), text=st.text(LETTERS, min_size=1, max_size=60))
def test_every_part_of_a_turn_is_found(store: Conversations, data: st.DataObject, text: str) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    part = text[start : data.draw(st.integers(start + 1, len(text)))]
    made = store.create("x")
    try:
        store.append(made.id, "user", text, "user")
        if fold(part):
            for words in (part, part.lower(), part.upper()):
                hits = [hit for hit in store.search(words) if hit.position == 0]
                assert [hit.conversation_id for hit in hits] == [made.id]
    finally:
        store.delete(made.id)


@settings(deadline=None, max_examples=100)
@given(text=st.text(max_size=200), words=st.text(max_size=20))
def test_snippets_never_fail(text: str, words: str) -> None:
    assert "\n" not in snippet(text, fold(words))
    assert fold(fold(text)) == fold(text)


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters(exclude_categories=()), max_size=100))
def test_any_text_can_be_stored_and_exported(store: Conversations, text: str) -> None:
    made = store.create(text)
    turn = store.append(made.id, "user", text, "user")
    assert store.get(made.id).turns == (turn,)
    if "\x00" not in text and not any(0xD800 <= ord(c) <= 0xDFFF for c in text):
        assert turn.text == text
    assert json.loads(store.export(made.id, "json"))["turns"][0]["text"] == turn.text
    store.export(made.id).encode()
    store.delete(made.id)


def test_exports(store: Conversations) -> None:
    made = store.create("Pens")
    store.append(made.id, "user", "How much?", "user")
    store.append(made.id, "assistant", "**8** euros – “about”", "model", '{"drafts": 2}')
    assert store.export(made.id) == (
        "# Pens\n\n2026-11-03 12:00 UTC\n\n## You\n\nHow much?\n\n## Pierian\n\n**8** euros – “about”\n"
    )
    whole = json.loads(store.export(made.id, "json"))
    assert whole["id"] == made.id
    assert whole["turns"][1]["receipt"] == {"drafts": 2}
    store.ask(made.id, "How much now?", new_id(), after=None)
    store.show(made.id, 0)
    branch = json.loads(store.export(made.id, "json"))
    assert branch["turn_count"] == len(branch["turns"]) == 2, "the other branch is not in it"
    lines = [json.loads(line) for line in store.export(made.id, "jsonl").splitlines()]
    assert lines == whole["turns"]
    with pytest.raises(UnknownName) as caught:
        store.export(made.id, "jsonll")
    assert caught.value.nearest == "jsonl"


def test_an_empty_conversation_can_be_exported(store: Conversations) -> None:
    made = store.create("empty")
    assert json.loads(store.export(made.id, "json"))["turns"] == []
    assert store.export(made.id, "jsonl") == ""


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_deleted_text_is_gone_from_the_files(database: Database, store: Conversations) -> None:
    kept, made = store.create("kept"), store.create("Zimtstern title")
    store.append(kept.id, "user", "Haselnuss", "user")
    for number in range(20):
        store.append(made.id, "user", f"Zimtstern {number} " * 200, "user")
    gone = store.delete(made.short_id)
    assert (gone.title, gone.turn_count) == ("Zimtstern title", 20)
    on_disk = subprocess.run(
        [sys.executable, "-c", READ_ALL, database.path.parent], capture_output=True, check=True
    ).stdout.lower()
    assert b"haselnuss" in on_disk
    assert b"zimtstern" not in on_disk
    assert store.search("Zimtstern") == ()
    assert [one.title for one in store.list()] == ["kept"]
    with pytest.raises(UserError):
        store.get(made.id)


def test_killed_writers_leave_whole_turns(tmp_path: Path) -> None:
    path = tmp_path / "pierian.db"
    with open_database(path) as database:
        made = Conversations(database).create("killed")
    with subprocess.Popen(
        [sys.executable, "-c", APPEND_FOREVER, path, made.id], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        seen = [int(writer.stdout.readline()) for _ in range(5)][-1]
        writer.send_signal(signal.SIGKILL)
    with open_database(path) as database:
        turns = Conversations(database).get(made.id).turns
        assert len(turns) > seen
        assert [turn.position for turn in turns] == list(range(len(turns)))
        assert {turn.text for turn in turns} == {"word " * 20_000}
        Conversations(database).append(made.id, "user", "goes on", "user")


READ_ALL = """
import pathlib, sys
for file in pathlib.Path(sys.argv[1]).glob("pierian.db*"):
    sys.stdout.buffer.write(file.read_bytes())
"""

APPEND_FOREVER = """
import sys
from pathlib import Path
from pierian.storage import Conversations, open_database
store = Conversations(open_database(Path(sys.argv[1])))
while True:
    print(store.append(sys.argv[2], "user", "word " * 20_000, "user").position, flush=True)
"""
