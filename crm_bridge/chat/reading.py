"""Chat files: which format one has, and its messages."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from crm_bridge.chat import json_exports, msn, qq_mht, qq_txt, table
from crm_bridge.chat.decoding import HEAD, chunks, encoding_of, lines
from crm_bridge.chat.json_exports import Format, Head
from crm_bridge.chat.message import Message, Options, Tally
from crm_bridge.chat.scan import MAX_ELEMENT, at, elements, load
from crm_bridge.model import CrmError

FORMATS: Final = ("qq-txt", "qq-mht", "qq-chat-exporter", "qqnt-export", "chatlab", "wecom", "msn", "csv")
_PACKED: Final = (b"PK\x03\x04", b"\x1f\x8b", b"7z\xbc\xaf", b"Rar!", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd")
_BINARY: Final = (b"SQLite format 3", b"\x89PNG", b"\xff\xd8\xff", b"%PDF", b"\xd0\xcf\x11\xe0", b"MZ")
_STREAMED: Final = {"qq-txt": qq_txt.read, "qq-mht": qq_mht.read, "msn": msn.read, "csv": table.read}
_HEADER: Final = re.compile(r"^\d{4}[-/.]\d{1,2}[-/.]\d{1,2}[ \u00a0].{0,10}\d{1,2}:\d{2}:\d{2}", re.MULTILINE)


class UnreadableFile(CrmError):
    """A file that is no chat record of a known format; the text says what to do."""

    def __init__(self, text: str, text_en: str) -> None:
        super().__init__(text, text_en=text_en, permanent=True)


def format_of(head: bytes) -> str | None:
    """The format of a file by its beginning (64 KB are enough), None for none of `FORMATS`."""
    if head.startswith((*_PACKED, *_BINARY)):
        return None
    text = head.decode(encoding_of(head), "replace").lstrip("\ufeff")
    start = re.sub(r"^(?:#[^\n]*\n|\s)+", "", text)  # lines of JSON may have remarks above
    if start[:1] in ("{", "["):
        return _json_format(text)
    if re.search(r"^MIME-Version\s*:|^Content-Type\s*:\s*multipart/|^From: <Save", text[:4000], re.I | re.M):
        return "qq-mht"
    if start.startswith("<"):
        return "msn" if re.search(r"<Log[\s>]|MessageLog\.xsl", start[:4000]) else None
    if start.startswith("消息记录") or "消息对象:" in text or _HEADER.search(text):
        first = start.split("\n", 1)[0]
        if table.columns_of(table.names_of(first), Options()):
            return "csv"
        return "qq-txt"
    first = start.split("\n", 1)[0]
    names = table.names_of(first)
    return "csv" if table.columns_of(names, Options()) else None


def _json_format(text: str) -> str | None:
    if re.search(r'"chatlab"\s*:\s*\{', text):
        return "chatlab"
    if re.search(r'"_type"\s*:\s*"(?:header|member|message)"', text[:4000]):
        return "chatlab"
    if re.search(r'"(?:chatInfo|QQChatExporter|rawMessage|messageId)"|"sender"\s*:\s*\{', text):
        return "qq-chat-exporter"
    if re.search(r'"msgtime"\s*:|"encrypt_chat_msg"\s*:', text):
        return "wecom"
    if re.search(r'"contents"\s*:\s*\[', text):
        return "qqnt-export"
    if re.search(r'"messages"\s*:\s*\[', text) and re.search(r'"members"\s*:\s*\[', text):
        return "chatlab"
    return None


def read_file(path: Path, options: Options, tally: Tally, form: str | None = None) -> Iterator[Message]:
    """The messages of a file. Raises UnreadableFile before the first one, OSError where it cannot be opened."""
    with path.open("rb") as file:
        head = file.read(HEAD)
    kind = form or format_of(head)
    if kind is None:
        raise _unknown(head)
    if not options.name:
        options = _named(options, path)
    return _messages(path, kind, options, tally)


def _named(options: Options, path: Path) -> Options:
    return Options(**{**{f: getattr(options, f) for f in options.__struct_fields__}, "name": path.stem})


def _messages(path: Path, kind: str, options: Options, tally: Tally) -> Iterator[Message]:
    if kind in _STREAMED:
        with path.open("rb") as file:
            yield from _STREAMED[kind](file, options, tally)
        return
    form = _FORMS[kind]

    def reopen() -> Iterator[str]:
        with path.open("rb") as again:
            yield from chunks(again)

    if _is_lines(reopen):
        head = Head()
        if form == "qq-chat-exporter":
            _beside(path, head)
        yield from json_exports.read_lines(form, lines(reopen(), tally, MAX_ELEMENT), options, tally, head)
    else:
        yield from json_exports.read(form, reopen, options, tally)


_FORMS: Final[dict[str, Format]] = {
    "qq-chat-exporter": "qq-chat-exporter",
    "qqnt-export": "qqnt-export",
    "chatlab": "chatlab",
    "wecom": "wecom",
}


def _is_lines(reopen: Callable[[], Iterator[str]]) -> bool:
    """Whether the first line is a whole JSON object by itself."""
    every = lines(reopen(), Tally(), MAX_ELEMENT)
    first = next((line for line in every if line.strip() and not line.startswith("#")), "")
    value = load(first)
    return isinstance(value, dict) and not any(isinstance(value.get(key), list) for key in json_exports.LISTS)


def _beside(path: Path, head: Head) -> None:
    """The manifest of an export in pieces: in the folder of the pieces, or above it."""
    for folder in (path.parent, path.parent.parent):
        manifest = folder / "manifest.json"
        if manifest.is_file() and manifest.stat().st_size < 10_000_000:
            with manifest.open("rb") as file:
                for key, value in elements(chunks(file), (), Tally()):
                    head.take(key, value)
            if at(head.values, "chatInfo"):
                return


def _unknown(head: bytes) -> UnreadableFile:
    if head.startswith(_PACKED):
        return UnreadableFile("这是压缩文件，请先解压", "This is a packed file: unpack it first")
    if head.startswith(_BINARY) or head.count(0) > len(head) // 4:
        return UnreadableFile(
            "这不是文本记录；QQ 的 bak 和数据库是加密的，请在 QQ 里导出为 txt 或 mht",
            "This is no text record; QQ's bak files and databases are encrypted: export txt or mht from QQ",
        )
    return UnreadableFile(
        "认不出这种聊天记录；表格请带一行列名（时间、内容…）",
        "No known chat record; a table needs a line of column names (time, text...)",
    )
