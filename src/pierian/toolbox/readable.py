"""Pages as readable text: the title, the main text, the whole text and the links.

Reading happens in a child process that lives for one page. Every HTML parser that was tried (lexbor, libxml2) takes
minutes over some page of a megabyte made for that, and holds its thread meanwhile; a child can be ended, and bounds
its own memory. Extraction is `resiliparse`'s. JSON, XML and plain text come back as they are.
"""

from __future__ import annotations

import asyncio
import contextlib
import resource
import sys
from typing import TYPE_CHECKING
from urllib.parse import urljoin

import msgspec
from msgspec import Struct

from pierian.toolbox.fetching import Fetched
from pierian.tools import ToolFailure

if TYPE_CHECKING:
    from resiliparse.parse.html import HTMLTree

MOST_LINKS = 300
MOST_TITLE_CHARACTERS = 300
MOST_LINK_CHARACTERS = 200
MOST_URL_CHARACTERS = 2000
MOST_SECONDS = 10.0
MOST_MEMORY_BYTES = 2**30
LEAST_MAIN_CHARACTERS = 250
"""A shorter main text is not trusted to be all that matters: a page that is a list has no main text."""


class Link(Struct, frozen=True):
    """A link of a page, its address whole."""

    text: str
    url: str


class Readable(Struct, frozen=True):
    """What there is to read on a page. `main` is without menus and the like, `whole` is with them."""

    title: str
    main: str
    whole: str
    links: list[Link]


async def read_page(page: Fetched) -> Readable:
    """Read a page in a child process; raises `ToolFailure` where that takes too long or fails."""
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "pierian.toolbox.readable"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(MOST_SECONDS):
            written, _ = await child.communicate(msgspec.msgpack.encode(page))
    except TimeoutError:
        written = b""
    finally:
        if child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            await child.wait()
    if not written or child.returncode:
        raise ToolFailure("wrong_type", f"{page.url} is too tangled to be read.")
    return msgspec.msgpack.decode(written, type=Readable)


def readable(page: Fetched) -> Readable:
    """Title, text and links of a page."""
    # Its modules are compiled into one library, where pyright does not find them.
    from resiliparse.extract.html2text import extract_plain_text  # pyright: ignore[reportMissingModuleSource]
    from resiliparse.parse.html import HTMLTree

    text = _decoded(page)
    if page.kind == "text":
        return Readable("", text, text, [])
    tree = HTMLTree.parse(text)
    whole = extract_plain_text(tree, alt_texts=False)
    main = extract_plain_text(tree, main_content=True, alt_texts=False)
    title = " ".join((tree.title or "").split())[:MOST_TITLE_CHARACTERS]
    return Readable(
        title, main if len(main) >= LEAST_MAIN_CHARACTERS else whole, whole, _links(tree, page.url)
    )


def _decoded(page: Fetched) -> str:
    """The text by what the server says, what the page says of itself, or what its bytes look like."""
    from resiliparse.parse.encoding import (  # pyright: ignore[reportMissingModuleSource]
        bytes_to_str,
        detect_encoding,
        map_encoding_to_html5,
    )

    said = map_encoding_to_html5(page.charset, fallback_utf8=False) if page.charset else None
    encoding = said or detect_encoding(page.body, from_html_meta=page.kind == "html") or "utf-8"
    return bytes_to_str(page.body, encoding, errors="replace").replace("\0", "")


def _links(tree: HTMLTree, url: str) -> list[Link]:
    """The links of a page in order, each address once."""
    document = tree.document
    if document is None:
        return []
    base = document.query_selector("base[href]")
    start = urljoin(url, base.getattr("href") or "") if base is not None else url
    found: dict[str, Link] = {}
    for anchor in document.query_selector_all("a[href]")[
        :
    ]:  # the list itself asks anew for each of its items
        with contextlib.suppress(ValueError):
            target = urljoin(start, (anchor.getattr("href") or "").strip()).partition("#")[0]
            text = " ".join((anchor.text or "").split())[:MOST_LINK_CHARACTERS]
            wanted = target.startswith(("http://", "https://")) and len(target) <= MOST_URL_CHARACTERS
            if text and wanted and target != url:
                found.setdefault(target, Link(text, target))
        if len(found) == MOST_LINKS:
            break
    return list(found.values())


def _main() -> None:
    """The child: a page on standard input, what there is to read on standard output."""
    resource.setrlimit(resource.RLIMIT_CPU, (int(MOST_SECONDS), int(MOST_SECONDS)))
    with contextlib.suppress(ValueError, OSError):  # macOS has the limit and refuses to set it
        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY_BYTES, MOST_MEMORY_BYTES))
    page = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Fetched)
    sys.stdout.buffer.write(msgspec.msgpack.encode(readable(page)))


if __name__ == "__main__":
    _main()
