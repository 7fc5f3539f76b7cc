"""Tables of the store. Alembic revisions in `migrations/` make them; a test holds the two equal.

Keys are made of what is stored, never counted up: writing the same twice is harmless.
"""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData()

_ID = sa.String(200)

call = sa.Table(
    "call",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("pbx", sa.String(80), nullable=False),
    sa.Column("direction", sa.String(16)),
    sa.Column("caller", sa.String(120)),
    sa.Column("caller_key", sa.String(40)),
    sa.Column("dialed", sa.String(120)),
    sa.Column("dialed_key", sa.String(40)),
    sa.Column("started_at", sa.Float),
    sa.Column("ended_at", sa.Float),
    sa.Column("partial", sa.Boolean, nullable=False),
    sa.Column("gap", sa.Boolean, nullable=False),
    # What lists show, derived from the rows below each time the call is written.
    sa.Column("outcome", sa.String(16), nullable=False),
    sa.Column("queue", sa.String(120)),
    sa.Column("wait_s", sa.Float),
    sa.Column("talk_s", sa.Float, nullable=False),
    sa.Column("agent", sa.String(120)),
    sa.Index("call_caller", "caller_key", "started_at"),
    sa.Index("call_dialed", "dialed_key", "started_at"),
    sa.Index("call_started", "started_at"),
    sa.Index("call_open", "ended_at"),
)

refused = sa.Table(
    "call_refused",
    metadata,
    sa.Column("call_id", _ID, primary_key=True),
    sa.Column("n", sa.Integer, primary_key=True),
    sa.Column("queue", sa.String(120), nullable=False),
    sa.Column("reason", sa.String(16), nullable=False),
    sa.Column("at", sa.Float, nullable=False),
    sqlite_with_rowid=False,
)

visit = sa.Table(
    "call_visit",
    metadata,
    sa.Column("call_id", _ID, primary_key=True),
    sa.Column("n", sa.Integer, primary_key=True),
    sa.Column("queue", sa.String(120), nullable=False),
    sa.Column("joined_at", sa.Float),
    sa.Column("left_at", sa.Float),
    sa.Column("outcome", sa.String(16), nullable=False),
    sa.Column("answered_at", sa.Float),
    sa.Column("wait_s", sa.Float),
    sa.Column("agent", sa.String(120)),
    sa.Column("interface", sa.String(120)),
    sa.Index("call_visit_queue", "queue", "joined_at"),
    sqlite_with_rowid=False,
)

missed = sa.Table(
    "call_missed",
    metadata,
    sa.Column("call_id", _ID, primary_key=True),
    sa.Column("visit_n", sa.Integer, primary_key=True),
    sa.Column("n", sa.Integer, primary_key=True),
    sa.Column("agent", sa.String(120)),
    sa.Column("interface", sa.String(120), nullable=False),
    sa.Column("ring_s", sa.Float, nullable=False),
    sa.Index("call_missed_interface", "interface"),
    sqlite_with_rowid=False,
)

talk = sa.Table(
    "call_talk",
    metadata,
    sa.Column("call_id", _ID, primary_key=True),
    sa.Column("n", sa.Integer, primary_key=True),
    sa.Column("interface", sa.String(120), nullable=False),
    sa.Column("agent", sa.String(120)),
    sa.Column("started_at", sa.Float, nullable=False),
    sa.Column("ended_at", sa.Float),
    sa.Index("call_talk_interface", "interface", "started_at"),
    sqlite_with_rowid=False,
)

transfer = sa.Table(
    "call_transfer",
    metadata,
    sa.Column("call_id", _ID, primary_key=True),
    sa.Column("n", sa.Integer, primary_key=True),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("by", sa.String(120)),
    sa.Column("to", sa.String(120)),
    sa.Column("at", sa.Float, nullable=False),
    sqlite_with_rowid=False,
)

call_note = sa.Table(
    "call_note",
    metadata,
    sa.Column("call_id", _ID, primary_key=True),
    sa.Column("user", sa.String(80), primary_key=True),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("saved_at", sa.Float, nullable=False),
)

call_party = sa.Table(
    "call_party",
    metadata,
    sa.Column("call_id", _ID, primary_key=True),
    sa.Column("party_id", sa.String(80), nullable=False),
    sa.Column("by", sa.String(80), nullable=False, comment="who chose; '' for a match without doubt"),
    sa.Column("at", sa.Float, nullable=False),
)

draft = sa.Table(
    "draft",
    metadata,
    sa.Column("user", sa.String(80), primary_key=True),
    sa.Column("call_id", _ID, primary_key=True),
    sa.Column("payload", sa.Text, nullable=False, comment="JSON, as typed"),
    sa.Column("saved_at", sa.Float, nullable=False),
)

dismissed = sa.Table(
    "dismissed_pop",
    metadata,
    sa.Column("user", sa.String(80), primary_key=True),
    sa.Column("pop", _ID, primary_key=True),
    sa.Column("at", sa.Float, nullable=False),
)

user = sa.Table(
    "person",
    metadata,
    sa.Column("login", sa.String(80), primary_key=True),
    sa.Column("name", sa.String(120), nullable=False),
    sa.Column("role", sa.String(16), nullable=False),
    sa.Column("password", sa.String(255), nullable=False, comment="argon2id hash"),
    sa.Column("team", sa.String(80), nullable=False),
    sa.Column("language", sa.String(2), nullable=False),
    sa.Column("disabled", sa.Boolean, nullable=False),
)

interface = sa.Table(
    "person_interface",
    metadata,
    sa.Column("interface", sa.String(120), primary_key=True),
    sa.Column("login", sa.String(80), sa.ForeignKey("person.login"), nullable=False),
    sa.Index("person_interface_login", "login"),
)

session = sa.Table(
    "session",
    metadata,
    sa.Column("token", sa.String(64), primary_key=True, comment="SHA-256 of the cookie"),
    sa.Column("login", sa.String(80), nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("seen_at", sa.Float, nullable=False),
    sa.Index("session_login", "login"),
)

sms = sa.Table(
    "sms",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("direction", sa.String(3), nullable=False),
    sa.Column("number", sa.String(120), nullable=False),
    sa.Column("key", sa.String(40), nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("rank", sa.Integer, nullable=False),
    sa.Column("by", sa.String(120), nullable=False),
    sa.Column("login", sa.String(80), nullable=False, server_default=""),
    sa.Column("origin", sa.String(8), nullable=False, server_default=""),
    sa.Column("template", sa.String(40), nullable=False, server_default=""),
    sa.Column("purpose", sa.String(12), nullable=False, server_default=""),
    sa.Column("platform", sa.String(40), nullable=False, server_default=""),
    sa.Column("provider_id", sa.String(120), nullable=False, server_default=""),
    sa.Column("segments", sa.Integer, nullable=False, server_default="0"),
    sa.Column("error", sa.String(60), nullable=False, server_default=""),
    sa.Column("error_text", sa.String(300), nullable=False, server_default=""),
    sa.Column("cost", sa.Float),
    sa.Column("sent_at", sa.Float),
    sa.Column("delivered_at", sa.Float),
    sa.Column("call", _ID),
    sa.Column("opted_out", sa.String(12)),
    sa.Column("owner", sa.String(80), comment="login; '' is everybody's, null not decided yet"),
    sa.Column("party", sa.String(80)),
    sa.Column("callback", _ID),
    sa.Column("read_at", sa.Float),
    sa.Index("sms_key", "key", "at"),
    sa.Index("sms_provider", "provider_id"),
    sa.Index("sms_at", "direction", "at"),
)

audit = sa.Table(
    "audit",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("user", sa.String(80), nullable=False),
    sa.Column("action", sa.String(40), nullable=False),
    sa.Column("subject", sa.String(200), nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Index("audit_at", "at"),
)
