"""What a key allows: modes, models, rates and caps.

A `Grant` is only said here; `metering` keeps its rates and caps, the server its modes and models.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct, structs

from pierian.exceptions import UserError
from pierian.reasoning.mode import Mode

MOST = 10**15
"""More than any limit is meant to be; sums of it stay within 64 bits."""
MOST_NAMES = 100
LONGEST_NAME = 200


class Grant(Struct, frozen=True):
    """What a key allows; None means no limit. Money is in billionths.

    Where neither modes nor models are named, all of both are allowed. Naming some of one kind closes the other: a key
    for a mode is for no model by itself, by which the mode could be gone around, unless models are named too.
    """

    modes: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    """Models that answer by themselves, and the one that the modes may work with where no modes are named."""
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    """Tokens of prompts and answers together."""
    concurrent: int | None = None
    """Requests, and with them runs, at the same time."""
    day_cap: int | None = None
    month_cap: int | None = None
    expires_at: datetime | None = None
    """The first moment at which the key no longer works."""

    def allows(self, *, mode: str | None = None, model: str | None = None) -> bool:
        """Whether it may be used in a mode, which works with `model`; without a mode, for the model by itself."""
        if mode is None:
            return model is None or (model in self.models if self.models else not self.modes)
        return mode in self.modes if self.modes else not self.models or model in self.models


LIMITS = {
    "requests_per_minute": "requests a minute",
    "tokens_per_minute": "tokens a minute",
    "concurrent": "requests at the same time",
}
CAPS = {"day_cap": "a day", "month_cap": "a month"}


def checked(grant: Grant, now: datetime) -> Grant:
    """The grant with its names put in order; raises `UserError` for what cannot be meant."""
    for field, words in LIMITS.items():
        limit: int | None = getattr(grant, field)
        if limit is not None and not 1 <= limit <= MOST:
            raise UserError(f"A key cannot allow {limit:,} {words}.", hint="Leave it out for no limit.")
    for field, words in CAPS.items():
        cap: int | None = getattr(grant, field)
        if cap is not None and not 0 <= cap <= 1000 * MOST:
            raise UserError(f"A cap {words} must be at least nothing.", hint="Leave it out for no cap.")
    if grant.expires_at is not None:
        future(grant.expires_at, now)
    modes = tuple(dict.fromkeys(Mode.named(mode).value for mode in grant.modes))
    models = tuple(dict.fromkeys(model.strip() for model in grant.models))
    if len(models) > MOST_NAMES or any(not model or len(model) > LONGEST_NAME for model in models):
        raise UserError(
            f"A key names at most {MOST_NAMES} models of at most {LONGEST_NAME} characters each.",
            hint="Name none to allow all.",
        )
    return structs.replace(grant, modes=modes, models=models)


def future(moment: datetime, now: datetime) -> datetime:
    """`moment`; raises `UserError` where it is past already, for then nothing would ever be allowed."""
    if moment <= now:
        raise UserError(
            f"The expiry, {moment.astimezone():%Y-%m-%d %H:%M}, is not in the future.",
            hint="For example: --expires 30d, or --expires 2030-12-31.",
        )
    return moment


def as_json(grant: Grant) -> dict[str, Any]:
    """Plain values; money as a number, as people write it."""
    plain = structs.asdict(grant)
    for cap in CAPS:
        plain[cap] = None if plain[cap] is None else plain[cap] / 10**9
    return plain | {"modes": list(grant.modes), "models": list(grant.models)}
