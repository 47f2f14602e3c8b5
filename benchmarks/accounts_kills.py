"""Servers of calendars and of mail that die at random while we sync and write: what is lost, doubled or half then.

    python -m benchmarks.accounts kills [--kills 100]

Each round begins some work at a real server (Radicale, Dovecot) and kills the server (SIGKILL) at a moment drawn from
the time that such work takes. Then the server is started again and the work finished as a run does it: what was being
written is looked up first, and written again only where it is not found. Rounds whose kill came too late to interrupt
anything are kept too, but go on until as many as asked for have been interrupted, of each of four kinds. What a round
draws depends on its number alone.
"""

from __future__ import annotations

import random
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from tests.accounts.dovecot_server import running
from tests.accounts.radicale_server import Radicale

from benchmarks.accounts_kills_calendars import CalendarRounds
from benchmarks.accounts_kills_mail import MailRounds
from benchmarks.accounts_runs import Kept, Row, chance
from benchmarks.intervals import wilson
from pierian.accounts.troubles import PASSING, AccountError
from pierian.exceptions import RunError

MEASURES = ("kills: calendars, sync", "kills: calendars, write", "kills: mail, sync", "kills: mail, write")
FIRST_SPAN = 0.3
"""Seconds from which the moment of the first kill is drawn."""
MOST_TRIES = 6
FAULTS = ("lost", "doubled", "half", "other")
"""What each round counts: missing at the end, there twice, kept in part, and not as it should be in other ways."""


class Work(Protocol):
    """What is done in one round."""

    def begin(self) -> None:
        """The work during which the server is killed."""
        ...

    def finish(self) -> None:
        """The same once more, with the server there again."""
        ...

    def faults(self) -> Row:
        """What is wrong afterwards, by the names of `FAULTS`; `seen` tells more of it."""
        ...


class Server(Protocol):
    """What can be killed."""

    def start(self) -> None:
        """Return when it answers."""
        ...

    def kill(self) -> None:
        """End it at once."""
        ...


def measure(kept: Kept, interrupted: int = 100) -> None:
    """So many interrupted rounds of each kind."""
    if not all(_enough(kept, measure, interrupted) for measure in MEASURES[:2]):
        with tempfile.TemporaryDirectory(prefix="bench-kills-") as folder:
            radicale = Radicale(Path(folder) / "radicale")
            radicale.start()
            try:
                calendars = CalendarRounds(radicale, Path(folder))
                _rounds(kept, MEASURES[0], interrupted, radicale, calendars.sync)
                _rounds(kept, MEASURES[1], interrupted, radicale, calendars.write)
            finally:
                radicale.kill()
    if not all(_enough(kept, measure, interrupted) for measure in MEASURES[2:]):
        with running() as dovecot, tempfile.TemporaryDirectory(prefix="bench-kills-") as folder:
            mail = MailRounds(dovecot, Path(folder))
            _rounds(kept, MEASURES[2], interrupted, dovecot, mail.sync)
            _rounds(kept, MEASURES[3], interrupted, dovecot, mail.write)


def _enough(kept: Kept, measure: str, interrupted: int) -> bool:
    return len(kept.rows(measure, interrupted=True)) >= interrupted


def _rounds(
    kept: Kept, measure: str, interrupted: int, server: Server, prepared: Callable[[int, random.Random], Work]
) -> None:
    """Rounds until enough were interrupted."""
    span = FIRST_SPAN
    while not _enough(kept, measure, interrupted):
        number = len(kept.rows(measure))
        drawn = chance(measure, number)
        work = prepared(number, drawn)
        share, error = drawn.random(), ""
        killer = threading.Timer(share * span, server.kill)
        started = time.monotonic()
        killer.start()
        try:
            work.begin()
        except (AccountError, RunError) as failed:
            error = str(getattr(failed, "code", "")) or type(failed).__name__
        took = time.monotonic() - started
        killer.join()
        # The next moment is drawn from what such work takes, as far as that is known.
        span = max(0.02, 0.7 * span + 0.3 * took) if not error else min(5.0, 1.1 * span)
        server.start()
        tries = _finished(work)
        found = work.faults()
        kept.add(
            measure,
            {
                "round": number,
                "after ms": round(1000 * min(took, share * span), 1),
                "interrupted": bool(error),
                "error": error,
                "tries": tries,
                **found,
            },
        )


def _finished(work: Work) -> int:
    """Finish, and be patient: a server may wait for a lock that it held when it died. How often it was tried."""
    for tried in range(1, MOST_TRIES + 1):
        try:
            work.finish()
        except AccountError as failed:
            if failed.code not in PASSING or tried == MOST_TRIES:
                raise
        else:
            return tried
    raise AssertionError


def report(kept: Kept) -> dict[str, Any]:
    """What the rounds come to."""
    found: dict[str, Any] = {}
    for measure in MEASURES:
        rows = [row for row in kept.rows(measure) if row["interrupted"]]
        if rows:
            bad = sum(any(row[fault] for fault in FAULTS) for row in rows)
            found[measure] = {
                "n": len(rows),
                "rounds in all": len(kept.rows(measure)),
                "rounds with a fault": bad,
                "share of them, 95%": [round(end, 4) for end in wilson(bad, len(rows))],
                **{fault: sum(row[fault] for row in kept.rows(measure)) for fault in FAULTS},
            }
    return found
