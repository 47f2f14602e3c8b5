"""Asks the person at the terminal for a yes or a no, showing exactly what would happen and where it comes from."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from typing import TYPE_CHECKING

from pierian.characters import marked
from pierian.cli.text import printable
from pierian.events import ApprovalNeeded

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

_LONGEST_VALUE = 2_000


def shown(asked: ApprovalNeeded) -> RenderableType:
    """What is asked, as lines: the tool and its effect, the reason, each argument with its source."""
    from rich.text import Text

    lines = Text()
    if asked.tool:
        lines.append("May ").append(printable(asked.tool), style="bold").append(f" {_deed(asked.effect)}?")
    else:
        lines.append("Shall it go on?", style="bold")
    lines.append(f"\n{printable(asked.reason)}", style="yellow")
    for argument in asked.arguments:
        lines.append(f"\n  {marked(argument.name)}: ", style="dim").append(
            _value(argument.text, asked.approval)
        )
        lines.append(f"\n    ← {marked(argument.source)}", style="dim")
    return lines


def _deed(effect: str) -> str:
    deeds = {"write": "write this", "send": "send this", "spend": "spend this"}
    return deeds.get(effect, "be called with this")


def _value(value: str, approval: str) -> str:
    """A value whose further lines stand behind a bar, so that it cannot look like another argument."""
    text = marked(value)
    left_out = len(text) - _LONGEST_VALUE
    if left_out > 0:
        text = f"{text[:_LONGEST_VALUE]}…\n[{left_out:,} more characters: pierian approvals show {approval}]"
    return "\n  │ ".join(text.split("\n"))


async def ask_person(console: Console, asked: ApprovalNeeded) -> bool:
    """Show what is asked and wait for a line on standard input; can be cancelled. Only `y` or `yes` is a yes."""
    console.print(shown(asked))
    while True:
        _forget_what_was_typed()
        console.print("[y/n] ", end="", markup=False)
        line = await _line()
        if line.strip() or not line:  # an empty line is no answer; the end of the input is a no
            return line.strip().lower() in ("y", "yes")


def _forget_what_was_typed() -> None:
    """What was typed before the question was seen is no answer to it."""
    import termios

    with contextlib.suppress(termios.error, OSError):
        termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)


async def _line() -> str:
    """A line of standard input, without a thread that would outlive whoever waits."""
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[str] = loop.create_future()
    descriptor = sys.stdin.fileno()

    def read() -> None:
        if not ready.done():
            ready.set_result(sys.stdin.readline())

    loop.add_reader(descriptor, read)
    try:
        return await ready
    finally:
        loop.remove_reader(descriptor)
