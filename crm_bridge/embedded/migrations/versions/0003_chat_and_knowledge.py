"""Conversations and their held messages; the knowledge base."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "crm_chat_peer",
        sa.Column("id", sa.String(length=24), nullable=False, comment="made of channel, account and key"),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("account", sa.String(length=120), nullable=False, comment="ours, '' where nobody said"),
        sa.Column("key", sa.String(length=120), nullable=False, comment="id on the platform, else the name"),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("platform_id", sa.String(length=120), nullable=False, comment="'' where none is known"),
        sa.Column("is_group", sa.Boolean(), nullable=False),
        sa.Column("party_id", sa.Integer(), nullable=True, comment="null: not linked yet"),
        sa.Column("how", sa.String(length=8), nullable=False, comment="id, name, phone, chosen, new, or '' and none"),
        sa.Column("linked_by", sa.String(length=80), nullable=False),
        sa.Column("last_at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["party_id"], ["crm_party.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("crm_chat_peer_party", "crm_chat_peer", ["party_id"], unique=False)
    op.create_index("crm_chat_peer_last", "crm_chat_peer", ["last_at"], unique=False)
    op.create_table(
        "crm_chat_held",
        sa.Column("peer_id", sa.String(length=24), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("direction", sa.String(length=3), nullable=False),
        sa.Column("sender", sa.String(length=120), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["peer_id"], ["crm_chat_peer.id"]),
        sa.PrimaryKeyConstraint("peer_id", "at", "id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "crm_article",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("category", sa.String(length=16), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False, comment="article or phrase"),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=8), nullable=False, comment="live or retired"),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("created_by", sa.String(length=80), nullable=False),
        sa.Column("updated_at", sa.Float(), nullable=False),
        sa.Column("updated_by", sa.String(length=80), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("crm_article_list", "crm_article", ["status", "category", "updated_at"], unique=False)
    op.create_table(
        "crm_article_version",
        sa.Column("article_id", sa.String(length=32), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("category", sa.String(length=16), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("status", sa.String(length=8), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(["article_id"], ["crm_article.id"]),
        sa.PrimaryKeyConstraint("article_id", "version"),
    )
    op.create_table(
        "crm_article_gram",
        sa.Column("gram", sa.String(length=2), nullable=False, comment="one or two neighbouring characters"),
        sa.Column("article_id", sa.String(length=32), nullable=False),
        sa.Column("weight", sa.SmallInteger(), nullable=False, comment="3: in the title, 2: in a tag, 1: in the body"),
        sa.ForeignKeyConstraint(["article_id"], ["crm_article.id"]),
        sa.PrimaryKeyConstraint("gram", "article_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("crm_article_gram_article", "crm_article_gram", ["article_id"], unique=False)
