"""Messages go out once, as they were written, to those whom they name, and what happened is told as it was."""

from __future__ import annotations

import random
import zipfile
from collections.abc import Iterator
from email.message import EmailMessage
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from tests.accounts.certificates import Authority
from tests.accounts.dovecot_server import Dovecot, running
from tests.accounts.mail_accounts import NOW, SECRET, Linked, link, mail
from tests.accounts.smtp_server import Outbox, outbox

from pierian.accounts.mail import composing, drafts, marking, sending
from pierian.accounts.mail.attachments import fetch_attachment, part_of
from pierian.accounts.mail.connection import Imap
from pierian.accounts.mail.sending import SendingUnknown, Sent
from pierian.accounts.troubles import AccountError
from pierian.exceptions import UserError


@pytest.fixture
def smtp() -> Iterator[Outbox]:
    with outbox() as server:
        yield server


@pytest.fixture
def linked(dovecot: Dovecot, smtp: Outbox, tmp_path: Path) -> Linked:
    return link(dovecot, tmp_path, smtp=smtp.port)


def written(
    linked: Linked, *to: str, key: str = "step", text: str = "Hello", subject: str = "Hi"
) -> EmailMessage:
    message_id = composing.message_id_for(key, linked.account)
    return composing.compose(
        linked.account, to or ("bob@example.net",), subject, text, now=NOW, message_id=message_id
    )


def send(linked: Linked, message: EmailMessage) -> Sent:
    return sending.send_message(linked.accounts, linked.account, SECRET, message)


def among_sent(linked: Linked) -> int:
    with linked.client() as client:
        client.select_folder("Sent", readonly=True)
        return len(client.search("ALL"))


def test_a_message_goes_out_and_a_copy_is_kept(linked: Linked, smtp: Outbox) -> None:
    done = send(
        linked, written(linked, "Bob Bär <bob@example.net>", subject="Grüße ✉", text="Zeile 1\nZeile – 2")
    )
    (got,) = smtp.messages
    assert got["Subject"] == "Grüße ✉" and got.get_content().split("\r\n") == ["Zeile 1", "Zeile – 2", ""]
    assert got["To"] == "Bob Bär <bob@example.net>" and got["From"] == linked.account.address
    assert (done.refused, done.problem, among_sent(linked)) == ((), "", 1)
    linked.sync()
    assert linked.subjects(mailbox="sent") == ["Grüße ✉"]


def test_the_same_step_sends_once(linked: Linked, smtp: Outbox) -> None:
    first = send(linked, written(linked))
    assert sending.look_for(linked.accounts, linked.account, SECRET, first.message_id) == first
    assert send(linked, written(linked)) == first
    assert (len(smtp.messages), among_sent(linked)) == (1, 1)
    send(linked, written(linked, key="another"))
    assert len(smtp.messages) == 2


def test_an_end_in_the_middle_is_unknown_and_not_tried_again(linked: Linked, smtp: Outbox) -> None:
    smtp.answer = ""
    for _ in range(2):
        with pytest.raises(SendingUnknown):
            send(linked, written(linked))
    assert len(smtp.messages) == 1, "it had arrived"
    with pytest.raises(SendingUnknown):
        sending.look_for(linked.accounts, linked.account, SECRET, str(written(linked)["Message-ID"]))


def test_what_is_found_among_the_sent_ones_was_sent(linked: Linked, smtp: Outbox) -> None:
    """As with providers that keep the copy themselves."""
    smtp.answer = ""
    message = written(linked)
    with pytest.raises(SendingUnknown):
        send(linked, message)
    linked.put(message.as_bytes(), mailbox="Sent")
    assert send(linked, message).message_id == message["Message-ID"]
    assert len(smtp.messages) == 1


def test_a_clear_no_is_no_and_may_be_tried_again(linked: Linked, smtp: Outbox) -> None:
    smtp.answer = "554 5.7.1 spam, says canary"
    with pytest.raises(AccountError) as raised:
        send(linked, written(linked))
    assert raised.value.code == "denied" and "canary" not in str(raised.value)
    assert (
        sending.look_for(linked.accounts, linked.account, SECRET, str(written(linked)["Message-ID"])) is None
    )
    smtp.answer = "250 OK"
    assert send(linked, written(linked)).refused == ()
    assert (len(smtp.messages), among_sent(linked)) == (1, 1)


def test_refused_recipients_are_told_and_the_others_get_it(linked: Linked, smtp: Outbox) -> None:
    smtp.refused = {"gone@example.net": "550 no such user"}
    done = send(linked, written(linked, "bob@example.net", "gone@example.net"))
    assert done.refused == ("gone@example.net",) and smtp.recipients == [["bob@example.net"]]
    with pytest.raises(AccountError) as raised:
        send(linked, written(linked, "gone@example.net", key="two"))
    assert raised.value.code == "not_found"
    smtp.refused = {"busy@example.net": "451 try later"}
    with pytest.raises(AccountError) as raised:
        send(linked, written(linked, "busy@example.net", key="three"))
    assert raised.value.code == "throttled"


def test_a_wrong_password_sends_nothing(linked: Linked, smtp: Outbox) -> None:
    from pierian.accounts.secrets import Secret

    with pytest.raises(AccountError) as raised:
        sending.send_message(linked.accounts, linked.account, Secret(password="canary"), written(linked))
    assert raised.value.code == "password" and "canary" not in repr(raised.value)
    assert not smtp.messages


def test_a_certificate_that_nobody_vouches_for_sends_nothing(
    linked: Linked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pierian.accounts.store import Accounts

    authority = Authority(tmp_path / "authority")
    with outbox(authority.server("localhost")) as smtp:
        services = [
            structs.replace(one, host="localhost", port=smtp.port, security="tls")
            if one.kind == "smtp"
            else one
            for one in linked.account.services
        ]
        account = Accounts(linked.database).serve(linked.account, services)
        with pytest.raises(AccountError) as raised:
            sending.send_message(linked.accounts, account, SECRET, written(linked))
        assert raised.value.code == "certificate" and not smtp.logins
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
        sending.send_message(linked.accounts, account, SECRET, written(linked))
        assert len(smtp.messages) == 1


def test_hidden_recipients_stay_hidden(linked: Linked, smtp: Outbox) -> None:
    message = written(linked)
    message["Bcc"] = "eve@example.net"
    send(linked, message)
    assert smtp.recipients == [["bob@example.net", "eve@example.net"]] and "Bcc" not in smtp.messages[0]


def test_a_copy_that_cannot_be_kept_is_no_reason_to_say_it_was_not_sent(tmp_path: Path, smtp: Outbox) -> None:
    with running(quota="*:storage=1K") as server:
        linked = link(server, tmp_path, smtp=smtp.port)
        done = send(linked, written(linked, text="word " * 1000))
        assert "no copy" in done.problem and "no room" in done.problem.lower()
        assert len(smtp.messages) == 1
        with pytest.raises(AccountError) as raised:
            drafts.save_draft(linked.account, SECRET, written(linked, text="word " * 1000))
        assert raised.value.code == "full"


@given(
    st.text(max_size=60),
    st.sampled_from(["bob@example.net", "a@b.org\r\nBcc: eve@x.org", "a@b.org, eve@x.org", "<>", "x", "a b@c.org", "Bob <b@c.org>", "\"x\r\ny\" <b@c.org>", "a@b@c.org"]),
)  # fmt: skip
def test_no_header_can_be_added(subject: str, to: str) -> None:
    account: Any = type("A", (), {"id": "1", "address": "me@example.org"})
    try:
        made = composing.compose(account, [to], subject, "Hi", now=NOW, message_id="<1@x>")
    except UserError:
        return
    head = made.as_bytes().split(b"\r\n\r\n")[0].split(b"\r\n")
    names = [line.split(b":")[0] for line in head if line[:1] not in (b" ", b"\t")]
    assert sorted(names) == sorted(
        [
            b"From",
            b"To",
            b"Subject",
            b"Date",
            b"Message-ID",
            b"Content-Type",
            b"Content-Transfer-Encoding",
            b"MIME-Version",
        ]
    )
    assert composing.addresses_of(made) in (["bob@example.net"], ["b@c.org"])


def test_international_addresses(linked: Linked, smtp: Outbox) -> None:
    assert send(linked, written(linked, "jörg@example.net", "bob@bücher.example")).problem == ""
    drafts.save_draft(linked.account, SECRET, written(linked, "jörg@example.net", key="draft"))
    assert smtp.recipients == [["jörg@example.net", "bob@xn--bcher-kva.example"]]


def test_an_answer_names_what_it_answers(linked: Linked, smtp: Outbox) -> None:
    linked.put(mail(2, subject="Plans", head="References: <0@example.org> <1@example.org>"))
    linked.sync()
    (original,) = linked.found()
    message = written(linked, subject=composing.answered_subject(original.subject))
    composing.answer_to(original, message)
    send(linked, message)
    (got,) = smtp.messages
    assert got["In-Reply-To"] == "<2@example.org>" and got["Subject"] == "Re: Plans"
    assert got["References"].split() == ["<0@example.org>", "<1@example.org>", "<2@example.org>"]
    linked.sync()
    assert len({one.thread for one in linked.found()}) == 1
    assert composing.answered_subject("AW: Plans") == "AW: Plans"


def test_a_draft_is_made_once_and_found_again(linked: Linked) -> None:
    message = written(linked)
    assert drafts.find_draft(linked.account, SECRET, str(message["Message-ID"])) is None
    kept = drafts.save_draft(linked.account, SECRET, message)
    assert drafts.save_draft(linked.account, SECRET, message) == kept
    assert drafts.find_draft(linked.account, SECRET, kept.message_id) == kept
    with linked.client() as client:
        client.select_folder("Drafts", readonly=True)
        assert client.search("DRAFT") == [1]


def test_a_server_that_dies_at_an_append_leaves_one_draft(
    tmp_path: Path, smtp: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running() as server:
        linked = link(server, tmp_path, smtp=smtp.port)
        append = Imap.append

        for before in (True, False):

            def dying(self: Imap, *args: Any, before: bool = before) -> int:
                if before:
                    server.kill()
                uid = append(self, *args)
                server.kill()
                return uid

            with monkeypatch.context() as patch:
                patch.setattr(Imap, "append", dying)
                with pytest.raises(AccountError) as raised:
                    drafts.save_draft(linked.account, SECRET, written(linked))
                assert raised.value.code == "unreachable"
            server.start()
        drafts.save_draft(linked.account, SECRET, written(linked))
        with linked.client() as client:
            client.select_folder("Drafts", readonly=True)
            assert len(client.search("ALL")) == 1


def test_labels_and_moves_are_made_at_the_server(linked: Linked) -> None:
    linked.put(mail(1), mail(2))
    linked.sync()
    message = next(one for one in linked.found() if one.subject == "Message 1")
    flags = marking.set_label(linked.accounts, linked.account, SECRET, message, "urgent", on=True)
    assert flags == ("urgent",)
    again = marking.set_label(linked.accounts, linked.account, SECRET, message, "urgent", on=True)
    assert again == flags, "a step that is tried again is no refusal"
    marking.set_label(linked.accounts, linked.account, SECRET, message, "read", on=True)
    message = next(one for one in linked.found() if one.subject == "Message 1")
    assert set(message.flags) == {"urgent", "\\Seen"}
    assert linked.sync().changed == 0, "the copy had it already"
    flags = marking.set_label(linked.accounts, linked.account, SECRET, message, "urgent", on=False)
    assert flags == ("\\Seen",)
    assert marking.move_message(linked.accounts, linked.account, SECRET, message, "archive") == "Archive"
    assert linked.subjects() == ["Message 2"]
    linked.sync()
    assert linked.subjects(mailbox="archive") == ["Message 1"]
    for label in ("two words", "\\Deleted", ""):
        with pytest.raises(UserError):
            marking.flag_of(label)


def test_a_move_that_a_dying_server_left_half_done_is_finished(linked: Linked) -> None:
    linked.put(mail(1), mail(2))
    linked.sync()
    message = next(one for one in linked.found() if one.subject == "Message 1")
    with linked.client() as client:
        client.select_folder("INBOX")
        client.copy([message.uid], "Archive")
    rest = (linked.accounts, linked.account, SECRET, message, "archive")
    assert marking.is_in(*rest) is None, "it is where it was as well"
    assert marking.move_message(*rest) == "Archive"
    assert marking.is_in(*rest) == "Archive"
    linked.sync()
    assert linked.subjects(mailbox="inbox") == ["Message 2"]
    with linked.client() as client:
        client.select_folder("Archive")
        assert len(client.search("ALL")) == 1


def test_another_message_with_the_same_id_is_no_copy_and_stays(linked: Linked) -> None:
    linked.put(mail(1))
    linked.put(mail(1, text="By way of a list."), mailbox="Archive")
    linked.sync()
    [message] = linked.found(mailbox="inbox")
    marking.move_message(linked.accounts, linked.account, SECRET, message, "archive")
    linked.sync()
    [message] = linked.found(mailbox="archive", limit=1)
    marking.move_message(linked.accounts, linked.account, SECRET, message, "archive")
    with linked.client() as client:
        client.select_folder("Archive")
        assert len(client.search("ALL")) == 2


def test_a_message_that_is_gone_meanwhile_is_said_to_be_gone(linked: Linked) -> None:
    linked.put(mail(1))
    linked.sync()
    with linked.client() as client:
        client.select_folder("INBOX")
        client.delete_messages(client.search("ALL"))
        client.expunge()
    with pytest.raises(AccountError) as raised:
        marking.set_label(linked.accounts, linked.account, SECRET, linked.found()[0], "urgent", on=True)
    assert raised.value.code == "not_found" and "sync" in raised.value.hint


def test_a_mailbox_that_was_made_anew_is_not_acted_on(linked: Linked) -> None:
    with linked.client() as client:
        client.create_folder("Plans")
    linked.put(mail(1), mailbox="Plans")
    linked.sync()
    with linked.client() as client:
        client.delete_folder("Plans")
        client.create_folder("Plans")
    linked.put(mail(2), mailbox="Plans")
    with pytest.raises(AccountError) as raised:
        marking.set_label(linked.accounts, linked.account, SECRET, linked.found()[0], "urgent", on=True)
    assert raised.value.code == "not_found" and "sync" in raised.value.hint


def attached(name: str, data: bytes, encoding: str = "base64") -> bytes:
    import base64
    import quopri

    coded = {"base64": base64.encodebytes, "quoted-printable": quopri.encodestring}.get(encoding, bytes)(data)
    return (
        b"From: ann@example.org\r\nTo: me@example.org\r\nSubject: Files\r\nMessage-ID: <f@example.org>\r\n"
        b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nSee below.\r\n--b\r\n"
        b"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: " + encoding.encode() + b"\r\n"
        b'Content-Disposition: attachment; filename="' + name.encode() + b'"\r\n\r\n'
        + coded.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") + b"\r\n--b--\r\n"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        ("base64", bytes(range(256)) * 10_000),
        ("base64", b"x"),
        ("quoted-printable", "Grüße = viele\n".encode() * 2000),
        ("8bit", b"plain\r\nlines"),
    ],
)
def test_an_attachment_comes_as_it_was(
    linked: Linked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str, data: bytes
) -> None:
    from pierian.accounts.mail import attachments

    monkeypatch.setattr(attachments, "CHUNK", 5_000)
    linked.put(attached("../evil\u202e/re port.bin", data, encoding))
    linked.sync()
    (message,) = linked.found()
    folder = tmp_path / "files"
    part = part_of(message, "")
    first = fetch_attachment(linked.accounts, linked.account, SECRET, message, part, folder)
    again = fetch_attachment(linked.accounts, linked.account, SECRET, message, part, folder)
    assert first.parent == again.parent == folder
    assert (first.name, again.name) == ("re port.bin", "re port (1).bin")
    assert first.read_bytes().replace(b"\r\n", b"\n") == data.replace(b"\r\n", b"\n")
    assert sorted(one.name for one in folder.iterdir()) == ["re port (1).bin", "re port.bin"]
    assert first.stat().st_mode & 0o077 == 0


def test_an_archive_that_is_a_bomb_is_refused_and_an_honest_one_is_not(
    linked: Linked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pierian.accounts.mail import attachments

    monkeypatch.setattr(attachments, "BOMB_BYTES", 2_000_000)
    monkeypatch.setattr(attachments, "BOMB_ENTRIES", 50)

    def archive(*files: bytes) -> bytes:
        made = BytesIO()
        with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as written:
            for number, data in enumerate(files):
                written.writestr(f"{number}.txt", data)
        return made.getvalue()

    folder = tmp_path / "files"

    def fetch(data: bytes, name: str = "a.zip") -> Path:
        linked.put(attached(name, data))
        linked.sync()
        message = max(linked.found(), key=lambda one: one.row)
        return fetch_attachment(
            linked.accounts, linked.account, SECRET, message, part_of(message, ""), folder
        )

    with pytest.raises(UserError, match=r"would unpack to 0\.0 GB, as a bomb does: it was not kept"):
        fetch(archive(b"\0" * 5_000_000))
    with pytest.raises(UserError, match="more than 50 entries"):
        fetch(archive(*[b""] * 60))
    assert not list(folder.iterdir())
    honest = archive(random.Random(7).randbytes(300_000))
    assert fetch(honest).read_bytes() == honest
    assert fetch(honest[:-40], "cut.zip").exists(), "a damaged one is only a file"


def test_two_gigabytes_are_refused_before_they_are_fetched(
    linked: Linked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pierian.accounts.mail import attachments

    linked.put(attached("film.mkv", b"x"))
    linked.sync()
    (message,) = linked.found()
    part = structs.replace(part_of(message, ""), size=2_000_000_000)
    monkeypatch.setattr(attachments, "signed_in", None)
    with pytest.raises(UserError, match=r"film\.mkv is larger than the 25 MB that are fetched \(2,000 MB\)"):
        fetch_attachment(linked.accounts, linked.account, SECRET, message, part, tmp_path)


def test_an_attachment_that_is_too_large_leaves_no_file(
    linked: Linked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pierian.accounts.mail import attachments

    monkeypatch.setattr(attachments, "LARGEST", 100_000)
    linked.put(attached("bomb.zip", b"\0" * 200_000))
    linked.sync()
    (message,) = linked.found()
    part = structs.replace(part_of(message, "bomb.zip"), size=10)  # as a server may say
    with pytest.raises(UserError) as raised:
        fetch_attachment(linked.accounts, linked.account, SECRET, message, part, tmp_path / "files")
    assert "larger" in str(raised.value)
    assert not list((tmp_path / "files").iterdir())
