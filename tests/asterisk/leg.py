"""One call on one phone, as the person holding it sees it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.asterisk.sip import Message, media_of, offer, tag_of, token, uri_of, user_of

if TYPE_CHECKING:
    from tests.asterisk.phone import Phone

GUARD = 30.0
"Seconds after which a wait is given up: a hang guard, never a measure."

ALLOWED = "INVITE, ACK, BYE, CANCEL, OPTIONS, NOTIFY, REFER, UPDATE, INFO"
_KEYS = "0123456789*#ABCD"


class CallFailed(Exception):
    """The other side refused; the text is the SIP status."""


@dataclass(eq=False)
class Leg:
    """One call on one phone."""

    phone: Phone
    call_id: str
    outgoing: bool
    local: str
    "Our address as From or To header, without tag."
    remote: str
    target: str
    invite: Message | None = None
    local_tag: str = field(default_factory=lambda: token(8))
    remote_tag: str = ""
    status: int = 0
    "Final SIP status of an outgoing call."
    ringing: asyncio.Event = field(default_factory=asyncio.Event)
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    referred: asyncio.Event = field(default_factory=asyncio.Event)
    "The other side said how a REFER ended."

    def __post_init__(self) -> None:
        """A socket of its own for the media."""
        self._sequence = 1
        self._branch = ""
        self._version = 1
        self._direction = "sendrecv"
        self._media: tuple[str, int, int] | None = None
        self._replies: dict[tuple[int, str], asyncio.Future[Message]] = {}
        self._rtp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._rtp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        self._rtp.bind((self.phone.host, 0))
        self._rtp.setblocking(False)
        self._rtp_number = 1

    @property
    def caller(self) -> str:
        """The number that this phone shows."""
        return user_of(self.invite.get("from")) if self.invite else ""

    # -- what a person does ------------------------------------------------------------------------------------

    def answer(self) -> None:
        """Take the ringing call."""
        if self.invite is None or self.answered.is_set() or self.ended.is_set():
            return
        self._media = media_of(self.invite.body)
        self._reply(self.invite, 200, body=self._offer())
        self.answered.set()

    def refuse(self, status: int = 486, contact: str | None = None) -> None:
        """Refuse the ringing call; with a contact, send it elsewhere (302)."""
        if self.invite is None or self.answered.is_set() or self.ended.is_set():
            return
        self._reply(self.invite, status, contact=contact)
        self.finish()

    def forward(self, extension: str) -> None:
        """Answer the ringing call with 302: the PBX shall ring the extension instead."""
        host, port = self.phone.server
        self.refuse(302, contact=f"<sip:{extension}@{host}:{port}>")

    async def hold(self) -> None:
        """Put the other side on hold."""
        await self._reinvite("sendonly")

    async def resume(self) -> None:
        """Take the other side off hold."""
        await self._reinvite("sendrecv")

    async def refer(self, extension: str) -> int:
        """Blind transfer: ask the PBX to send the other side to the extension. The status of the answer."""
        host, port = self.phone.server
        return await self._refer(f"sip:{extension}@{host}:{port}")

    async def refer_to(self, consultation: Leg) -> int:
        """Attended (or, while it still rings, blonde) transfer to our other leg."""
        call_id = consultation.call_id.replace("@", "%40")
        replaces = f"{call_id}%3Bto-tag%3D{consultation.remote_tag}%3Bfrom-tag%3D{consultation.local_tag}"
        return await self._refer(f"{uri_of(consultation.remote)}?Replaces={replaces}")

    async def press(self, keys: str) -> None:
        """Press keys (RFC 4733 telephone events)."""
        assert self._media is not None
        host, port, payload = self._media
        for key in keys:
            stamp = self._rtp_number * 160
            for step in range(1, 9):  # five reports of a growing press, its end said three times
                if self.ended.is_set():  # the code took effect before the last key was let go
                    return
                kind = payload | (0x80 if step == 1 else 0)
                head = struct.pack("!BBHII", 0x80, kind, self._rtp_number & 0xFFFF, stamp, id(self) & 0xFFFF)
                end = 0x8A if step > 5 else 0x0A
                press = struct.pack("!BBH", _KEYS.index(key), end, 160 * min(step, 6))
                self._rtp.sendto(head + press, (host, port))
                self._rtp_number += 1
                await asyncio.sleep(0.02)
            await asyncio.sleep(0.12)

    async def speak(self) -> None:
        """Silence as a microphone sends it, until the call is over: without media the PBX does not let go of a spy."""
        while not self.ended.is_set() and self._media is not None:
            host, port, _ = self._media
            stamp = self._rtp_number * 160
            head = struct.pack("!BBHII", 0x80, 8, self._rtp_number & 0xFFFF, stamp, id(self) & 0xFFFF)
            self._rtp.sendto(head + b"\xd5" * 160, (host, port))
            self._rtp_number += 1
            await asyncio.sleep(0.02)

    async def hang_up(self) -> None:
        """End the call whatever its state: BYE, CANCEL or a refusal."""
        if self.ended.is_set():
            return
        if self.answered.is_set():
            with contextlib.suppress(TimeoutError, CallFailed):  # the PBX may be gone: a phone hangs up all the same
                await self._request("BYE")
            self.finish()
        elif self.outgoing:
            self._send("CANCEL", self.target, number=self._invite_number, branch=self._branch)
            try:
                await asyncio.wait_for(self.ended.wait(), 3)
            except TimeoutError:
                self.finish()
        else:
            self.refuse(486)

    async def until(self, event: asyncio.Event, guard: float = GUARD) -> Leg:
        """Wait for one of the leg's events."""
        await asyncio.wait_for(event.wait(), guard)
        return self

    async def up(self, guard: float = GUARD) -> Leg:
        """Wait until the call is answered; raise CallFailed if it ends instead."""
        waits = [asyncio.create_task(event.wait()) for event in (self.answered, self.ended)]
        done, pending = await asyncio.wait(waits, timeout=guard, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        if not done:
            raise TimeoutError(f"{self.phone.user}: not answered within {guard} s")
        if not self.answered.is_set():
            raise CallFailed(f"{self.phone.user}: {self.status or 'cancelled'}")
        return self

    # -- how the phone says it ---------------------------------------------------------------------------------

    def finish(self) -> None:
        """Forget the call."""
        if not self.ended.is_set():
            self.ended.set()
            self._rtp.close()
            self.phone.legs.pop(self.call_id, None)
            for waiting in self._replies.values():
                if not waiting.done():
                    waiting.set_exception(CallFailed("the call is over"))
                    waiting.exception()  # nobody may be listening any more

    def call(self, caller: str, extra: Sequence[tuple[str, str]]) -> None:
        """Send the first INVITE."""
        self.local = caller
        self._extra = list(extra)
        self._invite_number, self._branch = self._send("INVITE", self.target, body=self._offer(), extra=extra)

    def _offer(self) -> str:
        self._version += 1
        return offer(self.phone.host, self._rtp.getsockname()[1], self._version, self._direction)

    def _send(
        self,
        method: str,
        uri: str,
        *,
        body: str = "",
        extra: Sequence[tuple[str, str]] = (),
        number: int | None = None,
        branch: str = "",
    ) -> tuple[int, str]:
        if number is None:
            self._sequence += 1
            number = self._sequence
        branch = branch or "z9hG4bK" + token(12)
        remote = f"{self.remote};tag={self.remote_tag}" if self.remote_tag else self.remote
        headers = [
            ("via", f"SIP/2.0/UDP {self.phone.host}:{self.phone.port};rport;branch={branch}"),
            ("max-forwards", "70"),
            ("from", f"{self.local};tag={self.local_tag}"),
            ("to", remote),
            ("call-id", self.call_id),
            ("cseq", f"{number} {method}"),
            ("contact", self.phone.contact),
            ("allow", ALLOWED),
            ("supported", "replaces"),
            *extra,
        ]
        if body:
            headers.append(("content-type", "application/sdp"))
        self.phone.send(Message(method=method, uri=uri, headers=headers, body=body))
        return number, branch

    async def _request(self, method: str, *, body: str = "", extra: Sequence[tuple[str, str]] = ()) -> Message:
        number, _ = self._send(method, self.target, body=body, extra=extra)
        reply: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._replies[number, method] = reply
        answer = await asyncio.wait_for(reply, 5)
        if method == "INVITE":
            self._send("ACK", self.target, number=number)
        return answer

    async def _reinvite(self, direction: str) -> None:
        self._direction = direction
        answer = await self._request("INVITE", body=self._offer())
        if answer.status >= 300:
            raise CallFailed(str(answer.status))
        self._media = media_of(answer.body) or self._media

    async def _refer(self, address: str) -> int:
        by = ("referred-by", self.phone.contact)
        return (await self._request("REFER", extra=[("refer-to", f"<{address}>"), by])).status

    def _reply(self, request: Message, status: int, *, body: str = "", contact: str | None = None) -> None:
        extra = [("contact", contact or self.phone.contact), ("allow", ALLOWED), ("supported", "replaces")]
        self.phone.send(request.response(status, self.local_tag, extra, body))

    # -- what the PBX says -------------------------------------------------------------------------------------

    def on_response(self, message: Message) -> None:
        """A response to one of our requests."""
        number, method = message.sequence
        if method == "INVITE" and self.outgoing and number == self._invite_number:
            self._on_invite_response(message, number)
            return
        waiting = self._replies.get((number, method))
        if message.status >= 200 and waiting is not None and not waiting.done():
            waiting.set_result(message)

    def _on_invite_response(self, message: Message, number: int) -> None:
        if 100 < message.status < 200:
            self.remote_tag = tag_of(message.get("to"))
            self.ringing.set()
        elif 200 <= message.status < 300:
            self.remote_tag = tag_of(message.get("to"))
            self.target = uri_of(message.get("contact"))
            self.status = message.status
            self._send("ACK", self.target, number=number)
            if not self.ended.is_set():
                self._media = media_of(message.body)
                self.answered.set()
        elif message.status >= 300:
            self.remote_tag = tag_of(message.get("to"))
            self._send("ACK", self.target, number=number, branch=self._branch)
            self.status = message.status
            self.finish()

    def on_request(self, message: Message) -> None:
        """A request inside the call."""
        match message.method:
            case "INVITE":
                self._media = media_of(message.body) or self._media
                self._reply(message, 200, body=self._offer())
            case "BYE":
                self._reply(message, 200)
                self.finish()
            case "CANCEL":
                self._reply(message, 200)
                if self.invite is not None and not self.answered.is_set():
                    self._reply(self.invite, 487)
                    self.finish()
            case "NOTIFY":
                self._reply(message, 200)
                if "SIP/2.0 1" not in message.body:
                    self.referred.set()
            case "UPDATE":
                self._reply(message, 200, body=self._offer() if message.body else "")
            case "ACK":
                pass
            case _:
                self._reply(message, 200)
