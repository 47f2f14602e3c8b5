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
_JOINS = re.compile(r"\s*(?:,|;|&|\+|,?\s*(?:and|or)(?:\s+(?:also|both))?)\s*", re.IGNORECASE)
"""What stands between people of whom the same is said."""
_LEADS_ON = re.compile(r"(?:to|from|by|with|for|of|about|at|on|in|via|into)", re.IGNORECASE)
"""Words behind a person that say something of what follows: "the mail from Ann to Bob"."""


def words_around(request: str, entities: Sequence[Entity]) -> dict[str, str]:
    """The words before people, quotations and days, those behind that say where a quotation goes ("… in the mail"),
    and one behind a person: "from Ann", "Bob needs".

    People in a row have the same words: "to Ann and Bob". What is named several times has the words of each place
    under its first name.
    """
    found: dict[str, str] = {}
    first: dict[tuple[str, str], str] = {}
    rows = _rows(request, entities)
    for entity in entities:
        if entity.kind in _TOLD_APART and entity.text:
            row = rows.get(entity.name, (entity, entity))
            before = _CLAUSE.split(request[: row[0].start])[-1].split()[-2:]
            behind = request[row[1].end :].split()[:3]
            if entity.kind == "person":
                behind = [one for one in behind[:1] if not _LEADS_ON.fullmatch(one)]
            elif behind[:1] not in (["in"], ["as"]):
                behind = []
            named = [entity.text] if entity.kind in ("person", "range") else [LEFT_OUT]
            if entity.kind == "person" and behind and behind[0].startswith(("'", "’")):
                named = [entity.text + behind.pop().replace("’", "'")]  # Ann's
            name = first.setdefault((entity.kind, repr(entity.value)), entity.name)
            words = " ".join([*before, *named, *behind])
            found[name] = f"{found[name]}; {words}" if name in found else words
    return found


def _rows(request: str, entities: Sequence[Entity]) -> dict[str, tuple[Entity, Entity]]:
    """The first and the last of the row in which each person stands."""
    rows = list[list[Entity]]()
    for entity in entities:
        if entity.kind not in ("person", "email") or not entity.text:
            continue
        if rows and _JOINS.fullmatch(request[rows[-1][-1].end : entity.start]):
            rows[-1].append(entity)
        else:
            rows.append([entity])
    return {entity.name: (row[0], row[-1]) for row in rows for entity in row}


def unnamed(request: str, entities: Sequence[Entity]) -> str:
    """The request with what was found in it left out, but for quotations."""
    left, end = list[str](), 0
    for entity in sorted(entities, key=lambda one: one.start):
        if entity.kind != "quote" and entity.start >= end and entity.end > entity.start:
            left += [request[end : entity.start], LEFT_OUT]
            end = entity.end
    return "".join([*left, request[end:]])
