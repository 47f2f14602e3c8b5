"""The words of a request beside what code found in it: by them names are told from others of their kind.

Nothing is decided here; what the words mean for an argument is in `named_arguments`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pierian.agents.entities import Entity

LEFT_OUT = "…"
_TOLD_APART = ("person", "quote", "date", "time", "range")
_CLAUSE = re.compile(r"\b(?:and|or|but|then)(?=\s*[\"'“‘«„]?$)", re.IGNORECASE)
"""What stands before is said of something else."""


def words_around(request: str, entities: Sequence[Entity]) -> dict[str, str]:
    """The words before people, quotations and days, those behind that say where a quotation goes ("… in the mail"),
    and one behind a person: "from Ann", "Bob needs".

    What is named several times has the words of each place under its first name.
    """
    found: dict[str, str] = {}
    first: dict[tuple[str, str], str] = {}
    for entity in entities:
        if entity.kind in _TOLD_APART and entity.text:
            before = _CLAUSE.split(request[: entity.start])[-1].split()[-2:]
            behind = request[entity.end :].split()[:3]
            if entity.kind == "person" or behind[:1] not in (["in"], ["as"]):
                behind = behind[: entity.kind == "person"]
            named = [entity.text] if entity.kind in ("person", "range") else [LEFT_OUT]
            name = first.setdefault((entity.kind, repr(entity.value)), entity.name)
            words = " ".join([*before, *named, *behind])
            found[name] = f"{found[name]}; {words}" if name in found else words
    return found


def unnamed(request: str, entities: Sequence[Entity]) -> str:
    """The request with what was found in it left out, but for quotations."""
    left, end = list[str](), 0
    for entity in sorted(entities, key=lambda one: one.start):
        if entity.kind != "quote" and entity.start >= end and entity.end > entity.start:
            left += [request[end : entity.start], LEFT_OUT]
            end = entity.end
    return "".join([*left, request[end:]])
