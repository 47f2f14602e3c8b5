"""Approvals: what waits for a person's yes or no, across all runs. Each is answered once."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import Struct
from sqlalchemy import select, update

from pierian.events import ApprovalNeeded, decode
from pierian.exceptions import UnknownName, UserError
from pierian.runs.journal import OPEN
from pierian.storage.database import Database
from pierian.storage.ids import utc_now
from pierian.storage.tables import approvals, runs

ApprovalState = Literal["pending", "approved", "rejected", "cancelled"]


class Approval(Struct, frozen=True):
    """One question to the user."""

    id: str
    run: str
    asked: ApprovalNeeded
    state: ApprovalState
    created_at: datetime


class Approvals:
    """The approvals of one owner's runs. Ids may be given as any unique beginning."""

    def __init__(self, database: Database, owner: str = "local") -> None:
        self.database = database
        self.owner = owner

    def list(self, *, pending: bool = True) -> list[Approval]:
        """Those of all runs, the oldest first."""
        query = (
            select(approvals).join(runs).where(runs.c.owner == self.owner).order_by(approvals.c.created_at)
        )
        if pending:
            query = query.where(approvals.c.state == "pending")
        with self.database.read() as connection:
            rows = connection.execute(query).all()
        found: list[Approval] = []
        for row in rows:
            asked = decode(row.asked)
            assert isinstance(asked, ApprovalNeeded)
            found.append(Approval(row.id, row.run_id, asked, row.state, row.created_at))
        return found

    def get(self, approval: str) -> Approval:
        """One approval; raises `UnknownName` where none or more than one begins so."""
        known = self.list(pending=False)
        matching = [one for one in known if approval and one.id.startswith(approval.lower())]
        if len(matching) != 1:
            if matching:
                raise UserError(
                    f"More than one approval begins with {approval!r}.", hint="Give more of its id."
                )
            raise UnknownName("approval", approval, [one.id for one in known if one.state == "pending"])
        return matching[0]

    def answer(self, approval: str, *, approved: bool) -> Approval:
        """Approve or reject; raises `UserError` where it was answered before or its run has ended."""
        found = self.get(approval)
        state: ApprovalState = "approved" if approved else "rejected"
        open_runs = select(runs.c.id).where(runs.c.state.in_(OPEN))
        with self.database.append() as connection:
            changed = connection.execute(
                update(approvals)
                .where(
                    approvals.c.id == found.id,
                    approvals.c.state == "pending",
                    approvals.c.run_id.in_(open_runs),
                )
                .values(state=state, answered_at=utc_now())
            )
        if not changed.rowcount:
            now = self.get(found.id)
            ended = f"is {now.state} already" if now.state != "pending" else "belongs to a run that has ended"
            raise UserError(f"The approval {now.id} {ended}; nothing was changed.")
        return Approval(found.id, found.run, found.asked, state, found.created_at)

    def states(self, run: str) -> dict[str, ApprovalState]:
        """The state of each approval of a run."""
        query = select(approvals.c.id, approvals.c.state).where(approvals.c.run_id == run)
        with self.database.read() as connection:
            return {row.id: row.state for row in connection.execute(query)}
