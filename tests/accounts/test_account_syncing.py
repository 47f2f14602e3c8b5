"""A whole account is synced part by part, by one process at a time; what fails of one part does not stop the others."""

from __future__ import annotations

import imaplib
import subprocess
import sys
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from tests.postgresql import SERVERS, address, fresh

from pierian.accounts import secrets, synchronising
from pierian.accounts.account import Account, Service, Switches
from pierian.accounts.linking import default_name, ics_service, linked_before, save
from pierian.accounts.locking import Occupied, alone
from pierian.accounts.scopes import GRAPH, PARTS, Part
from pierian.accounts.secrets import Secret
from pierian.accounts.store import Accounts
from pierian.accounts.synchronising import SyncPart, sync_account
from pierian.accounts.syncing import Progress, Synced
from pierian.accounts.troubles import AccountError
from pierian.exceptions import StorageError, UserError
from pierian.storage import Database


@pytest.fixture(params=SERVERS)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[Database]:
    with fresh(request.param, tmp_path, request.config) as opened:
        yield opened


@pytest.fixture
def accounts(database: Database) -> Accounts:
    return Accounts(database)


def linked(accounts: Accounts, switches: Switches | None = None) -> Account:
    services = [
        Service(kind="caldav", url="http://127.0.0.1:1/", username="ann"),
        Service(kind="imap", host="127.0.0.1", port=2, username="ann"),
        Service(kind="carddav", url="http://127.0.0.1:3/", username="ann"),
    ]
    sealed = secrets.sealer().seal(Secret(password="x"))
    return accounts.add("work", "imap", "ann@example.org", services, switches or Switches(), sealed)


def replace_parts(monkeypatch: pytest.MonkeyPatch, *outcomes: Synced | Exception) -> list[str]:
    """Let the parts of an account end so; gives who was asked."""
    asked: list[str] = []

    def part(service: Service, outcome: Synced | Exception) -> SyncPart:
        def sync(_accounts: Accounts, _account: Account, secret: Secret | None, progress: Progress) -> Synced:
            assert secret is not None and secret.password == "x"
            asked.append(service.kind)
            progress(service.kind, 1, 1)
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

        return sync

    def parts(account: Account) -> Iterator[tuple[Part, Service, SyncPart]]:
        for name, service, outcome in zip(PARTS, account.services, outcomes, strict=True):
            yield name, service, part(service, outcome)

    monkeypatch.setattr(synchronising, "parts_of", parts)
    return asked


def test_a_part_that_fails_does_not_stop_the_others(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = linked(accounts)
    asked = replace_parts(
        monkeypatch,
        AccountError("The calendars are away.", code="unreachable"),
        imaplib.IMAP4.abort("canary of a server"),
        Synced(added=3, problems=("One contact was left out.",)),
    )
    done = sync_account(accounts, account, secrets.sealer)
    assert asked == ["caldav", "imap", "carddav"]
    assert (done.added, done.changed) == (3, 0)
    assert done.problems == (
        "One contact was left out.",
        "The calendars are away.",
        "127.0.0.1:2 broke the connection.",
    )
    kept = accounts.get("work")
    assert kept.problem == "The calendars are away. 127.0.0.1:2 broke the connection."
    assert kept.synced_at is not None
    replace_parts(monkeypatch, Synced(), Synced(), Synced(changed=1))
    assert sync_account(accounts, kept, secrets.sealer) == Synced(changed=1)
    assert accounts.get("work").problem == "", "it is well again"


def test_nothing_is_said_to_be_synced_where_nothing_was(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = linked(accounts)
    replace_parts(monkeypatch, *[AccountError("Away.", code="unreachable")] * 3)
    sync_account(accounts, account, secrets.sealer)
    kept = accounts.get("work")
    assert kept.synced_at is None and kept.problem == "Away."


def test_a_database_that_fails_ends_the_sync(accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    account = linked(accounts)
    asked = replace_parts(monkeypatch, StorageError("It is broken."), Synced(), Synced())
    with pytest.raises(StorageError, match="broken"):
        sync_account(accounts, account, secrets.sealer)
    assert asked == ["caldav"]


def test_what_may_not_be_read_is_not_synced(accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    account = linked(accounts, Switches(read=False))
    asked = replace_parts(monkeypatch, Synced(), Synced(), Synced())
    with pytest.raises(UserError, match="switched off"):
        sync_account(accounts, account, secrets.sealer)
    assert asked == []


def test_a_consent_for_calendars_alone_asks_for_no_contacts(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = Service(kind="graph", url=f"{GRAPH}/v1.0", username="ann", sign_in="oauth")
    sealed = secrets.sealer().seal(Secret(password="x", scopes=(f"{GRAPH}/Calendars.Read",)))
    account = accounts.add("work", "microsoft", "ann@example.org", [graph] * 3, Switches(), sealed)
    asked = replace_parts(monkeypatch, Synced(added=1), Synced(added=1), Synced(added=1))
    assert sync_account(accounts, account, secrets.sealer) == Synced(added=1)
    assert asked == ["graph"]


PROGRAM = """
import sys
from pathlib import Path
from pierian.accounts.locking import alone
from pierian.storage import open_storage
with open_storage(sys.argv[1], Path(sys.argv[2])) as database, alone(database, "x"):
    print("held", flush=True)
    sys.stdin.readline()
"""


def test_a_lock_keeps_other_processes_out_and_is_gone_with_its_holder(
    database: Database, tmp_path: Path
) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, address(database), str(tmp_path / "pierian.db")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None and holder.stdout.readline().strip() == "held"
    with pytest.raises(Occupied, match="Another process"), alone(database, "x"):
        pass
    with alone(database, "y"):
        pass
    holder.kill()
    holder.wait()
    with alone(database, "x", wait=30):
        with pytest.raises(Occupied), alone(database, "x"):
            pass
    with alone(database, "x"):
        pass


def test_an_account_is_synced_once_at_a_time(accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    account = linked(accounts)
    replace_parts(monkeypatch, Synced(), Synced(), Synced())
    with alone(accounts.database, f"{account.id}-sync"), pytest.raises(Occupied):
        sync_account(accounts, account, secrets.sealer)
    assert accounts.get("work").synced_at is None


def test_unlinking_takes_the_copies_along(accounts: Accounts) -> None:
    account = linked(accounts)
    accounts.keep_collection(account, "calendar", "/a", "A", writable=True)
    accounts.unlink(account)
    assert accounts.list() == [] and accounts.collections(account) == []
    assert accounts.sealed(account) is None
    with pytest.raises(UserError, match="unlinked meanwhile"):
        accounts.seal(account, b"x")


def test_a_free_name_for_each_account(accounts: Accounts) -> None:
    def link(kind: str) -> str:
        assert kind in ("caldav", "imap", "ics")
        name = default_name(accounts, kind, "ann@example.org")  # type: ignore[arg-type]
        accounts.add(name, kind, "ann@example.org", [], Switches())  # type: ignore[arg-type]
        return name

    assert [link(kind) for kind in ("caldav", "imap", "imap", "ics")] == [
        "ann@example.org",
        "ann@example.org-mail",
        "ann@example.org-mail-2",
        "ann@example.org-file",
    ]
    assert default_name(accounts, "ics", "a b/c:d") == "a-b-c-d"


def test_what_linking_again_renews(accounts: Accounts) -> None:
    account = linked(accounts)
    same = account.services[1:2]
    assert linked_before(accounts, "imap", "ANN@example.org", same) == account
    assert linked_before(accounts, "imap", "ann@example.org", ()) == account
    elsewhere = [Service(kind="imap", host="other.example", port=993)]
    assert linked_before(accounts, "imap", "ann@example.org", elsewhere) is None, "another server's user"
    assert linked_before(accounts, "imap", "ann@example.org", elsewhere, "Work") == account, (
        "named by the user"
    )
    assert linked_before(accounts, "imap", "ann@example.org", same, "other") is None
    assert linked_before(accounts, "imap", "bob@example.org", same, "Work") is None, "another person's mail"
    assert linked_before(accounts, "caldav", "ann@example.org", same) is None
    secret = Secret(password="new")
    again = save(
        accounts,
        account,
        "imap",
        "work",
        "ann@example.org",
        same,
        Switches(send=True),
        secret,
        secrets.sealer,
    )
    assert (again.id, again.name, again.switches.send) == (account.id, "work", True)
    sealed = accounts.sealed(again)
    assert sealed is not None and secrets.sealer().open(sealed) == secret
    assert len(accounts.get("work").services) == 1
    with pytest.raises(UserError, match="called 'work' already"):
        save(accounts, None, "caldav", "work", "b", [], Switches(), None, secrets.sealer)


def test_the_address_of_a_calendar_file_is_kept_as_a_secret(tmp_path: Path) -> None:
    service, secret, called = ics_service("webcal://cal.example.org/private-canary/basic.ics?key=canary#x")
    assert (service.url, called) == ("https://cal.example.org/", "cal.example.org")
    assert secret is not None
    assert secret.password == "https://cal.example.org/private-canary/basic.ics?key=canary"
    (tmp_path / "School year.ics").touch()
    service, secret, called = ics_service(str(tmp_path / "School year.ics"))
    assert secret is None and called == "School year" and service.url.startswith("file:///")
    assert ics_service(service.url)[0] == service
    for wrong in ("ftp://example.org/a.ics", "https:///a.ics", "https://exa[mple/", "nothing-there.ics"):
        with pytest.raises(UserError):
            ics_service(wrong)
    with pytest.raises(AccountError, match="without encryption"):
        ics_service("http://example.org/a.ics")
    assert ics_service("http://127.0.0.1:8/a.ics")[0].url == "http://127.0.0.1:8/"
