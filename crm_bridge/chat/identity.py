"""Keys by which a message and its conversation are known again, however often they come (pure)."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from typing import Final

from crm_bridge.chat.message import Message

PEER_LENGTH: Final = 24
MESSAGE_LENGTH: Final = 40
_REMEMBERED: Final = 20_000


def peer_key(message: Message, account: str) -> str:
    """Key of the conversation: the platform's id of it where the file's head tells it, else its name."""
    kind = "group" if message.group else "pair"
    return _hash(PEER_LENGTH, message.channel, account, kind, message.peer_id or message.peer)


class Ordinals:
    """Gives each message of a conversation its key, the same in every export that holds it.

    A message with an id of its own is known by that. Of the others, time, sender and text make the key, and a number
    where all three are the same: three pictures within a second are three. Only so many seconds are remembered.
    """

    def __init__(self) -> None:
        self._seen: OrderedDict[str, int] = OrderedDict()

    def key(self, message: Message, peer: str) -> str:
        """`peer` and a hash: 64 characters."""
        if message.native_id:
            return peer + _hash(MESSAGE_LENGTH, "id", message.native_id)
        base = _hash(
            MESSAGE_LENGTH,
            repr(message.at),
            message.sender_id or message.sender,
            message.kind,
            message.text,
        )
        count = self._seen.pop(peer + base, 0)
        self._seen[peer + base] = count + 1
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        return peer + (_hash(MESSAGE_LENGTH, base, str(count)) if count else base)


def _hash(length: int, *parts: str) -> str:
    return hashlib.sha256("\x1f".join(parts).encode("utf-8", "replace")).hexdigest()[:length]
