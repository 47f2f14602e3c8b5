"""What a journalled step costs, in turn with LangGraph: `python -m benchmarks.overhead_agents --peers-python
PATH`.

Planner, tools and answers are instant, so what is left is the machinery: a chain of 1,000 steps, and 100
sub-agents side by side, each with a plan of its own, kept in an SQLite file (WAL) by us and by LangGraph's
`AsyncSqliteSaver`. Each measurement is a process of its own; pairs alternate in their order. LangGraph (in
the interpreter `--peers-python`, which has `langgraph` and `langgraph-checkpoint-sqlite`) is given every
graph that its documentation suggests for the task:

- chain `static`: a node for each step; `loop`: one node that does the next step until none is left, results
  appended to the state; `last`: the same, with nothing but the last result in the state, which is less than we
  keep; `sync`: as `loop`, each step stored before the next begins, as ours are.
- sub-agents `nodes`: a plain node for each, without a plan of its own; `subgraphs`: a compiled graph in each;
  `send`: one graph, sent to 100 times.

All but `sync` store in the background (`durability="async"`, the default), and its SQLite has our setting
(`synchronous=NORMAL`). Nothing of ours may be imported at the top: the peer's interpreter runs this file too.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import operator
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any, TypedDict

STEPS, AGENTS = 1000, 100
SHAPES = {"chain": ("static", "loop", "last", "sync"), "agents": ("nodes", "subgraphs", "send")}
KEEPS_LESS = ("last", "nodes")
"""Shapes that do less than we do: they drop results, or have no graph in the sub-agent."""


def memory_mib() -> float:
    """The most that this process had in memory so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


# Ours


def plan_of(task: Any) -> Any:
    """The plan of a chain, of the sub-agents, or of one sub-agent."""
    from pierian.agents.plan import Agent, Call, Plan

    if task.scope:
        return Plan((Call(id="s1", tool="step", arguments={"value": 1}),))
    if task.request == "chain":
        first = Call(id="s1", tool="step", arguments={"value": 0})
        rest = (Call(id=f"s{n}", tool="step", arguments={"value": f"$s{n - 1}"}) for n in range(2, STEPS + 1))
        return Plan((first, *rest))
    return Plan(tuple(Agent(id=f"s{n}", task=f"part {n}", tools=("step",)) for n in range(1, AGENTS + 1)))


async def ours(what: str, folder: Path) -> dict[str, float]:
    """One run on our journal, from the request to the written answer."""
    from pierian.agents import Desk, act
    from pierian.budget import Ledger
    from pierian.reasoning import Run, classify
    from pierian.runs import Journal, Worker
    from pierian.sandbox import Sandbox
    from pierian.storage import open_database
    from pierian.testing import FunctionalModel
    from pierian.tools import tool

    class Scripted:
        async def plan(self, task: Any, so_far: Any, payment: Any) -> Any:
            return plan_of(task)

    @tool(effect="none")
    async def step(value: int) -> int:
        """The next number."""
        return value + 1

    with open_database(folder / "runs.db") as database, Worker(database) as worker:
        async with Sandbox() as sandbox:
            desk = Desk({"step": step}, database, worker, planner=Scripted())
            run = Run(FunctionalModel(lambda _: "Done."), sandbox, Ledger(), classify(what), lambda _: None)
            before, started = memory_mib(), time.perf_counter()
            session = await act(run, desk, ("step",), ())
            assert session is not None
            await session.end("done")
            seconds = time.perf_counter() - started
            assert len(run.steps) == (STEPS if what == "chain" else 2 * AGENTS)
            assert {one.outcome for one in run.steps} == {"done"}
            assert Journal(database).get(session.run).state == "done"
            return {"seconds": seconds, "peak_mib": memory_mib(), "grown_mib": memory_mib() - before}


# Theirs


class Kept(TypedDict):
    """A state that keeps every result."""

    results: Annotated[list[int], operator.add]


class Last(TypedDict):
    """A state that keeps the last one, and how many there were."""

    value: int
    done: int


class Part(TypedDict):
    """The state of one sub-agent."""

    number: int
    results: Annotated[list[int], operator.add]


def chain_graph(shape: str) -> tuple[Any, Any]:
    """A chain of `STEPS` steps and the state that it begins with."""
    from langgraph.graph import END, START, StateGraph

    async def step(state: Kept) -> dict[str, Any]:
        return {"results": [state["results"][-1] + 1 if state["results"] else 1]}

    async def next_step(state: Last) -> dict[str, Any]:
        return {"value": state["value"] + 1, "done": state["done"] + 1}

    if shape == "static":
        graph = StateGraph(Kept)
        for n in range(STEPS):
            graph.add_node(f"s{n}", step)
            graph.add_edge(f"s{n - 1}" if n else START, f"s{n}")
        graph.add_edge(f"s{STEPS - 1}", END)
        return graph, {"results": []}
    keeps = shape != "last"
    graph = StateGraph(Kept if keeps else Last)
    graph.add_node("step", step if keeps else next_step)
    graph.add_edge(START, "step")

    def more(state: Any) -> str:
        done = len(state["results"]) if keeps else state["done"]
        return "step" if done < STEPS else END

    graph.add_conditional_edges("step", more, ["step", END])
    return graph, {"results": []} if keeps else {"value": 0, "done": 0}


def agents_graph(shape: str) -> tuple[Any, Any]:
    """`AGENTS` sub-agents side by side and the state that it begins with."""
    from langgraph.graph import END, START, StateGraph
    from langgraph.types import Send

    async def step(state: Any) -> dict[str, Any]:
        return {"results": [2]}

    inner = StateGraph(Part if shape == "send" else Kept)
    inner.add_node("step", step)
    inner.add_edge(START, "step")
    inner.add_edge("step", END)
    graph = StateGraph(Kept)
    if shape == "send":
        sent = inner.compile()

        async def agent(state: Part) -> dict[str, Any]:
            return {"results": (await sent.ainvoke({**state, "results": []}))["results"]}

        graph.add_node("agent", agent)
        graph.add_conditional_edges(
            START, lambda _: [Send("agent", {"number": n}) for n in range(AGENTS)], ["agent"]
        )
        graph.add_edge("agent", END)
        return graph, {"results": []}
    for n in range(AGENTS):
        graph.add_node(f"s{n}", inner.compile() if shape == "subgraphs" else step)
        graph.add_edge(START, f"s{n}")
        graph.add_edge(f"s{n}", END)
    return graph, {"results": []}


async def theirs(what: str, shape: str, folder: Path) -> dict[str, float]:
    """The same on LangGraph; building and compiling the graph is not counted."""
    from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

    graph, state = (chain_graph if what == "chain" else agents_graph)(shape)
    async with AsyncSqliteSaver.from_conn_string(str(folder / "graph.db")) as saver:
        await saver.setup()
        await saver.conn.execute("PRAGMA synchronous=NORMAL")  # as ours: a commit does not wait for the disk
        compiled = graph.compile(checkpointer=saver)
        config = {"configurable": {"thread_id": "1"}, "recursion_limit": 2 * STEPS, "max_concurrency": 16}
        before, started = memory_mib(), time.perf_counter()
        stored = "sync" if shape == "sync" else "async"
        done = await compiled.ainvoke(state, config, durability=stored)
        seconds = time.perf_counter() - started
    wanted = STEPS if what == "chain" else AGENTS
    assert (done["done"] if shape == "last" else len(done["results"])) == wanted
    return {"seconds": seconds, "peak_mib": memory_mib(), "grown_mib": memory_mib() - before}


# The comparison


def measured(python: str, what: str, shape: str) -> dict[str, float]:
    """One measurement in a process of its own."""
    command = [python, "-m", "benchmarks.overhead_agents", "--measure", what, shape]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        raise RuntimeError(f"{what} {shape} failed: {done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def ratio(mine: list[float], other: list[float]) -> dict[str, Any]:
    """The median ratio of the pairs with its 95% bootstrap interval."""
    from benchmarks.overhead import median_and_interval

    return dict(median_and_interval([a / b for a, b in zip(mine, other, strict=True)], 3))


def compare(what: str, pairs: int, peers_python: str) -> dict[str, Any]:
    """Ours and each of their shapes in turn, the order turned round from pair to pair."""
    shapes, count = SHAPES[what], STEPS if what == "chain" else AGENTS
    seen: dict[str, list[dict[str, float]]] = {name: [] for name in ("ours", *shapes)}
    for pair in range(-1, pairs):
        for name in ("ours", *shapes) if pair % 2 else (*shapes[::-1], "ours"):
            found = measured(sys.executable if name == "ours" else peers_python, what, name)
            if pair >= 0:  # the first of each warms the caches and does not count
                seen[name].append(found)
        print(
            what,
            pair,
            {name: round(rows[-1]["seconds"], 2) for name, rows in seen.items() if rows},
            flush=True,
        )
    report: dict[str, Any] = {"pairs": pairs, "count": count}
    for name, rows in seen.items():
        each = [1000 * row["seconds"] / count for row in rows]
        report[name] = {
            "ms_each": round(statistics.median(each), 3),
            "peak_mib": round(statistics.median(row["peak_mib"] for row in rows), 1),
            "grown_mib": round(statistics.median(row["grown_mib"] for row in rows), 1),
            "rows": [round(one, 3) for one in each],
        }
        if name != "ours":
            report[name]["our_time_to_theirs"] = ratio(report["ours"]["rows"], report[name]["rows"])
            report[name]["keeps_less"] = name in KEEPS_LESS
    return report


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="benchmarks.overhead_agents", description=__doc__)
    parser.add_argument("--peers-python", default=sys.executable)
    parser.add_argument("--pairs", type=int, default=12)
    parser.add_argument(
        "--measure", nargs=2, metavar=("WHAT", "SHAPE"), help="one measurement, for the harness"
    )
    given = parser.parse_args()
    if given.measure:
        what, shape = given.measure
        with tempfile.TemporaryDirectory(prefix="overhead-") as folder:
            work = ours(what, Path(folder)) if shape == "ours" else theirs(what, shape, Path(folder))
            print(json.dumps(asyncio.run(work)))
        return 0
    report = {what: compare(what, given.pairs, given.peers_python) for what in SHAPES}
    print(json.dumps(report, indent=1))
    target = Path(__file__).parent / "results" / "overhead-agents.json"
    target.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
