"""What came is applied once, in any order; replies are customers' words, and a refusal counts at once."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm_bridge import sql
from cti.sms.model import RANK, Status
from cti.sms.platform import Item, Receipt, Reply, Sent, Taking
from cti.sms.policy import Verdict
from cti.sms.text import refusal
from cti.sms.wishes import Task, Wish
from cti.store import Store, StoreError, tables
from cti.store.messages_rules import CallbackRow

NOW = 1_795_255_200.0
NUMBER = "+8613800138000"
_NUMBERS = itertools.count(1000)


def fresh() -> Store:
    """A store in memory, its tables made at once: a migration would take longer than the tests."""
    store = Store(sql.Database("sqlite://"))
    tables.metadata.create_all(store.database.engine)
    return store


@pytest.fixture
def store() -> Iterator[Store]:
    """A store in memory."""
    made = fresh()
    yield made
    made.close()


def sent(store: Store, id: str = "m1", *, provider: str = "p1", at: float = NOW, **change: Any) -> Task:
    """A message that the platform took."""
    fields: dict[str, Any] = {
        "id": id,
        "intent": f"pop:lin:{id}",
        "number": NUMBER,
        "key": NUMBER,
        "text": f"text of {id}",
        "platforms": ("aliyun",),
        "origin": "pop",
        "login": "lin",
        "created_at": at,
        "due_at": at,
        "expires_at": at + 3600.0,
    }
    store.put_wish(Wish(**{**fields, **change}), lambda facts: Verdict())
    task = next(t for t in store.claim_wishes("w", at, limit=50, lease_s=60.0) if t.wish.id == id)
    assert store.begin_try(task, "w", at)
    if provider:
        take(store, task, provider)
    return task


def take(store: Store, task: Task, provider: str) -> None:
    """The platform's yes."""
    store.wish_taken(task, Sent(provider_id=provider), NOW)


def come(store: Store, *items: Item, at: float = NOW + 5.0, platform: str = "aliyun") -> None:
    """These come, and are applied."""
    store.take_in([Taking(platform=platform, body=repr(items).encode(), items=tuple(items), at=at)])
    while store.apply_events(at, lambda text: refusal(text)):
        pass


def receipt(status: Status, *, part: int = 1, parts: int = 1, **change: Any) -> Receipt:
    """A receipt of m1."""
    fields: dict[str, Any] = {"provider_id": "p1", "number": NUMBER, "status": status, "part": part, "parts": parts}
    return Receipt(**{**fields, **change})


def stands(store: Store, id: str = "m1") -> tuple[str, str]:
    """(status, error)."""
    message = store.sms_by_id(id)
    assert message is not None
    return message.status, message.error


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_receipts_in_any_order_any_number_of_times_come_to_the_same(store: Store, data: st.DataObject) -> None:
    """Shuffled, doubled and split into batches: two segments delivered is delivered, one failed is failed."""
    parts = data.draw(st.integers(1, 3))
    ends: list[Status] = [data.draw(st.sampled_from(("delivered", "failed"))) for _ in range(parts)]
    id = f"m{next(_NUMBERS)}"
    said: dict[str, Any] = {"provider_id": id, "parts": parts}
    news = [receipt("sent", part=n + 1, **said) for n in range(parts)]
    news += [receipt(end, part=n + 1, error="UNDELIV" * (end == "failed"), **said) for n, end in enumerate(ends)]
    order = data.draw(st.permutations(news + data.draw(st.lists(st.sampled_from(news), max_size=6))))
    sent(store, id, provider=id)
    ranks = []
    cut = data.draw(st.integers(0, len(order)))
    for some in (order[:cut], order[cut:]):
        come(store, *some)
        ranks.append(RANK[stands(store, id)[0]])  # type: ignore[index]
    assert ranks == sorted(ranks)
    assert stands(store, id) == (("failed", "UNDELIV") if "failed" in ends else ("delivered", ""))


def test_an_error_of_one_segment_outlives_the_success_of_another(store: Store) -> None:
    """The failed segment's code stays with it, and the message has failed."""
    sent(store)
    come(store, receipt("failed", part=2, parts=2, error="MK:0001", error_text="空号"))
    come(store, receipt("delivered", part=1, parts=2), receipt("delivered", part=2, parts=2))
    assert stands(store) == ("failed", "MK:0001")
    assert [(row.n, row.status, row.error) for row in store.sms_parts(["m1"])] == [
        (1, "delivered", ""),
        (2, "failed", "MK:0001"),
    ]


@pytest.mark.parametrize("first", ["receipt", "answer"])
def test_a_receipt_may_come_before_the_platforms_answer(store: Store, first: str) -> None:
    """By the platform's id alone: kept as an orphan, matched as soon as the id is known."""
    task = sent(store, provider="")
    if first == "answer":
        take(store, task, "p1")
    come(store, receipt("delivered"))
    if first == "receipt":
        assert stands(store)[0] == "queued"
        assert store.count_events() == {("aliyun", "orphan"): 1}
        take(store, task, "p1")
        while store.apply_events(NOW, lambda text: None):
            pass
    assert stands(store)[0] == "delivered"
    assert store.count_events() == {("aliyun", "done"): 1}


def test_a_receipt_that_fits_no_message_changes_none(store: Store) -> None:
    """Another number, an unknown id, another platform's id, or three days late: nothing moves."""
    sent(store)
    come(store, receipt("failed", number="13900139000"))
    come(store, receipt("failed", provider_id="other"))
    come(store, receipt("failed"), platform="tencent")
    come(store, receipt("failed", error="late"), at=NOW + 73 * 3600.0)
    assert stands(store)[0] == "sent"
    assert sorted(store.count_events().values()) == [1, 1, 2]


def test_a_number_is_the_same_with_and_without_its_country_code(store: Store) -> None:
    """A receipt for 13800138000 is one for +8613800138000."""
    sent(store)
    come(store, receipt("delivered", number="13800138000"))
    assert stands(store)[0] == "delivered"


def test_a_reply_is_kept_once_and_found_under_the_customers_number(store: Store) -> None:
    """The same reply in three callbacks is one message; one without an id or a time is the same for ten minutes."""
    for _ in range(3):
        come(store, Reply(provider_id="s1", number="13800138000", text="好的", at=NOW))
        come(store, Reply(number="13800138000", text="收到"))
    come(store, Reply(number="13800138000", text="收到"), at=NOW + 3600.0)
    found = store.sms_of_number([NUMBER])
    assert sorted(m.text for m in found) == ["好的", "收到", "收到"]
    assert {(m.direction, m.status, m.owner) for m in found} == {("in", "received", None)}


@pytest.mark.parametrize(
    ("text", "scope"),
    [
        ("TD", "marketing"),
        (" ｔ ", "marketing"),
        ("退订！", "marketing"),
        ("回复R", "marketing"),
        ("n", "marketing"),
        ("STOP", "all"),
        ("全部退订", "all"),
        ("T恤到了吗", None),
        ("请不要退订我的舱位", None),
        ("", None),
    ],
)
def test_a_refusal_counts_at_once_for_every_signature(store: Store, text: str, scope: str | None) -> None:
    """The word alone, in any width and case; the refusal is of the number, whatever it came by."""
    come(store, Reply(provider_id="s", number="13800138000", text=text), platform="tencent")
    assert store.opt_outs([NUMBER]) == ({NUMBER: scope} if scope else {})
    assert store.sms_of_number([NUMBER])[0].opted_out == scope


def test_a_wider_refusal_stays(store: Store) -> None:
    """Who refused everything has not come back by refusing marketing."""
    come(store, Reply(provider_id="1", number=NUMBER, text="STOP"), Reply(provider_id="2", number=NUMBER, text="TD"))
    assert store.opt_outs([NUMBER]) == {NUMBER: "all"}
    come(store, Reply(provider_id="3", number="+8613900139000", text="TD"))
    come(store, Reply(provider_id="4", number="+8613900139000", text="STOP"))
    assert store.opt_outs(["+8613900139000"]) == {"+8613900139000": "all"}


def promise(at: float = NOW) -> CallbackRow:
    """A promised call."""
    return CallbackRow(
        id="cb-1",
        key=NUMBER,
        number="13800138000",
        call="c1",
        queue="europe",
        name="周敏",
        promised_at=at,
        due_at=at + 1800.0,
        state="open",
        owner="",
    )


def test_a_reply_answers_the_promised_call(store: Store) -> None:
    """Within two days of the promise; a refusal is no answer; a call that was returned is not opened again."""
    store.promise_call(promise())
    come(store, Reply(provider_id="0", number=NUMBER, text="TD"))
    assert store.promises()[0].state == "open"
    come(store, Reply(provider_id="1", number=NUMBER, text="下午三点打给我"))
    task = store.promises()[0]
    assert task.state == "answered"
    said = store.sms_by_id(task.reply or "")
    assert said is not None
    assert (said.text, said.callback) == ("下午三点打给我", "cb-1")
    assert store.end_promises(at=NOW, by="", key=NUMBER) == 1
    assert store.promises("open") == []
    assert not store.promise_call(promise())


def test_callbacks_are_forgotten_when_their_time_is_over(store: Store) -> None:
    """Raw bodies and applied events go after their days; the messages stay."""
    sent(store)
    come(store, receipt("delivered"), receipt("failed", provider_id="orphan"))
    store.forget_callbacks(NOW + 1000.0, NOW + 1000.0)
    assert store.count_events() == {}
    assert stands(store)[0] == "delivered"


async def test_callbacks_and_their_application_at_once_lose_nothing(tmp_path: Any) -> None:
    """Four threads take in, one applies, all at once: every message is delivered, every reply is there once.

    Where the database is busy for too long the platform is told so, and calls again.
    """
    store = Store.open(f"sqlite:///{tmp_path}/cti.db")
    tasks = [sent(store, f"m{n}", provider=f"p{n}", key=f"+8613{n:09d}", number=f"+8613{n:09d}") for n in range(40)]
    news: list[Item] = [Receipt(provider_id=f"p{n}", status="delivered") for n in range(len(tasks))]
    news += [Reply(provider_id=f"r{n}", number=NUMBER, text=f"{n}") for n in range(40)]
    random.Random(13).shuffle(news)

    def put(some: Sequence[Item]) -> None:
        left = [*some, *some]
        while left:
            taking = Taking(platform="aliyun", body=repr(left[-1]).encode(), items=(left[-1],), at=NOW)
            with suppress(StoreError):
                store.take_in([taking])
                left.pop()

    applied = 0

    async def apply() -> None:
        nonlocal applied
        while applied < 80:
            with suppress(StoreError):
                applied += len(await asyncio.to_thread(store.apply_events, NOW, lambda text: None))

    async with asyncio.timeout(60):
        await asyncio.gather(*(asyncio.to_thread(put, news[n::4]) for n in range(4)), apply())
    assert applied == 80
    assert {stands(store, f"m{n}")[0] for n in range(40)} == {"delivered"}
    assert store.sms_total([NUMBER]) == 40
    store.close()
