"""Pages of the web as tools: open one, or find the passages of one around some words.

What comes back carries the label of every host on the way: a host that leads on to another chose what is read.
Pictures and what scripts would show are not there.
"""

from __future__ import annotations

from msgspec import Struct

from pierian.provenance import Labelled, Labels, external, together
from pierian.toolbox.fetching import Fetched, Fetcher
from pierian.toolbox.readable import Link, read_page
from pierian.toolbox.texts import lines_with, wanted_words
from pierian.tools import Tool, ToolFailure, tool
from pierian.tools.shapes import returning

MOST_TEXT_CHARACTERS = 200_000
MOST_PASSAGES = 12
PASSAGE_CHARACTERS = 700
_SECONDS = 40.0


class OpenedPage(Struct, frozen=True):
    """A page as text; `url` is where it stood in the end."""

    url: str
    title: str
    text: str
    links: list[Link]


def web_tools(fetcher: Fetcher) -> list[Tool]:
    """Tools that read pages fetched by `fetcher`."""

    @returning(OpenedPage)
    @tool(effect="read", timeout_seconds=_SECONDS, remote=True)
    async def web_open(url: str) -> Labelled:
        """Read a page of the web: its title, text and links."""
        fetched = await fetcher.fetch(url)
        page = await read_page(fetched)
        if len(page.main) > MOST_TEXT_CHARACTERS:
            raise ToolFailure(
                "too_large",
                f"{fetched.url} has {len(page.main):,} characters of text.",
                hint="Use web_find for the passages that matter.",
            )
        return Labelled(OpenedPage(fetched.url, page.title, page.main, page.links), _labels(fetched))

    @returning(list[str])
    @tool(effect="read", timeout_seconds=_SECONDS, remote=True)
    async def web_find(url: str, words: str) -> Labelled:
        """The passages of a page in which some words stand, best first."""
        wanted = wanted_words(words)
        if not wanted:
            raise ToolFailure("invalid", "There are no words to look for.")
        fetched = await fetcher.fetch(url)
        page = await read_page(fetched)
        found = lines_with(page.whole, wanted, most=MOST_PASSAGES, most_characters=PASSAGE_CHARACTERS)
        return Labelled([text for _, text in found], _labels(fetched))

    return [web_open, web_find]


def _labels(fetched: Fetched) -> Labels:
    return together(external(f"host:{host}") for host in fetched.hosts)
