"""Which steps of a plan can be done now. Steps that need nothing from each other run side by side.

Two orders hold beside that of values: steps that act happen in the order in which they are written, after everything
that was written before them; and what is written behind one that acts sees its effect. If an action fails or is refused,
the actions behind it are not done.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from pierian.agents.plan import Approve, Call, Step, needs
from pierian.agents.progress import Scope


class Schedule:
    """The steps of one scope in the order in which they become ready; `acts` tells which tools act."""

    def __init__(self, scope: Scope, acts: Callable[[str], bool]) -> None:
        self._scope = scope
        self._steps: dict[str, Step] = {step.id: step for step in scope.plan.steps}
        self._hard: dict[str, set[str]] = {}
        self._left: dict[str, int] = {}
        self._followers: dict[str, list[str]] = {}
        self._ready: deque[str] = deque()
        self._link(acts)

    def _link(self, acts: Callable[[str], bool]) -> None:
        barrier, since = "", list[str]()
        for step in self._scope.plan.steps:
            hard = {name for name in needs(step) if name in self._steps}
            soft = {barrier} if barrier else set[str]()
            if isinstance(step, Approve) or (isinstance(step, Call) and acts(step.tool)):
                hard |= soft
                soft |= {*since}
                barrier, since = step.id, []
            else:
                if barrier and isinstance(self._steps[barrier], Approve):
                    hard.add(barrier)
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
        return ""
