"""Breakages of what nodes tell each other through Redis (F12, F13)."""

from __future__ import annotations

from typing import Any

from tests.faults.breakages import BREAKAGES, Breakage

_FILE = "tests/relay/test_relay_connections.py::"
KILLED = f"{_FILE}test_killed_primary_is_a_pause_and_what_was_lost_is_known[plain]"
BEHIND = f"{_FILE}test_replica_that_was_behind_takes_over_and_nothing_is_heard_twice[plain]"


def _stays_with_the_first_primary() -> None:
    from redis.asyncio.sentinel import Sentinel

    whole = Sentinel.discover_master
    found: dict[str, Any] = {}

    async def discover_master(self: Sentinel, service_name: str) -> Any:
        if service_name not in found:
            found[service_name] = await whole(self, service_name)
        return found[service_name]

    Sentinel.discover_master = discover_master  # type: ignore[method-assign]


def _begins_anew() -> None:
    from cti.relay import Relay

    def fell_back(self: Relay, last: bytes) -> bytes:
        self._heard.clear()
        self._hole("")
        return b"0-0"

    Relay._fell_back = fell_back  # type: ignore[method-assign]


def _says_nothing_of_it() -> None:
    from cti.relay import Relay

    def fell_back(self: Relay, last: bytes) -> bytes:
        self._after = last
        return last

    Relay._fell_back = fell_back  # type: ignore[method-assign]


RELAY = {
    "first-primary-only": Breakage(
        "F13", "the sentinels are asked once", _stays_with_the_first_primary, (KILLED,), "TimeoutError"
    ),
    "reads-all-anew": Breakage(
        "F13", "after a take-over all that Redis has is heard again", _begins_anew, (BEHIND,), "heard twice"
    ),
    "fell-back-in-silence": Breakage(
        "F13", "nobody is told that Redis lost something", _says_nothing_of_it, (BEHIND,), "is not told of"
    ),
}
BREAKAGES.update(RELAY)
