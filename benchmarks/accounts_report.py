"""The section of `docs/benchmarks.md` about accounts, from `results/accounts.json`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from benchmarks import accounts_calendars, accounts_files, accounts_kills, accounts_mail
from benchmarks.accounts_runs import OURS, Kept

INTRODUCTION = """## Accounts

```sh
apt-get install dovecot-imapd isync && pip install vdirsyncer radicale
python -m benchmarks.accounts --packages PACKAGES --tester PYTHON  # see benchmarks/README.md for both
```

Servers, peers and ours run on one machine with 2 processors that other work shares, all at one priority; load
averages stand beside the rates. Rates are medians of n runs with their 95% bootstrap intervals, which say little
where n is small; the share is that of each run, in which both get the same from the same server, in alternating
order. Memory is the sum of what each process had at its largest."""


def section() -> list[str]:
    """The lines of the section; none where nothing was measured."""
    kept = Kept()
    if not kept.all():
        return []
    parts = (accounts_mail, accounts_calendars, accounts_kills, accounts_files)
    found = {name: value for part in parts for name, value in part.report(kept).items()}
    lines = [INTRODUCTION, ""]
    for title, write in (
        ("### First syncs", _rates),
        ("### Afterwards", _afterwards),
        ("### Servers that die", _kills),
        ("### Public iCalendar files", _files),
    ):
        if written := list(write(found)):
            lines += [title, "", *written, ""]
    return lines


def _rates(found: dict[str, Any]) -> Iterator[str]:
    peers = {
        accounts_mail.MEASURE: ("messages", accounts_mail.PEER),
        accounts_calendars.MEASURE: ("events", accounts_calendars.PEER),
    }
    if not found.keys() & peers.keys():
        return
    yield "Targets: at least half the rate of the other program, less than 300 MB."
    yield ""
    yield f"| first sync of | n | a second, {OURS} | a second, the other | share | MB | MB, the other | load |"
    yield "|---" * 8 + "|"
    for measure, (what, peer) in peers.items():
        if measure in found:
            one = found[measure]
            yield (
                f"| {one['items']:,} {what}, beside {peer} | {one['n']} | {_cell(one['items a second'])} "
                f"| {_cell(one[f'items a second, {peer}'])} | {_cell(one[f'rate by that of {peer}'])} "
                f"| {one['megabytes, most']:.0f} | {one[f'megabytes, most, {peer}']:.0f} "
                f"| {min(one['load average'])}–{max(one['load average'])} |"
            )


def _afterwards(found: dict[str, Any]) -> Iterator[str]:
    questions, mail = found.get(accounts_calendars.QUESTIONS), found.get(accounts_mail.AFTERWARDS)
    if questions is None and mail is None:
        return
    yield "Target: a query for free time takes less than 100 ms."
    yield ""
    yield "| ms | n | median | 95% quantile | most | the first one |"
    yield "|---" * 6 + "|"
    if questions is not None:
        where = f"{questions['calendars']} calendars with {questions['events in each']:,} events each"
        for name, one in questions.items():
            if isinstance(one, dict):
                first = questions[name.replace(", ms", ", the first one, ms")]
                yield f"| {name.removesuffix(', ms')}, {where} {_times(one)} | {first} |"
    if mail is not None:
        yield f"| search in {mail['messages']:,} messages {_times(mail['search, ms'])} | – |"
        yield ""
        yield (
            f"Of {mail['messages']:,} messages: a sync with nothing new takes {mail['nothing new, ms']} ms, one "
            f"after 100 came, 100 were read and 50 deleted {mail['100 came, 100 were read, 50 deleted, ms']} ms, "
            f"finding what waits for an answer {mail['what waits for an answer, ms']} ms (once each)."
        )


def _kills(found: dict[str, Any]) -> Iterator[str]:
    told = {name: found[name] for name in accounts_kills.MEASURES if name in found}
    if not told:
        return
    yield (
        "Rounds in which the kill fell into the work (others are kept and checked too); a fault is anything lost, "
        "doubled, half or otherwise not as it should be once the work is finished."
    )
    yield ""
    yield "| while | rounds interrupted | rounds with a fault | share of them, 95% | lost | doubled | half | other |"
    yield "|---" * 8 + "|"
    for name, one in told.items():
        low, high = one["share of them, 95%"]
        counts = " | ".join(str(one[fault]) for fault in accounts_kills.FAULTS)
        yield (
            f"| {name.removeprefix('kills: ')} | {one['n']} of {one['rounds in all']} | {one['rounds with a fault']} "
            f"| {low:.1%}–{high:.1%} | {counts} |"
        )


def _files(found: dict[str, Any]) -> Iterator[str]:
    one = found.get(accounts_files.MEASURE)
    if one is None:
        return
    yield (
        f"{one['files']:,} calendars, each once, from {len(one['packages'])} sources: files, and texts in programs "
        f"and documents, which may be pieces only. {len(one['crashed'])} crashed, {one['hung']} hung, the slowest "
        f"took {one['slowest, seconds']} s."
    )
    yield ""
    outcomes = ("read", "read in part", "refused", "nothing to rename", "other times", "crashed")
    yield f"| | {' | '.join(outcomes)} |"
    yield "|---" * (len(outcomes) + 1) + "|"
    for name, counted in one.items():
        if name.startswith(("file, ", "text, ")):
            yield f"| {name} | {' | '.join(str(counted.get(each, 0)) for each in outcomes)} |"
    yield ""
    yield "Why they were refused: " + "; ".join(
        f"{reason.rstrip('.')} ({count})" for reason, count in one["refused because"].items()
    )


def _cell(value: Sequence[float]) -> str:
    """A median with its interval."""
    number, low, high = (f"{one:,.0f}" if one >= 100 else f"{one:.3g}" for one in value)
    return f"{number} ({low}–{high})"


def _times(one: dict[str, Any]) -> str:
    return f"| {one['n']} | {_cell(one['median'])} | {_cell(one['95% quantile'])} | {one['most']}"
