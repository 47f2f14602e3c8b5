"""What is done with a mailbox while its server is killed, and what the server and the copy hold afterwards."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import func, select
from tests.accounts.dovecot_server import Dovecot
from tests.accounts.mail_accounts import NOW, SECRET, link

from benchmarks.accounts_mail import message
from benchmarks.accounts_runs import Row, chance
from pierian.accounts.mail import composing, drafts, keeping, marking
from pierian.accounts.mail.connection import flags_text
from pierian.accounts.mail.message import Message
from pierian.storage.account_tables import collections, messages

MESSAGES = 300
BOXES = ("INBOX", "Drafts", "Archive")


class MailRounds:
    """A user with some hundred messages at a server that is killed again and again."""

    def __init__(self, server: Dovecot, folder: Path) -> None:
        self.linked = link(server, folder)
        first = chance("messages")
        self.linked.put(*(message(number, first) for number in range(MESSAGES)))
        self.linked.sync()
        self.next = MESSAGES

    def sync(self, number: int, drawn: random.Random) -> _Sync:
        """Messages have come, were marked and deleted; every third time all of them are synced anew."""
        linked = self.linked
        self.next = MESSAGES + 10 * number
        linked.put(*(message(self.next + more, drawn) for more in range(10)))
        with linked.client() as client:
            client.select_folder("INBOX")
            uids = client.search("ALL")
            client.add_flags(drawn.sample(uids, 5), [drawn.choice([b"\\Seen", b"\\Flagged", b"urgent"])])
            client.delete_messages(drawn.sample(uids, 10))
            client.expunge()
        if number % 3 == 0:
            keeping.forget_mail(linked.database, linked.account)
            for collection in linked.accounts.collections(linked.account):
                linked.accounts.drop_collection(collection)
        return _Sync(self)

    def write(self, number: int, drawn: random.Random) -> _Write:
        """A draft, a label and a move, in turn."""
        self.linked.sync()
        kinds = (self._draft, self._label, self._move)
        return kinds[number % len(kinds)](number, drawn)

    def _draft(self, number: int, drawn: random.Random) -> _Write:
        account = self.linked.account
        message_id = composing.message_id_for(f"kill {number}", account)
        words = " ".join(drawn.choices(("budget", "meeting", "offer"), k=drawn.randrange(5, 2000)))
        letter = composing.compose(account, ["bob@example.net"], "Hi", words, now=NOW, message_id=message_id)
        return _Write(
            self,
            lambda: drafts.save_draft(account, SECRET, letter),
            lambda: drafts.find_draft(account, SECRET, message_id) is not None,
            {"Drafts": Counter({message_id: 1})},
        )

    def _label(self, number: int, drawn: random.Random) -> _Write:
        chosen, label = self._one(drawn), f"kill{number}"
        linked = self.linked

        def labelled() -> bool:
            with linked.client() as client:
                client.select_folder("INBOX", readonly=True)
                return client.search(["KEYWORD", label]) == [chosen.uid]

        return _Write(
            self,
            lambda: marking.set_label(linked.accounts, linked.account, SECRET, chosen, label, on=True),
            lambda: False,  # setting it again does no harm, which is how a run does it
            {},
            labelled,
        )

    def _move(self, number: int, drawn: random.Random) -> _Write:
        chosen, linked = self._one(drawn), self.linked
        return _Write(
            self,
            lambda: marking.move_message(linked.accounts, linked.account, SECRET, chosen, "archive"),
            lambda: marking.is_in(linked.accounts, linked.account, SECRET, chosen, "archive") is not None,
            {"Archive": Counter({chosen.message_id: 1}), "INBOX": Counter({chosen.message_id: -1})},
        )

    def _one(self, drawn: random.Random) -> Message:
        return drawn.choice(self.linked.found(limit=100, mailbox="INBOX"))

    def at_server(self) -> dict[str, Counter[str]]:
        """How often each Message-ID is in each mailbox."""
        found: dict[str, Counter[str]] = {}
        with self.linked.client() as client:
            for box in BOXES:
                client.select_folder(box, readonly=True)
                uids = client.search("ALL")
                heads = client.fetch(uids, ["ENVELOPE"]) if uids else {}
                found[box] = Counter(one[b"ENVELOPE"].message_id.decode() for one in heads.values())
        return found

    def differences(self) -> Row:
        """What is not the same here and at the server after a sync."""
        found: Counter[str] = Counter(lost=0, doubled=0, half=0, other=0)
        for box in BOXES:
            with self.linked.client() as client:
                client.select_folder(box, readonly=True)
                uids = client.search("ALL")
                there = (
                    {uid: flags_text(flags) for uid, flags in client.get_flags(uids).items()} if uids else {}
                )
            query = (
                select(messages.c.uid, messages.c.flags).join(collections).where(collections.c.path == box)
            )
            with self.linked.database.read() as connection:
                rows = [(row.uid, row.flags) for row in connection.execute(query)]
            here = dict(rows)
            found["lost"] += len(set(there) - set(here))
            found["doubled"] += len(rows) - len(set(here) & set(there))
            found["other"] += sum(here[uid] != there[uid] for uid in set(here) & set(there))
        found["half"] += self.halves()
        return dict(found)

    def halves(self) -> int:
        """Messages of the copy that are there without what belongs to them."""
        m = messages.c
        query = select(func.count()).where((m.text == "") | (m.message_id == "") | (m.problem != ""))
        with self.linked.database.read() as connection:
            return int(connection.execute(query).scalar_one())


class _Sync:
    """A sync of what has happened to a mailbox."""

    def __init__(self, rounds: MailRounds) -> None:
        self._rounds = rounds
        self._half = 0

    def begin(self) -> None:
        self._rounds.linked.sync()

    def finish(self) -> None:
        self._half = self._rounds.halves()
        self._rounds.linked.sync()

    def faults(self) -> Row:
        found = self._rounds.differences()
        return {**found, "half": found["half"] + self._half}


class _Write:
    """One thing that is written."""

    def __init__(
        self,
        rounds: MailRounds,
        do: Callable[[], object],
        is_done: Callable[[], bool],
        changes: dict[str, Counter[str]],
        as_it_should: Callable[[], bool] = lambda: True,
    ) -> None:
        self._rounds, self._do, self._is_done = rounds, do, is_done
        self._as_it_should = as_it_should
        self._expected = {box: Counter(counted) for box, counted in rounds.at_server().items()}
        for box, counted in changes.items():
            self._expected[box].update(counted)
            self._expected[box] = +self._expected[box]

    def begin(self) -> None:
        self._do()

    def finish(self) -> None:
        if not self._is_done():
            self._do()
        self._rounds.linked.sync()

    def faults(self) -> Row:
        wrong, found = self._rounds.differences(), self._rounds.at_server()
        missing = {box: self._expected[box] - found[box] for box in BOXES}
        more = {box: found[box] - self._expected[box] for box in BOXES}
        row = {
            **wrong,
            "lost": wrong["lost"] + sum(sum(one.values()) for one in missing.values()),
            "doubled": wrong["doubled"] + sum(sum(one.values()) for one in more.values()),
            "other": wrong["other"] + (not self._as_it_should()),
        }
        return row | (
            {"seen": [str(missing), str(more)]} if any(missing.values()) or any(more.values()) else {}
        )
