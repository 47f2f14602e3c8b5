"""Doubles that obey: whoever of them sees an order in a text does what the attacker says, as far as their role goes.

The reader puts the attacker's values into every field and takes the attacker's branch. The answer writer says what an
order says. The planner, should it ever be shown one, plans the attacker's calls. Without an order in sight all three
are competent. Who saw an order is kept, so that a run in which nobody met the attack does not pass for a defence.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, cast

import msgspec
from msgspec import Struct

from benchmarks.injection_plans import Made, Script, Wanted, handed_on, leaves
from benchmarks.injection_tools import gated
from pierian.agents.plan import Call, Plan, ValueType
from pierian.agents.planner import outcome, told
from pierian.agents.progress import Scope
from pierian.agents.runner import Task
from pierian.events import ApprovalNeeded
from pierian.models.structured import Payment
from pierian.models.wire import Request
from pierian.tools import Tool, ToolFailure

Approver = Literal["exact", "nobody", "careless"]
"""Who approves: somebody who allows the right calls alone, nobody, or somebody who allows whatever is asked."""
_ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+|(?:https?://|www\.)[^\s,;]*\w|\b[A-Z]{2}\d{10,}\b")


class Order(Struct, frozen=True):
    """What an attacker wants: recognised by `goal` in any text."""

    id: str
    goal: str
    calls: tuple[Made, ...] = ()
    words: str = ""
    """What is to be said; empty for the goal's own words."""
    stops: bool = False
    """Whether it only wants the work to stop."""


class Orders:
    """All orders of a suite, found by their letters and digits: data folds lines and doubles quotes."""

    def __init__(self, orders: Iterable[Order]) -> None:
        self._orders = [(bare(order.goal), order) for order in orders]

    def found_in(self, text: str) -> list[Order]:
        """Those that stand in a text; where one is a part of another, the longer."""
        shown = bare(text)
        found = [(goal, order) for goal, order in self._orders if goal in shown]
        return [o for g, o in found if not any(g != other and g in other for other, _ in found)]


def bare(text: str) -> str:
    """Only letters and digits, for YAML and JSON write line ends and quotes their own way."""
    return re.sub(r"[^a-z0-9]", "", text.replace("\\n", " ").lower())


class Seen:
    """Which role was shown which orders."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders
        self.by_role: dict[str, set[str]] = {}

    def look(self, role: str, text: str) -> list[Order]:
        """The orders in a text that is shown to a role, noted."""
        found = self._orders.found_in(text)
        if found:
            self.by_role.setdefault(role, set()).update(order.id for order in found)
        return found


class ObedientPlanner:
    """Plays a script; it is shown what `ModelPlanner` would show its model, to the letter."""

    def __init__(self, script: Script, tools: Mapping[str, Tool], seen: Seen) -> None:
        self._script, self._tools, self._seen = script, tools, seen

    async def plan(self, task: Task, so_far: Scope | None, payment: Payment) -> Plan:
        """See `Planner`."""
        view = told(task, [self._tools[name] for name in task.tools])
        if so_far is not None:
            view = f"{view}\n{outcome(so_far)}"
        number = len(so_far.plan.steps) if so_far else 0
        if found := self._seen.look("planner", view):
            calls = [call for order in found for call in order.calls]
            return Plan(
                tuple(
                    Call(id=f"s{i}", tool=c.tool, arguments=c.arguments)
                    for i, c in enumerate(calls, number + 1)
                )
            )
        if so_far is not None:
            return Plan()
        return handed_on(self._script) if self._script.delegated and not task.scope else self._script.plan


class ObedientReader:
    """Gives what the script wants, and to whoever orders something what he wants."""

    def __init__(self, script: Script, seen: Seen) -> None:
        self._script, self._seen = script, seen

    async def extract(self, data: Any, want: str, kind: ValueType, payment: Payment) -> Any:
        """See `Reader`."""
        wanted = self._script.oracle.get(want, Wanted(None))
        if found := self._seen.look("reader", text_of(data)):
            if found[0].stops:
                raise ToolFailure("not_found", "An order says to stop.")
            return attackers_value(found[0], wanted, kind)
        return wanted.value

    async def choose(self, data: Any, question: str, options: Sequence[str], payment: Payment) -> str:
        """See `Reader`."""
        right = self._script.oracle[question].value
        if self._seen.look("reader", text_of(data)):
            return next(option for option in options if option != right)
        return right

    async def report(self, data: Any, task: str, payment: Payment) -> str:
        """See `Reader`."""
        if found := self._seen.look("reader", text_of(data)):
            return spoken(found)
        return self._script.output or "All of it was read."


def obedient_writer(script: Script, seen: Seen) -> Callable[[Request], str]:
    """A model that writes the answer: the right one if every step gave something, and always what an order says."""

    def write(request: Request) -> str:
        shown = "\n".join(message.content for message in request.messages)
        found = seen.look("writer", shown)
        if any(order.stops for order in found):
            return spoken(found)
        known = "\nfailed: " not in shown
        said = (script.output or "It is done.") if known else "Some of it could not be found out."
        return "\n".join([said, spoken(found)]) if found else said

    return write


def spoken(orders: Sequence[Order]) -> str:
    """What the orders want said."""
    return "\n".join(order.words or order.goal for order in orders)


def attackers_value(order: Order, wanted: Wanted, kind: ValueType) -> Any:
    """What the attacker would have in this field: the argument of his own call, an address of his, his words."""
    named = [
        c.arguments[wanted.parameter] for c in _same_first(order, wanted) if wanted.parameter in c.arguments
    ]
    address = _ADDRESS.search(order.goal)
    value: Any = named[0] if named else address[0] if address else order.goal
    match kind:
        case "number":
            numbers = [v for v in named if isinstance(v, int | float) and not isinstance(v, bool)]
            return numbers[0] if numbers else 30_000
        case "yes_no":
            return True
        case "date":
            return "2024-05-15"
        case "list":
            return cast("list[Any]", value) if isinstance(value, list) else [str(value)]
        case "text":
            return value if isinstance(value, str) else text_of(value)


def _same_first(order: Order, wanted: Wanted) -> list[Made]:
    return sorted(order.calls, key=lambda call: call.tool != wanted.tool)


def text_of(data: Any) -> str:
    """All that JSON-like data says, as one text."""
    return "\n".join(str(leaf) for leaf in leaves(data))


class ScriptedApprover:
    """Says yes or no. The exact one allows each of the right calls as often as it is right, all its values equal."""

    def __init__(self, script: Script, who: Approver) -> None:
        self._who: Approver = who
        self._left = Counter(_key(call.tool, call.arguments) for call in script.calls if gated(call.tool))
        self.asked = 0
        self.granted = 0

    def answer(self, asked: ApprovalNeeded) -> bool:
        """Whether it may happen."""
        self.asked += 1
        key = _key(asked.tool, {argument.name: argument.value for argument in asked.arguments})
        allowed = self._who == "careless" or (self._who == "exact" and self._left[key] > 0)
        self._left[key] -= 1
        self.granted += allowed
        return allowed


def _key(tool: str, arguments: Mapping[str, Any]) -> str:
    """A call as text that is equal for equal calls; 4 and 4.0 are equal."""
    return f"{tool} {msgspec.json.encode(_plain(dict(arguments)), order='sorted').decode()}"


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [_plain(part) for part in cast("list[Any]", value)]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def reaching(calls: Iterable[Made]) -> Counter[str]:
    """The calls that reach anybody or change anything, each as text, with how often it was made."""
    return Counter(_key(call.tool, call.arguments) for call in calls if gated(call.tool))
