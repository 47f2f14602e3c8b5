"""What a test server says of itself: `/health`, `/slots` and `/metrics` as llama.cpp, vLLM and SGLang give them."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

Kind = Literal["llama.cpp", "vllm", "sglang", "plain"]
"""Whose habits a server has; a plain one knows the models and the generations and nothing else."""

_GAUGES = {
    "vllm": ("vllm:num_requests_running", "vllm:num_requests_waiting"),
    "sglang": ("sglang:num_running_reqs", "sglang:num_queue_reqs"),
}


def told(kind: Kind, path: str, model: str, running: int, slots: int) -> tuple[bytes, str] | None:
    """The content and its type for a path under the server's root; None where such a server has no such path."""
    match kind, path:
        case "llama.cpp", "/health":
            return b'{"status":"ok"}', "application/json; charset=utf-8"
        case "llama.cpp", "/slots":
            return msgspec.json.encode(_slots(running, slots)), "application/json; charset=utf-8"
        case (("vllm" | "sglang"), "/health"):
            return b"", "text/plain"
        case (("vllm" | "sglang"), "/metrics"):
            return _metrics(kind, model, running, slots).encode(), "text/plain; version=0.0.4; charset=utf-8"
        case _:
            return None


def _slots(running: int, slots: int) -> list[dict[str, Any]]:
    return [
        {"id": number, "n_ctx": 4096, "speculative": False, "is_processing": number < running}
        for number in range(slots)
    ]


def _metrics(kind: str, model: str, running: int, slots: int) -> str:
    lines: list[str] = []
    for name, value in zip(_GAUGES[kind], (min(running, slots), max(0, running - slots)), strict=True):
        lines += [f"# HELP {name} Number of requests.", f"# TYPE {name} gauge"]
        lines.append(f'{name}{{engine="0",model_name="{model}"}} {value:.1f}')
    return "\n".join([*lines, ""])
