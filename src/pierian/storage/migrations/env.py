"""What Alembic runs: it migrates the connection that `database.py` hands over, inside its transaction."""

from __future__ import annotations

from alembic import context

from pierian.storage.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite rolls back changes of the schema like any others, once the transaction is begun by hand.
    transactional_ddl=True,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
