"""The tools for mail: what they give to plans, whose labels it carries, and what the switches keep them from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from tests.accounts.dovecot_server import Dovecot
from tests.accounts.mail_accounts import ALL, KEY, NOW, Linked, link, mail
from tests.accounts.smtp_server import Outbox, outbox
from tests.accounts.test_mail_sending import attached

from pierian import accounts as accounts_room
from pierian.accounts.account import Switches
from pierian.accounts.mail import attaching
from pierian.accounts.mail.results import MailListed, MailSent, MailThread
from pierian.accounts.mail.tools import mail_tools
from pierian.accounts.secrets import Sealer
from pierian.agents import account_tools
from pierian.provenance import Label, Labelled, Origin
from pierian.tools import Context, Tool, ToolFailure, invoke


@pytest.fixture
def smtp() -> Iterator[Outbox]:
    with outbox() as server:
        yield server


class Desk:
    """The tools over an account."""

    def __init__(self, linked: Linked, folder: Path) -> None:
        self.linked = linked
        made = mail_tools(linked.accounts, lambda: Sealer(KEY), now=lambda: NOW, folder=folder / "files")
        self.tools: Mapping[str, Tool] = {one.name: one for one in made}

    async def call(self, name: str, key: str = "step", *, lookup: bool = False, **values: Any) -> Any:
        arguments = {name: Labelled(value) for name, value in values.items()}
        found = await invoke(self.tools[name], arguments, Context(key), lookup=lookup)
        self.labels = found.labels if found is not None else frozenset[Label]()
        return None if found is None else found.value

    async def found(self, **query: Any) -> list[MailListed]:
        return msgspec.convert(await self.call("mail_search", **({"which": "all"} | query)), list[MailListed])

    async def first(self, **query: Any) -> str:
        return (await self.found(**query))[0].id


@pytest.fixture
def desk(dovecot: Dovecot, smtp: Outbox, tmp_path: Path) -> Desk:
    return Desk(link(dovecot, tmp_path, smtp=smtp.port), tmp_path)


def test_effects_and_shapes(desk: Desk) -> None:
    effects = {name: tool.effect for name, tool in desk.tools.items()}
    assert effects == {
        "mail_search": "read", "mail_read": "read", "mail_attachment": "read", "mail_label": "write",
        "mail_move": "write", "mail_delete": "write", "mail_draft": "write",
        "mail_send": "send", "mail_reply": "send", "mail_forward": "send",
    }  # fmt: skip
    assert all(tool.result and (tool.lookup is not None) is tool.acts for tool in desk.tools.values())


async def test_search_and_read_are_labelled_with_account_and_sender(desk: Desk) -> None:
    desk.linked.put(
        mail(1, subject="Budget"),
        mail(2, subject="Re: Budget", sender="Eve@Evil.example", head="In-Reply-To: <1@example.org>"),
    )
    desk.linked.sync()
    found = await desk.found(about="budget", when={"start": "2026-11-01", "end": "2026-11-28"})
    assert [one.subject for one in found] == ["Re: Budget", "Budget"]
    assert {label.source for label in desk.labels} == {
        "mail:work/ann@example.org",
        "mail:work/eve@evil.example",
    }
    assert {label.origin for label in desk.labels} == {Origin.EXTERNAL}
    thread = msgspec.convert(await desk.call("mail_read", message=found[0].id), MailThread)
    assert [one.text for one in thread.messages] == ["This is message number 1.", "This is message number 2."]
    assert {label.source for label in desk.labels} == {
        "mail:work/ann@example.org",
        "mail:work/eve@evil.example",
    }
    assert found[0].sent == "2026-11-28T09:00+00:00"


async def test_sending_is_looked_up_and_happens_once(desk: Desk, smtp: Outbox) -> None:
    values = {"to": ["bob@example.net"], "subject": "Hi", "text": "Hello"}
    assert await desk.call("mail_send", lookup=True, **values) is None
    sent = msgspec.convert(await desk.call("mail_send", **values), MailSent)
    assert await desk.call("mail_send", lookup=True, **values) == msgspec.to_builtins(sent)
    await desk.call("mail_send", **values)
    assert len(smtp.messages) == 1


async def test_a_connection_that_breaks_while_sending_is_unknown(desk: Desk, smtp: Outbox) -> None:
    smtp.answer = ""
    values = {"to": ["bob@example.net"], "subject": "Hi", "text": "Hello"}
    with pytest.raises(ToolFailure) as raised:
        await desk.call("mail_send", **values)
    assert raised.value.code == "unknown"
    with pytest.raises(ToolFailure):
        await desk.call("mail_send", lookup=True, **values)
    assert len(smtp.messages) == 1


async def test_an_answer_goes_to_the_sender_or_to_whom_it_names(desk: Desk, smtp: Outbox) -> None:
    desk.linked.put(mail(1, to="me@example.org, bob@example.org", head="Reply-To: elsewhere@evil.example"))
    desk.linked.sync()
    message = await desk.first()
    await desk.call("mail_reply", message=message, text="Yes.")
    assert smtp.recipients == [["ann@example.org"]], "answers go elsewhere only where that is named"
    assert smtp.messages[0]["In-Reply-To"] == "<1@example.org>"
    await desk.call(
        "mail_reply",
        key="two",
        message=message,
        text="Yes.",
        to=["Bob@example.org", "elsewhere@evil.example"],
    )
    assert smtp.recipients[1] == ["Bob@example.org", "elsewhere@evil.example"]
    await desk.call("mail_reply", key="alone", message=message, text="Yes.", to="bob@example.org")
    assert smtp.recipients[2] == ["bob@example.org"]
    with pytest.raises(ToolFailure) as raised:
        await desk.call("mail_reply", key="three", message=message, text="Yes.", to=["stranger@evil.example"])
    assert raised.value.code == "invalid"
    (found,) = desk.linked.found(mailbox="inbox")
    assert "\\Answered" in found.flags


async def test_an_answer_to_oneself_goes_on_to_the_others(desk: Desk, smtp: Outbox) -> None:
    desk.linked.put(mail(1, sender=desk.linked.account.address, to="bob@example.org"), mailbox="Sent")
    desk.linked.sync()
    await desk.call("mail_reply", message=await desk.first(), text="One more thing.")
    assert smtp.recipients == [["bob@example.org"]]


async def test_passing_on_carries_the_labels_of_what_is_passed_on(desk: Desk, smtp: Outbox) -> None:
    desk.linked.put(mail(1, text="The numbers are 1 and 2."))
    desk.linked.sync()
    values = {"message": await desk.first(), "to": "bob@example.net", "text": "See below."}
    assert await desk.call("mail_forward", lookup=True, **values) is None
    await desk.call("mail_forward", **values)
    assert smtp.messages[0]["Subject"].startswith("Fwd: ")
    assert "The numbers are 1 and 2." in smtp.messages[0].get_content()
    assert {label.source for label in desk.labels} == {"mail:work/ann@example.org"}
    assert await desk.call("mail_forward", lookup=True, **values) is not None


async def test_drafts_labels_moves_and_files(desk: Desk, tmp_path: Path) -> None:
    desk.linked.put(attached("plan.pdf", b"%PDF-"))
    desk.linked.sync()
    message = await desk.first()
    file = await desk.call("mail_attachment", message=message)
    assert Path(file["path"]).read_bytes() == b"%PDF-" and Path(file["path"]).is_relative_to(tmp_path)
    values = {"to": ["bob@example.net"], "subject": "Hi", "text": "Hello"}
    assert await desk.call("mail_draft", lookup=True, **values) is None
    draft = await desk.call("mail_draft", **values)
    assert await desk.call("mail_draft", lookup=True, **values) == draft
    assert await desk.call("mail_label", lookup=True, message=message, label="flagged") is None
    labels = await desk.call("mail_label", message=message, label="flagged")
    assert labels == {"id": message, "labels": ["flagged"]}
    assert await desk.call("mail_label", lookup=True, message=message, label="flagged") == labels
    assert await desk.call("mail_delete", lookup=True, message=message) is None
    moved = await desk.call("mail_delete", message=message)
    assert moved == {"id": message, "mailbox": "Trash"}
    assert await desk.call("mail_delete", lookup=True, message=message) == moved
    assert desk.linked.found(mailbox="inbox") == []


async def test_files_go_with_a_mail_and_whoever_approves_sees_what_they_are(
    desk: Desk, smtp: Outbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = tmp_path / "Documents"
    opened.mkdir()
    (opened / "Grüße.pdf").write_bytes(b"%PDF-" + bytes(range(256)) * 40)
    (opened / "letter.eml").write_text("From: x\n\nhello")
    (tmp_path / "secret.txt").write_text("canary")
    (opened / "link.txt").symlink_to(tmp_path / "secret.txt")
    monkeypatch.setattr(account_tools, "paths", lambda: SimpleNamespace(data=tmp_path / "data"))
    monkeypatch.setattr(accounts_room, "sealer", lambda: Sealer(KEY))
    made = account_tools.group_of("mail", desk.linked.database, folders=str(opened))
    desk.tools = {one.name: one for one in made}
    files = ["Grüße.pdf", str(opened / "letter.eml")]
    values = {"to": "bob@example.net", "subject": "Hi", "text": "Look."}
    assert desk.tools["mail_send"].shows is not None
    shown = await desk.tools["mail_send"].shows(Context(), values | {"files": files})
    assert re.fullmatch(
        r"Grüße\.pdf \(application/pdf, 10 KB, SHA-256 \w{12}…\)\n"
        r"letter\.eml \(application/octet-stream, 14 bytes, SHA-256 \w{12}…\)",
        shown["attachments"],
    )
    await desk.call("mail_send", **values, files=files)
    first, second = smtp.messages[-1].iter_attachments()
    assert first.get_filename() == "Grüße.pdf"
    assert first.get_content() == (opened / "Grüße.pdf").read_bytes()
    assert second.get_content() == b"From: x\n\nhello"
    draft = await desk.call("mail_draft", key="d", **values, files="letter.eml")
    with desk.linked.client() as client:
        client.select_folder(draft["mailbox"], readonly=True)
        (uid,) = client.search("ALL")
        assert b'filename="letter.eml"' in client.fetch([uid], ["BODY.PEEK[]"])[uid][b"BODY[]"]
    sent = len(smtp.messages)
    monkeypatch.setattr(attaching, "MOST_BYTES", 10_250)
    for refused, code, told in (
        (str(tmp_path / "secret.txt"), "denied", "outside of the folders"),
        ("link.txt", "denied", "outside of the folders"),
        ("missing.txt", "not_found", "There is no"),
        (files, "too_large", "the attachments have more than 10 KB"),
        ([f"{n}.txt" for n in range(21)], "too_large", "at most 20 files"),
    ):
        for call in (desk.call("mail_send", key="r", **values, files=refused), _shown(desk, values, refused)):
            with pytest.raises(ToolFailure) as raised:
                await call
            assert (raised.value.code, told in str(raised.value)) == (code, True), str(raised.value)
    assert len(smtp.messages) == sent, "nothing went out"


def _shown(desk: Desk, values: dict[str, Any], files: object) -> Any:
    shows = desk.tools["mail_send"].shows
    assert shows is not None
    return shows(Context(), values | {"files": files})


@pytest.mark.parametrize(
    ("switches", "tool", "values", "switch"),
    [
        (Switches(read=True), "mail_send", {"to": ["a@b.org"], "subject": "s", "text": "t"}, "send"),
        (Switches(read=True), "mail_draft", {"to": ["a@b.org"], "subject": "s", "text": "t"}, "write"),
        (Switches(read=True), "mail_label", {"message": "", "label": "read"}, "write"),
        (Switches(read=True), "mail_move", {"message": "", "mailbox": "trash"}, "write"),
        (Switches(read=True, write=True), "mail_reply", {"message": "", "text": "t"}, "send"),
    ],
)
async def test_switches_keep_tools_from_acting(
    dovecot: Dovecot,
    smtp: Outbox,
    tmp_path: Path,
    switches: Switches,
    tool: str,
    values: dict[str, Any],
    switch: str,
) -> None:
    desk = Desk(link(dovecot, tmp_path, smtp=smtp.port, switches=switches), tmp_path)
    desk.linked.put(mail(1))
    desk.linked.sync()
    if "message" in values:
        values = {**values, "message": await desk.first()}
    with pytest.raises(ToolFailure) as raised:
        await desk.call(tool, **values)
    assert raised.value.code == "denied" and f"switch work {switch} on" in raised.value.hint
    assert not smtp.messages


async def test_an_account_that_may_not_be_read_offers_nothing(desk: Desk) -> None:
    desk.linked.put(mail(1))
    desk.linked.sync()
    message = await desk.first()
    desk.linked.accounts.switch(desk.linked.account, msgspec.structs.replace(ALL, read=False))
    assert await desk.found() == []
    with pytest.raises(ToolFailure) as raised:
        await desk.call("mail_read", message=message)
    assert raised.value.code == "not_found"


@pytest.mark.parametrize("when", ["next week", "2026-13-45", {"start": "2026-11-01", "end": "never"}])
async def test_what_is_no_date_is_refused(desk: Desk, when: Any) -> None:
    with pytest.raises(ToolFailure) as raised:
        await desk.found(when=when)
    assert raised.value.code == "invalid"


async def test_a_server_that_is_gone_leaves_reading_as_it_was(desk: Desk, dovecot: Dovecot) -> None:
    desk.linked.put(mail(1))
    desk.linked.sync()
    message = await desk.first()
    services = [msgspec.structs.replace(one, port=1) for one in desk.linked.account.services]
    desk.linked.accounts.serve(desk.linked.account, services)
    assert (await desk.call("mail_read", message=message))["messages"]
    with pytest.raises(ToolFailure) as raised:
        await desk.call("mail_label", message=message, label="read")
    assert raised.value.code == "unreachable"


async def test_the_mails_that_are_meant(desk: Desk) -> None:
    desk.linked.put(
        mail(1, subject="Budget", sender="Ann Lee <ann@example.org>", text="It is about the plan."),
        mail(2, subject="The plan", sender="Bob <bob@example.org>"),
        mail(3, subject="Lunch", sender="Ann Lee <ann@example.org>"),
    )
    desk.linked.sync()

    async def meant(**query: Any) -> list[str]:
        return [one.subject for one in await desk.found(**query)]

    assert await meant(which="last", sender="ann@example.org") == ["Lunch"]
    assert await meant(which="first", sender="ann lee") == ["Budget"]
    assert await meant(sender="ann@example.org") == ["Lunch", "Budget"]
    assert await meant(about="the plan") == ["The plan"]  # its subject, though another one has the words too
    assert await meant(about="plan", sender="ann@example.org") == ["Budget"]
    assert await meant(about="my last mail", which="last") == ["Lunch"]
