"""Syncing calendars by CalDAV (RFC 4791): what changed since the last time, by RFC 6578 where the server knows it.

Without a token that still holds, or on a server without RFC 6578, the versions (ETags) of all objects are compared;
the calendar's CTag says whether that is needed. What was listed but could not be fetched leaves the state as it was,
so that it is listed again next time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from msgspec import Struct, structs

from pierian.accounts.account import Account, Collection
from pierian.accounts.calendars.reading import CalendarState, state_of
from pierian.accounts.calendars.rows import etags_of, keep_state, remove_objects
from pierian.accounts.calendars.working_out import Fetched, WorkingOut, problem_of
from pierian.accounts.dav import CALDAV, CALENDAR_SERVER, DAV, Dav, Reply, Resource, quoted
from pierian.accounts.store import Accounts
from pierian.accounts.syncing import Progress, Synced
from pierian.accounts.troubles import AccountError

BATCH = 100
"""Objects that are fetched with one request."""
_TYPE, _PRIVILEGES = f"{DAV}resourcetype", f"{DAV}current-user-privilege-set"
_CTAG, _TOKEN, _ETAG = f"{CALENDAR_SERVER}getctag", f"{DAV}sync-token", f"{DAV}getetag"
_DATA = f"{CALDAV}calendar-data"
_ABOUT = (
    _TYPE,
    f"{DAV}displayname",
    _PRIVILEGES,
    _CTAG,
    _TOKEN,
    f"{DAV}supported-report-set",
    f"{CALDAV}supported-calendar-component-set",
)
_WRITING = frozenset(f"{DAV}{name}" for name in ("all", "write", "write-content", "bind"))
_READING = frozenset(f"{DAV}{name}" for name in ("all", "read"))


class Found(Struct, frozen=True, kw_only=True):
    """A calendar of a server."""

    url: str
    name: str
    writable: bool
    times_only: bool
    """Whether it tells no more than when it is busy."""
    ctag: str
    token: str
    """Empty where the server does not know RFC 6578."""


def find_calendars(dav: Dav) -> list[Found]:
    """The calendars that the address of a service leads to: itself, or those of who signs in there."""
    homes = [dav.url(dav.base)]
    names = (*_ABOUT, f"{DAV}current-user-principal", f"{CALDAV}calendar-home-set")
    first = _only(dav.propfind(homes[0], names))
    if f"{CALDAV}calendar" in first.names(_TYPE):
        return _calendars(dav, homes[0], [first])
    if found := first.addresses(f"{CALDAV}calendar-home-set"):
        homes = [dav.url(one) for one in found]
    elif principal := first.addresses(f"{DAV}current-user-principal"):
        about = _only(dav.propfind(dav.url(principal[0]), [f"{CALDAV}calendar-home-set"]))
        homes = [dav.url(one) for one in about.addresses(f"{CALDAV}calendar-home-set")] or homes
    calendars = {
        one.url: one
        for home in homes
        for one in _calendars(dav, home, dav.propfind(home, _ABOUT, depth=1).resources)
    }
    return list(calendars.values())


def sends_invitations(dav: Dav, url: str) -> bool:
    """Whether the server invites attendees by itself (RFC 6638)."""
    answer = dav.request("OPTIONS", url, fine=range(400, 600))
    return "calendar-auto-schedule" in answer.headers.get("dav", "").lower()


def sync_caldav(
    accounts: Accounts, account: Account, dav: Dav, working: WorkingOut, progress: Progress
) -> Synced:
    """Sync all calendars of an account; raises `AccountError` where the server cannot be used at all."""
    found = find_calendars(dav)
    schedules = bool(found) and sends_invitations(dav, found[0].url)
    there = {one.url for one in found}
    total = Synced()
    for gone in accounts.collections(account, "calendar"):
        if gone.path not in there:
            accounts.drop_collection(gone)
    for one in found:
        collection = accounts.keep_collection(account, "calendar", one.url, one.name, writable=one.writable)
        state = structs.replace(
            state_of(collection.state),
            schedules=schedules,
            zone=working.about.zone,
            times_only=one.times_only,
        )
        working.roll_forward(collection, state_of(collection.state))
        try:
            sync = _OneCalendar(dav, working, collection, progress)
            total += sync.times(state) if one.times_only else sync.events(one, state)
        except AccountError as error:
            if error.code not in ("denied", "not_found", "failed"):
                raise
            total += Synced(problems=(f"The calendar {one.name} could not be synced: {error}",))
    return total


class _OneCalendar:
    """The sync of one calendar."""

    def __init__(self, dav: Dav, working: WorkingOut, collection: Collection, progress: Progress) -> None:
        self._dav = dav
        self._working = working
        self._collection = collection
        self._progress = progress
        self._missed = 0
        self._gone: list[str] = []
        self._problems: list[str] = []

    def events(self, found: Found, before: CalendarState) -> Synced:
        """Bring the copy up to date."""
        database, collection = self._working.database, self._collection
        if before.whole and _same(found, before):
            keep_state(database, collection, before)
            return Synced()
        listed, deleted, token = self._listed(found, before)
        known = etags_of(database, collection)
        wanted = [href for href, etag in listed.items() if not etag or known.get(href) != etag]
        gone = [href for href in known if href not in listed] if deleted is None else deleted
        total = self._working.keep(collection, self._batches(wanted, listed))
        total += remove_objects(database, collection, [*gone, *self._gone])
        if self._missed:
            state = structs.replace(before, whole=False)
        else:
            state = structs.replace(before, token=token, ctag=found.ctag, whole=True)
        keep_state(database, collection, state)
        return total + Synced(problems=tuple(self._problems))

    def times(self, before: CalendarState) -> Synced:
        """Keep when a calendar is busy that keeps its events to itself."""
        about = self._working.about
        span = f'<c:time-range start="{_utc(about.begins)}" end="{_utc(about.ends)}"/>'
        body = (
            f'<?xml version="1.0" encoding="utf-8"?><c:free-busy-query xmlns:c="{CALDAV[1:-1]}">'
            f"{span}</c:free-busy-query>"
        )
        headers = {"Depth": "1", "Content-Type": 'application/xml; charset="utf-8"'}
        answer = self._dav.request("REPORT", self._collection.path, body=body, headers=headers)
        text = answer.content.decode("utf-8", "replace")
        total = self._working.keep(self._collection, [[("free-busy", "", text)]])
        keep_state(self._working.database, self._collection, structs.replace(before, whole=True))
        return Synced(problems=total.problems)

    def _listed(self, found: Found, before: CalendarState) -> tuple[dict[str, str], list[str] | None, str]:
        """Versions of what changed, what was deleted (None: whatever is not listed), and the next token."""
        if found.token and before.whole and before.token:
            try:
                return self._changes(before.token)
            except AccountError as error:
                # The token is no longer known (RFC 6578, 3.2): statuses differ from server to server.
                if error.code not in ("denied", "not_found", "failed"):
                    raise
        if found.token:
            try:
                changed, _, token = self._changes("")
            except AccountError as error:
                if error.code not in ("denied", "not_found", "failed"):
                    raise
            else:
                return changed, None, token
        reply = self._dav.propfind(self._collection.path, [_ETAG, _TYPE], depth=1)
        return {one.path: one.text(_ETAG) for one in reply.resources if self._is_object(one)}, None, ""

    def _changes(self, token: str) -> tuple[dict[str, str], list[str], str]:
        changed: dict[str, str] = {}
        deleted: set[str] = set()
        while True:
            asked = (
                f"<d:sync-token>{quoted(token)}</d:sync-token><d:sync-level>1</d:sync-level>"
                "<d:prop><d:getetag/><d:resourcetype/></d:prop>"
            )
            reply = self._dav.report(self._collection.path, f"{DAV}sync-collection", asked)
            for one in reply.resources:
                if one.status == 404:
                    deleted.add(one.path)
                    changed.pop(one.path, None)
                elif self._is_object(one):
                    changed[one.path] = one.text(_ETAG)
                    deleted.discard(one.path)
            if not reply.truncated:
                return changed, list(deleted), reply.token
            if reply.token in ("", token):
                raise AccountError("The server cuts its list short and never goes on.", code="failed")
            token = reply.token

    def _is_object(self, one: Resource) -> bool:
        """Whether it is an object, not the calendar itself or a collection inside."""
        own = urlsplit(self._collection.path).path.rstrip("/")
        return one.path.rstrip("/") != own and f"{DAV}collection" not in one.names(_TYPE)

    def _batches(self, hrefs: Sequence[str], listed: dict[str, str]) -> Iterator[list[Fetched]]:
        for start in range(0, len(hrefs), BATCH):
            yield list(self._fetched(hrefs[start : start + BATCH], listed))
            self._progress(self._collection.name, min(start + BATCH, len(hrefs)), len(hrefs))

    def _fetched(self, hrefs: Sequence[str], listed: dict[str, str]) -> Iterator[Fetched]:
        """Objects with their versions. Where a reply cannot be had for all of them, it is asked for in parts."""
        try:
            reply = self._multiget(hrefs) if len(hrefs) > 1 else None
        except AccountError as error:
            if error.code not in ("denied", "not_found", "failed"):
                raise
            half = len(hrefs) // 2
            yield from self._fetched(hrefs[:half], listed)
            yield from self._fetched(hrefs[half:], listed)
            return
        answered = {one.path: one for one in reply.resources} if reply else {}
        for href in hrefs:
            found = answered.get(href)
            if found is not None and found.status in (404, 410):
                self._gone.append(href)
            elif found is not None and _DATA in found.properties:
                yield href, found.text(_ETAG) or listed[href], found.properties[_DATA].text or ""
            else:
                yield from self._alone(href, listed[href])

    def _multiget(self, hrefs: Sequence[str]) -> Reply:
        named = "".join(f"<d:href>{quoted(href)}</d:href>" for href in hrefs)
        asked = f"<d:prop><d:getetag/><c:calendar-data/></d:prop>{named}"
        return self._dav.report(self._collection.path, f"{CALDAV}calendar-multiget", asked, depth=1)

    def _alone(self, href: str, etag: str) -> Iterator[Fetched]:
        """One object by GET, for servers that leave it out of a reply to many."""
        try:
            answer = self._dav.request("GET", self._dav.url(href), fine=(404, 410))
        except AccountError as error:
            if error.code not in ("denied", "not_found", "failed"):
                raise
            self._missed += 1
            self._problems.append(problem_of(self._collection, href, "the server does not hand it out"))
            return
        if answer.status_code in (404, 410):
            self._gone.append(href)
        else:
            yield href, answer.headers.get("etag") or etag, answer.content.decode("utf-8", "replace")


def _calendars(dav: Dav, home: str, resources: Sequence[Resource]) -> list[Found]:
    found: list[Found] = []
    for one in resources:
        if f"{CALDAV}calendar" not in one.names(_TYPE) or not _holds_events(one):
            continue
        privileges = one.names(_PRIVILEGES)
        readable = not privileges or bool(privileges & _READING)
        times_only = not readable and f"{CALDAV}read-free-busy" in privileges
        reports = one.names(f"{DAV}supported-report-set")
        token = one.text(_TOKEN) if not reports or f"{DAV}sync-collection" in reports else ""
        if readable or times_only:
            found.append(
                Found(
                    url=dav.url(f"//{urlsplit(home).netloc}{one.path}"),
                    name=one.text(f"{DAV}displayname") or one.path.strip("/").rpartition("/")[2],
                    writable=readable and (not privileges or bool(privileges & _WRITING)),
                    times_only=times_only,
                    ctag=one.text(_CTAG),
                    token=token,
                )
            )
    return found


def _holds_events(calendar: Resource) -> bool:
    kinds = calendar.properties.get(f"{CALDAV}supported-calendar-component-set")
    names = [one.get("name", "").upper() for one in kinds.iter(f"{CALDAV}comp")] if kinds is not None else []
    return not names or "VEVENT" in names


def _same(found: Found, before: CalendarState) -> bool:
    """Whether nothing has changed, as far as the calendar itself tells."""
    if found.token and before.token:
        return found.token == before.token
    return bool(found.ctag) and found.ctag == before.ctag


def _only(reply: Reply) -> Resource:
    if not reply.resources:
        raise AccountError("The server says nothing about itself.", code="failed")
    return reply.resources[0]


def _utc(at: int) -> str:
    from datetime import UTC, datetime

    return f"{datetime.fromtimestamp(at, UTC):%Y%m%dT%H%M%SZ}"
