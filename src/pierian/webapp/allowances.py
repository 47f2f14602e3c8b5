"""What people may ask on the pages: whoever joined by an invitation has an account with its modes, rates and caps.

An account is a key that nobody has the secret of (`access.invites.WEB_KEY`). Questions are counted against its rates
here, before they are stored; its caps hold back the run. Owners and administrators ask without limits of their own.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence

from pierian.access import Key
from pierian.access.invites import WEB_KEY
from pierian.metering import Caller, RateLimited
from pierian.reasoning import Mode
from pierian.server.errors import ApiError
from pierian.server.runs import counted
from pierian.storage.ids import utc_now
from pierian.webapp.modes import ModeChoice, modes
from pierian.webapp.site import Site
from pierian.webapp.texts import text
from pierian.webapp.visitors import Visitor


def account_of(site: Site, visitor: Visitor) -> Key | None:
    """The key on whose account somebody asks; None for those who have no limits of their own.

    Raises `ApiError` where it was revoked or has expired.
    """
    if visitor.user is None or visitor.administers:
        return None
    own = [key for key in site.keys.list(visitor.user.id) if key.name == WEB_KEY]
    if not own:
        return None
    if own[-1].state(utc_now()) != "active":
        raise ApiError(403, text("asking.ended"), code="not_allowed")
    return own[-1]


def modes_of(site: Site, visitor: Visitor) -> Sequence[ModeChoice]:
    """The modes that somebody may ask in; all where there is nothing left to ask with."""
    try:
        account = account_of(site, visitor)
    except ApiError:
        return modes()
    if account is None:
        return modes()
    model = site.service.settings.model
    return tuple(one for one in modes() if account.grant.allows(mode=one.value, model=model)) or modes()


async def let_in(site: Site, visitor: Visitor, mode: Mode | None) -> None:
    """Count a question against what its account allows; raises `ApiError` where it does not.

    Args:
        mode: None for the one that it was asked in before.
    """
    account = await asyncio.to_thread(account_of, site, visitor)
    if account is None:
        return
    grant = account.grant
    if mode is not None and not grant.allows(mode=mode.value, model=site.service.settings.model):
        raise ApiError(403, text("asking.not_this_mode", mode=text(f"mode.{mode.value}")), code="not_allowed")
    try:
        await counted(site.service, Caller(account.id, account.user, grant))
    except RateLimited as limited:
        seconds = math.ceil(limited.retry_after or 60)
        told = text(f"asking.too_many_{limited.rate}", seconds=seconds)
        raise ApiError(429, told, code="rate_limit_exceeded", retry_after=seconds) from limited
