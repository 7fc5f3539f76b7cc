"""Writes down what the recorder noted, behind everybody's back, and who is in which team."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Protocol

from cti.history.recorder import Notes, Recorder

log = logging.getLogger(__name__)

EVERY_S: Final = 5.0
KEEP: Final = 12
"Rounds whose notes a node that stands by keeps: a minute, far longer than whoever led can have been behind."
LONGEST: Final = 12 * 60
"Rounds it keeps at most while nobody can write: an hour."
TEAMS_EVERY: Final = 12
"Rounds between two looks at the teams: once a minute."


class Book(Protocol):
    """Where notes go. Synchronous; raises when it cannot."""

    def save_notes(self, notes: Notes) -> None:
        """Write notes; writing them twice is harmless."""

    def note_targets(self, targets: Mapping[str, tuple[float, float]], at: float) -> int:
        """Targets from now on."""

    def note_teams(self, teams: Mapping[str, str], at: float) -> int:
        """Teams from now on."""

    def teams(self) -> Mapping[str, str]:
        """{interface: team} as it is now."""


class Spare(Protocol):
    """Where notes are safe that nobody can write now. Synchronous; raises nothing."""

    def left_over(self) -> Notes:
        """What an earlier run left there; asked once, first."""

    def keep(self, notes: Notes, *, whole: bool) -> bool:
        """Have these there, too; `whole`: nothing else waits. Whether they are."""

    def stored(self) -> None:
        """Nothing there is needed any longer."""


class Keeper:
    """Keeps the history. `run` as a task; at the end `write` once more."""

    def __init__(
        self,
        recorder: Recorder,
        book: Book,
        *,
        run: Callable[[Callable[[], Any]], Awaitable[Any]],
        clock: Callable[[], float],
        targets: Mapping[str, tuple[float, float]],
        away: Callable[[], bool] = lambda: False,
        spare: Spare | None = None,
    ) -> None:
        """`run` runs slow work elsewhere; `clock` is the PBX's; `targets` as the settings have them.

        `away` tells that nobody can write now: then a node that stands by forgets nothing, and `spare` has it as well.
        """
        self.failures = 0
        self._recorder = recorder
        self._book = book
        self._run = run
        self._clock = clock
        self._targets = targets
        self._noted_targets = False
        self._leads = True
        self._away = away
        self._kept: deque[Notes] = deque(maxlen=LONGEST)
        self._spare = spare
        self._spared = False
        "Something is with the spare, or may be."
        self._calm = 0
        "Rounds of standing by since somebody could write."

    def lead(self, book: Book) -> None:
        """Write into this book from now on, what was kept first."""
        self._book = book
        self._leads = True
        self._noted_targets = False
        while self._kept:
            self._recorder.give_back(self._kept.pop())  # the newest first: of the same thing it holds the most

    def stand_by(self) -> None:
        """Write nothing until `lead`."""
        self._leads = False

    async def run(self) -> None:
        """Write for ever; cancel to stop."""
        if self._spare is not None:
            self._recorder.give_back(await asyncio.to_thread(self._spare.left_over))
            self._spared = True
        turn = 0
        while True:
            await self.write(with_teams=turn % TEAMS_EVERY == 0)
            turn += 1
            await asyncio.sleep(EVERY_S)

    async def write(self, *, with_teams: bool = False) -> bool:
        """Write what was noted since; whether it is written. What is not, waits for the next time."""
        now = self._clock()
        notes = self._recorder.take(now)
        away = self._away()
        if away:  # the store may hang, and this process end before it answers
            await self._keep_safe(notes)
        if not self._leads:
            self._kept.append(notes)
            self._calm = 0 if away else self._calm + 1
            while len(self._kept) > KEEP and not away:
                self._kept.popleft()
            if self._calm > KEEP:
                await self._safe_no_more()
            return True
        try:
            await self._run(lambda: self._written(notes, now, with_teams))
        except Exception as error:
            # Whatever the store has: the notes wait, the calls go on.
            self.failures += 1
            self._recorder.give_back(notes)
            await self._keep_safe(notes)
            log.warning("the history was not written: %s", type(error).__name__)
            return False
        await self._safe_no_more()
        return True

    async def _keep_safe(self, notes: Notes) -> None:
        spare = self._spare
        if spare is not None:
            self._spared = True
            await asyncio.to_thread(lambda: spare.keep(notes, whole=self._leads))

    async def _safe_no_more(self) -> None:
        if self._spare is not None and self._spared:
            self._spared = False
            await asyncio.to_thread(self._spare.stored)

    def _written(self, notes: Notes, now: float, with_teams: bool) -> None:
        if not self._noted_targets:
            self._book.note_targets(self._targets, now)
            self._noted_targets = True
        if with_teams:
            self._book.note_teams(self._book.teams(), now)
        if notes:
            self._book.save_notes(notes)
