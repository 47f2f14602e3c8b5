"""Dates as they are printed on receipts and invoices, found in a line of text and checked against the calendar.

It quotes them and does not say which of 03/04 is the month: that is for whoever knows where the receipt comes from.
"""

from __future__ import annotations

import re
from datetime import date

MONTHS: list[str] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
_MONTH = r"(?P<month>(?:JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)[A-Z]*)\.?"
_JOIN = r"\s?(?P<join>[-/.~])\s?"
_SAME = r"\s?((?P=join)|[-~])\s?"
_END = r"(?=\d?\d:\d\d|[^\d]|$)"
"""Readers of text often drop the space before the time."""
FORMS = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        rf"(?<!\d)(?P<year>(19|20)\d\d){_JOIN}(?P<number>\d\d?){_SAME}(?P<day>\d\d?){_END}",
        rf"(?<![\d.])(?P<day>\d\d?){_JOIN}(?P<number>\d\d?){_SAME}(?P<year>(19|20)\d\d|\d\d)(?!\.\d){_END}",
        rf"(?<!\d)(?P<day>\d\d?)(ST|ND|RD|TH)?[-/\s.]?\s?{_MONTH}[-/\s,.']?\s?(?P<year>(19|20)\d\d|\d\d){_END}",
        rf"\b{_MONTH}\s?(?P<day>\d\d?)(ST|ND|RD|TH)?,?\s?(?P<year>(19|20)\d\d)(?!\d)",
    )
)


def first_date(text: str) -> str:
    """The first date in a text as it is printed, spaces beside its dashes aside; "" where there is none."""
    found = [match for form in FORMS for match in form.finditer(text) if _is_date(match.groupdict())]
    if not found:
        return ""
    first = min(found, key=lambda one: (one.start(), -one.end()))
    return re.sub(r"\s?([-/.])\s?", r"\1", first.group().replace("~", "-"))


def _is_date(parts: dict[str, str | None]) -> bool:
    day, year = int(parts["day"] or 0), int(parts["year"] or 0)
    name = parts.get("month")
    month = MONTHS.index(name[:3].upper()) + 1 if name else int(parts.get("number") or 0)
    if month > 12 >= day:
        day, month = month, day  # as in the United States
    try:
        date(year if year > 99 else 2000 + year, month, day)
    except ValueError:
        return False
    return 1970 <= (year if year > 99 else 2000 + year) <= 2100
