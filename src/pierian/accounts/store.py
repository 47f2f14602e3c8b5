"""The accounts that an owner has linked, and which calendars, mailboxes and address books they have.

Where an account is named, its name, an id or the beginning of one will do. Deleting one deletes its secret and all
that was copied from it. Secrets are sealed by `secrets`; what is in calendars and mail is the business of the rooms
below.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, cast

import msgspec
from msgspec import structs
from sqlalchemy import Connection, Row, delete, insert, select, update

from pierian.accounts.account import Account, Collection, CollectionKind, Kind, Service, Switches
from pierian.characters import hides
from pierian.exceptions import UnknownName, UserError
from pierian.storage.account_tables import account_secrets, accounts, collections
from pierian.storage.database import Database
from pierian.storage.ids import new_id, utc_now
from pierian.storage.words import clean, fold

LONGEST_NAME = 60
LOCAL = "local"
"""Whose accounts are those that are linked at the terminal of this machine."""

_SERVICES = msgspec.json.Decoder(tuple[Service, ...])


class Accounts:
    """The accounts of one owner."""

    def __init__(
        self, database: Database, owner: str = LOCAL, *, clock: Callable[[], datetime] = utc_now
    ) -> None:
        self.database = database
        self.owner = owner
        self._clock = clock

    def add(
        self,
        name: str,
        kind: Kind,
        address: str,
        services: Sequence[Service],
        switches: Switches,
        sealed: bytes | None = None,
    ) -> Account:
        """A new account with its sealed secret; raises `UserError` where the name is taken or is none."""
        now = self._clock()
        made = Account(
            id=new_id(),
            owner=self.owner,
            name=checked_name(name),
            kind=kind,
            address=clean(address),
            services=tuple(services),
            switches=switches,
            created_at=now,
            checked_at=now,
        )
        with self.database.write() as connection:
            self._check_free(connection, made.name)
            connection.execute(insert(accounts).values(_row_of(made)))
            if sealed is not None:
                connection.execute(insert(account_secrets).values(account_id=made.id, sealed=sealed))
        return made

    def list(self) -> list[Account]:
        """All of them, the oldest first."""
        with self.database.read() as connection:
            rows = connection.execute(
                select(accounts).where(accounts.c.owner == self.owner).order_by(accounts.c.id)
            )
            return [_account_of(row) for row in rows]

    def get(self, account: str) -> Account:
        """One of them; raises `UnknownName`."""
        return find(self.list(), account)

    def sealed(self, account: Account) -> bytes | None:
        """Its sealed secret, None where it needs none."""
        query = select(account_secrets.c.sealed).where(account_secrets.c.account_id == account.id)
        with self.database.read() as connection:
            return connection.execute(query).scalar()

    def seal(self, account: Account, sealed: bytes) -> None:
        """Put another secret in the place of the one that it had."""
        with self.database.write() as connection:
            connection.execute(delete(account_secrets).where(account_secrets.c.account_id == account.id))
            if connection.execute(select(accounts.c.id).where(accounts.c.id == account.id)).first() is None:
                raise UserError(f"The account {account.name} was unlinked meanwhile.")
            connection.execute(insert(account_secrets).values(account_id=account.id, sealed=sealed))
        self.database.scrub()

    def switch(self, account: Account, switches: Switches) -> Account:
        """Let it be used for something else."""
        changed = structs.replace(account, switches=switches)
        self._update(account, _switches_row(switches))
        return changed

    def serve(self, account: Account, services: Sequence[Service]) -> Account:
        """Reach it in another way."""
        self._update(account, {"services": msgspec.json.encode(tuple(services)).decode()})
        return structs.replace(account, services=tuple(services))

    def rename(self, account: Account, name: str) -> Account:
        """Give it another name."""
        kept = checked_name(name)
        with self.database.write() as connection:
            if fold(kept) != fold(account.name):
                self._check_free(connection, kept)
            connection.execute(
                update(accounts).where(accounts.c.id == account.id).values(name=kept, folded=fold(kept))
            )
        return structs.replace(account, name=kept)

    def note(
        self,
        account: Account,
        *,
        problem: str = "",
        hint: str = "",
        retry_after: timedelta | None = None,
        synced: bool = False,
    ) -> Account:
        """Keep how a check or a sync went; after a failure nobody tries it by themselves before `retry_after`."""
        now = self._clock()
        changed: dict[str, Any] = {
            "problem": clean(problem),
            "hint": clean(hint),
            "failures": account.failures + 1 if problem else 0,
            "retry_at": now + retry_after if problem and retry_after is not None else None,
            "checked_at": now,
        } | ({"synced_at": now} if synced else {})
        self._update(account, changed)
        return structs.replace(account, **changed)

    def unlink(self, account: Account) -> None:
        """Delete it, its secret, and all that was copied from it."""
        from pierian.accounts.mail.keeping import forget_mail

        forget_mail(self.database, account)  # in short steps: there may be a hundred thousand messages
        with self.database.write() as connection:
            connection.execute(delete(accounts).where(accounts.c.id == account.id))
        self.database.scrub()

    def collections(self, account: Account, kind: CollectionKind | None = None) -> list[Collection]:
        """Its calendars, mailboxes and address books, by name."""
        query = select(collections).where(collections.c.account_id == account.id).order_by(collections.c.name)
        if kind is not None:
            query = query.where(collections.c.kind == kind)
        with self.database.read() as connection:
            return [_collection_of(row) for row in connection.execute(query)]

    def keep_collection(
        self, account: Account, kind: CollectionKind, path: str, name: str, *, writable: bool
    ) -> Collection:
        """The collection at a path, made or renamed if need be; how far it was synced stays."""
        there = (
            (collections.c.account_id == account.id)
            & (collections.c.kind == kind)
            & (collections.c.path == path)
        )
        with self.database.write() as connection:
            values = {"name": clean(name), "writable": writable}
            if not connection.execute(update(collections).where(there).values(values)).rowcount:
                first = {"account_id": account.id, "kind": kind, "path": path, "state": "{}"}
                connection.execute(insert(collections).values(values | first))
            return _collection_of(connection.execute(select(collections).where(there)).one())

    def drop_collection(self, collection: Collection) -> None:
        """Delete the copy of a collection that is no longer at the server."""
        with self.database.write() as connection:
            connection.execute(delete(collections).where(collections.c.id == collection.id))

    def _update(self, account: Account, values: dict[str, Any]) -> None:
        with self.database.write() as connection:
            connection.execute(update(accounts).where(accounts.c.id == account.id).values(values))

    def _check_free(self, connection: Connection, name: str) -> None:
        taken = (accounts.c.owner == self.owner) & (accounts.c.folded == fold(name))
        if connection.execute(select(accounts.c.id).where(taken)).first() is not None:
            raise UserError(
                f"There is an account called {name!r} already.",
                hint="Choose another name with --name, or unlink that one first.",
            )


def owners(database: Database) -> list[str]:
    """Everybody who has linked an account."""
    with database.read() as connection:
        return list(connection.execute(select(accounts.c.owner).distinct()).scalars())


def find(known: Sequence[Account], name: str) -> Account:
    """The account of that name, id or beginning of an id; raises `UnknownName`."""
    wanted = fold(name)
    by_name = [one for one in known if fold(one.name) == wanted]
    by_id = [one for one in known if len(wanted) >= 6 and one.id.startswith(wanted)]
    found = by_name or by_id
    if len(found) != 1:
        raise UnknownName("account", name, [one.name for one in known])
    return found[0]


def checked_name(name: str) -> str:
    """The name as it is kept, which stands in labels and rules: no slash, colon or space; raises `UserError`."""
    kept = clean(name).strip()
    if not kept or len(kept) > LONGEST_NAME or hides(kept) or any(c in "/:*?" or c.isspace() for c in kept):
        raise UserError(
            f"{name!r} cannot be the name of an account.",
            hint=f"Up to {LONGEST_NAME} letters, digits, dots, dashes or @, such as work or ann@example.org.",
        )
    return kept


def _switches_row(switches: Switches) -> dict[str, Any]:
    return {
        "may_read": switches.read,
        "may_write": switches.write,
        "may_send": switches.send,
        "free_busy_only": switches.free_busy_only,
    }


def _row_of(account: Account) -> dict[str, Any]:
    kept = structs.asdict(account)
    del kept["switches"]
    kept["services"] = msgspec.json.encode(account.services).decode()
    return kept | _switches_row(account.switches) | {"folded": fold(account.name)}


def _account_of(row: Row[Any]) -> Account:
    return Account(
        id=row.id,
        owner=row.owner,
        name=row.name,
        kind=cast(Kind, row.kind),
        address=row.address,
        services=_SERVICES.decode(row.services),
        switches=Switches(
            read=row.may_read, write=row.may_write, send=row.may_send, free_busy_only=row.free_busy_only
        ),
        created_at=row.created_at,
        problem=row.problem,
        checked_at=row.checked_at,
        synced_at=row.synced_at,
        hint=row.hint,
        failures=row.failures,
        retry_at=row.retry_at,
    )


def _collection_of(row: Row[Any]) -> Collection:
    return Collection(
        id=row.id,
        account_id=row.account_id,
        kind=cast(CollectionKind, row.kind),
        path=row.path,
        name=row.name,
        writable=row.writable,
        state=row.state,
    )
