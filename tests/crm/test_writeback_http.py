"""What is typed here reaches the site's CRM by HTTP, once, whatever happens on the way."""

from __future__ import annotations

import asyncio
import os
import random
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from crm_bridge import sql
from crm_bridge.model import CrmError
from crm_bridge.writeback import Outbox, Pace, Rules, WriteBack, targets
from crm_bridge.writeback.intents import KINDS
from tests.crm.writeback_crm import FAULTS, SECRET, FakeCrm, Whose, running, schedule

HANG_S = 30.0
QUICK = Pace(base_s=0.005, cap_s=0.02, deliver_s=HANG_S)


def rules(address: str, timeout: float = HANG_S, **rest: object) -> Rules:
    """Every kind to one address."""
    return Rules.parse({kind: {"url": address, "secret": SECRET, "timeout": timeout, **rest} for kind in KINDS})


@asynccontextmanager
async def working(outbox: Outbox, crm: FakeCrm, pace: Pace = QUICK, **rest: object) -> AsyncIterator[WriteBack]:
    """A worker that empties the outbox into the CRM."""
    worker = WriteBack(outbox, targets(rules(crm.address, **rest)), pace=pace)  # type: ignore[arg-type]
    task = asyncio.create_task(worker.run())
    try:
        yield worker
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(true: Callable[[], bool]) -> None:
    """Wait for something that no event tells."""
    async with asyncio.timeout(HANG_S):
        while not true():  # noqa: ASYNC110 - rows of a database tell nobody
            await asyncio.sleep(0.002)


@pytest.fixture
def outbox(tmp_path: Path) -> Outbox:
    """An empty outbox in a file."""
    return Outbox(sql.Database(f"sqlite:///{tmp_path}/outbox.db"))


async def test_an_intent_arrives_signed_with_its_key_and_leaves_no_words_behind(outbox: Outbox) -> None:
    """The CRM gets kind, customer and words under the key, signed; afterwards the outbox keeps key and id only."""
    async with running(FakeCrm()) as crm, working(outbox, crm):
        outbox.put("note", "n1", Whose(), {"text": "急单 13812345678", "by": "lin", "call_id": "c1", "at": 5.0})
        await until(lambda: outbox.counts().done == 1)
    told = crm.rows["note:n1"]
    assert told["data"] == {"text": "急单 13812345678", "by": "lin", "call_id": "c1", "at": 5.0}
    assert told["party"] == {"entity": "contact", "id": "77", "company_entity": None, "company_id": None}
    assert outbox.external_id("note", "n1") == "crm-0"
    with outbox.database.read() as connection:
        kept = str(connection.exec_driver_sql("SELECT * FROM crm_outbox").all())
    assert "13812345678" not in kept
    assert crm.forged == 0


@pytest.mark.parametrize("seed", range(25))
async def test_each_intent_takes_effect_once_whatever_goes_wrong(outbox: Outbox, seed: int) -> None:
    """Time-outs, 5xx, late answers, cut connections in any order: every key is there exactly once, as it was put in."""
    rng = random.Random(seed)
    keys = [f"k{n}" for n in range(10)]
    faults = [rng.choice(FAULTS) if rng.random() < 0.75 else "ok" for _ in range(45)]
    async with (
        running(FakeCrm(schedule(iter(faults)), slow_s=0.08)) as crm,
        working(outbox, crm, timeout=0.04),
    ):
        for n, key in enumerate(keys):
            outbox.put(KINDS[n % 5], key, Whose(id=str(n)), {"text": f"words of {key}", "at": float(n)})
            if rng.random() < 0.3:  # the same again, while it is under way
                outbox.put(KINDS[n % 5], key, Whose(id=str(n)), {"text": f"words of {key}", "at": float(n)})
            if rng.random() < 0.4:
                await asyncio.sleep(0)
        await until(lambda: outbox.counts().done == len(keys))
    assert crm.applied == {(f"{KINDS[n % 5]}:{key}", 1): 1 for n, key in enumerate(keys)}
    assert {key.split(":")[1]: row["data"]["text"] for key, row in crm.rows.items()} == {
        key: f"words of {key}" for key in keys
    }
    assert all(len(bodies) == 1 for bodies in crm.bodies.values()), "every try said the same"


async def test_a_refusal_is_seen_kept_and_sent_again_by_hand(outbox: Outbox) -> None:
    """An answer that will not change sets the intent aside with a sentence, others go on; sent again it arrives."""
    async with running(FakeCrm(schedule(iter(["refuse 422"])))) as crm, working(outbox, crm):
        outbox.put("note", "bad", Whose(), {"text": "机密"})
        await until(lambda: outbox.counts().refused == 1)
        outbox.put("note", "good", Whose(), {"text": "x"})
        await until(lambda: outbox.counts().done == 1)
        (entry,) = outbox.entries("refused")
        assert (entry.key, entry.attempts, entry.error, entry.error_en) == (
            "note:bad",
            1,
            "客户系统答复 422",
            "The CRM answered 422",
        )
        assert "机密" not in str(entry)
        assert outbox.retry("note:bad") == 1
        await until(lambda: outbox.counts().done == 2)
    assert crm.rows["note:bad"]["data"]["text"] == "机密"
    assert outbox.entries("refused") == []


@pytest.mark.parametrize("status", [301, 307, 400, 401, 403, 404, 413])
async def test_what_will_not_change_is_not_tried_again(outbox: Outbox, status: int) -> None:
    """A redirect or a client error is asked once only."""
    async with running(FakeCrm(lambda: f"refuse {status}")) as crm, working(outbox, crm):
        outbox.put("note", "n", Whose(), {"text": "x"})
        await until(lambda: outbox.counts().refused == 1)
        await asyncio.sleep(0.05)
    assert crm.requests == {"note:n": 1}


async def test_a_status_that_means_known_is_success(outbox: Outbox) -> None:
    """A CRM that answers 409 to a key it has says so in the mapping."""
    async with running(FakeCrm(lambda: "refuse 409")) as crm, working(outbox, crm, known=[409]):
        outbox.put("note", "n", Whose(), {"text": "x"})
        await until(lambda: outbox.counts().done == 1)


async def test_one_bad_intent_holds_nobody_up(outbox: Outbox) -> None:
    """While one key is answered 500 for ever, the others get through and the failing one stays visible."""
    crm = FakeCrm()
    last: list[str] = []
    handle = crm.handle

    async def poisoned(request):  # type: ignore[no-untyped-def]
        last[:] = [request.headers["Idempotency-Key"]]
        return await handle(request)

    crm.handle = poisoned  # type: ignore[method-assign]
    crm.tell = lambda: "500" if last == ["note:poison"] else "ok"
    async with running(crm), working(outbox, crm, pace=Pace(base_s=0.005, cap_s=0.02, at_once=1)):
        outbox.put("note", "poison", Whose(), {"text": "x"})
        for n in range(12):
            outbox.put("note", f"n{n}", Whose(), {"text": "x"})
        await until(lambda: outbox.counts().done == 12 and outbox.entries()[0].attempts >= 3)
        counts = outbox.counts()
        assert (counts.waiting, counts.retrying, counts.refused) == (1, 1, 0)
        assert outbox.entries()[0].key == "note:poison"


async def test_a_crm_that_is_away_is_asked_less_and_less(outbox: Outbox) -> None:
    """Nobody listening: one intent at a time is tried, ever more rarely, and all arrive when the CRM is back."""
    pace = Pace(base_s=0.02, cap_s=0.3)
    async with running(FakeCrm(lambda: "cut before")) as crm, working(outbox, crm, pace=pace) as worker:
        for n in range(30):
            outbox.put("note", f"n{n}", Whose(), {"text": "x"})
        await until(lambda: sum(crm.requests.values()) >= 6)
        assert worker.away
        before = sum(crm.requests.values())
        await asyncio.sleep(0.6)
        assert sum(crm.requests.values()) - before <= 8, "not thirty at every turn"
        crm.tell = lambda: "ok"
        await until(lambda: outbox.counts().done == 30 and not worker.away)


async def test_a_change_while_it_is_under_way_is_told_too(outbox: Outbox) -> None:
    """Something else put in under a key, before, during or after its delivery, is its next revision; none is lost."""
    async with running(FakeCrm(schedule(iter(["slow after"])), slow_s=0.1)) as crm, working(outbox, crm, timeout=5.0):
        outbox.put("call", "c1", None, {"call_id": "c1", "outcome": "answered"})
        await asyncio.wait_for(crm.seen.wait(), HANG_S)
        outbox.put("call", "c1", None, {"call_id": "c1", "outcome": "answered", "talk_s": 61.0})
        await until(lambda: crm.rows.get("call:c1", {}).get("revision") == 2 and outbox.counts().done == 1)
        outbox.put("call", "c1", None, {"call_id": "c1", "outcome": "answered", "talk_s": 61.0})
        assert outbox.counts().done == 1, "the same again is nothing new"
        outbox.put("call", "c1", None, {"call_id": "c1", "outcome": "answered", "talk_s": 61.0, "note": "回电"})
        await until(lambda: crm.rows["call:c1"]["revision"] == 3 and outbox.counts().done == 1)
    assert crm.rows["call:c1"]["data"]["note"] == "回电"
    assert set(crm.applied.values()) == {1}


async def test_a_note_about_a_new_prospect_waits_for_him(outbox: Outbox) -> None:
    """An intent that names another one goes after it, and is told the id that the CRM gave."""
    async with running(FakeCrm(schedule(iter(["500", "500", "cut after"])))) as crm, working(outbox, crm):
        outbox.put("note", "n", None, {"text": "要宁波到汉堡"}, after="party:9")
        outbox.put("party", "9", None, {"name": "周敏", "number": "13812345678"})
        await until(lambda: outbox.counts().done == 2)
    assert list(crm.rows) == ["party:9", "note:n"]
    assert crm.rows["note:n"]["after_id"] == "crm-0"


def test_kinds_without_a_rule_are_not_kept(tmp_path: Path) -> None:
    """A site that wants only notes back has no growing heap of calls."""
    outbox = Outbox(sql.Database(f"sqlite:///{tmp_path}/o.db"), kinds={"note"})
    outbox.put("call", "c", None, {"call_id": "c"})
    outbox.put("note", "n", None, {"text": "x"})
    assert [entry.key for entry in outbox.entries()] == ["note:n"]


def test_what_is_odd_in_a_payload_does_not_stop_it(outbox: Outbox) -> None:
    """NUL, lone surrogates, not-a-numbers, lists and long texts are kept in a form that any database takes."""
    outbox.put(
        "note", "坏\x00\ud800" * 200, Whose(), {"text": "a\x00\ud800" + "长" * 30_000, "n": float("nan"), "l": [1]}
    )
    (one,) = outbox.claim("w", 10, 60.0)
    assert one.payload["text"].startswith("a?长")
    assert len(one.payload["text"]) <= 20_000
    assert (one.payload["n"], one.payload["l"]) == (None, "[1]")
    assert one.key.isascii()
    assert len(one.key) <= 200


def test_a_claim_is_one_workers_until_it_is_let_go(tmp_path: Path) -> None:
    """Two workers never hold one intent; a dead one's come back by its name at once, by another's after the lease."""
    now = [1000.0]
    url = f"sqlite:///{tmp_path}/o.db"
    one, two = (Outbox(sql.Database(url), clock=lambda: now[0]) for _ in range(2))
    for n in range(6):
        one.put("note", str(n), None, {"text": "x"})
    mine = one.claim("a", 4, 60.0)
    others = two.claim("b", 4, 60.0)
    assert (len(mine), len(others)) == (4, 2)
    assert not {d.key for d in mine} & {d.key for d in others}
    assert one.next_due() == 1060.0
    assert one.release("a") == 4
    assert len(one.claim("a", 10, 60.0)) == 4
    now[0] = 1061.0
    assert len(two.claim("b", 10, 60.0)) == 6
    assert two.next_due() == 1121.0


def test_an_outbox_that_is_away_says_so(tmp_path: Path) -> None:
    """A database that cannot be opened is a temporary error in words: whoever put in knows that it is not kept."""
    with pytest.raises(CrmError) as caught:
        Outbox(sql.Database(f"sqlite:///{tmp_path}/missing/o.db")).put("note", "n", None, {})
    assert not caught.value.permanent


def test_what_is_done_is_forgotten_when_asked(tmp_path: Path) -> None:
    """Keys of what was done long ago go, unless somebody still waits for them."""
    now = [1000.0]
    outbox = Outbox(sql.Database(f"sqlite:///{tmp_path}/o.db"), clock=lambda: now[0])
    for key in ("a", "b"):
        outbox.put("party", key, None, {"name": key})
    outbox.put("note", "n", None, {"text": "x"}, after="party:b")
    for delivery in outbox.claim("w", 10, 60.0):
        outbox.done(delivery, f"id of {delivery.key}")
    now[0] = 2000.0
    assert outbox.forget_done(1500.0) == 1
    assert outbox.external_id("party", "a") is None
    (note,) = outbox.claim("w", 10, 60.0)
    assert note.after_id == "id of party:b"


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.long)])
async def test_killed_at_any_moment_nothing_is_lost_or_doubled(tmp_path: Path, seed: int) -> None:
    """The service is killed (SIGKILL) again and again in the middle of its work: every key arrives, once."""
    rng = random.Random(seed)
    url = f"sqlite:///{tmp_path}/outbox.db"
    outbox = Outbox(sql.Database(url))
    keys = [f"k{n}" for n in range(60 if seed == 0 else 200)]
    for key in keys:
        outbox.put("note", key, Whose(), {"text": key})
    crm = FakeCrm(lambda: rng.choice(["ok", "ok", "slow after", "cut after", "500 after"]), slow_s=0.03)
    async with running(crm):
        for _ in range(6 if seed == 0 else 25):
            crm.seen.clear()
            program = [sys.executable, "-m", "tests.crm.writeback_program", url, crm.address]
            service = await asyncio.create_subprocess_exec(*program, env={**os.environ, "PYTHONPATH": os.getcwd()})
            try:
                async with asyncio.timeout(HANG_S):
                    await crm.seen.wait()
                await asyncio.sleep(rng.random() * 0.06)
            finally:
                service.kill()
                await service.wait()
            if not outbox.counts().waiting:
                break
        async with working(outbox, crm, timeout=1.0):
            await until(lambda: outbox.counts().done == len(keys))
    assert crm.applied == {(f"note:{key}", 1): 1 for key in keys}
    assert max(crm.requests.values()) > 1, "some were told twice, harmlessly"
