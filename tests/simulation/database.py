"""The database of the site as a model: documents, the lease, what the follower knows. Its answers may fail or hang."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cti.calls.record import Call
from cti.continuity import knows_more
from cti.history.queue_log import LogVisit
from cti.store.base import StoreError
from cti.store.lease import Lease, StaleEpochError
from tests.checker.account import Written


class AwayError(StoreError):
    """It is not there."""

    def __init__(self) -> None:
        super().__init__("数据库不在", "The database is away", permanent=False)


class Database:
    """What outlives every process. Methods are the store's; whoever calls them decides when they take effect."""

    def __init__(self, clock: Callable[[], float], lease_clock: Callable[[], float]) -> None:
        """Two clocks: the lease's may stand still now and then."""
        self._clock = clock
        self._lease_clock = lease_clock
        self.calls: dict[str, Call] = {}
        self.filled: set[str] = set()
        self.visits: dict[str, LogVisit] = {}
        self.settled: set[str] = set()
        self.place = 0
        self.last = 0
        self.away = False
        self.written: list[Written] = []
        self.lease: Lease | None = None
        self.until = 0.0

    @property
    def epoch(self) -> int:
        """The newest."""
        return 0 if self.lease is None else self.lease.epoch

    # -- calls --------------------------------------------------------------------------------------------------

    def save_calls(self, calls: Sequence[Call], pbx: str, *, older: bool = False) -> None:
        """Write documents, all or none."""
        self._save(calls, older, 0)

    def _save(self, calls: Sequence[Call], older: bool, epoch: int) -> None:
        self.there()
        for call in calls:
            stored = self.calls.get(call.id)
            if not (older and stored is not None and knows_more(stored, call)):
                self.put(call, epoch)

    def put(self, call: Call, epoch: int) -> None:
        """One document."""
        self.calls[call.id] = call
        self.written.append(Written(self._clock(), call.id, epoch, self.epoch))
        if call.id in self.filled:  # told anew: it is compared anew
            self.settled -= {key for key, visit in self.visits.items() if visit.callid == call.id}

    def drop_calls(self, ids: Sequence[str]) -> None:
        """Forget calls."""
        self.there()
        for id in ids:
            self.calls.pop(id, None)

    def ended_calls(self, ids: Sequence[str]) -> dict[str, bool]:
        """{call: whether it has ended} of those that are stored."""
        self.there()
        return {id: self.calls[id].ended_at is not None for id in ids if id in self.calls}

    def open_calls(self, pbx: str | None = None) -> list[Call]:
        """Those that have not ended."""
        self.there()
        return [call for call in self.calls.values() if call.ended_at is None]

    def open_visits(self) -> list[LogVisit]:
        """Those of queue_log that go on."""
        return [
            visit
            for visit in self.visits.values()
            if (visit.outcome == "unknown" and visit.left is None)
            or (visit.outcome == "answered" and visit.ended is None)
        ]

    def fenced(self, held: Lease) -> Fenced:
        """The same, for whoever holds this lease."""
        return Fenced(self, held.epoch)

    def there(self) -> None:
        """Raises where it is away."""
        if self.away:
            raise AwayError

    # -- the lease ----------------------------------------------------------------------------------------------

    def take_lease(self, pbx: str, node: str, *, for_s: float) -> Lease | None:
        """Lead from now on; None while somebody else does."""
        self.there()
        held = self.lease
        if held is not None and self.until > self._lease_clock() and held.node != node:
            return None
        self.lease = Lease(pbx, node, self.epoch + 1)
        self.until = self._lease_clock() + for_s
        return self.lease

    def keep_lease(self, held: Lease, *, for_s: float) -> bool:
        """Lead on."""
        self.there()
        if held != self.lease:
            return False
        self.until = self._lease_clock() + for_s
        return True

    def drop_lease(self, held: Lease) -> None:
        """Lead no longer."""
        self.there()
        if held == self.lease:
            self.until = 0.0


class Fenced:
    """The database as it is for the holder of one lease."""

    def __init__(self, database: Database, epoch: int) -> None:
        self._database = database
        self._epoch = epoch

    def _mind(self) -> None:
        self._database.there()
        if self._epoch != self._database.epoch:
            raise StaleEpochError

    def save_calls(self, calls: Sequence[Call], pbx: str, *, older: bool = False) -> None:
        """Write documents, unless somebody else leads by now."""
        self._mind()
        self._database._save(calls, older, self._epoch)

    def drop_calls(self, ids: Sequence[str]) -> None:
        """Forget calls."""
        self._mind()
        self._database.drop_calls(ids)

    def ended_calls(self, ids: Sequence[str]) -> dict[str, bool]:
        """{call: whether it has ended}."""
        return self._database.ended_calls(ids)
