"""The page of linked accounts: what there is of each, how it stands, what it may be used for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from msgspec import Struct

from pierian.accounts.account import NOT_COPIED, Account, ServiceKind, Switches
from pierian.exceptions import PierianError, UserError
from pierian.storage.ids import utc_now
from pierian.webapp.layout import frame
from pierian.webapp.rendering import page
from pierian.webapp.site import Site
from pierian.webapp.texts import text
from pierian.webapp.visitors import Visitor

if TYPE_CHECKING:
    from pierian.accounts.checking import Checked

KIND_ICONS = {
    "caldav": "calendar",
    "carddav": "contacts",
    "imap": "mail",
    "google": "calendar",
    "microsoft": "calendar",
    "ics": "file",
    "mcp": "tools",
    "duffel": "tools",
}


class _Switch(Struct, frozen=True):
    name: str
    on: bool


class CheckLine(Struct, frozen=True):
    """How the check of one server went."""

    name: str
    says: str
    works: bool
    hint: str


class _AccountCard(Struct, frozen=True):
    id: str
    name: str
    kind: str
    icon: str
    address: str
    places: Sequence[str]
    state: str
    """`syncing`, `fine`, `failed`, `new` (never synced), `off` (may not be read), or empty for an MCP server."""
    synced: datetime | None
    problem: str
    hint: str
    retry_minutes: int
    switches: Sequence[_Switch]
    consents: Sequence[str]
    """What the provider was asked for, of accounts that sign in by a consent."""
    checks: Sequence[CheckLine]


def accounts_page(
    site: Site,
    visitor: Visitor,
    *,
    done: str = "",
    said: str = "",
    error: UserError | None = None,
    checks: Mapping[str, Sequence[Checked]] | None = None,
) -> str:
    """What is linked.

    Args:
        done: What was done just now, by the name of its text.
        said: What is left to do after it.
        error: Why something was not done.
        checks: By account, how a check went just now.
    """
    missing = _missing()
    cards = [_card(site, one, (checks or {}).get(one.id, ())) for one in site.accounts(visitor.owner).list()]
    return page(
        "accounts.html",
        **frame(site, visitor, "accounts"),
        accounts=cards,
        syncing=any(one.state == "syncing" for one in cards),
        minutes=site.service.settings.sync_minutes,
        done=done,
        said=said,
        error=str(error) if error else missing[0],
        hint=error.hint if error else missing[1],
        links=not missing[0],
    )


def lines_of(checked: Sequence[Checked]) -> list[CheckLine]:
    """The checks as pages show them."""
    from pierian.accounts.checking import NAMES

    return [CheckLine(NAMES[one.service.kind], one.says, one.code is None, one.hint) for one in checked]


def switches_of(account: Account) -> tuple[str, ...]:
    """The switches that mean something for an account."""
    return switches_for([one.kind for one in account.services])


def switches_for(kinds: Sequence[ServiceKind]) -> tuple[str, ...]:
    """The switches that mean something for these services."""
    if set(kinds) <= set(NOT_COPIED):
        return ()
    found = ["read"]
    if {"caldav", "imap", "graph"}.intersection(kinds):
        found.append("write")
    if {"caldav", "smtp", "graph"}.intersection(kinds):
        found.append("send")
    if {"caldav", "ics", "graph"}.intersection(kinds):
        found.append("free_busy_only")
    return tuple(found)


def _missing() -> tuple[str, str]:
    from pierian.accounts.required_packages import check_installed

    try:
        check_installed()
    except UserError as error:
        return str(error), error.hint
    return "", ""


def _card(site: Site, account: Account, checked: Sequence[Checked]) -> _AccountCard:
    switches: Switches = account.switches
    now, retry = utc_now(), account.retry_at
    return _AccountCard(
        id=account.id,
        name=account.name,
        kind=text(f"accounts.kind.{account.kind}"),
        icon=KIND_ICONS[account.kind],
        address=account.address,
        places=_places(account),
        state=_state(site, account),
        synced=account.synced_at,
        problem=account.problem,
        hint=account.hint,
        retry_minutes=max(1, round((retry - now).total_seconds() / 60)) if retry and retry > now else 0,
        switches=[_Switch(name, getattr(switches, name)) for name in switches_of(account)],
        consents=_consents(site, account),
        checks=lines_of(checked) if checked else [],
    )


def _places(account: Account) -> list[str]:
    if account.kind == "mcp" or _missing()[0]:
        return []
    from pierian.accounts.checking import NAMES, where

    return list(dict.fromkeys(f"{NAMES[one.kind]}: {where(one)}" for one in account.services))


def _state(site: Site, account: Account) -> str:
    if account.kind in NOT_COPIED:
        return ""
    if site.service.synchroniser.working(account.id):
        return "syncing"
    if not account.switches.read:
        return "off"
    if account.problem:
        return "failed"
    return "fine" if account.synced_at else "new"


def _consents(site: Site, account: Account) -> list[str]:
    """What was consented to, in the words of the provider; nothing where the key is missing."""
    if account.kind not in ("google", "microsoft"):
        return []
    from pierian.accounts.secrets import sealer

    accounts = site.accounts(account.owner)
    sealed = accounts.sealed(account)
    try:
        return list(sealer().open(sealed).scopes) if sealed is not None else []
    except PierianError:
        return []
