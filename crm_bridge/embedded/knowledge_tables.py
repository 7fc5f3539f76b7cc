"""Tables of the knowledge base: articles and phrases, their versions, and the index of their characters."""

from __future__ import annotations

import sqlalchemy as sa

from crm_bridge.embedded.tables import metadata

article = sa.Table(
    "crm_article",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("category", sa.String(16), nullable=False),
    sa.Column("kind", sa.String(8), nullable=False, comment="article or phrase"),
    sa.Column("title", sa.String(200), nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("tags", sa.JSON, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("status", sa.String(8), nullable=False, comment="live or retired"),
    sa.Column("used", sa.Integer, nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("created_by", sa.String(80), nullable=False),
    sa.Column("updated_at", sa.Float, nullable=False),
    sa.Column("updated_by", sa.String(80), nullable=False),
    sa.Index("crm_article_list", "status", "category", "updated_at"),
)
"An article or a phrase as it stands."

article_version = sa.Table(
    "crm_article_version",
    metadata,
    sa.Column("article_id", sa.String(32), sa.ForeignKey("crm_article.id"), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("category", sa.String(16), nullable=False),
    sa.Column("kind", sa.String(8), nullable=False),
    sa.Column("title", sa.String(200), nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("tags", sa.JSON, nullable=False),
    sa.Column("status", sa.String(8), nullable=False),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("by", sa.String(80), nullable=False),
)
"Each state an article had, the present one among them."

article_gram = sa.Table(
    "crm_article_gram",
    metadata,
    sa.Column("gram", sa.String(2), primary_key=True, comment="one or two neighbouring characters"),
    sa.Column("article_id", sa.String(32), sa.ForeignKey("crm_article.id"), primary_key=True),
    sa.Column("weight", sa.SmallInteger, nullable=False, comment="3: in the title, 2: in a tag, 1: in the body"),
    sa.Index("crm_article_gram_article", "article_id"),
    sqlite_with_rowid=False,
)
"Where characters stand: an index that needs no words, so it finds Chinese, on any database."
