"""Standing rules: what they allow, what they do not, and how they are kept."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pierian.exceptions import UnknownName, UserError
from pierian.provenance import MODEL, NOBODY, USER, Label, Labelled, Labels, external, together
from pierian.runs import Rules, parse_rule
from pierian.storage import Database

CONTACTS, PAGE = external("contacts"), external("host:example.org")


def allows(text: str, tool: str, labels: Labels = PAGE, /, **arguments: Any) -> bool:
    """Whether a rule allows a call whose arguments are all from one place."""
    return parse_rule(text).allows(tool, {name: Labelled(value, labels) for name, value in arguments.items()})


@pytest.mark.parametrize(
    ("text", "tool", "allowed"),
    [
        ("allow file_write", "file_write", True),
        ("  ALLOW \n file_write ", "file_write", True),
        ("allow file_write", "file_writer", False),
        ("allow file_write", "file_Write", False),
        ("allow mail.*", "mail.send", True),
        ("allow mail.*", "mail", False),
        ("allow mail?send", "mail.send", True),
        ("allow *", "anything.at.all", True),
        ("allow mail.[s]end", "mail.send", False),
    ],
)
def test_which_tool_a_rule_is_for(text: str, tool: str, allowed: bool) -> None:
    assert allows(text, tool, path="notes.txt") is allowed
    assert parse_rule(text).allows(tool, {}) is allowed


@pytest.mark.parametrize("rule", ["allow mail.send to contacts", "allow mail.send to from contacts"])
@pytest.mark.parametrize(
    ("labels", "allowed"),
    [
        (CONTACTS, True),
        (USER, True),
        (USER | CONTACTS, True),
        (NOBODY, True),
        (PAGE, False),
        (CONTACTS | PAGE, False),
        (MODEL, False),
        (external("contacts.evil.org"), False),
        (external(""), False),
    ],
)
def test_where_an_argument_has_to_come_from(rule: str, labels: Labels, allowed: bool) -> None:
    assert allows(rule, "mail.send", labels, to="jo@example.org") is allowed


def test_a_rule_never_holds_for_an_argument_that_is_not_given() -> None:
    assert not parse_rule("allow mail.send to contacts").allows("mail.send", {"cc": Labelled("x", CONTACTS)})
    assert not parse_rule("allow mail.send to=*").allows("mail.send", {})


def test_a_rule_leaves_open_what_the_user_or_a_model_wrote_elsewhere() -> None:
    arguments = {"to": Labelled("jo@example.org", CONTACTS), "body": Labelled("anything", MODEL)}
    assert parse_rule("allow mail.send to contacts").allows("mail.send", arguments)


@pytest.mark.parametrize(
    ("pattern", "value", "allowed"),
    [
        ("https://example.org/*", "https://example.org/a/b?c=d", True),
        ("https://example.org/*", "https://example.org", False),
        ("https://example.org/*", "https://example.org.evil.com/", False),
        ("https://example.org/*", "https://evil.com/?https://example.org/", False),
        ("https://example.org/*", "HTTPS://EXAMPLE.ORG/", False),
        ("https://example.org/*", " https://example.org/", False),
        ("https://example.org/?", "https://example.org/ab", False),
        ("*@example.org", "jo@example.org\nevil@evil.com", False),
        ("notes/[draft].md", "notes/[draft].md", True),
        ("notes/[draft].md", "notes/d.md", False),
        ("[!a]", "b", False),
        ("[!a]", "[!a]", True),
        ("*@example.org", ["a@example.org", "b@example.org"], True),
        ("*@example.org", ["a@example.org", "b@evil.com"], False),
        ("*@example.org", [], False),
        ("*", [], False),
        ("5", 5, True),
        ("5", 50, False),
        ("True", True, True),
    ],
)
def test_what_an_argument_has_to_look_like(pattern: str, value: Any, allowed: bool) -> None:
    assert allows(f"allow act x={pattern}", "act", x=value) is allowed
    assert allows(f"allow act x = {pattern}", "act", x=value) is allowed


def test_all_conditions_must_hold() -> None:
    rule = parse_rule("allow mail.send to from contacts and subject=Hello * and copies=1")
    good = {
        "to": Labelled("jo@example.org", CONTACTS),
        "subject": Labelled("Hello Jo", PAGE),
        "copies": Labelled(1, MODEL),
    }
    assert rule.allows("mail.send", good)
    for name, worse in (
        ("to", Labelled("jo", PAGE)),
        ("subject", Labelled("Bye", USER)),
        ("copies", Labelled(2, USER)),
    ):
        assert not rule.allows("mail.send", good | {name: worse})
        assert not rule.allows("mail.send", {key: value for key, value in good.items() if key != name})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "allow",
        "allow ",
        "deny file_write",
        "please allow file_write",
        "allowfile_write",
        "allow mail.send to",
        "allow mail.send to contacts and",
        "allow mail.send and to contacts now please",
        "allow mail.send subject=Tom and Jerry",
        "allow mail.send to my contacts",
        "allow mail.send to=",
        "\x00",
    ],
)
def test_what_is_no_rule_is_refused_with_examples(text: str) -> None:
    with pytest.raises(UserError, match="is not a rule") as caught:
        parse_rule(text)
    assert "allow web_open url=https://example.org/*" in caught.value.hint


@given(
    st.sets(st.sampled_from([*CONTACTS, *PAGE, *USER, *MODEL])),
    st.sets(st.sampled_from([*CONTACTS, *PAGE, *USER, *MODEL])),
    st.sampled_from(["contacts", "host:*", "host:example.org", "mcp:*"]),
)
def test_a_further_hand_never_makes_a_rule_hold(some: set[Label], more: set[Label], pattern: str) -> None:
    rule = f"allow act x from {pattern}"
    if not allows(rule, "act", frozenset(some), x="y"):
        assert not allows(rule, "act", together([frozenset(some), frozenset(more)]), x="y")


@given(st.text(max_size=80))
def test_any_text_is_a_rule_or_refused(text: str) -> None:
    try:
        rule = parse_rule(f"allow {text}")
    except UserError:
        return
    again = parse_rule(rule.text)
    assert (again.tool, again.conditions) == (rule.tool, rule.conditions)


def test_rules_are_kept_in_their_order(database: Database) -> None:
    rules = Rules(database)
    with pytest.raises(UserError):
        rules.add("deny everything")
    texts = ["allow file_write", "allow mail.send to contacts", "allow web_open url=https://example.org/ü*"]
    added = [rules.add(text) for text in texts]
    assert rules.list() == added
    assert [one.text for one in rules.list()] == texts
    assert rules.list()[1].allows("mail.send", {"to": Labelled("x", CONTACTS)})


def test_a_rule_is_kept_once_however_it_is_spaced(database: Database) -> None:
    rules = Rules(database)
    made = rules.add("allow file_write")
    with pytest.raises(UserError) as caught:
        rules.add("  allow\tfile_write\n")
    assert str(caught.value) == f"The rule {made.id} says that already: allow file_write"
    assert rules.list() == [made]
    Rules(database, owner="somebody").add("allow file_write")


def test_a_rule_is_taken_back_by_its_id(database: Database) -> None:
    rules = Rules(database)
    kept, made = rules.add("allow a"), rules.add("allow b")
    for wrong in ("", "zz", made.id[:3], "\udcff", "\x00"):
        with pytest.raises(UnknownName):
            rules.remove(wrong)
    with pytest.raises(UnknownName):
        Rules(database, owner="somebody").remove(made.id)
    assert rules.remove(made.id) == made
    assert rules.list() == [kept]
    with pytest.raises(UnknownName) as caught:
        rules.remove(made.id)
    assert kept.id in caught.value.hint


def test_text_that_no_database_can_hold_is_stored_readably(database: Database) -> None:
    rules = Rules(database)
    rules.add("allow act x=a\x00b")
    rules.add("allow act y=a\udcffb")
    assert [one.text.rstrip("\ufffdb")[:13] for one in rules.list()] == ["allow act x=a", "allow act y=a"]


def test_the_same_rule_added_at_once_is_there_once(database: Database) -> None:
    together, ends = threading.Barrier(5), list[str]()

    def add() -> None:
        for number in range(4):
            together.wait()
            try:
                ends.append(Rules(database).add(f"allow tool{number}").text)
            except Exception as error:  # noqa: BLE001 (shown below)
                ends.append(type(error).__name__)

    threads = [threading.Thread(target=add) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ends) == sorted([*(["UserError"] * 16), *(f"allow tool{number}" for number in range(4))])
    assert len(Rules(database).list()) == 4


def test_what_came_from_elsewhere_has_to_be_named_by_a_rule_with_conditions() -> None:
    copy = {
        "to": Labelled(["ann@example.org"], USER),
        "cc": Labelled(["thief@evil.example"], external("mail:inbox")),
    }
    assert not parse_rule("allow mail to=ann@example.org").allows("mail", copy)
    assert not parse_rule("allow mail to=ann@example.org and cc=*@example.org").allows("mail", copy)
    assert parse_rule("allow mail to=ann@example.org and cc from mail:*").allows("mail", copy)
    assert parse_rule("allow mail").allows("mail", copy)
