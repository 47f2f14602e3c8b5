"""The processes of the durability benchmarks: a receiver that counts what reaches it, and workers that act on
it.

`receive` answers on loopback: reads, effects that can be looked up by their key, and effects that cannot.
Every request is kept with its key and sender; nothing is sorted out there, so a second request with the same
key is seen as what it is. `carry` carries out one new run of 30 steps and can be told to stand still at an
exact point of a step; `serve` is `pierian.agents.service.serve_runs` as a process. Who is killed when is the
business of `durability` and `takeover`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import json
import os
import random
import sys
import threading
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from pierian.agents import Desk, act
from pierian.agents.plan import Call, Compute, Plan, Step
from pierian.agents.service import serve_runs
from pierian.budget import Ledger
from pierian.events import Answer, Event, Receipt, RunOpened, Spend, StepFinished
from pierian.reasoning import Run, classify
from pierian.runs import RunRecord, Worker
from pierian.sandbox import ProgramResult, Sandbox
from pierian.storage import Database, open_storage
from pierian.testing import FunctionalModel
from pierian.tools import Context, Tool, tool

STEPS = 30
QUESTION = "Post the sums of what can be read, item by item."
RULES = ("allow post_checked", "allow post_blind")
KINDS = ("read", "read", "compute", "checked", "blind")
"""Of the steps, in turn: `checked` effects can be looked up, `blind` ones cannot."""


def kind_of(number: int) -> str:
    """What step `number` (from 1) is."""
    return KINDS[(number - 1) % len(KINDS)]


def thirty_steps() -> Plan:
    """Reads, sums of all that was read, and effects that need them."""
    steps, total = list[Step](), ""
    for number in range(1, STEPS + 1):
        name = f"s{number}"
        match kind_of(number):
            case "read":
                steps.append(Call(id=name, tool="read", arguments={"item": name}))
            case "compute":
                expression = f"s{number - 2} + s{number - 1}" + (f" + {total}" if total else "")
                steps.append(Compute(id=name, expression=expression))
                total = name
            case kind:
                arguments = {"item": name, "amount": f"${total}"}
                steps.append(Call(id=name, tool=f"post_{kind}", arguments=arguments))
    return Plan(tuple(steps))


class Planned:
    """A planner that writes the thirty steps, at once."""

    async def plan(self, task: Any, so_far: Any, payment: Any) -> Plan:
        """The thirty steps; nothing more after failures."""
        return Plan() if so_far else thirty_steps()


class Receiver(BaseHTTPRequestHandler):
    """Counts. `log` has an entry for each request that acted or read."""

    log: list[dict[str, Any]] = []  # noqa: RUF012 - one for the process
    lock = threading.Lock()
    delays: tuple[float, float] = (0.0, 0.0)
    generator = random.Random(0)
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """`/read/ITEM`, `/checked/KEY`, or `/log` for the harness."""
        kind, _, name = self.path.strip("/").partition("/")
        if kind == "log":
            with self.lock:
                return self._reply(200, list(self.log))
        if kind == "read":
            self._keep("read", self.headers.get("X-Key", ""), name)
            return self._reply(200, int(hashlib.sha256(name.encode()).hexdigest()[:4], 16))
        with self.lock:
            found = next(
                (one for one in self.log if kind == one["kind"] == "checked" and one["key"] == name), None
            )
        return self._reply(200 if found else 404, {"accepted": found["item"]} if found else {})

    def do_POST(self) -> None:
        """`/checked` or `/blind`: an effect."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self._keep(self.path.strip("/"), body["key"], body["item"])
        time.sleep(self.generator.uniform(*self.delays))
        self._reply(200, {"accepted": body["item"]})

    def _keep(self, kind: str, key: str, item: str) -> None:
        entry = {
            "kind": kind,
            "key": key,
            "item": item,
            "pid": int(self.headers["X-Pid"]),
            "at": time.monotonic(),
        }
        with self.lock:
            self.log.append(entry)
        if self.headers.get("X-Hold"):
            print(json.dumps({"at": f"{item}:accepted"}), flush=True)
            self.rfile.read(1)  # until the sender is dead

    def _reply(self, status: int, body: Any) -> None:
        encoded = json.dumps(body).encode()
        with contextlib.suppress(OSError):  # the sender is dead
            self.send_response(status)
            self.send_header("Content-Length", str(len(encoded)))
            self.end_headers()
            self.wfile.write(encoded)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as the base class calls it
        """Nothing is printed but what the harness reads."""


class Server(ThreadingHTTPServer):
    """A server whose clients may die."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Silent about those that did."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


def receive(delays: tuple[float, float]) -> None:
    """Serve until killed; the first line printed is the address."""
    Receiver.delays = delays
    server = Server(("127.0.0.1", 0), Receiver)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


class Hold:
    """The point at which this process stands still, such as `s7:before`; empty for none."""

    def __init__(self, point: str) -> None:
        self.point = point

    def here(self, point: str) -> bool:
        """Whether to stand still now; tells the harness."""
        if point == self.point:
            print(json.dumps({"at": point}), flush=True)
        return point == self.point

    async def gate(self, point: str) -> None:
        """Stand still if this is the point."""
        if self.here(point):
            await asyncio.Event().wait()

    def emit(self, event: Event) -> None:
        """Stand still, the loop and all, behind the record of a step."""
        if isinstance(event, RunOpened):
            print(json.dumps({"run": event.run}), flush=True)
        if isinstance(event, StepFinished) and self.here(f"{event.step}:recorded"):
            time.sleep(600)


class HeldSandbox(Sandbox):
    """A sandbox that stands still before or after the program of one step."""

    def __init__(self, hold: Hold) -> None:
        super().__init__()
        self._hold = hold

    async def run(self, code: str, inputs: Mapping[str, Any] | None = None) -> ProgramResult:
        """The step is known by the sum that it computes."""
        sums = (step for step in thirty_steps().steps if isinstance(step, Compute))
        step = next(one.id for one in sums if code.endswith(f"\n{one.expression}"))
        await self._hold.gate(f"{step}:before")
        done = await super().run(code, inputs)
        await self._hold.gate(f"{step}:accepted")
        return done


def tools_for(client: Any, receiver: str, hold: Hold) -> dict[str, Tool]:
    """Tools that read from the receiver and act on it."""

    async def send(method: str, path: str, item: str, key: str, body: Any = None) -> Any:
        await hold.gate(f"{item}:before")
        headers = {"X-Pid": str(os.getpid()), "X-Key": key}
        if hold.point == f"{item}:accepted":
            headers["X-Hold"] = "1"
        answer = await client.request(method, f"{receiver}/{path}", headers=headers, json=body)
        return answer.raise_for_status().json()

    async def look(context: Context, arguments: Mapping[str, Any]) -> Any:
        answer = await client.get(f"{receiver}/checked/{context.key}")
        return None if answer.status_code == 404 else answer.raise_for_status().json()

    @tool(effect="read")
    async def read(item: str, context: Context) -> int:
        """The number of an item."""
        return await send("GET", f"read/{item}", item, context.key)

    @tool(effect="send", lookup=look)
    async def post_checked(item: str, amount: int, context: Context) -> dict[str, Any]:
        """Post an amount where it can be looked up."""
        return await send("POST", "checked", item, context.key, {"key": context.key, "item": item})

    @tool(effect="send")
    async def post_blind(item: str, amount: int, context: Context) -> dict[str, Any]:
        """Post an amount where nobody can look."""
        return await send("POST", "blind", item, context.key, {"key": context.key, "item": item})

    return {one.name: one for one in (read, post_checked, post_blind)}


def answered(run: Run) -> Answer:
    """What the journal keeps as the answer."""
    return Answer(
        run.chosen.text if run.chosen else run.partial, Receipt("agents", "none", Spend(), steps=run.steps)
    )


def summed_up(request: Any) -> str:
    """An answer that differs as soon as any result does."""
    return f"Results {hashlib.sha256(request.messages[-1].content.encode()).hexdigest()[:16]}."


def run_of(sandbox: Sandbox, hold: Hold) -> Run:
    """A run with a model double."""
    return Run(FunctionalModel(summed_up), sandbox, Ledger(), classify(QUESTION), hold.emit)


@contextlib.asynccontextmanager
async def place(
    address: str, receiver: str, hold: Hold
) -> AsyncGenerator[tuple[Database, Worker, Sandbox, Desk]]:
    """Database, worker and desk of a process."""
    import httpx2

    url = address if address.startswith("postgresql") else ""
    with open_storage(url, Path(address)) as database, Worker(database) as worker:
        client = httpx2.AsyncClient(trust_env=False, verify=False, timeout=60)
        async with client, HeldSandbox(hold) as sandbox:
            tools = tools_for(client, receiver, hold)
            yield database, worker, sandbox, Desk(tools, database, worker, planner=Planned())


async def carry(address: str, receiver: str, hold: Hold) -> None:
    """One new run, to its end or its point."""
    async with place(address, receiver, hold) as (_, _, sandbox, desk):
        run = run_of(sandbox, hold)
        session = await act(run, desk, tuple(desk.tools), ())
        assert session is not None
        await session.end("done", answered(run))


async def serve(address: str, receiver: str, at_once: int) -> None:
    """Carry on what others left, until killed; every run taken is printed with the time."""

    def failed(run: str, error: Exception) -> None:
        print(json.dumps({"failed": run, "error": f"{type(error).__name__}: {error}"}), flush=True)

    async with place(address, receiver, Hold("")) as (database, worker, sandbox, desk):

        @contextlib.asynccontextmanager
        async def desk_for(record: RunRecord) -> AsyncGenerator[tuple[Run, Desk]]:
            told = {
                "took": record.id,
                "at": time.monotonic(),
                "pid": os.getpid(),
                "instead_of": record.worker,
            }
            print(json.dumps(told), flush=True)
            yield run_of(sandbox, Hold("")), desk

        print(json.dumps({"worker": worker.id}), flush=True)
        await serve_runs(desk_for, answered, database, worker, at_once=at_once, failed=failed)


def main() -> int:
    """One process of the benchmark."""
    parser = argparse.ArgumentParser(prog="benchmarks.durable_parts", description=__doc__)
    parser.add_argument("part", choices=("receive", "carry", "serve"))
    parser.add_argument("--database", default="")
    parser.add_argument("--receiver", default="")
    parser.add_argument("--hold", default="")
    parser.add_argument("--at-once", type=int, default=3)
    parser.add_argument("--delays", type=float, nargs=2, default=(0.0, 0.0))
    given = parser.parse_args()
    parts: dict[str, Callable[[], Any]] = {
        "receive": lambda: receive(tuple(given.delays)),
        "carry": lambda: asyncio.run(carry(given.database, given.receiver, Hold(given.hold))),
        "serve": lambda: asyncio.run(serve(given.database, given.receiver, given.at_once)),
    }
    parts[given.part]()
    return 0


if __name__ == "__main__":
    sys.exit(main())
