"""SIP messages as values: just enough of RFC 3261 for phones that a test plays on."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

_COMPACT = {
    "f": "from",
    "t": "to",
    "i": "call-id",
    "m": "contact",
    "v": "via",
    "c": "content-type",
    "l": "content-length",
}
REASONS = {
    100: "Trying",
    180: "Ringing",
    200: "OK",
    202: "Accepted",
    302: "Moved Temporarily",
    405: "Method Not Allowed",
    480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist",
    486: "Busy Here",
    487: "Request Terminated",
    603: "Decline",
}


def token(length: int = 10) -> str:
    """A fresh name for a tag, a branch or a call."""
    return secrets.token_hex(length // 2)


@dataclass
class Message:
    """A request (`method`, `uri`) or a response (`status`)."""

    method: str = ""
    uri: str = ""
    status: int = 0
    headers: list[tuple[str, str]] = field(default_factory=list)
    "Names in lower case, in order."
    body: str = ""

    @classmethod
    def parse(cls, data: bytes) -> Message:
        """Read one datagram."""
        head, _, body = data.partition(b"\r\n\r\n")
        first, *lines = head.decode("utf-8", "surrogateescape").split("\r\n")
        message = cls(body=body.decode("utf-8", "replace"))
        words = first.split(" ", 2)
        if words[0] == "SIP/2.0":
            message.status = int(words[1])
        else:
            message.method, message.uri = words[0], words[1]
        for line in lines:
            name, _, value = line.partition(":")
            name = name.strip().lower()
            message.headers.append((_COMPACT.get(name, name), value.strip()))
        return message

    def get(self, name: str) -> str:
        """Value of the first header of that name, '' where there is none."""
        return next((value for key, value in self.headers if key == name), "")

    def all(self, name: str) -> list[str]:
        """Values of all headers of that name."""
        return [value for key, value in self.headers if key == name]

    @property
    def sequence(self) -> tuple[int, str]:
        """(number, method) of CSeq."""
        number, _, method = self.get("cseq").partition(" ")
        return int(number), method.strip()

    def encode(self) -> bytes:
        """The datagram."""
        if self.status:
            first = f"SIP/2.0 {self.status} {REASONS.get(self.status, 'Said So')}"
        else:
            first = f"{self.method} {self.uri} SIP/2.0"
        body = self.body.encode()
        lines = [first, *(f"{name}: {value}" for name, value in self.headers), f"Content-Length: {len(body)}"]
        return "\r\n".join(lines).encode("utf-8", "surrogateescape") + b"\r\n\r\n" + body

    def response(self, status: int, tag: str, extra: Iterable[tuple[str, str]] = (), body: str = "") -> Message:
        """The answer to this request; `tag` marks our end of the dialog."""
        to = self.get("to")
        if status > 100 and ";tag=" not in to:
            to += f";tag={tag}"
        copied = [(name, value) for name, value in self.headers if name in {"via", "record-route"}]
        own = [("from", self.get("from")), ("to", to), ("call-id", self.get("call-id")), ("cseq", self.get("cseq"))]
        kind = [("content-type", "application/sdp")] if body else []
        return Message(status=status, headers=[*copied, *own, *extra, *kind], body=body)


def tag_of(address: str) -> str:
    """The tag parameter of a From or To header."""
    found = re.search(r";\s*tag=([^;>\s]+)", address)
    return found[1] if found else ""


def uri_of(address: str) -> str:
    """The address between the angle brackets."""
    found = re.search(r"<([^>]*)>", address)
    return found[1] if found else address.split(";")[0].strip()


def user_of(address: str) -> str:
    """The user part of an address."""
    return uri_of(address).removeprefix("sip:").partition("@")[0]


def offer(host: str, port: int, version: int, direction: str, codecs: Sequence[int] = (8,)) -> str:
    """A session description: A-law and telephone events."""
    return "\r\n".join(
        [
            "v=0",
            f"o=- 1 {version} IN IP4 {host}",
            "s=-",
            f"c=IN IP4 {host}",
            "t=0 0",
            f"m=audio {port} RTP/AVP {' '.join(str(c) for c in codecs)} 101",
            "a=rtpmap:8 PCMA/8000",
            "a=rtpmap:101 telephone-event/8000",
            "a=fmtp:101 0-15",
            "a=ptime:20",
            f"a={direction}",
            "",
        ]
    )


def media_of(body: str) -> tuple[str, int, int] | None:
    """(host, port, payload type of telephone events) that a session description asks for."""
    host = re.search(r"^c=IN IP4 (\S+)", body, re.MULTILINE)
    port = re.search(r"^m=audio (\d+)", body, re.MULTILINE)
    if not host or not port:
        return None
    events = re.search(r"^a=rtpmap:(\d+) telephone-event", body, re.MULTILINE)
    return host[1], int(port[1]), int(events[1]) if events else 101
