"""How a model server says that it is well and how busy it is: reads what llama.cpp, vLLM and SGLang tell.

llama.cpp lists its slots at `/slots` (unless started with `--no-slots`); vLLM, SGLang (with `--enable-metrics`)
and llama.cpp (with `--metrics`) give gauges at `/metrics` in Prometheus' text format. Only these two say how many
requests run and wait; only the first says how many fit. No input or output happens here: the questions are asked
by `client`, and what follows from the answers is decided in `routing`.
"""

from __future__ import annotations

import re

import msgspec
from msgspec import Struct

_RUNNING = frozenset(("llamacpp:requests_processing", "vllm:num_requests_running", "sglang:num_running_reqs"))
_WAITING = frozenset(("llamacpp:requests_deferred", "vllm:num_requests_waiting", "sglang:num_queue_reqs"))
_SAMPLE = re.compile(r"([A-Za-z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)")
# SGLang can repeat a figure for each part of one engine and for each priority: such series would count twice.
_REPEATED = re.compile(r'\b(?:tp|pp|moe_ep)_rank="[1-9]|\bpriority="[^"]')


class Load(Struct, frozen=True):
    """Requests that a server works on and that wait there; `slots` is how many it can work on, if it says so."""

    running: int
    waiting: int = 0
    slots: int | None = None


class Health(Struct, frozen=True):
    """What a server that is well says of itself; `load` is None where it says nothing, or not in time."""

    models: tuple[str, ...]
    load: Load | None = None


class _Slot(Struct):
    is_processing: bool


def load_from_slots(content: bytes) -> Load | None:
    """The load by llama.cpp's `/slots`; None if it is not that."""
    try:
        slots = msgspec.json.decode(content, type=list[_Slot])
    except (msgspec.MsgspecError, UnicodeError):
        return None
    return Load(sum(slot.is_processing for slot in slots), slots=len(slots)) if slots else None


def load_from_metrics(content: bytes) -> Load | None:
    """The load by the gauges at `/metrics`, summed over engines; None if none of them is known."""
    running, waiting, found = 0.0, 0.0, False
    for line in content.decode("utf-8", "replace").splitlines():
        sample = _SAMPLE.match(line)
        if sample is None or sample[1] not in _RUNNING | _WAITING or _REPEATED.search(sample[2] or ""):
            continue
        try:
            value = float(sample[3])
        except ValueError:
            continue
        if not 0 <= value < 1e9:  # not a count, such as NaN
            continue
        if sample[1] in _RUNNING:
            running, found = running + value, True
        else:
            waiting += value
    return Load(int(running), int(waiting)) if found else None
