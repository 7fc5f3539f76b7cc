"""The port for callbacks of SMS platforms: `/hooks/sms/{platform}/{secret}`.

A callback is authentic (secret path in constant time, network, signature where there is one), small, understood, and
on the disk before it hears a yes. It is served apart from the pages: a flood here must not reach them.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ipaddress
import logging
import socket
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import msgspec
from aiohttp import web

from cti.sms.platform import Accepted, HookRefused, HttpPlatform, Push, Taking

log = logging.getLogger(__name__)

MAX_BODY: Final = 64 * 1024
BODY_S: Final = 5.0
"How long a body may take."
SILENT_S: Final = 10.0
"A connection that has not sent one whole request by then is closed."
RATE, BURST = 300.0, 600.0
"Callbacks a second from a source that is in no list, and how many at once."
WRONG, WRONG_S = 20, 600.0
"So many wrong secrets or signatures within these seconds, and the source waits as long."
SOURCES: Final = 10_000

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Door(msgspec.Struct, frozen=True):
    """One platform's entrance."""

    platform: HttpPlatform
    secrets: tuple[str, ...]
    networks: tuple[Network, ...]
    url: str
    "Scheme, host and port as the platform calls them; '' where nobody said."


class Sources:
    """Who comes how often, and who was wrong how often; bounded."""

    def __init__(self) -> None:
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._wrong: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def admit(self, source: str, now: float) -> bool:
        """Takes one from the source's bucket; False where it is empty."""
        level, at = self._buckets.pop(source, (BURST, now))
        level = min(BURST, level + (now - at) * RATE)
        admitted = level >= 1.0
        self._buckets[source] = (level - 1.0 if admitted else level, now)
        while len(self._buckets) > SOURCES:
            self._buckets.popitem(last=False)
        return admitted

    def locked(self, source: str, now: float) -> bool:
        """Whether it was wrong too often."""
        count, since = self._wrong.get(source, (0, now))
        return count >= WRONG and now - since < WRONG_S

    def was_wrong(self, source: str, now: float) -> None:
        """A wrong secret, a wrong signature."""
        count, since = self._wrong.pop(source, (0, now))
        if now - since >= WRONG_S:
            count, since = 0, now
        self._wrong[source] = (count + 1, since)
        while len(self._wrong) > SOURCES:
            self._wrong.popitem(last=False)


class HookServer:
    """Serves callbacks on one port."""

    def __init__(
        self,
        doors: Mapping[str, Door],
        keep: Callable[[Taking], Awaitable[None]],
        *,
        clock: Callable[[], float],
        steady: Callable[[], float],
        proxies: tuple[Network, ...] = (),
    ) -> None:
        """`keep` returns when a callback is on the disk, and raises where it is not: then the platform comes again."""
        self.counts: Counter[tuple[str, str]] = Counter()
        "{(platform, what became of it): how many}; an unknown platform is ''."
        self._doors = dict(doors)
        self._keep = keep
        self._clock = clock
        self._steady = steady
        self._proxies = proxies
        self._sources = Sources()
        self._spoken: set[object] = set()
        "Connections that brought a request; those that are gone leave with the next sweep."
        self._seen: dict[object, float] = {}
        self._sweeper: asyncio.Task[None] | None = None
        app = web.Application(client_max_size=MAX_BODY)
        app.router.add_route("POST", "/hooks/sms/{platform}/{secret}", self._take)
        app.router.add_route("*", "/{path:.*}", self._absent)
        self._runner = web.AppRunner(
            app,
            access_log=None,  # the path holds the secret
            auto_decompress=False,
            handler_cancellation=False,
            shutdown_timeout=2.0,
            keepalive_timeout=30.0,
        )

    async def start(self, sock: socket.socket) -> int:
        """Listen on a socket; returns its port."""
        await self._runner.setup()
        await web.SockSite(self._runner, sock).start()
        self._sweeper = asyncio.get_running_loop().create_task(self._sweep())
        return int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Finish what is under way, and stop."""
        if self._sweeper is not None:
            self._sweeper.cancel()
            await asyncio.gather(self._sweeper, return_exceptions=True)
        await self._runner.cleanup()

    async def _sweep(self) -> None:
        """Close connections that never get to a request."""
        while True:
            await asyncio.sleep(SILENT_S / 4)
            server, now = self._runner.server, self._steady()
            open_now = set() if server is None else set(server.connections)
            self._seen = {one: self._seen.get(one, now) for one in open_now}
            self._spoken &= open_now
            for one, since in self._seen.items():
                if one not in self._spoken and now - since > SILENT_S:
                    self.counts["", "silent"] += 1
                    transport = getattr(one, "transport", None)
                    if transport is not None:
                        transport.abort()

    async def _absent(self, request: web.Request) -> web.Response:
        self._spoken.add(request.protocol)
        self.counts["", "absent"] += 1
        return web.Response(status=404)

    async def _take(self, request: web.Request) -> web.Response:
        self._spoken.add(request.protocol)
        name = request.match_info["platform"]
        door = self._doors.get(name)
        status, accepted = await self._answer(request, door)
        self.counts[name if door is not None else "", str(status)] += 1
        if accepted is None:
            headers = {"Retry-After": "60"} if status in (429, 503) else {}
            return web.Response(status=status, headers=headers)
        return web.Response(body=accepted.body, headers={"Content-Type": accepted.content_type})

    async def _answer(self, request: web.Request, door: Door | None) -> tuple[int, Accepted | None]:
        now, source = self._steady(), self._source(request)
        if self._sources.locked(source, now):
            return 429, None
        # All secrets are compared, and one more where there is no such platform: it takes as long either way.
        given = _digest(request.match_info["secret"])
        secrets = door.secrets if door is not None else ("none",)
        right = [hmac.compare_digest(given, _digest(secret)) for secret in secrets]
        if door is None or not any(right):
            self._sources.was_wrong(source, now)
            return 404, None
        listed = any(_within(source, network) for network in door.networks)
        if door.networks and not listed:
            self._sources.was_wrong(source, now)
            return 401, None
        if not listed and not self._sources.admit(_household(source), now):
            return 429, None
        try:
            push = await self._push(request, door)
            taken = door.platform.take(push)
        except HookRefused as refused:
            if refused.status == 401:
                self._sources.was_wrong(source, now)
            return refused.status, None
        except Exception as error:
            # A platform's reader raises HookRefused only; whatever else it is, it is the body's fault.
            log.error("a callback of %s was not understood: %s", door.platform.name, type(error).__name__)
            return 400, None
        if taken.bad:
            self.counts[door.platform.name, "bad entries"] += taken.bad
        try:
            await self._keep(Taking(platform=door.platform.name, body=push.body, items=taken.items, at=push.now))
        except Exception as error:
            log.warning("a callback of %s could not be kept: %s", door.platform.name, type(error).__name__)
            return 503, None
        return 200, door.platform.accepted

    async def _push(self, request: web.Request, door: Door) -> Push:
        if request.content_length is not None and request.content_length > MAX_BODY:
            raise HookRefused(413)
        if request.headers.get("Content-Encoding", "identity").lower() not in ("", "identity"):
            raise HookRefused(415)  # nothing is unpacked here
        kind = request.content_type
        if kind.startswith(("multipart/", "image/", "audio/", "video/")):
            raise HookRefused(415)
        try:
            async with asyncio.timeout(BODY_S):
                body = await request.read()
        except TimeoutError:
            raise HookRefused(408) from None
        except web.HTTPRequestEntityTooLarge:
            raise HookRefused(413) from None
        if not body:
            raise HookRefused(400)
        return Push(
            body=body,
            content_type=kind,
            headers={key.lower(): value for key, value in request.headers.items()},
            url=(door.url or f"{request.scheme}://{request.host}") + request.raw_path,
            now=self._clock(),
        )

    def _source(self, request: web.Request) -> str:
        """The address it came from: behind a proxy of ours the last one that the proxy itself saw."""
        peer = request.remote or ""
        if not any(_within(peer, network) for network in self._proxies):
            return peer
        for hop in reversed(",".join(request.headers.getall("X-Forwarded-For", [])).split(",")[-10:]):
            address = hop.strip()
            if address and not any(_within(address, network) for network in self._proxies):
                return address[:60]
        return peer


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()


def _within(address: str, network: Network) -> bool:
    try:
        return ipaddress.ip_address(address) in network
    except ValueError:
        return False


def _household(address: str) -> str:
    """The source as its bucket is kept: a /64 of IPv6 is one."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return ""
    return str(found) if found.version == 4 else str(ipaddress.ip_network((int(found) >> 64 << 64, 64)))
