"""`cti crm check` tells a site what it needs to know about its mapping."""

from __future__ import annotations

from pathlib import Path

import pytest

from crm_bridge.mapped import mapping
from crm_bridge.mapped.check import check, spoiled
from crm_bridge.mapped.connect import Source
from crm_bridge.numbers import Site
from cti import cli
from tests.crm.mapped.conftest import engine
from tests.servers.mariadb import Mariadb
from tests.servers.postgresql import Postgresql

ROOT = Path(__file__).parents[3]

MAPPING = """
[source]
name = "own"
label = "老客户库"
url = "sqlite:///{folder}/own.db"

[[entities]]
name = "customer"
kind = "company"
table = "customer"
title = ["name"]
phones = [{{ column = "tel", label = "办公" }}]
texts = ["remark"]

[[sections]]
kind = "business"
sql = "SELECT id, at, goods AS cargo FROM bill WHERE customer = :company_id ORDER BY at DESC LIMIT :limit"

[[sections]]
kind = "notes"
sql = "SELECT id, at, txt AS text FROM missing WHERE customer = :company_id LIMIT :limit"
"""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A mapping of a small database with all that can be wrong."""
    database = engine(f"sqlite:///{tmp_path}/own.db")
    with database.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE customer (id INTEGER PRIMARY KEY, name TEXT, tel TEXT, remark TEXT)")
        connection.exec_driver_sql("CREATE TABLE bill (id INTEGER PRIMARY KEY, at TEXT, goods TEXT, customer INTEGER)")
        rows = [
            (1, "屿衡", "13812345678/025-84512345转8012", ""),
            (2, "海拓", "138 1234 5678", ""),
            (3, "恒远", "见名片", ""),
            (4, "金帆", "138****5678", ""),
            (5, "佳运", "", "宁波".encode("gbk").decode("latin-1")),
        ]
        for row in rows:
            connection.exec_driver_sql("INSERT INTO customer VALUES (?, ?, ?, ?)", row)
    file = tmp_path / "own.toml"
    file.write_text(MAPPING.format(folder=tmp_path))
    return file


def test_the_report_counts_and_shows(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Rows, share of numbers parsed, cells that could not be, shared numbers, plans, broken queries, wrong charsets."""
    assert cli.main(["crm", "check", str(own)]) == 1
    said = capsys.readouterr().out
    assert "customer: 5 行 / rows" in said
    assert "2 of 4 (50.0 %)" in said
    assert "? 3: 见名片" in said
    assert "? 4: 138****5678" in said
    assert "+8613812345678  × 2" in said
    assert 'try charset = "gbk"' in said
    assert "全量比对" in said
    assert "SCAN bill" in said
    assert "FAIL  notes" in said
    assert "missing" in said


def test_a_wrong_mapping_is_told_as_one(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A mistake in the file ends with code 2 and says where; a database that is away with code 1."""
    own.write_text(own.read_text().replace("title =", "titel ="))
    assert cli.main(["crm", "check", str(own)]) == 2
    assert "titel" in capsys.readouterr().err
    own.write_text(own.read_text().replace("titel =", "title =").replace("own.db", "gone.db"))
    assert cli.main(["crm", "check", str(own)]) == 1
    assert "没有答复" in capsys.readouterr().err
    assert not (own.parent / "gone.db").exists()


REFUSED = [
    ("DELETE FROM bill", "SELECT"),
    ("SELECT 1; DROP TABLE bill", "one statement"),
    ("SELECT * FROM bill WHERE customer = '%s'", None),
    ("SELECT * FROM bill WHERE customer = %s", "formatting"),
    ("SELECT * FROM bill WHERE customer = {party_id}", "formatting"),
    ("SELECT * FROM bill WHERE customer = ?", "formatting"),
    ("SELECT * FROM bill WHERE customer = :customer", ":customer"),
    ("SELECT * FROM bill WHERE at > '12:30' AND customer = :party_id", None),
    ("SELECT id::text FROM bill WHERE customer = :party_id", None),
]


@pytest.mark.parametrize(("sql", "why"), REFUSED)
def test_only_selects_with_named_parameters(sql: str, why: str | None) -> None:
    """Another verb, a second statement, text formatting and unknown parameters are refused; literals are not."""
    if why is None:
        mapping.check_sql(sql, "section", "here")
    else:
        with pytest.raises(mapping.MappingError, match=why):
            mapping.check_sql(sql, "section", "here")


@pytest.mark.parametrize("file", sorted((ROOT / "config/crm").glob("*.toml")), ids=lambda file: file.stem)
def test_the_sample_mappings_are_good(file: Path) -> None:
    """Each file of config/crm reads as it stands, and there is one for every preset."""
    read = mapping.Mapping.load(file)
    assert read.entities
    assert read.preset in ("", file.stem)
    assert {one.stem for one in file.parent.glob("*.toml")} >= set(mapping.presets())


def test_urls_with_passwords_are_never_shown(tmp_path: Path) -> None:
    """Neither the mapping's repr nor its errors hold the URL."""
    tree = {"preset": "odoo", "source": {"url": "postgresql://thirteen:s3cret@db/odoo"}}
    read = mapping.parse(tree, tmp_path)
    assert "s3cret" not in repr(read)
    assert "s3cret" not in repr(read.source)


def test_an_account_that_may_write_is_noticed(mariadb: Mariadb, postgresql: Postgresql, tmp_path: Path) -> None:
    """The owner's account is warned about, the reader's is not; plans are printed on both servers."""
    for server in (mariadb, postgresql):
        database = engine(server.create("rights"))
        with database.begin() as connection:
            connection.exec_driver_sql(
                "CREATE TABLE customer (id integer PRIMARY KEY, name varchar(20), tel varchar(20))"
            )
        for url, may in ((server.url("rights"), True), (server.reader_url("rights"), False)):
            tree = {
                "source": {"name": "r", "url": url},
                "entities": [
                    {
                        "name": "customer",
                        "kind": "person",
                        "table": "customer",
                        "title": ["name"],
                        "phones": [{"column": "tel"}],
                    }
                ],
                "sections": [{"kind": "notes", "sql": "SELECT id, name AS text FROM customer WHERE id = :party_id"}],
            }
            read = mapping.parse(tree, tmp_path)
            source = Source(read.source)
            report = check(read, source, Site())
            source.close()
            assert report.may_write is may
            assert report.good
            assert report.sections[0].plan
            assert report.question_s is not None
        database.dispose()


def test_spoiled_texts_are_told_from_foreign_ones() -> None:
    """Chinese read in the wrong character set is noticed, French and plain texts are not."""
    assert spoiled("宁波".encode().decode("latin-1")) == "utf-8"
    assert spoiled("宁波".encode("gbk").decode("latin-1")) == "gbk"
    for plain in ("宁波", "Ann Lee", "Café François", "Müller & Söhne", ""):
        assert spoiled(plain) == ""
