"""A trip as one page with a timeline: no scripts, nothing from elsewhere, light and dark, readable on paper too."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from html import escape

from pierian.skills.calendars import named
from pierian.skills.travel.planning import dates_in_words
from pierian.skills.travel.telling import by_day, hours_of, line_of
from pierian.skills.travel.trip import Item, Trip

POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_EARLIEST, _LATEST = 6, 24
"""Hours that the timeline of a day shows where nothing is done before or after."""
_STYLE = """
:root{color-scheme:light dark;--paper:#fcfcfa;--ink:#1d2524;--soft:#5b6664;--line:#d8dedc;--way:#1f6f8b;
--stay:#7a5c99;--sight:#3f7d4e;--on:#fff}
@media(prefers-color-scheme:dark){:root{--paper:#151a19;--ink:#e6ecea;--soft:#9aa7a4;--line:#313a38;--way:#5fb3d0;
--stay:#b79bd6;--sight:#83c795;--on:#10201c}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:52rem;padding:2rem 1.2rem 4rem;background:var(--paper);color:var(--ink);
font:1rem/1.5 system-ui,sans-serif}
h1{font-size:1.7rem;margin:0 0 .2rem}h2{font-size:1.05rem;margin:1.8rem 0 .5rem}
p.sum{color:var(--soft);margin:.1rem 0 1rem}
.day{position:relative;height:2.6rem;border:1px solid var(--line);border-radius:.4rem;overflow:hidden}
.hours{display:flex;justify-content:space-between;color:var(--soft);font-size:.72rem;margin:.15rem 0 .5rem}
.bar{position:absolute;top:.3rem;bottom:.3rem;border-radius:.25rem;color:var(--on);font-size:.75rem;line-height:2rem;
padding:0 .35rem;white-space:nowrap;overflow:hidden;text-overflow:ellipsis}
.way{background:var(--way)}.stay{background:var(--stay)}.sight{background:var(--sight)}
ul{margin:.4rem 0;padding-left:1.2rem}li{margin:.15rem 0}
li.way,li.stay,li.sight{background:none}li.way::marker{color:var(--way)}li.stay::marker{color:var(--stay)}
li.sight::marker{color:var(--sight)}
section.notes{color:var(--soft);font-size:.9rem;border-top:1px solid var(--line);margin-top:2rem;padding-top:.6rem}
@media print{body{max-width:none}.bar{-webkit-print-color-adjust:exact;print-color-adjust:exact}}
"""


def page_of(trip: Trip) -> str:
    """The whole page."""
    title = f"{trip.wishes.destination}, {dates_in_words(trip)}" if trip.possible else _nothing(trip)
    body = [f"<h1>{escape(title)}</h1>"]
    if trip.possible:
        who = " and ".join(named(one) for one in trip.wishes.people)
        body.append(f'<p class="sum">{escape(f"{trip.total or 0:,.2f} {trip.currency} in all, {who}")}</p>')
        body += [_day(on, items) for on, items in by_day(trip)]
    else:
        body.append("<ul>" + "".join(f"<li>{escape(one)}</li>" for one in trip.reasons) + "</ul>")
    body.append(_notes(trip))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>\n<body><main>\n"
        + "\n".join(body)
        + "\n</main></body></html>\n"
    )


def _nothing(trip: Trip) -> str:
    return f"No trip to {trip.wishes.destination} was found"


def _day(on: date, items: list[Item]) -> str:
    timed = [one for one in items if not one.whole_days]
    first = min([_EARLIEST, *(one.begins.hour for one in timed)])
    hours = range(first, _LATEST + 1, 3)
    ticks = "".join(f"<span>{hour:02}:00</span>" for hour in hours)
    bars = "".join(_bar(one, on, first) for one in timed)
    lines = "".join(f'<li class="{one.kind}">{escape(line_of(one))}</li>' for one in items)
    said = escape("; ".join(line_of(one) for one in timed)) or "nothing at a fixed time"
    return (
        f'<section><h2><time datetime="{on.isoformat()}">{on:%A}, {on.day} {on:%B}</time></h2>'
        f'<div class="day" role="img" aria-label="{said}">{bars}</div>'
        f'<div class="hours" aria-hidden="true">{ticks}</div><ul>{lines}</ul></section>'
    )


def _bar(one: Item, on: date, first: int) -> str:
    """A bar from the beginning to the end as the clocks of each show them; what ends later reaches the edge."""
    whole = (_LATEST - first) * 60
    begins = _minutes(one.begins, on) - first * 60
    ends = min(_minutes(one.ends, on) - first * 60, whole)
    width = max(ends - begins, 20)
    return (
        f'<div class="bar {one.kind}" style="left:{100 * begins / whole:.2f}%;width:{100 * width / whole:.2f}%" '
        f'title="{escape(hours_of(one) + " " + one.title)}">{escape(one.title)}</div>'
    )


def _minutes(moment: datetime, on: date) -> int:
    days = (moment.date() - on) // timedelta(days=1)
    return days * 1440 + moment.hour * 60 + moment.minute


def _notes(trip: Trip) -> str:
    parts = [("Understood", trip.understood), ("A better one would be there without", trip.binding)]
    parts += [("Assumed", trip.assumed), ("Not heeded", trip.wishes.unheeded), ("Left out", trip.left_out)]
    told = "".join(
        f"<h2>{escape(name)}</h2><ul>{''.join(f'<li>{escape(one)}</li>' for one in lines)}</ul>"
        for name, lines in parts
        if lines
    )
    return f'<section class="notes">{told}</section>'
