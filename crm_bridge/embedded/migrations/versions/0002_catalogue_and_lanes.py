"""Categories and fields that staff change, with their history; lanes by port; charges of a quote."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from crm_bridge.freight.ports import lane_key

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_LOT = 10_000


def upgrade() -> None:
    """Add columns and tables; give old business its ports' codes."""
    op.add_column("crm_category", sa.Column("retired", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("crm_field", sa.Column("retired", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        "crm_catalogue_change",
        sa.Column("version", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("action", sa.String(length=16), nullable=False),
        sa.Column("category", sa.String(length=40), nullable=False),
        sa.Column("field", sa.String(length=40), nullable=False, comment="'' for the category itself"),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("after", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("version"),
    )
    op.create_table(
        "crm_quote_charge",
        sa.Column("quote_id", sa.String(length=40), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False, comment="'' for the usual one"),
        sa.Column("part", sa.String(length=16), nullable=False),
        sa.Column("basis", sa.String(length=16), nullable=False),
        sa.Column("container", sa.String(length=16), nullable=False, comment="'' for every type"),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("price", sa.String(length=24), nullable=False, comment="a decimal, as typed"),
        sa.Column("minimum", sa.String(length=24), nullable=False, comment="'' for none"),
        sa.PrimaryKeyConstraint("quote_id", "position"),
        sqlite_with_rowid=False,
    )
    op.drop_index("crm_business_lane", table_name="crm_business")
    for name in ("pol_key", "pod_key"):
        op.add_column("crm_business", sa.Column(name, sa.String(length=40), nullable=False, server_default=""))
    _fill_keys()
    op.create_index("crm_business_lane", "crm_business", ["pol_key", "pod_key", "closed", "at"])


def _fill_keys() -> None:
    """In one pass a column, by way of a table of the texts that occur: a site may hold millions of rows."""
    connection = op.get_bind()
    business = sa.table("crm_business", *(sa.column(name) for name in ("pol", "pod", "pol_key", "pod_key")))
    key = sa.Table(
        "crm_lane_key",
        sa.MetaData(),
        sa.Column("text", sa.String(80), primary_key=True),
        sa.Column("key", sa.String(40), nullable=False),
    )
    texts = connection.execute(sa.union(sa.select(business.c.pol), sa.select(business.c.pod))).scalars().all()
    key.create(connection)
    for start in range(0, len(texts), _LOT):
        rows = [{"text": text, "key": lane_key(text)} for text in texts[start : start + _LOT]]
        connection.execute(sa.insert(key), rows)
    for name, column in (("pol", "pol_key"), ("pod", "pod_key")):
        found = sa.select(key.c.key).where(key.c.text == business.c[name]).scalar_subquery()
        connection.execute(sa.update(business).values({column: found}))
    key.drop(connection)
