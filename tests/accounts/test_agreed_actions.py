"""What whoever approves is shown of an action, and that this is done or nothing: calendars and mail, at real servers."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from io import BytesIO
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from tests.accounts.calendar_world import World, day, vcalendar, vevent
from tests.accounts.dovecot_server import Dovecot
from tests.accounts.mail_accounts import KEY, NOW, Linked, link
from tests.accounts.smtp_server import Outbox, outbox
from tests.accounts.test_mail_sending import attached

from pierian.accounts.mail import attachments
from pierian.accounts.mail.tools import mail_tools
from pierian.accounts.secrets import Sealer
from pierian.provenance import Labelled
from pierian.tools import Context, Tool, ToolFailure, invoke

KEYS = count()
WORKDAY = next(number for number in (3, 4, 5) if day(number).weekday() < 5)


async def shown(tools: Mapping[str, Tool], name: str, **values: Any) -> dict[str, str]:
    """What an approval of a call would show."""
    shows = tools[name].shows
    assert shows is not None
    return await shows(Context(), values)


async def done(tools: Mapping[str, Tool], name: str, told: Mapping[str, str], **values: Any) -> Any:
    """A call after what was `told` was approved."""
    given = {one: Labelled(value) for one, value in values.items()}
    found = await invoke(tools[name], given, Context(f"key{next(KEYS)}", told))
    return None if found is None else found.value


async def refused(tools: Mapping[str, Tool], name: str, told: Mapping[str, str], **values: Any) -> str:
    """Why a call is not carried out."""
    with pytest.raises(ToolFailure) as raised:
        await done(tools, name, told, **values)
    assert raised.value.code == "denied" and "ask again" in raised.value.hint.lower()
    return str(raised.value)


@pytest.fixture
def smtp() -> Iterator[Outbox]:
    with outbox() as server:
        yield server


@pytest.fixture
def linked(dovecot: Dovecot, smtp: Outbox, tmp_path: Path) -> Linked:
    return link(dovecot, tmp_path, smtp=smtp.port)


def tools_of(linked: Linked, folder: Path) -> dict[str, Tool]:
    made = mail_tools(linked.accounts, lambda: Sealer(KEY), now=lambda: NOW, folder=folder / "files")
    return {one.name: one for one in made}


def at_noon(world: World) -> None:
    """An hour of a working day, for its people."""
    people = ("ORGANIZER:mailto:ann@example.org", "ATTENDEE;CN=Bob Stone:mailto:bob@example.org")
    world.server.put(
        "/ann/work/a.ics", vcalendar(vevent("a", day(WORKDAY, 9), *people, summary="Budget review"))
    )
    world.sync()


async def test_a_free_time_is_shown_and_taken_or_not_at_all(world: World) -> None:
    at_noon(world)
    wanted = {"title": "Catch-up", "people": "bob@example.org", "lasting": 30, "first_free": iso(WORKDAY)}
    told = await shown(world.tools, "calendar_create", **wanted)
    when = day(WORKDAY, 10)
    assert told["free_from"] == when.isoformat()
    assert told["when"].startswith(f"{when:%A} {when.day} {when:%B %Y}, 10:00 to 10:30 (Europe/Berlin, UTC+0")
    assert (told["in_calendar"], told["invited"]) == ("work/Work", "bob@example.org")
    # An earlier hour gets free meanwhile: it stays as it was approved.
    world.server.ask("DELETE", "/ann/work/a.ics", user="ann")
    world.sync()
    made = await done(world.tools, "calendar_create", told, **wanted)
    assert made["begins"] == when.isoformat(timespec="minutes")
    # Somebody else has taken the next one before it was approved: no other is taken in its place.
    later = await shown(world.tools, "calendar_create", **(wanted | {"lasting": 60}))
    begins = day(WORKDAY, 9)
    assert later["free_from"] == begins.isoformat()
    world.server.put("/ann/work/b.ics", vcalendar(vevent("b", begins, summary="Taken")))
    world.sync()
    before = world.at_server()
    assert "no longer free" in await refused(
        world.tools, "calendar_create", later, **(wanted | {"lasting": 60})
    )
    assert world.at_server() == before


def iso(days: int) -> str:
    return day(days).date().isoformat()


@pytest.mark.parametrize(
    ("name", "values", "shows"),
    [
        ("calendar_cancel", {}, "event"),
        ("calendar_move", {"later": "PT1H"}, "moved_to"),
        ("calendar_rename", {"title": "Budget talk"}, "event"),
    ],
)
async def test_an_event_that_was_changed_since_stays(
    world: World, name: str, values: dict[str, Any], shows: str
) -> None:
    at_noon(world)
    (event,) = world.events()
    told = await shown(world.tools, name, event_id=event.id, **values)
    assert "“Budget review”" in told["event"] and "bob@example.org" in told["event"]
    assert "09:00 to 10:00 (Europe/Berlin" in told["event"] and "work/Work" in told["event"] and shows in told
    # Moved at the server, of which nothing is known here yet.
    people = ("ORGANIZER:mailto:ann@example.org", "ATTENDEE;CN=Bob Stone:mailto:bob@example.org")
    world.server.put(
        "/ann/work/a.ics", vcalendar(vevent("a", day(WORKDAY, 15), *people, summary="Budget review"))
    )
    before = world.at_server()
    assert "15:00" in await refused(world.tools, name, told, event_id=event.id, **values)
    assert (world.at_server(), world.letters.sent) == (before, [])
    (now,) = world.events()
    assert now.begins == day(WORKDAY, 15), "what is known here is up to date then"
    again = await shown(world.tools, name, event_id=now.id, **values)
    await done(world.tools, name, again, event_id=now.id, **values)
    assert world.at_server() != before and len(world.letters.sent) == 1


async def test_another_calendar_than_was_shown_is_not_written(world: World) -> None:
    world.sync()
    wanted = {"title": "Lunch", "begins": f"{iso(1)}T12:00"}
    told = await shown(world.tools, "calendar_create", **wanted)
    before = world.at_server()
    assert "work/Work" in await refused(
        world.tools, "calendar_create", told | {"in_calendar": "other/Home"}, **wanted
    )
    assert world.at_server() == before


@pytest.mark.parametrize(
    ("name", "values", "shows"),
    [
        ("mail_reply", {"text": "Yes."}, {"titled": "Re: Files", "goes_to": "ann@example.org"}),
        ("mail_forward", {"to": "bob@example.net"}, {"titled": "Fwd: Files", "goes_to": "bob@example.net"}),
        ("mail_label", {"label": "flagged"}, {}),
        ("mail_move", {"mailbox": "archive"}, {"moves_to": "Archive"}),
        ("mail_delete", {}, {"moves_to": "the trash"}),
    ],
)
async def test_another_mail_than_was_shown_is_not_touched(
    linked: Linked, smtp: Outbox, tmp_path: Path, name: str, values: dict[str, Any], shows: dict[str, str]
) -> None:
    linked.put(attached("plan.pdf", b"%PDF-"))
    linked.sync()
    (message,) = linked.found()
    tools, given = tools_of(linked, tmp_path), {"message": message.id, **values}
    told = await shown(tools, name, **given)
    assert told["mail"].startswith("“Files” from ann@example.org, sent ") and told["mail"].endswith(
        "; in work"
    )
    assert shows.items() <= told.items()
    for key in told:
        assert "changed since" in await refused(tools, name, told | {key: "something else"}, **given)
    linked.sync()
    (same,) = linked.found()
    assert (same.mailbox, same.flags, smtp.messages) == (message.mailbox, message.flags, [])
    await done(tools, name, told, **given)


@pytest.mark.parametrize("name", ["mail_send", "mail_draft"])
async def test_a_mail_goes_from_the_account_that_was_shown(linked: Linked, tmp_path: Path, name: str) -> None:
    wanted = {"to": "bob@example.net", "subject": "Hi", "text": "Hello"}
    tools = tools_of(linked, tmp_path)
    told = await shown(tools, name, **wanted)
    assert told == {"written_from": f"{linked.account.address} (work)", "goes_to": "bob@example.net"}
    assert linked.account.address in await refused(
        tools, name, told | {"written_from": "me@other.example (other)"}, **wanted
    )
    await done(tools, name, told, **wanted)


async def test_what_is_passed_on_has_its_attachments(
    linked: Linked, smtp: Outbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = bytes(range(256)) * 40
    linked.put(attached("plan.pdf", data))
    linked.sync()
    (message,) = linked.found()
    tools, given = tools_of(linked, tmp_path), {"message": message.id, "to": "bob@example.net"}
    told = await shown(tools, "mail_forward", **given)
    assert told["attachments"].startswith("plan.pdf (application/octet-stream, 10 KB, SHA-256 ")
    await done(tools, "mail_forward", told, **given)
    (file,) = smtp.messages[0].iter_attachments()
    assert (file.get_filename(), file.get_content()) == ("plan.pdf", data)
    monkeypatch.setattr(attachments, "MOST_BYTES", 5_000)
    with pytest.raises(ToolFailure, match="more than") as raised:
        await shown(tools, "mail_forward", **given)
    assert raised.value.code == "invalid"


async def test_a_bomb_is_not_passed_on(
    linked: Linked, smtp: Outbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attachments, "BOMB_BYTES", 2_000_000)
    made = BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as written:
        written.writestr("a.txt", b"\0" * 5_000_000)
    linked.put(attached("a.zip", made.getvalue()))
    linked.sync()
    (message,) = linked.found()
    given = {"message": message.id, "to": "bob@example.net"}
    for call in (shown, done):
        more = {} if call is shown else {"told": {}}
        with pytest.raises(ToolFailure, match="as a bomb does"):
            await call(tools_of(linked, tmp_path), "mail_forward", **more, **given)
    assert smtp.messages == []
