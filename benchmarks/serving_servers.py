"""The servers that the serving benchmark compares, started as they would be in production and watched by their
process trees: the upstream alone, Pierian in front of it, and LiteLLM in front of it.

Nothing is asked of them here but whether they are ready; the questions are `serving_load`'s.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Generator
from pathlib import Path
from typing import IO

import psutil
from msgspec import Struct

from benchmarks.serving_upstream import FAST, MODELS

READY_SECONDS = 120.0
LITELLM_KEY = "sk-benchmark"
INPUT_PRICE, OUTPUT_PRICE = "0.10", "0.40"
"""Of a million tokens, in both."""
LIMITS = {
    "--requests-per-minute": "10000000",
    "--tokens-per-minute": "100000000000",
    "--concurrent": "10000",
    "--day-cap": "1000000",
    "--month-cap": "10000000",
}
"""Of the key to Pierian: all of them are kept, none is reached."""


class Server(Struct):
    """A running server, and how to ask it."""

    name: str
    url: str
    key: str
    process: psutil.Process

    def tree(self) -> list[psutil.Process]:
        """Its processes."""
        return [self.process, *self.process.children(recursive=True)]

    def cpu(self) -> float:
        """Seconds of processor time that its processes have used."""
        used = [process.cpu_times() for process in self.tree()]
        return sum(times.user + times.system for times in used)

    def memory(self) -> float:
        """MiB that its processes have in memory."""
        return sum(process.memory_info().rss for process in self.tree()) / 2**20

    def peak(self) -> float:
        """The most MiB that its processes ever had in memory."""
        lines = [Path(f"/proc/{process.pid}/status").read_text() for process in self.tree()]
        return sum(int(text.partition("VmHWM:")[2].split()[0]) for text in lines) / 1024


@contextlib.contextmanager
def _running(
    command: list[str], environment: dict[str, str], log: Path, folder: Path | None = None
) -> Generator[tuple[subprocess.Popen[str], IO[str]]]:
    """A process from its start to its end; what it says on standard error is kept."""
    with log.open("w") as errors:
        process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True, cwd=folder
        )
    try:
        assert process.stdout is not None
        yield process, process.stdout
    finally:
        process.terminate()
        try:
            process.wait(40)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def upstream(folder: Path) -> Generator[Server]:
    """The model server."""
    command = [sys.executable, "-m", "benchmarks.serving_upstream"]
    with _running(command, dict(os.environ), folder / "upstream.log") as (process, output):
        url = f"http://127.0.0.1:{int(output.readline())}/v1"
        yield Server("upstream", url, "none", psutil.Process(process.pid))


@contextlib.contextmanager
def pierian(base_url: str, folder: Path) -> Generator[Server]:
    """`pierian serve` with a key that has every limit there is, and prices; it logs a line for each request."""
    home = folder / "pierian"
    environment = os.environ | {"PIERIAN_HOME": str(home)}
    command = [sys.executable, "-m", "pierian"]

    def told(*words: str) -> str:
        run = subprocess.run(
            [*command, *words], env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        if run.returncode:
            raise RuntimeError(f"pierian {' '.join(words)}: {run.stderr}")
        return run.stdout

    told("prices", "set", "--input", INPUT_PRICE, "--output", OUTPUT_PRICE)
    serve = [*command, "serve", "--port", "0", "--base-url", base_url, "--model", FAST]
    with _running(serve, environment, folder / "pierian.log") as (process, output):
        for line in output:
            if line.startswith("Serving "):
                url = next(word for word in line.split() if word.startswith("http://"))
                break
        else:
            raise RuntimeError((folder / "pierian.log").read_text()[-2000:])
        limits = [word for pair in LIMITS.items() for word in pair]
        told("users", "create", "owner", "--role", "owner")
        key = told("keys", "create", "--user", "owner", *limits, "--json")
        yield Server("pierian", url, json.loads(key)["secret"], psutil.Process(process.pid))


LITELLM_ENVIRONMENT = {
    "LITELLM_MODE": "PRODUCTION",
    "LITELLM_LOG": "ERROR",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "DISABLE_ADMIN_UI": "True",
}


def litellm_config(base_url: str, provider: str) -> str:
    """Its configuration, which is YAML because JSON is."""
    prices = {
        "input_cost_per_token": float(INPUT_PRICE) / 1e6,
        "output_cost_per_token": float(OUTPUT_PRICE) / 1e6,
    }
    models = [
        {
            "model_name": model,
            "litellm_params": {
                "model": f"{provider}/{model}",
                "api_base": base_url,
                "api_key": "none",
                **prices,
            },
        }
        for model in MODELS
    ]
    settings = {"set_verbose": False, "json_logs": False, "request_timeout": 600, "telemetry": False}
    return json.dumps(
        {
            "model_list": models,
            "general_settings": {"master_key": LITELLM_KEY, "disable_spend_logs": True},
            "litellm_settings": settings,
        }
    )


@contextlib.contextmanager
def litellm(python: str, base_url: str, folder: Path, provider: str) -> Generator[Server]:
    """LiteLLM's proxy in the environment of `python`: one worker, no database, the master key as the only key."""
    config, log = folder / "litellm.yaml", folder / "litellm.log"
    config.write_text(litellm_config(base_url, provider), encoding="utf-8")
    port = _free_port()
    command = [str(Path(python).parent / "litellm"), "--config", str(config), "--host", "127.0.0.1"]
    command += ["--port", str(port), "--num_workers", "1", "--telemetry", "False"]
    # Without access lines, which uvicorn writes by default: a service would turn them off.
    quiet = folder / "litellm-logs.json"
    quiet.write_text(
        json.dumps(
            {
                "version": 1,
                "disable_existing_loggers": False,
                "loggers": {"uvicorn.access": {"level": "ERROR"}},
            }
        )
    )
    command += ["--log_config", str(quiet)]
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | LITELLM_ENVIRONMENT
    with _running(command, environment, log, folder) as (process, output):
        # Whatever it prints goes to a file: a pipe that nobody reads would fill and hold it up.
        _drain(output, folder / "litellm.out")
        deadline = time.monotonic() + READY_SECONDS
        while not _ready(f"http://127.0.0.1:{port}/health/liveliness"):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"LiteLLM did not start: {log.read_text()[-2000:]}")
            time.sleep(0.5)
        yield Server("litellm", f"http://127.0.0.1:{port}/v1", LITELLM_KEY, psutil.Process(process.pid))


def _drain(output: IO[str], file: Path) -> None:
    import threading

    def copy() -> None:
        with file.open("w") as kept:
            for line in output:
                kept.write(line)

    threading.Thread(target=copy, daemon=True).start()


def _ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return response.status == 200
    except (urllib.error.URLError, OSError):
        return False


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]
