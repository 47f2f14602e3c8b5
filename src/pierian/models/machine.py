"""What the embedded engine should use of this machine: threads, context, slots, memory."""

from __future__ import annotations

from msgspec import Struct

from pierian.config import Settings


class EngineOptions(Struct, frozen=True):
    """How one model is served. Two requests with equal options and file share one engine."""

    model_path: str
    projector_path: str
    threads: int
    context: int
    slots: int
    cache_megabytes: int = 256
    """Memory for prompts that were read before, so that a slot need not read them again."""
    reuse_tokens: int = 0
    """Least run of tokens that is moved to another place of a prompt instead of being read again; 0 for never."""
    adapter_path: str = ""
    """A low-rank adapter that is loaded beside the model; each request says how much of it goes in."""
    adapter_sha256: str = ""
    """Of its file, so that one that has other weights is another engine."""


def choose_options(
    settings: Settings,
    model_path: str,
    *,
    trained_context: int | None,
    projector_path: str = "",
    adapter_path: str = "",
    adapter_sha256: str = "",
) -> EngineOptions:
    """Options from the settings, and from the machine where a setting is empty.

    The context is shared by all slots. It grows with the machine's memory, for the key-value cache of a small
    model takes about 30 MB for a thousand tokens, and never exceeds what the model was trained for, per slot. What
    is free at the moment does not count: options that change would load the model again.
    """
    import psutil  # only the embedded engine needs it

    slots = settings.slots or 4
    threads = settings.threads or psutil.cpu_count(logical=False) or 1
    context, total = settings.context, psutil.virtual_memory().total
    cache = settings.cache_megabytes
    if adapter_path:
        # The engine's memory of old prompts does not know with how much of an adapter each was read.
        cache = 0
    elif cache is None:
        # A thousand tokens of a small model take 30 MB; a tenth of the memory holds dozens of prompts.
        cache = min(2048, total // 2**20 // 10)
    if context is None:
        gigabytes = total / 2**30
        context = 16_384 if gigabytes > 7 else 8_192 if gigabytes > 3 else 4_096
        if trained_context:
            context = min(context, trained_context * slots)
    return EngineOptions(
        model_path=model_path,
        projector_path=projector_path,
        threads=threads,
        context=context,
        slots=slots,
        cache_megabytes=cache,
        reuse_tokens=settings.reuse_tokens,
        adapter_path=adapter_path,
        adapter_sha256=adapter_sha256,
    )
