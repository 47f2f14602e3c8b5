"""How a run looks on a terminal: thoughts, notes, corrections, the answer, the receipt; and nothing that steers it."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from pierian.cli.receipt import receipt_lines
from pierian.cli.terminal import Terminal, complete_blocks
from pierian.cli.text import printable
from pierian.events import (
    Answer,
    AnswerReady,
    CalculationCorrected,
    Check,
    DraftFinished,
    DraftStarted,
    DraftVoided,
    Event,
    ProgramRun,
    Receipt,
    SecondLook,
    Spend,
    Token,
)

RECEIPT = Receipt(
    "thinking", "m", Spend(10, 0, 1200, 8.0, 6.0), (Check("program", "passed", "a program gave 12"),)
)


def shown(*events: Event) -> str:
    """What stands on the terminal after these events."""
    out = io.StringIO()
    console = Console(file=out, width=80, force_terminal=True, color_system=None, highlight=False)
    with Terminal(console) as face:
        for event in events:
            face.show(event)
    lines = Console(file=io.StringIO(), width=80)
    lines.print(out.getvalue())
    return out.getvalue()


def test_drafts_made_side_by_side_are_shown_one_after_the_other() -> None:
    text = shown(
        DraftStarted(1, "short sentences"),
        DraftStarted(2, "program"),
        Token(2, "answer = 12", "thought"),
        Token(1, "Six times ", "thought"),
        DraftFinished(2, "12", 5),
        Token(1, "two.", "thought"),
        DraftFinished(1, "12", 5),
        AnswerReady(Answer("**12**", RECEIPT, "12")),
    )
    assert "answer = 12" not in text  # it finished before its turn: its value says enough
    assert "· program → 12" in text
    assert text.index("Six times") < text.index("two.") < text.index("· short sentences → 12")
    assert text.rstrip().endswith("✓ a program gave 12")


def test_a_draft_that_waits_is_shown_from_its_beginning() -> None:
    text = shown(
        DraftStarted(1, "one"),
        DraftStarted(2, "two"),
        Token(2, "The beginning", "thought"),
        Token(1, "First.", "thought"),
        DraftFinished(1, "", 1),
        Token(2, " and the end.", "thought"),
    )
    assert "The beginning and the end." in text


def test_a_corrected_answer_shows_the_right_number_only() -> None:
    text = shown(
        DraftStarted(1, "short sentences"),
        Token(1, "It is 2 * 3 = 7", "answer"),
        CalculationCorrected(1, "2 * 3", "7", "6", "It is 2 * 3 = 6"),
        Token(1, " dollars.", "answer"),
        AnswerReady(Answer("It is 2 * 3 = 6 dollars.", RECEIPT)),
    )
    assert "2 * 3 = 6 dollars." in text.split("\n")[-4] or "2 * 3 = 6 dollars." in text


def test_a_corrected_thought_is_marked() -> None:
    text = shown(
        DraftStarted(1, "x"),
        Token(1, "2 * 3 = 7", "thought"),
        CalculationCorrected(1, "2 * 3", "7", "6", "2 * 3 = 6"),
    )
    assert "2 * 3 = 7 ✗ → 6" in text


def test_what_is_void_is_said() -> None:
    text = shown(Token(1, "half an ans", "answer"), DraftVoided(1, "The engine was restarted."))
    assert "· The engine was restarted." in text


def test_a_second_look_and_a_failed_program_are_said() -> None:
    text = shown(ProgramRun(2, "x", "", "Line 1: no"), SecondLook("The drafts disagree: 1, 2."))
    assert "· program: Line 1: no" in text
    assert "· The drafts disagree: 1, 2. Looking again." in text


def test_no_text_drives_the_terminal() -> None:
    evil = "a\x1b[2Jb\x07c\u202ed\x9b31me"
    assert printable(evil) == "a[2Jbcd31me"
    text = shown(DraftStarted(1, "x"), Token(1, evil, "thought"), SecondLook("\x1b]0;title\x07"))
    assert "\x1b[2J" not in text
    assert "\x1b]0" not in text


@pytest.mark.parametrize(
    ("text", "length"),
    [("", 0), ("One", 0), ("One\n\nTwo", 5), ("```\na\n\nb", 0), ("```\na\n```\n\nEnd", 11), ("a\n\n\nb", 4)],
)
def test_blocks_are_complete_at_an_empty_line_outside_code(text: str, length: int) -> None:
    assert complete_blocks(text) == length


def test_the_receipt_is_one_line_and_says_what_was_cut_short() -> None:
    (line,) = receipt_lines(RECEIPT)
    assert line.plain == "Thinking · m · 1,200 tokens · 8.0 s · 200.0 tokens/s · ✓ a program gave 12"
    cut = Receipt("instant", "m", Spend(), cut_short="The time budget ran out.", note="Nothing was checked.")
    assert [line.plain for line in receipt_lines(cut)[1:]] == [
        "Cut short: The time budget ran out.",
        "Nothing was checked.",
    ]
