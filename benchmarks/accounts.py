"""The measures of accounts: `python -m benchmarks.accounts [MEASURE …] [--out FILE] [--again]`.

`mail` and `calendars`: first syncs in turn with mbsync and with vdirsyncer, memory, and what follows. `free`:
questions over many calendars. `kills`: the servers are killed at random while they are synced and written to.
`files`: public iCalendar files, from a folder of packages (`--packages`). Without a measure all of them. Rows are
kept as they come: what was ended goes on where it was, and what is done is only told, unless asked for `--again`.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks import accounts_calendars, accounts_files, accounts_kills, accounts_mail
from benchmarks.accounts_runs import RESULTS, Kept

ROWS = {
    "mail": (accounts_mail.MEASURE, accounts_mail.AFTERWARDS),
    "calendars": (accounts_calendars.MEASURE,),
    "free": (accounts_calendars.QUESTIONS,),
    "kills": tuple(accounts_kills.MEASURES),
    "files": (accounts_files.MEASURE,),
}


def main() -> None:
    """Measure what is asked for, and print what all rows come to."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("measures", nargs="*", choices=[[], *ROWS], metavar="MEASURE", help=", ".join(ROWS))
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--again", action="store_true", help="forget the rows of these measures first")
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--events", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--calendars", type=int, default=20)
    parser.add_argument("--each", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=100, help="that interrupt, of each kind")
    parser.add_argument("--packages", type=Path, help="a folder of source packages with iCalendar files")
    parser.add_argument("--tester", default="", help="Python of an environment with caldav-server-tester")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # the servers end with it
    kept = Kept(given.out)
    measures: dict[str, Callable[[], None]] = {
        "mail": lambda: accounts_mail.measure(kept, given.messages, given.runs),
        "calendars": lambda: accounts_calendars.first_syncs(kept, given.events, given.runs),
        "free": lambda: accounts_calendars.questions(kept, given.calendars, given.each),
        "kills": lambda: accounts_kills.measure(kept, given.kills),
        "files": lambda: accounts_files.measure(kept, given.packages, given.tester),
    }
    for name in given.measures or measures:
        if given.again:
            for rows in ROWS[name]:
                kept.forget(rows)
        measures[name]()
    parts = (accounts_mail, accounts_calendars, accounts_kills, accounts_files)
    found = {name: value for part in parts for name, value in part.report(kept).items()}
    print(json.dumps(found, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()
