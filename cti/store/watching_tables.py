"""Tables of what watches: alerts and silences, webhooks on their way, walls, recordings' sheets, the journal."""

from __future__ import annotations

import sqlalchemy as sa

from cti.store.tables import metadata

_ID = sa.String(200)
_NAME = sa.String(120)
_LOGIN = sa.String(80)

alert = sa.Table(
    "alert",
    metadata,
    sa.Column("id", sa.String(250), primary_key=True),
    sa.Column("kind", sa.String(12), nullable=False),
    sa.Column("queue", _NAME),
    sa.Column("call", _ID),
    sa.Column("visit", _ID),
    sa.Column("agent", _NAME),
    sa.Column("interface", _NAME),
    sa.Column("since", sa.Float, nullable=False),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("value", sa.Float),
    sa.Column("limit", sa.Float),
    sa.Column("cleared_at", sa.Float),
    sa.Index("alert_at", "at"),
    sa.Index("alert_open", "cleared_at"),
)

silence = sa.Table(
    "alert_silence",
    metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("by", _LOGIN, nullable=False),
    sa.Column("for_all", sa.Boolean, nullable=False),
    sa.Column("alert", sa.String(250)),
    sa.Column("kind", sa.String(12)),
    sa.Column("queue", _NAME),
    sa.Column("interface", _NAME),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("until", sa.Float, nullable=False),
)

hook = sa.Table(
    "hook_delivery",
    metadata,
    sa.Column("id", sa.String(340), primary_key=True, comment="hook, alert, and raised or cleared"),
    sa.Column("hook", sa.String(40), nullable=False),
    sa.Column("body", sa.Text, nullable=False, comment="JSON as it is sent and signed"),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("next_at", sa.Float, nullable=False),
    sa.Column("state", sa.String(8), nullable=False, comment="waiting, sent or failed"),
    sa.Column("error", sa.String(120), nullable=False),
    sa.Index("hook_delivery_due", "state", "next_at"),
)

wall = sa.Table(
    "wall_token",
    metadata,
    sa.Column("id", sa.String(24), primary_key=True),
    sa.Column("hash", sa.String(64), nullable=False, comment="SHA-256 of the token"),
    sa.Column("label", _NAME, nullable=False),
    sa.Column("created_by", _LOGIN, nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("used_at", sa.Float),
    sa.Column("expires_at", sa.Float),
    sa.Index("wall_token_hash", "hash"),
)

listen_right = sa.Table(
    "listen_right",
    metadata,
    sa.Column("login", _LOGIN, primary_key=True),
    sa.Column("teams", sa.Text, nullable=False, comment="JSON: names of teams, or *"),
)

mark = sa.Table(
    "call_mark",
    metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("call_id", _ID, nullable=False),
    sa.Column("at_s", sa.Float, nullable=False),
    sa.Column("kind", sa.String(8), nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("by", _LOGIN, nullable=False),
    sa.Column("at", sa.Float, nullable=False),
    sa.Index("call_mark_call", "call_id"),
)

form = sa.Table(
    "score_form",
    metadata,
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("form", sa.Text, nullable=False, comment="JSON"),
    sa.Column("by", _LOGIN, nullable=False),
    sa.Column("at", sa.Float, nullable=False),
)

score = sa.Table(
    "call_score",
    metadata,
    sa.Column("call_id", _ID, primary_key=True),
    sa.Column("by", _LOGIN, primary_key=True),
    sa.Column("agent", _NAME, nullable=False),
    sa.Column("interface", _NAME, nullable=False),
    sa.Column("called_at", sa.Float, nullable=False),
    sa.Column("form", sa.Integer, nullable=False),
    sa.Column("points", sa.Text, nullable=False, comment="JSON: {criterion: points}"),
    sa.Column("share", sa.Float, nullable=False),
    sa.Column("remark", sa.Text, nullable=False),
    sa.Column("at", sa.Float, nullable=False),
    sa.Index("call_score_called", "called_at"),
)

journal = sa.Table(
    "board_journal",
    metadata,
    sa.Column("at_ms", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("whole", sa.Boolean, nullable=False, comment="begins with the whole board"),
    sa.Column("until_ms", sa.BigInteger, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False, comment="zlib of JSON: [board or null, [[at_ms, change], ...]]"),
)
