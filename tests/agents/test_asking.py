"""Requests whose user wants to be asked on the way are told by their words."""

from __future__ import annotations

import pytest

from pierian.agents.asking import wants_asking


@pytest.mark.parametrize(
    "request_text",
    [
        "Mail the report to ann@example.org, but ask me first.",
        "Ask me before you send anything to Bob.",
        "Find the cheapest flight and check with me before booking it.",
        "Write the note, with my approval.",
        "Delete the old files only after I confirm.",
        "Send it once I've approved the text.",
        "Show me the draft before you send it.",
        "Let me review the mail to the landlord.",
        "Look up the price and wait for my OK.",
        "I want to see the text first, then mail it.",
        "I’d like to check the list before it is saved.",
        "Confirm the amount with me and pay the bill.",
        "Don't send it unless I say so.",
    ],
)
def test_who_wants_to_be_asked(request_text: str) -> None:
    assert wants_asking(request_text)


@pytest.mark.parametrize(
    "request_text",
    [
        "Mail the report to ann@example.org.",
        "Confirm my flight to Oslo.",
        "Ask Ann whether she comes.",
        "Ask me a question about Rome.",
        "What does confirmation bias mean?",
        "Send it without asking me.",
        "Don't ask me, just send it.",
        "Show me the weather in Oslo.",
        "Read the file and check the sums.",
        "Is the permission of the landlord needed?",
        "I want to see Rome.",
        "",
    ],
)
def test_who_does_not(request_text: str) -> None:
    assert not wants_asking(request_text)
