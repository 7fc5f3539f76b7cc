"""Tables that tie the customers of another CRM to ours. Made by the revisions in `index_migrations/`."""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData()

ref = sa.Table(
    "crmx_ref",
    metadata,
    sa.Column("source", sa.String(40), primary_key=True),
    sa.Column("entity", sa.String(40), primary_key=True),
    sa.Column("external_id", sa.String(120), primary_key=True),
    sa.Column("party_id", sa.Integer, nullable=False),
    sa.Column("hash", sa.String(32), nullable=False),
    sa.Column("doc", sa.Text, nullable=False),
    sa.Column("company", sa.String(120)),
    sa.Column("pass_no", sa.Integer, nullable=False),
    sa.Column("gone", sa.Boolean, nullable=False),
    sa.Index("crmx_ref_party", "party_id"),
    sa.Index("crmx_ref_company", "source", "company"),
)
"A row of the other CRM: its party here, what it said last (`doc`, and its `hash`), the comparison that saw it last."

sync = sa.Table(
    "crmx_sync",
    metadata,
    sa.Column("source", sa.String(40), primary_key=True),
    sa.Column("entity", sa.String(40), primary_key=True),
    sa.Column("pass_no", sa.Integer, nullable=False),
    sa.Column("mark", sa.String(120)),
    sa.Column("full_at", sa.Float),
    sa.Column("read_at", sa.Float),
)
"How far an entity was read: `mark` is the newest change mark, `full_at` when all was compared last."

overlay = sa.Table(
    "crmx_overlay",
    metadata,
    sa.Column("party_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("key", sa.String(40), primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
    sa.Column("base", sa.Text, nullable=False),
    sa.Column("by", sa.String(80), nullable=False),
    sa.Column("at", sa.Float, nullable=False),
)
"A value typed here over one of the other CRM: it holds until that CRM's own value is no longer `base`."
