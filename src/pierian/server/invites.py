"""`/v1/invites/accept`: whoever was invited makes their own key, from wherever they are, without showing one."""

from __future__ import annotations

import asyncio
from typing import Any

from litestar import post
from litestar.datastructures import State
from msgspec import Struct

from pierian.access import AccessDenied, Invites
from pierian.exceptions import UserError
from pierian.server.errors import ApiError
from pierian.server.exchange import HttpRequest
from pierian.server.request_body import decoded, read_body
from pierian.server.service import Service

MOST_BYTES = 10_000
AT_ONCE = asyncio.Semaphore(2)
"""Attempts at the same time. Anybody may try, and each takes the lock of the database."""


class InviteAnswer(Struct, frozen=True):
    """The code of an invitation, and the names of the user and the key that it makes."""

    code: str
    user_name: str
    key_name: str = ""


@post("/v1/invites/accept", status_code=201, operation_id="acceptInvite", tags=["Keys"])
async def accept_invite(request: HttpRequest, state: State) -> dict[str, Any]:
    """Make a user and a key with the code of an invitation, once. The secret is shown in this answer only."""
    service: Service = state.service
    service.refuse_new()
    given = decoded(await read_body(request, MOST_BYTES), InviteAnswer, "an answer to an invitation")
    invites = Invites(service.database)
    async with AT_ONCE:
        try:
            user, key, secret = await asyncio.to_thread(
                invites.accept, given.code, given.user_name, given.key_name
            )
        except AccessDenied as denied:
            raise ApiError(403, str(denied), param="code", code="invalid_invitation") from denied
        except UserError as error:
            raise ApiError(
                400, f"{error} {error.hint}".strip(), param="user_name", code="invalid_value"
            ) from error
    expires = key.grant.expires_at
    return {
        "object": "key",
        "id": key.id,
        "name": key.name,
        "user": user.name,
        "secret": secret,
        "expires_at": None if expires is None else expires.isoformat(),
    }
