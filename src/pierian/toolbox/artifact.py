"""Artifacts: pages and drawings that a model writes, kept in one folder and shown where they can do no harm.

What a model writes may have been dictated by a page it read, so an artifact is shown only inside `sandboxed_page`:
a frame of its own opaque origin, with scripts but no network, no forms, no windows and no way to the page around
it. A drawing runs no scripts at all. An artifact is never replaced: another one of the same name gets a number.
"""

from __future__ import annotations

import asyncio
import base64
import html
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal
from xml.etree import ElementTree

from pierian.provenance import Labelled
from pierian.toolbox import confined
from pierian.toolbox.confined import Folders
from pierian.toolbox.files import Written, labels_of_places, standing
from pierian.tools import Context, Tool, ToolFailure, tool
from pierian.tools.shapes import returning

MOST_ARTIFACT_BYTES = 1_000_000
MOST_OF_ONE_NAME = 500

KINDS = ("html", "svg")

ARTIFACT_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; "
    "media-src data: blob:; font-src data:; form-action 'none'; base-uri 'none'; webrtc 'block'"
)
"""For the page around the frame, and to be sent as its header too. The frame inherits it, and since `frame-src` falls
back to none, cannot leave for another address either."""

# Browsers that do not know `webrtc 'block'` (Chromium 150) would send packets to wherever a page says. This takes the
# way there out of the frame. A page that makes a frame of its own with `srcdoc` finds it again: there only the header
# that the web app sends (`Connection-Allowlist`) stops it, in browsers that know that one.
_NO_PEERS = (
    "<script>for(const name of['RTCPeerConnection','webkitRTCPeerConnection'])"
    "Object.defineProperty(window,name,{value:undefined})</script>"
)
_NAME = re.compile(r"\w(?:[\w .()-]{0,78}[\w)])?")
_SVG = "{http://www.w3.org/2000/svg}svg"


def artifact_tools(folder: Path) -> list[Tool]:
    """The tool that writes artifacts into `folder`."""
    allowed = Folders([folder])

    async def written(_: Context, values: Mapping[str, Any]) -> Labelled | None:
        name, kind, content = str(values["name"]), str(values["kind"]), str(values["content"])
        try:
            return await asyncio.to_thread(_standing, allowed, folder, name, kind, content)
        except ToolFailure:
            return None

    @returning(Written)
    @tool(effect="write", lookup=written)
    async def artifact_write(name: str, kind: Literal["html", "svg"], content: str) -> Labelled:
        """Write a page (html) or drawing (svg) for the user to see. It can load nothing: all must be inline.

        Args:
            name: A short name without ending.
        """
        return await asyncio.to_thread(_write, allowed, folder, name, kind, content)

    return [artifact_write]


def sandboxed_page(path: Path) -> str:
    """The page that shows an artifact in its sandbox; raises `ToolFailure` where the file is none."""
    kind = path.suffix.removeprefix(".").lower()
    if kind not in KINDS:
        raise ToolFailure("wrong_type", f"{path} is not an artifact: those end in .html or .svg.")
    place = Folders([path.parent]).place(str(path.absolute()))
    frame = framed(kind, confined.read(place, MOST_ARTIFACT_BYTES).decode(errors="replace"))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{ARTIFACT_POLICY}">'
        '<meta name="referrer" content="no-referrer"><meta http-equiv="x-dns-prefetch-control" content="off">'
        f"<title>{html.escape(path.stem)}</title>"
        "<style>html,body,iframe{margin:0;border:0;width:100%;height:100%;display:block}</style></head><body>"
        f'<iframe sandbox="allow-scripts" referrerpolicy="no-referrer" title="{html.escape(path.stem)}" '
        f'srcdoc="{html.escape(frame)}"></iframe></body></html>\n'
    )


def framed(kind: str, content: str) -> str:
    """The document for a sandboxed frame that shows a page (`html`) or a drawing (`svg`)."""
    if kind == "svg":
        packed = base64.b64encode(content.encode()).decode()
        content = (
            f'<!doctype html><img alt="" src="data:image/svg+xml;base64,{packed}" style="max-width:100%">'
        )
    return (
        # Names that are looked up ahead would leave the machine, and no policy covers them.
        f'<meta http-equiv="x-dns-prefetch-control" content="off">'
        f'<meta http-equiv="Content-Security-Policy" content="{ARTIFACT_POLICY}">{_NO_PEERS}{content}'
    )


def _standing(allowed: Folders, folder: Path, name: str, kind: str, content: str) -> Labelled | None:
    """The artifact under the name or one of its numbered ones, if this very content stands there."""
    for path in _paths(folder, name, kind):
        if not path.exists():
            return None
        if found := standing(allowed, str(path), content):
            return found
    return None


def _write(allowed: Folders, folder: Path, name: str, kind: str, content: str) -> Labelled:
    _check(kind, content)
    with confined.explained(str(folder)):
        folder.mkdir(parents=True, exist_ok=True)
    for path in _paths(folder, name, kind):
        if found := standing(allowed, str(path), content):
            return found
        place = allowed.place(str(path))
        try:
            confined.write(place, content.encode(), replace=False)
        except FileExistsError:
            continue
        return Labelled(Written(place.path, len(content.encode())), labels_of_places([place]))
    raise ToolFailure(
        "failed", f"There are {MOST_OF_ONE_NAME} artifacts called {name!r}; choose another name."
    )


def _paths(folder: Path, name: str, kind: str) -> Iterator[Path]:
    """The paths that an artifact of this name may have, in order."""
    stem = name.strip().removesuffix(f".{kind}")
    if not _NAME.fullmatch(stem):
        raise ToolFailure(
            "invalid", f"{name!r} cannot be the name of an artifact.", hint="Use letters, digits and spaces."
        )
    yield folder / f"{stem}.{kind}"
    for number in range(2, MOST_OF_ONE_NAME + 1):
        yield folder / f"{stem}-{number}.{kind}"


def _check(kind: str, content: str) -> None:
    """Refuse what could not be shown."""
    try:
        size = len(content.encode())
    except UnicodeEncodeError as error:
        raise ToolFailure("invalid", "The artifact is not text.") from error
    if size > MOST_ARTIFACT_BYTES:
        raise ToolFailure(
            "too_large", f"The artifact has {size:,} bytes; {MOST_ARTIFACT_BYTES:,} is the most."
        )
    if "<" not in content:
        raise ToolFailure("invalid", f"The artifact is not {kind.upper()}.")
    if kind != "svg":
        return
    if "<!" in content.replace("<!--", "").replace("<![CDATA[", ""):
        raise ToolFailure("invalid", "The drawing declares a document type; leave that out.")
    try:
        root = ElementTree.fromstring(content)  # noqa: S314 - without a document type there are no entities
    except ElementTree.ParseError as error:
        raise ToolFailure("invalid", f"The drawing is not well-formed SVG: {error}.") from error
    if root.tag != _SVG:
        raise ToolFailure(
            "invalid", "The drawing is no SVG: it must begin with <svg xmlns=http://www.w3.org/2000/svg>."
        )
