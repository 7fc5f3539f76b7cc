"""Whose account is ours? Exports of conversations of two do not say; this ranks who it may be (pure)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from crm_bridge.chat.message import Message

_MAX_SENDERS: Final = 5000
_MAX_PEERS: Final = 50


class Suspect(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who may be one of us."""

    sender: str
    sender_id: str | None
    conversations: int
    "In how many conversations of two (counted up to 50) somebody of this name wrote to a peer of another name."
    messages: int


def suspects(messages: Iterable[Message], limit: int = 5) -> list[Suspect]:
    """Who may be ours, likeliest first: whoever writes in many conversations without being the peer of them."""
    peers: dict[tuple[str, str | None], set[str]] = {}
    count: dict[tuple[str, str | None], int] = {}
    for message in messages:
        key = (message.sender, message.sender_id)
        if message.group or message.kind == "system" or message.sender == message.peer:
            continue
        if key not in peers and len(peers) >= _MAX_SENDERS:
            continue
        known = peers.setdefault(key, set())
        if len(known) < _MAX_PEERS:
            known.add(message.peer)
        count[key] = count.get(key, 0) + 1
    ranked = sorted(count, key=lambda key: (-len(peers[key]), -count[key], key[0]))
    return [
        Suspect(sender=key[0], sender_id=key[1], conversations=len(peers[key]), messages=count[key])
        for key in ranked[:limit]
    ]
