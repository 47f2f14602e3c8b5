"""Branches of conversations; files, shares and profiles; passwords, sessions and one-time links.

A migration is never changed once it was released, so it does not import `tables`, which moves on.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make every conversation one branch, and create six tables."""
    _branches()
    _beside_conversations()
    _signing_in()


def _branches() -> None:
    op.add_column("conversations", sa.Column("head", sa.Integer, nullable=True))
    for column in (
        sa.Column("parent", sa.Integer, nullable=True),
        sa.Column("run", sa.String(26), nullable=True),
        sa.Column("pending", sa.Boolean, nullable=False, server_default=sa.false()),
    ):
        op.add_column("turns", column)
    op.execute(
        "UPDATE turns SET parent = (SELECT max(earlier.position) FROM turns AS earlier "
        "WHERE earlier.conversation_id = turns.conversation_id AND earlier.position < turns.position)"
    )
    op.execute(
        "UPDATE conversations SET head = "
        "(SELECT max(turns.position) FROM turns WHERE turns.conversation_id = conversations.id)"
    )
    op.create_index(
        "ix_turns_conversation_id_pending_position_parent",
        "turns",
        ["conversation_id", "pending", "position", "parent"],
    )
    op.create_index("ix_turns_run", "turns", ["run"], unique=True)


def _beside_conversations() -> None:
    op.create_table(
        "attachments",
        sa.Column("id", sa.String(26), nullable=False),
        sa.Column("owner", sa.String(200), nullable=False),
        sa.Column("conversation_id", sa.String(26), nullable=True),
        sa.Column("position", sa.Integer, nullable=True),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("media_type", sa.String(100), nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("created_at", sa.String(32), nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversations.id"],
            name="fk_attachments_conversation_id_conversations",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_attachments"),
    )
    op.create_index("ix_attachments_owner_conversation_id", "attachments", ["owner", "conversation_id"])
    op.create_index("ix_attachments_conversation_id_position", "attachments", ["conversation_id", "position"])
    op.create_table(
        "shares",
        sa.Column("id", sa.String(26), nullable=False),
        sa.Column("owner", sa.String(200), nullable=False),
        sa.Column("conversation_id", sa.String(26), nullable=False),
        sa.Column("token", sa.String(32), nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("head", sa.Integer, nullable=False),
        sa.Column("created_at", sa.String(32), nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversations.id"],
            name="fk_shares_conversation_id_conversations",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_shares"),
        sa.UniqueConstraint("conversation_id", name="uq_shares_conversation_id"),
        sa.UniqueConstraint("token_hash", name="uq_shares_token_hash"),
    )
    op.create_index("ix_shares_owner", "shares", ["owner"])
    op.create_table(
        "profiles",
        sa.Column("owner", sa.String(200), nullable=False),
        sa.Column("instructions", sa.Text, nullable=False),
        sa.Column("mode", sa.String(20), nullable=False),
        sa.Column("budget_tokens", sa.BigInteger, nullable=True),
        sa.Column("budget_seconds", sa.Float, nullable=True),
        sa.Column("theme", sa.String(20), nullable=False),
        sa.PrimaryKeyConstraint("owner", name="pk_profiles"),
    )


def _signing_in() -> None:
    op.create_table(
        "passwords",
        sa.Column("user_id", sa.String(26), nullable=False),
        sa.Column("password_hash", sa.String(200), nullable=False),
        sa.Column("changed_at", sa.String(32), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_passwords_user_id_users", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", name="pk_passwords"),
    )
    op.create_table(
        "sessions",
        sa.Column("id", sa.String(26), nullable=False),
        sa.Column("user_id", sa.String(26), nullable=False),
        sa.Column("secret_hash", sa.String(64), nullable=False),
        sa.Column("created_at", sa.String(32), nullable=False),
        sa.Column("seen_at", sa.String(32), nullable=False),
        sa.Column("expires_at", sa.String(32), nullable=False),
        sa.Column("agent", sa.String(200), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_sessions_user_id_users", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_sessions"),
        sa.UniqueConstraint("secret_hash", name="uq_sessions_secret_hash"),
    )
    op.create_index("ix_sessions_user_id", "sessions", ["user_id"])
    op.create_table(
        "links",
        sa.Column("id", sa.String(26), nullable=False),
        sa.Column("user_id", sa.String(26), nullable=False),
        sa.Column("code_hash", sa.String(64), nullable=False),
        sa.Column("expires_at", sa.String(32), nullable=False),
        sa.Column("used_at", sa.String(32), nullable=True),
        sa.Column("created_at", sa.String(32), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_links_user_id_users", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_links"),
        sa.UniqueConstraint("code_hash", name="uq_links_code_hash"),
    )
    op.create_index("ix_links_user_id", "links", ["user_id"])


def downgrade() -> None:
    """Drop them; of each conversation the turns stay in the order of their positions, pending ones go."""
    for table in ("links", "sessions", "passwords", "profiles", "shares", "attachments"):
        op.drop_table(table)
    op.execute("DELETE FROM turns WHERE pending")
    op.drop_index("ix_turns_run", "turns")
    op.drop_index("ix_turns_conversation_id_pending_position_parent", "turns")
    for column in ("pending", "run", "parent"):
        op.drop_column("turns", column)
    op.drop_column("conversations", "head")
