"""Chats as a table: CSV of Wangwang, 53KF and whatever else can write one (pure)."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Final, Literal

from crm_bridge.chat.decoding import Bytes, chunks, lines
from crm_bridge.chat.message import Message, Options, Tally, clean_name, clean_text, kind_of, side
from crm_bridge.chat.moments import moment

NAMES: Final[dict[str, tuple[str, ...]]] = {
    "at": (
        "at",
        "time",
        "date",
        "datetime",
        "timestamp",
        "sendtime",
        "send_time",
        "时间",
        "发送时间",
        "消息时间",
        "日期",
    ),
    "peer": ("peer", "customer", "buyer", "visitor", "客户", "对方", "买家", "访客", "会话", "消息对象", "客户昵称"),
    "peer_id": (
        "peer_id",
        "customer_id",
        "visitor_id",
        "buyer_id",
        "客户id",
        "访客id",
        "客户账号",
        "买家账号",
        "旺旺号",
    ),
    "sender": ("sender", "from", "author", "nick", "发送人", "发送者", "发言人", "昵称"),
    "sender_id": ("sender_id", "from_id", "发送人id", "发送人账号", "发送者id", "账号", "qq"),
    "direction": ("direction", "方向", "收发", "类别"),
    "kind": ("kind", "type", "msgtype", "msg_type", "消息类型", "类型"),
    "text": ("text", "content", "message", "msg", "body", "内容", "消息内容", "聊天内容", "消息"),
    "channel": ("channel", "platform", "渠道", "平台"),
    "id": ("id", "msg_id", "message_id", "消息id", "消息编号"),
}
"What columns are called; the first that is there counts."
IN: Final = frozenset({"in", "received", "receive", "收", "接收", "来", "客户", "访客", "买家", "customer", "visitor"})
OUT: Final = frozenset({"out", "sent", "send", "发", "发送", "去", "客服", "卖家", "agent", "staff"})
KINDS: Final[dict[str, str]] = {
    **dict.fromkeys(("image", "pic", "picture", "图片"), "image"),
    **dict.fromkeys(("file", "文件"), "file"),
    **dict.fromkeys(("voice", "audio", "语音"), "voice"),
    **dict.fromkeys(("video", "视频"), "video"),
    **dict.fromkeys(("emoji", "sticker", "emotion", "表情"), "sticker"),
    **dict.fromkeys(("link", "card", "链接", "卡片"), "card"),
    **dict.fromkeys(("location", "位置"), "location"),
    **dict.fromkeys(("system", "event", "系统"), "system"),
    **dict.fromkeys(("text", "txt", "文本", "文字"), "text"),
}
CHANNELS: Final[dict[str, str]] = {
    **dict.fromkeys(("旺旺", "阿里旺旺", "千牛", "wangwang", "aliwangwang"), "wangwang"),
    **dict.fromkeys(("微信", "wechat", "weixin"), "wechat"),
    **dict.fromkeys(("企业微信", "企微", "wecom"), "wecom"),
    **dict.fromkeys(("qq", "QQ"), "qq"),
    **dict.fromkeys(("web", "网页", "网站", "在线客服", "53kf", "快商通"), "web"),
}
_MAX_COLUMNS: Final = 200


def columns_of(names: list[str], options: Options) -> dict[str, int] | None:
    """Where each of our fields stands; None where there is no time or no text."""
    plain = [name.strip().lstrip("\ufeff").lower() for name in names[:_MAX_COLUMNS]]
    found: dict[str, int] = {}
    for field, known in NAMES.items():
        wanted = options.columns.get(field)
        for name in (wanted.strip().lower(),) if wanted else known:
            if name in plain and plain.index(name) not in found.values():
                found[field] = plain.index(name)
                break
    return found if "at" in found and "text" in found else None


def delimiter_of(line: str) -> str:
    """The character that parts the most cells of a header line."""
    return max(",\t;|", key=line.count)


def names_of(line: str) -> list[str]:
    """The cells of a header line."""
    return next(_rows(iter([line]), delimiter_of(line), Tally()), [])


def read(stream: Bytes, options: Options, tally: Tally, head: bytes = b"") -> Iterator[Message]:
    """The messages of a table with a line of names above."""
    source = lines(chunks(stream, head), tally)
    first = next((line for line in source if line.strip()), "")
    delimiter = delimiter_of(first)
    columns = columns_of(names_of(first), options)
    if columns is None:
        tally.odd += 1
        return
    for row in _rows(source, delimiter, tally):
        if not any(row):
            continue
        cells = {field: row[place] if place < len(row) else "" for field, place in columns.items()}
        found = message_of(cells, options)
        if found is None:
            tally.odd += 1
        else:
            yield found


def _rows(source: Iterator[str], delimiter: str, tally: Tally) -> Iterator[list[str]]:
    reader = csv.reader((line + "\n" for line in source), delimiter=delimiter)
    while True:
        try:
            yield next(reader)
        except StopIteration:
            return
        except csv.Error:
            tally.odd += 1


def message_of(cells: dict[str, str], options: Options) -> Message | None:
    """A message of named texts; None where no time is understood."""
    at = moment(cells.get("at", ""), options.zone)
    if at is None:
        return None
    sender, number = clean_name(cells.get("sender", "")), clean_name(cells.get("sender_id", "")) or None
    peer_id = clean_name(cells.get("peer_id", "")) or None
    peer = clean_name(cells.get("peer", "")) or peer_id or clean_name(options.name)
    text = clean_text(cells.get("text", ""))
    word = cells.get("direction", "").strip().lower()
    direction: Literal["in", "out"]
    if word in IN or word in OUT:
        direction, guessed = ("in" if word in IN else "out"), False
    else:
        direction, guessed = side(options, sender, number, peer, group=False)
        if guessed and peer_id is not None and number is not None:
            direction, guessed = ("in" if number == peer_id else "out"), False
    platform = cells.get("channel", "").strip()
    channel = CHANNELS.get(platform.lower(), clean_name(platform.lower())) or options.channel or "web"
    kind = KINDS.get(cells.get("kind", "").strip().lower()) or kind_of(text, number)
    return Message(
        at=at,
        peer=peer,
        peer_id=peer_id,
        sender=sender or (peer if direction == "in" else ""),
        sender_id=number,
        direction="in" if kind == "system" else direction,
        kind=kind,
        text=text,
        channel=channel[:16],
        native_id=clean_name(cells.get("id", "")),
        guessed=guessed,
    )
