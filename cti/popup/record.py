"""The unified record 客户总档: six sections, each read by itself with its own deadline and its own "as of".

Nothing here stands between a ring and its pop. Sections are read in the lanes of their source and handed over as they
come; what is late is said to be late, shown as an older copy where there is one, and replaced when it arrives.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from datetime import tzinfo
from typing import Any, Final, Protocol

import msgspec

from crm_bridge import model
from crm_bridge.numbers import Number
from cti import wire
from cti.popup.intents import call_notes, flags, intents
from cti.popup.lanes import Away, Lane, Late
from cti.popup.state import Head

log = logging.getLogger(__name__)

DEADLINE_S: Final = 2.0
"A section that took longer is marked late (FAULTS F19)."
AGAIN_S: Final = (3.0, 10.0, 30.0)
"After these pauses a look-up that was not answered is tried again: the CRM may come back during the call."
LIMIT: Final = 20
"Newest items of a section."
COPIES: Final = 3000
"Sections kept to show when their source is late."
CRM_SECTIONS: Final[tuple[wire.SectionName, ...]] = ("profile", "quotes", "business", "chat")
PROFILE_S: Final = 0.15
"How long our own sections wait for the party's other numbers."
OWN_SECTIONS: Final[tuple[wire.SectionName, ...]] = ("calls", "sms")


class History(Protocol):
    """What our own store knows by number. Synchronous: called in worker threads."""

    def calls(self, keys: Sequence[str], limit: int, but: str) -> tuple[Sequence[wire.CallItem], int]:
        """Newest calls of any of these numbers without the call `but`, and how many there are in all."""

    def sms(self, keys: Sequence[str], limit: int) -> tuple[Sequence[wire.SmsItem], int]:
        """Newest messages to or from any of these numbers, and how many there are in all."""


class _Record(msgspec.Struct):
    """What is being gathered for one call."""

    party: str | None
    keys: tuple[str, ...]
    sections: dict[wire.SectionName, wire.Section]
    raw: dict[str, Any]
    profiled: asyncio.Event
    "The profile came, or will not come in time."


def _is_outage(error: BaseException) -> bool:
    return not (isinstance(error, model.CrmError) and error.permanent)


def _tells_against(error: BaseException) -> bool:
    """Whether a lane should leave the CRM alone: not for one that guards itself and goes on with its own copy."""
    return _is_outage(error) and not (isinstance(error, model.CrmError) and error.guarded)


class Records:
    """Looks numbers up and gathers the sections of the calls that somebody will see."""

    def __init__(
        self,
        crm: Callable[[], model.Crm],
        history: History,
        *,
        canonical: Callable[[str | None], Number],
        clock: Callable[[], float],
        steady: Callable[[], float],
        alive: Callable[[str], bool] = lambda call: True,
        on_match: Callable[[str, Sequence[model.Match]], None],
        on_no_answer: Callable[[str], None],
        on_section: Callable[[str, wire.Section], None],
        on_head: Callable[[str, Head], None],
        zone: tzinfo | None = None,
        workers: int = 3,
        deadline_s: float = DEADLINE_S,
    ) -> None:
        """The callbacks are called in the event loop: the first two once a look-up, the others as things come.

        `crm` gives the CRM, in a worker thread: one that could not be opened yet raises CrmError there. `alive` tells
        whether a call still goes on: a look-up that failed is tried again while it does.
        """
        self._crm = crm
        self._history = history
        self._canonical = canonical
        self._clock = clock
        self._alive = alive
        self._on_match = on_match
        self._on_no_answer = on_no_answer
        self._on_section = on_section
        self._on_head = on_head
        self._zone = zone
        self.finding = Lane("crm-find", 2, deadline_s=deadline_s, clock=steady, counts=_tells_against)
        self.reading = Lane("crm-read", workers, deadline_s=deadline_s, clock=steady, counts=_tells_against)
        self.own = Lane("history", 1, deadline_s=deadline_s, clock=steady)
        self._records: dict[str, _Record] = {}
        self._copies: OrderedDict[tuple[str, wire.SectionName], wire.Section] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def crm_ok(self) -> bool:
        """False while the CRM is held for broken."""
        return self.finding.ok and self.reading.ok

    # --- what the session asks for -----------------------------------------------------------------------------

    def look_up(self, call: str, number: str) -> None:
        """Find out whose number this is; `on_match` or `on_no_answer` follows."""
        self._start(self._look_up(call, number))

    def gather(self, call: str, party: str | None, number: str | None) -> None:
        """Read the sections of a call: the party's, or what the number alone gives."""
        key = self._canonical(number).key if number else None
        record = _Record(party=party, keys=(key,) if key else (), sections={}, raw={}, profiled=asyncio.Event())
        again = call in self._records
        self._records[call] = record
        names = OWN_SECTIONS if party is None else (*CRM_SECTIONS, *OWN_SECTIONS)
        if party is not None:
            self._start(self._crm_sections(call, record, party))
        for name in wire.SECTIONS:
            if name not in names or (name in OWN_SECTIONS and not record.keys and party is None):
                self._put(call, record, wire.Section(name=name, state="empty", as_of=self._clock()))
            else:
                if again:  # another party was chosen: what stands there is no longer true
                    self._put(call, record, wire.Section(name=name, state="loading"))
                if party is not None and name in OWN_SECTIONS:
                    self._start(self._own_section(call, record, name))
                elif party is None:
                    self._start(self._section(call, record, name))

    def refresh(self, call: str, name: wire.SectionName) -> bool:
        """Read one section again, as the page's 重试 asks; False where there is nothing to read."""
        record = self._records.get(call)
        if record is None or (record.party is None and name in CRM_SECTIONS):
            return False
        if record.sections.get(name) is None:
            return True
        self._put(call, record, wire.Section(name=name, state="loading"))
        self._start(self._section(call, record, name))
        return True

    def messages_changed(self, key: str) -> None:
        """A message to or from this number came, or fared on: calls that show it read the section again."""
        for call, record in tuple(self._records.items()):
            if key in record.keys:
                self.reread(call, ("sms",))

    def reread(self, call: str, names: Iterable[wire.SectionName]) -> None:
        """Something of the call's party was saved: read these sections again, without a flash."""
        record = self._records.get(call)
        if record is not None:
            for name in names:
                self._start(self._section(call, record, name))

    def forget(self, call: str) -> None:
        """Nobody looks at this call any longer."""
        self._records.pop(call, None)

    def sections(self, call: str) -> list[wire.Section]:
        """What has come so far, for a snapshot."""
        record = self._records.get(call)
        return list(record.sections.values()) if record is not None else []

    async def ask(self, call: Callable[[model.Crm], Any]) -> Any:
        """Do something else with the CRM in its lane. Raises CrmError, also for an answer that did not come."""
        try:
            return await self.reading.run(lambda: call(self._crm()))
        except Away as away:
            raise model.CrmError("客户库暂不可用", text_en="The CRM is away", permanent=False) from away
        except Late as late:
            raise model.CrmError(
                "客户库没有及时答复，是否已保存尚不确定", text_en="The CRM is slow; perhaps saved", permanent=False
            ) from late

    async def close(self) -> None:
        """Stop everything."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for lane in (self.finding, self.reading, self.own):
            lane.close()

    # --- inside ------------------------------------------------------------------------------------------------

    def _start(self, work: Any) -> None:
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _look_up(self, call: str, number: str) -> None:
        for pause in (*AGAIN_S, None):
            if await self._asked(call, number):
                return
            self._on_no_answer(call)
            if pause is None:
                return
            await asyncio.sleep(pause)
            if not self._alive(call):
                return

    async def _asked(self, call: str, number: str) -> bool:
        """One question; True where it was answered, or where its answer is still on its way."""
        try:
            matches = await self.finding.run(lambda: self._crm().lookup(number))
        except Late as late:
            if late.answer.cancelled():
                return False
            self._on_no_answer(call)
            late.answer.add_done_callback(lambda answer: self._late_match(call, answer))
            return True
        except Away:
            return False
        except Exception as error:
            # Whatever a CRM raises, the pop goes on without it. The kind of the error, never its text: numbers.
            log.warning("look-up failed: %s", type(error).__name__)
            if not _is_outage(error):
                self._on_no_answer(call)
                return True
            return False
        self._on_match(call, matches)
        return True

    def _late_match(self, call: str, answer: asyncio.Future[list[model.Match]]) -> None:
        if not answer.cancelled() and answer.exception() is None:
            self._on_match(call, answer.result())

    async def _crm_sections(self, call: str, record: _Record, party: str) -> None:
        """The CRM's sections: in one question where it can answer one, else by themselves, as where that failed."""
        try:
            found = await self.reading.run(lambda: self._read_together(party))
        except Late as late:
            for name in CRM_SECTIONS:
                self._put(call, record, self._copy(record, name, "late"))
            late.answer.add_done_callback(lambda answer: self._late_sections(call, record, answer))
        except Exception as error:
            # One bad section must not take the others along: what it was, each tells by itself.
            if not isinstance(error, Away | model.CrmError):
                log.warning("the record failed: %s", type(error).__name__)
            self._apart(call, record)
        else:
            self._together(call, record, found)

    def _together(self, call: str, record: _Record, found: list[tuple[wire.Section, Any]] | None) -> None:
        for section, raw in found or ():
            self._came(call, record, section, raw)
        if found is None:
            self._apart(call, record)

    def _apart(self, call: str, record: _Record) -> None:
        for name in CRM_SECTIONS:
            self._start(self._section(call, record, name))

    def _late_sections(
        self, call: str, record: _Record, answer: asyncio.Future[list[tuple[wire.Section, Any]] | None]
    ) -> None:
        if not answer.cancelled() and self._records.get(call) is record:
            self._together(call, record, None if answer.exception() is not None else answer.result())

    async def _section(self, call: str, record: _Record, name: wire.SectionName) -> None:
        lane = self.own if name in OWN_SECTIONS else self.reading
        keys = record.keys
        try:
            section, raw = await lane.run(lambda: self._read(call, record.party, keys, name))
        except Late as late:
            self._put(call, record, self._copy(record, name, "late"))
            late.answer.add_done_callback(lambda answer: self._late_section(call, record, name, answer))
        except Away:
            self._put(call, record, self._copy(record, name, "error"))
        except Exception as error:
            if _is_outage(error):
                log.warning("section %s failed: %s", name, type(error).__name__)
            self._put(call, record, self._copy(record, name, "error", error))
        else:
            self._came(call, record, section, raw)

    async def _own_section(self, call: str, record: _Record, name: wire.SectionName) -> None:
        """Calls and messages of all the party's numbers: those stand in the profile, which is waited for a moment."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PROFILE_S):
                await record.profiled.wait()
        await self._section(call, record, name)

    def _late_section(
        self,
        call: str,
        record: _Record,
        name: wire.SectionName,
        answer: asyncio.Future[tuple[wire.Section, Any]],
    ) -> None:
        if answer.cancelled() or answer.exception() is not None:
            return
        section, raw = answer.result()
        shown = record.sections.get(name)
        if shown is not None and shown.state in ("late", "error", "loading"):
            self._came(call, record, section, raw)

    def _read(
        self, call: str, party: str | None, keys: tuple[str, ...], name: wire.SectionName
    ) -> tuple[wire.Section, Any]:
        """One section from its source; runs in a worker thread."""
        now = self._clock()
        if name == "calls":
            calls, total = self._history.calls(keys, LIMIT, call)
            return _section(name, calls, total, now), calls
        if name == "sms":
            messages, total = self._history.sms(keys, LIMIT)
            return _section(name, messages, total, now), messages
        if party is None:
            return _section(name, (), 0, now), ()
        crm = self._crm()
        if name == "profile":
            return _profile(crm.profile(party), now)
        if name == "quotes":
            return _quotes(crm.quotes(party, LIMIT))
        if name == "business":
            return _items(name, crm.business(party, LIMIT))
        return _items(name, crm.chats(party, LIMIT))

    def _read_together(self, party: str) -> list[tuple[wire.Section, Any]] | None:
        """All the CRM knows in one question, None for a CRM that is asked by section; runs in a worker thread."""
        crm = self._crm()
        if not isinstance(crm, model.Whole):
            return None
        whole = crm.record(party, LIMIT)
        return [
            _profile(whole.profile, self._clock()),
            _quotes(whole.quotes),
            _items("business", whole.business),
            _items("chat", whole.chats),
        ]

    def _came(self, call: str, record: _Record, section: wire.Section, raw: Any) -> None:
        record.raw[section.name] = raw
        if record.party is not None:
            self._copies[(record.party, section.name)] = section
            self._copies.move_to_end((record.party, section.name))
            while len(self._copies) > COPIES:
                self._copies.popitem(last=False)
        self._put(call, record, section)
        if section.name == "profile":
            self._more_numbers(call, record, raw)
            record.profiled.set()

    def _more_numbers(self, call: str, record: _Record, profile: model.Profile) -> None:
        """The party's other numbers are known now: calls and messages of those belong to the record, too."""
        found = [self._canonical(p.value).key for p in profile.contact_points if p.kind == "phone"]
        keys = tuple(dict.fromkeys((*record.keys, *(k for k in found if k))))[:20]
        if keys != record.keys:
            record.keys = keys
            for name in OWN_SECTIONS:
                read = record.sections.get(name)
                if read is not None and read.state != "loading":  # with fewer numbers
                    self._start(self._section(call, record, name))

    def _put(self, call: str, record: _Record, section: wire.Section) -> None:
        if self._records.get(call) is not record:
            return  # forgotten, or another party was chosen meanwhile
        record.sections[section.name] = section
        self._on_section(call, section)
        hinting: tuple[wire.SectionName, ...] = ("profile", "quotes", "business", "chat", "calls")
        needed = hinting if record.party is not None else hinting[-1:]
        settled = (record.sections.get(n) for n in needed)
        if section.name in needed and all(s is not None and s.state != "loading" for s in settled):
            self._on_head(call, self._head(record.raw))

    def _head(self, raw: dict[str, Any]) -> Head:
        now = self._clock()
        profile: model.Profile | None = raw.get("profile")
        calls: Sequence[wire.CallItem] = raw.get("calls", ())
        found = intents(
            now,
            self._zone,
            quotes=raw.get("quotes", ()),
            business=raw.get("business", ()),
            calls=calls,
            chats=raw.get("chat", ()),
            notes=(*(() if profile is None else profile.notes), *call_notes(calls)),
        )
        return Head(found, flags(now, self._zone, profile), None if profile is None else profile.party)

    def _copy(
        self,
        record: _Record,
        name: wire.SectionName,
        state: wire.SectionState,
        error: BaseException | None = None,
    ) -> wire.Section:
        """The section as it was when it last came, marked as such; without one, nothing but the mark."""
        if isinstance(error, model.CrmError):
            text, text_en = error.text, error.text_en
        elif state == "late":
            text, text_en = f"{self.reading.deadline_s:g} 秒内未取到", f"Not within {self.reading.deadline_s:g} s"
        else:
            text, text_en = "来源暂不可用", "The source is away"
        old = self._copies.get((record.party, name)) if record.party is not None else None
        if old is None:
            return wire.Section(name=name, state=state, text=text, text_en=text_en)
        return msgspec.structs.replace(old, state=state, text=text, text_en=text_en)


def _profile(profile: model.Profile, now: float) -> tuple[wire.Section, Any]:
    return _section("profile", (profile,), 1, now), profile


def _quotes(quotes: model.Section[model.Quote]) -> tuple[wire.Section, Any]:
    section, items = _items("quotes", quotes)
    return msgspec.structs.replace(section, trend=quotes.trend), items


def _items(name: wire.SectionName, found: model.Section[Any]) -> tuple[wire.Section, Any]:
    return _section(name, found.items, found.total, found.as_of), found.items


def _section(name: wire.SectionName, items: Iterable[Any], total: int, as_of: float) -> wire.Section:
    kept = tuple(items)
    return wire.Section(
        name=name, state="ready" if kept else "empty", as_of=as_of, total=max(total, len(kept)), items=kept
    )
