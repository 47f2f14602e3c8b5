"""Where a value came from, as labels that travel with it.

A `Label` names who wrote something and through which account, host or file it came. What is made from several values
carries the labels of all of them (`together`), whether a program, a model or a sub-agent made it: nothing takes a
label off but the user's word. A value without labels was made by code alone (a clock, a constant). This module names
and adds up; what may be done with a labelled value is decided by `agents`.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from msgspec import Struct


class Origin(StrEnum):
    """Who wrote a text."""

    USER = "user"
    """Typed by the person, or confirmed by them."""
    MODEL = "model"
    """Written by a model: an answer, a thought, a program, a value that a planner made up."""
    EXTERNAL = "external"
    """From anywhere else: a page, a file, a mail, a tool of somebody else."""

    @property
    def trusted(self) -> bool:
        """Whether text of this origin may steer what is done next."""
        return self is Origin.USER


class Label(Struct, frozen=True, order=True):
    """One writer and the way it came: `source` is such as `host:example.org`, `file:/…` or `mcp:server`."""

    origin: Origin
    source: str = ""

    def __str__(self) -> str:
        return self.source or self.origin.value


Labels = frozenset[Label]

USER: Labels = frozenset({Label(Origin.USER)})
MODEL: Labels = frozenset({Label(Origin.MODEL)})
NOBODY: Labels = frozenset()
"""Of what code alone made."""


class Labelled(Struct, frozen=True):
    """A JSON-like value and where it came from."""

    value: Any
    labels: Labels = NOBODY


def external(source: str) -> Labels:
    """The labels of what came from `source`."""
    return frozenset({Label(Origin.EXTERNAL, source)})


def together(parts: Iterable[Labels]) -> Labels:
    """The labels of what was made from several values."""
    return NOBODY.union(*parts)


def from_user(labels: Labels) -> bool:
    """Whether nobody but the user (and code) had a hand in it."""
    return all(label.origin.trusted for label in labels)


def described(labels: Labels) -> str:
    """The labels in words, for a person who is asked to approve."""
    names = {Origin.USER: "your own words", Origin.MODEL: "written by the model"}
    return ", ".join(names.get(label.origin) or str(label) for label in sorted(labels)) or "made by code"
