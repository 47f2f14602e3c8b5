"""The words around what a request names, by which one quotation is told from another."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec import structs

from pierian.agents.entities import Known, find_entities
from pierian.agents.named_arguments import found_first, names_of, with_names
from pierian.agents.wording import unnamed, words_around
from pierian.tools import Tool

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ("Reply with 'Yes'", {"quote1": "Reply with …"}),
        (
            "Find the mail about 'Tea' and plan a meeting called 'Tea'",
            {"quote1": "mail about …; meeting called …"},
        ),
        ("Use its name as the title and 'Come!' in the mail", {"quote1": "… in the mail"}),
        ("Rename 'Tea' to 'Coffee'", {"quote1": "Rename …", "quote2": "'Tea' to …"}),
    ],
)
def test_words_around_quotations(request_: str, said: dict[str, str]) -> None:
    assert words_around(request_, find_entities(request_, now=NOW)) == said


KNOWN = tuple(
    Known("person", (name.lower(),), f"{name.lower()}@example.org")
    for name in ("Nadia", "Amir", "Akira", "Raj")
)


@pytest.mark.parametrize(
    ("request_", "senders", "receivers"),
    [
        ("Forward the last mail from Nadia to Amir and Akira", ["nadia"], ["amir", "akira"]),
        ("Forward the last mail from Nadia to Amir, Akira and Raj", ["nadia"], ["amir", "akira", "raj"]),
        ("Forward to Amir and Akira the last mail from Nadia", ["nadia"], ["amir", "akira"]),
        ("Amir and Akira need the last mail from Nadia about 'Tea'", ["nadia"], ["amir", "akira"]),
        ("Forward the mails from Nadia and Raj to Amir", ["nadia", "raj"], ["amir"]),
        ("Send Amir and Akira the last mail by Nadia", ["nadia"], ["amir", "akira"]),
        ("Forward Nadia's last mail to Amir", ["nadia"], ["amir"]),
    ],
)
def test_who_wrote_a_mail_does_not_get_it(request_: str, senders: list[str], receivers: list[str]) -> None:
    entities = find_entities(request_, now=NOW, known=KNOWN)
    names = names_of(request_, [one.name for one in entities], words_around(request_, entities))
    values = {f"${one.name}": str(one.value).partition("@")[0] for one in entities}
    arguments = {
        "sender": {"entities": ["person"], "near": r"from|by|sent|of|me|\S+'s"},
        "to": {
            "entities": ["person"],
            "near": "to|needs?|tell|ask|send|invite|for|with|and",
            "several": True,
        },
    }
    tool = a_tool("mail_forward", "send")
    tool = structs.replace(tool, parameters={"type": "object", "properties": arguments})
    taken = {
        name: [values[one] for one in schema["anyOf"][0]["enum"]]
        for name, schema in with_names({"properties": arguments}, tool, names, None)["properties"].items()
    }
    assert (taken["to"], [one for one in taken["sender"] if one in senders]) == (receivers, senders)


def test_what_is_named_is_left_out() -> None:
    request = "Mail ann@example.org about 'Tea' on Friday, please"
    assert unnamed(request, find_entities(request, now=NOW)) == "Mail … about 'Tea' on …, please"


def a_tool(name: str, effect: str, **said: Any) -> Tool:
    async def call(context: Any, arguments: Any) -> Any:
        return None

    to = {"type": "string", "entities": ["person"], "near": "to|with", "part": ["sender"]}
    schema = {"type": "object", "properties": {"to": to}, "required": ["to"]}
    return Tool(name=name, description="", parameters=schema, call=call, effect=effect, **said)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("request_", "first"),
    [
        ("Plan a meeting with the sender of the last mail", ["mail_search"]),
        ("Write to the attendees of my next event", ["mail_search"]),
        ("Write to Ann", []),
        ("Write to the team", []),
    ],
)
def test_who_is_meant_by_a_mail_is_found_first(request_: str, first: list[str]) -> None:
    tools = [
        a_tool("mail_send", "send"),
        a_tool("mail_search", "read"),
        a_tool("mail_reply", "send", finds="mail_search", found="message"),
    ]
    assert [tool.name for tool in found_first(tools, names_of(request_, [], {}, tools))] == first
