"""The journal of runs: which there are, in what state, and every event of their plans in order.

Whoever works on a run holds a `Claim` with a fencing number, which grows each time somebody takes the run
over. Everything that is written under a claim checks that number in the same transaction, so a worker that
was only paused cannot write (and, by `workers`, not act) once another has its run. Nothing here knows what a
plan is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Literal, cast

import msgspec
from msgspec import Struct
from sqlalchemy import (
    JSON,
    ColumnElement,
    Connection,
    Row,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    true,
    type_coerce,
    update,
)
from sqlalchemy import cast as cast_to

from pierian.events import (
    ApprovalNeeded,
    DraftCancelled,
    DraftFinished,
    Event,
    StepFinished,
    decode,
    encode,
)
from pierian.exceptions import RunLost, UnknownName, UserError
from pierian.storage.database import Database
from pierian.storage.ids import ID_LENGTH, new_id, utc_now
from pierian.storage.tables import approvals, run_entries, runs, workers
from pierian.storage.words import clean

RunState = Literal["running", "waiting", "stopped", "failed", "done", "cancelled"]
"""`waiting`: for somebody's approval, and goes on when that is there; `stopped` by the user and `failed` on
the way: both go on when somebody says so; `done` and `cancelled` for good. Nobody works on a run that is not
`running`."""
ACTIVE: tuple[RunState, ...] = ("running", "waiting")
"""Under way, or to be as soon as somebody can."""
OPEN: tuple[RunState, ...] = (*ACTIVE, "stopped", "failed")

# What every step of a run executes is put together once: building it anew takes longer than carrying it out.
_HOLD = (
    update(runs)
    .where(
        runs.c.id == bindparam("held"), runs.c.fence == bindparam("under"), runs.c.state == bindparam("open")
    )
    .values(updated_at=bindparam("now"))
)
_ENTER = insert(run_entries)
_AT_ONCE = 1000
"""Ids in one query: databases take so many values and not many more."""


class RunRecord(Struct, frozen=True):
    """A run as it stands in the list."""

    id: str
    question: str
    request: dict[str, Any]
    state: RunState
    worker: str | None
    created_at: datetime
    updated_at: datetime
    owner: str


class Claim(Struct, frozen=True):
    """The right to go on with a run, as long as nobody takes it over."""

    run: str
    fence: int
    position: int
    """Where the next event goes."""


class Journal:
    """The runs of one owner, or for a worker everybody's (None). Ids may be given as any unique beginning."""

    def __init__(
        self, database: Database, owner: str | None = "local", *, clock: Callable[[], datetime] = utc_now
    ) -> None:
        self.database = database
        self.owner = owner
        self._clock = clock

    def create(self, question: str, request: dict[str, Any], worker: str) -> Claim:
        """A new run that `worker` works on."""
        return Claim(self._insert(question, request, "running", worker), 1, 0)

    def submit(self, question: str, request: dict[str, Any], *, run: str = "") -> RunRecord:
        """A new run that waits for a worker; `run` is its id where whoever asks has noted it already."""
        return self.get(self._insert(question, request, "waiting", None, run))

    def _insert(
        self, question: str, request: dict[str, Any], state: RunState, worker: str | None, run: str = ""
    ) -> str:
        with self.database.append() as connection:
            return self._enter(connection, question, request, state, worker, run or new_id())

    def submit_within(
        self, connection: Connection, question: str, request: dict[str, Any], *, run: str
    ) -> None:
        """As `submit`, inside a transaction of the caller."""
        self._enter(connection, question, request, "waiting", None, run)

    def _enter(
        self,
        connection: Connection,
        question: str,
        request: dict[str, Any],
        state: RunState,
        worker: str | None,
        run: str,
    ) -> str:
        now = self._clock()
        row = {
            "id": run,
            "owner": self.owner,
            "question": clean(question),
            "request": msgspec.json.encode(request).decode(),
            "state": state,
            "worker": worker,
            "fence": 1,
            "created_at": now,
            "updated_at": now,
        }
        connection.execute(insert(runs).values(row))
        return run

    def open_runs(self) -> int:
        """How many are under way or wait."""
        query = select(func.count()).select_from(runs).where(self._own(), runs.c.state.in_(ACTIVE))
        with self.database.read() as connection:
            return connection.execute(query).scalar_one()

    def _own(self) -> ColumnElement[bool]:
        return true() if self.owner is None else runs.c.owner == self.owner

    def get(self, run: str) -> RunRecord:
        """One run; raises `UnknownName` where no run or more than one begins so."""
        with self.database.read() as connection:
            return record(self._row(connection, run))

    def state(self, run: str) -> RunState:
        """The state of the run with this whole id, without reading the rest; raises `UnknownName`."""
        with self.database.read() as connection:
            found = connection.execute(select(runs.c.state).where(self._own(), runs.c.id == run)).scalar()
        if found is None:
            raise UnknownName("run", run, ())
        return cast(RunState, found)

    def owners(self, wanted: Sequence[str]) -> dict[str, str]:
        """Whose these runs are, by their whole ids."""
        with self.database.read() as connection:
            return {
                row.id: row.owner
                for at in range(0, len(wanted), _AT_ONCE)
                for row in connection.execute(
                    select(runs.c.id, runs.c.owner).where(runs.c.id.in_(wanted[at : at + _AT_ONCE]))
                )
            }

    def summaries(self, limit: int = 20) -> Sequence[RunRecord]:
        """The newest runs first, with no more of their requests than mode, tools and conversation.

        The rest may be large.
        """
        with self.database.read() as connection:
            # SQLite has functions for JSON in a text, PostgreSQL a type to which the text is turned.
            if connection.dialect.name == "sqlite":
                request = type_coerce(runs.c.request, JSON)
            else:
                request = cast_to(runs.c.request, JSON)
            columns = [column for column in runs.c if column is not runs.c.request]
            query = select(
                *columns, *(request[name].label(name) for name in ("mode", "tools", "conversation"))
            )
            query = query.where(self._own()).order_by(runs.c.id.desc()).limit(limit)
            return [
                _record(row, {"mode": row.mode, "tools": row.tools or [], "conversation": row.conversation})
                for row in connection.execute(query)
            ]

    def list(self, limit: int = 20, states: Sequence[RunState] = ()) -> list[RunRecord]:
        """The newest runs first."""
        query = select(runs).where(self._own()).order_by(runs.c.id.desc()).limit(limit)
        if states:
            query = query.where(runs.c.state.in_(states))
        with self.database.read() as connection:
            return [record(row) for row in connection.execute(query)]

    def events(self, run: str, after: int = -1) -> list[tuple[int, Event]]:
        """The events behind position `after`, with their positions."""
        c = run_entries.c
        query = select(c.position, c.event).where(c.run_id == run, c.position > after).order_by(c.position)
        with self.database.read() as connection:
            return [(row.position, decode(row.event)) for row in connection.execute(query)]

    def tokens_used(self, run: str) -> int:
        """Tokens that the steps and drafts of a run have taken as far as its events tell."""
        counted = (StepFinished, DraftFinished, DraftCancelled)
        return sum(event.tokens for _, event in self.events(run) if isinstance(event, counted))

    def claim(
        self, run: str, worker: str, *, instead_of: str | None = None, beats: int | None = None
    ) -> Claim:
        """Take a run that nobody works on, or that `instead_of`, known to be dead, worked on.

        Raises `UserError` where it has ended or somebody works on it; with `beats`, the count at which the heart of
        `instead_of` was seen to stand still, also where it has beaten since.
        """
        with self.database.append() as connection:
            found = self._row(connection, run)
            run = found.id
            taken = connection.execute(
                update(runs)
                .where(
                    runs.c.id == run,
                    runs.c.state.in_(OPEN),
                    runs.c.worker.is_(None) if instead_of is None else runs.c.worker == instead_of,
                )
                .values(worker=worker, fence=runs.c.fence + 1, state="running", updated_at=self._clock())
            )
            if not taken.rowcount:
                raise _cannot_claim(self._row(connection, run))
            # The run's row is locked by now: if that worker lives after all, it asks behind this transaction.
            lives = select(workers.c.beats).where(workers.c.id == instead_of, workers.c.beats != beats)
            if beats is not None and connection.execute(lives).first() is not None:
                raise _cannot_claim(self._row(connection, run))
            fence = connection.execute(select(runs.c.fence).where(runs.c.id == run)).scalar_one()
            last = connection.execute(
                select(func.max(run_entries.c.position)).where(run_entries.c.run_id == run)
            ).scalar()
        return Claim(run, fence, 0 if last is None else last + 1)

    def append(self, claim: Claim, events: Sequence[Event], *, durable: bool = False) -> Claim:
        """Write events at the claim's position and return the claim behind them; raises `RunLost`.

        All of them are written or none. `durable` waits until they are on the disk itself, so that they also outlast
        a loss of power.
        """
        rows = [
            {"run_id": claim.run, "position": claim.position + index, "event": encode(event)}
            for index, event in enumerate(events)
        ]
        with self.database.append(durable=durable) as connection:
            self._hold(connection, claim)
            if rows:
                connection.execute(_ENTER, rows)
            for event in events:
                if isinstance(event, ApprovalNeeded):
                    self._ask(connection, claim.run, event)
        return Claim(claim.run, claim.fence, claim.position + len(rows))

    def release(self, claim: Claim, state: RunState) -> None:
        """Stop working on it, in `state`; raises `RunLost`. What it still asks when it has ended needs no answer."""
        with self.database.append() as connection:
            self._hold(connection, claim)
            if state not in OPEN:
                self._withdraw(connection, claim.run)
            connection.execute(
                update(runs)
                .where(runs.c.id == claim.run)
                .values(state=state, worker=None, updated_at=self._clock())
            )

    def abandon(self, run: str, worker: str) -> None:
        """Note that `worker`, which is dead, no longer works on a run; nothing where it does not."""
        with self.database.append() as connection:
            connection.execute(
                update(runs)
                .where(runs.c.id == run, runs.c.worker == worker, runs.c.state == "running")
                .values(worker=None, state="stopped", fence=runs.c.fence + 1, updated_at=self._clock())
            )

    def cancel(self, run: str) -> RunRecord:
        """End a run for good, whoever works on it; raises `UserError` where it has ended already."""
        with self.database.append() as connection:
            run = self._row(connection, run).id
            ended = connection.execute(
                update(runs)
                .where(runs.c.id == run, runs.c.state.in_(OPEN))
                .values(state="cancelled", worker=None, fence=runs.c.fence + 1, updated_at=self._clock())
            )
            found = record(self._row(connection, run))
            if not ended.rowcount:
                raise UserError(f"The run {run} is {found.state} already.")
            self._withdraw(connection, run)
        return found

    def delete(self, run: str) -> None:
        """Delete a run that has ended, with its events and approvals."""
        with self.database.append() as connection:
            found = record(self._row(connection, run))
            gone = connection.execute(delete(runs).where(runs.c.id == found.id, runs.c.state.not_in(ACTIVE)))
            if not gone.rowcount:
                state = self._row(connection, found.id).state
                raise UserError(
                    f"The run {found.id} is {state}.", hint=f"pierian runs cancel {found.id} ends it."
                )

    def unattended(self, dead: Sequence[str]) -> list[tuple[str, str | None]]:
        """Runs to go on with: those of dead workers (with the worker), and those whose approvals were all answered,
        the oldest first.

        A worker that is not listed is dead too: it ended without giving its runs back.
        """
        own = self._own()
        asked = select(approvals.c.run_id).where(approvals.c.state == "pending")
        with self.database.read() as connection:
            left = connection.execute(
                select(runs.c.id, runs.c.worker)
                .where(
                    own,
                    runs.c.state == "running",
                    or_(runs.c.worker.in_(dead), runs.c.worker.not_in(select(workers.c.id))),
                )
                .order_by(runs.c.id)
            ).all()
            answered = connection.execute(
                select(runs.c.id)
                .where(own, runs.c.state == "waiting", runs.c.id.not_in(asked))
                .order_by(runs.c.id)
            ).all()
        return [(row.id, row.worker) for row in left] + [(row.id, None) for row in answered]

    def _hold(self, connection: Connection, claim: Claim) -> None:
        """Make sure that the claim still holds, until the end of the transaction."""
        given = {"held": claim.run, "under": claim.fence, "open": "running", "now": self._clock()}
        held = connection.execute(_HOLD, given)
        if not held.rowcount:
            raise RunLost(claim.run)

    def _ask(self, connection: Connection, run: str, event: ApprovalNeeded) -> None:
        row = {
            "id": event.approval,
            "run_id": run,
            "step": event.step,
            "asked": encode(event),
            "state": "pending",
            "created_at": self._clock(),
        }
        connection.execute(insert(approvals).values(row))

    def _withdraw(self, connection: Connection, run: str) -> None:
        connection.execute(
            update(approvals)
            .where(approvals.c.run_id == run, approvals.c.state == "pending")
            .values(state="cancelled", answered_at=self._clock())
        )

    def _row(self, connection: Connection, run: str) -> Row[Any]:
        prefix, c = clean(run.strip().lower()), runs.c
        # LIKE refuses very long patterns.
        fits = c.id.startswith(prefix, autoescape=True) if len(prefix) < ID_LENGTH else c.id == prefix
        query = select(runs).where(self._own(), fits)
        found: Sequence[Row[Any]] = connection.execute(query.order_by(c.id).limit(2)).all() if prefix else ()
        if len(found) == 1:
            return found[0]
        if found:
            raise UserError(f"More than one run begins with {run!r}.", hint="Give more of its id.")
        known = connection.execute(select(runs.c.id).where(self._own()).order_by(runs.c.id.desc()).limit(5))
        raise UnknownName("run", run, [row.id for row in known])


def record(row: Row[Any]) -> RunRecord:
    """The run of a row."""
    return _record(row, msgspec.json.decode(row.request))


def _record(row: Row[Any], request: dict[str, Any]) -> RunRecord:
    return RunRecord(
        row.id,
        row.question,
        request,
        row.state,
        row.worker,
        row.created_at,
        row.updated_at,
        row.owner,
    )


def _cannot_claim(found: Row[Any]) -> UserError:
    if found.state not in OPEN:
        return UserError(f"The run {found.id} is {found.state}: there is nothing to go on with.")
    return UserError(
        f"The run {found.id} is being worked on by another process.",
        hint=f"pierian runs watch {found.id} shows what it does; pierian runs cancel {found.id} ends it.",
    )
