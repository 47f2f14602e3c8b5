"""Asks all providers side by side, each for so long at most; who is down or slow is named and left out."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from msgspec import Struct

from pierian.exceptions import PierianError
from pierian.skills.travel.providers.offers import MOST_OFFERS, Found, Provider, Search, Stay, Way


class Gathered(Struct, frozen=True, kw_only=True):
    """What all providers have together."""

    found: Found
    asked: tuple[str, ...]
    problems: tuple[str, ...] = ()
    """A sentence on each provider that gave nothing."""


async def gather(providers: Sequence[Provider], search: Search, seconds: float) -> Gathered:
    """All that can be had within some seconds; takes as long as the slowest of those that answer in time."""

    async def ask(one: Provider) -> Found | str:
        try:
            async with asyncio.timeout(seconds):
                return await one.find(search)
        except TimeoutError:
            return f"{one.name} did not answer within {seconds:g} seconds and is left out."
        except PierianError as error:
            hint = f" {error.hint}" if error.hint else ""
            return f"{str(error).rstrip('.')}; {one.name} is left out.{hint}"
        except (ValueError, TypeError, LookupError, ArithmeticError) as error:  # what it sent is no offer
            return f"{one.name} sent what cannot be read ({type(error).__name__}) and is left out."

    answers = await asyncio.gather(*map(ask, providers))
    found = [one for one in answers if isinstance(one, Found)]
    return Gathered(
        found=joined(found),
        asked=tuple(one.name for one in providers),
        problems=tuple(one for one in answers if isinstance(one, str)),
    )


def joined(parts: Sequence[Found]) -> Found:
    """The offers of all, each way and room under a name of its own."""
    transfers: dict[tuple[str, str], int] = {}
    for one in parts:
        transfers |= one.transfers
    notes = [note for one in parts for note in one.notes]
    sides: list[tuple[Way, ...]] = []
    for side in ("there", "back"):
        ways: list[Way] = [way for one in parts for way in getattr(one, side)]
        sides.append(tuple(_cheapest(ways, notes)))
    stays: list[Stay] = [stay for one in parts for stay in one.stays]
    return Found(
        there=sides[0],
        back=sides[1],
        stays=tuple(stays[:MOST_OFFERS]),
        sights=tuple(sight for one in parts for sight in one.sights),
        transfers=transfers,
        notes=tuple(dict.fromkeys(notes)),
        origin=next((one.origin for one in parts if one.origin), ""),
    )


def _cheapest(ways: list[Way], notes: list[str]) -> list[Way]:
    if len(ways) <= MOST_OFFERS:
        return ways
    notes.append(f"Of {len(ways):,} offers the {MOST_OFFERS:,} cheapest of each day are looked at.")
    by_price = sorted(ways, key=lambda way: way.price.amount)
    days = {way.departs.date() for way in ways}
    share, counts = MOST_OFFERS // len(days), dict.fromkeys(days, 0)
    kept: list[Way] = []
    for way in by_price:
        if counts[way.departs.date()] < share:
            counts[way.departs.date()] += 1
            kept.append(way)
    return kept
