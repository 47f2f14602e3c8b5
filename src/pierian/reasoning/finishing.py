"""From a run that has ended, however it ended, to the answer that is given, with its receipt."""

from __future__ import annotations

import time

from msgspec import structs

from pierian.events import Answer, Receipt
from pierian.reasoning.mode import Mode
from pierian.reasoning.run import Run


def finished(run: Run, mode: Mode, started: float) -> Answer:
    """The answer of a run that has ended; `started` is when it began, on the monotonic clock."""
    chosen = run.chosen
    text = chosen.text if chosen else closed(run.partial)
    if (
        chosen and chosen.code
    ):  # a program is evidence; what a reader gets is its explanation, or the bare value
        text = chosen.text or (f"**{chosen.value.text}**" if chosen.value else "")
    elif chosen and chosen.value and mode is not Mode.INSTANT:
        text = emphasised(text.strip(), chosen.value.text)
    spend = structs.replace(run.spend, seconds=time.monotonic() - started)
    note = " ".join(part for part in (run.note, run.hint) if part)
    if chosen and not chosen.complete and not run.cut_short:
        run.cut_short = f"The answer reached its limit of {chosen.tokens:,} tokens."
    receipt = Receipt(
        mode.value,
        run.model.name,
        spend,
        tuple(run.checks),
        drafts=run.records(),
        steps=run.steps,
        run=run.journalled,
        agreeing=run.agreeing,
        took=run.took,
        stopped=run.stopped,
        cut_short=run.cut_short,
        note=note,
        adapter=run.adapter,
        pictures=tuple(run.pictures),
        looks=tuple(run.looks),
        claims=tuple(run.claims),
    )
    return Answer(text.strip(), receipt, chosen.value.text if chosen else "", run.calls)


def closed(text: str) -> str:
    """A text that broke off, with its last block of code ended."""
    return f"{text}\n```" if text.count("```") % 2 else text


def emphasised(text: str, value: str) -> str:
    """A worked draft as an answer: each line kept, the answer's own line in bold."""
    lines = text.splitlines()
    if lines and lines[-1].lower().startswith("answer:"):
        lines[-1] = f"\n**{lines[-1].strip()}**"
        return "  \n".join(lines)
    return text
