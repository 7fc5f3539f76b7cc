"""Notes what the calls document has not: agents' time, holds, wrap-ups, rings, when a queue had somebody idle (pure).

Events go in, in the order in which the core told them; `take` gives what is to be written down since. Keys are made of
what is noted, so that writing it twice is harmless. While the link is down nothing is known: spans end there, and what
comes after the gap begins anew.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from cti import events
from cti.board.metrics import to_ms
from cti.board.people import People, phase_in
from cti.events import AgentState, Event
from cti.history.calendar import QUARTER_MS
from cti.history.facts import Moment

MOST: Final = 50_000
"Notes that may wait to be written; beyond it the oldest are given up, and counted."


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """An agent in one phase, cut at the quarters of an hour."""

    interface: str
    from_ms: int
    to_ms: int
    agent: str
    phase: str
    reason: str


class Free(msgspec.Struct, frozen=True, kw_only=True):
    """From here on a queue had somebody idle (1), nobody (0), or it is not known (-1)."""

    queue: str
    at_ms: int
    free: int


class Notes(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be written down. `calls` are those whose rows may come out differently now."""

    spans: tuple[Span, ...] = ()
    moments: tuple[Moment, ...] = ()
    free: tuple[Free, ...] = ()
    calls: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        """True where there is anything."""
        return bool(self.spans or self.moments or self.free or self.calls)


class _Phase(msgspec.Struct, kw_only=True):
    """The phase an agent is in, from `from_ms` (written down until there)."""

    agent: str
    phase: str
    reason: str
    from_ms: int
    call: str | None
    queue: str
    wrap_from: int | None = None


class Recorder:
    """Subscribe `on_event` to the bus; write down what `take` gives."""

    def __init__(self) -> None:
        """Nobody is there yet."""
        self.given_up = 0
        "Notes that could not wait."
        self._people = People()
        self._phases: dict[str, _Phase] = {}
        self._last_call: dict[str, tuple[str, str]] = {}
        "interface -> (call, queue) it had last"
        self._free: dict[str, int] = {}
        self._rings: dict[tuple[str, str], Moment] = {}
        self._holds: dict[tuple[str, str], Moment] = {}
        self._spans: dict[tuple[str, int], Span] = {}
        self._moments: dict[tuple[str, str, str, int], Moment] = {}
        self._toggles: dict[tuple[str, int], Free] = {}
        self._calls: dict[str, None] = {}

    def on_event(self, event: Event) -> None:
        """Note what this event says."""
        at = to_ms(event.at)
        match event:
            case events.AgentChanged():
                self._agent(event.agent, at)
            case events.AgentGone():
                self._gone(event.interface, at)
            case events.AgentRinging():
                if event.visit is not None:
                    self._rings[event.call, event.ring] = Moment(
                        call=event.call,
                        doing="ring",
                        interface=event.interface,
                        from_ms=at,
                        to_ms=None,
                        agent=event.agent or "",
                        queue=event.queue or "",
                    )
            case events.RingEnded():
                self._ring_over(event.call, event.ring, at, answered=event.reason == "answered")
            case events.AgentMissed():
                self._ring_over(event.call, event.ring, at, answered=False)
            case events.CallHeld():
                key = (event.call, event.interface)
                if key not in self._holds:
                    self._holds[key] = Moment(
                        call=event.call, doing="hold", interface=event.interface, from_ms=at, to_ms=None
                    )
            case events.CallResumed():
                self._resume(event.call, event.interface, at)
            case events.TalkEnded():
                self._resume(event.call, event.interface, at)
                self._calls[event.call] = None
            case events.CallAnswered() | events.CallAbandoned() | events.CallLeftQueue():
                self._calls[event.call] = None
            case events.CallEnded():
                for call, interface in [key for key in self._holds if key[0] == event.call]:
                    self._resume(call, interface, at)
                for ring in [ring for call, ring in self._rings if call == event.call]:
                    self._ring_over(event.call, ring, at, answered=False)
                self._calls[event.call] = None
            case events.PbxLost() | events.PbxRestarted():
                self._blind(at)
            case _:
                pass

    # -- agents -------------------------------------------------------------------------------------

    def _agent(self, state: AgentState, at: int) -> None:
        queues = self._people.put(state, at / 1000) | {membership.queue for membership in state.queues}
        reason = state.pause_reason if state.phase == "paused" else ""
        now = self._phases.get(state.interface)
        if state.call is not None and state.phase in ("busy", "held"):
            self._last_call[state.interface] = (state.call, state.queue or "")
        if now is None or (now.phase, now.reason) != (state.phase, reason):
            began = at
            if now is not None:
                began = max(at, now.from_ms)
                self._close(state.interface, now, began)
            call, queue = self._last_call.get(state.interface, (None, ""))
            self._phases[state.interface] = _Phase(
                agent=state.agent,
                phase=state.phase,
                reason=reason,
                from_ms=began,
                call=call if state.phase == "wrapup" else None,
                queue=queue,
                wrap_from=began if state.phase == "wrapup" else None,
            )
        self._look(queues, at)

    def _gone(self, interface: str, at: int) -> None:
        queues = self._people.remove(interface)
        now = self._phases.pop(interface, None)
        if now is not None:
            self._close(interface, now, max(at, now.from_ms))
        self._look(queues, at)

    def _close(self, interface: str, now: _Phase, at: int) -> None:
        self._extend(interface, now, at)
        if now.wrap_from is not None and now.call is not None:
            self._keep(
                Moment(
                    call=now.call,
                    doing="wrapup",
                    interface=interface,
                    from_ms=now.wrap_from,
                    to_ms=at,
                    agent=now.agent,
                    queue=now.queue,
                )
            )

    def _extend(self, interface: str, now: _Phase, at: int) -> None:
        """Note a phase up to `at`. Only the piece that still lies open is written again."""
        begin = now.from_ms
        while begin < at:
            end = min(at, (begin // QUARTER_MS + 1) * QUARTER_MS)
            self._put_span(interface, now, begin, end)
            now.from_ms = begin if end % QUARTER_MS else end
            begin = end

    def _put_span(self, interface: str, now: _Phase, begin: int, end: int) -> None:
        self._room(self._spans)
        self._spans[interface, begin] = Span(
            interface=interface, from_ms=begin, to_ms=end, agent=now.agent, phase=now.phase, reason=now.reason
        )

    def _look(self, queues: set[str], at: int) -> None:
        for queue in queues:
            idle = any(phase_in(member) == "idle" for member in self._people.members(queue))
            self._toggle(queue, int(idle), at)

    def _toggle(self, queue: str, free: int, at: int) -> None:
        if self._free.get(queue, -1) != free:
            self._free[queue] = free
            self._room(self._toggles)
            self._toggles[queue, at] = Free(queue=queue, at_ms=at, free=free)

    def _blind(self, at: int) -> None:
        """Nothing is known from here on."""
        for interface, now in self._phases.items():
            self._close(interface, now, max(at, now.from_ms))
        self._phases.clear()
        self._people = People()
        for queue in tuple(self._free):
            self._toggle(queue, -1, at)
        self._rings.clear()
        self._holds.clear()

    # -- calls --------------------------------------------------------------------------------------

    def _ring_over(self, call: str, ring: str, at: int, *, answered: bool) -> None:
        begun = self._rings.pop((call, ring), None)
        if begun is not None:
            self._keep(msgspec.structs.replace(begun, to_ms=max(at, begun.from_ms), answered=answered))

    def _resume(self, call: str, interface: str, at: int) -> None:
        begun = self._holds.pop((call, interface), None)
        if begun is not None:
            self._keep(msgspec.structs.replace(begun, to_ms=max(at, begun.from_ms)))

    def _keep(self, moment: Moment) -> None:
        self._room(self._moments)
        self._moments[moment.call, moment.doing, moment.interface, moment.from_ms] = moment
        self._calls[moment.call] = None

    def _room(self, waiting: dict[Any, Any]) -> None:
        if len(waiting) >= MOST:
            del waiting[next(iter(waiting))]
            self.given_up += 1

    # -- out ----------------------------------------------------------------------------------------

    def take(self, now: float) -> Notes:
        """What is to be written down by now (seconds, PBX clock). If it could not be, `give_back` it."""
        for interface, phase in self._phases.items():
            self._extend(interface, phase, max(to_ms(now), phase.from_ms))
        notes = Notes(
            spans=tuple(self._spans.values()),
            moments=tuple(self._moments.values()),
            free=tuple(self._toggles.values()),
            calls=frozenset(self._calls),
        )
        self._spans, self._moments, self._toggles, self._calls = {}, {}, {}, {}
        return notes

    def give_back(self, notes: Notes) -> None:
        """What could not be written waits again, behind nothing newer."""
        for span in notes.spans:
            self._room(self._spans)
            self._spans.setdefault((span.interface, span.from_ms), span)
        for moment in notes.moments:
            self._room(self._moments)
            self._moments.setdefault((moment.call, moment.doing, moment.interface, moment.from_ms), moment)
        for free in notes.free:
            self._room(self._toggles)
            self._toggles.setdefault((free.queue, free.at_ms), free)
        for call in list(notes.calls)[: max(0, MOST - len(self._calls))]:
            self._calls.setdefault(call, None)
