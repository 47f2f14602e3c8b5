"""Files that were made to hurt whoever reads them, and files that are merely broken."""

from __future__ import annotations

import io
import struct
import zlib

from PIL import Image


def png(width: int, height: int, *, bits: int = 8, colour: int = 2, data: bytes = b"") -> bytes:
    """A PNG of whatever size it claims, with the data that is given."""
    head = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    """A picture as the bytes of a file."""
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def small(mode: str = "RGB") -> Image.Image:
    """40 × 20 pixels: the left half dark red, the right half white."""
    image = Image.new("RGB", (40, 20), "white")
    image.paste((160, 0, 0), (0, 0, 20, 20))
    return image.convert(mode)


def claimed_jpeg(width: int, height: int) -> bytes:
    """A JPEG whose header claims another size than its data has."""
    content = bytearray(saved(small(), "JPEG"))
    at = content.index(b"\xff\xc0") + 5
    content[at : at + 4] = struct.pack(">HH", height, width)
    return bytes(content)


def claimed_webp(width: int, height: int) -> bytes:
    """A WebP whose canvas is as large as it claims."""
    body = b"VP8X" + struct.pack("<I", 10) + bytes(4) + (width - 1).to_bytes(3, "little")
    body += (height - 1).to_bytes(3, "little")
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def claimed_gif(width: int, height: int) -> bytes:
    """A GIF with a frame as large as it claims."""
    frame = b"\x2c" + struct.pack("<HHHH", 0, 0, width, height) + b"\x00\x02\x02\x44\x01\x00"
    return b"GIF89a" + struct.pack("<HH", 1, 1) + b"\x80\x00\x00\x00\x00\x00\xff\xff\xff" + frame + b";"


def claimed_tiff(width: int, height: int) -> bytes:
    """A TIFF of one strip, of whatever size it claims."""
    entries = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1)]
    entries += [(273, 4, 1, 8), (277, 3, 1, 1), (278, 4, 1, height), (279, 4, 1, 4)]
    directory = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", *one) for one in entries)
    return b"II*\x00" + struct.pack("<I", 8) + directory + bytes(8)


def endless_tiff() -> bytes:
    """A TIFF whose directory is its own successor."""
    content = claimed_tiff(10, 10)
    return content[:-8] + struct.pack("<I", 8) + bytes(4)


def svg(body: str, *, head: str = "", size: str = 'width="400" height="200"') -> bytes:
    links = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    return f"{head}<svg {links} {size}>{body}</svg>".encode()


def laughing_svg() -> bytes:
    """Entities that multiply to ten billion."""
    entities = "".join(f'<!ENTITY a{n + 1} "' + f"&a{n};" * 10 + '">' for n in range(10))
    return svg("<text>&a10;</text>", head=f'<!DOCTYPE svg [<!ENTITY a0 "lol">{entities}]>')


def pdf(pages: int = 1, *, size: tuple[float, float] = (200, 100)) -> bytes:
    """A PDF of blank pages with a black bar on each."""
    kids = " ".join(f"{3 + 2 * one} 0 R" for one in range(pages))
    objects = ["<</Type/Catalog/Pages 2 0 R>>", f"<</Type/Pages/Count {pages}/Kids[{kids}]>>"]
    for number in range(pages):
        bar = f"0 0 {20 * (number + 1)} 50 re f"
        box = f"/MediaBox[0 0 {size[0]} {size[1]}]"
        objects += [
            f"<</Type/Page/Parent 2 0 R{box}/Contents {4 + 2 * number} 0 R>>",
            f"<</Length {len(bar)}>>stream\n{bar}\nendstream",
        ]
    out, places = "%PDF-1.4\n", list[int]()
    for number, one in enumerate(objects, 1):
        places.append(len(out))
        out += f"{number} 0 obj{one}endobj\n"
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    start = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}"
    out += f"trailer<</Size {len(objects) + 1}/Root 1 0 R>>\nstartxref\n{start}\n%%EOF\n"
    return out.encode()


def locked_pdf() -> bytes:
    """A PDF that asks for a password (its keys are rubbish, so none is right)."""
    content = pdf().decode()
    lock = f"/Encrypt<</Filter/Standard/V 1/R 2/P -4/O<{'ab' * 32}>/U<{'cd' * 32}>>>/ID[<00><00>]"
    return content.replace("/Root 1 0 R", "/Root 1 0 R" + lock).encode()
