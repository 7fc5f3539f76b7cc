"""Customers, their numbers and their history."""

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
        "crm_category",
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("label", sa.String(length=80), nullable=False),
        sa.Column("label_en", sa.String(length=80), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_table(
        "crm_field",
        sa.Column("category", sa.String(length=40), nullable=False, comment="'*': of every category"),
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("scope", sa.String(length=8), nullable=False, comment="company or person: whose attrs hold it"),
        sa.Column("label", sa.String(length=80), nullable=False),
        sa.Column("label_en", sa.String(length=80), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("required", sa.Boolean(), nullable=False),
        sa.Column("show_in_pop", sa.Boolean(), nullable=False),
        sa.Column("pii", sa.Boolean(), nullable=False),
        sa.Column("options", sa.JSON(), nullable=False, comment="[[value, label, label_en], ...]"),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("category", "key"),
    )
    op.create_table(
        "crm_party",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("company_id", sa.Integer(), nullable=True),
        sa.Column("role", sa.String(length=80), nullable=True),
        sa.Column("category", sa.String(length=40), nullable=False),
        sa.Column("tier", sa.String(length=16), nullable=True),
        sa.Column("owner", sa.String(length=80), nullable=True),
        sa.Column("owner_name", sa.String(length=80), nullable=True),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("attrs", sa.JSON(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("last_contact", sa.Float(), nullable=True),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("created_by", sa.String(length=80), nullable=False),
        sa.Column("updated_at", sa.Float(), nullable=False),
        sa.Column("updated_by", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(
            ["company_id"],
            ["crm_party.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("crm_party_company", "crm_party", ["company_id"], unique=False)
    op.create_index("crm_party_name", "crm_party", ["name"], unique=False)
    op.create_table(
        "crm_quote_line",
        sa.Column("quote_id", sa.String(length=40), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("container", sa.String(length=16), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("freight", sa.Float(), nullable=False),
        sa.Column("all_in", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("quote_id", "position"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "crm_business",
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("pol", sa.String(length=80), nullable=False),
        sa.Column("pod", sa.String(length=80), nullable=False),
        sa.Column("origin", sa.String(length=120), nullable=False),
        sa.Column("destination", sa.String(length=120), nullable=False),
        sa.Column("container", sa.String(length=120), nullable=False),
        sa.Column("floor_price", sa.Float(), nullable=True),
        sa.Column("price", sa.Float(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("supplier", sa.String(length=120), nullable=False),
        sa.Column("price_date", sa.Float(), nullable=True),
        sa.Column("cargo", sa.String(length=200), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("transit_days", sa.Integer(), nullable=True),
        sa.Column("schedule", sa.String(length=80), nullable=False),
        sa.Column("closed", sa.String(length=8), nullable=False),
        sa.Column("status", sa.String(length=80), nullable=False),
        sa.Column("bl_no", sa.String(length=40), nullable=False),
        sa.Column("vessel", sa.String(length=80), nullable=False),
        sa.Column("etd", sa.Float(), nullable=True),
        sa.Column("eta", sa.Float(), nullable=True),
        sa.Column("eta_planned", sa.Float(), nullable=True),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["crm_party.id"],
        ),
        sa.PrimaryKeyConstraint("account_id", "at", "id"),
        sqlite_with_rowid=False,
    )
    op.create_index("crm_business_lane", "crm_business", ["pol", "pod", "closed", "at"], unique=False)
    op.create_table(
        "crm_chat",
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("direction", sa.String(length=3), nullable=False),
        sa.Column("sender", sa.String(length=120), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["crm_party.id"],
        ),
        sa.PrimaryKeyConstraint("account_id", "at", "id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "crm_contact_point",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("party_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("value", sa.String(length=200), nullable=False),
        sa.Column("label", sa.String(length=40), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["party_id"],
            ["crm_party.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("crm_contact_point_party", "crm_contact_point", ["party_id"], unique=False)
    op.create_index("crm_contact_point_value", "crm_contact_point", ["kind", "value"], unique=False)
    op.create_table(
        "crm_learned",
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("party_id", sa.Integer(), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["party_id"],
            ["crm_party.id"],
        ),
        sa.PrimaryKeyConstraint("key", "party_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "crm_note",
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("party_id", sa.Integer(), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("call_id", sa.String(length=120), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["crm_party.id"],
        ),
        sa.ForeignKeyConstraint(
            ["party_id"],
            ["crm_party.id"],
        ),
        sa.PrimaryKeyConstraint("account_id", "at", "id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "crm_phone",
        sa.Column("key", sa.String(length=40), nullable=False, comment="as crm_bridge.numbers gives it"),
        sa.Column("party_id", sa.Integer(), nullable=False),
        sa.Column("ext", sa.String(length=8), nullable=False, comment="'' for none"),
        sa.Column("level", sa.String(length=8), nullable=False, comment="exact, derived or text"),
        sa.Column("label", sa.String(length=40), nullable=False),
        sa.Column("seen_at", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(
            ["party_id"],
            ["crm_party.id"],
        ),
        sa.PrimaryKeyConstraint("key", "party_id", "ext", "level"),
        sqlite_with_rowid=False,
    )
    op.create_index("crm_phone_party", "crm_phone", ["party_id"], unique=False)
    op.create_table(
        "crm_quote",
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column("pol", sa.String(length=80), nullable=False),
        sa.Column("pod", sa.String(length=80), nullable=False),
        sa.Column("carrier", sa.String(length=80), nullable=False),
        sa.Column("transit_days", sa.Integer(), nullable=True),
        sa.Column("schedule", sa.String(length=80), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("valid_until", sa.Float(), nullable=True),
        sa.Column("status", sa.String(length=8), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["crm_party.id"],
        ),
        sa.PrimaryKeyConstraint("account_id", "at", "id"),
        sqlite_with_rowid=False,
    )
