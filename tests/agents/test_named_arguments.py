"""Which names a planner may write into an argument, by what the tool says belongs there."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import jsonschema
import msgspec
import pytest

from pierian.agents.named_arguments import asked_for, fitting, in_own_words, names_of, part_meant
from pierian.agents.plan_schema import plan_schema
from pierian.agents.planner import told
from pierian.agents.runner import Task
from pierian.provenance import USER, Labelled
from pierian.tools import Tool, ToolFailure, tool


def of(kind: Any, **said: Any) -> Any:
    return Annotated[kind, msgspec.Meta(extra_json_schema=said)]


When = of(str, entities=["date", "range"])
Person = of(str, entities=["person"], words="instead")
Called = of(str, entities=["quote"], words="always")
People = of(list[str] | str, entities=["person"], several=True)
Which = of(Literal["all", "last"], said={"last": "last|latest", "all": "all|every"})


@tool(effect="read")
async def look(
    which: Which, when: When = "", person: Person = "", called: Called = "", people: People = ""
) -> str:
    """Look."""
    return ""


def allows(arguments: dict[str, Any], names: list[str], request: str = "") -> bool:
    found = names_of(request, names, {})
    schema = plan_schema([fitting(look, found)], names=found)
    steps = {"steps": [{"call": "look", "arguments": {"which": "all"} | arguments}]}
    return jsonschema.Draft202012Validator(schema).is_valid(steps)


@pytest.mark.parametrize(
    ("arguments", "names", "allowed"),
    [
        ({"when": "$date1"}, ["date1"], True),
        ({"when": "$person1"}, ["date1", "person1"], False),
        ({"when": "2026-12-24"}, ["date1"], False),
        ({"when": "$s1.day"}, ["date1"], False),
        ({"when": "2026-12-24"}, [], False),  # nothing was found, so nothing is asked for
        ({"person": "$person1"}, ["person1"], True),
        ({"person": "Dr. Lee"}, ["person1"], False),
        ({"person": "Dr. Lee"}, [], True),
        ({"person": "$today"}, [], False),
        ({"called": "$quote1"}, ["quote1"], True),
        ({"called": "the review"}, ["quote1"], True),
        ({"called": "$person1"}, ["quote1", "person1"], False),
        ({"people": ["$person1", "$person2"]}, ["person1", "person2"], True),
        ({"people": ["$date1"]}, ["person1", "date1"], False),
    ],
)
def test_names_stand_where_they_belong(arguments: dict[str, Any], names: list[str], allowed: bool) -> None:
    assert allows(arguments, names) is allowed


def test_one_of_several_is_taken_from_the_words() -> None:
    assert allows({"which": "last"}, [], "my latest mail")
    assert not allows({"which": "all"}, [], "my latest mail")
    assert allows({"which": "all"}, [], "my mail")
    assert not allows({"which": "sideways"}, [], "my mail")


def test_today_is_offered_where_it_is_named() -> None:
    assert names_of("What is on today?", ["today", "date1"], {}).names == ("today", "date1")
    assert names_of("What is on?", ["today", "date1"], {}).names == ("date1",)


def test_lengths_are_shown_where_a_tool_takes_them() -> None:
    @tool(effect="read")
    async def wait(how_long: of(str, entities=["duration"])) -> str:
        """Wait."""
        return how_long

    task = Task("Look for an hour", ("look",), {"duration1": Labelled("PT1H", USER)})
    assert "duration1" not in told(task, [look])
    assert "$duration1 = PT1H" in told(task, [wait])


def test_other_tools_are_as_they_were() -> None:
    @tool(effect="read")
    async def plain(text: str = "") -> str:
        """Plain."""
        return text

    made: Tool = plain
    found = names_of("last", ["date1"], {})
    assert fitting(made, found) is made
    assert plan_schema([made], names=found) == plan_schema([made])


@pytest.mark.parametrize(
    ("said", "arguments", "allowed"),
    [
        (
            {"person1": "Forward Ann 's", "person2": "mail to Bob"},
            {"to": "$person2", "sender": "$person1"},
            True,
        ),
        ({"person1": "Forward Ann 's", "person2": "mail to Bob"}, {"sender": "$person2"}, False),
        (
            {"person1": "Ann needs", "person2": "mails from Bob today"},
            {"to": "$person1", "sender": "$person2"},
            True,
        ),
        ({"person1": "Ann needs", "person2": "mails from Bob today"}, {"sender": "$person1"}, False),
        ({"person1": "Ann and", "person2": "and Bob need"}, {"to": ["$person1", "$person2"]}, True),
        ({"person1": "Ann and", "person2": "and Bob need"}, {"sender": "$person2"}, False),
    ],
)
def test_people_are_told_apart_by_the_words_around(
    said: dict[str, str], arguments: dict[str, Any], allowed: bool
) -> None:
    @tool(effect="send")
    async def forward(
        sender: of(str, entities=["person"], near="from|by") = "",
        to: of(list[str] | str, entities=["person"], near="to|needs?", several=True) = "",
    ) -> str:
        """Forward."""
        return ""

    names = names_of("", [*said], said)
    schema = plan_schema([fitting(forward, names)], names=names)
    steps = {"steps": [{"call": "forward", "arguments": arguments}]}
    assert jsonschema.Draft202012Validator(schema).is_valid(steps) is allowed


def required(tool_: Tool, request: str, said: dict[str, str], *names: str) -> list[str]:
    return list(fitting(tool_, names_of(request, [*names], said)).parameters["required"])


def test_what_was_named_has_to_be_used() -> None:
    @tool(effect="read")
    async def find(
        which: Which,
        when: When = "",
        with_person: of(str, entities=["person"], near="with") = "",
        called: Called = "",
    ) -> str:
        """Find."""
        return ""

    assert required(find, "", {}) == ["which"]
    assert required(find, "", {}, "date1") == ["which", "when"]
    assert required(find, "", {"person1": "meeting with Ann"}, "person1") == ["which", "with_person"]
    assert required(find, "", {"person1": "tell Ann that"}, "person1") == ["which"]
    assert required(find, "", {}, "quote1") == ["which"]


def test_what_is_of_no_use_is_not_offered() -> None:
    @tool(effect="read")
    async def read(unread: of(bool, only="unread|new") = False) -> str:
        """Read."""
        return ""

    offered_ = [
        [*fitting(read, names_of(request, [], {})).parameters["properties"]]
        for request in ("My mail", "My unread mail", "Renewed mail")
    ]
    assert offered_ == [[], ["unread"], []]


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ({"sender": "ann@example.org", "subject": "Tea"}, "ann@example.org"),
        (
            [{"sender": "ann@example.org"}, {"sender": "bob@example.org"}],
            ["ann@example.org", "bob@example.org"],
        ),
        (
            [{"with_people": ["ann@example.org", "bob@example.org"]}, {"with_people": ["ann@example.org"]}],
            ["ann@example.org", "bob@example.org"],
        ),
        ("ann@example.org", "ann@example.org"),
        ([{"title": "Tea"}], [{"title": "Tea"}]),
        (["ann@example.org"], ["ann@example.org"]),
    ],
)
def test_of_a_record_the_part_is_taken_that_is_meant(value: Any, meant: Any) -> None:
    @tool(effect="send")
    async def send(to: of(str, part=["sender", "with_people"]), title: str) -> str:
        """Send."""
        return ""

    assert part_meant(send, "to", value) == meant
    assert part_meant(send, "title", value) == value


@pytest.mark.parametrize("value", [[], [{"sender": []}]])
def test_nobody_takes_the_place_of_somebody_who_was_not_found(value: Any) -> None:
    @tool(effect="send")
    async def send(to: of(str, part=["sender"])) -> str:
        """Send."""
        return ""

    with pytest.raises(ToolFailure) as caught:
        part_meant(send, "to", value)
    assert caught.value.code == "not_found"


def test_things_are_looked_for_in_the_words_of_the_request() -> None:
    @tool(effect="read")
    async def find(called: of(str, words="always"), when: str = "") -> str:
        """Find."""
        return ""

    names = names_of(
        "The invoices of the first event on …", [], {}, [find], "The invoices of the first event on …"
    )
    for written, kept in (
        ("first event on December 1", "first event on"),
        ("invoice", "invoice"),
        ("invoices - invoices -", "invoices"),
        ("$quote1", "$quote1"),
    ):
        assert in_own_words(find, {"called": written, "when": "$date1"}, names) == {
            "called": kept,
            "when": "$date1",
        }
    assert in_own_words(find, {"called": "rocket"}, names) == {}


def test_what_only_narrows_a_choice_leaves_it_where_nothing_fits() -> None:
    @tool(effect="read")
    async def find(when: of(str, entities=["date"], prefers="from")) -> str:
        """Find."""
        return ""

    def offered(said: dict[str, str]) -> Any:
        names = names_of("", ["date1", "date2"], said, [find])
        schema = plan_schema([find], names=names)["properties"]["steps"]["items"]["anyOf"][0]
        return schema["properties"]["arguments"]["properties"]["when"]["anyOf"][0]["enum"]

    assert offered({"date1": "for …", "date2": "mail from …"}) == ["$date2"]
    assert offered({"date1": "for …", "date2": "on …"}) == ["$date1", "$date2"]


@pytest.mark.parametrize(
    ("request_", "tools"),
    [
        ("Delete all my meetings with Sam", ["events_cancel"]),
        ("Delete all mails from Sam", ["mail_delete"]),
        ("Delete everything from Sam", ["events_cancel", "mail_delete"]),
        ("Delete the mail about the meeting", ["events_cancel", "mail_delete"]),
        ("Cancel the meeting with Sam and trash what he wrote", ["events_cancel", "mail_delete"]),
        ("Cancel my meetings and tell Sam", ["events_cancel", "mail_send"]),
    ],
)
def test_the_same_words_ask_for_what_the_request_is_about(request_: str, tools: list[str]) -> None:
    def acting(name: str, only: str, about: str = "") -> Tool:
        async def call(context: Any, arguments: Any) -> Any:
            return None

        return Tool(
            name=name, description="", parameters={}, call=call, effect="send", only=only, about=about
        )

    every = [
        acting("events_cancel", "cancel|delete|clear", "meetings?|events?"),
        acting("mail_delete", "delete|trash", "e-?mails?|mails?"),
        acting("mail_send", "send|tell"),
    ]
    assert [tool.name for tool in asked_for(every, request_)] == tools
