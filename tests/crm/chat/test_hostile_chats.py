"""Chat files come from anywhere: readers never raise, hold little, and refuse bombs."""

from __future__ import annotations

import io
import json
import random
import tracemalloc
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_bridge.chat import decoding, json_exports, msn, qq_mht, qq_txt, table
from crm_bridge.chat.json_exports import Format, Head
from crm_bridge.chat.message import MAX_NAME, MAX_TEXT, Message, Options, Tally
from crm_bridge.chat.reading import FORMATS, UnreadableFile, format_of, read_file
from crm_bridge.chat.webhook import SHAPES, BadPush, TooLarge, parse
from tests.crm.chat import corpus
from tests.crm.chat.conftest import SHANGHAI, Chat

OPTIONS = Options(zone=SHANGHAI, name="file")
STREAMED = {"qq-txt": qq_txt.read, "qq-mht": qq_mht.read, "msn": msn.read, "csv": table.read}
JSON: tuple[Format, ...] = ("qq-chat-exporter", "qqnt-export", "chatlab", "wecom")
SEEDS: dict[str, list[bytes]] = {
    "qq-txt": [corpus.qq(corpus.PAIR, corpus.GROUP, corpus.TWELVE, corpus.BARE)],
    "qq-mht": [corpus.MHT],
    "msn": [corpus.MSN.encode()],
    "csv": [corpus.CSV.encode()],
    "qq-chat-exporter": [json.dumps(one, ensure_ascii=False).encode() for one in (corpus.EXPORTER, corpus.EXPORTER_4)],
    "qqnt-export": [json.dumps(one, ensure_ascii=False).encode() for one in (corpus.QQNT_PAIR, corpus.QQNT_GROUP)],
    "chatlab": [json.dumps(corpus.CHATLAB).encode()],
    "wecom": [json.dumps(corpus.WECOM).encode()],
}


def read(form: str, content: bytes, options: Options = OPTIONS) -> list[Message]:
    """Everything a reader makes of some bytes, checked for what must always hold."""
    tally = Tally()
    if form in STREAMED:
        found = list(STREAMED[form](io.BytesIO(content), options, tally))
    else:
        kind = next(one for one in JSON if one == form)
        found = list(json_exports.read(kind, lambda: decoding.chunks(io.BytesIO(content)), options, tally))
        lines = decoding.lines(decoding.chunks(io.BytesIO(content)), tally)
        found += json_exports.read_lines(kind, lines, options, tally, Head())
    for message in found:
        assert len(message.text) <= MAX_TEXT
        for name in (message.sender, message.peer, message.sender_id or "", message.peer_id or "", message.native_id):
            assert len(name) <= MAX_NAME
        shown = message.text + message.sender + message.peer
        assert not [c for c in shown if unicodedata.category(c) in ("Cc", "Cs") and c not in "\n\t"]
        assert not set(shown) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
        json.dumps(message.text, ensure_ascii=False).encode()
    return found


@pytest.mark.parametrize("form", FORMATS)
@settings(max_examples=60)
@given(content=st.binary(max_size=3000))
def test_any_bytes(form: str, content: bytes) -> None:
    """No bytes make a reader raise."""
    read(form, content)
    format_of(content)


@pytest.mark.parametrize("form", FORMATS)
@settings(max_examples=40)
@given(data=st.data())
def test_mutated_files(form: str, data: st.DataObject) -> None:
    """Real files with pieces cut out, doubled, moved and overwritten are read for what is left of them."""
    whole = data.draw(st.sampled_from(SEEDS[form]))[:6000]
    rng = random.Random(data.draw(st.integers(0, 2**32)))
    spoilt = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 12))):
        at, size = rng.randrange(len(spoilt) or 1), rng.randrange(60)
        piece = rng.choice([b"", bytes(spoilt[at : at + size]) * 2, rng.randbytes(4), b"\x00", b'"', b"<", b"}", b"\n"])
        spoilt[at : at + size] = piece
    read(form, bytes(spoilt))


WORDS = (
    *("id", "timestamp", "time", "sender", "uin", "uid", "name", "content", "text", "elements", "type", "resources"),
    *("contents", "msgtime", "from", "tolist", "msgtype", "roomid", "mixed", "item", "rawMessage", "chatInfo"),
    *("messages", "meta", "members", "sender_qq", "direction", "data"),
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(WORDS),
            inner,
            max_size=6,
        )
    ),
    max_leaves=20,
)


@pytest.mark.parametrize("form", JSON)
@settings(max_examples=80)
@given(value=VALUES)
def test_json_of_wrong_types(form: str, value: Any) -> None:
    """Any value in any place of a document or of a push is text, nothing, or left out."""
    read(form, json.dumps({"chatInfo": value, "meta": value, "messages": [value, value]}).encode())
    stamped = {**value, "timestamp": 1703001600, "msgtime": 1703001600} if isinstance(value, dict) else value
    read(form, json.dumps([stamped]).encode())
    for shape in SHAPES.values():
        parse(json.dumps([stamped]).encode(), shape, OPTIONS)


def test_entity_bombs_and_external_entities_are_refused() -> None:
    """A document type ends the reading: nothing is expanded, no file is opened."""
    bomb = '<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "aaaaaaaaaa">' + "".join(
        f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9)
    )
    tally = Tally()
    assert list(msn.read(io.BytesIO(f"{bomb}]><Log><Message>&j;</Message></Log>".encode()), OPTIONS, tally)) == []
    assert tally.entities == 1
    outside = '<!DOCTYPE Log [<!ENTITY x SYSTEM "file:etc/passwd">]>' + corpus.MSN.split("?>", 2)[2].replace(
        "好", "&x;"
    )
    tally = Tally()
    assert list(msn.read(io.BytesIO(outside.encode()), OPTIONS, tally)) == []
    assert tally.entities == 1


def test_depth_bombs_are_left_out() -> None:
    """A hundred thousand brackets are counted, not entered; what stands beside them is read."""
    good = json.dumps({"time": "2025-01-01 10:25:15", "direction": "收", "contents": [["[文本]", "在"]]})
    bomb = '{"a":' * 100_000 + "1" + "}" * 100_000
    assert [m.text for m in read("qqnt-export", f"[{bomb},{good}]".encode())] == ["在"]
    xml = corpus.MSN.replace("<Text>好</Text>", "<a>" * 5000 + "</a>" * 5000)
    assert len(read("msn", xml.encode())) == 1


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.zip", b"PK\x03\x04" + b"\x00" * 100),
        ("a.gz", b"\x1f\x8b\x08" + b"\x00" * 100),
        ("a.bak", b"SQLite format 3\x00" + b"\x00" * 100),
        ("a.db", bytes(range(256)) * 10 + b"\x00" * 3000),
        ("a.txt", "只是一篇文章".encode()),
        ("a.txt", b""),
        ("a.html", b"<html><body>hello</body></html>"),
    ],
)
def test_what_is_no_chat_is_refused_with_a_sentence(tmp_path: Path, name: str, content: bytes) -> None:
    """Packed, binary and unknown files are not guessed at, and nothing is unpacked."""
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UnreadableFile) as refused:
        read_file(tmp_path / name, OPTIONS, Tally())
    assert refused.value.permanent
    assert refused.value.text != refused.value.text_en


class Endless(io.RawIOBase):
    """A stream made on the fly."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes."""
        while len(self._rest) < size and (piece := next(self._pieces, b"")):
            self._rest += piece
        found, self._rest = self._rest[:size], self._rest[size:]
        return found


def once(first: bytes, piece: bytes, count: int, last: bytes = b"") -> Iterator[bytes]:
    """A beginning, the same piece many times, an end."""
    yield first
    for _ in range(count):
        yield piece
    yield last


MEGABYTE = b"x" * (1 << 20)
LONG = {
    "a line": ("qq-txt", corpus.qq(corpus.GROUP), MEGABYTE),
    "a body": ("qq-txt", corpus.qq(corpus.GROUP), b"2019-07-16 x\r\n" * 70_000),
    "a row": ("qq-mht", corpus.MHT.split(b"</table>")[0] + b"<tr><td>", MEGABYTE),
    "a picture": ("qq-mht", corpus.MHT.split(b"/9j/")[0], MEGABYTE),
    "a text node": ("msn", corpus.MSN.split("好")[0].encode(), MEGABYTE),
    "a quoted cell": ("csv", corpus.CSV.encode() + b'2025-01-01 10:00:00,"', b"x" * 100 + b"\n" + MEGABYTE),
}


@pytest.mark.parametrize("what", LONG)
def test_memory_stays_flat_whatever_is_long(what: str) -> None:
    """24 MB of one line, row, picture or cell are read with a few megabytes held, and what came before is there."""
    form, first, piece = LONG[what]
    stream = Endless(once(first, piece, 24))
    tracemalloc.start()
    try:
        found = list(STREAMED[form](stream, OPTIONS, Tally()))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found
    assert peak < 12_000_000


def test_a_long_json_element_is_left_out_in_flat_memory() -> None:
    """An element beyond the limit is counted; those after it are read."""
    good = json.dumps(corpus.QQNT_PAIR[0]).encode()
    tally = Tally()
    tracemalloc.start()
    try:
        stream = Endless(once(b'[{"contents":"', MEGABYTE, 30, b'"},' + good + b"]"))
        found = list(json_exports.read("qqnt-export", lambda: decoding.chunks(stream), OPTIONS, tally))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(found) == 1
    assert tally.cut == 1
    assert peak < 40_000_000


def test_pushes_are_bounded() -> None:
    """A push that is too long or no JSON is refused; one of too many messages whole, for none of them may get lost."""
    for body in (b"x" * 3_000_000, b"nonsense", b"17", b"\xff\xfe"):
        with pytest.raises(BadPush):
            parse(body, SHAPES["generic"], OPTIONS)
    many = json.dumps({"messages": [{"at": 1703001600, "peer": "a", "text": "b"}] * 5000}).encode()
    with pytest.raises(TooLarge):
        parse(many, SHAPES["generic"], OPTIONS)


def test_reading_twice_is_the_same(chat: Chat) -> None:
    """Readers have no memory: the same file gives the same messages."""
    first = chat.read(corpus.qq(corpus.PAIR, corpus.GROUP))
    assert chat.read(corpus.qq(corpus.PAIR, corpus.GROUP)) == first
