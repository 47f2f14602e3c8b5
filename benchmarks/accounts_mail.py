"""Mail: first syncs of a large mailbox beside `mbsync` on the same Dovecot, memory, the next syncs, and searches.

Both programs get the same messages from the same server, in turn and at the same priority: mbsync writes files and
does not wait for the disk, we write rows that can be searched. Needs Dovecot and isync from the system's packages
(`apt-get install dovecot-imapd isync`). Run by `benchmarks.accounts`.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
import time
from base64 import encodebytes
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from tests.accounts.dovecot_server import PASSWORD, Dovecot, running

from benchmarks.accounts_runs import OURS, Kept, Watched, in_turn, rates, times, watched

MEASURE, AFTERWARDS = "first sync of mail", "mail afterwards"
PEER = "mbsync"
RUNS = 7
SEED = 7
SEARCHES = 200
WORDS = str.split(
    "invoice meeting project budget report quarter customer delivery contract offer review release "
    "question answer travel hotel train flight garden kitchen school holiday birthday dinner concert "
    "ticket number address account payment reminder deadline schedule agenda minutes draft version "
    "change server database network machine morning"
)
SHARES = {"plain": 0.65, "html": 0.30, "attached": 0.05}

SYNC = """
import json, sys, time
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
print(json.dumps({"seconds": seconds, "added": done.added, "removed": done.removed, "problems": done.problems}))
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
        uids = client.search("ALL")
        for at in range(0, messages, 1000):
            client.get_flags(uids[at : at + 1000])
    return size


def mbsync(server: Dovecot, user: str, folder: Path, count: int) -> Watched:
    """One first sync of mbsync, into files."""
    for name in ("cur", "new", "tmp"):
        (folder / "maildir" / "INBOX" / name).mkdir(parents=True)
    settings = folder / "mbsyncrc"
    settings.write_text(MBSYNC.format(port=server.port, user=user, password=PASSWORD, folder=folder))
    done = watched(["mbsync", "--quiet", "--config", str(settings), "bench"])
    came = sum(1 for name in ("cur", "new") for _ in (folder / "maildir" / "INBOX" / name).iterdir())
    if came != count:
        raise RuntimeError(f"{came} of {count} messages came")
    return done


def ours(server: Dovecot, user: str, folder: Path) -> Watched:
    """One sync of ours in a process of its own, as a user's would be."""
    return watched([sys.executable, "-c", SYNC, str(folder), str(server.port), user, PASSWORD])


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


def measure(kept: Kept, count: int = 100_000, runs: int = RUNS) -> None:
    """First syncs in turn with mbsync's, from one server; what follows a first sync is asked once, after the last."""
    done = len(kept.rows(MEASURE, messages=count))
    if done >= runs:
        return
    with running() as server, tempfile.TemporaryDirectory(prefix="bench-mail-") as place:
        folder, user = Path(place), server.user()
        size = fill(server, user, count)
        with tempfile.TemporaryDirectory(dir=folder) as warm:
            mbsync(server, user, Path(warm), count)  # both find the files of the server in memory

        def first(place: Path) -> Watched:
            found = ours(server, user, place)
            said = json.loads(found.said)
            if said["added"] != count or said["problems"]:
                raise RuntimeError(f"not all of {count} messages came: {said}")
            return found

        sides = {OURS: first, PEER: lambda place: mbsync(server, user, place, count)}
        for number in range(done, runs):
            row = in_turn(sides, number, folder)
            kept.add(MEASURE, {"messages": count, "megabytes of mail": round(size / 1e6, 1), **row})
        kept.add(AFTERWARDS, {"messages": count, **afterwards(server, user, _fresh(folder / "ours"), count)})


def afterwards(server: Dovecot, user: str, folder: Path, count: int) -> dict[str, Any]:
    """What the next syncs and questions take, once all is here."""
    ours(server, user, folder)
    nothing = json.loads(ours(server, user, folder).said)
    change(server, user, count)
    after = json.loads(ours(server, user, folder).said)
    if (after["added"], after["removed"]) not in ((50, 0), (100, 50)):
        raise RuntimeError(f"the changes were not all seen: {after}")
    taken, waiting = searching(folder)
    return {
        "nothing new, ms": round(1000 * nothing["seconds"], 1),
        "100 came, 100 were read, 50 deleted, ms": round(1000 * after["seconds"], 1),
        "megabytes of the database": round((folder / "pierian.db").stat().st_size / 1e6, 1),
        "search, ms": times(taken),
        "what waits for an answer, ms": round(waiting, 2),
    }


def report(kept: Kept) -> dict[str, Any]:
    """What the rows come to."""
    rows = kept.rows(MEASURE)
    most = max((row["messages"] for row in rows), default=0)
    found: dict[str, Any] = {}
    if most:
        found["first sync of mail"] = rates(kept.rows(MEASURE, messages=most), most, PEER)
    for row in kept.rows(AFTERWARDS, messages=most)[-1:]:
        found["mail afterwards"] = row
    return found


def _fresh(folder: Path) -> Path:
    folder.mkdir()
    return folder
