"""Syncing a calendar that is a file: on this machine, or at an address, where it is fetched only if it has changed.

Such a calendar can only be read. A file that was cut off changes nothing.
"""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from msgspec import Struct, structs

from pierian.accounts.account import Account, Collection, Service
from pierian.accounts.calendars.ics_file import IcsFile, Part, take_apart
from pierian.accounts.calendars.reading import state_of
from pierian.accounts.calendars.rows import etags_of, keep_state, remove_objects
from pierian.accounts.calendars.working_out import Fetched, WorkingOut
from pierian.accounts.dav import Dav
from pierian.accounts.secrets import Secret
from pierian.accounts.signing_in import ics_address
from pierian.accounts.store import Accounts
from pierian.accounts.syncing import Progress, Synced
from pierian.accounts.troubles import AccountError

MOST_BYTES = 25_000_000
"""Of a file; ten thousand events are about five million."""
BATCH = 200


class Download(Struct, frozen=True):
    """What stands at an address now."""

    text: str
    version: str
    """As a server tells it; empty for none."""


def sync_ics(
    accounts: Accounts,
    account: Account,
    service: Service,
    secret: Secret | None,
    working: WorkingOut,
    progress: Progress,
) -> Synced:
    """Sync the one calendar of a file; raises `AccountError` where it cannot be had or is no calendar."""
    kept = {one.path: one for one in accounts.collections(account, "calendar")}
    before = kept.get(service.url)
    state = state_of(before.state) if before else state_of("{}")
    if before is not None:
        working.roll_forward(before, state)
    found = _read(service, secret, state.etag if state.whole else "")
    if found is None:
        if before is not None:
            keep_state(accounts.database, before, structs.replace(state, zone=working.about.zone))
        return Synced()
    digest = hashlib.sha256(found.text.encode("utf-8", "replace")).hexdigest()
    try:
        file = take_apart(found.text)
    except ValueError as error:
        raise AccountError(f"The file of {account.name} {error}.", code="failed") from error
    for path, gone in kept.items():
        if path != service.url:
            accounts.drop_collection(gone)
    name = file.name or account.name
    collection = accounts.keep_collection(account, "calendar", service.url, name, writable=False)
    total = Synced()
    if not (state.whole and state.ctag == digest):
        total = _kept(file, collection, working, progress)
    done = structs.replace(state, etag=found.version, ctag=digest, zone=working.about.zone, whole=True)
    keep_state(accounts.database, collection, done)
    return total


def is_file(url: str) -> bool:
    """Whether an address is that of a file on this machine."""
    return urlsplit(url).scheme in ("", "file")


def _kept(file: IcsFile, collection: Collection, working: WorkingOut, progress: Progress) -> Synced:
    known = etags_of(working.database, collection)
    changed = [part for part in file.parts if known.get(part.name) != part.version]
    total = working.keep(collection, _batches(changed, collection, progress))
    return total + remove_objects(
        working.database, collection, known.keys() - {part.name for part in file.parts}
    )


def _batches(parts: list[Part], collection: Collection, progress: Progress) -> Iterator[list[Fetched]]:
    for start in range(0, len(parts), BATCH):
        yield [(part.name, part.version, part.text) for part in parts[start : start + BATCH]]
        progress(collection.name, min(start + BATCH, len(parts)), len(parts))


def _read(service: Service, secret: Secret | None, version: str) -> Download | None:
    """What the file holds now; None where it has not changed since `version`."""
    if is_file(service.url):
        return Download(_of_disk(service.url), "")
    url = ics_address(service, secret)
    asked = (
        {"If-None-Match" if version[:1] in ('"', "W") else "If-Modified-Since": version} if version else {}
    )
    with Dav(structs.replace(service, url=url), secret) as dav:
        answer = dav.request("GET", url, headers=asked, fine=(304,), most_bytes=MOST_BYTES)
    if answer.status_code == 304:
        return None
    told = answer.headers.get("etag") or answer.headers.get("last-modified") or ""
    return Download(answer.content.decode("utf-8", "replace"), told)


def _of_disk(url: str) -> str:
    path = Path(unquote(urlsplit(url).path) if url.startswith("file:") else url).expanduser()
    try:
        about = path.stat()
        if not stat.S_ISREG(about.st_mode):
            raise AccountError(f"{path} is not a file.", code="not_found")
        if about.st_size > MOST_BYTES:
            raise AccountError(f"{path} is larger than {MOST_BYTES // 1_000_000} MB.", code="failed")
        return path.read_bytes().decode("utf-8", "replace")
    except OSError as error:
        raise AccountError(
            f"{path} cannot be read: {error.strerror}.",
            code="not_found",
            hint="Check the file and its permissions.",
        ) from error
