"""SVG by resvg, after everything was taken out that leads elsewhere.

The renderer runs no scripts and fetches nothing from the network, but it opens local files that an `<image>` names.
So the document is parsed (expat: no external entities, and an end to entities that multiply), cleaned, and written
anew: the renderer never sees the bytes of the file. Runs in `decoding_process`.
"""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ElementTree

import resvg_py
from PIL import Image

from pierian.vision.decoded import KEPT_SIDE, Opened, Refusal, check_size

DRAWN_SIDE = 1600
"""The longer side of a drawing that does not say more, in pixels."""
MOST_DRAWN_SIDE = 4000
_SVG = "http://www.w3.org/2000/svg"
_LEFT_OUT = frozenset({"script", "foreignObject", "handler", "iframe", "audio", "video"})
_LENGTH = re.compile(r"\s*([0-9]*\.?[0-9]+(?:[eE][+-]?[0-9]+)?)\s*(px|pt|pc|mm|cm|in|)\s*")
_PIXELS = {"px": 1.0, "": 1.0, "pt": 4 / 3, "pc": 16.0, "mm": 96 / 25.4, "cm": 96 / 2.54, "in": 96.0}
_EMBEDDED = re.compile(r"\s*data:image/(?:png|jpe?g|gif|webp|svg\+xml)[;,]", re.IGNORECASE)


def opened_svg(content: bytes) -> Opened:
    """An SVG drawn in a size that can be read."""
    try:
        root = ElementTree.fromstring(content)  # noqa: S314 - bounded by expat and by the process
    except ElementTree.ParseError as error:
        raise Refusal(f"is no well-formed SVG: {error}") from error
    if root.tag not in ("svg", f"{{{_SVG}}}svg"):
        raise Refusal("is XML, but no SVG")
    root.tag = f"{{{_SVG}}}svg"
    notes = _cleaned(root)
    side = min(MOST_DRAWN_SIDE, max(DRAWN_SIDE, round(max(_size(root)))))
    try:
        cleaned = ElementTree.tostring(root, encoding="unicode")
    except RecursionError as error:
        raise Refusal("is nested too deeply") from error
    try:
        drawn = resvg_py.svg_to_bytes(
            svg_string=cleaned,
            background="white",
            dpi=96.0,  # without it points and millimetres come to nothing
            width=side,
            height=side,  # it fits into both, and keeps its proportions
        )
    except ValueError as error:
        raise Refusal(f"cannot be drawn: {error}") from error
    image = Image.open(io.BytesIO(drawn), formats=["PNG"])
    check_size(*image.size)
    return Opened(image, None, notes=notes)


def _cleaned(root: ElementTree.Element) -> list[str]:
    """Take out what runs or leads elsewhere; returns what is to be said about it."""
    scripts = references = 0
    for parent in root.iter():
        for child in [one for one in parent if _local(one.tag) in _LEFT_OUT]:
            scripts += _local(child.tag) == "script"
            parent.remove(child)
        for name in [name for name in parent.attrib if _local(name) == "href"]:
            value = parent.attrib[name].strip()
            if not (value.startswith("#") or _EMBEDDED.match(value) or _local(parent.tag) == "a"):
                references += 1
                del parent.attrib[name]
    notes: list[str] = []
    if scripts:
        notes.append("Its scripts were left out.")
    if references:
        notes.append("What it refers to outside of itself was left out.")
    return notes


def _local(tag: object) -> str:
    """A name without its namespace; comments and instructions have none."""
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def _size(root: ElementTree.Element) -> tuple[float, float]:
    """Width and height in pixels, as far as it says so."""
    sides = [_LENGTH.fullmatch(root.get(name, "")) for name in ("width", "height")]
    if all(sides):
        width, height = (min(float(one[1]) * _PIXELS[one[2]], KEPT_SIDE) for one in sides if one)
        return width, height
    box = re.split(r"[\s,]+", root.get("viewBox", "").strip())
    found = [_LENGTH.fullmatch(one) for one in box[2:4]]
    sizes = [min(float(one[1]), KEPT_SIDE) for one in found if one]
    return (sizes[0], sizes[1]) if len(sizes) == 2 else (DRAWN_SIDE, DRAWN_SIDE)
