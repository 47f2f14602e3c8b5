"""Users, keys and invites; what keys may use and have used; answers that the server keeps.

A migration is never changed once it was released, so it does not import `tables`, which moves on.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create eight tables and widen `usage`."""
    _access()
    _limits()
    _served()
    for column in (
        sa.Column("owner", sa.String(200), nullable=True),
        sa.Column("key_id", sa.String(26), nullable=True),
        sa.Column("requests", sa.Integer, nullable=False, server_default="1"),
        sa.Column("prompt_tokens", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("cached_tokens", sa.BigInteger, nullable=False, server_default="0"),
    ):
        op.add_column("usage", column)
    op.create_index("ix_usage_key_id_day", "usage", ["key_id", "day"])


def _access() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.String(26), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("folded", sa.String(400), nullable=False),
        sa.Column("role", sa.String(20), nullable=False),
        sa.Column("created_at", sa.String(32), nullable=False),
        sa.Column("disabled_at", sa.String(32), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.UniqueConstraint("folded", name="uq_users_folded"),
    )
    op.create_table(
        "keys",
        sa.Column("id", sa.String(26), nullable=False),
        sa.Column("user_id", sa.String(26), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("shown", sa.String(40), nullable=False),
        sa.Column("secret_hash", sa.String(64), nullable=False),
        sa.Column("previous_hash", sa.String(64), nullable=True),
        sa.Column("previous_until", sa.String(32), nullable=True),
        sa.Column("modes", sa.Text, nullable=False),
        sa.Column("models", sa.Text, nullable=False),
        sa.Column("requests_per_minute", sa.BigInteger, nullable=True),
        sa.Column("tokens_per_minute", sa.BigInteger, nullable=True),
        sa.Column("concurrent", sa.BigInteger, nullable=True),
        sa.Column("day_cap", sa.BigInteger, nullable=True),
        sa.Column("month_cap", sa.BigInteger, nullable=True),
        sa.Column("expires_at", sa.String(32), nullable=True),
        sa.Column("revoked_at", sa.String(32), nullable=True),
        sa.Column("created_at", sa.String(32), nullable=False),
        sa.Column("last_used_at", sa.String(32), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_keys_user_id_users", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_keys"),
        sa.UniqueConstraint("secret_hash", name="uq_keys_secret_hash"),
    )
    op.create_index("ix_keys_user_id", "keys", ["user_id"])
    op.create_index("ix_keys_previous_hash", "keys", ["previous_hash"])
    op.create_table(
        "invites",
        sa.Column("id", sa.String(26), nullable=False),
        sa.Column("code_hash", sa.String(64), nullable=False),
        sa.Column("created_by", sa.String(200), nullable=False),
        sa.Column("role", sa.String(20), nullable=False),
        sa.Column("grant", sa.Text, nullable=False),
        sa.Column("expires_at", sa.String(32), nullable=False),
        sa.Column("revoked_at", sa.String(32), nullable=True),
        sa.Column("used_at", sa.String(32), nullable=True),
        sa.Column("used_by", sa.String(26), nullable=True),
        sa.Column("created_at", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_invites"),
        sa.UniqueConstraint("code_hash", name="uq_invites_code_hash"),
    )


def _limits() -> None:
    op.create_table(
        "key_totals",
        sa.Column("key_id", sa.String(26), nullable=False),
        sa.Column("period", sa.String(10), nullable=False),
        sa.Column("requests", sa.BigInteger, nullable=False),
        sa.Column("used_money", sa.BigInteger, nullable=False),
        sa.Column("reserved_money", sa.BigInteger, nullable=False),
        sa.Column("used_tokens", sa.BigInteger, nullable=False),
        sa.Column("reserved_tokens", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("key_id", "period", name="pk_key_totals"),
    )
    op.create_table(
        "key_rates",
        sa.Column("key_id", sa.String(26), nullable=False),
        sa.Column("window", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("key_id", name="pk_key_rates"),
    )
    op.create_table(
        "key_leases",
        sa.Column("key_id", sa.String(26), nullable=False),
        sa.Column("worker", sa.String(32), nullable=False),
        sa.Column("running", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("key_id", "worker", name="pk_key_leases"),
    )


def _served() -> None:
    op.create_table(
        "idempotent_requests",
        sa.Column("key_id", sa.String(26), nullable=False),
        sa.Column("idempotency_key", sa.String(255), nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("status", sa.Integer, nullable=True),
        sa.Column("body", sa.Text, nullable=True),
        sa.Column("worker", sa.String(32), nullable=True),
        sa.Column("created_at", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("key_id", "idempotency_key", name="pk_idempotent_requests"),
    )
    op.create_table(
        "responses",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("owner", sa.String(200), nullable=False),
        sa.Column("previous", sa.String(64), nullable=True),
        sa.Column("request", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("created_at", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_responses"),
    )
    op.create_index("ix_responses_owner", "responses", ["owner"])


def downgrade() -> None:
    """Drop them, and make `usage` narrow again."""
    op.drop_index("ix_usage_key_id_day", "usage")
    for column in ("owner", "key_id", "requests", "prompt_tokens", "cached_tokens"):
        op.drop_column("usage", column)
    for table in (
        "responses",
        "idempotent_requests",
        "key_leases",
        "key_rates",
        "key_totals",
        "invites",
        "keys",
        "users",
    ):
        op.drop_table(table)
