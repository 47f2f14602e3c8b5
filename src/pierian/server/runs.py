"""`/v1/runs`: work that goes on whether or not anybody listens.

A run is written to the journal before its client is told its number, so that nothing is lost with a connection or a
process; this process, another one or a worker (`pierian work`) carries it out. Its events can be followed from any
place in them, as often as one likes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Annotated, Any

import msgspec
from litestar import get, post
from litestar.datastructures import State
from litestar.params import FromPath, QueryParameter
from litestar.types import ASGIApp
from msgspec import Struct

from pierian.access import Grant, Key
from pierian.access.users import LOCAL
from pierian.assistant import checked_question
from pierian.events import (
    AnswerReady,
    ApprovalGiven,
    ApprovalNeeded,
    Event,
    RunFailed,
    encode,
)
from pierian.exceptions import QuestionError, UserError
from pierian.metering import Admission, Caller
from pierian.reasoning import Mode
from pierian.runs import Approvals, Journal, RunRecord
from pierian.server.errors import ApiError
from pierian.server.event_stream import EventStream
from pierian.server.exchange import HttpRequest, identified, json_response, note
from pierian.server.formats.pictures import checked_url, is_address
from pierian.server.idempotency import Kept
from pierian.server.keeper import Keeper
from pierian.server.pictures import MOST_PICTURES, check_readers
from pierian.server.places import event_for_clients
from pierian.server.request_body import decoded, read_body
from pierian.server.run_requests import (
    MOST_CONTEXT_BYTES,
    ApprovalRequest,
    RunRequest,
    context_bytes,
    storable,
)
from pierian.server.service import Service
from pierian.storage.ids import ID_LENGTH

LOOK_SECONDS = 1.0
"""How often events of a run that another process carries out are looked for."""
MOST_OPEN = 1000
"""Runs of one owner that are not done."""
MOST_BODY_BYTES = 2 * 1024 * 1024
"""Of a request for a run: it is stored."""
MOST_FOLLOWERS = 100
"""Who follow runs of one owner at the same time, in one process."""
ENDED = ("done", "failed", "cancelled", "stopped")
Limit = Annotated[int, QueryParameter(ge=1, le=1000, description="How many to list.")]
LAST_POSITION = 2**31 - 1
"""The greatest that a position among a run's events can be."""
Last = Annotated[
    int,
    QueryParameter(
        ge=-1,
        le=LAST_POSITION,
        description="Only events behind this one; -1 for all. Browsers say the same as the header Last-Event-ID.",
    ),
]


@post("/v1/runs", status_code=202, operation_id="createRun", tags=["Runs"])
async def create_run(request: HttpRequest, state: State) -> ASGIApp:
    """Begin a run; it goes on when the client leaves."""
    service: Service = state.service
    keeper: Keeper = state.keeper
    caller, key = await identified(service, request)
    service.refuse_new()
    body = await read_body(request, MOST_BODY_BYTES)
    asked = _checked(decoded(body, RunRequest, "a run"), key, service.settings.model)
    place, again = None, request.headers.get("idempotency-key", "")
    if again:
        begun = await service.idempotency.begin(caller.key or LOCAL, again, request.url.path, body)
        if isinstance(begun, Kept):
            return json_response(begun.body.encode(), {"idempotency-replayed": "true"}, 202)
        place = begun
    async with service.idempotency.answering(place):
        headers = await counted(service, caller)
        kept = msgspec.to_builtins(asked) | {"key": caller.key, "answers": True}
        record = await asyncio.to_thread(_created, service, caller.owner, asked.question, kept)
        keeper.wake()
        note(request, run=record.id)
        found = msgspec.json.encode(as_json(record))
        if place is not None:
            await service.idempotency.keep(place, found.decode(), streamed=False)
    return json_response(found, headers, 202)


@get("/v1/runs", operation_id="listRuns", tags=["Runs"])
async def list_runs(request: HttpRequest, state: State, limit: Limit = 20) -> dict[str, Any]:
    """The caller's runs, the newest first."""
    journal = await _journal(request, state)
    found = await asyncio.to_thread(journal.summaries, limit)
    return {"object": "list", "data": [as_json(record) for record in found]}


@get("/v1/runs/{run_id:str}", operation_id="retrieveRun", tags=["Runs"])
async def show_run(request: HttpRequest, state: State, run_id: FromPath[str]) -> dict[str, Any]:
    """One run, with its answer once it has one."""
    journal = await _journal(request, state)
    record = await asyncio.to_thread(_found, journal, run_id)
    events = await asyncio.to_thread(journal.events, record.id)
    return as_json(record, [event_for_clients(event) for _, event in events])


@get("/v1/runs/{run_id:str}/events", operation_id="followRun", tags=["Runs"])
async def follow_run(request: HttpRequest, state: State, run_id: FromPath[str], after: Last = -1) -> ASGIApp:
    """The events of a run as server-sent events, from the beginning or behind one that was seen, until it ends."""
    service: Service = state.service
    keeper: Keeper = state.keeper
    journal = await _journal(request, state)
    record = await asyncio.to_thread(_found, journal, run_id)
    seen = request.headers.get("last-event-id", "")
    if seen and not (seen.isdecimal() and len(seen) <= 10 and int(seen) <= LAST_POSITION):
        raise ApiError(
            400, "Last-Event-ID is the number of an event.", param="Last-Event-ID", code="invalid_value"
        )
    if keeper.followers(record.owner) >= MOST_FOLLOWERS:
        told = f"{MOST_FOLLOWERS} clients follow your runs already. End one of them."
        raise ApiError(429, told, code="too_many_followers", retry_after=5)
    return EventStream(_followed(service, keeper, journal, record.id, int(seen) if seen else after), {})


@post("/v1/runs/{run_id:str}/cancel", status_code=200, operation_id="cancelRun", tags=["Runs"])
async def cancel_run(request: HttpRequest, state: State, run_id: FromPath[str]) -> dict[str, Any]:
    """End a run for good. What it did already stays done; a run that has ended stays as it is."""
    keeper: Keeper = state.keeper
    journal = await _journal(request, state)
    record = await asyncio.to_thread(_found, journal, run_id)
    if record.state not in ("done", "cancelled"):
        record = await asyncio.to_thread(_cancelled, journal, record.id)
        keeper.changes.tell(record.id)
    return as_json(record)


@post(
    "/v1/runs/{run_id:str}/approvals/{approval_id:str}",
    status_code=200,
    operation_id="answerApproval",
    tags=["Runs"],
)
async def answer_approval(
    request: HttpRequest, state: State, run_id: FromPath[str], approval_id: FromPath[str]
) -> dict[str, Any]:
    """Approve or reject what a run waits for; it goes on once everything is answered."""
    service: Service = state.service
    keeper: Keeper = state.keeper
    journal = await _journal(request, state)
    body = await read_body(request)
    record = await asyncio.to_thread(_found, journal, run_id)
    approvals = Approvals(service.database, record.owner)
    pending = await asyncio.to_thread(approvals.states, record.id)
    if approval_id not in pending:
        raise ApiError(
            404,
            f"The run asks for no approval {approval_id!r}. GET /v1/runs/{run_id} lists what it waits for.",
            param="approval_id",
            code="approval_not_found",
        )
    given = decoded(body, ApprovalRequest, "an answer to an approval")
    await asyncio.to_thread(lambda: approvals.answer(approval_id, approved=given.approved))
    keeper.wake()
    return as_json(record)


def as_json(record: RunRecord, events: list[Event] | None = None) -> dict[str, Any]:
    """A run as its client sees it; with its events, also what it came to."""
    found: dict[str, Any] = {
        "id": record.id,
        "object": "run",
        "state": record.state,
        "question": record.question,
        "mode": record.request.get("mode"),
        "tools": record.request.get("tools", []),
        "created_at": record.created_at.isoformat(),
        "updated_at": record.updated_at.isoformat(),
    }
    if events is None:
        return found
    answers = [event.answer for event in events if isinstance(event, AnswerReady)]
    failures = [event for event in events if isinstance(event, RunFailed)]
    found["answer"] = msgspec.to_builtins(answers[-1]) if answers else None
    failed = failures[-1] if failures and record.state == "failed" else None
    found["approvals"] = pending_of(events)
    found["error"] = {"message": failed.reason, "hint": failed.hint} if failed else None
    return found


def pending_of(events: Sequence[Event]) -> list[dict[str, Any]]:
    """What a run asks for and nobody has answered as far as its events tell."""
    answered = {event.approval for event in events if isinstance(event, ApprovalGiven)}
    asked = [
        event for event in events if isinstance(event, ApprovalNeeded) and event.approval not in answered
    ]
    return [msgspec.to_builtins(event) for event in asked]


async def _followed(
    service: Service, keeper: Keeper, journal: Journal, run: str, after: int
) -> AsyncGenerator[bytes]:
    """The events until the run ends, or this server does: its client goes on elsewhere, behind the last event."""
    with keeper.follower(str(journal.owner)), keeper.changes.watching(run) as watch:
        while not service.draining:
            state = await asyncio.to_thread(journal.state, run)
            found = await asyncio.to_thread(journal.events, run, after)
            if found:
                yield b"".join(_frame(position, event) for position, event in found)
                after = found[-1][0]
            elif state in ENDED:
                yield f"event: end\ndata: {msgspec.json.encode({'state': state}).decode()}\n\n".encode()
                return
            else:
                await watch.wait(LOOK_SECONDS)


async def counted(service: Service, caller: Caller) -> dict[str, str]:
    """Count a run among its key's requests, as headers tell; it takes a place only once it works."""
    allowed = caller.allowance
    rates = Grant(
        requests_per_minute=allowed.requests_per_minute, tokens_per_minute=allowed.tokens_per_minute
    )
    admission = await service.meter.admit(msgspec.structs.replace(caller, allowance=rates))
    # It leaves as the key itself: what the books say of its places is written anew.
    service.meter.leave(Admission(caller, admission.standing))
    return admission.standing.headers()


def _frame(position: int, event: Event) -> bytes:
    line = encode(event_for_clients(event))
    name = msgspec.json.decode(line, type=_Named).event
    return f"id: {position}\nevent: {name}\ndata: {line}\n\n".encode()


class _Named(Struct):
    event: str


async def _journal(request: HttpRequest, state: State) -> Journal:
    service: Service = state.service
    caller, _ = await identified(service, request)
    return Journal(service.database, caller.owner)


def _found(journal: Journal, run: str) -> RunRecord:
    none = ApiError(
        404,
        f"There is no run {run!r} of yours. GET /v1/runs lists them.",
        param="run_id",
        code="run_not_found",
    )
    if len(run.strip()) != ID_LENGTH:  # how one begins is enough on the command line, not for programs
        raise none
    try:
        return journal.get(run)
    except UserError as error:
        raise none from error


def _cancelled(journal: Journal, run: str) -> RunRecord:
    try:
        return journal.cancel(run)
    except UserError:
        return journal.get(run)  # it ended in the meantime


def _checked(asked: RunRequest, key: Key | None, model: str) -> RunRequest:
    """The request as it is kept; `model` is the one that modes work with. Raises `ApiError`."""
    try:
        checked_question(asked.question)
    except QuestionError as error:
        # Its hint is for the command line.
        raise ApiError(400, str(error), param="question", code="invalid_value") from error
    if context_bytes(asked) > MOST_CONTEXT_BYTES:
        told = (
            f"Instructions and history are larger than {MOST_CONTEXT_BYTES:,} bytes together. Shorten them."
        )
        raise ApiError(400, told, param="history", code="invalid_value")
    if len(asked.images) > MOST_PICTURES:
        told = f"{len(asked.images)} pictures came with the question: at most {MOST_PICTURES} are read."
        raise ApiError(400, told, param="images", code="too_many_images")
    if asked.images:
        check_readers()
    images = tuple(_inline_picture(url, at) for at, url in enumerate(asked.images))
    asked = msgspec.structs.replace(asked, images=images)
    mode = Mode.named(asked.mode)
    if key is not None and not key.grant.allows(mode=mode.value, model=model):
        raise ApiError(
            403, f"This key does not allow the mode {mode.value}.", param="mode", code="not_allowed"
        )
    if asked.tools and key is not None and key.role != "owner":
        raise ApiError(
            403, "Only keys of this server's owner may use its tools.", param="tools", code="not_allowed"
        )
    return msgspec.structs.replace(storable(asked), mode=mode.value)


def _inline_picture(url: str, at: int) -> str:
    if is_address(url):
        told = "A run is given the picture itself as 'data:image/png;base64,…', not its address."
        raise ApiError(400, told, param=f"images[{at}]", code="unsupported_parameter")
    return checked_url(url, f"images[{at}]")


def _created(service: Service, owner: str, question: str, kept: dict[str, Any]) -> RunRecord:
    journal = Journal(service.database, owner)
    if journal.open_runs() >= MOST_OPEN:
        raise ApiError(
            429,
            f"{MOST_OPEN} of your runs are not done yet. Wait for some of them.",
            code="too_many_runs",
            retry_after=5,
        )
    return journal.submit(question, kept)
