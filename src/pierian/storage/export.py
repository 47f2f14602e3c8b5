"""All that belongs to one user, as plain values for readable files.

A user of the server owns rows by the id in `owner` and has keys; whoever sits at the terminal is the owner `local`,
and an owner of the server is both.
Texts that are JSON are given as what they say, files in base 64, and what only serves the machine is left out: folded
texts for searching, hashes of secrets, numbers of processes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Table, or_, select

from pierian.storage.account_tables import accounts
from pierian.storage.database import Database
from pierian.storage.tables import (
    accepted_tools,
    approvals,
    attachments,
    conversations,
    idempotent_requests,
    invites,
    key_totals,
    keys,
    links,
    passwords,
    profiles,
    responses,
    rules,
    run_entries,
    runs,
    schedules,
    sessions,
    shares,
    turns,
    usage,
    users,
)

UNTOLD = frozenset(
    {
        "folded",
        "secret_hash",
        "password_hash",
        "token_hash",
        "previous_hash",
        "previous_until",
        "code_hash",
        "fingerprint",
        "worker",
        "fence",
        "pid",
        "process_started",
    }
)
"""Columns that mean nothing to a person, or must not leave."""
TEXTS_OF_JSON = frozenset(
    {"receipt", "request", "event", "asked", "signature", "modes", "models", "grant", "body", "services"}
)

Exported = tuple[str, Any]


def belongings(database: Database, owners: Collection[str]) -> Iterator[Exported]:
    """Names of files and what stands in each, all of one moment; files that would be empty are left out.

    Args:
        owners: Under which a user's rows are stored: their id, and for an owner of the server also `local`.
    """
    own = select(keys.c.id).where(keys.c.user_id.in_(owners))
    usages: ColumnElement[bool] = or_(usage.c.owner.in_(owners), usage.c.key_id.in_(own))
    if "local" in owners:  # what is done without a key bears no name
        usages = or_(usages, usage.c.owner.is_(None) & usage.c.key_id.is_(None))
    lists: tuple[tuple[str, Table, ColumnElement[bool]], ...] = (
        ("user.json", users, users.c.id.in_(owners)),
        ("keys.json", keys, keys.c.user_id.in_(owners)),
        ("key_totals.json", key_totals, key_totals.c.key_id.in_(own)),
        ("kept_answers.json", idempotent_requests, _kept(owners)),
        ("invitations.json", invites, or_(invites.c.used_by.in_(owners), invites.c.created_by.in_(owners))),
        ("password.json", passwords, passwords.c.user_id.in_(owners)),
        ("sessions.json", sessions, sessions.c.user_id.in_(owners)),
        ("links.json", links, links.c.user_id.in_(owners)),
        ("profile.json", profiles, profiles.c.owner.in_(owners)),
        ("shares.json", shares, shares.c.owner.in_(owners)),
        ("rules.json", rules, rules.c.owner.in_(owners)),
        ("schedules.json", schedules, schedules.c.owner.in_(owners)),
        ("accounts.json", accounts, accounts.c.owner.in_(owners)),
        ("accepted_tools.json", accepted_tools, accepted_tools.c.owner.in_(owners)),
        ("usage.json", usage, usages),
    )
    with database.read() as connection:
        for name, table, mine in lists:
            if found := _rows(connection, table, mine):
                yield name, found
        yield from _conversations(connection, owners)
        yield from _attachments(connection, owners)
        yield from _runs(connection, owners)
        for one in _rows(connection, responses, responses.c.owner.in_(owners)):
            yield f"responses/{one['id']}.json", one


def _kept(owners: Collection[str]) -> ColumnElement[bool]:
    mine = select(keys.c.id).where(keys.c.user_id.in_(owners))
    # Requests without a key are kept under the name of whoever sits at the terminal.
    return or_(idempotent_requests.c.key_id.in_(mine), idempotent_requests.c.key_id.in_(owners))


def _conversations(connection: Connection, owners: Collection[str]) -> Iterator[Exported]:
    for one in _rows(connection, conversations, conversations.c.owner.in_(owners)):
        said = _rows(connection, turns, turns.c.conversation_id == one["id"])
        yield f"conversations/{one['id']}.json", one | {"turns": said}


def _attachments(connection: Connection, owners: Collection[str]) -> Iterator[Exported]:
    # One at a time: together they may be larger than the memory.
    query = select(attachments.c.id).where(attachments.c.owner.in_(owners)).order_by(attachments.c.id)
    for one in connection.execute(query).scalars().all():
        yield f"attachments/{one}.json", _rows(connection, attachments, attachments.c.id == one)[0]


def _runs(connection: Connection, owners: Collection[str]) -> Iterator[Exported]:
    for one in _rows(connection, runs, runs.c.owner.in_(owners)):
        entries = _rows(connection, run_entries, run_entries.c.run_id == one["id"])
        asked = _rows(connection, approvals, approvals.c.run_id == one["id"])
        yield (
            f"runs/{one['id']}.json",
            one | {"events": [entry["event"] for entry in entries], "approvals": asked},
        )


def _rows(connection: Connection, table: Table, mine: ColumnElement[bool]) -> list[dict[str, Any]]:
    query = select(table).where(mine).order_by(*table.primary_key.columns)
    names = [str(column.name) for column in table.c]
    return [_told(dict(zip(names, row, strict=True))) for row in connection.execute(query)]


def _told(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _decoded(value) if name in TEXTS_OF_JSON else value
        for name, value in row.items()
        if name not in UNTOLD
    }


def _decoded(text: str | None) -> Any:
    """What a text of JSON says; kept answers may be streams, which are told as they are."""
    try:
        return None if text is None else msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text
