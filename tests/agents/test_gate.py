"""The wall: what may be called at once, and what a person is asked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.agents.desk import a_tool

from pierian.agents.gate import Allowed, Ask, verdict
from pierian.provenance import MODEL, NOBODY, USER, Label, Labelled, Labels, Origin, external
from pierian.runs.rules import parse_rule
from pierian.tools import Effect, Tool
from pierian.tools.tool import EFFECTS

EVIL = external("host:evil.example")
CONTACTS = external("contacts")
WRITERS = st.frozensets(
    st.sampled_from([Label(Origin.USER), Label(Origin.MODEL), Label(Origin.EXTERNAL, "page")])
)


def asked(tool: Tool, labels: Labels, *rules: str) -> Ask | Allowed:
    return verdict(tool, {"to": Labelled("x@example.org", labels)}, [parse_rule(rule) for rule in rules])


@given(effect=st.sampled_from(EFFECTS), labels=WRITERS, remote=st.booleans(), always=st.booleans())
def test_nothing_acts_on_anything_but_the_users_words_unasked(
    effect: Effect, labels: Labels, remote: bool, always: bool
) -> None:
    tool = Tool(
        name="t",
        description="d",
        parameters={},
        call=a_tool("t").call,
        effect=effect,
        remote=remote,
        always_asks=always,
    )
    found = asked(tool, labels)
    users = labels <= USER
    if effect == "spend" or always:
        assert isinstance(found, Ask)
    elif tool.acts:
        assert isinstance(found, Allowed) is users
    elif remote:
        assert isinstance(found, Ask) is (Label(Origin.EXTERNAL, "page") in labels)
    else:
        assert found == Allowed()


def test_one_foreign_argument_among_the_users_own_is_enough_and_is_named() -> None:
    arguments = {
        "to": Labelled("ann@example.org", USER),
        "body": Labelled(["hi", 3], USER | EVIL),
        "n": Labelled(1, NOBODY),
    }
    found = verdict(a_tool("mail_send", "send"), arguments, [])
    assert found == Ask("It acts on what is not your own words: body (host:evil.example, your own words).")


def test_a_made_up_address_is_asked_about() -> None:
    found = asked(a_tool("mail_send", "send"), MODEL)
    assert isinstance(found, Ask) and "written by the model" in found.reason


def test_data_does_not_leave_through_a_search_or_an_address() -> None:
    search = a_tool("web_search", remote=True)
    assert isinstance(asked(search, EVIL), Ask)
    assert asked(search, MODEL) == Allowed() == asked(search, USER)
    assert asked(a_tool("file_read"), EVIL) == Allowed(), "what stays here may be read"


@pytest.mark.parametrize(
    ("rule", "labels", "allowed"),
    [
        ("allow mail_send", EVIL, True),
        ("allow mail_*", EVIL, True),
        ("allow file_write", EVIL, False),
        ("allow mail_send to contacts", CONTACTS, True),
        ("allow mail_send to from contacts", CONTACTS | USER, True),
        ("allow mail_send to contacts", CONTACTS | EVIL, False),
        ("allow mail_send to contacts", CONTACTS | MODEL, False),
        ("allow mail_send to contacts", MODEL, False),
        ("allow mail_send to=*@example.org", EVIL, True),
        ("allow mail_send to=*@example.com", EVIL, False),
        ("allow mail_send body=*", EVIL, False),
        ("allow mail_send to=*@example.org and to contacts", EVIL, False),
    ],
)
def test_a_rule_answers_for_what_it_says_alone(rule: str, labels: Labels, allowed: bool) -> None:
    found = asked(a_tool("mail_send", "send"), labels, rule)
    assert (found == Allowed(parse_rule(rule).text)) is allowed


def test_each_of_several_recipients_has_to_fit_a_rule() -> None:
    tool, rules = a_tool("mail_send", "send"), [parse_rule("allow mail_send to=*@example.org")]
    for to, allowed in (
        (["a@example.org", "b@example.org"], True),
        (["a@example.org", "b@evil.example"], False),
        ([], False),
        ({"a@example.org": "b@evil.example"}, False),
    ):
        found = verdict(tool, {"to": Labelled(to, EVIL)}, rules)
        assert isinstance(found, Allowed) is allowed, to


def test_where_nothing_is_asked_no_rule_is_named() -> None:
    assert asked(a_tool("mail_send", "send"), USER, "allow mail_send") == Allowed()
