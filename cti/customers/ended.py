"""Ended calls on their way back into the site's own CRM: each once, also after a crash between the call and its row.

A call is put into the outbox from what the store holds of it, a moment after its end: then its document, its notes and
whose it was stand. What was not put because the service died is found in the store at the next start.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final, Protocol

from crm_bridge.live import SiteCrm
from crm_bridge.mapped import MappedCrm
from crm_bridge.model import CrmError
from crm_bridge.writeback import Outbox, Rules
from crm_bridge.writeback.intents import Kind, PartyRef
from cti import events
from cti.calls.record import Call
from cti.popup.lanes import Away, Late
from cti.popup.rules import decide
from cti.store import CallNote, StoreError
from cti.store.rows import summary

log = logging.getLogger(__name__)

SOON_S: Final = 1.0
"After the end of a call: the store has it by then. What is noted later goes as a further revision."
SETTLED_S: Final = 90.0
"The same where the mapping cannot change what it wrote: the note is typed after the call."
AGAIN_S: Final = 2.0
RELINK_S: Final = 7 * 86_400.0
"A call of a customer who became known later than this is history."
PATIENCE_S: Final = 600.0
"A call that the store has not got by then is left to the sweep."
SWEEP_S: Final = 900.0
"Between two comparisons of the store with the outbox."
SWEEP_SOON_S: Final = 5.0
MOST_WAITING: Final = 20_000
BACK_S: Final = 6 * 3600.0
"A start looks this far behind the newest call of the outbox."


class Past(Protocol):
    """What the store knows. Synchronous: called in a worker thread."""

    def call(self, call_id: str) -> Call | None:
        """One call's document."""

    def calls_since(self, since: float) -> list[Call]:
        """All calls that began at or after a time."""

    def call_notes(self, call_id: str) -> list[CallNote]:
        """All notes about a call."""

    def party_of(self, call_id: str) -> str | None:
        """The party chosen for a call."""


class EndedCalls:
    """Puts ended calls into the outbox. `on_event` hears the bus, `noted` what was typed later."""

    def __init__(
        self,
        past: Past,
        crm: Callable[[], SiteCrm],
        outbox: Outbox,
        rules: Rules | None,
        *,
        run: Callable[[Callable[[], Any]], Awaitable[Any]],
        clock: Callable[[], float],
        soon_s: float = SOON_S,
        settled_s: float = SETTLED_S,
    ) -> None:
        """`run` does something in a worker thread; `clock` is the PBX's."""
        self._past = past
        self._crm = crm
        self._outbox = outbox
        self._rules = rules
        self._run = run
        self._clock = clock
        revisable = rules is None or rules.revisable("call")
        self._after_s = soon_s if revisable or "call" not in outbox.kinds else settled_s
        self._due: dict[str, float] = {}
        self._heard: dict[str, float] = {}
        self._relinked: set[str] = set()
        self._sweep_at = 0.0
        self._news = asyncio.Event()
        self.given_up = 0
        "Calls that could not wait."

    @property
    def waiting(self) -> int:
        """Ended calls that are not in the outbox yet."""
        return len(self._due)

    def on_event(self, event: events.Event) -> None:
        """An event of the PBX."""
        if isinstance(event, events.CallEnded):
            self._wait_for(event.call, self._after_s)
        elif isinstance(event, events.CallMerged):
            self._due.pop(event.call, None)
        elif isinstance(event, events.PbxResynced):
            # Calls that ended while the link was down are closed without an event of their own.
            self._sweep_at = min(self._sweep_at, self._clock() + SWEEP_SOON_S)
            self._news.set()

    def noted(self, call: str) -> None:
        """Something was typed for a call, which may have ended long ago."""
        self._wait_for(call, 0.0)

    def relinked(self, call: str) -> None:
        """A past call has a customer now: the other CRM is told where it was told of the call, or would have been."""
        self._relinked.add(call)
        self._wait_for(call, 0.0)

    def _wait_for(self, call: str, seconds: float) -> None:
        if len(self._due) >= MOST_WAITING and call not in self._due:
            self.given_up += 1
            return
        now = self._clock()
        self._heard.setdefault(call, now)
        self._due[call] = max(self._due.get(call, 0.0), now + seconds)
        self._news.set()

    async def run(self) -> None:
        """For ever."""
        while True:
            try:
                if self._clock() >= self._sweep_at:
                    self._sweep_at = self._clock() + SWEEP_S
                    await self._run(self._sweep)
                pause = min(await self._turn(), max(0.05, self._sweep_at - self._clock()))
            except (CrmError, StoreError, Away, Late) as error:
                log.warning("ended calls wait: %s", type(error).__name__)
                self._sweep_at = min(self._sweep_at, self._clock() + SWEEP_SOON_S)
                pause = AGAIN_S
            self._news.clear()
            try:
                async with asyncio.timeout(pause):
                    await self._news.wait()
            except TimeoutError:
                pass

    async def _turn(self) -> float:
        """Put what is due; seconds until the next is."""
        now = self._clock()
        for call in [call for call, due in self._due.items() if due <= now]:
            due = self._due[call]
            done = await self._run(partial(self._put_safely, call))
            if self._due.get(call) != due:
                continue  # something was typed meanwhile
            if done or now - self._heard.get(call, now) > PATIENCE_S:
                del self._due[call]
                self._heard.pop(call, None)
                self._relinked.discard(call)
            else:
                self._due[call] = now + AGAIN_S  # not written yet, or still going on
        return max(0.05, min(self._due.values()) - self._clock()) if self._due else SWEEP_S

    def _sweep(self) -> None:
        """Put what ended unheard and is not in the outbox: before the last stop, or while the link was down.

        What was before the first start is past.
        """
        kind: Kind = "call" if "call" in self._outbox.kinds else "note"
        begun = self._outbox.begin(kind, self._clock())
        since = max(begun, (self._outbox.newest(kind) or begun) - BACK_S)
        settled = self._clock() - self._after_s
        for call in self._past.calls_since(since):
            if call.ended_at is None or call.ended_at > settled or call.id in self._due:
                continue
            if kind != "call" or not self._outbox.has("call", call.id):
                self._put_safely(call.id)

    # --- in a worker thread ------------------------------------------------------------------------------------

    def _put_safely(self, call_id: str) -> bool:
        """One odd call must not end the telling of all others; the next start tries it again."""
        try:
            return self.put(call_id)
        except (CrmError, StoreError):
            raise
        except Exception as error:
            log.error("a call is not told: %s", type(error).__name__)
            self.given_up += 1
            return True

    def put(self, call_id: str) -> bool:
        """Put one call as the store has it; False where the store has not got its end yet."""
        call = self._past.call(call_id)
        if call is None or call.ended_at is None:
            return False
        if call.direction not in ("inbound", "outbound"):
            return True  # colleagues among themselves
        if call_id in self._relinked and not self._is_news(call):
            return True
        notes = sorted(self._past.call_notes(call_id), key=lambda note: (note.saved_at, note.user))
        party, after = self._whose(call)
        if "call" in self._outbox.kinds:
            if party is None and after is None and self._rules is not None and self._rules.known_only("call"):
                return True
            told = payload(call, "\n".join(note.text for note in notes if note.text))
            self._outbox.put("call", call_id, party, told, after=after)
        elif party is not None or after is not None:
            # No row for calls there: what was typed in them goes as a note each.
            for note in notes:
                said = {"text": note.text, "by": note.user, "call_id": call_id, "at": note.saved_at}
                self._outbox.put("note", f"{call_id}/{note.user}", party, said, after=after)
        return True

    def _is_news(self, call: Call) -> bool:
        """Whether the other CRM should hear whose a past call was."""
        if self._outbox.has("call", call.id):
            return self._rules is None or self._rules.revisable("call")
        late = self._clock() - (call.ended_at or 0.0) > RELINK_S
        return not late and self._rules is not None and self._rules.known_only("call")

    def _whose(self, call: Call) -> tuple[PartyRef | None, str | None]:
        """The customer there, or the key of the intent that makes one."""
        crm = self._crm()
        if not isinstance(crm, MappedCrm):
            return None, None
        party = self._past.party_of(call.id)
        if party is None:
            number = call.dialed if call.direction == "outbound" else call.caller
            chosen = decide(crm.local.lookup(number)).chosen
            party = None if chosen is None else chosen.id
        if party is None:
            return None, None
        return crm.whose(party)


def payload(call: Call, note: str) -> dict[str, Any]:
    """What a call is told as; the same call always the same."""
    told = summary(call)
    first = min(call.talks, key=lambda talk: talk.from_, default=None)
    inbound = call.direction == "inbound"
    return {
        "call_id": call.id,
        "number": (call.caller if inbound else call.dialed) or "",
        "direction": call.direction,
        "did": (call.dialed or "") if inbound else "",
        "queue": told.queue or "",
        "agent": first.interface if first is not None else "",
        "agent_name": told.agent or "",
        "outcome": told.outcome,
        "started_at": call.started_at,
        "answered_at": None if first is None else first.from_,
        "ended_at": call.ended_at,
        "wait_s": told.wait_s,
        "talk_s": told.talk_s,
        "note": note,
    }
