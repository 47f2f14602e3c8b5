"""What is to be done about an account that failed, how often it did, and when it is tried again.

A migration is never changed once it was released, so it does not import `tables`, which moves on.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; what has failed before is tried again at once."""
    op.add_column("accounts", sa.Column("hint", sa.Text, nullable=False, server_default=sa.text("''")))
    op.add_column("accounts", sa.Column("failures", sa.Integer, nullable=False, server_default="0"))
    op.add_column("accounts", sa.Column("retry_at", sa.String(32), nullable=True))


def downgrade() -> None:
    """Take the columns away."""
    for name in ("retry_at", "failures", "hint"):
        op.drop_column("accounts", name)
