"""Syncing the address books of an account, by CardDAV or from Microsoft Graph, into the local copy.

What changed is kept in short transactions, and how far a book was synced only with the last of them: whatever ends a
sync in between, the next one does the rest.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

from pierian.accounts.account import Account, Service
from pierian.accounts.contacts.carddav import PASSED_OVER, Book, fetched, find_books, listed
from pierian.accounts.contacts.graph import GraphContacts
from pierian.accounts.contacts.keeping import MOST_CARDS, KeptCard, etags_of, finish, keep
from pierian.accounts.contacts.vcards import read_card
from pierian.accounts.dav import Dav
from pierian.accounts.secrets import Secret
from pierian.accounts.store import Accounts
from pierian.accounts.syncing import Progress, Synced, silent
from pierian.accounts.troubles import AccountError
from pierian.characters import without_misleading


class BookState(Struct, frozen=True, omit_defaults=True):
    """How far an address book was synced: `collections.state`."""

    token: str = ""
    """RFC 6578's sync-token."""
    ctag: str = ""


_STATE = msgspec.json.Decoder(BookState)


def sync_contacts(
    accounts: Accounts, account: Account, secret: Secret | None, progress: Progress = silent
) -> Synced:
    """Bring the copy of an account's address books up to date; nothing where it has none.

    Raises `AccountError` where the server cannot be used at all.
    """
    if (service := account.service("carddav")) is not None:
        return _by_carddav(accounts, account, service, secret, progress)
    if (service := account.service("graph")) is not None:
        return _by_graph(accounts, account, service, secret, progress)
    return Synced()


def _by_carddav(
    accounts: Accounts, account: Account, service: Service, secret: Secret | None, progress: Progress
) -> Synced:
    total = Synced()
    with Dav(service, secret) as dav:
        books = find_books(dav)
        _drop_others(accounts, account, {one.url for one in books})
        for book in books:
            try:
                total += _one_book(accounts, account, dav, book, progress)
            except AccountError as error:
                if error.code not in PASSED_OVER:
                    raise
                told = f"The address book {without_misleading(book.name)} could not be synced: {error}"
                total += Synced(problems=(told,))
    return total


def _one_book(accounts: Accounts, account: Account, dav: Dav, book: Book, progress: Progress) -> Synced:
    database = accounts.database
    collection = accounts.keep_collection(
        account, "address_book", book.url, book.name, writable=book.writable
    )
    before = _STATE.decode(collection.state)
    if _same(book, before):
        return Synced()
    listing = listed(dav, book, before.token)
    known = etags_of(database, collection)
    wanted = [href for href, etag in listing.etags.items() if not etag or known.get(href) != etag]
    total = Synced()
    for start in range(0, len(wanted), MOST_CARDS):
        cards, problems = list[KeptCard](), list[str]()
        for one in fetched(dav, book, wanted[start : start + MOST_CARDS]):
            card = read_card(one.text)
            if not card.says_anything:
                problems.append(_unreadable(collection.name, one.href))
            cards.append(KeptCard(one.href, one.etag or listing.etags[one.href], card))
        total += keep(database, collection, cards) + Synced(problems=tuple(problems))
        progress(collection.name, min(start + MOST_CARDS, len(wanted)), len(wanted))
    gone = known.keys() - listing.etags.keys() if listing.gone is None else listing.gone & known.keys()
    state = BookState(listing.token, book.ctag)
    return total + finish(database, collection, gone, msgspec.json.encode(state).decode())


def _by_graph(
    accounts: Accounts, account: Account, service: Service, secret: Secret | None, progress: Progress
) -> Synced:
    """Graph tells changes of some folders only, so everything is listed, and what is new is kept."""
    total = Synced()
    with GraphContacts(service, secret) as graph:
        books = graph.folders()
        _drop_others(accounts, account, {one.path for one in books})
        for book in books:
            collection = accounts.keep_collection(
                account, "address_book", book.path, book.name, writable=True
            )
            known, there, done = etags_of(accounts.database, collection), set[str](), 0
            for page in graph.pages(book):
                there |= {one.href for one in page}
                changed = [one for one in page if not one.etag or known.get(one.href) != one.etag]
                if changed:
                    total += keep(accounts.database, collection, changed)
                done += len(page)
                progress(collection.name, done, 0)
            total += finish(accounts.database, collection, known.keys() - there, collection.state)
    return total


def _drop_others(accounts: Accounts, account: Account, there: set[str]) -> None:
    for one in accounts.collections(account, "address_book"):
        if one.path not in there:
            accounts.drop_collection(one)


def _same(book: Book, before: BookState) -> bool:
    """Whether nothing has changed, as far as the book itself tells."""
    if book.token and before.token:
        return book.token == before.token
    return bool(book.ctag) and book.ctag == before.ctag


def _unreadable(book: str, href: str) -> str:
    name = without_misleading(href.rpartition("/")[2])[:80]
    return f"The card {name} of {without_misleading(book)} is none that can be read; it is left out."
