"""Webhooks: signed, tried again, in order, bounded, and never anywhere else."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
from pathlib import Path
from typing import Any

import pytest

from cti.settings.watching import HookSettings
from cti.store import Store
from cti.watch import hooks as edge
from cti.watch.hooks import Webhooks, pause, signature
from cti.wire.watching import Alert
from tests.watching.kit import NOW, receiver, run, running, store_in

SECRET = "a-secret-of-the-receiver-1313"


def _alert(n: int, kind: Any = "late") -> Alert:
    return Alert(
        id=f"{kind}:c{n}#1",
        kind=kind,
        queue="europe",
        call=f"c{n}",
        visit=f"c{n}#1",
        since=NOW,
        at=NOW + 13,
        limit=13.0,
    )


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        """Now."""
        return self.now


def _hooks(store: Store, url: str, clock: Clock, **more: Any) -> Webhooks:
    return Webhooks(
        [HookSettings(name="ops", url=url, secret=SECRET, **more)],
        store,
        run=run,
        clock=clock,
        site="十三秒",
        who=lambda call: ("13505741300", "周敏"),
    )


def _tell(hooks: Webhooks, store: Store, *alerts: Alert, at: float = NOW) -> None:
    store.save_alerts(alerts, [], hooks.deliveries(alerts, [], at, lambda alert: False))
    hooks.wake()


async def _settled(store: Store, sent: int, failed: int = 0) -> None:
    async with asyncio.timeout(20):
        while True:
            counts = await run(store.hook_counts)
            if "ops" in counts and (counts["ops"].sent, counts["ops"].failed) == (sent, failed):
                return
            await asyncio.sleep(0.01)  # the store tells nobody


async def test_a_delivery_is_signed_over_time_and_body_and_names_no_customer(tmp_path: Path) -> None:
    """HMAC-SHA256 over timestamp, dot, body; the body has the alert and nothing of the caller."""
    store, clock = store_in(tmp_path), Clock()
    async with receiver() as there:
        hooks = _hooks(store, there.url, clock)
        _tell(hooks, store, _alert(1))
        async with running(hooks.run()):
            await there.until(1)
            await _settled(store, 1)
    headers, body = there.got[0]
    expected = hmac.new(SECRET.encode(), f"{int(NOW)}.".encode() + body, hashlib.sha256).hexdigest()
    assert headers["X-Thirteen-Signature"] == f"v1={expected}" == signature(SECRET, int(NOW), body)
    assert headers["X-Thirteen-Timestamp"] == str(int(NOW))
    told = json.loads(body)
    assert (told["v"], told["type"], told["alert"]["id"], told["site"]) == (1, "alert.raised", "late:c1#1", "十三秒")
    assert b"1350" not in body
    assert "周敏" not in body.decode()
    assert SECRET not in body.decode() + str(headers)
    store.close()


async def test_only_a_site_that_wants_it_sends_who_calls(tmp_path: Path) -> None:
    """With `customers`, number and name go along; kinds that are not wanted, and silenced alerts, do not go at all."""
    store, clock = store_in(tmp_path), Clock()
    hooks = _hooks(store, "http://127.0.0.1:9/hook", clock, customers=True, kinds=("late",), cleared=False)
    found = hooks.deliveries([_alert(1), _alert(2, "warn")], [_alert(3)], NOW, lambda alert: False)
    assert [delivery.id for delivery in found] == ["ops late:c1#1 raised"]
    assert json.loads(found[0].body)["caller"] == {"number": "13505741300", "name": "周敏"}
    assert hooks.deliveries([_alert(1)], [], NOW, lambda alert: True) == []
    store.close()


async def test_what_is_not_taken_is_tried_again_in_order_with_growing_pauses(tmp_path: Path) -> None:
    """The first is refused twice: the second waits behind it, and both arrive once, the first first."""
    store, clock = store_in(tmp_path), Clock()
    async with receiver() as there:
        there.answers = [500, 503]
        hooks = _hooks(store, there.url, clock)
        _tell(hooks, store, _alert(1), _alert(2))
        async with running(hooks.run()):
            for tries in (1, 2):
                await there.until(tries)
                await _errors(store, tries)
                clock.now += pause(tries - 1)
                hooks.wake()
            await _settled(store, 2)
    ids = [json.loads(body)["alert"]["id"] for _, body in there.got]
    assert ids == ["late:c1#1", "late:c1#1", "late:c1#1", "late:c2#1"]
    assert len({headers["X-Thirteen-Delivery"] for headers, _ in there.got}) == 2
    assert len({headers["X-Thirteen-Signature"] for headers, _ in there.got[:3]}) == 3, "signed anew each time"
    assert [pause(n) for n in (0, 1, 5, 11, 40)] == [5.0, 10.0, 160.0, 10_240.0, 10_800.0]
    store.close()


async def _errors(store: Store, tries: int) -> None:
    async with asyncio.timeout(20):
        while next((d.tries for d in await run(lambda: store.due_deliveries(1e12, ["ops"]))), 0) < tries:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_a_restart_loses_nothing_and_sends_nothing_twice(tmp_path: Path) -> None:
    """What waits in the store goes out by the next process; what was taken does not go again."""
    store, clock = store_in(tmp_path), Clock()
    async with receiver() as there:
        before = _hooks(store, there.url, clock)
        _tell(before, store, _alert(1))
        async with running(before.run()):
            await _settled(store, 1)
        _tell(before, store, _alert(1), _alert(2))
        after = _hooks(store, there.url, clock)
        async with running(after.run()):
            await _settled(store, 2)
    assert [json.loads(body)["alert"]["id"] for _, body in there.got] == ["late:c1#1", "late:c2#1"]
    store.close()


async def test_redirects_are_not_followed_and_the_end_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another address is never asked, whatever the answer says; a proxy of the environment is not used; 410 ends it."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    store, clock = store_in(tmp_path), Clock()
    async with receiver() as there:
        there.answers = [302, 307, 410]
        hooks = _hooks(store, there.url, clock)
        _tell(hooks, store, _alert(1))
        with caplog.at_level(logging.DEBUG):
            async with running(hooks.run()):
                for tries in (1, 2):
                    await there.until(tries)
                    await _errors(store, tries)
                    clock.now += pause(tries - 1)
                    hooks.wake()
                await _settled(store, 0, 1)
    assert there.elsewhere == 0
    assert len(there.got) == 3
    logged = caplog.text
    assert SECRET not in logged
    assert there.url not in logged
    assert "late:c1" not in logged
    views = await hooks.views()
    assert (views[0].failed, views[0].last_error) == (1, "status 410")
    assert SECRET not in str(views)
    assert there.url not in str(views)
    store.close()


async def test_tries_and_what_waits_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the last try it is given up; an unreachable receiver is no failure of the service."""
    monkeypatch.setattr(edge, "TRIES", 3)
    store, clock = store_in(tmp_path), Clock()
    hooks = _hooks(store, "http://127.0.0.1:9/hook", clock)
    _tell(hooks, store, _alert(1))
    async with running(hooks.run()):
        for tries in (1, 2):
            await _errors(store, tries)
            clock.now += 3600
            hooks.wake()
        await _settled(store, 0, 1)
    store.close()


def test_settings_never_show_address_or_secret() -> None:
    """Neither in a log nor in an error."""
    hook = HookSettings(name="ops", url="https://x.example/T0K3N", secret=SECRET)
    assert SECRET not in repr(hook)
    assert "T0K3N" not in repr(hook)
