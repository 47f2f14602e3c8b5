"""The embedded engine: llama.cpp's server from `xllamacpp`, alone in a process of its own.

`python -m pierian.models.engine` reads one JSON line with options and the key from standard input, starts the
server on a free loopback port, writes one JSON line with its address (or the reason it could not start) to
standard output, and ends when standard input closes. The pipe is the leash: whatever happens to the
supervisor, even SIGKILL, the kernel closes the pipe and the engine goes, on every platform.
"""

from __future__ import annotations

import importlib
import os
import re
import sys
import threading
from typing import Any

import msgspec

BATCH = 128
"""Tokens per prompt batch. At the server's default a cancelled prompt is noticed only after 11–24 s."""
PICTURE_BATCH = 512
"""With a projector: families such as Gemma take a picture's tokens (256 there) in one batch, and the engine gives a
picture no more tokens than a batch has."""


class EngineCall(msgspec.Struct):
    """What the supervisor writes to the engine's standard input."""

    model_path: str
    projector_path: str
    threads: int
    context: int
    slots: int
    cache_megabytes: int
    reuse_tokens: int
    api_key: str
    alias: str
    prefix_folder: str
    adapter_path: str = ""


class EngineReply(msgspec.Struct):
    """What the engine answers: an address, or an error."""

    address: str = ""
    error: str = ""


def start(call: EngineCall) -> str:
    """Load the model and serve it; returns the address, raises RuntimeError when that fails."""
    xllamacpp: Any = importlib.import_module("xllamacpp")  # has no type stubs, and takes 0.1 s to import
    params: Any = xllamacpp.CommonParams()
    params.model.path = call.model_path
    params.model_alias = {call.alias}
    if call.projector_path:
        params.mmproj.path = call.projector_path
    if call.adapter_path:
        # At scale 0, so that only a request which asks for it gets it.
        params.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(call.adapter_path, 0.0)]
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [call.api_key]
    params.n_parallel = call.slots
    params.kv_unified = True
    params.n_ctx = call.context
    params.cache_ram_mib = call.cache_megabytes
    params.n_cache_reuse = call.reuse_tokens
    params.slot_save_path = call.prefix_folder.rstrip("/") + "/"
    params.n_batch = params.n_ubatch = PICTURE_BATCH if call.projector_path else BATCH
    for pool in (params.cpuparams, params.cpuparams_batch):
        pool.n_threads = call.threads
        # Waiting threads sleep: as fast as spinning, measured, and it leaves the machine usable.
        pool.poll = 0
    params.endpoint_metrics = params.endpoint_slots = params.endpoint_props = True
    server: Any = xllamacpp.Server(params)
    globals()["_server"] = server  # keeps it alive until the process ends
    return str(server.listening_address)


def main() -> None:
    """Serve until standard input closes."""
    call = msgspec.json.decode(sys.stdin.buffer.readline(), type=EngineCall)
    leash = threading.Thread(target=_end_with_supervisor, daemon=True)
    leash.start()  # before the model loads, which takes a while
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # the library prints to standard output, which belongs to the protocol
    try:
        reply = EngineReply(address=start(call))
    except (RuntimeError, ImportError, OSError) as error:
        reply = EngineReply(error=str(error))
    out.write(msgspec.json.encode(reply) + b"\n")
    out.flush()
    if reply.error:
        os._exit(1)
    leash.join()


def _end_with_supervisor() -> None:
    """Wait for standard input to close, then end at once: an orderly exit would wait for the server's threads."""
    sys.stdin.buffer.read()
    os._exit(0)


def reason_from_log(log: str) -> str:
    """The most telling line of the engine's log after it failed to start."""
    for pattern in (
        r"error.*(?:memory|alloc)",
        r"unknown model architecture.*",
        r"mismatch between text model[^\n]*",
        r"error[^\n]*",
    ):
        if found := re.findall(pattern, log, re.IGNORECASE):
            return str(found[-1]).strip()[:200]
    return "the engine gave no reason"


if __name__ == "__main__":
    main()
