"""Connected accounts, and the copies of their calendars, mail and contacts.

A migration is never changed once it was released, so it does not import `tables`, which moves on.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    _linked()
    _calendars()
    _mail()
    _people()
    _schedules()


def _linked() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", sa.String(26), nullable=False),
        sa.Column("owner", sa.String(200), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("folded", sa.String(200), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("services", sa.Text, nullable=False),
        sa.Column("may_read", sa.Boolean, nullable=False),
        sa.Column("may_write", sa.Boolean, nullable=False),
        sa.Column("may_send", sa.Boolean, nullable=False),
        sa.Column("free_busy_only", sa.Boolean, nullable=False),
        sa.Column("problem", sa.Text, nullable=False),
        sa.Column("created_at", sa.String(32), nullable=False),
        sa.Column("checked_at", sa.String(32), nullable=True),
        sa.Column("synced_at", sa.String(32), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_accounts"),
        sa.UniqueConstraint("owner", "folded", name="uq_accounts_owner_folded"),
    )
    op.create_table(
        "account_secrets",
        sa.Column("account_id", sa.String(26), nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name="fk_account_secrets_account_id_accounts",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", name="pk_account_secrets"),
    )
    op.create_table(
        "collections",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("account_id", sa.String(26), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("writable", sa.Boolean, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name="fk_collections_account_id_accounts",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_collections"),
        sa.UniqueConstraint("account_id", "kind", "path", name="uq_collections_account_id_kind_path"),
    )


def _calendars() -> None:
    op.create_table(
        "calendar_objects",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("collection_id", sa.Integer, nullable=False),
        sa.Column("href", sa.Text, nullable=False),
        sa.Column("uid", sa.Text, nullable=False),
        sa.Column("etag", sa.Text, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        sa.Column("repeats_until", sa.BigInteger, nullable=True),
        sa.ForeignKeyConstraint(
            ["collection_id"],
            ["collections.id"],
            name="fk_calendar_objects_collection_id_collections",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_calendar_objects"),
        sa.UniqueConstraint("collection_id", "href", name="uq_calendar_objects_collection_id_href"),
    )
    op.create_index("ix_calendar_objects_collection_id_uid", "calendar_objects", ["collection_id", "uid"])
    op.create_index("ix_calendar_objects_repeats_until", "calendar_objects", ["repeats_until"])
    op.create_table(
        "occurrences",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("object_id", sa.Integer, nullable=False),
        sa.Column("collection_id", sa.Integer, nullable=False),
        sa.Column("begins", sa.BigInteger, nullable=False),
        sa.Column("ends", sa.BigInteger, nullable=False),
        sa.Column("lasts_long", sa.Boolean, nullable=False),
        sa.Column("whole_days", sa.Boolean, nullable=False),
        sa.Column("busy", sa.Boolean, nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("recurrence", sa.String(40), nullable=False),
        sa.Column("summary", sa.Text, nullable=False),
        sa.Column("location", sa.Text, nullable=False),
        sa.Column("organizer", sa.Text, nullable=False),
        sa.Column("attendees", sa.Text, nullable=False),
        sa.Column("folded", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(
            ["object_id"],
            ["calendar_objects.id"],
            name="fk_occurrences_object_id_calendar_objects",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_occurrences"),
    )
    op.create_index(
        "ix_occurrences_collection_id_lasts_long_begins_ends_busy",
        "occurrences",
        ["collection_id", "lasts_long", "begins", "ends", "busy"],
    )
    op.create_index("ix_occurrences_object_id", "occurrences", ["object_id"])


def _mail() -> None:
    op.create_table(
        "messages",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("collection_id", sa.Integer, nullable=False),
        sa.Column("uid", sa.BigInteger, nullable=False),
        sa.Column("digest", sa.String(20), nullable=False),
        sa.Column("message_id", sa.Text, nullable=False),
        sa.Column("ancestors", sa.Text, nullable=False),
        sa.Column("thread", sa.Text, nullable=False),
        sa.Column("topic", sa.Text, nullable=False),
        sa.Column("sent_at", sa.BigInteger, nullable=False),
        sa.Column("sender", sa.Text, nullable=False),
        sa.Column("sender_name", sa.Text, nullable=False),
        sa.Column("recipients", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("flags", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("parts", sa.Text, nullable=False),
        sa.Column("automatic", sa.Boolean, nullable=False),
        sa.Column("problem", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(
            ["collection_id"],
            ["collections.id"],
            name="fk_messages_collection_id_collections",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_messages"),
        sa.UniqueConstraint("collection_id", "uid", name="uq_messages_collection_id_uid"),
    )
    op.create_index("ix_messages_sent_at_collection_id", "messages", ["sent_at", "collection_id"])
    for column in ("digest", "message_id", "thread", "topic"):
        op.create_index(f"ix_messages_{column}", "messages", [column])
    op.create_index(
        "ix_messages_sender_sender_name_collection_id_sent_at",
        "messages",
        ["sender", "sender_name", "collection_id", "sent_at"],
    )
    for statement in WORDS[op.get_bind().dialect.name]:
        op.execute(statement)
    op.create_table(
        "sent_messages",
        sa.Column("account_id", sa.String(26), nullable=False),
        sa.Column("message_id", sa.String(250), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("refused", sa.Text, nullable=False),
        sa.Column("begun_at", sa.String(32), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name="fk_sent_messages_account_id_accounts",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", "message_id", name="pk_sent_messages"),
    )


_SEEN = "sender, sender_name, recipients, subject, parts, text"
_OLD = ", ".join(f"old.{column}" for column in _SEEN.split(", "))
_NEW = ", ".join(f"new.{column}" for column in _SEEN.split(", "))
WORDS = {
    # The words alone are in the index, and in which column they stand; what was written is in `messages` only.
    "sqlite": (
        f"CREATE VIRTUAL TABLE message_words USING fts5({_SEEN}, content='messages', content_rowid='id', "
        "detail='column', tokenize='unicode61 remove_diacritics 0')",
        "CREATE TRIGGER message_words_added AFTER INSERT ON messages BEGIN "  # noqa: S608
        f"INSERT INTO message_words(rowid, {_SEEN}) VALUES (new.id, {_NEW}); END",
        "CREATE TRIGGER message_words_removed AFTER DELETE ON messages BEGIN "  # noqa: S608
        f"INSERT INTO message_words(message_words, rowid, {_SEEN}) VALUES ('delete', old.id, {_OLD}); END",
    ),
    "postgresql": (
        "CREATE TABLE message_words (id INTEGER PRIMARY KEY REFERENCES messages (id) ON DELETE CASCADE, "
        "senders TSVECTOR NOT NULL, words TSVECTOR NOT NULL)",
        "CREATE INDEX ix_message_words_senders ON message_words USING gin (senders)",
        "CREATE INDEX ix_message_words_words ON message_words USING gin (words)",
    ),
}


def _people() -> None:
    op.create_table(
        "contacts",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("collection_id", sa.Integer, nullable=False),
        sa.Column("href", sa.Text, nullable=False),
        sa.Column("uid", sa.Text, nullable=False),
        sa.Column("etag", sa.Text, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("folded", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(
            ["collection_id"],
            ["collections.id"],
            name="fk_contacts_collection_id_collections",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_contacts"),
        sa.UniqueConstraint("collection_id", "href", name="uq_contacts_collection_id_href"),
    )
    op.create_table(
        "contact_addresses",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("contact_id", sa.Integer, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(
            ["contact_id"],
            ["contacts.id"],
            name="fk_contact_addresses_contact_id_contacts",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_contact_addresses"),
    )
    op.create_index("ix_contact_addresses_contact_id", "contact_addresses", ["contact_id"])
    op.create_index("ix_contact_addresses_value", "contact_addresses", ["value"])


def _schedules() -> None:
    op.create_table(
        "seen_events",
        sa.Column("account_id", sa.String(26), nullable=False),
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("events", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name="fk_seen_events_account_id_accounts", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "day", name="pk_seen_events"),
    )
    op.create_table(
        "schedules",
        sa.Column("id", sa.String(26), nullable=False),
        sa.Column("owner", sa.String(200), nullable=False),
        sa.Column("said", sa.Text, nullable=False),
        sa.Column("times", sa.String(200), nullable=False),
        sa.Column("zone", sa.String(100), nullable=False),
        sa.Column("task", sa.String(20), nullable=False),
        sa.Column("request", sa.Text, nullable=False),
        sa.Column("paused", sa.Boolean, nullable=False),
        sa.Column("created_at", sa.String(32), nullable=False),
        sa.Column("next_at", sa.String(32), nullable=True),
        sa.Column("due_at", sa.String(32), nullable=True),
        sa.Column("begun_at", sa.String(32), nullable=True),
        sa.Column("last_run", sa.String(26), nullable=True),
        sa.Column("conversation_id", sa.String(26), nullable=True),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversations.id"],
            name="fk_schedules_conversation_id_conversations",
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_schedules"),
    )
    op.create_index("ix_schedules_conversation_id", "schedules", ["conversation_id"])
    op.create_index("ix_schedules_owner", "schedules", ["owner"])
    op.create_index("ix_schedules_paused_next_at", "schedules", ["paused", "next_at"])


def downgrade() -> None:
    """Take the tables back."""
    op.execute("DROP TABLE message_words")
    for table in (
        "schedules",
        "seen_events",
        "sent_messages",
        "contact_addresses",
        "contacts",
        "messages",
        "occurrences",
        "calendar_objects",
        "collections",
        "account_secrets",
        "accounts",
    ):
        op.drop_table(table)
