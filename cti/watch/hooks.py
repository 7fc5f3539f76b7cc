"""Webhooks: alerts sent to the addresses that the site configured, signed, tried again, bounded. A door to aiohttp.

Nothing is ever sent to an address that came from outside: addresses are the settings', redirects are not followed, the
environment's proxies are not used, and of an answer only its status is looked at. A body holds no number and no words
of a customer unless the site wants that. Each delivery waits in the store until it is taken or given up, so that
neither a restart nor a long outage loses one; what is taken twice bears the same id.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Protocol

import aiohttp

from cti import wire
from cti.settings.watching import HookSettings
from cti.wire.watching import Alert, Delivery, HookView

log = logging.getLogger(__name__)

TIMEOUT_S: Final = 10.0
TRIES: Final = 14
"Tries before a delivery is given up: with the pauses below, about a day."
FIRST_PAUSE_S: Final = 5.0
LONGEST_PAUSE_S: Final = 3 * 3600.0
LONGEST_SLEEP_S: Final = 60.0
"The store is asked at least this often."


class Count(Protocol):
    """How a hook's deliveries stand."""

    @property
    def waiting(self) -> int: ...  # noqa: D102
    @property
    def sent(self) -> int: ...  # noqa: D102
    @property
    def failed(self) -> int: ...  # noqa: D102
    @property
    def last_error(self) -> str: ...  # noqa: D102
    @property
    def last_at(self) -> float | None: ...  # noqa: D102


class Outbox(Protocol):
    """The store, as far as webhooks need it. Synchronous."""

    def due_deliveries(self, now: float, hooks: Sequence[str]) -> Sequence[Delivery]:
        """What is to be sent now, oldest first."""

    def next_delivery(self, hooks: Sequence[str]) -> float | None:
        """When something is to be sent next."""

    def delivered(self, delivery: str, at: float, error: str = "", again_at: float | None = None) -> None:
        """A try was made."""

    def bound_deliveries(self, hook: str) -> int:
        """Give up the oldest of too many."""

    def hook_counts(self) -> Mapping[str, Count]:
        """How deliveries stand."""


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """Value of X-Thirteen-Signature: HMAC-SHA256 over the timestamp, a dot and the body, in hex."""
    return "v1=" + hmac.new(secret.encode(), b"%d." % timestamp + body, hashlib.sha256).hexdigest()


def pause(tries: int) -> float:
    """Seconds to the next try after so many: doubling, bounded."""
    return min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(tries, 20))


class Webhooks:
    """All configured webhooks; `run` as a task, `close` behind it."""

    def __init__(
        self,
        hooks: Sequence[HookSettings],
        outbox: Outbox,
        *,
        run: Callable[[Callable[[], Any]], Awaitable[Any]],
        clock: Callable[[], float],
        site: str,
        who: Callable[[str], tuple[str | None, str | None]],
    ) -> None:
        """`who` gives (number, name) of a call's other side; `clock` is this machine's, which receivers compare."""
        self.may_send: Callable[[], bool] = lambda: True
        "False while another node sends."
        self._hooks = {hook.name: hook for hook in hooks}
        self._outbox = outbox
        self._run = run
        self._clock = clock
        self._site = site
        self._who = who
        self._wake = asyncio.Event()
        self._held: dict[str, float] = {}
        "hook -> not before then: its last delivery was not taken, and the others wait behind it"
        self._http: aiohttp.ClientSession | None = None

    # --- what is to be sent ----------------------------------------------------------------------------------------

    def deliveries(
        self, raised: Iterable[Alert], cleared: Iterable[Alert], now: float, quiet: Callable[[Alert], bool]
    ) -> list[Delivery]:
        """What is to be sent of these alerts; of silenced ones nothing."""
        told = [("raised", alert) for alert in raised] + [("cleared", alert) for alert in cleared]
        found = []
        for what, alert in told:
            for hook in self._hooks.values():
                if alert.kind in hook.kinds and (what == "raised" or hook.cleared) and not quiet(alert):
                    body = self._body(hook, what, alert)
                    found.append(Delivery(id=f"{hook.name} {alert.id} {what}", hook=hook.name, body=body, at=now))
        return found

    def _body(self, hook: HookSettings, what: str, alert: Alert) -> str:
        shown: dict[str, Any] = {"v": 1, "type": f"alert.{what}", "site": self._site, "alert": alert}
        if hook.customers and alert.call is not None:
            number, name = self._who(alert.call)
            shown["caller"] = {"number": number, "name": wire.clean_text(name, 40)}
        return wire.encode(shown).decode()

    def wake(self) -> None:
        """Something is to be sent."""
        self._wake.set()

    # --- sending ---------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Send what is due, for ever; each webhook by itself, one delivery after the other."""
        if not self._hooks:
            return
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        self._http = aiohttp.ClientSession(timeout=timeout, trust_env=False, cookie_jar=aiohttp.DummyCookieJar())
        async with self._http:
            while True:
                self._wake.clear()
                try:
                    await self._send_due()
                    at = await self._next()
                except Exception as error:  # the store is away: later
                    log.warning("webhooks wait for the store: %s", type(error).__name__)
                    at = None
                rest = LONGEST_SLEEP_S if at is None else min(LONGEST_SLEEP_S, max(0.05, at - self._clock()))
                try:
                    async with asyncio.timeout(rest):
                        await self._wake.wait()
                except TimeoutError:
                    pass

    def _ready(self, now: float) -> list[str]:
        self._held = {hook: until for hook, until in self._held.items() if until > now}
        return [hook for hook in self._hooks if hook not in self._held]

    async def _next(self) -> float | None:
        ready = self._ready(self._clock())
        at: float | None = await self._run(lambda: self._outbox.next_delivery(ready))
        return min((moment for moment in (at, *self._held.values()) if moment is not None), default=None)

    async def _send_due(self) -> None:
        now = self._clock()
        ready = self._ready(now) if self.may_send() else []
        due = await self._run(lambda: self._outbox.due_deliveries(now, ready))
        by_hook: dict[str, list[Delivery]] = {}
        for delivery in due:
            by_hook.setdefault(delivery.hook, []).append(delivery)
        async with asyncio.TaskGroup() as tasks:
            for name, some in by_hook.items():
                tasks.create_task(self._send_all(self._hooks[name], some))

    async def _send_all(self, hook: HookSettings, deliveries: Sequence[Delivery]) -> None:
        gone = await self._run(lambda: self._outbox.bound_deliveries(hook.name))
        if gone:
            log.error("webhook %s: %d alerts given up, too many waited", hook.name, gone)
        for delivery in deliveries:
            if not self.may_send():
                return
            error = await self._send(hook, delivery)
            now, tries = self._clock(), delivery.tries + 1
            # 410: the receiver says that he is gone for good.
            final = tries >= TRIES or error == "status 410"
            again = None if not error or final else now + pause(delivery.tries)
            if error and (final or tries == 1):
                log.warning("webhook %s: %s", hook.name, error)
            await self._run(lambda: self._outbox.delivered(delivery.id, now, error, again))  # noqa: B023
            if again is not None:
                self._held[hook.name] = again
                return  # the rest waits behind it: order is kept, and a receiver that is down is not beaten

    async def _send(self, hook: HookSettings, delivery: Delivery) -> str:
        """Sends it; '' where it was taken, else why not, without address and secret."""
        assert self._http is not None  # noqa: S101
        body, at = delivery.body.encode(), int(self._clock())
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "thirteen",
            "X-Thirteen-Delivery": hashlib.sha256(delivery.id.encode()).hexdigest()[:32],
            "X-Thirteen-Timestamp": str(at),
            "X-Thirteen-Signature": signature(hook.secret, at, body),
        }
        try:
            async with self._http.post(hook.url, data=body, headers=headers, allow_redirects=False) as response:
                return "" if 200 <= response.status < 300 else f"status {response.status}"
        except TimeoutError:
            return "no answer in time"
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return type(error).__name__

    async def views(self) -> tuple[HookView, ...]:
        """How the webhooks stand, without addresses and secrets."""
        counts: Mapping[str, Count] = await self._run(self._outbox.hook_counts)
        return tuple(
            HookView(
                name=hook.name,
                kinds=hook.kinds,
                waiting=count.waiting if count else 0,
                sent=count.sent if count else 0,
                failed=count.failed if count else 0,
                last_error=count.last_error if count else "",
                last_at=count.last_at if count else None,
            )
            for hook in self._hooks.values()
            for count in (counts.get(hook.name),)
        )
