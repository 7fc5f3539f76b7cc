"""Tables of chat records beside `tables.chat`: the conversations, and messages whose customer nobody knows yet."""

from __future__ import annotations

import sqlalchemy as sa

from crm_bridge.embedded.tables import metadata

chat_peer = sa.Table(
    "crm_chat_peer",
    metadata,
    sa.Column("id", sa.String(24), primary_key=True, comment="made of channel, account and key"),
    sa.Column("channel", sa.String(16), nullable=False),
    sa.Column("account", sa.String(120), nullable=False, comment="ours, '' where nobody said"),
    sa.Column("key", sa.String(120), nullable=False, comment="id on the platform, else the name"),
    sa.Column("name", sa.String(120), nullable=False),
    sa.Column("platform_id", sa.String(120), nullable=False, comment="'' where none is known"),
    sa.Column("is_group", sa.Boolean, nullable=False),
    sa.Column("party_id", sa.Integer, sa.ForeignKey("crm_party.id"), comment="null: not linked yet"),
    sa.Column("how", sa.String(8), nullable=False, comment="id, name, phone, chosen, new, or '' and none"),
    sa.Column("linked_by", sa.String(80), nullable=False),
    sa.Column("last_at", sa.Float, nullable=False),
    sa.Index("crm_chat_peer_party", "party_id"),
    sa.Index("crm_chat_peer_last", "last_at"),
)
"A conversation on a platform, and whose it is."

chat_held = sa.Table(
    "crm_chat_held",
    metadata,
    sa.Column("peer_id", sa.String(24), sa.ForeignKey("crm_chat_peer.id"), primary_key=True),
    sa.Column("at", sa.Float, primary_key=True),
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("direction", sa.String(3), nullable=False),
    sa.Column("sender", sa.String(120), nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sqlite_with_rowid=False,
)
"A message of a conversation that is not linked: it moves to crm_chat when it is."
