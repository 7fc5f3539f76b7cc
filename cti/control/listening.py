"""Listening, whispering, joining: always to one exact channel, found at the moment of the action (pure).

ChanSpy takes a prefix of a channel's name unless told otherwise, and a channel that ended may be followed by another
call of the same phone: so the dialplan gets the Uniqueid, ends with it, and the start is compared with the call that
was meant before it counts (FAULTS 4.8).
"""

from __future__ import annotations

import re

from cti import events
from cti.control.plan import CONFIRMED, Core, Declined, Plan, Step, Verdict
from cti.events import Event
from cti.wire.supervision import ListenMode

SPY = "cti-spy"
"Context of config/asterisk/extensions.conf."
LETTER: dict[ListenMode, str] = {"listen": "l", "whisper": "w", "join": "j"}
RING_MS = "20000"
"How long one's own phone rings."
_UID = re.compile(r"[A-Za-z0-9_.-]{1,70}")


def spy_call(action: str) -> str:
    """The id that the listening phone's own call has."""
    return f"cti-spy-{action}"


def plan(core: Core, *, action: str, agent: str, call: str, mode: ListenMode, phone: str) -> Plan:
    """Listen at `phone` to what `agent`'s phone talks in `call`.

    Raises Declined (`changed`) where that phone is in another call by now, or in none.
    """
    at = core.talking(agent)
    if at is None or at.call != call:
        raise changed(None if at is None else at.call)
    if not _UID.fullmatch(at.uid):
        raise Declined(422, "no_phone", "这路通话不能监听", "This channel cannot be listened to")
    spy = spy_call(action)
    step = Step(
        "Originate",
        {
            "Channel": phone,
            "Context": SPY,
            "Exten": LETTER[mode] + at.uid,
            "Priority": "1",
            "CallerID": "Thirteen",
            "Timeout": RING_MS,
            "ChannelId": spy,
            "Async": "true",
        },
    )

    def judge(event: Event) -> Verdict | None:
        match event:
            case events.SpyStarted() if event.spy == spy:
                if event.call == call and event.interface == agent:
                    return CONFIRMED
                return Verdict("refused", *_CHANGED)
            case events.OriginateFailed() if event.call == spy:
                return Verdict("refused", "您的话机没有接听", "Your phone was not answered")
            case events.CallEnded() if event.call in (spy, call):
                return Verdict("refused", "通话已结束，没有开始监听", "The call is over; nobody listened")
            case events.TalkEnded() if event.call == call and event.interface == agent:
                return Verdict("refused", *_CHANGED)
        return None

    return Plan(steps=(step,), judge=judge, phones=(agent,))


_CHANGED = ("坐席的通话已变，没有开始监听", "The agent's call has changed; nobody listened")


def changed(now: str | None) -> Declined:
    """Another call than the one that was clicked; `now` is the present one."""
    return Declined(409, "changed", *_CHANGED, now=now)


def ending(core: Core, action: str) -> Step | None:
    """Hangs up the listening phone's own call, None where it is over."""
    at = core.first_leg(spy_call(action))
    return None if at is None else Step("Hangup", {"Channel": at.channel})
