"""Fuzzes the decoders of pictures: whatever the bytes, there is a picture, a refusal, or an error that is caught.

What atheris makes up is taken as a file where it begins like one, else as changes to a small file of some format, so
that decoders are reached every time. Decoding is done in this process. A decoder that crashes or hangs, or takes too
much memory, ends it, and atheris keeps the file; an answer that contradicts itself is an assertion. Install `atheris`
for it (`pip install atheris`); it is not among the packages for development, and this is not part of the tests.

    python -m benchmarks.fuzz_pictures --seconds 300 --corpus FOLDER
"""

from __future__ import annotations

import argparse
import importlib
import io
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

MOST_BYTES = 4096
REPORT_SECONDS = 20.0


def seeds() -> list[bytes]:
    """A small file of every format."""
    import pillow_heif
    from PIL import Image

    pillow_heif.register_heif_opener()
    image = Image.new("RGB", (40, 20), "white")
    image.paste((160, 0, 0), (0, 0, 20, 20))
    found: list[bytes] = []
    for name in ("PNG", "JPEG", "WEBP", "GIF", "TIFF", "PDF", "HEIF"):
        out = io.BytesIO()
        image.save(out, name)
        found.append(out.getvalue())
    frames = [image, Image.new("RGB", (40, 20), "black")]
    for name in ("GIF", "WEBP", "TIFF"):
        out = io.BytesIO()
        frames[0].save(out, name, save_all=True, append_images=frames[1:])
        found.append(out.getvalue())
    links = 'xmlns="http://www.w3.org/2000/svg"'
    drawing = f'<svg {links} viewBox="0 0 9 9"><rect id="a" width="5"/><use href="#a"/></svg>'
    return [*found, drawing.encode()]


def changed(content: bytes, choices: bytes) -> bytes:
    """A file with bytes changed: three of the choices say where (twice) and to what, the last where it is cut off."""
    found = bytearray(content)
    for at in range(0, len(choices) - 3, 3):
        place = int.from_bytes(choices[at : at + 2]) % len(found)
        found[place] = choices[at + 2]
    return bytes(found[: -choices[-1]]) if choices[-1:] > b"\xf0" else bytes(found)


def one_input(files: list[bytes], outcomes: Counter[str]) -> Callable[[bytes], None]:
    """What is done with each input; counts how it ended."""
    from pierian.vision.decoded import Refusal, Request
    from pierian.vision.decoding import decode
    from pierian.vision.formats import format_of, said_of

    said = time.monotonic()

    def fuzzed(given: bytes) -> None:
        nonlocal said
        content = given if format_of(given) or not given else changed(files[given[0] % len(files)], given[1:])
        if (kind := format_of(content)) is None:
            said_of(content)
            outcomes["no picture"] += 1
            return
        try:
            head, pixels = decode(Request(kind), content)
        except Refusal:
            outcomes[f"{kind}: refused"] += 1
        except Exception as error:  # noqa: BLE001 - the process says "damaged" to all of them
            outcomes[f"{kind}: {type(error).__name__}"] += 1
        else:
            assert len(pixels) == head.width * head.height * 3
            outcomes[f"{kind}: decoded"] += 1
        if time.monotonic() - said > REPORT_SECONDS:
            said = time.monotonic()
            print(sum(outcomes.values()), dict(outcomes.most_common()), file=sys.stderr)

    return fuzzed


def main() -> None:
    """Fuzz until the time is over, saying now and then what came out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument(
        "--corpus", type=Path, help="keep what reaches new code here; default: a temporary folder"
    )
    given = parser.parse_args()
    atheris: Any = importlib.import_module("atheris")
    warnings.simplefilter("ignore")
    with atheris.instrument_imports(include=["PIL", "pierian.vision", "pydicom", "pillow_heif"]):
        files = seeds()
        for name in ("raster", "svg", "pdf", "dicom"):
            importlib.import_module(f"pierian.vision.decoding_{name}")
        fuzzed = one_input(files, Counter())
    with tempfile.TemporaryDirectory() as temporary:
        corpus = given.corpus or Path(temporary)
        corpus.mkdir(parents=True, exist_ok=True)
        for number, content in enumerate(files):
            (corpus / f"seed{number}").write_bytes(content)
        options = (
            f"-max_total_time={given.seconds}",
            f"-max_len={MOST_BYTES}",
            "-timeout=20",
            "-rss_limit_mb=2048",
        )
        atheris.Setup([sys.argv[0], *options, str(corpus)], fuzzed)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
