"""Which steps of a plan can be done now. Steps that need nothing from each other run side by side.

Two orders hold beside that of values: steps that act happen in the order in which they are written, after
everything that was written before them; and what is written behind one that acts sees its effect. If an
action fails or is refused, the actions behind it are not done; only a further plan may act after a failure
that it was made to mend. A sub-agent with a tool that acts is an action. A branch that was not taken stands
in nobody's way.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from pierian.agents.plan import Approve, Step, needs, used_tools
from pierian.agents.progress import Scope


class Schedule:
    """The steps of one scope in the order in which they become ready; `acts` tells which tools act."""

    def __init__(self, scope: Scope, acts: Callable[[str], bool]) -> None:
        self._scope = scope
        self._steps: dict[str, Step] = {step.id: step for step in scope.plan.steps}
        self._earlier = {step.id for step in scope.plan.steps[: scope.first]}
        self._hard: dict[str, set[str]] = {}
        self._behind: dict[str, str] = {}
        """The action that each action comes behind."""
        self._left: dict[str, int] = {}
        self._followers: dict[str, list[str]] = {}
        self._ready: deque[str] = deque()
        self._link(acts)

    def _link(self, acts: Callable[[str], bool]) -> None:
        barrier, since = "", list[str]()
        for step in self._scope.plan.steps:
            hard = {name for name in needs(step) if name in self._steps}
            soft = {barrier} if barrier else set[str]()
            if is_action(step, acts):
                self._behind[step.id] = barrier
                soft |= {*since}
                barrier, since = step.id, []
            else:
                if barrier and isinstance(self._steps[barrier], Approve):
                    self._behind[step.id] = barrier
                since.append(step.id)
            self._hard[step.id] = hard
            open_ones = {name for name in hard | soft if self._scope.steps[name].status == "waiting"}
            self._left[step.id] = len(open_ones)
            for name in open_ones:
                self._followers.setdefault(name, []).append(step.id)
            if not open_ones and self._scope.steps[step.id].status == "waiting":
                self._ready.append(step.id)

    def next(self) -> Step | None:
        """A step that has become ready, each once; None where none is."""
        return self._steps[self._ready.popleft()] if self._ready else None

    def settled(self, name: str) -> None:
        """Take into account that a step is done, has failed or was skipped."""
        for follower in self._followers.get(name, ()):
            self._left[follower] -= 1
            if not self._left[follower]:
                self._ready.append(follower)

    def obstacle(self, step: Step) -> str:
        """Why a ready step cannot be done, as a sentence; empty where it can."""
        if step.guard is not None:
            choice = self._scope.steps[step.guard.choice].value
            if choice is not None and choice.value != step.guard.option:
                return f"The choice {step.guard.choice} came to {choice.value!r}."
        for name in sorted(self._hard[step.id]):
            if self._scope.steps[name].status != "done":
                return f"It needs {name}, which was not done."
        if name := self._undone_before(step):
            return f"It comes after {name}, which was not done."
        return ""

    def _undone_before(self, step: Step) -> str:
        """The action before a step that keeps it from being done; empty where none does."""
        name = self._behind.get(step.id, "")
        while name:
            before = self._scope.steps[name]
            if before.status == "done":
                return ""
            newer = name in self._earlier and step.id not in self._earlier
            passed = before.mendable or before.status == "skipped" if newer else False
            if not passed and not self._scope.not_taken(self._steps[name]):
                return name
            name = self._behind[name]
        return ""


def is_action(step: Step, acts: Callable[[str], bool]) -> bool:
    """Whether a step changes something outside the run, or asks whether that may be done."""
    return isinstance(step, Approve) or any(acts(tool) for tool in used_tools(step))
