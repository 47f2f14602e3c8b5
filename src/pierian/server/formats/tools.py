"""Tools that come with a request, whatever its format: what may be offered, which one is to be called, and the calls
of an answer brought into a row. The schemas of their arguments are checked by `schemas`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from pierian.exceptions import StreamBroken
from pierian.models.wire import CallPiece, OfferedTool
from pierian.server.formats.fields import Fields, json_object, shown, wrong
from pierian.server.formats.schemas import check_schemas

MOST_TOOLS = 128
CHOICES = ("auto", "none", "required")
NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")


def tool(fields: Fields, schema: str) -> OfferedTool:
    """An offered tool from its name, description and the field that holds the schema of its arguments."""
    name = fields.needed("name")
    place = fields.path("name")
    if not NAME.fullmatch(name):
        raise wrong(place, f"The tool's name {shown(name)} must be 1 to 128 letters, digits, '_' and '-'.")
    if name in CHOICES:
        raise wrong(place, f"A tool cannot be called {name!r}, which is a tool choice: send another name.")
    parameters = fields.nested(schema)
    return OfferedTool(
        name, fields.text("description") or "", None if parameters is None else parameters.mapping()
    )


def offered(tools: Sequence[OfferedTool], param: str, schema: str) -> tuple[OfferedTool, ...]:
    """The tools of a request; raises `ApiError` where there are too many, two of one name, or a schema that is none.

    Args:
        param: The field that lists them.
        schema: Where each has the schema of its arguments, such as `function.parameters`.
    """
    if len(tools) > MOST_TOOLS:
        raise wrong(param, f"There are {len(tools)} tools: send at most {MOST_TOOLS}.")
    names = [found.name for found in tools]
    if double := next((name for name in names if names.count(name) > 1), ""):
        raise wrong(param, f"Two tools are called {double!r}: give each its own name.")
    check_schemas(
        [
            (found.parameters, f"{param}[{index}].{schema}")
            for index, found in enumerate(tools)
            if found.parameters is not None
        ],
        param,
    )
    return tuple(tools)


def chosen(choice: str, tools: Sequence[OfferedTool], param: str) -> str:
    """A tool choice for these tools; raises `ApiError` where it names none of them."""
    if choice not in CHOICES and choice not in {found.name for found in tools}:
        raise wrong(param, f"'{param}' names {shown(choice)}, which is not among the tools.")
    if choice == "required" and not tools:
        raise wrong(param, f"'{param}' asks for a call, but there are no tools: send 'tools' too.")
    return choice


def allowed(names: Iterable[str], tools: Sequence[OfferedTool], param: str) -> tuple[OfferedTool, ...]:
    """Those of the tools that a choice leaves."""
    wanted = {chosen(name, tools, param) for name in names} - set(CHOICES)
    return tuple(found for found in tools if found.name in wanted)


class InTurn:
    """Brings parts of calls into a row, one call after the other, for formats that write them so.

    Servers mostly send them in a row already. Where a part of another call comes while the arguments of one are not a
    whole object yet, it waits.
    """

    def __init__(self) -> None:
        self._current: int | None = None
        self._arguments = ""
        self._over: set[int] = set()
        self._waiting: list[CallPiece] = []

    def feed(self, piece: CallPiece) -> list[CallPiece]:
        """The parts that may go out now; raises `StreamBroken` where a part comes for a call that is over."""
        if piece.index in self._over:
            if not piece.arguments.strip():
                return []
            raise StreamBroken(
                f"The model server went on with call {piece.index} after it had begun something else."
            )
        if piece.index != self._current and (self._waiting or not self._whole()):
            self._waiting.append(piece)
            return []
        return [self._taken(piece)]

    def flush(self) -> list[CallPiece]:
        """All that waits, call after call. Nothing more may come for the calls that were begun."""
        order = dict.fromkeys(piece.index for piece in self._waiting)
        found = [self._taken(piece) for index in order for piece in self._waiting if piece.index == index]
        self._waiting = []
        if self._current is not None:
            self._over.add(self._current)
            self._current = None
        return found

    def _whole(self) -> bool:
        """Whether nothing is missing of the current call."""
        return self._current is None or json_object(self._arguments) is not None

    def _taken(self, piece: CallPiece) -> CallPiece:
        if piece.index != self._current:
            if self._current is not None:
                self._over.add(self._current)
            self._current, self._arguments = piece.index, ""
        self._arguments += piece.arguments
        return piece
