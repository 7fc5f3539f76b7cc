"""Random days of calls, and questions about them."""

from __future__ import annotations

import random
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from cti.calls.record import Call, Missed, Refused, Talk, Transfer, Visit
from cti.events import Outcome
from cti.store import Store

ZONE = ZoneInfo("Europe/Berlin")
"A zone whose clocks change: on 29 March and 25 October 2026."
QUEUES = ("sales", "support", "vip")
AGENTS = tuple((f"PJSIP/80{n:02d}", name) for n, name in enumerate(("林知夏", "Wang Fang", "O'Neil", "张伟", "Li, Na")))
LINES = ("4000001313", "4000001414")
ENDS: tuple[Outcome, ...] = (
    *("answered",) * 6,
    *("abandoned",) * 3,
    "timeout", "key", "empty", "withdrawn", "redirected", "pbx_restart", "unknown",
)  # fmt: skip
BORDERS = (0.0, 4.999, 5.0, 5.001, 12.999, 13.0, 13.001, 13.4, 13.5, 19.9, 20.0)


def at(text: str) -> float:
    """Epoch seconds of a local moment, such as 2026-03-29 09:00."""
    return datetime.fromisoformat(text).replace(tzinfo=ZONE).timestamp()


def calls(rng: random.Random, many: int, since: float, until: float) -> list[Call]:
    """Calls that began in [since, until), with everything that can happen to a call."""
    made = []
    for n in range(many):
        start = round(rng.uniform(since, until), 3)
        when = start + round(rng.uniform(0, 12), 3)
        visits: list[Visit] = []
        talks: list[Talk] = []
        transfers: list[Transfer] = []
        for _ in range(rng.choice((0, 1, 1, 1, 1, 2, 2, 3))):
            phone, name = rng.choice(AGENTS)
            outcome = rng.choice(ENDS)
            wait: float | None = rng.choice(BORDERS) if rng.random() < 0.3 else round(rng.expovariate(1 / 12), 3)
            if outcome in ("unknown", "pbx_restart") or rng.random() < 0.03:
                wait = None
            answered = outcome == "answered"
            left = when + (wait or 0.0)
            visits.append(
                Visit(
                    queue=rng.choice(QUEUES),
                    joined_at=None if rng.random() < 0.02 else when,
                    left_at=left,
                    outcome=outcome,
                    answered_at=left if answered else None,
                    wait_s=wait,
                    agent=None if not answered or rng.random() < 0.1 else name,
                    interface=phone if answered else None,
                    missed=tuple(
                        Missed(agent=other, interface=device, ring_s=round(rng.uniform(0, 15), 3))
                        for device, other in rng.sample(AGENTS, rng.choice((0, 0, 0, 1, 2)))
                    ),
                )
            )
            when = left + rng.choice((0.0, 0.0, 2.5))
            if answered:
                length = round(rng.expovariate(1 / 120), 3)
                talks.append(Talk(interface=phone, agent=name, from_=left, to=left + length))
                when = left + length
                if rng.random() < 0.3:
                    transfers.append(Transfer(kind="blind", by=phone, to="8001", at=when))
        refused = (Refused(queue=rng.choice(QUEUES), reason="full", at=when),) if rng.random() < 0.03 else ()
        is_open = rng.random() < 0.02
        if is_open and visits and visits[-1].outcome != "answered":
            visits[-1] = Visit(
                queue=visits[-1].queue,
                joined_at=visits[-1].joined_at,
                left_at=None,
                outcome="unknown",
                answered_at=None,
                wait_s=None,
                agent=None,
                interface=None,
                missed=visits[-1].missed,
            )
        made.append(
            Call(
                id=f"pbx-{n}.{int(start)}",
                direction="inbound",
                caller=f"0138{n:08d}",
                dialed=rng.choice((*LINES, None)),
                started_at=start,
                ended_at=None if is_open else when + 0.02,
                refused=refused,
                visits=tuple(visits),
                talks=tuple(talks),
                transfers=tuple(transfers),
                gap=rng.random() < 0.05,
            )
        )
    return made


def stored(made: list[Call], folder: Path) -> Store:
    """A store with these calls, each written when it began, too, and once more."""
    store = Store.open(f"sqlite:///{folder}/cti.db")
    for start in range(0, len(made), 200):
        store.save_calls(made[start : start + 200], "pbx")
    store.save_calls(made[:50], "pbx")
    return store
