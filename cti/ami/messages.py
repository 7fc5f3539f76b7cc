"""AMI packets as values: framing on CRLF, first header wins, headers read when asked for (pure).

A packet keeps the bytes it came in; a header is found by a byte search when somebody asks. Most packets of a busy
PBX are never asked for anything but their name, and that is what makes this cheap.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

_needles: dict[str, bytes] = {}


def _needle(key: str) -> bytes:
    needle = b"\r\n" + key.encode() + b": "
    if len(_needles) < 4096:  # keys come from our own code; the bound is for code that is wrong
        _needles[key] = needle
    return needle


def decode(raw: bytes) -> str:
    """Text of a header value: UTF-8, else GB18030 (Asterisk 16 passes such names raw), else with U+FFFD."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        pass
    try:
        return raw.decode("gb18030")
    except UnicodeDecodeError:
        return raw.decode("utf-8", "replace")


class Packet:
    """One AMI packet: an event, a response or a list item.

    `event` is the value of the first Event header, '' for a response. Header names are matched exactly as Asterisk
    writes them.
    """

    __slots__ = ("event", "raw")

    def __init__(self, raw: bytes) -> None:
        """`raw` is the packet without its closing blank line: `Key: value` lines joined by CRLF."""
        self.raw = b"\r\n" + raw
        self.event = self.get("Event")

    @classmethod
    def of(cls, headers: Mapping[str, str | list[str]] | Iterable[tuple[str, str]]) -> Packet:
        """A packet made from headers; a list is a repeated header. Lone surrogates become the bytes they stand for."""
        pairs = headers.items() if isinstance(headers, Mapping) else headers
        lines: list[str] = []
        for key, value in pairs:
            lines.extend(f"{key}: {v}" for v in (value if isinstance(value, list) else [value]))
        return cls("\r\n".join(lines).encode("utf-8", "surrogateescape"))

    def get(self, key: str, default: str = "") -> str:
        """Value of the first header of that name, `default` where there is none."""
        raw = self.raw
        needle = _needles.get(key) or _needle(key)
        start = raw.find(needle)
        if start < 0:
            # Asterisk writes a space after the colon; others may not.
            needle = needle[:-1]
            start = raw.find(needle)
            if start < 0:
                return default
        start += len(needle)
        end = raw.find(b"\r\n", start)
        value = raw[start:] if end < 0 else raw[start:end]
        try:
            return value.decode()
        except UnicodeDecodeError:
            return decode(value)

    def all(self, key: str) -> list[str]:
        """Values of every header of that name, in order."""
        return [value for name, value in self.headers() if name == key]

    def count(self, key: str) -> int:
        """How often a header of that name stands in the packet."""
        return self.raw.count((_needles.get(key) or _needle(key))[:-1])

    def headers(self) -> Iterator[tuple[str, str]]:
        """All headers in order; a line without a colon has the name ''."""
        for line in self.raw[2:].split(b"\r\n"):
            if not line:
                continue
            name, colon, value = line.partition(b":")
            if not colon:
                yield "", decode(line)
            else:
                yield decode(name), decode(value[1:] if value[:1] == b" " else value)

    def __repr__(self) -> str:
        """Name only: values are customers' numbers and words."""
        return f"<Packet {self.event or 'Response'}>"
