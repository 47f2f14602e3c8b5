"""The pages about keys, people and use: one's own, and for administrators everybody's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, timedelta

from msgspec import Struct, field

from pierian.access import Grant, Invite, Key, data_owner
from pierian.access.users import ROLES
from pierian.metering import UsageReport, UsageRow, money_text
from pierian.metering.money import UNIT
from pierian.metering.report import KeyTotals
from pierian.storage.ids import utc_now
from pierian.storage.usage import local_now
from pierian.webapp.layout import frame
from pierian.webapp.modes import modes
from pierian.webapp.rendering import page
from pierian.webapp.site import Site
from pierian.webapp.texts import text
from pierian.webapp.visitors import Visitor


class _KeyLine(Struct, frozen=True):
    id: str
    name: str
    shown: str
    user_name: str
    state: str
    created_at: datetime
    last_used_at: datetime | None
    limits: Sequence[str]
    requests_today: int
    cap_share: float | None
    """Of its day's cap, 0 to 1."""


def keys_page(
    site: Site,
    visitor: Visitor,
    *,
    made: Key | None = None,
    secret: str = "",
    error: str = "",
    hint: str = "",
) -> str:
    """The keys that this person may see; after one was made or rotated, with its secret."""
    own = None if visitor.administers or visitor.user is None else visitor.user.id
    report, now = UsageReport(site.database), utc_now()
    lines = [_key_line(key, report.totals(key.id), now) for key in reversed(site.keys.list(own))]
    users = [one for one in site.users.list() if one.disabled_at is None] if visitor.administers else []
    return page(
        "keys.html",
        **frame(site, visitor, "keys"),
        keys=lines,
        secret=secret,
        secret_name=made.name if made else "",
        modes=modes(),
        users=users,
        error=error,
        hint=hint,
    )


def _key_line(key: Key, used: KeyTotals, now: datetime) -> _KeyLine:
    cap = key.grant.day_cap
    return _KeyLine(
        key.id,
        key.name,
        key.shown,
        key.user_name,
        key.state(now),
        key.created_at,
        key.last_used_at,
        _limits(key.grant),
        used.day_requests,
        min(1.0, used.day_money / cap) if cap else None,
    )


def _limits(grant: Grant) -> list[str]:
    """What a key allows, in words."""
    found = [text(f"mode.{mode}") for mode in grant.modes] + list(grant.models)
    for name in ("requests_per_minute", "tokens_per_minute", "concurrent"):
        limit: int | None = getattr(grant, name)
        if limit is not None:
            found.append(text(f"limit.{name}", count=limit))
    for name in ("day_cap", "month_cap"):
        cap: int | None = getattr(grant, name)
        if cap is not None:
            found.append(text(f"limit.{name}", money=money_text(cap)))
    if grant.expires_at is not None:
        found.append(text("limit.expires_at", day=f"{grant.expires_at.astimezone():%Y-%m-%d}"))
    return found


class _PersonLine(Struct, frozen=True):
    id: str
    name: str
    role: str
    created_at: datetime
    seen: datetime | None
    disabled: bool
    tokens_month: int


class _InviteLine(Struct, frozen=True):
    id: str
    role: str
    state: str
    expires_at: datetime
    used_by: str


def people_page(
    site: Site,
    visitor: Visitor,
    *,
    link: str = "",
    link_for: str = "",
    error: str = "",
    hint: str = "",
) -> str:
    """Who is here and who is invited.

    Args:
        link: The address that was just made, which is shown this once.
        link_for: Whose new password it is for; empty for an invitation.
    """
    users = site.users.list()
    names = {one.id: one.name for one in users}
    report, today = UsageReport(site.database), local_now().date()
    people = [
        _PersonLine(
            one.id,
            one.name,
            one.role,
            one.created_at,
            max((session.seen_at for session in site.sessions.list(one.id)), default=None),
            one.disabled_at is not None,
            sum(row.completion_tokens for row in report.by_day(owner=data_owner(one), days=today.day)),
        )
        for one in users
    ]
    now = utc_now()
    invites = [_invite_line(one, names, now) for one in reversed(site.invites.list())]
    roles = [role for role in reversed(ROLES) if role != "owner" or visitor.owns]
    return page(
        "people.html",
        **frame(site, visitor, "people"),
        people=people,
        invites=invites,
        roles=["member", *(role for role in roles if role != "member")],
        link=link,
        link_for=link_for,
        error=error,
        hint=hint,
    )


def _invite_line(invite: Invite, names: dict[str, str], now: datetime) -> _InviteLine:
    return _InviteLine(
        invite.id, invite.role, invite.state(now), invite.expires_at, names.get(invite.used_by or "", "")
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
    conversations: int = 0


def usage_page(site: Site, visitor: Visitor, days: int, *, everybody: bool) -> str:
    """What was used in the last days, for plots and a table."""
    everybody = everybody and visitor.administers
    report = UsageReport(site.database)
    owner = None if everybody else visitor.owner
    per_day, totals = _summed(report.by_day(owner=owner, days=days), days)
    totals.conversations = site.conversations(visitor.owner).count()
    return page(
        "usage.html",
        **frame(site, visitor, "usage"),
        days=days,
        per_day=per_day,
        totals=totals,
        everyone=everybody,
    )


def _summed(rows: Sequence[UsageRow], days: int) -> tuple[list[_Day], _Totals]:
    """One entry for every day, in order, and all of them together."""
    today = local_now().date()
    found = {
        day.isoformat(): _Day(day)
        for day in (today - timedelta(days=back) for back in range(days - 1, -1, -1))
    }
    totals = _Totals()
    for row in rows:
        day = found[row.day]
        tokens, money = row.completion_tokens, row.money / UNIT
        day.tokens[row.mode] += tokens
        day.requests += row.requests
        day.money += money
        totals.tokens += tokens
        totals.requests += row.requests
        totals.money += money
    return list(found.values()), totals
