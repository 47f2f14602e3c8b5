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


def choose_options(
    settings: Settings, model_path: str, *, trained_context: int | None, projector_path: str = ""
) -> EngineOptions:
    """Options from the settings, and from the machine where a setting is empty.

    The context is shared by all slots. It grows with the machine's memory, for the key-value cache of a small
    model takes about 30 MB for a thousand tokens, and never exceeds what the model was trained for, per slot. What
    is free at the moment does not count: options that change would load the model again.
    """
    import psutil  # only the embedded engine needs it

    slots = settings.slots or 4
    threads = settings.threads or psutil.cpu_count(logical=False) or 1
    context = settings.context
    if context is None:
        gigabytes = psutil.virtual_memory().total / 2**30
        context = 16_384 if gigabytes > 7 else 8_192 if gigabytes > 3 else 4_096
        if trained_context:
            context = min(context, trained_context * slots)
    return EngineOptions(
        model_path=model_path,
        projector_path=projector_path,
        threads=threads,
        context=context,
        slots=slots,
    )
