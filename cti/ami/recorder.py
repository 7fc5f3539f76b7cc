"""Records what a PBX says over AMI as a tape (`cti record`), for replay and for questions afterwards.

A tape holds callers' numbers and whatever else Asterisk tells: it is readable by its owner only, and secrets are
masked. The recorder's connection is plain and its own, not the link's: a tape shows what is on the wire, also where
the link would not believe it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final

from cti.ami.actions import AmiError, action, new_action_id
from cti.ami.framing import Framer
from cti.ami.link import LinkSettings
from cti.ami.messages import Packet
from cti.ticker import steady_clock, wall_clock

LISTS: Final = ("CoreStatus", "QueueStatus", "CoreShowChannels", "BridgeList", "DeviceStateList")
"Asked for at the beginning of every connection, so that a tape that starts in mid-call can be understood."
_SECRET: Final = frozenset({"Secret", "Key", "Password"})
_RETRY: Final = 1.0
_PING: Final = 10.0


class _Tape:
    """A `.jsonl` tape, one line a message, or a `.ami` tape, the bytes as they came."""

    def __init__(self, path: Path, clock: Callable[[], float]) -> None:
        self._raw = path.suffix == ".ami"
        self._file: BinaryIO = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
        self._clock = clock
        self._begin = clock()
        self.messages = 0
        self.in_once = False
        "Whether a login ever succeeded."
        self._offset = 0

    def mark(self, what: str, **more: object) -> None:
        self._line({"mark": what, **more})

    def sent(self, name: str, fields: dict[str, str]) -> None:
        masked = {key: "***" if key in _SECRET else value for key, value in fields.items()}
        self._line({"action": {"Action": name, **masked}})

    def bytes(self, data: bytes) -> None:
        if self._raw:
            self._file.write(data)

    def heard(self, packet: Packet) -> None:
        self.messages += 1
        size = len(packet.raw) + 2
        self._line({"o": self._offset, "n": size, "event": _headers(packet)})
        self._offset += size

    def _line(self, what: dict[str, Any]) -> None:
        if not self._raw:
            text = json.dumps({"t": round(self._clock() - self._begin, 6), **what}, ensure_ascii=False)
            self._file.write(text.encode("utf-8", "backslashreplace") + b"\n")

    def close(self) -> None:
        self._file.close()


def _headers(packet: Packet) -> dict[str, str | list[str]]:
    """Headers as they stand in a tape: repeated ones are a list, bytes that are no UTF-8 lone surrogates."""
    headers: dict[str, str | list[str]] = {}
    for line in packet.raw.split(b"\r\n"):
        if not line:
            continue
        name, colon, rest = line.decode("utf-8", "surrogateescape").partition(":")
        value = rest.removeprefix(" ") if colon else name
        key = name if colon else ""
        before = headers.get(key)
        if before is None:
            headers[key] = value
        elif isinstance(before, list):
            before.append(value)
        else:
            headers[key] = [before, value]
    return headers


async def record(
    settings: LinkSettings,
    path: Path,
    seconds: float | None = None,
    *,
    stop: asyncio.Event | None = None,
    wall: Callable[[], float] = wall_clock,
    steady: Callable[[], float] = steady_clock,
) -> int:
    """Write what the PBX says to `path`, for so many seconds or until `stop` is set; the number of messages.

    The ending of the name decides the form: `.ami` for the raw bytes, else one JSON object a line. A connection that
    breaks is made again, and the tape tells. Raises FileExistsError where there is such a tape, OSError where the PBX
    cannot be reached at first, AmiError (permanent) where it refuses the login.
    """
    tape = _Tape(path, steady)
    loop = asyncio.get_running_loop()
    stopping = loop.create_task((stop or asyncio.Event()).wait())
    recording = loop.create_task(_connections(settings, tape))
    try:
        tape.mark("start", epoch=wall(), scenario=path.stem)
        await asyncio.wait((stopping, recording), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if recording.done():
            recording.result()
    finally:
        stopping.cancel()
        recording.cancel()
        await asyncio.gather(stopping, recording, return_exceptions=True)
        tape.close()
    return tape.messages


async def _connections(settings: LinkSettings, tape: _Tape) -> None:
    """One connection after the other."""
    while True:
        try:
            await _connection(settings, tape)
        except OSError:
            if not tape.in_once:
                raise
        tape.mark("tcp-closed")
        await asyncio.sleep(_RETRY)


async def _connection(settings: LinkSettings, tape: _Tape) -> None:
    """One connection until it ends. Raises AmiError where the login is refused."""
    reader, writer = await asyncio.open_connection(settings.host, settings.port)
    tape.mark("tcp-connected")
    framer = Framer()

    def send(name: str, fields: dict[str, str]) -> str:
        action_id = new_action_id()
        writer.write(action(name, fields, action_id))
        tape.sent(name, {"ActionID": action_id, **fields})
        return action_id

    try:
        login = send("Login", {"Username": settings.username, "Secret": settings.secret, "Events": "on"})
        while True:
            try:
                async with asyncio.timeout(_PING):
                    data = await reader.read(1 << 16)
            except TimeoutError:
                send("Ping", {})
                continue
            if not data:
                return
            tape.bytes(data)
            for packet in _heard(framer, data, tape):
                if packet.get("ActionID") != login:
                    continue
                if packet.get("Response") != "Success":
                    raise AmiError(packet.get("Message") or "login refused", permanent=True)
                tape.in_once = True
                for name in LISTS:
                    send(name, {})
    finally:
        framer.close()
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


def _heard(framer: Framer, data: bytes, tape: _Tape) -> Iterator[Packet]:
    before = framer.banner
    packets = framer.feed(data)
    if before is None and framer.banner is not None:
        tape.heard(Packet(b"Banner: " + framer.banner.encode()))
    for packet in packets:
        tape.heard(packet)
        yield packet
