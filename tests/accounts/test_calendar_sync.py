"""The copy of a calendar is what the server has, whatever happens in between: to the server, to us, to the events."""

from __future__ import annotations

import json
import random
import re
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from msgspec import structs
from sqlalchemy import Connection, func, select, update
from tests.accounts.calendar_world import BERLIN, World, day, stamp, titles, vcalendar, vevent
from tests.accounts.radicale_server import Radicale, password_of
from tests.accounts.web_server import Reply, Request, WebServer

from pierian.accounts.account import Account, Service, Switches
from pierian.accounts.calendars import caldav_sync, working_out
from pierian.accounts.calendars.free_time import ALWAYS, free_slots
from pierian.accounts.calendars.reading import search_events, state_of
from pierian.accounts.calendars.rows import etags_of
from pierian.accounts.calendars.syncing import sync_calendars
from pierian.accounts.dav import Dav
from pierian.accounts.secrets import Secret
from pierian.accounts.store import Accounts
from pierian.accounts.troubles import AccountError
from pierian.storage import open_database
from pierian.storage.account_tables import collections, occurrences


def many(count: int) -> list[str]:
    """In UTC: for each event in a zone Radicale works that zone out anew, which takes a while."""
    events = (
        vevent(f"e{number}", day(number % 300, 8 + number % 9).astimezone(UTC)) for number in range(count)
    )
    return [re.sub(r";TZID=Europe/Berlin:(\w+)", r":\1Z", event) for event in events]


def counted(world: World) -> int:
    with world.database.read() as connection:
        return connection.execute(select(func.count()).select_from(occurrences)).scalar_one()


def as_at_server(world: World) -> None:
    """The copy has exactly the server's objects, each with its one occurrence."""
    folder = world.server.home / "data" / "collection-root" / "ann" / "work"
    there = {f"/ann/work/{file.name}" for file in folder.glob("*.ics")}
    [collection] = world.accounts.collections(world.account)
    assert set(etags_of(world.database, collection)) == there
    assert counted(world) == len(there)


def test_what_is_new_changed_and_deleted_arrives_and_nothing_else_is_fetched(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.server.upload(many(30))
    first = world.sync()
    assert (first.added, first.changed, first.removed, first.problems) == (30, 0, 0, ())
    world.server.put("/ann/work/e1.ics", vcalendar(vevent("e1", day(1, 15), summary="Other")))
    world.server.put("/ann/work/new.ics", vcalendar(vevent("new", day(2, 15))))
    world.server.ask("DELETE", "/ann/work/e2.ics")
    asked: list[str] = []
    report = Dav.report

    def watched(self: Dav, url: str, kind: str, inside: str, **more: object) -> object:
        asked.append(inside)
        return report(self, url, kind, inside, **more)

    monkeypatch.setattr(Dav, "report", watched)
    second = world.sync()
    assert (second.added, second.changed, second.removed) == (1, 1, 1)
    assert sum(inside.count("<d:href>") for inside in asked) == 2
    assert {"Other", "new"} <= set(titles(world.events())) and "e2" not in titles(world.events())
    as_at_server(world)
    assert world.sync() == working_out.Synced()


def test_a_token_that_the_server_has_forgotten_leads_to_a_full_comparison(world: World) -> None:
    world.server.upload(many(5))
    world.sync()
    [collection] = world.accounts.collections(world.account)
    state = json.loads(collection.state) | {"token": "http://radicale.org/ns/sync/unknown", "ctag": ""}
    with world.database.write() as connection:
        keep_raw_state(connection, collection.id, json.dumps(state))
    world.server.ask("DELETE", "/ann/work/e0.ics")
    assert world.sync().removed == 1
    as_at_server(world)


def keep_raw_state(connection: Connection, number: int, state: str) -> None:
    connection.execute(update(collections).where(collections.c.id == number).values(state=state))


def test_a_server_without_sync_collection_is_compared_by_versions(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = caldav_sync.find_calendars

    def without_tokens(dav: Dav) -> list[caldav_sync.Found]:
        return [structs.replace(one, token="") for one in found(dav)]

    monkeypatch.setattr(caldav_sync, "find_calendars", without_tokens)
    world.server.upload(many(8))
    assert world.sync().added == 8
    world.server.ask("DELETE", "/ann/work/e0.ics")
    world.server.put("/ann/work/e1.ics", vcalendar(vevent("e1", day(1, 15))))
    again = world.sync()
    assert (again.added, again.changed, again.removed) == (0, 1, 1)
    as_at_server(world)


def test_one_bad_event_is_told_of_and_the_rest_stands(world: World) -> None:
    world.server.upload(many(3))
    world.server.fill({"bomb.ics": vcalendar(vevent("bomb", day(0, 9), "RRULE:FREQ=SECONDLY"))})
    synced = world.sync()
    assert synced.added == 4
    assert synced.problems == ("An event of Work was left out (bomb.ics): it repeats too often.",)
    assert len(world.events()) == 3


def test_what_could_not_be_fetched_is_asked_for_again_next_time(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.server.upload(many(3))
    request, multiget = Dav.request, caldav_sync._OneCalendar._multiget  # pyright: ignore[reportPrivateUsage]

    def refused(self: Dav, method: str, url: str, **more: Any) -> Any:
        if method == "GET" and url.endswith("e1.ics"):
            raise AccountError("This is not handed out now.", code="denied")
        return request(self, method, url, **more)

    def without(self: Any, hrefs: list[str]) -> Any:
        reply = multiget(self, hrefs)
        return structs.replace(
            reply, resources=[one for one in reply.resources if not one.path.endswith("e1.ics")]
        )

    monkeypatch.setattr(Dav, "request", refused)
    monkeypatch.setattr(caldav_sync._OneCalendar, "_multiget", without)  # pyright: ignore[reportPrivateUsage]
    first = world.sync()
    assert first.added == 2 and "does not hand it out" in first.problems[0]
    monkeypatch.undo()
    assert world.sync().added == 1
    as_at_server(world)


def test_calendars_come_go_and_get_new_names(world: World) -> None:
    world.server.make_calendar("/ann/private/", "Private")
    world.server.put("/ann/private/p.ics", vcalendar(vevent("p", day(1, 9))))
    world.sync()
    assert sorted(one.name for one in world.accounts.collections(world.account)) == ["Private", "Work"]
    world.server.ask("DELETE", "/ann/private/")
    world.sync()
    assert [one.name for one in world.accounts.collections(world.account)] == ["Work"]
    assert world.events() == []


def test_duplicate_uids_are_two_events(world: World) -> None:
    world.server.fill(
        {name: vcalendar(vevent("same", day(1, 9), summary=name)) for name in ("a.ics", "b.ics")}
    )
    world.sync()
    assert sorted(titles(world.events())) == ["a.ics", "b.ics"]


def test_a_wrong_password_is_a_sentence_and_changes_nothing(world: World) -> None:
    world.server.upload(many(3))
    world.sync()
    with pytest.raises(AccountError, match="does not accept this user name and password") as raised:
        sync_calendars(world.accounts, world.account, Secret(password="wrong-canary"))
    assert raised.value.code == "password" and "canary" not in repr(raised.value)
    assert len(world.events()) == 3


def test_a_calendar_that_may_only_be_read_is_known_as_such(tmp_path: Path) -> None:
    rights = """
[own]
user: .+
collection: {user}(/.*)?
permissions: RrWw
[shared]
user: bob
collection: ann(/.*)?
permissions: Rr
"""
    server = Radicale(tmp_path / "radicale", rights=rights)
    server.start()
    try:
        server.make_calendar()
        world = World(tmp_path, server)
        service = Service(kind="caldav", url=f"{server.url}ann/work/", username="bob")
        bob = world.accounts.add("shared", "caldav", "bob@example.org", [service], Switches(write=True))
        sync_calendars(world.accounts, bob, Secret(password=password_of("bob")))
        assert [one.writable for one in world.accounts.collections(bob)] == [False]
    finally:
        server.kill()


def test_the_server_is_killed_again_and_again_and_everything_arrives(world: World) -> None:
    world.server.upload(many(150))
    chance = random.Random(7)
    done = 0
    for _ in range(12):
        killer = threading.Timer(chance.uniform(0.0, 0.5), world.server.kill)
        killer.start()
        try:
            world.sync()
            done += 1
        except AccountError as error:
            assert error.code in ("unreachable", "timeout"), error
        killer.join()
        world.server.kill()
        [collection] = world.accounts.collections(world.account) or [None]
        if collection is not None and state_of(collection.state).whole:
            as_at_server(world)
        world.server.start()
    world.sync()
    as_at_server(world)
    assert len(set(titles(world.events()))) == 150


SYNCS = """
import sys
from pathlib import Path
from pierian.accounts.calendars.syncing import sync_calendars
from pierian.accounts.secrets import Secret
from pierian.accounts.store import Accounts
from pierian.storage import open_database
accounts = Accounts(open_database(Path(sys.argv[1])))
print("started", flush=True)
sync_calendars(accounts, accounts.list()[0], Secret(password=sys.argv[2]), lambda *_: print("batch", flush=True))
"""


def test_our_process_is_killed_in_the_middle_and_the_next_one_does_the_rest(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.server.upload(many(450))
    process = subprocess.Popen(
        [sys.executable, "-c", SYNCS, str(world.database.path), password_of("ann")], stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    lines = iter(process.stdout.readline, b"")
    for _ in range(3):  # the first batch is kept while the second one is fetched
        next(lines)
    process.send_signal(signal.SIGKILL)
    process.wait()
    [collection] = world.accounts.collections(world.account)
    before = len(etags_of(world.database, collection))
    assert not state_of(collection.state).whole
    synced = world.sync()
    assert synced.added == 450 - before
    as_at_server(world)


def test_series_are_worked_out_further_as_time_passes(world: World) -> None:
    world.server.put("/ann/work/s.ics", vcalendar(vevent("s", day(0, 9), "RRULE:FREQ=MONTHLY")))
    world.sync()
    [collection] = world.accounts.collections(world.account)
    before = world.events(0, 1500)
    later = int(day(370).timestamp())
    with working_out.WorkingOut(world.database, world.account, now=later) as working:
        working.roll_forward(collection, state_of(collection.state))
    after = world.events(0, 1500)
    assert after[-1].begins.year == before[-1].begins.year + 1
    assert {one.id for one in before if one.begins > day(10)} <= {one.id for one in after}


def test_whole_days_move_with_the_zone_of_the_machine(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    date = day(5).date()
    text = f"BEGIN:VEVENT\r\nUID:d\r\nSUMMARY:Day\r\nDTSTART;VALUE=DATE:{date:%Y%m%d}\r\nEND:VEVENT"
    world.server.put("/ann/work/d.ics", vcalendar(text))
    for zone in ("Europe/Berlin", "America/New_York"):
        monkeypatch.setenv("TZ", zone)
        world.sync()
        [event] = world.events()
        assert event.begins.date() == date and event.whole_days
        with world.database.read() as connection:
            begins = connection.execute(select(occurrences.c.begins)).scalar_one()
        assert datetime.fromtimestamp(begins, ZoneInfo(zone)).hour == 0


def ics(world: World, url: str) -> Account:
    service = Service(kind="ics", url=url, sign_in="none")
    return world.accounts.add("feed", "ics", url, [service], Switches(write=True))


def test_a_file_is_read_and_only_what_changed_in_it_is_kept_anew(tmp_path: Path) -> None:
    accounts = Accounts(open_database(tmp_path / "a.db"))
    file = tmp_path / "feed.ics"
    account = accounts.add(
        "feed", "ics", str(file), [Service(kind="ics", url=str(file), sign_in="none")], Switches()
    )
    events = [vevent(f"f{number}", day(number, 9)) for number in range(5)]
    file.write_text(vcalendar("X-WR-CALNAME:Holidays", *events))
    assert sync_calendars(accounts, account, None).added == 5
    assert [one.name for one in accounts.collections(account)] == ["Holidays"]
    # The same events with another time of download, one changed, one gone.
    events = [one.replace("DTSTAMP:2026", "DTSTAMP:2027") for one in events[1:]]
    events[0] = events[0].replace("SUMMARY:f1", "SUMMARY:Other")
    file.write_text(vcalendar("X-WR-CALNAME:Holidays", *events))
    again = sync_calendars(accounts, account, None)
    assert (again.added, again.changed, again.removed) == (0, 1, 1)
    # Cut off in the middle: nothing changes.
    file.write_text(file.read_text()[:200])
    with pytest.raises(AccountError, match="cut off"):
        sync_calendars(accounts, account, None)
    assert len(search_events(accounts.database, [account], "f")) == 3


def test_a_feed_is_fetched_only_if_it_has_changed_and_never_without_bounds(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = vcalendar(vevent("f", day(1, 9))).encode()

    def feed(request: Request) -> Reply:
        if request.headers.get("if-none-match") == '"one"':
            return Reply(304)
        return Reply(200, body, {"ETag": '"one"', "Content-Type": "text/calendar"})

    bomb = Reply(200, b"BEGIN:VCALENDAR\r\n" + b"X" * 2_000_000, {"Content-Type": "text/calendar"})
    with WebServer(
        {"/feed.ics": feed, "/bomb.ics": bomb, "/page.ics": Reply(200, b"<html>sign in</html>")}
    ) as server:
        account = ics(world, f"{server.url}/feed.ics")
        assert sync_calendars(world.accounts, account, None).added == 1
        assert sync_calendars(world.accounts, account, None) == working_out.Synced()
        assert len(server.requests) == 2
        monkeypatch.setattr("pierian.accounts.calendars.ics_sync.MOST_BYTES", 1_000_000)
        for path, why in (("bomb", "more than 1 MB"), ("page", "holds no calendar")):
            account = world.accounts.serve(
                account, [Service(kind="ics", url=f"{server.url}/{path}.ics", sign_in="none")]
            )
            with pytest.raises(AccountError, match=why):
                sync_calendars(world.accounts, account, None)
    assert titles(world.events()) == ["f"]


FREE_BUSY = """<?xml version="1.0"?>
<d:multistatus xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"><d:response><d:href>/cal/</d:href>
<d:propstat><d:prop><d:resourcetype><d:collection/><c:calendar/></d:resourcetype><d:displayname>Boss</d:displayname>
<d:current-user-privilege-set><d:privilege><c:read-free-busy/></d:privilege></d:current-user-privilege-set></d:prop>
<d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response></d:multistatus>"""


def test_a_calendar_that_tells_only_when_it_is_busy_makes_busy(tmp_path: Path) -> None:
    begins, ends = day(1, 9), day(1, 11)
    busy = vcalendar(
        f"BEGIN:VFREEBUSY\r\nUID:b\r\nFREEBUSY;FBTYPE=BUSY:{stamp(begins.astimezone(UTC))}Z/PT2H\r\n"
        f"FREEBUSY;FBTYPE=FREE:{stamp(day(1, 12).astimezone(UTC))}Z/PT2H\r\nEND:VFREEBUSY"
    )
    routes = {
        "PROPFIND /cal/": Reply(207, FREE_BUSY.encode(), {"Content-Type": "application/xml"}),
        "REPORT /cal/": Reply(200, busy.encode(), {"Content-Type": "text/calendar"}),
    }
    accounts = Accounts(open_database(tmp_path / "a.db"))
    with WebServer(routes) as server:
        service = Service(kind="caldav", url=f"{server.url}/cal/", username="ann")
        account = accounts.add("boss", "caldav", "ann", [service], Switches(write=True))
        sync_calendars(accounts, account, Secret(password="x"))
    slots = free_slots(
        accounts.database, [account], day(1, 8), day(1, 18), minutes=30, zone=BERLIN, hours=ALWAYS
    )
    assert [(one.begins, one.ends) for one in slots] == [(day(1, 8), begins), (ends, day(1, 18))]
    assert search_events(accounts.database, [account], "busy") == []


def test_a_server_that_names_somebody_elses_address_does_not_get_the_password_sent_there(
    tmp_path: Path,
) -> None:
    elsewhere = FREE_BUSY.replace(
        "<d:resourcetype><d:collection/><c:calendar/></d:resourcetype>", ""
    ).replace(
        "<d:displayname>Boss</d:displayname>",
        "<c:calendar-home-set><d:href>https://evil.example/home/</d:href></c:calendar-home-set>",
    )
    accounts = Accounts(open_database(tmp_path / "a.db"))
    with WebServer({"PROPFIND /cal/": Reply(207, elsewhere.encode())}) as server:
        service = Service(kind="caldav", url=f"{server.url}/cal/", username="ann")
        account = accounts.add("boss", "caldav", "ann", [service], Switches())
        with pytest.raises(AccountError, match="somebody else"):
            sync_calendars(accounts, account, Secret(password="x"))


def test_a_server_that_asks_for_a_pause_is_asked_again_after_it(tmp_path: Path) -> None:
    replies = [Reply(503, headers={"Retry-After": "0"}), Reply(207, FREE_BUSY.encode())]
    empty = Reply(200, vcalendar().encode(), {"Content-Type": "text/calendar"})
    accounts = Accounts(open_database(tmp_path / "a.db"))
    with WebServer({"PROPFIND /cal/": lambda _: replies.pop(0), "REPORT /cal/": empty}) as server:
        service = Service(kind="caldav", url=f"{server.url}/cal/", username="ann")
        account = accounts.add("boss", "caldav", "ann", [service], Switches())
        assert sync_calendars(accounts, account, Secret(password="x")).problems == ()
    assert not replies
