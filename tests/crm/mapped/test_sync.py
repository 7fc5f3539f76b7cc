"""The index follows its source whatever happens to that meanwhile."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from crm_bridge.embedded import tables
from crm_bridge.index_tables import ref
from crm_bridge.mapped import MappedCrm
from tests.crm.mapped.conftest import Open, engine

SECONDS = 3.0
"How long the writers write."

COLUMNS = (
    "id integer PRIMARY KEY, name varchar(80), phone varchar(60), remark varchar(400), bin integer, updated_at {time}"
)
customer = sa.table("customer", *(sa.column(name) for name in ("id", "name", "phone", "remark", "bin", "updated_at")))


@dataclass
class Their:
    """A source with one table, in one of the servers."""

    owner: sa.Engine
    url: str
    text_times: bool
    lock: threading.Lock = field(default_factory=threading.Lock)
    "SQLite has one writer at a time."
    last: int = 0

    def stamp(self, moment: datetime) -> Any:
        """A change mark, by the second."""
        plain = moment.replace(microsecond=0)
        return plain.isoformat(sep=" ") if self.text_times else plain

    def now(self) -> datetime:
        """The wall clock where the data lives; the mapping says UTC."""
        return datetime.now(UTC).replace(tzinfo=None)

    def mapping(self, **sync: Any) -> dict[str, Any]:
        """How it is read."""
        return {
            "source": {"name": "their", "url": self.url, "timezone": "UTC"},
            "sync": {"page": 40, "overlap": 30.0, "pause": 0.0, **sync},
            "entities": [
                {
                    "name": "customer",
                    "kind": "person",
                    "table": "customer",
                    "changed": "updated_at",
                    "deleted": {"column": "bin", "values": ["1"]},
                    "title": ["name"],
                    "texts": ["remark"],
                    "phones": [{"column": "phone", "label": "手机"}],
                }
            ],
        }

    def add(self, connection: sa.Connection, at: datetime | None = None, number: str | None = None) -> int:
        """One more customer."""
        with self.lock:
            self.last += 1
            n = self.last
        row = {"id": n, "name": f"客户{n}", "phone": number or f"138{n:08d}", "bin": 0, "remark": ""}
        connection.execute(sa.insert(customer), row | {"updated_at": self.stamp(at or self.now())})
        return n

    def change(self, connection: sa.Connection, n: int, **values: Any) -> None:
        """Change a customer, and its mark with it."""
        changed = {"updated_at": self.stamp(self.now())} | values
        connection.execute(sa.update(customer).where(customer.c.id == n).values(changed))

    def numbers(self) -> dict[str, str]:
        """{id: number} of who is not in the bin."""
        with self.owner.connect() as connection:
            found = connection.execute(sa.select(customer.c.id, customer.c.phone).where(customer.c.bin == 0))
            return {str(row.id): f"+86{row.phone}" for row in found}


@pytest.fixture(params=["sqlite", "mariadb", "postgresql"])
def their(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Their]:
    """An empty table in each kind of database."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/their.db"
        owner = engine(url)
        with owner.connect() as connection:
            connection.exec_driver_sql("PRAGMA journal_mode = WAL")
        time, reader = "text", url
    else:
        server = request.getfixturevalue(request.param)
        owner = engine(server.create("fire"))
        time, reader = ("datetime" if request.param == "mariadb" else "timestamp"), server.reader_url("fire")
    with owner.begin() as connection:
        connection.exec_driver_sql(f"CREATE TABLE customer ({COLUMNS.format(time=time)})")
        connection.exec_driver_sql("CREATE INDEX customer_updated ON customer (updated_at)")
    yield Their(owner, reader, request.param == "sqlite")
    owner.dispose()


def indexed(crm: MappedCrm) -> dict[str, str]:
    """{id there: number} as the index has it."""
    query = sa.select(ref.c.external_id, tables.phone.c.key).join(
        tables.phone, (tables.phone.c.party_id == ref.c.party_id) & (tables.phone.c.level == "exact")
    )
    with crm.local.database.read() as connection:
        return {row.external_id: row.key for row in connection.execute(query.where(~ref.c.gone))}


class Fire:
    """Writers who change the source all at once until they are told to stop."""

    def __init__(self, their: Their) -> None:
        self._their = their
        self._stop = threading.Event()
        self.errors: list[BaseException] = []
        self._turn = threading.Lock()
        work = (self._insert, self._update, self._commit_late, self._delete)
        self._threads = [threading.Thread(target=self._run, args=(one, seed)) for seed, one in enumerate(work)]

    def __enter__(self) -> Fire:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.wait(SECONDS)
        self._stop.set()
        for thread in self._threads:
            thread.join(20)
        assert self.errors == []

    @property
    def burning(self) -> bool:
        return not self._stop.is_set()

    def _run(self, work: Any, seed: int) -> None:
        rng = random.Random(seed)
        try:
            while not self._stop.is_set():
                if self._their.text_times:  # one writer at a time there, also the slow one
                    with self._turn:
                        work(rng)
                else:
                    work(rng)
                self._stop.wait(0.004)
        except BaseException as error:
            self.errors.append(error)

    def _insert(self, rng: random.Random) -> None:
        """Several in one second, some stamped by a server whose clock is behind, one by one that is years ahead."""
        with self._their.owner.begin() as connection:
            for _ in range(rng.randrange(1, 8)):
                behind = timedelta(seconds=rng.choice([0, 0, 0, 4, 9]))
                self._their.add(connection, self._their.now() - behind)
            if rng.random() < 0.02:
                self._their.add(connection, self._their.now() + timedelta(days=365 * 20))

    def _update(self, rng: random.Random) -> None:
        if self._their.last:
            with self._their.owner.begin() as connection:
                n = rng.randrange(1, self._their.last + 1)
                self._their.change(connection, n, phone=f"139{rng.randrange(10**8):08d}")

    def _commit_late(self, rng: random.Random) -> None:
        """Stamped now, seen by others only when it is no longer now."""
        with self._their.owner.begin() as connection:
            for _ in range(3):
                self._their.add(connection)
            self._stop.wait(0.05 if self._their.text_times else rng.uniform(0.3, 1.5))

    def _delete(self, rng: random.Random) -> None:
        if self._their.last > 20:
            with self._their.owner.begin() as connection:
                n = rng.randrange(1, self._their.last + 1)
                if rng.random() < 0.5:
                    connection.execute(sa.delete(customer).where(customer.c.id == n))
                else:
                    self._their.change(connection, n, bin=1)
            self._stop.wait(0.02)


def test_under_fire_nothing_is_lost(their: Their, opened: Open) -> None:
    """Equal marks, late commits, skewed clocks: reading changes alone has every row; a comparison makes all equal."""
    crm = opened(their.mapping())
    with their.owner.begin() as connection:
        for _ in range(120):
            their.add(connection)
    sync = crm.sync()
    sync.once()
    rounds = 0
    with Fire(their) as fire:
        reader = threading.Thread(target=lambda: [sync.once() for _ in iter(lambda: fire.burning, False)])
        reader.start()
    reader.join(30)
    assert crm.index.state("customer").read_at is not None
    rounds = sync.once().same
    truth, known = their.numbers(), indexed(crm)
    lost = {n: number for n, number in truth.items() if known.get(n) != number}
    assert lost == {}
    assert rounds > 0, "the overlap meets rows again"
    extra = set(known) - set(truth)
    counts = sync.compare_all()
    assert counts.gone == len(extra)
    assert counts.new == counts.changed == 0
    assert indexed(crm) == truth
    assert len(truth) > 150


def test_a_thousand_rows_of_one_second_are_all_read(their: Their, opened: Open) -> None:
    """Pages smaller than the rows of one mark lose none of them."""
    crm = opened(their.mapping())
    sync = crm.sync()
    with their.owner.begin() as connection:
        their.add(connection, their.now() - timedelta(seconds=20))
    sync.once()
    same = their.now() - timedelta(seconds=5)
    with their.owner.begin() as connection:
        for _ in range(1000):
            their.add(connection, same)
    counts = sync.once()
    assert counts.new == 1000
    assert indexed(crm) == their.numbers()
    assert sync.once().new == 0


def test_a_row_of_the_future_hides_nothing(their: Their, opened: Open) -> None:
    """One row stamped twenty years ahead does not keep later changes from being read."""
    crm = opened(their.mapping())
    sync = crm.sync()
    with their.owner.begin() as connection:
        their.add(connection, their.now() + timedelta(days=7300))
    sync.once()
    with their.owner.begin() as connection:
        n = their.add(connection)
    assert sync.once().new == 1
    with their.owner.begin() as connection:
        their.change(connection, n, phone="13912345678")
    sync.once()
    assert [m.party.name for m in crm.lookup("13912345678")] == [f"客户{n}"]


def test_reading_twice_changes_nothing(their: Their, opened: Open) -> None:
    """A row that says what it said before is compared and left alone: its version stays."""
    crm = opened(their.mapping())
    with their.owner.begin() as connection:
        their.add(connection, number="13812345678")
    sync = crm.sync()
    sync.once()
    version = crm.lookup("13812345678")[0].party.version
    counts = sync.compare_all()
    assert (counts.new, counts.changed, counts.same) == (0, 0, 1)
    assert crm.lookup("13812345678")[0].party.version == version


def test_a_source_that_lost_its_rows_is_not_believed(their: Their, opened: Open) -> None:
    """More than half of the customers gone at once are kept until somebody says that it is so."""
    crm = opened(their.mapping())
    with their.owner.begin() as connection:
        for _ in range(80):
            their.add(connection)
    crm.sync().once()
    with their.owner.begin() as connection:
        connection.execute(sa.delete(customer).where(customer.c.id > 10))
    counts = crm.sync().compare_all()
    assert (counts.gone, counts.held_back) == (0, 70)
    assert len(indexed(crm)) == 80
    assert crm.sync(accept_shrink=True).compare_all().gone == 70
    assert indexed(crm) == their.numbers()


def test_numbers_in_texts_are_hints(their: Their, opened: Open) -> None:
    """A number that only stands in a remark is found as a hint, and forgotten when the remark is."""
    crm = opened(their.mapping())
    with their.owner.begin() as connection:
        n = their.add(connection)
        their.change(connection, n, remark="老板手机 13712345678，QQ 13712345679")
    sync = crm.sync()
    sync.once()
    assert [(m.party.name, m.level) for m in crm.lookup("13712345678")] == [(f"客户{n}", "text")]
    assert crm.lookup("13712345679") == []
    with their.owner.begin() as connection:
        their.change(connection, n, remark="")
    sync.compare_all()
    assert crm.lookup("13712345678") == []


def test_new_numbers_are_told_for_past_calls(their: Their, opened: Open) -> None:
    """Whoever keeps the calls is told which party got which numbers, once each, so that old calls can be linked."""
    told: list[dict[str, tuple[str, ...]]] = []
    crm = opened(their.mapping(), on_numbers=lambda numbers: told.append(dict(numbers)))
    with their.owner.begin() as connection:
        n = their.add(connection, number="13812345678")
    sync = crm.sync()
    sync.once()
    party = crm.lookup("13812345678")[0].party.id
    assert told == [{party: ("+8613812345678",)}]
    sync.once()
    with their.owner.begin() as connection:
        their.change(connection, n, phone="13812345678/13912345678")
    sync.once()
    assert told[1:] == [{party: ("+8613912345678",)}]


def test_what_hangs_on_a_deleted_customer_stays(their: Their, opened: Open) -> None:
    """A customer with our notes, deleted there, keeps the notes and says so; restored there, it is the same party."""
    crm = opened(their.mapping())
    with their.owner.begin() as connection:
        n = their.add(connection, number="13812345678")
        their.add(connection)
    sync = crm.sync()
    sync.once()
    party = crm.lookup("13812345678")[0].party.id
    crm.add_note(party, "很急的客户", "lin")
    with their.owner.begin() as connection:
        their.change(connection, n, bin=1)
    sync.once()
    assert crm.lookup("13812345678") == []
    kept = crm.profile(party)
    assert [note.text for note in kept.notes] == ["很急的客户"]
    assert kept.party.tags == ("客户库已删除",)
    with their.owner.begin() as connection:
        their.change(connection, n, bin=0)
    sync.once()
    back = crm.lookup("13812345678")
    assert [match.party.id for match in back] == [party]
    assert back[0].party.tags == ()
