"""Messages are read as far as they can be read, whatever was written, and what could not be read is said."""

from __future__ import annotations

import base64
import quopri
import time
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pierian.accounts.mail import headers, parsing_process
from pierian.accounts.mail.charsets import decoded
from pierian.accounts.mail.message import Person
from pierian.accounts.mail.parsing import MOST_TEXT, Given, Parsed, parse
from pierian.accounts.mail.parsing_process import Parser

ARRIVED = 1_795_000_000
HEAD = b"From: ann@example.org\r\nTo: me@example.org\r\nMessage-ID: <1@x>\r\n"


def given_of(content: bytes, uid: int = 1) -> Given:
    return Given(uid, " ", ARRIVED, len(content), content, True, [], [])


def read(content: bytes) -> Parsed:
    return parse(given_of(content))


@pytest.mark.parametrize(
    ("charset", "text"),
    [
        ("utf-8", "Grüße 日本 ✉"),
        ("iso-8859-1", "Grüße"),
        ("iso-8859-15", "5 €"),
        ("windows-1252", "“quoted” – 5 €"),
        ("windows-1251", "Привет"),
        ("koi8-r", "Привет"),
        ("koi8-u", "Привіт"),
        ("iso-8859-2", "Zażółć gęślą"),
        ("windows-1250", "Zażółć gęślą"),
        ("iso-8859-7", "Καλημέρα"),
        ("windows-1253", "Καλημέρα"),
        ("iso-8859-9", "İstanbul ığ"),
        ("windows-1254", "İstanbul ığ"),
        ("windows-1255", "שלום"),
        ("iso-8859-8", "שלום"),
        ("windows-1256", "مرحبا"),
        ("iso-8859-6", "مرحبا"),
        ("windows-1257", "Ačiū žąsis"),
        ("windows-1258", "Hà"),
        ("tis-620", "สวัสดี"),
        ("iso-2022-jp", "こんにちは"),
        ("shift_jis", "こんにちは"),
        ("euc-jp", "こんにちは"),
        ("gb2312", "你好世界"),
        ("gbk", "你好世界"),
        ("gb18030", "你好世界"),
        ("hz", "你好世界"),
        ("big5", "你好世界"),
        ("euc-kr", "안녕하세요"),
        ("iso-2022-kr", "안녕하세요"),
        ("johab", "안녕하세요"),
        ("utf-7", "Grüße"),
        ("utf-16", "Grüße"),
        ("cp437", "Grüße"),
        ("cp850", "Grüße"),
        ("cp866", "Привет"),
        ("mac-roman", "Grüße"),
    ],
)
def test_every_legacy_charset_is_read(charset: str, text: str) -> None:
    body = base64.encodebytes(text.encode(charset))
    subject = b"=?" + charset.encode() + b"?B?" + base64.b64encode(text.encode(charset)) + b"?="
    found = read(
        HEAD
        + b"Subject: "
        + subject
        + f"\r\nContent-Type: text/plain; charset={charset}\r\nContent-Transfer-Encoding: base64\r\n\r\n".encode()
        + body
    )
    assert (found.text, found.subject, found.problem) == (text, text, "")


@pytest.mark.parametrize(
    ("said", "content", "text"),
    [
        (None, "Grüße".encode(), "Grüße"),
        ("us-ascii", "Grüße".encode(), "Grüße"),
        ("us-ascii", "Grüße".encode("latin-1"), "Grüße"),
        ("utf-8", "Grüße aus Köln, schöne Straße".encode("cp1252"), "Grüße aus Köln, schöne Straße"),
        ("x-sjis", "こんにちは".encode("shift_jis"), "こんにちは"),
        ("ks_c_5601-1987", "똠방각하".encode("cp949"), "똠방각하"),
        ("gb2312", "镕".encode("gbk"), "镕"),
        ("iso-8859-1", "“so”".encode("cp1252"), "“so”"),
        ("no-such-charset", "Grüße".encode(), "Grüße"),
        ("utf-8", b"caf\xc3\xa9 " * 30 + b"\xff", "café " * 30 + "�"),
        ("idna", b"xn--mnchen-3ya", "xn--mnchen-3ya"),
        ("unicode_escape", b"\\u0041\xe9", "\\u0041é"),
        ("base64", b"QUJD", "QUJD"),
        ("\0\xff", "é".encode(), "é"),
        ("", b"", ""),
    ],
)
def test_wrong_and_missing_charsets_are_seen_through(said: str | None, content: bytes, text: str) -> None:
    assert decoded(content, said) == text


@given(
    st.binary(max_size=200),
    st.one_of(st.none(), st.text(max_size=20), st.sampled_from(["utf-7", "hz", "utf-16"])),
)
def test_decoding_never_raises(content: bytes, charset: str | None) -> None:
    assert isinstance(decoded(content, charset), str)


def test_encoded_words_that_are_cut_in_a_letter_are_joined() -> None:
    whole = "Überprüfung".encode()
    words = b" ".join(b"=?utf-8?b?" + base64.b64encode(part) + b"?=" for part in (whole[:8], whole[8:]))
    assert headers.unfolded(words.decode()) == "Überprüfung"
    assert "=?x?q?a=" in headers.unfolded("=?utf-8?b?!!!?= =?x?q?a=")


@pytest.mark.parametrize(
    ("header", "name"),
    [
        (b'filename="report.pdf"', "report.pdf"),
        (b"filename*=utf-8''%C3%9Cbersicht.pdf", "Übersicht.pdf"),
        (b"filename*0*=utf-8''%C3%9Cber;\r\n filename*1*=sicht;\r\n filename*2=.pdf", "Übersicht.pdf"),
        (b'filename="=?utf-8?q?=C3=9Cbersicht=2Epdf?="', "Übersicht.pdf"),
        (b'filename="../../etc/passwd"', "passwd"),
        (b'filename="C:\\\\Windows\\\\evil.exe"', "evil.exe"),
        ('filename="\u202efdp.exe"'.encode(), "fdp.exe"),
        (b"filename*=no-such'de'%FF%FE.pdf", "ÿþ.pdf"),
        ('filename="Grüße.pdf"'.encode("latin-1"), "Grüße.pdf"),
    ],
)
def test_names_of_attachments_are_read_and_made_harmless(header: bytes, name: str) -> None:
    found = read(
        HEAD
        + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nHello.\r\n--b\r\n"
        + b"Content-Type: application/octet-stream\r\nContent-Disposition: attachment;\r\n "
        + header
        + b"\r\nContent-Transfer-Encoding: base64\r\n\r\nQUJD\r\n--b--\r\n"
    )
    assert [(one.section, one.name) for one in found.parts] == [("2", name)]
    assert found.text == "Hello."


def test_html_alone_becomes_text() -> None:
    page = "<html><head><style>p{}</style><title>x</title></head><body><p>Dear&nbsp;Ann,</p><script>alert(1)</script>"
    page += "<ul><li>one</li><li>two</li></ul><img src='http://x/y.png' alt='pixel'></body></html>"
    message = EmailMessage()
    message["From"] = "a@b.org"
    message.set_content(page, subtype="html")
    found = read(message.as_bytes())
    assert "Dear Ann," in found.text and "one" in found.text and "two" in found.text
    assert not {"alert", "<p>", "p{}"} & set(found.text.split())


def test_the_plain_text_is_preferred_unless_it_says_nothing() -> None:
    def alternative(plain: str, page: str) -> str:
        message = EmailMessage()
        message.set_content(plain)
        message.add_alternative(page, subtype="html")
        return read(message.as_bytes()).text

    page = "<p>This is what the page says, and it says much.</p>"
    assert alternative("This is what the plain text says.", page) == "This is what the plain text says."
    assert "what the page says" in alternative("See HTML.", page)


def test_broken_base64_and_missing_ends_are_read_as_far_as_they_go() -> None:
    found = read(HEAD + b"Content-Transfer-Encoding: base64\r\n\r\nSGVsbG8gd29ybGQ*\r\n!")
    assert found.text.startswith("Hello worl")
    found = read(
        HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nHello.\r\n--b\r\nContent-Type: x"
    )
    assert found.text == "Hello."
    assert read(b"").text == "" and read(b"\r\n\r\n\xff\xfe").sender == Person("", "")


def test_a_message_as_an_attachment_is_one_attachment() -> None:
    inner, outer = EmailMessage(), EmailMessage()
    inner["Subject"], outer["Subject"] = "Inner", "Outer"
    inner.set_content("What the other one says.")
    outer.set_content("See the attached message.")
    outer.add_attachment(inner)
    found = read(outer.as_bytes())
    assert found.text == "See the attached message."
    assert [(one.name, one.type) for one in found.parts] == [("message.eml", "message/rfc822")]


def nested(depth: int) -> bytes:
    start = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(depth)
    )
    return HEAD + start + b"\r\nDeep inside.\r\n"


@pytest.mark.parametrize("depth", [100, 3000])
def test_deep_nesting_is_refused_and_the_head_is_kept(depth: int) -> None:
    found = read(b"Subject: Deep\r\n" + nested(depth))
    assert (found.subject, found.sender.address) == ("Deep", "ann@example.org")
    assert "too deeply nested" in found.problem or "parts" in found.problem


def test_long_texts_and_many_parts_are_bounded() -> None:
    found = read(HEAD + b"\r\n" + b"word " * 100_000)
    assert len(found.text) == MOST_TEXT and found.problem == "Its text is cut."
    part = b"--b\r\nContent-Type: application/x\r\n\r\n\r\n"
    many = read(HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + part * 5000 + b"--b--")
    assert len(many.parts) == 100 and "first 300" in many.problem
    begin = time.perf_counter()
    crowd = read(b"To: " + b", ".join(b"u%d@example.org" % n for n in range(20_000)) + b"\r\n\r\nHi")
    assert len(crowd.recipients.to) == 200
    assert time.perf_counter() - begin < 30


@settings(max_examples=150)
@given(
    st.lists(
        st.sampled_from(
            [
                b"--b", b"--b--", b"\r\n", b"\n", b"Content-Type: multipart/mixed; boundary=b", b"Content-Type: text/html",
                b"Content-Type: text/plain; charset=\"\xff\"", b"Content-Transfer-Encoding: base64", b"QUJD====", b"=?utf-8?b?",
                b"From: <<>>@,;", b"To: \"a", b"Date: 31 Feb 99999 99:99", b"Message-ID: <", b"References: <<a> <b", b"\0\xff",
                b"Content-Disposition: attachment; filename*0*=x'y", b"Content-Type: message/rfc822", b"Subject: =?a?b?c?=",
                b"Content-Transfer-Encoding: quoted-printable", b"=ZZ=", b"begin 644 x", b"<html><p", b"Content-Type: ;;=",
            ]
        ),
        max_size=40,
    ),
    st.booleans(),
)  # fmt: skip
def test_no_message_is_too_broken(pieces: list[bytes], lines: bool) -> None:
    found = read((b"\r\n" if lines else b" ").join(pieces))
    assert isinstance(found.text, str) and len(found.digest) == 20
    found.text.encode()
    found.subject.encode()
    assert "\0" not in found.text + found.subject + found.message_id


@given(st.binary(max_size=500))
def test_bytes_of_any_kind_are_read(content: bytes) -> None:
    assert read(content).uid == 1


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("Mon, 2 Nov 2026 10:00:00 +0100", 1_793_610_000),
        ("2 Nov 2026 09:00 GMT", 1_793_610_000),
        ("nonsense", ARRIVED),
        ("", ARRIVED),
        ("Mon, 2 Nov 2099 10:00:00 +0100", ARRIVED),
        ("Mon, 99 Foo 2026 99:00:00", ARRIVED),
    ],
)
def test_a_date_is_believed_unless_it_is_none(said: str, seconds: int) -> None:
    assert headers.sent_at(said, ARRIVED) == seconds


@pytest.mark.parametrize(
    ("subject", "topic"),
    [
        ("Budget 2027", "budget 2027"),
        ("Re: [list] AW: Fwd: Budget 2027 (fwd)", "re:budget 2027"),
        ("Re[2]: Budget 2027", "re:budget 2027"),
        ("Hi", ""),
        ("", ""),
    ],
)
def test_the_topic_of_a_subject(subject: str, topic: str) -> None:
    assert headers.topic(subject) == topic


@pytest.mark.parametrize(
    ("head", "automatic"),
    [
        (b"", False),
        (b"List-Unsubscribe: <mailto:x@y>\r\n", True),
        (b"Auto-Submitted: auto-replied\r\n", True),
        (b"Auto-Submitted: no\r\n", False),
        (b"Precedence: bulk\r\n", True),
        (b"From: no-reply@shop.example\r\n", True),
        (b"From: Shop <do-not-reply+x@shop.example>\r\n", True),
        (b"Return-Path: <>\r\n", True),
        (b"From: renew@example.org\r\n", False),
    ],
)
def test_machines_are_told_from_people(head: bytes, automatic: bool) -> None:
    assert read(head + HEAD + b"\r\nHello").automatic is automatic


def test_a_message_that_takes_too_long_is_given_up_and_the_others_are_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slow = b"Subject: Slow\r\n" + HEAD + b"Content-Type: text/html\r\n\r\n" + b"<a>" * 10 + b"SLEEP"
    monkeypatch.setattr(parsing_process, "COMMAND", ("-c", SLOW))
    with Parser(compute_seconds=0.5) as parser:
        parser.submit([given_of(HEAD + b"\r\nOne", 1), given_of(slow, 2), given_of(HEAD + b"\r\nThree", 3)])
        found = parser.collect()
        assert [one.text for one in found] == ["One", "", "Three"]
        assert found[1].subject == "Slow" and "takes too long" in found[1].problem
        parser.submit([given_of(HEAD + b"\r\nFour", 4)])
        assert [one.text for one in parser.collect()] == ["Four"]


SLOW = """
from pierian.accounts.mail import parsing, parsing_process
usual = parsing.parse
def parse(given):
    if b"SLEEP" in given.content:
        while True:
            pass
    return usual(given)
parsing_process.parse = parse
parsing_process._main()
"""


def test_quoted_printable_of_any_bytes_comes_back() -> None:
    text = "Zeile = eins\nZwei – drei"
    content = quopri.encodestring(text.encode())
    found = read(
        HEAD
        + b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
        + content
    )
    assert found.text == text
