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
    DraftCancelled,
    DraftFinished,
    DraftRecord,
    DraftStarted,
    DraftVoided,
    Escalated,
    Event,
    Look,
    LookTaken,
    Merging,
    ProgramRun,
    PromptRead,
    Receipt,
    Revising,
    Routed,
    SecondLook,
    Spend,
    Token,
    ValueMissing,
)
from pierian.events.regions import Box

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


def test_reading_for_one_draft_does_not_overwrite_the_line_of_another() -> None:
    text = shown(
        DraftStarted(1, "one"),
        DraftStarted(2, "two"),
        Token(1, "price =", "thought"),
        PromptRead(100, 900, 0),
        Token(1, " 12", "thought"),
    )
    assert "price = 12" in text
    assert "Reading" not in text


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


def test_a_look_at_a_picture_is_said() -> None:
    look = Look(number=2, kind="count", region=Box(10, 20, 30, 40), found="7\x1b[2J", follows="seven")
    assert "· look 2. count (10, 20)–(30, 40): 7[2J → seven" in shown(LookTaken(look))


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


def test_drafts_of_a_contemplating_run_stand_side_by_side() -> None:
    text = shown(
        Routed("contemplating", "up to 8 drafts"),
        DraftStarted(1, "explained program"),
        DraftStarted(2, "worked solution"),
        DraftStarted(3, "short sentences"),
        Token(1, "answer = 12", "thought"),
        Token(2, "First we find the groups", "thought"),
        DraftFinished(1, "12 euros", 30),
        Revising((1,), "The drafts disagree: 12, 13."),
        DraftStarted(4, "program"),
        DraftFinished(4, "12", 20),
        DraftCancelled(2, 17, "It could no longer matter."),
        Merging("by the votes of the drafts"),
        AnswerReady(Answer("**12 euros**", RECEIPT, "12 euros")),
    )
    rows = {line.split()[0]: line for line in text.splitlines() if line[:3].strip().isdigit()}
    assert "explained program" in rows["1"] and "30" in rows["1"] and "12 euros" in rows["1"]
    assert rows["1"].rstrip().endswith("finished")
    assert "17" in rows["2"] and rows["2"].rstrip().endswith("cut off")
    assert rows["3"].rstrip().endswith("writing")
    assert "program, again" in rows["4"]
    assert "· Merged by the votes of the drafts." in text
    assert text.index("Merged") < text.rindex("12 euros")


def test_a_cancelled_draft_does_not_hold_up_the_thoughts_of_the_next() -> None:
    text = shown(
        DraftStarted(1, "one"),
        Token(1, "Going nowhere", "thought"),
        DraftCancelled(1, 2, "It could no longer matter."),
        DraftStarted(2, "two"),
        Token(2, "The next thought", "thought"),
    )
    assert "The next thought" in text


def test_going_deeper_and_a_missing_value_are_told() -> None:
    text = shown(
        DraftStarted(1, "program"),
        Token(1, "cost = venue * 2\n", "thought"),
        ValueMissing(1, "venue", "venue ="),
        Token(1, " 100", "thought"),
        Escalated("thinking", "The odds that the first draft is right are put at 40%."),
    )
    assert "· venue has no value yet; it is given one first\nvenue = 100" in text
    assert "Going deeper: thinking." in text


def test_the_receipt_names_the_drafts_and_the_mode_that_auto_took() -> None:
    drafts = (
        DraftRecord(1, "explained program", "12", 30, "agreed"),
        DraftRecord(2, "program", "13", 20, "differed"),
        DraftRecord(3, "worked solution", "", 9, "cut off"),
    )
    receipt = Receipt("auto", "m", Spend(), drafts=drafts, took="thinking", stopped="2 drafts agree.")
    first, second = (line.plain for line in receipt_lines(receipt))
    assert first.startswith("Auto → thinking · m")
    assert (
        second
        == "agreed: explained program · differed: program (13) · cut off: worked solution · 2 drafts agree."
    )


def test_formulas_are_shown_in_plain_characters() -> None:
    text = shown(
        DraftStarted(1, "worked solution"),
        *(
            Token(1, piece, "thought")
            for piece in ("So \\(", " \\frac{1}{2}", " \\times 4", " \\)", " is 2.")
        ),
        DraftFinished(1, "2", 5),
        AnswerReady(Answer("It is $x^2$ or \\boxed{2}.", RECEIPT, "2")),
    )
    assert "So 1/2 × 4 is 2." in text
    assert "It is x² or 2." in text
