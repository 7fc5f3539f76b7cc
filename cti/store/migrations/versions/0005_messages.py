"""Text messages: outbox, events of the platforms, rules, opt-outs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.add_column("sms", sa.Column("login", sa.String(length=80), nullable=False, server_default=""))
    op.add_column("sms", sa.Column("origin", sa.String(length=8), nullable=False, server_default=""))
    op.add_column("sms", sa.Column("template", sa.String(length=40), nullable=False, server_default=""))
    op.add_column("sms", sa.Column("purpose", sa.String(length=12), nullable=False, server_default=""))
    op.add_column("sms", sa.Column("platform", sa.String(length=40), nullable=False, server_default=""))
    op.add_column("sms", sa.Column("provider_id", sa.String(length=120), nullable=False, server_default=""))
    op.add_column("sms", sa.Column("segments", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("sms", sa.Column("error", sa.String(length=60), nullable=False, server_default=""))
    op.add_column("sms", sa.Column("error_text", sa.String(length=300), nullable=False, server_default=""))
    op.add_column("sms", sa.Column("cost", sa.Float(), nullable=True))
    op.add_column("sms", sa.Column("sent_at", sa.Float(), nullable=True))
    op.add_column("sms", sa.Column("delivered_at", sa.Float(), nullable=True))
    op.add_column("sms", sa.Column("call", sa.String(length=200), nullable=True))
    op.add_column("sms", sa.Column("opted_out", sa.String(length=12), nullable=True))
    op.add_column(
        "sms",
        sa.Column(
            "owner", sa.String(length=80), nullable=True, comment="login; '' is everybody's, null not decided yet"
        ),
    )
    op.add_column("sms", sa.Column("party", sa.String(length=80), nullable=True))
    op.add_column("sms", sa.Column("callback", sa.String(length=200), nullable=True))
    op.add_column("sms", sa.Column("read_at", sa.Float(), nullable=True))
    # A rank between sent and queued came in.
    op.execute(
        sa.text(
            "UPDATE sms SET rank = CASE status WHEN 'queued' THEN 0 WHEN 'unsure' THEN 1 WHEN 'sent' THEN 2 ELSE 3 END"
        )
    )
    op.create_index("sms_provider", "sms", ["provider_id"])
    op.create_index("sms_at", "sms", ["direction", "at"])
    op.create_table(
        "sms_outbox",
        sa.Column("id", sa.String(length=200), nullable=False, comment="of the message"),
        sa.Column("intent", sa.String(length=200), nullable=False, comment="the same wish is the same message"),
        sa.Column(
            "state", sa.String(length=10), nullable=False, comment="waiting trying unsure taken failed lost cancelled"
        ),
        sa.Column("due_at", sa.Float(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("expires_at", sa.Float(), nullable=False),
        sa.Column("tried_at", sa.Float(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column(
            "platforms", sa.Text(), nullable=False, comment="JSON list: those left to try, the current one first"
        ),
        sa.Column("payload", sa.Text(), nullable=False, comment="JSON: what the platforms need"),
        sa.Column("claimed_by", sa.String(length=80), nullable=False),
        sa.Column("claimed_until", sa.Float(), nullable=False),
        sa.Column("call", sa.String(length=200), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("intent"),
    )
    op.create_index("sms_outbox_call", "sms_outbox", ["call"])
    op.create_index("sms_outbox_due", "sms_outbox", ["state", "due_at"])
    op.create_table(
        "sms_part",
        sa.Column("sms_id", sa.String(length=200), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(length=60), nullable=False),
        sa.Column("error_text", sa.String(length=300), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("sms_id", "n"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "sms_raw",
        sa.Column("id", sa.String(length=40), nullable=False, comment="digest of platform and body"),
        sa.Column("platform", sa.String(length=40), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("sms_raw_at", "sms_raw", ["at"])
    op.create_table(
        "sms_event",
        sa.Column("key", sa.String(length=40), nullable=False, comment="the same news has the same key"),
        sa.Column("raw", sa.String(length=40), nullable=False),
        sa.Column("platform", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("provider_id", sa.String(length=120), nullable=False),
        sa.Column("message_id", sa.String(length=120), nullable=False),
        sa.Column("item", sa.Text(), nullable=False, comment="JSON"),
        sa.Column("state", sa.String(length=8), nullable=False, comment="new done orphan refused"),
        sa.Column("received_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index("sms_event_message", "sms_event", ["message_id"])
    op.create_index("sms_event_provider", "sms_event", ["provider_id"])
    op.create_index("sms_event_state", "sms_event", ["state", "received_at"])
    op.create_table(
        "sms_template",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("purpose", sa.String(length=12), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("codes", sa.Text(), nullable=False, comment="JSON {platform: code}"),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "sms_rule",
        sa.Column("trigger", sa.String(length=12), nullable=False),
        sa.Column("document", sa.Text(), nullable=False, comment="JSON"),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("trigger"),
    )
    op.create_table(
        "sms_optout",
        sa.Column("key", sa.String(length=40), nullable=False, comment="of the number"),
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("scope", sa.String(length=12), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("source", sa.String(length=8), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("word", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("key"),
        sa.UniqueConstraint("id"),
    )
    op.create_index("sms_optout_at", "sms_optout", ["at"])
    op.create_table(
        "callback_task",
        sa.Column("id", sa.String(length=200), nullable=False),
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("number", sa.String(length=120), nullable=False),
        sa.Column("call", sa.String(length=200), nullable=False),
        sa.Column("queue", sa.String(length=120), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("promised_at", sa.Float(), nullable=False),
        sa.Column("due_at", sa.Float(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False, comment="open answered done"),
        sa.Column("owner", sa.String(length=80), nullable=False),
        sa.Column("reply", sa.String(length=200), nullable=True),
        sa.Column("done_at", sa.Float(), nullable=True),
        sa.Column("done_by", sa.String(length=80), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("callback_task_key", "callback_task", ["key"])
    op.create_index("callback_task_state", "callback_task", ["state", "due_at"])
