"""The replayed PBX: believable agents, one story per tape, lists that are right in mid-call, and no growth."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import random
import re
from collections import Counter, defaultdict
from importlib import resources

import pytest

from cti.ami.framing import Framer
from cti.ami.link import Link, Pace
from cti.ami.messages import Packet
from cti.ami.roster import Roster
from cti.calls.pbx import Pbx, PbxConfig
from cti.calls.record import Call
from cti.demo import site
from cti.demo.exchange import Exchange
from cti.demo.pbx import SECRET, USERNAME, ReplayedPbx
from cti.demo.playback import SHARES, Player, Tape, Wish
from cti.events import CallEnded
from cti.ticker import wall_clock
from tests.ami.wire import GUARD, Site
from tests.asterisk.console import Console, Headers

CALLERS = ("13805740001", "02160000002", "+8613905740003")
OUTCOMES = {
    "abandoned": ["abandoned"],
    "ring_all_nobody": ["abandoned"],
    "timeout": ["timeout"],
    "gave_up_in_menu": [],
}
"How the visits of a tape end, where not answered."


class Watcher:
    """The service's link and core, looking at a PBX."""

    def __init__(self, pbx: ReplayedPbx) -> None:
        self.core = Pbx(PbxConfig())
        self.packets: list[Packet] = []
        self.ended: dict[str, Call] = {}
        self._changed = asyncio.Event()
        self.link = Link(
            Site(pbx.port, username=USERNAME, secret=SECRET),
            on_packet=self._packet,
            on_roster=self._roster,
            on_state=lambda state, now: self._changed.set(),
            clock=wall_clock,
            pace=Pace(boot_wait=0.2),
        )
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Watcher:
        self._task = asyncio.get_running_loop().create_task(self.link.run())
        await self.until(lambda: self.link.state.phase == "live")
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _packet(self, packet: Packet, now: float) -> None:
        self.packets.append(packet)
        for event in self.core.feed(packet, now):
            if isinstance(event, CallEnded):
                call = self.core.call(event.call)
                assert call is not None
                self.ended[event.call] = call
        self._changed.set()

    def _roster(self, roster: Roster, held: list[tuple[Packet, float]], now: float) -> None:
        self.core.resync(roster, now)
        for packet, at in held:
            self._packet(packet, at)

    async def until(self, true: object) -> None:
        """Wait until something about what was heard is so."""
        assert callable(true)
        async with asyncio.timeout(GUARD * 3):
            while not true():
                self._changed.clear()
                await self._changed.wait()


@pytest.mark.parametrize("name", sorted(SHARES))
async def test_each_tape_tells_its_story(name: str) -> None:
    """Played for other phones and another caller, the core reads from it what happened: one call, its visit's end."""
    async with ReplayedPbx(playing=False, speed=20.0, talk=(5.0, 6.0)) as pbx, Watcher(pbx) as watcher:
        await pbx.place_call(name, caller=CALLERS[0], queue="export", did="4000001365")
        await watcher.until(lambda: bool(watcher.ended))
        assert watcher.core.open_calls() == []
    calls = [call for call in watcher.ended.values() if call.direction == "inbound"]
    assert len(calls) == 1
    (call,) = calls
    assert (call.caller, call.dialed) == (CALLERS[0], "4000001365")
    assert [visit.outcome for visit in call.visits] == OUTCOMES.get(name, ["answered"])
    assert {visit.queue for visit in call.visits} <= {"export"}
    names = {interface: agent for interface, agent, _, _ in site.AGENTS}
    for visit in call.visits:
        if visit.outcome == "answered":
            assert visit.interface is not None
            assert visit.agent == names[visit.interface]
            assert any(talk.interface == visit.interface and talk.agent == visit.agent for talk in call.talks)
    assert bool(call.transfers) is name.endswith("_transfer")


def test_no_name_of_the_recorded_site_is_on_a_tape() -> None:
    """Whatever named a phone, person, queue, line, caller or bridge there is a hole here."""
    named = ("Channel", "Uniqueid", "Linkedid", "Interface", "MemberName", "Queue", "Location", "Device")
    hole = re.compile(r"(\{[a-z]+[0-9]*\})?")
    for name in SHARES:
        for _, line in Tape.load(name).lines:
            if isinstance(line, dict):
                continue
            for key, value in line:
                if key.endswith(named):
                    assert hole.fullmatch(value), (name, key, value)
                if key.endswith(("Num", "Name", "DialString", "Caller")) and key != "BridgeName":
                    assert hole.fullmatch(value) or value == "<unknown>", (name, key, value)


def test_every_tape_that_comes_along_is_played() -> None:
    """No tape lies about unused, and none is small talk: the longest is a few kilobytes."""
    tapes = {
        path.name.removesuffix(".jsonl.gz"): path for path in resources.files("cti.demo").joinpath("tapes").iterdir()
    }
    assert tapes.keys() == SHARES.keys()
    for path in tapes.values():
        head = json.loads(gzip.decompress(path.read_bytes()).splitlines()[0])
        assert head.keys() == {"rung", "needs", "ring", "talk", "last", "ends"}
        assert len(path.read_bytes()) < 4096


async def _a_shift(calls: int) -> tuple[ReplayedPbx, list[Headers]]:
    """So many calls and more in some seconds, then all the calls still running brought to an end."""
    pbx = ReplayedPbx(callers=CALLERS, speed=120.0, seed=7, playing=False)
    async with pbx:
        console = await Console(pbx.port, pbx.secret, user=pbx.username).open_booted()
        pbx.play()
        async with asyncio.timeout(GUARD * 3):
            while pbx.player.played < calls:
                await console.until("Hangup", since=len(console.events))
            pbx.stop_playing()
            while pbx.player.playing:
                await asyncio.wait(pbx.player.playing)
        await console.act("Ping")
        await console.close()
    return pbx, console.events


async def test_agents_are_in_one_call_at_a_time_and_everything_ends() -> None:
    """Over a shift: ids are never used twice, no phone is rung while busy, positions add up, and nothing is left."""
    pbx, events = await _a_shift(80)
    busy: dict[str, str] = {}
    waiting: dict[str, list[str]] = defaultdict(list)
    told: Counter[str] = Counter()
    born: Counter[str] = Counter()
    for event in events:
        name = str(event["Event"])
        told[name] += 1
        uniqueid, channel = str(event.get("Uniqueid", "")), str(event.get("Channel", ""))
        if name == "Newchannel":
            born[uniqueid] += 1
        if name == "AgentCalled":
            interface = str(event["Interface"])
            assert interface not in busy, f"{interface} is rung while in another call"
            busy[interface] = str(event["DestUniqueid"])
        if name == "Hangup":
            busy = {phone: leg for phone, leg in busy.items() if leg != uniqueid}
        if name == "QueueCallerJoin":
            queue = str(event["Queue"])
            waiting[queue].append(uniqueid)
            assert event["Position"] == event["Count"] == str(len(waiting[queue]))
        if name == "QueueCallerLeave":
            queue = str(event["Queue"])
            assert event["Position"] == str(waiting[queue].index(uniqueid) + 1), channel
            waiting[queue].remove(uniqueid)
            assert event["Count"] == str(len(waiting[queue]))
    assert set(born.values()) == {1}
    assert told["Newchannel"] == told["Hangup"] > 60
    assert told["BridgeEnter"] == told["BridgeLeave"] > 20
    assert not any(waiting.values())
    exchange = pbx.exchange
    assert not exchange.channels
    assert not exchange.bridges
    assert {phone.status for phone in exchange.phones.values()} == {1}


async def test_callers_are_mostly_those_given() -> None:
    """Most calls come from the customers the sample CRM knows, some from strangers."""
    _, events = await _a_shift(40)
    callers = [
        str(event["CallerIDNum"])
        for event in events
        if event["Event"] == "Newchannel" and event["Uniqueid"] == event["Linkedid"] and event["Context"] == "inbound"
    ]
    known = sum(caller in CALLERS for caller in callers)
    assert len(callers) > 20
    assert len(callers) // 3 < known


async def test_a_late_comer_sees_what_an_old_hand_sees() -> None:
    """The lists read in mid-call give the same calls, waiting callers and agents as having listened from the start."""
    async with ReplayedPbx(callers=CALLERS, speed=4.0, seed=5, gap=2.0) as pbx, Watcher(pbx) as old:
        await old.until(lambda: len(old.core.open_calls()) >= 4 and any(map(len, pbx.exchange.queues.values())))
        async with Watcher(pbx) as late:
            await asyncio.sleep(0)

            def seen(watcher: Watcher) -> tuple[object, object]:
                waits = {
                    (call.caller, visit.queue)
                    for call in watcher.core.open_calls()
                    for visit in call.visits
                    if visit.outcome == "unknown" and visit.left_at is None
                }
                talks = {
                    (call.caller, talk.interface)
                    for call in watcher.core.open_calls()
                    for talk in call.talks
                    if talk.to is None
                }
                return waits, talks

            assert seen(late) == seen(old)
            phases = [{agent.interface: agent.phase for agent in w.core.agents()} for w in (old, late)]
            differing = {i for i in phases[0] if phases[0][i] != phases[1][i]}
            assert {phases[0][i] for i in differing} <= {"wrapup"}


async def test_a_paused_agent_is_told_and_not_rung() -> None:
    """QueuePause answers, tells every queue, and keeps calls away until it is taken back."""
    interface = site.AGENTS[0][0]
    async with ReplayedPbx(playing=False, speed=20.0) as pbx:
        console = await Console(pbx.port, pbx.secret, user=pbx.username).open_booted()
        (answer,) = await console.act("QueuePause", Interface=interface, Paused="true", Reason="午休")
        assert answer["Response"] == "Success"
        for queue in site.AGENTS[0][2]:
            told = await console.until("QueueMemberPause", Queue=queue, Interface=interface)
            assert (told["Paused"], told["PausedReason"]) == ("1", "午休")
        assert interface not in pbx.player.casting.free("europe")
        (answer,) = await console.act("QueuePause", Interface=interface, Paused="false")
        assert answer["Response"] == "Success"
        assert interface in pbx.player.casting.free("europe")
        (answer,) = await console.act("QueuePause", Interface="PJSIP/7777", Paused="true")
        assert (answer["Response"], answer["Message"]) == ("Error", "Interface not found")
        await console.close()


async def test_calls_that_stand_still_go_on_where_they_were() -> None:
    """While calls stand still one that rings goes on ringing; let go on, it tells all of its story."""
    async with ReplayedPbx(playing=False, speed=60.0, talk=(5.0, 6.0)) as pbx, Watcher(pbx) as watcher:
        calling = asyncio.create_task(pbx.place_call("answered", queue="europe"))
        await watcher.until(lambda: any(packet.event == "AgentCalled" for packet in watcher.packets))
        pbx.player.going.clear()
        done, _ = await asyncio.wait((calling,), timeout=1.0)  # it would be over in a quarter of that
        assert not done
        assert [call.ended_at for call in watcher.core.open_calls()] == [None]
        pbx.player.going.set()
        await watcher.until(lambda: bool(watcher.ended))
        await calling
    (call,) = watcher.ended.values()
    assert [visit.outcome for visit in call.visits] == ["answered"]


async def test_who_connects_while_it_is_away_is_cut() -> None:
    """Nobody logs in, and whoever tries again later is let in."""
    async with ReplayedPbx(playing=False) as pbx:
        pbx.away = True
        reader, writer = await asyncio.open_connection(pbx.host, pbx.port)
        with contextlib.suppress(ConnectionError):
            assert await reader.read() == b""
        writer.close()
        assert not pbx.sessions
        pbx.away = False
        console = await Console(pbx.port, pbx.secret, user=pbx.username).open_booted()
        await console.close()


async def test_with_nobody_free_the_caller_gives_up() -> None:
    """All agents paused: the call waits, and ends as abandoned."""
    async with ReplayedPbx(playing=False, speed=60.0) as pbx, Watcher(pbx) as watcher:
        for interface in pbx.exchange.phones:
            pbx.exchange.pause(interface, "", True, "", 0.0)
        await pbx.place_call("answered", queue="europe")
        await watcher.until(lambda: bool(watcher.ended))
    (call,) = watcher.ended.values()
    assert [visit.outcome for visit in call.visits] == ["abandoned"]


async def test_a_client_that_does_not_read_is_cut() -> None:
    """As Asterisk does; the others are not disturbed and memory stays bounded."""
    async with ReplayedPbx(playing=False, speed=20.0) as pbx:
        reader, writer = await asyncio.open_connection(pbx.host, pbx.port, limit=1024)
        writer.write(f"Action: Login\r\nUsername: {USERNAME}\r\nSecret: {SECRET}\r\nEvents: on\r\n\r\n".encode())
        await reader.readuntil(b"FullyBooted")
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        filler = [("Event", "UserEvent"), ("Privilege", "user,all"), ("Note", "x" * 100_000)]
        async with asyncio.timeout(GUARD):
            while pbx.sessions:
                pbx._emit(filler, 0.0)
                await asyncio.sleep(0)
        writer.close()


async def test_a_line_without_an_end_costs_its_session_only() -> None:
    """Megabytes without a line end: the session is closed, the PBX goes on."""
    async with ReplayedPbx(playing=False) as pbx:
        reader, writer = await asyncio.open_connection(pbx.host, pbx.port)
        writer.write(b"x" * (1 << 20))
        async with asyncio.timeout(GUARD):
            with contextlib.suppress(ConnectionError):
                while await reader.read(4096):
                    pass
        writer.close()
        console = await Console(pbx.port, pbx.secret, user=pbx.username).open_booted()
        await console.close()


def test_the_same_seed_plays_the_same_calls() -> None:
    """A fault seen once can be seen again."""

    def drawn(seed: int) -> list[tuple[str, str, str]]:
        exchange = Exchange([agent[:3] for agent in site.AGENTS], tuple(site.QUEUES), 0.0)
        player = Player(
            exchange,
            lambda event, now: None,
            lambda: 0.0,
            rng=random.Random(seed),
            callers=CALLERS,
            lines={did: tuple(menu) for did, menu in site.MENU.items()},
        )
        chosen = []
        for _ in range(50):
            tape, queue = player._choose(Wish())
            chosen.append((tape.name, queue, player._draw_caller()))
        return chosen

    assert drawn(1) == drawn(1) != drawn(2)


async def test_everything_it_says_frames_cleanly() -> None:
    """No odd, malformed or doubtful packet in what it sends."""
    framer = Framer()
    async with ReplayedPbx(callers=CALLERS, speed=60.0) as pbx:
        reader, writer = await asyncio.open_connection(pbx.host, pbx.port)
        writer.write(f"Action: Login\r\nUsername: {USERNAME}\r\nSecret: {SECRET}\r\n\r\n".encode())
        seen = 0
        async with asyncio.timeout(GUARD * 3):
            while seen < 500:
                seen += len(framer.feed(await reader.read(65536)))
        writer.close()
    assert not any(framer.counters().values())
