"""Whether the packages of accounts are there: they are an extra, and nothing of them is loaded here."""

from __future__ import annotations

from importlib.util import find_spec

from pierian.exceptions import UserError

PACKAGES = ("cryptography", "dns", "icalendar", "imapclient", "keyring", "rapidfuzz", "recurring_ical_events")


def check_installed() -> None:
    """Raise `UserError` where one is missing."""
    if missing := [name for name in PACKAGES if find_spec(name) is None]:
        raise UserError(
            f"Accounts need packages that are not installed: {', '.join(missing)}.",
            hint="pip install 'pierian[accounts]'",
        )
