"""Starting up: `python -m benchmarks.startup [--runs N] [--engine]`.

Measures, as whole processes and in turn with `python -c pass`: `pierian --help`; the time from the start of
`pierian ask --mode instant` to the arrival of its request at a server; and the peak memory of that process. With
`--engine` the request goes to the warm embedded engine, and what is timed is its first sign of work, which
comes after the request arrived; also reported is how much of the prompt was not cached.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from pierian.testing import FunctionalModel, serve_in_thread

PIERIAN = [sys.executable, "-m", "pierian"]
QUESTION = "What is the capital of France?"


def seconds_of(command: list[str]) -> float:
    """Wall-clock seconds of one command."""
    started = time.monotonic()
    subprocess.run(command, capture_output=True, check=True)
    return time.monotonic() - started


def request_sent_after(runs: int) -> tuple[list[float], list[int]]:
    """Seconds until the request arrives, and peak memory in bytes of the asking process."""
    arrived: list[float] = []

    def answer(_request: object) -> str:
        arrived.append(time.monotonic())
        return "Paris. " * 50

    delays: list[float] = []
    memory: list[int] = []
    with serve_in_thread(FunctionalModel(answer, embedded=False)) as server:
        command = [
            *PIERIAN,
            "ask",
            "--mode",
            "instant",
            "--base-url",
            server.base_url,
            "--model",
            "m",
            QUESTION,
        ]
        for _ in range(runs):
            started = time.monotonic()
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode:
                raise SystemExit(f"ask failed with {process.returncode}")
            delays.append(arrived[-1] - started)
            memory.append(usage.ru_maxrss * 1024)
    return delays, memory


def engine_works_after(runs: int) -> tuple[list[float], list[int]]:
    """Seconds until the warm engine's first progress, and the uncached tokens of the prompt, cold cache aside."""
    command = [*PIERIAN, "ask", "--mode", "instant", "--events", "--budget-tokens", "8"]
    delays: list[float] = []
    uncached: list[int] = []
    for run in range(runs + 1):
        question = (
            f"What is the capital of {['France', 'Peru', 'Norway', 'Kenya', 'Japan', 'Chile'][run % 6]}?"
        )
        started = time.monotonic()
        process = subprocess.Popen([*command, question], stdout=subprocess.PIPE, text=True)
        assert process.stdout
        seen = 0.0
        for line in process.stdout:
            event = json.loads(line)
            if event["event"] == "prompt_read" and not seen:
                seen = time.monotonic() - started
            if event["event"] == "answer_ready" and run:
                spend = event["answer"]["receipt"]["spend"]
                uncached.append(spend["prompt_tokens"] - spend["cached_tokens"])
        process.wait()
        if run:  # the first one warms the engine
            delays.append(seen)
    return delays, uncached


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="benchmarks.startup", description=__doc__)
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--engine", action="store_true")
    arguments = parser.parse_args()
    median = statistics.median
    if arguments.engine:
        delays, uncached = engine_works_after(arguments.runs)
        report: dict[str, object] = {
            "runs": arguments.runs,
            "engine_first_progress_ms": {
                "median": round(1000 * median(delays)),
                "most": round(1000 * max(delays)),
            },
            "uncached_prompt_tokens": {"median": median(uncached), "most": max(uncached)},
        }
    else:
        bare = [seconds_of([sys.executable, "-c", "pass"]) for _ in range(arguments.runs)]
        shown = [seconds_of([*PIERIAN, "--help"]) for _ in range(arguments.runs)]
        delays, memory = request_sent_after(arguments.runs)
        report = {
            "runs": arguments.runs,
            "python_pass_ms": round(1000 * median(bare)),
            "help_ms": round(1000 * median(shown)),
            "help_allowed_ms": round(1000 * (2.5 * median(bare) + 0.150)),
            "request_sent_ms": {"median": round(1000 * median(delays)), "most": round(1000 * max(delays))},
            "peak_memory_mb": round(max(memory) / 1e6, 1),
        }
    print(json.dumps(report, indent=2))
    name = "startup-engine.json" if arguments.engine else "startup.json"
    (Path(__file__).parent / "results" / name).write_text(
        json.dumps(report, indent=2) + "\n", encoding="utf-8"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
