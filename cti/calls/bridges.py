"""Bridges: which legs hear each other."""

from __future__ import annotations

from collections.abc import Iterable

from cti.calls.legs import Leg


class Bridges:
    """Membership of all bridges, and who is connected with whom through bridges and Local pairs.

    Parking and other holding bridges are kept but connect nobody.
    """

    def __init__(self) -> None:
        """No bridges."""
        self._members: dict[str, dict[str, Leg]] = {}
        self._holding: set[str] = set()

    def enter(self, bridge: str, leg: Leg, *, holding: bool) -> list[Leg]:
        """Put a leg into a bridge; gives legs whose connections changed by an unseen leave."""
        left: list[Leg] = []
        if leg.bridge is not None and leg.bridge != bridge:
            left = self.leave(leg)
        if holding:
            self._holding.add(bridge)
        self._members.setdefault(bridge, {})[leg.uid] = leg
        leg.bridge = bridge
        return left

    def leave(self, leg: Leg) -> list[Leg]:
        """Take a leg out of its bridge; gives the leg and those it left behind."""
        bridge = leg.bridge
        leg.bridge = None
        if bridge is None:
            return [leg]
        members = self._members.get(bridge)
        if members is None:
            return [leg]
        members.pop(leg.uid, None)
        if not members:
            self._forget(bridge)
        return [leg, *members.values()]

    def destroy(self, bridge: str) -> list[Leg]:
        """A bridge is gone; gives the legs that were still in it."""
        members = list(self._members.get(bridge, {}).values())
        for leg in members:
            leg.bridge = None
        self._forget(bridge)
        return members

    def replace(self, bridges: Iterable[tuple[str, bool, list[Leg]]]) -> None:
        """Set all memberships anew, from a roster: (bridge, holding, legs)."""
        for bridge in list(self._members):
            self.destroy(bridge)
        for bridge, holding, legs in bridges:
            for leg in legs:
                self.enter(bridge, leg, holding=holding)

    def _forget(self, bridge: str) -> None:
        self._members.pop(bridge, None)
        self._holding.discard(bridge)

    def component(self, leg: Leg) -> list[Leg]:
        """All legs that hear this one, itself included, through bridges and Local pairs."""
        seen = {leg.uid: leg}
        found = [leg]
        for at in found:  # grows while it is walked
            bridge = at.bridge
            if bridge is not None and bridge not in self._holding:
                for near in self._members[bridge].values():
                    if near.uid not in seen:
                        seen[near.uid] = near
                        found.append(near)
            pair = at.pair
            if pair is not None and not pair.gone and not at.gone and pair.uid not in seen:
                seen[pair.uid] = pair
                found.append(pair)
        return found

    def __len__(self) -> int:
        """Number of bridges."""
        return len(self._members)
