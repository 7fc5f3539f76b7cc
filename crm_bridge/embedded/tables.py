"""Tables of the embedded CRM. Alembic revisions in `migrations/` make them; a test holds the two equal.

History (business, chats, quotes) is kept per account, that is the company, or the person who has none, and clustered
by account and time: one customer's record is then a few neighbouring pages.
"""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData()

category = sa.Table(
    "crm_category",
    metadata,
    sa.Column("key", sa.String(40), primary_key=True),
    sa.Column("label", sa.String(80), nullable=False),
    sa.Column("label_en", sa.String(80), nullable=False),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("retired", sa.Boolean, nullable=False, server_default=sa.false()),
)

field = sa.Table(
    "crm_field",
    metadata,
    sa.Column("category", sa.String(40), primary_key=True, comment="'*': of every category"),
    sa.Column("key", sa.String(40), primary_key=True),
    sa.Column("scope", sa.String(8), nullable=False, comment="company or person: whose attrs hold it"),
    sa.Column("label", sa.String(80), nullable=False),
    sa.Column("label_en", sa.String(80), nullable=False),
    sa.Column("kind", sa.String(8), nullable=False),
    sa.Column("required", sa.Boolean, nullable=False),
    sa.Column("show_in_pop", sa.Boolean, nullable=False),
    sa.Column("pii", sa.Boolean, nullable=False),
    sa.Column("options", sa.JSON, nullable=False, comment="[[value, label, label_en], ...]"),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("retired", sa.Boolean, nullable=False, server_default=sa.false()),
)

catalogue_change = sa.Table(
    "crm_catalogue_change",
    metadata,
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("by", sa.String(80), nullable=False),
    sa.Column("action", sa.String(16), nullable=False),
    sa.Column("category", sa.String(40), nullable=False),
    sa.Column("field", sa.String(40), nullable=False, comment="'' for the category itself"),
    sa.Column("before", sa.JSON, nullable=False),
    sa.Column("after", sa.JSON, nullable=False),
)

party = sa.Table(
    "crm_party",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("kind", sa.String(8), nullable=False),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("company_id", sa.Integer, sa.ForeignKey("crm_party.id")),
    sa.Column("role", sa.String(80)),
    sa.Column("category", sa.String(40), nullable=False),
    sa.Column("tier", sa.String(16)),
    sa.Column("owner", sa.String(80)),
    sa.Column("owner_name", sa.String(80)),
    sa.Column("tags", sa.JSON, nullable=False),
    sa.Column("attrs", sa.JSON, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("last_contact", sa.Float),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("created_by", sa.String(80), nullable=False),
    sa.Column("updated_at", sa.Float, nullable=False),
    sa.Column("updated_by", sa.String(80), nullable=False),
    sa.Index("crm_party_company", "company_id"),
    sa.Index("crm_party_name", "name"),
)

contact_point = sa.Table(
    "crm_contact_point",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("party_id", sa.Integer, sa.ForeignKey("crm_party.id"), nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("value", sa.String(200), nullable=False),
    sa.Column("label", sa.String(40), nullable=False),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Index("crm_contact_point_party", "party_id"),
    sa.Index("crm_contact_point_value", "kind", "value"),
)

phone = sa.Table(
    "crm_phone",
    metadata,
    sa.Column("key", sa.String(40), primary_key=True, comment="as crm_bridge.numbers gives it"),
    sa.Column("party_id", sa.Integer, sa.ForeignKey("crm_party.id"), primary_key=True),
    sa.Column("ext", sa.String(8), primary_key=True, comment="'' for none"),
    sa.Column("level", sa.String(8), primary_key=True, comment="exact, derived or text"),
    sa.Column("label", sa.String(40), nullable=False),
    sa.Column("seen_at", sa.Float),
    sa.Index("crm_phone_party", "party_id"),
    sqlite_with_rowid=False,
)

learned = sa.Table(
    "crm_learned",
    metadata,
    sa.Column("key", sa.String(40), primary_key=True),
    sa.Column("party_id", sa.Integer, sa.ForeignKey("crm_party.id"), primary_key=True),
    sa.Column("by", sa.String(80), nullable=False),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("times", sa.Integer, nullable=False),
    sqlite_with_rowid=False,
)

business = sa.Table(
    "crm_business",
    metadata,
    sa.Column("account_id", sa.Integer, sa.ForeignKey("crm_party.id"), primary_key=True),
    sa.Column("at", sa.Float, primary_key=True),
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("pol", sa.String(80), nullable=False),
    sa.Column("pod", sa.String(80), nullable=False),
    sa.Column("origin", sa.String(120), nullable=False),
    sa.Column("destination", sa.String(120), nullable=False),
    sa.Column("container", sa.String(120), nullable=False),
    sa.Column("floor_price", sa.Float),
    sa.Column("price", sa.Float),
    sa.Column("currency", sa.String(3), nullable=False),
    sa.Column("supplier", sa.String(120), nullable=False),
    sa.Column("price_date", sa.Float),
    sa.Column("cargo", sa.String(200), nullable=False),
    sa.Column("details", sa.Text, nullable=False),
    sa.Column("transit_days", sa.Integer),
    sa.Column("schedule", sa.String(80), nullable=False),
    sa.Column("closed", sa.String(8), nullable=False),
    sa.Column("status", sa.String(80), nullable=False),
    sa.Column("bl_no", sa.String(40), nullable=False),
    sa.Column("vessel", sa.String(80), nullable=False),
    sa.Column("etd", sa.Float),
    sa.Column("eta", sa.Float),
    sa.Column("eta_planned", sa.Float),
    sa.Column("by", sa.String(80), nullable=False),
    # Not null, but a row written without them is only outside the lane prices.
    sa.Column("pol_key", sa.String(40), nullable=False, server_default=""),
    sa.Column("pod_key", sa.String(40), nullable=False, server_default=""),
    sa.Index("crm_business_lane", "pol_key", "pod_key", "closed", "at"),
    sqlite_with_rowid=False,
)

chat = sa.Table(
    "crm_chat",
    metadata,
    sa.Column("account_id", sa.Integer, sa.ForeignKey("crm_party.id"), primary_key=True),
    sa.Column("at", sa.Float, primary_key=True),
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("channel", sa.String(16), nullable=False),
    sa.Column("direction", sa.String(3), nullable=False),
    sa.Column("sender", sa.String(120), nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sqlite_with_rowid=False,
)

quote = sa.Table(
    "crm_quote",
    metadata,
    sa.Column("account_id", sa.Integer, sa.ForeignKey("crm_party.id"), primary_key=True),
    sa.Column("at", sa.Float, primary_key=True),
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("number", sa.String(40), nullable=False),
    sa.Column("pol", sa.String(80), nullable=False),
    sa.Column("pod", sa.String(80), nullable=False),
    sa.Column("carrier", sa.String(80), nullable=False),
    sa.Column("transit_days", sa.Integer),
    sa.Column("schedule", sa.String(80), nullable=False),
    sa.Column("currency", sa.String(3), nullable=False),
    sa.Column("valid_until", sa.Float),
    sa.Column("status", sa.String(8), nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("by", sa.String(80), nullable=False),
    sqlite_with_rowid=False,
)

quote_line = sa.Table(
    "crm_quote_line",
    metadata,
    sa.Column("quote_id", sa.String(40), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("container", sa.String(16), nullable=False),
    sa.Column("count", sa.Integer, nullable=False),
    sa.Column("freight", sa.Float, nullable=False),
    sa.Column("all_in", sa.Float),
    sqlite_with_rowid=False,
)

quote_charge = sa.Table(
    "crm_quote_charge",
    metadata,
    sa.Column("quote_id", sa.String(40), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("code", sa.String(16), nullable=False),
    sa.Column("name", sa.String(80), nullable=False, comment="'' for the usual one"),
    sa.Column("part", sa.String(16), nullable=False),
    sa.Column("basis", sa.String(16), nullable=False),
    sa.Column("container", sa.String(16), nullable=False, comment="'' for every type"),
    sa.Column("currency", sa.String(3), nullable=False),
    sa.Column("price", sa.String(24), nullable=False, comment="a decimal, as typed"),
    sa.Column("minimum", sa.String(24), nullable=False, comment="'' for none"),
    sqlite_with_rowid=False,
)

note = sa.Table(
    "crm_note",
    metadata,
    sa.Column("account_id", sa.Integer, sa.ForeignKey("crm_party.id"), primary_key=True),
    sa.Column("at", sa.Float, primary_key=True),
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("party_id", sa.Integer, sa.ForeignKey("crm_party.id"), nullable=False),
    sa.Column("by", sa.String(80), nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("call_id", sa.String(120)),
    sqlite_with_rowid=False,
)
