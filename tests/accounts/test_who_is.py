"""Who somebody is: found across address books, mail and calendars, ranked, and never guessed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.accounts.books import add_event, add_mail, card
from tests.postgresql import SERVERS, fresh

from pierian.accounts.account import Account, Service, Switches
from pierian.accounts.contacts.finding import meant, who_is
from pierian.accounts.contacts.keeping import KeptCard, keep
from pierian.accounts.contacts.tools import contact_tools
from pierian.accounts.contacts.vcards import read_card
from pierian.accounts.store import Accounts
from pierian.provenance import USER, Labelled
from pierian.runs import parse_rule
from pierian.storage import Database
from pierian.tools import ToolFailure, invoke

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
ME = ("Me", "me@example.org")


@pytest.fixture(params=SERVERS)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    with fresh(request.param, tmp_path, request.config) as opened:
        yield opened


@pytest.fixture
def accounts(database: Database) -> Accounts:
    return Accounts(database)


@pytest.fixture
def work(accounts: Accounts) -> Account:
    imap = Service(kind="imap", host="127.0.0.1", port=143, username="me@example.org")
    return accounts.add("work", "imap", "me@example.org", [imap], Switches(write=True))


def add_cards(accounts: Accounts, account: Account, *cards: str, book: str = "Friends") -> None:
    collection = accounts.keep_collection(account, "address_book", book, book, writable=True)
    kept = [KeptCard(f"/{book}/{at}", "1", read_card(text)) for at, text in enumerate(cards)]
    keep(accounts.database, collection, kept)


def names(accounts: Accounts, words: str) -> list[str]:
    return [fit.person.name for fit in who_is(accounts.database, accounts.list(), words, NOW)]


def test_a_card_brings_all_the_mail_and_events_of_its_addresses(accounts: Accounts, work: Account) -> None:
    add_cards(
        accounts, work, card("1", "Ann Smith", "EMAIL:ann@home.example", "EMAIL:ann@firm.example", "TEL:+1 5")
    )
    add_mail(accounts, work, NOW - timedelta(days=3), ("A. Smith", "ann@firm.example"), [ME])
    add_mail(accounts, work, NOW - timedelta(days=2), ME, [("Ann", "ann@firm.example")], role="sent")
    add_event(
        accounts, work, NOW - timedelta(days=1), NOW, "Lunch",
        organizer="me@example.org", attendees="ann@home.example me@example.org",
    )  # fmt: skip
    (fit,) = who_is(accounts.database, accounts.list(), "ann smith", NOW)
    person = fit.person
    assert person.emails == ("ann@firm.example", "ann@home.example")  # the most used first
    assert (person.times, person.phones) == (3, ("+15",))
    assert person.last == NOW - timedelta(days=1)
    assert person.found_in == ("contacts:work", "calendar:work", "mail:work")
    assert {str(label) for label in person.labels} == {"contacts:work"}


def test_several_people_who_fit_are_all_given_and_none_is_meant(accounts: Accounts, work: Account) -> None:
    add_cards(
        accounts,
        work,
        card("1", "Ann Smith", "EMAIL:smith@example.org"),
        card("2", "Ann Jones", "EMAIL:jones@example.org"),
        card("3", "Annette Brown", "EMAIL:brown@example.org"),
        card("4", "Bob Stone", "EMAIL:bob@example.org"),
    )
    for _ in range(3):
        add_mail(accounts, work, NOW - timedelta(days=1), ("Ann", "jones@example.org"), [ME])
    fits = who_is(accounts.database, accounts.list(), "Ann", NOW)
    assert [fit.person.name for fit in fits] == ["Ann Jones", "Ann Smith", "Annette Brown"]
    assert meant(fits) is None
    fits = who_is(accounts.database, accounts.list(), "Ann Jones", NOW)
    assert [fit.person.name for fit in fits] == ["Ann Jones"]
    assert meant(fits) is not None


def test_two_cards_of_one_name_are_one_person_only_where_they_share_something(
    accounts: Accounts, work: Account
) -> None:
    add_cards(accounts, work, card("1", "Ann Smith", "EMAIL:a@example.org", "TEL:123456"))
    add_cards(accounts, work, card("2", "Ann Smith", "TEL:123456", "EMAIL:b@example.org"), book="Firm")
    add_cards(accounts, work, card("3", "Ann Smith", "EMAIL:c@example.org"), book="Club")
    fits = who_is(accounts.database, accounts.list(), "Ann Smith", NOW)
    assert sorted(fit.person.emails for fit in fits) == [
        ("a@example.org", "b@example.org"),
        ("c@example.org",),
    ]


def test_a_shared_address_does_not_make_one_person_of_two(accounts: Accounts, work: Account) -> None:
    add_cards(
        accounts,
        work,
        card("1", "Ann Smith", "EMAIL:family@example.org"),
        card("2", "Bob Smith", "EMAIL:family@example.org"),
    )
    assert names(accounts, "Bob") == ["Bob Smith"]
    assert sorted(names(accounts, "family@example.org")) == ["Ann Smith", "Bob Smith"]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("jorg muller", "Jörg Müller"),  # no accents
        ("Jörg Mülller", "Jörg Müller"),  # a letter too many
        ("Cathrine Zeta", "Catherine Zeta"),  # one missing
        ("Catehrine", "Catherine Zeta"),  # two in the wrong order
        ("Bob Stone", "Robert Stone"),  # a short form
        ("Nan Hill", "Susan Hill"),  # a nickname of the card
        ("stone acme", "Robert Stone"),  # the firm
        ("Cath", "Catherine Zeta"),  # the beginning
        ("+49 170 55512", "Jörg Müller"),
        ("0170 55512", "Jörg Müller"),
        ("CATHERINE@EXAMPLE.ORG", "Catherine Zeta"),
    ],
)
def test_people_are_found_as_people_write_them(
    accounts: Accounts, work: Account, words: str, found: str
) -> None:
    add_cards(
        accounts,
        work,
        card("1", "Jörg Müller", "TEL:+49 170 55512"),
        card("2", "Catherine Zeta", "EMAIL:catherine@example.org"),
        card("3", "Robert Stone", "ORG:Acme"),
        card("4", "Susan Hill", "NICKNAME:Nan"),
        card("5", "Bert Stein"),
    )
    assert names(accounts, words)[:1] == [found]


def test_whom_nobody_resembles_is_not_found(accounts: Accounts, work: Account) -> None:
    add_cards(accounts, work, card("1", "Ann Smith"))
    for words in ("Zoe", "Ann Brown", "12", "...", "x@y.example"):
        assert names(accounts, words) == []


def test_strangers_do_not_stand_between_the_user_and_those_they_know(
    accounts: Accounts, work: Account
) -> None:
    for at in range(20):
        add_mail(accounts, work, NOW, ("Ann Smith", f"spam{at}@example.net"), [ME])
    assert len(names(accounts, "Ann Smith")) == 20
    add_mail(accounts, work, NOW, ME, [("Ann Smith", "ann@example.org")], role="sent")
    (fit,) = who_is(accounts.database, accounts.list(), "Ann Smith", NOW)
    assert fit.person.emails == ("ann@example.org",)


def test_the_user_and_junk_are_nobody(accounts: Accounts, work: Account) -> None:
    add_mail(accounts, work, NOW, ME, [("Me", "me@example.org")], role="sent")
    add_mail(accounts, work, NOW, ("Ann", "ann@example.net"), [ME], role="junk")
    assert names(accounts, "me") == names(accounts, "ann") == []


def test_accounts_that_may_not_be_read_say_nothing(accounts: Accounts, work: Account) -> None:
    add_cards(accounts, work, card("1", "Ann Smith"))
    add_mail(accounts, work, NOW, ME, [("Bob", "bob@example.org")], role="sent")
    accounts.switch(work, Switches(read=False))
    assert names(accounts, "Ann") == names(accounts, "Bob") == []
    assert contact_tools(accounts) == []


async def test_the_tool_gives_an_address_only_where_one_person_is_meant(
    accounts: Accounts, work: Account
) -> None:
    add_cards(
        accounts,
        work,
        card("1", "Ann Smith", "EMAIL:smith@example.org"),
        card("2", "Ann Jones", "EMAIL:jones@example.org"),
    )
    (find,) = contact_tools(accounts, now=lambda: NOW)
    one = await invoke(find, {"name": Labelled("Ann Jones", USER)})
    assert one is not None and one.value["email"] == "jones@example.org"
    assert {str(label) for label in one.labels} == {"contacts:work", "user"}
    several = await invoke(find, {"name": Labelled("Ann", USER)})
    assert several is not None and several.value["email"] == several.value["name"] == ""
    assert [each["emails"] for each in several.value["people"]] == [
        ["jones@example.org"],
        ["smith@example.org"],
    ]
    with pytest.raises(ToolFailure) as raised:
        await invoke(find, {"name": Labelled("Zoe", USER)})
    assert raised.value.code == "not_found"


async def test_who_is_known_from_mail_alone_bears_the_label_of_who_wrote(
    accounts: Accounts, work: Account
) -> None:
    add_mail(accounts, work, NOW, ("Ann Smith", "ann@example.net"), [ME])
    (find,) = contact_tools(accounts, now=lambda: NOW)
    found = await invoke(find, {"name": Labelled("Ann", USER)})
    assert found is not None
    assert {str(label) for label in found.labels} == {"mail:work/ann@example.net", "user"}


async def test_a_rule_for_contacts_covers_whom_an_address_book_has_and_nobody_else(
    accounts: Accounts, work: Account
) -> None:
    add_cards(accounts, work, card("1", "Ann Smith", "EMAIL:ann@example.org"))
    add_mail(accounts, work, NOW, ("Bob Stone", "bob@example.net"), [ME])
    (find,) = contact_tools(accounts, now=lambda: NOW)
    rule = parse_rule("allow mail_send to contacts")
    for name, allowed in (("Ann", True), ("Bob", False)):
        found = await invoke(find, {"name": Labelled(name, USER)})
        assert found is not None
        given = {"to": Labelled(found.value["email"], found.labels)}
        assert rule.allows("mail_send", given) is allowed
