"""Plays tapes: which call, for whom, on which phones, and when each line of it is due."""

from __future__ import annotations

import asyncio
import gzip
import json
import random
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from importlib import resources
from typing import Any, Final

import msgspec

from cti.demo.exchange import IDLE, SNAPSHOT, Exchange, Headers

_HOLE: Final = re.compile(r"\{([a-z]+[0-9]*)\}")
TRUNK: Final = "PJSIP/trunkline"
_STEP: Final = 0.05
"Seconds of waiting at a time, and how late a wait may end before it is said that the machine stood still."
_FEATURED_IDLE: Final = 7.0
"Seconds after which the featured phone gets a call of its own."
SHARES: Final[Mapping[str, float]] = {
    "answered": 26,
    "agent_hangs_up": 12,
    "second_line": 16,
    "held": 9,
    "late": 5,
    "missed_then_late": 6,
    "declined": 4,
    "busy_busy_answered": 1,
    "ring_all": 7,
    "blind_transfer": 4,
    "attended_transfer": 4,
    "abandoned": 5,
    "gave_up_in_menu": 2,
    "timeout": 2,
    "ring_all_nobody": 0.5,
}
"How often each tape is played, relative to the others."


class Tape(msgspec.Struct):
    """A recorded call with holes for names (see `cti.demo.cut`)."""

    name: str
    rung: int
    needs: int
    ring: int
    talk: int
    last: list[int]
    ends: list[str]
    lines: list[tuple[float, Any]]

    @classmethod
    def load(cls, name: str) -> Tape:
        """One of the tapes that come with the demonstration."""
        raw = resources.files("cti.demo").joinpath("tapes", f"{name}.jsonl.gz").read_bytes()
        head, *lines = [json.loads(line) for line in gzip.decompress(raw).decode().splitlines()]
        return cls(name=name, lines=[(at, line) for at, line in lines], **head)


class Wish(msgspec.Struct):
    """A call to be played; what is None is drawn."""

    tape: str | None = None
    caller: str | None = None
    queue: str | None = None
    did: str | None = None


class Casting:
    """Which phones are free. A phone is in at most one call, and rests a little after it."""

    def __init__(self, exchange: Exchange, rng: random.Random, featured: str = "") -> None:
        self.taken: set[str] = set()
        self._exchange = exchange
        self._rng = rng
        self._featured = featured
        self._used: dict[str, int] = {}
        self._turn = 0

    def free(self, queue: str) -> list[str]:
        """Phones that the queue would ring now ('' for any phone), the longest idle first."""
        free = [
            phone.interface
            for phone in self._exchange.phones.values()
            if phone.interface not in self.taken
            and phone.status == IDLE
            and (not queue or (queue in phone.members and not phone.members[queue].paused))
        ]
        free.sort(key=lambda interface: self._used.get(interface, 0))
        free.sort(key=lambda interface: interface != self._featured)
        return free

    def featured_queues(self) -> list[str]:
        """Queues that would ring the featured phone now."""
        phone = self._exchange.phones.get(self._featured)
        if phone is None or phone.interface in self.taken or phone.status != IDLE:
            return []
        return [queue for queue, member in phone.members.items() if not member.paused]

    def take(self, tape: Tape, queue: str) -> list[str] | None:
        """The phones of a call, or None while not enough are free."""
        chosen = self.free(queue)[: tape.rung]
        others = [interface for interface in self.free("") if interface not in chosen]
        chosen += others[: len(tape.last) - tape.rung]
        if len(chosen) < len(tape.last):
            return None
        self.taken.update(chosen)
        self._turn += 1
        self._used.update(dict.fromkeys(chosen, self._turn))
        return chosen


class Player:
    """Plays one call after the other, several at once, until cancelled.

    `emit` sends an event with the time it happened; every event has gone through the exchange before. Seconds of the
    tapes pass `speed` times as fast as those of the clock.
    """

    def __init__(
        self,
        exchange: Exchange,
        emit: Callable[[Headers, float], None],
        clock: Callable[[], float],
        *,
        rng: random.Random,
        speed: float = 1.0,
        callers: Sequence[str] = (),
        lines: Mapping[str, Sequence[str]],
        gap: float = 6.0,
        talk: tuple[float, float] = (12.0, 45.0),
        featured: str = "",
        prefix: str = "",
    ) -> None:
        """`lines`: each dialled number with the keys of its menu. `gap`: mean seconds between calls."""
        self.exchange = exchange
        self.rng = rng
        self.tapes = {name: Tape.load(name) for name in SHARES}
        self.casting = Casting(exchange, rng, featured)
        self.playing: set[asyncio.Task[None]] = set()
        self.played = 0
        self.closing = False
        "Begin no more calls."
        self.going = asyncio.Event()
        "While it is not set no call goes on: what rings rings, who talks talks."
        self.going.set()
        self._emit = emit
        self._clock = clock
        self._speed = speed
        self._callers = list(callers)
        self._lines = lines
        self._gap = gap
        self._talk = talk
        self._prefix = prefix
        self._serial = 0
        self._on_the_line: set[str] = set()

    async def run(self) -> None:
        """Start call after call; ends with a cancellation, which ends the calls being played too."""
        loop, speed = asyncio.get_running_loop(), self._speed
        due = free_since = loop.time()
        try:
            while True:
                now = loop.time()
                if not self.casting.featured_queues():
                    free_since = now
                overdue = (now - free_since) * speed > _FEATURED_IDLE
                waiting = sum(map(len, self.exchange.queues.values()))
                room = len(self.playing) < len(self.exchange.phones) and waiting < 4
                if not self.closing and (overdue or (now >= due and room)):
                    queues = self.casting.featured_queues()
                    self.start(Wish("answered", queue=self.rng.choice(queues)) if overdue else Wish())
                    free_since = now
                    few = len(self.playing) < len(self.exchange.phones) // 3
                    due = now + self.rng.expovariate(1 / (self._gap / 4 if few else self._gap)) / speed
                await asyncio.sleep(0.5 / speed)
        finally:
            for task in list(self.playing):
                task.cancel()
            await asyncio.gather(*self.playing, return_exceptions=True)

    def start(self, wish: Wish) -> asyncio.Task[None]:
        """Play one call; the task ends with its last line."""
        tape, queue = self._choose(wish)
        task = asyncio.get_running_loop().create_task(self._play(tape, queue, wish))
        self.playing.add(task)
        task.add_done_callback(self.playing.discard)
        return task

    def _choose(self, wish: Wish) -> tuple[Tape, str]:
        queue = wish.queue or self.rng.choice(list(self.exchange.queues))
        if wish.tape is not None:
            return self.tapes[wish.tape], queue
        free, anyone = len(self.casting.free(queue)), len(self.casting.free(""))
        fit = {
            name: share
            for name, share in SHARES.items()
            if (tape := self.tapes[name]).rung <= max(free, 1) and len(tape.last) <= max(anyone, 1)
        }
        return self.tapes[self.rng.choices(list(fit), list(fit.values()))[0]], queue

    async def _play(self, tape: Tape, queue: str, wish: Wish) -> None:
        loop, rng = asyncio.get_running_loop(), self.rng
        started, wall = loop.time(), self._clock()
        caller = wish.caller if wish.caller is not None else self._draw_caller()
        names = self._names(tape, queue, caller, wish)
        phones: list[str] = []
        added = 0.0
        self._on_the_line.add(caller)
        try:
            for index, (at, line) in enumerate(tape.lines):
                if index == tape.needs:
                    came = loop.time()
                    found = await self._phones(tape, queue, came + 60 / self._speed)
                    if found is None:
                        self._give_up(names)
                        return
                    phones = found
                    added += (loop.time() - came) * self._speed
                    self._cast(tape, names, phones)
                still = await _until(loop, started + (at + added) / self._speed)
                if not self.going.is_set():
                    stopped = loop.time()
                    await self.going.wait()
                    still += loop.time() - stopped
                added += still * self._speed
                due = (at + added) / self._speed
                self._say(line, names, phones, queue, wall + due)
                for phone, last in enumerate(tape.last):
                    if last == index:
                        phones[phone] = self._rest(phones[phone])
                if index == tape.talk:
                    added += rng.uniform(*self._talk)
                elif index == tape.ring and tape.lines[index + 1][0] - at < 5:
                    added += rng.uniform(0, 6)
        finally:
            self.played += 1
            self._on_the_line.discard(caller)
            self.casting.taken.difference_update(phones)

    async def _phones(self, tape: Tape, queue: str, patience: float) -> list[str] | None:
        """Wait as a caller waits: until phones are free, or until he has had enough."""
        loop = asyncio.get_running_loop()
        while (phones := self.casting.take(tape, queue)) is None:
            if loop.time() > patience:
                return None
            await asyncio.sleep(0.2 / self._speed)
        return phones

    def _names(self, tape: Tape, queue: str, caller: str, wish: Wish) -> dict[str, str]:
        did = wish.did or self.rng.choice(list(self._lines))
        names = {"t": TRUNK, "q": queue, "caller": caller, "did": did}
        names["choice"] = self.rng.choice(list(self._lines[did]) or ["1"])
        now = int(self._clock())
        for number, _ in enumerate(tape.ends):
            self._serial += 1
            names[f"u{number}"] = f"{self._prefix}{now}.{self._serial}"
            names[f"c{number}"] = f"{TRUNK}-{self._serial & 0xFFFFFFFF:08x}"
        for number in range(4):
            names[f"b{number}"] = str(uuid.UUID(int=self.rng.getrandbits(128), version=4))
        return names

    def _cast(self, tape: Tape, names: dict[str, str], phones: list[str]) -> None:
        for number, interface in enumerate(phones):
            names[f"i{number}"] = interface
            names[f"e{number}"] = interface.rpartition("/")[2]
            names[f"n{number}"] = self.exchange.phones[interface].name
        for number, end in enumerate(tape.ends):
            if end != "t":
                names[f"c{number}"] = f"{names[end]}-{names[f'c{number}'].rpartition('-')[2]}"

    def _say(self, line: Any, names: Mapping[str, str], phones: list[str], queue: str, now: float) -> None:
        if isinstance(line, dict):
            interface = phones[line["member"]]
            for event in self.exchange.status(interface, line["status"], line["in_call"], queue, now):
                self._emit(event, now)
            return
        pairs = [(key, _HOLE.sub(lambda hole: names[hole[1]], value)) for key, value in line]
        self._tell(pairs, now)

    def _tell(self, pairs: Headers, now: float) -> None:
        event = dict(pairs)
        self.exchange.apply(event, now)
        self._emit([(key, event[key]) for key, _ in pairs], now)

    def _give_up(self, names: Mapping[str, str]) -> None:
        """No phone was free for a minute: the caller hangs up."""
        channel = self.exchange.channels[names["u0"]]
        told = [(key, channel.snapshot[key]) for key in SNAPSHOT]
        now, queue = self._clock(), ("Queue", names["q"])
        agent = [("Privilege", "agent,all"), *told, queue, ("Position", "1")]
        self._tell([("Event", "QueueCallerAbandon"), *agent, ("OriginalPosition", "1"), ("HoldTime", "0")], now)
        self._tell([("Event", "QueueCallerLeave"), *agent, ("Count", "0")], now)
        cause = [("Cause", "0"), ("Cause-txt", "Unknown")]
        self._tell([("Event", "Hangup"), ("Privilege", "call,all"), *told, *cause], now)

    def _rest(self, interface: str) -> str:
        """Out of the call: free again after a little rest. The phone is no longer the call's to give back."""
        rest = self.rng.uniform(2, 8) / self._speed
        asyncio.get_running_loop().call_later(rest, self.casting.taken.discard, interface)
        return ""

    def _draw_caller(self) -> str:
        """Mostly somebody known, now and then a stranger, seldom one who withholds his number."""
        dice = self.rng.random()
        known = [number for number in self._callers if number not in self._on_the_line]
        if dice < 0.03:
            return "anonymous"
        if dice < 0.83 and known:
            return self.rng.choice(known)
        return f"1{self.rng.choice('3578')}{self.rng.randrange(10**8, 10**9)}"


async def _until(loop: asyncio.AbstractEventLoop, due: float) -> float:
    """Wait; how many seconds the machine stood still meanwhile, which the rest of the call comes later.

    Else a call would catch up: it would ring, be answered and end in one moment, as no call does.
    """
    still = 0.0
    while (wait := due + still - (now := loop.time())) > 0:
        step = min(wait, _STEP)
        await asyncio.sleep(step)
        still += max(loop.time() - now - step - _STEP, 0.0)
    return still
