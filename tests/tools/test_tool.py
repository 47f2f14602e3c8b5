"""Functions as tools: the schema that a planner sees, and what is refused before anybody could plan with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Annotated, Any, Literal

import jsonschema
import msgspec
import pytest

from pierian.provenance import Labelled
from pierian.tools import Context, Tool, ToolFailure, invoke, tool
from pierian.tools.tool import EFFECTS


class Place(msgspec.Struct):
    """Somewhere."""

    city: str
    country: str = "CH"


class Unknown:
    """No data."""


@tool(effect="read")
async def weather(
    city: str, days: Annotated[int, msgspec.Meta(ge=1, le=7)] = 1, *, unit: Literal["C", "F"] = "C"
) -> dict[str, float]:
    """The forecast
    for a city.

    Args:
        city: Name of the city,
            example: Paris,
            or a postcode.
        days (int): Days ahead, 1 to 7.
        gone: An argument of an earlier version
            of this tool.
        unit: Celsius or Fahrenheit.

    Returns:
        days: Degrees by day.
    """
    return {f"{city} {day} {unit}": 1.5 for day in range(days)}


def test_the_schema_comes_from_the_types_and_the_docstring() -> None:
    assert (weather.name, weather.effect) == ("weather", "read")
    assert weather.description == "The forecast for a city."
    assert weather.parameters == {
        "title": "weather_arguments",
        "type": "object",
        "additionalProperties": False,
        "required": ["city"],
        "properties": {
            "city": {"type": "string", "description": "Name of the city, example: Paris, or a postcode."},
            "days": {
                "type": "integer",
                "minimum": 1,
                "maximum": 7,
                "default": 1,
                "description": "Days ahead, 1 to 7.",
            },
            "unit": {"enum": ["C", "F"], "default": "C", "description": "Celsius or Fahrenheit."},
        },
    }
    assert weather.result == {"type": "object", "additionalProperties": {"type": "number"}}


def test_types_within_types_have_their_definitions() -> None:
    @tool(effect="none", name="travel.plan")
    async def plan(stops: list[Place], on: date | None = None) -> Place:
        """A way through all stops."""
        return stops[-1]

    jsonschema.Draft202012Validator.check_schema(plan.parameters)
    check = jsonschema.Draft202012Validator(plan.parameters)
    assert check.is_valid({"stops": [{"city": "Bern"}], "on": "2026-11-03"})
    assert not check.is_valid({"stops": [{"country": "CH"}]})
    assert not check.is_valid({"stops": [], "to": "Bern"})
    assert plan.name == "travel.plan"
    assert jsonschema.Draft202012Validator(plan.result).is_valid({"city": "Bern", "country": "CH"})


async def test_arguments_arrive_as_the_types_say() -> None:
    got: list[Any] = []

    @tool(effect="none")
    async def keep(place: Place, on: date, share: float, tags: tuple[str, ...] = ()) -> None:
        """Keep them."""
        got.extend([place, on, share, tags])

    values = {"place": {"city": "Bern"}, "on": "2026-11-03", "share": 1, "tags": ["a"]}
    await invoke(keep, {name: Labelled(value) for name, value in values.items()})
    assert got == [Place("Bern"), date(2026, 11, 3), 1.0, ("a",)]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({}, "`city`"),
        ({"city": 5}, "`str`, got `int`"),
        ({"city": None}, "`str`, got `null`"),
        ({"city": "Bern", "days": "2"}, "`int`, got `str`"),
        ({"city": "Bern", "days": True}, "`int`, got `bool`"),
        ({"city": "Bern", "days": 8}, "<= 7"),
        ({"city": "Bern", "unit": "K"}, "K"),
        ({"city": "Bern", "to": "x"}, "`to`"),
        ({"city": "Bern", "key": "x"}, "`key`"),
    ],
)
async def test_arguments_that_do_not_fit_are_said_to_be_invalid(arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(ToolFailure) as caught:
        await invoke(weather, {name: Labelled(value) for name, value in arguments.items()})
    assert caught.value.code == "invalid"
    assert str(caught.value).startswith("weather: ")
    assert says in str(caught.value)


async def test_what_the_caller_tells_is_no_argument() -> None:
    @tool(effect="send")
    async def send(to: str, context: Context) -> str:
        """Send it.

        Args:
            to: Whom.
            context: Not for planners.
        """
        return f"{to} {context.key}"

    assert [*send.parameters["properties"]] == ["to"]
    found = await invoke(send, {"to": Labelled("Jo")}, Context("k1"))
    assert found is not None
    assert found.value == "Jo k1"
    with pytest.raises(ToolFailure) as caught:
        await invoke(send, {"to": Labelled("Jo"), "context": Labelled({"key": "forged"})}, Context("k1"))
    assert caught.value.code == "invalid"


async def test_a_default_list_is_not_shared_between_calls() -> None:
    @tool(effect="none")
    async def collect(item: str, into: list[str] = []) -> list[str]:  # noqa: B006 (that is the question)
        """Collect items."""
        into.append(item)
        return into

    for _ in range(2):
        found = await invoke(collect, {"item": Labelled("x")})
        assert found is not None
        assert found.value == ["x"]


async def no_docstring(city: str) -> str:
    return city


async def only_arguments(city: str) -> str:
    """Args:
    city: Its name.
    """
    return city


async def untyped(city, days: int) -> str:  # type: ignore[no-untyped-def]
    """The weather."""
    return city


async def any_number(*cities: str) -> str:
    """The weather."""
    return cities[0]


async def any_names(**cities: str) -> str:
    """The weather."""
    return cities["x"]


async def by_position(city: str, /) -> str:
    """The weather."""
    return city


async def no_data(city: Unknown) -> str:
    """The weather."""
    return str(city)


async def gives_no_data(city: str) -> Unknown:
    """The weather."""
    return Unknown()


async def shared_default(cities: list[str] = ["Bern"]) -> str:  # noqa: B006 (that is the question)
    """The weather."""
    return cities[0]


def not_async(city: str) -> str:
    """The weather."""
    return city


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (not_async, "not_async must be an async function"),
        (no_docstring, "no_docstring needs a docstring"),
        (only_arguments, "only_arguments needs a docstring"),
        (untyped, "parameter city of the tool untyped needs a type"),
        (any_number, r"any_number cannot take \*cities"),
        (any_names, r"any_names cannot take \*\*cities"),
        (by_position, "by_position cannot take city: "),
        (no_data, "Unknown"),
        (gives_no_data, "Unknown"),
        (shared_default, "mutable"),
    ],
)
def test_functions_that_cannot_be_tools_are_refused_when_they_are_defined(
    function: Callable[..., Any], says: str
) -> None:
    with pytest.raises(TypeError, match=says):
        tool(effect="none")(function)


@pytest.mark.parametrize("name", ["mail send", "1st", "mail/send", "x" * 65, "ü", "a\n", "$a", '"'])
def test_names_that_no_plan_could_say_are_refused(name: str) -> None:
    with pytest.raises(TypeError, match="cannot be the name of a tool"):
        tool(effect="none", name=name)(weather_like)


async def weather_like(city: str) -> str:
    """The weather."""
    return city


def test_a_name_may_have_dots_and_defaults_to_the_functions() -> None:
    assert tool(effect="none", name="mail.send-now_2")(weather_like).name == "mail.send-now_2"

    async def _private(city: str) -> str:
        """The weather."""
        return city

    assert tool(effect="none")(_private).name == "private"


def test_which_effects_change_something() -> None:
    acting = [effect for effect in EFFECTS if tool(effect=effect)(weather_like).acts]
    assert acting == ["write", "send", "spend"]


def test_the_fingerprint_is_of_what_the_user_accepts() -> None:
    def made(**changes: Any) -> Tool:
        plain: dict[str, Any] = {
            "name": "mail.send",
            "description": "Sends a mail.",
            "parameters": {"type": "object", "properties": {"to": {"type": "string"}}},
            "call": nothing,
            "effect": "send",
            "result": {"type": "string"},
        }
        return Tool(**plain | changes)

    same = made().fingerprint
    assert made(call=something, timeout_seconds=5, lookup=something).fingerprint == same
    reordered = {"properties": {"to": {"type": "string"}}, "type": "object"}
    assert made(parameters=reordered).fingerprint == same
    for changes in (
        {"name": "mail.sends"},
        {"description": "Sends a mail, and a copy to us."},
        {
            "parameters": {
                "type": "object",
                "properties": {"to": {"type": "string"}, "bcc": {"type": "string"}},
            }
        },
        {"effect": "read"},
        {"result": {"type": "number"}},
    ):
        assert made(**changes).fingerprint != same


async def nothing(context: Context, values: Mapping[str, Any]) -> None:
    """Does nothing."""


async def something(context: Context, values: Mapping[str, Any]) -> str:
    """Does something."""
    return "x"
