"""A SIP phone that tests play on: it registers, calls, is called, holds, transfers and presses keys.

One UDP port, one event loop, no media but the key presses. Whatever happens on a leg can be awaited; nothing has
to be slept for. What the phone does with an incoming call is its `manners`: by default it rings until somebody acts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.asterisk.leg import GUARD, CallFailed, Leg
from tests.asterisk.sip import Message, tag_of, token, uri_of

__all__ = ["CallFailed", "Leg", "Manners", "Phone"]


@dataclass(frozen=True)
class Manners:
    """What a phone does by itself when it is called."""

    answer_after: float | None = None
    "Seconds of ringing before it answers; None rings on."
    refuse: int | None = None
    "SIP status to refuse with at once."
    talk: float | None = None
    "Seconds after which it hangs up an answered call."


class Phone(asyncio.DatagramProtocol):
    """One phone: an address of the PBX's, or the trunk's far end, behind one UDP port."""

    def __init__(self, user: str, server: tuple[str, int], host: str = "127.0.0.1", port: int = 0) -> None:
        """`server` is the PBX; port 0 takes a free one."""
        self.user = user
        self.server = server
        self.host = host
        self.port = port
        self.manners = Manners()
        self.legs: dict[str, Leg] = {}
        self.rings: asyncio.Queue[Leg] = asyncio.Queue()
        "Legs that began to ring here and that nobody has taken out yet."
        self.on_ring: Callable[[Leg], None] | None = None
        self._registrations: dict[int, asyncio.Future[int]] = {}
        self._registration = (token(16), 0)
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def contact(self) -> str:
        """Where the PBX reaches this phone."""
        return f"<sip:{self.user}@{self.host}:{self.port}>"

    async def open(self) -> Phone:
        """Take the port."""
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(self.host, self.port))
        self.port = self._transport.get_extra_info("sockname")[1]
        return self

    async def close(self) -> None:
        """Hang up everything and give the port back."""
        for leg in list(self.legs.values()):
            await leg.hang_up()
        for task in self._tasks:
            task.cancel()
        self._transport.close()

    async def register(self, expires: int = 3600) -> None:
        """Register (0 unregisters); raise CallFailed if the PBX will not have it."""
        call_id, number = self._registration
        number += 1
        self._registration = call_id, number
        reply: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._registrations[number] = reply
        address = f"<sip:{self.user}@{self.server[0]}>"
        headers = [
            ("via", f"SIP/2.0/UDP {self.host}:{self.port};rport;branch=z9hG4bK{token(12)}"),
            ("max-forwards", "70"),
            ("from", f"{address};tag={token(8)}"),
            ("to", address),
            ("call-id", call_id),
            ("cseq", f"{number} REGISTER"),
            ("contact", self.contact),
            ("expires", str(expires)),
        ]
        self.send(Message(method="REGISTER", uri=f"sip:{self.server[0]}:{self.server[1]}", headers=headers))
        status = await asyncio.wait_for(reply, 5)
        if status != 200:
            raise CallFailed(f"{self.user}: registration answered with {status}")

    def call(
        self,
        extension: str,
        *,
        number: str | None = None,
        name: str | None = None,
        extra: Sequence[tuple[str, str]] = (),
    ) -> Leg:
        """Call an extension, as this phone or as the caller given. The leg's events tell what comes of it."""
        host, port = self.server
        uri = f"sip:{extension}@{host}:{port}"
        shown = f'"{name}" ' if name is not None else ""
        leg = Leg(self, token(16) + "@phone", True, "", f"<{uri}>", uri)
        self.legs[leg.call_id] = leg
        leg.call(f"{shown}<sip:{self.user if number is None else number}@{self.host}>", extra)
        return leg

    async def ring(self, guard: float = GUARD) -> Leg:
        """The next call that rings here."""
        return await asyncio.wait_for(self.rings.get(), guard)

    def send(self, message: Message) -> None:
        """One datagram to the PBX."""
        if not self._transport.is_closing():
            self._transport.sendto(message.encode(), self.server)

    def datagram_received(self, data: bytes, addr: tuple[str | object, int]) -> None:
        """One datagram from the PBX."""
        if len(data) < 20:  # a keep-alive
            return
        message = Message.parse(data)
        leg = self.legs.get(message.get("call-id"))
        if message.status:
            number, method = message.sequence
            if method == "REGISTER":
                waiting = self._registrations.pop(number, None)
                if waiting is not None and not waiting.done():
                    waiting.set_result(message.status)
            elif leg is not None:
                leg.on_response(message)
        elif leg is not None:
            again = message.method == "INVITE" and leg.invite is not None and not leg.answered.is_set()
            if not again:
                leg.on_request(message)
        elif message.method == "INVITE" and not tag_of(message.get("to")):
            self._on_call(message)
        elif message.method != "ACK":
            self.send(message.response(200 if message.method in {"OPTIONS", "NOTIFY"} else 481, token(8)))

    def _on_call(self, message: Message) -> None:
        leg = Leg(
            self,
            message.get("call-id"),
            False,
            message.get("to"),
            message.get("from").partition(";tag=")[0],
            uri_of(message.get("contact")),
            invite=message,
            remote_tag=tag_of(message.get("from")),
        )
        self.legs[leg.call_id] = leg
        self.send(message.response(100, leg.local_tag))
        manners = self.manners
        if manners.refuse is not None:
            leg.refuse(manners.refuse)
            return
        self.send(message.response(180, leg.local_tag, [("contact", self.contact)]))
        leg.ringing.set()
        self.rings.put_nowait(leg)
        if self.on_ring is not None:
            self.on_ring(leg)
        if manners.answer_after is not None:
            task = asyncio.create_task(self._behave(leg, manners))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _behave(self, leg: Leg, manners: Manners) -> None:
        await asyncio.sleep(manners.answer_after or 0)
        leg.answer()
        if manners.talk is not None:
            await asyncio.sleep(manners.talk)
            await leg.hang_up()
