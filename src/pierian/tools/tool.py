"""What a tool is, and how a typed function becomes one.

    @tool(effect="read")
    async def weather(city: str, days: int = 1) -> str:
        \"\"\"The forecast for a city.

        Args:
            city: Name of the city.
            days: Days ahead, 1 to 7.
        \"\"\"

The schema of the arguments comes from the types, their descriptions from the docstring. A parameter of type
`Context` is filled by whoever calls. Tools that need settings (folders, a client) are made by functions that
close over them.
"""

from __future__ import annotations

import hashlib
import inspect
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Annotated, Any, Literal, get_args, get_type_hints

import msgspec
from msgspec import Struct

from pierian.provenance import Labelled

Effect = Literal["none", "read", "write", "send", "spend"]
"""`none`: computes from its arguments; `read`: looks something up; `write`: changes something of the user's here;
`send`: reaches another person or machine; `spend`: costs money."""
EFFECTS: tuple[Effect, ...] = get_args(Effect)

_ARGUMENT = re.compile(r"^\s{2,}(\w+)(?: \([^)]*\))?: (.+)$")
_NAME = re.compile(r"[A-Za-z][\w.\-]{0,63}")


class Context(Struct, frozen=True):
    """What a call is told beside its arguments."""

    key: str = ""
    """Idempotency key: the same for every try of one step. Pass it on to a receiver that understands such keys."""
    shown: Mapping[str, str] = {}
    """What whoever approved it was shown by `Tool.shows`; empty where nobody was asked."""

    def agreed(self, told: Mapping[str, str]) -> None:
        """Raise `ToolFailure` where something else is about to be done than was shown to whoever approved it."""
        differs = next((name for name in (*self.shown, *told) if self.shown.get(name) != told.get(name)), "")
        if self.shown and differs:
            from pierian.tools.failure import ToolFailure

            raise ToolFailure(
                "denied",
                f"What you approved has changed since, so nothing was done. It is no longer "
                f"{self.shown.get(differs, 'as it was')!r} but {told.get(differs, 'something else')!r}.",
                hint="Ask again.",
            )


Call = Callable[[Context, Mapping[str, Any]], Awaitable[Any]]


class Listing(Struct, frozen=True, kw_only=True):
    """How code tells a person what a tool found, where no model has to."""

    lines: Callable[[Any], Sequence[str]]
    """Of a result, a line for each thing that was found; none where nothing was."""
    nothing: str
    """A sentence for that case."""
    answers: str
    """A pattern of requests that are answered by this alone, from their beginning on."""


class Tool(Struct, frozen=True, kw_only=True):
    """A function that plans may call."""

    name: str
    description: str
    parameters: Mapping[str, Any]
    """JSON schema of an object with the arguments."""
    call: Call
    """Gets checked arguments; returns a JSON-like value, or `Labelled` where it knows the labels itself."""
    effect: Effect
    result: Mapping[str, Any] = msgspec.field(default_factory=dict[str, Any])
    """JSON schema of what it returns; empty for anything."""
    source: str = ""
    """Label of what it returns, such as `mcp:calendar`; empty for the tool's own name."""
    lookup: Call | None = None
    """Tells afterwards whether the call with `Context.key` took effect: its result, or None if it did not."""
    timeout_seconds: float = 30.0
    remote: bool = False
    """Whether its arguments leave this machine, though it changes nothing there."""
    always_asks: bool = False
    """Whether a person is asked even when all arguments are the user's own words."""
    finds: str = ""
    """Name of the reading tool that finds what this one acts on: planners say both in one call."""
    found: str = ""
    """The argument that takes the id of one that was found; it is called for each."""
    only: str = ""
    """A pattern of words that ask for it: a request that has those of other tools and not these does not mean it."""
    answer_in: str = ""
    """The part of its value that is the answer as it stands, in words that code wrote; empty for none."""
    about: str = ""
    """A pattern of words for what it acts on. It is not meant where the same words ask for something of another's."""
    listing: Listing | None = None
    checks: Call | None = None
    """Looks whether it can be done, once for all of its calls: before anybody is asked, and again before the first of
    them. Raises `ToolFailure` where it cannot; texts by their names that it gives are shown beside the arguments."""
    shows: Call | None = None
    """What whoever approves shall see beside the arguments: texts by their names, such as the sizes of files, or what
    is resolved only when it runs. Raises `ToolFailure` where the call cannot succeed, before anybody is asked. The
    call itself has to act on what was shown: it says what it is about to do to `Context.agreed`."""

    @property
    def acts(self) -> bool:
        """Whether it changes anything outside the run."""
        return self.effect in ("write", "send", "spend")

    @property
    def fingerprint(self) -> str:
        """Hash of what the user accepts when accepting it: name, description, schemas and effect."""
        said = [self.name, self.description, dict(self.parameters), dict(self.result), self.effect]
        return hashlib.sha256(msgspec.json.encode(said, order="sorted")).hexdigest()


def tool(
    *,
    effect: Effect,
    name: str = "",
    lookup: Call | None = None,
    timeout_seconds: float = 30.0,
    source: str = "",
    remote: bool = False,
    always_asks: bool = False,
    finds: str = "",
    found: str = "",
    only: str = "",
    about: str = "",
    listing: Listing | None = None,
    shows: Call | None = None,
) -> Callable[[Callable[..., Awaitable[Any]]], Tool]:
    """Make a tool of an async function; raises `TypeError` where it has no docstring or untyped parameters."""

    def make(function: Callable[..., Awaitable[Any]]) -> Tool:
        called = name or function.__name__.strip("_")
        _check(function, called)
        description, explained = _documentation(function)
        if not description:
            raise TypeError(f"The tool {called} needs a docstring: the planner chooses by it.")
        returned = get_type_hints(function).get("return", Any)
        arguments, call = _typed(function, called, explained)

        return Tool(
            name=called,
            description=description,
            parameters=object_schema(arguments),
            call=call,
            effect=effect,
            result=_result_schema(returned),
            source=source,
            lookup=lookup,
            timeout_seconds=timeout_seconds,
            remote=remote,
            always_asks=always_asks,
            finds=finds,
            found=found,
            only=only,
            about=about,
            listing=listing,
            shows=shows,
        )

    return make


def showing(function: Callable[..., Awaitable[Mapping[str, str]]]) -> Call:
    """`Tool.shows` of a typed function, whose parameters are some of the tool's."""
    return _typed(function, function.__name__, {}, some=True)[1]


def _typed(
    function: Callable[..., Awaitable[Any]], called: str, explained: Mapping[str, str], *, some: bool = False
) -> tuple[type[msgspec.Struct], Call]:
    """The type of a function's arguments, and calls of it with these; where it takes `some`, others are left out."""
    hints = get_type_hints(function, include_extras=True)
    hints.pop("return", None)
    arguments, context = _arguments_type(function, called, hints, explained, others=some)

    async def call(given: Context, values: Mapping[str, Any]) -> Any:
        try:
            typed = msgspec.convert(values, arguments)
        except msgspec.ValidationError as error:
            from pierian.tools.failure import ToolFailure

            raise ToolFailure("invalid", f"{called}: {error}.") from error
        keywords = {field: getattr(typed, field) for field in arguments.__struct_fields__}
        if context:
            keywords[context] = given
        return await function(**keywords)

    return arguments, call


def _check(function: Callable[..., Any], called: str) -> None:
    """Raise `TypeError` for a function that cannot be a tool of that name."""
    if not inspect.iscoroutinefunction(function):
        raise TypeError(f"{function.__name__} must be an async function to be a tool.")
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise TypeError(
                f"The tool {called} cannot take {parameter}: each argument needs a name of its own."
            )
    if not _NAME.fullmatch(called):
        raise TypeError(f"{called!r} cannot be the name of a tool.")


def object_schema(kind: type[Any]) -> dict[str, Any]:
    """The JSON schema of a struct type, its own definition at the top."""
    schema = msgspec.json.schema(kind)
    definitions = dict(schema.get("$defs", {}))
    if name := schema.get("$ref", "").removeprefix("#/$defs/"):
        top = definitions.pop(name)
        return {**top, "$defs": definitions} if definitions else top
    return schema


def _arguments_type(
    function: Callable[..., Any],
    called: str,
    hints: dict[str, Any],
    explained: Mapping[str, str],
    *,
    others: bool,
) -> tuple[type[msgspec.Struct], str]:
    """A struct with one field for each parameter, and the name of the context's parameter."""
    fields: list[Any] = []
    context = ""
    for parameter in inspect.signature(function).parameters.values():
        if parameter.name not in hints:
            raise TypeError(f"The parameter {parameter.name} of the tool {called} needs a type.")
        kind = hints[parameter.name]
        if kind is Context:
            context = parameter.name
            continue
        if text := explained.get(parameter.name):
            kind = Annotated[kind, msgspec.Meta(description=text)]
        if parameter.default is inspect.Parameter.empty:
            fields.append((parameter.name, kind))
        else:
            fields.append((parameter.name, kind, parameter.default))
    struct = msgspec.defstruct(f"{called}_arguments", fields, kw_only=True, forbid_unknown_fields=not others)
    return struct, context


def _documentation(function: Callable[..., Any]) -> tuple[str, dict[str, str]]:
    """The docstring's first paragraph, and what its `Args:` section says of each parameter."""
    head, _, rest = f"\n{inspect.getdoc(function) or ''}".partition("\nArgs:")
    names = inspect.signature(function).parameters
    explained: dict[str, str] = {}
    last = ""
    for line in rest.splitlines():
        if (found := _ARGUMENT.match(line)) and found[1] in names:
            last = found[1]
            explained[last] = found[2].strip()
        elif last and line.startswith("      "):
            explained[last] += f" {line.strip()}"
        elif line.strip() and not line.startswith(" "):
            break
        else:
            last = ""
    return " ".join(head.split()), explained


def _result_schema(returned: Any) -> dict[str, Any]:
    if returned in (Any, None, type(None), Labelled):
        return {}
    return msgspec.json.schema(returned)
