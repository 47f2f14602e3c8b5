"""Mail: the first sync of a large mailbox beside `mbsync` on the same Dovecot, memory, the next sync, and searches.

    python -m benchmarks.accounts_mail --messages 5000
    python -m benchmarks.accounts_mail --kills 200

The second kills the server that many times at random, while it is synced and while drafts are written, and counts
what was lost or doubled.

Both programs get the same messages from the same server in the same run, on the same machine: mbsync writes files, we
write rows that can be searched. `measure` returns the figures for `benchmarks.accounts`. Needs Dovecot and isync from
the system's packages (`apt-get install dovecot-imapd isync`).
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from base64 import encodebytes
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path

import msgspec
from msgspec import Struct
from sqlalchemy import select
from tests.accounts.dovecot_server import PASSWORD, Dovecot, running
from tests.accounts.mail_accounts import NOW, SECRET, Linked, link

from pierian.accounts.mail import composing, drafts
from pierian.accounts.mail.connection import flags_text
from pierian.accounts.troubles import AccountError
from pierian.storage.account_tables import collections, messages

SEED = 7
SEARCHES = 40
WORDS = str.split(
    "invoice meeting project budget report quarter customer delivery contract offer review release "
    "question answer travel hotel train flight garden kitchen school holiday birthday dinner concert "
    "ticket number address account payment reminder deadline schedule agenda minutes draft version "
    "change server database network machine morning"
)
SHARES = {"plain": 0.65, "html": 0.30, "attached": 0.05}

OURS = """
import json, resource, sys, time
from pathlib import Path
from pierian.accounts.account import Service, Switches
from pierian.accounts.mail.syncing import sync_mail
from pierian.accounts.secrets import Secret
from pierian.accounts.store import Accounts
from pierian.storage import open_database
folder, port, user, password = sys.argv[1:]
service = Service(kind="imap", host="127.0.0.1", port=int(port), security="none", username=user)
with open_database(Path(folder) / "pierian.db") as database:
    accounts = Accounts(database)
    known = accounts.list()
    account = known[0] if known else accounts.add("bench", "imap", user, [service], Switches())
    begin = time.perf_counter()
    done = sync_mail(accounts, account, Secret(password=password))
    seconds = time.perf_counter() - begin
usage = [resource.getrusage(who).ru_maxrss // 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
print(json.dumps({"seconds": seconds, "added": done.added, "changed": done.changed, "removed": done.removed,
                  "problems": len(done.problems), "megabytes": sum(usage)}))
"""

MBSYNC = """
FSync no
IMAPAccount bench
Host 127.0.0.1
Port {port}
User {user}
Pass {password}
SSLType None
AuthMechs LOGIN

IMAPStore far
Account bench

MaildirStore near
Path {folder}/maildir/
Inbox {folder}/maildir/INBOX
SubFolders Verbatim

Channel bench
Far :far:
Near :near:
Patterns INBOX
Create Near
Sync Pull
SyncState *
"""


class Figures(Struct, frozen=True, kw_only=True):
    """What was measured; rates are messages in a second, times milliseconds."""

    messages: int
    megabytes_of_mail: float
    rate: float
    mbsync_rate: float
    share: float
    """Our rate by mbsync's."""
    memory_megabytes: int
    """Of both our processes at their largest."""
    nothing_new_ms: float
    hundred_changes_ms: float
    """A sync after 100 messages came, 100 were read and 50 were deleted."""
    database_megabytes: float
    search_median_ms: float
    search_worst_ms: float
    waiting_ms: float
    """Finding what waits for an answer."""


def message(number: int, chance: random.Random) -> bytes:
    """A message such as people get: one in a conversation, with the many headers that servers add."""
    kind = chance.choices(list(SHARES), list(SHARES.values()))[0]
    sent = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=7 * number)
    words = [chance.choice(WORDS) for _ in range(chance.randint(80, 500))]
    text = "\r\n".join(" ".join(words[at : at + 12]) + f" {number + at}." for at in range(0, len(words), 12))
    sender = f"person{number % 900}@example{number % 31}.org"
    head = [
        f"Return-Path: <{sender}>",
        *(
            f"Received: from relay{hop}.example.net ([192.0.2.{hop}])\r\n\tby mx{hop}.example.org with ESMTPS id "
            f"{chance.getrandbits(64):x}\r\n\tfor <me@example.org>; {format_datetime(sent)}"
            for hop in range(3)
        ),
        f"DKIM-Signature: v=1; a=rsa-sha256; d=example.org; s=x;\r\n\tb={chance.getrandbits(1024):x}",
        f"From: Person {number % 900} <{sender}>",
        "To: Me <me@example.org>, Other <other@example.org>",
        f"Subject: {'Re: ' if number % 3 else ''}{' '.join(words[:4])} {number - number % 3}",
        f"Message-ID: <{number}.{SEED}@example.org>",
        f"Date: {format_datetime(sent)}",
        "MIME-Version: 1.0",
    ]
    if number % 3:
        head.append(f"In-Reply-To: <{number - 1}.{SEED}@example.org>")
        head.append(
            f"References: <{number - number % 3}.{SEED}@example.org> <{number - 1}.{SEED}@example.org>"
        )
    return ("\r\n".join(head) + "\r\n" + _body(kind, text, words, chance)).encode()


def _body(kind: str, text: str, words: list[str], chance: random.Random) -> str:
    plain = f"Content-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n"
    if kind == "plain":
        return plain
    if kind == "html":
        style = "".join(f".c{n} {{ color: #{n:06x}; margin: {n}px }}\r\n" for n in range(120))
        cells = "".join(f'<tr><td class="c{n}">{word}</td></tr>\r\n' for n, word in enumerate(words))
        page = f"<html><head><style>{style}</style></head><body><table>{cells}</table></body></html>"
        html = f"Content-Type: text/html; charset=utf-8\r\n\r\n{page}\r\n"
        return f"Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n{plain}--b\r\n{html}--b--\r\n"
    data = encodebytes(chance.randbytes(chance.randint(20_000, 150_000))).decode().replace("\n", "\r\n")
    file = (
        'Content-Type: application/pdf; name="report.pdf"\r\nContent-Transfer-Encoding: base64\r\n'
        f'Content-Disposition: attachment; filename="report.pdf"\r\n\r\n{data}'
    )
    return f"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n{plain}--b\r\n{file}\r\n--b--\r\n"


def fill(server: Dovecot, user: str, messages: int) -> int:
    """Put messages into the inbox of a user, as files, which is much faster than by IMAP; how many bytes they are."""
    inbox, chance, size = server.folder / "mail" / user, random.Random(SEED), 0
    owner = (server.folder / "mail").stat()
    for name in ("cur", "new", "tmp"):
        (inbox / name).mkdir(parents=True, exist_ok=True)
    for number in range(messages):
        content = message(number, chance)
        (inbox / "cur" / f"{1_700_000_000 + number}.M{number}.bench,S={len(content)}:2,S").write_bytes(
            content
        )
        size += len(content)
    subprocess.run(["chown", "-R", f"{owner.st_uid}:{owner.st_gid}", str(inbox)], check=True)
    with server.client(user) as client:  # its index is made here, not while anybody is timed
        client.select_folder("INBOX")
        client.get_flags(client.search("ALL"))
    return size


def mbsync(server: Dovecot, user: str, folder: Path) -> float:
    """Seconds that mbsync takes."""
    for name in ("cur", "new", "tmp"):
        (folder / "maildir" / "INBOX" / name).mkdir(parents=True)
    settings = folder / "mbsyncrc"
    settings.write_text(MBSYNC.format(port=server.port, user=user, password=PASSWORD, folder=folder))
    begin = time.perf_counter()
    subprocess.run(["mbsync", "--quiet", "--config", str(settings), "bench"], check=True)
    return time.perf_counter() - begin


def ours(server: Dovecot, user: str, folder: Path) -> dict[str, float]:
    """One sync in a process of its own, as a user's would be."""
    command = [sys.executable, "-c", OURS, str(folder), str(server.port), user, PASSWORD]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ})
    return json.loads(done.stdout)


def change(server: Dovecot, user: str, messages: int) -> None:
    """What happens to a mailbox in a day."""
    chance = random.Random(SEED + 1)
    with server.client(user) as client:
        for number in range(messages, messages + 100):
            client.append("INBOX", message(number, chance))
        client.select_folder("INBOX")
        uids = client.search("ALL")
        client.remove_flags(uids[:100], [b"\\Seen"])
        client.delete_messages(uids[-50:])
        client.expunge()


def searching(folder: Path) -> tuple[list[float], float]:
    """Milliseconds of searches of several kinds, and of what waits for an answer."""
    from pierian.accounts.mail.reading import Query, search, waiting_for_answer
    from pierian.accounts.store import Accounts
    from pierian.storage import open_database

    chance, times = random.Random(SEED), list[float]()
    with open_database(folder / "pierian.db") as database:
        known = Accounts(database).list()
        for number in range(SEARCHES):
            some = " ".join(chance.sample(WORDS, 2))
            query = (
                Query(words=some),
                Query(words=some, sender=f"Person {chance.randint(0, 899)}"),
                Query(sender=f"person{chance.randint(0, 899)}@example5.org"),
                Query(words=some, since=datetime(2024, 3, 1, tzinfo=UTC), unread=True),
            )[number % 4]
            begin = time.perf_counter()
            search(database, known, query)
            times.append(1000 * (time.perf_counter() - begin))
        begin = time.perf_counter()
        waiting_for_answer(database, known[0], datetime(2024, 2, 1, tzinfo=UTC))
        return times, 1000 * (time.perf_counter() - begin)


def measure(messages: int = 100_000, *, server: Dovecot | None = None) -> Figures:
    """All figures; the programs take turns so that the cache of the disk favours nobody (mbsync is second)."""
    with contextlib.ExitStack() as stack:
        used = server or stack.enter_context(running())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-mail-")))
        user = used.user()
        size = fill(used, user, messages)
        mbsync(used, user, _fresh(folder / "warm"))  # both find the files of the server in memory
        shutil.rmtree(folder / "warm")
        first = ours(used, user, _fresh(folder / "ours"))
        theirs = mbsync(used, user, _fresh(folder / "theirs"))
        if first["added"] != messages or first["problems"]:
            raise RuntimeError(f"{first['added']} of {messages} messages came: {first}")
        nothing = ours(used, user, folder / "ours")
        change(used, user, messages)
        after = ours(used, user, folder / "ours")
        if (after["added"], after["removed"]) != (50, 0) and (after["added"], after["removed"]) != (100, 50):
            raise RuntimeError(f"the changes were not all seen: {after}")
        times, waiting = searching(folder / "ours")
        database = (folder / "ours" / "pierian.db").stat().st_size
        return Figures(
            messages=messages,
            megabytes_of_mail=round(size / 1e6, 1),
            rate=round(messages / first["seconds"], 1),
            mbsync_rate=round(messages / theirs, 1),
            share=round(theirs / first["seconds"], 3),
            memory_megabytes=int(first["megabytes"]),
            nothing_new_ms=round(1000 * nothing["seconds"], 1),
            hundred_changes_ms=round(1000 * after["seconds"], 1),
            database_megabytes=round(database / 1e6, 1),
            search_median_ms=round(statistics.median(times), 2),
            search_worst_ms=round(max(times), 2),
            waiting_ms=round(waiting, 2),
        )


class Survived(Struct, frozen=True, kw_only=True):
    """What was left of killing the server at random; all but the first two should be 0."""

    kills: int
    cut_off: int
    """How many kills fell into the work, so that it ended with an error."""
    lost: int
    doubled: int
    other_flags: int
    drafts_lost: int
    drafts_doubled: int


def survive(kills: int = 200) -> Survived:
    """Kill the server at random moments of syncs and of drafts being written; then finish each and compare."""
    chance, counts = random.Random(SEED), Counter[str]()
    with running() as server, tempfile.TemporaryDirectory(prefix="bench-mail-") as folder:
        linked = link(server, Path(folder))
        linked.put(*(message(number, chance) for number in range(300)))
        number = itertools.count(300)
        for kill in range(kills):
            timer = threading.Timer(chance.uniform(0, 0.25 if kill % 2 else 0.06), server.kill)
            draft = written(linked, kill)
            if kill % 2:
                _disturb(linked, chance, number)
            timer.start()
            try:
                linked.sync() if kill % 2 else drafts.save_draft(linked.account, SECRET, draft)
            except AccountError:
                counts["cut_off"] += 1
            timer.join()
            server.start()
            if kill % 2 == 0:
                drafts.save_draft(linked.account, SECRET, draft)
            linked.sync()
            counts.update(_differences(linked))
            counts.update(_drafts(linked, draft["Message-ID"], 1 - kill % 2))
    return Survived(
        kills=kills,
        **{name: counts[name] for name in Survived.__struct_fields__ if name != "kills"},
    )


def written(linked: Linked, kill: int) -> EmailMessage:
    """A draft of its own for each kill."""
    message_id = composing.message_id_for(f"kill {kill}", linked.account)
    return composing.compose(
        linked.account, ["bob@example.net"], "Hi", "Hello", now=NOW, message_id=message_id
    )


def _disturb(linked: Linked, chance: random.Random, number: Iterator[int]) -> None:
    linked.put(*(message(next(number), chance) for _ in range(10)))
    with linked.client() as client:
        client.select_folder("INBOX")
        uids = client.search("ALL")
        client.add_flags(chance.sample(uids, 5), [chance.choice([b"\\Seen", b"\\Flagged", b"urgent"])])
        client.delete_messages(chance.sample(uids, 5))
        client.expunge()


def _differences(linked: Linked) -> Counter[str]:
    with linked.client() as client:
        client.select_folder("INBOX", readonly=True)
        there = {uid: flags_text(flags) for uid, flags in client.get_flags(client.search("ALL")).items()}
    query = select(messages.c.uid, messages.c.flags).join(collections).where(collections.c.path == "INBOX")
    with linked.database.read() as connection:
        rows = [(row.uid, row.flags) for row in connection.execute(query)]
    here = dict(rows)
    return Counter(
        lost=len(set(there) - set(here)),
        doubled=len(rows) - len(set(here) & set(there)),
        other_flags=sum(here[uid] != there[uid] for uid in set(here) & set(there)),
    )


def _drafts(linked: Linked, message_id: str, wanted: int) -> Counter[str]:
    with linked.client() as client:
        client.select_folder("Drafts", readonly=True)
        found = len(client.search(["HEADER", "Message-ID", message_id]))
    return Counter(drafts_lost=int(found < wanted), drafts_doubled=max(0, found - wanted))


def _fresh(folder: Path) -> Path:
    folder.mkdir()
    return folder


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--messages", type=int, default=100_000)
    arguments.add_argument("--kills", type=int, default=0, help="kill the server so often instead")
    given = arguments.parse_args()
    figures = survive(given.kills) if given.kills else measure(given.messages)
    print(json.dumps(msgspec.to_builtins(figures), indent=2))
