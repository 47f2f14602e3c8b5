"""The plan on the terminal: a tree whose steps light up as they run, sub-agents unfolded below their step.

While somebody is asked for approval the tree stands still, so that the question is not drawn over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pierian.cli.text import printable
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

if TYPE_CHECKING:
    from rich.console import Console
    from rich.live import Live
    from rich.tree import Tree

_MARKS = {
    "waiting": ("·", "dim"),
    "running": ("◦", "cyan"),
    "asking": ("?", "yellow"),
    "done": ("✓", "green"),
    "failed": ("✗", "red"),
    "skipped": ("–", "dim"),
}
_LONGEST = 100


class PlanTree:
    """Shows the plan of one run."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live: Live | None = None
        self._scopes: dict[str, list[str]] = {}
        self._what: dict[str, str] = {}
        self._state: dict[str, str] = {}
        self._detail: dict[str, str] = {}

    def show(self, event: Event) -> bool:
        """Show an event of a plan; False for any other."""
        match event:
            case PlanMade(scope=scope, steps=steps):
                self._plan(scope, steps)
            case StepStarted(step=step, what=what):
                self._what[step] = what
                self._set(step, "running")
            case EffectIntended(step=step):
                self._set(step, "running")
            case StepFinished(step=step, value=value, confirmed=confirmed):
                self._set(step, "done", f"{_short(value)}{' (read back)' if confirmed else ''}")
            case StepFailed(step=step, code=code, message=message):
                self._set(step, "failed", f"{code}: {message}" if message else code)
            case StepSkipped(step=step, reason=reason):
                self._set(step, "skipped", reason)
            case ApprovalNeeded(step=step):
                self._set(step, "asking")
            case ApprovalGiven(step=step, by=by, approved=approved):
                self._set(step, "running", f"{'allowed' if approved else 'refused'} by {by}")
            case _:
                return False
        return True

    def stop(self) -> None:
        """Leave the tree as it stands."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _plan(self, scope: str, steps: tuple[dict[str, object], ...]) -> None:
        from pierian.agents.plan import describe, from_dicts

        for step in from_dicts(steps).steps:
            path = f"{scope}/{step.id}" if scope else step.id
            self._scopes.setdefault(scope, []).append(path)
            self._what[path] = describe(step)
            self._state[path] = "waiting"
        self._refresh()

    def _set(self, step: str, state: str, detail: str = "") -> None:
        self._state[step], self._detail[step] = state, detail or self._detail.get(step, "")
        if state == "asking":
            self._refresh()
            self.stop()
            return
        self._refresh()

    def _refresh(self) -> None:
        from rich.live import Live

        if self._live is None:
            self._live = Live(console=self._console, refresh_per_second=8, vertical_overflow="visible")
            self._live.start()
        self._live.update(self._tree())

    def _tree(self) -> Tree:
        from rich.tree import Tree

        tree = Tree("plan", style="dim", guide_style="dim")
        self._add(tree, "")
        return tree

    def _add(self, tree: Tree, scope: str) -> None:
        from rich.text import Text

        for path in self._scopes.get(scope, []):
            mark, style = _MARKS[self._state[path]]
            name = path.rpartition("/")[2]
            line = Text.assemble((f"{mark} ", style), (f"{name} ", "dim"), _cut(self._what[path]))
            if detail := self._detail.get(path):
                line.append(f"  → {_cut(detail)}", style="dim")
            branch = tree.add(line, style="none")
            self._add(branch, path)


def _short(value: object) -> str:
    import msgspec

    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _cut(text: str) -> str:
    text = " ".join(printable(text).split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
