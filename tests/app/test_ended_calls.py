"""Ended calls on their way into the outbox: once each, with whose they were, also when the service died before."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from crm_bridge.live import open_crm
from crm_bridge.mapped import MappedCrm, Mapping
from crm_bridge.writeback import Outbox, rules_of
from crm_bridge.writeback.intents import Delivery
from cti import events
from cti.calls.record import Call, Talk, Visit
from cti.customers.ended import EndedCalls
from cti.popup.lanes import Away
from cti.store import Store
from tests.app.own_crm import MAPPING, NUMBER, STRANGER, OwnCrm
from tests.app.service import eventually

NOW = 1_780_000_000.0


def call(id: str, at: float = NOW, caller: str = NUMBER, direction: Any = "inbound", **more: Any) -> Call:
    """A call that was answered and ended."""
    visit = Visit(
        queue="europe", joined_at=at, left_at=at + 5, outcome="answered", answered_at=at + 5, wait_s=5.0,
        agent="林知夏", interface="PJSIP/8001",
    )  # fmt: skip
    talk = Talk(interface="PJSIP/8001", agent="林知夏", from_=at + 5, to=at + 65)
    made = Call(
        id=id, direction=direction, caller=caller, dialed="4000001313", started_at=at, ended_at=at + 65, refused=(),
        visits=(visit,), talks=(talk,), transfers=(),
    )  # fmt: skip
    return msgspec.structs.replace(made, **more)


class Desk:
    """A store, a CRM with its outbox, and what puts ended calls into it."""

    def __init__(self, folder: Path, mapping: str = MAPPING) -> None:
        self.own = OwnCrm(f"sqlite:///{folder / 'their.db'}", folder, mapping=mapping)
        self.store = Store.open(f"sqlite:///{folder / 'cti.db'}")
        url = f"sqlite:///{folder / 'ours.db'}"
        self.rules = rules_of(Mapping.load(self.own.mapping).writeback, folder)
        self.crm = open_crm(url, mapping=self.own.mapping, keep=False)
        assert isinstance(self.crm, MappedCrm)
        self.now = NOW + 100.0
        self.outbox = Outbox(self.crm.local.database, kinds=self.rules.kinds, clock=lambda: self.now)
        self.crm._outbox = self.outbox
        self.crm.sync().once()

    def ended(self, failures: int = 0) -> EndedCalls:
        """What a process has; another one after a crash. The store does not answer so many times."""
        left = failures

        async def run(work: Callable[[], Any]) -> Any:
            nonlocal left
            if left:
                left -= 1
                raise Away
            return work()

        return EndedCalls(
            self.store, lambda: self.crm, self.outbox, self.rules, run=run, clock=lambda: self.now, soon_s=0.0
        )

    def waiting(self) -> list[Delivery]:
        """What would be delivered now, given back at once."""
        taken = self.outbox.claim("test", 100, 1.0)
        self.outbox.give_back(taken)
        return taken

    def close(self) -> None:
        """Give everything back."""
        self.crm.close()
        self.store.close()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A desk with rules for everything."""
    made = Desk(tmp_path)
    yield made
    made.close()


async def run_until(ended: EndedCalls, true: Callable[[], Any]) -> None:
    """Let it run until something is so."""
    task = asyncio.get_running_loop().create_task(ended.run())
    await eventually(true)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_what_ended_before_a_crash_is_put_at_the_next_start_once(desk: Desk) -> None:
    """The process died between a call's end and the outbox: its next start finds it in the store; twice is once."""
    first = desk.ended()
    await run_until(first, lambda: desk.outbox.begin("call", desk.now) == desk.now)
    desk.store.save_calls([call("old", NOW - 7200.0), call("lost", desk.now + 10)], "ny")
    desk.now += 200.0
    await run_until(desk.ended(), lambda: desk.outbox.has("call", "lost"))
    await run_until(desk.ended(), lambda: desk.outbox.has("call", "lost"))
    assert [one.key for one in desk.waiting()] == ["call:lost"], "what ended before the first start is past"
    assert desk.outbox.counts().waiting == 1


async def test_a_call_is_told_with_whose_it_was_and_all_that_was_typed(desk: Desk) -> None:
    """The number tells the customer, a person's choice goes first; notes of several stand in their order."""
    desk.store.save_calls([call("c")], "ny")
    desk.store.save_call_note("c", "lin", "要周五的船", NOW + 70)
    desk.store.save_call_note("c", "chen", "已转订舱", NOW + 80)
    ended = desk.ended()
    ended.on_event(events.CallEnded(at=NOW + 65, call="c"))
    await run_until(ended, lambda: desk.outbox.has("call", "c"))
    (one,) = desk.waiting()
    assert one.party is not None
    assert (one.party.entity, one.party.id, one.party.company_id) == ("person", "1", "f1")
    assert one.payload["note"] == "要周五的船\n已转订舱"
    assert (one.payload["number"], one.payload["wait_s"], one.payload["talk_s"]) == (NUMBER, 5.0, 60.0)
    firm = desk.crm.lookup("0574-87000013")[0].party.id
    desk.store.choose_party("c", firm, "lin", NOW + 90)
    desk.now += 10
    ended.noted("c")
    await run_until(ended, lambda: ended.waiting == 0)
    (one,) = desk.waiting()
    assert (one.revision, one.party and one.party.entity) == (2, "firm")


async def test_colleagues_calls_and_open_calls_are_not_told(desk: Desk) -> None:
    """An internal call is nobody's business there; a call that still goes on waits for its end."""
    desk.store.save_calls([call("in", direction="internal"), call("on", ended_at=None)], "ny")
    ended = desk.ended()
    assert ended.put("in")
    assert not ended.put("on")
    assert desk.waiting() == []


async def test_a_merged_call_is_no_call_of_its_own(desk: Desk) -> None:
    """A consultation that became part of another call is not told, even where its end came first."""
    ended = desk.ended()
    ended.on_event(events.CallEnded(at=NOW, call="b"))
    ended.on_event(events.CallMerged(at=NOW, call="b", into="a"))
    assert ended.waiting == 0


async def test_only_known_customers_where_the_mapping_says_so(tmp_path: Path) -> None:
    """known_only: a stranger's call stays here; when his number is added within days, his call follows."""
    marked = MAPPING.replace("[writeback.call]\n", "[writeback.call]\nknown_only = true\n")
    desk = Desk(tmp_path, marked)
    try:
        desk.store.save_calls([call("s", caller=STRANGER), call("k")], "ny")
        ended = desk.ended()
        assert ended.put("s")
        assert ended.put("k")
        assert [one.key for one in desk.waiting()] == ["call:k"]
        desk.own.run(f"INSERT INTO person (name, tel) VALUES ('高朗', '{STRANGER}')")
        assert isinstance(desk.crm, MappedCrm)
        desk.crm.sync().compare_all()
        ended.relinked("s")
        await run_until(ended, lambda: desk.outbox.has("call", "s"))
        desk.now += 30 * 86_400.0
        desk.store.save_calls([call("ancient", caller=STRANGER)], "ny")
        ended.relinked("ancient")
        await run_until(ended, lambda: ended.waiting == 0)
        assert not desk.outbox.has("call", "ancient")
    finally:
        desk.close()


async def test_notes_of_calls_go_as_notes_where_there_is_no_place_for_calls(tmp_path: Path) -> None:
    """A mapping with a rule for notes only: what was typed in a call stands there as a note of its customer."""
    start, rest = MAPPING.split("[writeback.call]")
    desk = Desk(tmp_path, start + "[writeback.note]" + rest.split("[writeback.note]")[1])
    try:
        desk.store.save_calls([call("c")], "ny")
        desk.store.save_call_note("c", "lin", "要周五的船", NOW + 70)
        assert desk.ended().put("c")
        (one,) = desk.waiting()
        assert (one.kind, one.payload["text"], one.party and one.party.id) == ("note", "要周五的船", "1")
    finally:
        desk.close()


async def test_without_an_update_the_call_waits_for_its_note(tmp_path: Path) -> None:
    """A mapping that cannot change what it wrote is told a call later, with the note in it."""
    lines = [line for line in MAPPING.splitlines() if not line.startswith("update")]
    desk = Desk(tmp_path, "\n".join(lines))
    try:
        desk.store.save_calls([call("c")], "ny")
        ended = desk.ended()
        ended.on_event(events.CallEnded(at=NOW, call="c"))
        assert await ended._turn() is not None
        assert not desk.outbox.has("call", "c")
        desk.now += 91.0
        await ended._turn()
        assert desk.outbox.has("call", "c")
    finally:
        desk.close()


async def test_a_store_that_is_away_loses_no_call(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the store does not answer the call waits; it is put when the store is back."""
    monkeypatch.setattr("cti.customers.ended.AGAIN_S", 0.01)
    desk.store.save_calls([call("c")], "ny")
    ended = desk.ended(failures=3)
    ended.on_event(events.CallEnded(at=NOW, call="c"))
    await run_until(ended, lambda: desk.outbox.has("call", "c"))


async def test_the_same_call_put_again_is_nothing_new(desk: Desk) -> None:
    """Whether it waits or is done: no second revision, nothing more to deliver."""
    desk.store.save_calls([call("c")], "ny")
    ended = desk.ended()
    assert ended.put("c")
    assert ended.put("c")
    (one,) = desk.waiting()
    assert one.revision == 1
    (taken,) = desk.outbox.claim("test", 10, 60.0)
    desk.outbox.done(taken, "77")
    assert ended.put("c")
    desk.now += 120.0
    assert desk.waiting() == []
    assert desk.outbox.counts().done == 1


async def test_what_ended_while_the_link_was_down_is_found_after_the_resync(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such a call is closed without an event; the store has it, and it is told. What just ended waits for its note."""
    monkeypatch.setattr("cti.customers.ended.SWEEP_SOON_S", 0.0)
    ended = desk.ended()
    await run_until(ended, lambda: desk.outbox.begin("call", desk.now) == desk.now)
    desk.store.save_calls([call("gap", desk.now + 1.0), call("fresh", desk.now + 40.0)], "ny")
    desk.now += 100.0
    ended._after_s = 20.0
    ended.on_event(events.PbxResynced(at=desk.now))
    await run_until(ended, lambda: desk.outbox.has("call", "gap"))
    assert not desk.outbox.has("call", "fresh")
