"""The unified record: sections each by themselves, slow and dead sources, hints."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import pytest

from crm_bridge import model
from crm_bridge.numbers import canonical
from cti import wire
from cti.popup import lanes, record
from cti.popup.record import Records
from cti.ticker import steady_clock, wall_clock
from tests.popup.pages import GUARD_S, eventually
from tests.popup.scripts import match, party

NUMBER = "13800001307"


class Crm:
    """A CRM that answers at once, unless a method is told to hang or to fail."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.hanging: set[str] = set()
        self.failing: dict[str, Exception] = {}
        self.asked: list[str] = []

    def _do(self, name: str) -> None:
        self.asked.append(name)
        if name in self.hanging:
            self.gate.wait(GUARD_S)
        if name in self.failing:
            raise self.failing[name]

    def lookup(self, number: str | None) -> list[model.Match]:
        """One party."""
        self._do("lookup")
        return [match(party())]

    def party(self, party_id: str) -> model.Party | None:
        """That party."""
        self._do("party")
        return party(party_id)

    def profile(self, party_id: str) -> model.Profile:
        """A profile with two numbers."""
        self._do("profile")
        points = tuple(model.ContactPoint(kind="phone", value=v, label="") for v in (NUMBER, "0574-87654321"))
        return model.Profile(party=party(party_id), fields=(), contact_points=points, notes=())

    def business(self, party_id: str, limit: int = 20) -> model.Section[model.BusinessRecord]:
        """One record."""
        self._do("business")
        business = model.BusinessRecord(id=f"b-{party_id}", at=wall_clock())
        return model.Section(items=(business,), total=7, as_of=wall_clock())

    def chats(self, party_id: str, limit: int = 20) -> model.Section[model.ChatMessage]:
        """None."""
        self._do("chats")
        return model.Section(items=(), total=0, as_of=wall_clock())

    def quotes(self, party_id: str, limit: int = 20) -> model.Section[model.Quote]:
        """One that ends today."""
        self._do("quotes")
        quote = model.Quote(
            id="q", number="Q1", at=wall_clock(), pol="宁波", pod="汉堡", carrier="", status="sent",
            valid_until=wall_clock() + 60, lines=(model.QuoteLine(container="40HQ", count=1, freight=2350.0),),
        )  # fmt: skip
        return model.Section(items=(quote,), total=1, as_of=wall_clock())

    def _never(self, *args: Any, **more: Any) -> Any:
        raise AssertionError("not asked for here")

    save_fields = create_party = add_note = add_business = learn = search = form = categories = _never


class WholeCrm(Crm):
    """The same, which can read everything in one question."""

    def record(self, party_id: str, limit: int = 20) -> model.Record:
        """All four."""
        self._do("record")
        return model.Record(
            profile=Crm.profile(self, party_id),
            business=Crm.business(self, party_id, limit),
            chats=Crm.chats(self, party_id, limit),
            quotes=Crm.quotes(self, party_id, limit),
        )


class History:
    """Our own calls, by number."""

    def __init__(self) -> None:
        self.keys: list[tuple[str, ...]] = []

    def calls(self, keys: Sequence[str], limit: int, but: str) -> tuple[Sequence[wire.CallItem], int]:
        """One call."""
        self.keys.append(tuple(keys))
        item = wire.CallItem(
            id="old", at=wall_clock() - 60, direction="inbound", outcome="abandoned", queue="europe",
            queue_label="", wait_s=41.0, talk_s=None, agent=None, number=keys[0], note="",
        )  # fmt: skip
        return [item], 1

    def sms(self, keys: Sequence[str], limit: int) -> tuple[Sequence[wire.SmsItem], int]:
        """None."""
        return [], 0


class Bench:
    """Records over that CRM, and what they told.

    Nobody is late by the clock, unless a test says after how long: a machine may be busy elsewhere.
    """

    def __init__(self, deadline_s: float = GUARD_S) -> None:
        self.crm: Crm = Crm()
        self.history = History()
        self.matches: dict[str, Sequence[model.Match]] = {}
        self.unanswered: list[str] = []
        self.told: dict[str, dict[str, list[wire.Section]]] = {}
        self.hints: dict[str, tuple[wire.Intent, ...]] = {}
        self.records = Records(
            lambda: self.crm,
            self.history,
            canonical=canonical,
            clock=wall_clock,
            steady=steady_clock,
            on_match=lambda call, found: self.matches.update({call: found}),
            on_no_answer=self.unanswered.append,
            on_section=self._section,
            on_head=lambda call, head: self.hints.update({call: head.intents}),
            deadline_s=deadline_s,
        )

    def _section(self, call: str, section: wire.Section) -> None:
        self.told.setdefault(call, {}).setdefault(section.name, []).append(section)

    def state(self, call: str, name: str) -> str:
        """How a section stands now."""
        return next((s.state for s in self.records.sections(call) if s.name == name), "")

    async def settled(self, call: str) -> Mapping[str, str]:
        """{section: state} when all six are there."""
        await eventually(lambda: all(self.state(call, n) not in ("", "loading") for n in wire.SECTIONS))
        return {n: self.state(call, n) for n in wire.SECTIONS}


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    """One bench."""
    made = Bench()
    yield made
    made.crm.gate.set()
    await made.records.close()


@pytest.fixture
async def soon() -> AsyncIterator[Bench]:
    """One bench that waits for the CRM no longer than a moment."""
    made = Bench(0.15)
    yield made
    made.crm.gate.set()
    await made.records.close()


async def test_all_six_sections_come_each_with_its_age(bench: Bench) -> None:
    """Each section says its state, its total and when it was read."""
    bench.records.gather("c", "p1", NUMBER)
    states = await bench.settled("c")
    assert states == {
        "quotes": "ready", "business": "ready", "profile": "ready", "calls": "ready", "sms": "empty", "chat": "empty",
    }  # fmt: skip
    business = bench.told["c"]["business"][-1]
    assert business.total == 7
    assert business.as_of is not None


async def test_calls_of_all_the_partys_numbers_are_read_once(bench: Bench) -> None:
    """The profile's other numbers count, and cost no second reading."""
    bench.records.gather("c", "p1", NUMBER)
    await bench.settled("c")
    assert bench.history.keys == [("+8613800001307", "+8657487654321")]


async def test_slow_section_holds_up_no_other(soon: Bench) -> None:
    """One source that hangs is late; the five others are there."""
    soon.crm.hanging.add("business")
    soon.records.gather("c", "p1", NUMBER)
    others = [name for name in wire.SECTIONS if name != "business"]
    await eventually(lambda: {soon.state("c", name) for name in others} == {"ready", "empty"})
    await eventually(lambda: soon.state("c", "business") == "late")


async def test_late_section_is_replaced_when_it_comes(soon: Bench) -> None:
    """What arrives after its deadline is shown after all."""
    soon.crm.hanging.add("business")
    soon.records.gather("c", "p1", NUMBER)
    await eventually(lambda: soon.state("c", "business") == "late")
    soon.crm.gate.set()
    await eventually(lambda: soon.state("c", "business") == "ready")


async def test_late_section_shows_the_older_copy_with_its_age(bench: Bench) -> None:
    """A copy of an earlier call is better than nothing, and says how old it is."""
    bench.records.gather("c1", "p1", NUMBER)
    await bench.settled("c1")
    first = bench.told["c1"]["business"][-1]
    bench.crm.hanging.add("business")
    bench.records.reading.deadline_s = 0.15
    bench.records.gather("c2", "p1", NUMBER)
    await eventually(lambda: bench.state("c2", "business") == "late")
    late = bench.told["c2"]["business"][-1]
    assert late.state == "late"
    assert late.items == first.items
    assert late.as_of == first.as_of
    assert late.text


async def test_failing_section_says_so_in_words_and_can_be_read_again(bench: Bench) -> None:
    """The CRM's own sentence is shown, never its exception; 重试 reads it anew."""
    bench.crm.failing = {
        "quotes": model.CrmError("客户库离线", text_en="CRM offline", permanent=False),
        "chats": ZeroDivisionError("13800001307"),
    }
    bench.records.gather("c", "p1", NUMBER)
    states = await bench.settled("c")
    assert (states["quotes"], states["chat"]) == ("error", "error")
    assert bench.told["c"]["quotes"][-1].text == "客户库离线"
    assert "1380" not in bench.told["c"]["chat"][-1].text
    bench.crm.failing = {}
    assert bench.records.refresh("c", "quotes")
    assert bench.state("c", "quotes") == "loading"
    await eventually(lambda: bench.state("c", "quotes") == "ready")


async def test_crm_that_can_is_asked_once_and_tells_the_same(bench: Bench) -> None:
    """One question instead of four, for the same sections."""
    bench.records.gather("apart", "p1", NUMBER)
    apart = await bench.settled("apart")
    bench.crm = WholeCrm()
    bench.records.gather("whole", "p1", NUMBER)
    assert await bench.settled("whole") == apart
    assert "record" in bench.crm.asked
    for name in record.CRM_SECTIONS:
        one, other = bench.told["apart"][name][-1], bench.told["whole"][name][-1]
        assert (one.total, len(one.items), one.state) == (other.total, len(other.items), other.state)
    before = list(bench.crm.asked)
    bench.records.gather("again", "p1", NUMBER)
    await bench.settled("again")
    assert bench.crm.asked[len(before) :].count("record") == 1


async def test_record_that_is_late_is_shown_late_and_then_whole(soon: Bench) -> None:
    """All four sections are marked at their deadline, our own are there, and the record follows when it comes."""
    soon.crm = WholeCrm()
    soon.crm.hanging.add("record")
    soon.records.gather("c", "p1", NUMBER)
    await eventually(lambda: {soon.state("c", name) for name in record.CRM_SECTIONS} == {"late"})
    await eventually(lambda: soon.state("c", "calls") == "ready")
    soon.crm.gate.set()
    await eventually(lambda: soon.state("c", "business") == soon.state("c", "profile") == "ready")


async def test_record_that_fails_takes_no_section_along(bench: Bench) -> None:
    """Where the one question fails each section is asked by itself, and only the broken one says so."""
    bench.crm = WholeCrm()
    bench.crm.failing = {"record": ZeroDivisionError(), "chats": model.CrmError("坏", text_en="bad", permanent=True)}
    bench.records.gather("c", "p1", NUMBER)
    states = await bench.settled("c")
    assert states == {
        "quotes": "ready", "business": "ready", "profile": "ready", "calls": "ready", "sms": "empty", "chat": "error",
    }  # fmt: skip


async def test_unknown_number_still_has_its_own_history(bench: Bench) -> None:
    """Without a party the CRM is not asked; calls and messages of the number are there."""
    bench.records.gather("c", None, NUMBER)
    states = await bench.settled("c")
    assert states["calls"] == "ready"
    assert states["profile"] == "empty"
    assert bench.crm.asked == []
    bench.records.gather("withheld", None, None)
    assert set((await bench.settled("withheld")).values()) == {"empty"}


async def test_another_choice_takes_the_old_sections_back(bench: Bench) -> None:
    """The sections of the party chosen before never appear under the new one."""
    bench.crm.hanging.add("business")
    bench.records.gather("c", "p1", NUMBER)
    await eventually(lambda: "business" in bench.crm.asked)
    bench.records.gather("c", "p2", NUMBER)
    assert bench.state("c", "business") == "loading"
    bench.crm.hanging.clear()
    bench.crm.gate.set()
    await eventually(lambda: bench.state("c", "business") == "ready")
    (shown,) = bench.told["c"]["business"][-1].items
    assert shown.id == "b-p2"
    assert not any(s.items and s.items[0].id == "b-p1" for s in bench.told["c"]["business"])


async def test_forgotten_call_is_told_nothing(bench: Bench) -> None:
    """What comes after the call was forgotten goes nowhere."""
    bench.crm.hanging.add("business")
    bench.records.gather("c", "p1", NUMBER)
    await eventually(lambda: "business" in bench.crm.asked)
    bench.records.forget("c")
    told = sum(len(s) for s in bench.told.get("c", {}).values())
    bench.crm.gate.set()
    await eventually(lambda: bench.records.reading.waiting == 0)
    assert sum(len(s) for s in bench.told.get("c", {}).values()) == told
    assert bench.records.sections("c") == []


async def test_look_up_that_hangs_is_given_up_in_time_and_still_counts_later(soon: Bench) -> None:
    """The pop is told that nobody answers; an answer that comes anyway is taken."""
    soon.crm.hanging.add("lookup")
    soon.records.look_up("c", NUMBER)
    await eventually(lambda: soon.unanswered == ["c"])
    assert soon.matches == {}
    soon.crm.gate.set()
    await eventually(lambda: "c" in soon.matches)


async def test_crm_that_comes_back_is_asked_again_while_the_call_goes_on(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look-up that failed is tried again; of a call that is over, no more."""
    monkeypatch.setattr(record, "AGAIN_S", (0.02, 0.02, 0.02))
    bench.crm.failing = {"lookup": OSError("away")}
    bench.records.look_up("c", NUMBER)
    await eventually(lambda: bench.unanswered)
    bench.crm.failing = {}
    await eventually(lambda: "c" in bench.matches)
    bench.records._alive = lambda call: False
    bench.crm.failing = {"lookup": OSError("away")}
    asked = bench.crm.asked.count("lookup")
    bench.records.look_up("over", NUMBER)
    await eventually(lambda: not bench.records._tasks)
    assert bench.crm.asked.count("lookup") == asked + 1


async def test_dead_crm_is_not_asked_for_every_call(bench: Bench) -> None:
    """After five failures the breaker opens: the next calls are told at once, and the CRM has peace."""
    bench.crm.failing = {"lookup": OSError("away")}
    for n in range(20):
        bench.records.look_up(f"c{n}", NUMBER)
        await eventually(lambda: len(bench.unanswered) > n)  # noqa: B023 - awaited within the turn
    assert bench.crm.asked.count("lookup") == lanes.FAILS
    assert not bench.records.crm_ok


async def test_saving_in_a_dead_crm_is_refused_in_words(soon: Bench) -> None:
    """A change that was not answered is an error of the CRM, never a silence."""
    soon.crm.hanging.add("party")
    with pytest.raises(model.CrmError) as late:
        await soon.records.ask(lambda crm: crm.party("p1"))
    assert not late.value.permanent


async def test_hints_come_with_the_sections_they_rest_on(bench: Bench) -> None:
    """An offer that ends today and a lost call are told, once the sections are there."""
    bench.records.gather("c", "p1", NUMBER)
    await bench.settled("c")
    await eventually(lambda: "c" in bench.hints)
    assert [h.kind for h in bench.hints["c"]] == ["missed", "quote"]
