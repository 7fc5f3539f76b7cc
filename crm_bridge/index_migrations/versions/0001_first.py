"""Which customer of another CRM is which of ours, how far its sync is, and what was typed over it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "crmx_ref",
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.Column("entity", sa.String(length=40), nullable=False),
        sa.Column("external_id", sa.String(length=120), nullable=False),
        sa.Column("party_id", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(length=32), nullable=False),
        sa.Column("doc", sa.Text(), nullable=False),
        sa.Column("company", sa.String(length=120), nullable=True),
        sa.Column("pass_no", sa.Integer(), nullable=False),
        sa.Column("gone", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("source", "entity", "external_id"),
    )
    op.create_index("crmx_ref_party", "crmx_ref", ["party_id"])
    op.create_index("crmx_ref_company", "crmx_ref", ["source", "company"])
    op.create_table(
        "crmx_sync",
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.Column("entity", sa.String(length=40), nullable=False),
        sa.Column("pass_no", sa.Integer(), nullable=False),
        sa.Column("mark", sa.String(length=120), nullable=True),
        sa.Column("full_at", sa.Float(), nullable=True),
        sa.Column("read_at", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("source", "entity"),
    )
    op.create_table(
        "crmx_overlay",
        sa.Column("party_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("base", sa.Text(), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("party_id", "key"),
    )
