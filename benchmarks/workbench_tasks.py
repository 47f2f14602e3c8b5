"""The tasks of WorkBench (github.com/olly-styles/WorkBench, MIT) that need a calendar and mail only: tables,
requests, and what has to have changed when one is done.

Right is what its authors call right: the final state is that which their calls lead to, and nothing else has changed.
Texts are compared without case, as they do, and without the width of white space.
"""

from __future__ import annotations

import ast
import csv
import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from msgspec import Struct

NOW = datetime(2023, 11, 30, tzinfo=UTC)
"""When every request is made."""
USER = "sam@atlas.com"
"""Who makes them; the mails begin with this name."""
DOMAINS = {"calendar", "email"}

Change = tuple[str, ...]
"""What is different: its kind, and what it is different in."""


class Event(Struct, frozen=True):
    """A row of the calendar."""

    id: str
    title: str
    person: str
    start: datetime
    minutes: int

    @property
    def end(self) -> datetime:
        """When it is over."""
        return self.start + timedelta(minutes=self.minutes)


class Mail(Struct, frozen=True):
    """A row of the inbox."""

    id: str
    sender: str
    subject: str
    sent: datetime
    body: str


class Task(Struct, frozen=True):
    """A request, and the changes that it asks for."""

    id: str
    group: str
    request: str
    changes: tuple[Change, ...]


class Tables(Struct, frozen=True):
    """What there is before a request."""

    events: tuple[Event, ...]
    mails: tuple[Mail, ...]
    people: tuple[str, ...]
    """Mail addresses."""


def tables(folder: Path) -> Tables:
    """The tables as they stand."""
    events = tuple(
        Event(
            row["event_id"],
            row["event_name"],
            row["participant_email"],
            _moment(row["event_start"]),
            int(row["duration"]),
        )
        for row in _rows(folder / "calendar_events.csv")
    )
    mails = tuple(
        Mail(
            row["email_id"],
            row["sender/recipient"],
            row["subject"],
            _moment(row["sent_datetime"]),
            unescaped(row["body"]),
        )
        for row in _rows(folder / "emails.csv")
        if row["inbox/outbox"] == "inbox"
    )
    people = tuple((folder / "email_addresses.csv").read_text().split())
    return Tables(events, mails, people)


def tasks(folder: Path, known: Tables) -> list[Task]:
    """All requests for which calendar and mail suffice."""
    found = list[Task]()
    for group in ("calendar", "email", "multi_domain"):
        lines = (folder / f"{group}.dev.jsonl").read_text(encoding="utf-8").splitlines()
        for number, line in enumerate(lines):
            row = json.loads(line)
            if {*ast.literal_eval(row["domains"])} <= DOMAINS:
                changes = [
                    change for call in ast.literal_eval(row["answer"]) for change in _asked(call, known)
                ]
                found.append(Task(f"{group}-{number}", group, row["query"], tuple(changes)))
    return found


def _asked(call: str, known: Tables) -> Iterator[Change]:
    """The change that a call of WorkBench's own tools makes."""
    tree = ast.parse(call, mode="eval").body
    assert isinstance(tree, ast.Call)
    name = ast.unparse(tree.func).removesuffix(".func")
    given: dict[str, str] = {str(one.arg): str(ast.literal_eval(one.value)) for one in tree.keywords}
    match name:
        case "calendar.delete_event":
            yield ("event cancelled", given["event_id"])
        case "calendar.create_event":
            start = _moment(given["event_start"])
            yield created(given["event_name"], given["participant_email"], start, int(given["duration"]))
        case "calendar.update_event":
            event = next(one for one in known.events if one.id == given["event_id"])
            title, start, minutes = event.title, event.start, event.minutes
            if given["field"] == "event_name":
                title = given["new_value"]
            elif given["field"] == "event_start":
                start = _moment(given["new_value"])
            else:
                minutes = int(given["new_value"])
            yield changed(event.id, title, start, minutes)
        case "email.delete_email":
            yield ("mail deleted", given["email_id"])
        case "email.send_email":
            yield sent(given["recipient"], given["subject"], given["body"])
        case "email.reply_email":
            yield ("mail answered", given["email_id"], plain(given["body"]))
        case "email.forward_email":
            yield ("mail forwarded", given["email_id"], plain(given["recipient"]))
        case _:
            raise ValueError(f"WorkBench's call {name} is not known here.")


def created(title: str, person: str, start: datetime, minutes: int) -> Change:
    """A new event."""
    return ("event created", plain(title), plain(person), start.isoformat(), str(minutes))


def changed(event: str, title: str, start: datetime, minutes: int) -> Change:
    """Another title or time of an event."""
    return ("event changed", event, plain(title), start.isoformat(), str(minutes))


def sent(person: str, subject: str, body: str) -> Change:
    """A new mail."""
    return ("mail sent", plain(person), plain(subject), plain(body))


def plain(text: str) -> str:
    """A text for comparing."""
    return " ".join(unescaped(text).casefold().split())


def unescaped(text: str) -> str:
    """A text with the line breaks that its authors wrote as a backslash and an n."""
    return text.replace("\\n", "\n")


def right(task: Task, found: Counter[Change]) -> bool:
    """Whether exactly what was asked for has happened."""
    return Counter(task.changes) == found


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _rows(path: Path) -> list[dict[str, Any]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
