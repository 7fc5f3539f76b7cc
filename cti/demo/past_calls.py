"""The sample's calls of the last two months and of today, as the core would have told them. See `demo.sample`."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from cti.calls.record import Call, Missed, Talk, Visit
from cti.demo import site
from cti.demo.history import DAY, Customer

_LINES: Final = tuple(site.LINES)
_MEMBERS: Final = {
    queue: [(phone, name) for phone, name, queues, _ in site.AGENTS if queue in queues] for queue in site.QUEUES
}
TODAY: Final = 110
"Calls of a whole day at the office."


def calls(
    customers: Sequence[Customer], unknown: Sequence[str], rng: random.Random, now: float, zone: ZoneInfo
) -> list[Call]:
    """Past calls, oldest first, all of them ended before `now`."""
    wanted: list[tuple[float, str, str]] = []
    for customer in customers:
        queue = customer.lanes[0].queue
        for _ in range(rng.randint(6, 11) if customer.rich else rng.randint(1, 4)):
            at = _office_hour(now - rng.uniform(1, 60) * DAY, rng, zone)
            wanted.append((at, rng.choice(customer.mobiles), queue if rng.random() < 0.8 else "export"))
    morning = datetime.fromtimestamp(now, zone).replace(hour=8, minute=30, second=0, microsecond=0).timestamp()
    midnight = morning - 8.5 * 3600
    begin = morning if now > morning + 1800 else min(midnight, now - 5400)
    share = min(1.0, max(0.15, (now - begin) / (9 * 3600)))
    for _ in range(round(TODAY * share)):
        at = begin + rng.random() * (now - 900 - begin)
        if rng.random() < 0.85:
            customer = rng.choice(customers[1:])
            wanted.append((at, customer.mobiles[0], customer.lanes[0].queue))
        else:
            wanted.append((at, rng.choice(unknown), rng.choice(tuple(site.QUEUES))))
    wanted = [row for row in wanted if row[0] < now - 900 and row[0] > 0]
    made = [_call(f"sample-{n:05d}", *row, rng) for n, row in enumerate(sorted(wanted))]
    return [*made, *_featured(customers[0], len(made), now)]


def _office_hour(at: float, rng: random.Random, zone: ZoneInfo) -> float:
    day = datetime.fromtimestamp(at, zone)
    day -= timedelta(days=max(0, day.weekday() - 4))
    return day.replace(hour=rng.randint(9, 17), minute=rng.randint(0, 59), second=rng.randint(0, 59)).timestamp()


def _call(call_id: str, at: float, caller: str, queue: str, rng: random.Random) -> Call:
    joined = at + rng.uniform(6, 14)  # the greeting and the menu
    phone, name = rng.choice(_MEMBERS[queue])
    fate = rng.random()
    missed: tuple[Missed, ...] = ()
    if fate < 0.05:
        wait = rng.choice((rng.uniform(3, 12), rng.uniform(14, 45)))
        visit = _visit(queue, joined, wait, None, None, ())
        return _record(call_id, caller, at, joined + wait + 0.02, visit, ())
    if fate < 0.14:
        other, other_name = rng.choice([member for member in _MEMBERS[queue] if member[0] != phone])
        missed = (Missed(agent=other_name, interface=other, ring_s=10.0),)
        wait = rng.uniform(13.5, 26)
    else:
        wait = min(12.9, rng.gammavariate(3.0, 1.7) + 1.2)
    answered = joined + wait
    length = rng.gammavariate(2.0, 95.0) + 20
    visit = _visit(queue, joined, wait, phone, name, missed)
    talk = Talk(interface=phone, agent=name, from_=answered + 0.05, to=answered + length)
    return _record(call_id, caller, at, answered + length + 0.02, visit, (talk,))


def _visit(
    queue: str, joined: float, wait: float, phone: str | None, name: str | None, missed: tuple[Missed, ...]
) -> Visit:
    wait = round(wait, 3)
    return Visit(
        queue=queue,
        joined_at=joined,
        left_at=joined + wait,
        outcome="answered" if phone else "abandoned",
        answered_at=joined + wait if phone else None,
        wait_s=wait,
        agent=name,
        interface=phone,
        missed=missed,
    )


def _record(call_id: str, caller: str, at: float, end: float, visit: Visit, talks: tuple[Talk, ...]) -> Call:
    return Call(
        id=call_id,
        direction="inbound",
        caller=caller,
        dialed=_LINES[0] if visit.queue != "export" or sum(map(ord, call_id)) % 3 else _LINES[1],
        started_at=at,
        ended_at=end,
        refused=(),
        visits=(visit,),
        talks=talks,
        transfers=(),
    )


def _featured(customer: Customer, n: int, now: float) -> list[Call]:
    """The caller on the pictures: spoken to this morning, lost four minutes ago; and we called her back last week."""
    caller, queue = customer.mobiles[0], customer.lanes[0].queue
    phone, name = site.AGENTS[1][0], site.AGENTS[1][1]
    early = now - 5400
    spoken = _visit(queue, early + 9, 23.0, phone, name, ())
    talk = Talk(interface=phone, agent=name, from_=early + 32, to=early + 282)
    lost = _visit(queue, now - 291, 41.0, None, None, ())
    back = now - 7.8 * DAY
    return [
        _record(f"sample-{n:05d}", caller, early, early + 282, spoken, (talk,)),
        _record(f"sample-{n + 1:05d}", caller, now - 300, now - 249, lost, ()),
        Call(
            id=f"sample-{n + 2:05d}",
            direction="outbound",
            caller=None,
            dialed=caller,
            started_at=back,
            ended_at=back + 190,
            refused=(),
            visits=(),
            talks=(Talk(interface=site.AGENTS[0][0], agent=site.AGENTS[0][1], from_=back + 14, to=back + 190),),
            transfers=(),
        ),
    ]
