"""The wire: panoramisk's protocol with framing, correlation and watching of our own.

It is handed to panoramisk as its `protocol_factory`. What panoramisk's own class does with the bytes (decoding each
chunk alone, a task per callback, actions kept and sent again) is replaced; `docs/adr/0002-ami-link.md` says why.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable, Mapping
from typing import Final

from panoramisk.ami_protocol import AMIProtocol

from cti.ami import actions
from cti.ami.framing import Framer
from cti.ami.messages import Packet

_log: Final = logging.getLogger(__name__)

MAX_PENDING: Final = 512
"Actions that may wait for their answer at once; more are refused."
_MAX_STALE: Final = 512
_MAX_ITEMS: Final = 200_000
_LATE: Final = 0.5
"A timer that comes this many seconds late tells that we were stalled, not the other side."

Answer = asyncio.Future[list[Packet]]


class _Pending:
    __slots__ = ("future", "listing", "name", "packets")

    def __init__(self, name: str, future: Answer) -> None:
        self.name = name
        self.future = future
        self.packets: list[Packet] = []
        self.listing = False

    def add(self, packet: Packet) -> bool:
        """Take one more packet of the answer; True when it is complete."""
        self.packets.append(packet)
        mark = packet.get("EventList").lower()
        if not packet.event:
            self.listing = mark == "start"
            return not self.listing
        return mark in ("complete", "cancelled") or len(self.packets) > _MAX_ITEMS


class AmiProtocol(AMIProtocol):  # type: ignore[misc]  # panoramisk carries no types
    """One connection: bytes in, packets out in order; actions out, each answered once or failed once.

    `on_packets` gets the packets that answer none of our actions, a list for each chunk read (it may be empty: then
    something was lost, see `broken`). `on_lost` is called once. Neither may raise.
    """

    def __init__(
        self,
        on_packets: Callable[[list[Packet]], None],
        on_lost: Callable[[str], None],
        wanted: frozenset[bytes] | None = None,
        only: Mapping[bytes, bytes] | None = None,
    ) -> None:
        self.framer = Framer(wanted, only=only)
        self.why = ""
        "Why the connection ended, in words, once it did."
        self.broken = 0
        "How often the structure of what came was in doubt."
        self._on_packets = on_packets
        self._on_lost = on_lost
        self._pending: dict[bytes, _Pending] = {}
        self._stale: dict[bytes, None] = {}
        self._heard = 0.0
        self._pinged = 0.0
        self._ping: Answer | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()

    # -- what asyncio calls --------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is connected. Data may come from now on, also before `create_connection` has returned."""
        super().connection_made(transport)
        self._heard = self._loop.time()
        sock = transport.get_extra_info("socket")
        if sock is not None and hasattr(socket, "TCP_USER_TIMEOUT"):
            with contextlib.suppress(OSError):  # a socket that is no TCP socket
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 3000)

    def data_received(self, data: bytes) -> None:
        """A chunk of any size, cut anywhere."""
        self._heard = self._loop.time()
        packets = self.framer.feed(data)
        if packets and (self._pending or self._stale):
            packets = [packet for packet in packets if not self._answers(packet)]
        broken = self.framer.doubts + self.framer.oversized
        if packets or broken != self.broken:
            self.broken = broken
            self._on_packets(packets)

    def eof_received(self) -> None:
        """The other side closed: so do we."""

    def connection_lost(self, exc: Exception | None) -> None:
        """The end, told once: actions without an answer fail, and none is kept to be sent again."""
        self.closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.framer.close()
        why = self.why or (f"{type(exc).__name__}" if exc is not None else "closed by Asterisk")
        self.why = why
        pending, self._pending = self._pending, {}
        for one in pending.values():
            if not one.future.done():
                one.future.set_exception(
                    actions.AmiError(f"{one.name}: connection lost before the answer ({why})", permanent=False)
                )
                one.future.exception()  # seen: whoever waited has gone with the connection
        lost, self._on_lost = self._on_lost, _nobody
        lost(why)

    @property
    def unanswered(self) -> int:
        """Actions that wait for their answer."""
        return len(self._pending)

    # -- what panoramisk and the link call ------------------------------------------------------------------------

    def send(self, data: Mapping[str, str], as_list: object = None) -> Answer:
        """Send one action now; the future gives its answer: the response, and the items of a list.

        Raises ValueError for an action we do not send (see `cti.ami.actions`), and AmiError where nothing can be sent.
        """
        fields = dict(data)
        name = fields.pop("Action", "")
        action_id = actions.new_action_id()
        raw = actions.action(name, fields, action_id)
        if self.closed or self.transport.is_closing():
            raise actions.AmiError(f"{name}: no connection", permanent=False)
        if len(self._pending) >= MAX_PENDING:
            raise actions.AmiError(f"{name}: too many actions wait for their answer", permanent=False)
        one = _Pending(name, self._loop.create_future())
        key = action_id.encode()
        self._pending[key] = one
        one.future.add_done_callback(lambda future: self._forget(key, future))
        self.transport.write(raw)
        return one.future

    def close(self) -> None:
        """Drop the connection without waiting for anybody."""
        self.closed = True
        self.transport.abort()

    def end(self, why: str) -> None:
        """Drop the connection, saying why."""
        self.why = self.why or why
        self.close()

    def watch(self, idle: float, dead: float) -> None:
        """From now on ask with a Ping after `idle` seconds without a byte, and give up after `dead` seconds."""
        self._wake(self._loop.time() + idle, idle, dead)

    # -- inside ----------------------------------------------------------------------------------------------------

    def _wake(self, at: float, idle: float, dead: float) -> None:
        self._timer = self._loop.call_at(at, self._look, at, idle, dead)

    def _look(self, planned: float, idle: float, dead: float) -> None:
        now = self._loop.time()
        if self.closed:
            return
        silent = now - self._heard
        if silent >= dead:
            if now - planned <= _LATE:
                self.end(f"no answer for {dead:g} s")
                return
            silent, self._heard = idle, now - idle  # we did not listen ourselves: ask, and judge from now
        if silent >= idle and now - self._pinged >= idle:
            self._pinged = now
            if self._ping is not None:
                self._ping.cancel()
            with contextlib.suppress(actions.AmiError):
                self._ping = self.send({"Action": "Ping"})
        due = max(self._heard, self._pinged) + idle
        self._wake(max(min(due, self._heard + dead), now + 0.01), idle, dead)

    def _answers(self, packet: Packet) -> bool:
        """Whether the packet belongs to an action of ours (and then it is dealt with)."""
        raw = packet.raw
        start = raw.find(b"\r\nActionID: ")
        if start < 0:
            return not packet.event  # a response to nobody: Asterisk could not read the action's id
        end = raw.find(b"\r\n", start + 12)
        key = raw[start + 12 : end] if end >= 0 else raw[start + 12 :]
        if packet.event == "OriginateResponse":  # an event of its own, told long after the answer
            return False
        one = self._pending.get(key)
        if one is None:
            if key not in self._stale:
                return not packet.event
            if packet.get("EventList").lower() in ("complete", "cancelled"):
                del self._stale[key]
            return True
        if one.add(packet):
            del self._pending[key]
            if not one.future.done():
                one.future.set_result(one.packets)
        return True

    def _forget(self, key: bytes, future: Answer) -> None:
        if self._pending.pop(key, None) is not None:  # given up: what still comes for it is nobody's event
            self._stale[key] = None
            if len(self._stale) > _MAX_STALE:
                del self._stale[next(iter(self._stale))]


def _nobody(why: str) -> None:
    pass
