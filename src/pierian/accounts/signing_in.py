"""The secret of an account, ready for use: a password as it is, of an OAuth consent a token that is still good.

Tokens are refreshed by one process at a time, since some servers take a refresh token once only: whoever waited finds
the new one stored. Nothing here asks a person; where only they can help, the error says what to type.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from msgspec import structs

from pierian.accounts.account import Account, Service, ServiceKind
from pierian.accounts.locking import alone
from pierian.accounts.oauth import LINK_AGAIN, Client, refreshed
from pierian.accounts.scopes import resource_of
from pierian.accounts.secrets import Sealer, Secret
from pierian.accounts.store import Accounts
from pierian.accounts.troubles import AccountError

SPARE_SECONDS = 120.0
"""A token that ends sooner than this is refreshed: what it was asked for takes a while."""
WAIT_SECONDS = 60.0


def fresh_secret(
    accounts: Accounts, account: Account, sealer: Callable[[], Sealer], service: ServiceKind | None = None
) -> Secret | None:
    """What `account` signs in with at one of its services (default: its first), None where it needs nothing.

    Of an OAuth consent the `access_token` is good for some minutes. Blocks. Raises `AccountError` with the code
    `consent` where the account has to be linked again, `StorageError` where its secret cannot be opened.
    """
    secret = _opened(accounts, account, sealer)
    if secret is None or not secret.refresh_token:
        return secret
    resource = resource_of(service or account.services[0].kind, account.kind)
    if (ready := _ready(secret, resource)) is not None:
        return ready
    with alone(accounts.database, f"{account.id}-tokens", wait=WAIT_SECONDS):
        secret = _opened(accounts, account, sealer)
        if secret is None:
            raise _again(account, "was unlinked meanwhile")
        if (ready := _ready(secret, resource)) is None:
            renewed = _renewed(account, secret, resource)
            accounts.seal(account, sealer().seal(renewed))
            ready = structs.replace(renewed, access_token=renewed.tokens[resource][0])
        return ready


def ics_address(service: Service, secret: Secret | None) -> str:
    """Where a calendar file is fetched from. Whoever has such an address has the calendar, so the whole of it is kept
    as the secret of its account, and the service names the host alone."""
    return secret.password if secret is not None and secret.password else service.url


def _opened(accounts: Accounts, account: Account, sealer: Callable[[], Sealer]) -> Secret | None:
    sealed = accounts.sealed(account)
    if sealed is None:
        if any(one.sign_in != "none" for one in account.services):
            raise _again(account, "has no secret")
        return None
    return sealer().open(sealed)


def _ready(secret: Secret, resource: str) -> Secret | None:
    token, ends = secret.tokens.get(resource, ("", 0.0))
    if ends - time.time() < SPARE_SECONDS:
        return None
    return structs.replace(secret, access_token=token)


def _renewed(account: Account, secret: Secret, resource: str) -> Secret:
    name = account.kind.capitalize()
    registered = Client(id=secret.client_id, secret=secret.client_secret)
    # Without `offline_access` Microsoft gives no new refresh token, and the old one ends after 90 days.
    wanted = (one for one in secret.scopes if one.startswith(resource) or one == "offline_access")
    scopes = [*wanted] if resource else []
    try:
        new = refreshed(name, secret.token_url, registered, secret.refresh_token, scopes=scopes)
    except AccountError as error:
        if error.code != "consent":
            raise
        hint = LINK_AGAIN.format(kind=account.kind, address=account.address)
        raise AccountError(str(error), code="consent", hint=hint) from error
    return structs.replace(
        secret,
        refresh_token=new.refresh_token or secret.refresh_token,
        tokens=secret.tokens | {resource: (new.access_token, new.expires_at)},
    )


def _again(account: Account, why: str) -> AccountError:
    return AccountError(
        f"The account {account.name} {why}.",
        code="consent",
        hint=LINK_AGAIN.format(kind=account.kind, address=account.address),
    )
