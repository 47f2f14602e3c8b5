"""The plan of a run as a tree of steps, folded from its events: what each does, how it stands, what it asks.

Steps of sub-agents stand behind the step that started them. What is to be approved is shown with everything in it
made visible that a person would not see. How a run is carried out is the business of `agents`; here it is only
told.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath
from typing import cast

import msgspec
from msgspec import Struct

from pierian.agents.plan import Call, describe, from_dicts
from pierian.characters import marked
from pierian.events import (
    ApprovalGiven,
    ApprovalNeeded,
    EffectIntended,
    Event,
    PlanMade,
    StepFailed,
    StepFinished,
    StepSkipped,
    StepStarted,
)
from pierian.exceptions import PlanError
from pierian.provenance import described
from pierian.webapp import words
from pierian.webapp.views import ApprovalView, ArgumentView, StepView

ARTIFACT_TOOL = "artifact_write"
MOST_MESSAGE = 300
MOST_ARGUMENT = 20_000
"""Characters of an argument that are shown to whoever approves; what is left out is counted."""


class _Step(Struct):
    what: str = ""
    state: str = "planned"
    source: str = ""
    tokens: int = 0
    message: str = ""
    approval: ApprovalView | None = None
    tool: str = ""
    page: str = ""


class Steps:
    """The steps of one run, in the order of the tree."""

    def __init__(self) -> None:
        self._steps: dict[str, _Step] = {}
        self._scopes: dict[str, list[str]] = {}

    @property
    def asking(self) -> bool:
        """Whether a step waits for somebody's yes."""
        return any(
            one.approval is not None and one.approval.state == "pending" for one in self._steps.values()
        )

    def count(self) -> tuple[int, int]:
        """How many steps have ended, of how many."""
        ended = sum(one.state not in ("planned", "working", "waiting") for one in self._steps.values())
        return ended, len(self._steps)

    def read(self, event: Event) -> bool:
        """Take an event of a plan into account; False for any other."""
        match event:
            case PlanMade():
                self._planned(event)
            case StepStarted(step=path, what=what):
                step = self._step(path)
                step.what, step.state = what, "working"
            case EffectIntended(step=path):
                self._step(path).state = "working"
            case StepFinished(step=path, value=value, labels=labels):
                step = self._step(path)
                step.state = "confirmed" if event.confirmed else "done"
                step.source, step.tokens = described(labels), event.tokens
                step.message = _short("" if value is None else _text(value))
                step.page = _page(step.tool, value)
            case StepFailed(step=path, code=code, message=message):
                step = self._step(path)
                step.state, step.message = code or "failed", _short(message)
            case StepSkipped(step=path, reason=reason):
                step = self._step(path)
                step.state, step.message = "skipped", _short(reason)
            case ApprovalNeeded():
                self._asked(event)
            case ApprovalGiven():
                self._answered(event)
            case _:
                return False
        return True

    def views(self, records: Sequence[StepView] = (), *, ended: bool = False) -> tuple[StepView, ...]:
        """The steps, where the run has ended with what its receipt says of them."""
        outcomes = {record.path: record for record in records}
        found = list[StepView]()
        for path, depth in self._in_order():
            step, record = self._steps[path], outcomes.get(path)
            state, approval = step.state, step.approval
            if ended and state in ("working", "waiting"):
                state = "planned"
            if ended and approval is not None and approval.state == "pending":
                approval = msgspec.structs.replace(approval, state="withdrawn")
            found.append(
                StepView(
                    path,
                    step.what or (record.what if record else ""),
                    record.state if record and ended else state,
                    depth,
                    step.source or (record.source if record else ""),
                    step.tokens or (record.tokens if record else 0),
                    step.message,
                    approval,
                    step.page,
                )
            )
        return tuple(found)

    def _step(self, path: str) -> _Step:
        """The step at a path; one that no plan named stands at the end of its scope."""
        if path not in self._steps:
            self._steps[path] = _Step()
            self._scopes.setdefault(path.rpartition("/")[0], []).append(path)
        return self._steps[path]

    def _in_order(self) -> list[tuple[str, int]]:
        """Paths and their depths, sub-agents unfolded; what hangs on no known step comes last."""
        found, left = dict[str, int](), [*reversed(self._scopes.get("", []))]
        while left:
            path = left.pop()
            if path in found:  # an empty path would hang on itself
                continue
            found[path] = path.count("/")
            left += reversed(self._scopes.get(path, []))
        return [*found.items(), *((path, path.count("/")) for path in self._steps if path not in found)]

    def _planned(self, event: PlanMade) -> None:
        try:
            steps = from_dicts(event.steps).steps
        except PlanError:
            return  # written by another version; its steps are named when they start
        for step in steps:
            known = self._step(f"{event.scope}/{step.id}" if event.scope else step.id)
            known.what, known.tool = describe(step), step.tool if isinstance(step, Call) else ""

    def _asked(self, event: ApprovalNeeded) -> None:
        step = self._step(event.step)
        arguments = tuple(
            ArgumentView(marked(one.name), _shown(one.text), marked(one.source)) for one in event.arguments
        )
        step.approval = ApprovalView(event.approval, event.tool, event.effect, event.reason, arguments)
        step.state = "waiting"

    def _answered(self, event: ApprovalGiven) -> None:
        step = self._step(event.step)
        if step.approval is not None and step.approval.id == event.approval:
            state = "approved" if event.approved else "rejected"
            step.approval = msgspec.structs.replace(step.approval, state=state, by=event.by)
        elif event.approved:
            step.message = words.allowed_by(event.by)
        if step.state == "waiting":
            step.state = "working"


def _shown(text: str) -> str:
    left_out = len(text) - MOST_ARGUMENT
    return marked(text) if left_out <= 0 else f"{marked(text[:MOST_ARGUMENT])}… {words.left_out(left_out)}"


def _page(tool: str, value: object) -> str:
    """The name of the artifact that a step wrote, if it wrote one."""
    if tool != ARTIFACT_TOOL or not isinstance(value, dict):
        return ""
    path = cast("dict[str, object]", value).get("path")
    return PurePath(path).name if isinstance(path, str) else ""


def _text(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value, enc_hook=repr).decode()


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= MOST_MESSAGE else f"{text[: MOST_MESSAGE - 1]}…"
