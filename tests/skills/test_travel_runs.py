"""Whole trips: asked for in words, planned from real calendars, approved, written and read back, planned again."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.accounts.calendar_world import vevent
from tests.accounts.radicale_server import Radicale, password_of

from pierian.accounts import sealer
from pierian.accounts.account import Service, Switches
from pierian.accounts.secrets import Secret
from pierian.accounts.store import Accounts
from pierian.agents import effects
from pierian.assistant import AskRequest, Assistant
from pierian.cli.app import run
from pierian.config import Settings, paths
from pierian.events import Answer, encode
from pierian.models.wire import Request
from pierian.runs import Approvals, Journal
from pierian.storage import open_storage
from pierian.testing import FunctionalModel, serve_in_thread

EXAMPLE = Path(__file__).parents[2] / "examples" / "trip" / "offers.json"
CANARY = "zx-canary-7731"
TODAY = datetime.now().astimezone().date()
MONDAY = TODAY + timedelta(days=21 - TODAY.weekday())
SUNDAY = MONDAY + timedelta(days=6)
REQUEST = (
    f"Plan three days in Lisbon from {MONDAY.day} {MONDAY:%B} {MONDAY.year} to {SUNDAY.day} {SUNDAY:%B} {SUNDAY.year}, "
    "cheapest flights on days when my partner and I are both free, and put a draft in my calendar"
)


class Trips:
    """A user with two linked calendars, an offers file, and a model that is not to be asked."""

    def __init__(self, home: Path, server: Radicale, base_url: str, prompts: list[Request]) -> None:
        self.server, self.prompts = server, prompts
        self.offers = home / "offers.json"
        text = EXAMPLE.read_text(encoding="utf-8")
        by = MONDAY - date(2026, 12, 7)
        self.offers.write_text(
            re.sub(r"\d{4}-\d\d-\d\d", lambda m: (date.fromisoformat(m[0]) + by).isoformat(), text),
            encoding="utf-8",
        )
        self.settings = Settings(
            base_url=base_url,
            model="double",
            offers=str(self.offers),
            people="partner=ada",
            offer_seconds=5.0,
        )
        database = open_storage("", paths().database)
        accounts = Accounts(database)
        for name, switches in (("ann", Switches(write=True)), ("ada", Switches(free_busy_only=True))):
            service = Service(kind="caldav", url=server.url, username=name)
            secret = sealer().seal(Secret(password=password_of(name)))
            accounts.add(name, "caldav", f"{name}@example.org", [service], switches, secret)
        database.close()

    async def ask(self, resumes: str = "") -> Answer:
        """What is answered while nobody is there to approve."""
        async with Assistant(self.settings) as assistant:
            if resumes:
                request = AskRequest(question=REQUEST, tools=("calendar",), resumes=resumes)
            else:
                request = AskRequest(question=REQUEST)
            events = [event async for event in assistant.stream(request)]
        answer: Any = events[-1]
        return answer.answer

    def approve(self) -> None:
        database = open_storage("", paths().database)
        approvals = Approvals(database)
        (one,) = [found for found in approvals.list() if found.state == "pending"]
        approvals.answer(one.id, approved=True)
        database.close()

    def change(self, name: str, price: int | None) -> None:
        """Let an offer become dearer, or vanish."""
        document = json.loads(self.offers.read_text(encoding="utf-8"))
        ways = [one for one in document["ways"] if price is not None or one["name"] != name]
        document["ways"] = [one | {"price": price} if one["name"] == name else one for one in ways]
        self.offers.write_text(json.dumps(document), encoding="utf-8")

    def written(self) -> list[str]:
        """The titles that the server has now, without those that it had."""
        text = self.server.ask("GET", "/ann/work/", user="ann")[1].replace("\r\n ", "")
        return sorted(one.strip() for one in re.findall(r"SUMMARY:(.*)", text) if CANARY not in one)


@pytest.fixture
def trips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Trips]:
    monkeypatch.setattr(effects, "LOOK_SECONDS", 0.0)
    server = Radicale(tmp_path / "radicale", users=("ann", "ada"))
    server.start()
    prompts: list[Request] = []

    def reply(request: Request) -> str:
        prompts.append(request)
        return "nothing"

    def at(days: int, hour: int) -> datetime:
        return datetime(MONDAY.year, MONDAY.month, MONDAY.day, hour) + timedelta(days=days)  # noqa: DTZ001

    try:
        for user, days in (("ann", 1), ("ada", 2)):
            path = f"/{user}/{'work' if user == 'ann' else 'private'}/"
            server.make_calendar(path, "Work", user=user)
            event = vevent(
                f"{user}-1", at(days, 10), f"LOCATION:{CANARY}", f"DESCRIPTION:{CANARY}", summary=CANARY
            )
            lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Test//EN", event, "END:VCALENDAR", ""]
            server.put(f"{path}{user}-1.ics", "\r\n".join(lines), user=user)
        with serve_in_thread(FunctionalModel(reply)) as serving:
            yield Trips(tmp_path, server, serving.base_url, prompts)
    finally:
        server.kill()


async def test_from_the_request_to_entries_that_were_read_back(
    trips: Trips, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    parked = await trips.ask()
    assert "waits for your approval" in parked.text and not trips.written()
    assert "“three days” are taken with 2 nights" in parked.text
    third = MONDAY + timedelta(days=3)  # Tuesday and Wednesday are taken
    assert f"{third:%A}, {third.day} {third:%B}" in parked.text
    assert f"{MONDAY + timedelta(days=1):%A}, " not in parked.text
    trips.approve()
    done = await trips.ask(parked.receipt.run)
    assert "read back" in done.text and done.receipt.took == "trip"
    titles = trips.written()
    assert len(titles) == 8 and all(one.startswith("Draft: ") for one in titles)
    assert trips.prompts == []
    # Shown again, in every form.
    capsys.readouterr()
    assert run(["trip", "show", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert sorted(f"Draft: {one['title']}" for one in shown["items"]) == titles
    assert run(["trip", "show", "--ics", str(tmp_path / "t.ics"), "--page", str(tmp_path / "t.html")]) == 0
    assert run(["trip", "show"]) == 0
    # Nothing of what calendars say but times is in anything that was shown, sent or kept of the run.
    database = open_storage("", paths().database)
    events = "".join(encode(event) for _, event in Journal(database).events(done.receipt.run))
    database.close()
    logs = "".join(
        file.read_text(errors="replace")
        for file in paths().state.rglob("*")
        if file.is_file() and file.suffix != ".db"
    )
    files = (tmp_path / "t.ics").read_text() + (tmp_path / "t.html").read_text()
    for text in (parked.text, done.text, events, logs, files, capsys.readouterr().out, json.dumps(shown)):
        assert CANARY not in text


async def test_what_became_dearer_after_the_approval_is_told_and_planned_again(trips: Trips) -> None:
    parked = await trips.ask()
    found = re.search(r"([A-Z0-9]+) Berlin to Lisbon", parked.text)
    assert found is not None
    flight = found[1]
    trips.approve()
    trips.change(flight, 999)
    again = await trips.ask(parked.receipt.run)
    assert "waits for your approval" in again.text
    assert re.search(rf"Planned again: {flight} costs 1,998\.00 EUR now, not \d+\.00\.", again.text)
    assert not trips.written()
    trips.approve()
    done = await trips.ask(parked.receipt.run)
    assert f"Planned again: {flight}" in done.text
    assert any("Berlin to Lisbon" in one for one in trips.written())
    assert not any(flight in one for one in trips.written())


async def test_somebody_who_is_no_longer_free_is_told_and_it_is_planned_again(trips: Trips) -> None:
    parked = await trips.ask()
    trips.approve()
    begins = datetime(MONDAY.year, MONDAY.month, MONDAY.day, 12) + timedelta(days=4)  # noqa: DTZ001
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Test//EN",
        vevent("late", begins, summary=CANARY),
        "END:VCALENDAR",
        "",
    ]
    trips.server.put("/ada/private/late.ics", "\r\n".join(lines), user="ada")
    database = open_storage("", paths().database)
    accounts = Accounts(database, clock=lambda: datetime.now().astimezone() - timedelta(minutes=3))
    accounts.note(accounts.get("ada"), synced=True)
    database.close()
    again = await trips.ask(parked.receipt.run)
    assert not trips.written() and CANARY not in again.text
    assert "Planned again: No longer free" in again.text and "your partner" in again.text
    thursday = MONDAY + timedelta(days=3)
    assert f"{thursday:%A}, {thursday.day}" in parked.text
    assert f"{thursday:%A}, {thursday.day}" not in again.text
