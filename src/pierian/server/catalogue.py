"""`/v1/models`: the names that a request may ask for, modes first."""

from __future__ import annotations

from typing import Any

from litestar import get
from litestar.datastructures import State
from litestar.params import FromPath

from pierian.server.call import MODE_MODELS
from pierian.server.errors import ApiError
from pierian.server.exchange import HttpRequest, identified
from pierian.server.service import Service

CREATED = 1_764_000_000
"""Seconds since 1970. Clients want a date of every model; this one means nothing."""


@get("/v1/models", operation_id="listModels", tags=["Models"])
async def list_models(request: HttpRequest, state: State) -> dict[str, Any]:
    """The models that this key may ask for."""
    found = [_as_json(name) for name in await _names(request, state)]
    return {
        "object": "list",
        "data": found,
        "has_more": False,
        "first_id": found[0]["id"] if found else None,
        "last_id": found[-1]["id"] if found else None,
    }


@get("/v1/models/{model:path}", operation_id="retrieveModel", tags=["Models"])
async def show_model(request: HttpRequest, state: State, model: FromPath[str]) -> dict[str, Any]:
    """One model."""
    name = model.removeprefix("/")
    if name not in await _names(request, state):
        raise ApiError(404, f"There is no model {name!r} here.", param="model", code="model_not_found")
    return _as_json(name)


async def _names(request: HttpRequest, state: State) -> list[str]:
    service: Service = state.service
    _, key = await identified(service, request)
    engine = await service.served(await service.assistant.model())
    return service.names(engine, key.grant if key is not None else None)


def _as_json(name: str) -> dict[str, Any]:
    """In OpenAI's format and Anthropic's at once."""
    mode = MODE_MODELS.get(name)
    return {
        "id": name,
        "object": "model",
        "created": CREATED,
        "owned_by": "pierian" if mode is not None else "engine",
        "type": "model",
        "display_name": f"Pierian, {mode.value}" if mode is not None else name,
        "created_at": "2025-11-24T16:00:00Z",
    }
