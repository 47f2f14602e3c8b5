"""The tools that fit a request are among the dozen, in the order of the user's list."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from tests.agents.desk import a_tool

from pierian.agents.shortlist import MOST_TOOLS, shortlist

FILLER = [a_tool(f"thing{n}", description=f"Handle the thing number {n}.") for n in range(60)]
WANTED = [
    a_tool("mail_send", description="Send a message to somebody."),
    a_tool("weatherForecast", description="What the sky will do."),
    a_tool("x", description="Convert currencies."),
    a_tool("y", description="Look.", parameters={"type": "object", "properties": {"folder": {}}}),
]
TOOLS = [*FILLER[:20], *WANTED, *FILLER[20:]]


def names(request: str) -> list[str]:
    return [tool.name for tool in shortlist(TOOLS, request)]


def test_words_of_name_description_and_arguments_find_a_tool_whatever_their_ending() -> None:
    assert "mail_send" in names("Please mail Ann")
    assert "mail_send" in names("three messages for Bob")
    assert "weatherForecast" in names("the forecast for Oslo")
    assert "x" in names("converting 3 EUR")
    assert "y" in names("what is in my folders?")


def test_rare_words_weigh_more_than_common_ones() -> None:
    assert "x" in names("handle the thing of the currency: handle, thing, number")


@given(request=st.text(), count=st.integers(0, 70))
def test_there_are_at_most_a_dozen_and_they_keep_their_order(request: str, count: int) -> None:
    tools = TOOLS[:count]
    found = shortlist(tools, request)
    assert len(found) == min(count, MOST_TOOLS)
    places = [tools.index(tool) for tool in found]
    assert places == sorted({*places})
