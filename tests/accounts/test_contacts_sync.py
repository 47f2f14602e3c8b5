"""Address books of a real CardDAV server: found, copied, kept up to date, whatever happens in between."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import json
from tests.accounts.books import SECRET, card, kept_names, linked, make_book, put_card
from tests.accounts.radicale_server import Radicale

from pierian.accounts.contacts import carddav, keeping, syncing
from pierian.accounts.contacts.syncing import sync_contacts
from pierian.accounts.dav import Dav, Reply
from pierian.accounts.secrets import Secret
from pierian.accounts.store import Accounts
from pierian.accounts.syncing import Synced
from pierian.accounts.troubles import AccountError
from pierian.config import paths
from pierian.storage import Database, open_database


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Radicale]:
    running = Radicale(tmp_path / "radicale")
    running.start()
    yield running
    running.kill()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with open_database(paths().database) as opened:
        yield opened


@pytest.fixture
def accounts(database: Database) -> Accounts:
    return Accounts(database)


def test_books_are_found_from_the_address_of_the_server(server: Radicale, accounts: Accounts) -> None:
    make_book(server)
    make_book(server, "/ann/firm/", "Firm")
    server.make_calendar()
    put_card(server, "/ann/friends/1.vcf", card("1", "Bob Smith", "EMAIL:bob@example.org"))
    account = linked(accounts, server.url)
    assert sync_contacts(accounts, account, SECRET) == Synced(added=1)
    assert [one.name for one in accounts.collections(account, "address_book")] == ["Firm", "Friends"]
    assert kept_names(accounts.database) == ["Bob Smith"]


def test_a_second_sync_fetches_only_what_changed(
    server: Radicale, accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_book(server)
    for number in range(5):
        put_card(server, f"/ann/friends/{number}.vcf", card(str(number), f"Friend {number}"))
    account = linked(accounts, server.url)
    sync_contacts(accounts, account, SECRET)
    put_card(server, "/ann/friends/1.vcf", card("1", "Renamed"))
    put_card(server, "/ann/friends/new%20one.vcf", card("9", "New"))
    assert server.ask("DELETE", "/ann/friends/0.vcf")[0] == 200
    asked = list[str]()
    fetched = carddav.fetched

    def counted(dav: Dav, book: carddav.Book, hrefs: list[str]) -> Iterator[carddav.Fetched]:
        asked.extend(hrefs)
        return fetched(dav, book, hrefs)

    monkeypatch.setattr(syncing, "fetched", counted)
    assert sync_contacts(accounts, account, SECRET) == Synced(added=1, changed=1, removed=1)
    assert sorted(asked) == ["/ann/friends/1.vcf", "/ann/friends/new%20one.vcf"]
    assert kept_names(accounts.database) == ["Friend 2", "Friend 3", "Friend 4", "New", "Renamed"]
    assert sync_contacts(accounts, account, SECRET) == Synced()


def test_a_token_that_the_server_forgot_means_comparing_everything(
    server: Radicale, accounts: Accounts
) -> None:
    make_book(server)
    put_card(server, "/ann/friends/1.vcf", card("1", "Bob"))
    account = linked(accounts, server.url)
    sync_contacts(accounts, account, SECRET)
    book = accounts.collections(account, "address_book")[0]
    keeping.finish(
        accounts.database, book, [], json.encode({"token": "http://radicale.org/ns/sync/0"}).decode()
    )
    server.ask("DELETE", "/ann/friends/1.vcf")
    put_card(server, "/ann/friends/2.vcf", card("2", "Carl"))
    assert sync_contacts(accounts, account, SECRET) == Synced(added=1, removed=1)
    assert kept_names(accounts.database) == ["Carl"]


def test_a_server_without_tokens_is_asked_for_versions(
    server: Radicale, accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = Dav.report

    def without_sync(self: Dav, url: str, kind: str, inside: str, **rest: object) -> Reply:
        if "sync-collection" in kind or "multiget" in kind:
            raise AccountError("not known", code="failed")
        return report(self, url, kind, inside, **rest)  # type: ignore[arg-type]

    monkeypatch.setattr(Dav, "report", without_sync)
    make_book(server)
    put_card(server, "/ann/friends/1.vcf", card("1", "Bob"))
    put_card(server, "/ann/friends/2.vcf", card("2", "Carl"))
    account = linked(accounts, server.url)
    assert sync_contacts(accounts, account, SECRET) == Synced(added=2)
    server.ask("DELETE", "/ann/friends/1.vcf")
    put_card(server, "/ann/friends/2.vcf", card("2", "Karl"))
    assert sync_contacts(accounts, account, SECRET) == Synced(changed=1, removed=1)
    assert kept_names(accounts.database) == ["Karl"]


def test_a_sync_that_ends_anywhere_is_made_good_by_the_next(
    server: Radicale, accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(syncing, "MOST_CARDS", 2)
    make_book(server)
    for number in range(7):
        put_card(server, f"/ann/friends/{number}.vcf", card(str(number), f"Friend {number}"))
    account = linked(accounts, server.url)
    fetched = carddav.fetched
    for turn, failing_at in enumerate((0, 1, 1, 0)):
        calls = 0

        def broken(
            dav: Dav, book: carddav.Book, hrefs: list[str], failing_at: int = failing_at
        ) -> Iterator[carddav.Fetched]:
            nonlocal calls
            calls += 1
            if calls > failing_at:
                server.kill()
            return fetched(dav, book, hrefs)

        monkeypatch.setattr(syncing, "fetched", broken)
        with pytest.raises(AccountError):
            sync_contacts(accounts, account, SECRET)
        server.start()
        put_card(server, f"/ann/friends/{turn}.vcf", card(str(turn), f"Friend {turn} again"))
    monkeypatch.setattr(syncing, "fetched", fetched)
    sync_contacts(accounts, account, SECRET)
    again = [f"Friend {number} again" for number in range(4)]
    assert kept_names(accounts.database) == sorted([*again, "Friend 4", "Friend 5", "Friend 6"])


def test_a_book_that_is_gone_takes_its_cards_along(server: Radicale, accounts: Accounts) -> None:
    make_book(server)
    make_book(server, "/ann/firm/", "Firm")
    put_card(server, "/ann/firm/1.vcf", card("1", "Boss"))
    account = linked(accounts, server.url)
    sync_contacts(accounts, account, SECRET)
    server.ask("DELETE", "/ann/firm/")
    sync_contacts(accounts, account, SECRET)
    assert kept_names(accounts.database) == []
    assert [one.name for one in accounts.collections(account, "address_book")] == ["Friends"]


def test_a_wrong_password_is_a_sentence_and_changes_nothing(server: Radicale, accounts: Accounts) -> None:
    make_book(server)
    put_card(server, "/ann/friends/1.vcf", card("1", "Bob"))
    account = linked(accounts, server.url)
    sync_contacts(accounts, account, SECRET)
    with pytest.raises(AccountError, match="does not accept") as raised:
        sync_contacts(accounts, account, Secret(password="canary-7"))
    assert raised.value.code == "password" and "canary-7" not in str(raised.value)
    assert kept_names(accounts.database) == ["Bob"]


def test_an_account_that_was_unlinked_meanwhile_leaves_nothing_behind(
    server: Radicale, accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_book(server)
    put_card(server, "/ann/friends/1.vcf", card("1", "Bob"))
    account = linked(accounts, server.url)
    fetched = carddav.fetched

    def unlinked(dav: Dav, book: carddav.Book, hrefs: list[str]) -> Iterator[carddav.Fetched]:
        accounts.unlink(account)
        return fetched(dav, book, hrefs)

    monkeypatch.setattr(syncing, "fetched", unlinked)
    with pytest.raises(Exception, match="unlinked meanwhile"):
        sync_contacts(accounts, account, SECRET)
    assert kept_names(accounts.database) == []
