"""Turns the bytes of one picture into upright RGB pixels.

Not for a process that matters: `decoding_process` is the process for it, `loading` what others call. The size that a
file declares is checked before anything is decoded. Pillow's formats are in `decoding_raster`, SVG, PDF and DICOM in
modules of their own; each is imported when one comes, so that the process starts fast.
"""

from __future__ import annotations

from pierian.vision.decoded import Decoded, Request, check_page


def decode(request: Request, content: bytes) -> tuple[Decoded, bytes]:
    """The picture's head and its pixels, three bytes each, row by row.

    Raises `Refusal`, and over damaged files whatever a decoder raises.
    """
    from pierian.vision.decoding_raster import opened_raster, upright_rgb

    match request.format:
        case "svg":
            from pierian.vision.decoding_svg import opened_svg

            check_page(request.page, 1)
            opened = opened_svg(content)
        case "pdf":
            from pierian.vision.decoding_pdf import opened_pdf

            opened = opened_pdf(content, request.page)
        case "dicom":
            from pierian.vision.decoding_dicom import opened_dicom

            opened = opened_dicom(content, request.page, request.window)
        case _:
            opened = opened_raster(content, request.format, request.page)
    image = upright_rgb(opened)
    head = Decoded(image.width, image.height, opened.pages, tuple(opened.notes))
    return head, image.tobytes()
