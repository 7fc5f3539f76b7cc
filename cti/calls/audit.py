"""Always-on audit: what we believe beside what the PBX lists, a little of it every few seconds (pure).

The stream of events may lose one: a Hangup that never came leaves a ghost. A list runs ahead of the stream by
milliseconds, so one look proves nothing; what two looks in a row say is so, and then all lists are read anew, which
puts everything right at once. Of a member it is so only where no event told of him in between: one who is busy all day
may twice be seen in the moment before his event comes. What reading did not put right is not tried again for as long
as it stays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from cti.ami.messages import Packet
from cti.calls.agents import listed_member

if TYPE_CHECKING:
    from cti.calls.state import State

Difference = tuple[str, ...]
"(kind, what it is about, ...): gone, unseen (channels), left, waits (callers), member"
_CHANNELS: Final = ""
"In place of a queue's name: the list of channels."


class Audit:
    """Ask `question`, hand what came to `answer`; where that is not 0, read all lists anew."""

    def __init__(self, state: State) -> None:
        """Nothing was looked at yet."""
        self.corrections = 0
        "Differences that two looks agreed on."
        self._state = state
        self._turn = 0
        self._last = _CHANNELS
        self._again: list[str] = []
        self._before: dict[str, frozenset[Difference]] = {}
        self._standing: dict[str, frozenset[Difference]] = {}
        "Certain, and there when last looked."
        self._unhealed: dict[str, int] = {}
        self._heard: dict[str, dict[str, int]] = {}
        "{queue: {member: how often the PBX had told of him}} at the last look."

    @property
    def unhealed(self) -> int:
        """Differences that reading the lists did not put right."""
        return sum(self._unhealed.values())

    def question(self) -> tuple[str, Mapping[str, str]]:
        """The next action and its fields: the channels every second time, between them one queue after the other."""
        if self._again:  # what looked odd is looked at again at once, not when its turn comes
            return _action(self._again.pop(0))
        self._turn += 1
        queues = self._state.roll.queues()
        if self._turn % 2 or not queues:
            return _action(_CHANNELS)
        later = [queue for queue in queues if queue > self._last]
        self._last = (later or queues)[0]
        return _action(self._last)

    def answer(self, fields: Mapping[str, str], items: Sequence[Packet]) -> int:
        """The list that came of a question with these fields; how many differences are certain now and new."""
        what = fields.get("Queue", _CHANNELS)
        told = self._told(what)
        found = self._queue(what, items) if what else self._channels(items)
        before, standing = self._before.get(what, frozenset()), self._standing.get(what, frozenset()) & found
        certain = frozenset(one for one in found & before if one[0] != "member" or one[1] not in told) - standing
        if len(self._before) > 10_000:
            for kept in (self._before, self._standing, self._unhealed, self._heard):
                kept.clear()
        self._before[what], self._standing[what], self._unhealed[what] = found, standing | certain, len(standing)
        if found - before - standing:
            self._again.append(what)
        self.corrections += len(certain)
        return len(certain)

    def _channels(self, items: Sequence[Packet]) -> frozenset[Difference]:
        listed = {item.get("Uniqueid") for item in items if self._state.speaks(item.get("Channel"))} - {""}
        ours = set(self._state.legs)
        return frozenset({("gone", uid) for uid in ours - listed} | {("unseen", uid) for uid in listed - ours})

    def _told(self, queue: str) -> frozenset[str]:
        """Members of whom the PBX told since the last look."""
        heard, before = self._state.roll.heard(queue), self._heard.get(queue, {})
        self._heard[queue] = heard
        return frozenset(interface for interface, times in heard.items() if times != before.get(interface))

    def _queue(self, queue: str, items: Sequence[Packet]) -> frozenset[Difference]:
        items = [item for item in items if item.get("Queue") == queue]
        listed = {item.get("Uniqueid") for item in items if item.event == "QueueEntry"}
        waiting = {
            visit.leg.uid
            for call in self._state.calls.values()
            for visit in call.visits
            if visit.queue == queue and visit.waiting
        }
        theirs = dict(listed_member(item) for item in items if item.event == "QueueMember")
        ours = self._state.roll.stand(queue)
        found: set[Difference] = {("left", uid) for uid in waiting - listed} | {
            ("waits", uid) for uid in listed - waiting
        }
        for interface in {*theirs, *ours}:
            one, other = ours.get(interface), theirs.get(interface)
            if one != other:
                found.add(("member", interface, repr(one), repr(other)))
        return frozenset(found)


def _action(what: str) -> tuple[str, Mapping[str, str]]:
    return ("QueueStatus", {"Queue": what}) if what else ("CoreShowChannels", {})
