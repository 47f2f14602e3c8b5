"""The static files of the web app: their addresses, which change with their content, and their bytes.

One version stands for the whole folder and is part of every address, so that browsers may keep a file for ever and
a script's relative imports come from the same version. All styles are one file to a browser (`styles/all.css`), put
together when first asked for: there is no build step. Nothing outside the folder is ever read.
"""

from __future__ import annotations

import gzip
import hashlib
from functools import cache
from pathlib import Path, PurePosixPath

from msgspec import Struct

from pierian.webapp.highlighting import stylesheet

FOLDER = Path(__file__).parent / "static"
ALL_STYLES = "styles/all.css"
FIRST_STYLES = ("tokens.css", "base.css")
"""Those that others build on; the rest follows by name, so none may depend on another's place."""

_TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".txt": "text/plain",
}
_COMPRESSED = frozenset({".css", ".js", ".svg", ".txt"})


class Asset(Struct, frozen=True):
    """A file as it is sent."""

    content: bytes
    media_type: str
    compressed: bytes | None = None
    """The same with gzip, where that is smaller."""


def asset(path: str) -> str:
    """The address of a static file, such as `styles/all.css`; a `KeyError` where there is none."""
    if path not in _files():
        raise KeyError(f"no static file {path!r}")
    return f"/static/{version()}/{path}"


def scripts() -> list[str]:
    """The addresses of all modules that pages start, for the browser to fetch at once."""
    return [
        asset(path)
        for path in sorted(_files())
        if path.startswith("scripts/") and path not in (WORKER, OFFLINE)
    ]


WORKER = "scripts/service-worker.js"
"""Served from the root, since a worker rules over the addresses below its own."""
OFFLINE = "scripts/offline.js"
"""Of one page alone."""


@cache
def version() -> str:
    """What stands for the content of the whole folder."""
    digest = hashlib.sha256()
    for path, content in sorted(_files().items()):
        digest.update(f"{path}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()[:16]


@cache
def load(path: str) -> Asset | None:
    """A static file with its compressed form. Names are looked up among those found in the folder, never opened."""
    content = _files().get(path)
    if content is None:
        return None
    suffix = PurePosixPath(path).suffix
    compressed = gzip.compress(content, 9, mtime=0) if suffix in _COMPRESSED else None
    smaller = compressed if compressed is not None and len(compressed) < len(content) else None
    return Asset(content, _TYPES.get(suffix, "application/octet-stream"), smaller)


@cache
def _files() -> dict[str, bytes]:
    found = {
        path.relative_to(FOLDER).as_posix(): path.read_bytes()
        for path in sorted(FOLDER.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }
    found["styles/highlighting.css"] = stylesheet().encode()
    styles = [path for path in found if path.startswith("styles/")]
    first = [f"styles/{name}" for name in FIRST_STYLES]
    rest = [path for path in styles if path not in first]
    found[ALL_STYLES] = b"\n".join(found[path] for path in [*first, *rest])
    return found
