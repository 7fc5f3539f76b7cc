"""Look-ups among a million customers with eighteen million rows of history, against the same rows read bare.

The floor is the standard library's sqlite3 with its statements prepared, giving tuples that nobody looks at; ours
gives the whole unified record as structs. Both read the same file in the same process, in turns.
"""

from __future__ import annotations

import random
import resource
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.table import Figure
from crm_bridge.embedded import EmbeddedCrm

CUSTOMERS = 1_000_000
ASKED = 400
ROUNDS = 5
NOW = 1_780_000_000

_FILL = (
    """INSERT INTO crm_party (id, kind, name, category, tags, attrs, version, created_at, created_by, updated_at,
        updated_by, last_contact)
        SELECT n, 'person', '客户' || n, 'sea', '[]', '{"cargo": "轴承"}', 1, 0, '', 0, '', 0 FROM series""",
    """INSERT INTO crm_phone (key, party_id, ext, level, label)
        SELECT printf('+86138%08d', n), n, '', 'exact', '手机' FROM series""",
    """INSERT INTO crm_phone (key, party_id, ext, level, label)
        SELECT printf('+86574%08d', 80000000 + n), n, '', 'exact', '办公' FROM series WHERE n % 10 < 3""",
    """INSERT INTO crm_contact_point (party_id, kind, value, label, position)
        SELECT n, 'phone', printf('138%08d', n), '手机', 0 FROM series""",
    """INSERT INTO crm_business (account_id, at, id, pol, pod, origin, destination, container, price, currency,
        supplier, cargo, details, schedule, closed, status, bl_no, vessel, "by")
        SELECT n, 1700000000 + k * 86400, 'b' || n || '-' || k, '宁波', '汉堡', '', '', '40HQ×1', 3700, 'USD', '',
        '轴承', '', '周日开', 'lost', '', '', '', 'lin' FROM series, few WHERE k < 5""",
    """INSERT INTO crm_chat (account_id, at, id, channel, direction, sender, kind, text)
        SELECT n, 1700000000 + k * 3600, 'c' || n || '-' || k, 'qq', 'in', '周敏', 'text',
        '请报一个汉堡 40HQ 的价格，谢谢' FROM series, few WHERE k < 4""",
    """INSERT INTO crm_quote (account_id, at, id, number, pol, pod, carrier, schedule, currency, status, note, "by")
        SELECT n, 1700000000 + k * 86400, 'q' || n || '-' || k, 'Q' || n, '宁波', '汉堡', 'COSCO', '', 'USD',
        'sent', '', 'lin' FROM series, few WHERE k < 2""",
    """INSERT INTO crm_quote_line (quote_id, position, container, count, freight)
        SELECT 'q' || n || '-' || k, 0, '40HQ', 1, 3700 FROM series, few WHERE k < 2""",
    """INSERT INTO crm_note (account_id, at, id, party_id, "by", text)
        SELECT n, 1700000000 + k * 86400, 'n' || n || '-' || k, n, 'lin', '要周五的船' FROM series, few WHERE k < 2""",
)

_COLUMNS = (
    "p.id, p.kind, p.name, p.company_id, c.name, p.role, p.category, p.tier, p.owner, p.owner_name, p.tags, p.version,"
    " p.last_contact, p.attrs, c.attrs"
)
_CANDIDATES = f"""SELECT {_COLUMNS}, h.ext, h.level, h.label FROM crm_phone h JOIN crm_party p ON p.id = h.party_id
    LEFT JOIN crm_party c ON c.id = p.company_id WHERE h.key = ?"""
_PROFILE = f"SELECT {_COLUMNS} FROM crm_party p LEFT JOIN crm_party c ON c.id = p.company_id WHERE p.id = ?"
_LANE = """SELECT at, container, currency, price, account_id FROM crm_business
    WHERE pol_key = ? AND pod_key = ? AND closed = 'won' AND at > ?"""
_SECTIONS = (
    "SELECT * FROM crm_contact_point WHERE party_id = ? LIMIT 50",
    "SELECT * FROM crm_note WHERE account_id = ? ORDER BY at DESC LIMIT 20",
    "SELECT * FROM crm_business WHERE account_id = ? ORDER BY at DESC LIMIT 20",
    "SELECT * FROM crm_chat WHERE account_id = ? ORDER BY at DESC LIMIT 20",
    "SELECT * FROM crm_quote WHERE account_id = ? ORDER BY at DESC LIMIT 20",
    "SELECT l.* FROM crm_quote q JOIN crm_quote_line l ON l.quote_id = q.id WHERE q.account_id = ?",
)


def lookups() -> list[Figure]:
    """Number to candidates and number to record, ours and the floor."""
    with tempfile.TemporaryDirectory(prefix="thirteen-bench-") as folder:
        path = Path(folder) / "crm.db"
        crm = EmbeddedCrm(f"sqlite:///{path}", clock=lambda: float(NOW))
        began = time.monotonic()
        rows = _fill(path, CUSTOMERS)
        filled = time.monotonic() - began
        bare = sqlite3.connect(path, cached_statements=200)
        rng = random.Random(13)
        asked = [rng.randrange(1, CUSTOMERS) for _ in range(ASKED)]

        def candidates_bare(n: int) -> object:
            return bare.execute(_CANDIDATES, (f"+86138{n:08d}",)).fetchall()

        def record_bare(n: int) -> object:
            bare.execute(_CANDIDATES, (f"+86138{n:08d}",)).fetchall()
            bare.execute(_PROFILE, (n,)).fetchall()
            bare.execute(_LANE, ("CNNGB", "DEHAM", NOW - 12 * 604_800)).fetchall()
            return [bare.execute(section, (n,)).fetchall() for section in _SECTIONS]

        def candidates(n: int) -> object:
            return crm.lookup(f"138{n:08d}")

        def record(n: int) -> object:
            party = crm.lookup(f"0138{n:08d}")[0].party.id
            return crm.profile(party), crm.business(party), crm.chats(party), crm.quotes(party)

        times = _in_turns({"cb": candidates_bare, "c": candidates, "rb": record_bare, "r": record}, asked)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for n in range(1, CUSTOMERS, CUSTOMERS // 5_000):
            record(n)
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        crm.close()
        bare.close()
    return [
        Figure("rows in the file", rows),
        Figure("seconds to fill it", filled, "s"),
        Figure("number to candidates, bare", times["cb"] * 1e6, "us"),
        Figure("number to candidates", times["c"] * 1e6, "us", goal=100.0),
        Figure("record by number, bare", times["rb"] * 1e6, "us"),
        Figure("record by number", times["r"] * 1e6, "us"),
        Figure("record by number / bare", times["r"] / times["rb"], "x", goal=1.6, moonshot=1.0),
        Figure("memory grown over 5,000 records", grown, "MB", goal=20.0),
    ]


def _in_turns(rivals: dict[str, Callable[[int], object]], asked: list[int]) -> dict[str, float]:
    """Median seconds of each over all questions and rounds; the first round warms the page cache."""
    taken: dict[str, list[float]] = {name: [] for name in rivals}
    for round_no in range(ROUNDS + 1):
        for name, ask in rivals.items():
            for n in asked:
                began = time.perf_counter()
                ask(n)
                if round_no:
                    taken[name].append(time.perf_counter() - began)
    return {name: statistics.median(spans) for name, spans in taken.items()}


def _fill(path: Path, customers: int) -> int:
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA cache_size = -400000")
        connection.execute("CREATE TEMP TABLE few (k INTEGER PRIMARY KEY)")
        connection.execute("CREATE TEMP TABLE series (n INTEGER PRIMARY KEY)")
        connection.executemany("INSERT INTO few VALUES (?)", [(k,) for k in range(5)])
        connection.execute(
            "INSERT INTO series WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < ?)"
            " SELECT n FROM s",
            (customers,),
        )
        rows = sum(connection.execute(statement).rowcount for statement in _FILL)
        connection.execute("ANALYZE")
    connection.close()
    return rows
