"""A secret is told from a mistyped one by its own characters."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from pierian.access.secret import (
    ALPHABET,
    INVITE_PREFIX,
    KEY_PREFIX,
    checksum,
    hashed,
    new_secret,
    well_formed,
)


def test_a_secret_has_enough_that_nobody_can_guess() -> None:
    made = new_secret(KEY_PREFIX)
    assert re.fullmatch(r"pierian-[0-9a-hjkmnp-tv-z]{50}", made.text)
    assert made.text.startswith(made.shown)
    assert 5 * (46 - (len(made.shown) - len(KEY_PREFIX))) >= 200
    assert made.hash == hashed(made.text)
    assert made.text not in made.hash
    assert new_secret(KEY_PREFIX).text != made.text


@given(at=st.integers(0, 49), other=st.sampled_from(ALPHABET))
def test_a_mistyped_secret_is_recognised(at: int, other: str) -> None:
    body = "pierian-" + ALPHABET + ALPHABET[:14]
    text = body + checksum(body)
    assert well_formed(text, KEY_PREFIX)
    position = len(KEY_PREFIX) + at
    if text[position] != other:
        assert not well_formed(text[:position] + other + text[position + 1 :], KEY_PREFIX)


def test_what_is_no_secret_at_all() -> None:
    whole = new_secret(KEY_PREFIX).text
    for text in (
        "",
        "pierian-",
        "sk-123",
        whole[:-1],
        whole + "0",
        whole.upper(),
        "\udc80" * 58,
        f"{whole}\n",
    ):
        assert not well_formed(text, KEY_PREFIX)
    assert not well_formed(whole, INVITE_PREFIX)
