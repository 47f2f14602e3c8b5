"""What all pages of one server process share: the stores behind them, and who is told when a conversation changes."""

from __future__ import annotations

from pierian.access import Attempts, Invites, Links, Passwords, Sessions, Users
from pierian.accounts.store import Accounts
from pierian.runs import Journal
from pierian.schedules import Schedules
from pierian.server.keeper import Keeper
from pierian.server.service import Service
from pierian.storage import Attachments, Conversations, Profiles, Shares


class Site:
    """The pages' share of a server process, over a service and a keeper that are open."""

    def __init__(self, service: Service, keeper: Keeper) -> None:
        database = service.database
        self.service = service
        self.keeper = keeper
        self.database = database
        self.users = Users(database)
        self.keys = service.keys
        self.passwords = Passwords(database)
        self.sessions = Sessions(database)
        self.links = Links(database)
        self.invites = Invites(database)
        self.profiles = Profiles(database)
        self.attempts = Attempts()
        self.changes = keeper.changes
        """Also of conversations, by id, and of all that somebody has together (`changed`)."""

    def changed(self, owner: str, conversation: str) -> None:
        """Let open pages know that in a conversation something was asked, answered, renamed or deleted."""
        self.changes.tell(conversation)
        self.changes.tell(list_of(owner))

    def conversations(self, owner: str) -> Conversations:
        """The conversations of one person."""
        return Conversations(self.database, owner)

    def attachments(self, owner: str) -> Attachments:
        """The files that one person put beside questions."""
        return Attachments(self.database, owner)

    def shares(self, owner: str) -> Shares:
        """What one person lets everybody read."""
        return Shares(self.database, owner)

    def accounts(self, owner: str) -> Accounts:
        """The calendars, mail and contacts that one person has linked."""
        return Accounts(self.database, owner)

    def schedules(self, owner: str) -> Schedules:
        """What one person has done at set times."""
        return Schedules(self.database, owner)

    def journal(self, owner: str) -> Journal:
        """The runs of one person."""
        return Journal(self.database, owner)


def list_of(owner: str) -> str:
    """The name under which the list of somebody's conversations changes."""
    return f"conversations of {owner}"
