"""Names that a program or a question uses, and the names in a picture: which of these is meant, if any.

Pictures are misread by a letter here and there; that is put right. What only looks alike is something else.
"""

from __future__ import annotations

from collections.abc import Sequence

from rapidfuzz.distance import Levenshtein


def nearest(name: str, names: Sequence[str], question: str = "") -> str | None:
    """The name of the picture that is meant: the same one, or one that is a letter or two off, as when it is misread.

    None where there is none; so for a name that the question asks for as it is, for what is not in the picture must
    not be answered with something else.
    """
    if name in names:
        return name
    plain = {plain_letters(one): one for one in names}
    if (found := plain.get(plain_letters(name))) is not None:
        return found
    several = [
        one for one in names if plain_letters(name) in _plurals(one) or plain_letters(one) in _plurals(name)
    ]
    if not several and name.casefold() not in question.casefold():
        several = [one for one in names if _digits(one) == _digits(name) and _misread(one, name)]
    return several[0] if len(several) == 1 else None


def plain_letters(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def _digits(name: str) -> str:
    return "".join(letter for letter in name if letter.isdigit())


def _plurals(name: str) -> tuple[str, ...]:
    plain = plain_letters(name)
    return (f"{plain}s", f"{plain}es") if len(plain) > 2 and plain.isalpha() else ()


def _misread(one: str, other: str) -> bool:
    """Whether names are the same up to a letter of a word, or two of a long one; short words are never misread."""
    words, others = one.casefold().split(), other.casefold().split()
    if len(words) != len(others):
        return False
    apart = [(first, second) for first, second in zip(words, others, strict=True) if first != second]
    return len(apart) == 1 and Levenshtein.distance(*apart[0]) <= min(
        2, max(len(word) for word in apart[0]) // 4
    )
