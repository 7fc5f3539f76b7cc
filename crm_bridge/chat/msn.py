"""Message logs of MSN and Windows Live Messenger: XML without document types and entities (pure)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, Literal
from xml.parsers import expat

from crm_bridge.chat.decoding import Bytes, chunks
from crm_bridge.chat.message import MAX_TEXT, Message, Options, Tally, clean_name, clean_text, side
from crm_bridge.chat.moments import local, moment

_EVENTS: Final = frozenset({"Message", "Invitation", "InvitationResponse", "Join", "Leave"})
_DATE: Final = re.compile(r"(\d{1,4})[-/.](\d{1,2})[-/.](\d{1,4})")
_TIME: Final = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?\s*([AaPp][Mm])?")
_ACCOUNT: Final = re.compile(r"(.{2,}?)\d{7,10}")
"File names hold the account and a hash of its domain."
_MAX_DEPTH: Final = 40


class _Refused(Exception):
    """A document type or an entity."""


class _Log:
    """What the parser told since it was last asked."""

    def __init__(self, options: Options, tally: Tally) -> None:
        self.options = options
        self.tally = tally
        self.done: list[Message] = []
        self.event = ""
        self.attributes: dict[str, str] = {}
        self.people: dict[str, str] = {}
        self.path: list[str] = []
        self.text: list[str] = []
        self.file: list[str] = []
        self.size = 0
        self.peer = clean_name(options.name)
        if "@" not in self.peer and (hit := _ACCOUNT.fullmatch(self.peer)):
            self.peer = hit[1]

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.path.append(name)
        if len(self.path) > _MAX_DEPTH:
            raise _Refused
        if name in _EVENTS and len(self.path) == 2:
            self.event, self.attributes = name, attributes
            self.people, self.text, self.file, self.size = {}, [], [], 0
        elif name == "User" and self.event and len(self.path) > 1:
            self.people.setdefault(self.path[-2], clean_name(attributes.get("FriendlyName", "")))

    def data(self, piece: str) -> None:
        if self.event and self.size <= MAX_TEXT:
            where = self.text if "Text" in self.path else self.file if self.path[-1:] == ["File"] else None
            if where is not None:
                where.append(piece)
                self.size += len(piece)

    def end(self, name: str) -> None:
        self.path.pop()
        if name != self.event or len(self.path) != 1:
            return
        at = self._moment()
        if at is None:
            self.tally.odd += 1
        else:
            self._finish(name, at)
        self.event = ""

    def _finish(self, name: str, at: float) -> None:
        sender = self.people.get("From") or self.people.get(name, "")
        text = clean_text("".join(self.text), self.tally)
        direction: Literal["in", "out"]
        direction, guessed = side(self.options, sender, None, self.peer, group=True)
        kind = "text"
        if name != "Message":
            # A path of our own machine may stand with a file's name: only the name is kept.
            named = clean_name(re.split(r"[\\/]", "".join(self.file))[-1])
            kind = "file" if named else "system"
            text = f"[文件] {named}" if named else text
        self.done.append(
            Message(
                at=at,
                peer=self.peer,
                sender=sender,
                direction="in" if kind == "system" else direction,
                kind=kind,
                text=text,
                channel="msn",
                guessed=guessed and kind != "system",
            )
        )

    def _moment(self) -> float | None:
        if stamp := self.attributes.get("DateTime"):
            return moment(stamp, self.options.zone)
        day = _DATE.fullmatch(self.attributes.get("Date", "").strip()[:20])
        time = _TIME.fullmatch(self.attributes.get("Time", "").strip()[:20])
        if day is None or time is None:
            return None
        first, second, third = int(day[1]), int(day[2]), int(day[3])
        if first > 31:
            date = first, second, third
        elif second > 12 or (time[4] and first <= 12):
            date = third, first, second
        else:
            date = third, second, first
        return local(*date, int(time[1]), int(time[2]), int(time[3] or 0), self.options.zone, time[4])


def read(stream: Bytes, options: Options, tally: Tally, head: bytes = b"") -> Iterator[Message]:
    """The messages of a log, in its order; after a refused or broken piece none follow."""
    log = _Log(options, tally)
    parser = expat.ParserCreate("utf-8")  # the text is decoded before, whatever it declares
    parser.buffer_text = False
    parser.StartElementHandler = log.start
    parser.EndElementHandler = log.end
    parser.CharacterDataHandler = log.data
    parser.StartDoctypeDeclHandler = _refuse
    parser.EntityDeclHandler = _refuse
    parser.ExternalEntityRefHandler = _refuse
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
    try:
        for piece in chunks(stream, head):
            parser.Parse(piece.encode("utf-8", "replace"), False)
            yield from log.done
            log.done.clear()
        parser.Parse(b"", True)
    except _Refused:
        tally.entities += 1
    except (expat.ExpatError, ValueError):
        tally.odd += 1
    yield from log.done


def _refuse(*_: object) -> int:
    raise _Refused
