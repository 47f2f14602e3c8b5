"""What the API server costs: `python -m benchmarks.serving [--litellm-python PYTHON] [--rounds N] [--quick]`.

The same clients ask the same upstream, a process that streams tokens at a fixed rate (`serving_upstream`), in three
ways, in turn and with the order turned round from round to round: directly, through `pierian serve`, and through
LiteLLM's proxy (in the interpreter `--litellm-python`, which has `litellm[proxy]`). Clients (`serving_load`),
upstream and proxies are processes of their own on this machine, all of the same priority. Where the processors are
fewer than these processes, what is said of requests a second holds as a ratio within the run, and seconds of
processor time are the steadier number.

- Requests a second: a closed loop of 1, 16 and 64 clients; short answers without a pause, streamed and whole.
- Added time to the first token: the upstream begins after 20 ms; the median over its clients' requests, less the same
  median of the upstream alone in the same round.
- Many streams for a minute: errors, lost tokens, and what happens to the memory.

Ours runs with everything on: a key with limits on requests, tokens, concurrency and money, prices, the database, a
line in the log for each request. LiteLLM runs as its documentation wants it in production (one worker, no debugging,
no access log), with its master key and the same prices. It has no database, as keys with budgets would need one (and
rates with several workers Redis): so it does less than ours, and keeps nothing.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec
import psutil
from msgspec import Struct, structs

from benchmarks.overhead import median_and_interval
from benchmarks.serving_load import Job, Seen
from benchmarks.serving_servers import LIMITS, Server, litellm, pierian, upstream
from benchmarks.serving_upstream import FAST, FIRST_SECONDS

OURS, THEIRS, ALONE = "pierian", "litellm", "upstream"
RAMP_SECONDS = 10
"""Of the many streams, in which memory may still grow: buffers and pools are being filled."""


class Case(Struct, frozen=True):
    """One load, from which several numbers come."""

    name: str
    model: str
    tokens: int
    stream: bool
    clients: int
    seconds: float
    spread: float = 0.0

    def job(self, server: Server) -> Job:
        return Job(
            server.url,
            server.key,
            self.model,
            self.tokens,
            self.stream,
            self.clients,
            self.seconds,
            self.spread,
        )


THROUGHPUT = tuple(
    Case(f"{kind}, {clients} clients", FAST, 16, kind == "streamed", clients, 4.0)
    for kind in ("streamed", "whole")
    for clients in (1, 16, 64)
)
FIRST = (
    Case("1 stream of 50 tokens/s", "paced-50", 25, True, 1, 5.0),
    Case("64 streams of 10 tokens/s", "paced-10", 25, True, 64, 6.0, 2.5),
    Case("64 streams of 50 tokens/s", "paced-50", 50, True, 64, 5.0, 1.0),
)
STEADY = Case("500 streams of 5 tokens/s", "paced-5", 100, True, 500, 60.0, 10.0)
WARM_UP = (
    Case("", FAST, 16, True, 16, 3.0),
    Case("", FAST, 16, False, 64, 3.0),
    Case("", "paced-50", 25, True, 8, 2.0),
)


class Measured(Struct):
    """One case on one server."""

    seen: Seen
    cpu: float
    upstream_cpu: float

    def row(self, case: Case) -> dict[str, Any]:
        """What is kept of it."""
        seen, thousand = self.seen, 1000 / max(1, self.seen.done)
        return {
            "requests": seen.done,
            "per_second": seen.right / seen.elapsed,
            "cpu_per_1000": self.cpu * thousand,
            "first_ms": 1000 * statistics.median(seen.first) if seen.first else None,
            "whole_ms": 1000 * statistics.median(seen.whole) if seen.whole else None,
            "lost": seen.lost,
            "miscounted": seen.miscounted,
            "errors": seen.errors,
            "clients_cpu_share": round(seen.cpu / seen.elapsed, 3),
            "upstream_cpu_share": round(self.upstream_cpu / seen.elapsed, 3),
        }


def ask(case: Case, server: Server, below: Server) -> Measured:
    """Run the clients of a case against a server."""
    command = [sys.executable, "-m", "benchmarks.serving_load"]
    before, below_before = server.cpu(), below.cpu()
    job = msgspec.json.encode(case.job(server)).decode()
    done = subprocess.run([*command, job], capture_output=True, text=True, timeout=600, check=False)
    if done.returncode:
        raise RuntimeError(f"the clients of {case.name!r} failed: {done.stderr[-2000:]}")
    seen = msgspec.json.decode(done.stdout, type=Seen)
    return Measured(seen, server.cpu() - before, below.cpu() - below_before)


class Memory(threading.Thread):
    """Looks at a server's memory once a second until it is stopped."""

    def __init__(self, server: Server) -> None:
        super().__init__(daemon=True)
        self._server = server
        self._stop_looking = threading.Event()
        self.samples: list[tuple[float, float]] = []

    def run(self) -> None:
        began = time.monotonic()
        while not self._stop_looking.wait(1.0):
            self.samples.append((time.monotonic() - began, self._server.memory()))

    def stop(self) -> list[tuple[float, float]]:
        """Seconds since the beginning and MiB."""
        self._stop_looking.set()
        self.join()
        return self.samples


def slope(points: list[tuple[float, float]]) -> float:
    """MiB a minute, by least squares."""
    times, sizes = [at for at, _ in points], [size for _, size in points]
    if len(set(times)) < 2:
        return 0.0
    return 60 * statistics.linear_regression(times, sizes).slope


def slope_and_interval(points: list[tuple[float, float]], block: int = 5) -> dict[str, Any]:
    """The slope and its 95% bootstrap interval over blocks of neighbouring samples, which depend on each other."""
    blocks = [points[at : at + block] for at in range(0, len(points), block)]
    generator = random.Random(0)
    drawn = sorted(
        slope([one for chosen in generator.choices(blocks, k=len(blocks)) for one in chosen])
        for _ in range(2000)
    )
    return {
        "mib_per_minute": round(slope(points), 3),
        "interval": [round(drawn[49], 3), round(drawn[1949], 3)],
    }


def steady(case: Case, server: Server, below: Server) -> dict[str, Any]:
    """Many streams for a minute, with the memory watched."""
    before, memory = server.memory(), Memory(server)
    memory.start()
    measured = ask(case, server, below)
    samples = memory.stop()
    watched = [(at, size) for at, size in samples if case.spread + RAMP_SECONDS <= at <= case.seconds]
    return measured.row(case) | {
        "tokens": measured.seen.tokens,
        "before_mib": round(before, 1),
        "after_mib": round(server.memory(), 1),
        "most_mib": round(max(size for _, size in samples), 1),
        "memory": slope_and_interval(watched),
        "samples_mib": [round(size, 2) for _, size in samples],
    }


# Rounds and what they say


Rows = dict[str, dict[str, list[dict[str, Any]]]]
"""By server and case, one entry for each round."""


def in_turn(servers: list[Server], cases: tuple[Case, ...], rounds: int) -> Rows:
    """All cases on all servers, the order turned round from round to round."""
    rows: Rows = {server.name: {case.name: [] for case in cases} for server in servers}
    below = next(server for server in servers if server.name == ALONE)
    for number in range(rounds):
        for case in cases:
            for server in servers[:: -1 if number % 2 else 1]:
                rows[server.name][case.name].append(ask(case, server, below).row(case))
        load = " ".join(f"{one:.1f}" for one in os.getloadavg())
        print(f"round {number + 1} of {rounds}, load {load}", flush=True)
    return rows


def column(rows: Rows, server: str, case: Case, name: str) -> list[float]:
    """One number of all rounds."""
    return [row[name] for row in rows[server][case.name]]


def ratios(first: list[float], second: list[float]) -> dict[str, Any]:
    """The median ratio of the rounds with its interval."""
    return dict(median_and_interval([a / b for a, b in zip(first, second, strict=True) if b], 3))


def throughput_of(rows: Rows, case: Case) -> dict[str, Any]:
    """Requests a second and processor time of a case."""
    found: dict[str, Any] = {}
    for server in rows:
        found[server] = {
            "per_second": median_and_interval(column(rows, server, case, "per_second"), 1),
            "cpu_per_1000": median_and_interval(column(rows, server, case, "cpu_per_1000"), 3),
        }
    if THEIRS in rows:
        for name in ("per_second", "cpu_per_1000"):
            mine, other = (column(rows, server, case, name) for server in (OURS, THEIRS))
            found[f"{name}_ours_to_theirs"] = ratios(mine, other)
    return found


def first_of(rows: Rows, case: Case) -> dict[str, Any]:
    """The added time to the first token of a case, in milliseconds."""
    alone = column(rows, ALONE, case, "first_ms")
    added = {
        server: [one - base for one, base in zip(column(rows, server, case, "first_ms"), alone, strict=True)]
        for server in rows
        if server != ALONE
    }
    found: dict[str, Any] = {ALONE: {"first_ms": median_and_interval(alone, 2)}}
    for server, values in added.items():
        found[server] = {"added_ms": median_and_interval(values, 2)}
        found[server]["cpu_per_1000"] = median_and_interval(column(rows, server, case, "cpu_per_1000"), 3)
    if THEIRS in added:
        found["added_ours_to_theirs"] = ratios(added[OURS], added[THEIRS])
    return found


def troubles(rows: Rows) -> dict[str, dict[str, int]]:
    """What went wrong in all rounds together."""
    found: dict[str, dict[str, int]] = {}
    for server, cases in rows.items():
        each = [row for entries in cases.values() for row in entries]
        found[server] = {
            "requests": sum(row["requests"] for row in each),
            "errors": sum(sum(row["errors"].values()) for row in each),
            "lost": sum(row["lost"] for row in each),
            "miscounted": sum(row["miscounted"] for row in each),
        }
    return found


def memory_of(server: Server, before: float, requests: int) -> dict[str, float]:
    """What a server has in memory after all rounds, and how much that grew with its requests."""
    now = server.memory()
    return {
        "warm_mib": round(before, 1),
        "end_mib": round(now, 1),
        "peak_mib": round(server.peak(), 1),
        "grown_mib_per_1000_requests": round(1000 * (now - before) / max(1, requests), 4),
    }


def machine() -> dict[str, Any]:
    """What it ran on."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return {
        "processor": names[0] if names else platform.machine(),
        "processors": len(os.sched_getaffinity(0)),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": platform.release(),
        "python": platform.python_version(),
        "priority": os.nice(0),
        "load_at_start": [round(one, 2) for one in os.getloadavg()],
    }


def versions(litellm_python: str) -> dict[str, str]:
    """Of everything whose version matters here."""
    found = {name: version(name) for name in ("pierian", "uvicorn", "uvloop", "litestar", "httpx2")}
    if litellm_python:
        code = "import importlib.metadata as m, sys; print(m.version('litellm'), sys.version.split()[0])"
        done = subprocess.run([litellm_python, "-c", code], capture_output=True, text=True, check=True)
        found["litellm"], found["litellm_python"] = done.stdout.split()
    return found


def show(report: dict[str, Any]) -> None:
    """The table."""

    def cell(value: dict[str, Any]) -> str:
        low, high = value["interval"]
        return f"{value['median']:g} ({low:g} to {high:g})"

    for title, key in (
        ("requests a second", "per_second"),
        ("CPU seconds for 1,000 requests", "cpu_per_1000"),
    ):
        print(f"\n{title}")
        for case, found in report["throughput"].items():
            told = [f"{name} {cell(one[key])}" for name, one in found.items() if key in one]
            if ratio := found.get(f"{key}_ours_to_theirs"):
                told.append(f"ours to theirs {cell(ratio)}")
            print(f"  {case:24}", " | ".join(told))
    print("\nadded milliseconds to the first token")
    for case, found in report["first_token"].items():
        told = [f"{name} {cell(one['added_ms'])}" for name, one in found.items() if "added_ms" in one]
        if ratio := found.get("added_ours_to_theirs"):
            told.append(f"ours to theirs {cell(ratio)}")
        print(f"  {case:28}", " | ".join(told))
    print("\nmemory")
    for name, found in report["memory"].items():
        print(f"  {name:10}", " | ".join(f"{key} {value:g}" for key, value in found.items()))
    print(f"\n{report['steady_case']}")
    for name, found in report["steady"].items():
        kept = {key: value for key, value in found.items() if key not in ("samples_mib",)}
        print(f"  {name:10}", json.dumps(kept))
    print("\nwhat went wrong:", json.dumps(report["troubles"]))


def quicker(case: Case) -> Case:
    """The same, too short to be reported."""
    return structs.replace(case, clients=min(case.clients, 100), seconds=min(case.seconds, 20.0) / 2)


def compare(servers: list[Server], rounds: int, quick: bool) -> dict[str, Any]:
    """All measures on running servers."""
    throughput, first, many = THROUGHPUT, FIRST, STEADY
    if quick:
        throughput, first = tuple(map(quicker, throughput)), tuple(map(quicker, first))
        many = quicker(many)
    below = next(server for server in servers if server.name == ALONE)
    for server in servers:
        for case in WARM_UP:
            ask(case, server, below)
    warm = {server.name: server.memory() for server in servers}
    rows = in_turn(servers, throughput + first, rounds)
    wrong = troubles(rows)
    report: dict[str, Any] = {
        "throughput": {case.name: throughput_of(rows, case) for case in throughput},
        "first_token": {case.name: first_of(rows, case) for case in first},
        "memory": {
            server.name: memory_of(server, warm[server.name], wrong[server.name]["requests"])
            for server in servers
        },
        "steady_case": f"{many.name}: {many.clients} clients, {many.seconds:.0f} s",
        "steady": {server.name: steady(many, server, below) for server in servers},
        "troubles": wrong,
        "rows": rows,
    }
    return report


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="benchmarks.serving", description=__doc__)
    parser.add_argument("--litellm-python", default="", help="without it, the upstream and ours only")
    parser.add_argument("--litellm-provider", default="hosted_vllm", help="its adapter for the upstream")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="shorter; writes no results")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="serving-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        below = stack.enter_context(upstream(folder))
        servers = [below, stack.enter_context(pierian(below.url, folder))]
        if given.litellm_python:
            front = litellm(given.litellm_python, below.url, folder, given.litellm_provider)
            servers.append(stack.enter_context(front))
        report: dict[str, Any] = {
            "machine": machine(),
            "versions": versions(given.litellm_python),
            "upstream": {"first_token_ms": 1000 * FIRST_SECONDS},
            "limits_of_our_key": {name.strip("-"): value for name, value in LIMITS.items()},
            "litellm_provider": given.litellm_provider if given.litellm_python else None,
            "rounds": given.rounds,
        }
        report |= compare(servers, given.rounds, given.quick)
        report["machine"]["load_at_end"] = [round(one, 2) for one in os.getloadavg()]
    show(report)
    if not given.quick:
        target = Path(__file__).parent / "results" / "serving.json"
        target.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
