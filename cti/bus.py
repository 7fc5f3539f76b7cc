"""The bus: what happened is delivered here, at once and in order.

Publishing calls the subscribers one after the other in the order they came; nothing is queued, so whoever subscribes
must be quick and hand slow work to a task of his own. A subscriber that raises is reported and counted, the others
are still called. Other nodes hear of events through a relay, which is a subscriber like any other.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

from cti.events import Event

log = logging.getLogger(__name__)

Subscriber = Callable[[Event], None]


class Bus:
    """Delivers frozen events to the subscribers of this process."""

    def __init__(self) -> None:
        self._subscribers: list[tuple[str, Subscriber]] = []
        self.published = 0
        "Events delivered since the start."
        self.failures: dict[str, int] = {}
        "{subscriber: how often it raised}."

    def subscribe(self, name: str, subscriber: Subscriber) -> Callable[[], None]:
        """Have `subscriber` called with every event from now on; returns the way to end that."""
        entry = (name, subscriber)
        self._subscribers.append(entry)

        def leave() -> None:
            if entry in self._subscribers:
                self._subscribers.remove(entry)

        return leave

    def publish(self, events: Iterable[Event]) -> None:
        """Deliver `events` to everybody, one event after the other."""
        for event in events:
            self.published += 1
            for name, subscriber in tuple(self._subscribers):
                try:
                    subscriber(event)
                except Exception:
                    self.failures[name] = self.failures.get(name, 0) + 1
                    log.exception("subscriber %s failed on %s", name, type(event).__name__)
