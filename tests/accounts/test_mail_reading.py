"""Mail is found, put into conversations and seen to wait for an answer, from the copy alone, on both databases."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.accounts.mail_accounts import NOW, mail
from tests.postgresql import SERVERS, fresh

from pierian.accounts.account import Account, Collection, Service, Switches
from pierian.accounts.mail import keeping, reading
from pierian.accounts.mail.message import Mailbox, Message, Role
from pierian.accounts.mail.parsing import Given, Parsed, parse
from pierian.accounts.mail.words import words_of
from pierian.accounts.store import Accounts
from pierian.storage import Database

DAY = timedelta(days=1)
ME = "me@example.org"


@pytest.fixture(params=SERVERS)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    with fresh(request.param, tmp_path, request.config) as opened:
        yield opened


class Shelf:
    """Mailboxes that are filled without a server."""

    def __init__(self, database: Database, name: str = "work", address: str = ME, **switches: bool) -> None:
        self.accounts = Accounts(database)
        service = Service(kind="imap", host="127.0.0.1", port=1, username=address)
        self.account = self.accounts.add(name, "imap", address, [service], Switches(**switches))
        self.database = database
        self._uids = itertools.count(1)

    def box(self, path: str, role: Role) -> Collection:
        box = self.accounts.keep_collection(self.account, "mailbox", path, path, writable=True)
        keeping.keep_state(self.database, self.account, box, Mailbox(role=role))
        return box

    def put(self, *messages: bytes, path: str = "INBOX", role: Role = "inbox", flags: str = " ") -> None:
        box = self.box(path, role)
        assert keeping.add(
            self.database, self.account, box, [self.parsed(one, flags) for one in messages]
        ) == len(messages)

    def parsed(self, content: bytes, flags: str = " ") -> Parsed:
        return parse(
            Given(next(self._uids), flags, int(NOW.timestamp()), len(content), content, True, [], [])
        )

    def found(self, **query: object) -> list[Message]:
        return list(
            reading.search(self.database, [self.account], reading.Query(**query)).messages  # type: ignore[arg-type]
        )

    def numbers(self, **query: object) -> list[int]:
        return [int(one.message_id[1:].partition("@")[0]) for one in self.found(**query)]

    def waiting(self, account: Account | None = None) -> list[str]:
        return [
            one.subject
            for one in reading.waiting_for_answer(self.database, account or self.account, NOW + DAY)
        ]


def test_words_are_found_wherever_they_stand(database: Database) -> None:
    shelf = Shelf(database)
    shelf.put(
        mail(1, subject="Quarterly Budget", date=NOW - 3 * DAY),
        mail(2, text="The ÄPFEL and the invoices of Straße 7", date=NOW - 2 * DAY),
        mail(3, sender="Jörg Müller <joerg@mueller-gmbh.example>", date=NOW - DAY),
        mail(4, text="会議の資料を送ります", to="Bob Builder <bob@builder.example>"),
    )
    assert shelf.numbers(words="budget quarterly") == [1]
    assert shelf.numbers(words="äpfel") == [2]
    assert shelf.numbers(words="invoice") == [2], "a word finds longer ones that begin with it"
    assert shelf.numbers(words="inv") == [], "a short one does not"
    assert shelf.numbers(words="müller") == [3]
    assert shelf.numbers(words="joerg@mueller-gmbh.example") == [3]
    assert shelf.numbers(words="資料") == [4]
    assert shelf.numbers(words="builder") == [4]
    assert shelf.numbers(words="budget äpfel") == []
    assert shelf.numbers(words='" * ( : ^ -') == shelf.numbers() == [4, 3, 2, 1], (
        "signs alone ask for nothing"
    )
    assert shelf.numbers(words="'; DROP TABLE messages; --") == []


def test_senders_dates_mailboxes_and_unread_narrow_it_down(database: Database) -> None:
    shelf = Shelf(database)
    shelf.put(mail(1, date=NOW - 5 * DAY), mail(2, sender="Bob Ann <bob@example.org>", date=NOW - 2 * DAY))
    shelf.put(mail(3, date=NOW - DAY), flags=" \\Seen ")
    shelf.put(mail(5, date=NOW), flags=" \\Deleted ")
    shelf.put(mail(4, sender=ME, to="Ann <ann@example.org>"), path="Sent", role="sent", flags=" \\Seen ")
    assert shelf.numbers(sender="ANN@example.org") == [3, 1]
    assert shelf.numbers(sender="ann") == [3, 2, 1]
    assert shelf.numbers(since=NOW - 2 * DAY, until=NOW) == [3, 2]
    assert shelf.numbers(mailbox="sent") == shelf.numbers(mailbox="Sent") == [4]
    assert shelf.numbers(mailbox="no such") == []
    assert shelf.numbers(unread=True) == [2, 1]
    found = reading.search(database, [shelf.account], reading.Query(limit=2))
    assert (len(found.messages), found.more) == (2, True)
    assert not reading.search(database, [shelf.account], reading.Query(limit=4)).more


def test_copies_in_several_mailboxes_are_listed_once(database: Database) -> None:
    shelf = Shelf(database)
    shelf.put(mail(1), path="All", role="all")
    shelf.put(mail(1))
    (found,) = shelf.found()
    assert {one.mailbox for one in reading.copies(database, [shelf.account], found)} == {"All", "INBOX"}
    got = reading.get(database, [shelf.account], found.id[:8])
    assert got is not None and got.mailbox == "INBOX" and "message number 1" in got.text
    shelf.put(mail(1, text="Somebody else's words under the same number"))
    assert len(shelf.found()) == 2, "a forged Message-ID hides nothing"
    assert reading.get(database, [shelf.account], "<1@example.org>") is None, "it names two"


def test_accounts_that_may_not_be_read_and_those_of_others_are_not(database: Database) -> None:
    shelf, closed = Shelf(database), Shelf(database, "closed", read=False)
    shelf.put(mail(1))
    closed.put(mail(2))
    every = [shelf.account, closed.account]
    assert len(reading.search(database, every, reading.Query()).messages) == 1
    assert reading.get(database, [closed.account], "<2@example.org>") is None
    assert reading.search(database, [], reading.Query()).messages == ()


def conversations(shelf: Shelf) -> list[set[int]]:
    """The numbers of messages by conversation."""
    found = shelf.found(limit=100)
    groups: dict[str, set[int]] = {}
    for one in found:
        groups.setdefault(one.thread, set()).add(int(one.message_id[1:].partition("@")[0]))
    return sorted(groups.values(), key=min)


THREAD = [
    mail(1, subject="Trip", date=NOW - 5 * DAY),
    mail(2, subject="Re: Trip", date=NOW - 4 * DAY, head="References: <1@example.org>"),
    mail(3, subject="Re: Trip", date=NOW - 3 * DAY, head="In-Reply-To: <2@example.org>"),
    mail(
        4,
        subject="Re: Trip",
        date=NOW - 2 * DAY,
        head="References: <1@example.org> <2@example.org> <3@example.org>",
    ),
    mail(5, subject="Re: Trip", date=NOW - DAY, head="References: <3@example.org> <4@example.org>"),
    mail(9, subject="Something else", date=NOW),
]


@given(st.permutations(THREAD), st.lists(st.integers(1, 3), min_size=6, max_size=6))
def test_a_conversation_is_one_in_whatever_order_it_comes(order: list[bytes], sizes: list[int]) -> None:
    import tempfile

    from pierian.storage import open_database

    with tempfile.TemporaryDirectory() as folder, open_database(Path(folder) / "p.db") as database:
        shelf, rest = Shelf(database), list(order)
        while rest:
            size = sizes.pop() if sizes else 1
            shelf.put(*rest[:size])
            rest = rest[size:]
        assert conversations(shelf) == [{1, 2, 3, 4, 5}, {9}]


def test_a_conversation_is_read_from_its_beginning_across_mailboxes(database: Database) -> None:
    shelf = Shelf(database)
    shelf.put(THREAD[0], THREAD[2])
    shelf.put(THREAD[1], path="Sent", role="sent")
    shelf.put(THREAD[1], path="Archive", role="archive")
    message = shelf.found()[0]
    thread = reading.conversation(database, [shelf.account], message)
    assert [one.message_id[1] for one in thread] == ["1", "2", "3"]
    assert all(one.text for one in thread)


@pytest.mark.parametrize("first", [0, 1])
def test_an_answer_that_refers_to_nothing_is_found_by_its_subject(database: Database, first: int) -> None:
    shelf = Shelf(database)
    two = [
        mail(1, subject="Plans for May", date=NOW - 3 * DAY, sender=ME, to="ann@example.org"),
        mail(2, subject="AW: plans for may", date=NOW - DAY, to=ME),
    ]
    shelf.put(two[first])
    shelf.put(two[1 - first])
    assert conversations(shelf) == [{1, 2}]
    shelf.put(
        mail(3, subject="Re: Plans for May", sender="eve@other.example", to="list@other.example"),
        mail(4, subject="Plans for May", date=NOW - DAY),
        mail(5, subject="Re: Plans for May", date=NOW - 200 * DAY),
    )
    assert conversations(shelf) == [{1, 2}, {3}, {4}, {5}], "other people, no answer, too long ago"


def test_what_waits_for_an_answer(database: Database) -> None:
    shelf = Shelf(database)
    shelf.put(
        mail(1, subject="Waits"),
        mail(2, subject="Newsletter", head="List-Unsubscribe: <mailto:x@y>"),
        mail(3, subject="For others", to="bob@example.org"),
        mail(4, subject="Answered", date=NOW - 2 * DAY),
        mail(6, subject="Old", date=NOW - 40 * DAY),
        mail(7, subject="From me", sender=ME),
        mail(8, subject="Noreply", sender="no-reply@shop.example"),
        mail(9, subject="Asks again", date=NOW - 3 * DAY),
    )
    shelf.put(mail(5, subject="Marked"), flags=" \\Answered ")
    shelf.put(
        mail(40, subject="Re: Answered", sender=ME, to="ann@example.org", head="In-Reply-To: <4@example.org>"),
        mail(
            41, subject="Re: Asks again", sender=ME, to="ann@example.org", date=NOW - 2 * DAY,
            head="In-Reply-To: <9@example.org>",
        ),
        path="Sent", role="sent",
    )  # fmt: skip
    shelf.put(mail(42, subject="Re: Asks again", date=NOW - DAY, head="In-Reply-To: <41@example.org>"))
    assert shelf.waiting() == ["Waits", "Re: Asks again"]


def test_other_addresses_of_the_user_are_known_by_what_was_sent_from_them(database: Database) -> None:
    shelf = Shelf(database)
    shelf.put(mail(1, sender="Alias@other.example", to="x@y.org"), path="Sent", role="sent")
    shelf.put(mail(2, subject="To the alias", to="Alias <alias@OTHER.example>"))
    assert reading.own_addresses(database, shelf.account) == {ME, "alias@other.example"}
    assert shelf.waiting() == ["To the alias"]


def test_removed_messages_are_no_longer_found(database: Database) -> None:
    shelf = Shelf(database)
    shelf.put(*(mail(n, text=f"word{n}word") for n in range(20)))
    box = shelf.box("INBOX", "inbox")
    assert keeping.remove(database, box, range(1, 11)) == 10
    assert shelf.numbers(words="word3word") == [] and shelf.numbers(words="word15word") == [15]
    keeping.forget_mail(database, shelf.account)
    assert shelf.numbers() == []


def test_the_same_message_twice_is_one_row(database: Database) -> None:
    shelf = Shelf(database)
    box, parsed = shelf.box("INBOX", "inbox"), shelf.parsed(mail(1))
    assert keeping.add(database, shelf.account, box, [parsed]) == 1
    assert keeping.add(database, shelf.account, box, [parsed]) == 0
    assert keeping.count(database, box) == 1


def test_hostile_lengths_fit_into_every_database(database: Database) -> None:
    shelf = Shelf(database)
    long = "x" * 50_000
    words = " ".join(f"w{n}" for n in range(30_000))
    content = mail(
        1, subject=long, sender=f"{long} <{long}@example.org>", text=words, head=f"References: <{long}>"
    )
    shelf.put(content.replace(b"<1@example.org>", f"<{long}>".encode()))
    (found,) = shelf.found(words="w77")
    assert len(found.message_id) <= 250 and len(found.subject) <= 1000


def test_times_of_messages_are_aware() -> None:
    assert datetime.fromtimestamp(0, UTC).tzinfo is UTC
    assert words_of("Ann@Example.org, ÄPFEL_ä") == ["ann", "example", "org", "äpfel", "ä"]
    assert msgspec.json.decode(msgspec.json.encode(Mailbox(role="sent")), type=Mailbox).role == "sent"
