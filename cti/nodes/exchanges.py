"""All PBXs that this node follows, as one: who has which phone, and where an action is to be sent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from cti.ami.actions import AmiError
from cti.ami.messages import Packet
from cti.calls.reach import Membership, Reach
from cti.exchange import Exchange


class Exchanges:
    """The followed PBXs. `mind` is asked before each action: a node that lost touch must not act on old belief."""

    def __init__(self, followed: Sequence[Exchange], mind: Callable[[], bool] = lambda: True) -> None:
        self._all = tuple(followed)
        self._mind = mind

    def __iter__(self) -> Iterator[Exchange]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    # --- the cores ---------------------------------------------------------------------------------------------

    def members(self, phone: str) -> list[str]:
        """The queue members' interfaces that reach this phone."""
        return [member for one in self._all for member in one.pbx.members(phone)]

    def memberships(self, phone: str) -> tuple[Membership, ...]:
        """The phone's rows in all queues."""
        return tuple(row for one in self._all for row in one.pbx.memberships(phone))

    def waiting(self, visit: str) -> Reach | None:
        """The channel of a caller who waits at this moment."""
        return next((at for one in self._all if (at := one.pbx.waiting(visit)) is not None), None)

    def talking(self, phone: str) -> Reach | None:
        """The channel on which a phone talks at this moment."""
        return next((at for one in self._all if (at := one.pbx.talking(phone)) is not None), None)

    def first_leg(self, call: str) -> Reach | None:
        """The channel that leads a call."""
        return next((at for one in self._all if (at := one.pbx.first_leg(call)) is not None), None)

    def alive(self) -> Iterable[str]:
        """All open calls."""
        return [call.id for one in self._all for call in one.pbx.open_calls()]

    # --- the links ---------------------------------------------------------------------------------------------

    def concerned(self, names: Iterable[str]) -> Exchange | None:
        """The PBX that has one of these; where none has, the first. None where this node follows none."""
        if len(self._all) < 2:
            return next(iter(self._all), None)
        given = tuple(names)
        return next((one for one in self._all if one.pbx.concerns(given)), self._all[0])

    async def action(self, name: str, fields: Mapping[str, str]) -> Sequence[Packet]:
        """Send one action to the PBX it concerns; raises AmiError, ValueError for what may not be sent."""
        values = [fields[key] for key in ("Channel", "Queue", "Interface") if key in fields]
        values.append(fields.get("Exten", "")[1:])
        one = self.concerned(values)
        if one is None:
            raise AmiError("this node follows no PBX", permanent=True)
        if not self._mind():
            raise AmiError("this node has lost touch with the others", permanent=True)
        packets: Sequence[Packet] = await one.link.action(name, fields)
        return packets

    def feed(self, packet: Packet, now: float) -> None:
        """A packet that was asked for, into the core it concerns."""
        one = self.concerned([packet.get("Queue") or ""])
        if one is not None:
            one.feed.on_packet(packet, now)

    def leads(self, queue: str) -> bool:
        """True where this node leads the PBX that has this queue."""
        one = self.concerned([queue])
        return one is not None and one.leads
