"""The link puts the audit's questions while it is live, and reads the lists anew when a difference is certain."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from cti.ami.link import Link
from cti.ami.messages import Packet
from tests.ami.clients import QUICK, Ours
from tests.ami.wire import Fields, ScriptedPbx, Site, listing, numbered, saying


class Suspicious:
    """Asks for the channels and says what it is told to of each list."""

    def __init__(self, verdicts: Sequence[int]) -> None:
        self.verdicts = list(verdicts)
        self.heard: list[list[str]] = []

    def question(self) -> tuple[str, Mapping[str, str]]:
        """Queues are refused by this PBX, the name of the second may not be sent at all."""
        return ("CoreShowChannels", {}) if len(self.heard) % 2 == 0 else ("QueueStatus", {"Queue": "a\r\nb"})

    def answer(self, fields: Mapping[str, str], items: Sequence[Packet]) -> int:
        """One verdict after the other."""
        self.heard.append([item.get("Uniqueid") for item in items])
        return self.verdicts.pop(0) if self.verdicts else 0


def audited(ours: Ours, pbx: ScriptedPbx, auditor: Suspicious) -> Link:
    """A link with that auditor, asking often."""
    return Link(
        Site(pbx.port),
        on_packet=lambda packet, now: ours.see(dict(packet.headers())),
        on_roster=ours._roster,
        on_state=ours._state,
        clock=lambda: 1_000.0,
        pace=msgspec.structs.replace(QUICK, audit=0.01),
        auditor=auditor,
    )


async def test_a_certain_difference_has_the_lists_read_anew(pbx: ScriptedPbx, ours: Ours) -> None:
    """Once for each, without the link being lost in between; it is counted."""
    pbx.answers["CoreShowChannels"] = listing(["Event: CoreShowChannel", "Uniqueid: 1.1"])
    auditor = Suspicious([0, 2])
    auditor.question = lambda: ("CoreShowChannels", {})  # type: ignore[method-assign]
    ours.run(audited(ours, pbx, auditor))
    await ours.until(lambda: len(ours.rosters) == 2 and ours.link.state.phase == "live")
    assert ours.phases == ["connecting", "resyncing", "live", "live"]
    assert ours.link.counters()["audit_corrections"] == 2
    assert auditor.heard[0] == ["1.1"]
    await pbx.until(lambda: pbx.count("CoreShowChannels") > 8)
    assert len(ours.rosters) == 2, "what is as listed has nothing read anew"


async def test_a_question_that_cannot_be_put_or_is_refused_ends_nothing(pbx: ScriptedPbx, ours: Ours) -> None:
    """An error, a name that no action may carry: the next question is put all the same, and the link stays."""
    auditor = Suspicious([])
    asked = 0
    names: tuple[tuple[str, dict[str, str]], ...] = (
        ("QueueStatus", {"Queue": "a\r\nb"}),
        ("Nonsense", {}),
        ("CoreShowChannels", {}),
    )

    def question() -> tuple[str, Mapping[str, str]]:
        nonlocal asked
        asked += 1
        return names[asked % 3]

    auditor.question = question  # type: ignore[method-assign]
    pbx.answers["Nonsense"] = saying("Response: Error", "Message: Permission denied")
    ours.run(audited(ours, pbx, auditor))
    await ours.until(lambda: len(ours.rosters) == 1)
    await pbx.until(lambda: pbx.count("CoreShowChannels") > 4)
    assert ours.phases == ["connecting", "resyncing", "live"]
    assert len(ours.rosters) == 1


def busy(ours: Ours, pbx: ScriptedPbx, auditor: Suspicious) -> Link:
    """The same before a core that needs a millisecond for each event."""
    link = audited(ours, pbx, auditor)
    see = ours.see

    def slowly(headers: dict[str, str]) -> None:
        time.sleep(0.001)
        see(headers)

    ours.see = slowly  # type: ignore[method-assign]
    return link


async def test_a_list_is_compared_when_all_that_was_told_before_it_is_known(pbx: ScriptedPbx, ours: Ours) -> None:
    """A core that lags behind the wire is not taken for one that missed something."""
    lists = 0

    def channels(fields: Fields) -> bytes:
        nonlocal lists
        lists += 1
        listed = listing(["Event: CoreShowChannel", f"Uniqueid: {lists}"])(fields)
        assert listed is not None
        return b"".join(numbered(100)) + listed

    auditor, known = Suspicious([]), list[tuple[str, int]]()
    auditor.question = lambda: ("CoreShowChannels", {})  # type: ignore[method-assign]

    def answer(fields: Mapping[str, str], items: Sequence[Packet]) -> int:
        known.append((items[0].get("Uniqueid"), len(ours.events) // 100))
        return 0

    auditor.answer = answer  # type: ignore[method-assign]
    ours.run(busy(ours, pbx, auditor))
    await ours.until(lambda: len(ours.rosters) == 1)
    pbx.answers["CoreShowChannels"] = channels
    await ours.until(lambda: len(known) > 3)
    assert [(listed, n) for listed, n in known if listed and int(listed) > n] == []


async def test_what_was_told_before_the_lists_are_read_again_is_heard_before_them(pbx: ScriptedPbx, ours: Ours) -> None:
    """Else it would be told of calls that the lists have closed, as if they began anew."""
    plain, before = pbx.answers["CoreStatus"], list(numbered(200))

    def status(fields: Fields) -> bytes | None:
        said = plain(fields)
        assert said is not None
        if ours.rosters:
            said = b"".join(before) + said
            before.clear()
        return said

    pbx.answers["CoreStatus"] = status
    auditor = Suspicious([1])
    auditor.question = lambda: ("CoreShowChannels", {})  # type: ignore[method-assign]
    seen: list[int] = []
    link = busy(ours, pbx, auditor)
    roster = ours._roster

    def read(*told: Any) -> None:
        seen.append(len(ours.events))
        roster(*told)

    link._on_roster = read
    ours.run(link)
    await ours.until(lambda: len(ours.rosters) == 2)
    assert seen == [0, 200]
    assert not any(packet.event == "UserEvent" for packet in ours.rosters[1][1])
