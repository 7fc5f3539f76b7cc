"""Rows to count, agents' time, targets and teams through time, queue_log's visits."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "agent_span",
        sa.Column("interface", sa.String(length=120), nullable=False),
        sa.Column("from_ms", sa.BigInteger(), nullable=False),
        sa.Column("to_ms", sa.BigInteger(), nullable=False),
        sa.Column("agent", sa.String(length=120), nullable=False),
        sa.Column("phase", sa.String(length=12), nullable=False),
        sa.Column("reason", sa.String(length=120), nullable=False),
        sa.PrimaryKeyConstraint("interface", "from_ms"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "agent_time",
        sa.Column("quarter", sa.BigInteger(), nullable=False, comment="begin of the quarter of an hour, ms"),
        sa.Column("interface", sa.String(length=120), nullable=False),
        sa.Column("phase", sa.String(length=12), nullable=False),
        sa.Column("reason", sa.String(length=120), nullable=False),
        sa.Column("agent", sa.String(length=120), nullable=False),
        sa.Column("ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("quarter", "interface", "phase", "reason"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "call_backfill",
        sa.Column("call_id", sa.String(length=200), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("inserted", sa.Boolean(), nullable=False, comment="the whole call is from queue_log"),
        sa.PrimaryKeyConstraint("call_id"),
    )
    op.create_table(
        "call_moment",
        sa.Column("call_id", sa.String(length=200), nullable=False),
        sa.Column("doing", sa.String(length=8), nullable=False, comment="hold, wrapup or ring"),
        sa.Column("interface", sa.String(length=120), nullable=False),
        sa.Column("from_ms", sa.BigInteger(), nullable=False),
        sa.Column("to_ms", sa.BigInteger(), nullable=True),
        sa.Column("agent", sa.String(length=120), nullable=False),
        sa.Column("answered", sa.Boolean(), nullable=False),
        sa.Column("queue", sa.String(length=120), nullable=False),
        sa.PrimaryKeyConstraint("call_id", "doing", "interface", "from_ms"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "history_fact",
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("call_id", sa.String(length=200), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("queue", sa.String(length=120), nullable=False),
        sa.Column("line", sa.String(length=120), nullable=False),
        sa.Column("agent", sa.String(length=120), nullable=False),
        sa.Column("interface", sa.String(length=120), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("wait_ms", sa.BigInteger(), nullable=True),
        sa.Column("lead_ms", sa.BigInteger(), nullable=True),
        sa.Column("talk_ms", sa.BigInteger(), nullable=False),
        sa.Column("hold_ms", sa.BigInteger(), nullable=False),
        sa.Column("wrap_ms", sa.BigInteger(), nullable=False),
        sa.Column("transfers", sa.Integer(), nullable=False),
        sa.Column("quality", sa.SmallInteger(), nullable=False),
        sa.Column("cause", sa.String(length=16), nullable=False),
        sa.Column("nobody_ms", sa.BigInteger(), nullable=False),
        sa.Column("ringing_ms", sa.BigInteger(), nullable=False),
        sa.Column("announcement_ms", sa.BigInteger(), nullable=False),
        sa.Column("overflow_ms", sa.BigInteger(), nullable=False),
        sa.Column("untold_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("at_ms", "call_id", "n", "kind"),
        sqlite_with_rowid=False,
    )
    op.create_index("history_fact_call", "history_fact", ["call_id"], unique=False)
    op.create_table(
        "history_missed",
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("call_id", sa.String(length=200), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("m", sa.Integer(), nullable=False),
        sa.Column("queue", sa.String(length=120), nullable=False),
        sa.Column("line", sa.String(length=120), nullable=False),
        sa.Column("agent", sa.String(length=120), nullable=False),
        sa.Column("interface", sa.String(length=120), nullable=False),
        sa.Column("ring_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("at_ms", "call_id", "n", "m"),
        sqlite_with_rowid=False,
    )
    op.create_index("history_missed_call", "history_missed", ["call_id"], unique=False)
    op.create_table(
        "history_state",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("value", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "log_file",
        sa.Column("path", sa.String(length=250), nullable=False),
        sa.Column("device", sa.String(length=24), nullable=False),
        sa.Column("inode", sa.String(length=24), nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.Column("line_sha", sa.String(length=64), nullable=False, comment="SHA-256 of the last bytes before it"),
        sa.Column("last_epoch", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("path"),
    )
    op.create_table(
        "log_quarantine",
        sa.Column("key", sa.String(length=80), nullable=False, comment="file and offset"),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_table(
        "log_visit",
        sa.Column("key", sa.String(length=80), nullable=False, comment="file and offset of its ENTERQUEUE line"),
        sa.Column("callid", sa.String(length=200), nullable=False),
        sa.Column("queue", sa.String(length=120), nullable=False),
        sa.Column("caller", sa.String(length=120), nullable=False),
        sa.Column("entered", sa.BigInteger(), nullable=False, comment="epoch, whole seconds as queue_log has them"),
        sa.Column("left", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("wait_s", sa.Integer(), nullable=True),
        sa.Column("agent", sa.String(length=120), nullable=False),
        sa.Column("ended", sa.BigInteger(), nullable=True),
        sa.Column("talk_s", sa.Integer(), nullable=True),
        sa.Column("missed", sa.Text(), nullable=False, comment="JSON: [[agent, ms, epoch], ...]"),
        sa.Column("settled", sa.Boolean(), nullable=False, comment="compared with the calls"),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index("log_visit_entered", "log_visit", ["entered"], unique=False)
    op.create_index("log_visit_open", "log_visit", ["settled", "entered"], unique=False)
    op.create_table(
        "queue_free",
        sa.Column("queue", sa.String(length=120), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column(
            "free", sa.SmallInteger(), nullable=False, comment="1 somebody idle, 0 nobody, -1 not known from here"
        ),
        sa.PrimaryKeyConstraint("queue", "at_ms"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "queue_target",
        sa.Column("queue", sa.String(length=120), nullable=False, comment="'' for every queue without one of its own"),
        sa.Column("since_ms", sa.BigInteger(), nullable=False),
        sa.Column("target_ms", sa.BigInteger(), nullable=False),
        sa.Column("short_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("queue", "since_ms"),
    )
    op.create_table(
        "team_member",
        sa.Column("interface", sa.String(length=120), nullable=False),
        sa.Column("since_ms", sa.BigInteger(), nullable=False),
        sa.Column("team", sa.String(length=80), nullable=False, comment="'' for none"),
        sa.PrimaryKeyConstraint("interface", "since_ms"),
    )
