"""What goes wrong with real servers: clocks that jump, mailboxes that move, passwords that must be seen nowhere."""

from __future__ import annotations

import base64
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.accounts.calendar_world import BERLIN, NOW, World
from tests.accounts.dovecot_server import PASSWORD, Dovecot
from tests.accounts.mail_accounts import mail
from tests.accounts.radicale_server import password_of
from tests.accounts.smtp_server import Outbox, outbox
from tests.agents.desk import Bench, call, is_planning, plan

from pierian.accounts import sealer
from pierian.accounts.account import Service, Switches
from pierian.accounts.mail.syncing import sync_mail
from pierian.accounts.secrets import Secret
from pierian.agents.account_tools import tools_of
from pierian.agents.planner import ModelPlanner
from pierian.events import StepFailed, StepFinished, encode
from pierian.models.wire import Request
from pierian.testing import FunctionalModel
from pierian.tools import Context, ToolFailure

FORWARD, BACK = (
    next(
        when
        for when in (NOW.replace(hour=12) + timedelta(days=number) for number in range(1, 400))
        if (when - timedelta(days=1)).utcoffset() != when.utcoffset()
        and (when.utcoffset() == timedelta(hours=hours))
    ).date()
    for hours in (2, 1)
)
"""The next days on which clocks in Berlin go forward and back."""


@pytest.fixture
def smtp() -> Iterator[Outbox]:
    with outbox() as server:
        yield server


@pytest.mark.parametrize(
    ("at", "begins", "ends"),
    [
        (f"{FORWARD}T02:30", "01:30", "02:30"),  # there is no such hour: it is half past three then
        (f"{FORWARD}T01:30", "00:30", "01:30"),  # an hour later it is half past three
        (f"{BACK}T02:30", "00:30", "01:30"),  # the first of two
        (f"{BACK}T02:30+01:00", "01:30", "02:30"),  # the second
    ],
)
async def test_an_hour_that_there_is_not_or_twice(world: World, at: str, begins: str, ends: str) -> None:
    """In UTC: what was approved, what the server keeps, and what is free afterwards are the same."""
    world.sync()
    wanted: dict[str, Any] = {"title": "Night train", "begins": at, "lasting": 60}
    shows = world.tools["calendar_create"].shows
    assert shows is not None
    told = (await shows(Context(), wanted))["when"]
    made = await world.call("calendar_create", **wanted)
    first, last = (datetime.fromisoformat(made[name]) for name in ("begins", "ends"))
    assert (f"{first.astimezone(UTC):%H:%M}", f"{last.astimezone(UTC):%H:%M}") == (begins, ends)
    assert f"{first:%H:%M} to {last:%H:%M}" in told and f"UTC{first.isoformat()[-6:]}" in told
    (kept,) = world.events()
    assert (kept.begins, kept.begins.fold) == (first.astimezone(BERLIN), first.astimezone(BERLIN).fold)


async def test_an_event_is_moved_into_an_hour_that_there_is_not(world: World) -> None:
    world.sync()
    made = await world.call("calendar_create", title="Night train", begins=f"{FORWARD}T01:30", lasting=30)
    moved = await world.call("calendar_move", "m", event_id=made["id"], later="PT1H")
    assert moved["begins"].endswith("T03:30+02:00") and moved["minutes"] == 30


async def test_a_mailbox_that_was_renamed_before_its_mail_is_deleted(
    dovecot: Dovecot, tmp_path: Path, smtp: Outbox
) -> None:
    from tests.accounts.mail_accounts import link
    from tests.accounts.test_agreed_actions import done, shown
    from tests.accounts.test_agreed_actions import tools_of as mail_tools_of

    linked = link(dovecot, tmp_path, smtp=smtp.port)
    with linked.client() as client:
        client.create_folder("Plans")
    linked.put(mail(1), mailbox="Plans")
    linked.sync()
    tools, (message,) = mail_tools_of(linked, tmp_path), linked.found()
    told = await shown(tools, "mail_delete", message=message.id)
    with linked.client() as client:
        client.rename_folder("Plans", "Ideas")
    with pytest.raises(ToolFailure, match="The mailbox Plans has changed since") as raised:
        await done(tools, "mail_delete", told, message=message.id)
    assert raised.value.code == "not_found"
    linked.sync()
    (same,) = linked.found()
    assert same.mailbox == "Ideas"
    await done(tools, "mail_delete", told, message=same.id)
    assert linked.found() == []


async def test_secrets_are_in_no_event_prompt_log_or_failure(
    world: World, dovecot: Dovecot, smtp: Outbox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    canaries = ["canary-wrong", password_of("ann"), PASSWORD]
    database, accounts, user = world.database, world.accounts, dovecot.user()
    accounts.unlink(world.account)
    switches = Switches(write=True, send=True)
    dav = [Service(kind="caldav", url=world.server.url, username="ann")]
    accounts.add(
        "days", "caldav", "ann@example.org", dav, switches, sealer().seal(Secret(password=canaries[1]))
    )
    services = [
        Service(kind="imap", host="127.0.0.1", port=dovecot.port, security="none", username=user),
        Service(kind="smtp", host="127.0.0.1", port=smtp.port, security="none", username=user),
    ]
    good = accounts.add("post", "imap", user, services, switches, sealer().seal(Secret(password=PASSWORD)))
    wrong = sealer().seal(Secret(password=canaries[0]))
    accounts.add("wrong", "imap", user, services, switches, wrong)
    sync_mail(accounts, good, Secret(password=PASSWORD))
    world.sync(accounts.get("days"))
    prompts = list[str]()

    def answer(request: Request) -> str:
        prompts.append(msgspec.json.encode(request.messages).decode())
        assert is_planning(request)
        if len(prompts) > 1:
            return plan()
        return plan(
            call("calendar_create", title="Dentist", begins="$date1"),
            call("mail_draft", to="bob@example.net", subject="Hi", text="Hello", account="post"),
            call("mail_draft", to="bob@example.net", subject="Hi", text="Hello", account="wrong"),
        )

    tools = tools_of(["calendar", "mail"], database, "local")
    bench = Bench(
        [*tools.values()],
        ModelPlanner(FunctionalModel(answer), tools),
        request="Create an event called Dentist in my account, draft a mail 'Hi' to bob@example.net 'Hello'.",
        person=lambda asked: "approved",
        entities={"date1": (NOW + timedelta(days=2)).date().isoformat()},
    )
    await bench.run()
    assert len(bench.recorder.of(StepFinished)) == 2
    (failed,) = bench.recorder.of(StepFailed)
    assert "does not accept this user name and password" in failed.message
    said = [*(encode(event) for event in bench.recorder.events), *prompts, caplog.text]
    coded = [base64.b64encode(f"ann:{canaries[1]}".encode()).decode()]
    coded += [base64.b64encode(f"\0{user}\0{one}".encode()).decode() for one in canaries]
    assert not [one for one in (*canaries, *coded) for text in said if one in str(text)]
