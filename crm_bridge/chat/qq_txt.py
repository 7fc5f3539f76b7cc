"""The text that QQ's message browser exports (pure).

    消息记录（此消息记录为文本格式，不支持重新导入）

    ================================================================
    消息分组:我的好友
    ================================================================
    消息对象:…                           the remark name, or the group's
    ================================================================

    2010-01-06 16:57:28 …                a conversation of two: a nick only
    text, one line or several

    2019-07-16 18:15:05 【管理员】…(23333233)     a group: titles, card, number or <address>

One file may hold many groups and objects. A body may quote such lines; real exports put a blank line between messages
and made-up ones do not, so a header needs one before it unless the beginning of the file shows that none is used.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Final

from crm_bridge.chat.decoding import Bytes, chunks, lines
from crm_bridge.chat.message import MAX_TEXT, SYSTEM_IDS, Message, Options, Tally, clean_name, clean_text, kind_of, side
from crm_bridge.chat.moments import HALF, local

_HEADER: Final = re.compile(
    rf"(\d{{4}})([-/.])(\d{{1,2}})\2(\d{{1,2}})[ \u00a0\u202f]+(?:({HALF})[ \u00a0\u202f]?)?"
    rf"(\d{{1,2}}):(\d{{2}}):(\d{{2}})(?:[ \u00a0\u202f]({HALF})(?=[ ]|$))?(?:[ ](.*))?",
    re.DOTALL,
)
_RULE: Final = re.compile(r"={16,}\s*")
_SECTION: Final = re.compile(r"\s*(消息分组|消息对象)\s*[:：]\s?(.*)")
_ID: Final = re.compile(r"(.*)\((\d{5,12})\)\s*", re.DOTALL)
_ADDRESS: Final = re.compile(r"(.*)<([^<>\s]{1,100}@[^<>\s]{1,100})>\s*", re.DOTALL)
_TITLE: Final = re.compile(r"【[^【】]{0,20}】")
_GROUPS: Final = re.compile(r"群|讨论组|多人")
"In the name of a group of conversations: its objects are groups too."
_LOOK: Final = 400
"Lines by which the file's habit is known."


class _Header:
    """A line that could begin a message."""

    __slots__ = ("at", "sender")

    def __init__(self, at: float, sender: str) -> None:
        self.at = at
        self.sender = sender


def _header(line: str, options: Options) -> _Header | None:
    hit = _HEADER.fullmatch(line) if line[:4].isdigit() and len(line) < 600 else None
    if hit is None:
        return None
    hour, before, after, sender = int(hit[6]), hit[5], hit[9], hit[10] or ""
    if after and not 1 <= hour <= 12:
        # "20:43:38 PM 某某": the day has 24 hours, so PM begins the nick.
        sender, after = f"{after} {sender}", None
    at = local(
        int(hit[1]), int(hit[3]), int(hit[4]), hour, int(hit[7]), int(hit[8]), options.zone, half=before or after
    )
    return None if at is None else _Header(at, sender)


def _needs_blank(beginning: list[str], options: Options) -> tuple[bool, bool]:
    """(a header needs a blank line before it, headers go forward in time), by the beginning of a file."""
    with_blank = without = backward = 0
    newest: float | None = None
    previous = ""
    for line in beginning:
        if _SECTION.match(line) or _RULE.fullmatch(line):
            newest = None
        elif found := _header(line, options):
            if newest is not None:
                back = found.at < newest
                backward += back
                with_blank += not previous.strip()
                # A line that goes back in time may be a quotation: no evidence against blank lines.
                without += bool(previous.strip()) and not back
            newest = max(found.at, newest or 0.0)
        previous = line
    return with_blank > 0 and with_blank >= without, backward * 2 <= with_blank + without + backward


def sender_of(raw: str, peer: str) -> tuple[str, str | None]:
    """(nick, id) of what stands behind the time; titles are taken off, the id is in the last brackets.

    >>> sender_of("【群主】【话唠】a(b)c(23333233)", ""), sender_of("此消彼长<qq_g@163.com>", "")
    (('a(b)c', '23333233'), ('此消彼长', 'qq_g@163.com'))
    """
    if clean_name(raw) == peer and peer:
        return peer, None
    hit = _ID.fullmatch(raw) or _ADDRESS.fullmatch(raw)
    if hit is None:
        return clean_name(raw), None
    name = hit[1]
    while title := _TITLE.match(name):
        name = name[title.end() :]
    return clean_name(name), hit[2]


class _Reader:
    """The state between two lines."""

    def __init__(self, options: Options, tally: Tally) -> None:
        self.options = options
        self.tally = tally
        self.group_name = ""
        self.peer = clean_name(options.name)
        self.named = False
        self.pair = False  # the peer itself has spoken: a conversation of two
        self.open: _Header | None = None
        self.body: list[str] = []
        self.size = 0

    def section(self, what: str, name: str) -> None:
        if what == "消息分组":
            self.group_name = clean_name(name)
        else:
            self.peer, self.named, self.pair = clean_name(name), True, False

    def add(self, line: str) -> None:
        if self.open is None:
            return
        if self.size <= MAX_TEXT:
            self.body.append(line)
            self.size += len(line) + 1

    def close(self) -> Iterator[Message]:
        header, self.open = self.open, None
        if header is None:
            return
        text = clean_text("\n".join(self.body), self.tally)
        self.body, self.size = [], 0
        name, number = sender_of(header.sender, self.peer if self.named else "")
        group = self._group(name, number)
        direction, guessed = side(self.options, name, number, self.peer, group=group)
        kind = kind_of(text, number)
        yield Message(
            at=header.at,
            peer=self.peer,
            sender=name,
            sender_id=number,
            direction="in" if kind == "system" else direction,
            kind=kind,
            text=text,
            group=group,
            guessed=guessed,
        )

    def _group(self, name: str, number: str | None) -> bool:
        """Groups show numbers behind the nicks; in a conversation of two the peer bears the object's name."""
        if _GROUPS.search(self.group_name):
            return True
        if self.named and name == self.peer:
            self.pair = True
        if self.pair or self.group_name in ("我的好友", "陌生人"):
            return False
        return number is not None and number not in SYSTEM_IDS


def read(stream: Bytes, options: Options, tally: Tally, head: bytes = b"") -> Iterator[Message]:
    """The messages of an export, in its order."""
    return messages(lines(chunks(stream, head), tally), options, tally)


def messages(source: Iterable[str], options: Options, tally: Tally) -> Iterator[Message]:
    """The messages in the lines of an export."""
    rest = iter(source)
    beginning = list(islice(rest, _LOOK))
    blank, forward = _needs_blank(beginning, options)
    if options.headers != "auto":
        blank = options.headers == "blank"
    reader = _Reader(options, tally)
    held: str | None = None  # a line of = that begins a section, ends its head, or belongs to a body
    below_section = False  # ... and this one ends a head
    fresh = True  # no message since the section began
    previous = ""
    for line in chain(beginning, rest):
        if held is not None:
            if (section := _SECTION.fullmatch(line[:600])) is not None:
                yield from reader.close()
                reader.section(section[1], section[2])
                held, below_section, fresh, previous = None, True, True, line
                continue
            if not below_section:
                reader.add(held)
            held, below_section = None, False
        if _RULE.fullmatch(line):
            held = line
        elif (found := _header(line, options)) and _begins(found, reader, blank, forward, previous, fresh, options):
            yield from reader.close()
            reader.open, fresh = found, False
        else:
            reader.add(line)
        previous = line
    if held is not None and not below_section:
        reader.add(held)
    yield from reader.close()


def _begins(
    found: _Header,
    reader: _Reader,
    blank: bool,
    forward: bool,
    previous: str,
    fresh: bool,
    options: Options,
) -> bool:
    """Whether a line that looks like a header is one."""
    if fresh or not previous.strip():
        return True
    if blank or not found.sender.strip():
        return False
    # A quotation tells what was said before; where messages go forward in time, it shows by that.
    back = reader.open is not None and found.at < reader.open.at
    return options.headers == "any" or not (forward and back)
