"""What becomes of pictures of every kind: the pixels that a person would see, and a word on what was done."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import pillow_heif
import pydicom
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian
from tests.vision.hostile_files import pdf, png, saved, small, svg

from pierian.vision.decoded import Refusal, Request
from pierian.vision.decoding import decode
from pierian.vision.formats import format_of
from pierian.vision.loading import PictureError, load, load_file
from pierian.vision.reading import read_scene

RED, WHITE = (160, 0, 0), (255, 255, 255)


def decoded(
    content: bytes, *, page: int = 1, window: tuple[float, float] | None = None
) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Pixels and notes, without the process around it."""
    kind = format_of(content)
    assert kind is not None
    head, pixels = decode(Request(kind, page, window), content)
    return np.frombuffer(pixels, np.uint8).reshape(head.height, head.width, 3), head.notes


def assert_small(pixels: NDArray[np.uint8], tolerance: int = 12) -> None:
    assert pixels.shape == (20, 40, 3)
    assert np.abs(pixels[10, 8].astype(int) - RED).max() <= tolerance
    assert np.abs(pixels[10, 32].astype(int) - WHITE).max() <= tolerance


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "TIFF", "HEIF"])
def test_every_format_of_pixels(kind: str) -> None:
    if kind == "HEIF":
        pillow_heif.register_heif_opener()
    assert_small(decoded(saved(small(), kind))[0])


@pytest.mark.parametrize("mode", ["P", "1", "L", "LA", "RGBA", "CMYK", "YCbCr", "LAB", "I", "F", "I;16"])
def test_every_kind_of_colours(mode: str) -> None:
    image = small("I").convert(mode) if mode in ("I;16", "F") else small()
    if mode == "LAB":
        to_lab = (ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"))
        changed = ImageCms.profileToProfile(image, *to_lab, outputMode="LAB")
        assert changed is not None
        image = changed
    pixels, _ = decoded(saved(image.convert(mode), "TIFF"))
    assert pixels.shape == (20, 40, 3)
    assert pixels[10, 32].min() >= 250
    assert pixels[10, 8].mean() <= 60


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_colours_for_print(kind: str) -> None:
    assert_small(decoded(saved(small("CMYK"), kind))[0])


def test_an_empty_page_is_a_scene_that_says_so() -> None:
    bare = pdf(1).replace(b"0 0 20 50 re f", b"0 0 20 50 re n")
    scene = read_scene(load(bare))
    assert (scene.texts, scene.tables, scene.charts, scene.shapes) == ((), (), (), ())
    assert scene.unsure == ("No text, table, chart, shape or barcode was found in the picture.",)


def test_sixteen_bits_of_a_png_are_of_its_whole_range() -> None:
    values = np.tile(np.array([0, 0x4000, 0x8000, 0xFFFF], np.uint16), (2, 1))
    assert decoded(saved(Image.fromarray(values), "PNG"))[0][0, :, 0].tolist() == [0, 64, 128, 255]


def test_values_of_a_measurement_are_stretched_and_it_is_said() -> None:
    pixels, notes = decoded(saved(Image.fromarray(np.array([[100, 150, 300]], np.uint16)), "TIFF"))
    assert pixels[0, :, 0].tolist() == [0, 64, 255]
    assert notes == ("Its grey values were stretched: 100 is black, 300 is white.",)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_what_is_transparent_is_white(mode: str) -> None:
    image = Image.new("RGBA", (4, 4), (0, 0, 0, 0))
    image.putpixel((0, 0), (0, 0, 0, 255))
    pixels, _ = decoded(saved(image.convert(mode), "PNG"))
    assert pixels[0, 0].max() <= 5
    assert pixels[3, 3].min() == 255


def test_a_colour_profile_is_followed() -> None:
    swapped = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, green = swapped.index(b"rXYZ"), swapped.index(b"gXYZ")
    swapped[red : red + 4], swapped[green : green + 4] = b"gXYZ", b"rXYZ"
    renamed = bytes(swapped).replace("sRGB".encode("utf-16-be"), "odd ".encode("utf-16-be"))
    pixels, _ = decoded(saved(Image.new("RGB", (4, 4), (255, 0, 0)), "PNG", icc_profile=renamed))
    assert pixels[0, 0].argmax() == 1  # what the file calls red is green
    pixels, _ = decoded(saved(small(), "PNG", icc_profile=b"rubbish" * 20))
    assert_small(pixels)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_pictures_stand_upright(orientation: int, kind: str) -> None:
    image = small()
    image.paste((0, 0, 160), (0, 0, 6, 6))
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = saved(image, kind, exif=exif)
    with Image.open(io.BytesIO(content)) as opened:
        expected = np.asarray((ImageOps.exif_transpose(opened) or opened).convert("RGB")).astype(int)
    pixels, _ = decoded(content)
    assert pixels.shape == expected.shape
    assert np.abs(pixels - expected).max() <= 2
    assert pixels.shape == ((20, 40, 3) if orientation < 5 else (40, 20, 3))


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_odd_metadata_is_no_reason_to_refuse() -> None:
    assert_small(decoded(saved(small(), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff"))[0])


def test_the_first_of_several_frames() -> None:
    frames = [small(), Image.new("RGB", (40, 20), "black")]
    for kind in ("GIF", "WEBP", "PNG"):
        content = saved(frames[0], kind, save_all=True, append_images=frames[1:])
        pixels, notes = decoded(content)
        assert_small(pixels)
        assert notes == ("It is animated, 2 frames; the first is read.",)


def test_pages_of_a_tiff() -> None:
    content = saved(
        Image.new("RGB", (9, 9), "black"), "TIFF", save_all=True, append_images=[small(), small("L")]
    )
    assert_small(decoded(content, page=2)[0])
    with pytest.raises(Refusal, match="has no page 4"):
        decoded(content, page=4)


def test_pages_of_a_pdf() -> None:
    content = pdf(2)
    first, notes = decoded(content)
    second, _ = decoded(content, page=2)
    assert first.shape == second.shape == (800, 1600, 3)
    assert notes == ("It has 2 pages; this is page 1.",)
    assert (first[:, :, 0] == 0).mean() == pytest.approx(0.05, abs=0.002)
    assert (second[:, :, 0] == 0).mean() == pytest.approx(0.10, abs=0.002)
    assert decoded(pdf(size=(595, 842)))[0].shape[0] == 2339  # 200 dots per inch


def test_a_drawing_has_a_size_that_can_be_read() -> None:
    pixels, notes = decoded(svg('<rect width="200" height="200" fill="#a00000"/>'))
    assert pixels.shape == (800, 1600, 3)
    assert pixels[400, 400].tolist() == [160, 0, 0] and pixels[400, 1200].tolist() == [255, 255, 255]
    assert notes == ()
    assert decoded(svg("<g/>", size='width="20cm" height="10cm" viewBox="0 0 2 1"'))[0].shape == (
        800,
        1600,
        3,
    )
    assert decoded(svg("<g/>", size='viewBox="0 0 3000 1000"'))[0].shape == (1000, 3000, 3)
    wide = svg("<g/>", head='<?xml version="1.0" encoding="utf-16"?>').decode().encode("utf-16")
    assert decoded(wide)[0].shape == (800, 1600, 3)


def test_a_large_picture_is_made_smaller_and_it_is_said() -> None:
    pixels, notes = decoded(saved(Image.new("1", (9000, 4000), 1), "TIFF", compression="group4"))
    assert pixels.shape == (2666, 6000, 3)
    assert notes == ("It was reduced from 9,000 × 4,000 pixels to 6,000 × 2,666.",)
    pixels, notes = decoded(saved(Image.new("L", (5000, 4000), 200), "JPEG"))
    assert notes == (
        f"It was reduced from 5,000 × 4,000 pixels to {pixels.shape[1]:,} × {pixels.shape[0]:,}.",
    )
    assert pixels.shape[0] * pixels.shape[1] <= 16_000_000


def dicom(values: NDArray[np.uint16], **fields: object) -> bytes:
    """A computed tomogram of these values, 1,000 below what they stand for."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID, meta.MediaStorageSOPClassUID = ExplicitVRLittleEndian, CTImageStorage
    meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid()
    dataset = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    dataset.Rows, dataset.Columns = values.shape[-2:]
    if values.ndim == 3:
        dataset.NumberOfFrames = len(values)
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 12, 11, 0
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.RescaleIntercept, dataset.RescaleSlope = -1000, 1
    dataset.PatientName = "Doe^Jane"
    for name, value in fields.items():
        setattr(dataset, name, value)
    dataset.PixelData = values.tobytes()
    out = io.BytesIO()
    dataset.save_as(out, enforce_file_format=True)
    return out.getvalue()


TOMOGRAM = np.array([[0, 840, 1040, 1240, 4000]], np.uint16)


def test_a_window_of_values() -> None:
    soft = dicom(TOMOGRAM, WindowCenter=[40, 300], WindowWidth=[400, 2000])
    pixels, notes = decoded(soft)
    assert pixels[0, :, 0].tolist() == [0, 0, 128, 255, 255]
    assert notes == ("Its greys show a window of 400 around 40, as the file says.",)
    pixels, notes = decoded(soft, window=(40.5, 801))
    assert pixels[0, :, 0].tolist() == [0, 64, 128, 191, 255]
    assert "801 around 40.5, as was asked for" in notes[0]
    exact = dicom(TOMOGRAM, WindowCenter=40, WindowWidth=400, VOILUTFunction="LINEAR_EXACT")
    assert decoded(exact)[0][0, :, 0].tolist() == [0, 0, 128, 255, 255]
    curved = dicom(TOMOGRAM, WindowCenter=40, WindowWidth=400, VOILUTFunction="SIGMOID")
    assert decoded(curved)[0][0, :, 0].tolist() == [0, 30, 128, 225, 255]


def test_other_tomograms() -> None:
    pixels, notes = decoded(dicom(TOMOGRAM))
    assert pixels[0, [0, 4], 0].tolist() == [0, 255]
    assert notes == ("It names no window: -1000 is black, 3000 is white.",)
    assert decoded(dicom(TOMOGRAM, PhotometricInterpretation="MONOCHROME1"))[0][0, [0, 4], 0].tolist() == [
        255,
        0,
    ]
    frames = dicom(np.stack([TOMOGRAM, TOMOGRAM[:, ::-1]]))
    assert decoded(frames, page=2)[0][0, [0, 4], 0].tolist() == [255, 0]


def test_a_file_becomes_a_picture(tmp_path: Path) -> None:
    path = tmp_path / "scan.pdf"  # its name is not believed
    path.write_bytes(saved(small(), "PNG"))
    picture = load_file(path)
    assert_small(picture.pixels)
    assert (picture.format, picture.page, picture.pages) == ("png", 1, 1)
    assert (picture.name, picture.source) == ("scan.pdf", f"file:{path}")
    assert (picture.width, picture.height) == (40, 20)
    assert not picture.pixels.flags.writeable


def test_what_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name, said in (
        ("none", "There is no file"),
        (".", "not an ordinary file"),
        ("pipe", "not an ordinary file"),
    ):
        with pytest.raises(PictureError, match=said):
            load_file(tmp_path / name)


def test_a_window_is_for_dicom_alone() -> None:
    with pytest.raises(PictureError, match="no values to choose a window of"):
        load(png(1, 1), window=(40, 400))
