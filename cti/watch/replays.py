"""Keeps the board's journal and shows past minutes: implements `cti.web.ports.watching.Replays`."""

from __future__ import annotations

import asyncio
import logging
import zlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, Protocol

from cti import events
from cti.auth import Identity
from cti.board import Board, Changes
from cti.board.journal import Journal, Moment, Page, moment, spans
from cti.board.metrics import to_ms
from cti.settings.watching import ReplaySettings
from cti.web.ports import Refusal
from cti.wire.watching import Alert, Replay, ReplayRange

log = logging.getLogger(__name__)

EVERY_S: Final = 10.0
"Between two writings: so much a crash may cost."
FORGET_EVERY: Final = 360
"Rounds between two clearings: once an hour."
MOST_WAITING: Final = 60
"Pages that may wait for the store."
LARGEST: Final = 64 * 1024 * 1024
"Bytes of an unpacked page that are taken."
Run = Callable[[Callable[[], Any]], Awaitable[Any]]


class Piece(Protocol):
    """A page as the store keeps it."""

    @property
    def at_ms(self) -> int: ...  # noqa: D102
    @property
    def until_ms(self) -> int: ...  # noqa: D102
    @property
    def body(self) -> bytes: ...  # noqa: D102


class Book(Protocol):
    """The store, as far as the journal needs it. Synchronous."""

    def save_pages(self, pages: Sequence[tuple[int, bool, int, bytes]]) -> None: ...  # noqa: D102
    def pieces(self, at_ms: int, until_ms: int) -> Sequence[Piece]: ...  # noqa: D102
    def next_piece(self, at_ms: int) -> int | None: ...  # noqa: D102
    def journal_spans(self) -> Sequence[tuple[int, int]]: ...  # noqa: D102
    def forget_journal(self, before_ms: int, most_bytes: int) -> None: ...  # noqa: D102
    def callers_of(self, ids: Sequence[str]) -> Mapping[str, str | None]: ...  # noqa: D102
    def alerts_between(self, since: float, until: float) -> Sequence[Alert]: ...  # noqa: D102
    def forget_alerts(self, before: float) -> None: ...  # noqa: D102


class JournalKeeper:
    """Notes what happens on the board; `run` as a task, `close` behind it."""

    def __init__(
        self,
        board: Board,
        book: Book,
        settings: ReplaySettings,
        *,
        alert_days: float,
        run: Run,
        clock: Callable[[], float],
    ) -> None:
        """`clock` is the PBX's; `alert_days` is how long the log of alerts is kept, which is cleared here, too."""
        self._board = board
        self._book = book
        self._settings = settings
        self._alert_days = alert_days
        self._run = run
        self._clock = clock
        self._journal = Journal(settings.every_s)
        self._waiting: dict[int, Page] = {}
        self.leads = True
        "False while another node keeps the journal."
        self.given_up = 0
        "Pages that could not wait."

    @property
    def keeps(self) -> bool:
        """False where the site keeps no journal."""
        return self._settings.days > 0

    def on_board(self, changes: Changes) -> None:
        """The board changed."""
        if self.keeps:
            self._journal.note(changes, None, self._clock())

    def on_event(self, event: events.Event) -> None:
        """The link came or went."""
        if not self.keeps:
            return
        if isinstance(event, events.PbxLost):
            self._journal.note(None, "lost", event.at)
        elif isinstance(event, events.PbxResynced):
            self._journal.note(None, "live", event.at)

    async def run(self) -> None:
        """Write for ever; cancel to stop."""
        if self.keeps:
            self._journal.begin(self._board.snapshot(), self._clock())
        turn = 0
        while True:
            await asyncio.sleep(EVERY_S)
            turn += 1
            await self.write()
            if turn % FORGET_EVERY == 1:
                await self._forget()

    async def write(self) -> bool:
        """Write what was noted; whether it is written."""
        if not self.keeps:
            return True
        pages = self._journal.take(self._board.snapshot(), self._clock())
        if not self.leads:
            return True
        for page in pages:
            self._waiting[page.at_ms] = page
        while len(self._waiting) > MOST_WAITING:
            del self._waiting[next(iter(self._waiting))]
            self.given_up += 1
        some = tuple(self._waiting.values())
        try:
            await self._run(lambda: self._book.save_pages([_packed(page) for page in some]))
        except Exception as error:  # whatever the store has: the pages wait
            log.warning("the board's journal was not written: %s", type(error).__name__)
            return False
        for page in some:
            if self._waiting.get(page.at_ms) is page:
                del self._waiting[page.at_ms]
        return True

    async def _forget(self) -> None:
        if not self.leads:
            return
        now, settings = self._clock(), self._settings
        try:
            before, most = to_ms(now - settings.days * 86400), round(settings.megabytes * 1e6)
            await self._run(lambda: self._book.forget_journal(before, most))
            await self._run(lambda: self._book.forget_alerts(now - self._alert_days * 86400))
        except Exception as error:
            log.warning("old journals and alerts were not cleared: %s", type(error).__name__)

    async def close(self) -> None:
        """Write what is left."""
        await self.write()


class Replays:
    """Past minutes for pages."""

    def __init__(
        self,
        keeper: JournalKeeper,
        book: Book,
        settings: ReplaySettings,
        describe: Callable[[str | None], tuple[str, str]],
        *,
        run: Run,
        clock: Callable[[], float],
    ) -> None:
        """`describe` turns a raw number into (display form, region); `clock` is the PBX's."""
        self._keeper = keeper
        self._book = book
        self._settings = settings
        self._describe = describe
        self._run = run
        self._clock = clock

    async def range(self) -> ReplayRange:
        """From when to when, and where nothing was noted."""
        await self._keeper.write()
        found: Sequence[tuple[int, int]] = await self._run(self._book.journal_spans)
        stretches, gaps = spans(found)
        return ReplayRange(
            since=stretches[0][0] / 1000 if stretches else None,
            to=stretches[-1][1] / 1000 if stretches else None,
            days=self._settings.days,
            gaps=tuple((a / 1000, b / 1000) for a, b in gaps),
        )

    async def replay(self, identity: Identity, at: float, seconds: float) -> Replay:
        """The board at a moment and what changed in so many seconds after it."""
        now = self._clock()
        if at > now:
            raise Refusal(400, "bad_query", "时刻在将来", "That moment is still to come")
        if at + seconds >= now - EVERY_S:
            await self._keeper.write()
        at_ms, until_ms = to_ms(at), to_ms(min(at + seconds, now))

        def read() -> tuple[Moment | None, Sequence[Alert], Mapping[str, str | None], int | None]:
            pieces = self._book.pieces(at_ms, until_ms)
            found = moment(((p.at_ms, p.until_ms, _unpacked(p.body)) for p in pieces), at_ms, until_ms)
            if found is None:
                return None, (), {}, self._book.next_piece(at_ms)
            alerts = self._book.alerts_between(at, found.until_ms / 1000)
            known = self._book.callers_of(sorted(_calls(found))) if "customers" in identity.rights else {}
            return found, alerts, known, None

        found, alerts, known, later = await self._run(read)
        if found is None:
            raise Refusal(
                404,
                "no_journal",
                "这一刻没有记录",
                "Nothing was noted then",
                **({} if later is None else {"from": later / 1000}),
            )
        self._name(found, known)
        more = found.more or found.until_ms < to_ms(now) - 1000
        return Replay(
            at=at,
            until=found.until_ms / 1000,
            link=found.link,
            board=found.board,
            deltas=tuple(found.deltas),
            next=found.until_ms / 1000 if more else None,
            alerts=tuple(alerts),
        )

    def _name(self, found: Moment, known: Mapping[str, str | None]) -> None:
        """Put callers' numbers in, as far as the stored calls know them."""
        for board in (found.board, *(delta.changes for delta in found.deltas if delta.changes is not None)):
            for caller in board.get("callers", {}).values():
                number = known.get(caller["call"]) if caller is not None else None
                if number is not None:
                    caller["number"] = number
                    caller["display"], caller["region"] = self._describe(number)
            for agent in board.get("agents", {}).values():
                if agent is not None and agent.get("call"):
                    agent["caller"] = known.get(agent["call"])


def _calls(found: Moment) -> set[str]:
    boards = (found.board, *(delta.changes for delta in found.deltas if delta.changes is not None))
    return {
        part["call"]
        for board in boards
        for name in ("callers", "agents")
        for part in board.get(name, {}).values()
        if part is not None and part.get("call")
    }


def _packed(page: Page) -> tuple[int, bool, int, bytes]:
    return page.at_ms, page.whole, page.until_ms, zlib.compress(page.body, 6)


def _unpacked(body: bytes) -> bytes:
    return zlib.decompressobj().decompress(body, LARGEST)
