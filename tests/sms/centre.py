"""A message centre that speaks SMPP 3.4, written from the specification: binds, submits, delivers."""

from __future__ import annotations

import asyncio
import struct

BIND, BIND_RESP = 0x09, 0x80000009
SUBMIT, SUBMIT_RESP = 0x04, 0x80000004
DELIVER, DELIVER_RESP = 0x05, 0x80000005
ENQUIRE, ENQUIRE_RESP = 0x15, 0x80000015


def text_at(body: bytes, at: int) -> tuple[str, int]:
    """A C-octet string, and where it ends."""
    end = body.index(b"\0", at)
    return body[at:end].decode("latin-1"), end + 1


class Centre:
    """Listens for one link."""

    def __init__(self) -> None:
        self.texts: list[tuple[str, str]] = []
        "[(number, text)] of what was submitted."
        self.status = 0
        "Of the next answers to a submit_sm."
        self.silent = False
        self.bound = asyncio.Event()
        self.delivered = asyncio.Event()
        "A deliver_sm of ours was answered."
        self.port = 0
        self._n = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._writer: asyncio.StreamWriter | None = None

    async def start(self) -> None:
        """Listen on a free port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Hang up."""
        self._server.close()
        if self._writer is not None:
            self._writer.close()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _send(self, command: int, status: int, sequence: int, body: bytes = b"") -> None:
        assert self._writer is not None
        self._writer.write(struct.pack("!IIII", 16 + len(body), command, status, sequence) + body)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while True:
                length, command, _, sequence = struct.unpack("!IIII", await reader.readexactly(16))
                body = await reader.readexactly(length - 16)
                if command == BIND:
                    self._send(BIND_RESP, 0, sequence, b"centre\0")
                    self.bound.set()
                elif command == SUBMIT:
                    self._submitted(body)
                    if not self.silent:
                        self._n += 1
                        self._send(SUBMIT_RESP, self.status, sequence, b"id%d\0" % self._n)
                elif command == ENQUIRE:
                    self._send(ENQUIRE_RESP, 0, sequence)
                elif command == DELIVER_RESP:
                    self.delivered.set()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def _submitted(self, body: bytes) -> None:
        _, at = text_at(body, 0)
        _, at = text_at(body, at + 2)
        number, at = text_at(body, at + 2)
        at += 3
        for _ in range(2):
            _, at = text_at(body, at)
        coding, length = body[at + 2], body[at + 4]
        raw = body[at + 5 : at + 5 + length]
        rest = body[at + 5 + length :]
        while len(rest) >= 4:
            tag, size = struct.unpack("!HH", rest[:4])
            if tag == 0x0424:  # message_payload
                raw = rest[4 : 4 + size]
            rest = rest[4 + size :]
        self.texts.append((number, raw.decode("utf-16-be" if coding == 8 else "latin-1")))

    def deliver(self, source: str, text: str, *, receipt: bool = False, extra: bytes = b"") -> None:
        """A receipt or a customer's message, with a vendor's own parameters after it."""
        raw = text.encode("latin-1") if receipt else text.encode("utf-16-be")
        body = b"\0\x01\x01" + source.encode() + b"\0\0\0" + b"1069\0"
        body += bytes((4 if receipt else 0, 0, 0)) + b"\0\0" + bytes((0, 0, 0 if receipt else 8, 0, len(raw))) + raw
        self.delivered.clear()
        self._send(DELIVER, 0, 1000 + self._n, body + extra)
