"""Events are written once, only over what was read, and only as far as the account allows; people are told once."""

from __future__ import annotations

import base64
import logging
import random
import threading
from datetime import timedelta
from email.message import EmailMessage
from itertools import count
from typing import Any

import icalendar
import pytest
from tests.accounts.calendar_world import NOW, World, day, stamp, titles, vcalendar, vevent
from tests.accounts.dovecot_server import PASSWORD
from tests.accounts.radicale_server import password_of
from tests.accounts.smtp_server import outbox
from tests.accounts.web_server import Reply, WebServer

from pierian.accounts.account import Collection, Service, Switches
from pierian.accounts.calendars import caldav_writing, writing
from pierian.accounts.calendars.caldav_writing import Stands
from pierian.accounts.calendars.invitations import AccountMail
from pierian.accounts.dav import Dav
from pierian.accounts.secrets import Secret
from pierian.accounts.troubles import AccountError
from pierian.tools import ToolFailure

WEEKLY = "RRULE:FREQ=WEEKLY"


def iso(number: int, hour: int, minute: int = 0) -> str:
    return day(number, hour, minute).isoformat(timespec="minutes")


async def failing(world: World, code: str, tool: str, **arguments: Any) -> ToolFailure:
    with pytest.raises(ToolFailure) as raised:
        await world.call(tool, **arguments)
    assert raised.value.code == code, raised.value
    return raised.value


def invitation(letter: EmailMessage) -> icalendar.Component:
    [part] = [one for one in letter.walk() if one.get_content_type() == "text/calendar"]
    return icalendar.Calendar.from_ical(part.get_payload(decode=True)).walk("VEVENT")[0]


async def test_an_event_is_created_once_however_often_the_step_is_tried(world: World) -> None:
    world.sync()
    assert await world.call("calendar_create", lookup=True, title="Dentist", begins=iso(2, 9)) is None
    made = await world.call("calendar_create", title="Dentist", begins=iso(2, 9), lasting=30)
    again = await world.call("calendar_create", title="Dentist", begins=iso(2, 9), lasting=30)
    seen = await world.call("calendar_create", lookup=True, title="Dentist", begins=iso(2, 9))
    assert made == again == seen
    assert (made["begins"], made["minutes"], made["calendar"]) == (iso(2, 9), 30, "work/Work")
    assert world.at_server().count("SUMMARY:Dentist") == 1
    assert titles(world.events()) == ["Dentist"]
    assert world.sync().changed == 0, "what was read back is what the next sync finds"
    await world.call("calendar_rename", "rename", event_id=made["id"], title="Doctor")
    late = await world.call("calendar_create", title="Dentist", begins=iso(2, 9), lasting=30)
    assert late["title"] == "Doctor", "a late try undoes nothing"
    other = await world.call("calendar_create", "another step", title="Dentist", begins=iso(2, 9))
    assert other["id"] != made["id"]


async def test_whole_days_are_created_as_such(world: World) -> None:
    world.sync()
    first, last = day(3).date().isoformat(), day(5).date().isoformat()
    made = await world.call("calendar_create", title="Away", begins=first, ends=last)
    assert (made["whole_days"], made["begins"], made["ends"]) == (True, first, last)
    assert f"DTEND;VALUE=DATE:{day(6):%Y%m%d}" in world.at_server()


async def test_people_are_invited_by_mail_once_and_told_of_changes(world: World) -> None:
    world.sync()
    made = await world.call(
        "calendar_create",
        title="Plan; and more",
        begins=iso(2, 10),
        people=["Bob@example.org"],
        location="Room 1",
    )
    await world.call("calendar_create", title="Plan; and more", begins=iso(2, 10), people=["Bob@example.org"])
    [first] = world.letters.sent
    event = invitation(first)
    assert first["To"] == "Bob@example.org" and first["From"] == "ann@example.org"
    assert event["SUMMARY"] == "Plan; and more" and str(event["ATTENDEE"]) == "mailto:Bob@example.org"
    assert event["ATTENDEE"].params["SCHEDULE-AGENT"] == "CLIENT"
    assert made["organizer"] == "ann@example.org" and made["with_people"] == ["bob@example.org"]
    await world.call("calendar_move", "move", event_id=made["id"], later=90)
    await world.call("calendar_move", "move", event_id=made["id"], later=90)
    assert [one.begins for one in world.events()] == [day(2, 11, 30)]
    second = invitation(world.letters.sent[1])
    assert second["DTSTART"].dt == day(2, 11, 30) and second["SEQUENCE"] == 1
    assert await world.call("calendar_cancel", "cancel", event_id=made["id"]) == "cancelled"
    assert invitation(world.letters.sent[2])["STATUS"] == "CANCELLED"
    assert len(world.letters.sent) == 3 and world.events() == []
    assert "Plan" not in world.at_server()


async def test_a_crash_between_writing_and_telling_is_made_good_by_the_next_try(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.sync()
    tell = writing.Telling.tell

    def crash(*_: Any, **__: Any) -> None:
        raise SystemError("the process ends here")

    arguments = {"title": "Plan", "begins": iso(2, 10), "people": ["bob@example.org"]}
    monkeypatch.setattr(writing.Telling, "tell", crash)
    await failing(world, "unknown", "calendar_create", **arguments)
    assert await world.call("calendar_create", lookup=True, **arguments) is None
    monkeypatch.setattr(writing.Telling, "tell", tell)
    made = await world.call("calendar_create", **arguments)
    assert len(world.letters.sent) == 1 and world.at_server().count("BEGIN:VEVENT") == 1

    monkeypatch.setattr(writing.Telling, "tell", crash)
    await failing(world, "unknown", "calendar_cancel", key="cancel", event_id=made["id"])
    assert await world.call("calendar_cancel", "cancel", lookup=True, event_id=made["id"]) is None
    monkeypatch.setattr(writing.Telling, "tell", tell)
    await world.call("calendar_cancel", "cancel", event_id=made["id"])
    assert await world.call("calendar_cancel", "cancel", lookup=True, event_id=made["id"]) == "cancelled"
    assert len(world.letters.sent) == 2


async def test_where_the_server_invites_nobody_is_written_to(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pierian.accounts.calendars.caldav_sync.sends_invitations", lambda *_: True)
    world.sync()
    await world.call("calendar_create", title="Plan", begins=iso(2, 10), people=["bob@example.org"])
    assert world.letters.sent == []
    assert "SCHEDULE-AGENT" not in world.at_server()


async def test_one_occurrence_of_a_series_is_moved_renamed_and_cancelled(world: World) -> None:
    world.server.put(
        "/ann/work/w.ics", vcalendar(vevent("w", day(1, 10), f"{WEEKLY};COUNT=4", summary="Weekly"))
    )
    world.sync()
    _, second, third, fourth = world.events()
    moved = await world.call("calendar_move", event_id=second.id, begins=iso(9, 14))
    assert (moved["id"], moved["begins"]) == (second.id, iso(9, 14))
    await world.call("calendar_rename", "rename", event_id=third.id, title="Review")
    await world.call("calendar_cancel", "cancel", event_id=fourth.id)
    world.sync()
    assert world.at_server().count("RRULE:FREQ=WEEKLY") == 1
    assert [(one.title, one.begins) for one in world.events()] == [
        ("Weekly", day(1, 10)), ("Weekly", day(9, 14)), ("Review", day(15, 10)),
    ]  # fmt: skip
    assert await world.call("calendar_cancel", "cancel", lookup=True, event_id=fourth.id) == "cancelled"


async def test_a_whole_series_is_moved_by_the_clock_with_its_exceptions(world: World) -> None:
    lines = (WEEKLY, f"EXDATE;TZID=Europe/Berlin:{stamp(day(8, 10))}")
    world.server.put("/ann/work/w.ics", vcalendar(vevent("w", day(1, 10), *lines)))
    world.sync()
    second = world.events(10, 20)[0]
    moved = await world.call("calendar_move", event_id=second.id, later=30, series=True)
    assert moved["begins"] == iso(15, 10, 30)
    assert [one.begins for one in world.events(0, 20)] == [day(1, 10, 30), day(15, 10, 30)]
    cancelled = await world.call("calendar_cancel", "c", event_id=moved["id"], series=True)
    assert cancelled == "cancelled" and world.events() == []


async def test_days_that_are_part_of_a_rule_are_not_moved(world: World) -> None:
    rule = f"RRULE:FREQ=WEEKLY;BYDAY={['MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU'][day(1).weekday()]}"
    world.server.put("/ann/work/w.ics", vcalendar(vevent("w", day(1, 10), rule)))
    world.sync()
    event = world.events(0, 5)[0]
    failure = await failing(
        world, "invalid", "calendar_move", event_id=event.id, begins=iso(2, 10), series=True
    )
    assert "part of its rule" in str(failure)


async def test_what_somebody_else_changed_meanwhile_is_not_overwritten(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.server.put("/ann/work/e.ics", vcalendar(vevent("e", day(1, 10))))
    world.sync()
    look_at, numbers = caldav_writing.look_at, count()

    def then_changed(dav: Dav, href: str) -> Stands | None:
        found = look_at(dav, href)
        world.server.put(
            "/ann/work/e.ics", vcalendar(vevent("e", day(1, 10), summary=f"Theirs {next(numbers)}"))
        )
        return found

    monkeypatch.setattr(caldav_writing, "look_at", then_changed)
    for tool, more in (("calendar_move", {"later": 30}), ("calendar_cancel", {})):
        failure = await failing(world, "invalid", tool, event_id=world.events()[0].id, **more)
        assert "changed by somebody else" in str(failure)
    monkeypatch.undo()
    assert world.at_server().count("SUMMARY:Theirs 1") == 1


async def test_everything_else_in_an_event_stays_as_it_was(world: World) -> None:
    alarm = "BEGIN:VALARM\r\nACTION:DISPLAY\r\nDESCRIPTION:Soon\r\nTRIGGER:-PT10M\r\nEND:VALARM"
    world.server.put(
        "/ann/work/e.ics", vcalendar(vevent("e", day(1, 10), "X-ODD;A=b:kept", "COLOR:red", alarm))
    )
    world.sync()
    await world.call("calendar_rename", event_id=world.events()[0].id, title="New")
    text = world.at_server()
    assert all(part in text for part in ("X-ODD;A=b:kept", "COLOR:red", "TRIGGER:-PT10M", "SUMMARY:New"))


async def test_an_event_of_somebody_else_is_declined_and_not_changed(world: World) -> None:
    people = ("ORGANIZER:mailto:boss@example.org", "ATTENDEE;PARTSTAT=ACCEPTED:mailto:ann@example.org")
    world.server.put("/ann/work/e.ics", vcalendar(vevent("e", day(1, 10), *people)))
    world.sync()
    event = world.events()[0]
    await failing(world, "denied", "calendar_move", event_id=event.id, later=30)
    await world.call("calendar_cancel", event_id=event.id)
    [reply] = world.letters.sent
    assert (
        reply["To"] == "boss@example.org" and invitation(reply)["ATTENDEE"].params["PARTSTAT"] == "DECLINED"
    )


@pytest.mark.parametrize(
    ("switches", "tool", "says"),
    [
        (Switches(), "calendar_create", "switch work write on"),
        (Switches(write=True), "calendar_create", "switch work send on"),
        (Switches(write=True, free_busy_only=True), "calendar_create", "another calendar"),
    ],
)
async def test_switches_hold_and_say_how_they_are_turned_on(
    world: World, switches: Switches, tool: str, says: str
) -> None:
    world.sync()
    world.account = world.accounts.switch(world.account, switches)
    more = {"people": ["bob@example.org"]} if tool == "calendar_create" else {}
    failure = await failing(world, "denied", tool, title="Plan", begins=iso(1, 9), **more)
    assert says in failure.hint
    assert "Plan" not in world.at_server()


async def test_an_account_that_may_not_be_read_offers_nothing(world: World) -> None:
    world.accounts.switch(world.account, Switches(read=False, write=True, send=True))
    assert world.tools == {}


async def test_what_may_reach_other_people_counts_as_sending(world: World) -> None:
    effects = {name: tool.effect for name, tool in world.tools.items()}
    assert effects == {
        "calendar_events": "read", "calendar_free": "read", "calendar_create": "send",
        "calendar_move": "send", "calendar_rename": "send", "calendar_cancel": "send",
    }  # fmt: skip


async def test_without_mail_and_without_a_scheduling_server_nothing_is_written(world: World) -> None:
    world.accounts.serve(world.account, [Service(kind="caldav", url=world.server.url, username="ann")])
    world.sync()
    failure = await failing(
        world, "denied", "calendar_create", title="Plan", begins=iso(1, 9), people=["bob@example.org"]
    )
    assert "no account may send mail" in str(failure) and "Plan" not in world.at_server()


@pytest.mark.parametrize("address", ["bob", "bob@", "a b@c", "x@y\r\nBcc: z@example.org", "<x@y>"])
async def test_what_is_no_address_invites_nobody(world: World, address: str) -> None:
    world.sync()
    await failing(world, "invalid", "calendar_create", title="Plan", begins=iso(1, 9), people=[address])
    assert "Plan" not in world.at_server() and world.letters.sent == []


async def test_ids_of_what_is_gone_name_nothing_even_if_the_row_is_used_again(world: World) -> None:
    world.sync()
    made = await world.call("calendar_create", title="Old", begins=iso(1, 9))
    await world.call("calendar_cancel", "c", event_id=made["id"])
    again = await world.call("calendar_create", "n", title="New", begins=iso(1, 9))
    assert again["id"].partition("-")[0] == made["id"].partition("-")[0], "the row is used again"
    await failing(world, "not_found", "calendar_move", event_id=made["id"], later=30)
    await failing(world, "not_found", "calendar_move", event_id="nonsense", later=30)


async def test_labels_name_the_account_and_who_wrote_the_event(world: World) -> None:
    people = ("ORGANIZER:mailto:Boss@example.org", "ATTENDEE:mailto:ann@example.org")
    world.server.put("/ann/work/e.ics", vcalendar(vevent("e", day(1, 10), *people)))
    world.sync()
    found = await world.labelled("calendar_events", which="all", when=day(1).date().isoformat())
    assert found is not None
    assert {str(label) for label in found.labels} == {
        "user",
        "calendar:work",
        "calendar:work/boss@example.org",
    }


async def test_the_server_is_killed_in_the_middle_of_writes_and_each_happens_once(world: World) -> None:
    world.sync()
    chance = random.Random(11)
    for number in range(8):
        killer = threading.Timer(chance.uniform(0.0, 0.12), world.server.kill)
        killer.start()
        arguments = {"title": f"Event {number}", "begins": iso(2 + number, 9)}
        try:
            await world.call("calendar_create", f"key {number}", **arguments)
        except ToolFailure as failure:
            assert failure.code in ("unreachable", "timeout", "unknown"), failure
        killer.join()
        world.server.kill()
        world.server.start()
        if await world.call("calendar_create", f"key {number}", lookup=True, **arguments) is None:
            await world.call("calendar_create", f"key {number}", **arguments)
    world.sync()
    assert titles(world.events()) == [f"Event {number}" for number in range(8)]
    assert world.at_server().count("BEGIN:VEVENT") == 8


async def test_moving_by_a_date_keeps_the_time_of_day_and_the_length(world: World) -> None:
    world.sync()
    made = await world.call("calendar_create", title="Walk", begins=iso(1, 16), lasting=45)
    moved = await world.call("calendar_move", "m", event_id=made["id"], begins=day(4).date().isoformat())
    assert (moved["begins"], moved["minutes"]) == (iso(4, 16), 45)
    longer = await world.call("calendar_move", "l", event_id=made["id"], lasting=90)
    assert (longer["begins"], longer["minutes"]) == (iso(4, 16), 90)
    assert NOW + timedelta(days=1) < day(4, 16)


async def test_an_invitation_goes_through_a_real_mail_server_once(world: World) -> None:
    world.sync()
    with outbox() as kept:
        caldav = Service(kind="caldav", url=world.server.url, username="ann")
        smtp = Service(kind="smtp", host="127.0.0.1", port=kept.port, security="none", username="ann")
        world.accounts.serve(world.account, [caldav])
        mail = world.accounts.add(
            "mail",
            "imap",
            "ann@post.example",
            [smtp],
            Switches(send=True),
            world.sealer.seal(Secret(password=PASSWORD)),
        )
        world.letters = AccountMail(world.accounts, lambda: world.sealer)
        arguments = {"title": "Grüße", "begins": iso(2, 10), "people": ["bob@example.org"]}
        made = await world.call("calendar_create", **arguments)
        assert await world.call("calendar_create", **arguments) == made
        assert await world.call("calendar_create", lookup=True, **arguments) == made
    [letter] = kept.messages
    assert letter["From"] == mail.address and letter["Subject"] == "Invitation: Grüße"
    assert invitation(letter)["SUMMARY"] == "Grüße" and made["organizer"] == mail.address
    [part] = [one for one in letter.walk() if one.get_content_type() == "text/calendar"]
    assert part.get_param("method") == "REQUEST" and kept.recipients == [["bob@example.org"]]


REFUSALS = [
    (507, b"", "full", "no room left"),
    (403, b'<d:error xmlns:d="DAV:"><d:quota-not-exceeded/></d:error>', "full", "no room left"),
    (403, b"", "denied", "cannot be written"),
    (413, b"", "failed", "of this size"),
    (500, b"", "throttled", "fault of its own"),
]


@pytest.mark.parametrize(("status", "body", "code", "says"), REFUSALS)
def test_what_a_server_refuses_is_a_sentence(status: int, body: bytes, code: str, says: str) -> None:
    with WebServer({"PUT /cal/x.ics": Reply(status, body)}) as server:
        collection = Collection(
            id=1, account_id="a", kind="calendar", path=f"{server.url}/cal/", name="Work", writable=True
        )
        with Dav(Service(kind="caldav", url=collection.path), Secret(password="canary")) as dav:
            with pytest.raises(AccountError, match=says) as raised:
                caldav_writing.put_new(dav, collection, "/cal/x.ics", "text")
    assert raised.value.code == code and "canary" not in str(raised.value)


async def test_the_password_stands_in_no_log(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    world.sync()
    await world.call("calendar_create", title="Dentist", begins=iso(2, 9))
    password = password_of("ann")
    secrets = (password, base64.b64encode(f"ann:{password}".encode()).decode())
    assert caplog.text and not any(one in caplog.text for one in secrets)
