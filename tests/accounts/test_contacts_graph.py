"""Contacts of a Microsoft account, from a small double of Microsoft Graph on a real socket."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.accounts.books import kept_names

from pierian.accounts.account import Account, Service, Switches
from pierian.accounts.contacts.syncing import sync_contacts
from pierian.accounts.secrets import Secret
from pierian.accounts.store import Accounts
from pierian.accounts.syncing import Synced
from pierian.accounts.troubles import AccountError
from pierian.config import paths
from pierian.storage import open_database

SECRET = Secret(access_token="canary-9")


class Graph:
    """Folders of contacts, handed out two at a time."""

    def __init__(self) -> None:
        self.contacts: dict[str, list[dict[str, Any]]] = {"/me/contacts": []}
        self.folders: list[dict[str, str]] = []
        self.next_at = ""
        """Where the next page is said to be, in place of here."""
        self.status = 200
        double = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body = double.answer(self.path, self.headers.get("Authorization", ""))
                content = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Retry-After", "30")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1.0"
        Thread(target=self._server.serve_forever, daemon=True).start()

    def answer(self, path: str, signed: str) -> tuple[int, Any]:
        parts = urlsplit(path)
        where, query = parts.path.removeprefix("/v1.0"), parse_qs(parts.query)
        if signed != "Bearer canary-9":
            return 401, {}
        if self.status != 200:
            return self.status, {}
        if where == "/me/contactFolders":
            return 200, {"value": self.folders}
        start = int(query.get("$skip", ["0"])[0])
        found = self.contacts[where]
        page: dict[str, Any] = {"value": found[start : start + 2]}
        if start + 2 < len(found):
            page["@odata.nextLink"] = self.next_at or f"{self.url}{where}?$skip={start + 2}"
        return 200, page

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def graph() -> Iterator[Graph]:
    double = Graph()
    yield double
    double.close()


@pytest.fixture
def accounts() -> Iterator[Accounts]:
    with open_database(paths().database) as database:
        yield Accounts(database)


@pytest.fixture
def account(accounts: Accounts, graph: Graph) -> Account:
    service = Service(kind="graph", url=graph.url, sign_in="oauth")
    return accounts.add("office", "microsoft", "me@example.org", [service], Switches())


def contact(number: int, name: str, **more: Any) -> dict[str, Any]:
    return {"id": f"id{number}", "changeKey": f"{number}-{name}", "displayName": name, **more}


def test_all_folders_and_pages_are_copied_and_kept_up_to_date(
    accounts: Accounts, account: Account, graph: Graph
) -> None:
    graph.contacts["/me/contacts"] = [
        contact(
            1, "Ann Smith", nickName="Annie", companyName="Acme", personalNotes=None, mobilePhone="+1 5",
            emailAddresses=[{"name": "Ann", "address": "Ann@Example.org"}, {"name": "x"}], businessPhones=["0 30"],
        ),
        *(contact(number, f"Friend {number}") for number in range(2, 6)),
    ]  # fmt: skip
    graph.folders = [{"id": "f1", "displayName": "Club"}]
    graph.contacts["/me/contactFolders/f1/contacts"] = [contact(9, "Zoe")]
    assert sync_contacts(accounts, account, SECRET) == Synced(added=6)
    assert [one.name for one in accounts.collections(account)] == ["Club", "Contacts"]
    graph.contacts["/me/contacts"][1:3] = [contact(2, "Renamed")]
    graph.folders = []
    assert sync_contacts(accounts, account, SECRET) == Synced(changed=1, removed=1)
    assert kept_names(accounts.database) == ["Ann Smith", "Friend 4", "Friend 5", "Renamed"]
    assert sync_contacts(accounts, account, SECRET) == Synced()


def test_a_sync_that_breaks_off_deletes_nothing(accounts: Accounts, account: Account, graph: Graph) -> None:
    graph.contacts["/me/contacts"] = [contact(number, f"Friend {number}") for number in range(5)]
    sync_contacts(accounts, account, SECRET)
    graph.next_at = "https://evil.example/steal"
    with pytest.raises(AccountError, match="somewhere else"):
        sync_contacts(accounts, account, SECRET)
    graph.status = 429
    with pytest.raises(AccountError) as raised:
        sync_contacts(accounts, account, SECRET)
    assert raised.value.wait == 30
    assert len(kept_names(accounts.database)) == 5


def test_a_consent_that_has_ended_is_said_without_the_token(accounts: Accounts, account: Account) -> None:
    with pytest.raises(AccountError, match="consent") as raised:
        sync_contacts(accounts, account, Secret(access_token="canary-old"))
    assert raised.value.code == "consent" and "canary" not in f"{raised.value} {raised.value.hint}"


@pytest.mark.parametrize("value", [{"value": "x"}, {"value": [{"no": "id"}]}, [1], {"value": [{"id": 7}]}])
def test_what_is_no_graph_is_a_sentence(
    accounts: Accounts, account: Account, graph: Graph, value: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graph, "answer", lambda path, signed: (200, value))
    with pytest.raises(AccountError, match="way of Microsoft Graph"):
        sync_contacts(accounts, account, SECRET)
