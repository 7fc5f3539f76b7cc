"""What pages ask of the history: implements `cti.web.ports.History` with the store.

Supervisors and admins see everything (admins without callers' numbers); agents only their own figures, by their phones.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final, Protocol, TypeVar

import msgspec

from cti.auth import Identity
from cti.history import export
from cti.history.answers import CallList, Choices, Definitions, File, Names
from cti.history.ask import Facts, Listed, Question, Slice, Which
from cti.history.calendar import Calendar
from cti.history.definitions import definitions
from cti.history.query import BadQuestion, Params, question_of, skip_of, which_of
from cti.history.report import CauseReport, Report, Steps, cause_report, report, targets_for, team_at
from cti.history.story import Source, Story, phones, story
from cti.wire import Party

T = TypeVar("T")
PAGE: Final = 200
MOST_ROWS: Final = 200_000
"Rows of an exported list."
NOBODY: Final = ("nobody",)
"Interfaces of somebody without a phone: no row has them."


Whose = Callable[[Iterable[str | None]], Awaitable[Mapping[str, Party]]]


class Past(Facts, Protocol):
    """The store, as far as the history asks it."""

    def listed(self, part: Slice, which: Which) -> Iterator[Listed]:
        """The rows behind a number, newest first."""

    def story_source(self, call_id: str) -> Source | None:
        """All that is kept of one call; None where there is no such call."""


class HistoryDesk:
    """The history for pages. `run` runs slow work elsewhere; what it raises is the caller's to tell."""

    def __init__(
        self,
        store: Past,
        calendar: Calendar,
        *,
        run: Callable[[Callable[[], Any]], Awaitable[Any]],
        phones: Callable[[str], Sequence[str]],
        clock: Callable[[], float],
        names: Names | None = None,
        whose: Whose,
    ) -> None:
        """`phones` gives a user's phones; `clock` is the PBX's; `names` are the site's, the calendar's zone stands.

        `whose` tells whose numbers are, as far as anybody knows, and never raises.
        """
        self._whose = whose
        self._names = msgspec.structs.replace(names or Names(), zone=calendar.zone.key)
        self._store = store
        self._calendar = calendar
        self._run = run
        self._phones = phones
        self._clock = clock

    async def report(self, identity: Identity, params: Params) -> Report:
        """Figures. Raises BadQuestion."""
        question = self._question(identity, params)
        return await self._elsewhere(lambda: report(question, self._store, self._calendar))

    async def causes(self, identity: Identity, params: Params) -> CauseReport:
        """Why calls were late. Raises BadQuestion."""
        question = self._question(identity, params)
        return await self._elsewhere(lambda: cause_report(question, self._store, self._calendar))

    async def calls(self, identity: Identity, params: Params) -> CallList:
        """The calls behind a number. Raises BadQuestion."""
        question, which, skip = self._question(identity, params), which_of(params), skip_of(params)

        def read() -> CallList:
            rows = list(islice(self._rows(identity, question, which), skip, skip + PAGE + 1))
            more = skip + PAGE if len(rows) > PAGE else None
            return CallList(which=which, rows=tuple(rows[:PAGE]), next=more)

        found = await self._elsewhere(read)
        who = await self._whose(row.caller for row in found.rows)
        rows = tuple(msgspec.structs.replace(row, party=who.get(row.caller or "")) for row in found.rows)
        return msgspec.structs.replace(found, rows=rows)

    async def story(self, identity: Identity, call: str) -> Story | None:
        """One call step by step; None where there is none, or where an agent's phones had nothing to do with it."""
        source: Source | None = await self._elsewhere(lambda: self._store.story_source(call))
        if source is None:
            return None
        if "board" not in identity.rights and not phones(source) & set(self._phones(identity.login)):
            return None
        told = story(source)
        return told if "customers" in identity.rights else msgspec.structs.replace(told, caller=None)

    async def export(self, identity: Identity, params: Params) -> File:
        """A report, or with `which` the calls behind a number, as a file. Raises BadQuestion."""
        question = self._question(identity, params)
        wanted = params.get("format", ("xlsx",))[0]
        kind = next((known for known in export.FORMATS if known == wanted), None)
        if kind is None:
            raise BadQuestion("format 应为 csv 或 xlsx", "`format` is csv or xlsx")
        which = which_of(params) if params.get("which") else None

        def make() -> bytes:
            if which is None:
                told = report(question, self._store, self._calendar)
                return export.file_of(export.report_sheet(told, question, self._calendar), kind)
            rows = islice(self._rows(identity, question, which), MOST_ROWS)
            return export.file_of(export.list_sheet(rows, question, self._calendar, which), kind)

        content = await self._elsewhere(make)
        day = self._calendar.day_of(question.since_ms).isoformat()
        return File(name=f"thirteen-{which or question.by}-{day}.{kind}", kind=export.TYPES[kind], content=content)

    async def choices(self, identity: Identity, params: Params) -> Choices:
        """Names in the period, for filters. Raises BadQuestion."""
        question = self._question(identity, params)

        def read() -> Choices:
            names = {
                by: tuple(
                    row.key
                    for row in report(
                        msgspec.structs.replace(question, by=by, hours=None, compare=False), self._store, self._calendar
                    ).rows
                    if row.key
                )
                for by in ("queue", "line", "agent", "team")
            }
            return Choices(
                queues=names["queue"],
                lines=names["line"],
                agents=names["agent"],
                teams=names["team"],
                site=self._names,
            )

        return await self._elsewhere(read)

    def definitions(self) -> Definitions:
        """What every number means, from the code that computes it."""
        return Definitions(target_s=13.0, short_s=5.0, definitions=tuple(definitions()))

    def _question(self, identity: Identity, params: Params) -> Question:
        question = question_of(params, self._calendar, self._clock())
        if "board" not in identity.rights:
            own = tuple(self._phones(identity.login)) or NOBODY
            question = msgspec.structs.replace(question, interfaces=own)
        return question

    def _rows(self, identity: Identity, question: Question, which: Which) -> Iterator[Listed]:
        calendar, known = self._calendar, self._store.history_targets()
        part = Slice(
            ranges=calendar.ranges(question.hours, question.since_ms, question.until_ms),
            question=question,
            targets=targets_for(question, known),
            dims=(),
        )
        steps: Steps = self._store.team_steps() if question.teams else {}
        for row in self._store.listed(part, which):
            if question.teams:
                team = team_at(steps.get(row.interface, ()), round(row.at * 1000)) if row.interface else None
                if team not in question.teams:
                    continue
            yield row if "customers" in identity.rights else msgspec.structs.replace(row, caller=None)

    async def _elsewhere(self, work: Callable[[], T]) -> T:
        done: T = await self._run(work)
        return done
