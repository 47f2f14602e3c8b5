"""The drafts of a run side by side, as a live table: approach, tokens, current answer, state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from pierian.cli.text import printable
from pierian.events import (
    CalculationCorrected,
    DraftCancelled,
    DraftFinished,
    DraftStarted,
    DraftVoided,
    Event,
    ProgramRun,
    Revising,
    Token,
    ValueMissing,
)

if TYPE_CHECKING:
    from rich.console import Console
    from rich.live import Live
    from rich.table import Table

_TAIL = 46
"""Characters of a draft in the making that are shown."""


class _Row(Struct):
    approach: str
    tokens: int = 0
    text: str = ""
    answer: str = ""
    state: str = "writing"


class DraftsTable:
    """Shows drafts from the first event to `stop`; what is there then stays on the terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._rows: dict[int, _Row] = {}
        self._live: Live | None = None
        self._revising = False

    def show(self, event: Event) -> bool:
        """Take an event in; False when it is none of the table's."""
        match event:
            case DraftStarted(draft=draft, approach=approach):
                self._rows[draft] = _Row(f"{approach}, again" if self._revising else approach)
            case Revising():
                self._revising = True
            case Token(draft=draft, text=text, channel="thought") if draft in self._rows:
                row = self._rows[draft]
                row.tokens += 1
                row.text = (row.text + printable(text))[-400:]
            case DraftFinished(draft=draft, value=value, tokens=tokens) if draft in self._rows:
                row = self._rows[draft]
                row.answer, row.tokens, row.state = printable(value), tokens, "finished"
            case DraftCancelled(draft=draft, tokens=tokens) if draft in self._rows:
                row = self._rows[draft]
                row.tokens, row.state = tokens, "cut off"
            case DraftVoided(draft=draft) if draft in self._rows:
                self._rows[draft].text, self._rows[draft].state = "", "begun again"
            case CalculationCorrected(draft=draft, text=text) | ValueMissing(draft=draft, text=text) if (
                draft in self._rows
            ):
                self._rows[draft].text, self._rows[draft].state = printable(text)[-400:], "corrected"
            case ProgramRun(draft=draft, error=error) if error and draft in self._rows:
                self._rows[draft].text = printable(error)
            case _:
                return False
        self._refresh()
        return True

    def stop(self) -> None:
        """Leave the table as it is."""
        if self._live is not None:
            self._live.update(self._table())
            self._live.stop()
            self._live = None

    def _refresh(self) -> None:
        from rich.live import Live

        if self._live is None:
            self._live = Live(
                console=self._console,
                refresh_per_second=8,
                get_renderable=self._table,
                vertical_overflow="visible",
            )
            self._live.start()

    def _table(self) -> Table:
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
        table.add_column("", justify="right", style="dim")
        table.add_column("approach", no_wrap=True)
        table.add_column("tokens", justify="right")
        table.add_column("answer", no_wrap=True, overflow="ellipsis", min_width=20, ratio=1)
        table.add_column("state", no_wrap=True)
        for number, row in self._rows.items():
            shown = Text(row.answer, style="bold") if row.answer else Text(_tail(row.text), style="dim")
            style = {"finished": "green", "cut off": "dim"}.get(row.state, "cyan")
            table.add_row(str(number), row.approach, str(row.tokens), shown, Text(row.state, style=style))
        return table


def _tail(text: str) -> str:
    """The last words of a draft in the making, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= _TAIL else f"…{line[-_TAIL:]}"
