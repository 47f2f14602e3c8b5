"""Creating, moving, renaming and cancelling events: at the server, read back from there, then in the local copy.

Every write names the step that it belongs to, so that the same step tried again changes nothing more, and it can be
told afterwards whether it took effect. Attendees are told once. Blocks; raises `UserError` for what cannot be done,
`AccountError` where a server does not do its part, and `NotSeen` where it may have done it.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta

from msgspec import Struct

from pierian.accounts.account import Account
from pierian.accounts.calendars import caldav_writing as at_server
from pierian.accounts.calendars.caldav_writing import Stands
from pierian.accounts.calendars.choosing import (
    Place,
    calendar_called,
    event_called,
    new_place,
    place_of,
)
from pierian.accounts.calendars.composing import Composed, hashed_key, leave_to_us, shifted_text
from pierian.accounts.calendars.event import Event, EventId, NewEvent, id_of
from pierian.accounts.calendars.graph_writing import GraphWriter, times_of
from pierian.accounts.calendars.invitations import AccountMail, Mail
from pierian.accounts.calendars.outcomes import Gone, NotAllowed, NotSeen, Taken, sent
from pierian.accounts.calendars.reading import Calendar, event_at
from pierian.accounts.calendars.rows import object_at, remove_objects
from pierian.accounts.calendars.telling import Telling
from pierian.accounts.calendars.working_out import WorkingOut
from pierian.accounts.dav import Dav
from pierian.accounts.secrets import Sealer
from pierian.accounts.signing_in import fresh_secret
from pierian.accounts.store import Accounts
from pierian.accounts.zones import after, existing, lasting, zone_of
from pierian.exceptions import UserError

LONGEST_TITLE = 500
MOST_ATTENDEES = 100


class Change(Struct, frozen=True, kw_only=True):
    """What was done to an object."""

    shown: str
    """The RECURRENCE-ID of what is given back."""
    occurrences: tuple[str, ...] = ()
    """Those that were changed apart; empty for all of it."""
    to: date | None = None
    """When it begins then, where it was moved."""


def _anything(*_: object) -> None:
    """Agrees to whatever is about to be done."""


class Desk(Struct, frozen=True):
    """What one needs to write into one calendar: its server, and a place to read what that says."""

    dav: Dav
    working: WorkingOut


class Writer:
    """Writes into the calendars of one owner. `now` is an aware clock in the user's zone."""

    def __init__(
        self,
        accounts: Accounts,
        sealer: Callable[[], Sealer],
        *,
        now: Callable[[], datetime],
        mail: Mail | None = None,
    ) -> None:
        self._accounts = accounts
        self._sealer = sealer
        self._now = now
        self._telling = Telling(accounts, mail or AccountMail(accounts, sealer))
        self._graph = GraphWriter(accounts, sealer, now)

    def calendar(self, name: str = "") -> str:
        """The full name of the calendar into which a new event goes, as `create` takes it."""
        found = calendar_called(self._accounts, name)
        return f"{found.account.name}/{found.name}"

    def meant(self, event_id: str) -> Event:
        """The event that is to be changed, as it was synced last; raises where it cannot be."""
        event, named = self._event(event_id)
        place_of(self._accounts, event, named)
        return event

    def times(
        self, event: Event, begins: date | None, later: timedelta = timedelta(), minutes: int = 0
    ) -> tuple[date, date]:
        """When an event begins and ends once it is moved, as `move` has it."""
        return _moved(event, begins, later, minutes, self._now())

    def create(self, wanted: NewEvent, *, calendar: str = "", key: str = "") -> Event:
        """A new event. `calendar` is the name of one, or of an account; empty for the first that can be written."""
        _check_new(wanted)
        chosen, key = calendar_called(self._accounts, calendar), key or uuid.uuid4().hex
        me, by_us = self._telling.inviting(chosen, wanted.attendees)
        if _is_graph(chosen):
            return self._graph.create(chosen, wanted, key)
        place = new_place(chosen, _uid_of(key))
        composed = Composed.new(wanted, place.uid, me, by_client=by_us, key=key, now=self._now())
        with self._desk(chosen) as desk:
            try:
                at_server.put_new(desk.dav, place.collection, place.href, composed.text)
            except Taken:
                # An earlier try of this step; anything else has another UID.
                if (stands := self._created(desk, place)) is None:
                    raise
                composed = self._composed(desk, stands.text)
            with sent():
                event = self._read_back(desk, place)
                if by_us:
                    self._telling.tell(composed, "REQUEST", wanted.attendees, me, key=key, uid=place.uid)
        return event

    def has_created(self, calendar: str, key: str) -> bool:
        """Whether the event that the step with this key creates is at the server, whoever was told of it."""
        chosen = calendar_called(self._accounts, calendar)
        if _is_graph(chosen):
            return self._graph.find_created(chosen, key) is not None
        with self._desk(chosen) as desk:
            return self._created(desk, new_place(chosen, _uid_of(key))) is not None

    def find_created(self, calendar: str, attendees: Sequence[str], key: str) -> Event | None:
        """The event that the step with this key created, and told its attendees of; None where it did not."""
        chosen = calendar_called(self._accounts, calendar)
        if _is_graph(chosen):
            return self._graph.find_created(chosen, key)
        place = new_place(chosen, _uid_of(key))
        with self._desk(chosen) as desk:
            if self._created(desk, place) is None:
                return None
            me, by_us = self._telling.inviting(chosen, attendees)
            if by_us and not self._telling.was_told(me, key, place.uid, "REQUEST"):
                return None
            return self._read_back(desk, place)

    def move(
        self,
        event_id: str,
        begins: date | None = None,
        *,
        later: timedelta = timedelta(),
        minutes: int = 0,
        series: bool = False,
        key: str = "",
        agreed: Callable[[Event, date, date], None] = _anything,
    ) -> Event:
        """Another time for an event: `begins`, or so much `later`; it lasts as long as before, or `minutes`.

        A date alone keeps the time of day. Of a series the one occurrence that the id names, or all with `series`.
        `agreed` gets the event as the server has it now, and its new times, before they are written.
        """
        key = key or uuid.uuid4().hex
        event, named = self._event(event_id)

        def times(now: Event) -> tuple[date, date]:
            start, end = self.times(now, begins, later, minutes)
            agreed(now, start, end)
            return start, end

        if _is_graph((place := place_of(self._accounts, event, named)).calendar):
            if series and event.repeats:
                raise UserError("A whole series cannot be moved here.", hint="Move it in Outlook.")
            self._telling.may_change(place.calendar, event)
            return self._graph.change(place, lambda now: times_of(*times(now)), series=False, key=key)

        def change(composed: Composed, now: Event) -> Change:
            start, end = times(now)
            if series and now.repeats:
                by = _apart(start, now.begins)
                composed.shift_series(by, key)
                return Change(shown=shifted_text(composed, named.recurrence, by), to=start)
            composed.move(composed.meant(named.recurrence), start, end, key)
            apart = (named.recurrence,) if named.recurrence else ()
            return Change(shown=named.recurrence, occurrences=apart, to=start)

        return self._change(event, named, change, key)

    def rename(
        self,
        event_id: str,
        title: str,
        *,
        series: bool = False,
        key: str = "",
        agreed: Callable[[Event], None] = _anything,
    ) -> Event:
        """Another title for an event, for the one occurrence that the id names, or for all with `series`."""
        _check_title(title)
        key = key or uuid.uuid4().hex
        event, named = self._event(event_id)
        if _is_graph((place := place_of(self._accounts, event, named)).calendar):
            self._telling.may_change(place.calendar, event)

            def changes(now: Event) -> Mapping[str, str]:
                agreed(now)
                return {"subject": title}

            return self._graph.change(place, changes, series=series, key=key)

        def change(composed: Composed, now: Event) -> Change:
            agreed(now)
            recurrence = "" if series else named.recurrence
            composed.rename(composed.meant(recurrence), title, key)
            return Change(shown=named.recurrence, occurrences=(recurrence,) if recurrence else ())

        return self._change(event, named, change, key)

    def find_changed(self, event_id: str, key: str, *, series: bool = False) -> Event | None:
        """The event, if the step with this key changed it; None where it did not."""
        event, named = self._event(event_id)
        place = place_of(self._accounts, event, named)
        if _is_graph(place.calendar):
            return self._graph.find_changed(place, series=series, key=key)
        with self._desk(place.calendar) as desk:
            stands = at_server.look_at(desk.dav, place.href)
            composed = self._composed(desk, stands.text) if stands is not None else None
            if composed is None or not composed.written_by(key):
                return None
            me, by_us = self._telling.inviting(place.calendar, self._telling.changing(composed))
            if by_us and not self._telling.was_told(me, key, place.uid, "REQUEST"):
                return None
            return self._read_back(desk, place, named.recurrence)

    def cancel(
        self,
        event_id: str,
        *,
        series: bool = False,
        key: str = "",
        agreed: Callable[[Event], None] = _anything,
    ) -> Event:
        """Cancel an event, or the one occurrence that the id names, or all with `series`; returns what it was.

        Attendees are told. Where somebody else invited the user, it is declined instead.
        """
        key = key or uuid.uuid4().hex
        event, named = self._event(event_id)
        place = place_of(self._accounts, event, named)
        if _is_graph(place.calendar):
            others, invited = self._telling.may_cancel(place.calendar, event)
            self._graph.cancel(place, agreed, series=series, others=others, invited=invited)
            return event
        recurrence = "" if series else named.recurrence
        with self._desk(place.calendar) as desk:
            stands = at_server.look_at(desk.dav, place.href)
            # What is gone already may have been cancelled by an earlier try of this step, that told nobody.
            before = self._composed(desk, stands.text if stands is not None else place.data)
            if stands is not None and not (recurrence and before.is_left_out(recurrence)):
                agreed(event := self._as_it_stands(desk, place, stands, event))
            others, method = self._telling.cancelling(before)
            me, by_us = self._telling.inviting(place.calendar, others)
            if stands is not None:
                self._take_out(desk, place, stands, recurrence, key)
            with sent():
                if by_us:
                    recurrences = [recurrence] if recurrence else []
                    self._telling.tell(
                        before, method, others, me, key=key, uid=place.uid, recurrences=recurrences
                    )
                self._forget(desk, place)
        return event

    def is_cancelled(self, event_id: str, *, series: bool = False, key: str = "") -> bool:
        """Whether an event no longer stands at its server, and its people were told by the step with this key."""
        try:
            event, named = self._event(event_id)
        except Gone:
            return True  # the local copy is the last to forget it
        place = place_of(self._accounts, event, named)
        if _is_graph(place.calendar):
            return self._graph.is_gone(place, series=series)
        with self._desk(place.calendar) as desk:
            stands = at_server.look_at(desk.dav, place.href)
            if stands is not None:
                whole = series or not named.recurrence
                if whole or not self._composed(desk, stands.text).is_left_out(named.recurrence):
                    return False
            others, method = self._telling.cancelling(self._composed(desk, place.data))
            me, by_us = self._telling.inviting(place.calendar, others)
            if by_us and not self._telling.was_told(me, key, place.uid, method):
                return False
            self._forget(desk, place)
        return True

    def _change(
        self,
        event: Event,
        named: EventId,
        change: Callable[[Composed, Event], Change],
        key: str,
    ) -> Event:
        """Change an event at its server, read it back, and tell whom it concerns."""
        place = place_of(self._accounts, event, named)
        with self._desk(place.calendar) as desk:
            stands = at_server.look_at(desk.dav, place.href)
            if stands is None:
                self._forget(desk, place)
                raise Gone("The event is no longer there.", hint="Somebody has deleted it at the server.")
            composed = self._composed(desk, stands.text)
            others = self._telling.changing(composed)
            me, by_us = self._telling.inviting(place.calendar, others)
            done = composed.written_by(key)
            if done:
                made = _done(composed, named)
            else:
                made = change(composed, self._as_it_stands(desk, place, stands, event))
                if by_us:
                    leave_to_us(composed)
                at_server.put_again(desk.dav, place.collection, stands, composed.text)
            with sent():
                after = self._read_back(desk, place, made.shown)
                if made.to is not None and _differs(after, made.to):
                    raise NotSeen("The server keeps another time than the one that was sent.")
                if by_us:
                    self._telling.tell(
                        composed, "REQUEST", others, me, key=key, uid=place.uid, recurrences=made.occurrences
                    )
        return after

    def _as_it_stands(self, desk: Desk, place: Place, stands: Stands, event: Event) -> Event:
        """The event as the server has it now, which may have changed since it was synced; raises `Gone`."""
        if stands.text == place.data:
            return event
        desk.working.keep(place.collection, [[(stands.href, stands.etag, stands.text)]])
        return self._event(event.id)[0]

    def _take_out(self, desk: Desk, place: Place, stands: Stands, recurrence: str, key: str) -> None:
        composed = self._composed(desk, stands.text)
        if recurrence and composed.is_left_out(recurrence):
            return
        if recurrence and composed.leave_out(recurrence, key):
            at_server.put_again(desk.dav, place.collection, stands, composed.text)
        else:
            at_server.delete(desk.dav, place.collection, stands)

    def _event(self, event_id: str) -> tuple[Event, EventId]:
        return event_called(self._accounts, event_id, zone_of(self._now()))

    def _created(self, desk: Desk, place: Place) -> Stands | None:
        """The object at a place, or wherever the server has put what was written there."""
        found = at_server.look_at(desk.dav, place.href)
        return found or at_server.look_for_uid(desk.dav, place.collection, place.uid)

    def _composed(self, desk: Desk, text: str) -> Composed:
        """An object to change, once it was read where it can do no harm."""
        [parsed] = desk.working.parse([text])
        if parsed.problem:
            raise UserError(f"This event cannot be changed: {parsed.problem}.")
        return Composed.read(text, self._now())

    def _read_back(self, desk: Desk, place: Place, recurrence: str = "") -> Event:
        """The event as the server has it now, in the local copy too."""
        stands = self._created(desk, place)
        if stands is None:
            raise NotSeen("The server does not have the event that was written.")
        kept = desk.working.keep(place.collection, [[(stands.href, stands.etag, stands.text)]])
        if kept.problems:
            raise NotSeen(kept.problems[0])
        with self._accounts.database.read() as connection:
            row = object_at(connection, place.collection, stands.href)
            # Of a series that was moved by an earlier try the occurrence is no longer called so.
            names = [id_of(row.id, row.uid, one) for one in dict.fromkeys((recurrence, ""))] if row else []
            every, zone = self._accounts.list(), zone_of(self._now())
            shown = (event_at(connection, every, name, zone) for name in names)
            found = next((one for one in shown if one is not None), None)
        if found is None:
            raise NotSeen("The event was written, but takes place at no time that is looked at.")
        return found

    def _forget(self, desk: Desk, place: Place) -> None:
        """Bring the local copy up to date with an event that may be gone."""
        stands = at_server.look_at(desk.dav, place.href)
        if stands is None:
            remove_objects(self._accounts.database, place.collection, [place.href])
        else:
            desk.working.keep(place.collection, [[(stands.href, stands.etag, stands.text)]])

    @contextmanager
    def _desk(self, calendar: Calendar) -> Generator[Desk]:
        account: Account = calendar.account
        service = account.service("caldav")
        if service is None:
            raise NotAllowed(f"The calendars of {account.name} can only be read.")
        secret = fresh_secret(self._accounts, account, self._sealer, "caldav")
        with (
            Dav(service, secret) as dav,
            WorkingOut(self._accounts.database, account, zone=calendar.state.zone) as working,
        ):
            yield Desk(dav, working)


def _is_graph(calendar: Calendar) -> bool:
    service = calendar.account.service("caldav", "graph", "ics")
    return service is not None and service.kind == "graph"


def _done(composed: Composed, named: EventId) -> Change:
    """What an earlier try of the same step has changed."""
    apart = bool(named.recurrence) and composed.has_apart(named.recurrence)
    return Change(shown=named.recurrence, occurrences=(named.recurrence,) if apart else ())


def _uid_of(key: str) -> str:
    """The UID of what the step with this key creates."""
    return f"{hashed_key(key)}@pierian"


def _check_new(wanted: NewEvent) -> None:
    _check_title(wanted.title)
    if wanted.ends < wanted.begins:
        raise UserError("The event would end before it begins.")
    if len(wanted.attendees) > MOST_ATTENDEES:
        raise UserError(f"At most {MOST_ATTENDEES} people can be invited at once.")
    for one in wanted.attendees:
        if one.count("@") != 1 or any(c.isspace() or c in "<>,;:\"'" for c in one) or not all(one.split("@")):
            raise UserError(f"{one!r} is not a mail address.", hint="Name attendees by their mail addresses.")


def _check_title(title: str) -> None:
    if not title.strip() or len(title) > LONGEST_TITLE:
        raise UserError(f"An event needs a title of at most {LONGEST_TITLE} characters.")


def _moved(
    event: Event, begins: date | None, later: timedelta, minutes: int, now: datetime
) -> tuple[date, date]:
    """The new beginning and end."""
    if event.whole_days and (begins is None or not isinstance(begins, datetime)):
        start = (begins or event.begins.date()) + timedelta(days=later.days)
        return start, start + max(timedelta(days=1), event.ends.date() - event.begins.date())
    zone = event.begins.tzinfo or zone_of(now)
    if isinstance(begins, datetime):
        start = begins if begins.tzinfo else begins.replace(tzinfo=zone)
    elif begins is not None:
        start = existing(datetime.combine(begins, event.begins.timetz()))
    else:
        start = after(event.begins, later)
    lasts = timedelta(minutes=minutes) if minutes else lasting(event.begins, event.ends)
    if event.whole_days and not minutes:
        lasts = timedelta(hours=1)
    return start, after(start, lasts)


def _apart(start: date, before: datetime) -> timedelta:
    """How much later something begins, by the clock."""
    return start - before if isinstance(start, datetime) else start - before.date()


def _differs(event: Event, at: date) -> bool:
    return event.begins != at if isinstance(at, datetime) else event.begins.date() != at
