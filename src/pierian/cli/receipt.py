"""The receipt as one line: what the answer cost and what was checked; below it what was looked at in pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from pierian.cli.text import printable
from pierian.events import Check, DraftOutcome, Receipt

if TYPE_CHECKING:
    from rich.text import Text

MOST_LOOKS = 20
_MARKS = {
    "passed": ("✓", "green"),
    "corrected": ("✓", "yellow"),
    "failed": ("✗", "red"),
    "unusable": ("–", "dim"),
}


def receipt_lines(receipt: Receipt, *, looks: bool = True) -> list[Text]:
    """The receipt's line, then the looks, and one more where the answer was cut short or has a caveat."""
    from rich.text import Text

    spend = receipt.spend
    mode = f"{receipt.mode.capitalize()} → {receipt.took}" if receipt.took else receipt.mode.capitalize()
    parts = [
        Text(mode, style="bold"),
        Text(printable(receipt.made_with)),
        Text(f"{spend.completion_tokens:,} tokens"),
        Text(f"{spend.seconds:.1f} s"),
    ]
    if spend.tokens_per_second:
        parts.append(Text(f"{spend.tokens_per_second:.1f} tokens/s"))
    if spend.money:
        parts.append(Text(f"{spend.money:.4f} spent"))
    parts += [_check(check) for check in merged(receipt.checks)]
    if receipt.steps:
        parts.append(Text(steps_part(receipt)))
    lines = [Text(" · ").join(parts)]
    if len(receipt.drafts) > 2:
        lines.append(Text(printable(drafts_line(receipt)), style="dim"))
    if looks:
        lines += [Text(printable(look.text), style="dim") for look in receipt.looks[:MOST_LOOKS]]
        if (more := len(receipt.looks) - MOST_LOOKS) > 0:
            lines.append(Text(f"… and {more} looks more", style="dim"))
    if receipt.cut_short:
        lines.append(Text(printable(f"Cut short: {receipt.cut_short}"), style="yellow"))
    if receipt.note:
        lines.append(Text(printable(receipt.note), style="yellow" if "care" in receipt.note else "dim"))
    return lines


def steps_part(receipt: Receipt) -> str:
    """How many steps of a plan came to something, and under which id the run can be seen again."""
    done = sum(step.outcome in ("done", "confirmed") for step in receipt.steps)
    return f"{done} of {len(receipt.steps)} steps done · run {receipt.run}"


def drafts_line(receipt: Receipt) -> str:
    """Which drafts agreed with the answer, which did not, which were cut off, and why no more were made."""
    parts: list[str] = []
    for outcome in get_args(DraftOutcome):
        names = [
            f"{draft.approach} ({draft.value})" if outcome == "differed" else draft.approach
            for draft in receipt.drafts
            if draft.outcome == outcome
        ]
        if names:
            parts.append(f"{outcome}: {', '.join(names)}")
    return " · ".join([*parts, receipt.stopped]).rstrip(" ·")


def merged(checks: tuple[Check, ...]) -> list[Check]:
    """Checks without repetitions: many recomputed drafts are one line."""
    found: dict[tuple[str, str], Check] = {}
    for check in checks:
        found.setdefault(
            (check.kind, check.outcome) if check.kind == "arithmetic" else (check.kind, check.detail), check
        )
    return list(found.values())


def _check(check: Check) -> Text:
    from rich.text import Text

    mark, style = _MARKS[check.outcome]
    return Text.assemble((f"{mark} ", style), printable(check.detail))
