"""What Pierian adds to streaming: `python -m benchmarks.overhead [--engine] [--pairs N]`.

The same request is streamed by a bare HTTP client and through `Assistant.stream`, in turn, against a server of a
fixed rate in another process (default) or the real embedded engine (`--engine`). Reported are the ratio of
tokens per second and the difference of the time to the first token, pair by pair: median and 95% interval.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import subprocess
import sys
import time
from pathlib import Path

import httpx2

from pierian.assistant import AskRequest, Assistant
from pierian.config import Settings, load
from pierian.events import Token
from pierian.models.client import Endpoint
from pierian.models.model import open_model
from pierian.models.wire import Request
from pierian.reasoning.approaches.direct import BRIEF
from pierian.reasoning.mode import Mode

QUESTION = "Tell me about the sea."
RATE = 200.0
TOKENS = 300

SERVER = f"""
import asyncio
from pierian.testing import FunctionalModel, serve
async def main():
    model = FunctionalModel(lambda request: (f"word{{i}} " for i in range({TOKENS})), embedded=False)
    async with serve(model, tokens_per_second={RATE}) as server:
        print(server.base_url, flush=True)
        await asyncio.Event().wait()
asyncio.run(main())
"""


def body_of(endpoint: Endpoint, max_tokens: int) -> dict[str, object]:
    """The very request that Instant sends, so that both sides ask for the same."""
    request = Request(messages=BRIEF.messages(QUESTION, (), ""), max_tokens=max_tokens)
    return request.body(endpoint.model, embedded=endpoint.embedded)


async def bare(endpoint: Endpoint, max_tokens: int) -> tuple[float, float]:
    """Seconds to the first token and tokens per second after it, by a bare client."""
    headers = {"Authorization": f"Bearer {endpoint.api_key}"} if endpoint.api_key else {}
    started, first, last, count = time.monotonic(), 0.0, 0.0, 0
    async with httpx2.AsyncClient(timeout=600, trust_env=False, verify=False) as client:
        url = f"{endpoint.base_url}/chat/completions"
        async with client.stream(
            "POST", url, json=body_of(endpoint, max_tokens), headers=headers
        ) as response:
            async for line in response.aiter_lines():
                if not line.startswith("data: {"):
                    continue
                choices = json.loads(line[6:]).get("choices") or [{}]
                if choices[0].get("delta", {}).get("content"):
                    last = time.monotonic()
                    first = first or last
                    count += 1
    return first - started, (count - 1) / (last - first)


async def through(assistant: Assistant, max_tokens: int) -> tuple[float, float]:
    """The same through Pierian."""
    started, first, last, count = time.monotonic(), 0.0, 0.0, 0
    request = AskRequest(question=QUESTION, mode=Mode.INSTANT, budget_tokens=max_tokens)
    async for event in assistant.stream(request):
        if isinstance(event, Token):
            last = time.monotonic()
            first = first or last
            count += 1
    return first - started, (count - 1) / (last - first)


async def measure(settings: Settings, endpoint: Endpoint, pairs: int, max_tokens: int) -> dict[str, object]:
    """Pairs in alternating order; the first of each kind warms up and does not count."""
    ratios: list[float] = []
    delays: list[float] = []
    async with Assistant(settings) as assistant:
        await bare(endpoint, max_tokens)
        await through(assistant, max_tokens)
        for pair in range(pairs):
            if pair % 2:
                ours, theirs = await through(assistant, max_tokens), await bare(endpoint, max_tokens)
            else:
                theirs, ours = await bare(endpoint, max_tokens), await through(assistant, max_tokens)
            ratios.append(ours[1] / theirs[1])
            delays.append(1000 * (ours[0] - theirs[0]))
    return {
        "pairs": pairs,
        "tokens_per_second_ratio": median_and_interval(ratios, 4),
        "first_token_later_ms": median_and_interval(delays, 2),
    }


def median_and_interval(values: list[float], digits: int) -> dict[str, float | list[float]]:
    """The median and its 95% bootstrap interval."""
    generator = random.Random(0)
    medians = sorted(statistics.median(generator.choices(values, k=len(values))) for _ in range(5000))
    interval = [round(medians[124], digits), round(medians[4874], digits)]
    return {"median": round(statistics.median(values), digits), "interval": interval}


async def on_engine(settings: Settings, pairs: int) -> dict[str, object]:
    """Against the embedded engine; both share its one lease."""
    async with open_model(settings) as model:
        endpoint = model.endpoint
        return await measure(settings, endpoint, pairs, 100)


async def on_fixed_rate(settings: Settings, pairs: int) -> dict[str, object]:
    """Against a server that sends a token every five milliseconds."""
    command = [sys.executable, "-c", SERVER]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: ASYNC220
    try:
        assert process.stdout
        url = process.stdout.readline().strip()
        served = load(base_url=url, model="functional")
        return await measure(served, Endpoint(url, "functional"), pairs, 2 * TOKENS)
    finally:
        process.terminate()
        process.wait()


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="benchmarks.overhead", description=__doc__)
    parser.add_argument("--engine", action="store_true", help="the real engine instead of a fixed rate")
    parser.add_argument("--pairs", type=int, default=10)
    arguments = parser.parse_args()
    run = on_engine if arguments.engine else on_fixed_rate
    report = {"upstream": "engine" if arguments.engine else f"fixed rate of {RATE:.0f} tokens/s"}
    report |= asyncio.run(run(load(), arguments.pairs))
    print(json.dumps(report, indent=2))
    name = "overhead-engine.json" if arguments.engine else "overhead-fixed.json"
    (Path(__file__).parent / "results" / name).write_text(
        json.dumps(report, indent=2) + "\n", encoding="utf-8"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
