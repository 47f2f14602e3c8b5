"""The tables of the database, as SQLAlchemy Core knows them; those of connected accounts are in `account_tables`.

This module describes; it opens nothing. A change here needs a new migration in `migrations/versions` and a
new `HEAD` in `migrating.py`; a test compares the three. Only types that SQLite and PostgreSQL share are used.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
)

from pierian.storage import account_tables
from pierian.storage.schema import Moment, metadata

COPIES = account_tables.COPIES
"""Names of the tables whose rows can be synced again."""

conversations = Table(
    "conversations",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("owner", String(200), nullable=False),
    Column("title", Text, nullable=False),
    Column("folded", Text, nullable=False),  # the title as `conversations.fold` makes it, for searching
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Column("head", Integer, nullable=True),  # position of the last turn of the branch that is shown
    Index(None, "owner", "updated_at"),
)

turns = Table(
    "turns",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("conversation_id", String(26), ForeignKey("conversations.id", ondelete="CASCADE"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("role", String(20), nullable=False),
    Column("origin", String(40), nullable=False),
    Column("text", Text, nullable=False),
    Column("folded", Text, nullable=False),  # the text as `conversations.fold` makes it, for searching
    Column("receipt", Text, nullable=True),
    Column("created_at", Moment, nullable=False),
    Column("parent", Integer, nullable=True),  # position of the turn before it in its branch
    Column("run", String(26), nullable=True),  # that makes this answer; no foreign key: it may come later
    Column("pending", Boolean, nullable=False, server_default=false()),
    UniqueConstraint("conversation_id", "position"),
    # All that the tree of a conversation needs, beside the long texts.
    Index(None, "conversation_id", "pending", "position", "parent"),
    Index(None, "run", unique=True),
)

attachments = Table(
    "attachments",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("owner", String(200), nullable=False),
    # None until a question takes it.
    Column("conversation_id", String(26), ForeignKey("conversations.id", ondelete="CASCADE"), nullable=True),
    Column("position", Integer, nullable=True),
    Column("name", String(200), nullable=False),
    Column("media_type", String(100), nullable=False),
    Column("size", Integer, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("data", LargeBinary, nullable=False),  # last: SQLite reads the other columns without it
    Index(None, "owner", "conversation_id"),
    Index(None, "conversation_id", "position"),
)

shares = Table(
    "shares",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("owner", String(200), nullable=False),
    Column(
        "conversation_id",
        String(26),
        ForeignKey("conversations.id", ondelete="CASCADE"),
        nullable=False,
        unique=True,
    ),
    Column("token", String(32), nullable=False),  # for its owner, who may want the link again
    Column("token_hash", String(64), nullable=False, unique=True),  # by which it is found
    Column("head", Integer, nullable=False),
    Column("created_at", Moment, nullable=False),
    Index(None, "owner"),
)

profiles = Table(
    "profiles",
    metadata,
    Column("owner", String(200), primary_key=True),
    Column("instructions", Text, nullable=False),
    Column("mode", String(20), nullable=False),
    Column("budget_tokens", BigInteger, nullable=True),
    Column("budget_seconds", Float, nullable=True),
    Column("theme", String(20), nullable=False),
)

usage = Table(
    "usage",
    metadata,
    Column("ticket", String(32), primary_key=True),
    Column("day", String(10), nullable=False),  # the local date of the reservation
    Column("model", Text, nullable=False),
    Column("mode", String(40), nullable=False),
    Column("reserved_tokens", BigInteger, nullable=False),
    Column("reserved_money", Float, nullable=False),
    Column("used_tokens", BigInteger, nullable=False),
    Column("used_money", Float, nullable=False),
    Column("settled", Boolean, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("process_started", Float, nullable=False),  # with the pid it names one process, across restarts
    Column("created_at", Moment, nullable=False),
    # Of a call through a key; both are None for the one user of the machine. No foreign keys: what was used
    # stays counted when whoever used it is gone.
    Column("owner", String(200), nullable=True),
    Column("key_id", String(26), nullable=True),
    Column("requests", Integer, nullable=False, server_default="1"),  # 0 for the further calls of a request
    Column("prompt_tokens", BigInteger, nullable=False, server_default="0"),
    Column("cached_tokens", BigInteger, nullable=False, server_default="0"),
    Index(None, "day"),
    Index(None, "key_id", "day"),
)

runs = Table(
    "runs",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("owner", String(200), nullable=False),
    Column("question", Text, nullable=False),
    Column("request", Text, nullable=False),  # JSON: what is needed to go on with it
    Column("state", String(20), nullable=False),
    Column("worker", String(32), nullable=True),  # who works on it; None for nobody
    Column(
        "fence", Integer, nullable=False
    ),  # grows with every taking over; what an older one writes is refused
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Index(None, "owner", "created_at"),
    Index(None, "state"),
)

run_entries = Table(
    "run_entries",
    metadata,
    Column("run_id", String(26), ForeignKey("runs.id", ondelete="CASCADE"), nullable=False, primary_key=True),
    Column("position", Integer, nullable=False, primary_key=True, autoincrement=False),
    Column("event", Text, nullable=False),  # as `events.encode` writes it
)

workers = Table(
    "workers",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("host", String(200), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("process_started", Float, nullable=False),
    Column("beats", BigInteger, nullable=False),  # counts up while it lives; watchers see it stand still
)

approvals = Table(
    "approvals",
    metadata,
    Column("id", String(12), primary_key=True),
    Column("run_id", String(26), ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    Column("step", Text, nullable=False),
    Column("asked", Text, nullable=False),  # JSON of the event `approval_needed`
    Column("state", String(20), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("answered_at", Moment, nullable=True),
    Index(None, "run_id"),
    Index(None, "state"),
)

rules = Table(
    "rules",
    metadata,
    Column("id", String(12), primary_key=True),
    Column("owner", String(200), nullable=False),
    Column("text", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    UniqueConstraint("owner", "text"),
)

accepted_tools = Table(
    "accepted_tools",
    metadata,
    Column("owner", String(200), primary_key=True),
    Column("tool", String(200), primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Column("signature", Text, nullable=False),  # JSON: what was accepted, to show what has changed since
    Column("accepted_at", Moment, nullable=False),
)

users = Table(
    "users",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("name", String(200), nullable=False),
    Column(
        "folded", String(400), nullable=False, unique=True
    ),  # as `words.fold` makes it: names differ in it
    Column("role", String(20), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("disabled_at", Moment, nullable=True),
)

passwords = Table(
    "passwords",
    metadata,
    Column("user_id", String(26), ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("password_hash", String(200), nullable=False),  # Argon2id with its parameters and salt
    Column("changed_at", Moment, nullable=False),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("user_id", String(26), ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("secret_hash", String(64), nullable=False, unique=True),
    Column("created_at", Moment, nullable=False),
    Column("seen_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("agent", String(200), nullable=False),  # what the browser calls itself
    Index(None, "user_id"),
)

links = Table(
    "links",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("user_id", String(26), ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("code_hash", String(64), nullable=False, unique=True),
    Column("expires_at", Moment, nullable=False),
    Column("used_at", Moment, nullable=True),
    Column("created_at", Moment, nullable=False),
    Index(None, "user_id"),
)

keys = Table(
    "keys",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("user_id", String(26), ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("name", String(200), nullable=False),
    Column("shown", String(40), nullable=False),  # how the secret begins, to recognise it by
    Column("secret_hash", String(64), nullable=False, unique=True),
    Column("previous_hash", String(64), nullable=True),  # of the secret before the last rotation
    Column("previous_until", Moment, nullable=True),
    Column("modes", Text, nullable=False),  # JSON, as `models`; an empty list means all
    Column("models", Text, nullable=False),
    Column("requests_per_minute", BigInteger, nullable=True),
    Column("tokens_per_minute", BigInteger, nullable=True),
    Column("concurrent", BigInteger, nullable=True),
    Column("day_cap", BigInteger, nullable=True),  # in billionths, as all money of keys
    Column("month_cap", BigInteger, nullable=True),
    Column("expires_at", Moment, nullable=True),
    Column("revoked_at", Moment, nullable=True),
    Column("created_at", Moment, nullable=False),
    Column("last_used_at", Moment, nullable=True),
    Index(None, "user_id"),
    Index(None, "previous_hash"),
)

invites = Table(
    "invites",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("code_hash", String(64), nullable=False, unique=True),
    Column("created_by", String(200), nullable=False),
    Column("role", String(20), nullable=False),
    Column("grant", Text, nullable=False),  # JSON of what the key will allow
    Column("expires_at", Moment, nullable=False),
    Column("revoked_at", Moment, nullable=True),
    Column("used_at", Moment, nullable=True),
    Column("used_by", String(26), nullable=True),
    Column("created_at", Moment, nullable=False),
)

# The three tables of a key's limits have no foreign keys: a key may be deleted while its last call is under way.
key_totals = Table(
    "key_totals",
    metadata,
    Column("key_id", String(26), primary_key=True),
    Column("period", String(10), primary_key=True),  # a local day, 2026-11-25, or month, 2026-11
    Column("requests", BigInteger, nullable=False),
    Column("used_money", BigInteger, nullable=False),  # in billionths: sums are exact
    Column("reserved_money", BigInteger, nullable=False),
    Column("used_tokens", BigInteger, nullable=False),
    Column("reserved_tokens", BigInteger, nullable=False),
)

key_rates = Table(
    "key_rates",
    metadata,
    Column("key_id", String(26), primary_key=True),
    Column("window", Text, nullable=False),  # JSON: requests and tokens in each of the last sixty seconds
)

key_leases = Table(
    "key_leases",
    metadata,
    Column("key_id", String(26), primary_key=True),
    Column("worker", String(32), primary_key=True),
    Column("running", BigInteger, nullable=False),  # requests under way in that process
)

idempotent_requests = Table(
    "idempotent_requests",
    metadata,
    Column("key_id", String(26), primary_key=True),
    Column("idempotency_key", String(255), primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Column("state", String(10), nullable=False),
    Column("status", Integer, nullable=True),
    Column("body", Text, nullable=True),
    Column("worker", String(32), nullable=True),
    Column("created_at", Moment, nullable=False),
)

responses = Table(
    "responses",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("owner", String(200), nullable=False),
    Column("previous", String(64), nullable=True),
    Column("request", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Index(None, "owner"),
)

schedules = Table(
    "schedules",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("owner", String(200), nullable=False),
    Column("said", Text, nullable=False),  # when, as the user wrote it
    Column("times", String(200), nullable=False),  # when, as `schedules.times` writes it
    Column("zone", String(100), nullable=False),  # name of the time zone in which that is meant
    Column("task", String(20), nullable=False),
    Column("request", Text, nullable=False),  # JSON: of a question what it asks and how
    Column("paused", Boolean, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("next_at", Moment, nullable=True),  # None where it never comes again
    Column("due_at", Moment, nullable=True),  # when the last run was due, as the two below
    Column("begun_at", Moment, nullable=True),
    Column("last_run", String(26), nullable=True),  # no foreign key: runs are deleted by themselves
    Column(
        "conversation_id", String(26), ForeignKey("conversations.id", ondelete="SET NULL"), nullable=True
    ),  # where its answers go
    Index(None, "owner"),
    Index(None, "paused", "next_at"),
    Index(None, "conversation_id"),
)
