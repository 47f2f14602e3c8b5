"""Cards of all versions, and what is no card: read as far as they go, never raising, never for long."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pierian.accounts.contacts.vcards import phone, read_card


def test_a_card_of_an_old_telephone() -> None:
    card = read_card(
        "BEGIN:VCARD\r\nVERSION:2.1\r\n"
        "N;CHARSET=ISO-8859-1;ENCODING=QUOTED-PRINTABLE:M=FCller;J=F6rg\r\n"
        "TEL;HOME;VOICE:+49 30 1234\r\nEMAIL;INTERNET:Joerg@example.org\r\n"
        "PHOTO;ENCODING=BASE64;JPEG:/9j/4AAQ\r\n SkZJRg\r\n\r\n"
        "NOTE;QUOTED-PRINTABLE:met in =\r\nRome\r\nEND:VCARD\r\n"
    )
    assert (card.name, card.note) == ("Jörg Müller", "met in Rome")
    assert (card.phones, card.emails) == (("+49301234",), ("joerg@example.org",))
    assert "PHOTO" not in card.data and "M=FCller" in card.data


def test_a_card_as_telephones_and_webmail_write_it_today() -> None:
    card = read_card(
        "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:1\r\nFN:Ann\\, the Great\r\nN:Great;Ann;;Dr.;\r\n"
        "NICKNAME:Annie,Nan\\, too\r\nORG:Acme\\, Inc.;Sales\r\nitem1.EMAIL;type=INTERNET;type=pref:Ann@Example.org\r\n"
        "item1.X-ABLabel:_$!<Work>!$_\r\nTEL;type=CELL:+1 (555) 01\r\nNOTE:one\\ntwo\r\nEND:VCARD\r\n"
    )
    assert card.name == "Ann, the Great"
    assert card.nicknames == ("Annie", "Nan, too")
    assert (card.organisation, card.note) == ("Acme, Inc., Sales", "one two")
    assert (card.emails, card.phones) == (("ann@example.org",), ("+155501",))


def test_a_card_of_version_4() -> None:
    card = read_card(
        "BEGIN:VCARD\nVERSION:4.0\nUID:urn:uuid:4f\nFN:Bob\nEMAIL;PREF=1:mailto:bob@example.org\n"
        'TEL;VALUE=uri;TYPE="voice,home":tel:+1-555-555-5555;ext=5555\nEND:VCARD\n'
    )
    assert (card.uid, card.emails, card.phones) == ("urn:uuid:4f", ("bob@example.org",), ("+15555555555",))


def test_a_line_that_cannot_be_read_takes_nothing_else_away() -> None:
    card = read_card("BEGIN:VCARD\nVERSION:3.0\nFN Ann\nEMAIL:a@example.org\nN:Doe;Jane\nEND:VCARD\n")
    assert (card.name, card.emails) == ("Jane Doe", ("a@example.org",))


@pytest.mark.parametrize(
    "text", ["", "hello", "BEGIN:VCALENDAR\nFN:x\nEND:VCALENDAR", "<html>", "\x00", ":::;;;"]
)
def test_what_is_no_card_says_nothing(text: str) -> None:
    assert not read_card(text).says_anything


HOSTILE = {
    "parameters": "BEGIN:VCARD\nFN" + ";A" * 100_000 + ":x",
    "parameters of the old kind": "BEGIN:VCARD\nVERSION:2.1\nFN" + ";A" * 100_000 + ":x",
    "a picture": "BEGIN:VCARD\nVERSION:3.0\nPHOTO:" + ("A" * 75 + "\r\n ") * 50_000 + "\nEND:VCARD",
    "escapes": "BEGIN:VCARD\nN:" + "\\;" * 300_000,
    "nicknames": "BEGIN:VCARD\nNICKNAME:" + "," * 500_000,
    "soft line breaks": "BEGIN:VCARD\nVERSION:2.1\nNOTE;QUOTED-PRINTABLE:=\n" + "x=\n" * 200_000,
    "addresses": "BEGIN:VCARD\nFN:x\n" + "EMAIL:a@example.org\n" * 20_000,
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_card_made_to_take_for_ever_does_not(kind: str) -> None:
    begun = time.process_time()
    card = read_card(HOSTILE[kind])
    assert time.process_time() - begun < 20  # a backtracking parser takes longer than the universe will last
    assert len(card.emails) <= 100 and len(card.nicknames) <= 100


@given(st.text(max_size=300), st.sampled_from(["2.1", "3.0", "4.0"]))
def test_no_text_raises(text: str, version: str) -> None:
    card = read_card(f"BEGIN:VCARD\nVERSION:{version}\nFN:x\n{text}\nEND:VCARD")
    card.data.encode()
    card.name.encode()


@pytest.mark.parametrize(
    ("written", "kept"),
    [("+49 (0)30 / 12-34", "+490301234"), ("tel:0170 1;ext=2", "01701"), ("ask Bob", ""), ("", "")],
)
def test_numbers_are_kept_as_digits(written: str, kept: str) -> None:
    assert phone(written) == kept


@pytest.mark.parametrize("version", ["2.1", "3.0", "4.0"])
@pytest.mark.parametrize("sign", ["\u2028", "\u0085", "\x0b", "\x0c"])
def test_signs_within_a_text_begin_no_line(version: str, sign: str) -> None:
    card = read_card(
        f"BEGIN:VCARD\r\nVERSION:{version}\r\nFN:x\r\nNOTE:hi{sign}EMAIL:evil@example.com\r\nEMAIL:ann@example.org\r\nEND:VCARD\r\n"
    )
    assert card.emails == ("ann@example.org",)
