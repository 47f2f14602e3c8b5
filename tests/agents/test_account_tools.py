"""Tools of linked accounts for plans: which there are for whom, and whom a request names."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.accounts.books import add_mail, card

from pierian.accounts.account import Account, Service, Switches
from pierian.accounts.contacts.keeping import KeptCard, keep
from pierian.accounts.contacts.vcards import read_card
from pierian.accounts.store import Accounts
from pierian.agents.account_tools import people_named, tools_of
from pierian.agents.entities import find_entities
from pierian.agents.unlinking import unlink
from pierian.config import paths
from pierian.exceptions import SettingsError, UnknownName
from pierian.storage import Database, open_database
from pierian.storage.usage import local_now

ME = ("Me", "me@example.org")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with open_database(tmp_path / "pierian.db") as opened:
        yield opened


def linked(database: Database, owner: str = "local", *cards: str) -> Account:
    """An account with mail and these cards."""
    accounts = Accounts(database, owner)
    imap = Service(kind="imap", host="127.0.0.1", port=143, username="me@example.org")
    made = accounts.add("work", "imap", "me@example.org", [imap], Switches(write=True))
    book = accounts.keep_collection(made, "address_book", "book", "Book", writable=True)
    keep(database, book, [KeptCard(f"/{at}", "1", read_card(text)) for at, text in enumerate(cards)])
    return made


def named(request: str, database: Database, owner: str = "local") -> list[tuple[str, str]]:
    known = people_named(request, database, owner)
    found = find_entities(request, now=local_now(), known=known)
    return [(one.text, one.value) for one in found if one.kind == "person"]


def test_tools_come_with_an_account_and_go_with_it(database: Database) -> None:
    with pytest.raises(SettingsError, match="No account with mail is linked") as raised:
        tools_of(["mail"], database, "local")
    assert "pierian accounts link imap" in raised.value.hint
    made = linked(database)
    assert "mail_search" in tools_of(["mail"], database, "local")
    assert [*tools_of(["mail_search"], database, "local")] == ["mail_search"]
    with pytest.raises(UnknownName, match="mail_serch"):
        tools_of(["mail_serch"], database, "local")
    Accounts(database).unlink(made)
    with pytest.raises(SettingsError):
        tools_of(["mail"], database, "local")


def test_nobody_gets_tools_for_the_accounts_of_somebody_else(database: Database) -> None:
    linked(database, "ann")
    assert "mail_search" in tools_of(["mail"], database, "ann")
    assert tools_of(["mail", "contacts"], database, "bob") == {}
    assert people_named("Write to Ann", database, "bob") == []


def test_people_are_named_by_their_names(database: Database) -> None:
    cards = (
        card("1", "Ann Lee", "EMAIL:ann@lee.example"),
        card("2", "Bob Stone", "EMAIL:bob@stone.example", "NICKNAME:Bobby"),
        card("3", "Bob Marsh", "EMAIL:bob@marsh.example"),
        card("4", "Without Address"),
    )
    linked(database, "local", *cards)
    assert named("Cancel my lunch with Ann", database) == [("Ann", "ann@lee.example")]
    assert named("Ask ann lee and Bobby", database) == [
        ("ann lee", "ann@lee.example"),
        ("Bobby", "bob@stone.example"),
    ]
    assert named("Ask Bob", database) == []  # there are two
    assert named("Ask Bob Marsh", database) == [("Bob Marsh", "bob@marsh.example")]
    assert named("Announce it, Annette", database) == []
    assert named("Without Address", database) == []


def test_a_stranger_cannot_take_the_name_of_a_friend(database: Database) -> None:
    work = linked(database)
    accounts = Accounts(database)
    add_mail(accounts, work, local_now() - timedelta(days=1), ("Ann Lee", "evil@example.net"), [ME])
    assert named("Send the report to Ann", database) == []
    add_mail(accounts, work, local_now(), ME, [("Ann Lee", "ann@lee.example")], role="sent")
    assert named("Send the report to Ann", database) == [("Ann", "ann@lee.example")]


def test_unlinking_takes_what_was_fetched_along(database: Database) -> None:
    account = linked(database)
    kept, gone = (paths().data / "attachments" / name for name in ("another", account.id))
    for folder in (kept, gone):
        folder.mkdir(parents=True)
        (folder / "plan.pdf").write_bytes(b"x")
    assert unlink(Accounts(database, "local"), account) == ""
    assert kept.is_dir() and not gone.exists()
