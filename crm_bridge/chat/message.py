"""One message as a chat program recorded it, and what all readers share (pure)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, tzinfo
from typing import Any, Final, Literal

import msgspec

MAX_TEXT: Final = 20_000
"Characters kept of a message."
MAX_NAME: Final = 120
SYSTEM_IDS: Final = frozenset({"10000", "1000000"})
"What QQ shows as the sender of its own notices."


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One message of a chat."""

    at: float
    "Epoch seconds."
    peer: str
    "Name of the conversation as our side saw it: the customer's remark name, or the group's."
    peer_id: str | None = None
    "The conversation's id on its platform, where the file's head tells it: the same for all of its messages."
    sender: str
    "Nick as shown then; '' where the sender had none, or the file does not say."
    sender_id: str | None = None
    direction: Literal["in", "out"]
    kind: str
    "text, image, sticker, voice, video, file, card, location, call, redpacket or system."
    text: str
    channel: str = "qq"
    group: bool = False
    native_id: str = ""
    "The platform's own id of the message."
    guessed: bool = False
    "The direction is a rule of thumb: nobody said which account is ours."


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What a file does not say of itself."""

    zone: tzinfo = UTC
    "Of local times."
    ours: frozenset[str] = frozenset()
    "Ids or nicks of our own accounts."
    name: str = ""
    "The file's name without its ending: some formats keep the peer there and nowhere else."
    headers: Literal["auto", "blank", "any"] = "auto"
    "QQ text: is a line a message's header only after a blank line? `auto` decides by the beginning of the file."
    channel: str = ""
    "Of formats that do not say."
    columns: dict[str, str] = {}
    "CSV: {our name: name of the column}, over the names known anyway."


class Tally(msgspec.Struct, kw_only=True):
    """What a reader met on its way, besides messages."""

    cut: int = 0
    "Texts, lines or elements longer than the limit."
    odd: int = 0
    "Pieces that could not be understood and were left out."
    entities: int = 0
    "Document types and entities, refused."


_FORBIDDEN: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff\ufff9-\uffff\ud800-\udfff\U000e0000-\U000e007f]"
)
_INVISIBLE: Final = re.compile("[\u200b\u200e\u200f\u2060\u061c]")


def clean_text(text: str, tally: Tally | None = None) -> str:
    """A message's text: no control characters, none that turn the direction of writing; bounded."""
    if len(text) > MAX_TEXT:
        text = text[:MAX_TEXT]
        if tally is not None:
            tally.cut += 1
    text = text.replace("\r\n", "\n").replace("\u2028", "\n").replace("\u2029", "\n").replace("\x0b", "\n")
    return _FORBIDDEN.sub("", text).strip("\n ")


def clean_name(name: str) -> str:
    """A nick or remark on one line, without what is there to deceive the eye."""
    plain = _INVISIBLE.sub("", _FORBIDDEN.sub("", name[: MAX_NAME * 4].replace("\n", " ").replace("\t", " ")))
    return plain.strip()[:MAX_NAME]


_TAGS: Final[dict[str, str]] = {
    "图片": "image",
    "闪照": "image",
    "表情": "sticker",
    "动画表情": "sticker",
    "商城表情": "sticker",
    "文件": "file",
    "语音": "voice",
    "视频": "video",
    "短视频": "video",
    "红包": "redpacket",
    "QQ红包": "redpacket",
    "转账": "redpacket",
    "位置": "location",
    "链接": "card",
    "分享": "card",
    "卡片": "card",
    "应用消息": "card",
    "聊天记录": "card",
    "通话": "call",
    "提示": "system",
}
_ONLY_TAGS: Final = re.compile(rf"(?:\[({'|'.join(_TAGS)})\]\s*)+")
_FILE: Final = re.compile(r"\[文件\]|(?:\[[^\[\]]{0,20}\])?\s*FileRef\b")
_RECALLED: Final = re.compile(r"(?:.{0,60}\s)?.{0,60}撤回了一条消息[。.]?")


def kind_of(text: str, sender_id: str | None = None) -> str:
    """What a text of placeholders stands for.

    >>> kind_of("[图片]"), kind_of("[图片] 看看"), kind_of("你撤回了一条消息")
    ('image', 'text', 'system')
    """
    if sender_id in SYSTEM_IDS or (len(text) < 140 and _RECALLED.fullmatch(text)):
        return "system"
    if text.startswith(("[", "FileRef")):
        if _ONLY_TAGS.fullmatch(text):
            return _TAGS[text[1 : text.index("]")]]
        if _FILE.match(text):
            return "file"
    return "text"


def side(
    options: Options, sender: str, sender_id: str | None, peer: str, *, group: bool
) -> tuple[Literal["in", "out"], bool]:
    """(direction, whether it is a guess).

    Where our accounts are named, they decide; an id is trusted before a nick, for anybody may take our nick. Where not:
    in a conversation of two whoever does not bear the peer's name is we, and a group's messages come in.
    """
    if options.ours:
        if sender_id is not None and any(_is_id(one) for one in options.ours):
            return ("out" if sender_id in options.ours else "in"), False
        return ("out" if sender in options.ours or sender_id in options.ours else "in"), False
    if sender_id in SYSTEM_IDS:
        return "in", False
    return ("in" if group or sender == peer else "out"), True


def _is_id(text: str) -> bool:
    return text.isascii() and (text.isdigit() or "@" in text)


def message_json(message: Message, zone: tzinfo) -> dict[str, Any]:
    """What `cti crm chat` prints for a message."""
    return {
        "at": datetime.fromtimestamp(message.at, zone).isoformat(),
        "peer": message.peer,
        "sender": message.sender,
        "sender_id": message.sender_id,
        "direction": message.direction,
        "kind": message.kind,
        "text": message.text,
    }
