"""What the history noted is not lost with the process while the database is away, nor written by two."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from cti.history.facts import Moment
from cti.history.keeper import KEEP, Keeper
from cti.history.recorder import Free, Notes, Recorder, Span
from cti.store.journal import MAX_AGE_S, Entry, Journal
from cti.store.notes_journal import NotesJournal

NOW = 1_790_000_000.0


def noted(n: int, *, until: int = 1000) -> Notes:
    """Notes of one agent and one call."""
    span = Span(interface="PJSIP/8001", from_ms=n, to_ms=n + until, agent="林知夏", phase="busy", reason="")
    hold = Moment(call=f"c{n}", doing="hold", interface="PJSIP/8001", from_ms=n, to_ms=n + 5)
    return Notes(
        spans=(span,), moments=(hold,), free=(Free(queue="europe", at_ms=n, free=1),), calls=frozenset({f"c{n}"})
    )


def opened(folder: Path, *, limit: int = 1 << 20) -> tuple[Notes, NotesJournal, Journal]:
    """What a new start finds."""
    journal = Journal(folder / "p.notes", limit=limit, reserve=4096)
    notes = NotesJournal(journal, clock=lambda: NOW)
    return notes.left_over(), notes, journal


def test_notes_come_back_as_they_were_noted_last(tmp_path: Path) -> None:
    """Of a span that grew the longest is left, each note once; what was there already is not written again."""
    found, first, journal = opened(tmp_path)
    assert not found
    assert first.keep(noted(1), whole=True)
    used = journal.used
    assert first.keep(noted(1), whole=True)
    assert journal.used == used
    assert first.keep(noted(1, until=6000), whole=True)
    assert first.keep(noted(2), whole=True)
    first.close()
    found, second, journal = opened(tmp_path)
    assert {span.to_ms for span in found.spans} == {6001, 1002}
    assert found.calls == {"c1", "c2"}
    assert (len(found.moments), len(found.free)) == (2, 2)
    second.stored()
    assert journal.used == 0
    second.close()


def test_full_journal_of_notes_begins_anew_or_refuses(tmp_path: Path) -> None:
    """What all that waits fits into is kept whole; where other notes stand there it is refused."""
    _, notes, journal = opened(tmp_path, limit=1200)
    for n in range(1, 20):
        assert notes.keep(noted(1, until=n * 1000), whole=True)
        assert journal.used <= 1200
    while notes.keep(noted(journal.used), whole=False):
        pass
    assert journal.used <= 1200
    notes.close()


def test_what_is_old_or_foreign_is_passed_over(tmp_path: Path) -> None:
    """Notes of last month and what nobody can read are no reason to stop."""
    journal = Journal(tmp_path / "p.notes")
    journal.open()
    journal.append([Entry(NOW - MAX_AGE_S - 1, b'{"calls":["old"]}'), Entry(NOW, b'{"calls":7}')])
    journal.append([Entry(NOW, b'{"calls":["good"]}')])
    journal.close()
    found, notes, _ = opened(tmp_path)
    assert found.calls == {"good"}
    notes.close()


def test_without_a_disk_it_says_so_and_nothing_stops(tmp_path: Path) -> None:
    """Where no file can be made notes wait in memory alone."""
    (tmp_path / "p.notes").mkdir()
    found, notes, _ = opened(tmp_path)
    assert not found
    assert not notes.keep(noted(1), whole=True)
    notes.stored()
    notes.close()


class Shelf:
    """A book that may be away."""

    def __init__(self) -> None:
        self.away = False
        self.spans: dict[tuple[str, int], Span] = {}

    def save_notes(self, notes: Notes) -> None:
        """Write, or fail."""
        if self.away:
            raise OSError("away")
        self.spans |= {(span.interface, span.from_ms): span for span in notes.spans}

    def note_targets(self, targets: Mapping[str, tuple[float, float]], at: float) -> int:
        """Targets."""
        return 0

    def note_teams(self, teams: Mapping[str, str], at: float) -> int:
        """Teams."""
        return 0

    def teams(self) -> Mapping[str, str]:
        """None."""
        return {}


def keeper(shelf: Shelf, spare: NotesJournal, left: Notes, more: Notes) -> Keeper:
    """One of a new process, to which `more` was told since."""

    async def run(work: Callable[[], Any]) -> Any:
        return work()

    recorder = Recorder()
    recorder.give_back(left)
    recorder.give_back(more)
    return Keeper(recorder, shelf, run=run, clock=lambda: NOW, targets={}, away=lambda: shelf.away, spare=spare)


async def test_history_of_an_outage_outlives_the_process(tmp_path: Path) -> None:
    """What could not be written is in the journal, and the next process writes it; then the journal is empty."""
    shelf = Shelf()
    shelf.away = True
    left, spare, journal = opened(tmp_path)
    assert not await keeper(shelf, spare, left, noted(1)).write()
    assert journal.used
    spare.close()
    shelf.away = False
    left, spare, journal = opened(tmp_path)
    assert await keeper(shelf, spare, left, noted(2)).write()
    assert set(shelf.spans) == {("PJSIP/8001", 1), ("PJSIP/8001", 2)}
    spare.close()


async def test_journal_of_the_history_is_empty_once_it_is_written(tmp_path: Path) -> None:
    """After the store took the notes, or another node was there to write them for long enough, nothing is left."""
    shelf = Shelf()
    left, spare, journal = opened(tmp_path)
    one = keeper(shelf, spare, left, noted(1))
    shelf.away = True
    await one.write()
    assert journal.used
    shelf.away = False
    await one.write()
    assert journal.used == 0
    one.stand_by()
    shelf.away = True
    one._recorder.give_back(noted(3))
    await one.write()
    assert journal.used
    shelf.away = False
    for _ in range(KEEP):
        await one.write()
    assert journal.used, "whoever leads may not have written it yet"
    await one.write()
    assert journal.used == 0
    spare.close()
