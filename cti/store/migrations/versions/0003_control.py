"""Wishes to the PBX and their outcome, overflow rules."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "control_action",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False, comment="login, '' for a rule"),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column(
            "interface", sa.String(length=120), nullable=False, comment="phone of the agent concerned, '' for none"
        ),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("rule", sa.String(length=40), nullable=False),
        sa.Column("view", sa.Text(), nullable=False, comment="JSON, as the pages get it"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("control_action_at", "control_action", ["at"], unique=False)
    op.create_index("control_action_interface", "control_action", ["interface", "at"], unique=False)
    op.create_table(
        "control_rule",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False, comment="JSON: the rule as written, its mode and version"),
        sa.Column("standing", sa.Text(), nullable=False, comment="JSON: what it has done and not yet taken back"),
        sa.Column("changed_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "control_rule_note",
        sa.Column("rule", sa.String(length=40), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("n", sa.Integer(), autoincrement=False, nullable=False, comment="of the same moment"),
        sa.Column("note", sa.Text(), nullable=False, comment="JSON, as the pages get it"),
        sa.PrimaryKeyConstraint("rule", "at", "n"),
    )
