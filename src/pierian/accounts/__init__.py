"""Connected accounts: calendars, mail and contacts, linked with consent, synced to this machine, offered as tools.

The names are loaded when first used, so that a command that needs no mail does not pay for mail.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pierian.accounts.account import Account, Service, Switches
    from pierian.accounts.brief import day_brief
    from pierian.accounts.calendars.tools import calendar_tools
    from pierian.accounts.checking import check_account
    from pierian.accounts.contacts.tools import contact_tools
    from pierian.accounts.mail.sending import send_message
    from pierian.accounts.mail.tools import mail_tools
    from pierian.accounts.secrets import Sealer, Secret, sealer
    from pierian.accounts.signing_in import fresh_secret
    from pierian.accounts.store import Accounts
    from pierian.accounts.synchronising import sync_account
    from pierian.accounts.syncing import Synced
    from pierian.accounts.troubles import AccountError

__all__ = [
    "Account",
    "AccountError",
    "Accounts",
    "Sealer",
    "Secret",
    "Service",
    "Switches",
    "Synced",
    "calendar_tools",
    "check_account",
    "contact_tools",
    "day_brief",
    "fresh_secret",
    "mail_tools",
    "sealer",
    "send_message",
    "sync_account",
]

_HOMES = {
    "Account": "account",
    "AccountError": "troubles",
    "Accounts": "store",
    "Sealer": "secrets",
    "Secret": "secrets",
    "Service": "account",
    "Switches": "account",
    "Synced": "syncing",
    "calendar_tools": "calendars.tools",
    "check_account": "checking",
    "contact_tools": "contacts.tools",
    "day_brief": "brief",
    "fresh_secret": "signing_in",
    "mail_tools": "mail.tools",
    "sealer": "secrets",
    "send_message": "mail.sending",
    "sync_account": "synchronising",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
