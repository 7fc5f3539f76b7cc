"""The whole record of a caller among many customers, against the same rows read bare, in turns in one process.

`make bench` fills 100,000 customers with 1.8 million rows of history; `python -m benchmarks.crm 1000000` the full
million with 18 million, on SQLite and on a PostgreSQL of its own (about ten minutes and 12 GB of disk meanwhile).

The floor on SQLite is the standard library's sqlite3 with its statements prepared, giving tuples that nobody looks at;
on PostgreSQL one prepared statement with json_agg, whose text nobody looks at. Ours gives candidates, ranked with
their reasons, and the whole record as structs. What a lane's trend reads is no part of either: it is hundreds of other
customers' deals, and is kept for a minute; how long the first of a minute takes stands apart.
"""

from __future__ import annotations

import gc
import os
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import psycopg
import sqlalchemy as sa

from benchmarks.table import Figure, show
from crm_bridge.embedded import EmbeddedCrm
from crm_bridge.model import BusinessRecord
from tests.debian import Unavailable
from tests.servers.postgresql import Postgresql

CUSTOMERS: Final = 100_000
ASKED: Final = 400
ROUNDS: Final = 5
NOW: Final = 1_780_000_000
READ: Final = 40_000
"Records read to see whether memory grows; the first half fills what is kept of numbers (16,384) and pages."

# Every third party is a company, the next one works there, the one after that is a customer by himself. `account` is
# the company of a party, or itself.
_FILL: Final = (
    """INSERT INTO crm_party (id, kind, name, company_id, role, category, tier, owner, owner_name, tags, attrs,
        version, created_at, created_by, updated_at, updated_by, last_contact)
        SELECT n, CASE n % 3 WHEN 0 THEN 'company' ELSE 'person' END, '客户' || n,
            CASE WHEN account <> n THEN account END, '采购', 'sea', 'A', 'lin', '林悦', '["大客户"]',
            '{{"cargo": "轴承", "terms": "月结 30 天", "preference": "周五的船"}}', 1, 0, '', 0, '',
            1779000000 + n % 9999
        FROM series ORDER BY n % 3, n""",
    "INSERT INTO crm_phone (key, party_id, ext, level, label) SELECT {mobile}, n, '', 'exact', '手机' FROM series",
    """INSERT INTO crm_phone (key, party_id, ext, level, label)
        SELECT {office}, n, '', 'exact', '办公' FROM series WHERE n % 10 < 3""",
    """INSERT INTO crm_contact_point (party_id, kind, value, label, position)
        SELECT n, 'phone', {mobile}, '手机', 0 FROM series""",
    """INSERT INTO crm_business (account_id, at, id, pol, pod, origin, destination, container, price, currency,
        supplier, cargo, details, schedule, closed, status, bl_no, vessel, "by", pol_key, pod_key)
        SELECT account, 1779900000.25 - (n % 1095 * 7919 + k * 37) % 1095 * 86400.0, 'b' || n || '-' || k,
            '港' || (n % 20), '港' || (20 + n / 20 % 20), '余姚', '慕尼黑', '40HQ×1', 3000 + n % 700, 'USD', '中远',
            '轴承', '周五前要订舱，客户要求直航', '周日开', CASE WHEN (n + k) % 4 = 0 THEN 'won' ELSE 'lost' END,
            '价格高', 'BL' || n, 'COSCO', 'lin', '港' || (n % 20), '港' || (20 + n / 20 % 20)
        FROM series, few WHERE k < 6""",
    """INSERT INTO crm_chat (account_id, at, id, channel, direction, sender, kind, text)
        SELECT account, 1779000000.5 - n % 1000 * 3600 - k * 600, 'c' || n || '-' || k, 'qq',
            CASE k % 2 WHEN 0 THEN 'in' ELSE 'out' END, '周敏', 'text', '请报一个汉堡 40HQ 的价格，谢谢'
        FROM series, few WHERE k < 5""",
    """INSERT INTO crm_quote (account_id, at, id, number, pol, pod, carrier, schedule, currency, valid_until, status,
        note, "by")
        SELECT account, 1779000000.125 - n % 1000 * 3600 - k * 86400, 'q' || n || '-' || k, 'Q' || n,
            '港' || (n % 20), '港' || (20 + n / 20 % 20), 'COSCO', '周日开', 'USD', 1780600000, 'sent', '', 'lin'
        FROM series, few WHERE k < 2""",
    """INSERT INTO crm_quote_line (quote_id, position, container, count, freight)
        SELECT 'q' || n || '-' || (k / 2), k % 2, CASE k % 2 WHEN 0 THEN '40HQ' ELSE '20GP' END, 1, 3700
        FROM series, few WHERE k < 3""",
    """INSERT INTO crm_note (account_id, at, id, party_id, "by", text)
        SELECT account, 1779000000 - n % 1000 * 3600 - k * 86400, 'n' || n || '-' || k, n, 'lin', '要周五的船'
        FROM series, few WHERE k < 2""",
)
_HISTORY: Final = 4
"From this statement on they are rows of history: 18 a customer."
_SERIES: Final = "SELECT n, CASE WHEN n % 3 = 1 AND n + 2 <= {customers} THEN n + 2 ELSE n END AS account FROM "

_PARTY = """p.id, p.kind, p.name, p.company_id, c.name AS company, p.role, p.category, p.tier, p.owner, p.owner_name,
    p.tags, c.tags AS company_tags, p.version, p.last_contact, p.attrs, c.attrs AS company_attrs"""
_FOUND = f"""SELECT {_PARTY}, h.ext, h.level, h.label FROM crm_phone h JOIN crm_party p ON p.id = h.party_id
    LEFT JOIN crm_party c ON c.id = p.company_id WHERE h.key = """
_BUSINESS = ", ".join('"by"' if name == "by" else name for name in BusinessRecord.__struct_fields__)
_DEALS = "closed = 'won' AND price > 0 AND at > 1772742400.0 AND at <= 1780000000.0"
_POINTS = "SELECT kind, value, label FROM crm_contact_point WHERE party_id IN "
_SECTIONS: Final = (
    "SELECT name, role FROM crm_party WHERE company_id = {account} LIMIT 8",
    'SELECT id, at, "by", text FROM crm_note WHERE account_id = {account} ORDER BY at DESC LIMIT 20',
    f"SELECT {_BUSINESS} FROM crm_business WHERE account_id = {{account}} ORDER BY at DESC LIMIT 20",
    """SELECT id, at, channel, direction, sender, kind, text FROM crm_chat WHERE account_id = {account}
        ORDER BY at DESC LIMIT 20""",
    "SELECT * FROM crm_quote WHERE account_id = {account} ORDER BY at DESC LIMIT 20",
    "SELECT l.* FROM crm_quote q JOIN crm_quote_line l ON l.quote_id = q.id WHERE q.account_id = {account}",
)


class _SqliteFloor:
    """The same rows by prepared statements."""

    def __init__(self, path: Path) -> None:
        self._run = sqlite3.connect(path, isolation_level=None, cached_statements=200).execute
        self._run("PRAGMA cache_size = -16000")
        self._sections = [section.format(account="?") for section in _SECTIONS]

    def candidates(self, n: int) -> Any:
        return self._run(_FOUND + "?", (f"+86138{n:08d}",)).fetchall()

    def record(self, n: int) -> Any:
        run = self._run
        run("BEGIN")
        row = self.candidates(n)[0]
        run("SELECT * FROM crm_learned WHERE key = ?", (f"+86138{n:08d}",)).fetchall()
        account = row[3] or row[0]
        run(_POINTS + "(?, ?) LIMIT 50", (row[0], account)).fetchall()
        found = [run(section, (account,)).fetchall() for section in self._sections]
        run(
            f"SELECT container, at, price FROM crm_business WHERE account_id = ? AND pol_key = ? AND pod_key = ?"
            f" AND {_DEALS} ORDER BY at DESC",
            (account, *found[4][0][4:6]),
        ).fetchall()
        run("COMMIT")
        return found


class _ServerFloor:
    """The same rows by one prepared statement, as JSON text."""

    def __init__(self, url: str) -> None:
        self.connection = psycopg.connect(_plain(url), autocommit=True, cursor_factory=psycopg.RawCursor)
        account = "(SELECT account FROM me)"
        parts = [
            f"{_POINTS} (SELECT id FROM me UNION ALL SELECT account FROM me) LIMIT 50",
            *(section.format(account=account) for section in _SECTIONS),
            *(f"SELECT count(*) FROM crm_{t} WHERE account_id = {account}" for t in ("business", "chat", "quote")),
            f"""SELECT pol_key, pod_key, container, max(at) FROM crm_business WHERE account_id = {account} AND {_DEALS}
                GROUP BY pol_key, pod_key, container""",
            "SELECT * FROM crm_learned WHERE key = $1",
        ]
        told = ", ".join(f"(SELECT json_agg(r) FROM ({part}) r)" for part in parts)
        self._sql = f"""WITH found AS ({_FOUND}$1),
            me AS (SELECT id, coalesce(company_id, id) AS account FROM found LIMIT 1)
            SELECT json_build_array((SELECT json_agg(found) FROM found), {told})::text"""

    def candidates(self, n: int) -> Any:
        return self.connection.execute(f"{_FOUND}$1", (f"+86138{n:08d}",), prepare=True).fetchall()

    def record(self, n: int) -> Any:
        return self.connection.execute(self._sql, (f"+86138{n:08d}",), prepare=True).fetchall()


def lookups(customers: int = CUSTOMERS) -> list[Figure]:
    """Number to candidates and number to record, ours and the floor, on both databases."""
    with _sqlite(customers) as (crm, floor, rows, filled):
        told = _measured("SQLite", crm, floor, customers, goals=(100.0, 1.6))
    told[:0] = [Figure("rows in the file", rows), Figure("seconds to fill it", filled, "s")]
    try:
        with _postgresql(customers) as (crm, server_floor, rows, filled):
            told += [Figure("PostgreSQL: rows", rows), Figure("PostgreSQL: seconds to fill it", filled, "s")]
            told += _measured("PostgreSQL", crm, server_floor, customers, goals=(None, 1.5))
    except Unavailable as missing:
        print(f"  no PostgreSQL here: {missing}")
    return told


def _measured(
    name: str, crm: EmbeddedCrm, floor: Any, customers: int, goals: tuple[float | None, float]
) -> list[Figure]:
    gc.collect()
    gc.freeze()  # as `cti run` does
    rng = random.Random(13)
    asked = [rng.randrange(1, customers) for _ in range(ASKED)]

    def record(n: int) -> object:
        found, told = crm.record_of(f"0138{n:08d}")
        if told is None or found[0].party.id != str(n):
            raise RuntimeError("another's record proves nothing")
        return told

    def first_of_its_lane(n: int) -> object:
        crm._trends.forget()
        return record(n)

    rivals = {"cb": floor.candidates, "c": lambda n: crm.lookup(f"138{n:08d}"), "rb": floor.record, "r": record}
    times = _in_turns(rivals, asked)
    first = _in_turns({"": first_of_its_lane}, asked[:50])[""]
    memory: list[float] = []
    for n in (rng.randrange(1, customers) for _ in range(READ)):
        record(n)
        memory.append(_resident())
    grown = memory[-1] - statistics.median(memory[READ // 2 : READ // 2 + 100])
    p50 = {rival: statistics.median(spans) * 1e6 for rival, spans in times.items()}
    p99 = {rival: sorted(spans)[len(spans) * 99 // 100] * 1e6 for rival, spans in times.items()}
    return [
        Figure(f"{name}: number to candidates, bare", p50["cb"], "us"),
        Figure(f"{name}: number to candidates", p50["c"], "us", goal=goals[0]),
        Figure(f"{name}: record by number, bare", p50["rb"], "us"),
        Figure(f"{name}: record by number", p50["r"], "us"),
        Figure(f"{name}: record by number / bare", p50["r"] / p50["rb"], "x", goal=goals[1], moonshot=1.0),
        Figure(f"{name}: the same at p99", p99["r"] / p99["rb"], "x"),
        Figure(f"{name}: the first record of a lane in a minute", statistics.median(first) * 1e6, "us"),
        Figure(f"{name}: memory grown from the {READ // 2:,}th to the {READ:,}th record", grown, "MB", goal=2.0),
    ]


def _in_turns(rivals: dict[str, Callable[[int], object]], asked: list[int]) -> dict[str, list[float]]:
    """Seconds of each over all questions and rounds, question by question; the first round warms the page cache."""
    taken: dict[str, list[float]] = {name: [] for name in rivals}
    for round_no in range(ROUNDS + 1):
        for n in asked:
            for name, ask in rivals.items():
                began = time.perf_counter()
                ask(n)
                if round_no:
                    taken[name].append(time.perf_counter() - began)
    return taken


def _resident() -> float:
    with open("/proc/self/statm") as told:
        return int(told.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


@contextmanager
def _sqlite(customers: int) -> Iterator[tuple[EmbeddedCrm, _SqliteFloor, int, float]]:
    with tempfile.TemporaryDirectory(prefix="thirteen-bench-") as folder:
        path = Path(folder) / "crm.db"
        EmbeddedCrm(f"sqlite:///{path}").close()
        began = time.monotonic()
        connection = sqlite3.connect(path, isolation_level=None)
        for setting in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -400000"):
            connection.execute(f"PRAGMA {setting}")
        numbers = f"WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {customers})"
        rows = _fill(
            connection.execute,
            f"{numbers} {_SERIES.format(customers=customers)} s",
            mobile="printf('+86138%08d', n)",
            office="printf('+86574%08d', 80000000 + n)",
        )
        connection.execute("ANALYZE")
        connection.close()
        filled = time.monotonic() - began
        crm = EmbeddedCrm(f"sqlite:///{path}", clock=lambda: float(NOW))
        yield crm, _SqliteFloor(path), rows, filled
        crm.close()


@contextmanager
def _postgresql(customers: int) -> Iterator[tuple[EmbeddedCrm, _ServerFloor, int, float]]:
    server = Postgresql.start()
    try:
        url = server.create("crm")
        crm = EmbeddedCrm(url, clock=lambda: float(NOW))
        crm.migrate()
        began = time.monotonic()
        with psycopg.connect(_plain(url)) as connection:
            connection.execute("SET session_replication_role = replica")  # no foreign key is looked up
            connection.execute("SET maintenance_work_mem = '512MB'")
            rows = _fill(
                connection.execute,
                f"{_SERIES.format(customers=customers)} generate_series(1, {customers}) s(n)",
                mobile="'+86138' || lpad(n::text, 8, '0')",
                office="'+86574' || lpad((80000000 + n)::text, 8, '0')",
            )
        floor = _ServerFloor(url)
        floor.connection.execute("VACUUM ANALYZE")
        yield crm, floor, rows, time.monotonic() - began
        crm.close()
    finally:
        server.end()


def _plain(url: str) -> str:
    return sa.make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def _fill(run: Callable[..., Any], series: str, **words: str) -> int:
    """Fill the tables; how many rows of history they have then."""
    run(f"CREATE TEMP TABLE series AS {series}")
    run("CREATE TEMP TABLE few AS SELECT 0 AS k" + "".join(f" UNION ALL SELECT {k}" for k in range(1, 6)))
    run("DROP INDEX crm_business_lane")
    rows = [run(statement.format(**words)).rowcount for statement in _FILL]
    run("CREATE INDEX crm_business_lane ON crm_business (pol_key, pod_key, closed, at)")
    return sum(rows[_HISTORY:])


if __name__ == "__main__":
    many = int(sys.argv[1]) if len(sys.argv) > 1 else CUSTOMERS
    show(f"The record among {many:,} customers (wall clock, median of {ROUNDS} rounds in turns)", lookups(many))
