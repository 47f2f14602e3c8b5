"""Files that were made to hurt whoever reads them: a sentence each, and nothing left behind."""

from __future__ import annotations

import base64
import contextlib
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.vision import hostile_files as files
from tests.vision.hostile_files import saved, small

from pierian.exceptions import UserError
from pierian.vision import loading
from pierian.vision.decoded import Refusal, Request
from pierian.vision.decoding import decode
from pierian.vision.formats import format_of, said_of
from pierian.vision.loading import PictureError, load
from pierian.vision.picture import Picture


def bomb(width: int, height: int) -> bytes:
    """A grey PNG of nothing: a packed block of zeros, over and over."""
    packer = zlib.compressobj(9)
    first, block = (packer.compress(bytes(2**20)) + packer.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    return files.png(width, height, colour=0, data=first + block * (width * height // 2**20 + 1))


def drawn_bomb() -> bytes:
    """A bomb inside of a drawing, where no header of ours is looked at."""
    inner = base64.b64encode(bomb(30_000, 40_000)).decode()
    return files.svg(f'<image href="data:image/png;base64,{inner}" width="9" height="9"/>')


def unfolding() -> bytes:
    """A drawing that uses itself ten times, nine times over."""
    parts = "".join(f'<g id="a{n + 1}">' + f'<use href="#a{n}"/>' * 10 + "</g>" for n in range(9))
    return files.svg(f'<rect id="a0" width="1" height="1"/>{parts}<use href="#a9"/>')


CASES: dict[str, tuple[Callable[[], bytes], str]] = {
    "nothing": (lambda: b"", "is empty"),
    "png header": (lambda: files.png(60_000, 60_000), "60,000 × 60,000 pixels, more than"),
    "jpeg header": (lambda: files.claimed_jpeg(60_000, 60_000), "60,000 × 60,000 pixels, more than"),
    "webp header": (lambda: files.claimed_webp(16_000, 16_000), "16,000 × 16,000 pixels, more than"),
    "gif header": (lambda: files.claimed_gif(60_000, 60_000), "more than the 100,000,000 pixels"),
    "tiff header": (lambda: files.claimed_tiff(60_000, 60_000), "60,000 × 60,000 pixels, more than"),
    "no pixels": (lambda: files.png(0, 10), "is damaged|has no pixels"),
    "cut off": (lambda: saved(small().resize((400, 200)), "JPEG")[:1500], "is damaged or cut off"),
    "laughing": (files.laughing_svg, "no well-formed SVG: limit on input amplification"),
    "foreign entity": (
        lambda: files.svg(
            "<text>&x;</text>", head='<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
        ),
        "no well-formed SVG",
    ),
    "unfolding": (unfolding, "cannot be drawn"),
    "deep": (lambda: files.svg("<g>" * 50_000 + "</g>" * 50_000), "nested too deeply"),
    "bomb in a drawing": (drawn_bomb, "made its decoder end|more than 1,024 MB"),
    "web page": (lambda: b"<!doctype html><svg></svg>", "looks like a web page"),
    "locked": (files.locked_pdf, "protected by a password"),
    "no pages": (lambda: files.pdf(0), "is damaged, or no PDF at all"),
    "no such page": (lambda: files.pdf(1).replace(b"/Kids[3 0 R]", b"/Kids[2 0 R]"), "cannot be drawn"),
    "script in a gif": (lambda: b"GIF89a=1;alert(1)//" + b"x" * 99, "is damaged or cut off"),
    "dicom": (lambda: bytes(128) + b"DICM" + b"\xff" * 999, "holds no picture|is damaged"),
    "archive": (lambda: b"PK\x03\x04" + bytes(99), "looks like a zip archive"),
}


def decoding_processes() -> list[psutil.Process]:
    """Children that decode; tests beside this one may have others."""
    found: list[psutil.Process] = []
    for one in psutil.Process().children():
        with contextlib.suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
            found += [one] if "pierian.vision.decoding_process" in one.cmdline() else []
    return found


@pytest.mark.parametrize("case", CASES)
def test_what_is_refused(case: str) -> None:
    made, said = CASES[case]
    with pytest.raises(PictureError, match=said) as caught:
        load(made(), name="It")
    assert str(caught.value).startswith("It ") and str(caught.value).endswith(".")
    assert "0x" not in str(caught.value) and "Error" not in str(caught.value)
    assert isinstance(caught.value, UserError)
    assert not decoding_processes()


def test_two_things_at_once_are_read_as_the_first() -> None:
    for tail in (b"PK\x03\x04", files.pdf(1), files.svg("<script/>")):
        assert load(saved(small(), "PNG") + tail).format == "png"


def test_a_chain_of_pages_that_bites_its_tail_ends() -> None:
    assert load(files.endless_tiff()).pages == 1


def test_a_drawing_leads_nowhere(tmp_path: Path) -> None:
    target = tmp_path / "secret.png"
    target.write_bytes(saved(small(), "PNG"))
    places = (str(target), f"file://{target}", target.name, "http://127.0.0.1/x.png")
    links = "".join(
        f'<image {name}="{place}" width="400" height="200"/>'
        for place in places
        for name in ("href", "xlink:href")
    )
    nested = base64.b64encode(files.svg(links)).decode()
    picture = load(
        files.svg(
            f'<script>alert(1)</script>{links}<image href="data:image/svg+xml;base64,{nested}" width="9" height="9"/>'
            f'<feImage href="{target}"/><use href="{target}#a"/><style>@import url({target});</style>'
        )
    )
    assert picture.pixels.min() == 255
    assert picture.notes == (
        "Its scripts were left out.",
        "What it refers to outside of itself was left out.",
    )


def test_what_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = '<feGaussianBlur stdDeviation="500"/>' * 200
    content = files.svg(f'<filter id="f">{slow}</filter><rect width="400" height="200" filter="url(#f)"/>')
    monkeypatch.setattr(loading, "WAIT_SECONDS", 0.5)
    with pytest.raises(PictureError, match="takes longer to decode"):
        load(content)
    assert not decoding_processes()


def test_the_process_is_bounded_and_knows_no_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = (
        "import os, resource, sys; from pierian.vision.decoding_process import _bound; _bound();"
        f"print(os.environ.get('PIERIAN_KEY'), resource.getrlimit(resource.RLIMIT_CPU)[0]); sys.stdout.flush();"
        f"f = open({str(tmp_path / 'x')!r}, 'w'); f.write('x'); f.flush()"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert ended.returncode != 0 and ended.stdout.split()[-1] == "10"
    assert (tmp_path / "x").read_text() == ""
    seen: dict[str, str] = {}
    start = subprocess.Popen

    def watched(*words: object, **options: object) -> object:
        seen.update(options["env"])  # type: ignore[call-overload]
        return start(*words, **options)  # type: ignore[call-overload]

    monkeypatch.setenv("SECRET_TOKEN", "x")
    monkeypatch.setattr(subprocess, "Popen", watched)
    load(saved(small(), "PNG"))
    assert "PATH" in seen and "SECRET_TOKEN" not in seen


FILES = [saved(small(), one) for one in ("PNG", "JPEG", "WEBP", "GIF", "TIFF")]
FILES += [files.pdf(2), files.svg("<text y='9'>a</text>")]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A file with some of its bytes changed, taken out or doubled."""
    content = bytearray(draw(st.sampled_from(FILES)))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(8, len(content) - 1))
        length = draw(st.integers(0, 8))
        content[at : at + length] = draw(st.binary(max_size=8))
    return bytes(content[: draw(st.integers(len(content) // 2, len(content)))])


@settings(max_examples=150)
@given(damaged())
def test_a_damaged_file_is_a_picture_or_refused(content: bytes) -> None:
    kind = format_of(content)
    if kind is None or kind == "pdf":  # pdfium is not for this process
        return
    try:
        head, pixels = decode(Request(kind), content)
    except (Refusal, Exception):  # noqa: BLE001 - the process says "damaged" to whatever else a decoder raises
        return
    assert len(pixels) == head.width * head.height * 3


@settings(max_examples=12)
@given(damaged())
def test_a_damaged_file_in_the_process(content: bytes) -> None:
    try:
        assert isinstance(load(content, name="It"), Picture)
    except PictureError as error:
        assert str(error).startswith("It ")


@given(st.binary(max_size=300) | st.text(max_size=100).map(str.encode))
def test_anything_is_some_format_or_none(content: bytes) -> None:
    format_of(content)
    assert isinstance(said_of(content), str)
