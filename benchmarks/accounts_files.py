"""Public iCalendar files: whether each is read, or refused with a reason, by all ways that a calendar comes in.

    pip download --no-deps --no-binary :all: -d PACKAGES icalendar recurring-ical-events khal caldav ical …
    python -m benchmarks.accounts files --packages PACKAGES [--tester PYTHON]

PACKAGES is a folder of source packages as they lie on the package index; nothing of them is installed or imported.
What ends in `.ics`, and every text of their programs and documents that holds a calendar, is a file here, each once.
With `--tester`, the Python of an environment that has `caldav-server-tester`, that program also examines a Radicale,
and what it writes there are files too; its calendar is then synced as any other.

Each file goes three ways: as one object of a server's calendar; as a calendar file that is linked; and, where it can
be read, as an event that is renamed, which must leave when it takes place as it was.
"""

from __future__ import annotations

import ast
import hashlib
import re
import subprocess
import tarfile
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from msgspec import Struct
from tests.accounts.calendar_world import World
from tests.accounts.radicale_server import Radicale, password_of

from benchmarks.accounts_runs import Kept, Row
from pierian.accounts.account import Service, Switches
from pierian.accounts.calendars.composing import Composed
from pierian.accounts.calendars.ics_sync import sync_ics
from pierian.accounts.calendars.parsing import Parsed
from pierian.accounts.calendars.working_out import WorkingOut
from pierian.accounts.store import Accounts
from pierian.accounts.syncing import silent
from pierian.exceptions import PierianError
from pierian.storage import open_database

MEASURE = "iCalendar files"
NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
MOST_SECONDS = 10.0
"""A file that takes longer hangs: what one object may compute is bounded to three."""
_CALENDAR = re.compile(r"BEGIN:VCALENDAR\b.*?END:VCALENDAR\b", re.DOTALL)
_FILES, _TEXTS = (".ics", ".ical", ".ifb"), (".md", ".rst", ".txt", ".yaml", ".yml", ".ambr", ".json")
RECORDER = """
import sys
from pathlib import Path
from caldav.davclient import DAVClient
folder, asked, number = Path(sys.argv.pop(1)), DAVClient.request, 0
def request(self, url, method="GET", body="", *more, **named):
    global number
    if method == "PUT":
        number += 1
        (folder / f"{number}.ics").write_bytes(body if isinstance(body, bytes) else body.encode())
    return asked(self, url, method, body, *more, **named)
DAVClient.request = request
from caldav_server_tester import check_server_compatibility
check_server_compatibility()
"""


class Found(Struct, frozen=True):
    """A calendar, and the package where it stood."""

    package: str
    name: str
    text: str

    @property
    def kind(self) -> str:
        """Whether it is a file of its own, or a text in a program or document, which may be a piece of one only."""
        return "file" if self.name.partition("#")[0].lower().endswith(_FILES) else "text"


def collected(folder: Path) -> list[Found]:
    """The calendars of all packages in a folder, each once."""
    found: dict[str, Found] = {}
    for package in sorted(folder.iterdir()):
        for name, content in _members(package):
            for number, text in enumerate(_calendars(name, content)):
                key = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
                found.setdefault(key, Found(package.name, f"{name}#{number}", text))
    return list(found.values())


def _members(package: Path) -> Iterator[tuple[str, bytes]]:
    if package.name.endswith((".tar.gz", ".tgz")):
        with tarfile.open(package) as archive:
            for member in archive:
                file = archive.extractfile(member) if member.isfile() else None
                if file is not None:
                    yield member.name, file.read()
    elif package.suffix in (".zip", ".whl"):
        with zipfile.ZipFile(package) as archive:
            for name in archive.namelist():
                yield name, archive.read(name)


def _calendars(name: str, content: bytes) -> Iterator[str]:
    """The calendars in a file: itself, the texts of a program, or what stands in a document."""
    text = content.decode("utf-8", "replace")
    lower = name.lower()
    if lower.endswith(_FILES):
        yield text
    elif lower.endswith(".py") and "BEGIN:V" in text:
        try:
            tree = ast.parse(content)
        except (SyntaxError, ValueError):
            return
        for one in ast.walk(tree):
            value = one.value if isinstance(one, ast.Constant) else None
            said = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
            if isinstance(said, str) and "BEGIN:V" in said and "\n" in said:
                yield said.lstrip()
    elif lower.endswith(_TEXTS):
        yield from _CALENDAR.findall(text)


def written_by_tester(python: str, folder: Path) -> tuple[list[Found], Row]:
    """What `caldav-server-tester` writes to a Radicale, and what a sync of its calendar comes to."""
    server = Radicale(folder / "radicale")
    server.start()
    try:
        puts = folder / "puts"
        puts.mkdir()
        options = [
            "--caldav-url",
            server.url,
            "--caldav-username",
            "ann",
            "--caldav-password",
            password_of("ann"),
        ]
        command = [python, "-c", RECORDER, str(puts), *options, "--no-cleanup", "--format", "json"]
        done = subprocess.run(command, capture_output=True, check=False, timeout=600)
        if done.returncode:
            raise RuntimeError(f"caldav-server-tester ended with {done.returncode}: {done.stderr[-2000:]!r}")
        world = World(folder, server)
        synced = world.sync()
        row = {"added": synced.added, "problems": list(synced.problems), "again": world.sync().added}
    finally:
        server.kill()
    texts = sorted({file.read_bytes().decode("utf-8", "replace") for file in puts.iterdir()})
    return [Found("caldav-server-tester", f"{number}.ics", text) for number, text in enumerate(texts)], row


def measure(kept: Kept, packages: Path | None, tester: str = "") -> None:
    """All files, all ways."""
    if packages is None or kept.rows(MEASURE):
        return
    with tempfile.TemporaryDirectory(prefix="bench-files-") as place:
        found, row = collected(packages), Row()
        if tester:
            more, row = written_by_tester(tester, Path(place))
            found += more
        ways = _Ways(Path(place))
        results: dict[str, Counter[str]] = {}
        reasons: Counter[str] = Counter()
        slowest, crashed = 0.0, list[str]()
        for one in found:
            began = time.perf_counter()
            for way, outcome, reason in ways.all(one):
                slowest = max(slowest, time.perf_counter() - began)
                results.setdefault(f"{one.kind}, {way}", Counter())[outcome] += 1
                if reason:
                    reasons[f"{way}: {reason}"] += 1
                if outcome == "crashed":
                    crashed.append(f"{one.package} {one.name}: {way}: {reason}")
                began = time.perf_counter()
        ways.close()
    kept.add(
        MEASURE,
        {
            "files": len(found),
            "packages": dict(Counter(one.package for one in found)),
            **{way: dict(counted) for way, counted in results.items()},
            "refused because": dict(reasons.most_common()),
            "crashed": crashed,
            "slowest, seconds": round(slowest, 2),
            "hung": int(slowest > MOST_SECONDS),
            "calendar of caldav-server-tester": row,
        },
    )


class _Ways:
    """The ways that a calendar comes in, with the database that they write to."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._database = open_database(folder / "files.db")
        self._accounts = Accounts(self._database)
        service = Service(kind="caldav", url="https://calendar.example.org/")
        self._account = self._accounts.add("files", "caldav", "ann@example.org", [service], Switches())
        self._calendar = self._accounts.keep_collection(
            self._account, "calendar", "/", "Files", writable=True
        )
        self._working = WorkingOut(
            self._database, self._account, zone="Europe/Berlin", now=int(NOW.timestamp())
        )

    def close(self) -> None:
        """End what was started."""
        self._working.close()
        self._database.close()

    def all(self, one: Found) -> Iterator[tuple[str, str, str]]:
        """Each way, how it ended (read, read in part, refused, crashed), and why."""
        for way, go in (("as object", self._object), ("linked", self._file), ("renamed", self._renamed)):
            try:
                outcome, reason = go(one)
            except Exception as error:  # noqa: BLE001 - the edge of what is measured: it is a crash
                outcome, reason = "crashed", repr(error)
            yield way, outcome, reason

    def _object(self, one: Found) -> tuple[str, str]:
        """As one object of a server's calendar, kept in the database."""
        synced = self._working.keep(self._calendar, [[("object.ics", "", one.text)]])
        return ("refused", _reason(synced.problems[0])) if synced.problems else ("read", "")

    def _file(self, one: Found) -> tuple[str, str]:
        """As a calendar file that is linked."""
        file = self._folder / "linked.ics"
        file.write_text(one.text, encoding="utf-8", newline="")
        service = Service(kind="ics", url=str(file))
        account = self._accounts.add("linked", "ics", "", [service], Switches())
        try:
            synced = sync_ics(self._accounts, account, service, None, self._working, silent)
        except PierianError as error:
            return "refused", str(error)
        finally:
            self._accounts.unlink(account)
        if not synced.problems:
            return "read", ""
        whole = len(synced.problems) < synced.added
        return "read in part" if whole else "refused", _reason(synced.problems[0])

    def _renamed(self, one: Found) -> tuple[str, str]:
        """As an event that is changed and written back."""
        [before] = self._working.parse([one.text])
        if before.problem or not before.occurrences:
            return "nothing to rename", ""
        try:
            composed = Composed.read(one.text, NOW)
            composed.rename(composed.meant(""), "Another title", "step")
        except PierianError as error:
            return "refused", str(error)
        [after] = self._working.parse([composed.text])
        if after.problem or _times(before) != _times(after):
            return "other times", after.problem
        return "read", ""


def _times(parsed: Parsed) -> list[tuple[int, int]]:
    return [(one.begins, one.ends) for one in parsed.occurrences]


def _reason(problem: str) -> str:
    return problem.partition("): ")[2] or problem


def report(kept: Kept) -> dict[str, Any]:
    """What the last row says."""
    rows = kept.rows(MEASURE)
    return {MEASURE: rows[-1]} if rows else {}
