"""What each person has chosen for themselves: instructions for every answer, the mode, budgets, how pages look.

What is not chosen stays as the settings of the server say. Nothing here applies it.
"""

from __future__ import annotations

import math
from typing import Literal, cast, get_args

from msgspec import Struct, structs
from sqlalchemy import delete, insert, select

from pierian.exceptions import UnknownName, UserError
from pierian.storage.database import Database
from pierian.storage.tables import profiles
from pierian.storage.words import clean

Theme = Literal["system", "light", "dark"]
Mode = Literal["auto", "instant", "thinking", "contemplating"]
THEMES: tuple[Theme, ...] = get_args(Theme)
MODES: tuple[Mode, ...] = get_args(Mode)

LONGEST_INSTRUCTIONS = 10_000
MOST = 10**12
"""More than any budget is meant to be."""


class Profile(Struct, frozen=True):
    """What one person has chosen; a budget of None is that of the server."""

    instructions: str = ""
    mode: Mode = "auto"
    budget_tokens: int | None = None
    budget_seconds: float | None = None
    theme: Theme = "system"


class Profiles:
    """The profiles of all owners."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def get(self, owner: str) -> Profile:
        """What the owner has chosen; where that is nothing, the defaults."""
        with self.database.read() as connection:
            row = connection.execute(select(profiles).where(profiles.c.owner == owner)).first()
        if row is None:
            return Profile()
        return Profile(
            row.instructions,
            cast(Mode, row.mode),
            row.budget_tokens,
            row.budget_seconds,
            cast(Theme, row.theme),
        )

    def save(self, owner: str, profile: Profile) -> Profile:
        """Put `profile` in the place of what the owner had chosen; raises `UserError` for what cannot be meant."""
        kept = checked(profile)
        with self.database.write() as connection:
            connection.execute(delete(profiles).where(profiles.c.owner == owner))
            connection.execute(insert(profiles).values(structs.asdict(kept) | {"owner": owner}))
        return kept


def checked(profile: Profile) -> Profile:
    """The profile as it can be stored; raises `UserError`."""
    instructions = clean(profile.instructions).strip()
    if len(instructions) > LONGEST_INSTRUCTIONS:
        raise UserError(
            f"The instructions are too long: {len(instructions):,} characters, {LONGEST_INSTRUCTIONS:,} at most.",
            hint="Every answer reads them, so keep what matters.",
        )
    if profile.mode not in MODES:
        raise UnknownName("mode", profile.mode, MODES)
    if profile.theme not in THEMES:
        raise UnknownName("theme", profile.theme, THEMES)
    tokens, seconds = profile.budget_tokens, profile.budget_seconds
    if tokens is not None and not 1 <= tokens <= MOST:
        raise UserError(f"A budget of {tokens:,} tokens cannot be meant.", hint="Leave it empty for none.")
    if seconds is not None and not (math.isfinite(seconds) and 0 < seconds <= MOST):
        raise UserError(f"A budget of {seconds:g} seconds cannot be meant.", hint="Leave it empty for none.")
    return structs.replace(profile, instructions=instructions)
