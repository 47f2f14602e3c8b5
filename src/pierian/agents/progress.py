"""Where a run is: what folding the events of its journal in order gives.

The same `apply` runs while the work is done and when a journal is read again after a crash, so both see one state. It
decides nothing and does nothing.
"""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct, field

from pierian.agents.plan import Plan, Step, from_dicts
from pierian.events import (
    ApprovalGiven,
    ApprovalNeeded,
    EffectIntended,
    Event,
    PlanMade,
    StepFailed,
    StepFinished,
    StepSkipped,
)
from pierian.provenance import Labelled

Status = Literal["waiting", "done", "failed", "skipped"]
_MENDABLE = ("invalid", "not_found", "unreachable", "timeout", "wrong_type", "too_large", "failed")


class StepProgress(Struct):
    """What is known of one step."""

    status: Status = "waiting"
    value: Labelled | None = None
    code: str = ""
    """Why it failed."""
    message: str = ""
    intended: str = ""
    """Key of the effect that was about to happen; empty where none was."""
    parts: dict[str, str] = field(default_factory=dict[str, str])
    """The same for each of several effects of one step, by their numbers."""
    approval: str = ""
    """Id of the approval that was asked for."""
    beside: dict[str, Any] = field(default_factory=dict[str, Any])
    """What the tool showed beside its arguments."""
    approved: bool | None = None
    confirmed: bool = False
    tokens: int = 0

    @property
    def begun(self) -> bool:
        """Whether an effect was about to happen."""
        return bool(self.intended or self.parts)

    @property
    def mendable(self) -> bool:
        """Whether it failed in a way that a further plan could mend."""
        return self.status == "failed" and self.code in _MENDABLE


class Scope(Struct):
    """A plan, all its rounds together, and how far it is."""

    plan: Plan = field(default_factory=Plan)
    entities: dict[str, Labelled] = field(default_factory=dict[str, Labelled])
    rounds: int = 0
    first: int = 0
    """Where the steps of the newest round begin."""
    steps: dict[str, StepProgress] = field(default_factory=dict[str, StepProgress])

    def value_of(self, name: str) -> Labelled | None:
        """The value of a step or an entity, None where it has none (yet)."""
        if name in self.steps:
            return self.steps[name].value
        return self.entities.get(name)

    def not_taken(self, step: Step) -> bool:
        """Whether a step belongs to a branch that was not taken."""
        while step.guard is not None and step.guard.choice in self.steps:
            guard = step.guard
            choice = self.steps[guard.choice]
            if choice.value is not None:
                return choice.value.value != guard.option
            if choice.status != "skipped":
                return False
            step = next(one for one in self.plan.steps if one.id == guard.choice)
        return False


class Progress:
    """All scopes of a run, by path; the run's own is the empty path."""

    def __init__(self) -> None:
        self.scopes: dict[str, Scope] = {}

    def apply(self, event: Event) -> None:
        """Take an event of the journal into account; any other event changes nothing."""
        match event:
            case PlanMade():
                self._plan_made(event)
            case StepFinished(step=path):
                step = self.step(path)
                step.status, step.confirmed, step.tokens = "done", event.confirmed, event.tokens
                step.value = Labelled(event.value, event.labels)
            case StepFailed(step=path, code=code, message=message):
                step = self.step(path)
                step.status, step.code, step.message = "failed", code, message
            case StepSkipped(step=path, reason=reason):
                step = self.step(path)
                step.status, step.message = "skipped", reason
            case EffectIntended(step=path, key=key, part=""):
                self.step(path).intended = key
            case EffectIntended(step=path, key=key, part=part):
                self.step(path).parts[part] = key
            case ApprovalNeeded(step=path, approval=approval, tool=tool, arguments=arguments):
                step = self.step(path)
                step.approval, step.beside = (
                    approval,
                    {a.name: a.value for a in arguments if a.source == tool},
                )
            case ApprovalGiven(step=path, approved=approved):
                self.step(path).approved = approved
            case _:
                pass

    def step(self, path: str) -> StepProgress:
        """The state of a step that a plan has; raises `KeyError` for any other."""
        scope, _, name = path.rpartition("/")
        return self.scopes[scope].steps[name]

    def _plan_made(self, event: PlanMade) -> None:
        scope = self.scopes.setdefault(event.scope, Scope())
        added: tuple[Step, ...] = from_dicts(event.steps).steps
        scope.first = len(scope.plan.steps)
        scope.plan = Plan((*scope.plan.steps, *added))
        scope.entities |= event.entities
        scope.rounds = event.round
        scope.steps |= {step.id: StepProgress() for step in added}


def path_of(scope: str, step: str) -> str:
    """The path of a step in a scope."""
    return f"{scope}/{step}" if scope else step
