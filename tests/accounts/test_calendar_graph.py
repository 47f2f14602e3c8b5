"""Calendars of a Microsoft account: what a double of Microsoft Graph tells arrives, changes and goes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from tests.accounts.calendar_world import BERLIN, NOW, day, titles
from tests.accounts.web_server import Reply, Request, WebServer

from pierian.accounts.account import Account, Service, Switches
from pierian.accounts.calendars.event import Event
from pierian.accounts.calendars.reading import events_between, search_events, state_of
from pierian.accounts.calendars.syncing import sync_calendars
from pierian.accounts.calendars.tools import calendar_tools
from pierian.accounts.secrets import Secret
from pierian.accounts.store import Accounts
from pierian.accounts.syncing import Synced
from pierian.accounts.troubles import AccountError
from pierian.provenance import USER, Labelled
from pierian.storage import open_database
from pierian.tools import Context, invoke

TOKEN = "canary-token"


class Graph:
    """Tells of the events of one calendar in pages of two, and of changes since a number."""

    def __init__(self) -> None:
        self.log: list[dict[str, Any]] = []
        self.forgotten = False
        self.server = WebServer(
            {"/v1.0/me/calendars": self.calendars, "/v1.0/me/calendars/c1/calendarView/delta": self.delta}
        )

    def tell(self, *events: dict[str, Any]) -> None:
        """These events are new or changed now."""
        self.log += events

    def calendars(self, request: Request) -> Reply:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return Reply(401, b"{}")
        return answered({"value": [{"id": "c1", "name": "Calendar", "canEdit": True}]})

    def delta(self, request: Request) -> Reply:
        assert 'outlook.timezone="UTC"' in request.headers["prefer"]
        first = int(request.query.get("$skiptoken", request.query.get("$deltatoken", "0")))
        if "$deltatoken" in request.query and self.forgotten:
            return Reply(410, b"{}")
        last, path = min(first + 2, len(self.log)), f"{self.server.url}{request.path}"
        more = "@odata.nextLink" if last < len(self.log) else "@odata.deltaLink"
        name = "$skiptoken" if last < len(self.log) else "$deltatoken"
        return answered({"value": self.log[first:last], more: f"{path}?{urlencode({name: last})}"})


def answered(value: object) -> Reply:
    return Reply(200, json.dumps(value).encode(), {"Content-Type": "application/json"})


def told(name: str, begins: datetime, ends: datetime, **more: Any) -> dict[str, Any]:
    """An event as Graph writes it."""
    times = {
        key: {"dateTime": f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.0000000", "timeZone": "UTC"}
        for key, at in (("start", begins), ("end", ends))
    }
    return {
        "id": name,
        "type": "singleInstance",
        "subject": name,
        **times,
        "@odata.etag": f'W/"{name}"',
        **more,
    }


@pytest.fixture
def graph(monkeypatch: pytest.MonkeyPatch) -> Iterator[Graph]:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    double = Graph()
    with double.server:
        yield double


@pytest.fixture
def account(tmp_path: Path, graph: Graph) -> tuple[Accounts, Account]:
    accounts = Accounts(open_database(tmp_path / "a.db"))
    service = Service(
        kind="graph", url=f"{graph.server.url}/v1.0", username="ann@example.org", sign_in="oauth"
    )
    return accounts, accounts.add("office", "microsoft", "ann@example.org", [service], Switches(write=True))


def sync(account: tuple[Accounts, Account], token: str = TOKEN) -> Synced:
    return sync_calendars(*account, Secret(access_token=token))


def events(account: tuple[Accounts, Account]) -> list[Event]:
    return events_between(account[0].database, [account[1]], day(-10), day(60), zone=BERLIN)


def test_events_series_and_changes_arrive(graph: Graph, account: tuple[Accounts, Account]) -> None:
    person = {"emailAddress": {"name": "Bob", "address": "Bob@example.org"}}
    graph.tell(
        told("Lunch", day(1, 12), day(1, 13), attendees=[person], organizer=person, showAs="tentative"),
        {"id": "o1", "type": "occurrence", "seriesMasterId": "s", **times(day(2, 9), day(2, 10))},
        told(
            "s",
            day(2, 9),
            day(2, 10),
            type="seriesMaster",
            subject="Daily",
            location={"displayName": "Room 7"},
        ),
        {"id": "o2", "type": "occurrence", "seriesMasterId": "s", **times(day(3, 9), day(3, 10))},
        told("x", day(4, 11), day(4, 12), type="exception", seriesMasterId="s", subject="Daily, later"),
        told("Free", day(5, 9), day(5, 10), showAs="free"),
        told("No", day(5, 9), day(5, 10), responseStatus={"response": "declined"}),
        told("Off", day(5, 9), day(5, 10), isCancelled=True),
    )
    assert sync(account).problems == ()
    found = events(account)
    assert titles(found) == ["Lunch", "Daily", "Daily", "Daily, later", "Free", "No"]
    assert [one.begins for one in found[:4]] == [day(1, 12), day(2, 9), day(3, 9), day(4, 11)]
    assert [one.busy for one in found] == [True, True, True, True, False, False]
    assert found[0].attendees == ("bob@example.org",) and found[0].status == "tentative"
    assert [one.location for one in found[1:4]] == ["Room 7"] * 3 and found[1].repeats
    assert titles(search_events(account[0].database, [account[1]], "bob")) == ["Lunch"]

    # The series gets another name: so do the occurrences that were told of before, but not the changed one.
    graph.tell(
        told("s", day(2, 9), day(2, 10), type="seriesMaster", subject="Standup", **{"@odata.etag": "2"}),
        {"id": "o2", "@removed": {"reason": "deleted"}},
        told("New", day(6, 9), day(6, 10)),
    )
    synced = sync(account)
    assert synced.removed == 1
    assert titles(events(account)) == ["Lunch", "Standup", "Daily, later", "Free", "No", "New"]
    asked = [one.query for one in graph.server.requests if one.path.endswith("delta")]
    assert sum("startDateTime" in one for one in asked) == 1, "only the first time everything is asked for"
    assert sync(account) == Synced()


def times(begins: datetime, ends: datetime) -> dict[str, Any]:
    return {key: value for key, value in told("", begins, ends).items() if key in ("start", "end")}


def test_whole_days_are_days_of_the_user(graph: Graph, account: tuple[Accounts, Account]) -> None:
    date = day(3).date()
    graph.tell(
        told("Holiday", day(1), day(1), isAllDay=True)
        | {
            "start": {"dateTime": f"{date}T00:00:00.0000000"},
            "end": {"dateTime": f"{day(4).date()}T00:00:00.0000000"},
        }
    )
    sync(account)
    [event] = events(account)
    assert event.whole_days and event.begins == day(3) and event.ends == day(4)


def test_what_graph_has_forgotten_is_compared_anew(graph: Graph, account: tuple[Accounts, Account]) -> None:
    graph.tell(told("A", day(1, 9), day(1, 10)), told("B", day(1, 9), day(1, 10)))
    sync(account)
    graph.log = [told("A", day(1, 9), day(1, 10))]
    graph.forgotten = True
    assert sync(account).removed == 1
    assert titles(events(account)) == ["A"]


def test_odd_events_are_told_of_and_the_rest_stands(graph: Graph, account: tuple[Accounts, Account]) -> None:
    graph.tell(told("A", day(1, 9), day(1, 10)), told("B", day(1, 9), day(1, 10), start={"dateTime": "soon"}))
    synced = sync(account)
    assert titles(events(account)) == ["A"] and len(synced.problems) == 1


def test_a_consent_that_ended_and_pages_elsewhere(graph: Graph, account: tuple[Accounts, Account]) -> None:
    with pytest.raises(AccountError) as raised:
        sync(account, "another")
    assert raised.value.code == "consent" and "another" not in f"{raised.value} {raised.value.hint}"
    graph.server.routes["/v1.0/me/calendars"] = answered(
        {"value": [], "@odata.nextLink": "https://evil.example/"}
    )
    with pytest.raises(AccountError, match="somewhere else"):
        sync(account)


def test_a_span_that_is_used_up_is_asked_for_anew(
    graph: Graph, account: tuple[Accounts, Account], monkeypatch: pytest.MonkeyPatch
) -> None:
    graph.tell(told("A", day(1, 9), day(1, 10)))
    sync(account)
    [before] = account[0].collections(account[1])
    monkeypatch.setattr("pierian.accounts.calendars.working_out.time.time", lambda: day(300).timestamp())
    sync(account)
    [after] = account[0].collections(account[1])
    assert state_of(after.state).until > state_of(before.state).until


class Writable(Graph):
    """Keeps what is written, as far as the tests ask for it."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[str, dict[str, Any]] = {}
        self.calls: list[str] = []
        self.server.routes["POST /v1.0/me/calendars/c1/events"] = self.create
        self.server.routes["GET /v1.0/me/calendars/c1/events"] = self.find

    def create(self, request: Request) -> Reply:
        wanted = json.loads(request.body)
        same = [one for one in self.kept.values() if one.get("transactionId") == wanted["transactionId"]]
        if same:
            return answered(same[0])
        name = f"id/{len(self.calls)}"
        self.kept[name] = {"id": name, "type": "singleInstance", "@odata.etag": "1", **wanted}
        self.server.routes[f"/v1.0/me/events/id%2F{len(self.calls)}"] = self.event
        for deed in ("cancel", "decline"):
            self.server.routes[f"/v1.0/me/events/id%2F{len(self.calls)}/{deed}"] = self.event
        self.calls.append("create")
        return Reply(201, answered(self.kept[name]).body)

    def find(self, request: Request) -> Reply:
        key = request.query["$filter"].rpartition("value eq '")[2].partition("'")[0]
        return answered(
            {"value": [{"id": name} for name, one in self.kept.items() if key in json.dumps(one)]}
        )

    def event(self, request: Request) -> Reply:
        name, _, deed = request.path.removeprefix("/v1.0/me/events/").replace("%2F", "/", 1).partition("/c")
        found = self.kept.get(name)
        if found is None:
            return Reply(404, b"{}")
        if request.method == "GET":
            return answered(found)
        if request.headers.get("if-match", found["@odata.etag"]) != found["@odata.etag"]:
            return Reply(412, b"{}")
        self.calls.append(f"c{deed}" if deed else request.method)
        if request.method == "PATCH":
            found |= json.loads(request.body) | {"@odata.etag": f"{found['@odata.etag']}1"}
        else:
            del self.kept[name]
        return answered(found)


async def test_events_are_created_moved_renamed_and_cancelled_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    monkeypatch.setattr(
        "pierian.accounts.calendars.graph_writing.fresh_secret", lambda *_: Secret(access_token=TOKEN)
    )
    double = Writable()
    with double.server:
        accounts = Accounts(open_database(tmp_path / "a.db"))
        service = Service(
            kind="graph", url=f"{double.server.url}/v1.0", username="ann@example.org", sign_in="oauth"
        )
        switches = Switches(write=True, send=True)
        account = accounts.add("office", "microsoft", "ann@example.org", [service], switches)
        sync_calendars(accounts, account, Secret(access_token=TOKEN))
        tools = {one.name: one for one in calendar_tools(accounts, _no_sealer, now=lambda: NOW)}

        async def call(tool: str, key: str = "k", *, lookup: bool = False, **arguments: Any) -> Any:
            given = {name: Labelled(value, USER) for name, value in arguments.items()}
            found = await invoke(tools[tool], given, Context(key), lookup=lookup)
            return found and found.value

        wanted = {"title": "Plan", "begins": day(2, 10).isoformat(), "people": ["bob@example.org"]}
        assert await call("calendar_create", lookup=True, **wanted) is None
        made = await call("calendar_create", **wanted)
        assert (
            made
            == await call("calendar_create", **wanted)
            == await call("calendar_create", lookup=True, **wanted)
        )
        assert made["begins"] == day(2, 10).isoformat(timespec="minutes")
        moved = await call("calendar_move", "m", event_id=made["id"], later=30)
        assert moved == await call("calendar_move", "m", lookup=True, event_id=made["id"], later=30)
        assert moved == await call("calendar_move", "m", event_id=made["id"], later=30)
        assert await call("calendar_move", "other", lookup=True, event_id=made["id"], later=30) is None
        assert moved["begins"] == day(2, 10, 30).isoformat(timespec="minutes")
        assert (await call("calendar_rename", "r", event_id=made["id"], title="Other"))["title"] == "Other"
        assert titles(events((accounts, account))) == ["Other"]
        assert await call("calendar_cancel", "c", event_id=made["id"]) == "cancelled"
        assert events((accounts, account)) == []
    assert double.calls == ["create", "PATCH", "PATCH", "cancel"]


def _no_sealer() -> Any:
    raise AssertionError("no secret is opened here")
