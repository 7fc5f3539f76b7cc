"""The core of a node in a run: a real one; or, where nothing befalls it, what a real one did once in the same story.

A core is told the same and says the same in every schedule of a story as long as its link is whole: that is run once
and remembered. From the first fault of its own on a node has a real core.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from cti.ami.messages import Packet
from cti.ami.roster import Roster
from cti.calls.pbx import Pbx, PbxConfig
from cti.calls.record import Call
from cti.events import AgentState, Event
from tests.simulation import virtual

CONFIG = PbxConfig(name="sim", trunks=("PJSIP/line*",))


@dataclass
class Clean:
    """What a core did that nothing befell."""

    saves: list[tuple[float, list[Call]]] = field(default_factory=list)
    "(when, whose documents were taken then)"
    told: list[tuple[float, Event]] = field(default_factory=list)
    "(when, what it told)"
    agents: list[AgentState] = field(default_factory=list)
    "At the end."


class Core(Pbx):
    """A real core; `record` is told what it does."""

    def __init__(self) -> None:
        super().__init__(CONFIG)
        self.record: Clean | None = None

    def take_changed(self) -> list[Call]:
        """What is to be written."""
        changed = super().take_changed()
        if self.record is not None and changed:
            self.record.saves.append((virtual.now(), changed))
        return changed


class Remembered(Pbx):
    """A core that does what was recorded. It stands where its documents were last taken: at most half a second ago."""

    def __init__(self, clean: Clean) -> None:
        self._clean = clean
        self._calls: dict[str, Call] = {}
        self._changed: list[Call] = []

    def agents(self) -> list[AgentState]:
        """At the end."""
        return self._clean.agents

    def goes_on(self, calls: list[Call]) -> None:
        """The next documents."""
        self._changed += calls
        for call in calls:
            self._calls[call.id] = call

    def pbx_time(self, now: float) -> float:
        """It is in time."""
        return now

    def get_timer(self) -> float | None:
        """All of it is in the record."""
        return None

    def feed(self, packet: Packet, now: float) -> list[Event]:
        """Never: whoever remembers is not told."""
        raise AssertionError

    def resync(self, roster: Roster, now: float) -> list[Event]:
        """The lists were empty."""
        return []

    def call(self, call_id: str) -> Call | None:
        """As it was last taken."""
        return self._calls.get(call_id)

    def open_calls(self) -> list[Call]:
        """Those that have not ended."""
        return [call for call in self._calls.values() if call.ended_at is None]

    @property
    def has_changed(self) -> bool:
        """True where `take_changed` would give something."""
        return bool(self._changed)

    def take_changed(self) -> list[Call]:
        """What is to be written."""
        changed, self._changed = self._changed, []
        return changed
