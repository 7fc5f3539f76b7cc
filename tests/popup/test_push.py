"""The push port, with real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from cti import wire
from cti.popup import hub as hubs
from cti.popup import server
from tests.popup.pages import GUARD_S, ORIGIN, Site, code_of, dial, eventually, heard, hello, identity, site, until


async def test_snapshot_is_first_and_frames_are_numbered_by_one() -> None:
    """Every frame of a connection has the next number, from one."""
    async with site() as made, dial(made.url) as ws:
        first = await hello(ws)
        assert (first["type"], first["seq"], first["v"], first["me"]) == ("snapshot", 1, 1, "lin")
        for n in range(3):
            made.hub.send(("lin",), "pop", wire.body(pop={"n": n}))
        assert [(await heard(ws))["seq"] for _ in range(3)] == [2, 3, 4]


async def test_frame_goes_to_every_page_of_its_user_and_to_nobody_else() -> None:
    """Several browsers of one user all show it; another user's page does not."""
    async with site() as made, dial(made.url) as one, dial(made.url) as two, dial(made.url, "chen") as other:
        for ws in (one, two, other):
            await hello(ws)
        made.hub.send(("lin",), "pop", wire.body(pop={"id": "x"}))
        made.hub.send(("chen",), "pop", wire.body(pop={"id": "y"}))
        assert [(await heard(ws))["pop"]["id"] for ws in (one, two, other)] == ["x", "x", "y"]


async def test_several_frames_of_one_write_are_several_frames() -> None:
    """Frames that go out together arrive one by one, numbered."""
    async with site() as made, dial(made.url) as ws:
        await hello(ws)
        made.hub.send_many(("lin",), "section", [wire.body(n=n) for n in range(6)])
        frames = [await heard(ws) for _ in range(6)]
        assert [(f["seq"], f["n"]) for f in frames] == [(n + 2, n) for n in range(6)]
        await ws.close()
        made.hub.send_many(("lin",), "section", [wire.EMPTY, wire.EMPTY])


@pytest.mark.parametrize("length", [0, 1, 60, 61, 62, 63, 64, 65, 100, 65_400, 65_480, 65_535, 65_536, 70_000])
async def test_frame_of_any_length_arrives_whole(length: int) -> None:
    """Short, middle and long messages have other headers: each arrives as it was sent, the next one behind it."""
    async with site() as made, dial(made.url) as ws:
        await hello(ws)
        for n in range(2):
            made.hub.send(("lin",), "pop", wire.body(text="x" * length, n=n))
        assert [(f["text"], f["n"]) for f in (await heard(ws), await heard(ws))] == [
            ("x" * length, n) for n in range(2)
        ]


async def test_frame_is_on_its_way_before_send_returns() -> None:
    """Nothing is queued: the bytes stand in the socket when the hub is done."""
    async with site() as made, dial(made.url) as ws:
        await hello(ws)
        page = made.hub.pages()[0]
        made.hub.send(("lin",), "pop", wire.body(pop={}))
        assert page.pipe.pending() == 0
        assert (await heard(ws))["type"] == "pop"


HOSTILE = (
    None,
    "",
    "null",
    "http://127.0.0.1:8081",
    "https://127.0.0.1:8080",
    "http://127.0.0.1",
    "http://127.0.0.1:8080/",
    "http://127.0.0.1:8080.evil.example",
    "http://evil.example/http://127.0.0.1:8080",
    "http://127.0.0.1:8080@evil.example",
    "HTTP://127.0.0.1:8080",
    "http://127.0.0.1:08080",
    "http://127.1:8080",
    "http://localhost:8080",
    "http://[::1]:8080",
    "http://127.0.0.1:80800",
    "http://x127.0.0.1:8080",
    "http://xn--127-0-0-1:8080",
    "file://",
    "chrome-extension://abc",
    f"{ORIGIN}, {ORIGIN}",
    f"{ORIGIN} http://evil.example",
)


@pytest.mark.parametrize("origin", HOSTILE)
async def test_foreign_origin_is_refused(origin: str | None) -> None:
    """The origin must be a listed one, letter for letter; none at all is foreign, too."""
    async with site() as made:
        with pytest.raises(InvalidStatus) as refused:
            async with dial(made.url, origin=origin):
                pass
        assert refused.value.response.status_code == 403


async def test_two_origin_headers_are_refused() -> None:
    """A second Origin header does not slip a foreign one past."""
    async with site() as made:
        for second in ("http://evil.example", ORIGIN):
            with pytest.raises(InvalidStatus):
                await dial(made.url, more_headers=[("Origin", second)])


async def test_other_paths_are_not_there() -> None:
    """Only /push is served, and no token in its query helps or harms."""
    async with site() as made:
        with pytest.raises(InvalidStatus) as refused:
            async with dial(made.url.replace("/push", "/other")):
                pass
        assert refused.value.response.status_code == 404
        async with dial(made.url + "?token=lin", None) as ws:
            assert await code_of(ws) == 4001


async def test_stranger_is_told_to_log_in() -> None:
    """Without a session the connection is closed with 4001."""
    async with site() as made, dial(made.url, "nobody") as ws:
        assert await code_of(ws) == 4001
        assert len(made.hub) == 0


async def test_board_is_for_those_who_have_the_right() -> None:
    """An agent's page that asks for the board is closed with 4003, a supervisor's is served."""
    async with site() as made:
        async with dial(made.url, "lin") as ws:
            await ws.send('{"type":"hello","v":1,"page":"board"}')
            assert await code_of(ws) == 4003
        async with dial(made.url, "han") as ws:
            assert (await hello(ws, "board"))["type"] == "snapshot"
            made.hub.send_boards("board", lambda customers: wire.body(customers=customers))
            assert (await heard(ws))["customers"] is True


async def test_board_without_the_right_to_customers_is_another_one() -> None:
    """An admin's board is encoded without customers."""
    async with site() as made:
        made.users["root"] = identity("root", "admin")
        async with dial(made.url, "root") as ws:
            await hello(ws, "board")
            made.hub.send_boards("board", lambda customers: wire.body(customers=customers))
            assert (await heard(ws))["customers"] is False


@pytest.mark.parametrize(
    "first",
    ['{"type":"beat"}', "not json", '{"type":"hello","v":2,"page":"desk"}', '{"type":"hello","v":1,"page":"x"}', b"\0"],
)
async def test_first_frame_must_be_a_hello_of_this_version(first: str | bytes) -> None:
    """Anything else is closed with 1008."""
    async with site() as made, dial(made.url) as ws:
        await ws.send(first)
        assert await code_of(ws) == 1008


async def test_page_that_never_says_hello_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that only sits there does not stay."""
    monkeypatch.setattr(server, "HELLO_S", 0.05)
    async with site() as made, dial(made.url) as ws:
        assert await code_of(ws) == 1008


async def test_silent_page_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page without heartbeats is gone."""
    monkeypatch.setattr(server, "SILENT_S", 0.05)
    async with site() as made, dial(made.url) as ws:
        await hello(ws)
        assert await code_of(ws) == 1001
        assert len(made.hub) == 0


async def test_heartbeat_comes_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page hears from the service although nothing happens."""
    monkeypatch.setattr(server, "BEAT_S", 0.05)
    async with site() as made, dial(made.url) as ws:
        await hello(ws)
        assert (await until(ws, "beat"))["seq"] == 2


async def test_rubbish_and_floods_are_closed() -> None:
    """What is no frame, a frame too large, and too many frames end the connection."""
    async with site() as made:
        async with dial(made.url) as ws:
            await hello(ws)
            await ws.send('{"type":"nonsense"}')
            assert await code_of(ws) == 1008
        async with dial(made.url) as ws:
            await hello(ws)
            await ws.send("x" * 20_000)
            assert await code_of(ws) == 1009
        async with dial(made.url) as ws:
            await hello(ws)
            with contextlib.suppress(ConnectionClosed):
                for _ in range(500):
                    await ws.send('{"type":"beat"}')
            assert await code_of(ws) == 1008


async def test_seen_is_reported_with_its_user() -> None:
    """The page tells that a pop was drawn."""
    async with site() as made, dial(made.url) as ws:
        told: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
        made.push._on_seen = lambda who, pop: told.put_nowait((who.login, pop))
        await hello(ws)
        await ws.send('{"type":"seen","pop":"abc"}')
        assert await asyncio.wait_for(told.get(), GUARD_S) == ("lin", "abc")


async def test_logout_closes_the_pages_of_the_session() -> None:
    """Only that session's pages go, with 4001."""
    async with site() as made:
        made.users["lin2"] = identity("lin", session="other")
        async with dial(made.url) as one, dial(made.url, "lin2") as two:
            await hello(one)
            await hello(two)
            made.hub.close_session("s-lin")
            assert await code_of(one) == 4001
            made.hub.send(("lin",), "pop", wire.body(pop={}))
            assert (await heard(two))["type"] == "pop"


async def test_session_that_ended_in_the_store_closes_its_pages() -> None:
    """A user disabled by another process loses his page within seconds."""
    async with site() as made, dial(made.url) as ws:
        await hello(ws)
        del made.users["lin"]
        assert await code_of(ws) == 4001


async def test_lost_right_closes_the_page() -> None:
    """A supervisor who became an agent no longer sees the board."""
    async with site() as made, dial(made.url, "han") as ws:
        await hello(ws, "board")
        made.users["han"] = identity("han", "agent")
        assert await code_of(ws) == 4003


async def test_restart_is_announced() -> None:
    """Stopping closes every page with 1012."""
    async with site() as made, dial(made.url) as ws:
        await hello(ws)
        await made.push.stop()
        assert await code_of(ws) == 1012


async def test_who_has_just_connected_is_told_of_the_restart_and_not_refused() -> None:
    """A connection that is not yet greeted when the service stops is let in and closed with 1012 like the others."""
    async with site() as made:
        host, port = made.url.removeprefix("ws://").removesuffix("/push").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        await eventually(lambda: made.push._server is not None and made.push._server.handler_tasks)
        stopping = asyncio.create_task(made.push.stop())
        for _ in range(5):
            await asyncio.sleep(0)
        writer.write(
            f"GET /push HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Origin: {ORIGIN}\r\nCookie: cti=lin\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )
        async with asyncio.timeout(GUARD_S):
            said = await reader.readuntil(b"\r\n\r\n")
            assert said.startswith(b"HTTP/1.1 101 ")
            assert (await reader.readexactly(4))[2:] == (1012).to_bytes(2, "big")
        writer.close()
        await stopping


async def test_page_that_sleeps_holds_up_no_restart() -> None:
    """A page that does not read is cut off a second later, and the service ends."""
    async with site() as made, dial(made.url, "chen") as awake, _sleeper(made):
        await hello(awake)
        for _ in range(2000):
            made.hub.send(("lin",), "pop", wire.body(pop={"fill": "x" * 8000}))
        async with asyncio.timeout(GUARD_S):
            await made.push.stop()
        assert await code_of(awake) == 1012
        assert made.push._server is not None
        assert not made.push._server.all_connections


async def test_too_many_pages_of_one_user_cost_the_oldest() -> None:
    """A user's pages are bounded; the newest stays."""
    async with site() as made, dial(made.url) as first:
        await hello(first)
        rest = [await dial(made.url) for _ in range(hubs.MAX_PAGES)]
        for ws in rest:
            await hello(ws)
        assert await code_of(first) == 4008
        assert len(made.hub) == hubs.MAX_PAGES
        for ws in rest:
            await ws.close()


@asynccontextmanager
async def _sleeper(made: Site) -> AsyncIterator[socket.socket]:
    """A page that says hello and then reads nothing, with small buffers."""
    host, port = made.url.removeprefix("ws://").removesuffix("/push").split(":")
    sleeper = socket.socket()
    sleeper.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sleeper.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(sleeper, (host, int(port)))
    request = (
        f"GET /push HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Origin: {ORIGIN}\r\nCookie: cti=lin\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    payload = b'{"type":"hello","v":1,"page":"desk"}'
    frame = b"\x81" + bytes([0x80 | len(payload)]) + bytes(4) + payload
    await loop.sock_sendall(sleeper, request.encode() + frame)
    try:
        await eventually(lambda: made.hub.has("lin"))
        yield sleeper
    finally:
        sleeper.close()


async def test_slow_page_is_skipped_and_gets_a_snapshot_when_it_has_read_on() -> None:
    """Memory for a page that does not read is bounded; the others feel nothing; afterwards it knows everything."""
    async with site() as made, dial(made.url, "chen") as quick, _sleeper(made) as sleeper:
        await hello(quick)
        (page,) = [p for p in made.hub.pages() if p.identity.login == "lin"]
        body = wire.body(pop={"fill": "x" * 8000})
        for _ in range(2000):
            made.hub.send(("lin",), "pop", body)
        assert page.behind_since is not None
        assert page.pipe.pending() < hubs.MAX_BUFFER + 64 * 1024
        assert made.hub.figures.skipped > 1000
        made.hub.send(("chen",), "pop", wire.body(pop={}))
        assert (await heard(quick))["type"] == "pop"
        snapshots = made.snapshots
        loop, read = asyncio.get_running_loop(), bytearray()
        async with asyncio.timeout(GUARD_S):
            while made.snapshots == snapshots or b'"n":%d' % made.snapshots not in read:
                read += await loop.sock_recv(sleeper, 65536)
        numbers = [int(part.split(b",")[0]) for part in bytes(read).split(b'"seq":')[1:]]
        assert numbers == list(range(1, len(numbers) + 1))


async def test_page_that_stays_behind_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that never reads on is closed with 4008 and forgotten."""
    monkeypatch.setattr(hubs, "BEHIND_S", 0.3)
    async with site() as made, _sleeper(made):
        for _ in range(2000):
            made.hub.send(("lin",), "pop", wire.body(pop={"fill": "x" * 8000}))
        await eventually(lambda: not len(made.hub))
        assert made.hub.figures.closed_slow == 1


async def test_a_snapshot_larger_than_the_limit_still_arrives() -> None:
    """The bound is on what piles up, not on the size of one frame."""
    async with site() as made:
        made.extra = [("section", wire.body(fill="x" * (2 * hubs.MAX_BUFFER)))]
        async with dial(made.url, max_size=None) as ws:
            await hello(ws)
            assert len((await heard(ws))["fill"]) == 2 * hubs.MAX_BUFFER
            made.extra = []
            await eventually(lambda: made.hub.pages()[0].behind_since is None)
            made.hub.send(("lin",), "pop", wire.body(pop={"id": "after"}))
            assert (await until(ws, "pop"))["pop"]["id"] == "after"


async def test_hostile_names_are_data() -> None:
    """Whatever stands in a name arrives as the same text in one valid frame."""
    names = ["<script>alert(1)</script>", '"},{"type":"x', "\u2028\u202e\x00", "\ud800", "😀" * 500, "'; DROP TABLE"]
    async with site() as made, dial(made.url) as ws:
        await hello(ws)
        for name in names:
            made.hub.send(("lin",), "pop", wire.body(pop={"name": name}))
            frame = json.loads(json.dumps(await heard(ws)))
            assert frame["type"] == "pop"
            assert frame["pop"]["name"] == name.replace("\ud800", "\ufffd")
