"""A database of an earlier version, with what people have said in it, is brought up to date."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from tests.postgresql import SERVERS, server

from pierian.storage import Conversations, Database, Saying, open_storage
from pierian.storage.ids import new_id
from pierian.storage.migrating import migration_config
from pierian.storage.opening import make_engine
from pierian.storage.postgresql import PostgresqlDatabase

MOMENT = "'2026-10-01T08:00:00.000000+00:00'"
OLD = [
    *(
        f"INSERT INTO conversations (id, owner, title, folded, created_at, updated_at) "
        f"VALUES ('{number}{'0' * 25}', 'local', 'T{number}', 't{number}', {MOMENT}, {MOMENT})"
        for number in range(3)
    ),
    *(
        f"INSERT INTO turns (conversation_id, position, role, origin, text, folded, receipt, created_at) "
        f"VALUES ('{number}{'0' * 25}', {position}, 'user', 'user', 'said {position}', 'said {position}', NULL, "
        f"{MOMENT})"
        for number, length in ((0, 5), (1, 1))
        for position in range(length)
    ),
]


@pytest.fixture(params=SERVERS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, Path]]:
    path = tmp_path / "pierian.db"
    if request.param == "sqlite":
        yield "", path
        return
    running = server(request.config)
    name = running.create()
    yield running.url(name), path
    running.drop(name)


def as_of(place: tuple[str, Path], revision: str) -> Database:
    """The database of this place, brought to a revision."""
    from alembic import command

    url, path = place
    if url:
        engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:", 1))
        old: Database = PostgresqlDatabase(engine, "old")
    else:
        old = Database(make_engine(path, 10.0), path)
    config = migration_config(old, None)
    with old.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    return old


def test_what_was_said_becomes_one_branch(place: tuple[str, Path]) -> None:
    with as_of(place, "0003") as old, old.write() as connection:
        for row in OLD:
            connection.exec_driver_sql(row)
    with open_storage(*place) as database:
        store = Conversations(database)
        long, short, empty = (store.get(str(number), pending=True) for number in range(3))
        assert [turn.text for turn in long.turns] == [f"said {n}" for n in range(5)]
        assert [turn.parent for turn in long.turns] == [None, 0, 1, 2, 3]
        assert {(turn.run, turn.pending) for turn in long.turns} == {("", False)}
        assert (long.head, short.head, empty.head) == (4, 0, None)
        for number, length in ((0, 5), (1, 1), (2, 0)):
            store.append(str(number), "user", "goes on", "user")
            assert len(store.get(str(number)).turns) == length + 1
        assert store.ask(long.id, "Again?", new_id(), after=3).question_position == 6


def test_the_way_back_keeps_what_was_said(place: tuple[str, Path]) -> None:
    from alembic import command

    with open_storage(*place) as database:
        store = Conversations(database)
        made = store.append_all("", [Saying("user", "How much?", "user")], title="Pens")
        store.ask(made, "And two?", new_id())
        config = migration_config(database, None)
        with database.write() as connection:
            config.attributes["connection"] = connection
            command.downgrade(config, "0003")
            texts = connection.exec_driver_sql("SELECT text FROM turns ORDER BY position").scalars().all()
            assert texts == ["How much?", "And two?"]
            command.upgrade(config, "head")
        assert [turn.text for turn in store.get(made).turns] == ["How much?", "And two?"]
