"""Alerts, wallboard tokens, listenings and score sheets of recordings, the board's journal."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "alert",
        sa.Column("id", sa.String(length=250), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("queue", sa.String(length=120), nullable=True),
        sa.Column("call", sa.String(length=200), nullable=True),
        sa.Column("visit", sa.String(length=200), nullable=True),
        sa.Column("agent", sa.String(length=120), nullable=True),
        sa.Column("interface", sa.String(length=120), nullable=True),
        sa.Column("since", sa.Float(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("value", sa.Float(), nullable=True),
        sa.Column("limit", sa.Float(), nullable=True),
        sa.Column("cleared_at", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("alert_at", "alert", ["at"], unique=False)
    op.create_index("alert_open", "alert", ["cleared_at"], unique=False)
    op.create_table(
        "alert_silence",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("for_all", sa.Boolean(), nullable=False),
        sa.Column("alert", sa.String(length=250), nullable=True),
        sa.Column("kind", sa.String(length=12), nullable=True),
        sa.Column("queue", sa.String(length=120), nullable=True),
        sa.Column("interface", sa.String(length=120), nullable=True),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("until", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "hook_delivery",
        sa.Column("id", sa.String(length=340), nullable=False, comment="hook, alert, and raised or cleared"),
        sa.Column("hook", sa.String(length=40), nullable=False),
        sa.Column("body", sa.Text(), nullable=False, comment="JSON as it is sent and signed"),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.Float(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False, comment="waiting, sent or failed"),
        sa.Column("error", sa.String(length=120), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("hook_delivery_due", "hook_delivery", ["state", "next_at"], unique=False)
    op.create_table(
        "wall_token",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False, comment="SHA-256 of the token"),
        sa.Column("label", sa.String(length=120), nullable=False),
        sa.Column("created_by", sa.String(length=80), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("used_at", sa.Float(), nullable=True),
        sa.Column("expires_at", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("wall_token_hash", "wall_token", ["hash"], unique=False)
    op.create_table(
        "listen_right",
        sa.Column("login", sa.String(length=80), nullable=False),
        sa.Column("teams", sa.Text(), nullable=False, comment="JSON: names of teams, or *"),
        sa.PrimaryKeyConstraint("login"),
    )
    op.create_table(
        "call_mark",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("call_id", sa.String(length=200), nullable=False),
        sa.Column("at_s", sa.Float(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("call_mark_call", "call_mark", ["call_id"], unique=False)
    op.create_table(
        "score_form",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("form", sa.Text(), nullable=False, comment="JSON"),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("version"),
    )
    op.create_table(
        "call_score",
        sa.Column("call_id", sa.String(length=200), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("agent", sa.String(length=120), nullable=False),
        sa.Column("interface", sa.String(length=120), nullable=False),
        sa.Column("called_at", sa.Float(), nullable=False),
        sa.Column("form", sa.Integer(), nullable=False),
        sa.Column("points", sa.Text(), nullable=False, comment="JSON: {criterion: points}"),
        sa.Column("share", sa.Float(), nullable=False),
        sa.Column("remark", sa.Text(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("call_id", "by"),
    )
    op.create_index("call_score_called", "call_score", ["called_at"], unique=False)
    op.create_table(
        "board_journal",
        sa.Column("at_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("whole", sa.Boolean(), nullable=False, comment="begins with the whole board"),
        sa.Column("until_ms", sa.BigInteger(), nullable=False),
        sa.Column(
            "body", sa.LargeBinary(), nullable=False, comment="zlib of JSON: [board or null, [[at_ms, change], ...]]"
        ),
        sa.PrimaryKeyConstraint("at_ms"),
    )
