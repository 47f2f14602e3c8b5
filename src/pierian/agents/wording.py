"""The words of a request beside what code found in it: by them names are told from others of their kind.

Nothing is decided here; what the words mean for an argument is in `named_arguments`.
"""

from __future__ import annotations

from collections.abc import Sequence

from pierian.agents.entities import Entity

LEFT_OUT = "…"


def words_around(request: str, entities: Sequence[Entity]) -> dict[str, str]:
    """The words before people and quotations, and one behind a person: "from Ann", "Bob needs".

    What is named several times has the words of each place under its first name.
    """
    found: dict[str, str] = {}
    first: dict[tuple[str, str], str] = {}
    for entity in entities:
        if entity.kind in ("person", "quote"):
            before = request[: entity.start].split()[-2:]
            behind = request[entity.end :].split()[:1] if entity.kind == "person" else []
            named = [entity.text] if entity.kind == "person" else [LEFT_OUT]
            name = first.setdefault((entity.kind, repr(entity.value)), entity.name)
            words = " ".join([*before, *named, *behind])
            found[name] = f"{found[name]}; {words}" if name in found else words
    return found


def unnamed(request: str, entities: Sequence[Entity]) -> str:
    """The request with what was found in it left out."""
    left, end = list[str](), 0
    for entity in sorted(entities, key=lambda one: one.start):
        if entity.start >= end and entity.end > entity.start:
            left += [request[end : entity.start], LEFT_OUT]
            end = entity.end
    return "".join([*left, request[end:]])
