"""Redis over TLS and behind sentinels: the same relay, and a primary that dies is no more than a pause."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator

import pytest
import redis

from tests.relay.test_relay import GUARD_S, Node, listening
from tests.servers.certificates import Certificates
from tests.servers.redis import GROUP, Group, Redis

PASSWORD = "open/sesame@13"
WRITTEN = "open%2Fsesame%4013"


@pytest.fixture(scope="module")
def tls() -> Iterator[Certificates]:
    """One authority for all of these."""
    made = Certificates.make()
    yield made
    made.end()


@pytest.fixture(scope="module")
def secured(tls: Certificates) -> Iterator[Redis]:
    """A Redis that wants TLS, a certificate and a password."""
    started = Redis.start("--requirepass", PASSWORD, tls=tls)
    yield started
    started.end()


def files(tls: Certificates) -> str:
    """What an address says of its files."""
    return f"?ca={tls.ca}&cert={tls.cert}&key={tls.key}"


async def test_redis_over_tls_with_a_password_and_certificates_of_the_site(secured: Redis, tls: Certificates) -> None:
    """An authority of the site's own, a client certificate, a password with signs in it: told and heard."""
    url = f"rediss://:{WRITTEN}@127.0.0.1:{secured.port}/2{files(tls)}"
    async with listening(url, "a", "t1") as a, listening(url, "b", "t1") as b:
        a.relay.tell("n", b"1")
        await b.until(lambda: b.bodies("a") == [1])


@pytest.mark.parametrize("wrong", ["authority", "password", "certificate", "plain"])
async def test_what_does_not_fit_is_away_and_says_why_without_the_password(
    secured: Redis, tls: Certificates, wrong: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A server signed by somebody else is not talked to, nor one that refuses us; the log names the error's kind."""
    other = Certificates.make()
    url = {
        "authority": f"rediss://:{WRITTEN}@127.0.0.1:{secured.port}{files(tls).replace(str(tls.ca), str(other.ca))}",
        "password": f"rediss://:{WRITTEN}x@127.0.0.1:{secured.port}{files(tls)}",
        "certificate": f"rediss://:{WRITTEN}@127.0.0.1:{secured.port}?ca={tls.ca}",
        "plain": f"redis://:{WRITTEN}@127.0.0.1:{secured.port}",
    }[wrong]
    try:
        with caplog.at_level(logging.WARNING, "cti.relay"):
            made = Node(url, "a", "t2")
            task = asyncio.create_task(made.relay.run())
            async with asyncio.timeout(GUARD_S):
                while len(caplog.records) < 2:  # noqa: ASYNC110
                    await asyncio.sleep(0.005)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
    finally:
        other.end()
    assert made.relay.up is False
    assert f"127.0.0.1:{secured.port}" in caplog.text
    assert "Error" in caplog.text
    for hush in (PASSWORD, WRITTEN):
        assert hush not in caplog.text
        assert hush not in repr(made.relay.where)


@pytest.fixture(params=["plain", "tls"])
def group(request: pytest.FixtureRequest, tls: Certificates) -> Iterator[Group]:
    """A primary, its replica and three sentinels."""
    started = Group.start(tls=tls if request.param == "tls" else None, password="sesame-13")
    yield started
    started.end()


@pytest.mark.long
async def test_killed_primary_is_a_pause_and_what_was_lost_is_known(group: Group, tls: Certificates) -> None:
    """The sentinels name the next primary: telling goes on, and whoever missed an entry of the dead one knows of it."""
    scheme, query = (group.scheme, files(tls) if group.scheme == "rediss" else "")
    url = f"{scheme}+sentinel://:sesame-13@{group.hosts}/{GROUP}/0{query}"
    async with listening(url, "a", "t3") as a, listening(url, "b", "t3") as b:
        told = 0
        while told < 50:
            a.relay.tell("n", b"%d" % told, urgent=True)
            told += 1
            await asyncio.sleep(0)
        await b.until(lambda: b.bodies("a")[-1:] == [49])
        before = len(b.holes)
        group.kill_primary()
        a.relay.tell("n", b"50", urgent=True)
        await a.until(lambda: not a.relay.up)
        a.relay.tell("n", b"51", urgent=True)
        await a.until(lambda: a.relay.up)
        a.relay.tell("n", b"52", urgent=True)
        await b.until(lambda: b.bodies("a")[-1:] == [52])
        heard = b.bodies("a")
        assert heard == sorted(set(heard)), "heard twice, or out of order"
        assert heard == list(range(53)) or len(b.holes) > before


@pytest.mark.long
@pytest.mark.parametrize("group", ["plain"], indirect=True)
async def test_replica_that_was_behind_takes_over_and_nothing_is_heard_twice(group: Group) -> None:
    """The next primary has less than was read of the dead one: that is said, and what it has is not heard again."""
    url = f"redis+sentinel://:sesame-13@{group.hosts}/{GROUP}/0"
    replica = redis.Redis(port=group.replica.port, password="sesame-13")
    async with listening(url, "a", "t4") as a, listening(url, "b", "t4") as b:
        a.relay.tell("n", b"0", urgent=True)
        await b.until(lambda: b.bodies("a") == [0])
        await asyncio.to_thread(_until, lambda: replica.xlen("t4") == 1)
        # It loses its primary, and cannot come back to it.
        await asyncio.to_thread(replica.config_set, "masterauth", "wrong")
        await asyncio.to_thread(replica.execute_command, "CLIENT", "KILL", "TYPE", "master")
        a.relay.tell("n", b"1", urgent=True)
        await b.until(lambda: b.bodies("a") == [0, 1])
        before = len(b.holes)
        group.kill_primary()
        await b.until(lambda: not b.relay.up)
        await b.until(lambda: b.relay.up)
        assert b.holes[before:] == [""], "a primary that lacks what was read is not told of"
        a.relay.tell("n", b"2", urgent=True)
        await b.until(lambda: b.bodies("a")[-1:] == [2])
        assert b.bodies("a") == [0, 1, 2], "heard twice, or not at all"
    replica.close()


def _until(true: Callable[[], object]) -> None:
    limit = time.monotonic() + GUARD_S
    while not true():
        assert time.monotonic() < limit
        time.sleep(0.01)
