"""Makes the adapter of a run known to the engine while it is tried, under a name that no other run has."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Generator

from pierian.models import adapters
from pierian.models.adapters import Adapter
from training.recipe import RunFolder


@contextlib.contextmanager
def known_adapter(run: RunFolder) -> Generator[Adapter]:
    """The exported adapter of a run, as the setting `adapter` names it; forgotten at the end."""
    recipe = run.recipe
    place = hashlib.sha256(str(run.folder.resolve()).encode()).hexdigest()[:8]
    adapter = adapters.add(run.adapter, recipe.model, f"{recipe.exporting.name}-{place}")
    try:
        yield adapter
    finally:
        adapters.remove(adapter.name)
