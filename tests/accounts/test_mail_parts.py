"""What is read in a quick way comes out as the libraries read it, whatever it is; what is odd is left to them."""

from __future__ import annotations

from email import message_from_bytes
from email.message import Message as Mime
from email.utils import getaddresses
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pierian.accounts.mail import fetching, headers, parsing, parts
from pierian.accounts.mail.connection import Imap, answers_of

LINES = st.sampled_from(
    [b"--b", b"--b--", b"--b ", b"--bb", b"--c", b"--c--", b"", b"text", b"a: b", b"\xff\xfe", b"--",
     b"Content-Type: text/html", b"Content-Type: multipart/mixed; boundary=c", b" folded",
     b"Content-Type: multipart/digest; boundary=b", b"Content-Type: multipart/mixed", b"Subject: x"]
)  # fmt: skip
ENDS = st.sampled_from([b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r"])
WHOLE = (
    b"Subject: x\r\nContent-Type: multipart/mixed; boundary=\"b\"\r\n\r\nbefore\r\n--b\r\n\r\nplain\r\n"
    b"--b\r\nContent-Type: multipart/alternative; boundary=c\r\n\r\n--c\r\nContent-Type: text/html\r\n\r\n<p>\r\n"
    b"--c--\r\n--b\r\nContent-Type: application/pdf; name=a.pdf\r\n\r\n\r\nJVBE\r\n--b--\r\nafter\r\n"
)  # fmt: skip


def leaves(mime: Mime) -> list[Any]:
    """Where the parts are, what they are and what they hold; of a message inside only that it is one."""
    return [
        (
            section,
            kind,
            part.get_filename(),
            None if kind.startswith("message/") else part.get_payload(decode=True),
        )
        for section, part in parsing._leaves(mime, "", 0)
        for kind in [part.get_content_type()]
    ]


def test_a_message_as_it_should_be_is_taken_apart_by_its_boundaries(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = leaves(message_from_bytes(WHOLE))
    monkeypatch.delattr(parts, "message_from_bytes")
    assert leaves(parts.taken_apart(WHOLE)) == expected
    assert [one[0] for one in expected] == ["1", "2.1", "3"]


@given(st.lists(st.tuples(LINES, ENDS), max_size=25), st.booleans())
@settings(max_examples=400)
def test_parts_are_those_that_email_finds(lines: list[tuple[bytes, bytes]], mixed: bool) -> None:
    content = b"".join(line + end for line, end in lines)
    if mixed:
        content = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + content + b"--b--\r\n"
    assert leaves(parts.taken_apart(content)) == leaves(message_from_bytes(content))


PIECES = st.sampled_from(
    ["Ann ", "Bob Lee ", '"Lee, Ann" ', '"a" ', "<a@b.c>", "a@b.org", ", ", ",", "; ", "(x)", "@", "<", ">", '"', "\\",
     "J. Doe ", "..@b", "<.a@b.c>", "a..b@c.d"]
)  # fmt: skip


@given(st.lists(st.lists(PIECES, max_size=6).map("".join), min_size=1, max_size=2))
@settings(max_examples=400)
def test_addresses_are_those_that_email_finds(values: list[str]) -> None:
    assert [one for one in headers._addresses(values) if one[1]] == [
        one for one in getaddresses(values) if one[1]
    ]


def test_the_usual_answer_is_read_at_once_and_others_are_left_to_the_library() -> None:
    usual = b'1 (UID 7 FLAGS (\\Seen) INTERNALDATE "28-Nov-2026 10:00:00 +0100" RFC822.SIZE 3 BODY[]<0> {3}'
    assert fetching._read((usual, b"abc"), b")") is not None
    assert fetching._read((usual, b"abc"), b" UID 7)") is None
    assert fetching._read((usual.replace(b"Nov", b"Foo"), b"abc"), b")") is None
    assert fetching._read(b"1 (UID 7)", b")") is None


@pytest.mark.parametrize(
    "raw",
    [
        [(b'1 (UID 7 FLAGS (\\Seen urgent) INTERNALDATE " 1-Feb-2026 03:04:05 +0130" RFC822.SIZE 3 BODY[]<0> {3}', b"abc"),
         b")",
         (b'2 (MODSEQ (12) RFC822.SIZE 2 UID 9 FLAGS () INTERNALDATE "28-Nov-2026 23:59:59 -0800" BODY[]<0> {2}', b"de"),
         b")"],
        # In another order, with flags of another message between, and without a date.
        [(b'1 (BODY[]<0> {3}', b"abc"), b' UID 7 FLAGS (\\Seen) RFC822.SIZE 3 INTERNALDATE "01-Feb-2026 03:04:05 +0000")'],
        [(b'1 (UID 7 FLAGS () INTERNALDATE "01-Feb-2026 03:04:05 +0000" RFC822.SIZE 3 BODY[]<0> {3}', b"abc"), b")",
         b"4 (UID 12 FLAGS (\\Deleted))"],
        [(b"1 (UID 7 FLAGS () RFC822.SIZE 3 BODY[]<0> {3}", b"abc"), b")"],
    ],
)  # fmt: skip
def test_answers_of_a_server_are_those_that_the_library_reads(raw: list[Any]) -> None:
    imap = cast(Imap, SimpleNamespace(finish=lambda _tag: raw))
    wanted = [7, 9]
    expected = list(fetching._given(imap, answers_of(raw), wanted))
    assert list(fetching._given(imap, fetching._answers(imap, ""), wanted)) == expected
    assert expected
