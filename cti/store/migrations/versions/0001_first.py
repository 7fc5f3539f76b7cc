"""Calls, notes, users, sessions, messages, audit."""

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
        "audit",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("user", sa.String(length=80), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("audit_at", "audit", ["at"], unique=False)
    op.create_table(
        "call",
        sa.Column("id", sa.String(length=200), nullable=False),
        sa.Column("pbx", sa.String(length=80), nullable=False),
        sa.Column("direction", sa.String(length=16), nullable=True),
        sa.Column("caller", sa.String(length=120), nullable=True),
        sa.Column("caller_key", sa.String(length=40), nullable=True),
        sa.Column("dialed", sa.String(length=120), nullable=True),
        sa.Column("dialed_key", sa.String(length=40), nullable=True),
        sa.Column("started_at", sa.Float(), nullable=True),
        sa.Column("ended_at", sa.Float(), nullable=True),
        sa.Column("partial", sa.Boolean(), nullable=False),
        sa.Column("gap", sa.Boolean(), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("queue", sa.String(length=120), nullable=True),
        sa.Column("wait_s", sa.Float(), nullable=True),
        sa.Column("talk_s", sa.Float(), nullable=False),
        sa.Column("agent", sa.String(length=120), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("call_caller", "call", ["caller_key", "started_at"], unique=False)
    op.create_index("call_dialed", "call", ["dialed_key", "started_at"], unique=False)
    op.create_index("call_open", "call", ["ended_at"], unique=False)
    op.create_index("call_started", "call", ["started_at"], unique=False)
    op.create_table(
        "call_missed",
        sa.Column("call_id", sa.String(length=200), nullable=False),
        sa.Column("visit_n", sa.Integer(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("agent", sa.String(length=120), nullable=True),
        sa.Column("interface", sa.String(length=120), nullable=False),
        sa.Column("ring_s", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("call_id", "visit_n", "n"),
        sqlite_with_rowid=False,
    )
    op.create_index("call_missed_interface", "call_missed", ["interface"], unique=False)
    op.create_table(
        "call_note",
        sa.Column("call_id", sa.String(length=200), nullable=False),
        sa.Column("user", sa.String(length=80), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("saved_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("call_id", "user"),
    )
    op.create_table(
        "call_party",
        sa.Column("call_id", sa.String(length=200), nullable=False),
        sa.Column("party_id", sa.String(length=80), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False, comment="who chose; '' for a match without doubt"),
        sa.Column("at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("call_id"),
    )
    op.create_table(
        "call_refused",
        sa.Column("call_id", sa.String(length=200), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("queue", sa.String(length=120), nullable=False),
        sa.Column("reason", sa.String(length=16), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("call_id", "n"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "call_talk",
        sa.Column("call_id", sa.String(length=200), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("interface", sa.String(length=120), nullable=False),
        sa.Column("agent", sa.String(length=120), nullable=True),
        sa.Column("started_at", sa.Float(), nullable=False),
        sa.Column("ended_at", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("call_id", "n"),
        sqlite_with_rowid=False,
    )
    op.create_index("call_talk_interface", "call_talk", ["interface", "started_at"], unique=False)
    op.create_table(
        "call_transfer",
        sa.Column("call_id", sa.String(length=200), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("by", sa.String(length=120), nullable=True),
        sa.Column("to", sa.String(length=120), nullable=True),
        sa.Column("at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("call_id", "n"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "call_visit",
        sa.Column("call_id", sa.String(length=200), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("queue", sa.String(length=120), nullable=False),
        sa.Column("joined_at", sa.Float(), nullable=True),
        sa.Column("left_at", sa.Float(), nullable=True),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("answered_at", sa.Float(), nullable=True),
        sa.Column("wait_s", sa.Float(), nullable=True),
        sa.Column("agent", sa.String(length=120), nullable=True),
        sa.Column("interface", sa.String(length=120), nullable=True),
        sa.PrimaryKeyConstraint("call_id", "n"),
        sqlite_with_rowid=False,
    )
    op.create_index("call_visit_queue", "call_visit", ["queue", "joined_at"], unique=False)
    op.create_table(
        "dismissed_pop",
        sa.Column("user", sa.String(length=80), nullable=False),
        sa.Column("pop", sa.String(length=200), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("user", "pop"),
    )
    op.create_table(
        "draft",
        sa.Column("user", sa.String(length=80), nullable=False),
        sa.Column("call_id", sa.String(length=200), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False, comment="JSON, as typed"),
        sa.Column("saved_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("user", "call_id"),
    )
    op.create_table(
        "person",
        sa.Column("login", sa.String(length=80), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("password", sa.String(length=255), nullable=False, comment="argon2id hash"),
        sa.Column("team", sa.String(length=80), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("login"),
    )
    op.create_table(
        "session",
        sa.Column("token", sa.String(length=64), nullable=False, comment="SHA-256 of the cookie"),
        sa.Column("login", sa.String(length=80), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("seen_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("token"),
    )
    op.create_index("session_login", "session", ["login"], unique=False)
    op.create_table(
        "sms",
        sa.Column("id", sa.String(length=200), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("direction", sa.String(length=3), nullable=False),
        sa.Column("number", sa.String(length=120), nullable=False),
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("by", sa.String(length=120), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("sms_key", "sms", ["key", "at"], unique=False)
    op.create_table(
        "person_interface",
        sa.Column("interface", sa.String(length=120), nullable=False),
        sa.Column("login", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(
            ["login"],
            ["person.login"],
        ),
        sa.PrimaryKeyConstraint("interface"),
    )
    op.create_index("person_interface_login", "person_interface", ["login"], unique=False)
