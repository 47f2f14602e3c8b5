"""Which characters are not seen or mislead: the table holds what the rooms rely on."""

from __future__ import annotations

import sys
import unicodedata

import pytest

from pierian.characters import hides, misleads, unseen, weightless, without_misleading

OVERRIDE, ISOLATE, MARK, ZERO_WIDTH, JOINER = "\u202e", "\u2066", "\u200f", "\u200b", "\u200c"


def test_every_control_separator_and_half_character_misleads_in_a_name() -> None:
    for code in range(sys.maxunicode + 1):
        character = chr(code)
        expected = (
            unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")
            or character in "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
        )
        assert misleads(character) is expected, hex(code)


def test_names_as_people_write_them_do_not_mislead() -> None:
    for name in ("notes.txt", "Übersicht 2026", "می\u200cخواهم.txt", "👩\u200d💻.png", "日本"):
        assert not misleads(name)


def test_a_text_keeps_its_lines_and_letters_and_loses_what_steers() -> None:
    text = f"a\tb\n\x1b[31mred\x00\x9b{OVERRIDE}{ISOLATE}{MARK} می{JOINER}خواهم"
    assert without_misleading(text) == f"a\tb\n[31mred می{JOINER}خواهم"


@pytest.mark.parametrize(
    "character",
    ["\x00", ZERO_WIDTH, OVERRIDE, "\U000e0041", "\U000e0101", "\u3164", "\u2028", "\ue000", "\ud800"],
)
def test_what_hides_is_seen_by_code(character: str) -> None:
    assert unseen(character)
    assert hides(f"plain{character}text")


@pytest.mark.parametrize("text", ["", "plain text", "Grüße, 日本 — 👍", "né"])
def test_what_a_person_sees_hides_nothing(text: str) -> None:
    assert not hides(text)


def test_formats_alone_take_no_room() -> None:
    assert all(map(weightless, (ZERO_WIDTH, JOINER, MARK, "\u00ad", "\ufeff")))
    assert not any(map(weightless, ("a", " ", "\u2028", "\x85", "\u0301")))
