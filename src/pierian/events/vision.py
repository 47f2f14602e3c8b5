"""Looks at a picture: what was looked at, what was found there, and what follows from it.

The looks of an answer, in the order of their numbers, are its visual chain of thought: each is evidence, and can be
drawn on the picture (`vision.overlay`).
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from pierian.events.regions import Region, box_of

LookKind = Literal["read", "zoom", "measure", "count", "compare", "values", "draw"]


class Look(Struct, frozen=True, kw_only=True):
    """One glance at a picture. `confidence` lies between 0 and 1; `picture` counts from 1 where there are several.

    What was `found` may be text from the picture: untrusted, and shown as such.
    """

    number: int
    kind: LookKind
    region: Region
    found: str
    confidence: float = 1.0
    follows: str = ""
    """What follows from it, in a sentence; empty where nothing does yet."""
    picture: int = 1

    @property
    def text(self) -> str:
        """The look in one line, for people."""
        box = box_of(self.region)
        where = f"({box.left:.0f}, {box.top:.0f})"
        if box.area:
            where += f"–({box.right:.0f}, {box.bottom:.0f})"
        sure = "" if self.confidence >= 0.995 else f", {self.confidence:.0%} sure"
        follows = f" → {self.follows}" if self.follows else ""
        return f"{self.number}. {self.kind} {where}: {self.found}{sure}{follows}"


class PictureRead(Struct, frozen=True):
    """A picture of the question was read. Looks at it are in pixels of the picture turned clockwise by `turned`
    degrees, whose size is told here."""

    picture: int
    name: str
    width: int
    height: int
    turned: int = 0
    page: int = 1


class LookTaken(Struct, frozen=True):
    """A picture was looked at."""

    look: Look
