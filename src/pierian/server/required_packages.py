"""Whether the packages of the server are there: they are an extra, and nothing of them is loaded here."""

from __future__ import annotations

from importlib.util import find_spec

from pierian.exceptions import UserError

PACKAGES = ("litestar", "prometheus_client", "uvicorn")


def check_installed() -> None:
    """Raise `UserError` where one is missing."""
    if missing := [name for name in PACKAGES if find_spec(name) is None]:
        raise UserError(
            f"The server needs packages that are not installed: {', '.join(missing)}.",
            hint="pip install 'pierian[server]'",
        )
