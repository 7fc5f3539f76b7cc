"""The one builder of what we say to Asterisk.

An account with an empty `write=` can still reset queues and destroy bridges, and `write=originate` alone can spy and
dial any trunk: what our own code may send is therefore listed here, action by action and header by header, and
nothing else leaves. In the action direction a bare LF ends a line, so any control character is refused, not cleaned.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from typing import Final

MAX_LINE: Final = 1000
"Longest `Key: value` line in bytes without its CRLF; Asterisk drops a whole action for one line of 1023 or more."

_TEXT: Final = re.compile(r".*")
_NAME: Final = re.compile(r"\S(.*\S)?")
_WORD: Final = re.compile(r"[A-Za-z0-9_.-]+")
_FLAG: Final = re.compile(r"true|false")
_COUNT: Final = re.compile(r"[0-9]{1,9}")
_DEVICE: Final = re.compile(r"[A-Za-z0-9]+/[^\s&,|]+")
_CHANNEL: Final = re.compile(r"[A-Za-z0-9]+/[^\s&,|]+")
_VARIABLES: Final = re.compile(r"[A-Za-z0-9_,()]+")
_MOVE: Final = re.compile(r"cti-(queue|first|phone)")
_PLACE: Final = re.compile(r"[qp][^,|&$]{1,79}")
_CALL: Final = re.compile(r"cti-(spy|dial)")
_DIALLED: Final = re.compile(r"[0-9]{1,32}|[lwj][A-Za-z0-9_.-]{1,79}")
_CLASSES: Final = re.compile(r"on|off|[a-z]+(,[a-z]+)*")

ALLOWED: Final[Mapping[str, Mapping[str, re.Pattern[str]]]] = {
    "Login": {"Username": _NAME, "Secret": _TEXT, "Events": _CLASSES},
    "Logoff": {},
    "Ping": {},
    "CoreStatus": {},
    "ListCommands": {},
    "QueueStatus": {"Queue": _NAME, "Member": _DEVICE},
    "CoreShowChannels": {},
    "BridgeList": {},
    "BridgeInfo": {"BridgeUniqueid": _NAME},
    "Status": {"Channel": _CHANNEL, "Variables": _VARIABLES},
    "DeviceStateList": {},
    "QueuePause": {"Queue": _NAME, "Interface": _DEVICE, "Paused": _FLAG, "Reason": _TEXT},
    "QueueAdd": {
        "Queue": _NAME,
        "Interface": _DEVICE,
        "Penalty": _COUNT,
        "Paused": _FLAG,
        "MemberName": _TEXT,
        "StateInterface": _DEVICE,
    },
    "QueueRemove": {"Queue": _NAME, "Interface": _DEVICE},
    "QueuePenalty": {"Queue": _NAME, "Interface": _DEVICE, "Penalty": _COUNT},
    "QueueChangePriorityCaller": {
        "Queue": _NAME,
        "Caller": _CHANNEL,
        "Priority": _COUNT,
        "Immediate": re.compile(r"yes"),
    },
    "ShowDialPlan": {"Context": _WORD},
    "Hangup": {"Channel": _CHANNEL, "Cause": _COUNT},
    "Redirect": {"Channel": _CHANNEL, "Context": _MOVE, "Exten": _PLACE, "Priority": _COUNT},
    "Originate": {
        "Channel": _DEVICE,
        "Context": _CALL,
        "Exten": _DIALLED,
        "Priority": _COUNT,
        "CallerID": _TEXT,
        "Timeout": _COUNT,
        "ChannelId": _WORD,
        "Async": re.compile(r"true"),
    },
}
"""Actions that may be sent, the headers each may carry, and what a value may look like.

Originate has no Application; callers and calls go to contexts of ours alone, where a letter says what follows: q a
queue, p a phone, l, w and j a channel."""

_REQUIRED: Final[Mapping[str, frozenset[str]]] = {
    "Login": frozenset({"Username", "Secret"}),
    "BridgeInfo": frozenset({"BridgeUniqueid"}),
    "QueuePause": frozenset({"Interface", "Paused"}),
    "QueueAdd": frozenset({"Queue", "Interface"}),
    "QueueRemove": frozenset({"Queue", "Interface"}),
    "QueuePenalty": frozenset({"Queue", "Interface", "Penalty"}),
    "QueueChangePriorityCaller": frozenset({"Queue", "Caller", "Priority", "Immediate"}),
    "ShowDialPlan": frozenset({"Context"}),
    "Hangup": frozenset({"Channel"}),
    "Redirect": frozenset({"Channel", "Context", "Exten", "Priority"}),
    "Originate": frozenset({"Channel", "Context", "Exten", "Priority", "ChannelId", "Async"}),
}

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


class AmiError(Exception):
    """An action that did not succeed.

    `permanent`: Asterisk answered, and would answer the same again (no such interface, no right). Otherwise the
    answer never came: whether the action was carried out is unknown, and it is for a person to look, never for a
    program to send it again. The text is Asterisk's own sentence, or ours.
    """

    def __init__(self, text: str, *, permanent: bool) -> None:
        super().__init__(text)
        self.permanent = permanent


def new_action_id() -> str:
    """128 random bits in hex: list items are believed because they carry one that nobody can guess."""
    return secrets.token_hex(16)


def action(name: str, fields: Mapping[str, str], action_id: str) -> bytes:
    """The bytes of one action.

    Raises ValueError where the action or a header of it is not on the list, a needed one is missing, a value does
    not look as it should, holds a control character, or makes a line longer than 1000 bytes. The message names the
    header, never the value.
    """
    allowed = ALLOWED.get(name)
    if allowed is None:
        raise ValueError(f"action {name[:40]!r} is not on the list of actions we send")
    missing = _REQUIRED.get(name, frozenset()) - fields.keys()
    if missing:
        raise ValueError(f"{name} needs {', '.join(sorted(missing))}")
    lines = [f"Action: {name}", f"ActionID: {action_id}"]
    for key, value in fields.items():
        shape = allowed.get(key)
        if shape is None:
            raise ValueError(f"{name} may not carry the header {key[:40]!r}")
        if _CONTROL.search(value):
            raise ValueError(f"{name}: control character in {key}")
        if shape.fullmatch(value) is None:
            raise ValueError(f"{name}: {key} does not look as it should")
        lines.append(f"{key}: {value}")
    raw = []
    for line in lines:
        try:
            piece = line.encode()
        except UnicodeEncodeError:
            raise ValueError(f"{name}: {line.partition(':')[0]} is not text") from None
        if len(piece) > MAX_LINE:
            raise ValueError(f"{name}: {line.partition(':')[0]} is longer than {MAX_LINE} bytes")
        raw.append(piece)
    return b"\r\n".join(raw) + b"\r\n\r\n"
