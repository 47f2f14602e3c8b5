"""The pages about keys, people and use: one's own, and for administrators everybody's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, timedelta

from msgspec import Struct, field

from pierian.access import Grant, Invite, Key, owners_of
from pierian.access.invites import WEB_KEY
from pierian.access.users import ROLES
from pierian.metering import UsageReport, UsageRow, money_text
from pierian.metering.money import UNIT
from pierian.metering.report import KeyTotals, KeyUse
from pierian.storage.ids import utc_now
from pierian.storage.usage import local_now
from pierian.webapp.fields import Filled
from pierian.webapp.layout import frame
from pierian.webapp.modes import modes
from pierian.webapp.rendering import page
from pierian.webapp.site import Site
from pierian.webapp.texts import text
from pierian.webapp.visitors import Visitor

SERIES = ("instant", "thinking", "contemplating", "auto")
"""Modes in the order in which plots put them above each other."""
MODELS = "models"
"""Beside the modes: what models answered by themselves."""


class _CapLine(Struct, frozen=True):
    words: str
    share: float
    """Of the cap that is used, 0 to 1."""


class _KeyLine(Struct, frozen=True):
    id: str
    name: str
    shown: str
    user_name: str
    web: bool
    """Whether it is the account of what somebody asks on the pages."""
    changes: bool
    """Whether whoever looks may rotate and revoke it."""
    state: str
    created_at: datetime
    last_used_at: datetime | None
    limits: Sequence[str]
    requests_today: int
    caps: Sequence[_CapLine]


def keys_page(
    site: Site, visitor: Visitor, *, made: Key | None = None, secret: str = "", filled: Filled | None = None
) -> str:
    """The keys that this person may see; after one was made or rotated, with its secret.

    Args:
        filled: The form for a new one, where it has to be put right.
    """
    own = None if visitor.administers or visitor.user is None else visitor.user.id
    report, now = UsageReport(site.database), utc_now()
    found = site.keys.list(own)
    used = report.totals_of([key.id for key in found])
    lines = [_key_line(visitor, key, used[key.id], now) for key in reversed(found)]
    users = site.users.list() if visitor.administers else []
    makes = [one for one in users if one.disabled_at is None and (one.role != "owner" or visitor.owns)]
    return page(
        "keys.html",
        **frame(site, visitor, "keys"),
        keys=[line for line in lines if line.state == "active"],
        ended=[line for line in lines if line.state != "active"],
        secret=secret,
        secret_name=made.name if made else "",
        modes=modes(),
        users=makes,
        makes=bool(makes),
        named=len(users) > 1,
        filled=filled or Filled(),
    )


def _key_line(visitor: Visitor, key: Key, used: KeyTotals, now: datetime) -> _KeyLine:
    web = key.name == WEB_KEY
    caps = [
        _CapLine(
            text(f"keys.{period}_cap", used=_rounded(spent), cap=money_text(cap)),
            min(1.0, spent / cap) if cap else 1.0,
        )
        for period, spent, cap in (
            ("day", used.day_money, key.grant.day_cap),
            ("month", used.month_money, key.grant.month_cap),
        )
        if cap is not None
    ]
    return _KeyLine(
        key.id,
        key.name,
        key.shown,
        key.user_name,
        web,
        (visitor.owns or key.role != "owner") and (visitor.administers or not web),
        key.state(now),
        key.created_at,
        key.last_used_at,
        _limits(key.grant),
        used.day_requests,
        caps,
    )


def _rounded(billionths: int) -> str:
    """Money as it is shown beside a cap: two decimals, more where it is less than that."""
    return money_text(round(billionths, -7 if billionths >= UNIT // 100 else -5))


def _limits(grant: Grant) -> list[str]:
    """What a key allows, in words."""
    found = [text(f"mode.{mode}") for mode in grant.modes] + list(grant.models)
    for name in ("requests_per_minute", "tokens_per_minute", "concurrent"):
        limit: int | None = getattr(grant, name)
        if limit is not None:
            found.append(text(f"limit.{name}", count=limit))
    if grant.expires_at is not None:
        found.append(text("limit.expires_at", day=f"{grant.expires_at.astimezone():%Y-%m-%d}"))
    return found


def _caps(grant: Grant) -> list[str]:
    """The caps on money, in words."""
    caps = {"limit.day_cap": grant.day_cap, "limit.month_cap": grant.month_cap}
    return [text(key, money=money_text(cap)) for key, cap in caps.items() if cap is not None]


class _PersonLine(Struct, frozen=True):
    id: str
    name: str
    role: str
    created_at: datetime
    seen: datetime | None
    disabled: bool
    changes: bool
    """Whether whoever looks may disable and remove them."""
    tokens_month: int


class _InviteLine(Struct, frozen=True):
    id: str
    role: str
    state: str
    expires_at: datetime
    used_by: str
    limits: Sequence[str]


def people_page(
    site: Site,
    visitor: Visitor,
    *,
    link: str = "",
    link_for: str = "",
    filled: Filled | None = None,
) -> str:
    """Who is here and who is invited.

    Args:
        link: The address that was just made, which is shown this once.
        link_for: Whose new password it is for; empty for an invitation.
        filled: The form for an invitation, where it has to be put right.
    """
    own = visitor.user.id if visitor.user else ""
    users = site.users.list()
    names = {one.id: one.name for one in users}
    used = UsageReport(site.database).tokens_by_owner(days=local_now().day)
    seen = site.sessions.last_seen()
    people = [
        _PersonLine(
            one.id,
            one.name,
            one.role,
            one.created_at,
            seen.get(one.id),
            one.disabled_at is not None,
            one.id != own and (one.role != "owner" or visitor.owns),
            sum(used.get(owner, 0) for owner in owners_of(one)),
        )
        for one in users
    ]
    now = utc_now()
    invites = [_invite_line(one, names, now) for one in reversed(site.invites.list())]
    roles = [role for role in ROLES if role not in ("member", "owner")] + ["owner"] * visitor.owns
    return page(
        "people.html",
        **frame(site, visitor, "people"),
        people=people,
        invites=[one for one in invites if one.state == "open"],
        ended=[one for one in invites if one.state != "open"],
        roles=["member", *roles],
        modes=modes(),
        link=link,
        link_for=link_for,
        filled=filled or Filled(),
    )


def _invite_line(invite: Invite, names: dict[str, str], now: datetime) -> _InviteLine:
    return _InviteLine(
        invite.id,
        invite.role,
        invite.state(now),
        invite.expires_at,
        names.get(invite.used_by or "", ""),
        [*_limits(invite.grant), *_caps(invite.grant)],
    )


class _Day(Struct):
    date: date
    tokens: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    requests: int = 0
    money: float = 0.0


class _Totals(Struct):
    tokens: int = 0
    requests: int = 0
    money: float = 0.0


class _KeyUseLine(Struct, frozen=True):
    name: str
    user_name: str
    requests: int
    tokens: int
    money: float


def usage_page(site: Site, visitor: Visitor, days: int, *, everyone: bool) -> str:
    """What was used in the last days, for plots and tables.

    Args:
        everyone: By all, where an administrator wants that; who is alone here sees all that was used.
    """
    users = site.users.list() if visitor.administers else []
    everyone = visitor.administers and (everyone or len(users) < 2)
    owners = None if everyone else owners_of(visitor.user) if visitor.user else (visitor.owner,)
    today = local_now()
    report = UsageReport(site.database, clock=lambda: today)  # one day for all that is asked, at midnight too
    per_day, totals = _summed(report.by_day(owners=owners, days=days), days, today.date())
    used = {mode for day in per_day for mode, tokens in day.tokens.items() if tokens}
    return page(
        "usage.html",
        **frame(site, visitor, "usage"),
        days=days,
        per_day=per_day,
        series=[mode for mode in (*SERIES, MODELS) if mode in used],
        by_key=_key_uses(site, report.by_key(owners=owners, days=days)),
        totals=totals,
        conversation_count=site.conversations(visitor.owner).count(),
        everyone=everyone,
        several=len(users) > 1,
    )


def _key_uses(site: Site, uses: Sequence[KeyUse]) -> list[_KeyUseLine]:
    """What was used by each key, and without any."""
    keys = {key.id: key for key in site.keys.list()}
    found: list[_KeyUseLine] = []
    for use in uses:
        key = keys.get(use.key)
        if key is not None:
            name = text("keys.web") if key.name == WEB_KEY else key.name
        else:
            name = text("usage.deleted_key" if use.key else "usage.without_key")
        whose = key.user_name if key is not None else ""
        found.append(_KeyUseLine(name, whose, use.requests, use.completion_tokens, use.money / UNIT))
    return found


def _summed(rows: Sequence[UsageRow], days: int, today: date) -> tuple[list[_Day], _Totals]:
    """One entry for every day, in order, and all of them together."""
    found = {
        day.isoformat(): _Day(day)
        for day in (today - timedelta(days=back) for back in range(days - 1, -1, -1))
    }
    totals = _Totals()
    for row in rows:
        day = found[row.day]
        tokens, money = row.completion_tokens, row.money / UNIT
        day.tokens[row.mode if row.mode in SERIES else MODELS] += tokens
        day.requests += row.requests
        day.money += money
        totals.tokens += tokens
        totals.requests += row.requests
        totals.money += money
    return list(found.values()), totals
