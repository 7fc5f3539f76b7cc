"""Which phone belongs to which user: own phones from the configuration, others taken at login (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cti import wire


class PhoneTaken(Exception):
    """Another user has this phone; `by` is his login."""

    def __init__(self, by: str) -> None:
        super().__init__("taken")
        self.by = by


class Phones:
    """Who has which phone. A user has his own phones, or takes one of the free desks' phones."""

    def __init__(self, free: Mapping[str, str] | None = None) -> None:
        """`free` is {interface: label} of the phones that may be taken."""
        self._own: dict[str, tuple[str, ...]] = {}
        self._users_of: dict[str, tuple[str, ...]] = {}
        self._taken: dict[str, str] = {}
        self._free: dict[str, str] = dict(free or {})

    def set_own(self, user: str, interfaces: Iterable[str]) -> set[str]:
        """The user's own phones are these; returns the interfaces whose users changed."""
        before = set(self._own.get(user, ()))
        own = tuple(dict.fromkeys(i for i in interfaces if i))
        if own:
            self._own[user] = own
        else:
            self._own.pop(user, None)
        changed = before ^ set(own)
        self._rebuild(changed)
        return changed

    def offer(self, interface: str, label: str) -> None:
        """A phone that may be taken, as long as it is nobody's own."""
        self._free.setdefault(interface, label)

    def take(self, user: str, interface: str) -> set[str]:
        """The user sits at this phone. Raises PhoneTaken, and KeyError for a phone that cannot be taken."""
        owners = [u for u, own in self._own.items() if interface in own]
        if owners:
            if user in owners:
                return set()
            raise PhoneTaken(owners[0])
        if interface not in self._free:
            raise KeyError(interface)
        holder = self._taken.get(interface)
        if holder is not None and holder != user:
            raise PhoneTaken(holder)
        changed = self.release(user) | {interface}
        self._taken[interface] = user
        self._rebuild(changed)
        return changed

    def release(self, user: str) -> set[str]:
        """The user gives back the phone he took; returns the interfaces whose users changed."""
        held = {i for i, u in self._taken.items() if u == user}
        for interface in held:
            del self._taken[interface]
        self._rebuild(held)
        return held

    def taken(self) -> dict[str, str]:
        """{interface: user} of the phones taken now."""
        return dict(self._taken)

    def label(self, interface: str) -> str | None:
        """What a phone that is or was an agent's is called: the agent's name. None for one never seen."""
        return self._free.get(interface)

    def users(self, interface: str) -> tuple[str, ...]:
        """The users at this phone: usually one, none, or those who share it."""
        return self._users_of.get(interface, ())

    def of(self, user: str) -> tuple[str, ...]:
        """The user's phones: his own, then the one he took."""
        return self._own.get(user, ()) + tuple(i for i, u in self._taken.items() if u == user)

    def to_take(self, user: str) -> tuple[wire.Phone, ...]:
        """The phones the user may take; none for one who has his own."""
        if self._own.get(user):
            return ()
        owned = {i for own in self._own.values() for i in own}
        return tuple(
            wire.Phone(interface=i, label=label, taken_by=self._taken.get(i))
            for i, label in sorted(self._free.items())
            if i not in owned
        )

    def _rebuild(self, interfaces: Iterable[str]) -> None:
        for interface in interfaces:
            users = [u for u, own in self._own.items() if interface in own]
            taker = self._taken.get(interface)
            if taker is not None and not users:
                users = [taker]
            if users:
                self._users_of[interface] = tuple(sorted(users))
            else:
                self._users_of.pop(interface, None)
