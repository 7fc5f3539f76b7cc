"""Tables of the history: rows to count, derived from calls; what was noted meanwhile; what queue_log said.

Times are whole milliseconds, so that sums are exact and the same in every database.
"""

from __future__ import annotations

import sqlalchemy as sa

from cti.store.tables import metadata

_ID = sa.String(200)
_NAME = sa.String(120)

fact = sa.Table(
    "history_fact",
    metadata,
    sa.Column("at_ms", sa.BigInteger, primary_key=True),
    sa.Column("call_id", _ID, primary_key=True),
    sa.Column("n", sa.Integer, primary_key=True),
    sa.Column("kind", sa.SmallInteger, primary_key=True),
    sa.Column("queue", _NAME, nullable=False),
    sa.Column("line", _NAME, nullable=False),
    sa.Column("agent", _NAME, nullable=False),
    sa.Column("interface", _NAME, nullable=False),
    sa.Column("outcome", sa.String(16), nullable=False),
    sa.Column("wait_ms", sa.BigInteger),
    sa.Column("lead_ms", sa.BigInteger),
    sa.Column("talk_ms", sa.BigInteger, nullable=False),
    sa.Column("hold_ms", sa.BigInteger, nullable=False),
    sa.Column("wrap_ms", sa.BigInteger, nullable=False),
    sa.Column("transfers", sa.Integer, nullable=False),
    sa.Column("quality", sa.SmallInteger, nullable=False),
    sa.Column("cause", sa.String(16), nullable=False),
    sa.Column("nobody_ms", sa.BigInteger, nullable=False),
    sa.Column("ringing_ms", sa.BigInteger, nullable=False),
    sa.Column("announcement_ms", sa.BigInteger, nullable=False),
    sa.Column("overflow_ms", sa.BigInteger, nullable=False),
    sa.Column("untold_ms", sa.BigInteger, nullable=False),
    sa.Index("history_fact_call", "call_id"),
    sqlite_with_rowid=False,
)

missed = sa.Table(
    "history_missed",
    metadata,
    sa.Column("at_ms", sa.BigInteger, primary_key=True),
    sa.Column("call_id", _ID, primary_key=True),
    sa.Column("n", sa.Integer, primary_key=True),
    sa.Column("m", sa.Integer, primary_key=True),
    sa.Column("queue", _NAME, nullable=False),
    sa.Column("line", _NAME, nullable=False),
    sa.Column("agent", _NAME, nullable=False),
    sa.Column("interface", _NAME, nullable=False),
    sa.Column("ring_ms", sa.BigInteger, nullable=False),
    sa.Index("history_missed_call", "call_id"),
    sqlite_with_rowid=False,
)

moment = sa.Table(
    "call_moment",
    metadata,
    sa.Column("call_id", _ID, primary_key=True),
    sa.Column("doing", sa.String(8), primary_key=True, comment="hold, wrapup or ring"),
    sa.Column("interface", _NAME, primary_key=True),
    sa.Column("from_ms", sa.BigInteger, primary_key=True),
    sa.Column("to_ms", sa.BigInteger),
    sa.Column("agent", _NAME, nullable=False),
    sa.Column("answered", sa.Boolean, nullable=False),
    sa.Column("queue", _NAME, nullable=False),
    sqlite_with_rowid=False,
)

span = sa.Table(
    "agent_span",
    metadata,
    sa.Column("interface", _NAME, primary_key=True),
    sa.Column("from_ms", sa.BigInteger, primary_key=True),
    sa.Column("to_ms", sa.BigInteger, nullable=False),
    sa.Column("agent", _NAME, nullable=False),
    sa.Column("phase", sa.String(12), nullable=False),
    sa.Column("reason", _NAME, nullable=False),
    sqlite_with_rowid=False,
)

agent_time = sa.Table(
    "agent_time",
    metadata,
    sa.Column("quarter", sa.BigInteger, primary_key=True, comment="begin of the quarter of an hour, ms"),
    sa.Column("interface", _NAME, primary_key=True),
    sa.Column("phase", sa.String(12), primary_key=True),
    sa.Column("reason", _NAME, primary_key=True),
    sa.Column("agent", _NAME, nullable=False),
    sa.Column("ms", sa.BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

queue_free = sa.Table(
    "queue_free",
    metadata,
    sa.Column("queue", _NAME, primary_key=True),
    sa.Column("at_ms", sa.BigInteger, primary_key=True),
    sa.Column("free", sa.SmallInteger, nullable=False, comment="1 somebody idle, 0 nobody, -1 not known from here"),
    sqlite_with_rowid=False,
)

target = sa.Table(
    "queue_target",
    metadata,
    sa.Column("queue", _NAME, primary_key=True, comment="'' for every queue without one of its own"),
    sa.Column("since_ms", sa.BigInteger, primary_key=True),
    sa.Column("target_ms", sa.BigInteger, nullable=False),
    sa.Column("short_ms", sa.BigInteger, nullable=False),
)

team = sa.Table(
    "team_member",
    metadata,
    sa.Column("interface", _NAME, primary_key=True),
    sa.Column("since_ms", sa.BigInteger, primary_key=True),
    sa.Column("team", sa.String(80), nullable=False, comment="'' for none"),
)

backfilled = sa.Table(
    "call_backfill",
    metadata,
    sa.Column("call_id", _ID, primary_key=True),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("inserted", sa.Boolean, nullable=False, comment="the whole call is from queue_log"),
)

log_file = sa.Table(
    "log_file",
    metadata,
    sa.Column("path", sa.String(250), primary_key=True),
    sa.Column("device", sa.String(24), nullable=False),
    sa.Column("inode", sa.String(24), nullable=False),
    sa.Column("offset", sa.BigInteger, nullable=False),
    sa.Column("line_sha", sa.String(64), nullable=False, comment="SHA-256 of the last bytes before it"),
    sa.Column("last_epoch", sa.BigInteger, nullable=False),
)

log_visit = sa.Table(
    "log_visit",
    metadata,
    sa.Column("key", sa.String(80), primary_key=True, comment="file and offset of its ENTERQUEUE line"),
    sa.Column("callid", _ID, nullable=False),
    sa.Column("queue", _NAME, nullable=False),
    sa.Column("caller", _NAME, nullable=False),
    sa.Column("entered", sa.BigInteger, nullable=False, comment="epoch, whole seconds as queue_log has them"),
    sa.Column("left", sa.BigInteger),
    sa.Column("outcome", sa.String(16), nullable=False),
    sa.Column("wait_s", sa.Integer),
    sa.Column("agent", _NAME, nullable=False),
    sa.Column("ended", sa.BigInteger),
    sa.Column("talk_s", sa.Integer),
    sa.Column("missed", sa.Text, nullable=False, comment="JSON: [[agent, ms, epoch], ...]"),
    sa.Column("settled", sa.Boolean, nullable=False, comment="compared with the calls"),
    sa.Index("log_visit_entered", "entered"),
    sa.Index("log_visit_open", "settled", "entered"),
)

quarantine = sa.Table(
    "log_quarantine",
    metadata,
    sa.Column("key", sa.String(80), primary_key=True, comment="file and offset"),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("reason", sa.String(40), nullable=False),
    sa.Column("line", sa.Text, nullable=False),
)

state = sa.Table(
    "history_state",
    metadata,
    sa.Column("name", sa.String(40), primary_key=True),
    sa.Column("value", sa.String(200), nullable=False),
)
