"""Agents: queue members, which phone each has, and their state in each queue."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

from cti.ami.messages import Packet
from cti.calls.reach import Membership
from cti.events import AgentPhase, AgentState, QueueMembership

# AST_DEVICE_* of Asterisk's device states, as QueueMemberStatus gives them.
_IN_USE, _BUSY, _INVALID, _UNAVAILABLE, _RINGING, _RING_IN_USE, _ON_HOLD = 2, 3, 4, 5, 6, 7, 8


_MEMBER_LIMIT = 50_000


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else 0


def _is_device(interface: str) -> bool:
    return bool(interface) and not interface.startswith(("Local/", "hint:", "Custom:"))


class Member:
    """One row: an interface in a queue."""

    __slots__ = (
        "dynamic",
        "heard",
        "in_call",
        "interface",
        "login_time",
        "name",
        "paused",
        "penalty",
        "queue",
        "reason",
        "rest",
        "state_interface",
        "status",
        "wrapup_until",
    )

    def __init__(self, queue: str, interface: str) -> None:
        """A member of which nothing else is known."""
        self.queue = queue
        self.interface = interface
        self.name = ""
        self.state_interface = ""
        self.status = 0
        self.paused = False
        self.reason = ""
        self.penalty = 0
        self.in_call = False
        self.wrapup_until: float | None = None
        self.dynamic = True
        self.login_time = 0
        self.rest = b""
        self.heard = 0
        "How often the PBX told of it."

    def read(self, packet: Packet) -> None:
        """Take over what a member event or a QueueMember list item says."""
        self.heard += 1
        self.name = packet.get("MemberName") or packet.get("Name") or self.name
        self.state_interface = packet.get("StateInterface") or self.state_interface
        status = packet.get("Status")
        if status:
            self.status = _whole(status)
        paused = packet.get("Paused")
        if paused:
            self.paused = paused == "1"
            self.reason = (packet.get("PausedReason") or packet.get("Reason")) if self.paused else ""
        penalty = packet.get("Penalty")
        if penalty:
            self.penalty = _whole(penalty)
        in_call = packet.get("InCall")
        if in_call:
            self.in_call = in_call == "1"
        kind = packet.get("Membership")
        if kind:
            self.dynamic = kind == "dynamic"
        self.login_time = _whole(packet.get("LoginTime")) or self.login_time


Standing = tuple[int, bool, int]
"(Status, paused, penalty) of a member in a queue"


def listed_member(item: Packet) -> tuple[str, Standing]:
    """How a QueueMember list item has a member: (interface, standing)."""
    interface = item.get("Interface") or item.get("Location")
    return interface, (_whole(item.get("Status")), item.get("Paused") == "1", _whole(item.get("Penalty")))


class Roll:
    """All members of all queues, gathered into agents by the phone they have."""

    def __init__(self, wrapup: Mapping[str, float], now_state: Callable[[str], tuple[str | None, str]]) -> None:
        """`wrapup`: seconds by queue. `now_state(phone)` gives (call id, 'ringing'|'busy'|'held'|'')."""
        self._wrapup = wrapup
        self._now_state = now_state
        self._members: dict[tuple[str, str], Member] = {}
        self._phone_of: dict[str, str] = {}
        "member interface -> phone, where the phone had to be learned from a ring"
        self._by_phone: dict[str, dict[tuple[str, str], Member]] = {}
        self._state: dict[str, AgentState] = {}
        self._missed: dict[str, int] = {}
        self._queue_of: dict[str, str] = {}
        "phone -> queue whose call it has"
        self._names: dict[str, str] = {}
        "phone -> the member name last seen"
        self._by_rest: dict[bytes, tuple[Member, str]] = {}
        "a member's last event without its time, Status, InCall and counters -> the member and his phone"
        self._changes: dict[str, int] = {}
        "phone -> how often its memberships changed, Status apart"
        self._last: dict[str, tuple[object, ...]] = {}
        "phone -> what its last told state was made of"

    # -- who is who ---------------------------------------------------------------------------------

    def phone(self, interface: str, state_interface: str = "") -> str:
        """The device of a member: its interface, its StateInterface, or what a ring taught."""
        if _is_device(interface):
            return interface
        learned = self._phone_of.get(interface)
        if learned is not None:
            return learned
        return state_interface if _is_device(state_interface) else interface

    def learn(self, interface: str, phone: str, name: str | None) -> None:
        """A member's ring reached this phone."""
        if interface != phone and self._phone_of.get(interface) != phone and not _is_device(interface):
            if len(self._phone_of) > 10_000:
                self._phone_of.clear()
            self._phone_of[interface] = phone
            for key, member in list(self._members.items()):
                if member.interface == interface:
                    for rows in self._by_phone.values():
                        rows.pop(key, None)
                    self._by_phone.setdefault(phone, {})[key] = member
                    self._by_rest.pop(member.rest, None)
                    self._changes[phone] = self._changes.get(phone, 0) + 1
        if name and _is_device(interface):
            self._name(interface, name)
        elif name:
            self._name(phone, name)

    def _name(self, phone: str, name: str) -> None:
        if phone not in self._names and len(self._names) > 20_000:
            self._names.clear()
        self._names[phone] = name

    def name(self, phone: str) -> str | None:
        """The member's name of a phone, None if it is no member's."""
        rows = self._by_phone.get(phone)
        if rows:
            for member in rows.values():
                if member.name:
                    return member.name
        return self._names.get(phone)

    def is_member(self, phone: str) -> bool:
        """True if the phone is, or was seen as, a member's."""
        return phone in self._by_phone or phone in self._names

    def queues(self) -> list[str]:
        """Queues with a member, in order."""
        return sorted({queue for queue, _ in self._members})

    def heard(self, queue: str) -> dict[str, int]:
        """{interface: how often it was told of} of a queue's members."""
        return {interface: member.heard for (own, interface), member in self._members.items() if own == queue}

    def stand(self, queue: str) -> dict[str, Standing]:
        """{interface: how it stands} of a queue's members."""
        return {
            interface: (member.status, member.paused, member.penalty)
            for (own, interface), member in self._members.items()
            if own == queue
        }

    def serves(self, phone: str, queue: str) -> bool:
        """True if the phone is a member's of this queue."""
        return any(own == queue for own, _ in self._by_phone.get(phone, ()))

    def members(self, phone: str) -> list[str]:
        """The queue members' interfaces that reach this phone: what an action on its memberships must name."""
        return sorted({interface for _, interface in self._by_phone.get(phone, ())})

    def memberships(self, phone: str) -> tuple[Membership, ...]:
        """Every row of a phone, with all that makes it up."""
        return tuple(
            Membership(
                queue=m.queue,
                interface=m.interface,
                name=m.name,
                state_interface=m.state_interface,
                penalty=m.penalty,
                paused=m.paused,
                reason=m.reason,
                dynamic=m.dynamic,
                login_time=m.login_time,
            )
            for _, m in sorted(self._by_phone.get(phone, {}).items())
        )

    # -- events -------------------------------------------------------------------------------------

    def read(self, packet: Packet) -> tuple[str | None, bool]:
        """A member event or list item; gives the phone concerned (None if nothing changed) and if only Status did.

        QueueMemberStatus is the commonest event of class agent, and mostly only Status, InCall and the counters
        before them differ from the last one of that member: then nothing else is read.
        """
        raw = packet.raw
        start = raw.find(b"\r\nQueue:")
        counters = raw.find(b"\r\nCallsTaken:", start)
        paused = raw.find(b"\r\nPaused:", counters)
        rest = raw[start:counters] + raw[paused:] if start >= 0 and counters >= 0 and paused >= 0 else b""
        known = self._by_rest.get(rest) if rest else None
        if known is None:
            return self._read_all(packet, rest), False
        member, phone = known
        member.heard += 1
        status, in_call = _whole(packet.get("Status")), packet.get("InCall") == "1"
        if status == member.status and in_call == member.in_call:
            return None, True
        member.status, member.in_call = status, in_call
        return phone, True

    def _read_all(self, packet: Packet, rest: bytes) -> str | None:
        queue = packet.get("Queue")
        interface = packet.get("Interface") or packet.get("Location")
        if not queue or not interface:
            return None
        key = (queue, interface)
        member = self._members.get(key)
        if member is None:
            if len(self._members) >= _MEMBER_LIMIT:
                return None
            member = Member(queue, interface)
            self._members[key] = member
        member.read(packet)
        phone = self.phone(interface, member.state_interface)
        self._by_phone.setdefault(phone, {})[key] = member
        if member.name:
            self._name(phone, member.name)
        self._changes[phone] = self._changes.get(phone, 0) + 1
        if rest:
            self._by_rest.pop(member.rest, None)
            member.rest = rest
            self._by_rest[rest] = (member, phone)
        return phone

    def remove(self, packet: Packet) -> str | None:
        """QueueMemberRemoved; gives the phone."""
        key = (packet.get("Queue"), packet.get("Interface") or packet.get("Location"))
        member = self._members.pop(key, None)
        if member is None:
            return None
        phone = self.phone(member.interface, member.state_interface)
        self._by_rest.pop(member.rest, None)
        self._changes[phone] = self._changes.get(phone, 0) + 1
        for rows in self._by_phone.values():
            rows.pop(key, None)
        if not self._by_phone.get(phone):
            self._by_phone.pop(phone, None)
        return phone

    def replace(self, items: list[Packet]) -> set[str]:
        """Members as a roster lists them; gives the phones of all agents before and after."""
        before = set(self._by_phone)
        wrapup = {key: member.wrapup_until for key, member in self._members.items()}
        self._members.clear()
        self._by_phone.clear()
        self._by_rest.clear()
        for item in items:
            self.read(item)
        for key, until in wrapup.items():
            if key in self._members:
                self._members[key].wrapup_until = until
        return before | set(self._by_phone)

    def missed(self, phone: str) -> None:
        """A queue ring of this phone went unanswered."""
        self._missed[phone] = self._missed.get(phone, 0) + 1

    def answered(self, phone: str, queue: str) -> None:
        """This phone took a queue call."""
        self._missed.pop(phone, None)
        self._queue_of[phone] = queue

    def wrap_up(self, queue: str, interface: str, at: float) -> float | None:
        """A queue call ended: gives the end of the wrap-up time, None where there is none."""
        seconds = self._wrapup.get(queue, 0.0)
        member = self._members.get((queue, interface))
        if member is None or seconds <= 0:
            return None
        member.wrapup_until = at + seconds
        phone = self.phone(member.interface, member.state_interface)
        self._changes[phone] = self._changes.get(phone, 0) + 1
        return member.wrapup_until

    # -- state --------------------------------------------------------------------------------------

    def changed(self, phone: str, at: float) -> AgentState | None:
        """The agent's state if it differs from the one last given."""
        rows = self._by_phone.get(phone)
        if not rows:
            return None
        call, doing = self._now_state(phone)
        phase = self._phase(rows, doing, at)
        if phase not in ("busy", "held", "ringing", "wrapup"):
            self._queue_of.pop(phone, None)
        made_of = (phase, call, self._queue_of.get(phone), self._missed.get(phone, 0), self._changes.get(phone, 0))
        if self._last.get(phone) == made_of:
            return None
        self._last[phone] = made_of
        old = self._state.get(phone)
        new = AgentState(
            agent=self.name(phone) or phone,
            interface=phone,
            phase=phase,
            since=old.since if old is not None and old.phase == phase else at,
            call=call,
            queue=self._queue_of.get(phone),
            pause_reason=next((m.reason for m in rows.values() if m.paused and m.reason), ""),
            missed=self._missed.get(phone, 0),
            queues=tuple(
                QueueMembership(
                    queue=m.queue,
                    paused=m.paused,
                    reason=m.reason,
                    penalty=m.penalty,
                    status=m.status,
                    in_call=m.in_call,
                    wrapup_until=m.wrapup_until if m.wrapup_until is not None and m.wrapup_until > at else None,
                )
                for _, m in sorted(rows.items())
            ),
        )
        self._state[phone] = new
        return new

    def has(self, phone: str) -> bool:
        """True if the phone is a member's now."""
        return phone in self._by_phone

    def gone(self, phone: str) -> bool:
        """True, once, for a phone that was a member's."""
        if phone not in self._state:
            return False
        self._last.pop(phone, None)
        self._changes.pop(phone, None)
        del self._state[phone]
        return True

    @staticmethod
    def _phase(rows: Mapping[tuple[str, str], Member], doing: str, at: float) -> AgentPhase:
        if doing:
            return cast(AgentPhase, doing)
        statuses = {m.status for m in rows.values()}
        if not statuses.isdisjoint((_IN_USE, _BUSY, _ON_HOLD, _RING_IN_USE)):
            return "busy"
        if _RINGING in statuses:
            return "ringing"
        if statuses <= {_INVALID, _UNAVAILABLE}:
            return "unavailable"
        if all(m.paused for m in rows.values()):
            return "paused"
        if any(m.wrapup_until is not None and m.wrapup_until > at for m in rows.values()):
            return "wrapup"
        return "unknown" if statuses == {0} else "idle"

    def states(self) -> list[AgentState]:
        """All agents, as last told."""
        return list(self._state.values())

    def phones(self) -> list[str]:
        """The phones of all agents."""
        return list(self._by_phone)
