"""A site that has a CRM of its own: a small database of customers with tables for what is written back to it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa

from crm_bridge.mapped.crm import MappedCrm
from cti.customers import Opening
from cti.settings import CrmSettings, Settings

NUMBER = "13812345678"
"周敏, a customer there."
STRANGER = "13912340001"

TABLES = """
CREATE TABLE firm (id VARCHAR(20) PRIMARY KEY, name VARCHAR(80), grade VARCHAR(10), tel VARCHAR(80), overdue TEXT);
CREATE TABLE person (id {serial}, name VARCHAR(80), firm VARCHAR(20), job VARCHAR(80), tel VARCHAR(80),
    ext VARCHAR(200) UNIQUE);
CREATE TABLE calls (id {serial}, ext VARCHAR(200), person VARCHAR(40), number VARCHAR(80), outcome VARCHAR(20),
    agent VARCHAR(80), note TEXT, revision INTEGER);
CREATE TABLE followup (id {serial}, ext VARCHAR(200), person VARCHAR(40), words TEXT, by_name VARCHAR(80));
CREATE TABLE deal (id {serial}, ext VARCHAR(200), person VARCHAR(40), pol VARCHAR(80), pod VARCHAR(80),
    price DOUBLE PRECISION);
CREATE TABLE changes (id {serial}, ext VARCHAR(200));
INSERT INTO firm VALUES ('f1', '屿衡国际', 'A', '0574-87000013', '¥8,200 · 12 天');
INSERT INTO person (name, firm, job, tel, ext) VALUES ('周敏', 'f1', '采购经理', '138-1234-5678', NULL);
"""

MAPPING = """
[source]
name = "own"
label = "自有客户库"
url = "{url}"

[sync]
every = {every}

[[entities]]
name = "firm"
kind = "company"
table = "firm"
id = "id"
title = ["name"]
tier = {{ column = "grade" }}
fields = {{ overdue = "overdue" }}
phones = [{{ column = "tel", label = "办公" }}]

[[entities]]
name = "person"
kind = "person"
table = "person"
id = "id"
title = ["name"]
company = {{ entity = "firm", column = "firm" }}
columns = {{ role = "job" }}
phones = [{{ column = "tel", label = "手机" }}]

[writeback]
database = "{url}"

[writeback.call]
exists = "SELECT id FROM calls WHERE ext = :key"
sql = '''
INSERT INTO calls (ext, person, number, outcome, agent, note, revision)
VALUES (:key, :party_id, :number, :outcome, :agent, :note, :revision)
'''
update = "UPDATE calls SET person = :party_id, note = :note, revision = :revision WHERE ext = :key"

[writeback.note]
exists = "SELECT id FROM followup WHERE ext = :key"
sql = "INSERT INTO followup (ext, person, words, by_name) VALUES (:key, :party_id, :text, :by)"

[writeback.party]
exists = "SELECT id FROM person WHERE ext = :key"
sql = "INSERT INTO person (name, tel, ext) VALUES (:name, :number, :key)"

[writeback.fields]
exists = "SELECT id FROM changes WHERE ext = :key"
sql = [
    "UPDATE person SET job = :role WHERE id = CAST(:party_id AS INTEGER)",
    "INSERT INTO changes (ext) VALUES (:key)",
]

[writeback.business]
exists = "SELECT id FROM deal WHERE ext = :key"
sql = "INSERT INTO deal (ext, person, pol, pod, price) VALUES (:key, :party_id, :pol, :pod, :price)"
"""


class OwnCrm:
    """Their database, from their side."""

    def __init__(self, url: str, folder: Path, *, every: float = 60.0, mapping: str = MAPPING) -> None:
        self.url = url
        self.engine = sa.create_engine(url, poolclass=sa.NullPool)
        serial = "INTEGER PRIMARY KEY" if url.startswith("sqlite") else "SERIAL PRIMARY KEY"
        with self.engine.begin() as connection:
            for statement in TABLES.format(serial=serial).split(";\n")[:-1]:
                connection.exec_driver_sql(statement)
        self.mapping = folder / "own.toml"
        self.mapping.write_text(mapping.format(url=url, every=every), encoding="utf-8")
        self._local = f"sqlite:///{folder / 'ours.db'}"

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Their rows."""
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(query)]

    def run(self, statement: str) -> None:
        """Change something there."""
        with self.engine.begin() as connection:
            connection.exec_driver_sql(statement)

    def settings(self, **more: Any) -> Callable[[Settings], Settings]:
        """The service's settings with this CRM."""
        crm = CrmSettings(url=self._local, mapping=os.fspath(self.mapping))
        return lambda settings: msgspec.structs.replace(settings, crm=crm, **more)


def has_read(opening: Opening) -> bool:
    """All of theirs was read once: who is asked for before comes without his firm, and is another version with it."""
    if not opening.is_open:
        return False
    crm = opening.crm()
    assert isinstance(crm, MappedCrm)
    return crm.wait_for_rounds(1, 0.0) and bool(crm.lookup(NUMBER))
