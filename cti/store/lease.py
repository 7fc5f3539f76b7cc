"""The lease of a PBX: one node leads, under an epoch that every write of its is checked against (FAULTS 3.8, I17).

Time is the database's own, so nodes' clocks may differ. A leader that hung or was cut off finds, when it wakes, that
the epoch has moved on: whatever it still wants to write is refused in the same transaction. A leader stopped in the
midst of a transaction would hold up its successor; the database ends such a session after IDLE_MS.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, Self

import msgspec
import sqlalchemy as sa

from cti.store.base import Base, StoreError
from cti.store.tables import metadata

lease = sa.Table(
    "lease",
    metadata,
    sa.Column("pbx", sa.String(64), primary_key=True),
    sa.Column("node", sa.String(64), nullable=False),
    sa.Column("epoch", sa.BigInteger, nullable=False, comment="grows by one with each new leader"),
    sa.Column("until_ms", sa.BigInteger, nullable=False, comment="on the database's own clock"),
)

IDLE_MS: Final = 1000
"PostgreSQL ends a fenced transaction that has stood idle for this."


class StaleEpochError(StoreError):
    """Somebody else leads by now: nothing was written, and nothing may be."""

    def __init__(self) -> None:
        super().__init__(
            "本节点已不是主节点，写入被拒绝", "Another node leads by now; this write was refused", permanent=True
        )


class Lease(msgspec.Struct, frozen=True):
    """The right to lead one PBX."""

    pbx: str
    node: str
    epoch: int


class Leases(Base):
    """Taking, keeping and giving up leases, and writing under one."""

    _fence: Lease | None = None

    def take_lease(self, pbx: str, node: str, *, for_s: float) -> Lease | None:
        """Lead from now on for `for_s` seconds; None while somebody else does. Taking anew always moves the epoch."""
        with self._leasing() as connection:
            now = self._now_ms(connection)
            until = now + int(for_s * 1000)
            named = sa.select(lease).where(lease.c.pbx == pbx)
            seen = connection.execute(named).first()
            if seen is not None and seen.until_ms > now and seen.node != node:
                return None
            held = connection.execute(named.with_for_update(skip_locked=True)).first()
            if held is None and seen is not None:
                self._end_hung(connection)
                return None
            if held is None:
                values = {"pbx": pbx, "node": node, "epoch": 1, "until_ms": until}
                try:
                    connection.execute(lease.insert().values(**values))
                except sa.exc.IntegrityError:
                    return None  # two nodes began at once, and the other was first
                return Lease(pbx, node, 1)
            if held.until_ms > now and held.node != node:
                return None
            epoch = held.epoch + 1
            connection.execute(lease.update().where(lease.c.pbx == pbx).values(node=node, epoch=epoch, until_ms=until))
            return Lease(pbx, node, epoch)

    def keep_lease(self, held: Lease, *, for_s: float) -> bool:
        """Lead on; False where somebody else leads by now. A lease that ran out unnoticed by others is kept."""
        with self._leasing() as connection:
            until = self._now_ms(connection) + int(for_s * 1000)
            kept = connection.execute(
                lease.update()
                .where(lease.c.pbx == held.pbx, lease.c.node == held.node, lease.c.epoch == held.epoch)
                .values(until_ms=until)
            )
            return bool(kept.rowcount)

    def drop_lease(self, held: Lease) -> None:
        """Lead no longer, so that the next one need not wait. Harmless where another leads already."""
        with self._leasing() as connection:
            connection.execute(
                lease.update().where(lease.c.pbx == held.pbx, lease.c.epoch == held.epoch).values(until_ms=0)
            )

    def leader(self, pbx: str) -> Lease | None:
        """Who leads now, by the database's clock."""
        with self._read() as connection:
            found = connection.execute(sa.select(lease).where(lease.c.pbx == pbx)).first()
            if found is None or found.until_ms <= self._now_ms(connection):
                return None
            return Lease(found.pbx, found.node, found.epoch)

    def fenced(self, held: Lease) -> Self:
        """The same store, whose every write raises StaleEpochError unless this lease's epoch is still the newest."""
        view = copy.copy(self)
        view._fence = held
        return view

    @contextmanager
    def _write(self) -> Iterator[sa.Connection]:
        with super()._write() as connection:
            fence = self._fence
            if fence is not None:
                self._end_if_idle(connection)
                newest = connection.execute(
                    # Shared: writers of one leader do not wait for each other, a new leader waits for their end.
                    sa.select(lease.c.epoch).where(lease.c.pbx == fence.pbx).with_for_update(read=True)
                ).scalar()
                if newest != fence.epoch:
                    raise StaleEpochError
            yield connection

    @contextmanager
    def _leasing(self) -> Iterator[sa.Connection]:
        """A change of the lease itself: a node that hangs in the midst of it does not keep the others from leading."""
        with self._write() as connection:
            self._end_if_idle(connection)
            yield connection

    @staticmethod
    def _end_hung(connection: sa.Connection) -> None:
        """End our sessions that stand still in a transaction, one of which keeps a lease that has run out.

        The database's own time limit does not count in the midst of a batch (a pipeline of the driver's).
        """
        connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
            " AND usename = current_user AND pid <> pg_backend_pid() AND wait_event = 'ClientRead'"
            " AND state IN ('idle in transaction', 'active')"
            " AND state_change < clock_timestamp() - interval '1 second'"
        )

    def _end_if_idle(self, connection: sa.Connection) -> None:
        if not self.database.is_sqlite:
            connection.exec_driver_sql(f"SET LOCAL idle_in_transaction_session_timeout = {IDLE_MS}")

    def _now_ms(self, connection: sa.Connection) -> int:
        words: Any = (
            "SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"
            if self.database.is_sqlite
            else "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)"
        )
        return int(connection.exec_driver_sql(words).scalar_one())
