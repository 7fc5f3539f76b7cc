"""Accounts of runs in which all went well, and errors to plant into them."""

from __future__ import annotations

import copy
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from tests.checker.account import (
    Account,
    Buffer,
    Client,
    Compared,
    Connection,
    Delivery,
    DuePop,
    Effect,
    Figures,
    Memory,
    OurCall,
    OurVisit,
    Outage,
    Rest,
    Shown,
    Stream,
    TrueCall,
    TrueVisit,
    Written,
)

T = 1_790_000_000.0
QUEUES = ("brook", "river")
MB = 1024 * 1024
AGENTS = ("Ann", "Bob", "Cid")


def good(rng: random.Random) -> Account:
    """The account of a run of some calls in which all went well."""
    truth = [_true(rng, n, T + 40.0 * n) for n in range(rng.randrange(4, 9))]
    truth[0].visits[0] = _answered(rng, truth[0].began)  # every kind of error needs something to be planted into
    truth[1].visits[:] = [TrueVisit("brook", truth[1].began + 0.5, "abandoned", None, 9.5, missed=(("Bob", 3.0),))]
    truth[0].ended, truth[1].ended = T + 35.0, T + 60.0
    holes = [(T + 50.0, T + 55.0)]
    calls = [_ours(rng, call, any(call.began < b and (call.ended or 0) > a for a, b in holes)) for call in truth]
    tally = Counter((v.queue, v.agent or "", v.outcome) for call in truth for v in call.visits)
    account = Account(
        holes=holes, truth=truth, calls=calls, tally=tally, reported=Counter(tally), rest=Rest(5.0, [], [], [])
    )
    account.figures = [_figures(queue, truth) for queue in QUEUES]
    account.buckets = [(queue, T + 900.0 * n, T + 900.0 * (n + 1)) for queue in QUEUES for n in range(3)]
    state = frozenset({("member", "Ann", "idle"), ("channel", "1.1")})
    account.states = [Compared("main", state, state)]
    _people(rng, account)
    _keeping(rng, account)
    return account


def _answered(rng: random.Random, began: float) -> TrueVisit:
    return TrueVisit("river", began + 0.5, "answered", "Ann", round(rng.uniform(1, 20), 3), talk_s=8.0, missed=())


def _true(rng: random.Random, n: int, at: float) -> TrueCall:
    visits = []
    began = at
    for _ in range(rng.randrange(1, 4)):
        if rng.random() < 0.5:
            visits.append(_answered(rng, at))
        else:
            outcome = rng.choice(("abandoned", "timeout", "key"))
            visits.append(TrueVisit(rng.choice(QUEUES), at + 0.5, outcome, None, round(rng.uniform(0.1, 15), 3)))
        at += 0.5 + (visits[-1].wait_s or 0.0) + (visits[-1].talk_s or 0.0)
    return TrueCall(f"{int(began)}.{n}", began, at + 1.0, visits)


def _ours(rng: random.Random, call: TrueCall, marked: bool) -> OurCall:
    off = 0.9 if marked else 0.05
    visits = [
        OurVisit(
            n=n,
            queue=v.queue,
            outcome=v.outcome,
            agent=v.agent,
            entered=v.entered,
            wait_s=max(0.0, (v.wait_s or 0.0) + rng.uniform(-off, off)),
            talk_s=v.talk_s,
            missed=v.missed,
        )
        for n, v in enumerate(call.visits, 1)
    ]
    return OurCall(call.id, call.began, call.ended, marked, visits, talks=[(call.began, call.ended)])


def _figures(queue: str, truth: list[TrueCall]) -> Figures:
    visits = [v for call in truth for v in call.visits if v.queue == queue]
    waits = [v.wait_s or 0.0 for v in visits if v.outcome == "answered"]
    return Figures(
        queue,
        (T - 10.0, T + 10_000.0),
        offered=len(visits),
        answered=len(waits),
        abandoned=sum(v.outcome == "abandoned" for v in visits),
        in_target=sum(wait <= 13.0 for wait in waits),
        target_s=13.0,
        asa_s=sum(waits) / len(waits) if waits else None,
    )


def _people(rng: random.Random, account: Account) -> None:
    """Pages: one that stays, one that goes and comes back while its call lasts, one that comes late."""
    account.due = [DuePop(agent, f"v{n}", T + 100.0 * n, T + 100.0 * n + 30.0) for n, agent in enumerate(AGENTS * 2)]
    stays = [Connection(T - 5.0, T - 4.9, T + 5000.0, frozenset())]
    back = T + 110.0 + rng.uniform(0, 10)
    returns = [
        Connection(T - 5.0, T - 4.9, back - 3.0, frozenset()),
        Connection(back, back + 0.2, T + 5000.0, frozenset({"v1"})),
    ]
    account.outages = [Outage(T + 700.0, T + 701.0, T + 720.0), Outage(T + 800.0, None, T + 803.0)]
    banner = [(T - 4.9, False), (T + 703.0, True), (T + 720.5, False)]
    account.clients = [
        Client(
            agent,
            [Shown(due.at + rng.uniform(0.01, 0.3), f"pop-{due.visit}", due.visit) for due in account.due
             if due.agent == agent],
            returns if agent == "Bob" else stays,
            banner,
        )
        for agent in AGENTS
    ]  # fmt: skip
    begin = rng.randrange(1000)
    account.streams = [
        Stream("board", [(begin, True), *((begin + n, False) for n in range(1, 6)), (begin + 40, True)]),
        Stream("node b", [(1, True), (2, False), (3, False)]),
    ]


def _keeping(rng: random.Random, account: Account) -> None:
    account.memory = [Memory("leader", 90 * MB, [(T + n, (90 + rng.randrange(60)) * MB) for n in range(5)])]
    account.buffers = [Buffer("writer", 20, 20_000)]
    account.commands = {"dial-1": 1, "dial-2": 0}
    account.forged, account.refused = [], []
    account.deliveries = [Delivery("ann", "a pop of her own", True)]
    account.acknowledged, account.stored = {"s1", "s2"}, {"s1", "s2", "s3"}
    account.log = [
        '{"at": "2026-09-21T14:13:20.123+00:00", "level": "info", "text": "call 1790000001.13 of 139****01 ended"}',
        '{"at": "2026-09-21T14:13:21.123+00:00", "level": "warning", "text": "login of ann: password: ***"}',
    ]
    account.secrets = ("s3cr3t", "王小明")
    account.written = [Written(T + n, "call", 1 + n // 3, 1 + n // 3) for n in range(6)]
    account.told = ["ring 1", "ring 2"]
    account.effects = [Effect("listen-1", T + 5.0, T + 4.9)]
    account.unusable = [(T + 700.0, T + 720.0)]
    account.ready = [(T + 600.0, True), (T + 701.0, True), (T + 703.5, False), (T + 719.0, False), (T + 721.0, True)]


# ---- errors -----------------------------------------------------------------------------------------------

Plant = Callable[[random.Random, Account], None]


def _call(rng: random.Random, account: Account, *, marked: bool | None = None) -> OurCall:
    assert account.calls is not None
    return rng.choice([call for call in account.calls if marked in (None, call.marked)])


def _visit(rng: random.Random, account: Account, outcome: str = "") -> OurVisit:
    assert account.calls is not None
    return rng.choice([v for call in account.calls for v in call.visits if outcome in ("", v.outcome)])


def _drop_call(rng: random.Random, account: Account) -> None:
    assert account.calls is not None
    account.calls.remove(_call(rng, account))


def _invent_call(rng: random.Random, account: Account) -> None:
    assert account.calls is not None
    account.calls.append(replace(_call(rng, account), id="1790000000.999"))


def _double_call(rng: random.Random, account: Account) -> None:
    assert account.calls is not None
    account.calls.append(copy.deepcopy(_call(rng, account)))


def _drop_visit(rng: random.Random, account: Account) -> None:
    _call(rng, account).visits.pop()


def _double_visit(rng: random.Random, account: Account) -> None:
    call = _call(rng, account)
    call.visits.append(replace(rng.choice(call.visits)))


def _other_outcome(rng: random.Random, account: Account) -> None:
    visit = _visit(rng, account)
    visit.outcome = "abandoned" if visit.outcome != "abandoned" else "timeout"


def _other_queue(rng: random.Random, account: Account) -> None:
    visit = _visit(rng, account)
    visit.queue = "lake"


def _other_agent(rng: random.Random, account: Account) -> None:
    _visit(rng, account, "answered").agent = "Bob"


def _shift(rng: random.Random, account: Account) -> None:
    visit = _visit(rng, account)
    visit.wait_s = (visit.wait_s or 0.0) + 2.1


def _forget_wait(rng: random.Random, account: Account) -> None:
    _visit(rng, account).wait_s = None


def _shift_talk(rng: random.Random, account: Account) -> None:
    visit = _visit(rng, account, "answered")
    visit.talk_s = (visit.talk_s or 0.0) + 2.1


def _forget_ring(rng: random.Random, account: Account) -> None:
    for call in account.calls or ():
        for visit in call.visits:
            if visit.missed:
                visit.missed, call.marked = (("Cid", 3.0),), True


def _unmark(rng: random.Random, account: Account) -> None:
    _call(rng, account, marked=True).marked = False


def _mark(rng: random.Random, account: Account) -> None:
    _call(rng, account, marked=False).marked = True


def _count_twice(rng: random.Random, account: Account) -> None:
    assert account.reported is not None
    account.reported[rng.choice(sorted(account.reported))] += 1


def _figure(name: str, by: float) -> Plant:
    def plant(rng: random.Random, account: Account) -> None:
        assert account.figures is not None
        at = next(n for n, f in enumerate(account.figures) if f.answered)
        account.figures[at] = replace(account.figures[at], **{name: getattr(account.figures[at], name) + by})

    return plant


def _ghost(rng: random.Random, account: Account) -> None:
    which = rng.randrange(3)
    account.rest = Rest(5.0, *([["1.1"] if n == which else [] for n in range(3)]))


def _stays_open(rng: random.Random, account: Account) -> None:
    _call(rng, account).ended = None


def _state(rng: random.Random, account: Account) -> None:
    assert account.states is not None
    one = account.states[0]
    ours = set(one.ours)
    if rng.random() < 0.5:
        ours.pop()
    else:
        ours.add(("channel", "9.9"))
    account.states[0] = replace(one, ours=frozenset(ours))


def _client(rng: random.Random, account: Account) -> Client:
    assert account.clients is not None
    return rng.choice(account.clients)


def _lose_pop(rng: random.Random, account: Account) -> None:
    shown = _client(rng, account).shown
    shown.remove(rng.choice(shown))


def _double_pop(rng: random.Random, account: Account) -> None:
    shown = _client(rng, account).shown
    shown.append(replace(rng.choice(shown), pop="another"))


def _returns(rng: random.Random, account: Account, **changed: object) -> None:
    assert account.clients is not None
    bob = next(client for client in account.clients if client.agent == "Bob")
    bob.connections = [bob.connections[0], replace(bob.connections[1], **changed)]  # type: ignore[arg-type]


def _banner(rng: random.Random, account: Account, banner: list[tuple[float, bool]]) -> None:
    _client(rng, account).stale = banner


def _jump(rng: random.Random, account: Account) -> None:
    assert account.streams is not None
    at = rng.randrange(len(account.streams))
    taken = list(account.streams[at].taken)
    place = rng.choice([n for n in range(1, len(taken)) if not taken[n][1]])
    taken[place:] = [(number if snapshot else number + 1, snapshot) for number, snapshot in taken[place:]]
    account.streams[at] = replace(account.streams[at], taken=taken)


def _repeat(rng: random.Random, account: Account) -> None:
    assert account.streams is not None
    one = account.streams[1]
    account.streams[1] = replace(one, taken=[*one.taken, one.taken[-1]])


def _no_snapshot(rng: random.Random, account: Account) -> None:
    assert account.streams is not None
    one = account.streams[0]
    account.streams[0] = replace(one, taken=[*one.taken[:-1], (one.taken[-1][0], False)])


def _grow(rng: random.Random, account: Account) -> None:
    assert account.memory is not None
    one = account.memory[0]
    account.memory[0] = replace(one, samples=[*one.samples, (T + 9, one.base + 65 * MB)])


def _put(name: str, value: object) -> Plant:
    def plant(rng: random.Random, account: Account) -> None:
        setattr(account, name, value)

    return plant


def _say(line: str) -> Plant:
    def plant(rng: random.Random, account: Account) -> None:
        assert account.log is not None
        account.log.insert(rng.randrange(len(account.log) + 1), line)

    return plant


def _stale_row(rng: random.Random, account: Account) -> None:
    assert account.written is not None
    at = rng.randrange(len(account.written))
    one = account.written[at]
    account.written[at] = replace(one, epoch=one.newest - 1)


def _negative_wait(rng: random.Random, account: Account) -> None:
    _visit(rng, account).wait_s = -0.5


def _backwards(rng: random.Random, account: Account) -> None:
    call = _call(rng, account)
    call.began, call.ended = call.ended, call.began


def _backwards_talk(rng: random.Random, account: Account) -> None:
    call = _call(rng, account)
    call.talks = [(T + 5, T + 4)]


def _double_midnight(rng: random.Random, account: Account) -> None:
    assert account.buckets is not None
    account.buckets.append(rng.choice(account.buckets))


def _ready(at: float) -> Plant:
    def plant(rng: random.Random, account: Account) -> None:
        assert account.ready is not None
        account.ready.append((at, True))

    return plant


ERRORS: list[tuple[str, str, Plant]] = [
    ("I1", "a row deleted", _drop_call),
    ("I1", "a row of a call that never was", _invent_call),
    ("I2", "a call twice", _double_call),
    ("I2", "a visit deleted", _drop_visit),
    ("I2", "a visit twice", _double_visit),
    ("I3", "another outcome", _other_outcome),
    ("I3", "another queue", _other_queue),
    ("I3", "another agent", _other_agent),
    ("I4", "a wait shifted by two seconds", _shift),
    ("I4", "no wait", _forget_wait),
    ("I4", "a talk shifted by two seconds", _shift_talk),
    ("I4", "another's ring", _forget_ring),
    ("I4", "a gap without its mark", _unmark),
    ("I4", "a mark without a gap", _mark),
    ("I5", "an outcome stored as another", _other_outcome),
    ("I5", "a report that counts twice", _count_twice),
    ("I5", "one more offered", _figure("offered", 1)),
    ("I5", "one less answered", _figure("answered", -1)),
    ("I5", "one more given up", _figure("abandoned", 1)),
    ("I5", "all in target", _figure("in_target", 100)),
    ("I5", "a mean off by two seconds", _figure("asa_s", 2.0)),
    ("I6", "a ghost", _ghost),
    ("I6", "a call that stays open", _stays_open),
    ("I7", "another state", _state),
    ("I8", "a pop lost", _lose_pop),
    ("I8", "a pop shown twice", _double_pop),
    ("I8", "a ring told twice", _put("told", ["ring 1", "ring 1"])),
    ("I9", "came back to no pop", lambda rng, a: _returns(rng, a, pops=frozenset())),
    ("I9", "came back to a slow snapshot", lambda rng, a: _returns(rng, a, snapshot_at=T + 122.0)),
    ("I9", "came back to nothing", lambda rng, a: _returns(rng, a, snapshot_at=None)),
    ("I10", "no banner", lambda rng, a: _banner(rng, a, [(T, False)])),
    ("I10", "a late banner", lambda rng, a: _banner(rng, a, [(T, False), (T + 705.0, True)])),
    ("I10", "a banner taken away too soon", lambda rng, a: _banner(rng, a, [(T + 703.0, True), (T + 710.0, False)])),
    ("I11", "a jump", _jump),
    ("I11", "a number twice", _repeat),
    ("I11", "a jump without a snapshot", _no_snapshot),
    ("I12", "memory that grows", _grow),
    ("I12", "a buffer without bound", _put("buffers", [Buffer("writer", 20_001, 20_000)])),
    ("I13", "a double dial", _put("commands", {"dial-1": 2})),
    ("I13", "a dial that nobody asked for", _put("commands", {"": 1})),
    ("I14", "a forged fact", _put("forged", ["AgentConnect of nobody"])),
    ("I14", "a genuine line refused", _put("refused", ["ENTERQUEUE"])),
    ("I14", "another's pop", _put("deliveries", [Delivery("bob", "a pop of Ann's", False)])),
    ("I15", "an acknowledged message lost", _put("stored", {"s1"})),
    ("I16", "an exception", _say("Traceback (most recent call last):")),
    ("I16", "an exception of a task", _say("Task exception was never retrieved")),
    ("I16", "a phone number", _say('{"text": "call of 13912345678 ended"}')),
    ("I16", "a customer's name", _say("pop for 王小明")),
    ("I16", "a password", _say("login failed, password=hunter22")),
    ("I17", "a row under an old epoch", _stale_row),
    ("I18", "a negative wait", _negative_wait),
    ("I18", "an end before the beginning", _backwards),
    ("I18", "a talk that ends before it begins", _backwards_talk),
    ("I18", "midnight twice", _double_midnight),
    ("I19", "listening without an audit row", _put("effects", [Effect("listen-1", T, None)])),
    ("I19", "an audit row afterwards", _put("effects", [Effect("listen-1", T, T + 0.1)])),
    ("I20", "ready without a PBX", _ready(T + 704.0)),
    ("I20", "ready before it is live again", _ready(T + 719.9)),
]
