"""The other nodes: what this one tells them over the relay, and what it makes of what they tell.

Whoever leads a PBX tells its events, and once a second how the link stands; nodes that do not follow that PBX show
its calls by that. After a hole a node asks for what stands. Facts of people go both ways. Telling never waits, and
without Redis every node goes on with what it follows itself.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, cast

import msgspec

from cti import events, wire
from cti.bus import Bus
from cti.calls.record import Call
from cti.events import AnyEvent, Event
from cti.exchange import Exchange
from cti.floor import Floor
from cti.nodes.heard import Heard
from cti.nodes.sharing import Fact, Seated, Sharing
from cti.relay import Message, Relay
from cti.settings import RedisSettings

log = logging.getLogger(__name__)

BEAT_S: Final = 1.0
"Between two words about a link."
PART: Final = 200
"Events of one message of a snapshot."
MOST_PARTS: Final = 2_000
ANSWER_S: Final = 0.5
"Whoever asks within this is answered together."
URGENT: Final = (
    events.AgentRinging,
    events.RingEnded,
    events.CallAnswered,
    events.CallEnded,
    events.PbxLost,
    events.PbxRestarted,
)
"What somebody sits and waits for; the rest rides along, or follows in a moment."


PATIENT: Final = (events.TalkStarted,)
"Says what the answer, or the end of the ring, has said already: the next entry takes it along."


class Beat(msgspec.Struct, frozen=True):
    """How the link to a PBX stands, from the node that leads it, under which epoch."""

    pbx: str
    epoch: int
    state: str
    text: str
    text_en: str


class Part(msgspec.Struct, frozen=True):
    """A piece of what stands at a PBX, from the node that leads it, under which epoch; `left` more follow."""

    pbx: str
    epoch: int
    first: bool
    left: int
    events: tuple[AnyEvent, ...]


class Want(msgspec.Struct, frozen=True):
    """Tell what stands at these PBXs, and who sits where."""

    pbxs: tuple[str, ...]


class Ended(msgspec.Struct, frozen=True):
    """A call's document once it is over: the days of agents at other nodes follow it."""

    call: Call


_KINDS: Final[Mapping[str, msgspec.json.Decoder[Any]]] = {
    kind: msgspec.json.Decoder(shape)
    for kind, shape in {"beat": Beat, "part": Part, "want": Want, "ended": Ended}.items()
}


class Neighbours:
    """Over one relay. `run` as a task."""

    def __init__(
        self,
        redis: RedisSettings,
        node: str,
        bus: Bus,
        floor: Floor,
        sharing: Sharing,
        followed: Iterable[Exchange],
        heard: Iterable[Heard],
        *,
        on_hole: Callable[[], None],
    ) -> None:
        """`on_hole`: something may have been missed that the store knows."""
        self._floor = floor
        self._sharing = sharing
        self._followed = {one.name: one for one in followed}
        self._heard = {one.name: one for one in heard}
        self._on_hole = on_hole
        self._parts: dict[str, list[Event]] = {}
        self._leaders: dict[str, tuple[int, str]] = {}
        "{PBX: (epoch, node)} of whoever leads: what a node says that led before it, and stood still, is old."
        self._answering: asyncio.TimerHandle | None = None
        self._asked: set[str] = set()
        self.odd = 0
        "Messages that could not be read."
        self.relay = Relay(redis.url, stream=redis.stream, node=node, on_message=self._hear, on_hole=self._hole)
        sharing.tell = self._tell_fact
        bus.subscribe("relay", self._tell_event)
        for one in self._followed.values():
            one.stand()
            one.on_lead.append(self._led(one))
            one.feed.on_changed = self._tell_ended(one)

    async def run(self) -> None:
        """Tell and hear for ever."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.relay.run())
            tasks.create_task(self._beat())

    # --- telling -----------------------------------------------------------------------------------------------

    def _tell(self, kind: str, what: Any, *, urgent: bool = False, patient: bool = False) -> None:
        self.relay.tell(kind, wire.encode(what), urgent, patient=patient)

    def _tell_fact(self, fact: Fact) -> None:
        self._tell(type(fact).__name__, fact, urgent=True)

    def _tell_event(self, event: Event) -> None:
        one = self._followed.get(event.pbx)
        if one is not None and one.leads:
            self._tell("event", event, urgent=isinstance(event, URGENT), patient=isinstance(event, PATIENT))

    def _tell_ended(self, one: Exchange) -> Callable[[Sequence[Call]], None]:
        def changed(calls: Sequence[Call]) -> None:
            if one.leads:
                for call in calls:
                    if call.ended_at is not None:
                        self._tell("ended", Ended(call), patient=True)  # the next beat takes it along

        return changed

    def _led(self, one: Exchange) -> Callable[[bool], None]:
        def changed(leads: bool) -> None:
            if leads:  # between two leaders something may have been told by nobody
                self._tell_standing(one)
                self._tell_beat(one)

        return changed

    def _tell_beat(self, one: Exchange) -> None:
        state = one.link.state
        self._tell("beat", Beat(one.name, one.epoch, state.phase, state.text, state.text_en))

    def _tell_standing(self, one: Exchange) -> None:
        if one.standing is None:
            return
        told = tuple(one.standing.events())
        pieces = [told[n : n + PART] for n in range(0, len(told), PART)] or [()]
        for n, piece in enumerate(pieces):
            self._tell(
                "part",
                Part(one.name, one.epoch, n == 0, len(pieces) - n - 1, cast("tuple[AnyEvent, ...]", piece)),
                urgent=True,
            )

    async def _beat(self) -> None:
        while True:
            for one in self._followed.values():
                if one.leads:
                    self._tell_beat(one)
            for other in self._heard.values():
                other.look()
            await asyncio.sleep(BEAT_S)

    # --- hearing -----------------------------------------------------------------------------------------------

    def _hole(self, node: str) -> None:
        """Something was missed: ask for what stands, and read what the store has."""
        self._parts.clear()
        self._tell("want", Want(tuple(self._heard)), urgent=True)
        self._on_hole()

    def _hear(self, node: str, message: Message) -> None:
        body = bytes(message.body)
        try:
            if message.kind == "event":
                self._hear_event(node, wire.decode_event(body))
            elif message.kind in _KINDS:
                self._take(node, _KINDS[message.kind].decode(body))
            elif not self._sharing.hear(message.kind, body):
                self.odd += 1
        except (msgspec.DecodeError, wire.WireError, RecursionError):
            self.odd += 1

    def _hear_event(self, node: str, event: Event) -> None:
        heard = self._heard.get(event.pbx)
        if heard is not None and self._leaders.get(event.pbx, (0, node))[1] == node:
            heard.event(event)

    def _leads(self, node: str, told: Beat | Part) -> bool:
        """True where this comes from whoever leads."""
        newest = max(self._leaders.get(told.pbx, (0, "")), (told.epoch, node))
        self._leaders[told.pbx] = newest
        return newest == (told.epoch, node)

    def _take(self, node: str, told: Any) -> None:
        match told:
            case Beat() if told.pbx in self._heard:
                if self._leads(node, told):
                    self._heard[told.pbx].beat(told.state, told.text, told.text_en)
            case Part() if told.pbx in self._heard:
                if self._leads(node, told):
                    self._take_part(told)
            case Ended() if told.call.ended_at is not None:
                if not any(one.pbx.call(told.call.id) for one in self._followed.values()):
                    self._floor.calls_changed([told.call])
            case Want():
                self._asked.update(told.pbxs)
                if self._answering is None:
                    self._answering = asyncio.get_running_loop().call_later(ANSWER_S, self._answer)
            case _:
                pass

    def _take_part(self, part: Part) -> None:
        if part.first:
            self._parts[part.pbx] = []
        gathered = self._parts.get(part.pbx)
        if gathered is None or len(gathered) > MOST_PARTS * PART:
            return
        gathered.extend(part.events)
        if part.left == 0:
            del self._parts[part.pbx]
            self._heard[part.pbx].stands(gathered)

    def _answer(self) -> None:
        self._answering = None
        asked, self._asked = self._asked, set()
        for name in asked:
            one = self._followed.get(name)
            if one is not None and one.leads:
                self._tell_standing(one)
                self._tell_beat(one)
        for interface, user in self._floor.session.phones.taken().items():
            self._tell_fact(Seated(user=user, interface=interface))

    def gauges(self) -> Mapping[str, float]:
        """For the metrics."""
        return {"relay_up": float(self.relay.up)}

    def counters(self) -> Mapping[str, int]:
        """For the metrics."""
        relay = self.relay
        return {
            "told": relay.told,
            "dropped": relay.dropped,
            "rejected": relay.rejected + self.odd,
            "holes": relay.holes,
        }
