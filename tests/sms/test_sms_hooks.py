"""The port for callbacks: who is let in, what is kept before it is answered, what is refused how."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import logging
import random
import re
import resource
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from cti.sms.platform import HookRefused, event_key
from cti.store import StoreError
from cti.web.api import hooks as module
from tests.sms import payloads as p
from tests.sms.hook import OLD, SECRET, Hooks
from tests.sms.mutation import mutated


@pytest.fixture
async def hooks(tmp_path: Path) -> AsyncIterator[Hooks]:
    """A hook server."""
    made = Hooks(tmp_path)
    await made.start()
    yield made
    await made.stop()


GOOD: dict[str, tuple[Any, bytes]] = {
    "aliyun": ([p.aliyun_report()], '{"code":0,"msg":"接收成功"}'.encode()),
    "tencent": ([p.tencent_report()], b'{"result":0,"errmsg":"OK"}'),
    "huawei": (p.huawei_report(), b""),
    "yunpian": ({"sms_status": json.dumps([p.yunpian_report()])}, b"SUCCESS"),
    "generic": ({"items": json.dumps([{"mobile": "13800138000", "content": "x"}])}, b'{"ok":true}'),
}


@pytest.mark.parametrize("name", sorted(GOOD))
async def test_an_answered_callback_is_on_the_disk(hooks: Hooks, name: str) -> None:
    """Each platform hears its own yes, and at that moment the receipt and the body as it came are kept."""
    body, wanted = GOOD[name]
    assert await hooks.post(name, body) == (200, wanted)
    assert (hooks.rows(), hooks.raw()) == (1, 1)
    assert await hooks.post(name, body, secret=OLD) == (200, wanted)
    assert hooks.rows() == 1


async def test_twilio_behind_a_proxy_is_checked_by_its_public_address(hooks: Hooks) -> None:
    """What Twilio signed is the public https address; the request that arrives shows another."""
    assert (await hooks.post_twilio(p.twilio_report()))[0] == 200
    assert (await hooks.post_twilio(p.twilio_up(), query=""))[0] == 200
    assert hooks.rows() == 2


async def test_forged_callbacks_leave_nothing(hooks: Hooks) -> None:
    """A wrong secret and an unknown platform look alike; a wrong signature is 401; nothing is kept of any."""
    body = [p.aliyun_report()]
    assert (await hooks.post("aliyun", body, secret="x" * 32))[0] == 404
    assert (await hooks.post("nobody", body))[0] == 404
    reply = {"sms_reply": json.dumps(p.yunpian_up(_sign="0" * 32))}
    assert (await hooks.post("yunpian", reply))[0] == 401
    assert (await hooks.post("twilio", p.twilio_report()))[0] == 401
    assert (hooks.rows(), hooks.raw()) == (0, 0)
    async with hooks.http.get(f"{hooks.base}/hooks/sms/aliyun/{SECRET}") as answer:
        assert answer.status == 404


async def test_who_is_wrong_too_often_waits(hooks: Hooks) -> None:
    """After twenty wrong secrets the source hears 429, with the right one, too."""
    for _ in range(module.WRONG):
        assert (await hooks.post("aliyun", [p.aliyun_report()], secret="y" * 32))[0] == 404
    assert (await hooks.post("aliyun", [p.aliyun_report()]))[0] == 429
    assert hooks.rows() == 0


async def test_only_listed_networks_are_let_in_and_only_our_proxy_is_believed(tmp_path: Path) -> None:
    """The address counts that our own proxy saw; what a stranger writes into the header does not."""
    listed = Hooks(tmp_path, networks=("203.0.113.0/24",), proxies=("127.0.0.1/32",))
    await listed.start()
    body = [p.aliyun_report()]
    assert (await listed.post("aliyun", body))[0] == 401
    forged = {"X-Forwarded-For": "203.0.113.9, 198.51.100.7"}
    assert (await listed.post("aliyun", body, headers=forged))[0] == 401
    honest = {"X-Forwarded-For": "198.51.100.7, 203.0.113.9"}
    assert (await listed.post("aliyun", body, headers=honest))[0] == 200
    await listed.stop()
    (tmp_path / "b").mkdir()
    strict = Hooks(tmp_path / "b", networks=("203.0.113.0/24",))
    await strict.start()
    assert (await strict.post("aliyun", body, headers=honest))[0] == 401
    await strict.stop()


async def test_the_same_callback_a_hundred_times_at_once_is_kept_once(hooks: Hooks) -> None:
    """A hundred equal ones in parallel: a hundred times yes, one row."""
    answers = await asyncio.gather(*(hooks.post("aliyun", [p.aliyun_report()]) for _ in range(100)))
    assert {status for status, _ in answers} == {200}
    assert (hooks.rows(), hooks.raw()) == (1, 1)


async def test_another_status_of_the_same_message_is_other_news(hooks: Hooks) -> None:
    """The id alone does not make it the same: sent, delivered and failed, and each segment, are kept apart."""
    for fields in (
        p.huawei_report(status="ACCEPTD"),
        p.huawei_report(),
        p.huawei_report(total="2", sequence="2"),
        p.huawei_report(total="2", sequence="2", status="UNDELIV"),
    ):
        assert (await hooks.post("huawei", fields))[0] == 200
    assert hooks.rows() == 4


async def test_a_batch_keeps_what_is_valid_in_it(hooks: Hooks) -> None:
    """Nonsense among good entries: the good ones are kept; nothing but nonsense is 400."""
    batch: list[Any] = [p.aliyun_report(biz_id=str(n)) if n % 3 else {"bad": n} for n in range(30)]
    assert (await hooks.post("aliyun", batch))[0] == 200
    assert hooks.rows() == 20
    assert hooks.server.counts["aliyun", "bad entries"] == 10
    assert (await hooks.post("aliyun", [{"bad": 1}]))[0] == 400


async def test_bodies_are_bounded_before_they_are_read(hooks: Hooks) -> None:
    """64 KiB, a thousand entries, no packed bodies, no other kinds: 413, 415, 400, and nothing kept."""
    big = b"[" + b"1," * 40_000 + b"1]"
    assert (await hooks.post("aliyun", big))[0] == 413

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"x" * 10_000

    url = f"{hooks.base}/hooks/sms/aliyun/{SECRET}"
    async with hooks.http.post(url, data=pieces()) as answer:
        assert answer.status == 413
    assert (await hooks.post("aliyun", [{}] * 1001))[0] == 413
    packed = gzip.compress(json.dumps([p.aliyun_report()]).encode())
    assert (await hooks.post("aliyun", packed, headers={"Content-Encoding": "gzip"}))[0] == 415
    assert (await hooks.post("aliyun", b"x", headers={"Content-Type": "multipart/form-data; boundary=x"}))[0] == 415
    assert (await hooks.post("aliyun", b""))[0] == 400
    assert (hooks.rows(), hooks.raw()) == (0, 0)


async def test_a_body_that_never_ends_is_given_up(hooks: Hooks, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the time for a body: 408."""
    monkeypatch.setattr(module, "BODY_S", 0.1)
    reader, writer = await asyncio.open_connection("127.0.0.1", hooks.port)
    writer.write(f"POST /hooks/sms/aliyun/{SECRET} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n[".encode())
    async with asyncio.timeout(10):
        assert b" 408 " in await reader.readline()
    writer.close()


async def test_a_silent_connection_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever connects and never gets to a whole request is let go; one that speaks stays."""
    monkeypatch.setattr(module, "SILENT_S", 0.4)
    hooks = Hooks(tmp_path)
    await hooks.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", hooks.port)
    writer.write(b"POST /hooks/sms/al")
    async with asyncio.timeout(10):
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await reader.readexactly(1)
    assert (await hooks.post("aliyun", [p.aliyun_report()]))[0] == 200
    assert (await hooks.post("aliyun", [p.aliyun_report(biz_id="2")]))[0] == 200
    writer.close()
    await hooks.stop()


async def test_what_cannot_be_kept_is_not_answered_with_a_yes(hooks: Hooks, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the disk fails the platform hears 503 and comes again; then it is kept."""

    def fail(takings: Any) -> int:
        raise StoreError("x", "x", permanent=False)

    monkeypatch.setattr(hooks.keeping, "_take_in", fail)
    assert (await hooks.post("aliyun", [p.aliyun_report()]))[0] == 503
    monkeypatch.undo()
    assert (await hooks.post("aliyun", [p.aliyun_report()]))[0] == 200
    assert hooks.rows() == 1


async def test_a_source_in_no_list_is_slowed_down(hooks: Hooks, monkeypatch: pytest.MonkeyPatch) -> None:
    """Past its bucket an unknown source hears 429 with a Retry-After."""
    monkeypatch.setattr(module, "BURST", 20.0)
    monkeypatch.setattr(module, "RATE", 0.001)
    answers = [await hooks.post("aliyun", [p.aliyun_report(biz_id=str(n))]) for n in range(30)]
    assert [status for status, _ in answers] == [200] * 20 + [429] * 10


async def test_neither_secret_nor_number_nor_words_reach_a_log(hooks: Hooks, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever happens at the port: the log has no secret path, no number and no text of a customer."""
    caplog.set_level(logging.DEBUG)
    await hooks.post("aliyun", [p.aliyun_up(content="机密内容")])
    await hooks.post("aliyun", b"13800138000")
    await hooks.post("aliyun", [p.aliyun_up()], secret="z" * 32)
    await hooks.post("yunpian", {"sms_reply": json.dumps(p.yunpian_up(_sign="0"))})
    said = caplog.text + repr(hooks.server.counts)
    for word in (SECRET, "z" * 32, "13800138000", "机密"):
        assert word not in said


SAMPLES: dict[str, list[bytes]] = {
    "aliyun": [p.pushed([p.aliyun_report(), p.aliyun_abroad()]).body, p.pushed([p.aliyun_up()]).body],
    "tencent": [p.pushed([p.tencent_report()]).body, p.pushed(p.tencent_up()).body],
    "huawei": [p.pushed(p.huawei_report(), kind="form").body, p.pushed(p.huawei_up(), kind="form").body],
    "yunpian": [
        p.pushed({"sms_status": json.dumps([p.yunpian_report()])}, kind="form").body,
        p.pushed({"sms_reply": json.dumps(p.yunpian_up())}, kind="form").body,
    ],
    "generic": [p.pushed({"items": [{"mobile": "13800138000", "message_id": "m", "status": "DELIVRD"}]}).body],
    "twilio": [p.twilio_push(p.twilio_report()).body, p.twilio_push(p.twilio_up()).body],
}


async def test_fuzzed_callbacks_never_make_a_5xx_and_no_row_that_is_not_valid(hooks: Hooks) -> None:
    """Mutated bodies over the wire, all families: 200, 400, 401 or 413; kept is just what is understood."""
    chance = random.Random(13)
    wanted: set[tuple[str, Any]] = set()
    count = 2000 // len(SAMPLES)
    for name, samples in SAMPLES.items():
        for _ in range(count):
            body = mutated(chance.choice(samples), chance)
            hooks.server._sources = module.Sources()  # it is wrong too often to be heard
            status, _answer = await hooks.post(name, body)
            assert status in (200, 400, 401, 413), (name, status, body)
            try:
                items = hooks.platforms[name].take(p.pushed(body)).items
            except HookRefused:
                items = ()
            assert (status == 200) == bool(items), (name, status, body)
            for item in items:
                assert re.fullmatch(r"\+?[0-9*() -]{0,32}", item.number)
                assert item.number or item.provider_id
                wanted.add((name, event_key(name, item, p.NOW)))
    assert hooks.rows() == len(wanted)


@pytest.mark.long
@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_a_hundred_thousand_fuzzed_callbacks_of_a_family(name: str, tmp_path: Path) -> None:
    """Nothing but items or a refusal comes of them, everything is bounded, and memory stays flat."""
    chance = random.Random(name)
    platform = p.platforms()[name]
    quiet = 0
    for n in range(100_000):
        body = mutated(chance.choice(SAMPLES[name]), chance)
        push = p.pushed(body, kind=chance.choice(("application/json", "", "text/plain")))
        with contextlib.suppress(HookRefused):
            for item in platform.take(push).items:
                assert len(item.provider_id) <= 120
                assert re.fullmatch(r"\+?[0-9*() -]{0,32}", item.number)
                assert item.number or item.provider_id
        if n == 5000:
            quiet = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < quiet + 20_000, "kilobytes"
