"""Writing into calendars of a Microsoft account (learn.microsoft.com/graph/api/resources/event).

Graph tells attendees by itself. Each write leaves the key of its step in a property of ours, by which it is found
again; of an event that is created, Graph itself makes no second one for the same key (`transactionId`).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import httpx2
import msgspec
from msgspec import Struct

from pierian.accounts.account import Account
from pierian.accounts.calendars.choosing import Place, new_place
from pierian.accounts.calendars.composing import hashed_key
from pierian.accounts.calendars.event import Event, NewEvent, id_of
from pierian.accounts.calendars.graph import PREFERRED, GraphEvent, odd, read_event
from pierian.accounts.calendars.graph_sync import keep_event
from pierian.accounts.calendars.outcomes import Changed, Gone, NotAllowed, NotSeen, sent
from pierian.accounts.calendars.reading import Calendar, event_at
from pierian.accounts.calendars.rows import hrefs_of_uid, object_at, remove_objects
from pierian.accounts.calendars.working_out import WorkingOut
from pierian.accounts.dav import Dav
from pierian.accounts.secrets import Sealer
from pierian.accounts.signing_in import fresh_secret
from pierian.accounts.store import Accounts
from pierian.accounts.zones import zone_of

_GONE = (404, 410)
T = TypeVar("T")
KEY = "String {5d9a7c1e-8c0b-4e5a-9d6f-2f5b0f6f7a11} Name PierianKey"


class _Property(Struct):
    id: str = ""
    value: str = ""


class _Kept(Struct, rename="camel"):
    """What an event says of the steps that wrote it."""

    single_value_extended_properties: list[_Property] = []


class _Named(Struct):
    id: str


class _Listed(Struct):
    value: list[_Named] = []


class GraphWriter:
    """Writes events of Microsoft accounts; what they may be used for is checked by `writing`."""

    def __init__(self, accounts: Accounts, sealer: Callable[[], Sealer], now: Callable[[], datetime]) -> None:
        self._accounts = accounts
        self._sealer = sealer
        self._now = now

    def create(self, calendar: Calendar, wanted: NewEvent, key: str) -> Event:
        """Make an event, and read it back."""
        body = {
            "subject": wanted.title,
            "location": {"displayName": wanted.location},
            "body": {"contentType": "text", "content": wanted.description},
            "attendees": [{"emailAddress": {"address": one}, "type": "required"} for one in wanted.attendees],
            "transactionId": hashed_key(key),
            **times_of(wanted.begins, wanted.ends),
            **_key(key),
        }
        with self._server(calendar.account) as server:
            answer = _send(server, "POST", f"{calendar.path}/events", body)
            with sent():
                return self._seen(server, calendar, read_event(answer.content, server).id)

    def find_created(self, calendar: Calendar, key: str) -> Event | None:
        """The event that a step has made."""
        value = hashed_key(key)
        wanted = f"singleValueExtendedProperties/any(p: p/id eq '{KEY}' and p/value eq '{value}')"
        with self._server(calendar.account) as server:
            url = f"{calendar.path}/events?{urlencode({'$filter': wanted, '$select': 'id'})}"
            found = _decoded(server, server.request("GET", url), _Listed).value
            return self._seen(server, calendar, found[0].id) if found else None

    def change(
        self, place: Place, changes: Callable[[Event], Mapping[str, Any]], *, series: bool, key: str
    ) -> Event:
        """Change an event, or with `series` all of its series, and read it back.

        `changes` gets the event as the server has it now.
        Raises `Changed` where it was changed by somebody else in between.
        """
        href = place.uid if series else place.href
        with self._server(place.calendar.account) as server:
            before = self._look_at(server, href)
            if before is None:
                raise Gone("The event is no longer there.", hint="Somebody has deleted it at the server.")
            if not self._was_written(server, href, key):
                changed = changes(self._as_it_stands(server, place))
                _send(server, "PATCH", _url(server, href), {**changed, **_key(key)}, before.etag)
            with sent():
                if series:
                    self._keep(server, place.calendar, href)
                return self._seen(server, place.calendar, place.href)

    def find_changed(self, place: Place, *, series: bool, key: str) -> Event | None:
        """The event, if a step has changed it."""
        with self._server(place.calendar.account) as server:
            if not self._was_written(server, place.uid if series else place.href, key):
                return None
            return self._seen(server, place.calendar, place.href)

    def cancel(
        self, place: Place, agreed: Callable[[Event], None], *, series: bool, others: bool, invited: bool
    ) -> None:
        """Cancel an event and tell its attendees, or decline what somebody else has called.

        `agreed` gets the event as the server has it now, unless it is gone already.
        """
        href = place.uid if series else place.href
        with self._server(place.calendar.account) as server:
            url = _url(server, href)
            with suppress(Gone):
                agreed(self._as_it_stands(server, place))
            if invited:
                _send(server, "POST", f"{url}/decline", {"sendResponse": True}, fine=_GONE)
            elif others:
                _send(server, "POST", f"{url}/cancel", {"comment": ""}, fine=_GONE)
            _send(server, "DELETE", url, None, fine=_GONE)
        with sent():
            self.is_gone(place, series=series)

    def is_gone(self, place: Place, *, series: bool) -> bool:
        """Whether an event no longer stands at the server; the local copy forgets it then."""
        href = place.uid if series else place.href
        with self._server(place.calendar.account) as server:
            if self._look_at(server, href) is not None:
                return False
        with self._accounts.database.read() as connection:
            gone = hrefs_of_uid(connection, place.collection, place.uid) if series else [href]
        remove_objects(self._accounts.database, place.collection, gone)
        return True

    def _as_it_stands(self, server: Dav, place: Place) -> Event:
        """An event before it is changed, as the server has it now; raises `Gone`."""
        try:
            return self._seen(server, place.calendar, place.href)
        except NotSeen as error:
            raise Gone("The event is no longer there.", hint="Somebody has deleted it.") from error

    def _seen(self, server: Dav, calendar: Calendar, href: str) -> Event:
        """An event as the server has it now, in the local copy too."""
        self._keep(server, calendar, href)
        with self._accounts.database.read() as connection:
            row = object_at(connection, new_place(calendar, "").collection, href)
            named = id_of(row.id, row.uid) if row else None
            zone = zone_of(self._now())
            event = event_at(connection, self._accounts.list(), named, zone) if named else None
        if event is None:
            raise NotSeen("The event was written, but takes place at no time that is looked at.")
        return event

    def _keep(self, server: Dav, calendar: Calendar, href: str) -> None:
        found = self._look_at(server, href)
        if found is None:
            raise NotSeen("The server does not have the event that was written.")
        with WorkingOut(self._accounts.database, calendar.account, zone=calendar.state.zone) as working:
            keep_event(found, new_place(calendar, "").collection, working)

    def _was_written(self, server: Dav, href: str, key: str) -> bool:
        expand = {"$expand": f"singleValueExtendedProperties($filter=id eq '{KEY}')", "$select": "id"}
        answer = server.request("GET", f"{_url(server, href)}?{urlencode(expand)}", fine=_GONE)
        if answer.status_code in _GONE:
            return False
        kept = _decoded(server, answer, _Kept).single_value_extended_properties
        return any(one.value == hashed_key(key) for one in kept)

    def _look_at(self, server: Dav, href: str) -> GraphEvent | None:
        answer = server.request("GET", _url(server, href), headers={"Prefer": PREFERRED}, fine=_GONE)
        return None if answer.status_code in _GONE else read_event(answer.content, server)

    @contextmanager
    def _server(self, account: Account) -> Generator[Dav]:
        service = account.service("graph")
        if service is None:
            raise NotAllowed(f"The calendars of {account.name} can only be read.")
        with Dav(service, fresh_secret(self._accounts, account, self._sealer, "graph")) as server:
            yield server


def times_of(begins: date, ends: date) -> dict[str, Any]:
    """When an event takes place, as Graph wants it."""
    return {"start": _time(begins), "end": _time(ends), "isAllDay": not isinstance(begins, datetime)}


def _time(moment: date) -> dict[str, str]:
    at = moment.astimezone(UTC) if isinstance(moment, datetime) else moment
    return {"dateTime": f"{at:%Y-%m-%dT%H:%M:%S}", "timeZone": "UTC"}


def _key(key: str) -> dict[str, Any]:
    return {"singleValueExtendedProperties": [{"id": KEY, "value": hashed_key(key)}]}


def _url(server: Dav, href: str) -> str:
    return f"{server.base.rstrip('/')}/me/events/{quote(href, safe='')}"


def _send(
    server: Dav,
    method: str,
    url: str,
    body: Mapping[str, Any] | None,
    etag: str = "",
    fine: tuple[int, ...] = (),
) -> httpx2.Response:
    headers = {"Content-Type": "application/json", "Prefer": PREFERRED}
    if etag:
        headers["If-Match"] = etag
    text = msgspec.json.encode(body).decode() if body is not None else ""
    answer = server.request(method, url, body=text, headers=headers, fine=(412, *fine))
    if answer.status_code == 412:
        raise Changed(
            "The event was changed by somebody else in the meantime; nothing was written.",
            hint="Sync the account, look at the event again, and repeat what you want to change.",
        )
    return answer


def _decoded(server: Dav, answer: httpx2.Response, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(answer.content, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise odd(server) from error
