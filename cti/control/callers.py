"""Waiting callers: first in the queue, into another queue, to an agent's phone, to one's own (pure).

A move is a Redirect into one of the contexts that the shipped dialplan keeps for it: one action, nothing half done.
Putting first uses QueueChangePriorityCaller where the PBX reorders at once (it disturbs no ring and counts as no
abandon); no event tells of it, so the queue's own list is asked. Where the caller is not first then, as on Asterisk
16, he is redirected into the same queue with a higher priority.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from cti import events
from cti.calls.reach import Reach
from cti.control.plan import CONFIRMED, Core, Declined, Judge, Plan, Step, Verdict
from cti.events import Event

QUEUE, FIRST, PHONE = "cti-queue", "cti-first", "cti-phone"
"Contexts of config/asterisk/extensions.conf."
PRIORITY = "100"
_QUEUE = re.compile(r"[^\s,|&$\x00-\x1f\x7f]([^,|&$\x00-\x1f\x7f]{0,70}[^\s,|&$\x00-\x1f\x7f])?")
_PHONE = re.compile(r"[A-Za-z0-9]+/[A-Za-z0-9_.+-]{1,60}")


def gone() -> Declined:
    """He hung up or was answered between click and action."""
    return Declined(409, "gone", "该来电已不在排队", "The caller no longer waits")


def reach(core: Core, visit: str) -> Reach:
    """The caller's channel now. Raises Declined where he waits no more."""
    found = core.waiting(visit)
    if found is None:
        raise gone()
    return found


def queue_exten(queue: str) -> str:
    """The extension that leads to a queue. Raises Declined for a name that a dialplan would take apart."""
    if not _QUEUE.fullmatch(queue):
        raise Declined(422, "queue", "队列名含有不能使用的字符", "The queue's name cannot be dialled")
    return f"q{queue}"


def phone_exten(phone: str) -> str:
    """The extension that leads to a phone. Raises Declined for what is no single phone."""
    if not _PHONE.fullmatch(phone):
        raise Declined(422, "no_phone", "这不是一部可以转接的话机", "That is no phone that can be dialled")
    return f"p{phone}"


def move(core: Core, visit: str, queue: str, *, first: bool, undo: tuple[str, str] | None = None) -> Plan:
    """Into another queue, at its end or its front."""
    at = reach(core, visit)
    step = _redirect(at, FIRST if first else QUEUE, queue_exten(queue))
    judge = _arrival(at.call, visit, lambda event: isinstance(event, events.CallQueued) and event.queue == queue)
    return Plan(steps=(step,), judge=judge, undo=undo)


def to_phone(core: Core, visit: str, phone: str) -> Plan:
    """To one phone; where it does not answer, the dialplan brings him back to the front of his queue."""
    at = reach(core, visit)
    step = _redirect(at, PHONE, phone_exten(phone))
    judge = _arrival(at.call, visit, lambda event: isinstance(event, events.AgentRinging) and event.interface == phone)
    return Plan(steps=(step,), judge=judge, phones=(phone,))


def first(core: Core, visit: str, queue: str) -> Plan:
    """To the front of his queue, by priority; `again` is the way for a PBX that does not reorder."""
    at = reach(core, visit)
    steps = (
        Step(
            "QueueChangePriorityCaller",
            {"Queue": queue, "Caller": at.channel, "Priority": PRIORITY, "Immediate": "yes"},
        ),
    )
    return Plan(steps=steps, judge=first_judge(at.call, visit, queue))


def again(core: Core, visit: str, queue: str) -> Step:
    """The caller enters his own queue anew, before everybody. Raises Declined where he waits no more."""
    return _redirect(reach(core, visit), FIRST, queue_exten(queue))


def first_judge(call: str, visit: str, queue: str) -> Judge:
    """Confirmed when the PBX shows him at the front."""
    return _arrival(
        call,
        visit,
        lambda event: (
            (isinstance(event, events.CallerPlaced) and event.visit == visit and event.position == 1)
            or (isinstance(event, events.CallQueued) and event.queue == queue and event.position == 1)
        ),
    )


def _redirect(at: Reach, context: str, exten: str) -> Step:
    return Step("Redirect", {"Channel": at.channel, "Context": context, "Exten": exten, "Priority": "1"})


def _arrival(call: str, visit: str, arrived: Callable[[Event], bool]) -> Judge:
    """Says `confirmed` where he arrives, and why not where he does something else first."""

    def judge(event: Event) -> Verdict | None:
        if getattr(event, "call", None) != call:
            return None
        if arrived(event):
            return CONFIRMED
        match event:
            case events.CallAbandoned() | events.CallEnded():
                return Verdict("refused", "来电者已挂断", "The caller hung up")
            case events.CallAnswered() if event.visit == visit:
                who = event.agent or event.interface
                return Verdict("refused", f"{who} 已先接听", f"{who} answered first")
            case events.CallQueued():
                return Verdict("refused", "没有转到，已回到队列", "It did not get there; he waits in the queue again")
            case _:
                return None

    return judge
