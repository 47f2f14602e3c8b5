"""Writing single objects by CalDAV: only if nobody else has written them meanwhile, and read again afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote, urlsplit

import httpx2
from msgspec import Struct

from pierian.accounts.account import Collection
from pierian.accounts.calendars.outcomes import Changed, Taken
from pierian.accounts.dav import CALDAV, DAV, Dav, failed_precondition, quoted, spelled
from pierian.accounts.troubles import AccountError
from pierian.exceptions import UserError

_TYPE = {"Content-Type": "text/calendar; charset=utf-8"}
_QUOTA = frozenset({f"{DAV}quota-not-exceeded", f"{DAV}sufficient-disk-space"})
_REFUSALS = (400, 403, 405, 409, 412, 413, 415, 422, 507)


class Stands(Struct, frozen=True):
    """An object as it stands at a server."""

    href: str
    etag: str
    text: str


def look_at(dav: Dav, href: str) -> Stands | None:
    """What stands there; None where nothing does."""
    answer = dav.request("GET", dav.url(href), fine=(404, 410))
    if answer.status_code in (404, 410):
        return None
    return Stands(href, answer.headers.get("etag", ""), answer.content.decode("utf-8", "replace"))


def look_for_uid(dav: Dav, collection: Collection, uid: str) -> Stands | None:
    """The object of a calendar with this UID, wherever the server has put it."""
    asked = (
        "<d:prop><d:getetag/><c:calendar-data/></d:prop><c:filter><c:comp-filter name='VCALENDAR'>"
        "<c:comp-filter name='VEVENT'><c:prop-filter name='UID'><c:text-match collation='i;octet'>"
        f"{quoted(uid)}</c:text-match></c:prop-filter></c:comp-filter></c:comp-filter></c:filter>"
    )
    data = f"{CALDAV}calendar-data"
    for one in dav.report(collection.path, f"{CALDAV}calendar-query", asked, depth=1).resources:
        text = one.text(data)
        if f"UID:{uid}" in text.replace("\r", "").replace("\n ", ""):
            return Stands(one.path, one.text(f"{DAV}getetag"), text)
    return None


def href_of(collection: Collection, uid: str) -> str:
    """Where a new object goes."""
    return spelled(f"{urlsplit(collection.path).path.rstrip('/')}/{quote(uid, safe='@')}.ics")


def put_new(dav: Dav, collection: Collection, href: str, text: str) -> None:
    """Write a new object; raises `Taken` where there is one, else `AccountError` where it is not taken."""
    answer = _send(dav, "PUT", href, text, {**_TYPE, "If-None-Match": "*"})
    _check(answer, collection, Taken("There is such an event already."))


def put_again(dav: Dav, collection: Collection, before: Stands, text: str) -> None:
    """Write an object anew; raises `Changed` where it is no longer as it was read."""
    _check(_send(dav, "PUT", before.href, text, {**_TYPE, **_only_if(before)}), collection, _changed())


def delete(dav: Dav, collection: Collection, before: Stands) -> None:
    """Delete an object, which may be gone already; raises `Changed` where it is no longer as it was read."""
    answer = _send(dav, "DELETE", before.href, "", _only_if(before), (404, 410))
    if answer.status_code not in (404, 410):
        _check(answer, collection, _changed())


def _send(
    dav: Dav, method: str, href: str, text: str, headers: dict[str, str], fine: Sequence[int] = ()
) -> httpx2.Response:
    return dav.request(method, dav.url(href), body=text, headers=headers, fine=(*_REFUSALS, *fine))


def _only_if(before: Stands) -> dict[str, str]:
    # A weak version cannot be compared by the server (RFC 9110, 13.1.1).
    return {"If-Match": before.etag} if before.etag and not before.etag.startswith("W/") else {}


def _check(answer: httpx2.Response, collection: Collection, conflict: UserError) -> None:
    """Raises what a refusal means."""
    if answer.is_success:
        return
    why = failed_precondition(answer.content)
    if answer.status_code == 412 or f"{CALDAV}no-uid-conflict" in why:
        raise conflict
    if answer.status_code == 507 or why & _QUOTA:
        raise AccountError(
            f"There is no room left in the calendar {collection.name}; nothing was written.",
            code="full",
            hint="Delete something there.",
        )
    if answer.status_code in (403, 405):
        raise AccountError(
            f"The calendar {collection.name} cannot be written; nothing was changed.",
            code="denied",
            hint="Choose another calendar, or ask its owner for the right to write.",
        )
    if answer.status_code == 413 or f"{CALDAV}max-resource-size" in why:
        raise AccountError(
            f"The calendar {collection.name} does not take events of this size.", code="failed"
        )
    raise AccountError(
        f"The calendar {collection.name} does not take this event ({answer.status_code}).", code="failed"
    )


def _changed() -> Changed:
    return Changed(
        "The event was changed by somebody else in the meantime; nothing was written.",
        hint="Sync the account, look at the event again, and repeat what you want to change.",
    )
