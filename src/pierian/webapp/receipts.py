"""The receipt under an answer, from what the run gave or from what is stored with the turn.

A stored receipt may be older than this program, or damaged; then there is none to show. Nothing is checked here.
"""

from __future__ import annotations

import msgspec

from pierian.events import Check, Receipt
from pierian.webapp.views import CheckView, DraftView, ReceiptView, StepView


def receipt_view(receipt: Receipt) -> ReceiptView:
    """A receipt as the pages show it."""
    spend = receipt.spend
    return ReceiptView(
        mode=receipt.mode,
        model=receipt.made_with,
        took=receipt.took,
        tokens=spend.completion_tokens,
        prompt_tokens=spend.prompt_tokens,
        cached_tokens=spend.cached_tokens,
        seconds=spend.seconds,
        tokens_per_second=spend.tokens_per_second,
        money=spend.money,
        agreeing=receipt.agreeing,
        checks=_checks(receipt.checks),
        drafts=tuple(
            DraftView(one.draft, one.approach, one.outcome, one.value, one.tokens) for one in receipt.drafts
        ),
        steps=tuple(
            StepView(one.step, one.what, one.outcome, one.step.count("/"), one.source, one.tokens)
            for one in receipt.steps
        ),
        stopped=receipt.stopped,
        cut_short=receipt.cut_short,
        note=receipt.note,
        run=receipt.run,
        pictures=receipt.pictures,
        looks=receipt.looks,
    )


def from_json(text: str | None) -> ReceiptView | None:
    """The receipt that is stored with a turn; None where there is none that can be read."""
    if not text:
        return None
    try:
        return receipt_view(msgspec.json.decode(text, type=Receipt))
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None


def _checks(checks: tuple[Check, ...]) -> tuple[CheckView, ...]:
    """Checks without repetitions (many recomputed drafts are one line), each under its number on the receipt."""
    found: dict[tuple[str, str, str, str], CheckView] = {}
    for index, check in enumerate(checks):
        detail = "" if check.kind == "arithmetic" else check.detail
        key = (check.kind, check.outcome, detail, check.code)
        found.setdefault(key, CheckView(index, check.kind, check.outcome, check.detail, check.code))
    return tuple(found.values())
