"""Which callers were missed, and which were called back, told from the events of the calls (pure)."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

import msgspec

from cti import events

KEPT: Final = 5000
"Calls remembered at once."


class Missed(msgspec.Struct, frozen=True, kw_only=True):
    """A caller waited in a queue and talked with nobody."""

    call: str
    number: str
    line: str
    queue: str
    wait_s: float
    at: float


class Reached(msgspec.Struct, frozen=True, kw_only=True):
    """We talk with this number: who called or was called does not matter."""

    call: str
    number: str
    outbound: bool


class _Call(msgspec.Struct):
    number: str | None
    line: str
    outbound: bool
    queue: str = ""
    since: float | None = None
    wait_s: float = 0.0
    talked: bool = False


class MissedCalls:
    """Fed with every event; answers with what it makes of it."""

    def __init__(self) -> None:
        self._calls: OrderedDict[str, _Call] = OrderedDict()

    def apply(self, event: events.Event) -> Missed | Reached | None:
        """What one event tells."""
        match event:
            case events.CallOffered():
                self._open(event)
            case events.CallQueued():
                call = self._calls.get(event.call) or self._add(
                    event.call, _Call(event.caller, event.dialed or "", False)
                )
                call.queue = event.queue
                call.since = event.waiting_since if call.since is None else call.since
                call.number = call.number or event.caller
            case events.CallAbandoned() | events.CallLeftQueue():
                gone = self._calls.get(event.call)
                if gone is not None:
                    gone.wait_s = max(gone.wait_s, event.wait_s or 0.0)
            case events.CallAnswered() | events.TalkStarted():
                return self._talked(event.call)
            case events.CallMerged():
                self._calls.pop(event.call, None)
            case events.CallEnded():
                return self._ended(event)
            case _:
                pass
        return None

    def _open(self, event: events.CallOffered) -> None:
        if event.call in self._calls or event.direction == "internal":
            return
        outbound = event.direction == "outbound"
        number = event.dialed if outbound else event.caller
        self._add(event.call, _Call(number, "" if outbound else event.dialed or "", outbound))

    def _add(self, id: str, call: _Call) -> _Call:
        self._calls[id] = call
        while len(self._calls) > KEPT:
            self._calls.popitem(last=False)
        return call

    def _talked(self, id: str) -> Reached | None:
        call = self._calls.get(id)
        if call is None or call.talked or not call.number:
            return None
        call.talked = True
        return Reached(call=id, number=call.number, outbound=call.outbound)

    def _ended(self, event: events.CallEnded) -> Missed | None:
        call = self._calls.pop(event.call, None)
        if call is None or call.talked or call.outbound or not call.queue or not call.number:
            return None
        wait = max(call.wait_s, event.at - call.since if call.since is not None else 0.0)
        return Missed(call=event.call, number=call.number, line=call.line, queue=call.queue, wait_s=wait, at=event.at)
