"""The web archive that QQ's message browser exports: one table, a row a message (pure).

A row's first block holds the sender and the time, the second what was said; the day stands in a row of its own above.
Our own messages are green there and everybody else's blue, so the file itself says which are ours.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from typing import Final, Literal

from crm_bridge.chat.decoding import Bytes
from crm_bridge.chat.message import SYSTEM_IDS, Message, Options, Tally, clean_name, clean_text, kind_of, side
from crm_bridge.chat.mime import pages
from crm_bridge.chat.moments import HALF, local
from crm_bridge.chat.qq_txt import sender_of

MAX_ROW: Final = 1_000_000
_OWN: Final = "#42b475"
_OTHER: Final = "#006efe"
_ROW_END: Final = re.compile(r"</tr\s*>", re.IGNORECASE)
_TAG: Final = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)((?:[^<>\"']|\"[^\"<>]*\"|'[^'<>]*')*)>")
_STYLE: Final = re.compile(r"color\s*:\s*(#[0-9a-fA-F]{6})")
_DAY: Final = re.compile(r"日期\s*[:：]\s*(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})")
_TIME: Final = re.compile(rf"(?:({HALF})\s?)?(\d{{1,2}}):(\d{{2}}):(\d{{2}})(?:\s?({HALF}))?\s*")
_SECTION: Final = re.compile(r"\s*(消息分组|消息对象)\s*[:：]\s?(.*)", re.DOTALL)
_GROUPS: Final = re.compile(r"群|讨论组|多人")


def read(stream: Bytes, options: Options, tally: Tally, head: bytes = b"") -> Iterator[Message]:
    """The messages of an export, in its order."""
    for page in pages(stream, head, tally):
        yield from _messages(_rows(page, tally), options, tally)


def _rows(pieces: Iterable[str], tally: Tally) -> Iterator[str]:
    """The table's rows; of one without an end only so much is held."""
    pending: list[str] = []
    size = 0
    tail = ""
    for piece in pieces:
        # An end tag may be cut in two: the last few characters wait for the next piece.
        text = tail + piece
        start = 0
        for hit in _ROW_END.finditer(text):
            if size <= MAX_ROW:
                pending.append(text[start : hit.start()])
                yield "".join(pending)
            else:
                tally.cut += 1
            pending, size, start = [], 0, hit.end()
        cut = max(start, len(text) - 16)
        if size <= MAX_ROW:
            pending.append(text[start:cut])
        size += cut - start
        if size > MAX_ROW:
            pending = []
        tail = text[cut:]
    if size <= MAX_ROW and (rest := "".join([*pending, tail])).strip():
        yield rest


class _Block:
    """What a row's cell holds, in order."""

    __slots__ = ("body", "colour", "name", "time")

    def __init__(self) -> None:
        self.colour = ""
        self.name: list[str] = []
        self.time: list[str] = []
        self.body: list[str] = []


def _parse(row: str) -> _Block:
    """The pieces of a row by how deep in its blocks they stand: head > name, head, body."""
    block = _Block()
    depth = heads = 0
    at = 0
    for tag in _TAG.finditer(row):
        _put(block, row[at : tag.start()], depth, heads)
        at = tag.end()
        name, closing = tag[2].lower(), bool(tag[1])
        if name == "td" and not closing:
            depth = heads = 0
            block = _Block()
        elif name == "div":
            if closing:
                depth = max(0, depth - 1)
            else:
                depth += 1
                heads += depth == 1
                if depth == 1 and heads == 1 and (style := _STYLE.search(tag[3])):
                    block.colour = style[1].lower()
                elif heads > 1 and depth > 1:
                    block.body.append("\n")
        elif name == "img" and heads > 1:
            block.body.append("[图片]")
        elif name in ("br", "p") and heads > 1 and not closing:
            block.body.append("\n")
    _put(block, row[at:], depth, heads)
    return block


def _put(block: _Block, raw: str, depth: int, heads: int) -> None:
    if not raw:
        return
    if depth == 0:
        if raw.strip():
            block.time.append(html.unescape(raw))
    elif heads > 1:
        # Line ends in the source mean nothing in a page.
        block.body.append(html.unescape(raw.replace("\r", "").replace("\n", "")).replace("\xa0", " "))
    elif depth == 1:
        block.time.append(html.unescape(raw))
    else:
        block.name.append(html.unescape(raw))


def _messages(rows: Iterable[str], options: Options, tally: Tally) -> Iterator[Message]:
    peer, group_name = clean_name(options.name), ""
    named = pair = False
    day: tuple[int, int, int] | None = None
    for row in rows:
        block = _parse(row)
        outside = "".join(block.time).strip()
        if not block.name and not block.body:
            if section := _SECTION.fullmatch(outside[:600]):
                if section[1] == "消息分组":
                    group_name = clean_name(section[2])
                else:
                    peer, named, pair = clean_name(section[2]), True, False
            elif hit := _DAY.match(outside):
                day = int(hit[1]), int(hit[2]), int(hit[3])
            continue
        time = _TIME.fullmatch(outside)
        at = (
            local(*day, int(time[2]), int(time[3]), int(time[4]), options.zone, time[1] or time[5])
            if day and time
            else None
        )
        if at is None:
            tally.odd += 1
            continue
        name, number = sender_of("".join(block.name), peer if named else "")
        pair = pair or (named and name == peer)
        group = bool(_GROUPS.search(group_name)) or (
            number is not None and number not in SYSTEM_IDS and not pair and group_name not in ("我的好友", "陌生人")
        )
        text = clean_text("".join(block.body), tally)
        kind = kind_of(text, number)
        direction: Literal["in", "out"]
        direction, guessed = side(options, name, number, peer, group=group)
        if guessed and block.colour in (_OWN, _OTHER):
            direction, guessed = ("out" if block.colour == _OWN else "in"), False
        yield Message(
            at=at,
            peer=peer,
            sender=name,
            sender_id=number,
            direction="in" if kind == "system" else direction,
            kind=kind,
            text=text,
            group=group,
            guessed=guessed,
        )
