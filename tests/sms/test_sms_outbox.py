"""One text for each intent, whatever platforms, links and processes do."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from cti.sms.aliyun import Aliyun
from cti.sms.door import HttpSender, Sender
from cti.sms.huawei import Huawei
from cti.sms.outbox import OutboxWorker
from cti.sms.platform import HttpPlatform, Receipt, Taking
from cti.sms.policy import Facts, Verdict
from cti.sms.tencent import Tencent
from cti.sms.twilio import Twilio
from cti.sms.wishes import Wish
from cti.sms.yunpian import Yunpian
from cti.store import Store
from tests.sms.fakes import WORDS, Fake, FakeAliyun, FakeHuawei, FakeTencent, FakeTwilio, FakeYunpian

START = 1_795_255_200.0
TIMEOUT_S = 0.06
"Of a sender whose platform keeps silent on purpose."
PATIENT_S = 30.0
"A guard: of one whose platform answers, on a machine that may be busy. A try that it cut short would be in doubt."


async def at_once(call: Callable[[], Any]) -> Any:
    """Calls of the store without a thread: what is killed is killed between them."""
    return call()


class Bench:
    """A store, fakes, a worker, and a clock that only the test moves."""

    def __init__(self, folder: Path, timeout_s: float = PATIENT_S) -> None:
        self.now = START
        self._timeout_s = timeout_s
        self.store = Store.open(f"sqlite:///{folder}/cti.db")
        self.fakes: dict[str, Fake] = {}
        self.senders: dict[str, Sender] = {}

    async def add(self, name: str, fake: Fake, make: Callable[[str], HttpPlatform]) -> None:
        """A fake and the platform that speaks to it."""
        await fake.start()
        self.fakes[name] = fake
        self.senders[name] = HttpSender(make(fake.url), clock=self.clock, timeout_s=self._timeout_s)

        async def on_receipt(ours: str, theirs: str, number: str) -> None:
            item = Receipt(provider_id=theirs, number=number, status="delivered")
            self.store.take_in([Taking(platform=name, body=theirs.encode(), items=(item,), at=self.now)])
            self.apply()

        fake.on_receipt = on_receipt

    def clock(self) -> float:
        """The test's time."""
        return self.now

    def worker(self) -> OutboxWorker:
        """A worker, as a process that just began has one."""

        urls = {"twilio": "https://cti.example.com/hooks/sms/twilio/x"}
        made = OutboxWorker(self.store, self.senders, clock=self.clock, run=at_once, report_urls=urls)
        self.store.release_wishes(made.name)
        return made

    def apply(self) -> None:
        """What came, applied."""
        while self.store.apply_events(self.now, lambda text: None):
            pass

    def wish(self, n: int, platforms: tuple[str, ...], **change: Any) -> Wish:
        """The n-th wish, to a number of its own."""
        number = change.pop("number", f"+86138{n:08d}")
        fields = {
            "id": f"m{n:05d}",
            "intent": f"pop:lin:{n}",
            "number": number,
            "key": number,
            "text": f"第{n}条",
            "signature": "十三秒货运",
            "codes": dict.fromkeys(platforms, "T1"),
            "platforms": platforms,
            "origin": "pop",
            "created_at": self.now,
            "due_at": self.now,
            "expires_at": self.now + 30 * 86_400,
        }
        return Wish(**{**fields, **change})

    def put(self, wish: Wish) -> None:
        """Into the outbox, without conditions."""
        self.store.put_wish(wish, lambda facts: Verdict())

    async def settle(self, chance: random.Random | None = None, *, until_s: float = 3 * 86_400.0) -> None:
        """Work until nothing is due any more; with `chance`, workers are killed in the middle, and begin anew."""
        await self.drain(self.worker(), chance, until_s=until_s)

    async def drain(
        self, worker: OutboxWorker, chance: random.Random | None = None, *, until_s: float = 3 * 86_400.0
    ) -> None:
        """The same with this worker."""
        while True:
            turn = asyncio.create_task(worker.turn())
            if chance is not None and chance.random() < 0.2:
                await asyncio.wait((turn,), timeout=chance.random() * TIMEOUT_S)
                turn.cancel()
                await asyncio.gather(turn, return_exceptions=True)
                worker = self.worker()
                continue
            done = await turn
            self.apply()
            if done:
                continue
            due = self.store.next_wish_at()
            if due is None or due > START + until_s:
                return
            if due - self.now > 60.0:
                # What the platforms are still at happens within the minute, not after what passes next.
                for fake in self.fakes.values():
                    await fake.idle()
            self.now = max(self.now, due)

    async def close(self) -> None:
        """Stop everything."""
        for sender in self.senders.values():
            await sender.close()
        for fake in self.fakes.values():
            await fake.stop()
        self.store.close()

    def status(self, n: int) -> str:
        """How the n-th message stands."""
        message = self.store.sms_by_id(f"m{n:05d}")
        assert message is not None
        return message.status

    def went_out(self, n: int) -> int:
        """How often the n-th message went out."""
        return sum(len(fake.taken.get(f"m{n:05d}", ())) for fake in self.fakes.values())


MAKERS: dict[str, tuple[type[Fake], Callable[[str], HttpPlatform]]] = {
    "aliyun": (FakeAliyun, lambda url: Aliyun("aliyun", key_id="testId", key_secret=FakeAliyun.SECRET, url=url)),
    "yunpian": (FakeYunpian, lambda url: Yunpian("yunpian", api_key=FakeYunpian.KEY, url=url)),
    "tencent": (
        FakeTencent,
        lambda url: Tencent("tencent", secret_id=FakeTencent.ID, secret_key=FakeTencent.KEY, app_id="1", url=url),
    ),
    "huawei": (
        FakeHuawei,
        lambda url: Huawei("huawei", app_key=FakeHuawei.KEY, app_secret=FakeHuawei.SECRET, sender="1", url=url),
    ),
    "huawei-sdk": (
        FakeHuawei,
        lambda url: Huawei(
            "huawei-sdk", app_key=FakeHuawei.KEY, app_secret=FakeHuawei.SECRET, sender="1", url=url, auth="sdk"
        ),
    ),
    "twilio": (
        FakeTwilio,
        lambda url: Twilio(
            "twilio", account=FakeTwilio.ACCOUNT, auth_token=FakeTwilio.TOKEN, sender="+15005550006", url=url
        ),
    ),
}
Opener = Callable[..., Awaitable[Bench]]


@pytest.fixture
async def opened(tmp_path: Path) -> AsyncIterator[Opener]:
    """Opens a bench with these platforms."""
    benches: list[Bench] = []

    async def make(*names: str, timeout_s: float = PATIENT_S) -> Bench:
        bench = Bench(tmp_path, timeout_s)
        for name in names:
            fake, platform = MAKERS[name]
            await bench.add(name, fake(), platform)
        benches.append(bench)
        return bench

    yield make
    for bench in benches:
        await bench.close()


@pytest.mark.parametrize("name", sorted(MAKERS))
async def test_platform_accepts_what_we_sign(opened: Opener, name: str) -> None:
    """The fake of each vendor recomputes our signature from what came over the wire, and finds it right."""
    bench = await opened(name)
    bench.put(bench.wish(1, (name,)))
    await bench.settle()
    assert (bench.went_out(1), bench.status(1), bench.fakes[name].forged) == (1, "sent", 0)


async def schedules(bench: Bench, count: int, seed: int, platforms: tuple[str, ...]) -> None:
    """Random faults, random kills: every message went out once, unless all its platforms refused it."""
    chance = random.Random(seed)
    for n in range(count):
        wish = bench.wish(n, platforms)
        for name in platforms:
            words = chance.choices(WORDS, k=chance.randint(0, 3))
            if chance.random() < 0.1:
                words.insert(chance.randint(0, len(words)), "refused")
            bench.fakes[name].scripts[wish.id] = words
            bench.fakes[name].questions[wish.id] = chance.choices(("late", "ok"), k=chance.randint(0, 2))
        bench.put(wish)
        bench.put(wish)  # a double click
    await bench.settle(chance)
    for n in range(count):
        status, times = bench.status(n), bench.went_out(n)
        assert times == (0 if status == "failed" else 1), (seed, n, status, times)
        assert status in ("sent", "delivered", "failed")
    assert all(fake.forged == 0 for fake in bench.fakes.values())


async def test_one_text_for_each_intent_through_random_faults(opened: Opener) -> None:
    """Time-outs, 5xx, cut links, late answers, receipts before the answer, killed workers: one text each."""
    await schedules(await opened("aliyun", "yunpian", timeout_s=TIMEOUT_S), 24, 13, ("aliyun", "yunpian"))


@pytest.mark.long
@pytest.mark.parametrize("seed", range(10))
async def test_one_text_for_each_intent_through_a_thousand_fault_schedules(opened: Opener, seed: int) -> None:
    """A thousand random schedules in ten runs: one text each."""
    await schedules(await opened("aliyun", "yunpian", timeout_s=TIMEOUT_S), 100, seed, ("aliyun", "yunpian"))


@pytest.mark.parametrize("again", ["the same", "another"])
async def test_a_worker_killed_in_the_middle_leaves_a_question_and_no_second_text(opened: Opener, again: str) -> None:
    """Killed while the platform has the message already: the next process, or another node, asks before it sends."""
    bench = await opened("aliyun")
    fake = bench.fakes["aliyun"]
    for n, word in enumerate(("late+", "late")):
        wish = bench.wish(n, ("aliyun",))
        fake.scripts[wish.id] = [word]
        bench.put(wish)
        turn = asyncio.create_task(bench.worker().turn())
        async with asyncio.timeout(10):
            await fake.reached.wait()
        fake.reached.clear()
        turn.cancel()
        await asyncio.gather(turn, return_exceptions=True)
        if again == "the same":
            await bench.settle()
        else:
            await bench.drain(OutboxWorker(bench.store, bench.senders, clock=bench.clock, run=at_once, name="b"))
        assert (bench.went_out(n), bench.status(n)) == (1, "sent")


async def test_an_answer_later_than_our_patience_is_still_the_one_text(opened: Opener) -> None:
    """The platform takes it only after we gave up: while that may be, 'no such message' is not believed."""
    bench = await opened("aliyun", timeout_s=TIMEOUT_S)
    wish = bench.wish(1, ("aliyun",))
    bench.fakes["aliyun"].scripts[wish.id] = ["later+"]
    bench.put(wish)
    await bench.settle()
    assert (bench.went_out(1), bench.status(1)) == (1, "sent")


@pytest.mark.parametrize("name", ["huawei", "tencent"])
async def test_what_cannot_be_asked_is_never_tried_twice(opened: Opener, name: str) -> None:
    """After a try whose end is not known nothing is sent again where the platform cannot say no for sure."""
    bench = await opened(name, timeout_s=TIMEOUT_S)
    unsure = [word for word in WORDS if word not in ("ok", "early", "throttled")]
    for n, word in enumerate(unsure):
        wish = bench.wish(n, (name,))
        bench.fakes[name].scripts[wish.id] = [word]
        bench.put(wish)
    await bench.settle()
    for n, word in enumerate(unsure):
        assert bench.fakes[name].tries[f"m{n:05d}"] <= 1, word


async def test_a_receipt_settles_what_nobody_could_ask(opened: Opener) -> None:
    """Unsure at a platform that cannot be asked: the receipt with our id says that it went out."""
    bench = await opened("huawei", timeout_s=TIMEOUT_S)
    wish = bench.wish(1, ("huawei",))
    bench.fakes["huawei"].scripts[wish.id] = ["late+"]
    bench.put(wish)
    worker = bench.worker()
    assert await worker.turn() == 1
    assert bench.status(1) == "unsure"
    item = Receipt(provider_id="h", message_id=wish.id, number=wish.number, status="delivered")
    bench.store.take_in([Taking(platform="huawei", body=b"x", items=(item,), at=bench.now)])
    bench.apply()
    await bench.settle()
    assert (bench.status(1), bench.went_out(1)) == ("delivered", 1)
    assert bench.store.sms_to_retry([wish.id]) == set()


async def test_refused_for_good_goes_to_the_next_platform_at_once(opened: Opener) -> None:
    """A refusal is no doubt: the second platform sends, and where it refuses, too, the reason is kept."""
    bench = await opened("aliyun", "yunpian")
    bench.put(bench.wish(1, ("aliyun", "yunpian")))
    bench.put(bench.wish(2, ("aliyun", "yunpian")))
    for n in (1, 2):
        bench.fakes["aliyun"].scripts[f"m{n:05d}"] = ["refused"]
    bench.fakes["yunpian"].scripts["m00002"] = ["refused"]
    await bench.settle()
    assert (bench.status(1), len(bench.fakes["yunpian"].taken["m00001"])) == ("sent", 1)
    failed = bench.store.sms_by_id("m00002")
    assert failed is not None
    assert (failed.status, failed.error, failed.platform) == ("failed", "10", "yunpian")
    assert bench.now == START, "nobody waited"


async def test_who_opted_out_after_the_wish_gets_nothing(opened: Opener) -> None:
    """A refusal counts until the moment of sending, marketing or all; a service text passes a marketing refusal."""
    bench = await opened("aliyun")
    for n, purpose in enumerate(("marketing", "service", "service")):
        bench.put(bench.wish(n, ("aliyun",), purpose=purpose))
        scope: Any = "all" if n == 2 else "marketing"
        bench.store.add_opt_out(f"+86138{n:08d}", scope, bench.now, by="lin", word="")
    await bench.settle()
    assert [bench.went_out(n) for n in range(3)] == [0, 1, 0]
    refused = bench.store.sms_by_id("m00000")
    assert refused is not None
    assert (refused.status, refused.error) == ("failed", "opted_out")


async def test_too_late_is_not_sent_at_all(opened: Opener) -> None:
    """A message whose time is over when its turn comes is not sent."""
    bench = await opened("aliyun")
    bench.put(bench.wish(1, ("aliyun",), expires_at=START + 60.0))
    bench.now += 61.0
    await bench.settle()
    assert (bench.went_out(1), bench.status(1)) == (0, "failed")


async def test_the_same_intent_is_the_same_message_even_at_once(opened: Opener) -> None:
    """Twenty threads put the same wish in: one row, one answer, one text."""
    bench = await opened("aliyun")

    def put(n: int) -> str:
        wish = bench.wish(n, ("aliyun",), intent="the same", number="+8613800000000")
        message, _ = bench.store.put_wish(wish, lambda facts: Verdict())
        assert message is not None
        return message.id

    ids = await asyncio.gather(*(asyncio.to_thread(put, n) for n in range(20)))
    assert len(set(ids)) == 1
    await bench.settle()
    assert sum(bench.went_out(n) for n in range(20)) == 1


async def test_limits_hold_for_wishes_at_once(opened: Opener) -> None:
    """Twenty wishes in twenty threads against a limit of three: three pass."""
    bench = await opened("aliyun")

    def put(n: int) -> bool:
        wish = bench.wish(n, ("aliyun",), number="+8613800000000")

        def judge(facts: Facts) -> Verdict:
            return Verdict(problems=("too_many",) if len(facts.sent) >= 3 else ())

        return bench.store.put_wish(wish, judge)[0] is not None

    passed = await asyncio.gather(*(asyncio.to_thread(put, n) for n in range(20)))
    assert sum(passed) == 3
