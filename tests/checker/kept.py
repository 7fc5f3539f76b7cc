"""I12-I17, I19 and I20: what is kept, done, acknowledged, logged and written, and by whom."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.checker.account import Account

GROWTH = 64 * 1024 * 1024
READY_S = 3.0
_UNHANDLED = (
    "Traceback (most recent call last)",
    "exception was never retrieved",
    "Exception ignored in",
    "was never awaited",
    "Fatal Python error",
)
_NUMBER = re.compile(r"(?<![\d.:-])(?:\+?86)?1[3-9]\d{9}(?![\d.-])")
"A mobile number in full; not the digits of a time or of a channel's id."
_SECRET = re.compile(r"(?i)\b(?:secret|password|token|cookie)\b['\"]?\s*[:=]\s*['\"]?(?!\*\*\*)[^\s'\",}]")


def i12_bounded_memory(account: Account) -> Iterator[str]:
    """I12: no process grows by more than 64 MB in a fault, and no buffer beyond its limit."""
    for memory in account.memory or ():
        most = max((size for _, size in memory.samples), default=memory.base)
        if most - memory.base > GROWTH:
            yield f"{memory.process} grew by {(most - memory.base) / 2**20:.0f} MB"
    for buffer in account.buffers or ():
        if buffer.size > buffer.limit:
            yield f"{buffer.name} holds {buffer.size}, may hold {buffer.limit}"


def i13_action_at_most_once(account: Account) -> Iterator[str]:
    """I13: a command leads to one action at the PBX or to none, and no action is nobody's."""
    for command, many in (account.commands or {}).items():
        if not command and many:
            yield f"{many} actions of no command"
        elif many > 1:
            yield f"{command} led to {many} actions"


def i14_nothing_unauthorised(account: Account) -> Iterator[str]:
    """I14: nothing forged is believed, nothing genuine refused, and nobody gets what is not for him."""
    for fact in account.forged or ():
        yield f"believed: {fact}"
    for fact in account.refused or ():
        yield f"a genuine fact was refused: {fact}"
    for delivery in account.deliveries or ():
        if not delivery.allowed:
            yield f"{delivery.to} got {delivery.what}"


def i15_acknowledged_is_durable(account: Account) -> Iterator[str]:
    """I15: what was answered as taken is in the database, whatever came after."""
    for id in sorted((account.acknowledged or set()) - (account.stored or set())):
        yield f"{id} was acknowledged and is not there"


def i16_quiet_logs(account: Account) -> Iterator[str]:
    """I16: no exception that nobody handled; no secret and no customer's number in a log. Says the line's number."""
    for number, line in enumerate(account.log or (), 1):
        if any(sign in line for sign in _UNHANDLED):
            yield f"line {number}: an exception nobody handled"
        if any(secret and secret in line for secret in account.secrets) or _SECRET.search(line):
            yield f"line {number}: something secret"
        elif _NUMBER.search(line):
            yield f"line {number}: a number in full"


def i17_one_writer(account: Account) -> Iterator[str]:
    """I17: nothing is written, dialled or sent under an epoch older than the newest."""
    for write in account.written or ():
        if write.epoch < write.newest:
            yield f"{write.what} at {write.at:.3f} under epoch {write.epoch}, the newest was {write.newest}"


def i19_audit_first(account: Account) -> Iterator[str]:
    """I19: each listening and each look at a record has its audit row before it takes effect."""
    for effect in account.effects or ():
        if effect.audited_at is None:
            yield f"{effect.id} has no audit row"
        elif effect.audited_at > effect.at:
            yield f"{effect.id} took effect {effect.audited_at - effect.at:.3f} s before its audit row"


def i20_ready_is_honest(account: Account) -> Iterator[str]:
    """I20: /readyz says no within 3 s of a PBX or database that cannot be used, and yes only when all is live again."""
    for since, until in account.unusable or ():
        for at, ready in account.ready or ():
            if ready and since + READY_S < at < until:
                yield f"ready at {at:.3f}, unusable from {since:.3f} to {until:.3f}"
