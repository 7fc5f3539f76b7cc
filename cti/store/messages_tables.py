"""Tables of text messages beside `sms` itself: what waits to go out, what platforms said, what people set."""

from __future__ import annotations

import sqlalchemy as sa

from cti.store.tables import metadata

_ID = sa.String(200)

outbox = sa.Table(
    "sms_outbox",
    metadata,
    sa.Column("id", _ID, primary_key=True, comment="of the message"),
    sa.Column("intent", _ID, nullable=False, unique=True, comment="the same wish is the same message"),
    sa.Column("state", sa.String(10), nullable=False, comment="waiting trying unsure taken failed lost cancelled"),
    sa.Column("due_at", sa.Float, nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("expires_at", sa.Float, nullable=False),
    sa.Column("tried_at", sa.Float),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("platforms", sa.Text, nullable=False, comment="JSON list: those left to try, the current one first"),
    sa.Column("payload", sa.Text, nullable=False, comment="JSON: what the platforms need"),
    sa.Column("claimed_by", sa.String(80), nullable=False),
    sa.Column("claimed_until", sa.Float, nullable=False),
    sa.Column("call", _ID),
    sa.Index("sms_outbox_due", "state", "due_at"),
    sa.Index("sms_outbox_call", "call"),
)

part = sa.Table(
    "sms_part",
    metadata,
    sa.Column("sms_id", _ID, primary_key=True),
    sa.Column("n", sa.Integer, primary_key=True),
    sa.Column("total", sa.Integer, nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("rank", sa.Integer, nullable=False),
    sa.Column("error", sa.String(60), nullable=False),
    sa.Column("error_text", sa.String(300), nullable=False),
    sa.Column("at", sa.Float, nullable=False),
    sqlite_with_rowid=False,
)

raw = sa.Table(
    "sms_raw",
    metadata,
    sa.Column("id", sa.String(40), primary_key=True, comment="digest of platform and body"),
    sa.Column("platform", sa.String(40), nullable=False),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Index("sms_raw_at", "at"),
)

event = sa.Table(
    "sms_event",
    metadata,
    sa.Column("key", sa.String(40), primary_key=True, comment="the same news has the same key"),
    sa.Column("raw", sa.String(40), nullable=False),
    sa.Column("platform", sa.String(40), nullable=False),
    sa.Column("kind", sa.String(8), nullable=False),
    sa.Column("provider_id", sa.String(120), nullable=False),
    sa.Column("message_id", sa.String(120), nullable=False),
    sa.Column("item", sa.Text, nullable=False, comment="JSON"),
    sa.Column("state", sa.String(8), nullable=False, comment="new done orphan refused"),
    sa.Column("received_at", sa.Float, nullable=False),
    sa.Index("sms_event_state", "state", "received_at"),
    sa.Index("sms_event_provider", "provider_id"),
    sa.Index("sms_event_message", "message_id"),
)

template = sa.Table(
    "sms_template",
    metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("name", sa.String(80), nullable=False),
    sa.Column("purpose", sa.String(12), nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("codes", sa.Text, nullable=False, comment="JSON {platform: code}"),
    sa.Column("enabled", sa.Boolean, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("by", sa.String(80), nullable=False),
    sa.Column("at", sa.Float, nullable=False),
)

rule = sa.Table(
    "sms_rule",
    metadata,
    sa.Column("trigger", sa.String(12), primary_key=True),
    sa.Column("document", sa.Text, nullable=False, comment="JSON"),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("by", sa.String(80), nullable=False),
    sa.Column("at", sa.Float, nullable=False),
)

optout = sa.Table(
    "sms_optout",
    metadata,
    sa.Column("key", sa.String(40), primary_key=True, comment="of the number"),
    sa.Column("id", sa.String(40), nullable=False, unique=True),
    sa.Column("scope", sa.String(12), nullable=False),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("source", sa.String(8), nullable=False),
    sa.Column("by", sa.String(80), nullable=False),
    sa.Column("word", sa.String(200), nullable=False),
    sa.Index("sms_optout_at", "at"),
)

callback = sa.Table(
    "callback_task",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("key", sa.String(40), nullable=False),
    sa.Column("number", sa.String(120), nullable=False),
    sa.Column("call", _ID, nullable=False),
    sa.Column("queue", sa.String(120), nullable=False),
    sa.Column("name", sa.String(120), nullable=False),
    sa.Column("promised_at", sa.Float, nullable=False),
    sa.Column("due_at", sa.Float, nullable=False),
    sa.Column("state", sa.String(8), nullable=False, comment="open answered done"),
    sa.Column("owner", sa.String(80), nullable=False),
    sa.Column("reply", _ID),
    sa.Column("done_at", sa.Float),
    sa.Column("done_by", sa.String(80), nullable=False),
    sa.Index("callback_task_state", "state", "due_at"),
    sa.Index("callback_task_key", "key"),
)
