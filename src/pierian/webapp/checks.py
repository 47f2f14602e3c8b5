"""Runs the program of a check once more, in the sandbox, so that a reader need not take the receipt's word for it."""

from __future__ import annotations

import asyncio

from msgspec import Struct

from pierian.sandbox import Failed, LimitHit, Value
from pierian.server.errors import ApiError
from pierian.webapp.receipts import from_json
from pierian.webapp.site import Site
from pierian.webapp.visitors import Visitor


class CheckResult(Struct, frozen=True):
    """What a program came to this time: its value, or the error that ended it."""

    value: str
    error: str


async def run_again(
    site: Site, visitor: Visitor, conversation: str, position: int, index: int
) -> CheckResult:
    """The result of the check `index` of an answer; raises `ApiError` where there is no such program."""
    turn = await asyncio.to_thread(site.conversations(visitor.owner).turn, conversation, position)
    receipt = from_json(turn.receipt)
    checks = receipt.checks if receipt else ()
    check = next((one for one in checks if one.index == index and one.code), None)
    if check is None:
        raise ApiError(404, "This check has no program to run again.", code="not_found")
    match await site.service.assistant.run_program(check.code):
        case Value(value=value, printed=printed):
            return CheckResult("\n".join(part for part in (printed.rstrip(), str(value)) if part), "")
        case Failed(error=error, line=line):
            return CheckResult("", f"Line {line}: {error}" if line else error)
        case LimitHit(limit=limit):
            return CheckResult("", f"It was stopped at its limit of {limit}.")
