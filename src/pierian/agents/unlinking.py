"""Unlinking an account: what linking did elsewhere is undone first, at the provider or in mcp.json."""

from __future__ import annotations

import shutil

from pierian.accounts.account import Account
from pierian.accounts.store import Accounts
from pierian.agents.account_tools import ATTACHMENTS
from pierian.config import paths
from pierian.exceptions import PierianError


def unlink(accounts: Accounts, account: Account) -> str:
    """Delete an account with its secret and all that was copied from it, attachments that were fetched too; blocks.

    Returns what is left for the person to do, as a sentence; empty where nothing is.
    """
    said = _taken_back(accounts, account)
    accounts.unlink(account)
    shutil.rmtree(
        paths().data / ATTACHMENTS / account.id, ignore_errors=True
    )  # nothing may have been fetched
    return said


def _taken_back(accounts: Accounts, account: Account) -> str:
    if account.kind == "mcp":
        from pierian.runs import AcceptedTools
        from pierian.toolbox.mcp_adding import remove_server

        server, accepted = account.services[0].url, AcceptedTools(accounts.database)
        remove_server(server)
        for tool in accepted.fingerprints():
            if tool.startswith(f"{server}."):
                accepted.forget(tool)
        return ""
    if account.kind not in ("google", "microsoft"):
        return ""
    from pierian.accounts.oauth import authorization_server, revoke
    from pierian.accounts.secrets import sealer

    server = authorization_server(account.kind)
    sealed = accounts.sealed(account)
    try:
        done = sealed is not None and revoke(server, sealer().open(sealed).refresh_token)
    except PierianError:
        done = False  # the key is gone; the account can be unlinked all the same
    return "" if done else f"Your consent still stands at {server.name}; take it back at {server.consents}."
