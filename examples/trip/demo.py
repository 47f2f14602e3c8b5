"""A trip from end to end on this machine alone: two calendars at a local server, an offers file, the commands.

Run it with `make demo-trip`. It makes a folder of its own for settings and data, and takes it away again; with
`--keep FOLDER` what it wrote (the page, the calendar file) stays there. No model is needed: what the request says is
read by code.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from pierian.agents import find_entities

HERE = Path(__file__).parent
PATTERN_WEEK = date(2026, 12, 7)
"""The Monday of the week for which `offers.json` is written."""
ZONE = "Europe/Berlin"
RADICALE = """
[server]
hosts = 127.0.0.1:{port}
[auth]
type = htpasswd
htpasswd_filename = {home}/users
htpasswd_encryption = plain
delay = 0
[storage]
filesystem_folder = {home}/data
[web]
type = none
[logging]
level = error
"""


def main() -> int:
    """Everything, step by step; prints each command and what it says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", type=Path, help="a folder for what is written")
    keep: Path | None = parser.parse_args().keep
    home = Path(tempfile.mkdtemp(prefix="pierian-demo-"))
    try:
        with radicale(home / "radicale") as port:
            demo(home, port)
        if keep is not None:
            keep.mkdir(parents=True, exist_ok=True)
            for name in ("trip.html", "trip.ics", "offers.json"):
                shutil.copy(home / name, keep / name)
            print(f"\nThe page, the calendar file and the offers are in {keep}.")
    finally:
        shutil.rmtree(home, ignore_errors=True)
    return 0


def demo(home: Path, port: int) -> None:
    """Link calendars, plan, approve, show."""
    monday = week()
    written = (HERE / "offers.json").read_text(encoding="utf-8")
    (home / "offers.json").write_text(shifted(written, monday - PATTERN_WEEK), encoding="utf-8")
    fill(port, "me", monday, [("Release", 0, "10:00", "16:00"), ("Dentist", 1, "08:30", "09:30")])
    fill(port, "ada", monday, [("Interview at another firm", 2, "14:00", "15:00")])
    where = f"http://127.0.0.1:{port}/"
    command = Pierian(home)
    for name, more in (("me", ["--write"]), ("ada", ["--free-busy-only"])):
        arguments = ["accounts", "link", "caldav", f"{name}@example.org", "--name", name, "--url", where]
        command(*arguments, "--username", name, *more, "--password-stdin", "--yes", typed=f"secret-{name}")
    command("accounts", "sync")
    command("config", "set", "offers", str(home / "offers.json"))
    command("config", "set", "people", "partner=ada")
    said = command("ask", question(monday), fails=True)
    found = re.search(r"pierian runs resume (\w+)", said)
    assert found is not None, "the trip waits for an approval"
    approval = re.search(r"approvals approve (\w+)", said)
    assert approval is not None
    command("approvals", "show", approval[1])
    command("approvals", "approve", approval[1])
    command("runs", "resume", found[1])
    command("trip", "show", "--ics", str(home / "trip.ics"), "--page", str(home / "trip.html"))
    print("\nWhat the calendar server has now:")
    for line in entries(port, "me"):
        print(f"  {line}")


def question(monday: date) -> str:
    """What is asked: the week is named by its month."""
    return (
        f"Plan three days in Lisbon in the second week of {monday:%B}, cheapest flights on days when my partner "
        "and I are both free, and put a draft in my calendar"
    )


def week() -> date:
    """The Monday of the next second week of a month that is not too near, as requests are read."""
    now = datetime.now(ZoneInfo(ZONE))
    for add in range(1, 60, 20):
        name = f"the second week of {now + timedelta(days=add):%B}"
        (found,) = [one for one in find_entities(name, now=now) if one.kind == "range"]
        monday = date.fromisoformat(found.value["start"])
        if monday > now.date() + timedelta(days=3):
            return monday
    raise AssertionError("there is always such a week")


def shifted(text: str, by: timedelta) -> str:
    """The offers with all dates moved by whole weeks."""

    def later(match: re.Match[str]) -> str:
        return (date.fromisoformat(match[0]) + by).isoformat()

    return re.sub(r"\d{4}-\d\d-\d\d", later, text)


class Pierian:
    """The command, with settings and data of its own."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._environment = {
            name: value for name, value in os.environ.items() if not name.startswith("PIERIAN_")
        } | {
            "PIERIAN_HOME": str(home / "pierian"),
            "TZ": ZONE,
            "NO_COLOR": "1",
            "COLUMNS": "110",
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
        }

    def __call__(self, *arguments: str, typed: str = "", fails: bool = False) -> str:
        """Run it, print what it says, and return that."""
        shown = " ".join(json.dumps(one) if " " in one else one for one in arguments)
        print(f"\n$ pierian {shown.replace(str(self._home), '…')}", flush=True)
        ran = subprocess.run(
            [sys.executable, "-m", "pierian", *arguments],
            input=typed,
            capture_output=True,
            text=True,
            env=self._environment,
        )
        said = ran.stdout + ran.stderr
        print(said.replace(str(self._home), "…").rstrip(), flush=True)
        if ran.returncode and not fails:
            raise SystemExit(f"The command ended with {ran.returncode}.")
        return said


@contextlib.contextmanager
def radicale(home: Path) -> Iterator[int]:
    """A calendar server on a free port, with the users `me` and `ada`."""
    home.mkdir(parents=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    (home / "users").write_text("me:secret-me\nada:secret-ada\n")
    (home / "config").write_text(RADICALE.format(port=port, home=home))
    server = subprocess.Popen(
        [sys.executable, "-m", "radicale", "--config", str(home / "config")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until = time.monotonic() + 30
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            if server.poll() is not None or time.monotonic() > until:
                raise SystemExit("The calendar server does not start; is radicale installed? make demo-trip")
            time.sleep(0.05)
        yield port
    finally:
        server.terminate()
        server.wait()


def fill(port: int, user: str, monday: date, events: list[tuple[str, int, str, str]]) -> None:
    """A calendar with some events of a week."""
    path = f"/{user}/calendar/"
    ask(port, user, "MKCALENDAR", path)
    for number, (title, day, begins, ends) in enumerate(events):
        on = monday + timedelta(days=day)
        at = [datetime.combine(on, datetime.strptime(clock, "%H:%M").time()) for clock in (begins, ends)]  # noqa: DTZ007
        lines = [
            "BEGIN:VCALENDAR",
            "VERSION:2.0",
            "PRODID:-//Pierian//demo//EN",
            "BEGIN:VEVENT",
            f"UID:{user}-{number}",
            "DTSTAMP:20260101T000000Z",
            f"SUMMARY:{title}",
            *(
                f"DT{name};TZID={ZONE}:{one:%Y%m%dT%H%M%S}"
                for name, one in zip(("START", "END"), at, strict=True)
            ),
            "END:VEVENT",
            "END:VCALENDAR",
            "",
        ]
        ask(port, user, "PUT", f"{path}{number}.ics", "\r\n".join(lines))


def entries(port: int, user: str) -> list[str]:
    """The events of a calendar, as the server has them."""
    text = ask(port, user, "GET", f"/{user}/calendar/").replace("\r\n ", "")
    found: list[tuple[str, str]] = []
    for event in text.split("BEGIN:VEVENT")[1:]:
        title = re.search(r"SUMMARY:(.*)", event)
        begins = re.search(r"DTSTART[^:]*:(\S+)", event)
        found.append((begins[1] if begins else "", title[1].strip() if title else ""))
    return [f"{begins}  {title}" for begins, title in sorted(found)]


def ask(port: int, user: str, method: str, path: str, body: str = "") -> str:
    """One request of another client."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}", data=body.encode() or None, method=method
    )
    signed = b64encode(f"{user}:secret-{user}".encode()).decode()
    request.add_header("Authorization", f"Basic {signed}")
    request.add_header("Content-Type", "text/calendar; charset=utf-8")
    with urllib.request.urlopen(request, timeout=30) as answer:
        return str(answer.read().decode())


if __name__ == "__main__":
    sys.exit(main())
