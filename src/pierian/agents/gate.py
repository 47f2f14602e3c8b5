"""The wall between what untrusted text says and what is done: may this call happen, or must a person be asked?

- A tool that changes nothing and whose arguments stay on this machine may always be called.
- Arguments that leave the machine count as an effect when anybody but the user (or a model that saw only the user's
  words) had a hand in them: an address or a search can carry data out.
- A tool that acts is called at once when all its arguments are the user's own; otherwise a person is asked.
- Tools that spend, and those that always ask (writing files), ask in any case.
- A standing rule of the user's answers instead of the person.

This module is pure: it reads labels, not contents.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from pierian.provenance import Labelled, Origin, described, from_user
from pierian.runs.rules import Rule
from pierian.tools import Tool


class Allowed(Struct, frozen=True):
    """It may happen; `by` is the rule that says so, empty where none is needed."""

    by: str = ""


class Ask(Struct, frozen=True):
    """A person has to say yes, for this reason."""

    reason: str


def verdict(tool: Tool, arguments: Mapping[str, Labelled], rules: Sequence[Rule]) -> Allowed | Ask:
    """Whether a call may happen at once."""
    reason = _reason(tool, arguments)
    if not reason:
        return Allowed()
    for rule in rules:
        if rule.allows(tool.name, arguments):
            return Allowed(rule.text)
    return Ask(reason)


def _reason(tool: Tool, arguments: Mapping[str, Labelled]) -> str:
    if tool.effect == "spend":
        return "It costs money."
    if tool.always_asks:
        return "It changes your files."
    if tool.acts:
        foreign = {name: a for name, a in arguments.items() if not from_user(a.labels)}
        return _told("It acts on what is not your own words", foreign) if foreign else ""
    if tool.remote:
        foreign = {
            name: a for name, a in arguments.items() if any(x.origin is Origin.EXTERNAL for x in a.labels)
        }
        return _told("It would send data from elsewhere off this machine", foreign) if foreign else ""
    return ""


def _told(what: str, foreign: Mapping[str, Labelled]) -> str:
    return f"{what}: {', '.join(f'{name} ({described(a.labels)})' for name, a in foreign.items())}."
