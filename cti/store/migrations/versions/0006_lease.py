"""Who leads: the lease of each PBX and its epoch."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "lease",
        sa.Column("pbx", sa.String(length=64), nullable=False),
        sa.Column("node", sa.String(length=64), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False, comment="grows by one with each new leader"),
        sa.Column("until_ms", sa.BigInteger(), nullable=False, comment="on the database's own clock"),
        sa.PrimaryKeyConstraint("pbx"),
    )
