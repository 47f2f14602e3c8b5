"""`pierian look`: what there is in a picture, without a question.

Readers measure, nothing is asked of a model. What the room `vision` finds is shown here, or written for other
programs.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pierian.exceptions import PierianError, RunError, UserError
from pierian.vision.packages import check_installed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from pierian.vision.outlines import Outline
    from pierian.vision.picture import Picture
    from pierian.vision.scene import Scene

_OVERLAYS = (".svg", ".png")


def look(
    images: Annotated[
        list[str],
        typer.Argument(
            metavar="IMAGE", help="Files, addresses (https://…), or - for a picture on standard input."
        ),
    ],
    page: Annotated[
        int, typer.Option(min=1, metavar="N", help="Which page of a PDF, TIFF or DICOM file.")
    ] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
    as_table: Annotated[
        bool, typer.Option("--table", help="Print every part with its place and how sure it is.")
    ] = False,
    as_markdown: Annotated[
        bool, typer.Option("--markdown", help="Print text and tables as Markdown.")
    ] = False,
    as_csv: Annotated[
        bool, typer.Option("--csv", help="Print the tables and the values of charts as CSV.")
    ] = False,
    overlay: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Draw what was found on the picture: FILE.svg or FILE.png."),
    ] = None,
    window: Annotated[
        str | None,
        typer.Option(metavar="CENTRE/WIDTH", help="The values that a DICOM picture shows, such as 40/400."),
    ] = None,
) -> None:
    """Say what there is in pictures: text, tables, charts as data, figures, barcodes. No model is asked."""
    if sum((as_json, as_table, as_markdown, as_csv)) > 1:
        raise UserError("One form at a time: --json, --table, --markdown or --csv.")
    check_overlay(overlay, images, one="Look at them one by one.")
    check_installed()
    chosen = None if window is None else window_of(window)
    found: list[tuple[Picture, Scene]] = []
    failed = 0
    for place, image in enumerate(images):
        try:
            picture = picture_of(image, page=page, window=chosen)
            scene = _read(picture)
        except PierianError as error:
            if len(images) == 1:
                raise
            from pierian.cli.app import show_error

            show_error(error)
            failed += 1
            continue
        if overlay is not None:
            _draw(picture, scene, overlay)
        if as_json:
            found.append((picture, scene))
        else:
            _show(picture, scene, (as_table, as_markdown, as_csv), first=place == 0)
    if as_json:
        _print_json(found, several=len(images) > 1)
    if failed:
        raise typer.Exit(1)


def _draw(picture: Picture, scene: Scene, overlay: Path) -> None:
    from pierian.vision.outlines import of_scene
    from pierian.vision.turning import turn

    write_overlay(turn(picture.pixels, scene.turned), of_scene(scene), overlay)


def picture_of(image: str, *, page: int = 1, window: tuple[float, float] | None = None) -> Picture:
    """The picture in a file, at an address, or on standard input (`-`)."""
    from pierian.vision.loading import MOST_BYTES, load, load_file

    if image == "-":
        if sys.stdin.isatty():
            raise UserError("There is no picture on standard input.", hint="pierian look - < picture.png")
        content = sys.stdin.buffer.read(MOST_BYTES + 1)
        return load(content, name="The picture on standard input", page=page, window=window)
    if image.startswith(("http://", "https://")):
        import asyncio

        from pierian.toolbox.fetching import Fetcher

        fetched = asyncio.run(Fetcher().fetch(image, wanted="picture"))
        source = f"host:{fetched.hosts[-1]}"
        return load(fetched.body, name=fetched.url, source=source, page=page, window=window)
    return load_file(Path(image), page=page, window=window)


def window_of(text: str) -> tuple[float, float]:
    """Centre and width out of `CENTRE/WIDTH`."""
    centre, _, width = text.partition("/")
    try:
        found = float(centre), float(width)
    except ValueError:
        found = 0.0, 0.0
    if not 0 < found[1] < float("inf") or abs(found[0]) == float("inf"):
        raise UserError(
            f"{text!r} is no window of values.", hint="Centre and width, such as --window 40/400."
        )
    return found


def _read(picture: Picture) -> Scene:
    from rich.console import Console

    waiting = Console(stderr=True, highlight=False)
    with waiting.status("Looking …", spinner_style="dim"):
        from pierian.vision.reading import read_scene

        return read_scene(picture)


def _show(picture: Picture, scene: Scene, forms: tuple[bool, bool, bool], *, first: bool) -> None:
    from pierian.vision.exporting import as_csv, as_markdown

    match forms:
        case (_, True, _):
            text = as_markdown(scene)
        case (_, _, True):
            text = as_csv(scene)
        case (table, _, _):
            from pierian.cli.scene_view import show_parts, show_scene

            if not first:
                typer.echo()
            (show_parts if table else show_scene)(picture, scene)
            return
    typer.echo(text if first else f"\n{text}", nl=False)


def _print_json(found: list[tuple[Picture, Scene]], *, several: bool) -> None:
    from pierian.cli.keys import print_json
    from pierian.vision.exporting import as_json

    told = [as_json(picture, scene) for picture, scene in found]
    print_json(told if several else told[0])


def check_overlay(overlay: Path | None, images: Sequence[str], *, one: str) -> None:
    """Raise where an overlay cannot be drawn; `one` says what to do with several pictures."""
    if overlay is None:
        return
    if len(images) > 1:
        raise UserError("--overlay draws on one picture.", hint=one)
    if overlay.suffix.lower() not in _OVERLAYS:
        raise UserError(f"{overlay} is neither .svg nor .png.", hint="The ending says what is drawn.")
    if not overlay.absolute().parent.is_dir():
        raise UserError(f"There is no folder {overlay.parent} to write {overlay.name} into.")
    if overlay.resolve() == Path(images[0]).resolve():
        raise UserError(
            f"{overlay} is the picture itself; it is not drawn over.", hint="Choose another name."
        )


def write_overlay(pixels: NDArray[np.uint8], outlines: Sequence[Outline], target: Path) -> None:
    """Write a picture with what is drawn on it, whole or not at all."""
    import tempfile

    from pierian.vision.overlay import overlay_png, overlay_svg

    make = overlay_svg if target.suffix.lower() == ".svg" else overlay_png
    content = make(pixels, outlines)
    try:
        with tempfile.TemporaryDirectory(dir=target.absolute().parent, prefix=f".{target.name}.") as folder:
            partial = Path(folder) / "whole"
            partial.write_bytes(content)
            os.replace(partial, target)  # noqa: PTH105 - over whatever is there
    except OSError as error:
        raise RunError(f"{target} cannot be written: {error.strerror or error}.") from error
