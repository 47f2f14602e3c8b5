"""The copy of a mailbox is what the server has: after changes, renames, kills and refusals."""

from __future__ import annotations

import imaplib
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs
from sqlalchemy import text
from tests.accounts.dovecot_server import Dovecot, running
from tests.accounts.mail_accounts import ALL, SECRET, Linked, link, mail, until

from pierian.accounts.mail import connection, fetching, keeping, pace, reading
from pierian.accounts.mail.connection import Imap
from pierian.accounts.mail.syncing import sync_mail
from pierian.accounts.secrets import Secret
from pierian.accounts.troubles import AccountError


def here(linked: Linked, mailbox: str = "INBOX") -> set[int]:
    box = next(one for one in linked.accounts.collections(linked.account, "mailbox") if one.path == mailbox)
    return keeping.uids(linked.database, box)


def there(linked: Linked, mailbox: str = "INBOX") -> set[int]:
    with linked.client() as client:
        client.select_folder(mailbox, readonly=True)
        return set(client.search("ALL"))


def test_new_changed_and_deleted_messages_are_seen(dovecot: Dovecot, tmp_path: Path) -> None:
    linked = link(dovecot, tmp_path)
    linked.put(*(mail(n) for n in range(5)))
    assert linked.sync().added == 5
    with linked.client() as client:
        client.select_folder("INBOX")
        client.add_flags([1], [b"\\Seen", b"Urgent"])
        client.delete_messages([2])
        client.expunge()
    linked.put(mail(7))
    done = linked.sync()
    assert (done.added, done.changed, done.removed, done.problems) == (1, 1, 1, ())
    assert linked.subjects() == ["Message 0", "Message 2", "Message 3", "Message 4", "Message 7"]
    first = next(one for one in linked.found() if one.subject == "Message 0")
    assert set(first.flags) == {"\\Seen", "Urgent"} and not first.unread
    again = linked.sync()
    assert (again.added, again.changed, again.removed) == (0, 0, 0)


@pytest.mark.parametrize(
    "lacking", [{"QRESYNC"}, {"QRESYNC", "CONDSTORE"}, {"QRESYNC", "CONDSTORE", "ESEARCH", "MOVE"}]
)
def test_servers_that_tell_less_are_compared_with(
    dovecot: Dovecot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lacking: set[str]
) -> None:
    """As by a server without these extensions: what it would not say is taken out of its answers."""
    from imapclient import IMAPClient

    said = IMAPClient.capabilities
    opened = Imap.open
    monkeypatch.setattr(
        IMAPClient, "capabilities", lambda self: tuple(c for c in said(self) if c.decode() not in lacking)
    )
    if "CONDSTORE" in lacking:
        monkeypatch.setattr(Imap, "open", lambda *a, **k: structs.replace(opened(*a, **k), modseq=0))
    linked = link(dovecot, tmp_path)
    linked.put(*(mail(n) for n in range(4)))
    linked.sync()
    with linked.client() as client:
        client.select_folder("INBOX")
        client.add_flags([1], [b"\\Flagged"])
        client.delete_messages([3])
        client.expunge()
    linked.put(mail(9))
    done = linked.sync()
    assert (done.added, done.changed, done.removed) == (1, 1, 1)
    assert here(linked) == there(linked)
    assert linked.sync() == type(done)()


def test_nothing_is_marked_as_seen(dovecot: Dovecot, tmp_path: Path) -> None:
    linked = link(dovecot, tmp_path)
    linked.put(mail(1), mail(2, text="x" * 200_000))
    linked.sync()
    with linked.client() as client:
        client.select_folder("INBOX", readonly=True)
        assert not client.search("SEEN")


def test_spam_and_trash_stay_at_the_server_and_roles_are_known(dovecot: Dovecot, tmp_path: Path) -> None:
    linked = link(dovecot, tmp_path)
    linked.put(mail(1))
    linked.put(mail(2), mailbox="Junk")
    linked.put(mail(3), mailbox="Trash")
    linked.put(mail(4), mailbox="Sent")
    with linked.client() as client:
        client.create_folder("Räume & Pläne/2026 日本")
    linked.put(mail(5), mailbox="Räume & Pläne/2026 日本")
    assert linked.sync().problems == ()
    assert linked.subjects() == ["Message 1", "Message 4", "Message 5"]
    assert linked.subjects(mailbox="sent") == ["Message 4"]
    assert linked.subjects(mailbox="räume & pläne/2026 日本") == ["Message 5"]


def test_odd_names_of_mailboxes(dovecot: Dovecot, tmp_path: Path) -> None:
    linked = link(dovecot, tmp_path)
    for number, name in enumerate(["Räume", "123", 'a b"c\\d', "日本/語"]):
        with linked.client() as client:
            client.create_folder(name)
            client.append(name, mail(number))
    assert linked.sync().problems == ()
    assert linked.subjects() == [f"Message {number}" for number in range(4)]
    assert linked.subjects(mailbox="Räume") == ["Message 0"]
    for broken in ("&AB", "&!!!-", "R\xe4ume", "&2AA-"):
        assert connection.mailbox_name(broken) == broken, "no name, so it is shown as it came"


def test_where_one_mailbox_has_everything_the_others_are_views(dovecot: Dovecot, tmp_path: Path) -> None:
    linked = link(dovecot, tmp_path)
    with linked.client() as client:
        client.create_folder("All Mail")
        client.create_folder("Label")
    linked.put(mail(1))
    linked.put(mail(1), mailbox="Label")
    linked.put(mail(1), mail(2), mailbox="All Mail")
    assert linked.sync().added == 3
    assert linked.subjects() == ["Message 1", "Message 2"]
    assert linked.subjects(mailbox="inbox") == ["Message 1"]


def test_a_mailbox_that_is_renamed_or_made_anew_leaves_nothing_twice(
    dovecot: Dovecot, tmp_path: Path
) -> None:
    linked = link(dovecot, tmp_path)
    with linked.client() as client:
        client.create_folder("Projects")
    linked.put(mail(1), mail(2), mailbox="Projects")
    linked.sync()
    with linked.client() as client:
        client.rename_folder("Projects", "Plans")
    linked.sync()
    assert [one.mailbox for one in linked.found()] == ["Plans", "Plans"]
    with linked.client() as client:
        client.delete_folder("Plans")
        client.create_folder("Plans")
    linked.put(mail(3), mailbox="Plans")
    linked.sync()
    assert linked.subjects() == ["Message 3"], "the same UID now names another message"


def test_a_mailbox_that_vanishes_during_the_sync_is_said(
    dovecot: Dovecot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    linked = link(dovecot, tmp_path)
    with linked.client() as client:
        client.create_folder("Aaa")
    linked.put(mail(1), mailbox="Aaa")
    linked.put(mail(2), mailbox="Sent")
    listing = Imap.mailboxes

    def renamed_after(self: Imap) -> Any:
        found = listing(self)
        with linked.client() as client:
            client.rename_folder("Aaa", "Bbb")
        return found

    with monkeypatch.context() as patch:
        patch.setattr(Imap, "mailboxes", renamed_after)
        done = linked.sync()
    assert len(done.problems) == 1 and "Aaa" in done.problems[0]
    assert linked.subjects() == ["Message 2"]
    linked.sync()
    assert linked.subjects() == ["Message 1", "Message 2"]


def test_long_messages_come_without_their_attachments(dovecot: Dovecot, tmp_path: Path) -> None:
    linked = link(dovecot, tmp_path)
    big = "QUJD" * 60_000
    message = (
        "From: ann@example.org\r\nTo: me@example.org\r\nSubject: Plans\r\nMessage-ID: <big@example.org>\r\n"
        "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        '--b\r\nContent-Type: application/pdf; name="first.pdf"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
        f"{big}\r\n"
        "--b\r\nContent-Type: text/plain; charset=iso-8859-15\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
        "The price is 5 =A4.\r\n"
        "--b\r\nContent-Type: application/octet-stream\r\nContent-Disposition: attachment;\r\n"
        " filename*=utf-8''%C3%9Cbersicht.zip\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        f"{big}\r\n--b--\r\n"
    )
    linked.put(message.encode())
    linked.sync()
    (found,) = linked.found(words="price")
    assert found.text == "The price is 5 €."
    assert [(one.section, one.name, one.size) for one in found.parts] == [
        ("1", "first.pdf", 180_000 + found.parts[0].size - 180_000),
        ("3", "Übersicht.zip", found.parts[1].size),
    ]
    assert all(175_000 < one.size < 190_000 for one in found.parts)
    assert linked.database.path.stat().st_size < 1_000_000


def test_a_wrong_password_is_a_clear_sentence_without_the_password(dovecot: Dovecot, tmp_path: Path) -> None:
    linked = link(dovecot, tmp_path)
    with pytest.raises(AccountError) as raised:
        sync_mail(linked.accounts, linked.account, Secret(password="canary-4711"))
    assert raised.value.code == "password"
    assert "canary" not in f"{raised.value} {raised.value.hint} {raised.value.__cause__!r}"


def test_a_consent_signs_in_by_its_token(dovecot: Dovecot, tmp_path: Path) -> None:
    linked = link(dovecot, tmp_path)
    linked.put(mail(1))
    services = [structs.replace(one, sign_in="oauth") for one in linked.account.services]
    account = linked.accounts.serve(linked.account, services)
    assert sync_mail(linked.accounts, account, Secret(access_token=SECRET.password)).added == 1
    with pytest.raises(AccountError) as raised:
        sync_mail(linked.accounts, account, Secret(access_token="canary-4711"))
    assert raised.value.code == "consent" and "canary" not in f"{raised.value}{raised.value.__cause__!r}"


def test_what_goes_to_and_fro_is_not_logged(
    dovecot: Dovecot, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)
    linked = link(dovecot, tmp_path)
    linked.put(mail(1, text="canary in the text"))
    caplog.clear()
    linked.sync()
    assert SECRET.password not in caplog.text and "canary" not in caplog.text


def test_a_certificate_that_nobody_vouches_for_is_never_accepted(
    dovecot: Dovecot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    linked = link(dovecot, tmp_path, security="tls", host="localhost")
    with pytest.raises(AccountError) as raised:
        linked.sync()
    assert raised.value.code == "certificate"
    monkeypatch.setenv("SSL_CERT_FILE", str(dovecot.certificate))
    linked.put(mail(1))
    assert linked.sync().added == 1


def test_starttls_is_used_or_nothing_is_sent(
    dovecot: Dovecot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(dovecot.certificate))
    linked = link(dovecot, tmp_path, security="starttls", host="localhost")
    linked.put(mail(1))
    assert linked.sync().added == 1


def test_plain_text_goes_to_this_machine_only(dovecot: Dovecot, tmp_path: Path) -> None:
    linked = link(dovecot, tmp_path, host="192.0.2.1")
    with pytest.raises(AccountError) as raised:
        linked.sync()
    assert raised.value.code == "plain_text"


def test_a_message_that_the_server_does_not_give_is_named_and_the_rest_is_there(
    dovecot: Dovecot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    linked = link(dovecot, tmp_path)
    linked.put(*(mail(n) for n in range(6)))
    begin = Imap.begin

    def refusing(self: Imap, uids: str, items: str) -> str:
        wanted = {uid for part in uids.split(",") for uid in _range(part)}
        return begin(self, "nonsense" if 3 in wanted and "BODY" in items else uids, items)

    monkeypatch.setattr(Imap, "begin", refusing)
    done = linked.sync()
    assert done.added == 6 and len(done.problems) == 1
    assert [one.problem for one in linked.found() if one.problem] == ["The server does not give it."]
    assert linked.sync().added == 0, "it is not asked for again and again"


def _range(part: str) -> range:
    first, _, last = part.partition(":")
    return range(int(first), int(last or first) + 1)


def test_a_sync_that_is_cut_off_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "BATCH", 10)
    with running() as server:
        linked = link(server, tmp_path)
        linked.put(*(mail(n) for n in range(100)))
        told: list[int] = []

        def killing(_name: str, done: int, _all: int) -> None:
            told.append(done)
            if done >= 30 and server.is_running:
                server.kill()

        with pytest.raises(AccountError) as raised:
            linked.sync(killing)
        assert raised.value.code in ("unreachable", "timeout")
        kept = here(linked)
        assert 0 < len(kept) < 100 and max(kept) == 100, "the newest come first"
        server.start()
        begin, fetched = Imap.begin, set[int]()

        def spying(self: Imap, uids: str, items: str) -> str:
            fetched.update(uid for part in uids.split(",") for uid in _range(part) if "BODY" in items)
            return begin(self, uids, items)

        monkeypatch.setattr(Imap, "begin", spying)
        done = linked.sync()
        assert done.added == 100 - len(kept)
        assert not fetched & kept, "what was there is not fetched again"
        assert here(linked) == there(linked) == set(range(1, 101))


SYNC = """
import sys
from pathlib import Path
from pierian.accounts.mail import fetching
from pierian.accounts.mail.syncing import sync_mail
from pierian.accounts.secrets import Secret
from pierian.accounts.store import Accounts
from pierian.storage import open_database
fetching.BATCH = 5
with open_database(Path(sys.argv[1])) as database:
    accounts = Accounts(database)
    (account,) = accounts.list()
    def tell(_name, done, _all):
        print(done, flush=True)
    sync_mail(accounts, account, Secret(password=sys.argv[2]), tell)
"""


def test_a_killed_process_loses_and_doubles_nothing(dovecot: Dovecot, tmp_path: Path) -> None:
    linked = link(dovecot, tmp_path)
    linked.put(*(mail(n, head="References: <root@example.org>") for n in range(60)))
    path = str(linked.database.path)
    linked.database.close()
    for stop in (1, 4, 7):
        process = subprocess.Popen(
            [sys.executable, "-c", SYNC, path, SECRET.password], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        for _ in range(stop):
            process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
    linked.sync()
    assert here(linked) == there(linked)
    assert len(linked.found()) == 60
    (first, *_) = linked.found(words="number")
    assert len(reading.conversation(linked.database, [linked.account], first)) == 60


def test_a_silent_server_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "SILENT_SECONDS", 0.5)
    with running() as server:
        linked = link(server, tmp_path)
        linked.put(mail(1))
        opened = Imap.open
        paused = threading.Event()

        def pausing(self: Imap, *args: Any, **more: Any) -> Any:
            if not paused.is_set():
                server.pause()
                paused.set()
            return opened(self, *args, **more)

        with monkeypatch.context() as patch:
            patch.setattr(Imap, "open", pausing)
            try:
                with pytest.raises(AccountError) as raised:
                    linked.sync()
            finally:
                server.go_on()
        assert raised.value.code == "timeout"
        until(lambda: linked.sync() is not None)
        assert linked.subjects() == ["Message 1"]


def without_luck(linked: Linked) -> None:
    """Let SQLite's index merge nothing by itself, as it does by chance with little in it."""
    with linked.database.write() as connection:
        connection.execute(text("INSERT INTO message_words (message_words, rank) VALUES ('automerge', 0)"))


def on_disk(linked: Linked) -> bytes:
    linked.database.close()
    return b"".join(file.read_bytes() for file in linked.database.path.parent.glob("pierian.db*"))


def test_a_deleted_message_leaves_no_word_behind(dovecot: Dovecot, tmp_path: Path) -> None:
    linked = link(dovecot, tmp_path)
    without_luck(linked)
    linked.put(*(mail(n, text="canarium" if n == 1 else "usual") for n in range(3)))
    linked.sync()
    assert b"canarium" in on_disk(linked)
    with linked.client() as client:
        client.select_folder("INBOX")
        client.delete_messages([2])
        client.expunge()
    linked.sync()
    assert b"canarium" not in on_disk(linked)
    assert linked.subjects(words="usual") == ["Message 0", "Message 2"]


def test_unlinking_leaves_no_word_of_the_mail_behind(dovecot: Dovecot, tmp_path: Path) -> None:
    linked = link(dovecot, tmp_path)
    user, services = dovecot.user(), linked.account.services
    own = [structs.replace(one, username=user) for one in services]
    other = Linked(dovecot, linked.accounts, linked.accounts.add("other", "imap", user, own, ALL))
    without_luck(linked)
    linked.put(*(mail(n, text=f"the secretword{n} canarium") for n in range(30)))
    other.put(mail(1, text="stays"))
    linked.sync()
    other.sync()
    linked.accounts.unlink(linked.account)
    left = on_disk(linked)
    assert b"canarium" not in left and b"secretword" not in left
    assert other.subjects(words="stays") == ["Message 1"]


def test_an_imap_error_is_no_reason_to_crash() -> None:
    with pytest.raises(imaplib.IMAP4.error):
        connection.answers_of([b"1 (UID"])
    with pytest.raises(imaplib.IMAP4.error):
        connection.answers_of([b"1 (UID 5 BODYSTRUCTURE " + b"(" * 5000 + b")" * 5000 + b")"])
