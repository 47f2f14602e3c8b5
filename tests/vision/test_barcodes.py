"""Barcodes and QR codes are read where they are, turned or not."""

from __future__ import annotations

import numpy as np
import zxingcpp
from PIL import Image
from tests.vision.drawing import pixels_of

from pierian.vision.barcodes import read_barcodes


def code(text: str, form: zxingcpp.BarcodeFormat) -> Image.Image:
    made = zxingcpp.create_barcode(text, form).to_image(scale=4)
    return Image.fromarray(np.array(made)).convert("RGB")


def test_codes_are_read_from_top_to_bottom_with_their_places() -> None:
    image = Image.new("RGB", (700, 500), "white")
    qr = code("https://example.org/a?b=1", zxingcpp.BarcodeFormat.QRCode)
    ean = code("4006381333931", zxingcpp.BarcodeFormat.EAN13)
    image.paste(qr, (40, 30))
    image.paste(ean.resize((ean.width, 120)).rotate(90, expand=True, fillcolor="white"), (400, 60))
    first, second = sorted(read_barcodes(pixels_of(image)), key=lambda one: one.region.box.left)
    assert first.text == "https://example.org/a?b=1"
    assert second.text == "4006381333931"
    assert "QR" in first.format
    assert abs(first.region.box.centre.x - (40 + qr.width / 2)) < 6
    assert {first.id, second.id} == {"k1", "k2"}


def test_a_page_without_a_code_has_none() -> None:
    assert read_barcodes(pixels_of(Image.new("RGB", (100, 100), "white"))) == ()
