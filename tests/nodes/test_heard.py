"""A PBX that is heard of: silence is shown and ends, a snapshot publishes what was missed and nothing twice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cti import events
from cti.events import Event
from cti.nodes.heard import SILENT_S, Heard
from cti.nodes.links import Links
from cti.wire import LinkView


class Bench:
    """One heard PBX, what it published, and how its link is shown."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.told: list[Event] = []
        self.shown: dict[str, str] = {}
        first = LinkView(state="connecting", since=0.0, text="", text_en="", store_ok=True, crm_ok=True)
        self.links = Links(["north", "south"], first, lambda **changes: self.shown.update(changes))
        self.links.put("south", "live", "", "")
        self.heard = Heard("north", self.links, self._publish, clock=lambda: self.now)

    def _publish(self, told: Sequence[Event]) -> None:
        self.told += told

    def kinds(self) -> list[str]:
        """What was published, by name."""
        return [type(event).__name__ for event in self.told]


def offered(call: str, at: float = 1.0) -> Event:
    """A call began."""
    return events.CallOffered(
        at=at, pbx="north", call=call, direction="inbound", caller="13505741300", caller_name=None, dialed="400"
    )


def test_silence_is_shown_with_the_pbxs_name_and_ends_with_the_next_word() -> None:
    """Three seconds without a word: the board is told that it is old; a word makes it true again, once each."""
    bench = Bench()
    bench.heard.beat("live", "", "Live")
    assert bench.shown.get("state") == "live"
    bench.now += SILENT_S
    bench.heard.look()
    assert bench.told == []
    bench.now += 0.5
    bench.heard.look()
    bench.heard.look()
    assert bench.kinds() == ["PbxLost"]
    assert bench.told[0].at == 1000.0, "what is shown is as old as the last word"
    assert bench.shown.get("state") == "lost"
    assert bench.shown["text_en"].startswith("north: ")
    bench.heard.beat("live", "", "Live")
    bench.heard.beat("live", "", "Live")
    assert bench.kinds() == ["PbxLost", "PbxResynced"]
    assert bench.shown.get("state") == "live"


def test_a_snapshot_publishes_what_was_missed_ends_what_is_gone_and_repeats_nothing() -> None:
    """One call known, one gone, one new: the known is not told again, the gone ends, the new begins."""
    bench = Bench()
    for event in (offered("known"), offered("gone", 2.0)):
        bench.heard.event(event)
    bench.told.clear()
    bench.heard.stands([offered("known"), offered("new", 3.0)])
    assert [(type(e).__name__, getattr(e, "call", None)) for e in bench.told] == [
        ("CallEnded", "gone"),
        ("CallOffered", "new"),
    ]
    assert set(bench.heard.alive()) == {"known", "new"}
    bench.told.clear()
    bench.heard.stands([offered("known"), offered("new", 3.0)])
    assert bench.told == []


def test_what_followed_something_missed_is_told_again_behind_it() -> None:
    """The word of a ring was lost, its end and the answer were heard: told again in their order the ring is over."""
    bench = Bench()
    of: dict[str, Any] = {"pbx": "north", "call": "c", "interface": "PJSIP/8001", "agent": "Lin"}
    wait: dict[str, Any] = {"visit": "c#1", "queue": "river", "waiting_since": 2.0}
    queued = events.CallQueued(
        at=2.0, pbx="north", call="c", position=1, caller=None, caller_name=None, dialed=None, choice=None, **wait
    )
    rings = events.AgentRinging(
        at=3.0, ring="c#1/1", caller=None, caller_name=None, dialed=None, choice=None, **wait, **of
    )
    ended = events.RingEnded(at=5.0, ring="c#1/1", visit="c#1", reason="answered", by="Lin", **of)
    answered = events.CallAnswered(at=5.0, wait_s=3.0, **wait, **of)
    for event in (offered("c"), queued, ended, answered):
        bench.heard.event(event)
    bench.told.clear()
    bench.heard.stands([offered("c"), queued, rings, ended, answered])
    assert bench.told == [rings, ended, answered]


def test_the_site_is_live_when_all_its_pbxs_are() -> None:
    """The worst link is what the pages are told."""
    bench = Bench()
    assert bench.shown["state"] == "connecting"
    bench.links.put("north", "refused", "密码不对", "wrong secret")
    assert (bench.shown["state"], bench.shown["text"]) == ("refused", "north：密码不对")
    bench.links.put("north", "live", "已连接", "Live")
    assert (bench.shown["state"], bench.shown["text"]) == ("live", "已连接")
