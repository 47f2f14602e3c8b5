"""Files beside questions: limits, harmless names, who may see them, and when they go."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pierian.exceptions import UserError
from pierian.storage import Attachments, Conversations, Database
from pierian.storage import attachments as module
from pierian.storage.attachments import checked_type, harmless_name, remove_unclaimed
from pierian.storage.ids import new_id

NOON = datetime(2026, 11, 3, 12, 0, tzinfo=UTC)


@pytest.fixture
def files(database: Database) -> Attachments:
    return Attachments(database)


def test_a_file_comes_back_as_it_was_sent(files: Attachments) -> None:
    data = bytes(range(256)) * 10
    made = files.add("C:\\photos\\Zoë.PNG", "Image/PNG; charset=x", data)
    got = files.get(made.id)
    assert got == made
    assert (got.name, got.media_type, got.size, got.data) == ("Zoë.PNG", "image/png", 2560, data)
    assert (got.conversation, got.position) == ("", None)


def test_a_question_takes_its_files(database: Database, files: Attachments) -> None:
    one, two = (files.add(name, "text/plain", name.encode()) for name in ("one.txt", "two.txt"))
    asked = Conversations(database).ask("", "What?", new_id(), attachments=[two.id, one.id, two.id])
    listed = files.list_of(asked.conversation, asked.question_position)
    assert {file.id for file in listed} == {one.id, two.id}
    assert {file.data for file in listed} == {b""}
    assert {file.data for file in files.of_turn(asked.conversation, 0)} == {b"one.txt", b"two.txt"}
    assert not files.delete(one.id), "it is a part of what was said"
    assert files.list_of(asked.conversation, 1) == ()
    assert files.list_all(asked.conversation, [0, 1]) == {0: listed}
    assert files.list_all(asked.conversation, []) == {}
    Conversations(database).finish(asked.conversation, asked.answer_position, "That.", None, "model")
    # In another conversation it is not to be had again, in a changed question of this one it is.
    with pytest.raises(UserError, match="no such file"):
        Conversations(database).ask("", "What?", new_id(), attachments=[one.id])
    changed = Conversations(database).ask(
        asked.conversation, "What then?", new_id(), after=None, attachments=[one.id]
    )
    (copy,) = files.of_turn(asked.conversation, changed.question_position)
    assert (copy.name, copy.data, copy.id != one.id) == ("one.txt", b"one.txt", True)
    assert len(files.list_of(asked.conversation, 0)) == 2


def test_files_of_others_are_not_to_be_had(database: Database, files: Attachments) -> None:
    theirs = Attachments(database, "somebody")
    mine = files.add("mine.txt", "text/plain", b"secret")
    with pytest.raises(UserError, match="no such file"):
        theirs.get(mine.id)
    assert not theirs.delete(mine.id)
    asked = Conversations(database).ask("", "What?", new_id(), attachments=[mine.id])
    assert theirs.list_of(asked.conversation, 0) == () == theirs.of_turn(asked.conversation, 0)
    assert theirs.list_all(asked.conversation, [0]) == {}
    with pytest.raises(UserError, match="no such file"):
        Conversations(database, "somebody").ask("", "What?", new_id(), attachments=[mine.id])


def test_what_is_too_large_or_empty(files: Attachments) -> None:
    files.add("most.bin", "", bytes(module.LARGEST))
    with pytest.raises(UserError, match=r"big\.bin is too large: 10\.0 MB, 10 MB at most"):
        files.add("big.bin", "", bytes(module.LARGEST + 1))
    with pytest.raises(UserError, match="is empty"):
        files.add("none.txt", "text/plain", b"")


def test_files_that_nobody_asks_about(database: Database) -> None:
    now = [NOON]
    files = Attachments(database, clock=lambda: now[0])
    made = [files.add(f"{n}.txt", "text/plain", b"x") for n in range(20)]
    with pytest.raises(UserError, match="20 files wait") as caught:
        files.add("more.txt", "text/plain", b"x")
    assert "remove some" in caught.value.hint
    Attachments(database, "somebody").add("theirs.txt", "text/plain", b"x")
    assert files.delete(made[0].id)
    assert not files.delete(made[0].id)
    files.add("more.txt", "text/plain", b"x")
    now[0] = NOON + timedelta(days=2)  # a day later they make room by themselves
    kept = files.add("tomorrow.txt", "text/plain", b"x")
    with pytest.raises(UserError):
        files.get(made[1].id)
    asked = Conversations(database).ask("", "What?", new_id(), attachments=[kept.id])
    files.add("left.txt", "text/plain", b"x")
    later = now[0] + timedelta(hours=2)
    assert remove_unclaimed(database, timedelta(hours=1), now=later) == 1
    assert len(files.list_of(asked.conversation, 0)) == 1


@pytest.mark.parametrize(
    ("given_name", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("..", "file"),
        ("folder/", "file"),
        ("", "file"),
        (" \u202egnp.exe ", "gnp.exe"),
        ("a\x00b\nc.txt", "a\ufffdb c.txt"),
        ("x" * 300 + ".tar.gz", "x" * 194 + "….gz"),
        ("y" * 300, "y" * 199 + "…"),
    ],
)
def test_names_are_made_harmless(given_name: str, shown: str) -> None:
    assert harmless_name(given_name).replace(" …", "…") == shown or shown in harmless_name(given_name)


@given(name=st.text(st.characters(exclude_categories=()), max_size=400))
def test_no_name_leads_anywhere(name: str) -> None:
    shown = harmless_name(name)
    assert 1 <= len(shown) <= 200
    assert not {"/", "\\", "\n", "\x00"} & set(shown)
    assert shown.strip(". ")
    assert harmless_name(shown) == shown
    shown.encode()


@given(kind=st.text(max_size=150) | st.from_regex(r"[a-z]+/[a-z]+(;[ a-z=]*)?", fullmatch=True))
def test_media_types_cannot_break_a_header(kind: str) -> None:
    checked = checked_type(kind)
    assert checked.isascii()
    assert checked.isprintable()
    assert checked.count("/") == 1
    assert not {";", " ", '"', "\r", "\n"} & set(checked)
