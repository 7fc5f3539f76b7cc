"""A CRM that is slow, frozen, gone or full of nonsense: the pop stands, with what we have, and says so."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from crm_bridge.mapped.connect import OPEN_S, Breaker, SourceError
from crm_bridge.model import CrmError, Profile
from cti.popup.lanes import Lane
from cti.popup.record import _tells_against
from tests.asterisk.ports import free_port
from tests.crm.mapped.conftest import Open, engine
from tests.servers.mariadb import Mariadb
from tests.servers.postgresql import Postgresql

GOAL_S = 0.3
GUARD_S = 20 * GOAL_S
"Where nobody guards the pop it waits for ever; a machine may stand still for seconds."

Server = Mariadb | Postgresql


@pytest.fixture(params=["mariadb", "postgresql"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """Each kind of server, thawed afterwards."""
    found: Server = request.getfixturevalue(request.param)
    yield found
    found.thaw()


def tree(url: str, *, business: str = "", **source: Any) -> dict[str, Any]:
    """A mapping of one small table."""
    section = business or "SELECT id, at, goods AS cargo FROM bill WHERE customer = :party_id LIMIT :limit"
    return {
        "source": {"name": "own", "label": "老客户库", "url": url, "timezone": "UTC", **source},
        "entities": [
            {
                "name": "customer",
                "kind": "person",
                "table": "customer",
                "title": ["name"],
                "texts": ["remark"],
                "fields": {"preference": "remark"},
                "phones": [{"column": "tel", "label": "手机"}],
            }
        ],
        "sections": [{"kind": "business", "sql": section}],
    }


def fill(url: str, *, remark: str = "") -> None:
    """One customer with one bill."""
    database = engine(url)
    long = "LONGTEXT" if database.dialect.name == "mysql" else "text"
    customer = sa.table("customer", *(sa.column(name) for name in ("id", "name", "tel", "remark")))
    with database.begin() as connection:
        connection.exec_driver_sql(
            f"CREATE TABLE customer (id integer PRIMARY KEY, name varchar(80), tel varchar(80), remark {long})"
        )
        connection.exec_driver_sql(f"CREATE TABLE bill (id integer, at varchar(40), goods {long}, customer integer)")
        row = {"id": 1, "name": "周敏", "tel": "138-1234-5678", "remark": remark}
        connection.execute(sa.insert(customer), row)
        bill = sa.table("bill", *(sa.column(name) for name in ("id", "at", "goods", "customer")))
        connection.execute(sa.insert(bill), {"id": 1, "at": "2026-03-01", "goods": remark or "轴承", "customer": 1})
    database.dispose()


def timed(what: str, ask: Callable[[], Any]) -> tuple[Any, float]:
    """What came of it, or the CrmError, and how long it took."""
    began = time.monotonic()
    try:
        answer = ask()
    except CrmError as error:
        answer = error
    took = time.monotonic() - began
    print(f"{what}: {took * 1000:.0f} ms")
    return answer, took


class Counted(Breaker):
    """A breaker that counts the questions it lets through, with a clock that the test moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.asked = 0
        super().__init__(lambda: self.now)

    def admits(self) -> bool:
        """Count it."""
        admitted = super().admits()
        self.asked += admitted
        return admitted


def until(true: Callable[[], object]) -> None:
    """Wait for what their server and the breaker tell nobody."""
    limit = time.monotonic() + 20
    while not true():
        assert time.monotonic() < limit, "the source is never asked again"
        time.sleep(0.1)


def is_marked(profile: Profile) -> bool:
    """Whether a profile says that it is a copy."""
    return any(field.key == "crm_state" and "老客户库" in field.value for field in profile.fields)


def test_a_frozen_server_delays_no_pop(server: Server, opened: Open) -> None:
    """Known callers come from the index, unasked, unknown ones after 0.3 s, the profile as it was; all marked."""
    fill(server.create("frozen"))
    crm = opened(tree(server.reader_url("frozen")))
    crm.source.breaker = breaker = Counted()
    crm.sync().once()
    party = crm.lookup("13812345678")[0].party.id
    until(lambda: not is_marked(crm.profile(party)))
    server.freeze()
    before = breaker.asked
    known, _ = timed("known caller", lambda: crm.lookup("13812345678"))
    assert [match.party.name for match in known] == ["周敏"]
    assert breaker.asked == before
    unknown, took = timed("unknown caller", lambda: crm.lookup("13912345678"))
    assert unknown == []
    assert took < GUARD_S
    profile, took = timed("profile", lambda: crm.profile(party))
    assert profile.party.name == "周敏"
    assert is_marked(profile)
    assert took < GUARD_S
    business, took = timed("business", lambda: crm.business(party))
    assert isinstance(business, SourceError)
    assert not business.permanent
    for _ in range(3):
        crm.profile(party)
    assert not crm.source_ok
    before = breaker.asked
    profile, _ = timed("profile, breaker open", lambda: crm.profile(party))
    assert is_marked(profile)
    assert breaker.asked == before
    server.thaw()

    def fresh() -> bool:
        breaker.now += OPEN_S
        return not is_marked(crm.profile(party))

    until(fresh)
    assert crm.source_ok
    assert [record.cargo for record in crm.business(party).items] == ["轴承"]


def test_a_slow_query_is_given_up_there_too(server: Server, opened: Open) -> None:
    """A section that takes 5 s ends after its time, here and in their server, and other sections go on."""
    sleep = "SLEEP(5)" if isinstance(server, Mariadb) else "pg_sleep(5)"
    fill(server.create("slow"))
    slow = f"SELECT id, {sleep} AS details, at FROM bill WHERE customer = :party_id LIMIT :limit"
    crm = opened(tree(server.reader_url("slow"), business=slow, section_timeout=0.6, lookup_timeout=GUARD_S))
    crm.sync().once()
    party = crm.lookup("13812345678")[0].party.id
    answer, took = timed("section of 5 s", lambda: crm.business(party))
    assert isinstance(answer, SourceError)
    assert took < 3
    profile, took = timed("profile beside it", lambda: crm.profile(party))
    assert not is_marked(profile)
    owner = engine(server.url("slow"))
    limit = time.monotonic() + 3.5
    while _asleep(owner, 5):
        assert time.monotonic() < limit, "their server still works for an answer that nobody waits for"
        time.sleep(0.05)  # their server ends it by its clock


def test_a_source_closed_in_mid_query_leaves_no_connection(server: Server, opened: Open) -> None:
    """What is still in use is closed behind its answer, not when the interpreter comes across it."""
    sleep = "SLEEP(1)" if isinstance(server, Mariadb) else "pg_sleep(1)"
    fill(server.create("closing"))
    slow = f"SELECT id, {sleep} AS details, at FROM bill WHERE customer = :party_id LIMIT :limit"
    crm = opened(tree(server.reader_url("closing"), business=slow, section_timeout=GUARD_S, lookup_timeout=GUARD_S))
    crm.sync().once()
    party = crm.lookup("13812345678")[0].party.id
    pool = crm.source._live.pool
    used: list[object] = []
    closed: list[object] = []
    sa.event.listen(pool, "checkout", lambda connection, record, proxy: used.append(connection))
    sa.event.listen(pool, "close", lambda connection, record: closed.append(connection))
    asking = threading.Thread(target=lambda: timed("section of 1 s", lambda: crm.business(party)))
    asking.start()
    owner = engine(server.url("closing"))
    until(lambda: _asleep(owner, 1))
    crm.close()
    asking.join()
    assert used[-1] in closed


def _asleep(owner: sa.Engine, seconds: int) -> int:
    view = (
        f"information_schema.processlist WHERE info LIKE '%SLEEP({seconds})%' AND info NOT LIKE '%processlist%'"
        if owner.dialect.name == "mysql"
        else f"pg_stat_activity WHERE query LIKE '%pg_sleep({seconds})%' AND state = 'active'"
        " AND query NOT LIKE '%stat_act%'"
    )
    with owner.connect() as connection:
        return int(connection.exec_driver_sql(f"SELECT count(*) FROM {view.replace('%', '%%')}").scalar_one())


@pytest.mark.parametrize("driver", ["mysql+pymysql", "postgresql+psycopg"])
def test_a_dead_server_leaves_the_local_record(driver: str, opened: Open, tmp_path: Path) -> None:
    """With nobody at their address, what is known here stands and notes can be written."""
    alive = f"sqlite:///{tmp_path}/own.db"
    fill(alive)
    crm = opened(tree(alive))
    crm.sync().once()
    party = crm.lookup("13812345678")[0].party.id
    dead = opened(tree(f"{driver}://thirteen@127.0.0.1:{free_port()}/gone"))
    crm.source, crm.entities.source = dead.source, dead.source
    crm.sections._source = dead.source
    profile, took = timed("profile", lambda: crm.profile(party))
    assert is_marked(profile)
    assert took < GUARD_S
    assert [match.party.name for match in crm.lookup("13812345678")] == ["周敏"]
    assert crm.lookup("13912345678") == []
    crm.add_note(party, "先记在这里", "lin")
    assert [note.text for note in crm.profile(party).notes] == ["先记在这里"]
    with pytest.raises(CrmError) as away:
        crm.sync().once()
    assert not away.value.permanent


def test_ten_megabytes_in_a_cell_are_cut(server: Server, opened: Open) -> None:
    """A row of 10 MB is read in time and cut: neither the index nor a page gets more than 20,000 characters."""
    fill(server.create("huge"), remark="电话 13700001111 " + "宁" * 3_400_000)
    crm = opened(tree(server.reader_url("huge"), lookup_timeout=GUARD_S, section_timeout=GUARD_S))
    crm.sync().once()
    (match,) = crm.lookup("13812345678")
    assert [found.level for found in crm.lookup("13700001111")] == ["text"]
    profile, took = timed("profile of 10 MB", lambda: crm.profile(match.party.id))
    assert took < GUARD_S
    assert all(len(field.value) <= 20_000 for field in profile.fields)
    business, took = timed("business of 10 MB", lambda: crm.business(match.party.id))
    assert took < GUARD_S
    assert len(business.items[0].cargo) <= 20_000


async def test_a_lane_goes_on_with_a_crm_that_guards_itself(opened: Open, tmp_path: Path) -> None:
    """However often a section of a dead CRM fails, the profile that we keep is still shown."""
    url = f"sqlite:///{tmp_path}/own.db"
    fill(url)
    crm = opened(tree(url))
    crm.sync().once()
    party = crm.lookup("13812345678")[0].party.id
    (tmp_path / "own.db").rename(tmp_path / "away.db")
    crm.source.close()
    lane = Lane("crm", 1, deadline_s=GUARD_S, clock=time.monotonic, counts=_tells_against)
    try:
        for _ in range(8):
            with pytest.raises(SourceError):
                await lane.run(lambda: crm.business(party))
        assert lane.ok
        assert not crm.source_ok
        assert is_marked(await lane.run(lambda: crm.profile(party)))
    finally:
        lane.close()


def test_nonsense_in_cells_is_left_out(opened: Open, tmp_path: Path) -> None:
    """Numbers as floats, names as bytes, impossible dates and prices: what makes sense is shown, nothing raises."""
    url = f"sqlite:///{tmp_path}/own.db"
    database = engine(url)
    with database.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE customer (id, name, tel, remark)")
        connection.exec_driver_sql("CREATE TABLE bill (id, at, price, days, closed, currency, goods, customer)")
        rows = [
            ("a1", "周敏", 13812345678.0, None),
            ("a2", b"\xff\xfe\x00", 13912345678, b"\x00\x01"),
            ("a3", None, None, 3.5),
            ("a4", 42, float("inf"), "x" * 100_000),
            ("a5", "  ", "N/A", "\x00\ud7ff"),
        ]
        for row in rows:
            connection.exec_driver_sql("INSERT INTO customer VALUES (?, ?, ?, ?)", row)
        bills = [
            (1, "0000-00-00", "abc", "12天", "是", "RMB", "轴承", "a1"),
            (2, "2026/3/1 8:30", "1,234.50", None, 7, "金币", b"\xff", "a1"),
            (3, 1e300, float("-inf"), 1e99, None, None, None, "a1"),
            (4, 1772352000000, -5, "soon", "否", "usd", 17, "a1"),
        ]
        for bill in bills:
            connection.exec_driver_sql("INSERT INTO bill VALUES (?, ?, ?, ?, ?, ?, ?, ?)", bill)
    sql = (
        "SELECT id, at, price, days AS transit_days, closed, currency, goods AS cargo FROM bill"
        " WHERE customer = :party_id ORDER BY id LIMIT :limit"
    )
    crm = opened(tree(url, business=sql))
    assert crm.sync().once().new == 5
    (match,) = crm.lookup("13812345678")
    assert [found.level for found in crm.lookup("13912345678")] == ["exact"]
    items = {item.id: item for item in crm.business(match.party.id).items}
    first, second, third, fourth = (items[f"own:{n}"] for n in (1, 2, 3, 4))
    assert (first.at, first.price, first.transit_days, first.closed, first.currency) == (0.0, None, 12, "won", "CNY")
    assert (second.at, second.price, second.currency) == (1772353800.0, 1234.5, "USD")
    assert (third.at, third.price, third.transit_days, third.cargo) == (0.0, None, None, "")
    assert (fourth.at, fourth.price, fourth.closed, fourth.cargo) == (1772352000.0, None, "lost", "17")
    for party in crm.search("无名"):
        assert crm.profile(party.id).party.name == "（无名）"


def test_a_query_that_is_wrong_is_no_outage(opened: Open, tmp_path: Path) -> None:
    """A section whose SQL is wrong fails for good and says whom to ask; the rest of the CRM stays up."""
    url = f"sqlite:///{tmp_path}/own.db"
    fill(url)
    crm = opened(tree(url, business="SELECT nothing FROM nowhere WHERE customer = :party_id LIMIT :limit"))
    crm.sync().once()
    party = crm.lookup("13812345678")[0].party.id
    for _ in range(8):
        with pytest.raises(SourceError) as wrong:
            crm.business(party)
        assert wrong.value.permanent
        assert "cti crm check" in wrong.value.text
        assert "nowhere" not in wrong.value.text
    assert crm.source_ok
    assert not is_marked(crm.profile(party))


def test_gbk_in_columns_that_say_latin1(mariadb: Mariadb, opened: Open, tmp_path: Path) -> None:
    """Chinese stored as GBK in a latin1 column of MySQL, or as bytes in SQLite, is read as Chinese."""
    owner = engine(mariadb.create("old", charset="latin1"))
    with owner.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TABLE customer (id int PRIMARY KEY, name varchar(80), tel varchar(80), remark text)"
        )
        connection.exec_driver_sql("CREATE TABLE bill (id int, at varchar(40), goods varchar(80), customer int)")
        connection.exec_driver_sql(
            f"INSERT INTO customer VALUES (1, x'{'周敏'.encode('gbk').hex()}', '13812345678', '')"
        )
        connection.exec_driver_sql(f"INSERT INTO bill VALUES (1, '2026-03-01', x'{'轴承'.encode('gbk').hex()}', 1)")
    crm = opened(tree(mariadb.reader_url("old", charset="latin1"), charset="gbk"))
    crm.sync().once()
    (match,) = crm.lookup("13812345678")
    assert match.party.name == "周敏"
    assert [item.cargo for item in crm.business(match.party.id).items] == ["轴承"]

    url = f"sqlite:///{tmp_path}/own.db"
    database = engine(url)
    with database.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE customer (id int PRIMARY KEY, name text, tel text, remark text)")
        connection.exec_driver_sql("CREATE TABLE bill (id int, at text, goods text, customer int)")
        hexed = "周敏".encode("gbk").hex()
        connection.exec_driver_sql(f"INSERT INTO customer VALUES (1, CAST(x'{hexed}' AS TEXT), '13812345678', '')")
    crm = opened(tree(url, charset="gbk"))
    crm.sync().once()
    assert [match.party.name for match in crm.lookup("13812345678")] == ["周敏"]


def test_the_breaker_leaves_a_broken_source_alone() -> None:
    """Five failures in a row open it for its time; then one question is let through, and one success closes it."""
    now = [0.0]
    breaker = Breaker(lambda: now[0], failures=5, open_s=30.0)
    for _ in range(4):
        breaker.failed()
    assert breaker.admits()
    assert breaker.ok
    breaker.failed()
    assert not breaker.ok
    assert not breaker.admits()
    now[0] = 30.0
    assert breaker.admits()
    assert not breaker.admits()
    breaker.worked()
    assert breaker.ok
    assert breaker.admits()
