"""Trials with two nodes on PostgreSQL: the leader killed, and the leader stopped past its lease and let go again."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import re
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

from cti.demo import site
from tests.checker import Account, evaluate
from tests.checker.account import Written
from tests.faults.figures import Figure, none_of, timed
from tests.faults.house import GUARD_S, House, Seat, house, seated, token_of
from tests.faults.process import CtiProcess
from tests.faults.proxy import Proxy, Rewrite

FAILOVER_S = 2.0
HUNG_S = 3.0
"A leader that hangs in the midst of a write: its lease, and a second until its sessions are ended."
CALLS_PER_S = 1.0

_WATCH = """
CREATE TABLE watched_write (at double precision, what text, writer text, leader text, epoch bigint);
CREATE FUNCTION watch_write() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO watched_write
  SELECT EXTRACT(EPOCH FROM clock_timestamp()), TG_TABLE_NAME || ' ' || NEW.id,
         current_setting('application_name'), split_part(node, ' ', 1), epoch
  FROM lease WHERE pbx = NEW.pbx;
  RETURN NEW;
END $$;
CREATE TRIGGER watch_calls AFTER INSERT OR UPDATE ON call FOR EACH ROW EXECUTE FUNCTION watch_write();
"""
"Beside the service: the database itself notes who wrote each call, and who led by its word when he did."


async def failovers(tries: int, calls_per_s: float = CALLS_PER_S) -> list[Figure]:
    """kill -9 of the leader: until another leads, and until every page that hung on it is served there."""
    leads: list[float] = []
    serves: list[float] = []
    async with house() as made, _two(made) as (nodes, seats):
        playing = made.play(calls_per_s)
        try:
            for _ in range(tries):
                first, _epoch = await made.leader()
                left = [seat for seat in seats if seat.at is nodes[first]]
                served = {seat.login: seat.snapshots for seat in left}
                began = time.monotonic()
                await nodes[first].kill()
                await made.leader(but=first)
                leads.append(time.monotonic() - began)
                for seat in left:
                    await seat.until(lambda s, before=served[seat.login]: s.at is not None and s.snapshots > before)  # type: ignore[misc]
                serves.append(time.monotonic() - began)
                await nodes[first].start()
                # A standby that came in the midst of a call has not seen all of it, and only queue_log could tell it
                # the rest: what was begun before it came is written first.
                await made.written(dict(made.pbx.truth))
        finally:
            playing.cancel()
        wrong = await made.judged(seats)
    return [
        timed("failover after kill -9 of the leader: another leads", leads, FAILOVER_S),
        timed("failover after kill -9 of the leader: its pages served", serves, FAILOVER_S),
        none_of("calls lost, doubled or open after the failovers", tries, wrong),
    ]


async def pauses(tries: int, calls_per_s: float = 4.0) -> list[Figure]:
    """The leader is stopped past its lease, another is promoted, the first goes on: it neither writes nor acts."""
    rng = random.Random(11)
    promoted: list[float] = []
    actions: Counter[str] = Counter()
    async with house() as made:
        made.do(_WATCH)
        async with _two(made, actions) as (nodes, seats), aiohttp.ClientSession() as http:
            playing = made.play(calls_per_s)
            try:
                for number in range(tries):
                    name, _epoch = await made.leader()
                    other = next(node for key, node in nodes.items() if key != name)
                    wish = _wish(number, rng)
                    told = asyncio.create_task(_post(http, nodes[name], wish))
                    await asyncio.sleep(rng.uniform(0.0, 0.03))  # anywhere on its way, or just done
                    began = time.monotonic()
                    nodes[name].freeze()
                    try:
                        again = asyncio.create_task(
                            _post(http, other, wish)
                        )  # the page asks elsewhere, under the same id
                        await made.leader(but=name)
                        promoted.append(time.monotonic() - began)
                        await asyncio.sleep(rng.uniform(0.0, 0.3))
                    finally:
                        nodes[name].thaw()
                    await asyncio.gather(told, again)
                    await nodes[name].ready()
            finally:
                playing.cancel()
            wrong = await made.judged(seats)
            rows = made.ask("SELECT at, what, writer, leader, epoch FROM watched_write")
            written = [
                Written(at, what, epoch if writer == leader else epoch - 1, epoch)
                for at, what, writer, leader, epoch in rows
            ]
            stale = evaluate(Account(written=written), must=("I17",))
            doubled = evaluate(Account(commands=actions), must=("I13",))
    done = sum(1 for command in actions if command)
    return [
        none_of(f"stale-epoch writes over forced pauses ({len(written)} writes)", tries, stale),
        none_of(f"actions done twice at the PBX over forced pauses ({done} of {tries} asked for)", tries, doubled),
        none_of("calls lost, doubled or open after the pauses", tries, wrong),
        timed("another leads after the leader hung", promoted, HUNG_S),
    ]


def _wish(number: int, rng: random.Random) -> dict[str, object]:
    """A supervisor pauses somebody, or lets him go on; the reason carries the wish's id to the PBX."""
    phone = rng.choice([agent[0] for agent in site.AGENTS])
    return {
        "kind": "member_pause",
        "id": f"wish-{number}",
        "interface": phone,
        "queue": None,
        "reason": f"wish-{number}",
    }


async def _post(http: aiohttp.ClientSession, node: CtiProcess, wish: dict[str, object]) -> int:
    headers = {
        "Origin": node.base,
        "X-Requested-With": "thirteen",
        "Cookie": f"cti={token_of(site.SUPERVISOR[0])}",
    }
    url = f"{node.base}/api/v1/control/actions"
    with contextlib.suppress(aiohttp.ClientError, TimeoutError):
        async with http.post(url, json=wish, headers=headers, timeout=aiohttp.ClientTimeout(GUARD_S)) as answer:
            return answer.status
    return 0


@asynccontextmanager
async def _two(
    made: House, actions: Counter[str] | None = None
) -> AsyncIterator[tuple[dict[str, CtiProcess], list[Seat]]]:
    """Two nodes, and the agents' pages, half of which ask at each first. `actions` counts wishes at the PBX."""

    def counting() -> Rewrite:
        rest = b""

        def read(data: bytes) -> bytes:
            nonlocal rest
            *packets, rest = (rest + data).split(b"\r\n\r\n")
            for packet in packets:
                found = re.search(rb"\r\nReason: (wish-\d+)", packet)
                if found is not None and packet.startswith(b"Action: QueuePause") and actions is not None:
                    queue = re.search(rb"\r\nQueue: ([^\r]+)", packet)
                    actions[f"{found[1].decode()} {queue[1].decode() if queue else ''}"] += 1
            return data

        return read

    async with Proxy(("127.0.0.1", made.pbx.port)) as one, Proxy(("127.0.0.1", made.pbx.port)) as other:
        one.to_server.rewrite = other.to_server.rewrite = counting
        nodes = {"a": made.node("a", ami=one), "b": made.node("b", ami=other)}
        await asyncio.gather(*(node.start() for node in nodes.values()))
        order = list(nodes.values())
        orders = itertools.cycle([order, order[::-1]])
        seats = []
        for login, _ in made.agents:
            mine = next(orders)
            seats.append(Seat(login, lambda mine=mine: mine))  # type: ignore[misc]
        async with seated(seats):
            for seat in seats:
                await seat.until(lambda s: s.snapshots > 0)
            try:
                yield nodes, seats
            finally:
                for node in nodes.values():
                    if node.runs:
                        await node.stop()
