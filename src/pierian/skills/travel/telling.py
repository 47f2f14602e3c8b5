"""A trip in words: Markdown for terminals and answers, written by code from values that were solved and checked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import groupby

from pierian.skills.calendars import named
from pierian.skills.travel.planning import dates_in_words
from pierian.skills.travel.trip import Item, Trip

MOST_LEFT_OUT = 12


def told(trip: Trip) -> str:
    """The trip, or why there is none, with what was understood, assumed and left out."""
    parts = [f"Understood: {' '.join(trip.understood)}"]
    if trip.possible:
        who = " and ".join(named(one) for one in trip.wishes.people)
        parts.insert(0, f"**{trip.wishes.destination}, {dates_in_words(trip)}**")
        parts += [_day(on, items) for on, items in by_day(trip)]
        parts.append(f"**In all {trip.total or 0:,.2f} {trip.currency}** for {trip.wishes.seats} ({who}).")
        if not trip.proved:
            parts.append("It was not proved in time that there is no better one.")
        if trip.binding:
            parts.append(f"A better one would be there without: {'; '.join(trip.binding)}.")
    else:
        parts.insert(0, f"**No trip to {trip.wishes.destination} was found.**")
        parts.append("\n".join(_listed(trip.reasons)))
    if trip.assumed:
        parts.append("Assumed:\n" + "\n".join(f"- {one}" for one in trip.assumed))
    if trip.wishes.unheeded:
        parts.append("Not read, so not heeded:\n" + "\n".join(f"- {one}" for one in trip.wishes.unheeded))
    if trip.left_out:
        shown = [f"- {one}" for one in trip.left_out[:MOST_LEFT_OUT]]
        if len(trip.left_out) > MOST_LEFT_OUT:
            shown.append(f"- and {len(trip.left_out) - MOST_LEFT_OUT} more")
        parts.append("Left out:\n" + "\n".join(shown))
    return "\n\n".join(parts)


def by_day(trip: Trip) -> list[tuple[date, list[Item]]]:
    """What is done on each day, on the clocks of its place."""
    return [(on, list(items)) for on, items in groupby(trip.items, key=lambda one: one.begins.date())]


def line_of(item: Item) -> str:
    """One thing that is done, in a line."""
    price = f", {item.price}" if item.price else ""
    if item.kind == "stay":
        nights = (item.ends.date() - item.begins.date()).days
        return f"Stay: {item.title}, {nights} {'night' if nights == 1 else 'nights'}{price}"
    where = f", {item.place}" if item.kind == "sight" and item.place else ""
    return f"{hours_of(item)} {item.title}{where}{price}"


def hours_of(item: Item) -> str:
    """From when to when, on the clocks of both ends."""
    ends = f"{item.ends:%H:%M}"
    if item.ends.date() != item.begins.date():
        ends += f" on {item.ends:%a} {item.ends.day} {item.ends:%b}"
    clocks = "" if item.begins_zone == item.ends_zone else f" ({city(item.ends_zone)} time)"
    return f"{item.begins:%H:%M}–{ends}{clocks}"


def city(zone: str) -> str:
    """The place after which a time zone is called."""
    return zone.rpartition("/")[2].replace("_", " ")


def _day(on: date, items: Sequence[Item]) -> str:
    return f"{on:%A}, {on.day} {on:%B}\n" + "\n".join(f"- {line_of(one)}" for one in items)


def _listed(lines: Sequence[str]) -> list[str]:
    """Lines of which those that belong to a list stay one."""
    found: list[str] = []
    for one in lines:
        if found and not one.startswith("- "):
            found.append("")
        found.append(one)
    return found
