"""What an online-service platform pushes, as messages (pure): shapes are data, so a new platform needs no code."""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qsl

import msgspec

from crm_bridge.chat.json_exports import CONVERT, Head
from crm_bridge.chat.message import Message, Options
from crm_bridge.chat.scan import at, load, string
from crm_bridge.chat.table import message_of
from crm_bridge.model import CrmError

MAX_BODY: Final = 2_000_000
"Bytes of a push."
MAX_MESSAGES: Final = 1000
"In one push."


class Shape(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a platform puts what. A path is keys with points between; several may be given with | between, the first
    that leads to something counts.
    """

    channel: str = "web"
    messages: str = ""
    "Path of the list, or of the one message; '' for the whole body."
    inner: str = ""
    "Path in a message to a text that is JSON itself and holds the message."
    fields: dict[str, str] = {}
    "Our name: path. Names: at, peer, peer_id, sender, sender_id, direction, kind, text, channel, id."
    incoming: tuple[str, ...] = ()
    "Values of `direction` that mean: from the customer."
    outgoing: tuple[str, ...] = ()
    kinds: dict[str, str] = {}
    "Values of `kind`: ours."
    reader: str = ""
    "wecom, chatlab, qq-chat-exporter or qqnt-export: messages as that format has them."


SHAPES: Final[dict[str, Shape]] = {
    "generic": Shape(
        messages="messages",
        fields={
            "at": "at|time|timestamp|send_time|create_time",
            "peer": "peer|visitor_name|customer_name|nick",
            "peer_id": "peer_id|visitor_id|customer_id|openid",
            "sender": "sender|sender_name|from_name",
            "sender_id": "sender_id|from",
            "direction": "direction",
            "kind": "kind|type|msg_type",
            "text": "text|content|msg",
            "channel": "channel|platform",
            "id": "id|msg_id|message_id",
        },
    ),
    "kf5": Shape(
        messages="message",
        fields={
            "at": "create_time",
            "peer": "user.name",
            "peer_id": "from_user",
            "sender": "user.name",
            "sender_id": "from_user",
            "kind": "type",
            "text": "content",
            "id": "id",
        },
    ),
    "dustess": Shape(
        channel="wecom",
        fields={
            "at": "send_time",
            "peer_id": "chat_id",
            "sender_id": "sender_id",
            "direction": "sender_type",
            "kind": "msg_type",
            "text": "content|link.title|location.address|file_url",
            "id": "msg_id",
        },
        incoming=("1",),
        outgoing=("0", "2"),
        kinds={"0": "text", "1": "image", "2": "voice", "3": "file", "4": "video", "7": "location", "9": "card"},
    ),
    "wecom": Shape(channel="wecom", messages="", reader="wecom", inner="content"),
}
"Shapes that are known; a site's configuration adds its own."


class BadPush(CrmError):
    """A body that is none of the shape's; answer 400."""

    too_large = False
    "True for one that may be good, but is not taken in one piece; answer 413."

    def __init__(self, text: str, text_en: str) -> None:
        super().__init__(text, text_en=text_en, permanent=True)


class TooLarge(BadPush):
    """A body that must come in smaller pieces: nothing of it was taken, so that nothing is lost unseen."""

    too_large = True


def parse(body: bytes, shape: Shape, options: Options, content_type: str = "application/json") -> list[Message]:
    """The messages in a push, JSON or a form; what is no message is left out.

    Raises TooLarge for a body or a list that is too long, BadPush for one that is no JSON and no form.
    """
    if len(body) > MAX_BODY:
        raise TooLarge("消息太大", "The push is too large")
    value = _value(body, content_type)
    found = at(value, *shape.messages.split(".")) if shape.messages else value
    if found is None:
        found = value
    items = found if isinstance(found, list) else [found]
    if len(items) > MAX_MESSAGES:
        raise TooLarge(f"一次最多 {MAX_MESSAGES} 条", f"At most {MAX_MESSAGES} messages at once")
    messages = [_message(item, value, shape, options) for item in items]
    return [message for message in messages if message is not None]


def _value(body: bytes, content_type: str) -> object:
    text = body.decode("utf-8-sig", "replace")
    if content_type.partition(";")[0].strip().lower() == "application/x-www-form-urlencoded":
        try:
            return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=200))
        except ValueError:
            raise BadPush("表单无法识别", "The form cannot be read") from None
    value = load(text)
    if not isinstance(value, (dict, list)):
        raise BadPush("不是 JSON", "This is no JSON")
    return value


def _message(item: object, whole: object, shape: Shape, options: Options) -> Message | None:
    if shape.inner and isinstance(text := at(item, *shape.inner.split(".")), str) and text.startswith("{"):
        item = load(text)
    if shape.reader:
        convert = CONVERT.get(shape.reader)  # type: ignore[call-overload] # a name from the configuration
        return convert(item, Head(), options) if convert is not None and isinstance(item, dict) else None
    cells = {name: _cell(item, whole, path) for name, path in shape.fields.items()}
    cells.setdefault("channel", "")
    word = cells.get("direction", "")
    if shape.incoming or shape.outgoing:
        cells["direction"] = "in" if word in shape.incoming else "out" if word in shape.outgoing else ""
    elif not word and not options.ours:
        cells["direction"] = "in"  # platforms push what customers write, unless they say otherwise
    cells["kind"] = shape.kinds.get(cells.get("kind", ""), cells.get("kind", ""))
    if not cells.get("peer_id") and not cells.get("peer"):
        return None
    return message_of(cells, msgspec.structs.replace(options, channel=cells["channel"] or shape.channel))


def _cell(item: object, whole: object, paths: str) -> str:
    for path in paths.split("|"):
        keys = path.split(".")
        for place in (item, whole):
            if said := string(at(place, *keys)):
                return said
    return ""
