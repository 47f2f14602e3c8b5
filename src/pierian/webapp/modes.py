"""The modes as the pages offer them, Auto first, and which of them was chosen for an answer."""

from __future__ import annotations

from functools import cache

from msgspec import Struct

from pierian.exceptions import UserError
from pierian.reasoning import Mode
from pierian.webapp.site import Site
from pierian.webapp.texts import text

ORDER = ("auto", "instant", "thinking", "contemplating")


class ModeChoice(Struct, frozen=True):
    """One mode in a menu."""

    value: str
    label: str
    description: str


@cache
def modes() -> tuple[ModeChoice, ...]:
    """All of them."""
    return tuple(
        ModeChoice(value, text(f"mode.{value}"), text(f"mode.{value}.description")) for value in ORDER
    )


def asked_mode(site: Site, owner: str, run: str) -> Mode | None:
    """The mode that was asked for where a run answered; None where that is not known any more."""
    try:
        return Mode.named(str(site.journal(owner).get(run).request.get("mode")))
    except UserError:
        return None
