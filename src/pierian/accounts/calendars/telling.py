"""Who else has to do with an event, and telling them: by the calendar's server where it does that, else by mail."""

from __future__ import annotations

from collections.abc import Sequence

from pierian.accounts.account import Account
from pierian.accounts.calendars.choosing import check_sending
from pierian.accounts.calendars.composing import Composed, Method, People
from pierian.accounts.calendars.event import Event
from pierian.accounts.calendars.invitations import Mail, letter, message_id_of
from pierian.accounts.calendars.outcomes import NotAllowed
from pierian.accounts.calendars.reading import Calendar
from pierian.accounts.store import Accounts
from pierian.storage.words import fold


class Telling:
    """Tells attendees for one owner."""

    def __init__(self, accounts: Accounts, mail: Mail) -> None:
        self._accounts = accounts
        self._mail = mail

    def mine(self) -> tuple[str, ...]:
        """The addresses of the owner."""
        return tuple(name for account in self._accounts.list() for name in _addresses(account))

    def inviting(self, calendar: Calendar, others: Sequence[str]) -> tuple[str, bool]:
        """As whom other people are told, and whether that is done by us; raises `NotAllowed` where it cannot be."""
        account = calendar.account
        own = next(iter(_addresses(account)), "")
        if not others:
            return own, False
        check_sending(account)
        if calendar.state.schedules and own:
            return own, False
        able = [one for one in (account, *self._accounts.list()) if _sends(one)]
        if not able:
            raise NotAllowed(
                f"The server of {account.name} invites nobody by itself, and no account may send mail for it.",
                hint="Link a mail account that may send, or create the event without attendees.",
            )
        return fold(able[0].address), True

    def changing(self, composed: Composed) -> tuple[str, ...]:
        """Who is told of a change; raises `NotAllowed` where somebody else called the meeting."""
        self.changed_by(composed.people)
        return composed.people.others(self.mine())

    def changed_by(self, people: People) -> None:
        """Raises `NotAllowed` where the meeting is not the owner's to change."""
        if not people.is_mine(self.mine()):
            raise NotAllowed(
                "This event was made by somebody else, who alone can change it.",
                hint="Write to them, or cancel it: that declines it for you.",
            )

    def may_change(self, calendar: Calendar, event: Event) -> None:
        """Raises `NotAllowed` where an event is not the owner's to change, or others may not be told."""
        self.changed_by(People(event.organizer, event.attendees))
        if People(event.organizer, event.attendees).others(self.mine()):
            check_sending(calendar.account)

    def may_cancel(self, calendar: Calendar, event: Event) -> tuple[bool, bool]:
        """Whether others take part, and whether one of them has called it; raises where they may not be told."""
        people, mine = People(event.organizer, event.attendees), self.mine()
        others, invited = bool(people.others(mine)), not people.is_mine(mine)
        if others or invited:
            check_sending(calendar.account)
        return others, invited

    def cancelling(self, composed: Composed) -> tuple[tuple[str, ...], Method]:
        """Who is told of a cancellation: the attendees, or whoever invited the owner, who declines."""
        people, mine = composed.people, self.mine()
        if people.is_mine(mine):
            return people.others(mine), "CANCEL"
        return (people.organizer,), "REPLY"

    def tell(
        self,
        composed: Composed,
        method: Method,
        to: Sequence[str],
        me: str,
        *,
        key: str,
        uid: str,
        recurrences: Sequence[str] = (),
    ) -> None:
        """Send a letter about an event, or about some of its occurrences; once for a step."""
        sender = self._sender(me)
        events = [composed.meant(one) for one in recurrences] or composed.calendar.walk("VEVENT")
        text = composed.for_mail(method, events, me=me)
        title, when = str(events[0].get("SUMMARY", "")), str(events[0]["DTSTART"].dt)
        message_id = message_id_of(sender, key, uid, method)
        self._mail.send(sender, letter(sender.address, to, method, title, when, text, message_id))

    def was_told(self, me: str, key: str, uid: str, method: Method) -> bool:
        """Whether the letter of a step has been sent."""
        sender = self._sender(me)
        return self._mail.was_sent(sender, message_id_of(sender, key, uid, method))

    def _sender(self, me: str) -> Account:
        return next(one for one in self._accounts.list() if _sends(one) and fold(one.address) == me)


def _sends(account: Account) -> bool:
    return account.switches.send and "@" in account.address and account.service("smtp") is not None


def _addresses(account: Account) -> tuple[str, ...]:
    names = (account.address, *(one.username for one in account.services))
    return tuple(dict.fromkeys(fold(name) for name in names if "@" in name))
