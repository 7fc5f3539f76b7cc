"""JSON of qq-chat-exporter, QQNT_Export and ChatLab (pure)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, Literal

from crm_bridge.chat.message import SYSTEM_IDS, Message, Options, Tally, clean_name, clean_text, kind_of, side
from crm_bridge.chat.moments import moment
from crm_bridge.chat.scan import at, elements, load, string

Format = Literal["qq-chat-exporter", "qqnt-export", "chatlab", "wecom"]
Open = Callable[[], Iterable[str]]
"Opens the text anew: what a file says of itself may stand behind its messages."

_ELEMENTS: Final[dict[str, str]] = {
    "text": "text",
    "at": "text",
    "reply": "text",
    "image": "image",
    "pic": "image",
    "video": "video",
    "voice": "voice",
    "audio": "voice",
    "ptt": "voice",
    "file": "file",
    "face": "sticker",
    "market_face": "sticker",
    "marketface": "sticker",
    "mface": "sticker",
    "emoji": "sticker",
    "json": "card",
    "ark": "card",
    "card": "card",
    "forward": "card",
    "location": "location",
    "call": "call",
    "redpacket": "redpacket",
    "wallet": "redpacket",
    "system": "system",
}
_CHATLAB_KINDS: Final[dict[str, str]] = {
    "1": "image",
    "2": "voice",
    "3": "video",
    "4": "file",
    "5": "sticker",
    "7": "card",
    "8": "location",
    "20": "redpacket",
    "21": "redpacket",
    "22": "system",
    "23": "call",
    "24": "card",
    "26": "card",
    "27": "card",
    "80": "system",
    "81": "system",
}
_CHANNELS: Final = {"weixin": "wechat", "wecom": "wecom", "workwechat": "wecom", "aliwangwang": "wangwang"}
_HEAD_KEYS: Final = frozenset({"metadata", "chatInfo", "chatlab", "meta"})
LISTS: Final = ("messages", "chatdata", "data", "list")
"Where a document keeps its messages."
_MAX_MEMBERS: Final = 20_000


class Head:
    """What a file says of itself."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.members: dict[str, str] = {}

    def take(self, key: str, value: Any) -> bool:
        """Note a piece of the head; False for what is none."""
        if key in _HEAD_KEYS:
            if isinstance(value, dict):
                self.values[key] = value
            return True
        if key == "members":
            number = clean_name(string(at(value, "platformId")))
            if number and len(self.members) < _MAX_MEMBERS:
                self.members[number] = clean_name(string(at(value, "accountName")))
            return True
        return False

    def get(self, *path: str) -> str:
        """A text in it, '' where there is none."""
        return clean_name(string(at(self.values, *path)))


def read(form: Format, reopen: Open, options: Options, tally: Tally) -> Iterator[Message]:
    """The messages of a document, in its order."""
    convert = CONVERT[form]
    head = Head()
    if form in ("qq-chat-exporter", "chatlab"):
        for key, value in elements(reopen(), ("members",), Tally()):
            head.take(key, value)
            if "chatInfo" in head.values:
                break
    for key, value in elements(reopen(), ("members", *LISTS), tally):
        if key in _HEAD_KEYS or key == "members":
            continue
        found = convert(value, head, options)
        if found is None:
            tally.odd += 1
        else:
            yield found


def read_lines(form: Format, source: Iterable[str], options: Options, tally: Tally, head: Head) -> Iterator[Message]:
    """The messages of a file with one JSON object a line; `head` may be filled from beside it."""
    for line in source:
        if not line.strip() or line.startswith("#"):
            continue
        value = load(line)
        kind = at(value, "_type")
        if kind == "header":
            for key in ("chatlab", "meta"):
                head.take(key, at(value, key))
        elif kind == "member":
            head.take("members", value)
        else:
            found = CONVERT[form](value, head, options) if value is not None else None
            if found is None:
                tally.odd += 1
            else:
                yield found


def _qq_chat_exporter(value: Any, head: Head, options: Options) -> Message | None:
    raw = at(value, "rawMessage")
    when = moment(at(value, "timestamp"), options.zone) or moment(at(value, "time"), options.zone)
    if when is None:
        when = moment(at(raw, "msgTime"), options.zone)
    if when is None:
        return None
    number = string(at(value, "sender", "uin")) or string(at(raw, "senderUin"))
    uid = string(at(value, "sender", "uid")) or string(at(raw, "senderUid"))
    number = "" if number == "0" else number
    sender_id = clean_name(number or uid) or None
    name = clean_name(
        string(at(raw, "sendMemberName"))
        or string(at(value, "sender", "groupCard"))
        or string(at(value, "sender", "name"))
        or string(at(raw, "sendNickName"))
        or number
    )
    peer_id = head.get("chatInfo", "peerUin") or head.get("chatInfo", "peerUid") or None
    peer = head.get("chatInfo", "name") or head.get("chatInfo", "peerName") or peer_id or clean_name(options.name)
    group = head.get("chatInfo", "type") in ("group", "2") or string(at(value, "chatType")) == "2"
    content = at(value, "content")
    text = clean_text(string(at(content, "text")) or string(content))
    kind = _exporter_kind(value, content, text)
    mine = {head.get("chatInfo", "selfUin"), head.get("chatInfo", "selfUid")} - {""}
    direction: Literal["in", "out"]
    if mine and not options.ours:
        direction, guessed = ("out" if {number, uid} & mine else "in"), False
    else:
        direction, guessed = side(options, name, sender_id, peer, group=group)
        if guessed and not group and peer_id is not None:
            direction, guessed = ("in" if peer_id in (number, uid) else "out"), False
    return Message(
        at=when,
        peer=peer,
        peer_id=peer_id,
        sender=name,
        sender_id=sender_id,
        direction="in" if kind == "system" else direction,
        kind=kind,
        text=text or _placeholder(kind),
        group=group,
        native_id=clean_name(string(at(value, "id")) or string(at(value, "messageId"))),
        guessed=guessed and kind != "system",
    )


def _exporter_kind(value: Any, content: Any, text: str) -> str:
    if at(value, "system") is True or at(value, "isSystemMessage") is True or at(value, "recalled") is True:
        return "system"
    if at(value, "isRecalled") is True:
        return "system"
    kinds = [
        _ELEMENTS.get(string(at(one, "type")).lower(), "text")
        for key in ("elements", "resources", "emojis")
        for one in _list(at(content, key))[:50]
        if string(at(one, "type")).lower() not in ("text", "at", "reply") or string(at(one, "data", "text")).strip()
    ]
    if "text" in kinds or not kinds:
        return kind_of(text) if not kinds else "text"
    return kinds[0]


_PLACEHOLDERS: Final = {"image": "[图片]", "sticker": "[表情]", "voice": "[语音]", "video": "[视频]", "file": "[文件]"}


def _placeholder(kind: str) -> str:
    return _PLACEHOLDERS.get(kind, "")


_TAG: Final = re.compile(r"\[([^\[\]]{1,12})\]")
_QUOTED: Final = "被引用的消息"


def _qqnt_export(value: Any, head: Head, options: Options) -> Message | None:
    when = moment(at(value, "time"), options.zone)
    if when is None or not isinstance(value, dict):
        return None
    group = "sender" in value or "sender_qq" in value
    peer = clean_name(options.name)
    number = clean_name(string(value.get("sender_qq")))
    number = "" if number in ("0", "None") else number
    name = clean_name(string(value.get("sender")))
    parts = [_part(one) for one in _list(value.get("contents"))[:200]]
    text = clean_text("\n".join(shown for _, shown in parts if shown))
    said = [tag for tag, shown in parts if tag != _QUOTED and (shown or tag)]
    tags = [f"[{tag}]" for tag in said]
    kind = "text" if not said or "文本" in said else kind_of("".join(tags)) if len(tags) < 50 else "text"
    word = string(value.get("direction"))
    direction: Literal["in", "out"]
    if not group and word in ("收", "发", "转发"):
        direction, guessed = ("in" if word == "收" else "out"), False
        name = name or (peer if direction == "in" else "")
    else:
        direction, guessed = side(options, name, number or None, peer, group=group)
    return Message(
        at=when,
        peer=peer,
        peer_id=peer if not group and _is_number(peer) else None,
        sender=name,
        sender_id=number or (peer if direction == "in" and not group and _is_number(peer) else None),
        direction="in" if kind == "system" else direction,
        kind=kind,
        text=text,
        group=group,
        guessed=guessed and kind != "system",
    )


def _part(one: Any) -> tuple[str, str]:
    """(tag, text as shown) of a piece: ["[文本]", "…"], or ["[文本]…", "reply"] for a quotation."""
    first = string(at(one, "0")) if isinstance(one, list) else string(one)
    second = string(at(one, "1")) if isinstance(one, list) else ""
    hit = _TAG.match(first)
    tag = hit[1] if hit else "文本"
    rest = first[hit.end() :] if hit else first
    if tag == _QUOTED or second == "reply":
        inner = _TAG.match(rest)
        said = rest[inner.end() :] if inner else rest
        said = f"{said}{second if second != 'reply' else ''}"
        return _QUOTED, f"[回复] {said}".strip()
    shown = f"{rest}{second}".strip()
    return tag, shown if tag == "文本" else f"[{tag}] {shown}".strip()


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and 5 <= len(text) <= 12


def _chatlab(value: Any, head: Head, options: Options) -> Message | None:
    when = moment(at(value, "timestamp"), options.zone)
    if when is None:
        return None
    number = clean_name(string(at(value, "sender"))) or None
    name = clean_name(
        string(at(value, "groupNickname")) or string(at(value, "accountName")) or head.members.get(number or "", "")
    )
    group = head.get("meta", "type") == "group"
    owner = head.get("meta", "ownerId") or next((key for key, said in head.members.items() if said == "我"), "")
    peer_id = head.get("meta", "groupId") or None
    title = head.get("meta", "name") or clean_name(options.name)
    peer = title
    if not group and len(head.members) == 2:
        others = [key for key in head.members if key != owner and (owner or head.members[key] == title)]
        if len(others) == 1:
            peer_id, peer = others[0], head.members[others[0]] or peer
    text = clean_text(string(at(value, "content")))
    code = string(at(value, "type"))
    kind = _CHATLAB_KINDS.get(code) or kind_of(text)
    direction: Literal["in", "out"]
    if owner and not options.ours:
        direction, guessed = ("out" if number == owner else "in"), False
    elif peer_id is not None and not group and not options.ours:
        direction, guessed = ("in" if number == peer_id else "out"), False
    else:
        direction, guessed = side(options, name, number, peer, group=group)
    platform = head.get("meta", "platform").lower() or options.channel or "qq"
    return Message(
        at=when,
        peer=peer,
        peer_id=peer_id,
        sender=name,
        sender_id=number,
        direction="in" if kind == "system" or number in SYSTEM_IDS else direction,
        kind=kind,
        text=text or _placeholder(kind),
        channel=_CHANNELS.get(platform, platform)[:16],
        group=group,
        native_id=clean_name(string(at(value, "platformMessageId"))),
        guessed=guessed and kind != "system",
    )


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


_EXTERNAL: Final = ("wm", "wo", "wb")
"How ids of outside contacts and robots begin in WeCom."
_WECOM_KINDS: Final[dict[str, tuple[str, str]]] = {
    "image": ("image", "[图片]"),
    "emotion": ("sticker", "[表情]"),
    "voice": ("voice", "[语音]"),
    "meeting_voice_call": ("call", "[通话]"),
    "voiptext": ("call", "[通话]"),
    "video": ("video", "[视频]"),
    "sphfeed": ("card", "[视频号]"),
    "location": ("location", "[位置]"),
    "redpacket": ("redpacket", "[红包]"),
    "external_redpacket": ("redpacket", "[红包]"),
    "agree": ("system", "对方同意会话内容存档"),
    "disagree": ("system", "对方不同意会话内容存档"),
    "revoke": ("system", "撤回了一条消息"),
    "file": ("file", "[文件]"),
}
_WECOM_TITLES: Final = ("content", "title", "filename", "address", "corpname", "link_title", "displayname", "text")
"Where a message of a kind keeps what can be read of it."


def _wecom(value: Any, head: Head, options: Options) -> Message | None:
    inner = at(value, "content")
    if string(at(value, "msgtype")) == "" and isinstance(inner, str) and inner.startswith("{"):
        value = load(inner[:1_000_000])  # as it is pushed on: the message as a text in a message
    when = moment(at(value, "msgtime"), options.zone)
    action = string(at(value, "action")) or "send"
    author = clean_name(string(at(value, "from")))
    if when is None or not author or action == "switch":
        return None
    receivers = at(value, "tolist")
    others = (
        receivers.split(",")[:500] if isinstance(receivers, str) else [string(one) for one in _list(receivers)[:500]]
    )
    others = [other for other in map(clean_name, others) if other]
    room = clean_name(string(at(value, "roomid")))
    outside = [other for other in others if other.startswith(_EXTERNAL)]
    if author not in options.ours and (options.ours or author.startswith(_EXTERNAL)):
        alone, direction = author, "in"
    else:
        alone, direction = next(iter(outside or others), author), "out"
    kind, text = ("system", "撤回了一条消息") if action == "recall" else _wecom_text(value)
    name = clean_name(string(at(value, "from_name")) or string(at(value, "fromName")))
    return Message(
        at=when,
        peer=clean_name(string(at(value, "room_name"))) or room or (name if direction == "in" else "") or alone,
        peer_id=room or alone,
        sender=name or author,
        sender_id=author,
        direction="in" if direction == "in" else "out",
        kind=kind,
        text=text,
        channel="wecom",
        group=bool(room),
        native_id=clean_name(string(at(value, "msgid"))),
    )


def _wecom_text(value: Any) -> tuple[str, str]:
    said = string(at(value, "msgtype"))
    body = at(value, said) if said else None
    if body is None:
        body = at(value, "info") or at(value, "text") or at(value, "content")
    if said == "mixed":
        parts = []
        for item in _list(at(body, "item"))[:50]:
            piece = at(item, "content")
            piece = load(piece[:100_000]) if isinstance(piece, str) else piece
            parts.append(_wecom_text({"msgtype": at(item, "type"), string(at(item, "type")): piece})[1])
        return "text", clean_text("\n".join(part for part in parts if part))
    kind, tag = _WECOM_KINDS.get(said, ("text" if said in ("text", "markdown", "") else "card", ""))
    shown = next((string(at(body, key)) for key in _WECOM_TITLES if string(at(body, key))), "")
    if kind == "system":
        return kind, tag
    return kind, clean_text(f"{tag} {shown}".strip() or f"[{clean_name(said)[:20]}]")


CONVERT: Final[dict[Format, Callable[[Any, Head, Options], Message | None]]] = {
    "qq-chat-exporter": _qq_chat_exporter,
    "qqnt-export": _qqnt_export,
    "chatlab": _chatlab,
    "wecom": _wecom,
}
"How an element of each format is read; None for what is no message."
