"""Accounts are synced without being told, over a real server: regularly, before questions, and with pauses where it fails."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.accounts.radicale_server import Radicale, password_of

from pierian.accounts import Account, AccountError, Accounts, Secret, Service, Switches, refreshing, sealer
from pierian.accounts.locking import alone
from pierian.accounts.troubles import TroubleCode, pause_after
from pierian.agents.account_tools import ages_of, tools_of
from pierian.config import Settings, paths
from pierian.provenance import USER, Labelled
from pierian.server.synchronising import Synchroniser, synchronising
from pierian.storage import Database, open_database
from pierian.tools import Context, Tool, invoke

MINUTE = timedelta(minutes=1)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Radicale]:
    running = Radicale(tmp_path / "radicale")
    running.start()
    running.make_calendar()
    yield running
    running.kill()


@pytest.fixture
def database() -> Iterator[Database]:
    with open_database(paths().database) as opened:
        yield opened


class Clock:
    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now


def linked(accounts: Accounts, url: str, name: str = "work") -> Account:
    service = Service(kind="caldav", url=url, username="ann")
    sealed = sealer().seal(Secret(password=password_of("ann")))
    return accounts.add(name, "caldav", "ann@example.org", [service], Switches(write=True), sealed)


def put(server: Radicale, title: str) -> None:
    begins = datetime.now(UTC) + timedelta(days=1)
    server.put(
        f"/ann/work/{title}.ics",
        f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:{title}\r\nDTSTAMP:20260101T000000Z\r\n"
        f"DTSTART:{begins:%Y%m%dT%H%M%SZ}\r\nSUMMARY:{title}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
    )


async def titles(tools: dict[str, Tool]) -> list[str]:
    found = await invoke(tools["calendar_events"], {"which": Labelled("all", USER)}, Context())
    assert found is not None
    return [one["title"] for one in found.value]


async def known(database: Database) -> list[str]:
    return await titles(tools_of(["calendar"], database, "local"))


async def test_what_is_due_is_synced_and_what_fails_is_left_alone_for_longer_each_time(
    database: Database, server: Radicale, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="pierian.server")
    clock = Clock()
    accounts = Accounts(database, clock=clock)
    linked(accounts, server.url)
    put(server, "First")
    synchroniser = Synchroniser(database, 10, clock=clock)
    await asyncio.to_thread(synchroniser.look)
    assert await known(database) == ["First"]
    first = accounts.get("work")
    assert first.synced_at is not None and first.problem == ""
    assert [one.message for one in caplog.records] == ["account synced"]
    put(server, "Second")
    clock.now = first.synced_at + 9 * MINUTE
    await asyncio.to_thread(synchroniser.look)
    assert await known(database) == ["First"], "it is not due yet"
    clock.now = first.synced_at + 10 * MINUTE
    await asyncio.to_thread(synchroniser.look)
    assert await known(database) == ["First", "Second"]
    caplog.clear()
    clock.now += 20 * MINUTE
    await asyncio.to_thread(synchroniser.look)
    assert caplog.records == [], "nothing was new, so nothing is said"

    server.kill()
    clock.now += 20 * MINUTE
    pauses = list[float]()
    for _ in range(3):
        await asyncio.to_thread(synchroniser.look)
        failed = accounts.get("work")
        assert failed.retry_at is not None and failed.checked_at is not None
        pauses.append((failed.retry_at - failed.checked_at) / MINUTE)
        checked = failed.checked_at
        await asyncio.to_thread(synchroniser.look)
        assert accounts.get("work").checked_at == checked, "it rests"
        clock.now = failed.retry_at + MINUTE
    assert pauses == [2, 4, 8]
    assert accounts.get("work").problem == f"Nothing listens at 127.0.0.1:{server.port}."
    assert accounts.get("work").hint == "Check the host and the port."
    assert [one.message for one in caplog.records] == ["account not synced"], (
        "a failure that lasts is said once"
    )
    server.start()
    await asyncio.to_thread(synchroniser.look)
    well = accounts.get("work")
    assert (well.problem, well.hint, well.failures, well.retry_at) == ("", "", 0, None)


@pytest.mark.parametrize(
    ("codes", "before", "wait", "minutes"),
    [
        (["unreachable"], 0, None, 2),
        (["timeout"], 3, None, 16),
        (["unreachable"], 60, None, 6 * 60),
        (["throttled"], 0, 1800.0, 30),
        (["throttled"], 0, 1e12, 24 * 60),
        (["password"], 0, None, 60),
        (["unreachable", "certificate"], 1, None, 120),
        (["consent"], 60, None, 24 * 60),
    ],
)
def test_what_a_person_has_to_mend_is_tried_rarely(
    codes: list[TroubleCode], before: int, wait: float | None, minutes: int
) -> None:
    failed = [AccountError("It fails.", code=code, wait=wait) for code in codes]
    assert pause_after(failed, before) == minutes * MINUTE
    assert pause_after([], before) is None


async def test_one_process_at_a_time_and_what_somebody_wants_at_once(
    database: Database, server: Radicale
) -> None:
    accounts = Accounts(database)
    account = linked(accounts, server.url)
    put(server, "First")
    with alone(database, f"{account.id}-sync"):
        assert await asyncio.to_thread(refreshing.refresh, accounts, account, sealer) is None
        await asyncio.to_thread(Synchroniser(database, 10).look)
    assert accounts.get("work").synced_at is None, "another process had it"
    wanting = Synchroniser(database, 0)
    await asyncio.to_thread(wanting.look)
    assert accounts.get("work").synced_at is None, "nothing by itself where that is switched off"
    wanting.want("local", account.id)
    while wanting.working(account.id):
        await asyncio.sleep(0.01)
    assert await known(database) == ["First"]
    accounts.unlink(account)
    wanting.want("local", account.id)
    while wanting.working(account.id):
        await asyncio.sleep(0.01)


async def test_a_question_reads_what_is_new_and_waits_for_no_slow_server(
    database: Database, server: Radicale, monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts = Accounts(database)
    linked(accounts, server.url)
    put(server, "First")
    tools = tools_of(["calendar"], database, "local", Settings())
    assert await titles(tools) == ["First"]
    assert ages_of(["calendar_events"], database, "local") == ""
    put(server, "Second")
    assert await titles(tools_of(["calendar"], database, "local", Settings())) == ["First"], (
        "it is fresh enough"
    )
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections, and never answers
        linked(accounts, f"http://127.0.0.1:{silent.getsockname()[1]}/ann/", name="slow")
        monkeypatch.setattr(refreshing, "WAIT_SECONDS", 0.2)
        loop = asyncio.get_running_loop()
        begun = loop.time()
        tools = tools_of(["calendar"], database, "local", Settings())
        assert await titles(tools) == ["First"]
        assert loop.time() - begun < 10, "it would have waited for half a minute"
        assert ages_of(["clock"], database, "local") == ""
        assert ages_of(["calendar_events"], database, "local") == "slow was never synced to its end."
    for thread in threading.enumerate():
        if thread.name.startswith("sync "):
            await asyncio.to_thread(thread.join, 60)


async def test_what_a_server_syncs_ends_with_it(database: Database, server: Radicale) -> None:
    accounts = Accounts(database)
    account = linked(accounts, server.url)
    put(server, "First")
    synchroniser = Synchroniser(database, 10)
    async with synchronising(synchroniser):
        while accounts.get("work").synced_at is None:
            await asyncio.sleep(0.01)
    put(server, "Second")
    synchroniser.want("local", account.id)
    assert not synchroniser.working(account.id)
    assert await known(database) == ["First"]
