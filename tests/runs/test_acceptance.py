"""Tools of other people's servers, pinned by what was accepted."""

from __future__ import annotations

import threading

import pytest

from pierian.exceptions import UnknownName
from pierian.runs import AcceptedTools
from pierian.storage import Database


def test_what_was_accepted_is_kept_in_its_own_words(database: Database) -> None:
    accepted = AcceptedTools(database)
    assert accepted.fingerprints() == {}
    assert accepted.signature("calendar.add") is None
    signature = {"description": "Adds an event – «now».", "parameters": {"type": "object"}}
    accepted.accept("calendar.add", "f1", signature)
    assert accepted.fingerprints() == {"calendar.add": "f1"}
    assert accepted.signature("calendar.add") == signature


def test_accepting_again_replaces_what_was_accepted(database: Database) -> None:
    accepted = AcceptedTools(database)
    accepted.accept("calendar.add", "f1", {"description": "Adds an event."})
    accepted.accept("calendar.add", "f2", {"description": "Adds an event and tells everybody."})
    assert accepted.fingerprints() == {"calendar.add": "f2"}
    assert accepted.signature("calendar.add") == {"description": "Adds an event and tells everybody."}


def test_forgetting_takes_one_back_and_names_the_nearest_otherwise(database: Database) -> None:
    accepted = AcceptedTools(database)
    accepted.accept("calendar.add", "f1", {})
    accepted.accept("calendar.list", "f2", {})
    with pytest.raises(UnknownName) as caught:
        accepted.forget("calendar.ad")
    assert caught.value.nearest == "calendar.add"
    accepted.forget("calendar.add")
    assert accepted.fingerprints() == {"calendar.list": "f2"}
    with pytest.raises(UnknownName):
        accepted.forget("calendar.add")


def test_what_one_owner_accepts_no_other_has_accepted(database: Database) -> None:
    mine, theirs = AcceptedTools(database), AcceptedTools(database, owner="somebody")
    mine.accept("calendar.add", "f1", {})
    assert theirs.fingerprints() == {}
    assert theirs.signature("calendar.add") is None
    with pytest.raises(UnknownName):
        theirs.forget("calendar.add")
    theirs.accept("calendar.add", "f2", {})
    assert mine.fingerprints() == {"calendar.add": "f1"}


def test_accepting_the_same_tool_twice_at_once_is_no_error(database: Database) -> None:
    together, failures = threading.Barrier(6), list[Exception]()

    def accept(number: int) -> None:
        accepted = AcceptedTools(database)
        together.wait()
        try:
            for turn in range(5):
                accepted.accept("calendar.add", f"f{number}", {"by": [number, turn]})
        except Exception as error:  # noqa: BLE001 (shown below)
            failures.append(error)

    threads = [threading.Thread(target=accept, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    fingerprint = AcceptedTools(database).fingerprints()["calendar.add"]
    signature = AcceptedTools(database).signature("calendar.add")
    assert signature is not None
    assert fingerprint == f"f{signature['by'][0]}"
