"""A small PBX of queues for the tests of control: it does what it is told and says so in events, as Asterisk does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from cti import events
from cti.calls.reach import Membership, Reach
from cti.control.office import PbxRefused
from cti.events import AgentState, Event, QueueMembership


class SmallPbx:
    """Rows of queues by phone. `deaf` answers Success and does nothing; `dead` answers nothing."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.rows: dict[str, dict[tuple[str, str], Membership]] = {}
        self.sent: list[tuple[str, dict[str, str]]] = []
        self.hear: Callable[[Event], None] = lambda event: None
        self.deaf = False
        self.dead = False
        self.refuses: dict[str, str] = {}
        self.waiting_now: dict[str, Reach] = {}
        self.talking_now: dict[str, Reach] = {}
        self.legs: dict[str, Reach] = {}

    # -- the core, as control asks it ----------------------------------------------------------------------------

    def memberships(self, phone: str) -> Sequence[Membership]:
        """The phone's rows."""
        return tuple(self.rows.get(phone, {}).values())

    def waiting(self, visit: str) -> Reach | None:
        """Who waits."""
        return self.waiting_now.get(visit)

    def talking(self, phone: str) -> Reach | None:
        """Who talks."""
        return self.talking_now.get(phone)

    def first_leg(self, call: str) -> Reach | None:
        """A call's channel."""
        return self.legs.get(call)

    # -- the link ------------------------------------------------------------------------------------------------

    async def send(self, name: str, fields: Mapping[str, str]) -> Sequence[Any]:
        """One action."""
        self.sent.append((name, dict(fields)))
        await asyncio.sleep(0)
        if self.dead:
            raise PbxRefused("no answer in 5 s", permanent=False)
        if name in self.refuses:
            raise PbxRefused(self.refuses[name], permanent=True)
        if not self.deaf:
            self.do(name, fields)
        return ()

    def do(self, name: str, fields: Mapping[str, str]) -> None:
        """What Asterisk would do. Raises PbxRefused in its words."""
        if not name.startswith("Queue"):
            return
        queue, interface = fields["Queue"], fields["Interface"]
        rows = self.rows.setdefault(interface, {})
        key = (queue, interface)
        if name == "QueueAdd":
            if key in rows:
                raise PbxRefused("Unable to add interface: Already there", permanent=True)
            rows[key] = Membership(
                queue=queue,
                interface=interface,
                name=fields.get("MemberName", interface),
                state_interface=fields.get("StateInterface", ""),
                penalty=int(fields.get("Penalty", "0")),
                paused=fields.get("Paused") == "true",
                login_time=int(self.now),
            )
        elif key not in rows:
            raise PbxRefused("Unable to remove interface: Not there", permanent=True)
        elif name == "QueueRemove":
            if not rows[key].dynamic:
                raise PbxRefused("Member not dynamic", permanent=True)
            del rows[key]
        elif name == "QueuePenalty":
            rows[key] = msgspec.structs.replace(rows[key], penalty=int(fields["Penalty"]))
        elif name == "QueuePause":
            paused = fields["Paused"] == "true"
            reason = fields.get("Reason", "") if paused else ""
            rows[key] = msgspec.structs.replace(rows[key], paused=paused, reason=reason)
        self.hear(self.state(interface))

    def state(self, phone: str) -> Event:
        """The agent as the core tells him."""
        rows = self.rows.get(phone, {})
        if not rows:
            return events.AgentGone(at=self.now, interface=phone)
        places = tuple(
            QueueMembership(
                queue=row.queue,
                paused=row.paused,
                reason=row.reason,
                penalty=row.penalty,
                status=1,
                in_call=False,
                wrapup_until=None,
            )
            for row in rows.values()
        )
        paused = all(row.paused for row in rows.values())
        return events.AgentChanged(
            at=self.now,
            agent=AgentState(
                agent=phone,
                interface=phone,
                phase="paused" if paused else "idle",
                since=self.now,
                call=None,
                queue=None,
                pause_reason="",
                missed=0,
                queues=places,
            ),
        )

    def put(self, *rows: Membership) -> None:
        """Rows that were there before."""
        for row in rows:
            self.rows.setdefault(row.interface, {})[(row.queue, row.interface)] = row
            self.hear(self.state(row.interface))
