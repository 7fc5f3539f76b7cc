"""Killed between a yes to a callback and its application: nothing is lost, nothing counts twice."""

from __future__ import annotations

import asyncio
import random
import sys
from pathlib import Path

import aiohttp
import pytest

from cti.listening import listening
from cti.sms.platform import Sent
from cti.sms.policy import Verdict
from cti.sms.wishes import Wish
from cti.store import Store
from cti.ticker import wall_clock
from tests.sms.taker import PLATFORM

ROOT = Path(__file__).resolve().parents[2]


async def kills(folder: Path, times: int, seed: int) -> None:
    """Push receipts and replies in parallel, kill -9 the taker again and again in the middle of it."""
    chance = random.Random(seed)
    url = f"sqlite:///{folder}/cti.db"
    store = Store.open(url)
    now = wall_clock()
    count = times * 12
    for n in range(count):
        number = f"+86138{n:08d}"
        wish = Wish(
            id=f"m{n}",
            intent=f"pop:lin:{n}",
            number=number,
            key=number,
            text="x",
            platforms=("aliyun",),
            origin="pop",
            created_at=now,
            due_at=now,
            expires_at=now + 1e6,
        )
        store.put_wish(wish, lambda facts: Verdict())
    for task in store.claim_wishes("w", now, limit=count, lease_s=60.0):
        store.begin_try(task, "w", now)
        store.wish_taken(task, Sent(provider_id=f"b-{task.wish.id}"), now)
    store.close()
    sock = listening("127.0.0.1", 0)
    where = f"http://127.0.0.1:{sock.getsockname()[1]}/hooks/sms/aliyun/{PLATFORM.hook_secrets[0]}"
    waiting = list(range(count))
    chance.shuffle(waiting)
    answered: set[int] = set()
    told = asyncio.Event()
    killed = 0
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as http:

        async def push(n: int) -> None:
            number = f"138{n:08d}"
            report = {"phone_number": number, "success": True, "err_code": "DELIVERED", "biz_id": f"b-m{n}"}
            up = {"phone_number": number, "content": f"reply {n}", "sequence_id": str(n)}
            try:
                async with http.post(where, json=[report, up]) as answer:
                    if answer.status == 200:
                        answered.add(n)
                        told.set()
            except (aiohttp.ClientError, TimeoutError):
                pass  # no yes: the platform comes again

        while len(answered) < count or killed < times:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "tests.sms.taker",
                str(sock.fileno()),
                url,
                stdout=asyncio.subprocess.PIPE,
                pass_fds=(sock.fileno(),),
                cwd=ROOT,
            )
            assert process.stdout is not None
            assert await asyncio.wait_for(process.stdout.readline(), 60) == b"ready\n"
            some = [n for n in waiting if n not in answered][:12] + chance.sample(
                sorted(answered), min(3, len(answered))
            )
            told.clear()
            pushing = asyncio.gather(*(push(n) for n in some))
            async with asyncio.timeout(60):
                await told.wait()  # a yes was heard: now, or a moment later
            await asyncio.sleep(chance.random() * 0.02)
            process.kill()
            killed += 1
            pushing.cancel()
            await asyncio.gather(process.wait(), pushing, return_exceptions=True)
    sock.close()
    store = Store.open(url)
    while store.apply_events(wall_clock(), lambda text: None):
        pass
    for n in range(count):
        found = store.sms_of_number([f"+86138{n:08d}"])
        assert sorted((m.direction, m.status) for m in found) == [("in", "received"), ("out", "delivered")], n
    assert store.count_events() == {("aliyun", "done"): 2 * count}
    store.close()


async def test_killed_twice_nothing_is_lost_and_nothing_twice(tmp_path: Path) -> None:
    """What was answered is applied in the end, once."""
    await kills(tmp_path, 2, 13)


@pytest.mark.long
async def test_killed_a_hundred_times_nothing_is_lost_and_nothing_twice(tmp_path: Path) -> None:
    """A hundred kills -9 between yes and application."""
    await kills(tmp_path, 100, 14)
