"""Tables of what supervisors and overflow rules did to the PBX."""

from __future__ import annotations

import sqlalchemy as sa

from cti.store.tables import metadata

action = sa.Table(
    "control_action",
    metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("by", sa.String(80), nullable=False, comment="login, '' for a rule"),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("interface", sa.String(120), nullable=False, comment="phone of the agent concerned, '' for none"),
    sa.Column("state", sa.String(12), nullable=False),
    sa.Column("rule", sa.String(40), nullable=False),
    sa.Column("view", sa.Text, nullable=False, comment="JSON, as the pages get it"),
    sa.Index("control_action_at", "at"),
    sa.Index("control_action_interface", "interface", "at"),
)

rule = sa.Table(
    "control_rule",
    metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("rule", sa.Text, nullable=False, comment="JSON: the rule as written, its mode and version"),
    sa.Column("standing", sa.Text, nullable=False, comment="JSON: what it has done and not yet taken back"),
    sa.Column("changed_at", sa.Float, nullable=False),
)

note = sa.Table(
    "control_rule_note",
    metadata,
    sa.Column("rule", sa.String(40), primary_key=True),
    sa.Column("at", sa.Float, primary_key=True),
    sa.Column("n", sa.Integer, primary_key=True, autoincrement=False, comment="of the same moment"),
    sa.Column("note", sa.Text, nullable=False, comment="JSON, as the pages get it"),
)
