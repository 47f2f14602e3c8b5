"""Bringing the copy of an account's mail up to date: what is new, what has changed, what is gone, mailbox by mailbox.

The newest messages come first, and what has come is kept at once, a few hundred at a time. How far a mailbox is
synced is written when it is complete; before that, what is missing is what the server has and this machine has not.
So a sync that was killed anywhere goes on where it was. Where the server can tell what has changed (CONDSTORE,
QRESYNC: RFC 7162) it is asked that alone. Nothing is marked as seen. Spam and the trash are left out.
"""

from __future__ import annotations

import imaplib
from collections.abc import Iterator, Mapping, Sequence

import msgspec
from msgspec import structs

from pierian.accounts.account import Account, Collection
from pierian.accounts.mail import fetching, keeping, words
from pierian.accounts.mail.connection import Imap, Listed, Opened, reaching, signed_in
from pierian.accounts.mail.message import Mailbox
from pierian.accounts.mail.parsing import Given, Parsed
from pierian.accounts.mail.parsing_process import Parser
from pierian.accounts.secrets import Secret
from pierian.accounts.store import Accounts
from pierian.accounts.syncing import Progress, Synced, silent
from pierian.accounts.troubles import PASSING, AccountError, explained

LEFT_OUT = ("junk", "trash")

_MAILBOX = msgspec.json.Decoder(Mailbox)


def sync_mail(
    accounts: Accounts, account: Account, secret: Secret | None, progress: Progress = silent
) -> Synced:
    """Bring the copy of an account's mail up to date. Blocks, for minutes the first time.

    Raises `AccountError` where the server is not reached or does not let us in, or breaks off; what had come until
    then is kept. What fails of one mailbox alone is in `problems`.
    """
    service = account.service("imap")
    if service is None:
        return Synced()
    with signed_in(service, secret) as imap, Parser() as parser:
        boxes, removed = _mailboxes(accounts, account, imap)
        done = Synced(removed=removed)
        for listed, box in boxes:
            sync = _Sync(accounts, account, imap, parser, box, progress)
            try:
                with reaching(service):
                    done += sync.run(listed)
            except AccountError as error:
                if error.code in PASSING:
                    raise
                done += Synced(problems=(f"{box.name}: {error}",))
    if done.removed:
        words.forget(accounts.database)
    return done


def _mailboxes(
    accounts: Accounts, account: Account, imap: Imap
) -> tuple[list[tuple[Listed, Collection]], int]:
    """The mailboxes that are synced, with their collections; the copies of others are deleted and counted."""
    listed = imap.mailboxes()
    if not listed:
        raise AccountError(f"{imap.service.host} shows no mailbox.", code="failed", hint="Try again later.")
    views = {"inbox", "sent", "drafts", "all"} if any(one.role == "all" for one in listed) else None
    found: list[tuple[Listed, Collection]] = []
    for one in listed:
        if one.role in LEFT_OUT or (views is not None and one.role not in views):
            continue  # where one mailbox has everything, the others are views of it
        box = accounts.keep_collection(account, "mailbox", one.path, one.name, writable=True)
        found.append((one, box))
    removed, kept = 0, {box.id for _, box in found}
    for box in accounts.collections(account, "mailbox"):
        if box.id not in kept:
            removed += keeping.remove(accounts.database, box, keeping.uids(accounts.database, box))
            accounts.drop_collection(box)
    return found, removed


class _Sync:
    """The sync of one mailbox."""

    def __init__(
        self,
        accounts: Accounts,
        account: Account,
        imap: Imap,
        parser: Parser,
        box: Collection,
        progress: Progress,
    ) -> None:
        self._database, self._account, self._imap = accounts.database, account, imap
        self._parser, self._box, self._progress = parser, box, progress

    def run(self, listed: Listed) -> Synced:
        """Do it."""
        try:
            now = self._imap.open(self._box.path)
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error as error:
            trouble = explained(error, self._imap.service.host)
            if trouble is not None and trouble.code in PASSING:
                raise
            return Synced(
                problems=(f"{self._box.name} cannot be opened; it may have just been renamed or deleted.",)
            )
        removed, before = self._before(listed, now)
        if not before.complete:
            return Synced(removed=removed) + self._first(before, now)
        if now.modseq and (before.modseq, before.next, before.count) == (now.modseq, now.next, now.count):
            return Synced()
        return self._again(before, now)

    def _before(self, listed: Listed, now: Opened) -> tuple[int, Mailbox]:
        """How far it was synced; from the start, without the old copy, where its numbers are no longer the same."""
        kept = _MAILBOX.decode(self._box.state)
        removed = 0
        if kept.validity != now.validity:
            removed = keeping.remove(self._database, self._box, keeping.uids(self._database, self._box))
            # The flags that change from now on are asked for when all messages are there.
            kept = Mailbox(role=listed.role, validity=now.validity, modseq=now.modseq)
            keeping.keep_state(self._database, self._account, self._box, kept)
        return removed, structs.replace(kept, role=listed.role)

    def _first(self, before: Mailbox, now: Opened) -> Synced:
        """All that is not here yet."""
        here = keeping.uids(self._database, self._box)
        there = self._imap.numbers() if now.count else set[int]()
        removed = keeping.remove(self._database, self._box, here - there)
        done = self._fetch(sorted(there - here, reverse=True), len(there))
        complete = structs.replace(before, next=now.next, count=len(there), complete=True)
        self._keep(complete)
        more = self._again(complete, now) if here else Synced()  # flags may have changed since it began
        return done + more + Synced(removed=removed)

    def _again(self, before: Mailbox, now: Opened) -> Synced:
        """What has changed since it was complete."""
        since = before.modseq if now.modseq else 0
        changes = self._imap.changes(since) if now.count or self._imap.tells_vanished else None
        here = keeping.uids(self._database, self._box)
        flags: Mapping[int, str] = changes.flags if changes is not None else {}
        if changes is not None and changes.gone is not None:
            gone = set(keeping.in_ranges(self._database, self._box, changes.gone))
        elif since and now.count:
            gone = set[int]()
        else:
            gone = here - set(flags)
        new = set(flags) - here
        if len(here - gone | new) != now.count:
            # It does not add up, as where the server says nothing of what is gone: all numbers are compared.
            there = self._imap.numbers() if now.count else set[int]()
            gone, new = here - there, there - here
        changed = keeping.set_flags(
            self._database, self._box, {uid: said for uid, said in flags.items() if uid in here}
        )
        removed = keeping.remove(self._database, self._box, gone)
        done = self._fetch(sorted(new, reverse=True), len(new))
        self._keep(structs.replace(before, modseq=now.modseq, next=now.next, count=now.count))
        return done + Synced(changed=changed, removed=removed)

    def _fetch(self, wanted: Sequence[int], every: int) -> Synced:
        """Fetch these messages, read and keep them; while one batch is written, the next is read and fetched."""
        added, before, problems = 0, every - len(wanted), list[str]()
        waiting = False

        def keep(read: list[Parsed]) -> None:
            nonlocal added
            added += keeping.add(self._database, self._account, self._box, read)
            self._progress(self._box.name, before + added, every)

        for batch in self._batches(wanted, problems):
            read = self._parser.collect() if waiting else []
            self._parser.submit(batch)
            waiting = True
            keep(read)
        keep(self._parser.collect() if waiting else [])
        return Synced(added=added, problems=tuple(problems))

    def _batches(self, wanted: Sequence[int], problems: list[str]) -> Iterator[list[Given]]:
        """The messages in batches; where the server refuses one, message by message."""
        at = 0
        while at < len(wanted):
            try:
                for batch in fetching.fetched(self._imap, wanted[at:]):
                    yield batch
                    at += fetching.BATCH
                return
            except imaplib.IMAP4.abort:
                raise
            except imaplib.IMAP4.error as error:
                trouble = explained(error, self._imap.service.host)
                if trouble is not None and trouble.code in PASSING:
                    raise
            some = list(fetching.one_by_one(self._imap, wanted[at : at + fetching.BATCH]))
            problems += [
                f"{self._box.name}: the server does not give a message." for one in some if one.problem
            ][:1]
            yield some
            at += fetching.BATCH

    def _keep(self, state: Mailbox) -> None:
        keeping.keep_state(self._database, self._account, self._box, state)
