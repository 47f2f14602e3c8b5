"""Standing rules: what a user allows beforehand, so that nobody has to be asked each time.

    allow file_write                           any call of the tool
    allow mail.send to contacts                where the argument `to` comes from the source `contacts`
    allow web_open url=https://example.org/*   where the argument `url` looks like that

Several conditions are joined by `and`; each must hold. A rule with conditions leaves open what you or a model
wrote into other arguments, but one that came from elsewhere must be named too: `allow mail.send to contacts`
lets no copy go to an address out of a mail, and `… and body from *` allows text from anywhere as the body. No
rule means that a person is asked.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any, cast

from msgspec import Struct
from sqlalchemy import delete, insert, select

from pierian.exceptions import UnknownName, UserError
from pierian.provenance import Labelled, Origin
from pierian.storage.database import Database
from pierian.storage.ids import utc_now
from pierian.storage.tables import rules
from pierian.storage.words import clean

_RULE = re.compile(r"allow\s+(\S+)(?:\s+(.+))?", re.IGNORECASE | re.DOTALL)
_VALUE = re.compile(r"([\w.]+)\s*=\s*(.+)", re.DOTALL)
_SOURCE = re.compile(r"([\w.]+)\s+(?:from\s+)?(\S+)")


class Condition(Struct, frozen=True):
    """One argument's value, or where it comes from, has to look like `pattern` (with `*` and `?`)."""

    argument: str
    pattern: str
    source: bool
    """Whether the pattern is for the source rather than the value."""

    def holds(self, given: Labelled | None) -> bool:
        """Whether the argument is there and fits."""
        if given is None:
            return False
        if self.source:
            return all(
                label.origin.trusted or _comes_from(label.source, self.pattern) for label in given.labels
            )
        value: object = given.value
        values = cast(list[Any], value) if isinstance(value, list) else [value]
        return bool(values) and all(_looks_like(str(one), self.pattern) for one in values)


class Rule(Struct, frozen=True):
    """A rule as it was written, with what it means."""

    text: str
    tool: str
    conditions: tuple[Condition, ...] = ()
    id: str = ""
    created_at: datetime | None = None

    def allows(self, tool: str, arguments: Mapping[str, Labelled]) -> bool:
        """Whether this call needs no further approval."""
        named = {condition.argument for condition in self.conditions}
        foreign = {
            name for name, a in arguments.items() if any(x.origin is Origin.EXTERNAL for x in a.labels)
        }
        return (
            _looks_like(tool, self.tool)
            and (not named or foreign <= named)
            and all(c.holds(arguments.get(c.argument)) for c in self.conditions)
        )


def _comes_from(source: str, pattern: str) -> bool:
    """Whether a source fits; a kind alone, such as `contacts`, means all of it: `contacts:home`, `contacts:work`."""
    return _looks_like(source, pattern) or (
        ":" not in pattern and _looks_like(source.partition(":")[0], pattern)
    )


def _looks_like(text: str, pattern: str) -> bool:
    """Only `*` and `?` stand for something else: a bracket, as addresses and file names have, means itself."""
    return fnmatchcase(text, pattern.replace("[", "[[]"))


def parse_rule(text: str) -> Rule:
    """The rule that a text is; raises `UserError` with what a rule looks like."""
    text = " ".join(clean(text).split())
    found = _RULE.fullmatch(text)
    conditions: list[Condition] = []
    for clause in re.split(r"\s+and\s+", found[2]) if found and found[2] else []:
        if value := _VALUE.fullmatch(clause):
            conditions.append(Condition(value[1], value[2], source=False))
        elif source := _SOURCE.fullmatch(clause):
            conditions.append(Condition(source[1], source[2], source=True))
        else:
            found = None
            break
    if found is None:
        raise UserError(
            f"{text!r} is not a rule.",
            hint="For example: allow file_write, allow mail.send to contacts, allow web_open url=https://example.org/*",
        )
    return Rule(text, found[1], tuple(conditions))


class Rules:
    """The rules of one owner."""

    def __init__(self, database: Database, owner: str = "local") -> None:
        self.database = database
        self.owner = owner

    def list(self) -> list[Rule]:
        """All of them, the oldest first."""
        query = select(rules).where(rules.c.owner == self.owner).order_by(rules.c.created_at)
        with self.database.read() as connection:
            rows: Sequence[Any] = connection.execute(query).all()
        found: list[Rule] = []
        for row in rows:
            parsed = parse_rule(row.text)
            found.append(Rule(parsed.text, parsed.tool, parsed.conditions, row.id, row.created_at))
        return found

    def add(self, text: str) -> Rule:
        """A new rule; raises `UserError` where it is none or is there already."""
        rule = parse_rule(text)
        added = Rule(rule.text, rule.tool, rule.conditions, secrets.token_hex(3), utc_now())
        row = {"id": added.id, "owner": self.owner, "text": added.text, "created_at": added.created_at}
        with self.database.write() as connection:
            present = select(rules.c.id).where(rules.c.owner == self.owner, rules.c.text == rule.text)
            if (same := connection.execute(present).scalar()) is not None:
                raise UserError(f"The rule {same} says that already: {rule.text}")
            connection.execute(insert(rules).values(row))
        return added

    def remove(self, rule: str) -> Rule:
        """Take a rule back, by its id."""
        known = {one.id: one for one in self.list()}
        if rule not in known:
            raise UnknownName("rule", rule, known)
        with self.database.append() as connection:
            connection.execute(delete(rules).where(rules.c.owner == self.owner, rules.c.id == rule))
        return known[rule]
