"""Keeps the phone index equal to its source: what changed every minute, everything once a day.

Changes are read in the order of (change mark, key), from the newest mark seen less an overlap, so that rows with the
same mark, rows committed late and rows of a server whose clock is behind are met; meeting a row twice costs a
comparison. What a mark cannot tell (deleted rows, rows without a mark, a number added without touching its customer)
is found by comparing everything, page by page. The mark is the source's, never ahead of the source's own clock.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

import msgspec

from crm_bridge import marks
from crm_bridge.index import PhoneIndex
from crm_bridge.index_rows import Row
from crm_bridge.model import CrmError

log = logging.getLogger(__name__)

FEW: Final = 50
"Below so many rows a source may shrink as it likes."


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Some rows of a source."""

    rows: tuple[Row, ...]
    gone: tuple[str, ...] = ()
    "Ids of rows that stand there and are in the bin."
    after: Any = None
    "Where the next page begins; None: this was the last."
    mark: str | None = None
    "The newest change mark in it."


class Feed(Protocol):
    """A source of rows. Every method raises CrmError."""

    @property
    def entities(self) -> Sequence[str]:
        """Names, companies before their people."""

    def has_marks(self, entity: str) -> bool:
        """Whether its rows tell when they changed."""

    def now(self) -> float:
        """The source's own clock, epoch seconds."""

    def page(self, entity: str, after: Any, limit: int) -> Page:
        """The next rows by key."""

    def changes(self, entity: str, mark: str, after: Any, limit: int, overlap_s: float) -> Page | None:
        """The next rows since the mark less the overlap; None where rows carry no mark."""

    def settled(self, mark: str, now: float) -> str:
        """The mark, or the source's present where it lies in the future."""


class Counts(msgspec.Struct, kw_only=True):
    """What a reading did."""

    new: int = 0
    changed: int = 0
    same: int = 0
    gone: int = 0
    held_back: int = 0
    "Rows that seem gone, but are too many to believe it."


class Sync:
    """Reads a feed into an index; one thread at a time."""

    def __init__(
        self,
        feed: Feed,
        index: PhoneIndex,
        *,
        page: int = 500,
        overlap_s: float = 900.0,
        full_every_s: float = 86_400.0,
        pause: Callable[[], object] = lambda: None,
        wanted: Callable[[], bool] = lambda: True,
        accept_shrink: bool = False,
    ) -> None:
        """`pause` is called between pages of a comparison, `wanted` asked whether to go on.

        A comparison in which more than half of the known rows are missing deletes none, unless `accept_shrink`: a
        source half restored or a right taken away looks the same.
        """
        self._feed = feed
        self._index = index
        self._page = page
        self._overlap_s = overlap_s
        self._full_every_s = full_every_s
        self._pause = pause
        self._wanted = wanted
        self._accept_shrink = accept_shrink

    def once(self) -> Counts:
        """Read what is due: changes, or everything where that was never done or a day ago. Raises CrmError.

        Rows without change marks are compared when everything is, and not in between.
        """
        counts = Counts()
        for entity in self._feed.entities:
            state = self._index.state(entity)
            now = self._feed.now()
            due = state.full_at is None or not 0 <= now - state.full_at < self._full_every_s
            if due or (self._feed.has_marks(entity) and not self._changes(entity, counts)):
                self.compare(entity, counts)
        return counts

    def compare_all(self) -> Counts:
        """Compare everything. Raises CrmError."""
        counts = Counts()
        for entity in self._feed.entities:
            self.compare(entity, counts)
        return counts

    def compare(self, entity: str, counts: Counts) -> None:
        """Read every row of an entity, then take away what was not met. Raises CrmError."""
        began = self._feed.now()
        number = self._index.begin_pass(entity)
        known = self._index.count(entity)
        mark: str | None = None
        after: Any = None
        while True:
            page = self._feed.page(entity, after, self._page)
            self._take(entity, page, counts)
            mark = _later(self._feed, mark, page.mark, began)
            after = page.after
            if after is None:
                break
            self._pause()
            if not self._wanted():
                return
        unseen = self._index.unseen(entity, number)
        if known > FEW and len(unseen) * 2 > known and not self._accept_shrink:
            counts.held_back += len(unseen)
            log.warning("sync: %d of %d rows of %s seem gone; none is deleted", len(unseen), known, entity)
        else:
            counts.gone += self._index.remove(entity, unseen)
        # The changes made during the comparison are read again from its beginning.
        self._index.end_pass(entity, mark, began)

    def _changes(self, entity: str, counts: Counts) -> bool:
        """Read what changed; False where no row has told its mark yet."""
        began = self._feed.now()
        start = self._index.state(entity).mark
        if start is None:
            return False
        mark: str | None = start
        after: Any = None
        while True:
            page = self._feed.changes(entity, start, after, self._page, self._overlap_s)
            if page is None:
                return False
            self._take(entity, page, counts)
            mark = _later(self._feed, mark, page.mark, began)
            after = page.after
            if after is None:
                break
            if not self._wanted():
                return True
        self._index.reached(entity, mark, began)
        return True

    def _take(self, entity: str, page: Page, counts: Counts) -> None:
        put = self._index.put(page.rows)
        counts.new += put.new
        counts.changed += put.changed
        counts.same += put.same
        if page.gone:
            counts.gone += self._index.remove(entity, page.gone)


def _later(feed: Feed, mark: str | None, found: str | None, now: float) -> str | None:
    """The newer of two marks, none of the future."""
    if found is None:
        return mark
    settled = feed.settled(found, now)
    return marks.newest([mark, settled])


class Syncing:
    """A thread that makes a round again and again; what goes wrong is kept, and tried again."""

    def __init__(
        self, sync: Callable[[Callable[[], bool], Callable[[], object]], Sync], every_s: float, pause_s: float
    ) -> None:
        self._stop = threading.Event()
        self._sync = sync
        self._pause_s = pause_s
        self._every_s = every_s
        self._thread = threading.Thread(target=self._run, name="crm-sync", daemon=True)
        self._changed = threading.Condition()
        self.rounds = 0
        self.error: CrmError | None = None
        "Of the last round; None where it was good."

    def start(self) -> None:
        """Begin; the first round at once."""
        self._thread.start()

    def stop(self) -> None:
        """End after the page that is being read."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(5)

    def wait(self, rounds: int, timeout_s: float) -> bool:
        """Until so many rounds were made; False where they were not in time."""
        with self._changed:
            return self._changed.wait_for(lambda: self.rounds >= rounds, timeout_s)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._sync(lambda: not self._stop.is_set(), lambda: self._stop.wait(self._pause_s)).once()
                error = None
            except CrmError as failed:
                error = failed
                log.warning("sync: %s", failed.text_en)
            except Exception as failed:
                # Whatever a foreign database brings up must not end the thread; never its text: numbers.
                error = CrmError("同步出错", text_en="The sync failed", permanent=True)
                log.warning("sync: %s", type(failed).__name__)
            with self._changed:
                self.rounds += 1
                self.error = error
                self._changed.notify_all()
            self._stop.wait(self._every_s)
