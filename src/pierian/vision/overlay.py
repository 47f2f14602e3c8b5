"""Draws looks, or a scene, on the picture: as an SVG with the picture in it, or as a PNG.

The SVG names nothing outside of itself, and shows what was found where the pointer rests. Text from the picture
stands only there, escaped, with everything made visible that a person would not see.
"""

from __future__ import annotations

import base64
import io
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pierian.characters import marked
from pierian.events.regions import Point
from pierian.vision.outlines import Label, Outline, corners_of, height_of_labels, labelled

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image, ImageDraw

    Pixels = NDArray[np.uint8]

_SVG = "http://www.w3.org/2000/svg"
_HALO = "#ffffff"
MOST_TITLE = 300
"""Characters of what a pointer shows."""


def overlay_svg(pixels: Pixels, outlines: Sequence[Outline]) -> bytes:
    """The picture and what is drawn on it, as an SVG."""
    height, width = pixels.shape[:2]
    line = _line_width(width, height)
    root = ElementTree.Element(
        "svg", xmlns=_SVG, width=str(width), height=str(height), viewBox=f"0 0 {width} {height}"
    )
    picture = base64.b64encode(_png(pixels)).decode()
    ElementTree.SubElement(
        root, "image", width=str(width), height=str(height), href=f"data:image/png;base64,{picture}"
    )
    for one in outlines:
        group = ElementTree.SubElement(root, "g", fill="transparent")
        if one.title:
            ElementTree.SubElement(group, "title").text = marked(one.title[:MOST_TITLE])
        thin = line / 2 if one.faint else line
        _svg_outline(group, corners_of(one, line), _HALO, thin * 2, line)
        _svg_outline(group, corners_of(one, line), one.colour, thin, line)
    for label in labelled(outlines, width, height):
        _svg_label(root, label)
    return ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)


def overlay_png(pixels: Pixels, outlines: Sequence[Outline]) -> bytes:
    """The same as a PNG."""
    from PIL import Image, ImageDraw, ImageFont

    height, width = pixels.shape[:2]
    image = Image.fromarray(pixels)
    draw = ImageDraw.Draw(image)
    line = _line_width(width, height)
    for one in outlines:
        thin = line / 2 if one.faint else line
        _png_outline(draw, corners_of(one, line), _HALO, thin * 2, line)
        _png_outline(draw, corners_of(one, line), one.colour, thin, line)
    font = ImageFont.load_default(height_of_labels(width, height) * 0.86)
    for label in labelled(outlines, width, height):
        box = label.box
        draw.rectangle((box.left, box.top, box.right, box.bottom), fill=label.outline.colour, outline=_HALO)
        middle = ((box.left + box.right) / 2, (box.top + box.bottom) / 2)
        draw.text(middle, label.text, fill=label.outline.text_colour, font=font, anchor="mm")
    return _saved(image)


def _line_width(width: int, height: int) -> float:
    return max(1.0, height_of_labels(width, height) / 9)


def _svg_outline(
    group: ElementTree.Element, corners: Sequence[Point], colour: str, width: float, radius: float
) -> None:
    stroke = {"stroke": colour, "stroke-width": f"{width:.2f}", "stroke-linejoin": "round"}
    if len(corners) == 1:
        place = {"cx": f"{corners[0].x:.1f}", "cy": f"{corners[0].y:.1f}", "r": f"{radius * 2:.1f}"}
        ElementTree.SubElement(group, "circle", place | stroke)
        return
    points = " ".join(f"{one.x:.1f},{one.y:.1f}" for one in corners)
    ElementTree.SubElement(group, "polygon", {"points": points} | stroke)


def _svg_label(root: ElementTree.Element, label: Label) -> None:
    box = label.box
    ElementTree.SubElement(
        root,
        "rect",
        {
            "x": f"{box.left:.1f}",
            "y": f"{box.top:.1f}",
            "width": f"{box.width:.1f}",
            "height": f"{box.height:.1f}",
            "fill": label.outline.colour,
            "stroke": _HALO,
        },
    )
    text = ElementTree.SubElement(
        root,
        "text",
        {
            "x": f"{(box.left + box.right) / 2:.1f}",
            "y": f"{box.bottom - box.height * 0.2:.1f}",
            "font-size": f"{box.height * 0.86:.1f}",
            "font-family": "sans-serif",
            "text-anchor": "middle",
            "fill": label.outline.text_colour,
        },
    )
    text.text = label.text


def _png_outline(
    draw: ImageDraw.ImageDraw, corners: Sequence[Point], colour: str, width: float, radius: float
) -> None:
    points = [(one.x, one.y) for one in corners]
    whole = max(1, round(width))
    if len(points) == 1:
        (x, y), reach = points[0], radius * 2
        draw.ellipse((x - reach, y - reach, x + reach, y + reach), outline=colour, width=whole)
        return
    draw.line([*points, *points[:2]], fill=colour, width=whole, joint="curve")


def _png(pixels: Pixels) -> bytes:
    from PIL import Image

    return _saved(Image.fromarray(pixels))


def _saved(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()
